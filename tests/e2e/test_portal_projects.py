# SPDX-License-Identifier: Apache-2.0
"""The pages of projects in a real browser: the list, every tab of one, every action, and what each role is not shown."""
import re

import pytest
from playwright.sync_api import expect

from harness.content import dump, push, small_image
from harness.harbor import Harbor, fresh
from harness.registry import OCI_MANIFEST
from harness.showcase import PEOPLE, Showcase

GIB = 1 << 30
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


def rule(tags="v*", repositories="**", **more):
    return {"action": "immutable", "template": "immutable_template", "disabled": False, "priority": 0,
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
            "scope_selectors": {"repository": [
                {"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}]}, **more}


def robot(harbor, project, name, *actions, **more):
    made = harbor.post("/robots", {"name": name, "level": "project", "duration": 90, "permissions": [
        {"kind": "project", "namespace": project,
         "access": [dict(zip(("resource", "action"), a.split(":"))) for a in actions or ("repository:pull",)]}], **more})
    return made.json()


@pytest.fixture(scope="module")
def filled(haven):
    """The showcase, and something on each tab."""
    s = Showcase(haven, "pp-").fill()
    harbor, number = s.harbor, s.projects[s.research]
    s.stranger, _ = harbor.add_user("pp-stranger")
    robot(harbor, s.research, "ci", "repository:push", "repository:list", description="Pushes what the pipeline builds.")
    robot(harbor, s.research, "cluster", "repository:pull", disable=True)
    harbor.post(f"/projects/{number}/immutabletagrules", rule())
    quota = harbor.json("/quotas", reference="project", reference_id=number)[0]["id"]
    harbor.put(f"/quotas/{quota}", {"hard": {"storage": GIB}})
    return s


@pytest.fixture
def show(filled, haven):
    """The same with a connection of the test's own: one that is idle for long is closed."""
    registry = haven.registry()
    filled.harbor = Harbor(registry)
    yield filled
    registry.close()


@pytest.fixture
def project(show):
    """A project of its own for what a test changes; (number, name), with its people in their roles."""
    number, name = show.harbor.add_project(fresh("pp-own"))
    for who, role in PEOPLE.items():
        show.harbor.add_member(number, show.people[who][0], role)
    return number, name


def sign_in(window, show, who, **how):
    """A window of somebody; "nobody" does not sign in."""
    portal = window(**how)
    if who != "nobody":
        portal.sign_in({"admin": "admin", "stranger": "pp-stranger"}.get(who, f"{show.research}-{who}"))
    return portal


def dialog(page):
    return page.get_by_role("dialog")


def done(page, text):
    """Something was done, said so, and the dialog is gone."""
    expect(page.locator(".toasts")).to_contain_text(text)
    expect(dialog(page)).to_have_count(0)


def tabs(page):
    return page.get_by_label("Parts of the project").get_by_role("link").all_inner_texts()


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


# ---- members ----

def test_members(window, show, project):
    number, name = project
    portal = sign_in(window, show, "ada")
    page = portal.open(f"/projects/{name}/members")
    portal.shot("project-members")
    assert portal.axe() == []
    page.get_by_role("button", name="Add a member").click()
    box = dialog(page)
    expect(box.get_by_role("button", name="Add")).to_be_disabled()
    box.get_by_label("Name of a user or a group").fill("nobody-is-called-so")
    expect(box.get_by_text("Nobody is called so")).to_be_visible()
    box.get_by_label("Name of a user or a group").fill("pp-stra")
    box.get_by_label("pp-stranger").check()
    box.get_by_label("limited guest").check()
    portal.shot("project-members-add")
    assert portal.axe() == []
    box.get_by_role("button", name="Add").click()
    done(page, "pp-stranger is a member now")
    row = page.get_by_role("row").filter(has_text="pp-stranger")
    expect(row).to_contain_text("limited guest")
    page.get_by_role("button", name="Change the role of pp-stranger").click()
    expect(box.get_by_text("pushes, tags, describes")).to_be_visible()
    box.get_by_label("maintainer").check()
    box.get_by_role("button", name="Save").click()
    done(page, "pp-stranger is maintainer now")
    expect(row).to_contain_text("maintainer")
    page.get_by_role("button", name="Remove pp-stranger").click()
    expect(box).to_contain_text("loses the role maintainer")
    box.get_by_role("button", name="Remove").click()
    done(page, "no longer a member")
    expect(row).to_have_count(0)
    names = {m["entity_name"] for m in show.harbor.json(f"/projects/{number}/members")}
    assert "pp-stranger" not in names


def test_a_group_becomes_a_member(window, show, project):
    group = fresh("pp-crew")
    show.harbor.post("/usergroups", {"group_name": group, "group_type": 3})
    page = sign_in(window, show, "ada").open(f"/projects/{project[1]}/members")
    page.get_by_role("button", name="Add a member").click()
    dialog(page).get_by_label("Name of a user or a group").fill(group)
    dialog(page).get_by_label(group).check()
    dialog(page).get_by_role("button", name="Add").click()
    done(page, f"{group} is a member now")
    expect(page.get_by_role("row").filter(has_text=group)).to_contain_text("group")
    page.get_by_placeholder("Find a member").fill("crew")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_member_twice_is_refused(window, show, project):
    portal = sign_in(window, show, "ada")
    portal.allow("status of 409")
    page = portal.open(f"/projects/{project[1]}/members")
    page.get_by_role("button", name="Add a member").click()
    dialog(page).get_by_label("Name of a user or a group").fill("research-dev")
    dialog(page).get_by_label(f"{show.research}-dev").check()
    dialog(page).get_by_role("button", name="Add").click()
    expect(dialog(page).get_by_role("alert")).to_be_visible()


def test_whoever_steps_down_sees_less(window, show, project):
    page = sign_in(window, show, "ada").open(f"/projects/{project[1]}/members")
    page.get_by_role("button", name=f"Change the role of {show.research}-ada").click()
    expect(dialog(page)).to_contain_text("your own role")
    dialog(page).get_by_label("developer").check()
    dialog(page).get_by_role("button", name="Save").click()
    done(page, "is developer now")
    expect(page.get_by_role("button", name="Add a member")).to_have_count(0)
    expect(page.get_by_label("Parts of the project").get_by_role("link", name="Audit log")).to_have_count(0)


# ---- robots ----

def test_robots(window, show, project):
    number, name = project
    portal = sign_in(window, show, "ada")
    page = portal.open(f"/projects/{name}/robots")
    expect(page.get_by_text("There are no robots yet")).to_be_visible()
    page.get_by_role("button", name="New robot").click()
    box = dialog(page)
    box.get_by_label("Name", exact=True).fill("ci")
    box.get_by_label("Description").fill("builds")
    box.get_by_label("It may be used").select_option("30")
    expect(box.get_by_role("button", name="Create")).to_be_disabled()
    box.get_by_role("button", name="Pull and push").click()
    expect(box.get_by_label("repositories: push")).to_be_checked()
    box.get_by_label("repositories: delete").check()
    portal.shot("project-robot-create")
    assert portal.axe() == []
    box.get_by_role("button", name="Create").click()
    full = f"robot${name}+ci"
    expect(box).to_contain_text("shown this once")
    secret = box.locator("dd").last.locator("code").inner_text()
    host = portal.base.removeprefix("http://")
    for program in ("haven", "docker"):
        expect(box.get_by_text(f"{program} login -u '{full}' {host}")).to_be_visible()
    portal.shot("project-robot-secret")
    assert portal.axe() == []
    box.get_by_role("button", name="I have kept it").click()
    expect(box).to_have_count(0)
    own = Harbor(show.harbor.registry.clone(user=full, password=secret))
    assert own.get(f"/projects/{name}/repositories").status == 200
    row = page.get_by_role("row").filter(has_text=full)
    expect(row).to_contain_text("active")
    made = show.harbor.json("/robots", q=f"Level=project,ProjectID={number}")[0]
    assert made["duration"] == 30
    rights = {f"{a['resource']}:{a['action']}" for a in made["permissions"][0]["access"]}
    assert {"repository:push", "repository:pull", "repository:delete", "tag:create"} <= rights and "label:create" not in rights
    # fewer rights, for ever
    page.get_by_role("button", name=f"Change {full}").click()
    expect(box.get_by_label("repositories: delete")).to_be_checked()
    box.get_by_label("repositories: delete").uncheck()
    box.get_by_label("It may be used").select_option("-1")
    box.get_by_role("button", name="Save").click()
    done(page, "was changed")
    expect(row).to_contain_text("never")
    changed = show.harbor.json("/robots", q=f"Level=project,ProjectID={number}")[0]
    assert len(changed["permissions"][0]["access"]) == len(rights) - 1 and changed["description"] == "builds"
    # another secret
    page.get_by_role("button", name=f"New secret for {full}").click()
    box.get_by_role("button", name="New secret").click()
    expect(box).to_contain_text("shown this once")
    assert box.locator("dd").last.locator("code").inner_text() != secret
    box.get_by_role("button", name="I have kept it").click()
    assert own.get(f"/projects/{name}/repositories").status == 401
    # not now
    page.get_by_role("button", name=f"Disable {full}").click()
    expect(box).to_contain_text("until the robot is enabled again")
    box.get_by_role("button", name="Disable").click()
    done(page, "may no longer sign in")
    expect(row).to_contain_text("disabled")
    page.get_by_role("button", name=f"Enable {full}").click()
    expect(row).to_contain_text("active")
    assert show.harbor.json("/robots", q=f"Level=project,ProjectID={number}")[0]["disable"] is False
    page.get_by_role("button", name=f"Delete {full}").click()
    box.get_by_role("button", name="Delete").click()
    done(page, "is gone")
    assert show.harbor.json("/robots", q=f"Level=project,ProjectID={number}") == []


def test_a_robot_needs_a_good_name(window, show, project):
    portal = sign_in(window, show, "ada")
    portal.allow("status of 400")
    page = portal.open(f"/projects/{project[1]}/robots")
    page.get_by_role("button", name="New robot").click()
    box = dialog(page)
    box.get_by_label("Name", exact=True).fill("Not Good")
    box.get_by_label("It may be used").select_option("own")
    box.get_by_label("Days, from when").fill("5")
    row = box.get_by_role("button", name="labels", exact=True)
    row.click()
    expect(row).to_have_attribute("aria-pressed", "true")
    expect(box.get_by_label("labels: create")).to_be_checked()
    box.get_by_role("button", name="Create").click()
    expect(box.get_by_role("alert")).to_contain_text("lower-case letters")
    box.get_by_label("Name", exact=True).fill("good")
    box.get_by_role("button", name="Create").click()
    expect(box).to_contain_text("shown this once")
    assert show.harbor.json("/robots", q=f"Level=project,ProjectID={project[0]}")[0]["duration"] == 5


def test_rights_that_nothing_asks_for(window, show, project):
    """They are not offered; a robot that has one keeps it until somebody takes it away."""
    robot(show.harbor, project[1], "early", "repository:pull", "tag-retention:read")
    portal = sign_in(window, show, "ada")
    page = portal.open(f"/projects/{project[1]}/robots")
    box = dialog(page)
    page.get_by_role("button", name="New robot").click()
    expect(box.get_by_label("members: list")).to_be_visible()
    for thing in ("retention", "webhooks", "scans", "preheating", "bills of materials"):
        expect(box.get_by_role("button", name=thing, exact=True)).to_have_count(0)
    box.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name=f"Change robot${project[1]}+early").click()
    expect(box.get_by_label("retention: read")).to_be_checked()
    expect(box.get_by_label("retention: update")).to_have_count(0)
    box.get_by_label("artifacts: list").check()
    box.get_by_role("button", name="Save").click()
    done(page, "was changed")
    left = show.harbor.json("/robots", q=f"Level=project,ProjectID={project[0]}")[0]["permissions"][0]["access"]
    assert {f"{a['resource']}:{a['action']}" for a in left} == {"repository:pull", "tag-retention:read", "artifact:list"}


def test_robots_are_seen_by_members(window, show):
    portal = sign_in(window, show, "gus")
    page = portal.open(f"/projects/{show.research}/robots")
    expect(page.get_by_role("row").filter(has_text="+cluster")).to_contain_text("disabled")
    expect(page.get_by_role("row").filter(has_text="+ci")).to_contain_text("2 rights")
    portal.shot("project-robots")
    assert portal.axe() == []


# ---- labels ----

def test_labels(window, show, project):
    number, name = project
    portal = sign_in(window, show, "max")
    page = portal.open(f"/projects/{name}/labels")
    expect(page.get_by_text("There are no labels yet")).to_be_visible()
    page.get_by_role("button", name="New label").click()
    box = dialog(page)
    box.get_by_label("Name", exact=True).fill("draft")
    box.get_by_label("Description").fill("not for products")
    box.get_by_label("Colour #c92a2a").check(force=True)
    assert portal.axe() == []
    box.get_by_role("button", name="Create").click()
    done(page, "The label draft was made")
    made = show.harbor.json("/labels", scope="p", project_id=number)
    assert [(m["name"], m["color"], m["description"]) for m in made] == [("draft", "#c92a2a", "not for products")]
    page.get_by_role("button", name="Change draft").click()
    box.get_by_label("Name", exact=True).fill("old")
    box.get_by_label("Another colour").fill("#123456")
    box.get_by_role("button", name="Save").click()
    done(page, "The label old was changed")
    assert show.harbor.json("/labels", scope="p", project_id=number)[0]["color"] == "#123456"
    portal.allow("status of 409")
    show.harbor.post("/labels", {"name": "taken", "color": "#000000", "scope": "p", "project_id": number})
    page.get_by_role("button", name="Change old").click()
    box.get_by_label("Name", exact=True).fill("taken")
    box.get_by_role("button", name="Save").click()
    expect(box.get_by_role("alert")).to_contain_text("already")
    box.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Delete old").click()
    expect(box).to_contain_text("taken off every artifact")
    box.get_by_role("button", name="Delete").click()
    done(page, "The label old is gone")
    assert [m["name"] for m in show.harbor.json("/labels", scope="p", project_id=number)] == ["taken"]


def test_labels_are_seen_by_anybody(window, show):
    portal = window()
    page = portal.open(f"/projects/{show.research}/labels")
    expect(page.get_by_role("row").filter(has_text="approved")).to_contain_text("May be used in products")
    portal.shot("project-labels")
    assert portal.axe() == []
    page.get_by_placeholder("Find a label").fill("no such")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No label is called so")).to_be_visible()


# ---- immutable rules ----

def test_immutable_rules(window, show, project):
    number, name = project
    portal = sign_in(window, show, "max")
    page = portal.open(f"/projects/{name}/immutable")
    expect(page.get_by_text("whoever may push can move every tag")).to_be_visible()
    page.get_by_role("button", name="New rule").click()
    box = dialog(page)
    repositories, its_tags = (box.get_by_role("group", name=n) for n in ("Repositories", "Tags"))
    expect(box.locator(".rule-words")).to_contain_text("In all repositories, tags that match v* cannot be moved or deleted.")
    repositories.get_by_label("Pattern").fill("llm/**")
    its_tags.get_by_role("combobox").select_option("that do not match")
    its_tags.get_by_label("Pattern").fill("dev*")
    words = "In repositories that match llm/**, tags that do not match dev* cannot be moved or deleted."
    expect(box.locator(".rule-words")).to_contain_text(words)
    portal.shot("project-immutable-create")
    assert portal.axe() == []
    box.get_by_role("button", name="Create").click()
    done(page, "The rule counts from now on")
    expect(page.get_by_role("row").filter(has_text=words)).to_contain_text("counts")
    push(show.harbor.registry, f"{name}/llm/a", *small_image(), "v1")
    assert show.harbor.registry.delete(f"/v2/{name}/llm/a/manifests/v1").status == 412
    page.get_by_role("button", name=f"Pause: {words}").click()
    expect(page.get_by_role("row").filter(has_text=words)).to_contain_text("paused")
    assert show.harbor.json(f"/projects/{number}/immutabletagrules")[0]["disabled"] is True
    page.get_by_role("button", name=f"Let it count again: {words}").click()
    expect(page.get_by_role("row").filter(has_text=words)).to_contain_text("counts")
    page.get_by_role("button", name=f"Change: {words}").click()
    its_tags.get_by_role("combobox").select_option("that match")
    its_tags.get_by_label("Pattern").fill("**")
    repositories.get_by_label("Pattern").fill("**")
    box.get_by_role("button", name="Save").click()
    done(page, "The rule was changed")
    every = "In all repositories, no tag can be moved or deleted."
    expect(page.get_by_text(every)).to_be_visible()
    page.get_by_role("button", name=f"Delete: {every}").click()
    expect(box).to_contain_text(every)
    box.get_by_role("button", name="Delete").click()
    done(page, "The rule is gone")
    assert show.harbor.json(f"/projects/{number}/immutabletagrules") == []


def test_a_pattern_that_cannot_be_read(window, show, project):
    portal = sign_in(window, show, "max")
    portal.allow("status of 400")
    page = portal.open(f"/projects/{project[1]}/immutable")
    page.get_by_role("button", name="New rule").click()
    dialog(page).get_by_role("group", name="Tags").get_by_label("Pattern").fill("[v")
    dialog(page).get_by_role("button", name="Create").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("[v")


def test_several_selectors_are_kept(window, show, project):
    """The API takes more than the form shows: what is behind the first stays."""
    number, name = project
    more = rule()
    more["tag_selectors"].append({"kind": "doublestar", "decoration": "excludes", "pattern": "*-rc"})
    show.harbor.post(f"/projects/{number}/immutabletagrules", more)
    page = sign_in(window, show, "ada").open(f"/projects/{name}/immutable")
    page.get_by_role("button", name="Change:").click()
    dialog(page).get_by_role("group", name="Tags").get_by_label("Pattern").fill("w*")
    dialog(page).get_by_role("button", name="Save").click()
    done(page, "The rule was changed")
    kept = show.harbor.json(f"/projects/{number}/immutabletagrules")[0]["tag_selectors"]
    assert [s["pattern"] for s in kept] == ["w*", "*-rc"]


# ---- the audit log ----

def test_audit_log(window, show):
    portal = sign_in(window, show, "ada")
    page = portal.open(f"/projects/{show.research}/logs")
    rows = page.locator("tbody tr")
    expect(rows.filter(has_text="create · robot")).to_have_count(2)
    portal.shot("project-logs")
    assert portal.axe() == []
    page.get_by_label("Operation").select_option("create")
    page.get_by_label("Kind of thing").select_option("robot")
    expect(rows).to_have_count(2)
    assert "op=create" in page.url and "type=robot" in page.url
    page.get_by_label("Name of the thing").fill("+ci")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    page.get_by_label("User").fill("admin")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    page.get_by_label("Result").select_option("false")
    expect(page.get_by_text("Nothing was recorded that fits")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    portal.settle()
    assert "?" not in page.url
    page.get_by_label("From", exact=True).fill("2020-01-01")
    page.get_by_label("To", exact=True).fill("2020-01-02")
    expect(page.get_by_text("Nothing was recorded that fits")).to_be_visible()
    page.get_by_label("To", exact=True).fill("2100-01-01")
    expect(rows.first).to_be_visible()


def test_audit_log_in_pages(window, show, project):
    for i in range(21):
        show.harbor.post("/labels", {"name": f"l{i}", "color": "#000000", "scope": "p", "project_id": project[0]})
    page = sign_in(window, show, "ada").open(f"/projects/{project[1]}/logs", type="label")
    expect(page.locator("tbody tr").first).to_contain_text("l20")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="When").click()
    expect(page.locator("tbody tr").first).to_contain_text("l0")


# ---- configuration ----

def test_configuration(window, show, project):
    number, name = project
    portal = sign_in(window, show, "ada")
    page = portal.open(f"/projects/{name}/configuration")
    expect(page.get_by_text("How much it may hold")).to_have_count(0)  # for administrators of the system
    save = page.get_by_role("button", name="Save")
    expect(save).to_be_disabled()
    page.get_by_label("Public").check()
    save.click()
    expect(dialog(page)).to_contain_text("list and pull everything in")
    assert portal.axe() == []
    dialog(page).get_by_role("button", name="Make it public").click()
    done(page, "The project was changed")
    expect(page.locator(".project-head")).to_contain_text("Public")
    assert show.harbor.json(f"/projects/{number}")["metadata"]["public"] == "true"
    page.get_by_label("Private").check()
    save.click()
    expect(dialog(page)).to_contain_text("Who is no member")
    dialog(page).get_by_role("button", name="Cancel").click()
    assert show.harbor.json(f"/projects/{number}")["metadata"]["public"] == "true"
    portal.shot("project-configuration")
    assert portal.axe() == []


def test_configuration_is_read_only_for_maintainers(window, show, project):
    show.harbor.put(f"/projects/{project[0]}", {"metadata": {"auto_scan": "true"}})
    portal = sign_in(window, show, "max")
    page = portal.open(f"/projects/{project[1]}/configuration")
    expect(page.get_by_text("You may read this")).to_be_visible()
    expect(page.get_by_label("Public")).to_be_disabled()
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("auto_scan")).to_be_visible()
    assert portal.axe() == []


def test_quota(window, show, project):
    number, name = project
    portal = sign_in(window, show, "admin")
    page = portal.open(f"/projects/{name}/configuration")
    page.get_by_label("No limit").uncheck()
    page.get_by_label("Quota").fill("3")
    page.get_by_label("Unit").select_option("GiB")
    page.locator("form").get_by_role("button", name="Save").click()
    expect(page.locator(".project-head")).to_contain_text("of 3 GiB")
    assert show.harbor.json(f"/projects/{number}/summary")["quota"]["hard"]["storage"] == 3 * GIB
    assert portal.axe() == []


def test_delete_from_the_configuration(window, show, project):
    portal = sign_in(window, show, "ada")
    page = portal.open(f"/projects/{project[1]}/configuration")
    page.get_by_role("button", name="Delete the project").click()
    expect(dialog(page)).to_contain_text(project[1])
    dialog(page).get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_have_text("Projects")
    assert show.harbor.get(f"/projects/{project[0]}").status == 404


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
