# SPDX-License-Identifier: Apache-2.0
"""haven pull from a registry that lies: nothing is written outside of the directory, nothing wrong gets a name."""
import pathlib

import pytest

from harness.client import MIB, env, fake, haven, noise, ok, refused, tree, write  # noqa: F401
from harness.fake_registry import OCI


def nothing_left(folder):
    return not pathlib.Path(folder).exists() or tree(folder) == {}


@pytest.mark.parametrize("path", [
    "../escape", "/tmp/escape", "a/../../escape", "a\\..\\escape", "a\u0000b", "a\nb", "", "dir/", ".git/hooks/post-checkout",
    ".haven-partial/x", "x" * 256, "\u001b[31mred"])
def test_hostile_paths(fake, haven, tmp_path, path):
    reg = fake()
    reg.add_manifest("p/m", "v1", [("fine", b"1"), (path, b"evil")])
    done = haven("pull", f"{reg.host}/p/m:v1", tmp_path / "in" / "o")
    assert done.returncode == 8 and ("[MODEL_INVALID]" in done.stderr or "[MANIFEST_INVALID]" in done.stderr), done.stderr
    assert nothing_left(tmp_path / "in" / "o") and not (tmp_path / "in" / "escape").exists()
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("paths", [("a", "A"), ("d/a", "D/b"), ("a", "a/b"), ("a", "a")])
def test_hostile_sets(fake, haven, tmp_path, paths):
    reg = fake()
    reg.add_manifest("p/m", "v1", [(p, b"x") for p in paths])
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "MODEL_INVALID")
    assert nothing_left(tmp_path / "o")


def layer(digest, size, path="w", media="application/vnd.cncf.model.weight.v1.raw"):
    return {"mediaType": media, "digest": digest, "size": size, "annotations": {"org.cncf.model.filepath": path}}


@pytest.mark.parametrize("layers,code", [
    ([], "MODEL_INVALID"),
    ([layer("sha256:" + "0" * 64, -1)], "MANIFEST_INVALID"),
    ([layer("sha256:" + "0" * 64, 1 << 62)], "MODEL_INVALID"),
    ([layer("sha256:" + "0" * 64, 7 << 40)], "NO_SPACE"),
    ([layer("sha256:../../../x", 3)], "MANIFEST_INVALID"),
    ([layer("sha256:" + "0" * 64, 3), layer("sha256:" + "0" * 64, 4, "v")], "MODEL_INVALID"),
    ([layer("sha256:" + "0" * 64, 3)], "BLOB_UNKNOWN"),
])
def test_hostile_layers(fake, haven, tmp_path, layers, code):
    reg = fake()
    reg.add_manifest("p/m", "v1", layers)
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), code)
    assert nothing_left(tmp_path / "o")


@pytest.mark.parametrize("lie,code", [
    (lambda h, good: h.reply(200, {}, b"X" + good[1:]), "DIGEST_INVALID"),
    (lambda h, good: h.reply(200, {}, good + b"more"), "REMOTE"),
    (lambda h, good: h.reply(200, {}, good[:-1]), "REMOTE"),
    (lambda h, good: h.reply(206, {"Content-Range": f"bytes 5-{len(good) - 1}/{len(good)}"}, good[5:]), "REMOTE"),
    (lambda h, good: h.reply(206, {}, good), "REMOTE"),
    (lambda h, good: h.reply(203, {}, good), "REMOTE"),
    (lambda h, good: h.error(403, "DENIED", "not you"), "DENIED"),
])
def test_lying_blobs(fake, haven, tmp_path, lie, code):
    reg = fake()
    good = noise(300000)
    reg.add_manifest("p/m", "v1", [("w", good)])
    reg.hook = lambda h: "/blobs/" in h.path and (lie(h, good) or True)
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), code)
    assert not (tmp_path / "o" / "w").exists()


def test_spoiled_partial_file(fake, haven, tmp_path):
    """A part that an earlier run left, and that is not what it should be, costs a second download and no more."""
    reg = fake()
    good = noise(300000)
    digest = reg.add_blob(good)
    reg.add_manifest("p/m", "v1", [("w", good)])
    for spoiled in (b"X" * 1000, b"X" * 300000, b"X" * 400000, b""):
        write(tmp_path / "o" / ".haven-partial", {digest.replace(":", "-"): spoiled})
        ok(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"))
        assert tree(tmp_path / "o") == {"w": good}
        (tmp_path / "o" / "w").unlink()


def test_hostile_directory(fake, haven, tmp_path):
    """Links that lie in the target lead nowhere else."""
    reg = fake()
    good = noise(1000)
    digest = reg.add_blob(good)
    reg.add_manifest("p/m", "v1", [("sub/w", good), ("top", b"top")])
    out, victim = tmp_path / "o", tmp_path / "victim"
    victim.mkdir()
    out.mkdir()
    (victim / "file").write_text("untouched")
    (out / "sub").symlink_to(victim)
    (out / "top").symlink_to(victim / "file")
    refused(haven("pull", f"{reg.host}/p/m:v1", out), "MODEL_INVALID", "not a directory")
    assert tree(victim) == {"file": b"untouched"}
    (out / "sub").unlink()
    (out / ".haven-partial").mkdir(exist_ok=True)
    part = out / ".haven-partial" / digest.replace(":", "-")
    part.unlink(missing_ok=True)
    part.symlink_to(victim / "file")
    assert haven("pull", f"{reg.host}/p/m:v1", out).returncode == 1
    part.unlink()
    part.hardlink_to(victim / "file")
    refused(haven("pull", f"{reg.host}/p/m:v1", out), "MODEL_INVALID", "not a file of ours")
    part.unlink()
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    assert (out / "top").read_bytes() == b"top" and not (out / "top").is_symlink()
    assert tree(victim) == {"file": b"untouched"}


@pytest.mark.parametrize("answer,code", [
    (lambda h: h.reply(200, {"Content-Type": OCI}, b"not json"), "MANIFEST_INVALID"),
    (lambda h: h.reply(200, {"Content-Type": OCI}, b"[" * 100000), "MANIFEST_INVALID"),
    (lambda h: h.reply(200, {"Content-Type": OCI}, b" " * (5 << 20)), "LIMIT"),
    (lambda h: h.reply(200, {"Content-Type": "text/html"}, b"<html>"), "MANIFEST_TYPE"),
    (lambda h: h.reply(200, {"Content-Type": OCI, "Docker-Content-Digest": "sha256:" + "0" * 64}, b"{}"), "DIGEST_INVALID"),
    (lambda h: h.reply(200, {"Content-Type": OCI, "X": "a" * 60000, "Y": "b" * 60000}, b"{}"), "LIMIT"),
    (lambda h: h.error(404, "MANIFEST_UNKNOWN", "gone \x1b[31m\n evil"), "MANIFEST_UNKNOWN"),
    (lambda h: h.reply(418, {}, b"\x1b]0;x\x07"), "REMOTE"),
])
def test_lying_manifests(fake, haven, tmp_path, answer, code):
    reg = fake()
    reg.hook = lambda h: "/manifests/" in h.path and (answer(h) or True)
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), code)


def test_wrong_manifest_for_a_digest(fake, haven, tmp_path):
    reg = fake()
    digest = "sha256:" + "1" * 64
    reg.add_manifest("p/m", digest, [("w", b"x")])
    refused(haven("pull", f"{reg.host}/p/m@{digest}", tmp_path / "o"), "DIGEST_INVALID")


@pytest.mark.parametrize("challenge", [
    "", "Bearer", 'Bearer realm="file:///etc/passwd"', 'Bearer realm="http://u:p@127.0.0.1/"', "Negotiate", 'Bearer realm="x',
    'Bearer realm="' + "a" * 5000 + '"'])
def test_lying_challenges(fake, haven, tmp_path, challenge):
    reg = fake()
    reg.hook = lambda h: not h.reply(401, {"WWW-Authenticate": challenge})
    done = haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o")
    assert done.returncode in (4, 9) and ("[REMOTE]" in done.stderr or "[UNAUTHORIZED]" in done.stderr), done.stderr


def test_title_alone(fake, haven, tmp_path):
    """What oras pushes."""
    reg = fake()
    content = b"hello"
    reg.add_manifest("p/m", "v1", [{"mediaType": "application/octet-stream", "digest": reg.add_blob(content), "size": 5,
                                    "annotations": {"org.opencontainers.image.title": "sub/hello.txt"}}])
    ok(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"))
    assert tree(tmp_path / "o") == {"sub/hello.txt": content}


@pytest.mark.parametrize("lie", [
    lambda first, last, n: (first + 1, last + 1, n), lambda first, last, n: (first, last + 1, n),
    lambda first, last, n: (first, last, n + 1), lambda first, last, n: (0, last - first, n)])
def test_lying_ranges(fake, haven, tmp_path, lie):
    """Another range than was asked for is not taken for the right one."""
    reg = fake()
    big = noise(MIB, 3) * 80
    reg.add_manifest("p/m", "v1", [("w", big)])

    def hook(h):
        if "/blobs/" not in h.path or "Range" not in h.headers:
            return False
        first, last = map(int, h.headers["Range"][6:].split("-"))
        if first == 0:
            return False
        begin, end, n = lie(first, last, len(big))
        h.reply(206, {"Content-Range": f"bytes {begin}-{end}/{n}"}, big[first:last + 1])
        return True

    reg.hook = hook
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "REMOTE", "another range")
    assert not (tmp_path / "o" / "w").exists()
