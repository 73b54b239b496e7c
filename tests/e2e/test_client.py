# SPDX-License-Identifier: Apache-2.0
"""haven push, pull, login and logout: against Debian's docker-registry, and against a registry that misbehaves."""
import hashlib
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import stat
import subprocess
import termios
import threading
import time
import urllib.request

import pytest

from harness.client import (MIB, MODEL, docker_registry, env, fake, haven, model, noise, ok, refused, tree,  # noqa: F401
                            write)
from harness.fake_registry import OCI, Gone, wait_until
from harness.record import HAVEN


# ---- there and back ----

def test_round_trip(docker_registry, haven, model, tmp_path):
    write(model, {".git/config": b"x", ".gitattributes": b"x", "__pycache__/a.pyc": b"x"})
    ref = f"{docker_registry}/library/round:v1"
    pushed = ok(haven("push", model, ref))
    assert "8 files" in pushed.stdout and "/s" in pushed.stdout
    for path in MODEL:
        assert path in pushed.stderr
    out = tmp_path / "made" / "on the way"
    pulled = json.loads(ok(haven("pull", "--json", ref, out)).stdout)
    assert tree(out) == MODEL
    assert stat.S_IMODE((out / "code/deep/run.py").stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "README.md").stat().st_mode) == 0o644
    assert pulled["files"] == 8 and pulled["bytes"] == sum(map(len, MODEL.values()))
    assert pulled["bytes_transferred"] == pulled["bytes"] - 5 * MIB, "the copy came over the network"
    assert pulled["digest"] in pushed.stdout
    assert pulled["reference"] == ref and pulled["seconds"] >= 0 and pulled["bytes_per_second"] > 0

    # A second pull moves nothing, and mends what is broken.
    (out / "README.md").write_bytes(b"# A model\n")
    (out / "copy/same.safetensors").unlink()
    (out / "mine").write_text("kept")
    again = json.loads(ok(haven("pull", "--json", "-q", ref, out)).stdout)
    assert again["files_present"] == 6 and again["bytes_transferred"] == len(MODEL["README.md"])
    assert (out / "mine").read_text() == "kept"
    (out / "mine").unlink()
    assert tree(out) == MODEL

    # What was pulled is the same model.
    second = json.loads(ok(haven("push", "--json", "-j", "1", out, f"{docker_registry}/library/round:v2")).stdout)
    assert second["digest"] == pulled["digest"]
    ok(haven("pull", f"{docker_registry}/library/round@{second['digest']}", tmp_path / "by-digest"))
    assert tree(tmp_path / "by-digest") == MODEL


def test_artifact(docker_registry, haven, env, model):
    ref = f"{docker_registry}/library/artifact:v1"
    ok(haven("push", model, ref, env={**env, "SOURCE_DATE_EPOCH": "1700000000"}))
    request = urllib.request.Request(f"http://{docker_registry}/v2/library/artifact/manifests/v1", headers={"Accept": OCI})
    manifest = json.load(urllib.request.urlopen(request))
    assert manifest["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert manifest["annotations"]["org.opencontainers.image.created"].startswith("2023-11-14T22:13:20")
    kinds = {l["annotations"]["org.cncf.model.filepath"]: l["mediaType"].split(".model.")[1] for l in manifest["layers"]}
    assert kinds == {
        "config.json": "weight.config.v1.raw", "tokenizer/vocab.txt": "weight.config.v1.raw",
        "copy/same.safetensors": "weight.v1.raw", "model-00001-of-00002.safetensors": "weight.v1.raw",
        "model-00002-of-00002.safetensors": "weight.v1.raw", "code/deep/run.py": "code.v1.raw",
        "README.md": "doc.v1.raw", "nothing.txt": "doc.v1.raw"}
    assert list(kinds) == ["config.json", "tokenizer/vocab.txt", "copy/same.safetensors", "model-00001-of-00002.safetensors",
                           "model-00002-of-00002.safetensors", "code/deep/run.py", "README.md", "nothing.txt"]
    for layer in manifest["layers"]:
        notes = layer["annotations"]
        path = notes["org.cncf.model.filepath"]
        assert notes["org.opencontainers.image.title"] == path
        assert layer["digest"] == "sha256:" + hashlib.sha256(MODEL[path]).hexdigest()
        meta = json.loads(notes["org.cncf.model.file.metadata+json"])
        assert meta == {"name": path.split("/")[-1], "mode": 0o755 if path.endswith(".py") else 0o644, "uid": 0, "gid": 0,
                        "size": len(MODEL[path]), "mtime": "1970-01-01T00:00:00Z", "typeflag": 0}
    config = json.load(urllib.request.urlopen(
        f"http://{docker_registry}/v2/library/artifact/blobs/{manifest['config']['digest']}"))
    assert config["modelfs"] == {"type": "layers", "diffIds": [l["digest"] for l in manifest["layers"]]}
    assert config["descriptor"].pop("createdAt").startswith("2023-11-14T22:13:20")
    assert config["descriptor"] == {"name": "artifact", "family": "qwen2", "title": "a model"}
    # The weights' own headers are believed before config.json, which says bfloat16.
    assert config["config"] == {"architecture": "transformer", "format": "safetensors", "precision": "uint8",
                                "paramSize": "19.9M"}


# ---- who may come in ----

@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_login(fake, haven, model, tmp_path, auth):
    reg = fake(auth=auth)
    config = tmp_path / "docker" / "config.json"
    config.parent.mkdir()
    config.write_text('{"auths": {"other": {"auth": "eDp5"}}, "HttpHeaders": {"X": "1"}}')
    config.chmod(0o644)
    refused(haven("push", model, f"{reg.host}/p/m"), "UNAUTHORIZED", f"haven login {reg.host}")
    refused(haven("login", "-u", reg.USER, "--password-stdin", reg.host, input="wrong\n"), "UNAUTHORIZED")
    assert "wrong" not in config.read_text() and reg.host not in config.read_text()
    done = ok(haven("login", "-u", reg.USER, "--password-stdin", reg.host, input=reg.PASSWORD + "\n"))
    assert reg.PASSWORD not in done.stdout + done.stderr
    doc = json.loads(config.read_text())
    assert doc["auths"]["other"] == {"auth": "eDp5"} and doc["HttpHeaders"] == {"X": "1"}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    ok(haven("push", model, f"{reg.host}/p/m"))
    ok(haven("pull", f"{reg.host}/p/m", tmp_path / "out"))
    assert tree(tmp_path / "out") == MODEL
    if auth == "bearer":
        # A push without credentials, two logins, one for each scope.
        assert len(reg.asked("GET", "^/token")) == 5, "tokens are not kept"
        assert all(not h.get("Authorization", "").startswith("Basic") for _, p, h in reg.requests if p.startswith("/v2/"))
    assert "logged out" in ok(haven("logout", reg.host)).stdout
    assert "not logged in" in ok(haven("logout", reg.host)).stdout
    refused(haven("pull", f"{reg.host}/p/m", tmp_path / "out2"), "UNAUTHORIZED")
    assert json.loads(config.read_text())["auths"] == {"other": {"auth": "eDp5"}}


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_wrong_password_is_tried_once(fake, haven, model, tmp_path, auth):
    """Whatever the number of files: accounts are locked after a few wrong passwords."""
    reg = fake(auth=auth)
    wrong = {"auths": {reg.host: {"username": reg.USER, "password": "changed since"}}}
    write(tmp_path / "docker", {"config.json": json.dumps(wrong).encode()})
    refused(haven("pull", f"{reg.host}/p/m", tmp_path / "o"), "UNAUTHORIZED")
    tried = [r for r in reg.requests if r[2].get("Authorization", "").startswith("Basic ")]
    assert len(tried) == 1
    reg.requests.clear()
    refused(haven("push", "-j", "8", model, f"{reg.host}/p/m"), "UNAUTHORIZED")
    tried = [r for r in reg.requests if r[2].get("Authorization", "").startswith("Basic ")]
    assert len(tried) == 1 if auth == "bearer" else len(tried) <= 8


def test_login_asks(fake, env, tmp_path):
    """At a terminal: the password is not shown, can be mended, and Ctrl-C leaves the terminal as it was."""
    reg = fake(auth="basic")

    def talk(*typed):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(HAVEN, [HAVEN, "login", reg.host], env)
        seen = b""
        for wait, text in typed:
            end = time.monotonic() + 30
            while wait not in seen:
                assert time.monotonic() < end, seen
                seen += os.read(fd, 1000)
            shown = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
            os.write(fd, text)
        try:
            while piece := os.read(fd, 1000):
                seen += piece
        except OSError:
            pass
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen, shown

    status, seen, shown = talk((b"User name: ", b"alice\n"), (b"Password: ", b"nonsense\x15pa:ssX\x7f w\xc3\xb6rd\n"))
    assert status == 0 and b"logged in" in seen, seen
    assert b"pa:ss" not in seen and not shown
    assert reg.host in json.loads((tmp_path / "docker" / "config.json").read_text())["auths"]
    status, seen, _ = talk((b"User name: ", b"alice\n"), (b"Password: ", b"half\x03"))
    assert status == 130 and b"CANCELLED" in seen


# ---- TLS ----

@pytest.fixture
def certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    pem, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem], check=True, capture_output=True)
    return str(pem), str(key)


def test_tls(fake, haven, model, tmp_path, certificate):
    reg = fake(certificate=certificate)
    refused(haven("push", model, f"https://{reg.host}/p/m"), "NETWORK", "certificate")
    assert not reg.requests
    ok(haven("push", "--ca-file", certificate[0], model, f"https://{reg.host}/p/m"))
    ok(haven("pull", "--insecure", f"https://{reg.host}/p/m", tmp_path / "o"))
    assert tree(tmp_path / "o") == MODEL


def test_never_down_from_tls(fake, haven, model, tmp_path, certificate):
    """Neither a redirect, nor an upload's address, nor a token service leads from https to http."""
    reg, plain = fake(certificate=certificate), fake()
    ref = f"https://{reg.host}/p/m"
    ok(haven("push", "--insecure", model, ref))
    reg.hook = lambda h: "/blobs/sha256" in h.path and not h.reply(307, {"Location": plain.url + h.path})
    refused(haven("pull", "--insecure", ref, tmp_path / "o"), "REMOTE", "from https to http")
    reg.hook = lambda h: h.command == "POST" and not h.reply(202, {"Location": plain.url + "/upload"})
    refused(haven("push", "--insecure", write(tmp_path / "m2", {"a": b"new"}), ref), "REMOTE", "from https")
    reg.hook = lambda h: not h.reply(401, {"WWW-Authenticate": f'Bearer realm="{plain.url}/token"'})
    refused(haven("pull", "--insecure", ref, tmp_path / "o"), "REMOTE", "without https")
    assert not plain.requests


def test_token_expires_in_the_middle(fake, haven, model, tmp_path):
    reg = fake(auth="bearer")
    ok(haven("login", "-u", reg.USER, "--password-stdin", reg.host, input=reg.PASSWORD))
    seen = []

    def hook(h):
        if h.command == "PATCH" and not seen:
            seen.append(1)
            reg.tokens.clear()

    reg.hook = hook
    ok(haven("push", "-j", "1", model, f"{reg.host}/p/m"))
    reg.hook = None
    ok(haven("pull", f"{reg.host}/p/m", tmp_path / "out"))
    assert tree(tmp_path / "out") == MODEL


def test_credentials_stay_home(fake, haven, tmp_path):
    """Blobs behind a redirect and uploads to another address: neither sees who we are."""
    home, away = fake(auth="basic"), fake()
    ok(haven("login", "-u", home.USER, "--password-stdin", home.host, input=home.PASSWORD))

    def hook(h):
        if h.command == "GET" and "/blobs/sha256" in h.path:
            h.reply(307, {"Location": away.url + h.path})
            return True
        return False

    home.hook = hook
    home.upload_base = away.url
    away.uploads = home.uploads
    away.blobs = home.blobs
    ok(haven("push", write(tmp_path / "m", {"a.bin": noise(5 * MIB), "b.txt": b"b"}), f"{home.host}/p/m"))
    ok(haven("pull", f"{home.host}/p/m", tmp_path / "out"))
    assert tree(tmp_path / "out") == tree(tmp_path / "m")
    assert away.asked("PATCH", "/blobs/uploads/") and away.asked("GET", "/blobs/sha256")
    assert not [r for r in away.requests if "Authorization" in r[2]]


def test_redirects_end(fake, haven, tmp_path):
    reg = fake()
    reg.add_manifest("p/m", "v1", [("a", b"content")])

    def hook(h):
        if "/blobs/" in h.path:
            h.reply(302, {"Location": h.path + "x"})
            return True
        return False

    reg.hook = hook
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "REMOTE", "redirects")
    for bad in ["file:///etc/passwd", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/"]:
        reg.hook = lambda h, bad=bad: "/blobs/" in h.path and not h.reply(302, {"Location": bad})
        refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "REMOTE", "redirect")


# ---- a network that breaks ----

def test_busy_registry(fake, haven, model, tmp_path):
    """429 and 5xx pass, Retry-After is kept to."""
    reg = fake()
    seen = {}

    def hook(h):
        kind = h.command + (" session" if "/uploads/" in h.path and h.command != "POST" else h.bare.split("/")[4] if h.path.count("/") > 4 else "")
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] > 1:
            return False
        for _ in h.body():
            pass
        if h.command in ("PUT", "GET"):
            h.error(503, "UNAVAILABLE", headers={"Retry-After": "1"})
        else:
            h.error(429, "TOOMANYREQUESTS", headers={"Retry-After": "0"})
        return True

    reg.hook = hook
    ok(haven("push", "-j", "2", model, f"{reg.host}/p/m"))
    started = time.monotonic()
    seen.clear()
    ok(haven("pull", "-j", "2", f"{reg.host}/p/m", tmp_path / "out"))
    assert time.monotonic() - started >= 1, "Retry-After was not kept to"
    assert tree(tmp_path / "out") == MODEL


def test_registry_gone(haven, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{s.getsockname()[1]}"
    refused(haven("pull", f"{host}/p/m:v1", tmp_path / "o"), "NETWORK", host)
    assert not (tmp_path / "o").exists()


# ---- what is not packed ----

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


def spoil_lfs(m):
    (m / "w.safetensors").write_bytes(LFS)


def spoil_link_out(m):
    (m / "w.bin").symlink_to("../secret")


def spoil_link_absolute(m):
    (m / "w.bin").symlink_to("/etc/passwd")


def spoil_link_nowhere(m):
    (m / "w.bin").symlink_to("nothing")


def spoil_link_dir(m):
    (m / "d").mkdir()
    (m / "e").symlink_to("d")


def spoil_fifo(m):
    os.mkfifo(m / "w.bin")


def spoil_case(m):
    write(m, {"A.txt": b"", "a.TXT": b""})


def spoil_backslash(m):
    write(m, {"a\\b": b""})


def spoil_bytes(m):
    (pathlib.Path(os.fsdecode(os.fsencode(m) + b"/a\xff.txt"))).write_bytes(b"")


def spoil_control(m):
    write(m, {"a\x1b[31mb": b""})


@pytest.mark.parametrize("spoil,text", [
    (spoil_lfs, "w.safetensors is a Git LFS pointer"), (spoil_link_out, "w.bin is a link that leaves"),
    (spoil_link_absolute, "w.bin is a link that leaves"), (spoil_link_nowhere, "w.bin does not exist"),
    (spoil_link_dir, "e is a link to a directory"), (spoil_fifo, "w.bin is neither a file"),
    (spoil_case, "differ in case"), (spoil_backslash, "backslash"), (spoil_bytes, "UTF-8"), (spoil_control, "control")])
def test_not_packed(fake, haven, tmp_path, spoil, text):
    reg = fake()
    (tmp_path / "secret").write_text("secret")
    folder = write(tmp_path / "m", {"config.json": b"{}"})
    spoil(folder)
    refused(haven("push", folder, f"{reg.host}/p/m"), "MODEL_INVALID", text)
    assert not reg.requests, "something was sent before the directory was judged"


def test_link_inside(fake, haven, tmp_path):
    reg = fake()
    folder = write(tmp_path / "m", {"real/w.bin": b"weights"})
    (folder / "w.bin").symlink_to("real/w.bin")
    ok(haven("push", folder, f"{reg.host}/p/m"))
    ok(haven("pull", f"{reg.host}/p/m", tmp_path / "o"))
    assert tree(tmp_path / "o") == {"real/w.bin": b"weights", "w.bin": b"weights"}


def test_empty_directory(fake, haven, tmp_path):
    reg = fake()
    refused(haven("push", write(tmp_path / "m", {".hidden": b""}), f"{reg.host}/p/m"), "MODEL_INVALID", "no files")
    refused(haven("push", tmp_path / "absent", f"{reg.host}/p/m"), "IO", "absent")


