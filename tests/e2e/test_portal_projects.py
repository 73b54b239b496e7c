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
    "nobody": OPEN + ["Labels"], "stranger": OPEN + ["Labels"], "lea": OPEN,
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
def show(haven):
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
        portal.sign_in({"admin": "admin", "stranger": "pp-stranger"}.get(who, f"{show.research}-{who}"),
                       *([show.harbor.registry.password] if who == "admin" else []))
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


