# SPDX-License-Identifier: Apache-2.0
"""`haven admin collect` on the directory of a running server: what goes, what stays, and who notices."""
import fcntl
import json
import os
import random
import signal
import subprocess
import time

import pytest

from harness.client import env, haven, ok, refused  # noqa: F401
from harness.content import descriptor, dump, image, index, noise, push, small_image
from harness.record import HAVEN
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import wait_until
from harness.team import Team

REPO = "library/heap"
LONG = bool(os.environ.get("HAVEN_TEST_LONG"))


@pytest.fixture
def collect(haven):
    """Runs a collection on a server's directory and gives its result."""
    def run(server, *args):
        done = ok(haven("admin", "collect", "--data", server.data, "--json", "--quiet", *args))
        return json.loads(done.stdout)["result"]
    return run


def objects(server):
    return {p.name for p in (server.data / "blobs").rglob("*") if p.is_file()}


def history(haven, server):
    done = ok(haven("admin", "collect", "--data", server.data, "--history", "--json"))
    return json.loads(done.stdout)


def garbage(server, n, size=10):
    """n blobs that no manifest names."""
    registry = server.registry()
    return [registry.push_blob(REPO, noise(size)) for _ in range(n)]


@pytest.mark.release
def test_deleted_image_goes_and_shared_layer_stays(start, haven, collect):
    server = start()
    registry = server.registry()
    shared = noise(5000)
    one, one_blobs = image([shared, noise(100_000)])
    two, two_blobs = image([shared, noise(3000)])
    digest, _ = push(registry, REPO, one, one_blobs, "v1")
    _, kept = push(registry, REPO, two, two_blobs, "v2")
    assert registry.delete(f"/v2/{REPO}/manifests/{digest}").status == 202
    before = objects(server)
    dry = collect(server, "--grace", "0s", "--dry-run")
    assert objects(server) == before, "a dry run changes nothing"
    done = collect(server, "--grace", "0s")
    assert done == dry
    gone = {d.partition(":")[2] for d in set(one_blobs) - set(two_blobs)}
    assert before - objects(server) == gone
    assert (done["blobs"], done["objects"]) == (2, 2)
    assert done["bytes"] == sum(len(one_blobs[d]) for d in set(one_blobs) - set(two_blobs))
    assert registry.manifest(REPO, "v2").body == kept
    for name, data in two_blobs.items():
        assert registry.blob(REPO, name).body == data
    for name in set(one_blobs) - set(two_blobs):
        assert registry.blob(REPO, name).status == 404
    push(registry, REPO, one, one_blobs, "v1")
    for name, data in one_blobs.items():
        assert registry.blob(REPO, name).body == data, "what was collected can be sent again"
    assert collect(server, "--grace", "0s")["objects"] == 0
    log = ok(haven("admin", "collect", "--data", server.data, "--log", 2)).stdout
    assert all(name in log for name in gone) and "100000 bytes" in log
    rows = history(haven, server)["collections"]
    assert [(r["id"], r["cause"], r["state"]) for r in rows] == [(i, "manual", "success") for i in (3, 2, 1)]
    assert rows[2]["options"]["dry_run"] and not rows[1]["options"]["dry_run"]
    assert rows[1]["result"] == done and rows[1]["started"] <= rows[1]["ended"]


def test_untagged_by_choice(start, collect):
    server = start()
    registry = server.registry()
    lone, _ = push(registry, REPO, *small_image())
    document, blobs = small_image()
    child, child_data = push(registry, REPO, document, blobs)
    push(registry, REPO, index([(child_data, OCI_MANIFEST)]), {}, "both")
    note, note_blobs = image([noise(50)], subject=descriptor(child_data, OCI_MANIFEST))
    about, _ = push(registry, REPO, note, note_blobs)
    assert collect(server, "--grace", "0s")["artifacts"] == 0
    assert registry.manifest(REPO, lone).status == 200
    assert collect(server, "--untagged")["artifacts"] == 0, "it is younger than the grace"
    dry = collect(server, "--grace", "0s", "--untagged", "--dry-run")
    assert dry["artifacts"] == 1 and registry.manifest(REPO, lone).status == 200
    assert collect(server, "--grace", "0s", "--untagged") == dry
    assert registry.manifest(REPO, lone).status == 404
    assert [registry.manifest(REPO, r).status for r in (child, about, "both")] == [200] * 3
    registry.delete(f"/v2/{REPO}/manifests/both")
    assert collect(server, "--grace", "0s", "--untagged")["artifacts"] == 3, "the index, its image, what is about it"
    assert objects(server) == set()


def test_what_a_push_relies_on_is_left(start, collect):
    """Sent, mounted or asked for by somebody who may push, not longer ago than the grace."""
    server = start(config={"collect.grace": "2s"})
    registry = server.registry()
    asked, silent = noise(900), noise(901)
    for data in (asked, silent):
        registry.push_blob(REPO, data)
    mounted = registry.push_blob("library/other", noise(902))
    assert collect(server)["blobs"] == 0, "the default is two hours"
    for _ in range(5):
        time.sleep(0.6)
        assert registry.head(f"/v2/{REPO}/blobs/{digest_of(asked)}").status == 200
        mount = registry.request("POST", f"/v2/{REPO}/blobs/uploads/?mount={mounted}&from=library/other")
        assert mount.status in (201, 202), mount
    assert collect(server, "--grace", "2s")["blobs"] == 1
    assert registry.blob(REPO, digest_of(silent)).status == 404
    assert registry.blob(REPO, digest_of(asked)).body == asked
    assert registry.blob(REPO, mounted).status == 200


def test_a_reader_does_not_keep_leases(start, collect):
    server = start(config={"collect.grace": "1s"})
    server.add_project("open", public=True)
    registry, nobody = server.registry(), server.anonymous().with_token("repository:open/heap:pull")
    digest = registry.push_blob("open/heap", noise(900))
    for _ in range(4):
        time.sleep(0.4)
        assert nobody.head(f"/v2/open/heap/blobs/{digest}").status == 200
    assert collect(server, "--grace", "1s")["blobs"] == 1


def check_all(server, team, collect):
    """Every image is whole, and nothing else is on the disk."""
    needed = team.check_all(server)
    collect(server, "--grace", "0s")
    assert objects(server) == needed
    team.check_all(server)


def test_beside_pushes_reads_and_deletes(start, collect):
    server = start(config={"collect.grace": "2s"})
    freed, end = 0, time.monotonic() + 8
    with Team(server, 4) as team:
        while time.monotonic() < end and not team.failures:
            freed += collect(server, "--grace", "2s")["objects"]
    assert team.rounds > 20 and freed > 0
    check_all(server, team, collect)


def test_killed_again_and_again(start, collect):
    """The collector dies at any point, pushes go on; the next one completes what it began."""
    server = start(config={"collect.grace": "2s"})
    chance = random.Random(4)
    with Team(server, 3) as team:
        for _ in range(100 if LONG else 8):
            with subprocess.Popen([HAVEN, "admin", "collect", "--data", str(server.data), "--grace", "2s", "--quiet"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep(chance.uniform(0.02, 0.6))
                process.kill()
    check_all(server, team, collect)


def test_server_killed_beside_the_collector(start, collect):
    server = start()
    for _ in range(3):
        registry = server.registry()
        kept, blobs = small_image()
        push(registry, REPO, kept, blobs, "kept")
        garbage(server, 60)
        with subprocess.Popen([HAVEN, "admin", "collect", "--data", str(server.data), "--grace", "0s", "--quiet",
                               "--rate", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            time.sleep(0.2)
            server.restart(crash=True)
            assert process.wait(30) == 0, process.stderr.read()
    assert server.registry().manifest(REPO, "kept").body == dump(kept)
    for digest, data in blobs.items():
        assert server.registry().blob(REPO, digest).body == data


def test_interrupted_and_bounded(start, haven, collect):
    server = start()
    garbage(server, 90)
    # two a second: nothing like that many go while we wait
    with subprocess.Popen([HAVEN, "admin", "collect", "--data", str(server.data), "--grace", "0s", "--rate", "2",
                           "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: len(objects(server)) < 90)
        time.sleep(1)
        refused(haven("admin", "collect", "--data", server.data), "CONFLICT", "another collection")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    newest = history(haven, server)["collections"][0]
    assert newest["state"] == "stopped" and newest["result"]["objects"] < 45
    assert collect(server, "--grace", "0s")["objects"] == 90 - newest["result"]["objects"]
    assert objects(server) == set()


def test_killed_collection_is_said_to_have_failed(start, haven, collect):
    server = start()
    garbage(server, 5)
    with subprocess.Popen([HAVEN, "admin", "collect", "--data", str(server.data), "--grace", "0s", "--quiet"],
                          stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: not objects(server))
        process.kill()
    removed = list((server.data / "trash").iterdir())
    assert len(removed) == 5, "they lie there for two seconds"
    for path in removed[:3]:  # as a power loss would leave it
        path.rename(server.object_path("sha256:" + path.name))
    collect(server)
    assert not objects(server)
    newest, killed = history(haven, server)["collections"]
    assert (newest["state"], killed["state"]) == ("success", "error")
    assert "its process ended" in killed["error"]
    assert not list((server.data / "trash").iterdir())


def test_objects_are_kept_for_who_copies_them(start, collect):
    server = start()
    garbage(server, 3)
    fd = os.open(server.data / "hold", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_SH)
    done = collect(server, "--grace", "0s")
    assert (done["blobs"], done["objects"], done["held"]) == (3, 0, True)
    assert len(objects(server)) == 3
    os.close(fd)
    done = collect(server, "--grace", "0s")
    assert (done["blobs"], done["objects"], done["held"]) == (0, 3, False)


def test_schedule(start, haven):
    """The server collects by itself; asked to stop, it does not wait for the end."""
    server = start()
    garbage(server, 200)
    done = ok(haven("admin", "collect", "--data", server.data, "--grace", "0s", "--rate", "10",
                    "--schedule", "* * * * * *", "--json"))
    told = json.loads(done.stdout)["schedule"]
    assert told["cron"] == "* * * * * *" and told["options"]["rate"] == 10 and told["next"]
    assert "* * * * * *" in ok(haven("admin", "collect", "--data", server.data, "--history")).stdout
    wait_until(lambda: 0 < len(objects(server)) < 200, 40, "the scheduled collection")
    server.stop()
    newest = history(haven, server)["collections"][0]
    assert (newest["cause"], newest["state"]) == ("schedule", "stopped")
    ok(haven("admin", "collect", "--data", server.data, "--schedule", "none"))
    assert history(haven, server)["schedule"] is None
    server.start()


def test_what_is_refused(start, haven, tmp_path):
    server = start()
    run = lambda *args: haven("admin", "collect", "--data", server.data, *args)  # noqa: E731
    refused(run("--grace", "soon"), "USAGE", "--grace")
    refused(run("--rate", "0"), "USAGE", "--rate")
    refused(run("--log", "x"), "USAGE", "--log")
    refused(run("--log", "77"), "NOT_FOUND", "77")
    refused(run("--schedule", "every day"), "USAGE", "schedule")
    refused(run("--schedule", "@daily", "--dry-run"), "USAGE", "--dry-run")
    refused(haven("admin", "collect", "--data", tmp_path / "none"), "CONFIG", "none")
    (tmp_path / "empty").mkdir()
    refused(haven("admin", "collect", "--data", tmp_path / "empty"), "CONFIG", "haven.db")
    refused(haven("admin", "no-such"), "USAGE", "no-such")
    assert "haven admin collect" in ok(haven("admin")).stdout


def test_another_version_is_left_alone(start, haven):
    server = start()
    server.stop()
    for version, change in ((999, "INSERT INTO schema_version (version, name, applied_ms) VALUES (999, 'later', 0)"),
                            (1, "DELETE FROM schema_version WHERE version > 1")):
        with server.database() as db:
            db.execute(change)
        db.close()
        refused(haven("admin", "collect", "--data", server.data), "CONFIG", f"version {version}")
        with server.database() as db:
            assert db.execute("SELECT max(version) FROM schema_version").fetchone() == (version,)
        db.close()
