# SPDX-License-Identifier: Apache-2.0
"""Tabs of a model in the portal: its tensors in charts and in a list, what it depends on as a graph, what happened to it."""
import pathlib
import re
import subprocess

import pytest
from playwright.sync_api import expect

from harness.harbor import Harbor
from harness.server import wait_until
from harness.showcase import Family

PORTAL = pathlib.Path(__file__).resolve().parents[2] / "portal"


@pytest.fixture(scope="module")
def show(haven):
    return Family(haven, "tabs-").fill()


def chat(show):
    return f"/m/{show.research}/harbour-1b-chat"


def enter(window, show, who=None, **how):
    portal = window(**how)
    if who:
        portal.sign_in("admin" if who == "admin" else f"{show.research}-{who}")
    return portal


def test_what_is_computed_without_a_browser(tmp_path):
    """The layout of graphs, lines of charts, words found in a text."""
    out = tmp_path / "pure.mjs"
    subprocess.run([PORTAL / "node_modules/.bin/esbuild", PORTAL / "tests/pure.test.mjs", "--bundle", "--platform=node", "--format=esm",
                    f"--outfile={out}", "--log-level=error"], check=True)
    ran = subprocess.run(["node", "--test", out], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert int(re.search(r"^# pass (\d+)$", ran.stdout, re.M).group(1)) >= 13


# ---- tensors ----

def test_tensors_in_charts_and_in_a_list(window, show):
    portal = enter(window, show)
    page = portal.open(f"/m/{show.research}/deep", tag="v1", tab="tensors")
    expect(page.get_by_text("323 tensors, 168K parameters")).to_be_visible()
    kinds = page.locator("figure", has=page.get_by_role("heading", name="By type")).get_by_role("row")
    expect(kinds).to_have_count(3)
    expect(kinds.nth(1)).to_contain_text("F16")
    expect(kinds.nth(2)).to_contain_text("41")
    parts = page.locator("figure", has=page.get_by_role("heading", name="By part of the model")).locator("tbody th")
    expect(parts).to_have_text(["Embeddings", "Attention", "MLP", "Norm", "Head"])
    blocks = page.locator("figure", has=page.get_by_role("heading", name="Block by block"))
    expect(blocks.get_by_role("img", name="40 blocks of model.layers, each by the parts that it is made of")).to_be_visible()
    expect(blocks.locator(".chart-column")).to_have_count(40)
    blocks.get_by_text("As a table").click()
    expect(blocks.get_by_role("row")).to_have_count(41)
    expect(blocks.get_by_role("row").nth(1)).to_have_text(re.compile(r"model\.layers\.0\D*1,024\D*3,072\D*16"))
    assert portal.axe() == []
    page.get_by_role("group", name="What the charts show").get_by_role("button", name="Size").click()
    expect(blocks.get_by_role("row").nth(1)).to_contain_text("2 KiB")
    assert "by=bytes" in page.url

    rows = page.get_by_role("table", name="Tensors").locator("tbody tr")
    expect(rows).to_have_count(50)
    expect(page.get_by_text("1–50 of 323")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("51–100 of 323")).to_be_visible()
    page.get_by_role("searchbox", name="Part of a name").fill("layers.7.mlp")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("model.layers.7.mlp.")
    expect(rows.first).to_contain_text("16 × 64")
    page.get_by_label("Type", exact=True).select_option("F32")
    expect(page.get_by_text("No tensor is like this")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No tensor is like this")).to_be_visible()
    page.go_back()
    expect(rows).to_have_count(3)


def test_tensors_of_what_has_none(window, show):
    """There is no such tab; an address that names it shows the first that there is."""
    portal = enter(window, show)
    page = portal.open(f"/m/{show.research}/notes", tag="v1", tab="tensors")
    expect(page.get_by_role("link", name="Versions")).to_be_visible()
    expect(page.get_by_role("link", name="Tensors")).to_have_count(0)
    expect(page.locator(".tabs .active")).to_have_count(1)
    assert portal.axe() == []


# ---- lineage ----

def test_the_graph_and_its_list(window, show):
    portal = enter(window, show)
    page = portal.open(chat(show), tag="v1.1", tab="lineage")
    graph = page.get_by_role("group", name=re.compile("Graph of .* models"))
    expect(graph.locator(".graph-root")).to_contain_text("Harbour-1B-Chat")
    expect(graph.get_by_role("link", name="harbour-1b-chat-q4")).to_be_visible()
    # What the caller may not see is a name, or not there at all.
    expect(graph.locator(".graph-absent", has_text="vision/street-signs")).to_be_visible()
    expect(page.get_by_text("plans")).to_have_count(0)
    # Bases stand at the left of what is made of them.
    left = [graph.locator(where).first.bounding_box()["x"]
            for where in (f'a[href*="/{show.research}/harbour-1b?"]', ".graph-root", 'a:has-text("harbour-1b-chat-q4")')]
    assert left == sorted(left) and len(set(left)) == 3
    portal.shot("lineage-nobody")
    table = page.get_by_role("table", name="As a list")
    expect(table.get_by_role("row", name=re.compile("harbour-1b-chat-q4.*quantised from"))).to_be_visible()
    expect(page.get_by_role("button", name="Add a link")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("Remove"))).to_have_count(0)
    assert portal.axe() == []
    page.get_by_role("button", name="What it depends on").click()
    expect(graph.get_by_role("link", name="harbour-1b-chat-q4")).to_have_count(0)
    assert "direction=up" in page.url
    page.get_by_role("button", name="Both ways").click()
    page.get_by_label("Steps").select_option("1")
    assert "depth=1" in page.url
    # By keyboard to the page of another.
    node = graph.get_by_role("link", name="harbour-1b-chat-q4")
    node.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/-/m/.*/harbour-1b-chat-q4"))
    expect(page.get_by_role("table", name="As a list")).to_be_visible()


def test_a_model_alone(window, show):
    page = enter(window, show).open(f"/m/{show.research}/deep", tag="v1", tab="lineage")
    expect(page.get_by_text("Nothing is known that it depends on")).to_be_visible()


def test_links_by_hand(window, show):
    portal = enter(window, show, "dev")
    page = portal.open(f"/m/{show.research}/notes", tag="v1", tab="lineage")
    page.get_by_role("button", name="Add a link").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Relation").select_option("dataset")
    expect(dialog.get_by_text("This model was trained on that data.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    dialog.get_by_label("Target").fill("deep")
    expect(page.locator("#lineage-similar option").first).to_have_attribute("value", f"{show.research}/deep")
    assert portal.axe() == []
    dialog.get_by_label("Target").fill(f"{show.vision}/street-signs")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="The link to")).to_be_visible()
    row = page.get_by_role("table", name="As a list").get_by_role("row", name=re.compile("trained on"))
    expect(row).to_contain_text("by hand")
    # A mistake is said by the server, and the dialog stays.
    page.get_by_role("button", name="Add a link").click()
    portal.allow("status of 4")
    dialog.get_by_label("Target").fill("a\x01b")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Remove the link to").click()
    expect(dialog).to_contain_text(f"“trained on {show.vision}/street-signs”")
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("Nothing is known that it depends on")).to_be_visible()


@pytest.mark.parametrize("who, may", [("gus", False), ("lea", False), ("dev", True), ("ada", True), ("admin", True)])
def test_who_may_set_links(window, show, who, may):
    page = enter(window, show, who).open(f"/m/{show.research}/harbour-1b-chat-q4", tag="v1", tab="lineage")
    expect(page.get_by_role("table", name="As a list")).to_be_visible()
    expect(page.get_by_role("button", name="Add a link")).to_have_count(int(may))
    # Only those that were set on this version, by hand.
    removable = page.get_by_role("button", name=re.compile("Remove the link"))
    expect(removable).to_have_count(int(may))


# ---- activity ----

def test_activity_of_a_year(window, show):
    portal = enter(window, show)
    page = portal.open(chat(show), tag="v1.1", tab="activity")
    pulls = page.locator("figure", has=page.get_by_role("heading", name="Pulls", exact=True))
    expect(pulls.get_by_role("img", name=re.compile(r"^Pulls over 30 days: [\d,]+$"))).to_be_visible()
    expect(pulls.locator(".chart-column")).to_have_count(30)
    said = Harbor(show.server.anonymous()).json(f"/projects/{show.research}/repositories/harbour-1b-chat/activity")
    pulls.get_by_text("As a table").click()
    expect(pulls.locator("tbody td").last).to_have_text(str(said["days"][-1]["pulls"]))
    expect(page.get_by_role("heading", name="Audit log")).to_have_count(0)
    assert portal.axe() == []
    page.get_by_role("button", name="365 days").click()
    expect(pulls.locator(".chart-column")).to_have_count(53)
    expect(page.get_by_role("columnheader", name="Week").first).to_be_attached()
    assert "days=365" in page.url
    expect(page.locator("figure", has=page.get_by_role("heading", name="Pushes and deletes"))).to_be_visible()


def test_nothing_happened(window, show):
    page = enter(window, show).open(f"/m/{show.research}/deep", tag="v1", tab="activity")
    expect(page.get_by_role("img", name="Pulls over 30 days: 0")).to_be_visible()


@pytest.mark.parametrize("who, may", [("gus", False), ("max", False), ("ada", True)])
def test_who_reads_names(window, show, who, may):
    portal = enter(window, show, who)
    page = portal.open(chat(show), tag="v1.1", tab="activity")
    expect(page.get_by_role("img", name=re.compile("Pulls over"))).to_be_visible()
    log = page.get_by_role("table", name="Audit log")
    expect(log).to_have_count(int(may))
    if not may:
        return
    expect(log.get_by_role("row").nth(1)).to_contain_text("admin")
    expect(log.get_by_text(f"{show.research}/harbour-1b-chat-q4")).to_have_count(0)
    page.get_by_role("group", name="What").get_by_role("button", name="Pulls").click()
    expect(log.locator("tbody tr").first).to_contain_text("pull")
    expect(log.get_by_text("create artifact")).to_have_count(0)
    expect(log.get_by_title(f"{show.research}/harbour-1b-chat:v1.1")).to_have_text(["v1.1"])
    assert "operation=pull" in page.url
    assert portal.axe() == []


# ---- as they look ----

@pytest.mark.parametrize("how", [{}, {"dark": True}, {"phone": True}, {"language": "zh-CN", "dark": True, "phone": True}],
                         ids=["light", "dark", "phone", "zh-dark-phone"])
def test_as_they_look(window, show, how, request):
    """In light and dark, wide and narrow, in both languages: nothing is wider than its window, and axe finds nothing."""
    portal = enter(window, show, None, **how)
    if not how.get("language"):
        portal.sign_in("admin")
    name = request.node.callspec.id
    for tab, repo, tag in (("tensors", "deep", "v1"), ("lineage", "harbour-1b-chat", "v1.1"), ("activity", "harbour-1b-chat", "v1.1")):
        page = portal.open(f"/m/{show.research}/{repo}", tag=tag, tab=tab, **({"depth": 3} if tab == "lineage" else {}))
        page.wait_for_timeout(200)
        portal.shot(f"{tab}-{name}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert portal.axe() == []
