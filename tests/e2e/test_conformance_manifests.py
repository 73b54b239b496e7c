# SPDX-License-Identifier: Apache-2.0
"""Manifests: data sets of every kind, tags, deletes, and what is refused (OCI distribution end-3, end-7, end-9)."""
import base64
import itertools
import json

import pytest

from harness.content import (EMPTY, EMPTY_TYPE, LAYER_TYPE, artifact, descriptor, dump, image, index, noise, push,
                             small_image, tar_of)
from harness.registry import (DOCKER_LIST, DOCKER_MANIFEST, FORMS, OCI_INDEX, OCI_MANIFEST, digest_of)

_forms = itertools.cycle(FORMS)


class Set:
    """What one push consists of: blobs, and manifests in the order in which they are pushed."""

    def __init__(self):
        self.blobs = {}
        self.manifests = []  # (bytes, media type, reference is a digest only, algorithm)

    def add(self, document, blobs=None, alg="sha256"):
        data = document if isinstance(document, bytes) else dump(document)
        self.blobs.update(blobs or {})
        self.manifests.append((data, json.loads(data)["mediaType"], alg))
        return data


def push_set(registry, repo, made):
    """Blobs in rotating forms, each manifest by digest and then by a tag, as clients do."""
    for digest, data in made.blobs.items():
        answer = getattr(registry, next(_forms))(repo, data, digest)
        assert answer.status == 201, answer
    for i, (data, kind, alg) in enumerate(made.manifests):
        digest = digest_of(data, alg)
        for ref in (digest, f"tag-{i}") if alg == "sha256" else (digest,):
            answer = registry.put_manifest(repo, ref, data, kind, chunked=i % 2 == 1)
            assert answer.status == 201, answer
            assert answer.get("Docker-Content-Digest") == digest
            assert answer.get("Location") == f"/v2/{repo}/manifests/{digest}"
            assert answer.get("Content-Length") == "0"
            subject = json.loads(data).get("subject")
            assert answer.get("OCI-Subject") == (subject["digest"] if subject else None)
            check_manifest(registry, answer.get("Location"), data, kind, digest)


def check_manifest(registry, path, data, kind, digest):
    for answer in (registry.head(path), registry.get(path)):
        assert answer.status == 200, answer
        assert answer.get("Content-Type") == kind
        assert answer.get("Content-Length") == str(len(data))
        assert answer.get("Docker-Content-Digest") == digest
        assert answer.get("ETag") == f'"{digest}"'
        assert answer.get("Docker-Distribution-Api-Version") == "registry/2.0"
    assert answer.body == data


def pull_set(registry, repo, made):
    for i, (data, kind, alg) in enumerate(made.manifests):
        digest = digest_of(data, alg)
        check_manifest(registry, f"/v2/{repo}/manifests/{digest}", data, kind, digest)
        if alg == "sha256":
            check_manifest(registry, f"/v2/{repo}/manifests/tag-{i}", data, kind, digest)
    for digest, data in made.blobs.items():
        assert registry.blob(repo, digest).body == data


def list_set(registry, repo, made):
    tags = sorted(f"tag-{i}" for i, (_, _, alg) in enumerate(made.manifests) if alg == "sha256")
    if not tags:
        return
    answer = registry.tags(repo)
    assert answer.json() == {"name": repo, "tags": tags}
    half = tags[len(tags) // 2 - 1] if len(tags) > 1 else tags[0]
    assert registry.tags(repo, f"?last={half}").json()["tags"] == [t for t in tags if t > half]


def delete_set(registry, repo, made):
    """One tag alone, then manifests in reverse order, then blobs; each is gone at once."""
    for i, (data, _, alg) in reversed(list(enumerate(made.manifests))):
        digest = digest_of(data, alg)
        path = f"/v2/{repo}/manifests/{digest}"
        if i == 0 and alg == "sha256":
            assert registry.delete(f"/v2/{repo}/manifests/tag-0").status == 202
            assert registry.head(f"/v2/{repo}/manifests/tag-0").status == 404
            assert registry.head(path).status == 200
        assert registry.delete(path).status == 202
        assert registry.head(path).status == 404
        assert registry.manifest(repo, f"tag-{i}").status == 404
        answer = registry.delete(path)
        assert answer.status == 404 and answer.errors() == ["MANIFEST_UNKNOWN"]
    for digest in made.blobs:
        assert registry.delete(f"/v2/{repo}/blobs/{digest}").status in (202, 404)
        assert registry.head(f"/v2/{repo}/blobs/{digest}").status == 404


# ---- the data sets ----


def make_image(alg="sha256", **more):
    made = Set()
    made.add(*small_image(alg=alg, **more), alg=alg)
    return made


def make_index(nested=False):
    made, children = Set(), []
    for arch in ("amd64", "arm64"):
        document, blobs = image([noise(400)], ("linux", arch))
        children.append((made.add(document, blobs), OCI_MANIFEST, arch))
    document = index([(d, k) for d, k, _ in children])
    for entry, (_, _, arch) in zip(document["manifests"], children):
        entry["platform"] = {"os": "linux", "architecture": arch}
    data = made.add(document)
    if nested:
        data = made.add(index([(data, OCI_INDEX)]))
        made.add(index([(data, OCI_INDEX), (children[0][0], OCI_MANIFEST)]))
    return made


def make_subjects(of_index=False):
    """Three referrers of two artifact types to one manifest."""
    made = make_index() if of_index else make_image()
    data, kind, _ = made.manifests[-1]
    subject = descriptor(data, kind)
    for kind, text in (("application/example.one", b"1"), ("application/example.two", b"2"),
                       ("application/example.two", b"3")):
        made.add(*artifact(kind, subject, [text * 20], annotations={"org.example.text": text.decode()}))
    return made


def make_data_field():
    made = Set()
    document, blobs = artifact("application/example.data", layers=[b"inline"])
    document["layers"][0]["data"] = base64.b64encode(b"inline").decode()
    document["config"]["data"] = base64.b64encode(EMPTY).decode()
    made.add(document, blobs)
    return made


def make_foreign():
    """Layers that lie elsewhere are not asked for."""
    made = Set()
    document, blobs = small_image()
    for kind in ("application/vnd.oci.image.layer.nondistributable.v1.tar",
                 "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                 "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
                 "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"):
        document["layers"].append(descriptor(noise(9), kind, urls=["https://example.org/layer"]))
    made.add(document, blobs)
    return made


def make_custom():
    made = Set()
    document, blobs = small_image()
    document["org.example.custom"] = {"deep": [1, 2.5, None, True, {"ä": "\u2603"}]}
    document["config"]["org.example"] = "x"
    document["layers"][0]["org.example"] = ["x"]
    made.add(document, blobs)
    return made


def make_empty_index():
    made = Set()
    made.add({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    return made


def make_large():
    made = Set()
    document, blobs = small_image()
    document["annotations"] = {f"org.example.{i:03}": "v" * 10000 for i in range(390)}
    data = made.add(document, blobs)
    assert 3_900_000 < len(data) < 4 * 1024 * 1024
    return made


def make_missing_subject():
    made = Set()
    missing = descriptor(noise(99), OCI_MANIFEST)
    made.add(*artifact("application/example.orphan", missing))
    return made


def make_no_layers():
    made = Set()
    document, blobs = image([])
    made.add(document, blobs)
    return made


def make_artifact_index():
    made = Set()
    data = made.add(*artifact("application/example.part", layers=[noise(10)]))
    made.add(index([(data, OCI_MANIFEST)], artifactType="application/example.whole"))
    return made


def make_docker():
    made = Set()
    data = made.add(*image([noise(300)], media_type=DOCKER_MANIFEST))
    made.add({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [
        {**descriptor(data, DOCKER_MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}}]})
    return made


def make_blob_index():
    """An index of plain blobs, as build caches push."""
    made = Set()
    cache = noise(500)
    made.add({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        descriptor(cache, LAYER_TYPE), descriptor(EMPTY, "application/vnd.buildkit.cacheconfig.v0")]},
        {digest_of(cache): cache, digest_of(EMPTY): EMPTY})
    return made


SETS = {
    "image": make_image,
    "image-compressed": lambda: make_image(compress=True),
    "large-manifest": make_large,
    "index": make_index,
    "nested-index": lambda: make_index(nested=True),
    "empty-index": make_empty_index,
    "artifact": lambda: make_artifact(layers=[noise(100)]),
    "artifact-index": make_artifact_index,
    "artifact-without-layers": lambda: make_artifact(),
    "artifacts-with-subject": make_subjects,
    "index-with-subject": lambda: make_subjects(of_index=True),
    "missing-subject": make_missing_subject,
    "data-field": make_data_field,
    "non-distributable-layers": make_foreign,
    "custom-fields": make_custom,
    "no-layers": make_no_layers,
    "docker": make_docker,
    "index-of-blobs": make_blob_index,
    "sha512": lambda: make_image(alg="sha512"),
}


def make_artifact(**more):
    made = Set()
    made.add(*artifact("application/example.artifact", **more))
    return made


@pytest.mark.release
@pytest.mark.parametrize("name", SETS)
def test_data_set(admin, repo, name):
    made = SETS[name]()
    push_set(admin, repo, made)
    list_set(admin, repo, made)
    pull_set(admin, repo, made)
    delete_set(admin, repo, made)


def test_sha512_index(admin, repo):
    """Manifests under both algorithms in one index."""
    made = Set()
    one = made.add(*small_image(alg="sha512"), alg="sha512")
    two = made.add(*small_image())
    made.add({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        descriptor(one, OCI_MANIFEST, "sha512"), descriptor(two, OCI_MANIFEST)]}, alg="sha512")
    push_set(admin, repo, made)
    pull_set(admin, repo, made)
    delete_set(admin, repo, made)


# ---- sparse content ----


def sparse_documents():
    layer, config = noise(100), b'{"os":"linux"}'
    picture = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config, EMPTY_TYPE),
               "layers": [descriptor(layer, LAYER_TYPE)]}
    lone, _ = small_image()
    return picture, index([(dump(lone), OCI_MANIFEST)])


def test_sparse_refused(admin, repo):
    """The default: what is named must be there; one error for each that is not."""
    picture, many = sparse_documents()
    answer = admin.put_manifest(repo, "v1", picture)
    assert answer.status == 400 and answer.errors() == ["MANIFEST_BLOB_UNKNOWN"] * 2, answer
    named = {picture["config"]["digest"], picture["layers"][0]["digest"]}
    assert {e["detail"]["digest"] for e in answer.json()["errors"]} == named
    answer = admin.put_manifest(repo, "v1", many)
    assert answer.status == 400 and answer.errors() == ["MANIFEST_BLOB_UNKNOWN"], answer
    assert admin.manifest(repo, "v1").status == 404


@pytest.mark.parametrize("mode", ["indexes", "any"])
def test_sparse_accepted(start, mode):
    registry = start(config={"registry.sparse": mode}).registry()
    picture, many = sparse_documents()
    data = dump(many)
    answer = registry.put_manifest("library/sparse", "index", data, OCI_INDEX)
    assert answer.status == 201, answer
    check_manifest(registry, "/v2/library/sparse/manifests/index", data, OCI_INDEX, digest_of(data))
    assert registry.manifest("library/sparse", many["manifests"][0]["digest"]).status == 404
    answer = registry.put_manifest("library/sparse", "image", picture)
    assert answer.status == (201 if mode == "any" else 400), answer
    if mode == "any":
        digest = picture["layers"][0]["digest"]
        assert registry.head(f"/v2/library/sparse/blobs/{digest}").status == 404
        # naming a blob gives no right to its bytes when they come to another repository
        registry.push_blob("library/elsewhere", EMPTY)
        stolen = {**picture, "layers": [descriptor(EMPTY, LAYER_TYPE)]}
        assert registry.put_manifest("library/sparse", "image", stolen).status == 201
        assert registry.head(f"/v2/library/sparse/blobs/{digest_of(EMPTY)}").status == 404


def test_parts_before_and_after_a_sparse_push(start):
    registry = start(config={"registry.sparse": "any"}).registry()
    document, blobs = small_image()
    assert registry.put_manifest("library/late", "v1", document).status == 201
    for digest, data in blobs.items():
        assert registry.push_blob("library/late", data) == digest
        assert registry.blob("library/late", digest).body == data


# ---- several tags in one push (end-7b) ----


@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_tag_parameters(admin, repo, alg):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    data = dump(document)
    digest = digest_of(data, alg)
    tags = [f"t{i}" for i in range(10)] + ["latest", "A.b-C_d"]
    answer = admin.put_manifest(repo, digest, data, query="?" + "&".join("tag=" + t for t in tags))
    assert answer.status == 201, answer
    created = [t.strip() for line in answer.all("OCI-Tag") for t in line.split(",")]
    assert sorted(created) == sorted(tags)
    for tag in tags:
        check_manifest(admin, f"/v2/{repo}/manifests/{tag}", data, OCI_MANIFEST, digest)
    assert admin.tags(repo).json()["tags"] == sorted(tags)
    assert admin.delete(f"/v2/{repo}/manifests/{digest}").status == 202
    assert admin.tags(repo).json()["tags"] == []


def test_tag_parameters_are_all_or_nothing(admin, repo):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    data = dump(document)
    answer = admin.put_manifest(repo, digest_of(data), data, query="?tag=good&tag=.bad")
    assert answer.status == 400 and answer.errors() == ["TAG_INVALID"], answer
    assert admin.manifest(repo, "good").status == 404
    assert admin.manifest(repo, digest_of(data)).status == 404


def test_too_many_tags(admin, repo):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    data = dump(document)
    answer = admin.put_manifest(repo, digest_of(data), data, query="?" + "&".join(f"tag=t{i}" for i in range(100)))
    assert answer.status == 201, answer
    answer = admin.put_manifest(repo, digest_of(data), data, query="?" + "&".join(f"tag=u{i}" for i in range(101)))
    assert answer.status == 414 and answer.errors() == ["TAG_INVALID"], answer
    assert admin.manifest(repo, "u0").status == 404


def test_tag_path_with_tag_parameters(admin, repo):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    answer = admin.put_manifest(repo, "main", document, query="?tag=more")
    assert answer.status == 201
    assert admin.tags(repo).json()["tags"] == ["main", "more"]


# ---- tags ----


def test_tag_moves(admin, repo):
    digests = [push(admin, repo, *small_image(), "latest")[0] for _ in range(3)]
    assert admin.manifest(repo, "latest").get("Docker-Content-Digest") == digests[-1]
    for digest in digests:
        assert admin.manifest(repo, digest).status == 200
    assert admin.tags(repo).json()["tags"] == ["latest"]


def test_delete_by_tag_leaves_the_manifest_and_other_tags(admin, repo):
    digest, data = push(admin, repo, *small_image(), "one", "two")
    assert admin.delete(f"/v2/{repo}/manifests/one").status == 202
    answer = admin.delete(f"/v2/{repo}/manifests/one")
    assert answer.status == 404 and answer.errors() == ["MANIFEST_UNKNOWN"]
    assert admin.manifest(repo, "two").body == data
    assert admin.manifest(repo, digest).body == data


def test_delete_by_digest_takes_all_tags(admin, repo):
    digest, _ = push(admin, repo, *small_image(), "one", "two", "three")
    other, _ = push(admin, repo, *small_image(), "four")
    assert admin.delete(f"/v2/{repo}/manifests/{digest}").status == 202
    assert admin.tags(repo).json()["tags"] == ["four"]
    assert admin.manifest(repo, other).status == 200


def test_blob_of_a_manifest_cannot_be_deleted(admin, repo):
    document, blobs = small_image()
    digest, _ = push(admin, repo, document, blobs)
    for blob in blobs:
        answer = admin.delete(f"/v2/{repo}/blobs/{blob}")
        assert answer.status == 405 and answer.errors() == ["UNSUPPORTED"], answer
    assert admin.delete(f"/v2/{repo}/manifests/{digest}").status == 202
    for blob in blobs:
        assert admin.head(f"/v2/{repo}/blobs/{blob}").status == 404


def test_shared_blobs_outlive_one_manifest(admin, repo):
    document, blobs = small_image()
    first, _ = push(admin, repo, document, blobs)
    second, _ = push(admin, repo, {**document, "annotations": {"a": "b"}}, {})
    assert admin.delete(f"/v2/{repo}/manifests/{first}").status == 202
    for blob, data in blobs.items():
        assert admin.blob(repo, blob).body == data
    assert admin.delete(f"/v2/{repo}/manifests/{second}").status == 202


def test_delete_of_a_child_leaves_the_index(admin, repo):
    made = make_index()
    push_set(admin, repo, made)
    child, whole = made.manifests[0], made.manifests[2]
    answer = admin.delete(f"/v2/{repo}/manifests/{digest_of(child[0])}")
    assert answer.status in (202, 405), answer
    assert admin.manifest(repo, digest_of(whole[0])).body == whole[0]


def test_manifest_is_served_as_blob(admin, repo):
    """Some clients know only a digest, and ask for blobs."""
    digest, data = push(admin, repo, *small_image())
    answer = admin.blob(repo, digest)
    assert (answer.status, answer.body) == (200, data)
    assert answer.get("Docker-Content-Digest") == digest


def test_same_manifest_in_two_repositories(admin, repo):
    document, blobs = small_image()
    digest, data = push(admin, repo, document, blobs, "v1")
    push(admin, repo + "/copy", document, blobs, "v1")
    assert admin.delete(f"/v2/{repo}/manifests/{digest}").status == 202
    assert admin.manifest(repo + "/copy", "v1").body == data
    for blob in blobs:
        assert admin.head(f"/v2/{repo}/copy/blobs/{blob}").status == 200
        assert admin.head(f"/v2/{repo}/blobs/{blob}").status == 404


def test_accept_does_not_change_the_answer(admin, repo):
    digest, data = push(admin, repo, *small_image(), "v1")
    for accept in ([], [("Accept", "*/*")], [("Accept", DOCKER_MANIFEST)],
                   [("Accept", OCI_MANIFEST), ("Accept", OCI_INDEX)], [("Accept", "text/html")]):
        answer = admin.request("GET", f"/v2/{repo}/manifests/v1", headers=accept)
        assert (answer.status, answer.body, answer.get("Content-Type")) == (200, data, OCI_MANIFEST), accept


def test_conditional_get(admin, repo):
    digest, data = push(admin, repo, *small_image(), "v1")
    for tag in (f'"{digest}"', digest, f'W/"{digest}"', f'"x", "{digest}"'):
        for ref in ("v1", digest):
            answer = admin.manifest(repo, ref, If_None_Match=tag)
            assert (answer.status, answer.body) == (304, b"")
    assert admin.manifest(repo, "v1", If_None_Match='"sha256:old"').body == data


# ---- what is refused ----


def test_unknown_manifest(admin, repo):
    for known in (False, True):
        if known:
            push(admin, repo, *small_image(), "v1")
        for ref in (digest_of(noise(10)), digest_of(noise(10), "sha512"), "no-such-tag"):
            answer = admin.manifest(repo, ref)
            assert answer.status == 404 and answer.errors()[0] in ("MANIFEST_UNKNOWN", "NAME_UNKNOWN")
            answer = admin.head(f"/v2/{repo}/manifests/{ref}")
            assert (answer.status, answer.body) == (404, b"")
            assert admin.delete(f"/v2/{repo}/manifests/{ref}").status == 404


def test_bad_digest_reference(admin, repo):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    for ref in ("sha256:baddigeststring", "sha256:" + "A" * 64, "md5:" + "a" * 32, "sha512:" + "a" * 64):
        answer = admin.put_manifest(repo, ref, document)
        assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer
        assert admin.manifest(repo, ref).status in (400, 404)
        assert admin.delete(f"/v2/{repo}/manifests/{ref}").status in (400, 404)


@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_digest_of_other_bytes(admin, repo, alg):
    """Trailing blanks are content."""
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    data = dump(document)
    answer = admin.put_manifest(repo, digest_of(data, alg), data + b"  ", OCI_MANIFEST)
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer
    answer = admin.put_manifest(repo, digest_of(data + b"  ", alg), data + b"  ", OCI_MANIFEST)
    assert answer.status == 201
    assert admin.get(answer.get("Location")).body == data + b"  "


def changed(**more):
    def change(document):
        document.update(more)
    return change


def drop(*keys):
    def change(document):
        for key in keys:
            del document[key]
    return change


def set_layer(**more):
    def change(document):
        document["layers"][0].update(more)
    return change


BAD_DOCUMENTS = {
    "schema version 1": changed(schemaVersion=1),
    "schema version 3": changed(schemaVersion=3),
    "schema version text": changed(schemaVersion="2"),
    "no schema version": drop("schemaVersion"),
    "other media type": changed(mediaType=OCI_INDEX),
    "unknown media type": changed(mediaType="application/json"),
    "image and index": changed(manifests=[]),
    "layers that are none": changed(layers={}),
    "layer that is none": changed(layers=["x"]),
    "no layers": drop("layers"),
    "no config": drop("config"),
    "config of null": changed(config=None),
    "bad layer digest": set_layer(digest="sha256:abc"),
    "upper-case layer digest": set_layer(digest="sha256:" + "A" * 64),
    "path as layer digest": set_layer(digest="../../../etc/passwd"),
    "negative size": set_layer(size=-1),
    "size that is none": set_layer(size="12"),
    "fraction as size": set_layer(size=1.5),
    "annotations that are none": changed(annotations=[]),
    "annotation that is no text": changed(annotations={"a": 1}),
    "bad subject": changed(subject={"mediaType": OCI_MANIFEST, "digest": "sha256:x", "size": 1}),
    "subject that is none": changed(subject="sha256:abc"),
}


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_bad_document(admin, repo, name):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    BAD_DOCUMENTS[name](document)
    answer = admin.put_manifest(repo, "v1", document, OCI_MANIFEST)
    assert answer.status in (400, 415) and answer.errors() == ["MANIFEST_INVALID"], answer
    assert admin.manifest(repo, "v1").status == 404


@pytest.mark.parametrize("data", [
    b"", b"not json", b"[]", b"2", b"null", b"{", b'{"schemaVersion":2', b"\xff\xfe{}", b'{"a":1,}', b"{}{}",
    b'{"schemaVersion":2,"schemaVersion":2}', b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"schemaVersion":2,"mediaType":"x\\u0000y"}'], ids=range(13))
def test_not_a_document(admin, repo, data):
    answer = admin.put_manifest(repo, "v1", data, OCI_MANIFEST)
    assert answer.status == 400 and answer.errors() == ["MANIFEST_INVALID"], answer


def test_index_with_layers(admin, repo):
    """CVE-2021-41190: what could be read as either kind."""
    document, blobs = small_image()
    child, data = push(admin, repo, document, blobs)
    both = {**index([(data, OCI_MANIFEST)]), "config": document["config"], "layers": document["layers"]}
    del both["mediaType"]
    for kind in (OCI_INDEX, OCI_MANIFEST):
        answer = admin.put_manifest(repo, "v1", both, kind)
        assert answer.status == 400 and answer.errors() == ["MANIFEST_INVALID"], answer


@pytest.mark.parametrize("kind", [
    "application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/json", "text/plain", "application/octet-stream", "not a media type", "application/x-www-form-urlencoded"])
def test_unsupported_type(admin, repo, kind):
    answer = admin.put_manifest(repo, "v1", b'{"schemaVersion":1}', kind)
    assert answer.status in (400, 415) and answer.errors() == ["MANIFEST_INVALID"], answer


def test_type_with_parameters_and_without(admin, repo):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    assert admin.put_manifest(repo, "a", document, OCI_MANIFEST + "; charset=utf-8").status == 201
    assert admin.manifest(repo, "a").get("Content-Type") == OCI_MANIFEST
    assert admin.put_manifest(repo, "b", document, "").status == 201
    assert admin.manifest(repo, "b").get("Content-Type") == OCI_MANIFEST
    del document["mediaType"]
    assert admin.put_manifest(repo, "c", document, OCI_MANIFEST).status == 201
    assert admin.manifest(repo, "c").get("Content-Type") == OCI_MANIFEST


@pytest.mark.parametrize("chunked", [False, True])
def test_manifest_of_five_mebibytes(admin, repo, chunked):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    document["annotations"] = {"pad": "x" * (5 * 1024 * 1024)}
    answer = admin.put_manifest(repo, "big", document, chunked=chunked)
    assert answer.status == 413 and answer.errors() == ["MANIFEST_INVALID"], answer
    assert admin.manifest(repo, "big").status == 404


def test_manifest_of_exactly_the_limit(admin, repo):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    document["annotations"] = {"pad": ""}
    document["annotations"]["pad"] = "x" * (4 * 1024 * 1024 - len(dump(document)))
    data = dump(document)
    assert len(data) == 4 * 1024 * 1024
    assert admin.put_manifest(repo, "most", data, OCI_MANIFEST).status == 201
    assert admin.manifest(repo, "most").body == data
    answer = admin.put_manifest(repo, "more", data + b" ", OCI_MANIFEST)
    assert answer.status == 413, answer


def test_missing_blobs_one_error_each(admin, repo):
    document, blobs = image([noise(50) for _ in range(4)])
    present = document["layers"][0]["digest"]
    admin.push_blob(repo, blobs[present])
    answer = admin.put_manifest(repo, "v1", document)
    assert answer.status == 400 and answer.errors() == ["MANIFEST_BLOB_UNKNOWN"] * 4, answer
    assert {e["detail"]["digest"] for e in answer.json()["errors"]} == set(blobs) - {present}


def test_blobs_of_another_repository_do_not_count(admin, repo):
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo + "/other", data)
    answer = admin.put_manifest(repo, "v1", document)
    assert answer.status == 400 and set(answer.errors()) == {"MANIFEST_BLOB_UNKNOWN"}


def test_wrong_methods(admin, repo):
    push(admin, repo, *small_image(), "v1")
    answer = admin.request("PATCH", f"/v2/{repo}/manifests/v1", b"x")
    assert answer.status == 405 and answer.errors() == ["UNSUPPORTED"]
    assert {m.strip() for m in answer.get("Allow").split(",")} >= {"GET", "HEAD", "PUT", "DELETE"}
    assert admin.request("POST", f"/v2/{repo}/tags/list", b"").status == 405


def test_deep_index(admin, repo):
    """Indexes of any nesting."""
    document, blobs = small_image()
    _, data = push(admin, repo, document, blobs)
    kind = OCI_MANIFEST
    for _ in range(30):
        document = index([(data, kind)])
        data, kind = push(admin, repo, document, {})[1], OCI_INDEX
    assert admin.manifest(repo, digest_of(data)).body == data


def test_many_layers(admin, repo):
    blob = noise(20)
    admin.push_blob(repo, blob)
    document, blobs = artifact("application/example.many", layers=[blob])
    document["layers"] = [descriptor(blob, "application/x-test", annotations={"n": str(i)}) for i in range(2000)]
    digest, data = push(admin, repo, document, blobs, "many")
    assert admin.manifest(repo, digest).body == data


def test_real_layers(admin, repo):
    """Tars with files inside, plain and compressed."""
    tar = tar_of({"model/weights.bin": noise(50_000), "README.md": b"# hello\n"})
    for compress in (False, True):
        digest, data = push(admin, repo, *image([tar], compress=compress), "v1")
        assert admin.manifest(repo, "v1").body == data
