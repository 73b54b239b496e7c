# SPDX-License-Identifier: Apache-2.0
"""What outlives the process: uploads in progress, blobs, tags; after an orderly stop and after kill -9."""
import os
import threading
import time

import pytest

from harness.content import descriptor, artifact, noise, push, small_image
from harness.raw import Raw
from harness.registry import OCI_MANIFEST, Unfinished, digest_of
from harness.server import wait_until


@pytest.mark.release
@pytest.mark.parametrize("crash", [False, True], ids=["stop", "kill"])
@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_upload_goes_on_after_a_restart(start, crash, alg):
    """Session, offset and running hash survive; the digest is right in the end."""
    server = start()
    registry = server.registry()
    data = noise(3_000_000)
    location = registry.open_upload("library/long", f"?digest-algorithm={alg}")
    at = 0
    for size in (1_000_001, 999_998):  # not multiples of any block
        answer = registry.patch(location, data[at:at + size], at)
        assert answer.status == 202
        location, at = answer.get("Location"), at + size
        server.restart(crash=crash)
        registry = server.registry()
        answer = registry.get(location)
        assert (answer.status, answer.get("Range")) == (204, f"0-{at - 1}"), answer
    assert registry.patch(location, b"x" * 10, 0).status == 416
    answer = registry.finish(location, digest_of(data, alg), data[at:], at)
    assert answer.status == 201, answer
    assert registry.blob("library/long", digest_of(data, alg)).body == data


def test_upload_cut_off_by_a_crash(start):
    """What was acknowledged is there; what came behind it may be, and the client is told how much."""
    server = start()
    registry = server.registry()
    data = noise(12_000_000)
    location = registry.patch(registry.open_upload("library/cut"), data[:1_000_000], 0).get("Location")
    with Raw(server) as raw:
        raw.head(f"PATCH {location} HTTP/1.1", f"Content-Length: {len(data) - 1_000_000}")
        raw.send(data[1_000_000:9_000_000])
        time.sleep(0.3)
        server.restart(crash=True)
    registry = server.registry()
    answer = registry.get(location)
    assert answer.status == 204, answer
    have = int(answer.get("Range").partition("-")[2]) + 1
    assert 1_000_000 <= have <= 9_000_000
    answer = registry.patch(location, data[have:], have)
    assert answer.status == 202, answer
    assert registry.finish(location, digest_of(data)).status == 201
    assert registry.blob("library/cut", digest_of(data)).body == data


@pytest.mark.parametrize("crash", [False, True], ids=["stop", "kill"])
def test_everything_is_there_again(start, crash):
    server = start()
    registry = server.registry()
    document, blobs = small_image()
    digest, data = push(registry, "library/kept", document, blobs, "v1", "v2")
    note, _ = push(registry, "library/kept", *artifact("application/note", descriptor(data, OCI_MANIFEST)))
    lone = registry.push_blob("library/kept", noise(100_000), "sha512")
    gone, _ = push(registry, "library/kept", *small_image(), "gone")
    registry.delete(f"/v2/library/kept/manifests/{gone}")
    for _ in range(2):
        server.restart(crash=crash)
        registry = server.registry()
        assert registry.tags("library/kept").json()["tags"] == ["v1", "v2"]
        assert registry.manifest("library/kept", "v2").body == data
        assert registry.manifest("library/kept", gone).status == 404
        for blob, content in blobs.items():
            assert registry.blob("library/kept", blob).body == content
        assert registry.head(f"/v2/library/kept/blobs/{lone}").status == 200
        found = registry.referrers("library/kept", digest).json()["manifests"]
        assert [d["digest"] for d in found] == [note]
        assert registry.get("/v2/_catalog").json() == {"repositories": ["library/kept"]}


def test_nothing_acknowledged_is_lost(start):
    """Clients push while the server is killed again and again; every 201 has to hold."""
    server = start()
    acknowledged, stop = {}, threading.Event()

    def work(n):
        registry = server.registry(timeout=10)
        i = 0
        while not stop.is_set():
            i += 1
            data = noise(20_000, seed=n * 100_000 + i)
            digest = digest_of(data)
            try:
                if registry.url != server.url:
                    registry = server.registry(timeout=10)
                if registry.by_put("library/storm", data, digest).status == 201:
                    acknowledged[digest] = (n, i)
            except (Unfinished, AssertionError, OSError):
                time.sleep(0.05)
                registry = server.registry(timeout=10)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        count = len(acknowledged)
        wait_until(lambda: len(acknowledged) > count + 5, 30, "pushes")
        server.kill()
        server.start()
    stop.set()
    for thread in threads:
        thread.join()
    registry = server.registry()
    assert len(acknowledged) > 20
    for digest, (n, i) in acknowledged.items():
        answer = registry.blob("library/storm", digest)
        assert answer.status == 200 and answer.body == noise(20_000, seed=n * 100_000 + i), digest


def test_orderly_stop_finishes_transfers(start):
    """A push and a pull under way are completed; new connections are not taken."""
    server = start()
    registry = server.registry()
    data = noise(8_000_000, seed=77)
    digest = registry.push_blob("library/drain", data)
    location = registry.open_upload("library/drain")
    with Raw(server, receive_buffer=65536) as down, Raw(server) as up:
        down.head(f"GET /v2/library/drain/blobs/{digest} HTTP/1.1")
        assert down.read_head()[0] == 200
        up.head(f"PATCH {location} HTTP/1.1", "Content-Length: 200000")
        up.send(bytes(100_000))
        time.sleep(0.2)
        server.process.terminate()
        time.sleep(0.3)
        up.send(bytes(100_000))
        assert up.answer().status == 202
        while len(down.buffer) < len(data):
            assert down.fill(), "the download was cut"
        assert digest_of(down.buffer) == digest
    assert server.process.wait(60) == 0
    server.forget()
    server.start()
    assert server.registry().get(location).get("Range") == "0-199999"


def test_stale_uploads_are_removed(start):
    """Sessions of which only old debris is left go at the next start; young ones stay."""
    server = start(config={"registry.upload_expiry": "2d"})
    registry = server.registry()
    location = registry.patch(registry.open_upload("library/stale"), b"x" * 1000).get("Location")
    fresh = registry.patch(registry.open_upload("library/stale"), b"y" * 1000).get("Location")
    server.stop()
    folder = server.data / "uploads" / location.rpartition("/")[2]
    os.truncate(folder / "state", 0)
    old = time.time() - 3 * 86400
    os.utime(folder, (old, old))
    server.start()
    registry = server.registry()
    wait_until(lambda: not folder.exists(), 20, "the removal")
    answer = registry.get(location)
    assert answer.status == 404 and answer.errors() == ["BLOB_UPLOAD_UNKNOWN"]
    assert registry.get(fresh).get("Range") == "0-999"


def test_damaged_session(start):
    """A session whose state cannot be trusted is not gone on with."""
    server = start()
    registry = server.registry()
    data = noise(10_000)
    location = registry.patch(registry.open_upload("library/damaged"), data[:5000]).get("Location")
    server.stop()
    folder = server.data / "uploads" / location.rpartition("/")[2]
    with open(folder / "state", "r+b") as state:
        content = bytearray(state.read())
        for i in range(0, len(content), 7):
            content[i] ^= 0x55
        state.seek(0)
        state.write(content)
    server.start()
    registry = server.registry()
    answer = registry.patch(location, data[5000:], 5000)
    assert answer.status in (400, 404, 416, 500), answer
    answer = registry.finish(location, digest_of(data))
    assert answer.status != 201, answer
    assert registry.head(f"/v2/library/damaged/blobs/{digest_of(data)}").status == 404
