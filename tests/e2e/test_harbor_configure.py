# SPDX-License-Identifier: Apache-2.0
"""Settings that administrators change while the server runs, and what follows from each."""
import pytest

from harness.content import push, small_image
from harness.harbor import Harbor, fresh, refused


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def harbor(server):
    return Harbor(server.registry())


DEFAULTS = {
    "auth_mode": "db_auth", "project_creation_restriction": "everyone", "read_only": False, "token_expiration": 30,
    "robot_token_duration": 30, "robot_name_prefix": "robot$", "quota_per_project_enable": True,
    "storage_per_project": -1, "skip_audit_log_database": False, "audit_log_forward_endpoint": "",
    "disabled_audit_log_event_types": "", "banner_message": "", "session_timeout": 60, "self_registration": False}


def put(harbor, **values):
    harbor.put("/configurations", values)


def values(harbor):
    return {key: item["value"] for key, item in harbor.json("/configurations").items()}


def test_what_there_is(harbor):
    seen = harbor.json("/configurations")
    assert seen == {key: {"value": value, "editable": True if key != "auth_mode" else False}
                    for key, value in DEFAULTS.items()}


def test_changes_last_and_are_told(server, harbor):
    put(harbor, banner_message="mind the gap", token_expiration=5)
    assert values(harbor) == {**DEFAULTS, "banner_message": "mind the gap", "token_expiration": 5}
    (entry,) = harbor.json("/auditlog-exts", q="resource_type=configuration")
    assert (entry["operation"], entry["resource"], entry["username"]) == (
        "update", "token_expiration, banner_message", "admin")
    server.restart(crash=True)
    harbor = Harbor(server.registry())
    assert values(harbor)["banner_message"] == "mind the gap"
    assert Harbor(server.anonymous()).json("/systeminfo")["banner_message"] == "mind the gap"
    token = server.registry().get("/service/token?service=harbor-registry&scope=repository:library/x:pull").json()
    assert token["expires_in"] == 300
    put(harbor)
    assert values(harbor)["token_expiration"] == 5


@pytest.mark.parametrize("change, says", [
    ({"token_expiration": 0}, "token_expiration"), ({"token_expiration": 10 ** 12}, "token_expiration"),
    ({"project_creation_restriction": "nobody"}, "project_creation_restriction"),
    ({"robot_name_prefix": "robot"}, "robot_name_prefix"), ({"robot_name_prefix": ""}, "robot_name_prefix"),
    ({"robot_name_prefix": "a+$"}, "robot_name_prefix"), ({"storage_per_project": -2}, "storage_per_project"),
    ({"disabled_audit_log_event_types": "create_artifact,nonsense"}, "disabled_audit_log_event_types"),
    ({"audit_log_forward_endpoint": "nowhere"}, "audit_log_forward_endpoint"),
    ({"audit_log_forward_endpoint": "host:99999"}, "audit_log_forward_endpoint"),
    ({"skip_audit_log_database": True}, "skip_audit_log_database"), ({"read_only": "yes"}, "read_only"),
    ({"token_expiration": "30"}, "token_expiration"), ({"auth_mode": "ldap_auth"}, "auth_mode"),
    ({"banner_message": "x" * 5000}, "banner_message"),
])
def test_values_that_are_none(harbor, change, says):
    answer = harbor.call("PUT", "/configurations", {"banner_message": "half", **change})
    assert answer.status in (400, 422), answer
    assert says in answer.json()["errors"][0]["message"], answer
    assert values(harbor) == DEFAULTS


def test_a_body_is_needed(harbor):
    refused(harbor.call("PUT", "/configurations", b""), 400, "BAD_REQUEST", "body")


def test_read_only(server, harbor):
    number, user = harbor.add_user()
    _, project = harbor.add_project(public=True)
    digest, _ = push(harbor.registry, f"{project}/m", *small_image(), "v1")
    put(harbor, read_only=True)
    assert harbor.json("/systeminfo")["read_only"] is True
    registry = harbor.registry
    for answer in (
            harbor.call("POST", "/projects", {"project_name": "x"}), harbor.call("DELETE", f"/projects/{project}"),
            harbor.call("PUT", f"/users/{number}/sysadmin", {"sysadmin_flag": True}), registry.start(f"{project}/m"),
            registry.put_manifest(f"{project}/m", "v2", b"{}", "application/vnd.oci.image.manifest.v1+json"),
            registry.delete(f"/v2/{project}/m/manifests/{digest}")):
        assert (answer.status, answer.errors()) == (403, ["DENIED"]), answer
        assert "read-only" in answer.json()["errors"][0]["message"]
    refused(user.call("PUT", "/configurations", {"read_only": False}), 403, "FORBIDDEN")
    nobody = server.anonymous().with_token(f"repository:{project}/m:pull")
    assert nobody.manifest(f"{project}/m", "v1").status == 200
    put(harbor, read_only=False)
    assert registry.open_upload(f"{project}/m")


def test_who_makes_projects_and_how_large(harbor):
    _, user = harbor.add_user()
    put(harbor, project_creation_restriction="adminonly", storage_per_project=1000)
    refused(user.call("POST", "/projects", {"project_name": fresh("no")}), 403, "FORBIDDEN", "administrators")
    number, project = harbor.add_project()
    assert harbor.json(f"/quotas/{number}")["hard"] == {"storage": 1000}
    assert user.json("/systeminfo")["project_creation_restriction"] == "adminonly"
    data = b"x" * 2000
    start = f"/v2/{project}/m/blobs/uploads/?digest=sha256:"
    import hashlib
    digest = hashlib.sha256(data).hexdigest()
    assert harbor.registry.request("POST", start + digest, body=data).status == 403
    put(harbor, quota_per_project_enable=False)
    assert harbor.registry.request("POST", start + digest, body=data).status == 201
    assert harbor.json(f"/quotas/{number}")["used"] == {"storage": 2000}
    put(harbor, project_creation_restriction="everyone")
    user.post("/projects", {"project_name": fresh("yes")})


def test_another_prefix_for_robots(harbor):
    body = {"name": "ci", "level": "project", "duration": -1, "permissions": [
        {"kind": "project", "namespace": "library", "access": [{"resource": "repository", "action": "push"}]}]}
    before = harbor.post("/robots", body).json()
    put(harbor, robot_name_prefix="bot#")
    after = harbor.post("/robots", {**body, "name": "cd"}).json()
    assert (before["name"], after["name"]) == ("robot$library+ci", "bot#library+cd")
    assert harbor.json(f"/robots/{before['id']}")["name"] == "bot#library+ci"

    def works(name, secret):
        return harbor.registry.clone(user=name, password=secret).start("library/x").status == 202

    assert works("bot#library+ci", before["secret"]) and works("bot#library+cd", after["secret"])
    assert not works("robot$library+ci", before["secret"])


def test_kinds_that_are_left_out(harbor):
    put(harbor, disabled_audit_log_event_types="create_project, pull_artifact")
    _, project = harbor.add_project()
    push(harbor.registry, f"{project}/m", *small_image(), "v1")
    assert harbor.registry.manifest(f"{project}/m", "v1").status == 200
    assert [e["operation"] + " " + e["resource_type"] for e in harbor.json(f"/projects/{project}/auditlog-exts")] == [
        "create artifact"]
