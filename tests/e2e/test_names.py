# SPDX-License-Identifier: Apache-2.0
"""Names and tags at the edges of the grammar and past them (OCI distribution 1.1)."""
import pytest

from harness.content import noise, push, small_image
from harness.registry import digest_of

GOOD_NAMES = [
    "library/a", "library/0", "library/a.b", "library/a_b", "library/a__b", "library/a-b", "library/a---b",
    "library/a.b_c__d-e--f/g", "library/" + "a" * 247, "library/" + "/".join("abcdefghij"), "library/" + "/".join("a" * 100),
    "library/blobs", "library/manifests", "library/uploads", "library/tags", "library/list", "library/referrers",
    "library/blobs/uploads", "library/manifests/latest", "library/tags/list", "library/referrers/x",
    "library/blobs/manifests/tags/uploads/referrers", "library/v2", "library/a/blobs/uploads/b", "library/library",
    "library/sha256", "library/api/v2.0", "library/a/b/c/d/e/f/g/h",
]
BAD_NAMES = [
    "library/A", "Library/a", "library/a..b", "library/a___b", "library/.a", "library/a.", "library/-a", "library/a-",
    "library/_a", "library/a_", "library/a._b", "library/a-_b", "library/a~b", "library/a%20b", "library/a%C3%A4",
    "library/%61%41", "library/a@b", "library/a+b", "library/" + "a" * 248, "library/a*b", "library/a%3Ab",
]
GOOD_TAGS = ["a", "A", "0", "_", "_.-", "a.b-c_d", "A" * 128, "latest", "v1.0.0-rc.1", "9", "tags", "list", "uploads",
             "sha256-" + "0" * 64]
BAD_TAGS = [".a", "-a", "a" * 129, "a%20b", "a+b", "a%C3%A4", "a@b", "a~", "a%2Ab", "a%3Fb", "a%25b"]
RESERVED = ["api", "v2", "c", "service", "account", "harbor", "datasets", "spaces", "kernels", "models", "oauth",
            "assets", "metrics", "as-image"]


@pytest.mark.parametrize("name", GOOD_NAMES, ids=range(len(GOOD_NAMES)))
def test_good_name(admin, name):
    """All that can be done with a repository works under this name."""
    document, blobs = small_image()
    digest, data = push(admin, name, document, blobs, "v1")
    assert admin.manifest(name, "v1").body == data
    assert "v1" in admin.tags(name).json()["tags"]
    assert admin.referrers(name, digest).json()["manifests"] == []
    for form in ("by_post", "by_stream", "by_chunks"):
        blob = noise(30)
        answer = getattr(admin, form)(name, blob, digest_of(blob))
        assert answer.status == 201 and answer.get("Location") == f"/v2/{name}/blobs/{digest_of(blob)}", answer
        assert admin.blob(name, digest_of(blob)).body == blob
    location = admin.open_upload(name)
    assert admin.get(location).status == 204
    assert admin.delete(location).status == 204
    blob = next(iter(blobs))
    assert admin.start("library/target", f"?mount={blob}&from={name}").status == 201
    assert admin.delete(f"/v2/{name}/manifests/v1").status == 202
    assert admin.delete(f"/v2/{name}/manifests/{digest}").status == 202


def test_names_do_not_run_into_each_other(admin):
    """library/x with a component "manifests" is not a manifest of library/x."""
    one, one_data = push(admin, "library/x", *small_image(), "latest")
    two, two_data = push(admin, "library/x/manifests", *small_image(), "latest")
    assert admin.manifest("library/x", "latest").body == one_data
    assert admin.manifest("library/x/manifests", "latest").body == two_data
    assert admin.manifest("library/x", two).status == 404


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
def test_bad_name(admin, name):
    document, _ = small_image()
    digest = digest_of(b"x")
    for answer in (admin.start(name), admin.start(name, f"?digest={digest}", body=b"x"), admin.blob(name, digest),
                   admin.manifest(name, "v1"), admin.put_manifest(name, "v1", document), admin.tags(name),
                   admin.referrers(name, digest), admin.delete(f"/v2/{name}/manifests/v1"),
                   admin.delete(f"/v2/{name}/blobs/{digest}")):
        assert answer.status == 400 and answer.errors()[0] in ("NAME_INVALID", "BAD_REQUEST"), (name, answer)


@pytest.mark.parametrize("path", ["/v2//manifests/v1", "/v2/library//a/manifests/v1", "/v2/library/a//manifests/v1",
                                  "/v2/library/a/manifests/", "/v2/library/a/manifests/v1/", "/v2/manifests/v1",
                                  "/v2/library/a/tags/list/"])
def test_empty_components(admin, path):
    answer = admin.get(path)
    assert answer.status in (400, 404), answer
    answer.errors()


@pytest.mark.parametrize("tag", GOOD_TAGS)
def test_good_tag(admin, repo, tag):
    digest, data = push(admin, repo, *small_image(), tag)
    assert admin.manifest(repo, tag).body == data
    assert admin.tags(repo).json()["tags"] == [tag]
    assert admin.delete(f"/v2/{repo}/manifests/{tag}").status == 202


@pytest.mark.parametrize("tag", BAD_TAGS)
def test_bad_tag(admin, repo, tag):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    answer = admin.put_manifest(repo, tag, document)
    assert answer.status == 400, answer
    assert answer.errors()[0] in ("TAG_INVALID", "DIGEST_INVALID", "MANIFEST_INVALID"), answer
    assert admin.manifest(repo, tag).status in (400, 404)


@pytest.mark.parametrize("project", RESERVED + ["nowhere"])
def test_project_that_does_not_exist(admin, project):
    """Nothing can be pushed to a project that is not there, and reserved names never are."""
    digest = digest_of(b"x")
    for answer in (admin.start(f"{project}/a"), admin.start(f"{project}/a", f"?digest={digest}", body=b"x"),
                   admin.put_manifest(f"{project}/a", "v1", small_image()[0])):
        assert answer.status in (400, 404), answer
        assert answer.errors()[0] in ("NAME_UNKNOWN", "NAME_INVALID"), answer
    for answer in (admin.blob(f"{project}/a", digest), admin.manifest(f"{project}/a", "v1")):
        assert answer.status in (400, 404), answer
    assert admin.referrers(f"{project}/a", digest).status in (200, 404)


def test_percent_encoded_names_are_the_same(admin, repo):
    """Decoded once: what is checked is what is stored."""
    digest, data = push(admin, repo, *small_image(), "v1")
    path = f"/v2/{repo.replace('t', '%74')}/%6Danifests/v%31"
    answer = admin.get(path)
    assert (answer.status, answer.body) == (200, data)
    assert admin.get(f"/v2/{repo}/manifests/{digest.replace(':', '%3A')}").body == data
    assert admin.get(f"/v2/{repo}/manifests/{digest.replace(':', '%253A')}").status in (400, 404)
