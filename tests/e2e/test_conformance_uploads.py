# SPDX-License-Identifier: Apache-2.0
"""Upload sessions: order, resumption, writers that meet, cancelling (OCI distribution end-4 to end-6, end-13, end-14)."""
import re
import threading
import time

import pytest

from harness.content import noise
from harness.raw import Raw
from harness.registry import OCTETS, Unfinished, digest_of
from harness.server import wait_until

SESSION = re.compile(r"/v2/[a-z0-9/-]+/blobs/uploads/[A-Za-z0-9_-]{16,}")


def status_of(registry, location):
    """How far the session has come: the number of bytes."""
    answer = registry.get(location)
    assert answer.status == 204, answer
    assert answer.body == b""
    assert SESSION.fullmatch(answer.get("Location"))
    first, last = answer.get("Range").split("-")
    assert first == "0"
    return int(last)


def test_start(admin, repo):
    for path in (f"/v2/{repo}/blobs/uploads/", f"/v2/{repo}/blobs/uploads"):
        answer = admin.request("POST", path)
        assert answer.status == 202, answer
        location = answer.get("Location")
        assert SESSION.fullmatch(location) and location.startswith(f"/v2/{repo}/")
        assert answer.get("Content-Length") == "0"
        assert answer.get("Range") == "0-0"
        assert answer.get("Docker-Upload-UUID") == location.rpartition("/")[2]
        assert answer.get("OCI-Chunk-Min-Length") is None
    assert admin.get(location).get("Range") == "0-0"


def test_ids_cannot_be_guessed(admin, repo):
    ids = {admin.open_upload(repo).rpartition("/")[2] for _ in range(20)}
    assert len(ids) == 20
    assert len({i[:6] for i in ids}) == 20


@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_cancel(admin, repo, alg):
    location = admin.open_upload(repo, f"?digest-algorithm={alg}")
    data = noise(1000)
    location = admin.patch(location, data, 0).get("Location")
    answer = admin.delete(location)
    assert (answer.status, answer.body) == (204, b"")
    for method in ("GET", "DELETE", "PATCH"):
        answer = admin.request(method, location, b"x" if method == "PATCH" else None)
        assert answer.status == 404 and answer.errors() == ["BLOB_UPLOAD_UNKNOWN"], answer
    assert admin.finish(location, digest_of(data, alg)).status == 404
    assert admin.head(f"/v2/{repo}/blobs/{digest_of(data, alg)}").status == 404


def test_status(admin, repo):
    location = admin.open_upload(repo)
    assert status_of(admin, location) == 0
    location = admin.patch(location, b"x" * 100).get("Location")
    assert status_of(admin, location) == 99
    assert status_of(admin, location + "?digest=" + digest_of(b"")) == 99
    location = admin.patch(location, b"y" * 11, 100).get("Location")
    assert status_of(admin, location) == 110


def test_unknown_session(admin, repo):
    admin.push_blob(repo, b"x")
    for name in ("00000000-0000-0000-0000-000000000000", "x", "..", "a" * 300, "%2e%2e"):
        path = f"/v2/{repo}/blobs/uploads/{name}"
        for answer in (admin.get(path), admin.patch(path, b"data", 0), admin.finish(path, digest_of(b""), b""),
                       admin.delete(path)):
            assert answer.status in (400, 404), (name, answer)
            assert answer.errors()[0] in ("BLOB_UPLOAD_UNKNOWN", "BAD_REQUEST", "NAME_INVALID"), answer


def test_session_belongs_to_its_repository(admin, repo):
    location = admin.open_upload(repo)
    other = location.replace(repo, repo + "/other")
    for answer in (admin.get(other), admin.patch(other, b"data"), admin.finish(other, digest_of(b"data"), b"data"),
                   admin.delete(other)):
        assert answer.status == 404 and answer.errors() == ["BLOB_UPLOAD_UNKNOWN"], answer
    assert status_of(admin, location) == 0


@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_out_of_order_patch(admin, repo, alg):
    data = noise(3072)
    location = admin.open_upload(repo)
    # ahead of where it stands
    answer = admin.patch(location, data[1024:2048], 1024)
    assert answer.status == 416 and answer.errors() == ["BLOB_UPLOAD_INVALID"], answer
    assert answer.get("Range") == "0-0" and SESSION.fullmatch(answer.get("Location"))
    location = admin.patch(location, data[:1024], 0).get("Location")
    # a gap
    assert admin.patch(location, data[2048:], 2048).status == 416
    location = admin.patch(location, data[1024:2048], 1024).get("Location")
    # back to the start
    answer = admin.patch(location, data[:1024], 0)
    assert answer.status == 416 and answer.get("Range") == "0-2047", answer
    assert status_of(admin, location) == 2047
    location = admin.patch(location, data[2048:], 2048).get("Location")
    digest = digest_of(data, alg)
    assert admin.finish(location, digest).status == 201
    assert admin.blob(repo, digest).body == data


@pytest.mark.parametrize("alg", ["sha256", "sha512"])
def test_out_of_order_put(admin, repo, alg):
    data = noise(2048)
    digest = digest_of(data, alg)
    location = admin.patch(admin.open_upload(repo), data[:1024], 0).get("Location")
    for first, part in ((0, data[:1024]), (1500, data[1024:])):
        answer = admin.finish(location, digest, part, first)
        assert answer.status == 416 and answer.errors() == ["BLOB_UPLOAD_INVALID"], answer
        assert answer.get("Range") == "0-1023"
    assert status_of(admin, location) == 1023
    assert admin.finish(location, digest, data[1024:], 1024).status == 201
    assert admin.blob(repo, digest).body == data


def test_bad_content_range(admin, repo):
    location = admin.open_upload(repo)
    for value in ("0", "a-b", "-5", "5-", "9-0", "0-3,5-9", "lines 0-3", ""):
        answer = admin.request("PATCH", location, b"data", {"Content-Type": OCTETS, "Content-Range": value})
        assert answer.status in (400, 416), (value, answer)
        assert answer.errors()[0] in ("BLOB_UPLOAD_INVALID", "SIZE_INVALID"), value
    assert status_of(admin, location) == 0


def test_content_range_in_http_form(admin, repo):
    """Some clients write it as HTTP has it."""
    location = admin.open_upload(repo)
    answer = admin.patch(location, b"0123456789", headers={"Content-Range": "bytes 0-9/*"})
    assert (answer.status, answer.get("Range")) == (202, "0-9"), answer
    answer = admin.patch(answer.get("Location"), b"ab", headers={"Content-Range": "bytes 10-11/12"})
    assert (answer.status, answer.get("Range")) == (202, "0-11"), answer


def test_length_other_than_range(admin, repo):
    location = admin.open_upload(repo)
    answer = admin.request("PATCH", location, b"12345", {"Content-Range": "0-9"})
    assert answer.status == 400 and answer.errors() == ["SIZE_INVALID"], answer
    assert status_of(admin, location) == 0
    # the same without a length beforehand
    answer = admin.request("PATCH", location, b"12345", {"Content-Range": "0-9"}, chunked=True)
    assert answer.status == 400 and answer.errors() == ["SIZE_INVALID"], answer
    assert status_of(admin, location) == 0
    assert admin.patch(location, b"12345", 0).status == 202


def test_range_is_of_the_whole_blob(admin, repo):
    location = admin.open_upload(repo)
    for i in range(4):
        answer = admin.patch(location, b"x" * 10, chunked=i % 2 == 0)
        assert answer.get("Range") == f"0-{i * 10 + 9}"
        location = answer.get("Location")


def test_wrong_digest_leaves_the_session(admin, repo):
    """The bytes before the closing request are not lost."""
    data = noise(5000)
    location = admin.patch(admin.open_upload(repo), data[:3000], 0).get("Location")
    answer = admin.finish(location, digest_of(b"another"), data[3000:], 3000)
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"]
    assert status_of(admin, location) == 2999
    assert admin.finish(location, digest_of(data), data[3000:], 3000).status == 201
    assert admin.blob(repo, digest_of(data)).body == data


def test_session_is_over_after_the_commit(admin, repo):
    data = noise(100)
    location = admin.open_upload(repo)
    assert admin.finish(location, digest_of(data), data).status == 201
    assert admin.get(location).status == 404
    assert admin.finish(location, digest_of(data), data).status == 404


def test_visible_at_once(admin, haven, repo):
    """Docker asks for each blob right after its 201."""
    other = haven.registry()
    for _ in range(50):
        data = noise(2000)
        digest = digest_of(data)
        assert admin.by_post(repo, data, digest).status == 201
        assert other.head(f"/v2/{repo}/blobs/{digest}").status == 200
    other.close()


def test_post_with_body_but_no_digest(admin, repo):
    answer = admin.start(repo, body=b"some bytes")
    assert answer.status in (202, 400), answer
    if answer.status == 400:
        assert answer.errors() == ["BLOB_UPLOAD_INVALID"]


def test_ns_parameter_is_ignored(admin, repo):
    data = noise(100)
    location = admin.open_upload(repo, "?ns=docker.io")
    assert admin.finish(location + "?ns=docker.io", digest_of(data), data).status == 201
    assert admin.get(f"/v2/{repo}/blobs/{digest_of(data)}?ns=docker.io").status == 200


# ---- writers that meet, clients that leave ----


def test_two_writers(haven, repo):
    """The second is refused while the first one writes; nothing is mixed."""
    one, two = haven.registry(), haven.registry()
    data = noise(400_000)
    location = one.open_upload(repo)
    path = location.partition("://")[2] or location
    with Raw(haven) as raw:
        raw.head(f"PATCH {path} HTTP/1.1", f"Content-Length: {len(data)}", f"Content-Range: 0-{len(data) - 1}")
        raw.send(data[:200_000])
        time.sleep(0.3)
        for answer in (two.patch(location, b"intruder"), two.finish(location, digest_of(b"intruder"), b"intruder")):
            assert answer.status in (409, 416), answer
            assert answer.errors() == ["BLOB_UPLOAD_INVALID"]
        raw.send(data[200_000:])
        answer = raw.answer()
        assert answer.status == 202 and answer.get("Range") == f"0-{len(data) - 1}"
    assert two.finish(location, digest_of(data)).status == 201
    assert two.blob(repo, digest_of(data)).body == data
    one.close()
    two.close()


def test_cancel_while_another_writes(haven, admin, repo):
    location = admin.open_upload(repo)
    with Raw(haven) as raw:
        raw.head(f"PATCH {location} HTTP/1.1", "Content-Length: 1000")
        raw.send(b"x" * 500)
        time.sleep(0.3)
        answer = admin.delete(location)
        assert answer.status in (204, 409), answer
        raw.send(b"x" * 500)
        second = raw.answer()
        assert second.status in ((404,) if answer.status == 204 else (202,)), second


@pytest.mark.parametrize("end", ["fin", "rst"])
@pytest.mark.parametrize("form", ["length", "chunked"])
def test_truncated_upload_keeps_its_bytes(haven, admin, repo, end, form):
    data = noise(1_000_000)
    location = admin.open_upload(repo)
    raw = Raw(haven)
    if form == "length":
        raw.head(f"PATCH {location} HTTP/1.1", f"Content-Length: {len(data)}")
        raw.send(data[:600_000])
    else:
        raw.head(f"PATCH {location} HTTP/1.1", "Transfer-Encoding: chunked")
        raw.send(b"%x\r\n" % 600_000, data[:600_000], b"\r\n")
    # what was in flight when the connection broke may be lost, what the server has taken is not
    time.sleep(0.5)
    if end == "fin":
        raw.sock.close()
    else:
        raw.reset()

    wait_until(lambda: status_of(admin, location) == 599_999, what="keeping all bytes")
    have = 600_000
    answer = wait_until(lambda: next(iter(a for a in [admin.patch(location, data[have:], have)]
                                          if a.status != 409), None), what="the end of the first writer")
    assert answer.status == 202, answer
    assert admin.finish(answer.get("Location"), digest_of(data)).status == 201
    assert admin.blob(repo, digest_of(data)).body == data


def test_truncated_closing_put(haven, admin, repo):
    """The client leaves in the middle of the last chunk, asks how far it came, and sends the rest."""
    data = noise(500_000)
    location = admin.open_upload(repo)
    raw = Raw(haven)
    raw.head(f"PUT {location}?digest={digest_of(data)} HTTP/1.1", f"Content-Length: {len(data)}")
    raw.send(data[:300_000])
    time.sleep(0.5)
    raw.reset()
    assert admin.head(f"/v2/{repo}/blobs/{digest_of(data)}").status == 404
    have = wait_until(lambda: status_of(admin, location), what="keeping the bytes") + 1
    assert have <= 300_000
    answer = wait_until(lambda: next(iter(a for a in [admin.finish(location, digest_of(data), data[have:], have)]
                                          if a.status != 409), None), what="the end of the first writer")
    assert answer.status == 201, answer
    assert admin.blob(repo, digest_of(data)).body == data


def test_truncated_post_leaves_nothing(haven, admin, repo):
    data = noise(300_000)
    raw = Raw(haven)
    raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest_of(data)} HTTP/1.1", f"Content-Length: {len(data)}")
    raw.send(data[:200_000])
    time.sleep(0.3)
    raw.reset()
    assert admin.head(f"/v2/{repo}/blobs/{digest_of(data)}").status == 404
    assert admin.by_post(repo, data, digest_of(data)).status == 201


@pytest.mark.release
def test_many_pushes_at_once(haven, repo):
    """The same and different blobs, in all forms, by eight clients."""
    shared = noise(300_000, seed=5)
    failures = []

    def work(n):
        registry = haven.registry()
        try:
            for i, form in enumerate(["by_post", "by_put", "by_stream", "by_chunks"]):
                own = noise(100_000, seed=n * 100 + i)
                for data in (shared, own):
                    answer = getattr(registry, form)(repo, data, digest_of(data))
                    assert answer.status == 201, answer
                    assert registry.blob(repo, digest_of(data)).body == data
        except (AssertionError, Unfinished) as failure:
            failures.append(failure)
        finally:
            registry.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
