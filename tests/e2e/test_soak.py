# SPDX-License-Identifier: Apache-2.0
"""Everything at once, for as long as it is given (HAVEN_TEST_SOAK): pushes, pulls, deletes, collections, checks,
backups, and kill -9 of whoever works. What was acknowledged is there at the end, and nothing else."""
import json
import os
import random
import subprocess
import threading
import time

import pytest

from harness.client import env, haven, ok  # noqa: F401
from harness.record import HAVEN
from harness.team import Team

SECONDS = float(os.environ.get("HAVEN_TEST_SOAK") or (900 if os.environ.get("HAVEN_TEST_LONG") else 12))
GRACE = "3s"


class Disturbance(threading.Thread):
    """Runs commands on the data directory one after another; kills every third at some point."""

    def __init__(self, over, commands, seed):
        super().__init__()
        self.over, self.commands, self.chance = over, commands, random.Random(seed)
        self.finished, self.killed, self.failures = 0, 0, []

    def run(self):
        while not self.over.is_set():
            self.one(self.chance.choice(self.commands))

    def one(self, command):
        with subprocess.Popen([HAVEN, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            if self.chance.random() < 0.34:
                time.sleep(self.chance.uniform(0.01, 0.5))
                process.kill()
                process.communicate()
                self.killed += 1
                return
            out, err = process.communicate(timeout=300)
        if process.returncode == 0:
            self.finished += 1
        elif "[CONFLICT]" not in err:  # one of its kind is at work, or of this second
            self.failures.append(f"{command}: {process.returncode}: {out[-2000:]}{err[-2000:]}")


@pytest.mark.timeout(SECONDS + 300)
def test_soak(start, haven, tmp_path):
    server = start(config={"collect.grace": GRACE})
    server.listen = f"127.0.0.1:{server.port}"
    target, over, chance = tmp_path / "backup", threading.Event(), random.Random(1)
    data = ["--data", server.data]
    commands = [["admin", "collect", *data, "--grace", GRACE, "--untagged", "--quiet"],
                ["fsck", *data, "--verify", "--grace", "30s", "--quiet"],
                ["fsck", *data, "--repair", "--grace", "30s", "--quiet"],
                ["admin", "backup", *data, "--keep", "3", "--quiet", target]]
    disturbances = [Disturbance(over, commands, seed) for seed in range(2)]
    end = time.monotonic() + SECONDS
    crashes = 0
    with Team(server, 4, crashes=True) as team:
        for one in disturbances:
            one.start()
        try:
            while time.monotonic() < end and not team.failures and not any(d.failures for d in disturbances):
                time.sleep(chance.uniform(0.5, 3))
                server.restart(crash=True)
                crashes += 1
        finally:
            over.set()
            for one in disturbances:
                one.join()
    assert not any(d.failures for d in disturbances), [d.failures for d in disturbances]
    assert crashes and team.rounds > 10 and all(d.finished for d in disturbances)
    print(f"soak: {SECONDS:.0f} s, {team.rounds} pushes, {crashes} crashes,",
          f"{sum(d.finished for d in disturbances)} commands, {sum(d.killed for d in disturbances)} killed")
    needed = team.check_all(server)
    unsure = {d.partition(":")[2] for m in team.members for _, blobs in m.unsure.values() for d in blobs}
    ok(haven("admin", "collect", *data, "--grace", "0s", "--untagged"))
    left = {p.name for p in (server.data / "blobs").rglob("*") if p.is_file()}
    assert needed <= left <= needed | unsure
    team.check_all(server)
    done = haven("fsck", *data, "--verify", "--grace", "0s", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    # What a server leaves that dies as an upload begins: the sweep of the next one takes it.
    assert all(p["problem"] == "stray" and p["what"].startswith("uploads/") for p in found), found
    time.sleep(1.1)
    ok(haven("admin", "backup", *data, "--verify", target))
    other = start(running=False)
    ok(haven("admin", "restore", "--data", other.data, target))
    team.check_all(other.start())
    assert " 0 problems" in ok(haven("fsck", "--data", other.data, "--verify", "--grace", "0s")).stdout
