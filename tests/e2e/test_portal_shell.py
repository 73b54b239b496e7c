# SPDX-License-Identifier: Apache-2.0
"""The portal around its pages: how it is served, what it may do, who is signed in, language and theme, addresses that lead there."""
import gzip
import re

import pytest
from playwright.sync_api import expect

from harness.content import push
from harness.harbor import Harbor, fresh
from harness.server import wait_until
from harness.showcase import Showcase, model


@pytest.fixture(scope="module")
def show(haven):
    return Showcase(haven, "shell-").fill()


HTML = {"Accept": "text/html,application/xhtml+xml"}


# ---- as it is served ----

def test_page_and_its_files(anonymous):
    page = anonymous.request("GET", "/-/")
    assert (page.status, page.get("Content-Type"), page.get("Cache-Control")) == (200, "text/html; charset=utf-8", "no-cache")
    policy = dict(part.strip().split(" ", 1) for part in page.get("Content-Security-Policy").split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'" and policy["require-trusted-types-for"] == "'script'"
    assert page.get("X-Frame-Options") == "DENY" and page.get("Referrer-Policy") == "same-origin"
    text = page.body.decode()
    assert "<style" not in text and not re.search(r"<script(?![^>]*\bsrc=)", text) and "onload" not in text
    assert not re.search(r"https?://", text)
    scripts = re.findall(r'(?:src|href)="(/-/assets/[^"]+)"', text)
    assert scripts
    for path in scripts:
        plain = anonymous.request("GET", path, headers={"Accept-Encoding": "identity"})
        assert plain.get("Cache-Control") == "public, max-age=31536000, immutable"
        assert plain.get("Content-Encoding") is None
        squeezed = anonymous.request("GET", path, headers={"Accept-Encoding": "gzip, br;q=0"})
        assert squeezed.get("Content-Encoding") == "gzip" and gzip.decompress(squeezed.body) == plain.body
        small = anonymous.request("GET", path, headers={"Accept-Encoding": "gzip, deflate, br"})
        assert small.get("Content-Encoding") == "br" and len(small.body) < len(squeezed.body) < len(plain.body)
        assert anonymous.request("GET", path, headers={"If-None-Match": plain.get("ETag")}).status == 304
    assert anonymous.request("GET", "/-/assets/none.js").status == 404
    assert anonymous.request("GET", "/-/projects/a/b/c.d").body == page.body
    bare = anonymous.request("GET", "/-")
    assert (bare.status, bare.get("Location")) == (301, "/-/")
    assert anonymous.request("POST", "/-/").status == 405


def test_first_page_is_small(anonymous):
    """All script of the first page, as a browser gets it: under 300 KB."""
    text = anonymous.request("GET", "/-/").body.decode()
    scripts = set(re.findall(r'(?:src|href)="(/-/[^"]+\.js)"', text))
    assert sum(len(anonymous.request("GET", p, headers={"Accept-Encoding": "br"}).body) for p in scripts) < 300_000


@pytest.mark.parametrize("path, to", [("/", "/-/"), ("/library/model", "/-/m/library/model"), ("/library", "/-/projects/library"),
                                      ("/Qwen/_a/B", "/-/m/Qwen/_a/B"), ("/library/model/", "/-/m/library/model")])
def test_browsers_are_led_there(anonymous, path, to):
    answer = anonymous.request("GET", path, headers=HTML)
    assert (answer.status, answer.get("Location")) == (302, to) and "Accept" in answer.get("Vary")
    for other in ({"Accept": "*/*"}, {"Accept": "application/json"}, {}):
        answer = anonymous.request("GET", path, headers=other)
        assert answer.status == (200 if path == "/" else 404) and answer.get("Location") is None


@pytest.mark.parametrize("path", ["/a b/c", "/%2e%2e/x", "/a//b", "/a/b\\c", "/v2/none", "/api/v2.0/none", "/a/%0d%0aX:y"])
def test_nobody_is_led_astray(anonymous, path):
    answer = anonymous.request("GET", path.replace(" ", "%20"), headers=HTML)
    assert answer.status in (400, 401, 404) and answer.get("Location") is None


LATER = {
    "system": {"registry", "replication", "replication-adapter", "replication-policy", "scan-all", "scanner", "security-hub",
               "preheat-instance", "ldap-user"},
    "project": {"preheat-policy", "notification-policy", "tag-retention", "scan", "scanner", "sbom", "export-cve"},
}


def test_capabilities(admin, anonymous):
    said = Harbor(anonymous).json("/capabilities")
    assert said["portal"] is True and "oras" in said["consumers"]
    assert {"listModels", "getPing", "CreateRobot", "getCapabilities"} <= set(said["operations"])
    routes = Harbor(admin).json("/openapi.json")["paths"]
    for path in routes.values():
        for operation in path.values():
            if isinstance(operation, dict) and "operationId" in operation:
                later = "x-absent-until" in operation or "x-empty-until" in operation
                assert (operation["operationId"] in said["operations"]) != later, operation["operationId"]
    assert Harbor(anonymous).call("POST", "/capabilities", {}).status == 405


def test_rights_that_nothing_asks_for_yet(admin, anonymous):
    """Robots may be given them, as in Harbor; nobody has to be offered them."""
    said, all_of = Harbor(anonymous).json("/capabilities"), Harbor(admin).json("/permissions")
    for level in ("system", "project"):
        known, delivered = {p["resource"] for p in all_of[level]}, said[level + "_resources"]
        assert len(delivered) == len(set(delivered)) and set(delivered) <= known
        assert known - set(delivered) == LATER[level]


# ---- in a browser ----

def test_nobody_looks_around(window, show):
    portal = window()
    page = portal.open("/")
    expect(page).to_have_title("Discover models · Haven")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    expect(page.get_by_role("link", name=f"{show.research}/Harbour-1B-Chat").first).to_be_visible()
    expect(page.get_by_text("Unreleased")).to_have_count(0)
    expect(page.get_by_label("Main").get_by_role("link", name="Discover")).to_have_attribute("aria-current", "page")
    portal.shot("discover")
    assert portal.axe() == []


def test_sign_in_and_out(window, show):
    portal = window()
    number, _ = show.people["dev"]
    assert number
    portal.allow("status of 401")
    page = portal.open("/sign-in", next="/-/?q=harbour")
    page.get_by_label("User name or e-mail address").fill(f"{show.research}-dev")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("User name or password is wrong.")
    assert portal.axe() == []
    page.get_by_label("Password").fill("Correct-Horse-9")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your account")).to_be_visible()
    assert page.url.endswith("/-/?q=harbour")
    page.reload()
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_a_sign_in_leads_nowhere_else(window, show):
    portal = window()
    page = portal.open("/sign-in", next="https://example.org/")
    page.get_by_label("User name or e-mail address").fill(f"{show.research}-dev")
    page.get_by_label("Password").fill("Correct-Horse-9")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your account")).to_be_visible()
    assert page.url == portal.base + "/-/"


def test_language_and_theme_last(window, show):
    portal = window()
    page = portal.open("/")
    page.get_by_label("Language").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("h1")).to_have_text("发现模型")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_label("深色").click()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    page.reload()
    expect(page.locator("h1")).to_have_text("发现模型")
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    portal.shot("discover-zh-dark")
    assert portal.axe() == []


def test_the_browser_decides_at_first(window, show):
    portal = window(dark=True, language="zh-CN", phone=True)
    page = portal.open("/")
    expect(page.locator("h1")).to_have_text("发现模型")
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    portal.shot("discover-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_script_is_not_challenged(anonymous):
    """A browser would put up a form of its own over the portal's."""
    for more, there in (({}, True), ({"X-Requested-With": "XMLHttpRequest"}, False)):
        answer = anonymous.request("GET", "/api/v2.0/users/current", headers=more)
        assert answer.status == 401 and (answer.get("WWW-Authenticate") is not None) == there


def test_filters_are_in_the_address(window, show):
    portal = window()
    page = portal.open("/", q="harbour")
    page.get_by_role("group", name="Project").get_by_label(show.research).check()
    portal.settle()
    assert f"project={show.research}" in page.url
    found = page.locator("article.model")
    expect(found).to_have_count(3)
    page.get_by_label("Sort by").select_option("name")
    portal.settle()
    other = window()
    other.page.goto(page.url)
    other.settle()
    expect(other.page.locator("article.model")).to_have_count(3)
    expect(other.page.get_by_label("Sort by")).to_have_value("name")
    page.go_back()
    page.go_back()
    portal.settle()
    assert "project" not in page.url
    page.get_by_role("searchbox").last.fill("nothing has this name")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No model has all of this")).to_be_visible()


def test_filters_are_taken_away_one_by_one(window, show):
    portal = window()
    page = portal.open("/", q="harbour", project=show.research, format="safetensors", min_parameters="1000", max_parameters="5000000")
    chips = page.get_by_role("list", name="Filters in use")
    expect(chips.get_by_role("button")).to_have_text([
        "Take away the filter “harbour”", "Take away the filter Parameters 1K to 5M", "Take away the filter Format safetensors",
        f"Take away the filter Project {show.research}"])
    assert portal.axe() == []
    portal.shot("discover-filters")
    page.get_by_role("button", name="Take away the filter Format safetensors").click()
    expect(chips.get_by_role("button")).to_have_count(3)
    assert "format" not in page.url and "q=harbour" in page.url
    page.get_by_role("button", name="Take away the filter “harbour”").click()
    page.get_by_role("button", name="Take away the filter Parameters 1K to 5M").click()
    assert "parameters" not in page.url
    page.get_by_role("button", name=f"Take away the filter Project {show.research}").click()
    expect(chips).to_have_count(0)
    page.go_back()
    page.go_back()
    expect(chips.get_by_role("button")).to_have_count(2)
    page.get_by_role("link", name="Clear all filters").click()
    expect(chips).to_have_count(0)


def test_a_range_of_ones_own(window, show):
    portal = window()
    page = portal.open("/", project=show.research)
    models = page.locator("article.model")
    expect(models).to_have_count(3)
    box = page.get_by_role("group", name="Parameters")
    box.get_by_label("from", exact=True).fill("15K")
    box.get_by_label("to", exact=True).fill("15.9k")
    page.keyboard.press("Enter")
    expect(models).to_have_count(1)
    expect(page.get_by_role("button", name="Take away the filter Parameters 15K to 15.9K")).to_be_visible()
    assert "min_parameters=15000&max_parameters=15900" in page.url
    for least, most in (("many", ""), ("2B", "1B"), ("1e9", "")):
        box.get_by_label("from", exact=True).fill(least)
        box.get_by_label("to", exact=True).fill(most)
        page.keyboard.press("Enter")
        expect(box.get_by_role("alert")).to_contain_text("the smaller one first")
    assert portal.axe() == []
    box.get_by_label("from", exact=True).fill("")
    box.get_by_label("to", exact=True).fill("")
    box.get_by_role("button", name="OK").click()
    expect(models).to_have_count(3)


def test_words_are_marked(window, show):
    page = window().open("/", q="german chat")
    marks = page.locator("article.model mark")
    expect(marks.first).to_be_visible()
    assert {m.lower() for m in marks.all_inner_texts()} == {"german", "chat"}
    # What is searched for is never markup.
    page = window().open("/", q="<img src=x>")
    expect(page.locator("main img")).to_have_count(0)


def test_slash_leads_to_the_search(window, show):
    page = window().open("/")
    box = page.get_by_role("searchbox", name="Search models")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("a/b")
    expect(box).to_have_value("a/b")
    page = window().open("/sign-in")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search models")).to_be_focused()


def many(show):
    """Models of more families than are shown at once."""
    for i in range(14):
        push(show.harbor.registry, f"{show.research}/fam-{i}", *model({"README.md": b"# x\n"}, name=f"fam-{i}", family=f"family{i}"), "v1")
    wait_until(lambda: len(show.harbor.json("/models", project=show.research, q="fam", page_size=100)) == 14)


def test_facets_of_many_values(window, start):
    server = start()
    show = Showcase(server, "many-").fill()
    many(show)
    portal = window(server=server)
    page = portal.open("/")
    box = page.get_by_role("group", name="Family")
    expect(box.get_by_role("checkbox")).to_have_count(6)
    box.get_by_role("button", name="more").click()
    expect(box.get_by_role("checkbox")).to_have_count(15)
    box.get_by_role("button", name="Fewer").click()
    box.get_by_label("Look for a value: Family").fill("LY13")
    expect(box.get_by_role("checkbox")).to_have_count(1)
    box.get_by_label("family13").check()
    expect(page.locator("article.model")).to_have_count(1)
    box.get_by_label("Look for a value: Family").fill("nothing")
    expect(box.get_by_text("None is called like this.")).to_be_visible()
    expect(page.get_by_role("searchbox", name="Look for a value: Task")).to_have_count(0)
    assert portal.axe() == []


def test_nothing_jumps(window, show):
    """Until the models are there, their place is kept; while others are on their way, the last ones stay."""
    portal = window()
    waiting = []
    portal.page.route("**/api/v2.0/models**", lambda route: waiting.append(route))
    page = portal.page
    page.goto(portal.base + "/-/")
    expect(page.locator(".skeleton")).to_have_count(6)
    expect(page.get_by_role("status", name="Loading …")).to_have_count(2)
    portal.shot("discover-loading")
    for route in waiting:
        route.continue_()
    page.unroute_all()
    expect(page.locator(".skeleton")).to_have_count(0)
    expect(page.locator("article.model").first).to_be_visible()


@pytest.mark.parametrize("width, columns", [(390, 1), (1360, 2), (1920, 3), (2560, 3)])
def test_models_beside_each_other(window, show, width, columns):
    portal = window()
    portal.page.set_viewport_size({"width": width, "height": 900})
    page = portal.open("/")
    top = page.locator("article.model").first.bounding_box()["y"]
    boxes = [b.bounding_box()["y"] for b in page.locator("article.model").all()[:4]]
    assert sum(y == top for y in boxes) == columns
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    portal.shot(f"discover-{width}")


def test_the_whole_way_by_keyboard(window, show):
    portal = window()
    page = portal.open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Language").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="English")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="English")).to_be_hidden()
    expect(page.get_by_label("Language")).to_be_focused()


def test_what_is_not_there(window, show):
    portal = window()
    page = portal.open(f"/nothing/{fresh('x')}")
    expect(page.locator("h1")).to_have_text("Not found")


def test_a_server_that_is_gone(window, start):
    server = start()
    portal = window(server=server)
    page = portal.open("/")
    server.stop()
    portal.allow("ERR_CONNECTION_REFUSED")
    page.get_by_role("searchbox").last.fill("x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
