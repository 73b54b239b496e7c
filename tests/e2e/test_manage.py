# SPDX-License-Identifier: Apache-2.0
"""haven ls, tag and rm: on our own server, on docker's registry, on layouts, and on registries that misbehave."""
import base64
import json
import os
import pty
import select
import subprocess
import urllib.parse

import pytest

from harness.client import docker_registry, env, fake, haven, noise, ok, refused, write  # noqa: F401
from harness.content import descriptor, dump, image, index, write_layout
from harness.record import HAVEN
from harness.registry import OCI_INDEX, OCI_MANIFEST, digest_of
from harness.server import PASSWORD, USER

TAGS = 2500


@pytest.fixture
def server(start, env):
    """Our own server, logged in to."""
    one = start()
    write(env["DOCKER_CONFIG"], {"config.json": json.dumps(
        {"auths": {one.address: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}).encode()})
    return one


@pytest.fixture
def layout(tmp_path):
    """A layout with one image: folder, with its digest beside it."""
    document, blobs = image([noise(3000, 5), noise(20, 6)])
    folder = tmp_path / "layout"
    folder.mkdir()
    write_layout(folder, document, blobs)
    return folder


def digest_in(folder):
    return json.loads((folder / "index.json").read_text())["manifests"][0]["digest"]


def serve_lists(reg, page=100):
    """Gives a fake registry the lists and the deletion that it lacks."""
    gone = set()

    def names(h, key, all_names, **more):
        n = min(int(h.query.get("n", page)), page)
        rest = [name for name in sorted(all_names) if name > h.query.get("last", "")]
        headers = {}
        if len(rest) > n:
            headers["Link"] = f'<{h.bare}?last={urllib.parse.quote(rest[n - 1])}&n={n}>; rel="next"'
        h.reply(200, headers, json.dumps({**more, key: rest[:n] or None}).encode())
        return True

    def hook(h):
        if h.bare == "/v2/_catalog":
            return names(h, "repositories", {repo for repo, _ in reg.manifests})
        if h.bare.endswith("/tags/list"):
            repo = h.bare[4:-10]
            return names(h, "tags", {ref for r, ref in reg.manifests if r == repo and ":" not in ref}, name=repo)
        if h.command == "DELETE" and "/manifests/" in h.bare:
            repo, ref = h.bare[4:].split("/manifests/")
            data = reg.manifests.pop((repo, ref), None)
            gone.add((repo, ref))
            for key in [k for k, v in reg.manifests.items() if ":" in ref and k[0] == repo and v == data]:
                del reg.manifests[key]
            if data is None:
                h.error(404, "MANIFEST_UNKNOWN")
            else:
                h.reply(202)
            return True
        return False

    reg.hook = hook
    return reg


@pytest.fixture(params=["haven", "docker", "fake"])
def host(request, fake):
    """Each of three registries."""
    if request.param == "haven":
        return request.getfixturevalue("server").address
    if request.param == "docker":
        return request.getfixturevalue("docker_registry")
    return serve_lists(fake()).host


# ---- on three registries ----

def test_life_of_a_tag(host, layout, haven, request):
    repo = f"{host}/library/life-{request.node.callspec.params['host']}"
    digest = digest_in(layout)
    ok(haven("push", layout, f"{repo}:v1"))
    assert repo.partition("/")[2] in ok(haven("ls", host)).stdout.splitlines()
    assert repo.partition("/")[2] in json.loads(ok(haven("ls", "--json", f"http://{host}")).stdout)["repositories"]
    assert ok(haven("ls", repo)).stdout == "v1\n"

    tagged = ok(haven("tag", f"{repo}:v1", "v2", "latest", "v1"))
    assert tagged.stdout == f"tagged v2\ntagged latest\nalready there: v1\ndigest {digest}\n"
    assert sorted(ok(haven("ls", repo)).stdout.split()) == ["latest", "v1", "v2"]
    again = json.loads(ok(haven("tag", "--json", f"{repo}@{digest}", "v2")).stdout)
    assert again == {"reference": f"{repo}@{digest}", "digest": digest, "tags": [{"tag": "v2", "already_there": True}]}

    size = sum(l["size"] for l in json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())["layers"])
    rows = json.loads(ok(haven("ls", "--long", "--json", repo)).stdout)["tags"]
    assert sorted(r["tag"] for r in rows) == ["latest", "v1", "v2"]
    assert all(r["digest"] == digest and r["media_type"] == OCI_MANIFEST and r["size"] > size for r in rows)
    assert rows[0]["type"] == "application/vnd.oci.image.config.v1+json"
    text = ok(haven("ls", "-l", repo)).stdout.splitlines()
    assert len(text) == 3 and all(digest in line and "KiB" in line and "image.config" in line for line in text)
    assert ok(haven("ls", "-l", f"{repo}:v2")).stdout.startswith(f"v2  {digest}")
    refused(haven("ls", f"{repo}:v3"), "MANIFEST_UNKNOWN", "v3")
    refused(haven("tag", f"{repo}:v3", "v4"), "MANIFEST_UNKNOWN")
    refused(haven("tag", f"{repo}:v1", ".bad"), "TAG_INVALID")
    refused(haven("tag", f"{repo}:v1", f"{repo}:v4"), "TAG_INVALID")

    # A tag alone, where the registry does that.
    done = haven("rm", f"{repo}:v2")
    if done.returncode == 0:
        assert done.stdout == f"untagged {repo}:v2\n"
        refused(haven("rm", f"{repo}:v2"), "MANIFEST_UNKNOWN", "v2")
        left = {"latest", "v1"}
    else:
        refused(done, "UNSUPPORTED", f"haven rm {repo}@{digest}")
        left = {"latest", "v1", "v2"}
    assert set(ok(haven("ls", repo)).stdout.split()) == left

    # The artifact with its tags, of which it is told.
    done = refused(haven("rm", f"{repo}@{digest}"), "USAGE", "--yes")
    assert all(tag in done.stderr for tag in left)
    assert set(ok(haven("ls", repo)).stdout.split()) == left, "it was not asked for"
    gone = json.loads(ok(haven("rm", "--yes", "--json", f"{repo}@{digest}")).stdout)
    assert gone["removed"] == "artifact" and set(gone["tags"]) == left
    refused(haven("ls", f"{repo}:v1"), "MANIFEST_UNKNOWN")
    refused(haven("rm", "-y", f"{repo}@{digest}"), "MANIFEST_UNKNOWN")


def test_many_tags(host, layout, haven, request):
    """2,500 tags come in pages and all arrive once."""
    repo = f"{host}/library/many-{request.node.callspec.params['host']}"
    ok(haven("push", layout, f"{repo}:t0000"))
    names = [f"t{i:04}" for i in range(TAGS)]
    ok(haven("tag", f"{repo}:t0000", *names[1:]))
    assert sorted(ok(haven("ls", repo)).stdout.split()) == names
    rows = json.loads(ok(haven("ls", "--json", "-l", "-j", "16", repo)).stdout)["tags"]
    assert sorted(r["tag"] for r in rows) == names and {r["digest"] for r in rows} == {digest_in(layout)}


def test_asks_before_it_deletes(docker_registry, layout, haven, env):
    repo = f"{docker_registry}/library/asked"
    digest = digest_in(layout)
    ok(haven("push", layout, f"{repo}:v1"))
    ok(haven("tag", f"{repo}:v1", "v2"))

    def answer(text, ref):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(HAVEN, [HAVEN, "rm", ref], env)
        seen = b""
        sent = False
        while select.select([terminal], [], [], 60)[0]:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if b"[y/N] " in seen and not sent:
                os.write(terminal, text)
                sent = True
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()

    status, seen = answer(b"n\n", f"{repo}@{digest}")
    # The registry's order, which not every one of them sorts.
    assert status != 0 and ("v1, v2" in seen or "v2, v1" in seen) and "nothing was deleted" in seen
    assert sorted(ok(haven("ls", repo)).stdout.split()) == ["v1", "v2"]
    # The tag that was named beside the digest needs no asking, the other does.
    status, seen = answer(b"\n", f"{repo}:v1@{digest}")
    assert status != 0 and "the tag v2," in seen
    status, seen = answer(b"y\n", f"{repo}@{digest}")
    assert status == 0 and "deleted" in seen
    refused(haven("ls", f"{repo}:v1"), "MANIFEST_UNKNOWN")


def test_rm_wants_a_name(haven, fake, layout):
    reg = serve_lists(fake())
    refused(haven("rm", f"{reg.host}/p/m"), "USAGE", "@DIGEST")
    refused(haven("rm", f"oci:{layout}"), "USAGE", "@DIGEST")
    assert not reg.asked("DELETE", "")
    # Nothing else has this digest's tag: no question.
    ok(haven("push", layout, f"{reg.host}/p/m:v1"))
    ok(haven("rm", f"{reg.host}/p/m:v1@{digest_in(layout)}"))


# ---- layouts ----

def test_layouts(layout, haven, tmp_path):
    digest = digest_in(layout)
    other, blobs = image([noise(3000, 5), noise(50, 7)])  # a layer of the first is in it too
    write_layout(tmp_path / "x", other, blobs)
    ok(haven("cp", f"oci:{tmp_path / 'x'}", f"oci:{layout}:v2"))
    ok(haven("tag", f"oci:{layout}:v1", "again", "v1"))
    rows = json.loads(ok(haven("ls", "--json", f"oci:{layout}")).stdout)
    assert rows["layout"] == str(layout)
    assert {r["tag"]: r["digest"] for r in rows["tags"]} == {
        "v1": digest, "again": digest, "v2": digest_of(dump(other))}
    assert sorted(ok(haven("ls", f"oci:{layout}")).stdout.split()) == ["again", "v1", "v2"]
    assert "KiB" in ok(haven("ls", "-l", f"oci:{layout}:v2")).stdout

    ok(haven("rm", f"oci:{layout}:v1"))
    ok(haven("rm", f"oci:{layout}:again"))
    assert sorted(ok(haven("ls", f"oci:{layout}")).stdout.split()) == [f"@{digest}", "v2"], "the artifact went with its tag"
    refused(haven("rm", f"oci:{layout}:again"), "MANIFEST_UNKNOWN")
    ok(haven("rm", f"oci:{layout}@{digest}"))
    assert ok(haven("ls", f"oci:{layout}")).stdout == "v2\n"
    # What the other needs is there, the rest is free.
    left = {digest_of(p.read_bytes()) for p in (layout / "blobs/sha256").iterdir()}
    assert left == {digest_of(dump(other)), *blobs}
    ok(haven("cp", f"oci:{layout}", f"oci:{tmp_path / 'whole'}"))
    done = refused(haven("rm", f"oci:{layout}@{digest_of(dump(other))}"), "USAGE", "v2")
    assert "--yes" in done.stderr
    ok(haven("rm", "-y", f"oci:{layout}@{digest_of(dump(other))}"))
    assert not list((layout / "blobs/sha256").iterdir()) and ok(haven("ls", f"oci:{layout}")).stdout == ""
    assert not (layout / ".haven-partial").exists()

    for command in ("tag", "rm"):
        args = ["new"] if command == "tag" else []
        refused(haven(command, f"oci:{tmp_path / 'missing'}:v1", *args), "MODEL_INVALID", "not an image layout")
        assert not (tmp_path / "missing").exists()


def test_space_is_not_freed_under_a_writer(layout, haven, env, docker_registry, tmp_path):
    """While another one writes, nothing goes but the entry; nor when what is listed cannot be read."""
    other, blobs = image([noise(100, 8)])
    write_layout(tmp_path / "x", other, blobs)
    ok(haven("cp", f"oci:{tmp_path / 'x'}", f"oci:{layout}:v2"))
    before = set((layout / "blobs/sha256").iterdir())
    (layout / ".haven-partial").mkdir()
    held = subprocess.Popen(["flock", "-s", str(layout / ".haven-partial"), "sh", "-c", "echo; read x"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    held.stdout.readline()
    ok(haven("rm", "-y", f"oci:{layout}:v1@{digest_in(layout)}"))
    held.communicate(b"\n")
    assert set((layout / "blobs/sha256").iterdir()) == before
    assert ok(haven("ls", f"oci:{layout}")).stdout == "v2\n"

    third, blobs = image([noise(100, 9)])
    write_layout(tmp_path / "y", third, blobs)
    ok(haven("cp", f"oci:{tmp_path / 'y'}", f"oci:{layout}:v3"))
    (layout / "blobs" / digest_of(dump(third)).replace(":", "/")).write_bytes(b"damaged")
    before = set((layout / "blobs/sha256").iterdir())
    ok(haven("rm", "-y", f"oci:{layout}@{digest_of(dump(other))}"))
    assert set((layout / "blobs/sha256").iterdir()) == before


def test_names_in_a_layout(layout, haven):
    """A name of another tool's may be no tag, or be made for the terminal."""
    doc = json.loads((layout / "index.json").read_text())
    names = ["docker.io/library/x:1", "\x1b[31mred", "a\nb"]
    doc["manifests"] = [dict(doc["manifests"][0], annotations={"org.opencontainers.image.ref.name": n}) for n in names]
    (layout / "index.json").write_text(json.dumps(doc))
    done = ok(haven("ls", "-l", f"oci:{layout}"))
    assert not any(ord(c) < 32 and c != "\n" for c in done.stdout) and len(done.stdout.splitlines()) == 3
    assert [r["tag"] for r in json.loads(ok(haven("ls", "--json", f"oci:{layout}")).stdout)["tags"]] == names


# ---- registries that misbehave ----

def test_kinds_in_a_list(fake, haven):
    """An index, an artifact, and what is no manifest that we know."""
    reg = serve_lists(fake())
    reg.add_manifest("p/m", "a", [("w.safetensors", b"x" * 5000)])
    child = reg.manifests["p/m", "a"]
    reg.manifests["p/m", "i"] = dump(index([(child, OCI_MANIFEST)] * 2))
    reg.manifests["p/m", "odd"] = b'{"schemaVersion": 1, "fsLayers": []}'
    rows = {r["tag"]: r for r in json.loads(ok(haven("ls", "-l", "--json", f"{reg.host}/p/m")).stdout)["tags"]}
    assert rows["a"]["type"] == "application/vnd.cncf.model.config.v1+json" and rows["a"]["size"] == len(child) + 5002
    assert rows["i"]["media_type"] == OCI_INDEX and rows["i"]["manifests"] == 2
    assert rows["odd"]["type"] == "" and rows["odd"]["digest"] == digest_of(reg.manifests["p/m", "odd"])
    assert "(2 manifests)" in ok(haven("ls", "-l", f"{reg.host}/p/m")).stdout


@pytest.mark.parametrize("answer, code, words", [
    ({"tags": ["v1", "\x1b[2Jv2"]}, "REMOTE", "no tag"),
    ({"tags": ["v1", "../../etc"]}, "REMOTE", "no tag"),
    ({"tags": ["v1", 7]}, "REMOTE", "no tag"),
    ({"tags": {"v1": 1}}, "REMOTE", "no list"),
    (b"<html>", "REMOTE", "list"),
])
def test_lists_that_are_none(answer, code, words, fake, haven):
    reg = fake()

    def hook(h):
        if not h.bare.endswith("/tags/list"):
            return False
        h.reply(200, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode())
        return True

    reg.hook = hook
    refused(haven("ls", f"{reg.host}/p/m"), code, words)


def test_empty_lists(fake, haven):
    reg = serve_lists(fake())
    assert ok(haven("ls", f"{reg.host}/p/m")).stdout == ""
    assert json.loads(ok(haven("ls", "--json", reg.host)).stdout) == {"registry": reg.host, "repositories": []}
    refused(haven("ls", "not a host"), "NAME_INVALID")
    reg.hook = None
    refused(haven("ls", f"{reg.host}/p/m"), "NOT_FOUND")
    refused(haven("ls", reg.host), "NOT_FOUND")


def test_pages_that_lead_astray(fake, haven):
    """A next page elsewhere is asked of the registry alone; one that leads in a circle ends."""
    other, reg = fake(), fake()
    links = []

    def hook(h):
        if not h.bare.endswith("/tags/list"):
            return False
        more = {"Link": links.pop(0)} if links else {}
        h.reply(200, more, json.dumps({"tags": [f"v{len(links)}"]}).encode())
        return True

    reg.hook = hook
    links[:] = [f'<{other.url}/v2/p/m/tags/list?last=a>; rel="next"']
    assert ok(haven("ls", f"{reg.host}/p/m")).stdout == "v0\nv0\n"
    assert not other.requests and reg.requests[-1][1] == "/v2/p/m/tags/list?last=a"
    links[:] = ["</v2/p/m/tags/list?a>; rel=prev, </v2/p/m/tags/list?b>; x=\"<c>, d\"; REL=next"]
    ok(haven("ls", f"{reg.host}/p/m"))
    assert reg.requests[-1][1] == "/v2/p/m/tags/list?b"
    for odd in ("nothing", "<", "</v2/p/m/tags/list?c", "</v2/p/m/tags/list?c>", "</x>; rel=", '</x>; rel="', ",<>;"):
        links[:] = [odd]
        assert ok(haven("ls", f"{reg.host}/p/m")).stdout == "v0\n", odd
    links[:] = ["</v2/p/m/tags/list?z>; rel=next"] * 5
    refused(haven("ls", f"{reg.host}/p/m"), "REMOTE", "same again")
    links[:] = ["<file:///etc/passwd>; rel=next"]
    refused(haven("ls", f"{reg.host}/p/m"), "REMOTE")


def test_page_size_refused(fake, haven):
    reg = fake()

    def hook(h):
        if h.bare != "/v2/_catalog":
            return False
        if "n" in h.query:
            h.error(400, "PAGINATION_NUMBER_INVALID")
        else:
            h.reply(200, {}, b'{"repositories": ["a/b"]}')
        return True

    reg.hook = hook
    assert ok(haven("ls", reg.host)).stdout == "a/b\n"


def test_rights(fake, haven, env, layout):
    """A deletion asks for the right to delete, and a list of repositories for that to list."""
    asked = []
    reg = serve_lists(fake(auth="bearer"))
    lists = reg.hook

    def hook(h):
        if h.bare == "/token":
            asked.append(h.query.get("scope", ""))
            return False
        if h.command == "DELETE" and h.headers.get("Authorization", "") == "":
            return False
        return lists(h) if h.headers.get("Authorization") and h.command in ("DELETE", "GET") and (
            "_catalog" in h.path or "tags/list" in h.path or h.command == "DELETE") else False

    reg.hook = hook
    write(env["DOCKER_CONFIG"], {"config.json": json.dumps({"auths": {reg.host: {"auth": base64.b64encode(
        f"{reg.USER}:{reg.PASSWORD}".encode()).decode()}}}).encode()})
    ok(haven("push", layout, f"{reg.host}/p/m:v1"))
    ok(haven("rm", f"{reg.host}/p/m:v1"))
    assert "repository:p/m:pull,delete" in asked
    ok(haven("ls", reg.host))


def test_deletion_is_off(fake, haven, layout):
    reg = serve_lists(fake())
    ok(haven("push", layout, f"{reg.host}/p/m:v1"))
    lists = reg.hook

    def hook(h):
        if h.command == "DELETE":
            h.error(405, "UNSUPPORTED")
            return True
        return lists(h)

    reg.hook = hook
    refused(haven("rm", "-y", f"{reg.host}/p/m@{digest_in(layout)}"), "UNSUPPORTED", "switched on")
    refused(haven("rm", f"{reg.host}/p/m:v1"), "UNSUPPORTED", f"haven rm {reg.host}/p/m@{digest_in(layout)}")
    assert ("p/m", "v1") in reg.manifests
