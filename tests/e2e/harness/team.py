# SPDX-License-Identifier: Apache-2.0
"""Threads that push, read, check, tag and delete for as long as they are let, and remember what was acknowledged.

The server may be killed and started again meanwhile (on the same port): what was asked for and not answered is then
unsure, and only that.
"""
import random
import threading
import time

from harness.content import dump, image, noise
from harness.registry import OCI_MANIFEST, Unfinished, digest_of

PATIENCE = 60


class Member:
    """One thread with what it holds: tag -> (manifest, blobs)."""

    def __init__(self, team, number):
        self.team, self.number = team, number
        self.repo = f"library/team{number % 2}"
        self.chance = random.Random(number)
        self.registry = team.server.registry()
        self.held, self.unsure, self.rounds, self.failure = {}, {}, 0, None
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            while not self.team.over.is_set():
                self.step()
        except Exception as problem:  # pylint: disable=broad-except
            self.failure = f"{self.repo}: {problem!r}"
            self.team.over.set()
        self.registry.close()

    def ask(self, call):
        """A request that may be repeated, until a server answers it; 503 says to send it once more."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                answer = call()
                if answer.status != 503:
                    return answer
            except (Unfinished, OSError):
                if not self.team.crashes:
                    raise
            assert time.monotonic() < end, "no answer for a minute"
            time.sleep(0.02)

    def push_blob(self, digest, data):
        """As clients do it: ask first."""
        if self.ask(lambda: self.registry.head(f"/v2/{self.repo}/blobs/{digest}")).status == 200:
            return
        form = self.chance.choice(["by_post", "by_put", "by_stream", "by_chunks"])
        answer = self.ask(lambda: getattr(self.registry, form)(self.repo, data, digest))
        assert answer.status == 201, answer

    def put(self, tag, data):
        """Acknowledged, or unsure until the same is acknowledged."""
        answer = self.ask(lambda: self.registry.put_manifest(self.repo, tag, data, OCI_MANIFEST))
        assert answer.status == 201, answer

    def step(self):
        shared = self.team.shared
        document, blobs = image([self.chance.choice(shared), self.chance.choice(shared), noise(300)])
        data, tag = dump(document), f"t{self.number}-{self.rounds}"
        self.rounds += 1
        for digest, content in blobs.items():
            self.push_blob(digest, content)
        self.unsure[tag] = (data, blobs)
        self.put(tag, data)
        self.held[tag] = self.unsure.pop(tag)
        check(self.ask, self.registry, self.repo, self.chance.choice(list(self.held)), self.held)
        if len(self.held) > 5:
            old = self.chance.choice(list(self.held))
            self.unsure[old] = self.held.pop(old)
            digest = digest_of(self.unsure[old][0])
            answer = self.ask(lambda: self.registry.delete(f"/v2/{self.repo}/manifests/{digest}"))
            assert answer.status in (202, 404), answer
            del self.unsure[old]


def check(ask, registry, repo, tag, held):
    """The manifest and every blob of it are there, byte for byte."""
    data, blobs = held[tag]
    answer = ask(lambda: registry.manifest(repo, tag))
    assert answer.status == 200 and answer.body == data, (repo, tag, answer)
    for digest, content in blobs.items():
        answer = ask(lambda d=digest: registry.blob(repo, d))
        assert answer.status == 200 and answer.body == content, (repo, tag, digest, answer)


class Team:
    """with Team(server, n) as team: n members work. crashes: the server may be killed under them."""

    def __init__(self, server, n, crashes=False):
        self.server, self.crashes, self.over = server, crashes, threading.Event()
        self.shared = [noise(2000) for _ in range(6)]
        self.members = [Member(self, i) for i in range(n)]

    @property
    def rounds(self):
        return sum(m.rounds for m in self.members)

    @property
    def failures(self):
        return [m.failure for m in self.members if m.failure]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        for member in self.members:
            member.thread.join()
        if kind is None:
            assert not self.failures, self.failures

    def check_all(self, server):
        """What was acknowledged is there; gives the names of the files that it needs."""
        registry, needed = server.registry(), set()
        for member in self.members:
            for tag, (_, blobs) in member.held.items():
                check(lambda call: call(), registry, member.repo, tag, member.held)
                needed |= {d.partition(":")[2] for d in blobs}
        return needed
