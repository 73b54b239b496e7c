# SPDX-License-Identifier: Apache-2.0
"""Lists and their pages: tags, catalog, referrers (OCI distribution end-8, end-12)."""
import json
import urllib.parse

import pytest

from harness.content import EMPTY, EMPTY_TYPE, artifact, descriptor, dump, index, noise, push, small_image
from harness.registry import OCI_INDEX, OCI_MANIFEST, digest_of


def pages(registry, path, key):
    """Follows Link to the end: the pages' lists."""
    found = []
    while path:
        answer = registry.get(path)
        assert answer.status == 200, answer
        found.append(answer.json()[key])
        path = answer.link_next()
        assert len(found) < 1000
    return found


# ---- tags ----

TAGS = sorted(["latest", "v1", "v10", "v2", "V1", "_x", "a" * 128, "0", "a.b-c_d", "Z", "v1.0", "v1-0", "v1_0", "sha256"],
              key=str.encode)


@pytest.fixture(scope="module")
def tagged(haven):
    registry = haven.registry()
    document, blobs = small_image()
    push(registry, "library/tagged", document, blobs, *TAGS)
    yield registry
    registry.close()


def test_all_tags_in_byte_order(tagged):
    answer = tagged.tags("library/tagged")
    assert answer.get("Content-Type") == "application/json"
    assert answer.json() == {"name": "library/tagged", "tags": TAGS}
    assert answer.link_next() is None


@pytest.mark.parametrize("n", [1, 2, 3, 5, len(TAGS) - 1, len(TAGS), len(TAGS) + 1, 1000, 10 ** 6, 2 ** 64 - 1])
def test_tag_pages(tagged, n):
    found = pages(tagged, f"/v2/library/tagged/tags/list?n={n}", "tags")
    assert [t for page in found for t in page] == TAGS
    assert all(len(page) == n for page in found[:-1])
    assert 0 < len(found[-1]) <= n


def test_no_tags_asked_for(tagged):
    answer = tagged.tags("library/tagged", "?n=0")
    assert (answer.status, answer.json()["tags"], answer.get("Link")) == (200, [], None)
    answer = tagged.tags("library/tagged", "?n=0&last=v1")
    assert (answer.json()["tags"], answer.get("Link")) == ([], None)


@pytest.mark.parametrize("last", ["", "0", "v1", "v1.0", "latest", "nothing-like-it", "zzz", "!", "v1%20x", "a" * 300])
def test_last(tagged, last):
    """Exclusive, and need not exist."""
    bound = urllib.parse.unquote(last)
    expected = [t for t in TAGS if t.encode() > bound.encode()]
    assert tagged.tags("library/tagged", f"?last={last}").json()["tags"] == expected
    assert tagged.tags("library/tagged", f"?n=2&last={last}").json()["tags"] == expected[:2]


@pytest.mark.parametrize("n", ["-1", "x", "", "1.5", "1e3", "0x10", "99999999999999999999999", "+5", "%00"])
def test_bad_n(tagged, n):
    answer = tagged.tags("library/tagged", f"?n={n}")
    assert answer.status == 400 and answer.errors()[0] in ("PAGINATION_NUMBER_INVALID", "BAD_REQUEST"), answer


def test_tags_of_a_missing_repository(admin, repo):
    answer = admin.tags(repo)
    assert answer.status == 404 and answer.errors() == ["NAME_UNKNOWN"]


def test_tags_of_a_repository_without_any(admin, repo):
    push(admin, repo, *small_image())
    assert admin.tags(repo).json() == {"name": repo, "tags": []}


def test_tag_deleted_between_pages(admin, repo):
    push(admin, repo, *small_image(), *[f"t{i}" for i in range(6)])
    following = admin.tags(repo, "?n=3").link_next()
    assert admin.delete(f"/v2/{repo}/manifests/t2").status == 202
    assert admin.get(following).json()["tags"] == ["t3", "t4", "t5"]


def test_more_than_a_page_of_tags(admin, repo):
    """No answer is unbounded: a wish above the limit is clamped, and Link leads on."""
    document, blobs = small_image()
    for data in blobs.values():
        admin.push_blob(repo, data)
    data = dump(document)
    tags = [f"t{i:04}" for i in range(1050)]
    for at in range(0, len(tags), 100):
        query = "?" + "&".join("tag=" + t for t in tags[at:at + 100])
        assert admin.put_manifest(repo, digest_of(data), data, query=query).status == 201
    for start in ("", "?n=5000"):
        found = pages(admin, f"/v2/{repo}/tags/list{start}", "tags")
        assert [len(page) for page in found] == [1000, 50]
        assert sum(found, []) == tags


# ---- catalog ----


@pytest.fixture
def catalog(start):
    """A server with a private project and repositories whose names are prefixes of one another."""
    server = start()
    server.add_project("closed")
    registry = server.registry()
    names = sorted(["library/a", "library/a/b", "library/a-b", "library/a.b", "library/ab", "library/b"]
                   + ["closed/secret"], key=str.encode)
    for name in names:
        push(registry, name, *small_image(), "v1")
    return server, registry, names


def test_catalog(catalog):
    server, registry, names = catalog
    answer = registry.get("/v2/_catalog")
    assert answer.status == 200 and answer.json() == {"repositories": names}
    for n in (1, 2, 3, 7, 100, 5000):
        assert sum(pages(registry, f"/v2/_catalog?n={n}", "repositories"), []) == names
    assert registry.get("/v2/_catalog?n=0").json() == {"repositories": []}
    assert registry.get("/v2/_catalog?last=library/a").json()["repositories"] == names[names.index("library/a") + 1:]
    for n in ("-1", "x"):
        answer = registry.get(f"/v2/_catalog?n={n}")
        assert answer.status == 400 and answer.errors() == ["PAGINATION_NUMBER_INVALID"]
    token = registry.with_token("registry:catalog:*")
    assert token.get("/v2/_catalog").json() == {"repositories": names}
    # nobody else learns of the private one
    answer = server.anonymous().get("/v2/_catalog")
    assert answer.status == 401 or "closed/secret" not in answer.json()["repositories"]


def test_catalog_page_size(start):
    server = start(config={"registry.page_size": 3})
    registry = server.registry()
    for i in range(7):
        registry.push_blob(f"library/r{i}", b"x")
        push(registry, f"library/r{i}", *small_image())
    found = pages(registry, "/v2/_catalog", "repositories")
    assert [len(page) for page in found] == [3, 3, 1]


# ---- referrers ----


def referrers(registry, repo, digest, query=""):
    """The descriptors, with the form of the answer checked."""
    answer = registry.referrers(repo, digest, query)
    assert answer.status == 200, answer
    assert answer.get("Content-Type") == OCI_INDEX
    document = answer.json()
    assert document["schemaVersion"] == 2 and document["mediaType"] == OCI_INDEX
    assert isinstance(document["manifests"], list)
    return document["manifests"]


@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_referrers_of_what_is_not_there(admin, repo, alg):
    """Neither the repository nor the digest need to exist."""
    assert referrers(admin, repo, digest_of(b"nothing", alg)) == []
    push(admin, repo, *small_image())
    assert referrers(admin, repo, digest_of(b"nothing", alg)) == []
    assert referrers(admin, repo, "sha256:" + "0" * 64) == []


@pytest.mark.parametrize("digest", ["sha256:abc", "latest", "md5:" + "0" * 32, "sha256:" + "A" * 64])
def test_referrers_of_a_bad_digest(admin, repo, digest):
    answer = admin.referrers(repo, digest)
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"]


def test_referrers(admin, repo):
    subject_digest, data = push(admin, repo, *small_image(), "v1")
    subject = descriptor(data, OCI_MANIFEST)
    expected = {}
    for kind, notes in (("application/sbom", {"n": "1"}), ("application/sbom", {"n": "2"}),
                        ("application/signature", None)):
        more = {"annotations": notes} if notes else {}
        document, blobs = artifact(kind, subject, [noise(10)], **more)
        digest, bytes_of = push(admin, repo, document, blobs)
        expected[digest] = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(bytes_of), "artifactType": kind, **more}
    # an image without artifactType: its configuration tells
    document, blobs = small_image(subject=subject)
    digest, bytes_of = push(admin, repo, document, blobs)
    expected[digest] = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(bytes_of),
                        "artifactType": document["config"]["mediaType"]}
    # indexes with and without
    for more in ({}, {"artifactType": "application/bundle"}):
        digest, bytes_of = push(admin, repo, {**index([(data, OCI_MANIFEST)]), "subject": subject, **more}, {})
        expected[digest] = {"mediaType": OCI_INDEX, "digest": digest, "size": len(bytes_of), **more}

    found = referrers(admin, repo, subject_digest)
    assert {d["digest"]: d for d in found} == expected
    assert len(found) == len(expected)
    assert admin.referrers(repo, subject_digest).get("OCI-Filters-Applied") is None

    for types in (["application/sbom"], ["application/signature"], ["application/bundle", "application/sbom"],
                  ["application/none"], [document["config"]["mediaType"]]):
        query = "?" + "&".join("artifactType=" + urllib.parse.quote(t, safe="") for t in types)
        answer = admin.referrers(repo, subject_digest, query)
        assert answer.get("OCI-Filters-Applied") == "artifactType"
        assert {d["digest"] for d in answer.json()["manifests"]} == {
            digest for digest, d in expected.items() if d.get("artifactType") in types}
    # a raw '+' in a type, as clients write it
    assert {d["digest"] for d in referrers(admin, repo, subject_digest,
                                           "?artifactType=" + document["config"]["mediaType"])} == {
        digest for digest, d in expected.items() if d.get("artifactType") == document["config"]["mediaType"]}

    # deleting one takes it out at once; deleting the subject leaves the others
    gone = next(d for d in expected.values() if d.get("artifactType") == "application/signature")["digest"]
    assert admin.delete(f"/v2/{repo}/manifests/{gone}").status == 202
    del expected[gone]
    assert {d["digest"] for d in referrers(admin, repo, subject_digest)} == set(expected)
    # nothing of it shows in another repository
    assert referrers(admin, repo + "/other", subject_digest) == []


def test_subject_may_come_later(admin, repo):
    document, blobs = small_image()
    data = dump(document)
    note, note_blobs = artifact("application/early", descriptor(data, OCI_MANIFEST))
    digest, _ = push(admin, repo, note, note_blobs)
    assert admin.put_manifest(repo, digest, note).get("OCI-Subject") == digest_of(data)
    assert [d["digest"] for d in referrers(admin, repo, digest_of(data))] == [digest]
    push(admin, repo, document, blobs, "v1")
    assert [d["digest"] for d in referrers(admin, repo, digest_of(data))] == [digest]


def test_subject_by_sha512(admin, repo):
    document, blobs = small_image(alg="sha512")
    digest, data = push(admin, repo, document, blobs, alg="sha512")
    note, note_blobs = artifact("application/note", descriptor(data, OCI_MANIFEST, "sha512"))
    answer_digest, _ = push(admin, repo, note, note_blobs)
    assert [d["digest"] for d in referrers(admin, repo, digest)] == [answer_digest]


def test_referrers_of_referrers(admin, repo):
    _, data = push(admin, repo, *small_image())
    for _ in range(4):
        above = descriptor(data, OCI_MANIFEST)
        digest, data = push(admin, repo, *artifact("application/chain", above))
        assert [d["digest"] for d in referrers(admin, repo, above["digest"])] == [digest]


def test_referrers_are_paged_by_bytes(admin, repo):
    """No page exceeds what clients read (4 MiB), however large the annotations; Link leads to the end."""
    subject_digest, data = push(admin, repo, *small_image())
    subject = descriptor(data, OCI_MANIFEST)
    wanted = {}
    for i in range(10):
        kind = "application/even" if i % 2 == 0 else "application/odd"
        notes = {"org.example.pad": "x" * 1_000_000, "n": str(i)}
        digest, _ = push(admin, repo, *artifact(kind, subject, annotations=notes))
        wanted[digest] = (kind, notes)
    for query in ("", "?artifactType=application/odd"):
        path, found, count = f"/v2/{repo}/referrers/{subject_digest}{query}", [], 0
        while path:
            answer = admin.get(path)
            assert answer.status == 200 and len(answer.body) <= 4 * 1024 * 1024, answer.status
            if query:
                assert answer.get("OCI-Filters-Applied") == "artifactType"
            found += answer.json()["manifests"]
            path = answer.link_next()
            count += 1
        assert count > 1
        expected = {d: n for d, (k, n) in wanted.items() if not query or k == "application/odd"}
        assert {d["digest"]: d["annotations"] for d in found} == expected
        assert len(found) == len(expected)


def test_annotations_that_fill_a_page_alone(admin, repo):
    """One manifest does not hide the others, and no page is larger than clients read."""
    subject_digest, data = push(admin, repo, *small_image())
    subject = descriptor(data, OCI_MANIFEST)
    digests = {push(admin, repo, *artifact("application/huge", subject,
                                           annotations={"pad": "y" * (4_190_000 - i)}))[0] for i in range(2)}
    found, path = [], f"/v2/{repo}/referrers/{subject_digest}"
    while path:
        answer = admin.get(path)
        assert answer.status == 200 and len(answer.body) <= 4 * 1024 * 1024
        found += answer.json()["manifests"]
        path = answer.link_next()
    assert {d["digest"] for d in found} == digests


def test_bad_referrers_page(admin, repo):
    answer = admin.referrers(repo, digest_of(b"x"), "?last=nonsense")
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"]


@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_fallback_tag_is_merged(admin, repo, alg):
    """Clients without the interface keep an index under a tag made of the subject's digest."""
    document, blobs = small_image(alg=alg)
    digest, data = push(admin, repo, document, blobs, alg=alg)
    subject = descriptor(data, OCI_MANIFEST, alg)
    new, _ = push(admin, repo, *artifact("application/new", subject))
    # the old ones name no subject
    old_document, old_blobs = artifact("application/old", layers=[noise(5)], annotations={"from": "manifest"})
    old, old_data = push(admin, repo, old_document, old_blobs)
    absent = descriptor(noise(40), OCI_MANIFEST, artifactType="application/old")
    both = index([(old_data, OCI_MANIFEST)])
    both["manifests"][0].update(artifactType="application/old", annotations={"from": "index"})
    both["manifests"] += [{**descriptor(dump(artifact("application/new", subject)[0]), OCI_MANIFEST),
                           "artifactType": "application/new"}]
    tag = f"{alg}-{digest.partition(':')[2][:64]}"
    assert admin.put_manifest(repo, tag, both).status == 201
    found = referrers(admin, repo, digest)
    assert sorted(d["digest"] for d in found) == sorted([new, old])
    assert next(d for d in found if d["digest"] == old)["artifactType"] == "application/old"
    assert [d["digest"] for d in referrers(admin, repo, digest, "?artifactType=application/old")] == [old]
    assert absent["digest"] not in {d["digest"] for d in found}


def test_fallback_tag_that_is_no_index(admin, repo):
    digest, _ = push(admin, repo, *small_image())
    push(admin, repo, *small_image(), "sha256-" + digest.partition(":")[2])
    assert referrers(admin, repo, digest) == []


def test_pages_of_both_kinds(admin, repo):
    """Rows and a fallback index, in the order of digests, each once."""
    digest, data = push(admin, repo, *small_image())
    subject = descriptor(data, OCI_MANIFEST)
    wanted, entries = set(), []
    admin.push_blob(repo, EMPTY)
    for i in range(6):
        notes = {"pad": "x" * 900_000, "n": str(i)}
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/t",
                    "config": descriptor(EMPTY, EMPTY_TYPE), "layers": [], "annotations": notes}
        if i % 2:
            document["subject"] = subject
        one, one_data = push(admin, repo, document, {})
        wanted.add(one)
        if i < 4:
            entries.append({**descriptor(one_data, OCI_MANIFEST), "annotations": notes})
    keep = {e["digest"] for e in entries}
    wanted = {w for w in wanted if w in keep} | {d["digest"] for d in referrers(admin, repo, digest)}
    fallback = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    assert admin.put_manifest(repo, "sha256-" + digest.partition(":")[2], fallback).status == 201
    found = [d["digest"] for page in pages(admin, f"/v2/{repo}/referrers/{digest}", "manifests") for d in page]
    assert found == sorted(wanted)
    assert json.dumps(found)
