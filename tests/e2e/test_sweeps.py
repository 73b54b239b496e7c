# SPDX-License-Identifier: Apache-2.0
"""What takes longer the more of it there is: `make test` does a little, `make test-long` a lot (HAVEN_TEST_LONG)."""
import hashlib
import os
import pathlib
import random
import threading
import time

import pytest

from harness.raw import Raw
from harness.record import HAVEN
from harness.registry import Unfinished, digest_of

pytestmark = pytest.mark.release
LONG = bool(os.environ.get("HAVEN_TEST_LONG"))
MIB = 1 << 20
BLOB = 10240 * MIB if LONG else 192 * MIB
KILLS = 60 if LONG else 3
SANITIZED = b"__asan_init" in pathlib.Path(HAVEN).read_bytes()


def stream(server, location, pieces, size, digest):
    """One closing PUT whose body is never whole in memory."""
    with Raw(server, timeout=300) as raw:
        raw.head(f"PUT {location}?digest={digest} HTTP/1.1", f"Content-Length: {size}")
        for piece in pieces:
            raw.send(piece)
        answer = raw.answer()
        assert answer.status == 201, answer


def test_memory_does_not_grow_with_blobs(start):
    server = start()
    registry = server.registry()
    block = os.urandom(8 * MIB)
    whole, count = hashlib.sha256(), BLOB // len(block)
    for at in range(count):
        whole.update(at.to_bytes(8, "big") + block[8:])
    digest = "sha256:" + whole.hexdigest()
    registry.push_blob("library/large", block)  # what every server needs for its first transfer
    assert registry.blob("library/large", digest_of(block)).body == block
    before = server.rss()
    stream(server, registry.open_upload("library/large"),
           (at.to_bytes(8, "big") + block[8:] for at in range(count)), BLOB, digest)
    with Raw(server, timeout=300) as raw:
        raw.head(f"GET /v2/library/large/blobs/{digest} HTTP/1.1")
        status, headers = raw.read_head()
        assert status == 200 and ("Content-Length", str(BLOB)) in headers
        seen, left = hashlib.sha256(raw.buffer), BLOB - len(raw.buffer)
        while left:
            piece = raw.receive(MIB)
            assert piece, f"{left} bytes are missing"
            seen.update(piece)
            left -= len(piece)
    assert seen.hexdigest() == whole.hexdigest()
    if not SANITIZED:  # a sanitizer keeps freed memory on purpose
        assert server.rss() - before < 16 * MIB
    registry.close()


class Pusher(threading.Thread):
    """Pushes until the server is gone; knows what was acknowledged."""

    def __init__(self, server, seed):
        super().__init__()
        self.registry, self.repo, self.random = server.registry(), f"library/kill-{seed % 2}", random.Random(seed)
        self.stored, self.begun, self.problem = {}, {}, None

    def run(self):
        try:
            while True:
                self.push()
        except Unfinished:
            pass
        except Exception as problem:  # noqa: BLE001 - told by the main thread
            self.problem = problem
        finally:
            self.registry.close()

    def push(self):
        data = os.urandom(self.random.choice([10, 5_000, 400_000, 3_000_000]))
        location = self.registry.open_upload(self.repo)
        cut = self.random.randrange(len(data))
        answer = self.registry.patch(location, data[:cut], chunked=True)
        assert answer.status == 202, answer
        self.begun[location] = data
        answer = self.registry.finish(location, digest_of(data), data[cut:])
        assert answer.status == 201, answer
        del self.begun[location]
        self.stored[digest_of(data)] = data


def check(server, pushers):
    """Everything acknowledged is there, and what was begun goes on from where the server says it stands."""
    registry = server.registry()
    for pusher in pushers:
        for digest, data in pusher.stored.items():
            answer = registry.blob(pusher.repo, digest)
            assert answer.status == 200 and answer.body == data, answer
        for location, data in pusher.begun.items():
            answer = registry.get(location)
            if answer.status == 404:  # the closing request had begun its last steps; nothing was promised
                assert registry.blob(pusher.repo, digest_of(data)).status in (200, 404)
                assert registry.push_blob(pusher.repo, data) == digest_of(data)
                assert registry.blob(pusher.repo, digest_of(data)).body == data
                continue
            at = int(answer.get("Range").partition("-")[2])
            at = at + 1 if at else 0
            assert at <= len(data), answer
            answer = registry.finish(location, digest_of(data), data[at:], first=at if at < len(data) else None)
            if answer.status == 416:  # one byte and none look the same
                answer = registry.finish(location, digest_of(data), data[1:], first=1)
            assert answer.status == 201, answer
    registry.close()


def test_killed_again_and_again(start):
    server = start()
    chance = random.Random(11)
    for round_ in range(KILLS):
        pushers = [Pusher(server, round_ * 10 + i) for i in range(4)]
        for pusher in pushers:
            pusher.start()
        time.sleep(chance.uniform(0.05, 0.6))
        server.restart(crash=True)
        for pusher in pushers:
            pusher.join(120)
            assert not pusher.is_alive()
            if pusher.problem:
                raise pusher.problem
        check(server, pushers)
