# SPDX-License-Identifier: Apache-2.0
"""A server and a collector are recorded; then the power fails at any point of the record, and only what was synced is
sure to be there. A new server on what is left has everything that was acknowledged, and a check finds nothing wrong."""
import json
import os
import pathlib
import random
import shutil
import signal

import pytest

from harness import disk
from harness.client import env, haven, ok  # noqa: F401
from harness.content import dump, image, noise
from harness.record import HAVEN
from harness.registry import digest_of
from harness.server import Server, wait_until
from test_durability import can_trace

REPO = "library/cut"
LONG = bool(os.environ.get("HAVEN_TEST_LONG"))
CUTS = 250 if LONG else 70
# The server, and a collection beside it when the test asks for one: one record of both.
SCRIPT = """
"$@" & server=$!
until [ -e "$GO" ]; do sleep 0.05; done
"$HAVEN" admin collect --data "$DATA" --grace 0s --quiet >"$GO.out" 2>&1
mv "$GO" "$GO.done"
wait $server
"""


class Record:
    """Requests in order, and what must be true once the n-th is answered."""

    def __init__(self, registry):
        self.registry = registry
        self.sent = 0
        self.steps = []   # (answers by then, "put" or "delete", tag, digests of what was put)
        self.images = {}  # tag -> (manifest, blobs)

    def ask(self, answer, *statuses):
        self.sent += 1
        assert answer.status in statuses, answer

    def push(self, tag, layers, form="by_post"):
        document, blobs = image(layers)
        for digest, data in blobs.items():
            if form == "by_chunks":
                self.chunks(data, digest)
            else:
                self.ask(getattr(self.registry, form)(REPO, data, digest), 201)
        self.ask(self.registry.put_manifest(REPO, tag, dump(document), document["mediaType"]), 201)
        self.images[tag] = (dump(document), blobs)
        self.steps.append((self.sent, "put", tag, set(blobs)))

    def chunks(self, data, digest):
        answer = self.registry.start(REPO)
        self.ask(answer, 202)
        location = answer.get("Location")
        for at in range(0, len(data), 40_000):
            answer = self.registry.patch(location, data[at:at + 40_000], at)
            self.ask(answer, 202)
            location = answer.get("Location")
        self.ask(self.registry.finish(location, digest), 201)

    def delete(self, tag):
        self.ask(self.registry.delete(f"/v2/{REPO}/manifests/{digest_of(self.images[tag][0])}"), 202)
        self.steps.append((self.sent, "delete", tag, set()))

    def state(self, answers):
        """tag -> True: must be there, False: must not, None: unsure (asked for, not answered)."""
        known, before = {}, 0
        for n, kind, tag, _ in self.steps:
            if n <= answers:
                known[tag] = kind == "put"
            elif before <= answers:  # under way
                known[tag] = None
            before = n
        return known


@pytest.fixture
def record(start, tmp_path, monkeypatch):
    """(events, what was asked for) of a server that pushes, deletes, collects and pushes again."""
    if not can_trace():
        pytest.skip("strace cannot trace here")
    trace, go = tmp_path / "trace", tmp_path / "go"
    server = start(running=False)
    monkeypatch.setenv("GO", str(go))
    monkeypatch.setenv("DATA", str(server.data))
    monkeypatch.setenv("HAVEN", HAVEN)
    server.env.update(GO=str(go), DATA=str(server.data), HAVEN=HAVEN)
    server.start(wrapper=[*disk.STRACE, "-o", str(trace), "sh", "-c", SCRIPT, "sh"])
    made = Record(server.registry())
    try:
        work(made, go)
    finally:
        os.kill(int((server.data / "lock").read_text()), signal.SIGTERM)  # strace and the shell pass nothing on
        go.touch()
        server.process.wait(60)
        server.forget()
    events = disk.parse(trace.read_text().splitlines(), server.data)
    assert made.sent > 20 and [e for e in events if e[0] == "answer"]
    return events, made


def work(made, go):
    """Pushes, deletes, collects, and pushes again what was collected."""
    shared = noise(9000)
    made.push("v1", [shared, noise(3000)])
    made.push("v2", [shared, noise(100_000)], "by_chunks")
    made.push("v3", [noise(2000)])
    made.delete("v1")
    made.delete("v3")
    go.touch()
    wait_until(pathlib.Path(str(go) + ".done").exists, what="the collection")
    assert "freed" in pathlib.Path(str(go) + ".out").read_text()
    made.push("v4", [shared, noise(500)])
    made.push("v1", [shared, noise(700)])

def check(server, made, state):
    registry = server.registry()
    for tag, there in state.items():
        data, blobs = made.images[tag]
        answer = registry.manifest(REPO, tag)
        if there is not None and tag != "v1":
            assert (answer.status == 200) == there, (tag, there, answer)
        if answer.status == 200 and answer.body == data:
            for digest, content in blobs.items():
                got = registry.blob(REPO, digest)
                assert got.status == 200 and got.body == content, (tag, digest, got)
    registry.close()


@pytest.mark.timeout(900 if LONG else 300)
def test_power_cut(record, haven, tmp_path):
    events, made = record
    chance = random.Random(11)
    cuts = sorted(chance.sample(range(len(events)), min(CUTS, len(events))))
    model, at, orphans = disk.Disk(), 0, 0
    for cut in cuts:
        while at <= cut:
            model.apply(events[at])
            at += 1
        folder = tmp_path / "image"
        folder.mkdir()
        model.image(folder / "data", chance, chance.choice([0.0, 0.5, 0.9, 1.0]))
        if not (folder / "data").exists():
            (folder / "data").mkdir()
        answers = len(model.answers)
        server = Server(folder)
        server.start()
        try:
            check(server, made, made.state(answers))
            ok(haven("admin", "collect", "--data", server.data, "--quiet"))
            done = haven("fsck", "--data", server.data, "--verify", "--grace", "0s", "--json")
            found = [json.loads(line) for line in done.stdout.splitlines()][:-1]
            # A file without a row is what a push leaves that was never acknowledged.
            assert {p["problem"] for p in found} <= {"orphan", "stray"}, (cut, events[cut][:3], found)
            # What was known once is never forgotten with its file in place.
            known = {d for n, _, _, blobs in made.steps if n <= answers for d in blobs}
            assert not known & {p["what"].removeprefix("object ") for p in found}, (cut, events[cut][:3], found)
            orphans += len(found)
            if cut == cuts[-1]:
                ok(haven("fsck", "--data", server.data, "--repair", "--grace", "0s"))
        finally:
            server.stop()
        shutil.rmtree(folder)
    print(f"{len(cuts)} cuts in {len(events)} events, {len(made.steps)} changes; {orphans} unnamed files were left")
