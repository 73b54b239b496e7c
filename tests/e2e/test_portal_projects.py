# SPDX-License-Identifier: Apache-2.0
"""The pages of projects in a real browser: the list, every tab of one, every action, and what each role is not shown."""
import re

import pytest
from playwright.sync_api import expect

from harness.content import dump, push, small_image
from harness.harbor import Harbor, fresh
from harness.portal_projects import GIB, dialog, done, filled, project, rule, show, sign_in, tabs  # noqa: F401
from harness.registry import OCI_MANIFEST

PREFIX = "pp-"
# What each role sees of a project, in the order of the tabs.
OPEN = ["Summary", "Models", "Images and other artifacts"]
TABS = {
    "nobody": OPEN + ["Labels"], "stranger": OPEN + ["Labels"], "lea": OPEN + ["Labels"],
    "gus": OPEN + ["Members", "Robots", "Labels"], "dev": OPEN + ["Members", "Robots", "Labels"],
    "max": OPEN + ["Members", "Robots", "Labels", "Immutable rules", "Configuration"],
    "ada": OPEN + ["Members", "Robots", "Labels", "Immutable rules", "Audit log", "Configuration"],
}
# Buttons of each tab, and the roles that are shown them.
MAKERS = {
    "members": ("Add a member", {"ada"}), "robots": ("New robot", {"ada"}), "labels": ("New label", {"ada", "max"}),
    "immutable": ("New rule", {"ada", "max"}),
}



# ---- the list ----

def test_list(window, show):
    portal = sign_in(window, show, "ada")
    page = portal.open("/projects", q="pp-")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=show.research))
    expect(row).to_contain_text("Public")
    expect(row).to_contain_text("project admin")
    expect(row).to_contain_text("of 1 GiB")
    expect(page.get_by_text(show.secret)).to_have_count(0)
    portal.shot("projects")
    assert portal.axe() == []
    row.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text(show.research)
    assert page.url.endswith(f"/-/projects/{show.research}")


@pytest.mark.parametrize("who, names, others", [
    ("nobody", {"research"}, False), ("stranger", {"research"}, True), ("lea", {"research"}, True),
    ("gus", {"research", "vision"}, True), ("admin", {"research", "vision", "secret"}, True)])
def test_list_shows_what_one_may(window, show, who, names, others):
    """`others`: there is somebody who may make projects."""
    page = sign_in(window, show, who).open("/projects", q="pp-")
    for name in ("research", "vision", "secret"):
        expect(page.get_by_role("link", name=getattr(show, name), exact=True)).to_have_count(1 if name in names else 0)
    expect(page.get_by_role("button", name="New project")).to_have_count(1 if others else 0)
    expect(page.get_by_role("columnheader", name="Your role")).to_have_count(0 if who == "nobody" else 1)
    expect(page.get_by_role("button", name=f"Delete {show.research}")).to_have_count(1 if who == "admin" else 0)
    expect(page.get_by_role("columnheader", name="Storage")).to_have_count(0 if who == "nobody" else 1)
    expect(page.get_by_role("progressbar", name="Storage")).to_have_count(0 if who in ("nobody", "stranger") else 1)


def test_list_is_filtered_and_sorted_by_the_server(window, show):
    portal = sign_in(window, show, "admin")
    names = [show.harbor.add_project(f"pp-many-{i:02}")[1] for i in range(23)]
    page = portal.open("/projects", q="pp-many")
    links = page.locator("tbody a")
    expect(links).to_have_count(20)
    expect(page.get_by_text("1–20 of 23")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(links).to_have_count(3)
    assert "page=2" in page.url
    page.get_by_role("button", name="Name").click()
    page.get_by_role("button", name="Name").click()
    expect(links.first).to_have_text(f" {names[-1]}")
    assert "sort=-name" in page.url and "page" not in page.url
    page.get_by_label("Visibility", exact=True).select_option("true")
    expect(page.get_by_text("No project fits")).to_be_visible()
    page.get_by_label("Visibility", exact=True).select_option("")
    page.get_by_label("Made by me").check()
    expect(page.get_by_label("Name of the owner")).to_have_value("admin")
    expect(links).to_have_count(20)
    page.get_by_label("Name of the owner").fill("pp-stranger")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No project fits")).to_be_visible()
    other = sign_in(window, show, "admin")
    other.page.goto(page.url)
    expect(other.page.get_by_text("No project fits")).to_be_visible()
    for name in names:
        show.harbor.delete(f"/projects/{name}")


def test_create(window, show):
    portal = sign_in(window, show, "stranger")
    page = portal.open("/projects")
    page.get_by_role("button", name="New project").click()
    box = dialog(page)
    expect(box.get_by_label("Name", exact=True)).to_be_focused()
    expect(box.get_by_role("button", name="Create")).to_be_disabled()
    name = fresh("Pp-Made")
    box.get_by_label("Name", exact=True).fill(name)
    expect(box.get_by_text(f"/{name.lower()}/")).to_be_visible()
    expect(box.get_by_text("Set a limit")).to_have_count(0)  # for administrators alone
    box.get_by_text("How names work").click()
    expect(box.get_by_text("x--5fdraft")).to_be_visible()
    assert portal.axe() == []
    box.get_by_role("button", name="Create").click()
    done(page, f"The project {name} was made")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.get_by_text("Nothing was pushed yet")).to_be_visible()
    made = show.harbor.json(f"/projects/{name}")
    assert made["metadata"]["public"] == "false" and made["display_name"] == name and made["owner_name"] == "pp-stranger"
    # The same again is refused, in the server's words.
    portal.allow("status of 409")
    portal.open("/projects")
    page.get_by_role("button", name="New project").click()
    dialog(page).get_by_label("Name", exact=True).fill(name)
    dialog(page).get_by_role("button", name="Create").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("already")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    show.harbor.delete(f"/projects/{name}")


def test_administrators_set_a_limit(window, show):
    portal = sign_in(window, show, "admin")
    page = portal.open("/projects")
    page.get_by_role("button", name="New project").click()
    name = fresh("pp-limited")
    dialog(page).get_by_label("Name", exact=True).fill(name)
    dialog(page).get_by_label("Public").check()
    dialog(page).get_by_label("Set a limit for this project").check()
    dialog(page).get_by_label("No limit").uncheck()
    dialog(page).get_by_label("Quota", exact=True).fill("2")
    dialog(page).get_by_role("button", name="Create").click()
    done(page, f"The project {name} was made")
    expect(page.get_by_role("progressbar").first).to_be_visible()
    made = show.harbor.json(f"/projects/{name}")
    assert made["quota"]["hard"]["storage"] == 2 * GIB and made["metadata"]["public"] == "true"
    show.harbor.delete(f"/projects/{name}")


def test_only_administrators_may_make_projects(window, show, start):
    server = start()
    harbor = Harbor(server.registry())
    harbor.add_user("pp-one")
    harbor.put("/configurations", {"project_creation_restriction": "adminonly"})
    portal = window(server=server)
    portal.sign_in("pp-one")
    page = portal.open("/projects")
    expect(page.get_by_role("link", name="library")).to_be_visible()
    expect(page.get_by_role("button", name="New project")).to_have_count(0)


def test_delete_several(window, show):
    portal = sign_in(window, show, "admin")
    names = [show.harbor.add_project(fresh("pp-gone"))[1] for _ in range(2)]
    page = portal.open("/projects", q="pp-")
    for name in (*names, show.research):
        page.get_by_label(f"Select {name}", exact=True).check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_role("status").get_by_role("button", name="Delete").click()
    box = dialog(page)
    expect(box).to_contain_text("These 2 projects are lost")
    expect(box).to_contain_text(f"{show.research}: it still holds 3 repositories")
    assert portal.axe() == []
    box.get_by_role("button", name="Delete").click()
    done(page, f"{names[1]} is gone")
    expect(page.get_by_role("link", name=names[0])).to_have_count(0)
    expect(page.get_by_role("link", name=show.research)).to_be_visible()
    assert [show.harbor.get(f"/projects/{n}").status for n in names] == [404, 404]


def test_delete_what_cannot_be(window, show):
    portal = sign_in(window, show, "admin")
    page = portal.open("/projects", q=show.secret)
    page.get_by_role("button", name=f"Delete {show.secret}").click()
    expect(dialog(page)).to_contain_text("it still holds 1 repository; delete that first")
    expect(dialog(page).get_by_role("button", name="Delete")).to_be_disabled()


# ---- who sees what of one project ----

@pytest.mark.parametrize("who", TABS)
def test_tabs_of_a_role(window, show, who):
    portal = sign_in(window, show, who)
    page = portal.open(f"/projects/{show.research}")
    expect(page.locator("h1")).to_have_text(show.research)
    assert tabs(page) == TABS[who]
    role = {"ada": "project admin", "max": "maintainer", "dev": "developer", "gus": "guest", "lea": "limited guest",
            "stranger": "not a member"}.get(who)
    head = page.locator(".project-head")
    expect(head.get_by_text("Public")).to_be_visible()
    if role:
        expect(head.get_by_text(role, exact=True)).to_be_visible()
    expect(head.get_by_role("progressbar")).to_have_count(0 if who in ("nobody", "stranger") else 1)
    expect(page.get_by_text("Push something")).to_have_count(1 if who in ("ada", "max", "dev") else 0)
    expect(page.get_by_role("heading", name="Members")).to_have_count(1 if "Members" in TABS[who] else 0)


@pytest.mark.parametrize("who", TABS)
def test_actions_of_a_role(window, show, who):
    """Every tab that one may see holds the buttons that would not be refused, and no other; none of them asks in vain."""
    portal = sign_in(window, show, who)
    for tab, (button, makers) in MAKERS.items():
        page = portal.open(f"/projects/{show.research}/{tab}")
        expect(page.get_by_role("button", name=button)).to_have_count(1 if who in makers else 0)
        rows = page.locator(".row-actions button")
        if who in makers:
            assert rows.count() > 0, tab
        else:
            expect(rows).to_have_count(0)
    page = portal.open(f"/projects/{show.research}/artifacts")
    expect(page.get_by_role("link", name="runtime")).to_be_visible()
    expect(page.get_by_role("button", name="Describe runtime")).to_have_count(1 if who in ("ada", "max", "dev") else 0)
    expect(page.get_by_role("button", name="Delete runtime")).to_have_count(1 if who in ("ada", "max") else 0)


def test_a_private_project_shows_limited_guests_less(window, show, project):
    """What everybody may see of a public one is not theirs here."""
    page = sign_in(window, show, "lea").open(f"/projects/{project[1]}")
    assert tabs(page) == OPEN
    expect(page.locator(".project-head")).to_contain_text("Private")


@pytest.mark.parametrize("who", ["nobody", "stranger", "lea"])
def test_a_foreign_project_is_not_there(window, show, who):
    portal = sign_in(window, show, who)
    portal.allow("status of 40[134]")
    page = portal.open(f"/projects/{show.secret}")
    if who == "nobody":
        expect(page.get_by_text("Sign in to see this")).to_be_visible()
        page.get_by_role("main").get_by_role("link", name="Sign in").click()
        page.get_by_label("User name or e-mail address").fill("admin")
        page.get_by_label("Password").fill(show.harbor.registry.password)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(show.secret)
        assert page.url.endswith(f"/projects/{show.secret}")
    else:
        expect(page.locator("h1")).to_have_text("Not found")
        portal.open("/projects/pp-no-such-project")
        expect(page.locator("h1")).to_have_text("Not found")


def test_an_administrator_of_the_system_sees_all(window, show):
    number, name = show.harbor.add_project(fresh("pp-adas"))
    show.harbor.add_member(number, show.people["ada"][0], "projectAdmin")
    own = next(m for m in show.harbor.json(f"/projects/{number}/members") if m["entity_name"] == "admin")
    show.harbor.delete(f"/projects/{number}/members/{own['id']}")
    portal = sign_in(window, show, "admin")
    page = portal.open(f"/projects/{name}")
    assert tabs(page) == TABS["ada"]
    expect(page.get_by_text("every project is open to you")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_be_visible()
    show.harbor.delete(f"/projects/{name}")


def test_a_tab_that_one_may_not_see(window, show):
    page = sign_in(window, show, "gus").open(f"/projects/{show.research}/logs")
    expect(page.get_by_text("There is nothing at this address")).to_be_visible()
    expect(page.locator("table")).to_have_count(0)


def test_upper_case_and_digits(window, show):
    """A project is found by its name in any case, and by a name that is a number."""
    show.harbor.add_project("Pp-Qwen")
    show.harbor.add_project("20261129")
    portal = sign_in(window, show, "admin")
    page = portal.open("/projects/PP-QWEN")
    expect(page.locator("h1")).to_have_text("Pp-Qwen")
    expect(page.locator("dd code")).to_have_text("pp-qwen")
    portal.open("/projects/20261129/members")
    expect(page.locator("h1")).to_have_text("20261129")
    expect(page.get_by_role("row", name="admin")).to_be_visible()
    for name in ("pp-qwen", "20261129"):
        number = next(p["project_id"] for p in show.harbor.json("/projects", q=f"name={name}"))
        show.harbor.delete(f"/projects/{number}")


# ---- summary, models ----

def test_summary(window, show):
    portal = sign_in(window, show, "dev")
    page = portal.open(f"/projects/{show.research}")
    newest = page.locator("section").filter(has=page.get_by_role("heading", name="Newest models"))
    expect(newest.get_by_role("listitem")).to_have_count(3)
    expect(newest.get_by_role("link", name=f"{show.research}/Harbour-1B-Chat:latest")).to_have_attribute(
        "href", re.compile(rf"/-/m/{show.research}/harbour-1b-chat\?tag=latest$"))
    expect(newest.get_by_role("link", name="3 models")).to_be_visible()
    expect(page.get_by_text("3 repositories")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="of 1 GiB")).to_be_visible()
    page.get_by_text("Push something").click()
    page.get_by_role("button", name="podman").click()
    expect(page.get_by_text(f"/{show.research}/my-image:v1").first).to_be_visible()
    portal.shot("project-summary")
    assert portal.axe() == []


def test_an_empty_project_says_how_to_push(window, show, project):
    portal = sign_in(window, show, "dev")
    page = portal.open(f"/projects/{project[1]}")
    host = portal.base.removeprefix("http://")
    expect(page.get_by_text(f"haven push ./my-model {host}/{project[1]}/my-model:v1")).to_be_visible()
    expect(page.get_by_text(f"haven login -u {show.research}-dev {host}")).to_be_visible()
    for tool, line in (("modctl", "modctl push"), ("oras", "oras push"), ("podman", "podman push")):
        page.get_by_role("button", name=tool).click()
        expect(page.get_by_text(line)).to_be_visible()
    portal.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("Copy the command").last.click()
    assert f"podman push {host}/{project[1]}/my-image:v1" in page.evaluate("navigator.clipboard.readText()")
    portal.shot("project-empty")
    assert portal.axe() == []
    guest = sign_in(window, show, "gus").open(f"/projects/{project[1]}")
    expect(guest.get_by_text("No model yet")).to_be_visible()
    expect(guest.get_by_text("haven push")).to_have_count(0)


def test_models(window, show):
    portal = sign_in(window, show, "gus")
    page = portal.open(f"/projects/{show.research}/models")
    found = page.locator("article.model")
    expect(found).to_have_count(3)
    portal.shot("project-models")
    assert portal.axe() == []
    page.get_by_role("group", name="Label").get_by_label("approved").check()
    expect(found).to_have_count(1)
    assert "label=approved" in page.url
    page.get_by_role("button", name="Clear all filters").click()
    page.get_by_placeholder("Find a model in this project").fill("conversations")
    page.keyboard.press("Enter")
    expect(found).to_have_count(2)
    page.get_by_placeholder("Find a model in this project").fill("detector")  # of another project
    page.keyboard.press("Enter")
    expect(page.get_by_text("No model has all of this")).to_be_visible()


# ---- images and other artifacts ----

def test_artifacts(window, show):
    portal = sign_in(window, show, "max")
    page = portal.open(f"/projects/{show.research}/artifacts")
    row = page.get_by_role("row").filter(has_text="runtime")
    expect(row).to_contain_text("IMAGE")
    expect(page.get_by_role("row")).to_have_count(2)  # the head, and that one: the others are models
    portal.shot("project-artifacts")
    assert portal.axe() == []
    page.get_by_placeholder("Find a repository").fill("harbour")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No repository is called so")).to_be_visible()


def test_describe_and_delete_a_repository(window, show, project):
    number, name = project
    document, blobs = small_image()
    push(show.harbor.registry, f"{name}/tools/runner", document, blobs, "v1")
    show.harbor.registry.put_manifest(f"{name}/tools/runner", "v2", dump({**document, "annotations": {"n": "2"}}), OCI_MANIFEST)
    portal = sign_in(window, show, "max")
    page = portal.open(f"/projects/{name}/artifacts")
    page.get_by_role("button", name="Describe tools/runner").click()
    box = dialog(page)
    box.get_by_label("Name to show").fill(f"{name}/Tools/Runner")
    box.get_by_label("Description").fill("# Runner\n\nRuns what was built.")
    assert portal.axe() == []
    box.get_by_role("button", name="Save").click()
    done(page, "was described")
    expect(page.get_by_role("row").filter(has_text="Tools/Runner")).to_contain_text("Runner")
    page.get_by_role("button", name="Delete Tools/Runner").click()
    expect(box).to_contain_text("2 artifacts")
    expect(box.get_by_role("button", name="Delete")).to_be_disabled()
    box.get_by_label("To go on, write").fill(f"{name}/Tools/Runner")
    portal.shot("project-delete-repository")
    assert portal.axe() == []
    box.get_by_role("button", name="Delete").click()
    done(page, "is gone")
    expect(page.get_by_text("There are no images")).to_be_visible()
    assert show.harbor.json(f"/projects/{number}")["repo_count"] == 0


def test_a_display_name_of_another_repository_is_refused(window, show, project):
    push(show.harbor.registry, f"{project[1]}/a", *small_image(), "v1")
    portal = sign_in(window, show, "dev")
    portal.allow("status of 400")
    page = portal.open(f"/projects/{project[1]}/artifacts")
    page.get_by_role("button", name="Describe a").click()
    dialog(page).get_by_label("Name to show").fill(f"{project[1]}/b")
    dialog(page).get_by_role("button", name="Save").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("display_name")


def test_what_others_are_made_from_is_told_first(window, show, project):
    harbor, name = show.harbor, project[1]
    for repo in ("base", "tuned"):
        document, blobs = small_image()
        push(harbor.registry, f"{name}/{repo}", document, blobs, "v1")
    harbor.post(f"/projects/{name}/repositories/tuned/artifacts/v1/links", {"relation": "base", "target": f"{name}/base:v1"})
    portal = sign_in(window, show, "ada")
    portal.allow("status of 412")
    page = portal.open(f"/projects/{name}/artifacts")
    page.get_by_role("button", name="Delete base").click()
    dialog(page).get_by_label("To go on, write").fill(f"{name}/base")
    dialog(page).get_by_role("button", name="Delete").click()
    expect(dialog(page).get_by_role("link", name=f"{name}/tuned:v1")).to_be_visible()
    assert harbor.get(f"/projects/{name}/repositories/base").status == 200
    dialog(page).get_by_role("button", name="Delete all the same").click()
    done(page, "is gone")
    assert harbor.get(f"/projects/{name}/repositories/base").status == 404


def test_an_immutable_tag_keeps_its_repository(window, show, project):
    push(show.harbor.registry, f"{project[1]}/kept", *small_image(), "v1")
    show.harbor.post(f"/projects/{project[0]}/immutabletagrules", rule())
    portal = sign_in(window, show, "ada")
    portal.allow("status of 412")
    page = portal.open(f"/projects/{project[1]}/artifacts")
    page.get_by_role("button", name="Delete kept").click()
    dialog(page).get_by_label("To go on, write").fill(f"{project[1]}/kept")
    dialog(page).get_by_role("button", name="Delete").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("immutable")


# ---- whoever they are ----

@pytest.mark.parametrize("tab", ["", "models", "artifacts", "members", "robots", "labels", "immutable", "logs", "configuration"])
def test_on_a_phone_in_the_dark_in_chinese(window, show, tab):
    sign_in(window, show, "ada")
    portal = sign_in(window, show, "ada", phone=True, dark=True, language="zh-CN")
    page = portal.open(f"/projects/{show.research}" + (f"/{tab}" if tab else ""))
    expect(page.locator("h1")).to_have_text(show.research)
    expect(page.locator(".tabs [aria-current=page]")).to_be_in_viewport()
    assert not re.search(r"[a-z]+\.[a-z]+\.[a-z]", page.locator("main .tabs").inner_text())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    portal.shot(f"project-{tab or 'summary'}-phone")
    assert portal.axe() == []


def test_list_on_a_phone(window, show):
    portal = sign_in(window, show, "admin", phone=True)
    page = portal.open("/projects", q=show.research)
    expect(page.get_by_role("row").filter(has_text=show.research)).to_contain_text("Public")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    portal.shot("projects-phone")
    assert portal.axe() == []


def test_by_keyboard(window, show, project):
    """A label is made, found and removed without a mouse."""
    page = sign_in(window, show, "ada").open(f"/projects/{project[1]}")
    page.get_by_label("Parts of the project").get_by_role("link", name="Labels").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("There are no labels yet")).to_be_visible()
    page.get_by_role("button", name="New label").focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("keys")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(dialog(page).get_by_label("Colour #2b8a3e")).to_be_checked()
    page.keyboard.press("Enter")
    done(page, "The label keys was made")
    assert show.harbor.json("/labels", scope="p", project_id=project[0])[0]["color"] == "#2b8a3e"
    page.get_by_role("button", name="Delete keys").focus()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_text("keys", exact=True)).to_be_visible()


def test_a_list_that_fails_says_so(window, show):
    portal = sign_in(window, show, "ada")
    portal.allow("status of 422")
    page = portal.open(f"/projects/{show.research}/labels", page="99999999999")
    expect(page.get_by_role("alert")).to_contain_text("page")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
