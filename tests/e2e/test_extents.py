# SPDX-License-Identifier: Apache-2.0
"""Blobs of several extents: literals and ranges of objects are served as one content, whole and in ranges.

No request of today makes such a blob (views and conversions will), so one is written into the database of a
stopped server, over an object that was pushed.
"""
import io
import os
import random
import tarfile
import time

import pytest

from harness.registry import digest_of

REPO = "library/composed"


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """(server, bytes): a tar of a pushed file, made of its header, the file's object and the padding."""
    from harness.server import Server

    server = Server(tmp_path_factory.mktemp("extents"), config={"http.byte_workers": 2}).start()
    registry = server.registry()
    data = os.urandom(3_000_000 + 77)
    pushed = registry.push_blob(REPO, data)
    registry.close()
    server.stop()

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo("weights.bin")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    whole = archive.getvalue()
    pieces = [(None, whole[:512]), (pushed, (0, 1_000_000)), (pushed, (1_000_000, len(data) - 1_000_000)),
              (None, whole[512 + len(data):])]
    with server.database() as db:
        (repository,) = db.execute("SELECT id FROM repository WHERE name = ?", (REPO,)).fetchone()
        (item,) = db.execute("SELECT id FROM object WHERE digest = ?", (pushed,)).fetchone()
        now = int(time.time() * 1000)
        blob = db.execute("INSERT INTO blob (digest, size, created_ms) VALUES (?, ?, ?)",
                          (digest_of(whole), len(whole), now)).lastrowid
        for seq, (digest, piece) in enumerate(pieces):
            row = (blob, seq, item, None, *piece) if digest else (blob, seq, None, piece, 0, len(piece))
            db.execute("INSERT INTO extent (blob_id, seq, object_id, literal, start, len) VALUES (?, ?, ?, ?, ?, ?)", row)
        db.execute("INSERT INTO repository_blob (repository_id, blob_id, created_ms, pending_ms) VALUES (?, ?, ?, ?)",
                   (repository, blob, now, now))
    db.close()
    server.start()
    yield server, whole
    server.stop()


def test_whole(composed):
    server, whole = composed
    registry = server.registry()
    answer = registry.blob(REPO, digest_of(whole))
    assert answer.status == 200 and answer.body == whole
    assert answer.get("Content-Length") == str(len(whole))
    answer = registry.head(f"/v2/{REPO}/blobs/{digest_of(whole)}")
    assert answer.status == 200 and answer.get("Content-Length") == str(len(whole)) and answer.body == b""
    registry.close()


def test_ranges_across_the_seams(composed):
    server, whole = composed
    registry = server.registry()
    seams = [0, 512, 512 + 1_000_000, 512 + 3_000_077, len(whole)]
    edges = sorted({max(0, min(len(whole) - 1, s + d)) for s in seams for d in (-1, 0, 1)})
    cases = [(a, b) for a in edges for b in edges if a <= b]
    chance = random.Random(7)
    cases += [tuple(sorted(chance.sample(range(len(whole)), 2))) for _ in range(20)]
    for first, last in cases:
        answer = registry.blob(REPO, digest_of(whole), Range=f"bytes={first}-{last}")
        assert answer.status == 206 and answer.body == whole[first:last + 1], (first, last)
        assert answer.get("Content-Range") == f"bytes {first}-{last}/{len(whole)}"
    registry.close()


def test_several_ranges_in_the_order_asked(composed):
    server, whole = composed
    registry = server.registry()
    asked = [(1_000_500, 1_000_600), (0, 700), (len(whole) - 10, len(whole) - 1)]
    answer = registry.blob(REPO, digest_of(whole), Range="bytes=" + ",".join(f"{a}-{b}" for a, b in asked))
    assert answer.status == 206
    boundary = answer.get("Content-Type").partition("boundary=")[2].encode()
    parts = answer.body.split(b"--" + boundary)[1:-1]
    assert [p.split(b"\r\n\r\n", 1)[1][:-2] for p in parts] == [whole[a:b + 1] for a, b in asked]
    registry.close()
