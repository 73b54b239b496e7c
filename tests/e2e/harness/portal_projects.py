# SPDX-License-Identifier: Apache-2.0
"""What the tests of the portal's pages of projects share: a registry with people in every role, and a window of each."""
import pytest
from playwright.sync_api import expect

from harness.harbor import Harbor, fresh
from harness.showcase import PEOPLE, Showcase

GIB = 1 << 30


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
def filled(haven, request):
    """The showcase, its names behind the PREFIX of the module that asks, and something on each tab."""
    s = Showcase(haven, request.module.PREFIX).fill()
    harbor, number = s.harbor, s.projects[s.research]
    s.prefix = request.module.PREFIX
    s.stranger = s.prefix + "stranger"
    harbor.add_user(s.stranger)
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
    number, name = show.harbor.add_project(fresh(f"{show.prefix}own"))
    for who, role in PEOPLE.items():
        show.harbor.add_member(number, show.people[who][0], role)
    return number, name


def sign_in(window, show, who, **how):
    """A window of somebody; "nobody" does not sign in."""
    portal = window(**how)
    if who != "nobody":
        portal.sign_in({"admin": "admin", "stranger": show.stranger}.get(who, f"{show.research}-{who}"))
    return portal


def dialog(page):
    return page.get_by_role("dialog")


def done(page, text):
    """Something was done, said so, and the dialog is gone."""
    expect(page.locator(".toasts")).to_contain_text(text)
    expect(dialog(page)).to_have_count(0)


def tabs(page):
    return page.get_by_label("Parts of the project").get_by_role("link").all_inner_texts()
