# SPDX-License-Identifier: Apache-2.0
"""Copies of artifacts inside of the registry."""
import pytest

from harness.content import artifact, descriptor, index, noise, push, small_image
from harness.harbor import Harbor, refused
from harness.registry import OCI_MANIFEST, digest_of


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def copy(harbor, project, source, repository="copied"):
    return harbor.call("POST", f"/projects/{project}/repositories/{repository}/artifacts", **{"from": source})


def test_with_tags_members_and_what_is_about_them(harbor):
    (original, source), (number, target) = harbor.add_project(), harbor.add_project()
    registry = harbor.registry
    children = []
    for _ in range(2):
        _, data = push(registry, f"{source}/a/b", *small_image())
        children.append((data, OCI_MANIFEST))
    whole, data = push(registry, f"{source}/a/b", index(children), {}, "v1", "v2")
    about, _ = push(registry, f"{source}/a/b", *artifact("x/signature", subject=descriptor(*children[0])))
    answer = copy(harbor, target, f"{source}/a/b:v1", repository="c%252Fd")
    assert answer.status == 201, answer
    assert answer.get("Location") == f"/api/v2.0/projects/{target}/repositories/c%252Fd/artifacts/v1"
    for tag in ("v1", "v2"):
        assert registry.manifest(f"{target}/c/d", tag).body == data
    for child, _ in children:
        assert registry.manifest(f"{target}/c/d", digest_of(child)).body == child
    found = registry.referrers(f"{target}/c/d", digest_of(children[0][0])).json()["manifests"]
    assert [m["digest"] for m in found] == [about]
    assert harbor.json(f"/quotas/{number}")["used"] == harbor.json(f"/quotas/{original}")["used"]
    assert copy(harbor, target, f"{source}/a/b@{whole}", repository="c%252Fd").status == 201  # again is no harm
    refused(copy(harbor, target, f"{source}/a/b@{about}"), 403, "DENIED", "about another")


def test_who_may(harbor):
    (_, source), (_, target) = harbor.add_project(), harbor.add_project()
    push(harbor.registry, f"{source}/m", *small_image(), "v1")
    user, mine = harbor.add_user()
    harbor.add_member(target, user, "developer")
    foreign = copy(mine, target, f"{source}/m:v1")
    absent = copy(mine, target, "no-such-project/m:v1")
    refused(foreign, 403, "FORBIDDEN")
    assert foreign.body == absent.body
    member = harbor.add_member(source, user, "limitedGuest").get("Location").rsplit("/", 1)[1]
    assert copy(mine, target, f"{source}/m:v1").status == 201
    refused(copy(mine, source, f"{source}/m:v1"), 403, "FORBIDDEN")
    harbor.delete(f"/projects/{source}/members/{member}")
    refused(copy(mine, target, f"{source}/m:v1"), 403, "FORBIDDEN")


@pytest.mark.parametrize("source", ["", "x", "library/m", "library:v1", "library/m@v1", "library/m:", "UPPER/m:v1"])
def test_sources_that_are_none(harbor, source):
    _, target = harbor.add_project()
    refused(copy(harbor, target, source), 400, "BAD_REQUEST", "from")


def test_what_is_in_the_way(harbor):
    (_, source), (number, target) = harbor.add_project(), harbor.add_project()
    refused(copy(harbor, target, f"{source}/m:v1"), 404, "NOT_FOUND")
    document, blobs = small_image()
    push(harbor.registry, f"{source}/m", document, {**blobs, digest_of(b"x"): noise(10)}, "v1")
    harbor.put(f"/quotas/{number}", {"hard": {"storage": 100}})
    refused(copy(harbor, target, f"{source}/m:v1"), 403, "DENIED", "quota")
    harbor.put(f"/quotas/{number}", {"hard": {"storage": -1}})
    before, _ = push(harbor.registry, f"{target}/copied", *small_image(), "v1")
    harbor.post(f"/projects/{target}/immutabletagrules", {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}})
    refused(copy(harbor, target, f"{source}/m:v1"), 412, "PRECONDITION", "immutable")
    assert harbor.registry.manifest(f"{target}/copied", "v1").get("Docker-Content-Digest") == before
