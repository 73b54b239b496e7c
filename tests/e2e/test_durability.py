# SPDX-License-Identifier: Apache-2.0
"""Nothing is acknowledged before it is on the disk: the order of system calls, as strace sees it."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from harness.content import noise, push, small_image
from harness.disk import joined
from harness.registry import digest_of

CALLS = "trace=openat,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,linkat,sendto,sendmsg,writev,write,unlinkat"


def can_trace():
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def traced(start, tmp_path):
    """A server under strace, and a function that gives the calls since the last time it was asked."""
    if not can_trace():
        pytest.skip("strace cannot trace here")
    trace = tmp_path / "trace"
    server = start(wrapper=["strace", "-f", "-y", "-s", "64", "-o", str(trace), "-e", CALLS])
    seen = 0

    def calls():
        nonlocal seen
        lines = trace.read_text(errors="replace").splitlines()
        new, seen = lines[seen:], len(lines)
        return joined(new)

    def end():
        # strace passes no signal on: the server itself is asked to stop
        with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as children:
            for pid in children.read().split():
                os.kill(int(pid), signal.SIGTERM)
        server.process.wait(60)
        server.forget()

    yield server, calls
    end()


def index_of(calls, pattern, after=-1):
    """The first call behind `after` that fits."""
    for i, call in enumerate(calls):
        if i > after and re.search(pattern, call):
            return i
    raise AssertionError(f"no call like {pattern}:\n" + "\n".join(calls[-80:]))


@pytest.mark.parametrize("form", ["by_post", "by_stream", "by_chunks_last_in_put"])
def test_blob_is_durable_before_201(traced, form):
    server, calls = traced
    registry = server.registry()
    registry.push_blob("library/d", b"first")
    calls()
    data = noise(300_000)
    digest = digest_of(data)
    text = digest.partition(":")[2]
    assert getattr(registry, form)("library/d", data, digest).status == 201
    made = calls()
    name = index_of(made, rf'(rename|renameat2?|linkat|link)\(.*{text}.* = 0')
    sync = index_of(made, r"(fdatasync|fsync)\(\d+<[^>]*/uploads/[^>]*>\) += 0")
    directory = index_of(made, rf"fsync\(\d+<[^>]*/blobs/sha256/{text[:2]}>\) += 0", name)
    database = index_of(made, r"(fdatasync|fsync)\(\d+<[^>]*haven\.db-wal>\) += 0", directory)
    answer = index_of(made, r'(sendto|sendmsg|writev|write)\(.*HTTP/1\.1 201')
    assert sync < name < directory < database < answer, made


def test_manifest_is_durable_before_201(traced):
    server, calls = traced
    registry = server.registry()
    document, blobs = small_image()
    for data in blobs.values():
        registry.push_blob("library/d", data)
    calls()
    push(registry, "library/d", document, {}, "v1")
    made = calls()
    answer = index_of(made, r'(sendto|sendmsg|writev|write)\(.*HTTP/1\.1 201')
    assert index_of(made, r"(fdatasync|fsync)\(\d+<[^>]*haven\.db-wal>\) += 0") < answer
