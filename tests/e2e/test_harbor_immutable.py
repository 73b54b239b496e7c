# SPDX-License-Identifier: Apache-2.0
"""Rules that keep tags where they are, on every way to move or delete one."""
import pytest

from harness.content import dump, index, push, small_image
from harness.harbor import Harbor, refused
from harness.registry import OCI_INDEX, OCI_MANIFEST


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def rule(tags="**", repositories="**", tag_decoration="matches", repository_decoration="repoMatches", **more):
    return {"action": "immutable", "template": "immutable_template", "disabled": False, "priority": 0,
            "tag_selectors": [{"kind": "doublestar", "decoration": tag_decoration, "pattern": tags}],
            "scope_selectors": {"repository": [
                {"kind": "doublestar", "decoration": repository_decoration, "pattern": repositories}]}, **more}


def add(harbor, project, **more):
    made = harbor.post(f"/projects/{project}/immutabletagrules", rule(**more))
    return int(made.get("Location").rsplit("/", 1)[1])


def test_every_way_to_move_or_delete(harbor):
    _, project = harbor.add_project()
    registry, repo = harbor.registry, f"{project}/m"
    digest, data = push(registry, repo, *small_image(), "v1.0", "dev")
    other, blobs = small_image()
    add(harbor, project, tags="v*")
    push(registry, repo, other, blobs, "dev", "v2.0")  # new ones and others are free
    kept = [registry.put_manifest(repo, "v1.0", dump(other), OCI_MANIFEST),
            registry.put_manifest(repo, registry.manifest(repo, "dev").get("Docker-Content-Digest"), dump(other),
                                  OCI_MANIFEST, query="?tag=v1.0"),
            registry.put_manifest(repo, "v1.0", dump(index([(data, OCI_MANIFEST)])), OCI_INDEX),
            registry.delete(f"/v2/{repo}/manifests/v1.0"), registry.delete(f"/v2/{repo}/manifests/{digest}"),
            harbor.call("DELETE", f"/projects/{project}/repositories/m/artifacts/{digest}/tags/v1.0"),
            harbor.call("DELETE", f"/projects/{project}/repositories/m/artifacts/v1.0"),
            harbor.call("DELETE", f"/projects/{project}/repositories/m/artifacts/{digest}"),
            harbor.call("DELETE", f"/projects/{project}/repositories/m")]
    for answer in kept:
        assert (answer.status, answer.errors()) == (412, ["PRECONDITION"]), answer
        assert f"{repo}:v" in answer.json()["errors"][0]["message"] and "immutable" in answer.body.decode()
    refused(harbor.call("POST", f"/projects/{project}/repositories/m/artifacts/v2.0/tags", {"name": "v1.0"}), 409,
            "CONFLICT")
    assert registry.manifest(repo, "v1.0").get("Docker-Content-Digest") == digest
    assert registry.put_manifest(repo, "v1.0", data, OCI_MANIFEST).status == 201  # the same again is no move
    assert registry.delete(f"/v2/{repo}/manifests/dev").status in (202, 400)
    refused(harbor.call("DELETE", f"/projects/{project}"), 412, "PRECONDITION")


def test_a_large_repository_stays_whole(harbor):
    """It is deleted in parts; one tag that is kept keeps all of them."""
    _, project = harbor.add_project()
    document, blobs = small_image()
    push(harbor.registry, f"{project}/m", document, blobs, "keep")
    for i in range(120):
        assert harbor.registry.put_manifest(f"{project}/m", f"t{i}", dump({**document, "annotations": {"n": str(i)}}),
                                            OCI_MANIFEST).status == 201
    add(harbor, project, tags="keep")
    refused(harbor.call("DELETE", f"/projects/{project}/repositories/m"), 412, "PRECONDITION", "m:keep")
    assert len(harbor.registry.tags(f"{project}/m").json()["tags"]) == 121


def test_rules_end(harbor):
    _, project = harbor.add_project()
    digest, _ = push(harbor.registry, f"{project}/m", *small_image(), "v1")
    number = add(harbor, project)
    where = f"/projects/{project}/immutabletagrules"
    (seen,) = harbor.json(where)
    assert seen == {"id": number, **{k: v for k, v in rule().items() if k != "priority"}}
    artifact = f"/projects/{project}/repositories/m/artifacts/{digest}"
    assert harbor.json(artifact, with_immutable_status="true")["tags"][0]["immutable"] is True
    assert harbor.json(artifact + "/tags", with_immutable_status="true")[0]["immutable"] is True
    assert not harbor.json(artifact)["tags"][0].get("immutable")
    harbor.put(f"{where}/{number}", {**rule(), "id": number, "disabled": True})
    assert harbor.json(where)[0]["disabled"] is True
    assert not harbor.json(artifact + "/tags", with_immutable_status="true")[0].get("immutable")
    harbor.delete(f"{artifact}/tags/v1")
    harbor.delete(f"{where}/{number}")
    assert harbor.json(where) == []
    refused(harbor.call("DELETE", f"{where}/{number}"), 404, "NOT_FOUND")
    refused(harbor.call("PUT", f"{where}/{number}", rule()), 404, "NOT_FOUND")


@pytest.mark.parametrize("selectors, repository, tag, kept", [
    ({"tags": "v*"}, "m", "v1", True), ({"tags": "v*"}, "m", "x1", False), ({"tags": "v?"}, "m", "v12", False),
    ({"tags": "{v1,v2}"}, "m", "v2", True), ({"tags": "{v1,v2}"}, "m", "v3", False),
    ({"tags": "v{1,2{a,b}}"}, "m", "v2b", True), ({"tags": "release-[0-9]"}, "m", "release-7", True),
    ({"tags": "dev", "tag_decoration": "excludes"}, "m", "v1", True),
    ({"tags": "dev", "tag_decoration": "excludes"}, "m", "dev", False),
    ({"repositories": "llm/**"}, "llm/a/b", "v1", True), ({"repositories": "llm/*"}, "llm/a/b", "v1", False),
    ({"repositories": "llm/*"}, "other", "v1", False),
    ({"repositories": "llm/*", "repository_decoration": "repoExcludes"}, "other", "v1", True),
    ({"disabled": True}, "m", "v1", False),
])
def test_patterns(harbor, selectors, repository, tag, kept):
    _, project = harbor.add_project()
    push(harbor.registry, f"{project}/{repository}", *small_image(), tag)
    add(harbor, project, **selectors)
    document, blobs = small_image()
    for blob in blobs.values():
        harbor.registry.push_blob(f"{project}/{repository}", blob)
    answer = harbor.registry.put_manifest(f"{project}/{repository}", tag, dump(document), OCI_MANIFEST)
    assert answer.status == (412 if kept else 201), answer


@pytest.mark.parametrize("change, says", [
    ({"action": "retain"}, "action"), ({"template": "x"}, "template"), ({"tag_selectors": []}, "tag_selectors"),
    ({"scope_selectors": {}}, "scope_selectors"), ({"scope_selectors": None}, "scope_selectors"),
    ({"tag_selectors": [{"kind": "regex", "decoration": "matches", "pattern": "*"}]}, "kind"),
    ({"tag_selectors": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "*"}]}, "decoration"),
    ({"tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": ""}]}, "pattern"),
    ({"tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "{a"}]}, "pattern"),
    ({"tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "[a"}]}, "pattern"),
    ({"tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "{a,b}" * 9}]}, "pattern"),
    ({"tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "*"}] * 17}, "tag_selectors"),
])
def test_rules_that_are_none(harbor, change, says):
    _, project = harbor.add_project()
    answer = harbor.call("POST", f"/projects/{project}/immutabletagrules", {**rule(), **change})
    assert answer.status in (400, 422), answer
    assert says in answer.json()["errors"][0]["message"], answer


def test_one_of_each(harbor):
    _, project = harbor.add_project()
    where = f"/projects/{project}/immutabletagrules"
    first = add(harbor, project)
    refused(harbor.call("POST", where, rule()), 409, "CONFLICT")
    second = add(harbor, project, tags="v*")
    refused(harbor.call("PUT", f"{where}/{second}", rule()), 409, "CONFLICT")
    refused(harbor.call("PUT", f"{where}/{second}", {**rule(), "id": first}), 400, "BAD_REQUEST", "id")
    _, other = harbor.add_project()
    for method, body in (("PUT", rule(tags="x")), ("DELETE", None)):
        refused(harbor.call(method, f"/projects/{other}/immutabletagrules/{first}", body), 404, "NOT_FOUND")
    assert [r["id"] for r in harbor.json(where)] == [first, second]
