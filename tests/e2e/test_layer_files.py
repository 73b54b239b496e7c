# SPDX-License-Identifier: Apache-2.0
"""Files out of compressed layers by their paths: the bytes that other programs unpack, whole and in ranges, to those who may
pull; whatever the layer, the process that unpacks it, the disk or the client does."""
import contextlib
import gzip
import hashlib
import io
import os
import random
import signal
import socket
import struct
import subprocess
import tarfile
import threading
import time
import zlib

import pytest

from harness.content import descriptor, image, noise, push, tar_of
from harness.harbor import Harbor, refused
from harness.raw import Raw
from harness.registry import Unfinished
from harness.server import wait_until
from test_models import at, children, layer, modelpack, read
from test_pull_archives import PACK, zstd

MIB = 1 << 20
# Half of it packs away; 24 MiB take a while.
LARGE = bytes(b & 15 for b in random.Random(5).randbytes(24 * MIB))
TEXT = b"{\"answer\": 42}\n"
# A frame that decompressors skip (RFC 8878 3.1.2).
SKIPPED = struct.pack("<II", 0x184D2A53, 100) + bytes(100)


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


def archive(blob, encoding, kind="code", path="all"):
    """A layer of ModelPack that is this archive."""
    return descriptor(blob, f"application/vnd.cncf.model.{kind}.v1.{encoding}",
                      annotations={"org.cncf.model.filepath": path}), blob


def put(harbor, project, *layers, repo="m"):
    """Pushes a model of these layers and waits until it was read; what was found."""
    push(harbor.registry, f"{project}/{repo}", *modelpack(*layers), "v1")
    return read(harbor, project, repo)


def file_of(project, path, repo="m"):
    return at(project, repo, "/files/" + path)


def ranged(harbor, address, spec, **more):
    return harbor.call("GET", address, headers={"Range": spec, **more})


def children_of(server):
    try:
        return children(server.pid)
    except (AttributeError, FileNotFoundError):
        return set()  # the server, or a thread of it, is gone


def spooled(server):
    return sorted(os.listdir(server.data / "extracted"))


def idle(server):
    wait_until(lambda: server.metric("haven_extract_processes") == 0, 30, "the end of all processes")


def read_body(raw, n):
    """The n bytes that follow a head, without a copy for each piece."""
    pieces, have = [raw.buffer], len(raw.buffer)
    while have < n:
        pieces.append(raw.receive(MIB))
        assert pieces[-1], "closed in the body"
        have += len(pieces[-1])
    return b"".join(pieces)


# ---- the bytes that other programs unpack ----

def rich_tar(dialect):
    """Names and members of all kinds that archives have; (bytes, {path: content})."""
    out, files = io.BytesIO(), {}
    names = ["plain.txt", "sub dir/ünï.txt", "a" * 90 + "/" + "b" * 90 + "/deep.bin"]
    if dialect != tarfile.USTAR_FORMAT:
        names += ["long/" + "n" * 200 + "/" + "m" * 200 + ".bin"]
    with tarfile.open(fileobj=out, mode="w", format=dialect) as tar:
        for number, name in enumerate(names):
            data = noise(700 * number * number * number + 5)
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1700000000.25 if dialect == tarfile.PAX_FORMAT else 1700000000
            tar.addfile(info, io.BytesIO(data))
            files[name] = data
        directory = tarfile.TarInfo("sub dir")
        directory.type = tarfile.DIRTYPE
        tar.addfile(directory)
        for kind, name, to in ((tarfile.SYMTYPE, "link.txt", "plain.txt"), (tarfile.LNKTYPE, "hard.txt", "sub dir/ünï.txt")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, to
            tar.addfile(info)
        empty = tarfile.TarInfo("empty")
        tar.addfile(empty)
    files["hard.txt"], files["empty"] = files["sub dir/ünï.txt"], b""
    return out.getvalue(), files


STREAMS = {
    "gzip": ("tar+gzip", lambda data: gzip.compress(data, mtime=0)),
    "gzip-members": ("tar+gzip", lambda data: gzip.compress(data[:100], mtime=0) + gzip.compress(b"") + gzip.compress(data[100:700]) +
                     gzip.compress(data[700:])),
    "gzip-program": ("tar+gzip", lambda data: subprocess.run(["gzip", "-9c"], input=data, stdout=subprocess.PIPE, check=True).stdout),
    "zstd": ("tar+zstd", zstd),
    "zstd-frames": ("tar+zstd", lambda data: zstd(data[:100]) + zstd(data[100:600], "-19", "--no-check") + zstd(data[600:])),
    "zstd-skipped": ("tar+zstd", lambda data: SKIPPED + zstd(data[:513]) + SKIPPED + zstd(data[513:]) + SKIPPED),
    "zstd-wide": ("tar+zstd", lambda data: zstd(data, "--long=27", "-T0")),
}


@pytest.mark.parametrize("dialect", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["ustar", "pax", "gnu"])
@pytest.mark.parametrize("stream", sorted(STREAMS))
def test_every_stream_and_dialect(harbor, project, stream, dialect):
    data, files = rich_tar(dialect)
    encoding, pack = STREAMS[stream]
    found = put(harbor, project, archive(pack(data), encoding))
    assert found["warnings"] == []
    assert {f["file"]: (f["size"], f["encoding"], f["digest"]) for f in found["files"]} == {
        path: (len(content), encoding, "sha256:" + hashlib.sha256(content).hexdigest()) for path, content in files.items()}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for path, content in files.items():
            assert tar.extractfile(path).read() == content, "the test itself"
            answer = harbor.get(file_of(project, path.replace(" ", "%20").replace("ü", "%C3%BC").replace("ï", "%C3%AF")))
            assert (answer.status, answer.body) == (200, content), path
    # A link and a directory are no files, as in layers that are not packed.
    for path in ("link.txt", "sub%20dir", "absent"):
        refused(harbor.get(file_of(project, path)), 404, "NOT_FOUND", "holds no file")


@pytest.mark.parametrize("encoding", ["raw", "tar", "tar+gzip", "tar+zstd"])
def test_the_same_answers_wherever_a_file_lies(harbor, project, encoding):
    """HEAD, conditions and ranges; the first that is asked is a HEAD, and costs no process."""
    data = LARGE[:3 * MIB + 11]
    one = layer("weight", "w.bin", data) if encoding == "raw" else archive(PACK[encoding](tar_of({"w.bin": data})), encoding)
    put(harbor, project, one)
    address = file_of(project, "w.bin")
    head = harbor.call("HEAD", address)
    assert (head.status, head.get("Content-Length"), head.get("Accept-Ranges")) == (200, str(len(data)), "bytes")
    tag = head.get("ETag")
    assert tag and not tag.startswith("W/")
    assert harbor.call("GET", address, headers={"If-None-Match": tag}).status == 304
    out = ranged(harbor, address, f"bytes={len(data)}-")
    assert (out.status, out.get("Content-Range")) == (416, f"bytes */{len(data)}")
    for spec, first, last in (("bytes=0-0", 0, 0), ("bytes=1000000-1999999", 1000000, 1999999), ("bytes=-7", len(data) - 7, len(data) - 1),
                              (f"bytes={len(data) - 1}-", len(data) - 1, len(data) - 1), ("bytes=0-", 0, len(data) - 1)):
        part = ranged(harbor, address, spec)
        assert (part.status, part.get("Content-Range")) == (206, f"bytes {first}-{last}/{len(data)}")
        assert part.body == data[first:last + 1], spec
        assert part.get("ETag") == tag
    several = ranged(harbor, address, "bytes=2000000-2000099,5-9,-1")
    assert several.status == 206 and several.get("Content-Type").startswith("multipart/byteranges")
    assert all(piece in several.body for piece in (data[2000000:2000100], data[5:10]))
    whole = harbor.get(address)
    assert (whole.status, whole.body, whole.get("ETag")) == (200, data, tag)
    assert whole.get("Content-Disposition") == "attachment" and whole.get("X-Content-Type-Options") == "nosniff"
    assert whole.get("Content-Type") == "application/octet-stream" and whole.get("Haven-Layer") == one[0]["digest"]
    assert ranged(harbor, address, "bytes=0-9", **{"If-Range": tag}).status == 206
    assert ranged(harbor, address, "bytes=0-9", **{"If-Range": '"other"'}).body == data


def test_images_and_kits(harbor, project):
    """Layers of images over each other, and of KitOps."""
    lower, upper = tar_of({"a/one": b"below", "a/two": b"hidden", "b": b"first"}), tar_of({"a/.wh.two": b"", "b": b"second", "c": b""})
    push(harbor.registry, f"{project}/image", *image([lower, upper], compress=True), "v1")
    read(harbor, project, "image")
    assert harbor.get(file_of(project, "a/one", "image")).body == b"below"
    assert harbor.get(file_of(project, "b", "image")).body == b"second"
    assert harbor.get(file_of(project, "c", "image")).body == b""
    refused(harbor.get(file_of(project, "a/two", "image")), 404, "NOT_FOUND")
    config = b'{"manifestVersion": "1.0.0", "package": {"name": "m"}, "model": {"path": "m.bin"}}'
    blob = gzip.compress(tar_of({"m.bin": LARGE[:70000]}), mtime=0)
    document = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": descriptor(config, "application/vnd.kitops.modelkit.config.v1+json"),
                "layers": [descriptor(blob, "application/vnd.kitops.modelkit.model.v1.tar+gzip")]}
    push(harbor.registry, f"{project}/kit", document, {"c": config, "b": blob}, "v1")
    assert read(harbor, project, "kit")["form"] == "kitops"
    assert harbor.get(file_of(project, "m.bin", "kit")).body == LARGE[:70000]


@pytest.mark.parametrize("encoding", ["tar", "tar+gzip", "tar+zstd"])
def test_of_a_name_that_appears_again_the_last_counts(harbor, project, encoding, tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in (("x", b"first"), ("y", b"only"), ("x", b"the second"), ("z", b"1"), ("x", b"third")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            if data == b"only":
                link = tarfile.TarInfo("of the first")
                link.type, link.linkname = tarfile.LNKTYPE, "x"
                tar.addfile(link)
        link = tarfile.TarInfo("z")
        link.type, link.linkname = tarfile.SYMTYPE, "y"
        tar.addfile(link)
    found = put(harbor, project, archive(PACK[encoding](out.getvalue()), encoding))
    assert [w for w in found["warnings"] if "3 paths appear in it again" in w], found["warnings"]
    subprocess.run(["tar", "-x", "-C", tmp_path], input=out.getvalue(), check=True)
    assert {f["file"] for f in found["files"]} == {"x", "y", "of the first"}
    for name, content in (("x", b"third"), ("y", b"only"), ("of the first", b"first")):
        assert (tmp_path / name).read_bytes() == content, "tar does the same"
        assert harbor.get(file_of(project, name.replace(" ", "%20"))).body == content
    refused(harbor.get(file_of(project, "z")), 404, "NOT_FOUND")


# ---- what it costs ----

def test_kept_and_shared(start):
    """The second time, ranges, neighbours and paths to the same content cost no process."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    files = {"a.json": TEXT, "w.bin": LARGE[:2 * MIB], "b.json": TEXT * 2}
    put(harbor, project, archive(gzip.compress(tar_of(files), 1, mtime=0), "tar+gzip"))
    for path in ("w.bin", "w.bin", "a.json", "b.json"):
        assert harbor.get(file_of(project, path)).body == files[path]
    for first in range(0, 2 * MIB, MIB // 4):
        assert ranged(harbor, file_of(project, "w.bin"), f"bytes={first}-{first + 99}").body == LARGE[first:first + 100]
    assert server.metric("haven_extract_hits_total") == 11
    assert server.metric("haven_extracts_total") == 3
    assert server.metric("haven_extract_bytes") == sum(map(len, files.values()))
    assert len(spooled(server)) == 3


def test_no_process_for_what_needs_no_bytes(start):
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE[:MIB], "e": b""})), "tar+gzip"))
    address = file_of(project, "w.bin")
    tag = harbor.call("HEAD", address).get("ETag")
    assert harbor.call("GET", address, headers={"If-None-Match": tag}).status == 304
    assert ranged(harbor, address, f"bytes={MIB}-").status == 416
    assert harbor.get(file_of(project, "e")).body == b""
    assert spooled(server) == [] and server.metric("haven_extracts_total") == 0


def test_many_at_once(start):
    """Hundreds of readers of many files in a few layers: each gets its bytes, and few processes run."""
    server = start(config={"extract.processes": "2"})
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    layers = {}
    for number in range(3):
        layers[f"m{number}"] = {f"d/{i}.bin": LARGE[number * MIB + i * 1000:][:150000 + i] for i in range(12)}
        put(harbor, project, archive(gzip.compress(tar_of(layers[f"m{number}"]), 1), "tar+gzip"), repo=f"m{number}")
    over, most, wrong = threading.Event(), [0], []

    def watch():
        while not over.is_set():
            most[0] = max(most[0], len(children_of(server)))

    def work(me):
        mine = Harbor(server.registry())
        order = random.Random(me)
        for _ in range(12):
            repo = order.choice(sorted(layers))
            path = order.choice(sorted(layers[repo]))
            while True:
                answer = mine.get(file_of(project, path, repo))
                if answer.status not in (429, 503):
                    break
                assert answer.get("Retry-After"), answer
                time.sleep(0.05)
            if (answer.status, answer.body) != (200, layers[repo][path]):
                wrong.append((repo, path, answer.status))
        mine.registry.close()

    watcher = threading.Thread(target=watch)
    workers = [threading.Thread(target=work, args=(me,)) for me in range(24)]
    watcher.start()
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    over.set()
    watcher.join()
    assert not wrong and most[0] <= 2
    idle(server)
    assert not children_of(server)


def confined(pid):
    """Whether it has begun: who stops it before that stops the thread that starts it."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as one:
            return "Seccomp:\t2" in one.read()
    except OSError:
        return False


def stop_processes(server, seen):
    """Stops (SIGSTOP) each process that unpacks; call the result to end it."""
    over = threading.Event()

    def work():
        while not over.is_set():
            for pid in filter(confined, children_of(server)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    seen.add(pid)
            time.sleep(0.001)

    thread = threading.Thread(target=work)
    thread.start()

    def end():
        over.set()
        thread.join()
    return end


def ask(server, path, *headers):
    """A request whose answer is not waited for."""
    raw = Raw(server, timeout=60)
    raw.head(f"GET /api/v2.0{path} HTTP/1.1", *headers)
    return raw


def test_full(start):
    """Clear refusals when there is more to do than can be done; what is there is served all the while."""
    server = start(config={"extract.processes": "1"})
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    for number in range(18):
        put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE[number:number + 2 * MIB]}), 1), "tar+gzip"), repo=f"m{number}")
    assert harbor.get(file_of(project, "w.bin", "m0")).status == 200
    seen = set()
    end = stop_processes(server, seen)
    waiting = [ask(server, file_of(project, "w.bin", f"m{number}")) for number in range(1, 17)]
    try:
        wait_until(lambda: server.metric("haven_extract_bytes") == 17 * 2 * MIB, 20)
        answer = harbor.get(file_of(project, "w.bin", "m17"))
        refused(answer, 429, "TOO_MANY_REQUEST", "16 files are being taken out")
        assert int(answer.get("Retry-After")) >= 1
        assert harbor.get(file_of(project, "w.bin", "m0")).body == LARGE[:2 * MIB]
        assert harbor.call("HEAD", file_of(project, "w.bin", "m17")).status == 200
    finally:
        end()
        for pid in seen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    for number, raw in enumerate(waiting, 1):
        with raw:
            assert raw.answer().body == LARGE[number:number + 2 * MIB]


def test_space(start):
    server = start(config={"extract.space": "3MiB"})
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    files = {f"{n}.bin": LARGE[n:n + MIB] for n in range(6)}
    put(harbor, project, archive(gzip.compress(tar_of({**files, "large.bin": LARGE[:3 * MIB + 1]}), 1), "tar+gzip"))
    for _ in range(2):
        for path, data in files.items():
            assert harbor.get(file_of(project, path)).body == data
            assert server.metric("haven_extract_bytes") <= 3 * MIB
            assert len(spooled(server)) <= 3
    refused(harbor.get(file_of(project, "large.bin")), 422, "UNPROCESSABLE_ENTITY", "extract.space")
    server.restart(**{"extract.space": "0"})
    harbor = Harbor(server.registry())
    refused(harbor.get(file_of(project, "0.bin")), 422, "UNPROCESSABLE_ENTITY", "pull the layer sha256:")
    assert harbor.call("HEAD", file_of(project, "0.bin")).status == 200


# ---- what goes wrong ----

def spoil(server, blob, change):
    """Changes the bytes of a stored blob."""
    path = server.object_path("sha256:" + hashlib.sha256(blob).hexdigest())
    path.chmod(0o600)
    path.write_bytes(change(blob))


@pytest.mark.parametrize("how", ["cut", "spoilt", "other", "empty"])
@pytest.mark.parametrize("encoding", ["tar+gzip", "tar+zstd"])
def test_layers_that_are_damaged_later(start, encoding, how):
    """A file that cannot be right any more is never given as if it were: an error, or a body that is cut short."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    files = {"a.json": TEXT, "w.bin": LARGE[:4 * MIB], "z.json": TEXT}
    blob = PACK[encoding](tar_of(files))
    put(harbor, project, archive(blob, encoding))
    change = {"cut": lambda b: b[:len(b) // 2], "spoilt": lambda b: b[:len(b) // 2] + bytes(2000) + b[len(b) // 2 + 2000:],
              "other": lambda b: PACK[encoding](tar_of({**files, "a.json": TEXT[::-1], "w.bin": LARGE[1:4 * MIB + 1]}))[:len(b)],
              "empty": lambda b: b""}[how]
    spoil(server, blob, change)
    if how in ("other", "empty"):
        refused(harbor.get(file_of(project, "a.json")), 500, "UNKNOWN")
    answer = harbor.get(file_of(project, "z.json"))
    if how == "other":
        assert answer.status == 500 or answer.body == TEXT, "what is right by chance is right"
    else:
        refused(answer, 500, "UNKNOWN")
    for _ in range(3):
        try:
            answer = harbor.get(file_of(project, "w.bin"))
        except Unfinished:
            continue
        assert answer.status == 500, "never all of it"
    idle(server)
    assert harbor.call("HEAD", file_of(project, "w.bin")).status == 200
    assert "extract.failed" in server.log()


def bomb_tar():
    """Some small files, then zeros that would fill a disk."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("small.txt")
        info.size = len(TEXT)
        tar.addfile(info, io.BytesIO(TEXT))
        info = tarfile.TarInfo("zeros.bin")
        info.size = 400 * MIB
        tar.addfile(info, io.BytesIO(bytes(400 * MIB)))
    return out.getvalue()


def test_bombs_and_claims(harbor, project):
    """What cannot be read has no files; a tar that claims to hold more than it does neither."""
    for number, (blob, encoding) in enumerate([
            (gzip.compress(bomb_tar(), 9), "tar+gzip"), (zstd(bomb_tar()), "tar+zstd"),
            (gzip.compress(tar_of({"x": TEXT})[:-6]) + b"junk", "tar+gzip"),
            (gzip.compress(claiming(1 << 40)), "tar+gzip"), (gzip.compress(claiming((1 << 63) - 1)), "tar+gzip"),
            (zlib.compress(tar_of({"x": TEXT})), "tar+gzip"), (b"", "tar+zstd")]):
        found = put(harbor, project, archive(blob, encoding, path="x"), layer("doc", "README.md", b"# M\n"), repo=f"m{number}")
        assert len(found["warnings"]) == 1 and [f["looked_into"] for f in found["files"]].count(False) == 1, found
        for path in ("x", "small.txt", "zeros.bin"):
            refused(harbor.get(file_of(project, path, f"m{number}")), 404, "NOT_FOUND")


def claiming(size):
    """A tar whose one member claims a size (base 256) that it has not."""
    info = tarfile.TarInfo("x")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + TEXT + bytes(2048)


def killer(server, how_many):
    """Kills the first processes that unpack; call the result to end it."""
    over, killed = threading.Event(), set()

    def work():
        while not over.is_set() and len(killed) < how_many:
            for pid in children_of(server) - killed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
            time.sleep(0.001)

    thread = threading.Thread(target=work)
    thread.start()

    def end():
        over.set()
        thread.join()
        return len(killed)
    return end


def test_killed_processes(start):
    """One that is killed is replaced; when that goes on, the client is told to come again later."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE[:MIB]}), 1), "tar+gzip"))
    end = killer(server, 1)
    assert harbor.get(file_of(project, "w.bin")).body == LARGE[:MIB]
    assert end() == 1
    put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE[1:MIB]}), 1), "tar+gzip"), repo="n")
    end = killer(server, 1000)
    answer = harbor.get(file_of(project, "w.bin", "n"))
    assert end() == 2
    refused(answer, 503, "UNKNOWN", "killed")
    assert answer.get("Retry-After")
    assert harbor.get(file_of(project, "w.bin", "n")).body == LARGE[1:MIB]


def test_restart_with_files_left(start):
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    files = {"a.bin": LARGE[:MIB], "b.bin": LARGE}
    put(harbor, project, archive(gzip.compress(tar_of(files), 1), "tar+gzip"))
    assert harbor.get(file_of(project, "a.bin")).status == 200
    raw = ask(server, file_of(project, "b.bin"))
    wait_until(lambda: len(spooled(server)) == 2)
    (server.data / "extracted" / "odd").write_bytes(b"x")
    server.restart(crash=True)
    raw.sock.close()
    assert spooled(server) == []
    harbor = Harbor(server.registry())
    assert harbor.get(file_of(project, "b.bin")).body == LARGE
    server.stop()
    assert spooled(server) == [], "nor does an orderly stop leave any"
    server.start()


def test_stopped_while_files_are_waited_for(start):
    server = start(config={"http.drain_timeout": "1s"})
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE}), 1), "tar+gzip"))
    seen = set()
    end = stop_processes(server, seen)
    raw = ask(server, file_of(project, "w.bin"))
    wait_until(lambda: seen, what="a process")
    server.stop()
    end()
    with raw:
        assert raw.receive() in (b"",) or True
    server.start()


# ---- clients ----

@pytest.mark.parametrize("how", ["close", "reset"])
def test_client_that_leaves(start, how):
    """It ends the process, before and while bytes come; who else wants the file is not troubled."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE * 4}), 1), "tar+gzip"))
    address = file_of(project, "w.bin")

    def leave(raw):
        if how == "reset":
            raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.sock.close()

    seen = set()
    end = stop_processes(server, seen)
    raw = ask(server, address)
    wait_until(lambda: seen, what="a process")
    leave(raw)
    wait_until(lambda: not children_of(server), what="the end of the process")
    end()
    wait_until(lambda: spooled(server) == [])
    # While it reads.
    raw = ask(server, address)
    assert raw.read_head()[0] == 200
    stopped = children_of(server)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    assert len(stopped) == 1, "it is not over yet"
    leave(raw)
    wait_until(lambda: not children_of(server), what="the end of the process")
    wait_until(lambda: spooled(server) == [])
    # Another one stays.
    raw, other = ask(server, address), ask(server, address)
    assert raw.read_head()[0] == 200
    leave(raw)
    with other:
        assert other.read_head()[0] == 200
        assert read_body(other, 4 * len(LARGE)) == LARGE * 4
    idle(server)
    assert not children_of(server)


def test_slow_client(start):
    """Who reads slowly holds a file, and no process."""
    server = start(config={"extract.processes": "1"})
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE}), 1), "tar+gzip"))
    with Raw(server, timeout=60, receive_buffer=4096) as raw:
        raw.head(f"GET /api/v2.0{file_of(project, 'w.bin')} HTTP/1.1")
        status, headers = raw.read_head()
        assert status == 200 and dict(headers)["Content-Length"] == str(len(LARGE))
        idle(server)
        assert harbor.get(file_of(project, "w.bin")).body == LARGE
        assert read_body(raw, len(LARGE)) == LARGE


def test_begins_before_it_is_all_there(start):
    """The beginning of a large file is sent while the rest comes; ranges of what is there at once."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    put(harbor, project, archive(gzip.compress(tar_of({"w.bin": LARGE * 4}), 1), "tar+gzip"))
    address = file_of(project, "w.bin")
    assert ranged(harbor, address, "bytes=0-99").body == LARGE[:100]
    assert server.metric("haven_extracts_total") == 0, "it has only begun"
    assert ranged(harbor, address, "bytes=50-149").body == LARGE[50:150]
    assert ranged(harbor, address, f"bytes=-{MIB}").body == LARGE[-MIB:]
    assert server.metric("haven_extracts_total") == 1
    assert server.metric("haven_extract_hits_total") == 2


# ---- who may ----

def test_who_may(harbor, anonymous, project):
    """What somebody else had taken out is no nearer to those who may not pull it."""
    number, _ = harbor.add_user()
    user, guest = harbor.add_user()
    project_id, project = harbor.add_project()
    put(harbor, project, archive(gzip.compress(tar_of({"secret.json": TEXT}), mtime=0), "tar+gzip"))
    address = file_of(project, "secret.json")
    assert number and harbor.get(address).body == TEXT
    refused(Harbor(anonymous).get(address), 401, "UNAUTHORIZED")
    refused(guest.get(address), 403, "FORBIDDEN")
    harbor.add_member(project_id, user, "limitedGuest")
    assert guest.get(address).body == TEXT
    # The same layer in a repository of one's own: by sending it, not by naming it.
    other = harbor.add_project()[1]
    refused(harbor.get(file_of(other, "secret.json")), 404, "NOT_FOUND")


def test_a_layer_that_the_repository_does_not_hold(start):
    server = start(config={"registry.sparse": "any"})
    harbor = Harbor(server.registry())
    owner, other = harbor.add_project()[1], harbor.add_project()[1]
    one = archive(gzip.compress(tar_of({"secret.json": TEXT, "README.md": b"# M\n"}), mtime=0), "tar+gzip")
    put(harbor, owner, one)
    assert harbor.get(file_of(owner, "secret.json")).body == TEXT
    document, blobs = modelpack(one)
    blobs.pop(one[0]["digest"])
    push(harbor.registry, f"{other}/m", document, blobs, "v1")
    refused(harbor.get(file_of(other, "secret.json")), 404, "NOT_FOUND")
    refused(harbor.get(at(owner, rest="/files/secret.json", ref="v2")), 404, "NOT_FOUND")
    harbor.registry.push_blob(f"{other}/m", one[1])
    assert harbor.get(file_of(other, "secret.json")).body == TEXT
    # And no more once it is gone.
    harbor.delete(at(owner))
    refused(harbor.get(file_of(owner, "secret.json")), 404, "NOT_FOUND")
