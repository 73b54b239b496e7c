# SPDX-License-Identifier: Apache-2.0
"""Projects, their properties and members through Harbor's API."""
import pytest

from harness.content import push, small_image
from harness.harbor import ROLES, Harbor, fresh, refused


def push_model(registry, repo, tag):
    """Pushes something small; its digest."""
    document, blobs = small_image()
    return push(registry, repo, document, blobs, tag)[0]


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def nobody(anonymous):
    return Harbor(anonymous)


def test_a_project_is_made(harbor):
    name = fresh("made")
    made = harbor.post("/projects", {"project_name": name, "metadata": {"public": "true", "auto_scan": "true"}})
    number = int(made.get("Location").removeprefix("/api/v2.0/projects/"))
    seen = harbor.json(f"/projects/{name}")
    assert seen.pop("creation_time").endswith("Z") and seen.pop("update_time").endswith("Z")
    assert seen == {"project_id": number, "owner_id": 1, "owner_name": "admin", "name": name,
                    "display_name": name, "repo_count": 0,
                    "current_user_role_id": 1, "current_user_role_ids": [1],
                    "metadata": {"public": "true", "auto_scan": "true"},
                    "quota": {"hard": {"storage": -1}, "used": {"storage": 0}}}
    assert harbor.json(f"/projects/{number}")["name"] == name


def test_storage_is_shown_to_members(harbor, nobody):
    project, name = harbor.add_project(public=True)
    push_model(harbor.registry, f"{name}/m", "v1")
    number, user = harbor.add_user()
    held = harbor.json(f"/projects/{name}/summary")["quota"]
    assert held["used"]["storage"] > 0

    def shown(who):
        return [p.get("quota") for p in (who.json(f"/projects/{name}"), *who.json("/projects", q=f"name={name}"))]

    assert shown(harbor) == [held, held] and shown(nobody) == shown(user) == [None, None]
    harbor.add_member(project, number, "limitedGuest")
    assert shown(user) == [held, held]


def test_who_makes_it_administers_it(harbor):
    _, user = harbor.add_user()
    _, name = user.add_project()
    assert user.json(f"/projects/{name}")["current_user_role_id"] == ROLES["projectAdmin"]
    assert [m["role_name"] for m in user.json(f"/projects/{name}/members")] == ["projectAdmin"]
    user.delete(f"/projects/{name}")


def test_the_location_may_hold_the_name(harbor):
    name = fresh("named")
    made = harbor.post("/projects", {"project_name": name}, headers={"X-Resource-Name-In-Location": "true"})
    assert made.get("Location") == f"/api/v2.0/projects/{name}"


def test_digits_are_a_number_unless_said_otherwise(harbor):
    name = str(900000 + int(fresh("n").rsplit("-", 1)[1]))
    harbor.post("/projects", {"project_name": name})
    refused(harbor.get(f"/projects/{name}"), 404, "NOT_FOUND")
    found = harbor.call("GET", f"/projects/{name}", headers={"X-Is-Resource-Name": "true"})
    assert found.status == 200 and found.json()["name"] == name


@pytest.mark.parametrize("name", ["", "a b", ".", "..", "a//b", "a/b", "-a/b", "-" * 97, "x" * 256, "api", "v2", "c", "service",
                                  "harbor", "datasets", "as-image"])
def test_names_that_are_none(harbor, name):
    answer = harbor.call("POST", "/projects", {"project_name": name})
    if len(name) > 255:
        refused(answer, 422, "UNPROCESSABLE_ENTITY", "project_name")
    else:
        refused(answer, 400, "BAD_REQUEST", "")


def test_names_are_unique(harbor):
    _, name = harbor.add_project()
    refused(harbor.call("POST", "/projects", {"project_name": name}), 409, "CONFLICT", name)
    refused(harbor.call("POST", "/projects", {"project_name": name.upper()}), 409, "CONFLICT")


def test_what_cannot_be_asked_of_a_project(harbor):
    for body, says in (({"metadata": {"public": "yes"}}, '"public"'), ({"metadata": {"severity": "bad"}}, '"severity"'),
                       ({"registry_id": 5}, '"registry_id"'), ({"metadata": []}, '"metadata"'),
                       ({"metadata": {"public": True}}, '"public"')):
        refused(harbor.call("POST", "/projects", {"project_name": fresh("no"), **body}), 400, "BAD_REQUEST", says)


def test_head_asks_whether_it_exists(harbor, nobody):
    _, name = harbor.add_project()
    assert harbor.call("HEAD", f"/projects?project_name={name}").status == 200
    assert harbor.call("HEAD", "/projects?project_name=no-such-project").status == 404
    assert harbor.call("HEAD", "/projects").status == 422
    assert nobody.call("HEAD", f"/projects?project_name={name}").status == 401


def test_lists_show_what_the_caller_may_see(harbor, nobody):
    prefix = fresh("seen")
    number, user = harbor.add_user()
    harbor.add_project(f"{prefix}-public", public=True)
    harbor.add_project(f"{prefix}-private")
    mine, _ = harbor.add_project(f"{prefix}-member")
    harbor.add_member(mine, number, "guest")

    def names(who, **query):
        return [p["name"] for p in who.json("/projects", name=prefix, **query)]

    assert names(harbor) == [f"{prefix}-member", f"{prefix}-private", f"{prefix}-public"]
    assert names(user) == [f"{prefix}-member", f"{prefix}-public"]
    assert names(nobody) == [f"{prefix}-public"]
    assert names(user, public="false") == [f"{prefix}-member"]
    assert names(harbor, sort="-name") == [f"{prefix}-public", f"{prefix}-private", f"{prefix}-member"]
    assert names(harbor, q="public=true") == [f"{prefix}-public"]
    assert names(harbor, owner="nobody-at-all") == []
    assert user.get("/projects", name=prefix).get("X-Total-Count") == "2"
    refused(nobody.get("/projects?public=maybe"), 422, "UNPROCESSABLE_ENTITY", "public")


def test_lists_by_the_role_of_the_caller(harbor, nobody):
    prefix = fresh("role")
    number, user = harbor.add_user()
    harbor.add_project(f"{prefix}-public", public=True)
    for role in ("guest", "maintainer"):
        project, _ = harbor.add_project(f"{prefix}-{role}")
        harbor.add_member(project, number, role)

    def names(who, q):
        found = who.get("/projects", name=prefix, q=q)
        assert found.get("X-Total-Count") == str(len(found.json()))
        return [p["name"] for p in found.json()]

    assert names(user, "role=3") == [f"{prefix}-guest"]
    assert names(user, "role=1") == []
    assert names(user, "role={1 2 3 4 5}") == [f"{prefix}-guest", f"{prefix}-maintainer"]
    assert names(harbor, "role={1 2 3 4 5}") == [f"{prefix}-{x}" for x in ("guest", "maintainer", "public")]
    assert names(nobody, "role={1 2 3 4 5}") == []
    refused(user.get("/projects?q=role%3Dguest"), 400, "BAD_REQUEST", "role")


def test_change(harbor):
    _, name = harbor.add_project()
    harbor.put(f"/projects/{name}", {"metadata": {"public": "true", "prevent_vul": "true", "severity": "high"}})
    assert harbor.json(f"/projects/{name}")["metadata"] == {"public": "true", "prevent_vul": "true", "severity": "high"}
    harbor.put(f"/projects/{name}", {"metadata": {"severity": "low"}})
    assert harbor.json(f"/projects/{name}")["metadata"] == {"public": "true", "prevent_vul": "true", "severity": "low"}
    harbor.put(f"/projects/{name}", {"public": False})
    assert harbor.json(f"/projects/{name}")["metadata"]["public"] == "false"
    refused(harbor.call("PUT", f"/projects/{name}", {"metadata": {"severity": "x"}}), 400, "BAD_REQUEST", '"severity"')
    assert harbor.json(f"/projects/{name}")["metadata"]["severity"] == "low"


def test_metadata(harbor):
    _, name = harbor.add_project()
    path = f"/projects/{name}/metadatas/"
    assert harbor.json(path) == {"public": "false"}
    harbor.post(path, {"auto_scan": "true"}, status=200)
    refused(harbor.call("POST", path, {"auto_scan": "false"}), 409, "CONFLICT", "auto_scan")
    assert harbor.json(path + "auto_scan") == {"auto_scan": "true"}
    harbor.put(path + "auto_scan", {"auto_scan": "false"})
    assert harbor.json(path + "auto_scan") == {"auto_scan": "false"}
    harbor.delete(path + "auto_scan")
    refused(harbor.get(path + "auto_scan"), 404, "NOT_FOUND", "auto_scan")
    refused(harbor.call("DELETE", path + "auto_scan"), 404, "NOT_FOUND")
    harbor.put(path + "public", {"public": "true"})
    harbor.delete(path + "public")
    assert harbor.json(path) == {"public": "false"}
    refused(harbor.get(path + "nothing"), 400, "BAD_REQUEST", "nothing")
    refused(harbor.call("PUT", path + "severity", {"auto_scan": "true"}), 400, "BAD_REQUEST", "severity")
    refused(harbor.call("POST", path, {"auto_scan": "true", "severity": "low"}), 400, "BAD_REQUEST", "one property")
    refused(harbor.call("POST", path, {}), 400, "BAD_REQUEST", "one property")
    refused(harbor.call("PUT", path + "severity", {"severity": "x"}), 400, "BAD_REQUEST", "severity")


def test_a_project_that_holds_something_stays(harbor):
    _, name = harbor.add_project()
    digest = push_model(harbor.registry, f"{name}/model", tag="v1")
    assert harbor.json(f"/projects/{name}")["repo_count"] == 1
    assert harbor.json(f"/projects/{name}/_deletable") == {
        "deletable": False, "message": "the project contains repositories, can not be deleted"}
    refused(harbor.call("DELETE", f"/projects/{name}"), 412, "PRECONDITION", "contains repositories")
    assert harbor.registry.manifest(f"{name}/model", "v1").status == 200
    assert harbor.registry.delete(f"/v2/{name}/model/manifests/{digest}").status == 202
    assert harbor.json(f"/projects/{name}/_deletable") == {"deletable": True}
    harbor.delete(f"/projects/{name}")
    refused(harbor.get(f"/projects/{name}"), 404, "NOT_FOUND")
    refused(harbor.call("DELETE", f"/projects/{name}"), 404, "NOT_FOUND")
    # The name is free, and what was there before is not there.
    harbor.add_project(name)
    assert harbor.registry.blob(f"{name}/model", digest).status == 404
    assert harbor.json(f"/projects/{name}")["repo_count"] == 0


def test_a_token_does_not_outlive_its_project(harbor):
    _, name = harbor.add_project()
    token = harbor.registry.get(f"/service/token?service=harbor-registry&scope=repository:{name}/m:pull,push").json()
    bearer = harbor.registry.clone(user=None, token=token["token"])
    assert bearer.tags(f"{name}/m").status == 404
    harbor.delete(f"/projects/{name}")
    assert bearer.tags(f"{name}/m").status == 401


def test_members(harbor):
    project, name = harbor.add_project()
    number, user = harbor.add_user()
    made = harbor.add_member(name, number, "developer")
    path = made.get("Location").removeprefix("/api/v2.0")
    member = harbor.json(path)
    assert member == {"id": int(path.rsplit("/", 1)[1]), "project_id": project, "entity_name": user.registry.user,
                      "role_name": "developer", "role_id": 2, "entity_id": number, "entity_type": "u"}
    refused(harbor.call("POST", f"/projects/{name}/members", {"role_id": 3, "member_user": {"user_id": number}}), 409,
            "CONFLICT")
    harbor.put(path, {"role_id": 4})
    assert harbor.json(path)["role_name"] == "maintainer"
    assert user.json(f"/projects/{name}")["current_user_role_ids"] == [4]
    names = [m["entity_name"] for m in harbor.json(f"/projects/{name}/members")]
    assert names == sorted(["admin", user.registry.user])
    assert [m["entity_name"] for m in harbor.json(f"/projects/{name}/members", entityname=user.registry.user[1:])] == \
        [user.registry.user]
    harbor.delete(path)
    refused(harbor.get(path), 404, "NOT_FOUND")
    refused(harbor.call("DELETE", path), 404, "NOT_FOUND")
    refused(harbor.call("PUT", path, {"role_id": 2}), 404, "NOT_FOUND")
    refused(user.get(f"/projects/{name}"), 403, "FORBIDDEN")


def test_members_by_name(harbor):
    _, name = harbor.add_project()
    _, user = harbor.add_user()
    harbor.post(f"/projects/{name}/members", {"role_id": 5, "member_user": {"username": user.registry.user}})
    assert user.json(f"/projects/{name}")["current_user_role_id"] == 5
    refused(harbor.call("POST", f"/projects/{name}/members", {"role_id": 5, "member_user": {"username": "no-such"}}), 404,
            "NOT_FOUND")


@pytest.mark.parametrize("body, status, says", [
    ({"role_id": 0, "member_user": {"user_id": 1}}, 400, '"role_id"'),
    ({"role_id": 6, "member_user": {"user_id": 1}}, 400, '"role_id"'),
    ({"member_user": {"user_id": 1}}, 422, '"role_id"'),
    ({"role_id": 2, "member_user": {"user_id": 999999}}, 400, '"user_id"'),
    ({"role_id": 2, "member_user": {}}, 400, '"member_user"'),
    ({"role_id": 2}, 400, '"member_user"'),
])
def test_members_that_are_none(harbor, body, status, says):
    _, name = harbor.add_project()
    code = "BAD_REQUEST" if status == 400 else "UNPROCESSABLE_ENTITY"
    refused(harbor.call("POST", f"/projects/{name}/members", body), status, code, says)


def test_a_member_of_another_project_is_not_found(harbor):
    """The number of a member counts in its own project only."""
    number, _ = harbor.add_user()
    _, owner = harbor.add_user()
    _, theirs = harbor.add_project()
    _, mine = owner.add_project()
    member = harbor.add_member(theirs, number, "guest").get("Location").rsplit("/", 1)[1]
    refused(owner.get(f"/projects/{mine}/members/{member}"), 404, "NOT_FOUND")
    refused(owner.call("PUT", f"/projects/{mine}/members/{member}", {"role_id": 1}), 404, "NOT_FOUND")
    refused(owner.call("DELETE", f"/projects/{mine}/members/{member}"), 404, "NOT_FOUND")
    assert harbor.json(f"/projects/{theirs}/members/{member}")["role_id"] == ROLES["guest"]


def test_summary(harbor):
    _, name = harbor.add_project(public=True)
    for role in ("developer", "developer", "guest", "maintainer", "limitedGuest"):
        harbor.add_member(name, harbor.add_user()[0], role)
    push_model(harbor.registry, f"{name}/model", tag="v1")
    summary = harbor.json(f"/projects/{name}/summary")
    assert summary.pop("quota")["hard"] == {"storage": -1}
    assert summary == {
        "repo_count": 1, "project_admin_count": 1, "developer_count": 2, "guest_count": 1, "maintainer_count": 1,
        "limited_guest_count": 1}
    _, stranger = harbor.add_user()
    assert stranger.json(f"/projects/{name}/summary") == {"repo_count": 1}


# What each may do in a project of each kind. r: read, u: change, m: list members, a: add members, p: pull, w: push,
# d: delete, k: read a property, K: list properties.
MATRIX = {
    "anonymous": {"private": "", "public": "rp"},
    "stranger": {"private": "", "public": "rp"},
    "limitedGuest": {"private": "rp", "public": "rp"},
    "guest": {"private": "rmp", "public": "rmp"},
    "developer": {"private": "rmpw", "public": "rmpw"},
    "maintainer": {"private": "rmpwdk", "public": "rmpwdk"},
    "projectAdmin": {"private": "rumapwdk", "public": "rumapwdk"},
    "sysadmin": {"private": "rumapwdkK", "public": "rumapwdkK"},
}


@pytest.mark.parametrize("kind", ["private", "public"])
@pytest.mark.parametrize("who", MATRIX)
def test_roles(harbor, nobody, who, kind):
    _, name = harbor.add_project(public=kind == "public")
    digest = push_model(harbor.registry, f"{name}/model", tag="v1")
    number, caller = harbor.add_user()
    if who in ROLES:
        harbor.add_member(name, number, who)
    if who == "sysadmin":
        harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    if who == "anonymous":
        caller = nobody
    extra, _ = harbor.add_user()
    registry = caller.registry
    if who == "anonymous":  # reads with a token that anybody gets
        token = registry.get(f"/service/token?service=harbor-registry&scope=repository:{name}/model:pull,push").json()
        registry = registry.clone(token=token["token"])
    path = f"/projects/{name}"
    tries = {
        "r": lambda: caller.get(path).status,
        "m": lambda: caller.get(path + "/members").status,
        "k": lambda: caller.get(path + "/metadatas/public").status,
        "K": lambda: caller.get(path + "/metadatas/").status,
        "p": lambda: registry.manifest(f"{name}/model", "v1").status,
        "w": lambda: registry.request("POST", f"/v2/{name}/model/blobs/uploads/").status,
        "a": lambda: caller.call("POST", path + "/members", {"role_id": 3, "member_user": {"user_id": extra}}).status,
        "u": lambda: caller.call("PUT", path, {"metadata": {"auto_scan": "true"}}).status,
        "d": lambda: registry.delete(f"/v2/{name}/model/manifests/{digest}").status,
    }
    got = {deed: attempt() for deed, attempt in tries.items()}
    may = {deed for deed, status in got.items() if status < 300}
    assert may == set(MATRIX[who][kind]), got
    for deed, status in got.items():
        if deed not in may:
            assert status == (401 if who == "anonymous" or deed in "pwd" else 403), (deed, got)


def test_absent_projects_read_as_foreign_ones(harbor, nobody):
    _, name = harbor.add_project()
    _, user = harbor.add_user()
    for who, status in ((user, 403), (nobody, 401)):
        for path in ("", "/members", "/summary", "/metadatas/public", "/_deletable"):
            there, absent = who.get(f"/projects/{name}{path}"), who.get(f"/projects/no-such-project{path}")
            assert (there.status, there.body) == (absent.status, absent.body), path
            assert there.status == status
        for method, path in (("PUT", ""), ("DELETE", ""), ("POST", "/members"), ("POST", "/metadatas/"),
                             ("PUT", "/members/1"), ("DELETE", "/members/1"), ("GET", "/members/1"),
                             ("PUT", "/metadatas/public"), ("DELETE", "/metadatas/public")):
            assert who.call(method, f"/projects/{name}{path}", {}).status == status
            assert who.call(method, f"/projects/no-such-project{path}", {}).status == status
    refused(harbor.get("/projects/no-such-project"), 404, "NOT_FOUND")
    refused(nobody.call("POST", "/projects", {"project_name": "x"}), 401, "UNAUTHORIZED")


def test_groups_give_roles(start):
    """Who is in a group has its role, and the strongest of several counts. Providers that put users into groups come
    later: the row is written by hand."""
    server = start()
    harbor = Harbor(server.registry())
    number, _ = harbor.add_user("grouped")
    harbor.add_project("team")
    group = int(harbor.post("/usergroups", {"group_name": "devs", "group_type": 3}).get("Location").rsplit("/", 1)[1])
    harbor.post("/projects/team/members", {"role_id": ROLES["developer"], "member_group": {"id": group}})
    harbor.add_member("team", number, "guest")
    harbor.registry.close()
    server.stop()
    with server.database() as db:
        db.execute("INSERT INTO user_group_member (user_id, group_id) VALUES (?, ?)", (number, group))
    db.close()
    server.start()
    user = Harbor(server.registry(user="grouped"))
    seen = user.json("/projects/team")
    assert (seen["current_user_role_id"], seen["current_user_role_ids"]) == (2, [2, 3])
    assert user.registry.request("POST", "/v2/team/m/blobs/uploads/").status == 202
    assert [p["name"] for p in user.json("/projects", q="public=false")] == ["team"]
    for role, found in (("2", ["team"]), ("3", ["team"]), ("4", [])):
        assert [p["name"] for p in user.json("/projects", q=f"role={role}")] == found
    user.registry.close()
