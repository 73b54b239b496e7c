# SPDX-License-Identifier: Apache-2.0
"""haven push and build: what goes over the network, what does not go twice, and what is left when it ends in between."""
import hashlib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import time
import urllib.request

import pytest

from harness.client import (DOCKER_REGISTRY, MIB, MODEL, docker_registry, env, fake, haven, model, noise, ok,  # noqa: F401
                            refused, tree, write)
from harness.fake_registry import OCI, Gone, wait_until
from harness.record import HAVEN
from harness.server import PASSWORD, USER

LONG = bool(os.environ.get("HAVEN_TEST_LONG"))
SETTLED = 2.1  # a file that is younger is not remembered


def sha(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def notes(env):
    """What is remembered."""
    folder = env["HAVEN_CACHE_DIR"]
    return sorted(n for n in os.listdir(folder) if n != "lock") if os.path.isdir(folder) else []


def kill_at(env, args, reached, sig=signal.SIGKILL):
    """Runs a command and ends it once something is reached. Its exit status."""
    process = subprocess.Popen([HAVEN, *map(str, args)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: process.poll() is not None or reached())
    finally:
        process.send_signal(sig)
        process.communicate()
    return process.returncode


# ---- within one run ----

def test_upload_goes_on_where_it_broke(fake, haven, tmp_path):
    reg = fake()
    content = noise(20 * MIB)
    breaks = []

    def received(handler, held):
        if len(breaks) < 3 and len(held) > (len(breaks) + 1) * 4 * MIB:
            breaks.append(len(held))
            raise Gone

    reg.received = received
    done = ok(haven("push", "--json", write(tmp_path / "m", {"w.safetensors": content}), f"{reg.host}/p/m"))
    assert len(breaks) == 3
    assert reg.blobs["sha256:" + hashlib.sha256(content).hexdigest()] == content
    patches = reg.asked("PATCH", "")
    starts = [int(h["Content-Range"].split("-")[0]) for _, _, h in patches if "Content-Range" in h]
    assert len(patches) == 4 and starts == breaks, "what the registry had was sent again"
    assert json.loads(done.stdout)["bytes_transferred"] == len(content)


def test_upload_session_lost(fake, haven, tmp_path):
    reg = fake()
    content = noise(9 * MIB)
    lost = []

    def received(handler, held):
        if not lost and len(held) > 5 * MIB:
            lost.append(1)
            reg.uploads.clear()
            raise Gone

    reg.received = received
    ok(haven("push", write(tmp_path / "m", {"w.safetensors": content}), f"{reg.host}/p/m"))
    assert lost and reg.blobs["sha256:" + hashlib.sha256(content).hexdigest()] == content


def test_success_hidden_by_a_break(fake, haven, tmp_path):
    """The registry has stored the blob, but its answer is lost."""
    reg = fake()
    lost = []

    def hook(h):
        if h.command == "PUT" and "/uploads/" in h.path and "digest" in h.query and len(lost) < 2:
            held = reg.uploads[h.bare.rsplit("/", 1)[1]]
            held += b"".join(h.body())
            reg.add_blob(bytes(held))
            reg.uploads.clear()
            lost.append(1)
            raise Gone
        return False

    reg.hook = hook
    ok(haven("push", "-j", "1", write(tmp_path / "m", {"w.bin": noise(6 * MIB)}), f"{reg.host}/p/m"))
    assert len(lost) == 2


@pytest.mark.parametrize("change", [
    lambda p: p.open("ab").write(b"more"), lambda p: os.truncate(p, MIB),
    lambda p: p.open("r+b").write(b"other bytes")])
def test_file_changes_while_it_is_read(fake, haven, tmp_path, change):
    reg = fake()
    folder = write(tmp_path / "m", {"w.safetensors": noise(24 * MIB)})
    changed = []

    def received(handler, held):
        if not changed and len(held) > 2 * MIB:
            changed.append(1)
            change(folder / "w.safetensors")

    reg.received = received
    refused(haven("push", folder, f"{reg.host}/p/m"), "MODEL_INVALID", "w.safetensors was changed")
    assert changed and not reg.manifests and not reg.blobs


def test_each_file_is_read_once(fake, haven, env, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    reg = fake()
    folder = write(tmp_path / "m", {"w.safetensors": noise(6 * MIB), "s.bin": noise(50000), "t.txt": b"t"})
    log = tmp_path / "trace"
    done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=pread64", "-y", "-o", log, HAVEN, "push", str(folder),
                           f"{reg.host}/p/m"], env={**env, "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True,
                          text=True, timeout=120)
    ok(done)
    sums = {}
    for line in log.read_text().splitlines():
        if "pread64(" in line and str(folder) in line and "= " in line:
            name = line.split("<")[1].split(">")[0].rsplit("/", 1)[1]
            sums[name] = sums.get(name, 0) + int(line.rsplit("= ", 1)[1].split()[0])
    # Of weights the header is read before, for the config.
    assert sums == {"w.safetensors": 6 * MIB + 65536, "s.bin": 50000 + 512, "t.txt": 1}


def test_push_to_a_digest(fake, haven, model, tmp_path):
    reg = fake()
    digest = json.loads(ok(haven("push", "--json", model, f"{reg.host}/p/m:v1")).stdout)["digest"]
    ok(haven("push", model, f"{reg.host}/p/m@{digest}"))
    refused(haven("push", model, f"{reg.host}/p/m@sha256:{'0' * 64}"), "DIGEST_INVALID")


# ---- over several runs ----

def half_pushed(reg, haven, env, tmp_path, sig=signal.SIGKILL, size=40 * MIB):
    """A push that was ended in the middle of its blob; the registry reads slowly so that it can be caught."""
    content = noise(size)
    folder = write(tmp_path / "m", {"w.safetensors": content})
    time.sleep(SETTLED)
    held = []

    def received(handler, data):
        held[:] = [len(data)]
        time.sleep(0.001)

    reg.received = received
    status = kill_at(env, ("push", "-q", folder, f"{reg.host}/p/m"), lambda: held and held[0] > 12 * MIB, sig)
    assert status != 0, "the push was never caught at work"
    reg.received = None
    wait_until(lambda: reg.quiet())
    assert len(notes(env)) == 1
    return folder, content


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ended_push_goes_on(fake, haven, env, tmp_path, sig):
    reg = fake()
    folder, content = half_pushed(reg, haven, env, tmp_path, sig)
    held = len(next(iter(reg.uploads.values())))
    assert 12 * MIB < held < len(content)
    reg.requests.clear()
    reg.taken = 0
    done = json.loads(ok(haven("push", "--json", folder, f"{reg.host}/p/m")).stdout)
    assert reg.blobs[sha(content)] == content
    patches = reg.asked("PATCH", "")
    assert [h["Content-Range"] for _, _, h in patches] == [f"{held}-{len(content) - 1}"]
    assert done["bytes_transferred"] == len(content) - held
    assert reg.taken < len(content) - held + 100000
    # The digest is remembered now, the upload is not.
    assert [n[0] for n in notes(env)] == ["d"]


def test_the_hash_is_taken_up(fake, haven, env, tmp_path):
    """What was sent is not read again, but for what came after the last note."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    reg = fake()
    folder, content = half_pushed(reg, haven, env, tmp_path)
    held = len(next(iter(reg.uploads.values())))
    log = tmp_path / "trace"
    ok(subprocess.run(["strace", "-f", "-qq", "-e", "trace=pread64", "-y", "-o", log, HAVEN, "push", str(folder),
                       f"{reg.host}/p/m"], env={**env, "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True,
                      timeout=120))
    read = sum(int(line.rsplit("= ", 1)[1].split()[0]) for line in log.read_text().splitlines()
               if "w.safetensors" in line and "= " in line)
    assert len(content) - held <= read < len(content), (read, held)
    assert reg.blobs[sha(content)] == content


@pytest.mark.parametrize("spoil", ["gone", "shorter", "other bytes", "longer than the file"])
def test_session_is_not_what_it_was(fake, haven, env, tmp_path, spoil):
    reg = fake()
    folder, content = half_pushed(reg, haven, env, tmp_path)
    session, held = next(iter(reg.uploads.items()))
    if spoil == "gone":
        reg.uploads.clear()
    elif spoil == "shorter":
        del held[5 * MIB:]
    elif spoil == "other bytes":
        held[100] ^= 1
    else:
        held += bytes(len(content))
    ok(haven("push", folder, f"{reg.host}/p/m"))
    assert reg.blobs[sha(content)] == content
    assert [n[0] for n in notes(env)] == ["d"]


@pytest.mark.parametrize("change", ["content", "times", "length", "another file"])
def test_file_changed_between_runs(fake, haven, env, tmp_path, change):
    reg = fake()
    folder, content = half_pushed(reg, haven, env, tmp_path)
    path = folder / "w.safetensors"
    if change == "content":
        stat = path.stat()
        content = b"X" + content[1:]
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # ctime tells
    elif change == "times":
        os.utime(path)
    elif change == "length":
        content = content[:-1]
        os.truncate(path, len(content))
    else:
        content = content[::-1]
        (folder / "new").write_bytes(content)
        (folder / "new").rename(path)
    ok(haven("push", folder, f"{reg.host}/p/m"))
    assert reg.blobs[sha(content)] == content
    assert len(reg.asked("POST", "uploads/$")) >= 2, "an upload of other bytes was gone on with"


def test_known_file_is_not_read(fake, haven, env, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    reg, other = fake(), fake()
    folder = write(tmp_path / "m", {"w.safetensors": noise(6 * MIB)})
    time.sleep(SETTLED)
    digest = json.loads(ok(haven("push", "--json", folder, f"{reg.host}/p/m")).stdout)["digest"]
    reg.requests.clear()
    log = tmp_path / "trace"
    again = ok(subprocess.run(["strace", "-f", "-qq", "-e", "trace=pread64", "-y", "-o", log, HAVEN, "push", "--json",
                               str(folder), f"{reg.host}/p/m"], env={**env, "ASAN_OPTIONS": "detect_leaks=0"},
                              capture_output=True, text=True, timeout=120))
    again = json.loads(again.stdout)
    assert again["digest"] == digest and again["files_present"] == 1 and again["bytes_transferred"] == 0
    reads = [line for line in log.read_text().splitlines() if "w.safetensors" in line]
    assert [line.rsplit("= ", 1)[1] for line in reads] == ["65536"], "more than the header was read"
    assert not reg.asked("PATCH", "") and not reg.asked("POST", "")
    # A registry that has it not gets it, and nobody can be fooled by a note that is wrong.
    ok(haven("push", folder, f"{other.host}/p/m"))
    assert set(other.blobs) == set(reg.blobs)
    note = os.path.join(env["HAVEN_CACHE_DIR"], notes(env)[0])
    raw = bytearray(open(note, "rb").read())
    raw[74 + 7:74 + 7 + 64] = b"0" * 64
    raw[-32:] = hashlib.sha256(raw[:-32]).digest()
    open(note, "wb").write(raw)
    third = fake()
    assert json.loads(ok(haven("push", "--json", folder, f"{third.host}/p/m")).stdout)["digest"] == digest
    assert set(third.blobs) == set(reg.blobs)


def test_young_files_are_not_remembered(fake, haven, env, tmp_path):
    reg = fake()
    folder = write(tmp_path / "m", {"w.safetensors": noise(6 * MIB)})
    os.utime(folder / "w.safetensors", (1, 1))
    ok(haven("push", folder, f"{reg.host}/p/m"))
    assert notes(env) == []


def test_memory_is_private_and_never_in_the_way(fake, haven, env, tmp_path):
    reg = fake()
    reg.upload_query = "&secret=s3cr3t"
    folder, content = half_pushed(reg, haven, env, tmp_path)
    note = os.path.join(env["HAVEN_CACHE_DIR"], notes(env)[0])
    assert os.stat(note).st_mode & 0o777 == 0o600 and os.stat(env["HAVEN_CACHE_DIR"]).st_mode & 0o777 == 0o700
    assert b"s3cr3t" in open(note, "rb").read()
    reg.hook = lambda h: h.command == "PATCH" and not h.error(403, "DENIED")
    done = refused(haven("push", folder, f"{reg.host}/p/m"), "DENIED")
    assert "s3cr3t" not in done.stdout + done.stderr
    reg.hook = None
    for bad in ("/dev/null/x", "/proc/nowhere", "relative/to/nothing"):
        ok(haven("push", folder, f"{reg.host}/p/m", env={**env, "HAVEN_CACHE_DIR": bad}, cwd=tmp_path))
    plain = {k: v for k, v in env.items() if k not in ("HAVEN_CACHE_DIR", "HOME", "XDG_CACHE_HOME")}
    ok(haven("push", folder, f"{reg.host}/p/m", env=plain))
    ok(haven("push", folder, f"{reg.host}/p/m2", env={**plain, "XDG_CACHE_HOME": str(tmp_path / "xdg")}))
    assert os.listdir(tmp_path / "xdg" / "haven")


def test_two_pushes_of_one_directory(fake, haven, env, tmp_path):
    reg = fake()
    folder, content = half_pushed(reg, haven, env, tmp_path)
    reg.received = lambda handler, held: time.sleep(0.0005)
    two = [subprocess.Popen([HAVEN, "push", "-q", str(folder), f"{reg.host}/p/m"], env=env, stderr=subprocess.PIPE)
           for _ in range(2)]
    for one in two:
        _, said = one.communicate(timeout=120)
        assert one.returncode == 0, said
    assert reg.blobs[sha(content)] == content


def test_nothing_is_written_but_the_memory(fake, haven, env, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    reg = fake()
    folder = write(tmp_path / "m", {"w.safetensors": noise(6 * MIB), "t.txt": b"t"})
    time.sleep(SETTLED)
    log = tmp_path / "trace"
    ok(subprocess.run(["strace", "-f", "-qq", "-e", "trace=open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,"
                       "linkat,symlink,symlinkat", "-y", "-o", log, HAVEN, "push", str(folder), f"{reg.host}/p/m"],
                      env={**env, "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True, timeout=120))
    written = [line for line in log.read_text().splitlines()
               if ("O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line or "open" not in line.split("(")[0])
               and env["HAVEN_CACHE_DIR"] not in line and "/dev/" not in line and "/proc/" not in line
               and " = -1 " not in line and "+++" not in line and "---" not in line]
    # Directories on the way to the memory are there already.
    assert [line for line in written if "EEXIST" not in line] == []
    assert "O_CREAT" in log.read_text(), "nothing was traced"


# ---- registries that want it otherwise ----

BIG = 70 * MIB


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A file of more than one chunk."""
    return write(tmp_path_factory.mktemp("big"), {"w.safetensors": noise(MIB, 3) * (BIG // MIB)})


def blob_of(folder):
    return (folder / "w.safetensors").read_bytes()


@pytest.mark.parametrize("status", [400, 404, 405, 416, 501])
def test_registry_without_chunks(fake, haven, big, status):
    """Then the blob goes in one PATCH, as docker sends it."""
    reg = fake()
    seen = []

    def hook(h):
        if h.command == "PATCH" and "Content-Range" in h.headers:
            seen.append(1)
            for _ in h.body():
                pass
            h.error(status, "UNSUPPORTED")
            return True
        return False

    reg.hook = hook
    content = blob_of(big)
    ok(haven("push", big, f"{reg.host}/p/m"))
    assert reg.blobs[sha(content)] == content and len(seen) == 1
    assert reg.taken < BIG + 64 * MIB + MIB


@pytest.mark.parametrize("status", [404, 405, 501])
def test_registry_without_patch(fake, haven, tmp_path, status):
    """The digest is found first, then all goes in one PUT."""
    reg = fake()
    reg.hook = lambda h: h.command == "PATCH" and ([None for _ in h.body()] and not h.error(status, "UNSUPPORTED"))
    files = {f"{i}.safetensors": noise(5 * MIB + i, i) for i in range(3)}
    ok(haven("push", "-j", "1", write(tmp_path / "m", files), f"{reg.host}/p/m"))
    assert all(reg.blobs[sha(content)] == content for content in files.values())
    assert len(reg.asked("PATCH", "")) == 1, "what it refused was tried again"


def test_proxy_with_a_limit(fake, haven, big):
    """413: smaller chunks."""
    reg = fake()

    def hook(h):
        if int(h.headers.get("Content-Length", 0)) > 20 * MIB:
            for _ in h.body():
                pass
            h.reply(413, {}, b"<html>too large</html>")
            return True
        return False

    reg.hook = hook
    content = blob_of(big)
    ok(haven("push", big, f"{reg.host}/p/m"))
    assert reg.blobs[sha(content)] == content
    sizes = [int(h["Content-Length"]) for _, _, h in reg.asked("PATCH", "")]
    assert sizes == [64 * MIB] + [16 * MIB] * 4 + [6 * MIB]


def test_least_chunk(fake, haven, big):
    reg = fake()
    reg.chunk_min = 67 * MIB
    ok(haven("push", big, f"{reg.host}/p/m"))
    assert [h["Content-Range"] for _, _, h in reg.asked("PATCH", "")] == [
        f"0-{67 * MIB - 1}", f"{67 * MIB}-{BIG - 1}"]


def test_patch_answered_by_201(fake, haven, tmp_path):
    reg = fake()
    reg.patch_status = 201
    content = noise(5 * MIB)
    ok(haven("push", write(tmp_path / "m", {"w.bin": content}), f"{reg.host}/p/m"))
    assert reg.blobs[sha(content)] == content


# ---- requests ----

@pytest.mark.parametrize("single,most", [(True, 1.15), (False, 2.15)])
def test_requests_per_small_file(fake, haven, tmp_path, single, most):
    """Of many small files that the registry has not."""
    reg = fake(single=single)
    files = {f"d{i % 7}/{i}.txt": b"file %d" % i for i in range(400)}
    folder = write(tmp_path / "m", files)
    ok(haven("push", "-q", folder, f"{reg.host}/p/m"))
    assert len(reg.requests) < most * len(files), len(reg.requests)
    assert len(reg.connections) <= 5, "connections are not kept"
    # What is there is asked for, and not sent again.
    reg.requests.clear()
    reg.taken = 0
    done = json.loads(ok(haven("push", "-q", "--json", folder, f"{reg.host}/p/m")).stdout)
    assert done["files_present"] == 400 and done["bytes_transferred"] == 0
    assert len(reg.requests) < 1.05 * len(files)
    # Half of it is gone: what is left is found again.
    reg.manifests.clear()
    for path in list(files)[:200]:
        del reg.blobs[sha(files[path])]
    done = json.loads(ok(haven("push", "-q", "--json", folder, f"{reg.host}/p/m")).stdout)
    assert 100 < done["files_present"] <= 200
    assert all(sha(content) in reg.blobs for content in files.values())


# ---- image layouts ----

def test_build(docker_registry, haven, model, tmp_path, env):
    layout = tmp_path / "layout"
    built = json.loads(ok(haven("build", "--json", model, "-o", layout, "-t", "v1")).stdout)
    ref = f"{docker_registry}/library/model:v1"
    pushed = json.loads(ok(haven("push", "--json", model, ref)).stdout)
    assert built["digest"] == pushed["digest"], "the same model, the same bytes"
    assert built["reference"] == f"{layout}:v1"
    assert not (layout / ".haven-partial").exists()
    for path in (layout / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    again = json.loads(ok(haven("build", "--json", model, "-o", layout, "-t", "v2")).stdout)
    assert again["digest"] == built["digest"] and again["files_present"] == 5, again
    index = json.loads((layout / "index.json").read_text())
    assert [m["annotations"]["org.opencontainers.image.ref.name"] for m in index["manifests"]] == ["v1", "v2"]
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    said = subprocess.run(["skopeo", "inspect", "--raw", f"oci:{layout}:v1"], capture_output=True, check=True)
    assert sha(said.stdout) == built["digest"]
    copied = f"{docker_registry}/library/copied:v1"
    subprocess.run(["skopeo", "copy", "--preserve-digests", "--dest-tls-verify=false", f"oci:{layout}:v1",
                    f"docker://{copied}"], check=True, capture_output=True, env=env)
    ok(haven("pull", copied, tmp_path / "o"))
    assert tree(tmp_path / "o") == MODEL


def test_build_refuses(haven, model, tmp_path):
    refused(haven("build", model), "USAGE", "-o LAYOUT")
    refused(haven("build", model, "-o", model), "CONFLICT", "other files")
    refused(haven("build", model, "-o", tmp_path / "l", "-t", ".bad"), "TAG_INVALID")
    refused(haven("build", tmp_path / "absent", "-o", tmp_path / "l"), "IO", "absent")
    refused(haven("build", model, "-o", tmp_path / "no" / "such"), "IO")
    assert not (tmp_path / "l").exists()


def test_killed_build(haven, model, env, tmp_path):
    layout = tmp_path / "layout"
    write(model, {"big.safetensors": noise(MIB, 5) * 48})
    for i in range(20 if LONG else 4):
        kill_at(env, ("build", "-q", model, "-o", layout),
                lambda: (layout / ".haven-partial").exists() and any((layout / ".haven-partial").iterdir()))
        if (layout / "blobs" / "sha256").exists():
            for path in (layout / "blobs" / "sha256").iterdir():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    ok(haven("build", model, "-o", layout))
    assert not (layout / ".haven-partial").exists()


# ---- both sides killed, again and again ----

class Relay:
    """Counts what a client sends, and gives one address to servers that come and go."""

    def __init__(self, port):
        self.port, self.sent, self.open = port, 0, set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            self.open |= {client, server}
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, source, target, count):
        try:
            while piece := source.recv(1 << 18):
                if count:
                    self.sent += len(piece)
                target.sendall(piece)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open.discard(source)

    def close(self):
        self.listener.close()


ROUNDS = 100 if LONG else 6


def logged_in(env, tmp_path, host):
    write(tmp_path / "docker", {"config.json": json.dumps(
        {"auths": {host: {"username": USER, "password": PASSWORD}}}).encode()})


def loop(haven, env, tmp_path, relay, ref, strike):
    """Kills a push at random moments until ROUNDS blobs have been through it."""
    chance = random.Random(7)
    kills = 0
    for round_ in range(ROUNDS):
        content = noise(MIB, round_) * 24
        small = {f"{i}.txt": b"%d %d" % (round_, i) for i in range(5)}
        folder = write(tmp_path / f"m{round_}", {"w.safetensors": content, **small})
        if round_ == 0:
            time.sleep(SETTLED)
        os.utime(folder / "w.safetensors", (1, 1))
        target = relay.sent + chance.randrange(1, 24 * MIB)
        kills += strike(("push", "-q", folder, ref), lambda: relay.sent >= target) != 0
        done = json.loads(ok(haven("push", "-q", "--json", folder, ref)).stdout)
        out = tmp_path / "out"
        ok(haven("pull", "-q", f"{ref.rsplit(':', 1)[0]}@{done['digest']}", out))
        assert tree(out) == {"w.safetensors": content, **small}
        shutil.rmtree(out)
        shutil.rmtree(folder)
    return kills


def test_push_killed_against_haven(start, haven, env, tmp_path):
    server = start()
    relay = Relay(server.port)
    logged_in(env, tmp_path, relay.host)
    content = noise(MIB, 99) * 48
    folder = write(tmp_path / "one", {"w.safetensors": content})
    time.sleep(SETTLED)
    kills = 0
    # One push that is killed again and again: all in all little more than its bytes goes out.
    while kills < 3:
        before = relay.sent
        status = kill_at(env, ("push", "-q", folder, f"{relay.host}/library/one:v1"),
                         lambda: relay.sent > before + 10 * MIB)
        if status == 0:
            break
        kills += 1
        print("killed", kills, before, relay.sent)
    assert kills == 3
    done = json.loads(ok(haven("push", "-q", "--json", folder, f"{relay.host}/library/one:v1")).stdout)
    print(server.log())
    assert relay.sent < len(content) + kills * 6 * MIB, relay.sent
    assert loop(haven, env, tmp_path, relay, f"{relay.host}/library/loop:v1",
                lambda args, reached: kill_at(env, args, reached)) > 0
    relay.close()


def test_server_killed_in_the_middle(start, haven, env, tmp_path):
    """The same push survives it, and what the server had is not sent again."""
    server = start()
    relay = Relay(server.port)
    logged_in(env, tmp_path, relay.host)
    content = noise(MIB, 98) * 64
    folder = write(tmp_path / "m", {"w.safetensors": content, "a.txt": b"a"})
    for _ in range(10 if LONG else 1):
        push = subprocess.Popen([HAVEN, "push", "-q", str(folder), f"{relay.host}/library/k:v1"], env=env,
                                stderr=subprocess.PIPE)
        before = relay.sent
        wait_until(lambda: relay.sent > before + 24 * MIB or push.poll() is not None)
        relay.port = 1  # nobody's: the old one may be given to a stranger meanwhile
        server.restart(crash=True)
        relay.port = server.port
        _, said = push.communicate(timeout=120)
        assert push.returncode == 0, said
        ok(haven("pull", "-q", f"{relay.host}/library/k:v1", tmp_path / "out"))
        assert tree(tmp_path / "out") == {"w.safetensors": content, "a.txt": b"a"}
        shutil.rmtree(tmp_path / "out")
    relay.close()


def test_push_killed_against_docker_registry(docker_registry, haven, env, tmp_path):
    """It gives an upload up whose PATCH broke; what is left is to end right."""
    relay = Relay(int(docker_registry.rsplit(":", 1)[1]))
    assert loop(haven, env, tmp_path, relay, f"{relay.host}/library/loop:v1",
                lambda args, reached: kill_at(env, args, reached)) > 0
    relay.close()


# ---- other forms ----

def manifest_of(reg, digest):
    return json.loads(reg.manifests["p/m", digest])


def test_tar(fake, haven, model):
    """One archive for each file, the same bytes always, and each file read into it once."""
    reg = fake()
    digest = json.loads(ok(haven("push", "--json", "--tar", model, f"{reg.host}/p/m")).stdout)["digest"]
    manifest = manifest_of(reg, digest)
    layers = {l["annotations"]["org.cncf.model.filepath"]: l for l in manifest["layers"]}
    assert set(layers) == set(MODEL) and manifest["artifactType"].endswith("model.manifest.v1+json")
    for path, layer in layers.items():
        blob = reg.blobs[layer["digest"]]
        assert layer["size"] == len(blob) and layer["mediaType"].endswith(".v1.tar")
        with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
            members = tar.getmembers()
            assert [m.name for m in members] == [path] and members[0].mtime == 0
            assert members[0].mode == (0o755 if path.endswith(".py") else 0o644)
            assert tar.extractfile(members[0]).read() == MODEL[path]
    config = json.loads(reg.blobs[manifest["config"]["digest"]])
    assert config["modelfs"]["diffIds"] == [l["digest"] for l in manifest["layers"]]
    assert config["descriptor"]["family"] == "qwen2"
    assert json.loads(ok(haven("push", "--json", "--tar", "-j", "1", model, f"{reg.host}/p/m")).stdout)["digest"] == digest


def test_ended_push_of_an_archive_goes_on(fake, haven, env, tmp_path):
    """What is remembered of an archive is not taken for its file, nor the other way round."""
    reg = fake()
    content = noise(40 * MIB)
    folder = write(tmp_path / "m", {"w.safetensors": content})
    time.sleep(SETTLED)
    held = []

    def received(handler, data):
        held[:] = [len(data)]
        time.sleep(0.001)

    reg.received = received
    kill_at(env, ("push", "-q", "--tar", folder, f"{reg.host}/p/m"), lambda: held and held[0] > 12 * MIB)
    reg.received = None
    wait_until(reg.quiet)
    had = held[0]
    reg.taken = 0
    tarred = json.loads(ok(haven("push", "--json", "--tar", folder, f"{reg.host}/p/m")).stdout)
    assert reg.taken < len(content) - had + 100000
    layer = manifest_of(reg, tarred["digest"])["layers"][0]
    assert reg.blobs[layer["digest"]][512:512 + len(content)] == content
    raw = json.loads(ok(haven("push", "--json", folder, f"{reg.host}/p/m")).stdout)
    assert manifest_of(reg, raw["digest"])["layers"][0]["digest"] == sha(content)
    # Both are known now, and nothing is sent.
    reg.taken = 0
    for extra, want in ((["--tar"], tarred), ([], raw)):
        again = json.loads(ok(haven("push", "--json", *extra, folder, f"{reg.host}/p/m")).stdout)
        assert again["digest"] == want["digest"] and again["bytes_transferred"] == 0


def test_archive_of_a_file_that_changes(fake, haven, tmp_path):
    reg = fake()
    folder = write(tmp_path / "m", {"w.safetensors": noise(24 * MIB)})
    changed = []

    def received(handler, held):
        if not changed and len(held) > 2 * MIB:
            changed.append(1)
            (folder / "w.safetensors").open("r+b").write(b"other bytes")

    reg.received = received
    refused(haven("push", "--tar", folder, f"{reg.host}/p/m"), "MODEL_INVALID", "w.safetensors was changed")
    assert changed and not reg.manifests


def test_cnai_image(docker_registry, haven, model, tmp_path, env):
    """What container programs take for an image: all files are in its layers, small ones together."""
    write(model, {f"many/{i}.txt": b"%d" % i for i in range(300)})
    write(model, {"many/large.txt": noise(5 * MIB, 11)})  # their layer does not fit into memory
    ref = f"{docker_registry}/library/pictures/model:v1"
    pushed = json.loads(ok(haven("push", "--json", "--form", "cnai-image", model, ref)).stdout)
    assert pushed["files"] == 309
    request = urllib.request.Request(f"http://{docker_registry}/v2/library/pictures/model/manifests/v1", headers={"Accept": OCI})
    manifest = json.load(urllib.request.urlopen(request))
    assert manifest["artifactType"] == "application/vnd.cncf.cnai.model.manifest.v1+json"
    assert len(manifest["layers"]) <= 7
    got = {}
    for layer in manifest["layers"]:
        blob = urllib.request.urlopen(f"http://{docker_registry}/v2/library/pictures/model/blobs/{layer['digest']}").read()
        assert sha(blob) == layer["digest"] and len(blob) == layer["size"]
        with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
            got.update({m.name: tar.extractfile(m).read() for m in tar.getmembers()})
    assert got == tree(model)
    layout = tmp_path / "layout"
    built = json.loads(ok(haven("build", "--json", "--form", "cnai-image", model, "-o", layout, "-t", "v1")).stdout)
    assert built["digest"] == pushed["digest"]
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    said = subprocess.run(["skopeo", "inspect", "--tls-verify=false", f"docker://{ref}"], capture_output=True, env=env,
                          check=True)
    assert json.loads(said.stdout)["Layers"] == [l["digest"] for l in manifest["layers"]]


def test_forms(haven, model):
    refused(haven("push", "--form", "zip", model, "localhost:1/a/b"), "USAGE", "zip")
    refused(haven("build", "--form", "zip", model, "-o", "x"), "USAGE", "zip")


# ---- many files ----

@pytest.mark.parametrize("options", [(), ("--tar",)])
def test_more_files_than_layers(docker_registry, haven, tmp_path, options):
    """Small files share layers then, and come back as the files they were."""
    files = {f"pieces/{i // 500}/{i:05}.bin": b"%d" % i * (i % 60) for i in range(2100)}
    files |= {"config.json": b'{"model_type": "pieces"}', "README.md": b"# Pieces\n", "large.safetensors": noise(2 * MIB, 3)}
    folder = write(tmp_path / "m", files)
    (folder / "pieces" / "0" / "00001.bin").chmod(0o755)
    ref = f"{docker_registry}/library/pieces{len(options)}:v1"
    first = json.loads(ok(haven("push", "-q", "--json", *options, folder, ref)).stdout)
    assert first["files"] == len(files)
    again = json.loads(ok(haven("push", "-q", "--json", *options, folder, ref)).stdout)
    assert again["digest"] == first["digest"] and again["bytes_transferred"] == 0
    request = urllib.request.Request(f"http://{docker_registry}/v2/library/pieces{len(options)}/manifests/v1",
                                     headers={"Accept": OCI})
    with urllib.request.urlopen(request) as answer:
        layers = json.load(answer)["layers"]
    paths = [layer["annotations"]["org.cncf.model.filepath"] for layer in layers]
    assert len(layers) < 20 and {"config.json", "README.md", "large.safetensors"} <= set(paths), paths
    shared = [layer for layer in layers if layer["mediaType"].endswith(".v1.tar") and "-files-" in
              layer["annotations"]["org.cncf.model.filepath"]]
    assert shared
    out = tmp_path / "out"
    ok(haven("pull", "-q", ref, out))
    assert tree(out) == files
    assert os.stat(out / "pieces" / "0" / "00001.bin").st_mode & 0o777 == 0o755
