# SPDX-License-Identifier: Apache-2.0
"""The portal: the administration of the system, for administrators and for nobody else."""
import re
import shutil
import subprocess

import pytest
from playwright.sync_api import expect

from harness.content import noise, push, small_image
from harness.harbor import PASSWORD, Harbor, fresh
from harness.record import HAVEN
from harness.server import Server, wait_until

AREAS = {"users": "Users", "groups": "Groups", "robots": "Robots", "quotas": "Quotas", "labels": "Labels", "collection": "Collection",
         "audit": "Audit log", "configuration": "Configuration", "jobs": "Jobs", "health": "System health"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One of its own: settings and queues of the whole system are changed here."""
    server = Server(tmp_path_factory.mktemp("admin"), config={"collect.grace": "1s"})
    server.start()
    harbor = Harbor(server.registry())
    for name in ("research", "vision"):
        harbor.add_project(name)
        push(harbor.registry, f"{name}/model", *small_image(), "v1")
    for name in ("mia", "noor"):
        harbor.add_user(name, realname=name.capitalize())
    harbor.post("/usergroups", {"group_name": "readers", "group_type": 3})
    harbor.post("/labels", {"name": "approved", "color": "#2b8a3e", "scope": "g"})
    harbor.put("/quotas/1", {"hard": {"storage": 10 << 30}})
    yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture(scope="module")
def admin(server):
    return Harbor(server.registry())


@pytest.fixture
def boss(window, server):
    def begin(path="/admin", user="admin", **how):
        portal = window(server=server, **how)
        portal.sign_in(user)
        portal.open(path)
        return portal
    return begin


def dialog(portal):
    return portal.page.get_by_role("dialog")


def said(portal, text):
    """A short word on what was done."""
    expect(portal.page.locator(".toasts").get_by_text(text).first).to_be_visible()


# ---- who sees it ----

def test_there_is_no_administration_for_others(window, server, boss):
    for portal in (window(server=server), boss("/", user="mia")):
        portal.open("/")
        expect(portal.page.get_by_role("link", name="Administration")).to_have_count(0)
        for path in ["/admin"] + [f"/admin/{a}" for a in AREAS]:
            portal.open(path)
            assert portal.heading() == "Not found"


def test_side_navigation(boss):
    portal = boss("/")
    page = portal.page
    page.get_by_label("Main").get_by_role("link", name="Administration").click()
    expect(page.locator("h1")).to_have_text("Users")
    assert page.url.endswith("/-/admin/users")
    side = page.get_by_role("navigation", name="Areas of the administration")
    assert [x.strip() for x in side.get_by_role("link").all_inner_texts()] == list(AREAS.values())
    for area, name in AREAS.items():
        side.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("h1")).to_have_text(name)
        expect(side.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "page")
        assert page.url.endswith(f"/-/admin/{area}")
        expect(page.get_by_label("Main").get_by_role("link", name="Administration")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Jobs")
    portal.open("/admin/nothing")
    assert portal.heading() == "Not found"


@pytest.mark.parametrize("how", [{}, {"dark": True}, {"phone": True}, {"language": "zh-CN", "phone": True, "dark": True}],
                         ids=["wide", "dark", "phone", "zh"])
def test_everywhere(boss, how):
    portal = boss("/admin/users", **how)
    for area in AREAS:
        portal.open(f"/admin/{area}")
        expect(portal.page.locator("h1")).to_be_visible()
        portal.shot(f"admin-{area}" + "".join(f"-{k}" for k in how))
        assert (area, portal.axe()) == (area, [])
        assert portal.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), area


# ---- users ----

def test_users_are_found_and_sorted(boss):
    portal = boss("/admin/users")
    page = portal.page
    rows = page.locator("tbody tr")
    page.get_by_role("searchbox", name="Search user names").fill("mi")
    page.keyboard.press("Enter")
    portal.settle()
    assert "q=mi" in page.url
    expect(rows.filter(has_text="mia@example.org")).to_have_count(1)
    expect(rows.filter(has_text="noor")).to_have_count(0)
    page.get_by_label("Search in").select_option("E-mail address")
    portal.settle()
    page.get_by_role("searchbox", name="Search e-mail addresses").fill("noor@")
    page.keyboard.press("Enter")
    expect(rows.filter(has_text="noor@example.org")).to_have_count(1)
    expect(rows).to_have_count(1)
    page.get_by_role("searchbox", name="Search e-mail addresses").fill("nobody@")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody is called so.")).to_be_visible()
    portal.open("/admin/users")
    page.get_by_role("button", name="User name").click()
    page.get_by_role("button", name="User name").click()
    portal.settle()
    assert "sort=-username" in page.url
    names = page.locator("tbody tr td:first-child a").all_inner_texts()
    assert names == sorted(names, reverse=True) and len(names) > 2


def test_a_user_from_begin_to_end(boss, admin, server):
    portal = boss("/admin/users")
    portal.allow("status of 4..")
    page, name = portal.page, fresh("user")
    page.get_by_role("button", name="New user").click()
    form = dialog(portal)
    create = form.get_by_role("button", name="Create")
    form.get_by_label("User name").fill("a~b")
    form.get_by_label("Name", exact=True).fill("Ada")
    form.get_by_label("E-mail address").fill(f"{name}@example.org")
    form.get_by_label("Password").fill("weak")
    expect(create).to_be_disabled()
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_label("The same again").fill(PASSWORD)
    portal.shot("user-create")
    assert portal.axe() == []
    create.click()
    expect(form.locator(".field-wrong").filter(has_text="must not hold any of")).to_be_visible()
    expect(form.get_by_label("User name")).to_be_focused()
    form.get_by_label("User name").fill("mia")
    create.click()
    expect(form.get_by_role("alert").filter(has_text="there is a user mia already")).to_be_visible()
    form.get_by_label("User name").fill(name)
    create.click()
    said(portal, f"{name} can sign in now.")
    number = admin.json("/users", username=name)[0]["user_id"]

    page.get_by_role("button", name=f"Edit {name}").click()
    dialog(portal).get_by_label("Remark").fill("From the field office")
    dialog(portal).get_by_role("button", name="Save").click()
    said(portal, "Saved.")
    assert admin.json(f"/users/{number}")["comment"] == "From the field office"

    page.get_by_role("button", name=f"Set the password of {name}").click()
    expect(dialog(portal)).to_contain_text("is signed out everywhere")
    dialog(portal).get_by_label("New password").fill("Another-Horse-10")
    dialog(portal).get_by_label("The same again").fill("Another-Horse-10")
    dialog(portal).get_by_role("button", name="Set the password").click()
    said(portal, f"{name} has a new password.")
    assert Harbor(server.registry(name, "Another-Horse-10")).get("/users/current").status == 200

    page.get_by_role("button", name=f"Make {name} an administrator").click()
    expect(dialog(portal)).to_contain_text("will be able to do everything")
    dialog(portal).get_by_role("button", name="Make administrator").click()
    expect(page.get_by_role("row", name=name)).to_contain_text("Administrator")
    assert admin.json(f"/users/{number}")["sysadmin_flag"] is True
    page.get_by_role("button", name=f"Take the administration from {name}").click()
    dialog(portal).get_by_role("button", name="Take the administration away").click()
    expect(page.get_by_role("row", name=name)).not_to_contain_text("Administrator")
    assert admin.json(f"/users/{number}")["sysadmin_flag"] is False

    page.get_by_role("button", name=f"Delete {name}").click()
    expect(dialog(portal)).to_contain_text("all access tokens")
    delete = dialog(portal).get_by_role("button", name="Delete", exact=True)
    expect(delete).to_be_disabled()
    dialog(portal).get_by_label(f"To go on, write {name}").fill(name)
    portal.shot("user-delete")
    delete.click()
    said(portal, f"{name} is deleted.")
    expect(page.get_by_role("row", name=name)).to_have_count(0)
    assert admin.get(f"/users/{number}").status == 404


def test_the_first_account_is_safe(boss):
    portal = boss("/admin/users")
    row = portal.page.get_by_role("row", name="admin", exact=False).filter(has=portal.page.get_by_role("link", name="admin", exact=True))
    expect(row.get_by_role("button", name="Edit admin")).to_be_visible()
    expect(row.get_by_role("button", name="Delete admin")).to_have_count(0)
    expect(row.get_by_role("button", name="Take the administration from admin")).to_have_count(0)


def test_tokens_and_sessions_of_others(boss, admin, window, server):
    name = fresh("holder")
    number, them = admin.add_user(name)
    them.post(f"/users/{number}/tokens", {"name": "lost", "scope": "read", "duration": 1})
    portal, other = boss("/admin/users"), boss("/account", user=name)
    page = portal.page
    page.reload()
    page.get_by_role("link", name=name).click()
    expect(page.locator("h2").first).to_contain_text(name)
    expect(page.get_by_role("term").filter(has_text="E-mail address")).to_be_visible()
    portal.shot("user")
    assert portal.axe() == []
    page.get_by_role("link", name="Access tokens").click()
    assert f"user={number}" in page.url and "tab=tokens" in page.url
    page.get_by_role("button", name="Revoke lost").click()
    dialog(portal).get_by_role("button", name="Revoke the token").click()
    said(portal, "The token lost is revoked.")
    assert admin.json(f"/users/{number}/tokens") == []
    page.get_by_role("link", name="Sessions").click()
    page.get_by_role("button", name="Sign out everywhere").click()
    dialog(portal).get_by_role("button", name="Sign out there").click()
    expect(page.get_by_text("No browser is signed in.")).to_be_visible()
    other.allow("status of 401")
    other.page.get_by_role("link", name="Sessions").first.click()
    expect(other.page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    dialog(portal).get_by_label(re.compile("To go on")).fill(name)
    dialog(portal).get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("table")).to_be_visible()
    assert "user=" not in page.url
    portal.allow("status of 404")
    portal.open("/admin/users", user=number)
    expect(page.get_by_role("alert")).to_contain_text("there is no user")


# ---- groups, robots, labels ----

def test_groups(boss, admin):
    portal = boss("/admin/groups")
    portal.allow("status of 4..")
    page, name = portal.page, fresh("group")
    page.get_by_role("button", name="New group").click()
    form = dialog(portal)
    form.get_by_label("Name").fill("readers")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_role("alert").filter(has_text='there is a group "readers" already')).to_be_visible()
    form.get_by_label("Name").fill(name)
    form.get_by_label("Comes from").select_option("LDAP")
    form.get_by_label("Distinguished name").fill("nonsense")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_label("Distinguished name")).to_be_focused()
    form.get_by_label("Distinguished name").fill(f"cn={name},dc=example,dc=org")
    form.get_by_role("button", name="Create").click()
    said(portal, f"The group {name} is known now.")
    expect(page.get_by_role("row", name=name)).to_contain_text("LDAP")
    page.get_by_role("button", name=f"Rename {name}").click()
    dialog(portal).get_by_label("Name").fill(name + "-new")
    dialog(portal).get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name=name + "-new")).to_be_visible()
    assert admin.json("/usergroups", group_name=name)[0]["ldap_group_dn"] == f"cn={name},dc=example,dc=org"
    page.get_by_role("searchbox", name="Search groups").fill("read")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("searchbox", name="Search groups").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Delete {name}-new").click()
    expect(dialog(portal)).to_contain_text("its roles in all projects end")
    dialog(portal).get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No group is called so.")).to_be_visible()
    assert admin.json("/usergroups", group_name=name) == []


def test_robots_of_the_system(boss, admin, server):
    admin.post("/robots", {"name": "inside", "level": "project", "duration": 30, "permissions": [
        {"kind": "project", "namespace": "research", "access": [{"resource": "repository", "action": "pull"}]}]})
    portal = boss("/admin/robots")
    page, box = portal.page, dialog(portal)
    expect(page.get_by_role("button", name="New robot")).to_be_visible()
    expect(page.get_by_text("inside")).to_have_count(0)
    page.get_by_role("button", name="New robot").click()
    box.get_by_label("Name", exact=True).fill("mirror")
    expect(box.get_by_role("button", name="Create")).to_be_disabled()
    box.get_by_label("Name of the project, or *").fill("vision")
    box.get_by_role("button", name="Add rights in a project").click()
    box.get_by_role("group", name="In the project vision").get_by_role("button", name="Pull and push").click()
    box.get_by_role("group", name="In every project").get_by_role("button", name="Pull", exact=True).click()
    system = box.get_by_role("group", name="In the system")
    system.get_by_label("audit log: list", exact=True).check()
    for later in ("replication", "scan of everything", "distribution systems"):
        expect(system.get_by_role("button", name=later, exact=True)).to_have_count(0)
    portal.shot("robot-system-create")
    assert portal.axe() == []
    box.get_by_role("button", name="Create").click()
    expect(box).to_contain_text("shown this once")
    secret = box.locator("dd").last.locator("code").inner_text()
    box.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_role("row", name="robot$mirror")).to_contain_text("active")
    made = admin.json("/robots", q="Level=system,name=mirror")[0]
    rights = {(p["kind"], p["namespace"]): {f"{a['resource']}:{a['action']}" for a in p["access"]} for p in made["permissions"]}
    assert set(rights) == {("project", "vision"), ("project", "*"), ("system", "/")}
    assert "repository:push" in rights["project", "vision"] and "repository:push" not in rights["project", "*"]
    mirror = Harbor(server.registry("robot$mirror", secret))
    for name in ("research", "vision"):
        assert mirror.registry.request("GET", f"/v2/{name}/model/manifests/v1").status == 200
    document, blobs = small_image()
    push(mirror.registry, "vision/mirrored", document, blobs, "v1")
    digest = next(iter(blobs))
    assert mirror.registry.request("POST", f"/v2/research/mirrored/blobs/uploads/?mount={digest}&from=vision/mirrored").status in (401, 403)
    page.get_by_role("button", name="Change robot$mirror").click()
    box.get_by_role("button", name="Take these rights away: In the project vision").click()
    box.get_by_role("button", name="Save").click()
    said(portal, "The robot robot$mirror was changed.")
    assert {p["namespace"] for p in admin.json("/robots", q="Level=system,name=mirror")[0]["permissions"]} == {"*", "/"}
    page.get_by_role("button", name="Delete robot$mirror").click()
    box.get_by_role("button", name="Delete", exact=True).click()
    said(portal, "The robot robot$mirror is gone.")
    assert mirror.get("/users/current").status == 401


def test_labels_of_the_system(boss, admin):
    admin.post("/labels", {"name": "ours", "color": "#2b8a3e", "scope": "p", "project_id": admin.json("/projects/research")["project_id"]})
    portal = boss("/admin/labels")
    page, box = portal.page, dialog(portal)
    expect(page.get_by_role("row", name="approved")).to_be_visible()
    expect(page.get_by_text("ours")).to_have_count(0)
    page.get_by_role("button", name="New label").click()
    box.get_by_label("Name", exact=True).fill("retired")
    box.get_by_label("Description").fill("Not for new work.")
    box.get_by_role("button", name="Create").click()
    said(portal, "The label retired was made.")
    made = admin.json("/labels", scope="g", name="retired")[0]
    assert (made["scope"], made["description"]) == ("g", "Not for new work.")
    page.get_by_role("button", name="Change retired").click()
    box.get_by_label("Name", exact=True).fill("withdrawn")
    box.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="withdrawn")).to_be_visible()
    page.get_by_role("button", name="Delete withdrawn").click()
    expect(box).to_contain_text("taken off every artifact that has it")
    box.get_by_role("button", name="Delete", exact=True).click()
    said(portal, "The label withdrawn is gone.")
    assert admin.json("/labels", scope="g", name="withdrawn") == []


# ---- quotas ----

def test_quotas(boss, admin):
    name = fresh("quota")
    number, _ = admin.add_project(name)
    push(admin.registry, f"{name}/model", *small_image(), "v1")
    portal = boss("/admin/quotas")
    page = portal.page
    page.get_by_role("searchbox", name="Search projects").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("row", name=name)).to_contain_text("no limit")
    page.get_by_role("button", name=f"Edit the quota of {name}").click()
    form = dialog(portal)
    expect(form.get_by_label("No limit")).to_be_checked()
    form.get_by_label("No limit").uncheck()
    expect(form.get_by_role("button", name="Save")).to_be_disabled()
    form.get_by_label("May hold").fill("1")
    form.get_by_label("Unit").select_option("B")
    expect(form.get_by_text("That is less than it holds")).to_be_visible()
    form.get_by_label("May hold").fill("1.5")
    form.get_by_label("Unit").select_option("GiB")
    expect(form.get_by_text("That is less than it holds")).to_have_count(0)
    portal.shot("quota-edit")
    assert portal.axe() == []
    form.get_by_role("button", name="Save").click()
    said(portal, f"{name} may hold: 1.5 GiB")
    assert admin.json(f"/quotas/{number}")["hard"] == {"storage": 3 << 29}
    expect(page.get_by_role("row", name=name).get_by_role("progressbar")).to_be_visible()
    page.get_by_role("searchbox", name="Search projects").fill("nothing-is-called-so")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No project is called so.")).to_be_visible()
    portal.open("/admin/quotas")
    page.get_by_role("button", name="May hold").click()
    page.get_by_role("button", name="May hold").click()
    portal.settle()
    assert "sort=-hard.storage" in page.url
    expect(page.locator("tbody tr").first).to_contain_text("library")


def test_quota_of_new_projects(boss, admin):
    portal = boss("/admin/quotas")
    page = portal.page
    expect(page.get_by_text("A new project may hold: no limit")).to_be_visible()
    try:
        page.locator("main").get_by_role("button", name="Edit", exact=True).click()
        form = dialog(portal)
        form.get_by_label("No limit").uncheck()
        form.get_by_label("A new project may hold").fill("20")
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_text("A new project may hold: 20 GiB")).to_be_visible()
        number, _ = admin.add_project()
        assert admin.json(f"/quotas/{number}")["hard"] == {"storage": 20 << 30}
        page.locator("main").get_by_role("button", name="Edit", exact=True).click()
        dialog(portal).get_by_label("Quotas count").uncheck()
        dialog(portal).get_by_role("button", name="Save").click()
        expect(page.get_by_text("Quotas do not count")).to_be_visible()
        assert admin.json("/configurations")["quota_per_project_enable"]["value"] is False
    finally:
        admin.put("/configurations", {"storage_per_project": -1, "quota_per_project_enable": True})


# ---- the collection ----

def test_collection(boss, admin):
    name = fresh("gone")
    admin.add_project(name)
    push(admin.registry, f"{name}/model", *small_image(), "v1")
    admin.delete(f"/projects/{name}/repositories/model")
    portal = boss("/admin/collection")
    page = portal.page
    page.get_by_role("button", name="Run now").click()
    dialog(portal).get_by_label("Dry run").check()
    dialog(portal).get_by_label("Delete artifacts without a tag, too").check()
    expect(dialog(portal).get_by_text("can no longer be pulled by their digest")).to_be_visible()
    portal.shot("collection-run")
    assert portal.axe() == []
    dialog(portal).get_by_role("button", name="Look what would go").click()
    said(portal, "The dry run is asked for.")
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("Done", timeout=30_000)
    expect(first).to_contain_text("dry run")
    expect(first).to_contain_text(re.compile(r"would be freed: [1-9]\d* blobs"))
    page.get_by_role("button", name="Run now").click()
    dialog(portal).get_by_role("button", name="Run now").click()
    expect(page.locator("tbody tr").first).not_to_contain_text("dry run", timeout=30_000)
    expect(page.locator("tbody tr").first).to_contain_text(re.compile(r"Done.* freed: [1-9]\d* blobs", re.S), timeout=30_000)
    runs = admin.json("/system/gc", sort="-id")
    assert ['"dry_run":false' in r["job_parameters"].replace(" ", "") for r in runs[:2]] == [True, False]
    page.locator("tbody tr").first.get_by_role("button", name="Log of job").click()
    assert f"log={runs[0]['id']}" in page.url
    expect(dialog(portal).locator("pre")).to_contain_text(re.compile(r"^\d{4}-\d\d-\d\dT"))
    portal.shot("collection-log")
    assert portal.axe() == []
    page.keyboard.press("Escape")
    expect(dialog(portal)).to_have_count(0)
    assert "log=" not in page.url
    portal.shot("collection-history")


def test_collection_that_waits_is_stopped(boss, admin):
    admin.put("/jobservice/queues/GARBAGE_COLLECTION", {"action": "pause"})
    try:
        admin.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})
        portal = boss("/admin/collection")
        row = portal.page.locator("tbody tr").first
        expect(row).to_contain_text("Waiting")
        row.get_by_role("button", name="Stop").click()
        expect(dialog(portal)).to_contain_text("The next run goes on")
        dialog(portal).get_by_role("button", name="Stop").click()
        expect(row).to_contain_text("Stopped")
        assert admin.json("/system/gc", sort="-id")[0]["job_status"] == "Stopped"
    finally:
        admin.put("/jobservice/queues/GARBAGE_COLLECTION", {"action": "resume"})


def test_collection_that_runs_is_watched_and_stopped(window, start):
    server = start()
    registry = server.registry()
    for _ in range(100):
        registry.push_blob("library/rest", noise(10))
    collect = [HAVEN, "admin", "collect", "--data", str(server.data)]
    subprocess.run([*collect, "--grace", "0s", "--rate", "2", "--schedule", "* * * * * *"], check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: any(r["job_status"] == "Running" for r in Harbor(registry).json("/system/gc")), 30)
    subprocess.run([*collect, "--schedule", "none"], check=True, stdout=subprocess.DEVNULL)
    portal = window(server=server)
    portal.sign_in("admin")
    page = portal.open("/admin/collection")
    row = page.locator("tbody tr").filter(has_text="Running")
    number = row.locator("td").first.inner_text()
    row.get_by_role("button", name=f"Log of job {number}").click()
    expect(dialog(portal)).to_contain_text("It runs: what it writes appears here.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"Stop {number}").click()
    expect(dialog(portal)).to_contain_text("it stops at the next step")
    dialog(portal).get_by_role("button", name="Stop", exact=True).click()
    said(portal, f"Job {number} is told to stop.")
    expect(page.locator("tbody tr").filter(has=page.get_by_role("button", name=f"Log of job {number}"))).to_contain_text("Stopped")
    page.get_by_role("button", name=f"Log of job {number}").click()
    expect(dialog(portal).locator("pre")).to_contain_text("stop")
    expect(dialog(portal).get_by_text("It runs")).to_have_count(0)


def test_collection_on_a_schedule(boss, admin):
    portal = boss("/admin/collection")
    portal.allow("status of 400")
    page = portal.page
    expect(page.get_by_text("Never by itself")).to_be_visible()
    page.get_by_role("button", name="Change the schedule").click()
    form = dialog(portal)
    form.get_by_label("How often").select_option("At other times (cron)")
    form.get_by_label("Cron").fill("every day")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_label("Cron")).to_be_focused()
    expect(form.get_by_label("Cron")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Cron").fill("0 30 4 * * *")
    form.get_by_label("Delete artifacts without a tag, too").check()
    assert portal.axe() == []
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("At 0 30 4 * * * (UTC)")).to_be_visible()
    there = admin.json("/system/gc/schedule")
    assert there["schedule"]["cron"] == "0 30 4 * * *" and '"delete_untagged":true' in there["job_parameters"].replace(" ", "")
    for choice, kind in (("Every day at 00:00 UTC", "Daily"), ("Never by itself", None)):
        page.get_by_role("button", name="Change the schedule").click()
        dialog(portal).get_by_label("How often").select_option(choice)
        dialog(portal).get_by_role("button", name="Save").click()
        expect(page.locator(".line").get_by_text(choice)).to_be_visible()
        assert admin.json("/system/gc/schedule").get("schedule", {}).get("type") == kind


# ---- the audit log ----

def test_audit_log(boss, admin):
    name = fresh("told")
    admin.add_project(name)
    portal = boss(f"/admin/audit?resource={name}")
    page = portal.page
    expect(page.get_by_role("row", name=name)).to_contain_text("admin")
    page.get_by_role("link", name="Purge").click()
    assert page.url.endswith("/-/admin/audit?tab=purge")
    expect(page.get_by_role("button", name="Purge now")).to_be_visible()
    portal.shot("audit-purge")
    assert portal.axe() == []


def test_purge(boss, admin):
    portal = boss("/admin/audit?tab=purge")
    portal.allow("status of 400")
    page = portal.page
    page.get_by_role("button", name="Purge now").click()
    form = dialog(portal)
    form.get_by_label("Unit of time").select_option("hours")
    form.get_by_label("Keep entries of the last").fill("1")
    for kind in ("create_user", "login_user"):
        form.get_by_label(kind, exact=True).uncheck()
    form.get_by_label("Dry run: only count them").check()
    assert portal.axe() == []
    portal.shot("purge-run")
    form.get_by_role("button", name="Count them").click()
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("entries would go", timeout=30_000)
    expect(first).to_contain_text("older than 1 hour")
    facts = admin.json("/system/purgeaudit", sort="-id")[0]["job_parameters"]
    assert "create_project" in facts and "login_user" not in facts
    page.get_by_role("button", name="Purge now").click()
    expect(form.get_by_text("cannot be had back")).to_be_visible()
    form.get_by_role("button", name="Purge now").click()
    expect(first).to_contain_text("older than 90 days", timeout=30_000)
    expect(first).to_contain_text("0 entries purged", timeout=30_000)
    page.get_by_role("button", name="Change the schedule").click()
    form.get_by_label("How often").select_option("Every Sunday at 00:00 UTC")
    form.get_by_label("Keep entries of the last").fill("365")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".line")).to_contain_text("Every Sunday")
    expect(page.locator(".line")).to_contain_text("older than 365 days")
    assert '"audit_retention_hour":8760' in admin.json("/system/purgeaudit/schedule")["job_parameters"].replace(" ", "")
    admin.put("/system/purgeaudit/schedule", {"schedule": {"type": "None"}})


# ---- configuration ----

def test_configuration(boss, admin):
    portal = boss("/admin/configuration")
    portal.allow("status of 400")
    page = portal.page
    save = page.locator(".save-bar").get_by_role("button", name="Save")
    for name in admin.json("/configurations"):
        if name not in ("read_only", "banner_message"):
            expect(page.locator(".setting-name").get_by_text(name, exact=True)).to_be_visible()
    fixed = page.get_by_label("How users prove who they are")
    expect(fixed).to_have_value("db_auth")
    expect(fixed).not_to_be_editable()
    expect(save).to_be_disabled()
    try:
        page.get_by_label("A registry token is valid for").fill("25")
        page.get_by_label("Who may make projects").select_option("administrators only")
        page.get_by_label("People make their own accounts").check()
        page.get_by_label("Forward to the syslog server").fill("nowhere")
        page.get_by_text("0 kinds are left out").click()
        page.get_by_label("pull_artifact").check()
        expect(page.get_by_text("5 changes are not saved")).to_be_visible()
        save.click()
        expect(page.get_by_label("Forward to the syslog server")).to_be_focused()
        expect(page.locator(".field-wrong").filter(has_text="nowhere")).to_be_visible()
        portal.shot("configuration-wrong")
        assert portal.axe() == []
        assert admin.json("/configurations")["token_expiration"]["value"] == 30
        page.get_by_label("Forward to the syslog server").fill("")
        expect(page.get_by_text("4 changes are not saved")).to_be_visible()
        save.click()
        said(portal, "Saved.")
        now = {k: v["value"] for k, v in admin.json("/configurations").items()}
        assert (now["token_expiration"], now["project_creation_restriction"], now["self_registration"],
                now["disabled_audit_log_event_types"]) == (25, "adminonly", True, "pull_artifact")
        page.get_by_label("A registry token is valid for").fill("26")
        page.get_by_role("button", name="Take them back").click()
        expect(page.get_by_label("A registry token is valid for")).to_have_value("25")
        expect(save).to_be_disabled()
    finally:
        admin.put("/configurations", {"token_expiration": 30, "project_creation_restriction": "everyone", "self_registration": False,
                                      "disabled_audit_log_event_types": ""})


def test_read_only_asks(boss, admin, window, server):
    portal = boss("/admin/configuration")
    page = portal.page
    try:
        page.get_by_role("button", name="Make it read-only").click()
        expect(dialog(portal)).to_contain_text("Every push, delete and change is refused")
        dialog(portal).get_by_role("button", name="Cancel").click()
        assert admin.json("/configurations")["read_only"]["value"] is False
        page.get_by_role("button", name="Make it read-only").click()
        dialog(portal).get_by_role("button", name="Make it read-only").click()
        expect(page.get_by_text("nothing can be pushed or changed")).to_be_visible()
        assert admin.json("/configurations")["read_only"]["value"] is True
        # What is refused for it is said in the server's words.
        portal.allow("status of 403")
        portal.open("/admin/groups")
        page.get_by_role("button", name="Delete readers").click()
        dialog(portal).get_by_role("button", name="Delete", exact=True).click()
        expect(dialog(portal).get_by_role("alert")).to_contain_text("read-only")
        portal.open("/admin/configuration")
        page.get_by_role("button", name="End the read-only mode").click()
        dialog(portal).get_by_role("button", name="End the read-only mode").click()
        said(portal, "The registry takes changes again.")
        expect(page.get_by_text("nothing can be pushed or changed")).to_have_count(0)
    finally:
        admin.put("/configurations", {"read_only": False})


def test_banner(boss, admin, window, server):
    portal, nobody = boss("/admin/configuration"), window(server=server)
    page = portal.page
    try:
        part = page.get_by_role("region", name="Banner")
        part.get_by_label("Message").fill("Maintenance <b>on Sunday</b>")
        part.get_by_role("button", name="Save").click()
        said(portal, "The banner is shown.")
        assert admin.json("/configurations")["banner_message"]["value"] == "Maintenance <b>on Sunday</b>"
        part.get_by_label("Kind").select_option("Warning")
        part.get_by_role("button", name="Save").click()
        expect(page.locator("main > .alert-warning")).to_have_text("Maintenance <b>on Sunday</b>")
        portal.shot("banner")
        assert portal.axe() == []
        nobody.open("/")
        expect(nobody.page.locator("main > .alert-warning")).to_have_text("Maintenance <b>on Sunday</b>")
        part.get_by_role("button", name="Take it away").click()
        expect(page.locator("main > .alert")).to_have_count(0)
        assert admin.json("/configurations")["banner_message"]["value"] == ""
    finally:
        admin.put("/configurations", {"banner_message": ""})


# ---- jobs, health ----

def test_queues(boss, admin):
    portal = boss("/admin/jobs")
    page = portal.page
    queues = page.get_by_role("region", name="Queues")
    expect(queues.locator("tbody tr")).to_have_count(len(admin.json("/jobservice/queues")))
    row = queues.get_by_role("row", name="GARBAGE_COLLECTION")
    expect(queues.get_by_role("row", name="MODEL_INDEX")).to_be_visible()
    try:
        row.get_by_role("button", name="Pause").click()
        expect(dialog(portal)).to_contain_text("also after a restart")
        dialog(portal).get_by_role("button", name="Pause").click()
        expect(row).to_contain_text("paused")
        admin.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})
        expect(row.get_by_role("cell").nth(1)).to_have_text("1", timeout=20_000)
        portal.shot("jobs-paused")
        row.get_by_role("button", name="End what waits").click()
        expect(dialog(portal)).to_contain_text("1 job that waits")
        dialog(portal).get_by_role("button", name="Stop").click()
        expect(row.get_by_role("cell").nth(1)).to_have_text("0")
        row.get_by_role("button", name="go on").click()
        expect(row).not_to_contain_text("paused")
        assert not any(q["paused"] for q in admin.json("/jobservice/queues"))
        scheduler = queues.get_by_role("row", name="SCHEDULER")
        scheduler.get_by_role("button", name="Pause").click()
        expect(dialog(portal)).to_contain_text("No schedule asks for anything")
        dialog(portal).get_by_role("button", name="Pause").click()
        expect(scheduler).to_contain_text("paused")
        assert admin.json("/schedules/all/paused")["paused"] is True
    finally:
        admin.put("/jobservice/queues/all", {"action": "resume"})


def test_schedules_and_workers(boss, admin):
    admin.put("/system/gc/schedule", {"schedule": {"type": "Custom", "cron": "0 0 5 * * *"}, "parameters": {}})
    try:
        portal = boss("/admin/jobs")
        page = portal.page
        expect(page.get_by_role("region", name="Schedules").get_by_role("row", name="Collection")).to_contain_text("0 0 5 * * *")
        expect(page.get_by_role("region", name="Workers").locator("tbody tr")).to_contain_text("nothing")
        (pool,) = admin.json("/jobservice/pools")
        expect(page.get_by_role("region", name="Processes")).to_contain_text(f"process {pool['pid']}")
    finally:
        admin.put("/system/gc/schedule", {"schedule": {"type": "None"}})


def test_health(boss, admin):
    portal = boss("/admin/health")
    page = portal.page
    parts = page.get_by_role("region", name="Parts of the server")
    expect(parts).to_contain_text("Everything is well.")
    expect(parts.get_by_role("listitem")).to_have_count(len(admin.json("/health")["components"]))
    expect(page.get_by_role("region", name="Space on disk").get_by_role("progressbar")).to_have_count(
        len(admin.json("/systeminfo/volumes")["storage"]))
    expect(page.get_by_role("region", name="What is in it")).to_contain_text(
        str(admin.json("/statistics")["total_project_count"]) + "projects")
    expect(page.get_by_role("region", name="About")).to_contain_text(admin.json("/systeminfo")["harbor_version"])


def test_health_that_is_not(boss):
    portal = boss("/admin/users")
    ill = {"status": "unhealthy", "components": [{"name": "core", "status": "healthy"},
                                                 {"name": "database", "status": "unhealthy", "error": "the database does not answer"}]}
    portal.page.route("**/api/v2.0/health", lambda route: route.fulfill(json=ill))
    page = portal.open("/admin/health")
    expect(page.get_by_text("Something is wrong.")).to_be_visible()
    expect(page.locator(".tile-bad")).to_contain_text("the database does not answer")
    portal.shot("health-ill")
    assert portal.axe() == []


# ---- what a server does not deliver, lists that fail, the keyboard ----

def test_only_what_is_delivered(boss):
    portal = boss("/admin/users")
    real = portal.page.request.get(portal.base + "/api/v2.0/capabilities").json()
    gone = {"listQuotas", "createUser", "deleteUser", "listSessions"}
    portal.page.route("**/api/v2.0/capabilities",
                      lambda route: route.fulfill(json={**real, "operations": [o for o in real["operations"] if o not in gone]}))
    page = portal.open("/admin/users")
    expect(page.get_by_role("button", name="Edit mia")).to_be_visible()
    expect(page.get_by_role("button", name="New user")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete mia")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Areas of the administration").get_by_role("link", name="Quotas")).to_have_count(0)
    portal.open("/admin/quotas")
    assert portal.heading() == "Not found"


def test_a_list_that_fails_can_be_asked_again(boss):
    portal = boss("/admin/users")
    portal.allow("status of 500")
    answers = [lambda route: route.fulfill(status=500, headers={"X-Request-Id": "r-77"},
                                           json={"errors": [{"code": "UNKNOWN", "message": "internal error"}]})]
    portal.page.route("**/api/v2.0/usergroups*", lambda route: answers.pop()(route) if answers else route.continue_())
    page = portal.open("/admin/groups")
    expect(page.get_by_role("alert")).to_contain_text("Request r-77")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("row", name="readers")).to_be_visible()


def test_by_keyboard(boss):
    portal = boss("/admin/users")
    page = portal.page
    page.get_by_role("navigation", name="Areas of the administration").get_by_role("link", name="Groups").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Groups")
    page.get_by_role("button", name="Rename readers").focus()
    page.keyboard.press("Enter")
    expect(dialog(portal).get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog(portal)).to_have_count(0)
    expect(page.get_by_role("button", name="Rename readers")).to_be_focused()


def test_somebody_who_is_no_administrator_any_more(boss, admin):
    """What is refused meanwhile is said; the page is not lost."""
    name = fresh("former")
    number, _ = admin.add_user(name)
    admin.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    portal = boss("/admin/groups", user=name)
    expect(portal.page.get_by_role("button", name="Delete readers")).to_be_visible()
    admin.put(f"/users/{number}/sysadmin", {"sysadmin_flag": False})
    portal.allow("status of 403")
    page = portal.page
    page.get_by_role("button", name="Delete readers").click()
    wait_until(lambda: Harbor(admin.registry.clone(user=name, password=PASSWORD)).get("/usergroups").status == 403)
    dialog(portal).get_by_role("button", name="Delete", exact=True).click()
    expect(dialog(portal).get_by_role("alert")).to_contain_text("You may not do this here")
