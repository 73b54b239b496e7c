# SPDX-License-Identifier: Apache-2.0
"""`haven fsck` beside a running server: each kind of damage is said, and repaired where that is safe."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from harness.client import env, haven, ok, refused  # noqa: F401
from harness.content import image, noise, push, small_image
from harness.record import HAVEN
from harness.registry import digest_of

REPO = "library/sound"
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def fsck(haven):
    """Runs a check; gives its problems and its result."""
    def run(server, *args, exit_status=None):
        done = haven("fsck", "--data", server.data, "--json", "--grace", "0s", *args)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        left = lines[-1]["problems"] - lines[-1]["repaired"]
        expected = (6 if left else 0) if exit_status is None else exit_status
        assert done.returncode == expected, done.stdout + done.stderr
        assert len(lines) - 1 == lines[-1]["problems"]
        return lines[:-1], lines[-1]
    return run


@pytest.fixture
def server(start):
    """With two images; server.image: the blobs of one."""
    one = start()
    registry = one.registry()
    document, one.blobs = image([noise(200_000), noise(3000)])
    one.digest, one.manifest = push(registry, REPO, document, one.blobs, "v1")
    push(registry, "library/other", *small_image(), "v1")
    one.layer = max(one.blobs, key=lambda d: len(one.blobs[d]))
    return one


def kinds(problems):
    return sorted(p["problem"] for p in problems)


def push_again(server):
    """As a client does: only what the registry says it lacks."""
    registry, sent = server.registry(), []
    for digest, data in server.blobs.items():
        if registry.head(f"/v2/{REPO}/blobs/{digest}").status == 404:
            registry.push_blob(REPO, data)
            sent.append(digest)
    return sent


def check_whole(server, fsck):
    registry = server.registry()
    assert registry.manifest(REPO, "v1").body == server.manifest
    for digest, data in server.blobs.items():
        assert registry.blob(REPO, digest).body == data
    assert fsck(server, "--verify")[0] == []


@pytest.mark.release
def test_nothing_is_wrong(server, fsck, haven):
    problems, result = fsck(server, "--verify")
    assert problems == [] and result["complete"] is True
    assert (result["blobs"], result["objects"], result["manifests"]) == (6, 6, 2)
    assert result["bytes"] > 203_000
    assert fsck(server)[1]["bytes"] == 0
    done = ok(haven("fsck", "--data", server.data))
    assert done.stdout == "6 blobs, 6 objects, 0 bytes read: 0 problems, 0 repaired\n"
    server.stop()
    assert fsck(server, "--verify")[0] == [], "and without a server"
    server.start()


def test_flipped_bit(server, fsck, haven):
    path = server.object_path(server.layer)
    data = bytearray(path.read_bytes())
    data[100_000] ^= 4
    path.chmod(0o600)
    path.write_bytes(data)
    assert fsck(server)[0] == [], "its size is right"
    problems, _ = fsck(server, "--verify")
    assert kinds(problems) == ["digest"]
    assert server.layer in problems[0]["what"] and digest_of(bytes(data)) in problems[0]["why"]
    assert problems[0]["needed_by"] == f"{REPO}@{server.digest}"
    said = refused(haven("fsck", "--data", server.data, "--verify"), "CORRUPT", "--repair").stdout
    assert f"digest: object {server.layer}" in said and f"needed by {REPO}@" in said
    problems, _ = fsck(server, "--verify", "--repair")
    assert problems[0]["repaired"]
    kept = list((server.data / "quarantine").iterdir())
    assert [p.read_bytes() for p in kept] == [bytes(data)]
    registry = server.registry()
    assert registry.blob(REPO, server.layer).status == 404
    assert registry.manifest(REPO, "v1").body == server.manifest, "manifest and tag stay"
    assert push_again(server) == [server.layer]
    check_whole(server, fsck)


@pytest.mark.parametrize("how", ["missing", "size", "folder"])
def test_lost_file(server, fsck, how):
    path = server.object_path(server.layer)
    path.parent.chmod(0o700)
    if how == "size":
        path.chmod(0o600)
        os.truncate(path, 1000)
    else:
        path.unlink()
        if how == "folder":
            path.mkdir()
    problems, _ = fsck(server)
    assert kinds(problems) == {"missing": ["missing"], "size": ["size"], "folder": ["size", "stray"]}[how]
    assert not any(p["repaired"] for p in problems)
    assert fsck(server)[0] == problems, "looking changes nothing"
    problems, _ = fsck(server, "--repair")
    assert all(p["repaired"] for p in problems)
    assert fsck(server)[0] == []
    assert push_again(server) == [server.layer]
    check_whole(server, fsck)


def test_file_in_the_trash_is_taken_back(server, fsck):
    """A row whose file is on its way out, as a crash between the two leaves it."""
    path = server.object_path(server.layer)
    path.rename(server.data / "trash" / path.name)
    assert fsck(server)[0] == []
    assert server.registry().push_blob(REPO, server.blobs[server.layer]) == server.layer
    check_whole(server, fsck)


def test_orphans_and_strays(server, fsck, haven):
    data = noise(5000)
    orphan = server.object_path(digest_of(data))
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(data)
    strays = [server.data / "blobs/sha256/ab/notes.txt", server.data / "blobs/md5", server.data / "blobs/sha256/zz",
              server.data / "uploads/nonsense", server.data / "uploads/00000000-0000-4000-8000-000000000000"]
    strays[0].parent.mkdir(exist_ok=True)
    strays[0].write_bytes(b"mine")
    for folder in strays[1:]:
        folder.mkdir()
    (strays[4] / "state").write_bytes(b"x" * 8192)
    done = ok(haven("fsck", "--data", server.data))
    assert "0 problems" in done.stdout, "they are younger than the grace"
    problems, _ = fsck(server)
    assert kinds(problems) == ["orphan"] + ["stray"] * 5
    assert {p["what"] for p in problems if p["problem"] == "stray"} == {str(s.relative_to(server.data)) for s in strays}
    problems, _ = fsck(server, "--repair")
    assert all(p["repaired"] for p in problems)
    assert not orphan.exists() and not any(s.exists() for s in strays)
    names = sorted(p.name.partition(".")[0] for p in (server.data / "quarantine").iterdir())
    assert names == sorted(s.name.partition(".")[0] for s in strays)
    check_whole(server, fsck)


def test_upload_in_progress_is_no_stray(server, fsck):
    registry = server.registry()
    location = registry.open_upload(REPO)
    location = registry.patch(location, noise(100_000), 0).get("Location")
    assert fsck(server, "--repair")[0] == []
    assert registry.finish(location, digest_of(b"x"), b"x", 100_000).status == 400
    assert registry.get(location).status == 204


def test_rows_that_lie(server, fsck):
    """What no file shows: extents, manifests, garbage that no collection would find."""
    registry = server.registry()
    lone = registry.push_blob(REPO, noise(100))
    server.stop()
    with server.database() as db:
        db.execute("UPDATE extent SET len = len - 1 WHERE blob_id = (SELECT id FROM blob WHERE digest = ?)",
                   (server.layer,))
        db.execute("UPDATE document SET bytes = ? WHERE digest = ?",
                   (server.manifest.replace(b"2", b"3"), server.digest))
        db.execute("UPDATE repository_blob SET pending_ms = NULL WHERE blob_id ="
                   " (SELECT id FROM blob WHERE digest = ?)", (lone,))
        db.execute("INSERT INTO object (digest, size) VALUES (?, 5)", (digest_of(b"12345"),))
        db.execute("INSERT INTO blob (digest, size, created_ms) VALUES (?, 0, 0)", (digest_of(b"nobody"),))
        db.execute("DELETE FROM tag WHERE repository_id = (SELECT id FROM repository WHERE name = 'library/other')")
    db.close()
    path = server.object_path(digest_of(b"12345"))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"12345")
    server.start()
    problems, _ = fsck(server, "--verify")
    assert kinds(problems) == ["document", "extents"] + ["leak"] * 4
    assert {p["needed_by"] for p in problems if p["problem"] != "leak"} == {f"{REPO}@{server.digest}"}
    problems, _ = fsck(server, "--verify", "--repair")
    assert {p["problem"]: p["repaired"] for p in problems} == {"document": False, "extents": True, "leak": True}
    assert kinds(fsck(server, "--verify")[0]) == ["document"]
    assert push_again(server) == [server.layer]
    assert server.registry().put_manifest(REPO, "v1", server.manifest).status == 201
    collected = json.loads(subprocess.run(
        [HAVEN, "admin", "collect", "--data", str(server.data), "--grace", "0s", "--untagged", "--json", "--quiet"],
        capture_output=True, check=True).stdout)["result"]
    assert (collected["artifacts"], collected["objects"]) == (1, 5)


def test_damaged_database_is_said(server, fsck):
    server.stop()
    with server.database() as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("INSERT INTO tag (repository_id, name, artifact_id, pushed_ms) VALUES (77, 'x', 99, 0)")
    db.close()
    server.start()
    problems, _ = fsck(server, "--verify")
    assert kinds(problems) == ["database", "database"] and "tag" in problems[0]["why"]
    server.stop()
    with server.database() as db:
        db.execute("DELETE FROM tag WHERE name = 'x'")
    db.close()
    server.start()


CONTENT = "content of project library sha256:"
TOTALS = {
    "used": ("UPDATE project_quota SET used = used + 5", ["bytes used by project library"]),
    "negative": ("UPDATE project_quota SET used = -1", ["bytes used by project library"]),
    "counted twice": ("UPDATE project_content SET refs = refs + 1 WHERE kind = 1 AND content_id = 1", [CONTENT]),
    "manifest counted twice": ("UPDATE project_content SET refs = 7 WHERE kind = 2 AND content_id = 1", [CONTENT]),
    "not counted": ("DELETE FROM project_content WHERE content_id = 2", [CONTENT, CONTENT]),
    "counted in vain": ("INSERT INTO project_content VALUES (1, 1, 999, 1, 4096), (1, 2, 999, 1, 50)", ["content of project library "] * 2),
    "artifacts": ("UPDATE repository SET artifacts = 9 WHERE name = 'library/sound'", ["artifacts of repository library/sound"]),
    "none": ("UPDATE repository SET artifacts = 0 WHERE name = 'library/sound'", ["artifacts of repository library/sound"]),
    "accessories": ("UPDATE repository SET accessories = 3 WHERE name = 'library/sound'", ["accessories of repository library/sound"]),
    "repositories": ("UPDATE project SET repositories = 0", ["repositories of project library"]),
    "audit": ("UPDATE audit_total SET entries = entries + 1 WHERE project_id = 1", ["audit log of project library"]),
}


@pytest.mark.parametrize("how", TOTALS)
def test_total_that_is_wrong(server, fsck, how):
    """As after a fault in what counts: said with both numbers, counted anew, and from then on kept as before."""
    push(server.registry(), "library/twin", json.loads(server.manifest), server.blobs, "v1")

    def totals():
        return [server.facts("SELECT " + what) for what in (
            "* FROM project_content ORDER BY project_id, kind, content_id", "* FROM audit_total ORDER BY project_id",
            "project_id, used FROM project_quota", "id, artifacts, accessories FROM repository ORDER BY id",
            "id, repositories FROM project ORDER BY id")]

    server.stop()
    before = totals()
    damage, expected = TOTALS[how]
    with server.database() as db:
        assert db.execute(damage).rowcount > 0
    db.close()
    assert totals() != before
    problems, _ = fsck(server)
    assert kinds(problems) == ["total"] * len(expected)
    assert all(p["what"].startswith(said) for p, said in zip(problems, expected))
    assert re.fullmatch(r"its total is -?\d+, and its rows come to \d+", problems[0]["why"])
    if how == "not counted":
        assert {p["why"] for p in problems} == {"its total is 0, and its rows come to 2", "its total is 0, and its rows come to 1"}
    assert fsck(server)[0] == problems, "looking changes nothing"
    server.start()
    problems, _ = fsck(server, "--repair")
    assert len(problems) == len(expected) and all(p["repaired"] for p in problems)
    assert totals() == before
    push(server.registry(), "library/twin", *small_image(), "v2")
    assert server.registry().delete("/v2/library/other/manifests/v1").status == 202
    assert fsck(server, "--verify")[0] == []


def test_stopped_and_gone_on_with(server, fsck, haven):
    registry = server.registry()
    for _ in range(30):
        registry.push_blob(REPO, noise(100_000))
    with subprocess.Popen([HAVEN, "fsck", "--data", str(server.data), "--verify", "--rate", "1MiB", "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    result = json.loads(out)
    assert result["complete"] is False and 0 < result["bytes"] < 2_600_000
    assert "CANCELLED" in err
    rest = json.loads(ok(haven("fsck", "--data", server.data, "--verify", "--json", "--after", result["last"])).stdout)
    assert rest["objects"] + result["objects"] in (36, 37)
    with subprocess.Popen([HAVEN, "fsck", "--data", str(server.data), "--verify", "--rate", "1MiB"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert "--after sha256:" in out
    started = time.monotonic()
    fsck(server, "--verify", "--rate", "2MiB")
    assert time.monotonic() - started > 1, "3 MB are not read in a second"


def test_beside_pushes_and_a_collection(server, fsck, haven):
    """A check with repair while others work finds nothing, and breaks nothing."""
    with subprocess.Popen([HAVEN, "fsck", "--data", str(server.data), "--verify", "--repair", "--grace", "10s",
                           "--rate", "100KiB"], stdout=subprocess.PIPE, text=True) as process:
        registry = server.registry()
        for i in range(10):
            document, blobs = small_image()
            digest, _ = push(registry, REPO, document, blobs, f"t{i}")
            if i % 2:
                registry.delete(f"/v2/{REPO}/manifests/{digest}")
        done = ok(haven("admin", "collect", "--data", server.data, "--grace", "0s"))
        assert "kept for a backup or a check" in done.stdout
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    ok(haven("admin", "collect", "--data", server.data, "--grace", "0s"))
    check_whole(server, fsck)


def test_page_has_every_kind():
    rows = re.findall(r"^X\((\w+)", (ROOT / "src/registry/check.def").read_text(encoding="utf-8"), re.M)
    told = re.findall(r"^\| `(\w+)`", (ROOT / "docs/fsck.md").read_text(encoding="utf-8"), re.M)
    assert rows == told


def test_what_is_refused(server, haven, tmp_path):
    run = lambda *args: haven("fsck", "--data", server.data, *args)  # noqa: E731
    refused(run("--rate", "1MiB"), "USAGE", "--verify")
    refused(run("--verify", "--rate", "fast"), "USAGE", "--rate")
    refused(run("--verify", "--after", "sha256:1"), "DIGEST_INVALID", "--after")
    refused(run("--grace", "x"), "USAGE", "--grace")
    refused(haven("fsck", "--data", tmp_path / "none"), "CONFIG", "none")


