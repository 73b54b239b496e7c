# SPDX-License-Identifier: Apache-2.0
"""haven cp, push LAYOUT and pull -o: artifacts between registries and image layouts, whole, unchanged, and never half."""
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import urllib.request

import pytest

from harness.client import MIB, docker_registry, env, fake, haven, noise, ok, refused, write  # noqa: F401
from harness.content import artifact, descriptor, dump, image, index
from harness.content import push as push_content
from harness.fake_registry import Gone, wait_until
from harness.record import HAVEN
from harness.registry import OCI_INDEX, OCI_MANIFEST, Registry, digest_of
from harness.server import PASSWORD, USER

SKOPEO = shutil.which("skopeo")
SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"


def hex_of(digest):
    return digest.partition(":")[2]


class Layout:
    """An image layout made by hand."""

    def __init__(self, folder):
        self.folder = folder
        self.entries = []
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.write()

    def write(self):
        (self.folder / "index.json").write_text(
            json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.entries}))

    def add(self, *blobs):
        for data in blobs:
            self.path(digest_of(data)).write_bytes(data)

    def path(self, digest):
        alg, _, text = digest.partition(":")
        (self.folder / "blobs" / alg).mkdir(exist_ok=True)
        return self.folder / "blobs" / alg / text

    def name(self, document, tag=None, **more):
        """Lists a manifest; returns its digest."""
        data = document if isinstance(document, bytes) else dump(document)
        self.add(data)
        entry = descriptor(data, json.loads(data)["mediaType"], **more)
        if tag:
            entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
        self.entries.append(entry)
        self.write()
        return digest_of(data)


def entries(folder):
    return {e.get("annotations", {}).get("org.opencontainers.image.ref.name"): e["digest"]
            for e in json.loads((folder / "index.json").read_text())["manifests"]}


def names_all(folder):
    """Every digest that a layout's entries lead to; what they name must be there, and right."""
    seen = set()

    def visit(one):
        if one["digest"] in seen:
            return
        seen.add(one["digest"])
        data = (folder / "blobs" / one["digest"].replace(":", "/")).read_bytes()
        assert digest_of(data, one["digest"].partition(":")[0]) == one["digest"] and len(data) == one["size"]
        if one["mediaType"] in (OCI_INDEX, OCI_MANIFEST):
            document = json.loads(data)
            for child in document.get("manifests", []) + document.get("layers", []) + [document.get("config")]:
                if child:
                    visit(child)

    for entry in json.loads((folder / "index.json").read_text())["manifests"]:
        visit(entry)
    return seen


def nested():
    """An index of two platforms, one of them in an index inside it: (document, everything that it names)."""
    amd, amd_blobs = image([noise(5 * MIB, 31), noise(70, 32)])
    arm, arm_blobs = image([noise(70, 32), noise(200, 33)], platform=("linux", "arm64"))
    inner = index([(dump(arm), OCI_MANIFEST)])
    inner["manifests"][0]["platform"] = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    outer = index([(dump(amd), OCI_MANIFEST), (dump(inner), OCI_INDEX)])
    outer["manifests"][0]["platform"] = {"os": "linux", "architecture": "amd64"}
    return outer, [dump(amd), dump(arm), dump(inner), *amd_blobs.values(), *arm_blobs.values()]


@pytest.fixture
def source(tmp_path):
    """A layout with an index under "all" and an image with files under "one"."""
    layout = Layout(tmp_path / "source")
    outer, parts = nested()
    layout.add(*parts)
    layout.all = layout.name(outer, "all")
    document, blobs = image([noise(6 * MIB, 41), noise(900, 42), b""])
    layout.add(*blobs.values())
    layout.one = layout.name(document, "one")
    return layout


@pytest.fixture
def server(start, env):
    """Our own server, logged in to."""
    one = start()
    write(env["DOCKER_CONFIG"], {"config.json": json.dumps(
        {"auths": {one.address: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}).encode()})
    return one


def manifest(host, repo, ref, auth=False):
    request = urllib.request.Request(f"http://{host}/v2/{repo}/manifests/{ref}",
                                     headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"})
    if auth:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
    return urllib.request.urlopen(request).read()


# ---- every direction ----

def test_every_direction(source, server, docker_registry, haven, tmp_path):
    for tag, digest, manifests in (("all", source.all, 4), ("one", source.one, 1)):
        places = [f"oci:{source.folder}:{tag}", f"oci:{tmp_path / 'two'}:{tag}", f"{server.address}/library/m:{tag}",
                  f"{docker_registry}/copies/m:{tag}", f"{server.address}/library/other:{tag}", f"oci:{tmp_path / 'end'}"]
        for a, b in zip(places, places[1:]):
            done = json.loads(ok(haven("cp", "--json", a, b)).stdout)
            assert done["digest"] == digest and not done["already_there"], (a, b)
            assert done["manifests"] == manifests and done["layers_left_out"] == 0
            assert done["source"] == a and done["reference"] == (b if ":" in b[4:] else f"{b}:{tag}")
        assert digest_of(manifest(docker_registry, "copies/m", tag)) == digest
    for folder in (tmp_path / "two", tmp_path / "end"):
        assert entries(folder) == {"all": source.all, "one": source.one}, "children are listed too"
        assert names_all(folder) == names_all(source.folder)
        kept = {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}
        assert kept == {p.relative_to(source.folder) for p in source.folder.rglob("*") if p.is_file()}


def test_offline(source, docker_registry, haven, tmp_path):
    """pull -o here, push there, where several lie in one layout."""
    ok(haven("push", source.folder, f"{docker_registry}/offline/m:v1", "--tag", "one"))
    taken = json.loads(ok(haven("pull", "--json", f"{docker_registry}/offline/m:v1", "-o", tmp_path / "stick")).stdout)
    assert taken["digest"] == source.one and entries(tmp_path / "stick") == {"v1": source.one}
    pushed = ok(haven("push", tmp_path / "stick", f"{docker_registry}/offline/other"))
    assert source.one in pushed.stdout and "pushed" in pushed.stdout
    assert digest_of(manifest(docker_registry, "offline/other", "latest")) == source.one
    ok(haven("pull", f"{docker_registry}/offline/m@{source.one}", "-o", tmp_path / "nameless"))
    assert entries(tmp_path / "nameless") == {None: source.one}
    ok(haven("push", tmp_path / "nameless", f"{docker_registry}/offline/third:x"))

    refused(haven("push", source.folder, f"{docker_registry}/offline/m:v2"), "MANIFEST_UNKNOWN", "(all, one)")
    refused(haven("push", "--tag", "two", source.folder, f"{docker_registry}/offline/m:v2"), "MANIFEST_UNKNOWN", "two")
    refused(haven("push", "--tag", "x", write(tmp_path / "m", {"a": b""}), f"{docker_registry}/offline/m"), "USAGE", "--tag")
    refused(haven("pull", f"{docker_registry}/offline/m:v1", tmp_path / "d", "-o", tmp_path / "l"), "USAGE", "-o")
    refused(haven("pull", f"{docker_registry}/offline/m:v1", "-o", write(tmp_path / "full", {"a": b"x"})), "CONFLICT", "empty")
    assert (tmp_path / "full/a").read_bytes() == b"x"


def test_already_there(source, fake, haven):
    reg = fake()
    ok(haven("cp", f"oci:{source.folder}:one", f"{reg.host}/p/m:v1"))
    assert len(reg.blobs) == 4
    before = len(reg.requests)
    again = ok(haven("cp", f"oci:{source.folder}:one", f"{reg.host}/p/m:v1"))
    assert "already there" in again.stdout and source.one in again.stdout
    assert {r[0] for r in reg.requests[before:]} <= {"GET", "HEAD"} and not reg.asked("GET", "/blobs/")
    # Under another tag only the manifest goes.
    done = json.loads(ok(haven("cp", "--json", f"oci:{source.folder}:one", f"{reg.host}/p/m:v2")).stdout)
    assert done["bytes_transferred"] == 0 and done["files_present"] == done["files"] == 4
    assert reg.manifests["p/m", "v2"] == reg.manifests["p/m", "v1"]


def test_by_digest(source, docker_registry, haven):
    ref = f"{docker_registry}/digests/m"
    ok(haven("cp", f"oci:{source.folder}@{source.one}", f"{ref}@{source.one}"))
    assert digest_of(manifest(docker_registry, "digests/m", source.one)) == source.one
    refused(haven("cp", f"oci:{source.folder}:all", f"{ref}@{source.one}"), "DIGEST_INVALID", "not the one asked for")
    refused(haven("cp", f"{ref}:nothing", f"{ref}:v2"), "MANIFEST_UNKNOWN")
    refused(haven("cp", f"{source.folder}", f"{ref}:v2"), "NAME_INVALID", "oci:DIR")
    refused(haven("cp", f"{ref}@sha256:12", f"{ref}:v2"), "NAME_INVALID")
    refused(haven("cp", f"oci:{source.folder}/missing", f"{ref}:v2"), "IO", "missing")


def test_sha512(server, haven, tmp_path):
    """Other digests than SHA-256 on every way."""
    document, blobs = image([noise(6 * MIB, 51), noise(80, 52)], alg="sha512")
    digest, _ = push_content(server.registry(), "library/long", document, blobs, alg="sha512")
    first = json.loads(ok(haven("cp", "--json", f"{server.address}/library/long@{digest}", f"oci:{tmp_path / 'l'}")).stdout)
    assert first["digest"] == digest and names_all(tmp_path / "l") == {digest, *blobs}
    again = json.loads(ok(haven("cp", "--json", f"oci:{tmp_path / 'l'}", f"{server.address}/library/again@{digest}")).stdout)
    assert again["digest"] == digest


@pytest.mark.skipif(not SKOPEO, reason="skopeo is not installed")
def test_skopeo_agrees(source, docker_registry, haven, env, tmp_path):
    """skopeo reads what we write, and we copy what it wrote. (It knows no index within an index.)"""
    amd, arm = image([noise(5 * MIB, 91)]), image([noise(200, 92)], platform=("linux", "arm64"))
    both = index([(dump(amd[0]), OCI_MANIFEST), (dump(arm[0]), OCI_MANIFEST)])
    for entry, machine in zip(both["manifests"], ("amd64", "arm64")):
        entry["platform"] = {"os": "linux", "architecture": machine}
    source.add(dump(amd[0]), dump(arm[0]), *amd[1].values(), *arm[1].values())
    digest = source.name(both, "flat")
    ok(haven("cp", f"oci:{source.folder}:flat", f"{docker_registry}/skopeo/m:v1"))

    def skopeo(*args):
        done = subprocess.run([SKOPEO, "--insecure-policy", *args], env=env, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ok(haven("cp", f"{docker_registry}/skopeo/m:v1", f"oci:{ours}:v1"))
    assert digest_of(skopeo("inspect", "--raw", f"oci:{ours}:v1")) == digest
    skopeo("copy", "--all", f"oci:{ours}:v1", f"dir:{tmp_path / 'dir'}")
    skopeo("copy", "--all", "--src-tls-verify=false", f"docker://{docker_registry}/skopeo/m:v1", f"oci:{theirs}:v1")
    ok(haven("cp", f"oci:{theirs}", f"{docker_registry}/skopeo/back:v1"))
    written = entries(theirs)["v1"]  # another than ours: skopeo has spelt the index anew
    assert digest_of(manifest(docker_registry, "skopeo/back", "v1")) == written
    assert len(names_all(theirs)) == len(names_all(ours))


# ---- parts of it ----

def test_platform(source, docker_registry, haven, tmp_path):
    src, outer = f"oci:{source.folder}:all", json.loads(source.path(source.all).read_bytes())
    amd = outer["manifests"][0]["digest"]
    arm = json.loads(source.path(outer["manifests"][1]["digest"]).read_bytes())["manifests"][0]["digest"]
    for platform, digest in (("linux/amd64", amd), ("linux/arm64", arm), ("linux/arm64/v8", arm)):
        target = tmp_path / platform.replace("/", "-")
        done = json.loads(ok(haven("cp", "--json", "--platform", platform, src, f"oci:{target}")).stdout)
        assert done["digest"] == digest and done["manifests"] == 1
        assert names_all(target) == {digest_of(p.read_bytes()) for p in (target / "blobs/sha256").iterdir()}
    refused(haven("cp", "--platform", "linux/s390x", src, f"oci:{tmp_path / 'x'}"), "MANIFEST_UNKNOWN", "linux/amd64")
    refused(haven("cp", "--platform", "linux", src, f"oci:{tmp_path / 'x'}"), "USAGE", "OS/ARCH")


def test_foreign_layers_are_left_out(fake, haven, tmp_path):
    layout = Layout(tmp_path / "l")
    document, blobs = image([noise(100)])
    layout.add(*blobs.values())
    document["layers"].append({"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 5,
                               "digest": "sha256:" + "1" * 64, "urls": ["https://example.com/layer"]})
    digest = layout.name(document, "v1")
    reg = fake()
    done = ok(haven("cp", f"oci:{layout.folder}", f"{reg.host}/p/m:v1"))
    assert "1 layer was left out" in done.stdout
    assert digest_of(reg.manifests["p/m", "v1"]) == digest and len(reg.blobs) == 2
    done = json.loads(ok(haven("cp", "--json", f"oci:{layout.folder}", f"{reg.host}/p/m:v2")).stdout)
    assert done["layers_left_out"] == 1


def with_referrers(registry, repo):
    """An image with a signature, an SBOM and a signature of the SBOM: their digests."""
    document, blobs = image([noise(500)])
    root, data = push_content(registry, repo, document, blobs, "v1")
    signature, blobs = artifact(SIGNATURE, descriptor(data, OCI_MANIFEST), [noise(64)], annotations={"by": "me"})
    first, _ = push_content(registry, repo, signature, blobs)
    sbom, blobs = artifact("application/spdx+json", descriptor(data, OCI_MANIFEST), [noise(65)])
    second, sbom_data = push_content(registry, repo, sbom, blobs)
    deeper, blobs = artifact(SIGNATURE, descriptor(sbom_data, OCI_MANIFEST), [noise(66)])
    third, _ = push_content(registry, repo, deeper, blobs)
    return root, first, second, third


def test_referrers(server, docker_registry, haven, tmp_path):
    registry = server.registry()
    root, signature, sbom, deeper = with_referrers(registry, "library/signed")
    here = f"{server.address}/library/signed:v1"

    # Without the option only what was asked for.
    done = json.loads(ok(haven("cp", "--json", here, f"oci:{tmp_path / 'plain'}")).stdout)
    assert done["manifests"] == 1 and entries(tmp_path / "plain") == {"v1": root}

    # A registry without the list of referrers gets it under the fallback tag, and it is read from there again.
    there = f"{docker_registry}/signed/m:v1"
    done = json.loads(ok(haven("cp", "--json", "--referrers", here, there)).stdout)
    assert done["manifests"] == 4 and done["digest"] == root
    listed = {m["digest"]: m for m in json.loads(manifest(docker_registry, "signed/m", root.replace(":", "-")))["manifests"]}
    assert set(listed) == {signature, sbom}
    assert listed[signature]["artifactType"] == SIGNATURE and listed[signature]["annotations"] == {"by": "me"}
    listed = json.loads(manifest(docker_registry, "signed/m", sbom.replace(":", "-")))["manifests"]
    assert [m["digest"] for m in listed] == [deeper]
    # Again: nothing is listed twice.
    ok(haven("cp", "--referrers", here, there))
    assert len(json.loads(manifest(docker_registry, "signed/m", root.replace(":", "-")))["manifests"]) == 2

    # Through a layout and back into a registry that knows them.
    ok(haven("cp", "--referrers", there, f"oci:{tmp_path / 'l'}"))
    kept = [e["digest"] for e in json.loads((tmp_path / "l/index.json").read_text())["manifests"]]
    assert sorted(kept) == sorted([root, signature, sbom, deeper])
    ok(haven("cp", "--referrers", f"oci:{tmp_path / 'l'}", f"{server.address}/library/back:v1"))
    found = registry.referrers("library/back", root).json()["manifests"]
    assert {m["digest"] for m in found} == {signature, sbom}
    assert [m["digest"] for m in registry.referrers("library/back", sbom).json()["manifests"]] == [deeper]
    assert registry.tags("library/back").json()["tags"] == ["v1"], "a fallback tag where none is needed"


def test_cosign_tags(server, docker_registry, haven, tmp_path):
    """Signatures that are found by a tag made of the digest go with what they sign, children of indexes included."""
    registry = server.registry()
    root, *_ = with_referrers(registry, "library/cosigned")
    tags = {f"sha256-{root[7:]}{suffix}" for suffix in (".sig", ".att", ".sbom")}
    for name in tags:
        document, blobs = image([noise(70)])
        push_content(registry, "library/cosigned", {**document, "annotations": {"for": name}}, blobs, name)
    here, there = f"{server.address}/library/cosigned:v1", f"{docker_registry}/cosigned/m:v1"

    def tags_of(ref):
        return {tag["tag"] for tag in json.loads(ok(haven("ls", "--json", ref.rsplit(":", 1)[0])).stdout)["tags"]}

    ok(haven("cp", here, there))
    assert tags_of(there) == {"v1"}
    ok(haven("cp", "--referrers", here, there))
    assert tags_of(there) >= tags | {"v1"}


def test_referrers_many_pages(fake, haven):
    """A list in pages, of which one hides what it is about."""
    reg = fake()
    reg.add_manifest("p/m", "v1", [("a", b"x")])
    root = reg.manifests["p/m", "v1"]
    reg.manifests["p/m", digest_of(root)] = root
    found = []
    for i in range(5):
        document, blobs = artifact("application/x-note", descriptor(root, OCI_MANIFEST), [b"%d" % i])
        reg.blobs.update(blobs)
        reg.manifests["p/m", digest_of(dump(document))] = dump(document)
        found.append(descriptor(dump(document), OCI_MANIFEST))

    def hook(h):
        if "/referrers/" not in h.bare:
            return False
        at = int(h.query.get("page", 0)) if digest_of(root) in h.bare else 5
        link = {"Link": f'<{h.bare}?page={at + 2}>; title="a, b"; rel=next'} if at + 2 < 5 else {}
        h.reply(200, {"Content-Type": OCI_INDEX, **link}, dump(dict(index([]), manifests=found[at:at + 2])))
        return True

    reg.hook = hook
    to = fake()
    done = json.loads(ok(haven("cp", "--json", "--referrers", f"{reg.host}/p/m:v1", f"{to.host}/p/m:v1")).stdout)
    assert done["manifests"] == 6
    assert {d["digest"] for d in found} <= {ref for _, ref in to.manifests}


# ---- within one registry ----

def test_mounts(fake, source, haven):
    reg = fake()
    ok(haven("cp", f"oci:{source.folder}:one", f"{reg.host}/p/a:v1"))
    count = len(reg.blobs)
    held = {"p/a": set(reg.blobs)}

    def hook(h):
        """Blobs belong to repositories, and are mounted."""
        found = re.fullmatch(r"/v2/(.+)/blobs/(sha256:.*)", h.bare)
        if found and found[2] not in held.get(found[1], ()):
            h.error(404, "BLOB_UNKNOWN")
            return True
        if h.command == "POST" and h.query.get("mount") in held.get(h.query.get("from"), ()):
            repo = re.fullmatch(r"/v2/(.+)/blobs/uploads/", h.bare)[1]
            held.setdefault(repo, set()).add(h.query["mount"])
            h.reply(201, {"Docker-Content-Digest": h.query["mount"], "Location": "/x"})
            return True
        return False

    reg.hook = hook
    before = len(reg.requests)
    done = json.loads(ok(haven("cp", "--json", f"{reg.host}/p/a:v1", f"{reg.host}/q/b:v1")).stdout)
    assert done["bytes_transferred"] == 0 and done["files"] == count
    asked = reg.requests[before:]
    assert len([r for r in asked if r[0] == "POST" and "mount=" in r[1] and "from=p/a" in r[1]]) == count
    assert not [r for r in asked if "/blobs/sha256" in r[1]], "a blob was read"
    assert not [r for r in asked if r[0] in ("PATCH", "PUT") and "/blobs/" in r[1]], "a blob was sent"
    assert reg.manifests["q/b", "v1"] == reg.manifests["p/a", "v1"] and held["q/b"] == held["p/a"]


def test_mounts_for_real(source, server, docker_registry, haven):
    for host, auth in ((server.address, True), (docker_registry, False)):
        ok(haven("cp", f"oci:{source.folder}:all", f"{host}/library/first:v1"))
        done = json.loads(ok(haven("cp", "--json", f"{host}/library/first:v1", f"{host}/library/second:v1")).stdout)
        assert done["bytes_transferred"] == 0 and done["files_present"] == 0, host
        assert digest_of(manifest(host, "library/second", "v1", auth)) == source.all


def test_mounts_refused(fake, source, haven):
    """A registry that begins an upload instead of mounting gets the bytes; it is not asked for each blob."""
    reg = fake()
    layout = source.folder.parent / "many"
    layout.mkdir()
    many = Layout(layout)
    document, blobs = image([b"layer %d" % i for i in range(20)])
    many.add(*blobs.values())
    many.name(document, "v1")
    ok(haven("cp", f"oci:{layout}", f"{reg.host}/p/a:v1"))
    other = {}

    def hook(h):
        found = re.fullmatch(r"/v2/q/b/blobs/(sha256:.*)", h.bare)
        if found and found[1] not in other:
            h.error(404, "BLOB_UNKNOWN")
            return True
        return False

    reg.hook = hook
    done = json.loads(ok(haven("cp", "--json", "-j1", f"{reg.host}/p/a:v1", f"{reg.host}/q/b:v1")).stdout)
    assert done["bytes_transferred"] == done["bytes"]
    assert 1 <= len(reg.asked("POST", "mount=")) <= 5


# ---- breaks ----

def test_both_sides_break(fake, haven, tmp_path):
    """The source is taken up by range, the target where it stands, and the bytes are right."""
    source, target = fake(), fake()
    content = noise(24 * MIB, 61)
    source.add_manifest("p/m", "v1", [("w.bin", content)])
    digest = digest_of(content)
    cuts, breaks = [], []

    def hook(h):
        if h.command != "GET" or h.bare != f"/v2/p/m/blobs/{digest}" or len(cuts) >= 4:
            return False
        ranged = re.match(r"bytes=(\d+)-", h.headers.get("Range", ""))
        first = int(ranged[1]) if ranged else 0
        cuts.append(first)
        h.send_response(206 if ranged else 200)
        if ranged:
            h.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        h.send_header("Content-Length", str(len(content) - first))
        h.end_headers()
        h.wfile.write(content[first:first + 3 * MIB])
        raise Gone

    def received(handler, held):
        if len(breaks) < 2 and len(held) > (len(breaks) + 1) * 5 * MIB:
            breaks.append(len(held))
            raise Gone

    source.hook, target.received = hook, received
    done = json.loads(ok(haven("cp", "--json", f"{source.host}/p/m:v1", f"{target.host}/p/m:v1")).stdout)
    assert target.blobs[digest] == content
    assert len(cuts) == 4 and cuts[0] == 0 and all(cuts[1:]), "it began afresh"
    assert len(breaks) == 2
    starts = [int(h["Content-Range"].split("-")[0]) for _, _, h in target.asked("PATCH", "") if "Content-Range" in h]
    assert starts == breaks, "what the registry had was sent again"
    assert done["bytes_transferred"] == len(content) + 2


def test_killed_and_again(fake, haven, env, tmp_path):
    """After kill -9 the same command goes on; what the target has is not fetched again."""
    env["HAVEN_CACHE_DIR"] = str(tmp_path / "cache")
    target = fake()
    content = noise(MIB, 71) * 40
    layout = Layout(tmp_path / "l")
    document, blobs = image([content, noise(5 * MIB, 72), b"small"])
    layout.add(*blobs.values())
    layout.name(document, "v1")
    args = ["cp", "-q", "-j", "2", f"oci:{layout.folder}", f"{target.host}/p/m:v1"]
    for want in (12 * MIB, 24 * MIB):
        held_back = threading.Event()

        def received(handler, held, want=want, held_back=held_back):
            if len(held) > want:
                held_back.wait(30)  # here it is caught

        target.received = received
        process = subprocess.Popen([HAVEN, *args], env=env)
        try:
            wait_until(lambda want=want: any(len(u) > want for u in list(target.uploads.values())) or
                       process.poll() is not None)
        finally:
            process.kill()
            assert process.wait() == -signal.SIGKILL
            held_back.set()
        assert ("p/m", "v1") not in target.manifests
        assert digest_of(content) not in target.blobs
    target.received = None
    before = len(target.requests)
    done = json.loads(ok(haven("cp", "--json", *args[4:])).stdout)
    assert target.blobs[digest_of(content)] == content and ("p/m", "v1") in target.manifests
    starts = [int(h["Content-Range"].split("-")[0]) for m, _, h in target.requests[before:]
              if m == "PATCH" and "Content-Range" in h]
    assert starts and starts[0] >= 24 * MIB, "the upload began afresh"
    assert done["bytes_transferred"] <= len(content) - 24 * MIB + 6 * MIB


def test_killed_into_a_layout(docker_registry, haven, env, tmp_path, source):
    ok(haven("cp", f"oci:{source.folder}:one", f"{docker_registry}/killed/m:v1"))
    slow = tmp_path / "slow"
    for i in range(8):
        process = subprocess.Popen([HAVEN, "cp", "-q", f"{docker_registry}/killed/m:v1", f"oci:{slow}"], env=env)
        wait_until(lambda: process.poll() is not None or slow.exists())
        for _ in range(i * 400):
            process.poll()
        process.kill()
        process.wait()
        if (slow / "index.json").exists():
            names_all(slow)  # all or nothing
    ok(haven("cp", f"{docker_registry}/killed/m:v1", f"oci:{slow}"))
    assert names_all(slow) and entries(slow) == {"v1": source.one}
    assert not (slow / ".haven-partial").exists()


# ---- what is wrong ----

@pytest.mark.parametrize("size", [3000, 6 * MIB])
def test_damaged_source(size, fake, docker_registry, haven, tmp_path):
    """Content of another digest ends at the target under no name at all, whichever way it goes."""
    layout = Layout(tmp_path / "l")
    content = noise(size, 81)
    document, blobs = image([content, b"right"])
    layout.add(*blobs.values())
    layout.name(document, "v1")
    broken = bytearray(content)
    broken[size // 2] ^= 1
    layout.path(digest_of(content)).write_bytes(broken)

    source, target = fake(), fake()
    source.manifests["p/m", "v1"] = dump(document)
    source.blobs.update(blobs)
    source.blobs[digest_of(content)] = bytes(broken)
    for src in (f"oci:{layout.folder}:v1", f"{source.host}/p/m:v1"):
        refused(haven("cp", src, f"{target.host}/p/m:v1"), "DIGEST_INVALID", hex_of(digest_of(content)))
        assert not target.manifests and digest_of(content) not in target.blobs
        assert not [path for method, path in target.finished
                    if method in ("PUT", "POST") and hex_of(digest_of(content)) in path], "the blob was concluded"
        refused(haven("cp", src, f"{docker_registry}/damaged/m:v1"), "DIGEST_INVALID")
        assert "MANIFEST_UNKNOWN" in haven("cp", f"{docker_registry}/damaged/m:v1", f"oci:{tmp_path / 'x'}").stderr
        into = tmp_path / f"into{len(src)}"
        refused(haven("cp", src, f"oci:{into}"), "DIGEST_INVALID")
        assert not (into / "index.json").exists()
        assert not (into / "blobs/sha256" / hex_of(digest_of(content))).exists()
        assert not list(into.glob(".haven-partial/*"))
    # Mended, the same command works: nothing of the wrong bytes was kept.
    layout.path(digest_of(content)).write_bytes(content)
    ok(haven("cp", f"oci:{layout.folder}:v1", f"{target.host}/p/m:v1"))
    assert target.blobs[digest_of(content)] == content


def test_missing_at_the_source(fake, haven, source):
    target = fake()
    outer = json.loads(source.path(source.all).read_bytes())
    source.path(outer["manifests"][1]["digest"]).unlink()
    refused(haven("cp", f"oci:{source.folder}:all", f"{target.host}/p/m:v1"), "MANIFEST_UNKNOWN", outer["manifests"][1]["digest"])
    one = json.loads(source.path(source.one).read_bytes())
    source.path(one["layers"][0]["digest"]).unlink()
    refused(haven("cp", f"oci:{source.folder}:one", f"{target.host}/p/m:v1"), "BLOB_UNKNOWN", one["layers"][0]["digest"])
    assert not target.manifests


def hostile_link(layout):
    digest = json.loads(layout.path(layout.one).read_bytes())["layers"][0]["digest"]
    layout.path(digest).unlink()
    layout.path(digest).symlink_to("/etc/passwd")


def hostile_blobs(layout):
    (layout.folder / "blobs/sha256").rename(layout.folder / "away")
    (layout.folder / "blobs/sha256").symlink_to(layout.folder / "away")


def hostile_pipe(layout):
    digest = json.loads(layout.path(layout.one).read_bytes())["config"]["digest"]
    layout.path(digest).unlink()
    os.mkfifo(layout.path(digest))


def hostile_size(layout):
    document = json.loads(layout.path(layout.one).read_bytes())
    document["layers"][0]["size"] += 1
    layout.entries.clear()
    layout.name(document, "one")


def hostile_two_sizes(layout):
    document = json.loads(layout.path(layout.one).read_bytes())
    document["layers"].append(dict(document["layers"][0], size=7))
    layout.entries.clear()
    layout.name(document, "one")


def hostile_huge(layout):
    document = json.loads(layout.path(layout.one).read_bytes())
    document["layers"][0]["size"] = 2**62
    layout.entries.clear()
    layout.name(document, "one")


def hostile_depth(layout):
    data = layout.path(layout.one).read_bytes()
    for _ in range(12):
        document = index([(data, json.loads(data)["mediaType"])])
        data = dump(document)
        layout.add(data)
    layout.entries.clear()
    layout.name(data, "one")


def hostile_child_size(layout):
    child = layout.path(layout.one).read_bytes()
    document = index([(child, OCI_MANIFEST)])
    document["manifests"][0]["size"] -= 1
    layout.entries.clear()
    layout.name(document, "one")


def hostile_both(layout):
    document = json.loads(layout.path(layout.one).read_bytes())
    document["manifests"] = []
    layout.entries.clear()
    layout.name(document, "one")


def hostile_index(layout):
    (layout.folder / "index.json").write_text('{"manifests": [{"digest": "sha256:../../../etc/passwd", "annotations": '
                                              '{"org.opencontainers.image.ref.name": "one"}}]}')


def hostile_index_link(layout):
    (layout.folder / "index.json").rename(layout.folder / "other.json")
    (layout.folder / "index.json").symlink_to("other.json")


HOSTILE = {hostile_link: ("MODEL_INVALID", "symbolic link"), hostile_blobs: ("MODEL_INVALID", "not a directory"),
           hostile_pipe: ("MODEL_INVALID", "not a file"), hostile_size: ("MODEL_INVALID", "instead of"),
           hostile_two_sizes: ("MANIFEST_INVALID", "two sizes"), hostile_huge: ("MANIFEST_INVALID", "is said to have"),
           hostile_depth: ("LIMIT", "deep"), hostile_child_size: ("MANIFEST_INVALID", "said of it"),
           hostile_both: ("MANIFEST_INVALID", "manifests"), hostile_index: ("DIGEST_INVALID", "index.json"),
           hostile_index_link: ("MODEL_INVALID", "symbolic link")}


@pytest.mark.parametrize("make", HOSTILE, ids=lambda f: f.__name__)
def test_hostile_layouts(make, source, fake, haven):
    reg = fake()
    make(source)
    refused(haven("cp", f"oci:{source.folder}:one", f"{reg.host}/p/m:v1"), *HOSTILE[make])
    assert not reg.manifests


def test_hostile_names(fake, haven, tmp_path):
    """What a manifest calls its files is not obeyed by a terminal, nor by the disk."""
    layout = Layout(tmp_path / "l")
    document, blobs = image([b"one", b"two", b"three"])
    for layer, name in zip(document["layers"], ("\x1b[2Jgone", "../../up", "a\nb")):
        layer["annotations"] = {"org.opencontainers.image.title": name}
    layout.add(*blobs.values())
    layout.name(document, "v1")
    done = ok(haven("cp", f"oci:{layout.folder}", f"oci:{tmp_path / 'o'}"))
    assert not any(ord(c) < 32 and c != "\n" for c in done.stderr)
    assert "a\nb" not in done.stderr and "../../up" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir() if p.name not in ("docker", "cache")) == ["l", "o"]


def test_too_many_manifests(fake, haven, tmp_path):
    layout = Layout(tmp_path / "l")
    document = index([(b"%d" % i, OCI_MANIFEST) for i in range(10001)])
    layout.name(document, "v1")
    refused(haven("cp", f"oci:{layout.folder}", f"{fake().host}/p/m:v1"), "MANIFEST_INVALID", "10001")
    half = [dump(index([(b"%d-%d" % (k, i), OCI_MANIFEST) for i in range(6000)])) for k in range(2)]
    layout.add(*half)
    layout.entries.clear()
    layout.name(index([(h, OCI_INDEX) for h in half]), "v1")
    refused(haven("cp", f"oci:{layout.folder}", f"{fake().host}/p/m:v1"), "LIMIT", "more than 10000 manifests")
