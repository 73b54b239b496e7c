# SPDX-License-Identifier: Apache-2.0
"""`haven admin backup` and `restore`: while the registry works, killed at any point, with damage on either side."""
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest

from harness.client import env, haven, ok, refused  # noqa: F401
from harness.content import dump, image, noise, push, small_image
from harness.record import HAVEN
from harness.registry import digest_of
from harness.server import wait_until

REPO = "library/kept"
LONG = bool(os.environ.get("HAVEN_TEST_LONG"))


@pytest.fixture
def server(start):
    one = start()
    one.images = {}
    for i in range(3):
        add(one, f"v{i}")
    return one


def add(server, tag, size=50_000):
    registry = server.registry()
    document, blobs = image([noise(size), noise(700)])
    push(registry, REPO, document, blobs, tag)
    server.images[tag] = (dump(document), blobs)


@pytest.fixture
def backup(haven, tmp_path):
    def run(server, *args, target=tmp_path / "backup"):
        done = ok(haven("admin", "backup", "--data", server.data, "--json", *args, target))
        return json.loads(done.stdout)
    run.target = tmp_path / "backup"
    return run


@pytest.fixture
def restored(haven, start, tmp_path):
    """Restores into a fresh directory and starts a server on it."""
    def run(*args, target=tmp_path / "backup"):
        one = start(running=False)
        done = ok(haven("admin", "restore", "--data", one.data, "--json", *args, target))
        one.result = json.loads(done.stdout)
        return one.start()
    return run


def check(server, images, gone=()):
    registry = server.registry()
    for tag, (document, blobs) in images.items():
        assert registry.manifest(REPO, tag).body == document, tag
        for digest, data in blobs.items():
            assert registry.blob(REPO, digest).body == data, (tag, digest)
    for tag in gone:
        assert registry.manifest(REPO, tag).status == 404


def files(target):
    return {p.name for p in (target / "blobs").rglob("*") if p.is_file()}


def snapshots(target):
    return sorted(p.name for p in (target / "snapshots").iterdir())


def next_second():
    time.sleep(1.05)


@pytest.mark.release
def test_there_and_back(server, backup, restored, haven):
    first = backup(server)
    assert (first["files"], first["files_copied"], first["problems"]) == (9, 9, 0)
    before = dict(server.images)
    add(server, "v3")
    server.registry().delete(f"/v2/{REPO}/manifests/{digest_of(server.images.pop('v0')[0])}")
    next_second()
    second = backup(server)
    assert (second["files_copied"], second["bytes_copied"] > 50_000) == (3, True), "only what is new"
    names = [first["snapshot"], second["snapshot"]]
    assert snapshots(backup.target) == names
    listed = haven("admin", "restore", "--list", backup.target)
    assert ok(listed).stdout.split() == names
    assert json.loads(ok(haven("admin", "restore", "--list", "--json", backup.target)).stdout)["snapshots"] == names
    check(restored(), server.images, gone=["v0"])
    old = restored("--snapshot", first["snapshot"].removesuffix(".db"))
    check(old, before, gone=["v3"])
    assert old.result["snapshot"] == first["snapshot"]
    done = json.loads(ok(haven("fsck", "--data", old.data, "--verify", "--json")).stdout)
    assert done["problems"] == 0 and done["objects"] == 9
    # it is a registry like any other: what is new can be pushed, and backed up to the same place
    old.images = before
    add(old, "v9")
    check(old, before)


def test_every_secret_is_the_owners(server, backup):
    backup(server)
    for path in [backup.target, *backup.target.rglob("*")]:
        assert path.stat().st_mode & 0o007 == 0, path
        if path.suffix == ".db":
            assert path.stat().st_mode & 0o077 == 0, path


def test_keep(server, backup, restored, haven):
    backup(server)
    gone = server.images.pop("v0")
    server.registry().delete(f"/v2/{REPO}/manifests/{digest_of(gone[0])}")
    ok(haven("admin", "collect", "--data", server.data, "--grace", "0s"))
    next_second()
    done = backup(server, "--keep", "2")
    assert (done["snapshots_removed"], done["files_removed"]) == (0, 0)
    assert len(files(backup.target)) == 9
    next_second()
    server.registry().delete(f"/v2/{REPO}/manifests/{digest_of(server.images['v1'][0])}")
    ok(haven("admin", "collect", "--data", server.data, "--grace", "0s"))
    done = backup(server, "--keep", "2")
    assert (done["snapshots_removed"], done["files_removed"]) == (1, 3)
    assert done["bytes_removed"] == sum(len(d) for d in gone[1].values())
    assert len(snapshots(backup.target)) == 2 and len(files(backup.target)) == 6
    check(restored("--snapshot", snapshots(backup.target)[0]), server.images, gone=["v0"])
    del server.images["v1"]
    check(restored(), server.images, gone=["v0", "v1"])


def test_beside_pushes_deletes_and_a_collection(server, backup, restored, haven):
    """What was acknowledged before the backup began is in it, whole."""
    before, over, failures = dict(server.images), threading.Event(), []

    def work(i):
        registry, n = server.registry(), 0
        try:
            while not over.is_set():
                document, blobs = small_image()
                digest, _ = push(registry, f"library/busy{i}", document, blobs, f"t{n}")
                n += 1
                if n % 3 == 0:
                    registry.delete(f"/v2/library/busy{i}/manifests/{digest}")
        except Exception as problem:  # pylint: disable=broad-except
            failures.append(repr(problem))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        for _ in range(3):
            done = backup(server, "--verify")
            assert done["problems"] == 0
            ok(haven("admin", "collect", "--data", server.data, "--grace", "10s"))
            next_second()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures, failures
    copy = restored()
    check(copy, before)
    done = ok(haven("fsck", "--data", copy.data, "--verify", "--grace", "0s"))
    assert " 0 problems" in done.stdout


@contextlib.contextmanager
def stopped_backup(server, backup):
    """A backup that has its snapshot and waits; at the end it goes on and ends."""
    with subprocess.Popen([HAVEN, "admin", "backup", "--data", str(server.data), str(backup.target)],
                          stdout=subprocess.PIPE) as process:
        try:
            wait_until(lambda: (backup.target / "snapshots" / "new.db").exists())
            process.send_signal(signal.SIGSTOP)
            yield process
        except BaseException:
            process.kill()
            raise
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)


def test_a_collection_removes_nothing_meanwhile(server, backup, haven):
    """The backup holds files; it is stopped half-way to see that."""
    registry = server.registry()
    for _ in range(5):
        registry.push_blob(REPO, noise(40_000_000))
    garbage = registry.push_blob(REPO, noise(100))
    with stopped_backup(server, backup) as process:
        done = ok(haven("admin", "collect", "--data", server.data, "--grace", "0s"))
        assert "kept for a backup" in done.stdout
        assert server.object_path(garbage).exists()
        refused(haven("admin", "backup", "--data", server.data, backup.target), "CONFLICT", "another backup")
    assert process.returncode == 0
    ok(haven("admin", "collect", "--data", server.data, "--grace", "0s"))
    assert not server.object_path(garbage).exists()


def test_interrupted(server, backup):
    """What has its name is whole: an interrupted one gets none."""
    server.registry().push_blob(REPO, noise(40_000_000))
    with stopped_backup(server, backup) as process:
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    assert not [name for name in snapshots(backup.target) if not name.startswith("new.db")]
    assert backup(server)["problems"] == 0


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_killed_at_any_point(server, backup, start, haven, command):
    """Whenever it dies, what is there is in order, and the same command completes it."""
    registry = server.registry()
    for i in range(4):
        add(server, f"big{i}", 3_000_000)
    if command == "restore":
        backup(server)
    target = start(running=False)
    args = {"backup": ["--data", str(server.data), str(backup.target)],
            "restore": ["--data", str(target.data), str(backup.target)]}[command]
    chance = random.Random(7)
    killed = 0
    for _ in range(100 if LONG else 8):
        with subprocess.Popen([HAVEN, "admin", command, *args], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0.003, 0.04))
            process.kill()
        killed += process.returncode == -signal.SIGKILL
        if command == "restore" and killed and (target.data / "restoring.db").exists():
            with pytest.raises(AssertionError, match="restore into data directory"):
                target.start()
    assert killed
    if command == "backup":
        next_second()
        done = backup(server)
        ok(haven("admin", "restore", "--data", target.data, backup.target))
        assert done["problems"] == 0
    elif not (target.data / "haven.db").exists():
        ok(haven("admin", "restore", *args))
    check(target.start(), server.images)
    assert not list((backup.target / "uploads").iterdir())
    assert not list((target.data / "uploads").iterdir())
    registry.close()


def test_damage_in_the_registry(server, backup, haven, restored):
    """The backup takes everything else, and says what is wrong."""
    document, blobs = server.images.pop("v0")
    layers = sorted(blobs, key=lambda d: -len(blobs[d]))
    path = server.object_path(layers[0])
    path.chmod(0o600)
    path.write_bytes(b"y" + path.read_bytes()[1:])
    server.object_path(layers[1]).unlink()
    done = refused(haven("admin", "backup", "--data", server.data, backup.target), "CORRUPT", "2 files")
    assert layers[0] in done.stderr and layers[1] in done.stderr
    assert not any(layers[i].partition(":")[2] in files(backup.target) for i in (0, 1))
    one = haven("admin", "restore", "--data", server.folder / "back", backup.target)
    assert one.returncode == 6
    # an earlier backup would have the bytes: they come back into the same place
    path.write_bytes(blobs[layers[0]])
    server.registry().push_blob(REPO, blobs[layers[1]])
    next_second()
    assert backup(server)["files_copied"] == 2
    server.images["v0"] = (document, blobs)
    check(restored(), server.images)


def test_damage_in_the_backup(server, backup, haven, start):
    backup(server)
    bad = max((backup.target / "blobs").rglob("*"), key=lambda p: p.stat().st_size if p.is_file() else 0)
    bad.chmod(0o600)
    data = bytearray(bad.read_bytes())
    data[1000] ^= 1
    bad.write_bytes(data)
    one = start(running=False)
    refused(haven("admin", "restore", "--data", one.data, backup.target), "CORRUPT", bad.name)
    assert not one.object_path("sha256:" + bad.name).exists(), "wrong bytes get no name"
    next_second()
    assert backup(server)["files_copied"] == 0, "by its size it is right"
    next_second()
    assert backup(server, "--verify")["files_copied"] == 1
    two = start(running=False)
    ok(haven("admin", "restore", "--data", two.data, backup.target))
    check(two.start(), server.images)
    newest = backup.target / "snapshots" / snapshots(backup.target)[-1]
    newest.write_bytes(newest.read_bytes()[:5000])
    three = start(running=False)
    done = haven("admin", "restore", "--data", three.data, backup.target)
    assert done.returncode == 6 and not (three.data / "haven.db").exists(), done.stderr
    earlier = snapshots(backup.target)[0]
    ok(haven("admin", "restore", "--data", three.data, "--snapshot", earlier, backup.target))
    check(three.start(), server.images)


def test_moved_by_copying(server, start):
    """A data directory is all there is."""
    server.stop()
    other = start(running=False)
    shutil.copytree(server.data, other.data)
    check(other.start(), server.images)
    server.start()


def test_what_is_refused(server, backup, haven, tmp_path):
    run = lambda *args: haven("admin", "backup", "--data", server.data, *args)  # noqa: E731
    refused(run(), "USAGE", "TARGET")
    refused(run("--keep", "0", backup.target), "USAGE", "--keep")
    refused(run(server.data), "CONFLICT", "holds a registry")
    other = tmp_path / "stopped registry"
    other.mkdir()
    (other / "haven.db").write_bytes(b"")
    refused(run("--keep", "1", other), "CONFLICT", "holds a registry")
    assert [p.name for p in other.iterdir()] == ["haven.db"], "nothing is left in it"
    assert run(tmp_path / "no" / "folder").returncode != 0
    backup(server)
    back = lambda *args: haven("admin", "restore", *args)  # noqa: E731
    refused(back("--data", server.data, backup.target), "CONFLICT", "in use by another server")
    server.stop()
    refused(back("--data", server.data, backup.target), "CONFLICT", "holds a registry")
    server.start()
    refused(back("--data", tmp_path / "new", "--snapshot", "20200101T000000Z", backup.target), "NOT_FOUND", "--list")
    (tmp_path / "empty").mkdir()
    refused(back("--data", tmp_path / "new2", tmp_path / "empty"), "NOT_FOUND", "no snapshot")
    assert not list((tmp_path / "empty").iterdir()), "nothing is left in it"
    refused(back("--list", tmp_path / "missing"), "IO", "missing")
    fd = os.open(backup.target / "lock", os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    refused(back("--data", tmp_path / "new3", backup.target), "CONFLICT", "another backup or restore")
    os.close(fd)
