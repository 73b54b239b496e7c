# SPDX-License-Identifier: Apache-2.0
"""What happens to a machine happens to a server: a full disk, one that turns read-only, a damaged database, a clock
that jumps, no descriptors, no memory, thousands of silent clients. docs/resilience.md says what then is so."""
import json
import os
import pathlib
import re
import resource
import subprocess
import threading
import time

import pytest

from harness.client import env, haven, ok, refused  # noqa: F401
from harness.content import dump, image, noise
from harness.content import push as push_image
from harness.raw import Raw
from harness.record import HAVEN
from harness.registry import Unfinished, digest_of
from harness.server import wait_until

REPO = "library/hard"
MIB = 1 << 20
# A mount of the server's own, which goes with it.
OWN_MOUNTS = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
IDLE = 10_000
SANITIZED = "asan" in HAVEN or "tsan" in HAVEN


def push(server, tag, size=20_000):
    registry = server.registry()
    document, blobs = image([noise(size), noise(300)])
    push_image(registry, REPO, document, blobs, tag)
    registry.close()
    return tag, dump(document), blobs


def check(server, *images):
    registry = server.registry()
    for tag, data, blobs in images:
        assert registry.manifest(REPO, tag).body == data
        for digest, content in blobs.items():
            answer = registry.blob(REPO, digest)
            assert answer.status == 200 and answer.body == content, answer
    registry.close()


def error_of(answer):
    return json.loads(answer.body)["errors"][0]["code"]


def inside(server, *command):
    """Runs a command among the server's mounts."""
    done = subprocess.run(["nsenter", "-t", str(server.pid), *(["-U", "--preserve-credentials"] if os.geteuid() else []),
                           "-m", *map(str, command)], capture_output=True, text=True, check=False)
    return done


@pytest.fixture
def small_disk(start):
    """A server whose data lies on a file system of 24 MiB."""
    server = start(running=False)
    server.data.mkdir()
    server.start(wrapper=[*OWN_MOUNTS, "sh", "-c",
                          f'mount -t tmpfs -o size=24m none "{server.data}" && exec "$@"', "sh"])
    server.seen = pathlib.Path(f"/proc/{server.pid}/root{server.data}")
    return server


def free_bytes(server):
    found = os.statvfs(server.seen)
    return found.f_bavail * found.f_frsize


def test_disk_full(small_disk):
    server = small_disk
    kept = push(server, "kept")
    registry = server.registry()
    free = free_bytes(server)
    # The length is known: refused before a byte of it is sent.
    with Raw(server) as raw:
        raw.head(f"POST /v2/{REPO}/blobs/uploads/?digest={digest_of(b'x')} HTTP/1.1", "Content-Length: 100000000")
        answer = raw.answer()
        assert answer.status == 507 and error_of(answer) == "UNAVAILABLE", answer
    # It is not: refused where the disk ends, and the space is free again.
    data = noise(40 * MIB)
    answer = registry.by_put_chunked(REPO, data, digest_of(data))
    assert answer.status == 507 and "full" in answer.body.decode(), answer
    wait_until(lambda: free_bytes(server) > free - MIB, 10, "the space")
    check(server, kept)
    # Somebody else fills it to the last byte.
    with open(server.seen / "filler", "wb", buffering=0) as filler:
        with pytest.raises(OSError):
            while True:
                filler.write(b"x" * 4096)
    check(server, kept)
    assert registry.head(f"/v2/{REPO}/blobs/{next(iter(kept[2]))}").status == 200
    for _ in range(3):
        answer = registry.by_post(REPO, noise(200_000), digest_of(b"y"))
        assert answer.status == 507, answer
    for i in range(60):  # the log of the database has some room
        answer = registry.put_manifest(REPO, f"again{i}", kept[1])
        if answer.status != 201:
            break
    assert answer.status == 507 and error_of(answer) == "UNAVAILABLE", answer
    check(server, kept)
    (server.seen / "filler").unlink()
    more = push(server, "more")
    check(server, kept, more)
    done = inside(server, HAVEN, "fsck", "--data", server.data, "--verify", "--grace", "0s")
    assert done.returncode == 0, done.stdout + done.stderr


def test_start_on_a_read_only_disk(start):
    server = start()
    push(server, "kept")
    server.stop()
    with pytest.raises(AssertionError, match=re.escape(str(server.data))) as refusal:
        server.start(wrapper=[*OWN_MOUNTS, "sh", "-c",
                              f'mount --bind "{server.data}" "{server.data}" &&'
                              f' mount -o remount,bind,ro "{server.data}" && exec "$@"', "sh"])
    assert "Read-only file system" in str(refusal.value)
    server.start()


@pytest.mark.parametrize("where", ["head", "middle"])
def test_damaged_database(start, haven, tmp_path, where):
    server = start()
    kept = push(server, "kept")
    ok(haven("admin", "backup", "--data", server.data, tmp_path / "backup"))
    server.stop()
    path = server.data / "haven.db"
    data = bytearray(path.read_bytes())
    first, last = {"head": (0, 4096), "middle": (4096, len(data))}[where]
    data[first:last] = noise(last - first)
    path.write_bytes(data)
    with pytest.raises(AssertionError, match="restore a backup|not a Haven|another program"):
        server.start()
        # Or it starts, because what it needs for that is whole: then it says so to who asks, and goes on.
        registry = server.registry()
        assert registry.manifest(REPO, "kept").status == 500
        assert server.running()
        raise AssertionError("restore a backup")
    if server.process is not None:
        server.stop()
    assert path.read_bytes() == bytes(data), "it is left as it is"
    other = start(running=False)
    ok(haven("admin", "restore", "--data", other.data, tmp_path / "backup"))
    check(other.start(), kept)




def test_clock_jumps(start, tmp_path):
    """An hour back and a year on: nothing acknowledged is lost, and what is under way can be finished or begun again."""
    library = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
    assert library, "faketime is not installed"
    clock = tmp_path / "clock"
    clock.write_text("+0")
    server = start(running=False, config={"collect.grace": "1h"})
    server.env.update(LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1",
                      FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_RESET="1",
                      ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    server.start()
    images = [push(server, "now")]
    registry = server.registry()
    token = registry.with_token(f"repository:{REPO}:pull")
    location = registry.patch(registry.open_upload(REPO), b"first", 0).get("Location")
    clock.write_text("-1h")
    assert date_of(registry) < time.time() - 3000, "the server sees it"
    images.append(push(server, "back"))
    answer = registry.patch(location, b" and second", 5)
    assert answer.status == 202, answer
    assert registry.finish(answer.get("Location"), digest_of(b"first and second")).status == 201
    check(server, *images)
    clock.write_text("+1y")
    assert token.manifest(REPO, "now").status == 401, "tokens end"
    images.append(push(server, "ahead"))
    check(server, *images)
    server.restart(crash=True)
    check(server, *images)
    clock.write_text("+0")
    images.append(push(server, "again"))
    server.restart()
    check(server, *images)


def date_of(registry):
    from email.utils import parsedate_to_datetime
    return parsedate_to_datetime(registry.get("/v2/").get("Date")).timestamp()


def test_descriptors_used_up(start):
    server = start(running=False)
    server.start(wrapper=["prlimit", "--nofile=120:120"])
    kept = push(server, "kept")
    held = []
    for _ in range(200):
        try:
            raw = Raw(server, timeout=2)
            held.append(raw)
            raw.head("GET /v2/ HTTP/1.1")
        except OSError:
            pass
    time.sleep(0.5)
    assert server.running()
    for raw in held:
        raw.sock.close()

    def answers():
        try:
            return server.registry(timeout=3).get("/v2/").status == 200
        except (Unfinished, OSError):
            return False

    wait_until(answers, 30, "an answer")
    check(server, kept, push(server, "after"))


@pytest.mark.release
def test_memory_used_up(start):
    """The process ends, or says no; started again, it has everything."""
    server = start()
    images = [push(server, f"v{i}") for i in range(3)]
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        size = int(re.search(r"VmSize:\s+(\d+)", status.read())[1]) * 1024
    if not SANITIZED:  # those take all addresses for themselves
        resource.prlimit(server.pid, resource.RLIMIT_AS, (size + 2 * MIB, resource.RLIM_INFINITY))
    over, answered = threading.Event(), []

    def strain(i):
        registry = server.registry(timeout=10)
        layers = [noise(50) for _ in range(3)]
        while not over.is_set():
            try:
                document, _ = image(layers, annotations={str(n): "x" * 1000 for n in range(3000)})
                answered.append(registry.put_manifest(REPO, f"big{i}", dump(document)).status)
            except (Unfinished, OSError):
                if not server.running():
                    return

    threads = [threading.Thread(target=strain, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 4
    while server.running() and time.monotonic() < end:
        time.sleep(0.05)
    over.set()
    for thread in threads:
        thread.join()
    if server.running():
        assert set(answered) <= {400, 404, 413, 500, 503}, set(answered)
        server.restart(crash=True)
    else:
        server.process.wait()
        assert "memory" in server.log(), server.tail()
        server.forget()
        server.start()
    check(server, *images)
    check(server, push(server, "after"))


def test_uploads_of_one_address(start):
    """So many unfinished ones and no more; a finished and a cancelled one make room. Others go on."""
    server = start(config={"registry.max_uploads_per_address": 3, "registry.upload_expiry": "60s",
                           "trusted_proxies": "127.0.0.1"})
    registry = server.registry()

    def begin(**headers):
        return registry.start(REPO, **headers)

    open_ones = [begin().get("Location") for _ in range(3)]
    answer = begin()
    assert answer.status == 429 and error_of(answer) == "TOOMANYREQUESTS" and "127.0.0.1" in str(answer.body)
    assert begin(headers={"X-Forwarded-For": "10.1.2.3"}).status == 202, "another address"
    assert registry.by_post(REPO, b"whole", digest_of(b"whole")).status == 201, "it leaves nothing unfinished"
    assert registry.delete(open_ones[0]).status == 204
    assert begin().status == 202 and begin().status == 429
    assert registry.finish(open_ones[1], digest_of(b"x"), b"x").status == 201
    assert begin().status == 202 and begin().status == 429
    server.config["registry.max_uploads_per_address"] = 0
    server.restart()
    registry = server.registry()
    assert [registry.start(REPO).status for _ in range(6)] == [202] * 6, "no limit"


def test_a_byte_a_second(start):
    """Readers of a blob of 10 GiB who hardly read cost nothing to those who go on at full speed."""
    server = start()
    kept = push(server, "kept", 8 * MIB)
    server.stop()
    huge = "sha256:" + "5" * 64
    path = server.object_path(huge)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.truncate(path, 10 << 30)
    with server.database() as db:
        thing = db.execute("INSERT INTO object (digest, size) VALUES (?, ?)", (huge, 10 << 30)).lastrowid
        blob = db.execute("INSERT INTO blob (digest, size, created_ms) VALUES (?, ?, 0)", (huge, 10 << 30)).lastrowid
        db.execute("INSERT INTO extent (blob_id, seq, object_id, start, len) VALUES (?, 0, ?, 0, ?)",
                   (blob, thing, 10 << 30))
        db.execute("INSERT INTO repository_blob (repository_id, blob_id, created_ms)"
                   " SELECT id, ?, 0 FROM repository WHERE name = ?", (blob, REPO))
    db.close()
    server.start()
    readers = [Raw(server, receive_buffer=4096) for _ in range(40)]
    for raw in readers:
        raw.head(f"GET /v2/{REPO}/blobs/{huge} HTTP/1.1")
        status, headers = raw.read_head()
        assert status == 200 and int(dict((k.lower(), v) for k, v in headers)["content-length"]) == 10 << 30
    before = server.rss()
    images = [kept]
    for i in range(6):
        for raw in readers:
            assert raw.receive(1) == b"\0"
        images.append(push(server, f"v{i}", 4 * MIB))
        check(server, *images)
        time.sleep(0.5)
    assert SANITIZED or server.rss() - before < 64 * MIB
    for raw in readers:
        raw.sock.close()
    check(server, *images)


def test_idle_connections(start):
    """Ten thousand clients that say nothing more cost memory for their sockets, and nobody else notices."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 200
    if hard < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    server = start()
    before = server.rss()
    held = []
    try:
        for _ in range(IDLE):
            raw = Raw(server)
            raw.head("GET /v2/ HTTP/1.1")
            held.append(raw)
        for raw in held:
            assert raw.answer().status == 200
        assert server.open_files() > IDLE
        each = (server.rss() - before) / IDLE
        images = [push(server, f"v{i}", 2 * MIB) for i in range(3)]
        check(server, *images)
        held[0].head("GET /v2/ HTTP/1.1")
        assert held[0].answer().status == 200
        print(f"{each / 1024:.1f} KiB for each idle connection")
        assert SANITIZED or each < 40 * 1024
    finally:
        for raw in held:
            raw.sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: server.open_files() < 500, 60, "the end of the connections")  # idle ones end at 75 s
