# SPDX-License-Identifier: Apache-2.0
"""haven pull: pieces of blobs on several threads, interrupted anywhere, going on where it stood."""
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import threading
import time

import pytest

from harness.client import MIB, docker_registry, env, fake, haven, noise, ok, refused, tree, write  # noqa: F401
from harness.fake_registry import Gone, wait_until
from harness.record import HAVEN
from harness.server import PASSWORD, USER

LONG = bool(os.environ.get("HAVEN_TEST_LONG"))


def test_two_pulls_into_one_directory(fake, haven, env, tmp_path):
    reg = fake()
    reg.add_manifest("p/m", "v1", [("a", b"content")])
    held, go = threading.Event(), threading.Event()

    def hook(h):
        if "/blobs/" in h.path:
            held.set()
            go.wait(30)

    reg.hook = hook
    first = subprocess.Popen([HAVEN, "pull", "-q", f"{reg.host}/p/m:v1", str(tmp_path / "o")], env=env)
    assert held.wait(30)
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "CONFLICT", "another pull")
    go.set()
    assert first.wait(30) == 0


@pytest.mark.parametrize("ranges", [True, False])
def test_download_goes_on_where_it_broke(fake, haven, tmp_path, ranges):
    reg = fake()
    content = noise(12 * MIB)
    reg.add_manifest("p/m", "v1", [("w.safetensors", content)])
    breaks = []

    def hook(h):
        if "/blobs/" not in h.path:
            return False
        first = int(h.headers.get("Range", "bytes=0-")[6:].split("-")[0]) if ranges else 0
        if len(breaks) == 3:
            return False if ranges else (h.reply(200, {}, content) or True)
        breaks.append(first)
        if first:
            h.reply(206, {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"},
                    content[first:first + 2 * MIB], len(content) - first)
        else:
            h.reply(200, {}, content[:3 * MIB], len(content))
        raise Gone

    reg.hook = hook
    done = json.loads(ok(haven("pull", "--json", f"{reg.host}/p/m:v1", tmp_path / "o")).stdout)
    assert tree(tmp_path / "o") == {"w.safetensors": content}
    # Without ranges everything comes again each time.
    assert done["bytes_transferred"] == len(content) + (0 if ranges else 9 * MIB)
    assert breaks == ([0, 3 * MIB, 5 * MIB] if ranges else [0, 0, 0])


# ---- pieces ----

BIG = noise(MIB, 7) * 200


def spans(reg, digest):
    """The ranges asked for of one blob."""
    found = [re.fullmatch(r"bytes=(\d+)-(\d+)", h.get("Range", "")) for _, _, h in reg.asked("GET", f"/blobs/{digest}")]
    return sorted((int(f[1]), int(f[2]) + 1) for f in found if f)


@pytest.mark.parametrize("threads", [1, 4])
def test_one_blob_on_all_threads(fake, haven, tmp_path, threads):
    reg = fake()
    reg.slow = 0.005
    reg.add_manifest("p/m", "v1", [("big.safetensors", BIG), ("small.txt", b"small")])
    digest = reg.add_blob(BIG)
    running, most = set(), [0]

    def hook(h):
        if digest in h.path:
            running.add(threading.get_ident())
        return False

    reg.hook = hook
    done = json.loads(ok(haven("pull", "--json", "-j", threads, f"{reg.host}/p/m:v1", tmp_path / "o")).stdout)
    assert tree(tmp_path / "o") == {"big.safetensors": BIG, "small.txt": b"small"}
    assert done["bytes_transferred"] == len(BIG) + 5 == reg.served
    asked = spans(reg, digest)
    assert [a for a, _ in asked] == [0] + [b for _, b in asked[:-1]] and asked[-1][1] == len(BIG), asked
    assert all(b - a <= 64 * MIB for a, b in asked) and all(b - a >= 16 * MIB for a, b in asked[:-1])
    assert len(running) == threads, "each thread has a connection of its own"


def test_registry_without_ranges(fake, haven, tmp_path):
    reg = fake()
    reg.ranges = False
    other = noise(MIB, 8) * 70
    reg.add_manifest("p/m", "v1", [("big.safetensors", BIG), ("other.safetensors", other)])
    ok(haven("pull", "-j", "4", f"{reg.host}/p/m:v1", tmp_path / "o"))
    assert tree(tmp_path / "o") == {"big.safetensors": BIG, "other.safetensors": other}
    assert reg.served <= (len(BIG) + len(other)) * 1.3


def kill_rounds(env, reg, ref, out, whole, rounds, chance, how=signal.SIGKILL):
    """Pulls, ended at random points until that has worked often enough; tells of each what it cost."""
    kills = 0
    while kills < rounds:
        before = reg.served
        limit = chance.uniform(0.05, 1.2) * whole
        process = subprocess.Popen([HAVEN, "pull", "-q", ref, str(out)], env=env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: process.poll() is not None or reg.served - before > limit, 120)
        finally:
            process.send_signal(how)
            process.wait()
        assert process.returncode in (0, -how if how == signal.SIGKILL else 128 + how), process.returncode
        kills += process.returncode != 0
        yield process.returncode == 0, reg.served - before


def names(out):
    return {p for p in tree(out) if not p.startswith(".haven-partial")} if out.exists() else set()


@pytest.mark.timeout(900 if LONG else 300)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_at_random(fake, haven, env, tmp_path, how):
    chance = random.Random(5)
    reg = fake()
    files = {"big.safetensors": BIG, "second.safetensors": noise(MIB, 9) * 30 + b"x", "a.txt": b"a"}
    whole = sum(map(len, files.values()))
    reg.add_manifest("p/m", "v1", list(files.items()))
    reg.slow = 0.004
    out = tmp_path / "out"
    once, kills = 0, 0
    rounds = 100 if LONG and how == signal.SIGKILL else 6
    for complete, served in kill_rounds(env, reg, f"{reg.host}/p/m:v1", out, whole, rounds, chance, how):
        once += served
        kills += not complete
        for name in names(out):
            assert (out / name).read_bytes() == files[name], "a name was given before all bytes were right"
        if complete:
            assert tree(out) == files
            # What a kill costs: the pieces under way on four threads, and the two MiB in the air of each.
            assert once <= whole + kills * 4 * (8 + 2) * MIB, f"{once} bytes for {whole}"
            once, kills = 0, 0
            for name in files:
                (out / name).unlink()
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    assert tree(out) == files and not (out / ".haven-partial").exists()


def test_what_a_killed_run_left(fake, haven, tmp_path):
    """Killed between giving a name and removing the map: the next pull tidies up, and spares what is another model's."""
    reg = fake()
    content = noise(9 * MIB)
    reg.add_manifest("p/m", "v1", [("w.bin", content)])
    out = tmp_path / "out"
    write(out, {"w.bin": content})
    mine = ".haven-partial/sha256-" + hashlib.sha256(content).hexdigest()
    other = ".haven-partial/sha256-" + "0" * 64
    write(out, {mine + ".map": b"x", mine: b"x", other + ".map": b"x"})
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    assert tree(out) == {"w.bin": content, other + ".map": b"x"}


def parts(out, digest):
    base = out / ".haven-partial" / digest.replace(":", "-")
    return base, base.with_name(base.name + ".map")


def interrupted(env, reg, ref, out, digest, pieces):
    """A pull that was killed when this many pieces were there."""
    reg.slow = 0.01
    process = subprocess.Popen([HAVEN, "pull", "-q", ref, str(out)], env=env)
    wait_until(lambda: process.poll() is not None or reg.served > pieces * MIB)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    reg.slow = 0


@pytest.mark.parametrize("spoil", ["byte", "map", "short", "gone", "old map"])
def test_spoiled_pieces(fake, haven, env, tmp_path, spoil):
    """Pieces of an earlier run are hashed again; when they are wrong, they alone are fetched once more."""
    reg = fake()
    reg.add_manifest("p/m", "v1", [("big.safetensors", BIG)])
    digest = reg.add_blob(BIG)
    ref, out = f"{reg.host}/p/m:v1", tmp_path / "o"
    interrupted(env, reg, ref, out, digest, 100)
    part, table = parts(out, digest)
    if spoil == "byte":
        with open(part, "r+b") as f:
            f.seek(3 * MIB)
            f.write(bytes([BIG[3 * MIB] ^ 1]))
    elif spoil == "map":
        table.write_bytes(bytes(len(table.read_bytes())))
    elif spoil == "short":
        os.truncate(part, 3 * MIB)
    elif spoil == "gone":
        part.unlink()
    else:
        # The slot that was written last is torn: the other one holds.
        data = table.read_bytes()
        half = len(data) // 2
        newer = 0 if int.from_bytes(data[8:16], "little") > int.from_bytes(data[half + 8:half + 16], "little") else half
        table.write_bytes(data[:newer + 40] + b"\xff" + data[newer + 41:])
    reg.served = 0
    ok(haven("pull", ref, out))
    assert tree(out) == {"big.safetensors": BIG}
    if spoil == "old map":
        assert reg.served <= 120 * MIB
    else:
        assert reg.served >= 80 * MIB and reg.served <= 200 * MIB


def test_corrupt_storage(haven, start, tmp_path):
    """A byte changes in the registry's files: the pull says which file, and none gets its name."""
    server = start()
    data = write(tmp_path / "m", {"weights.safetensors": noise(5 * MIB), "README.md": b"fine"})
    host = f"{server.host}:{server.port}"
    ok(haven("login", "-u", USER, "--password-stdin", host, input=PASSWORD))
    ref = f"{host}/library/m:v1"
    ok(haven("push", data, ref))
    digest = hashlib.sha256((data / "weights.safetensors").read_bytes()).hexdigest()
    stored, = [p for p in server.data.rglob("*") if p.is_file() and digest in p.name]
    stored.chmod(0o600)
    with open(stored, "r+b") as f:
        f.seek(1234567)
        byte = f.read(1)[0]
        f.seek(1234567)
        f.write(bytes([byte ^ 4]))
    refused(haven("pull", ref, tmp_path / "o"), "DIGEST_INVALID", "weights.safetensors")
    assert names(tmp_path / "o") <= {"README.md"}


def test_many_small_files(fake, haven, env, tmp_path):
    """Small files get their names in batches; what was right before an error or a signal is not lost."""
    reg = fake()
    files = {f"d{i % 7}/{i:04}.json": b"%d" % (i % 900) * (i % 50 + 1) for i in range(1200)}
    bad = noise(1000, 99)
    reg.add_manifest("p/m", "v1", [*files.items(), ("zz-last.bin", bad)])
    digest = reg.add_blob(bad)
    reg.blobs[digest] = bad[:-1] + bytes([bad[-1] ^ 1])
    out = tmp_path / "o"
    refused(haven("pull", "-j", "1", f"{reg.host}/p/m:v1", out), "DIGEST_INVALID", "zz-last.bin")
    there = tree(out)
    assert all(files[p] == c for p, c in there.items()) and "zz-last.bin" not in there
    reg.blobs[digest] = bad
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    assert tree(out) == {**files, "zz-last.bin": bad} and not (out / ".haven-partial").exists()
    ok(haven("pull", "-j", "8", f"{reg.host}/p/m:v1", tmp_path / "o2"))
    assert tree(tmp_path / "o2") == tree(out)


def test_many_files_need_few_descriptors(fake, haven, tmp_path):
    """A file is fetched before the next one begins: an ordinary limit of open files is enough for any number."""
    reg = fake()
    files = {f"part-{i:04}": b"%d" % i for i in range(600)}
    reg.add_manifest("p/m", "v1", list(files.items()))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    ok(haven("pull", "-j", "8", f"{reg.host}/p/m:v1", tmp_path / "o",
             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, limit[1]))))
    assert tree(tmp_path / "o") == files


def test_registry_with_short_ranges(fake, haven, tmp_path):
    """Ranges that end earlier than asked for are taken as they come, without a wait."""
    reg = fake()
    reg.add_manifest("p/m", "v1", [("big", BIG)])

    def hook(h):
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", h.headers.get("Range", ""))
        if not found:
            return False
        first = int(found[1])
        part = BIG[first:min(int(found[2]) + 1, first + 3 * MIB)]
        h.reply(206, {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(BIG)}"}, part)
        return True

    reg.hook = hook
    done = json.loads(ok(haven("pull", "--json", f"{reg.host}/p/m:v1", tmp_path / "o")).stdout)
    assert tree(tmp_path / "o") == {"big": BIG}
    assert done["seconds"] < 15, "it waited as after a failure"


def test_digests_are_remembered(fake, haven, env, tmp_path):
    """A large file that did not change since it was found right is not read again."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    reg = fake()
    reg.add_manifest("p/m", "v1", [("w.bin", noise(9 * MIB)), ("small", b"s")])
    out, log = tmp_path / "o", tmp_path / "log"
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    os.utime(out / "w.bin", (1700000000, 1700000000))
    time.sleep(2.2)  # a file is trusted when its times have settled

    def bytes_read():
        ok(subprocess.run(["strace", "-f", "-qq", "-e", "trace=pread64", "-y", "-o", log, HAVEN, "pull", f"{reg.host}/p/m:v1",
                           str(out)], env={**env, "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True))
        total, waiting = 0, set()  # threads whose call on the file has not returned yet
        for line in log.read_text().splitlines():
            thread = line.split()[0]
            if "/w.bin>" in line and line.endswith("<unfinished ...>"):
                waiting.add(thread)
            elif "/w.bin>" in line or ("<... pread64 resumed>" in line and thread in waiting):
                waiting.discard(thread)
                total += int(line.rsplit("= ", 1)[1].split()[0])
        return total

    assert bytes_read() == 9 * MIB
    assert bytes_read() == 0
    data = bytearray(noise(9 * MIB))
    data[5] ^= 1
    (out / "w.bin").write_bytes(data)
    os.utime(out / "w.bin", (1700000000, 1700000000))
    assert bytes_read() > 0 and (out / "w.bin").read_bytes() == noise(9 * MIB)
