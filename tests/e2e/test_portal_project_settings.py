# SPDX-License-Identifier: Apache-2.0
"""How a project is kept, in a real browser: members, robots, labels, rules, its log and its configuration."""
from playwright.sync_api import expect

from harness.content import push, small_image
from harness.harbor import Harbor, fresh
from harness.portal_projects import GIB, dialog, done, filled, project, robot, rule, show, sign_in  # noqa: F401

PREFIX = "ps-"


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
    box.get_by_label("Name of a user or a group").fill("ps-stra")
    box.get_by_label("ps-stranger").check()
    box.get_by_label("limited guest").check()
    portal.shot("project-members-add")
    assert portal.axe() == []
    box.get_by_role("button", name="Add").click()
    done(page, "ps-stranger is a member now")
    row = page.get_by_role("row").filter(has_text="ps-stranger")
    expect(row).to_contain_text("limited guest")
    page.get_by_role("button", name="Change the role of ps-stranger").click()
    expect(box.get_by_text("pushes, tags, describes")).to_be_visible()
    box.get_by_label("maintainer").check()
    box.get_by_role("button", name="Save").click()
    done(page, "ps-stranger is maintainer now")
    expect(row).to_contain_text("maintainer")
    page.get_by_role("button", name="Remove ps-stranger").click()
    expect(box).to_contain_text("loses the role maintainer")
    box.get_by_role("button", name="Remove").click()
    done(page, "no longer a member")
    expect(row).to_have_count(0)
    names = {m["entity_name"] for m in show.harbor.json(f"/projects/{number}/members")}
    assert "ps-stranger" not in names


def test_a_group_becomes_a_member(window, show, project):
    group = fresh("ps-crew")
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
