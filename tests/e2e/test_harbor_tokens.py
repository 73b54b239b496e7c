# SPDX-License-Identifier: Apache-2.0
"""Personal access tokens: made, used by programs, limited, ended."""
import sqlite3

import pytest

from harness.browser import Browser
from harness.content import push, small_image
from harness.harbor import PASSWORD, Harbor, fresh, refused


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def owner(harbor):
    """(name, number, a Harbor with their password)"""
    name = fresh("owner")
    number, user = harbor.add_user(name)
    return name, number, user


def with_token(harbor, name, token):
    """By Basic and by Bearer."""
    return (Harbor(harbor.registry.clone(user=name, password=token)),
            Harbor(harbor.registry.clone(user=None, password=None, token=token)))


def make(user, scope, **more):
    return user.post("/users/current/tokens", {"name": fresh("token"), "scope": scope, **more}).json()


def test_a_token_stands_for_its_user(harbor, owner, admin):
    name, number, user = owner
    made = make(user, "read", duration=30)
    assert made["token"].startswith("hf_") and len(made["token"]) == 43 and made["token"][3:].isalnum()
    assert made["expiration_time"][:10] > made["creation_time"][:10]
    project = harbor.add_project()[1]
    harbor.add_member(project, number, "developer")
    push(admin, f"{project}/m", *small_image(), "v1")
    for caller in with_token(harbor, name, made["token"]):
        assert caller.json("/users/current")["username"] == name
        assert caller.registry.manifest(f"{project}/m", "v1").status == 200
        assert [p["name"] for p in caller.json("/projects", name=project)] == [project]
        asked = caller.registry.get(f"/service/token?service=harbor-registry&scope=repository:{project}/m:pull,push")
        assert caller.registry.clone(user=None, token=asked.json()["token"]).manifest(f"{project}/m", "v1").status == 200
    listed = user.json("/users/current/tokens")
    assert [(t["id"], t["scope"]) for t in listed] == [(made["id"], "read")] and listed[0]["last_used_time"]
    assert "token" not in listed[0] and made["token"] not in str(listed)
    # the name that is sent along must be the right one
    refused(harbor.registry.clone(user="admin", password=made["token"]).get("/api/v2.0/users/current"), 401, "UNAUTHORIZED")
    refused(harbor.registry.clone(user=None, token="hf_" + "A" * 40).get("/api/v2.0/users/current"), 401, "UNAUTHORIZED")


def test_scopes(harbor, owner):
    name, number, user = owner
    _, project = harbor.add_project()
    harbor.add_member(project, number, "projectAdmin")
    label = {"name": fresh("label"), "scope": "p", "project_id": harbor.json(f"/projects/{project}")["project_id"]}
    for scope, may in (("read", False), ("write", True), ("all", True)):
        made = make(user, scope)
        for caller in with_token(harbor, name, made["token"]):
            pushed = caller.registry.start(f"{project}/m").status
            assert pushed == (202 if may else 401), (scope, pushed)
            asked = caller.registry.get(f"/service/token?service=harbor-registry&scope=repository:{project}/m:pull,push")
            bearer = caller.registry.clone(user=None, token=asked.json()["token"])
            assert bearer.start(f"{project}/m").status == (202 if may else 401)
            changed = caller.call("POST", "/labels", {**label, "name": fresh("label")})
            assert changed.status == (201 if may else 403), (scope, changed)
            assert caller.json(f"/projects/{project}")["name"] == project
            assert caller.call("PUT", f"/projects/{project}", {"metadata": {"public": "false"}}).status == (200 if may else 403)
            assert caller.call("POST", "/projects", {"project_name": fresh("made")}).status == (201 if may else 403)


def test_an_administrators_token_reaches_as_far_as_it_says(harbor):
    name = fresh("root")
    number, user = harbor.add_user(name)
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    other = harbor.add_user()[0]
    project = harbor.add_project()[1]
    profile = {"email": f"{fresh('x')}@example.org", "realname": "x"}
    for scope, writes, rules in (("read", False, False), ("write", True, False), ("all", True, True)):
        for caller in with_token(harbor, name, make(user, scope)["token"]):
            assert caller.get("/users").status == 200
            assert caller.registry.start(f"{project}/m").status == (202 if writes else 401)
            assert caller.call("PUT", f"/users/{other}", profile).status == (200 if rules else 403)
            assert caller.call("PUT", "/configurations", {"token_expiration": 30}).status == (200 if rules else 403)
            assert caller.call("POST", "/labels", {"name": fresh("g"), "scope": "g"}).status == (201 if rules else 403)


def test_a_token_cannot_take_the_account(harbor, owner):
    name, number, user = owner
    made = make(user, "all")
    for caller in with_token(harbor, name, made["token"]):
        for method, path, body in (("GET", "/users/current/tokens", None), ("GET", "/users/current/sessions", None),
                                   ("POST", "/users/current/tokens", {"name": "more", "scope": "all"}),
                                   ("DELETE", f"/users/current/tokens/{made['id']}", None),
                                   ("DELETE", "/users/current/sessions", None),
                                   ("PUT", f"/users/{number}/password", {"old_password": PASSWORD, "new_password": "New-Horse-99"}),
                                   ("PUT", f"/users/{number}", {"email": f"{fresh('e')}@example.org", "realname": "x"})):
            refused(caller.call(method, path, body), 403, "FORBIDDEN")
        assert caller.get(f"/users/{number}").status == 200


def test_ended(harbor, owner):
    name, number, user = owner
    made = make(user, "read")
    basic, bearer = with_token(harbor, name, made["token"])
    asked = basic.registry.get("/service/token?service=harbor-registry").json()["token"]
    registry = harbor.registry.clone(user=None, token=asked)
    assert registry.get("/v2/").status == 200
    user.delete(f"/users/current/tokens/{made['id']}")
    for caller in (basic, bearer):
        refused(caller.get("/users/current"), 401, "UNAUTHORIZED")
    assert registry.get("/v2/").status == 401, "what was made with the token has ended with it"
    refused(user.call("DELETE", f"/users/current/tokens/{made['id']}"), 404, "NOT_FOUND")
    entries = harbor.json("/auditlog-exts", q=f"username={name},operation_result=true")
    assert [(e["operation"], e["resource_type"]) for e in entries][:2] == [("delete", "token"), ("create", "token")]
    # with its user
    made = make(user, "read")
    harbor.delete(f"/users/{number}")
    for caller in with_token(harbor, name, made["token"]):
        refused(caller.get("/users/current"), 401, "UNAUTHORIZED")


def test_a_time_that_is_over(start):
    server = start()
    admin = Harbor(server.registry())
    made = make(admin, "read", duration=1)
    callers = with_token(admin, "admin", made["token"])
    for caller in callers:
        assert caller.get("/users/current").status == 200
    with sqlite3.connect(server.data / "haven.db") as db:
        db.execute("UPDATE personal_token SET expires_ms = created_ms")
    db.close()
    for caller in callers:
        refused(caller.get("/users/current"), 401, "UNAUTHORIZED")
    assert len(admin.json("/users/current/tokens")) == 1, "it is still seen"


def test_those_of_others(harbor, owner):
    name, number, user = owner
    made = make(user, "read")
    _, stranger = harbor.add_user()
    refused(stranger.call("DELETE", f"/users/current/tokens/{made['id']}"), 404, "NOT_FOUND")
    for method, path in (("GET", f"/users/{number}/tokens"), ("DELETE", f"/users/{number}/tokens/{made['id']}")):
        refused(stranger.call(method, path), 403, "FORBIDDEN")
    refused(harbor.call("POST", f"/users/{number}/tokens", {"name": "x", "scope": "read"}), 403, "FORBIDDEN", "themselves")
    assert [t["id"] for t in harbor.json(f"/users/{number}/tokens")] == [made["id"]]
    harbor.delete(f"/users/{number}/tokens/{made['id']}")
    assert user.json("/users/current/tokens") == []


@pytest.mark.parametrize("change, status, says", [
    ({"name": None}, 422, "name"), ({"name": ""}, 400, "name"), ({"name": "x" * 101}, 400, "name"), ({"name": "a\nb"}, 400, "name"),
    ({"scope": "admin"}, 400, "scope"), ({"scope": None}, 422, "scope"), ({"duration": -1}, 400, "duration"),
    ({"duration": 3651}, 400, "duration"), ({"duration": "7"}, 400, "duration"),
])
def test_what_no_token_may_have(harbor, owner, change, status, says):
    body = {k: v for k, v in {"name": "x", "scope": "read", **change}.items() if v is not None}
    answer = owner[2].call("POST", "/users/current/tokens", body)
    assert answer.status == status and says in answer.json()["errors"][0]["message"], answer


def test_names_and_numbers(harbor, owner):
    _, _, user = owner
    user.post("/users/current/tokens", {"name": "ci", "scope": "read"})
    refused(user.call("POST", "/users/current/tokens", {"name": "ci", "scope": "all"}), 409, "CONFLICT", "ci")
    for i in range(99):
        user.post("/users/current/tokens", {"name": f"n{i}", "scope": "read"})
    refused(user.call("POST", "/users/current/tokens", {"name": "more", "scope": "read"}), 409, "CONFLICT", "100")
    assert user.get("/users/current/tokens", page_size=5, q="name=~n9").get("X-Total-Count") == "10"


def test_made_in_a_browser(harbor, owner):
    name, _, _ = owner
    browser = Browser(harbor.registry)
    assert browser.sign_in(name, PASSWORD).status == 200
    made = make(browser, "write")
    assert with_token(harbor, name, made["token"])[1].json("/users/current")["username"] == name
