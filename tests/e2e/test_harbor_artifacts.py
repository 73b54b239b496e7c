# SPDX-License-Identifier: Apache-2.0
"""Artifacts through Harbor's API: what they are, their tags, members and accessories."""
import datetime
import json
import time

import pytest

from harness.content import CONFIG_TYPE, artifact, descriptor, dump, image, index, noise, push, small_image
from harness.harbor import Harbor, fresh, refused
from harness.registry import OCI_INDEX, OCI_MANIFEST, digest_of
from harness.server import wait_until

NEVER = "0001-01-01T00:00:00.000Z"


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()


def at(name, repo="m", rest=""):
    return f"/projects/{name}/repositories/{repo}/artifacts{rest}"


def configured(config, config_type, artifact_type=None, **more):
    """An artifact whose configuration is this JSON."""
    data, layer = json.dumps(config).encode(), noise(500)
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(data, config_type),
                "layers": [descriptor(layer, "application/octet-stream")], **more}
    if artifact_type:
        document["artifactType"] = artifact_type
    return document, {digest_of(data): data, digest_of(layer): layer}


MODEL = {"descriptor": {"name": "tiny", "family": "x"}, "modelfs": {"type": "layers", "diffIds": []},
         "config": {"format": "safetensors", "paramSize": "1b"}}


def test_a_model(harbor, project):
    number, name = project
    document, blobs = configured(MODEL, "application/vnd.cncf.model.config.v1+json",
                                 "application/vnd.cncf.model.manifest.v1+json", annotations={"k": "v"})
    digest, data = push(harbor.registry, f"{name}/m", document, blobs, "v1", "v2")
    wait_until(lambda: harbor.json(at(name, rest="/v1/model"))["state"] == "read")
    seen = harbor.json(at(name, rest="/v1"))
    assert list(seen.pop("addition_links")) == ["files"]
    tags = seen.pop("tags")
    repository = harbor.json(f"/projects/{name}/repositories/m")
    pushed = datetime.datetime.fromisoformat(seen.pop("push_time").replace("Z", "+00:00"))
    assert abs(pushed.timestamp() - time.time()) < 300
    assert seen == {
        "id": tags[0]["artifact_id"], "type": "CNAI", "media_type": "application/vnd.cncf.model.config.v1+json",
        "manifest_media_type": OCI_MANIFEST, "artifact_type": "application/vnd.cncf.model.manifest.v1+json",
        "project_id": number, "repository_id": repository["id"], "repository_name": f"{name}/m", "digest": digest,
        "size": len(data) + sum(len(b) for b in blobs.values()), "pull_time": NEVER, "extra_attrs": MODEL,
        "annotations": {"k": "v"}, "references": None, "labels": None, "accessories": None}
    assert [(t["name"], t["repository_id"], t["immutable"], t["pull_time"]) for t in tags] == \
        [("v1", repository["id"], False, NEVER), ("v2", repository["id"], False, NEVER)]
    assert len({t["id"] for t in tags}) == 2
    by_digest = harbor.json(at(name, rest=f"/{digest}"))
    assert by_digest == harbor.json(at(name))[0] and by_digest["tags"] == tags
    assert harbor.json(at(name, rest="/v1"), with_tag="false")["tags"] is None


@pytest.mark.parametrize("config_type, artifact_type, kind", [
    ("application/vnd.cncf.helm.config.v1+json", None, "CHART"),
    ("application/vnd.cncf.model.config.v1+json", None, "MODEL"),
    ("application/vnd.kitops.modelkit.config.v1+json", None, "MODELKIT"),
    ("application/vnd.oci.empty.v1+json", "application/vnd.goharbor.harbor.sbom.v1", "SBOM"),
    ("application/vnd.docker.ai.model.config.v0.1+json", None, "UNKNOWN"),
    ("application/vnd.x.some.thing.config.v2+json", None, "SOME.THING"),
    ("application/vnd.oci.empty.v1+json", "application/x-anything", "UNKNOWN"),
    ("application/octet-stream", None, "UNKNOWN"),
])
def test_kinds(harbor, project, config_type, artifact_type, kind):
    _, name = project
    document, blobs = configured({"a": 1}, config_type, artifact_type)
    push(harbor.registry, f"{name}/m", document, blobs, "v1")
    seen = harbor.json(at(name, rest="/v1"))
    assert seen["type"] == kind and seen["media_type"] == config_type
    assert seen.get("extra_attrs") == (None if kind == "UNKNOWN" else {"a": 1})


def test_an_image(harbor, project):
    _, name = project
    document, blobs = small_image()
    push(harbor.registry, f"{name}/m", document, blobs, "v1")
    seen = harbor.json(at(name, rest="/v1"))
    assert (seen["type"], seen["media_type"]) == ("IMAGE", CONFIG_TYPE)
    assert seen["extra_attrs"] == {"architecture": "amd64", "os": "linux", "config": {}}  # and no rootfs


def test_keys_that_are_to_be_left_out(harbor, project):
    _, name = project
    document, blobs = configured({"a": 1, "secret": 2, "b": 3}, "application/vnd.x.thing.config.v1+json")
    document["config"]["annotations"] = {"io.goharbor.artifact.v1alpha1.skip-list": "secret, b"}
    push(harbor.registry, f"{name}/m", document, blobs, "v1")
    assert harbor.json(at(name, rest="/v1"))["extra_attrs"] == {"a": 1}


@pytest.mark.parametrize("config", [b"not json", b"[1]", b"{\"a\":1,\"a\":2}", b"[" * 5000, b"{\"x\":\"" + b"y" * (2 << 20) + b"\"}"])
def test_configurations_that_cannot_be_read(harbor, project, config):
    """Such an artifact is listed all the same."""
    _, name = project
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
                "config": descriptor(config, "application/vnd.x.thing.config.v1+json")}
    push(harbor.registry, f"{name}/m", document, {digest_of(config): config}, "v1")
    seen = harbor.json(at(name))
    assert seen[0]["type"] == "THING" and "extra_attrs" not in seen[0]


def test_an_index(harbor, project):
    _, name = project
    children, total = [], 0
    for arch in ("amd64", "arm64"):
        document, blobs = image([noise(600)], platform=("linux", arch))
        digest, data = push(harbor.registry, f"{name}/m", document, blobs)
        children.append((digest, data, arch))
        total += len(data) + sum(len(b) for b in blobs.values())
    document = index([(data, OCI_MANIFEST) for _, data, _ in children])
    for entry, (_, _, arch) in zip(document["manifests"], children):
        entry["platform"] = {"os": "linux", "architecture": arch}
    document["manifests"][0]["annotations"] = {"n": "1"}
    digest, data = push(harbor.registry, f"{name}/m", document, {}, "multi")
    seen = harbor.json(at(name, rest="/multi"))
    assert (seen["type"], seen["media_type"], seen["manifest_media_type"]) == ("IMAGE", OCI_INDEX, OCI_INDEX)
    assert seen["size"] == len(data) + total
    assert {(r["child_digest"], r["platform"]["architecture"]) for r in seen["references"]} == {(d, a) for d, _, a in children}
    assert {r["parent_id"] for r in seen["references"]} == {seen["id"]}
    assert all(r["child_id"] == harbor.json(at(name, rest=f"/{r['child_digest']}"))["id"] for r in seen["references"])
    assert [r.get("annotations") for r in seen["references"] if r["child_digest"] == children[0][0]] == [{"n": "1"}]
    # Members without a tag of their own are not listed beside their index.
    assert [a["digest"] for a in harbor.json(at(name))] == [digest]
    assert len(harbor.json(at(name), q="base=*")) == 3
    assert {a["digest"] for a in harbor.json(at(name), q="base=*,tags=nil")} == {d for d, _, _ in children}
    harbor.registry.put_manifest(f"{name}/m", "single", children[0][1], OCI_MANIFEST)
    assert {a["digest"] for a in harbor.json(at(name))} == {digest, children[0][0]}


def test_accessories(harbor, project):
    _, name = project
    repo = f"{name}/m"
    document, blobs = small_image()
    digest, data = push(harbor.registry, repo, document, blobs, "v1")
    subject = descriptor(data, OCI_MANIFEST)
    kinds = {"application/vnd.cncf.notary.signature": "signature.notation",
             "application/vnd.dev.sigstore.bundle.v0.3+json": "signature.cosign",
             "application/vnd.goharbor.harbor.sbom.v1": "sbom.harbor",
             "application/x-anything": "subject.accessory"}
    expected = {}
    for kind, called in kinds.items():
        document, blobs = artifact(kind, subject, layers=[noise(50)])
        expected[push(harbor.registry, repo, document, blobs)[0]] = called
    # cosign's older way: a tag that names the digest.
    layer, config = noise(40), b"{}"
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config, CONFIG_TYPE),
                "layers": [descriptor(layer, "application/vnd.dev.cosign.simplesigning.v1+json")]}
    tag = digest.replace(":", "-") + ".sig"
    signature, _ = push(harbor.registry, repo, document, {digest_of(layer): layer, digest_of(config): config}, tag)
    expected[signature] = "signature.cosign"
    found = harbor.json(at(name, rest=f"/{digest}/accessories"))
    assert {a["digest"]: a["type"] for a in found} == expected
    for accessory in found:
        assert accessory["subject_artifact_digest"] == digest and accessory["subject_artifact_repo"] == repo
        assert accessory["subject_artifact_id"] == harbor.json(at(name, rest="/v1"))["id"]
        assert accessory["size"] > 0 and accessory["icon"] == ""
    assert [a["digest"] for a in harbor.json(at(name))] == [digest]  # accessories are no artifacts of their own
    shown = harbor.json(at(name), with_accessory="true")[0]["accessories"]
    assert {a["digest"] for a in shown} == set(expected)
    assert harbor.json(at(name))[0]["accessories"] is None
    page = harbor.get(at(name, rest=f"/{digest}/accessories"), page_size=2, q="type=~signature")
    assert page.get("X-Total-Count") == "3" and len(page.json()) == 2
    harbor.registry.put_manifest(repo, "also", dump(document), OCI_MANIFEST)  # another tag takes nothing away
    assert signature in {a["digest"] for a in harbor.json(at(name, rest=f"/{digest}/accessories"))}


def test_lists(harbor, project):
    _, name = project
    digests = []
    for i in range(4):
        document, blobs = small_image(annotations={"i": str(i)})
        digests.append(push(harbor.registry, f"{name}/m", document, blobs, *([f"t{i}", f"x{i}"] if i < 3 else []))[0])

    def found(**query):
        return [digests.index(a["digest"]) for a in harbor.json(at(name), **query)]

    assert found() == [3, 2, 1, 0]  # newest first
    assert found(sort="push_time") == [0, 1, 2, 3]
    assert found(q="tags=*") == [2, 1, 0]
    assert found(q="tags=nil") == [3]
    assert found(q="tags=t1") == [1]
    assert found(q="tags=~T") == [2, 1, 0]
    assert found(q="tags={t0 x2}") == [2, 0]
    assert found(q="tags=(t0 x0)") == [0]
    assert found(q="tags=(t0 x1)") == []
    assert found(q="type=IMAGE") == [3, 2, 1, 0]
    assert found(q="type=CNAI") == []
    assert found(q=f"digest={digests[2]}") == [2]
    page = harbor.get(at(name), page=2, page_size=3)
    assert [a["digest"] for a in page.json()] == [digests[0]] and page.get("X-Total-Count") == "4"
    assert page.get("Link").startswith(f"</api/v2.0/projects/{name}/repositories/m/artifacts?page=1&page_size=3>")
    refused(harbor.get(at(name), with_tag="perhaps"), 422, "UNPROCESSABLE_ENTITY", "with_tag")
    tags = harbor.get(at(name, rest="/t1/tags"), sort="-name")
    assert [t["name"] for t in tags.json()] == ["x1", "t1"] and tags.get("X-Total-Count") == "2"
    assert [t["name"] for t in harbor.json(at(name, rest="/t1/tags"), q="name=~X")] == ["x1"]


def test_what_is_not_there(harbor, project):
    _, name = project
    document, blobs = small_image()
    push(harbor.registry, f"{name}/m", document, blobs, "v1")
    absent = "sha256:" + "0" * 64
    for rest in ("/v2", f"/{absent}", f"/{absent}/tags", "/v2/tags", "/v2/accessories"):
        refused(harbor.get(at(name, rest=rest)), 404, "NOT_FOUND")
    refused(harbor.get(at(name, "nothing")), 404, "NOT_FOUND")
    refused(harbor.get(at(name, "nothing", "/v1")), 404, "NOT_FOUND")
    refused(harbor.get(at(name, rest="/sha256:zz")), 400, "DIGEST_INVALID")
    refused(harbor.get(at(name, rest="/-v")), 400, "BAD_REQUEST")
    refused(harbor.get(at("no-such-project")), 404, "NOT_FOUND")


def test_tags_by_hand(harbor, project):
    _, name = project
    repo = f"{name}/m"
    first, second = (push(harbor.registry, repo, *small_image(), tag)[0] for tag in ("v1", "v2"))
    made = harbor.post(at(name, rest="/v1/tags"), {"name": "stable", "id": 99, "artifact_id": 1})
    assert made.get("Location") is None
    assert [t["name"] for t in harbor.json(at(name, rest=f"/{first}/tags"))] == ["stable", "v1"]
    assert harbor.registry.manifest(repo, "stable").get("Docker-Content-Digest") == first
    refused(harbor.call("POST", at(name, rest="/v2/tags"), {"name": "stable"}), 409, "CONFLICT", "stable")
    refused(harbor.call("POST", at(name, rest="/v2/tags"), {"name": "-bad"}), 400, "BAD_REQUEST")
    refused(harbor.call("POST", at(name, rest="/v2/tags"), {}), 400, "BAD_REQUEST")
    refused(harbor.call("POST", at(name, rest="/v9/tags"), {"name": "x"}), 404, "NOT_FOUND")
    # A tag of another artifact is not there.
    refused(harbor.call("DELETE", at(name, rest="/v2/tags/stable")), 404, "NOT_FOUND", "stable")
    harbor.delete(at(name, rest="/v1/tags/stable"))
    harbor.delete(at(name, rest=f"/{first}/tags/v1"))
    refused(harbor.call("DELETE", at(name, rest=f"/{first}/tags/v1")), 404, "NOT_FOUND")
    assert [a["digest"] for a in harbor.json(at(name), q="tags=nil")] == [first]  # it stays
    assert {a["digest"] for a in harbor.json(at(name))} == {first, second}


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_delete(harbor, project, by):
    _, name = project
    repo = f"{name}/m"
    document, blobs = small_image()
    digest, data = push(harbor.registry, repo, document, blobs, "v1", "v2")
    other, _ = push(harbor.registry, repo, *small_image(), "other")
    signature, _ = push(harbor.registry, repo,
                        *artifact("application/vnd.cncf.notary.signature", descriptor(data, OCI_MANIFEST), [noise(30)]))
    about_it, _ = push(harbor.registry, repo, *artifact("application/x-note", {
        **descriptor(harbor.registry.manifest(repo, signature).body, OCI_MANIFEST)}, [noise(30)]))
    harbor.delete(at(name, rest="/v1" if by == "tag" else f"/{digest}"))
    for ref in ("v1", "v2", digest, signature, about_it):
        assert harbor.registry.manifest(repo, ref).status == 404
    assert harbor.registry.blob(repo, next(iter(blobs))).status == 404
    assert [a["digest"] for a in harbor.json(at(name))] == [other]
    refused(harbor.call("DELETE", at(name, rest=f"/{digest}")), 404, "NOT_FOUND")


def test_delete_an_index(harbor, project):
    """A member cannot go before its index; with it go those that nothing else needs."""
    _, name = project
    repo = f"{name}/m"
    members = [push(harbor.registry, repo, *small_image()) for _ in range(3)]
    tagged = members[0][0]
    harbor.registry.put_manifest(repo, "single", members[0][1], OCI_MANIFEST)
    push(harbor.registry, repo, index([(data, OCI_MANIFEST) for _, data in members]), {}, "all")
    push(harbor.registry, repo, index([(members[1][1], OCI_MANIFEST)]), {}, "one")
    refused(harbor.call("DELETE", at(name, rest=f"/{members[2][0]}")), 412, "VIOLATE_FOREIGN_KEY_CONSTRAINT", "index")
    refused(harbor.call("DELETE", at(name, rest="/single")), 412, "VIOLATE_FOREIGN_KEY_CONSTRAINT", "index")
    harbor.delete(at(name, rest="/all"))
    status = [harbor.registry.manifest(repo, digest).status for digest, _ in members]
    assert status == [200, 200, 404]  # tagged, in another index, needed by nobody
    harbor.delete(at(name, rest="/one"))
    assert harbor.registry.manifest(repo, members[1][0]).status == 404
    harbor.delete(at(name, rest=f"/{tagged}"))
    refused(harbor.get(at(name)), 404, "NOT_FOUND")


def test_delete_with_many(harbor, project):
    """More than go in one transaction."""
    _, name = project
    repo = f"{name}/m"
    digest, data = push(harbor.registry, repo, *small_image(), "v1")
    for i in range(130):
        document, blobs = artifact("application/x-note", descriptor(data, OCI_MANIFEST), annotations={"i": str(i)})
        push(harbor.registry, repo, document, blobs)
    assert harbor.get(at(name, rest="/v1/accessories")).get("X-Total-Count") == "130"
    harbor.delete(at(name, rest=f"/{digest}"))
    refused(harbor.get(at(name)), 404, "NOT_FOUND")


def test_who_may_change(harbor):
    _, name = harbor.add_project(public=True)
    push(harbor.registry, f"{name}/m", *small_image(), "v1")
    may = {None: "", "limitedGuest": "", "guest": "", "developer": "t", "maintainer": "tud", "projectAdmin": "tud"}
    for role, deeds in may.items():
        number, user = harbor.add_user()
        if role:
            harbor.add_member(name, number, role)
        tag = fresh("tag")
        assert user.call("POST", at(name, rest="/v1/tags"), {"name": tag}).status == (201 if "t" in deeds else 403)
        if "t" not in deeds:
            harbor.post(at(name, rest="/v1/tags"), {"name": tag})
        assert user.call("DELETE", at(name, rest=f"/v1/tags/{tag}")).status == (200 if "u" in deeds else 403)
        assert user.call("DELETE", at(name, rest="/v1")).status == (200 if "d" in deeds else 403)
        if "d" in deeds:
            push(harbor.registry, f"{name}/m", *small_image(), "v1")


def test_who_may(harbor, anonymous):
    nobody, (number, user) = Harbor(anonymous), harbor.add_user()
    public, private = fresh("pub"), fresh("priv")
    harbor.add_project(public, public=True)
    harbor.add_project(private)
    document, blobs = small_image()
    for name in (public, private):
        push(harbor.registry, f"{name}/m", document, blobs, "v1")
    paths = ("", "/v1", "/v1/tags", "/v1/accessories")
    for rest in paths:
        assert nobody.get(at(public, rest=rest)).status == 200
        refused(nobody.get(at(private, rest=rest)), 401, "UNAUTHORIZED")
        there, absent = user.get(at(private, rest=rest)), user.get(at("no-such-project", rest=rest))
        assert (there.status, there.body) == (absent.status, absent.body) and there.status == 403
    harbor.add_member(private, number, "limitedGuest")
    assert all(user.get(at(private, rest=rest)).status == 200 for rest in paths)


def test_pull_times(harbor, project):
    _, name = project
    document, blobs = small_image()
    digest, _ = push(harbor.registry, f"{name}/m", document, blobs, "v1", "v2")
    assert harbor.registry.manifest(f"{name}/m", "v2").status == 200

    def pulled():
        seen = harbor.json(at(name, rest="/v1"))
        return seen["pull_time"] != NEVER and [t["pull_time"] != NEVER for t in seen["tags"]]
    assert wait_until(pulled, what="the time") == [False, True]


def test_what_older_versions_left(start):
    """Rows without a description get one after the start."""
    server = start()
    harbor = Harbor(server.registry())
    document, blobs = configured(MODEL, "application/vnd.cncf.model.config.v1+json",
                                 "application/vnd.cncf.model.manifest.v1+json")
    for i in range(60):
        push(harbor.registry, "library/m", {**document, "annotations": {"i": str(i)}}, blobs, f"t{i}")
    def listed():
        return harbor.json(at("library"), page_size=100, sort="id")
    wait_until(lambda: all("addition_links" in one for one in listed()), what="the reading")
    before = listed()
    harbor.registry.close()
    server.stop()
    with server.database() as db:
        db.execute("UPDATE artifact SET described = 0, kind = 'UNKNOWN', config_type = '', total_size = 0,"
                   " annotations = NULL, attributes = NULL")
    db.close()
    server.start()
    harbor = Harbor(server.registry())
    wait_until(lambda: listed() == before, what="the description")
    harbor.registry.close()


def test_of_a_whole_project(harbor):
    _, project = harbor.add_project()
    registry = harbor.registry
    first, _ = push(registry, f"{project}/a", *small_image(), "v1")
    second, _ = push(registry, f"{project}/a", *small_image(), "v2")
    third, _ = push(registry, f"{project}/b/c", *small_image())
    kind, _ = push(registry, f"{project}/b/c", *artifact("x/kind"), "k")
    _, other = harbor.add_project()
    push(registry, f"{other}/a", *small_image(), "v1")

    def digests(**query):
        return [a["digest"] for a in harbor.json(f"/projects/{project}/artifacts", **query)]

    assert digests() == [kind, third, second, first]
    assert digests(q="tags=nil") == [third] and digests(q="tags=v1") == [first]
    assert digests(page_size=1, page=2) == [third]
    assert harbor.json(f"/projects/{project}/artifacts")[0]["repository_name"] == f"{project}/b/c"
    image = "application/vnd.oci.image.config.v1+json"
    assert digests(q=f"media_type={image}", latest_in_repository="true") == [third, second]
    assert digests(q="artifact_type=x/kind", latest_in_repository="true") == [kind]
    for query in ({}, {"q": f"media_type={image},artifact_type=x/kind"}):
        refused(harbor.get(f"/projects/{project}/artifacts", latest_in_repository="true", **query), 400, "BAD_REQUEST",
                "latest_in_repository")
    _, public = harbor.add_project(public=True)
    refused(Harbor(registry.clone(user=None, password=None)).get(f"/projects/{public}/artifacts"), 401, "UNAUTHORIZED")
