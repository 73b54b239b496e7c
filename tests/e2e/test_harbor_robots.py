# SPDX-License-Identifier: Apache-2.0
"""Robots: accounts of programs, of the system and of projects."""
import contextlib
import time

import pytest

from harness.content import push, small_image
from harness.harbor import Harbor, fresh, refused


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def access(*pairs):
    return [dict(zip(("resource", "action"), pair.split(":"))) for pair in pairs]


PUSHES = access("repository:push", "repository:list", "artifact:read", "artifact:list", "tag:list", "tag:create")


def of_project(project, rights=PUSHES, **more):
    return {"name": fresh("ci"), "level": "project", "duration": -1,
            "permissions": [{"kind": "project", "namespace": project, "access": rights}], **more}


def of_system(*permissions, **more):
    return {"name": fresh("sys"), "level": "system", "duration": 30, "permissions": list(permissions), **more}


def make(harbor, body):
    """(number, what the answer holds, a Harbor as the robot)."""
    made = harbor.post("/robots", body)
    said = made.json()
    assert made.get("Location") == f"/api/v2.0/robots/{said['id']}"
    assert made.get("Cache-Control") == "no-store"
    return said["id"], said, Harbor(harbor.registry.clone(user=said["name"], password=said["secret"]))


def test_of_a_project(harbor):
    number, project = harbor.add_project()
    body = of_project(project, description="builds", duration=7)
    robot, said, mine = make(harbor, body)
    assert said["name"] == f"robot${project}+{body['name']}"
    assert len(said["secret"]) == 32
    assert abs(said["expires_at"] - time.time() - 7 * 86400) < 60
    seen = harbor.json(f"/robots/{robot}")
    assert "secret" not in seen
    assert {k: seen[k] for k in ("name", "description", "level", "duration", "disable", "editable", "expires_at",
                                 "creator_type", "creator_ref")} == {
        "name": said["name"], "description": "builds", "level": "project", "duration": 7, "disable": False,
        "editable": True, "expires_at": said["expires_at"], "creator_type": "local", "creator_ref": 1}
    (entry,) = seen["permissions"]
    assert (entry["kind"], entry["namespace"]) == ("project", project)
    assert sorted(a["resource"] + ":" + a["action"] for a in entry["access"]) == sorted(
        a["resource"] + ":" + a["action"] for a in PUSHES)
    # It does what it may, by Basic and by token, and nothing else.
    digest, _ = push(mine.registry, f"{project}/m", *small_image(), "v1")
    assert mine.registry.manifest(f"{project}/m", "v1").status == 200
    token = mine.registry.with_token(f"repository:{project}/m:pull,push")
    assert token.manifest(f"{project}/m", digest).status == 200
    token.push_blob(f"{project}/m", b"by token")
    assert mine.json(f"/projects/{project}/repositories/m/artifacts")[0]["digest"] == digest
    refused(mine.call("DELETE", f"/projects/{project}/repositories/m/artifacts/v1"), 403, "FORBIDDEN")
    assert mine.registry.delete(f"/v2/{project}/m/manifests/{digest}").status == 401
    refused(mine.get(f"/projects/{project}/members"), 403, "FORBIDDEN")
    refused(mine.get("/users"), 403, "FORBIDDEN")
    refused(mine.get("/users/current"), 412, "PRECONDITION")
    _, other = harbor.add_project()
    refused(mine.get(f"/projects/{other}/repositories"), 403, "FORBIDDEN")
    assert mine.registry.start(f"{other}/m").status == 401
    # Lists: of the project only with its number, and only of that project.
    listed = harbor.json("/robots", q=f"Level=project,ProjectID={number}")
    assert [r["id"] for r in listed] == [robot]
    assert harbor.json("/robots", q=f"name={body['name']}") == []
    refused(harbor.get("/robots", q="Level=project"), 400, "BAD_REQUEST", "ProjectID")
    harbor.delete(f"/robots/{robot}")
    refused(harbor.get(f"/robots/{robot}"), 404, "NOT_FOUND")
    assert mine.registry.manifest(f"{project}/m", "v1").status == 401
    assert token.manifest(f"{project}/m", digest).status == 401


def test_of_the_system(harbor):
    (_, one), (_, two) = harbor.add_project(), harbor.add_project()
    everywhere = {"kind": "project", "namespace": "*", "access": access("repository:pull", "repository:list")}
    users = {"kind": "system", "namespace": "/", "access": access("user:list", "catalog:read", "project:create")}
    robot, said, mine = make(harbor, of_system(everywhere, users))
    assert said["name"].startswith("robot$sys")
    push(harbor.registry, f"{one}/m", *small_image(), "v1")
    assert mine.registry.manifest(f"{one}/m", "v1").status == 200
    assert mine.get(f"/projects/{two}/repositories").status == 200
    assert mine.registry.start(f"{one}/m").status == 401
    assert [u["username"] for u in mine.json("/users", q="username=admin")] == ["admin"]
    refused(mine.call("POST", "/users", {"username": "x"}), 403, "FORBIDDEN")
    assert f"{one}/m" in mine.registry.get("/v2/_catalog?n=1000").json()["repositories"]
    for project in (one, two):
        assert [p["name"] for p in mine.json("/projects", q=f"name={project}")] == [project]
    assert [r["name"] for r in mine.json("/repositories", q=f"name={one}/m")] == [f"{one}/m"]
    mine.post("/projects", {"project_name": fresh("by-robot")})
    kinds = [(p["kind"], p["namespace"]) for p in harbor.json(f"/robots/{robot}")["permissions"]]
    assert sorted(kinds) == [("project", "*"), ("system", "/")]


def test_disabled_expired_and_with_a_new_secret(harbor):
    _, project = harbor.add_project()
    push(harbor.registry, f"{project}/m", *small_image(), "v1")
    body = of_project(project)
    robot, said, mine = make(harbor, body)
    token = mine.registry.with_token(f"repository:{project}/m:pull")

    def works(registry=mine.registry):
        return registry.manifest(f"{project}/m", "v1").status == 200

    assert works() and works(token)
    harbor.put(f"/robots/{robot}", {**body, "disable": True})
    assert not works() and not works(token)
    harbor.put(f"/robots/{robot}", {**body, "disable": False, "name": said["name"], "level": "project"})
    assert works()
    # A secret that is made, one that is given, and one that is none.
    changed = harbor.call("PATCH", f"/robots/{robot}", {"secret": ""}).json()
    assert not works()
    assert works(harbor.registry.clone(user=said["name"], password=changed["secret"]))
    answer = harbor.call("PATCH", f"/robots/{robot}", {"secret": "Given-Secret-1"})
    assert (answer.status, answer.json()) == (200, {"secret": ""})
    assert works(harbor.registry.clone(user=said["name"], password="Given-Secret-1"))
    assert not works(harbor.registry.clone(user=said["name"], password=changed["secret"]))
    refused(harbor.call("PATCH", f"/robots/{robot}", {"secret": "short"}), 400, "BAD_REQUEST", "secret")
    refused(harbor.call("PATCH", f"/robots/{robot + 1000}", {"secret": ""}), 404, "NOT_FOUND")
    # Fewer rights count at once.
    harbor.put(f"/robots/{robot}", of_project(project, access("artifact:read"), name=body["name"]))
    assert not works(harbor.registry.clone(user=said["name"], password="Given-Secret-1"))


def test_ends_by_itself(start):
    """A day is the shortest: what is stored is brought nearer."""
    server = start()
    harbor = Harbor(server.registry())
    _, project = harbor.add_project()
    push(harbor.registry, f"{project}/m", *small_image(), "v1")
    _, said, mine = make(harbor, of_project(project, duration=1))
    assert mine.registry.manifest(f"{project}/m", "v1").status == 200
    server.stop()
    with contextlib.closing(server.database()) as db, db:
        db.execute("UPDATE robot SET expires_ms = ?", (int(time.time() * 1000) + 2500,))
    server.start()
    mine = Harbor(server.registry().clone(user=said["name"], password=said["secret"]))
    assert mine.registry.manifest(f"{project}/m", "v1").status == 200
    time.sleep(3)
    assert mine.registry.manifest(f"{project}/m", "v1").status == 401


def test_people_and_their_robots(harbor):
    number, project = harbor.add_project()
    people = {}
    for role in ("projectAdmin", "maintainer", "guest", "limitedGuest"):
        user, people[role] = harbor.add_user()
        harbor.add_member(project, user, role)
    boss = people["projectAdmin"]
    robot, _, _ = make(boss, of_project(project))
    query = {"q": f"Level=project,ProjectID={number}"}
    for role in ("projectAdmin", "maintainer", "guest"):
        assert [r["id"] for r in people[role].json("/robots", **query)] == [robot]
        assert people[role].get(f"/robots/{robot}").status == 200
    refused(people["limitedGuest"].get("/robots", **query), 403, "FORBIDDEN")
    refused(people["limitedGuest"].get(f"/robots/{robot}"), 403, "FORBIDDEN")
    refused(people["maintainer"].call("POST", "/robots", of_project(project)), 403, "FORBIDDEN")
    refused(people["maintainer"].call("DELETE", f"/robots/{robot}"), 403, "FORBIDDEN")
    refused(people["maintainer"].call("PATCH", f"/robots/{robot}", {"secret": ""}), 403, "FORBIDDEN")
    # Neither robots of the system, nor of another project, nor rights in other places.
    _, other = harbor.add_project()
    refused(boss.call("POST", "/robots", of_project(other)), 403, "FORBIDDEN")
    refused(boss.call("POST", "/robots", of_project("no-such-project")), 403, "FORBIDDEN")
    refused(boss.call("POST", "/robots", of_system({"kind": "project", "namespace": project, "access": PUSHES})), 403,
            "FORBIDDEN")
    refused(boss.get("/robots"), 403, "FORBIDDEN")
    foreign, _, _ = make(harbor, of_project(other))
    for method, body in (("GET", None), ("PUT", of_project(project)), ("PATCH", {"secret": ""}), ("DELETE", None)):
        there = boss.call(method, f"/robots/{foreign}", body)
        absent = boss.call(method, f"/robots/{foreign + 1000}", body)
        refused(there, 403, "FORBIDDEN")
        assert (there.status, there.body) == (absent.status, absent.body)
    for where in ("*", other):
        refused(boss.call("PUT", f"/robots/{robot}", {**of_project(where), "name": ""}), 400, "BAD_REQUEST", "namespace")


def test_robots_give_no_more_than_they_have(harbor):
    _, project = harbor.add_project()
    _, said, mine = make(harbor, of_project(project, access("robot:create", "robot:read", "repository:pull")))
    number, made, _ = make(mine, of_project(project, access("repository:pull")))
    seen = harbor.json(f"/robots/{number}")
    assert (seen["creator_type"], seen["creator_ref"]) == ("robot", said["id"])
    assert made["name"].startswith(f"robot${project}+")
    refused(mine.call("POST", "/robots", of_project(project, access("repository:push"))), 403, "DENIED", "itself")
    refused(mine.call("POST", "/robots", of_system({"kind": "project", "namespace": "*", "access": PUSHES})), 403,
            "FORBIDDEN")


def test_go_with_their_project(harbor):
    _, project = harbor.add_project()
    robot, _, mine = make(harbor, of_project(project))
    wide, _, _ = make(harbor, of_system({"kind": "project", "namespace": project, "access": PUSHES},
                                        {"kind": "project", "namespace": "library", "access": PUSHES}))
    harbor.delete(f"/projects/{project}")
    refused(harbor.get(f"/robots/{robot}"), 404, "NOT_FOUND")
    assert [p["namespace"] for p in harbor.json(f"/robots/{wide}")["permissions"]] == ["library"]
    harbor.add_project(project)
    assert mine.registry.start(f"{project}/m").status == 401


@pytest.mark.parametrize("change, says", [
    ({"name": ""}, '"name"'), ({"name": "Upper"}, '"name"'), ({"name": "a--b"}, '"name"'), ({"name": "a+b"}, '"name"'),
    ({"name": "x" * 256}, '"name"'), ({"level": "x"}, '"level"'), ({"level": ""}, '"level"'),
    ({"duration": 0}, '"duration"'), ({"duration": -2}, '"duration"'), ({"duration": 2147483647}, '"duration"'),
    ({"permissions": []}, '"permissions"'), ({"secret": "weak"}, "secret"),
    ({"permissions": [{"kind": "system", "namespace": "/", "access": []}]}, '"permissions"'),
    ({"permissions": [{"kind": "project", "namespace": "library", "access": []}]}, '"permissions"'),
    ({"permissions": [{"kind": "project", "namespace": "library", "access": access("nothing:pull")}]}, "nothing"),
    ({"permissions": [{"kind": "project", "namespace": "library", "access": access("user:list")}]}, "user"),
    ({"permissions": [{"kind": "project", "namespace": "library",
                       "access": [{"resource": "repository", "action": "pull", "effect": "deny"}]}]}, '"effect"'),
    ({"permissions": 2 * [{"kind": "project", "namespace": "library", "access": PUSHES}]}, "one entry"),
])
def test_robots_that_are_none(harbor, change, says):
    answer = harbor.call("POST", "/robots", {**of_project("library"), **change})
    assert answer.status in (400, 422), answer
    assert says in answer.json()["errors"][0]["message"], answer


@pytest.mark.parametrize("permission, says", [
    ({"kind": "x", "namespace": "/", "access": PUSHES}, '"kind"'),
    ({"kind": "system", "namespace": "library", "access": access("user:list")}, '"namespace"'),
    ({"kind": "project", "namespace": "no-such", "access": PUSHES}, '"namespace"'),
    ({"kind": "system", "namespace": "/", "access": access("repository:pull")}, "system"),
])
def test_rights_that_are_none(harbor, permission, says):
    refused(harbor.call("POST", "/robots", of_system(permission)), 400, "BAD_REQUEST", says)


def test_names_are_unique_where_they_are(harbor):
    _, project = harbor.add_project()
    body = of_project(project)
    make(harbor, body)
    refused(harbor.call("POST", "/robots", body), 409, "CONFLICT", body["name"])
    make(harbor, {**of_project("library"), "name": body["name"]})
    make(harbor, of_system({"kind": "project", "namespace": "*", "access": PUSHES}, name=body["name"]))
    refused(harbor.call("PUT", f"/robots/{make(harbor, of_project(project))[0]}", {**body, "name": "another"}), 400,
            "BAD_REQUEST", '"name"')


def test_a_secret_is_not_kept(start):
    """Neither what the database holds nor the log lets anybody sign in."""
    server = start(env={"HAVEN_LOG_LEVEL": "debug"})
    harbor = Harbor(server.registry())
    _, said, mine = make(harbor, of_system({"kind": "project", "namespace": "*", "access": PUSHES}, secret="Chosen-By-1"))
    assert said["secret"] == "Chosen-By-1"
    _, other, _ = make(harbor, of_system({"kind": "project", "namespace": "*", "access": PUSHES}))
    assert mine.get("/projects").status == 200
    server.stop()
    kept = b"".join(p.read_bytes() for p in server.data.glob("*.db*")) + server.log().encode()
    assert said["secret"].encode() not in kept
    assert other["secret"].encode() not in kept


def test_wrong_secrets_read_like_unknown_robots(harbor):
    _, said, _ = make(harbor, of_project("library"))
    answers = [harbor.registry.clone(user=name, password="Wrong-Secret-1").get("/v2/")
               for name in (said["name"], "robot$nobody", "robot$library+nobody", "robot$")]
    assert {(a.status, a.body) for a in answers} == {(401, answers[0].body)}
