# SPDX-License-Identifier: Apache-2.0
"""What the server says of itself and of the caller, and the search over everything."""
import datetime
import os

import pytest

from harness.content import push, small_image
from harness.harbor import Harbor, fresh, refused


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def nobody(anonymous):
    return Harbor(anonymous)


def test_systeminfo(harbor, nobody):
    little = nobody.json("/systeminfo")
    assert little == {"auth_mode": "db_auth", "primary_auth_mode": False, "self_registration": False, "banner_message": ""}
    _, user = harbor.add_user()
    much = user.json("/systeminfo")
    now = datetime.datetime.fromisoformat(much.pop("current_time").replace("Z", "+00:00"))
    assert abs(now.timestamp() - datetime.datetime.now().timestamp()) < 60
    host = harbor.registry.url.partition("://")[2]
    assert much == {**little, "registry_url": host, "external_url": harbor.registry.url,
                    "project_creation_restriction": "everyone", "has_ca_root": False, "harbor_version": "v2.16.0-haven",
                    "registry_storage_provider_name": "filesystem", "read_only": False, "notification_enable": False}
    refused(nobody.call("POST", "/systeminfo", {}), 405, "METHOD_NOT_ALLOWED")
    twice = harbor.registry.request("GET", "/api/v2.0/systeminfo", headers=[("Authorization", "Basic eA=="),
                                                                            ("Authorization", "Basic eQ==")])
    refused(twice, 400, "BAD_REQUEST", "Authorization")


def test_volumes(harbor, nobody, haven):
    (storage,) = harbor.json("/systeminfo/volumes")["storage"]
    v = os.statvfs(haven.data)
    assert storage["total"] == v.f_blocks * v.f_frsize and 0 < storage["free"] < storage["total"]
    refused(nobody.get("/systeminfo/volumes"), 401, "UNAUTHORIZED")
    refused(harbor.add_user()[1].get("/systeminfo/volumes"), 403, "FORBIDDEN")


def pairs(permissions):
    return {f"{p['resource']}:{p['action']}" for p in permissions}


def test_catalogue(harbor, nobody):
    everything = harbor.json("/permissions")
    assert {"user:create", "catalog:read", "project:list"} <= pairs(everything["system"])
    assert {"repository:pull", "member:list", "project:delete"} <= pairs(everything["project"])
    assert "repository:pull" not in pairs(everything["system"]) and "user:create" not in pairs(everything["project"])
    _, user = harbor.add_user()
    refused(user.get("/permissions"), 403, "FORBIDDEN")
    refused(nobody.get("/permissions"), 401, "UNAUTHORIZED")
    user.add_project()
    mine = user.json("/permissions")
    assert mine["system"] is None and mine["project"] == everything["project"]


def test_what_the_caller_may_do(harbor, nobody):
    number, name = harbor.add_project()
    user_number, user = harbor.add_user()
    path, scope = "/users/current/permissions", f"/project/{number}"
    assert user.json(path, scope=scope) == []
    harbor.add_member(name, user_number, "guest")
    relative = pairs(user.json(path, scope=scope, relative="true"))
    assert {"repository:pull", "member:list", "project:read"} <= relative and "repository:push" not in relative
    absolute = pairs(user.json(path, scope=scope))
    assert {f"{scope}/repository:pull", f"{scope}:read"} <= absolute and len(absolute) == len(relative)
    assert "project:delete" in pairs(harbor.json(path, scope=scope, relative="true"))
    assert "user:create" in pairs(harbor.json(path)) and user.json(path) == []
    assert harbor.json(path, scope="/project/999999") == [] and harbor.json(path, scope="/nonsense") == []
    refused(user.get(path, relative="perhaps"), 422, "UNPROCESSABLE_ENTITY", "relative")
    refused(nobody.get(path), 401, "UNAUTHORIZED")


def test_search(harbor, nobody):
    word = fresh("needle")
    harbor.add_project(f"{word}-pub", public=True)
    harbor.add_project(f"{word}-priv")
    for name in (f"{word}-pub", f"{word}-priv"):
        push(harbor.registry, f"{name}/m", *small_image(), "v1")
    found = harbor.json("/search", q=word)
    assert [p["name"] for p in found["project"]] == [f"{word}-priv", f"{word}-pub"]
    assert [r["repository_name"] for r in found["repository"]] == [f"{word}-priv/m", f"{word}-pub/m"]
    public = found["repository"][1]
    assert public == {"project_id": public["project_id"], "project_name": f"{word}-pub", "project_public": True,
                      "repository_name": f"{word}-pub/m", "display_name": f"{word}-pub/m", "artifact_count": 1}
    for who in (nobody, harbor.add_user()[1]):
        seen = who.json("/search", q=word.upper())
        assert [p["name"] for p in seen["project"]] == [f"{word}-pub"]
        assert [r["repository_name"] for r in seen["repository"]] == [f"{word}-pub/m"]
    assert nobody.json("/search", q="no-such-thing-at-all") == {"project": None, "repository": None}
    refused(nobody.get("/search"), 422, "UNPROCESSABLE_ENTITY", "q")
    refused(nobody.get("/search", q="x" * 300), 422, "UNPROCESSABLE_ENTITY", "q")
