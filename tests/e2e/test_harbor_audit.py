# SPDX-License-Identifier: Apache-2.0
"""The audit log: what was done, by whom, from where."""
import json
import subprocess
import time

import pytest

from harness.content import push, small_image
from harness.harbor import PASSWORD, Harbor, fresh, refused
from harness.record import HAVEN
from harness.server import wait_until


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def entries(harbor, project=None, **query):
    where = f"/projects/{project}/auditlog-exts" if project else "/auditlog-exts"
    return harbor.json(where, page_size=100, **query)


def told(harbor, project=None, **query):
    """(operation, type, resource, who) of what was done, the oldest first."""
    query["q"] = ",".join(filter(None, [query.get("q"), "operation_result=true"]))
    return [(e["operation"], e["resource_type"], e["resource"], e["username"])
            for e in reversed(entries(harbor, project, **query))]


def test_everything_in_a_project(harbor):
    number, boss = harbor.add_user()
    name = boss.registry.user
    made = boss.post("/projects", {"project_name": fresh("told")})
    project = boss.json("/projects/" + made.get("Location").rsplit("/", 1)[1])["name"]
    digest, _ = push(boss.registry, f"{project}/m", *small_image(), "v1")
    boss.post(f"/projects/{project}/repositories/m/artifacts/v1/tags", {"name": "v2"})
    boss.delete(f"/projects/{project}/repositories/m/artifacts/v1/tags/v2")
    boss.put(f"/projects/{project}/repositories/m", {"description": "x"})
    guest, _ = harbor.add_user()
    member = boss.post(f"/projects/{project}/members", {"role_id": 3, "member_user": {"user_id": guest}}
                       ).get("Location").rsplit("/", 1)[1]
    boss.put(f"/projects/{project}/members/{member}", {"role_id": 5})
    boss.delete(f"/projects/{project}/members/{member}")
    boss.put(f"/projects/{project}", {"metadata": {"public": "true"}})
    boss.delete(f"/projects/{project}/repositories/m/artifacts/v1")
    again, _ = push(boss.registry, f"{project}/m", *small_image(), "v3")
    boss.delete(f"/projects/{project}/repositories/m")
    whole = f"{project}/m@{digest}"
    people = [harbor.json(f"/users/{guest}")["username"]]
    assert [t for t in told(harbor, project) if t[0] != "pull"] == [
        ("create", "project", project, name), ("create", "artifact", f"{project}/m:v1", name),
        ("create", "tag", f"{project}/m:v2", name), ("delete", "tag", f"{project}/m:v2", name),
        ("update", "repository", f"{project}/m", name), ("create", "member", people[0], name),
        ("update", "member", people[0], name), ("delete", "member", people[0], name),
        ("update", "project", project, name), ("delete", "artifact", whole, name),
        ("create", "artifact", f"{project}/m:v3", name), ("delete", "artifact", f"{project}/m@{again}", name),
        ("delete", "repository", f"{project}/m", name)]
    newest = entries(harbor, project)[0]
    assert newest["operation_result"] is True
    assert newest["client_address"] == "127.0.0.1"
    assert newest["operation_description"] == f"delete repository: {project}/m"
    assert newest["op_time"].endswith("Z")
    # Its administrator sees it, the other lists tell the same, and somebody else sees nothing of it.
    assert entries(boss, project) == entries(harbor, project)
    assert {e["resource"] for e in entries(boss)} == {e["resource"] for e in entries(harbor, project)}
    old = boss.json(f"/projects/{project}/logs")
    assert set(old[0]) == {"id", "username", "resource", "resource_type", "operation", "op_time"}
    assert [e["id"] for e in old] == [e["id"] for e in entries(boss, project)][:10]
    assert boss.json("/audit-logs")[0] == old[0]
    _, other = harbor.add_user()
    assert entries(other) == []
    refused(other.get(f"/projects/{project}/auditlog-exts"), 403, "FORBIDDEN")


def test_a_project_of_the_same_name_begins_anew(harbor):
    _, project = harbor.add_project()
    harbor.put(f"/projects/{project}", {"metadata": {"public": "true"}})
    harbor.delete(f"/projects/{project}")
    number, _ = harbor.add_project(project)
    assert told(harbor, project) == [("create", "project", project, "admin")]
    assert ("delete", "project", project, "admin") in told(harbor, q="resource=" + project)


def test_people_and_groups(harbor):
    number, user = harbor.add_user()
    name = user.registry.user
    harbor.put(f"/users/{number}", {"email": f"{name}@example.com", "realname": "r"})
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    user.put(f"/users/{number}/password", {"old_password": PASSWORD, "new_password": "Another-Pass-1"})
    harbor.delete(f"/users/{number}")
    group = fresh("group")
    made = harbor.post("/usergroups", {"group_name": group, "group_type": 3})
    where = "/usergroups/" + made.get("Location").rsplit("/", 1)[1]
    harbor.put(where, {"group_name": group + "x", "group_type": 3})
    harbor.delete(where)
    assert told(harbor, q=f"resource={name}") == [
        ("create", "user", name, "admin"), ("update", "user", name, "admin"), ("update", "user", name, "admin"),
        ("update", "user", name, name), ("delete", "user", name, "admin")]
    assert told(harbor, q=f"resource=~{group}") == [
        ("create", "usergroup", group, "admin"), ("update", "usergroup", group, "admin"),
        ("delete", "usergroup", group + "x", "admin")]


def test_pulls_are_told_together(harbor, anonymous):
    _, project = harbor.add_project(public=True)
    digest, _ = push(harbor.registry, f"{project}/m", *small_image(), "v1")
    nobody = anonymous.with_token(f"repository:{project}/m:pull")
    for _ in range(5):
        assert nobody.manifest(f"{project}/m", "v1").status == 200
    assert harbor.registry.manifest(f"{project}/m", digest).status == 200
    wait_until(lambda: len([t for t in told(harbor, project) if t[0] == "pull"]) >= 2)
    pulls = [t for t in told(harbor, project) if t[0] == "pull"]
    assert ("pull", "artifact", f"{project}/m:v1", "anonymous") in pulls
    assert ("pull", "artifact", f"{project}/m@{digest}", "admin") in pulls
    assert len(pulls) <= 4  # five within a second or two are one or two entries
    assert any(e["operation_description"].endswith("times") for e in entries(harbor, project))


def test_filters_and_pages(harbor):
    _, project = harbor.add_project()
    for i in range(12):
        harbor.put(f"/projects/{project}", {"metadata": {"auto_scan": "true" if i % 2 else "false"}})
    answer = harbor.get(f"/projects/{project}/auditlog-exts", page_size=5, page=2)
    assert answer.get("X-Total-Count") == "13"
    assert 'rel="next"' in answer.get("Link") and 'rel="prev"' in answer.get("Link")
    assert len(answer.json()) == 5
    everything = entries(harbor, project)
    assert [e["id"] for e in everything] == sorted((e["id"] for e in everything), reverse=True)
    assert len(entries(harbor, project, q="operation=create")) == 1
    assert len(entries(harbor, project, q="operation=create,resource_type=project,username=admin")) == 1
    assert entries(harbor, project, q="username=nobody") == []
    first = everything[-1]["op_time"].rstrip("Z").split(".")[0]
    assert len(entries(harbor, project, q=f"op_time=[{first}~]")) == 13
    assert entries(harbor, project, q="op_time=[~2001-01-01T00:00:00]") == []
    assert [e["id"] for e in entries(harbor, project, sort="op_time")] == [e["id"] for e in reversed(everything)]


def test_of_one_repository(harbor):
    """Also of those whose names begin alike, and by whatever the project is called in the address."""
    _, project = harbor.add_project()
    for repo in ("m", "m-2", "m/x", "m.y", "mm", "other"):
        push(harbor.registry, f"{project}/{repo}", *small_image(), "v1")
    digest = harbor.json(f"/projects/{project}/repositories/m/artifacts/v1")["digest"]
    harbor.delete(f"/projects/{project}/repositories/m/artifacts/{digest}")
    harbor.put(f"/projects/{project}/repositories/m-2", {"description": "x"})
    assert [t[:3] for t in told(harbor, project, repository="m") if t[0] != "pull"] == [
        ("create", "artifact", f"{project}/m:v1"), ("delete", "artifact", f"{project}/m@{digest}")]
    assert [t[0] for t in told(harbor, project.upper(), repository="m-2")] == ["create", "update"]
    assert [t[2] for t in told(harbor, project, repository="m/x")] == [f"{project}/m/x:v1"]
    assert told(harbor, project, repository="none") == told(harbor, project, repository="%") == []
    assert [t[0] for t in told(harbor, project, repository="m", q="operation=delete")] == ["delete"]
    assert len(harbor.json(f"/projects/{project}/logs", repository="m-2")) == 2
    refused(harbor.get(f"/projects/{project}/auditlog-exts", repository="x" * 256), 422, "UNPROCESSABLE_ENTITY", "repository")


def test_kinds_of_entries(harbor):
    kinds = [k["event_type"] for k in harbor.json("/auditlog-exts/events")]
    assert {"create_artifact", "delete_artifact", "pull_artifact", "create_project", "delete_project", "update_project",
            "delete_repository", "login_user", "logout_user", "create_user", "delete_user", "update_user", "create_robot",
            "delete_robot", "create_member", "delete_member", "update_member", "update_configuration"} <= set(kinds)
    _, user = harbor.add_user()
    refused(user.get("/auditlog-exts/events"), 403, "FORBIDDEN")


def test_nothing_is_told_of_what_was_not_done(harbor):
    _, project = harbor.add_project()
    before = told(harbor)
    refused(harbor.call("PUT", "/users/999999/sysadmin", {"sysadmin_flag": True}), 404, "NOT_FOUND")
    refused(harbor.call("DELETE", f"/projects/{project}/members/999999"), 404, "NOT_FOUND")
    refused(harbor.call("POST", "/projects", {"project_name": project}), 409, "CONFLICT")
    refused(harbor.call("DELETE", f"/projects/{project}/metadatas/severity"), 404, "NOT_FOUND")
    assert [t for t in told(harbor) if t[0] != "pull"] == [t for t in before if t[0] != "pull"]


def test_robots_are_named(harbor):
    _, project = harbor.add_project()
    made = harbor.post("/robots", {"name": "ci", "level": "project", "duration": -1, "permissions": [
        {"kind": "project", "namespace": project, "access": [{"resource": "repository", "action": "push"}]}]}).json()
    push(harbor.registry.clone(user=made["name"], password=made["secret"]), f"{project}/m", *small_image(), "v1")
    harbor.put(f"/robots/{made['id']}", {"level": "project", "duration": 5, "permissions": [
        {"kind": "project", "namespace": project, "access": [{"resource": "repository", "action": "pull"}]}]})
    harbor.call("PATCH", f"/robots/{made['id']}", {"secret": ""})
    harbor.delete(f"/robots/{made['id']}")
    robot = made["name"]
    assert told(harbor, project)[1:] == [
        ("create", "robot", robot, "admin"), ("create", "artifact", f"{project}/m:v1", robot),
        ("update", "robot", robot, "admin"), ("update", "robot", robot, "admin"), ("delete", "robot", robot, "admin")]
    assert [e["operation_description"] for e in entries(harbor, project)][1] == "a new secret"


def test_jobs_and_schedules(start):
    harbor = Harbor(start().registry())
    harbor.post("/system/gc/schedule", {"schedule": {"type": "Daily"}})
    harbor.put("/system/gc/schedule", {"schedule": {"type": "None"}})
    harbor.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})
    assert told(harbor, q="resource=collect") == [
        ("update", "schedule", "collect", "admin"), ("update", "schedule", "collect", "admin"),
        ("create", "job", "collect", "admin")]


def test_what_was_tried_in_vain(harbor, anonymous):
    """Refused and failed changes are there, by whom; what strangers try is not."""
    _, project = harbor.add_project()
    number, user = harbor.add_user()
    name = user.registry.user
    refused(user.call("PUT", f"/projects/{project}", {"metadata": {"public": "true"}}), 403, "FORBIDDEN")
    assert user.registry.start(f"{project}/m").status == 401
    harbor.add_member(project, number, "developer")
    assert user.registry.request("PUT", f"/v2/{project}/m/manifests/v1", body=b"{}").status == 400
    refused(user.call("DELETE", f"/projects/{project}"), 403, "FORBIDDEN")
    refused(user.call("POST", "/users", {"username": "x"}), 403, "FORBIDDEN")
    assert Harbor(anonymous).call("DELETE", f"/projects/{project}").status == 401
    assert user.get("/users").status == 403
    found = [e for e in reversed(entries(harbor, q=f"username={name}")) if not e["operation_result"]]
    assert [(e["operation"], e["resource_type"], e["resource"]) for e in found] == [
        ("update", "project", f"projects/{project}"), ("create", "artifact", f"{project}/m/blobs/uploads/"),
        ("create", "artifact", f"{project}/m/manifests/v1"), ("delete", "project", f"projects/{project}"),
        ("create", "user", "users")]
    assert found[0]["operation_description"] == "update project failed with 403: forbidden"
    assert found[2]["operation_description"].startswith("create artifact failed with 400: ")
    # in the log of the project, too, but for that of the system
    assert len([e for e in entries(harbor, project) if not e["operation_result"]]) == 4
    assert [e for e in entries(harbor, q=f"resource=~{project},operation_result=false") if e["username"] == "anonymous"] == []


def test_a_flood_of_refusals_does_not_fill_the_log(start):
    server = start()
    harbor = Harbor(server.registry())
    _, user = harbor.add_user()
    begin = time.monotonic()
    for _ in range(400):
        refused(user.call("POST", "/users", {}), 403, "FORBIDDEN")
    took = time.monotonic() - begin
    written = int(harbor.get("/auditlog-exts", q=f"username={user.registry.user}", page_size=1).get("X-Total-Count"))
    assert 200 <= written <= 201 + 10 * took, (written, took)


def test_every_change_has_a_kind_or_is_known_to_have_none(harbor):
    """Routes that change something and whose failures are no entries."""
    listed = json.loads(subprocess.run([HAVEN, "routes", "--json"], check=True, capture_output=True).stdout)
    silent = {r["name"] for r in listed if r["method"] != "GET" and not r["event"] and "absent" not in r}
    assert silent == {"upload.chunk", "upload.cancel", "gc.stop", "purge.stop", "jobservice.job.stop", "session.begin", "user.exists"}
    kinds = {e["event_type"] for e in harbor.json("/auditlog-exts/events")}
    assert {r["event"] for r in listed if r["event"]} <= kinds
