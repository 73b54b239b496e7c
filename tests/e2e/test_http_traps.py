# SPDX-License-Identifier: Apache-2.0
"""Heads and bodies that no honest client sends, and honest ones that servers get wrong. Raw sockets."""
import json
import re
import time

import pytest

from harness.content import noise, push, small_image
from harness.raw import Raw, basic
from harness.registry import digest_of
from harness.server import haven as program, wait_until

BLOB = b"the bytes of a small blob"


@pytest.fixture
def raw(haven):
    with Raw(haven) as connection:
        yield connection


def library_major():
    """1 with the libmicrohttpd of Debian 13; docs/http.md says what it does differently."""
    said = json.loads(program("version", "--json").stdout)
    return int(said["libmicrohttpd"].partition(".")[0])


def check_alive(server):
    assert server.registry().get("/v2/").status == 200


def refused(raw, status=400, code="BAD_REQUEST"):
    """One answer with this status, exactly once, then the end of the connection."""
    answer = raw.answer()
    assert answer.status == status, answer
    assert answer.get("Connection", "").lower() == "close"
    assert answer.errors() == [code]
    assert raw.ended(), "the connection stays open"
    return answer


# ---- framing ----


def test_length_and_chunked(haven, raw):
    """What a proxy in front and we could understand differently is refused."""
    raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", "Content-Length: 6", "Transfer-Encoding: chunked")
    raw.send("0\r\n\r\nG")
    refused(raw)
    check_alive(haven)


def test_chunked_and_length(haven, raw):
    raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 5")
    raw.send("0\r\n\r\n")
    refused(raw)


@pytest.mark.parametrize("lengths", [("5", "6"), ("6", "5"), ("5", "5"), ("0", "5"), ("5", "")])
def test_two_lengths(haven, raw, lengths):
    """Also twice the same: no client means it."""
    raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", *[f"Content-Length: {n}" for n in lengths])
    raw.send("hello")
    refused(raw)
    check_alive(haven)


@pytest.mark.parametrize("length", ["-5", "+5", "5 5", "5,5", "0x5", "5.0", "five", "99999999999999999999999",
                                    "18446744073709551621"])
def test_bad_length(haven, raw, length):
    raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", f"Content-Length: {length}")
    raw.send("hello")
    status, headers = raw.read_head()
    assert status in (400, 413), headers
    rest = raw.read_to_end()
    assert b"HTTP/1.1 2" not in rest
    check_alive(haven)


@pytest.mark.parametrize("codings", [["gzip, chunked"], ["gzip"], ["chunked, chunked"], ["chunked", "chunked"], ["x"],
                                     ["chunked, gzip"], ["identity"], ["xchunked"], [" chunked,"]])
def test_transfer_codings(haven, raw, codings):
    """Nothing but chunked is undone, and nothing else is taken."""
    raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", *[f"Transfer-Encoding: {c}" for c in codings])
    raw.send("0\r\n\r\n")
    answer = raw.answer()
    assert answer.status in (400, 501) and answer.get("Connection", "").lower() == "close", answer
    assert raw.ended()
    check_alive(haven)


def test_content_coding(haven, raw):
    raw.head(f"POST /v2/library/x/blobs/uploads/?digest={digest_of(BLOB)} HTTP/1.1", "Content-Encoding: gzip",
             f"Content-Length: {len(BLOB)}")
    raw.send(BLOB)
    assert raw.answer().status == 415
    with Raw(haven) as plain:
        plain.head(f"POST /v2/library/x/blobs/uploads/?digest={digest_of(BLOB)} HTTP/1.1", "Content-Encoding: identity",
                   f"Content-Length: {len(BLOB)}")
        plain.send(BLOB)
        assert plain.answer().status == 201


@pytest.mark.parametrize("body", [b"xyz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
                                  b"\r\nhello", b"5\r\nhelloX\r\n0\r\n\r\n", b"fffffffffffffffff\r\nhello\r\n"])
def test_bad_chunks(haven, body):
    digest = digest_of(b"hello")
    with Raw(haven) as raw:
        raw.head(f"POST /v2/library/chunks/blobs/uploads/?digest={digest} HTTP/1.1", "Transfer-Encoding: chunked")
        raw.send(body)
        rest = raw.read_to_end()
        assert re.match(rb"HTTP/1.1 4\d\d |\Z", rest), rest
    check_alive(haven)


def test_chunk_extensions_and_trailers(haven, raw):
    digest = digest_of(BLOB)
    raw.head(f"POST /v2/library/chunks/blobs/uploads/?digest={digest} HTTP/1.1", "Transfer-Encoding: chunked")
    raw.send(b"5;name=value\r\n", BLOB[:5], b"\r\n", b"%X\r\n" % (len(BLOB) - 5), BLOB[5:], b"\r\n",
             b"0\r\nTrailer-Field: x\r\n\r\n")
    if library_major() == 0:
        assert raw.answer().status == 201
        return
    assert raw.answer().status == 400
    assert raw.ended()
    assert haven.registry().head(f"/v2/library/chunks/blobs/{digest}").status == 404


def test_trailers(haven, raw):
    digest = digest_of(BLOB)
    raw.head(f"POST /v2/library/trailers/blobs/uploads/?digest={digest} HTTP/1.1", "Transfer-Encoding: chunked")
    raw.send(b"%X\r\n" % len(BLOB), BLOB, b"\r\n", b"0\r\nTrailer-Field: x\r\n\r\n")
    assert raw.answer().status == 201


# ---- heads ----


def refused_for_nul(raw):
    """By us, or by a library that does it already."""
    if library_major() == 0:
        refused(raw)
        return
    answer = raw.answer()
    assert answer.status == 400 and answer.get("Connection", "").lower() == "close", answer
    assert raw.ended()


def test_nul_in_a_header(haven, raw):
    raw.head("GET /v2/ HTTP/1.1", "X-Thing: a\0b")
    refused_for_nul(raw)
    check_alive(haven)


def test_nul_in_the_request_line(haven, raw):
    raw.head("GET /v2/\0x HTTP/1.1")
    data = raw.read_to_end()
    assert data == b"" or data.startswith(b"HTTP/1.1 4"), data


def test_nul_hides_no_framing(haven, raw):
    """What stands behind a NUL is not overlooked."""
    raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", "Transfer-Encoding: chunked\0", "Content-Length: 5")
    raw.send("hello")
    refused_for_nul(raw)


@pytest.mark.parametrize("path", ["/v2/library/a%00b/manifests/v1", "/v2/%00", "/v2/library/x/tags/list?n=%00",
                                  "/v2/library%2Fa/manifests/v1", "/v2/library%2fa/manifests/v1", "/v2/%",
                                  "/v2/library/a/manifests/%zz", "/v2/library/a/manifests/v%1"])
def test_escapes_that_change_the_path(haven, raw, path):
    raw.head(f"GET {path} HTTP/1.1")
    answer = raw.answer()
    assert answer.status == 400 and answer.errors() == ["BAD_REQUEST"], answer
    raw.head("GET /v2/ HTTP/1.1")
    assert raw.answer().status == 200


@pytest.mark.parametrize("path", ["/v2/library/../library/a/manifests/v1", "/v2/../../etc/passwd", "/v2/./",
                                  "/../v2/", "/v2/library/a/blobs/../../../../haven.db", "/v2/library/a/manifests/..",
                                  "/v2/library/a/blobs/uploads/..", "/v2/%2e%2e/%2e%2e/haven.db", "/-/../v2/"])
def test_dot_segments_are_names_like_others(haven, raw, path):
    """Nothing is climbed: there is no such address, or the name is malformed."""
    raw.head(f"GET {path} HTTP/1.1")
    answer = raw.answer()
    assert answer.status in (400, 404), answer


def test_missing_host(haven, raw):
    raw.send("GET /v2/ HTTP/1.1\r\nAuthorization: ", basic(), "\r\n\r\n")
    status, _ = raw.read_head()
    assert status == 400
    raw.read_to_end()
    check_alive(haven)


@pytest.mark.parametrize("lines", [("Host: a", "Host: b"), ("Host: a b",), ("Host: a/b",), ("Host: \"><script>",),
                                   ("Host: a\tb",), ("Host: a@b",)])
def test_bad_host(haven, raw, lines):
    raw.head("GET /v2/ HTTP/1.1", *lines, host=False)
    refused(raw)


def test_empty_host(haven, raw):
    raw.send("GET /v2/ HTTP/1.1\r\nHost:\r\n\r\n")
    answer = raw.answer()
    assert answer.status in (400, 401), answer
    assert "://\"" not in answer.get("WWW-Authenticate", "") and ":///" not in answer.get("WWW-Authenticate", "")


@pytest.mark.parametrize("path, allowed", [("/v2/", "GET, HEAD, OPTIONS"), ("/api/v2.0/labels/1", "GET, HEAD, PUT, DELETE, OPTIONS")])
def test_methods_that_are_none(anonymous, path, allowed):
    """Whoever asks with a method that nobody knows is told which ones would do."""
    for method in ("TRACE", "BREW", "PUT" if path == "/v2/" else "PATCH"):
        answer = anonymous.request(method, path)
        assert (answer.status, answer.get("Allow")) == (405, allowed), answer


def test_absolute_form(haven, raw):
    raw.head(f"GET http://{haven.address}/v2/ HTTP/1.1")
    assert raw.answer().status == 200


@pytest.mark.parametrize("line", ["GET * HTTP/1.1", "GET v2/ HTTP/1.1", "CONNECT example.org:443 HTTP/1.1",
                                  "GET  HTTP/1.1", "TRACE /v2/ HTTP/1.1", "GET /v2/ HTTP/3.7", "PRI * HTTP/2.0"])
def test_odd_request_lines(haven, line):
    with Raw(haven) as raw:
        raw.head(line)
        data = raw.receive()
        assert data == b"" or re.match(rb"HTTP/1.[01] (400|404|405|501|505) ", data), data
    check_alive(haven)


@pytest.mark.parametrize("head", ["GET /v2/ HTTP/1.1\r\nHost: a\r\nX-A: b\r\n folded\r\n\r\n",
                                  "GET /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
                                  "GET /v2/ HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n",
                                  "GET /v2/ HTTP/1.1\nHost: a\n\n"])
def test_sloppy_heads(haven, head):
    """Folded lines, blanks before colons, bare line ends: an answer or the end, and never a second request."""
    with Raw(haven) as raw:
        raw.send(head)
        raw.half_close()
        data = raw.read_to_end()
        assert data.count(b"HTTP/1.1 ") <= 1, data
    check_alive(haven)


@pytest.mark.parametrize("size,status", [(9_000, 414), (31_000, 414), (40_000, 414), (200_000, 414)])
def test_long_address(haven, size, status):
    with Raw(haven) as raw:
        raw.head(f"GET /v2/library/{'a' * size}/manifests/v1 HTTP/1.1")
        got, headers = raw.read_head()
        assert got == status, headers
    check_alive(haven)


@pytest.mark.parametrize("size", [40_000, 200_000])
def test_long_header(haven, size):
    with Raw(haven) as raw:
        raw.head("GET /v2/ HTTP/1.1", "X-Long: " + "a" * size)
        status, headers = raw.read_head()
        assert status == 431, headers
    check_alive(haven)


def test_headers_of_a_common_size(haven, raw):
    """Tokens of several kilobytes pass."""
    raw.head("GET /v2/ HTTP/1.1", "X-Long: " + "a" * 8000, "X-Other: " + "b" * 8000)
    assert raw.answer().status == 200


def test_hundred_headers(haven):
    with Raw(haven) as raw:
        raw.head("GET /v2/ HTTP/1.1", *[f"X-{i}: v" for i in range(97)])
        assert raw.answer().status == 200
    with Raw(haven) as raw:
        raw.head("GET /v2/ HTTP/1.1", *[f"X-{i}: v" for i in range(120)])
        answer = refused(raw, 431, "HEAD_TOO_LARGE")
        assert answer.errors() == ["HEAD_TOO_LARGE"]


def test_header_splitting(haven, raw):
    """Text of the caller does not become a header line of ours."""
    raw.head("GET /v2/library/a%0d%0aX-Evil:%20yes/manifests/v1 HTTP/1.1")
    answer = raw.answer()
    assert answer.status == 400 and answer.get("X-Evil") is None
    raw.head("GET /v2/ HTTP/1.1", "X-Request-Id: a b\"; evil=1")
    assert "evil" not in raw.answer().get("X-Request-Id")


def test_request_id(haven, raw):
    raw.head("GET /v2/ HTTP/1.1", "X-Request-Id: my-request_1.2")
    assert raw.answer().get("X-Request-Id") == "my-request_1.2"


# ---- pipelining, HEAD, versions ----


def test_pipelining(haven, admin, repo):
    """Answers come in the order of the requests, bodies or not."""
    digest = admin.push_blob(repo, BLOB)
    with Raw(haven) as raw:
        for i in range(20):
            raw.head(f"GET /v2/{repo}/blobs/{digest} HTTP/1.1", f"X-Request-Id: get-{i}")
            raw.head(f"HEAD /v2/{repo}/blobs/{digest} HTTP/1.1", f"X-Request-Id: head-{i}")
            raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest} HTTP/1.1", f"Content-Length: {len(BLOB)}",
                     f"X-Request-Id: post-{i}")
            raw.send(BLOB)
            raw.head(f"GET /v2/{repo}/manifests/nothing HTTP/1.1", f"X-Request-Id: none-{i}")
        for i in range(20):
            answer = raw.answer()
            assert (answer.status, answer.body, answer.get("X-Request-Id")) == (200, BLOB, f"get-{i}")
            answer = raw.answer(head_only=True)
            assert (answer.status, answer.get("X-Request-Id")) == (200, f"head-{i}")
            assert (answer.get("Content-Length"), answer.body) == (str(len(BLOB)), b"")
            answer = raw.answer()
            assert (answer.status, answer.get("X-Request-Id")) == (201, f"post-{i}")
            answer = raw.answer()
            assert (answer.status, answer.get("X-Request-Id")) == (404, f"none-{i}")


def test_head_of_everything(haven, admin, repo):
    """The length that GET has, and no body."""
    push(admin, repo, *small_image(), "v1")
    digest = admin.push_blob(repo, noise(3_000_000))
    paths = ["/v2/", f"/v2/{repo}/manifests/v1", f"/v2/{repo}/blobs/{digest}", f"/v2/{repo}/tags/list",
             f"/v2/{repo}/referrers/{digest}", "/v2/_catalog", f"/v2/{repo}/manifests/absent", "/nothing", "/v2/x",
             "/api/v2.0/health"]
    with Raw(haven) as raw:
        for path in paths:
            full = admin.get(path)
            raw.head(f"HEAD {path} HTTP/1.1")
            answer = raw.answer(head_only=True)
            assert answer.status == full.status, path
            if not path.startswith("/api"):
                assert answer.get("Content-Length") == full.get("Content-Length"), path
            assert answer.get("Content-Type") == full.get("Content-Type"), path
            assert raw.buffer == b""


def test_http_1_0(haven, admin, repo):
    """Closed after the answer, never chunked, without Host."""
    digest = admin.push_blob(repo, BLOB)
    with Raw(haven) as raw:
        raw.send(f"GET /v2/{repo}/blobs/{digest} HTTP/1.0\r\nAuthorization: {basic()}\r\n\r\n")
        answer = raw.answer()
        assert (answer.status, answer.body) == (200, BLOB)
        assert answer.get("Transfer-Encoding") is None
        assert raw.ended()
    with Raw(haven) as raw:
        raw.send(f"GET /v2/ HTTP/1.0\r\nAuthorization: {basic()}\r\nConnection: keep-alive\r\n\r\n")
        assert raw.answer().status == 200
    with Raw(haven) as raw:
        raw.send(f"POST /v2/{repo}/blobs/uploads/ HTTP/1.0\r\nAuthorization: {basic()}\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "0\r\n\r\n")
        assert raw.read_head()[0] == 400


def test_connection_close(haven, raw):
    raw.head("GET /v2/ HTTP/1.1", "Connection: close")
    answer = raw.answer()
    assert answer.status == 200 and answer.get("Connection").lower() == "close"
    assert raw.ended()


def test_body_on_get(haven, admin, repo):
    """It is read and dropped; the connection stays in step."""
    with Raw(haven) as raw:
        for _ in range(3):
            raw.head("GET /v2/ HTTP/1.1", "Content-Length: 5")
            raw.send("hello")
            assert raw.answer().status == 200
        raw.head("GET /v2/ HTTP/1.1", "Transfer-Encoding: chunked")
        raw.send("5\r\nhello\r\n0\r\n\r\n")
        assert raw.answer().status == 200


# ---- Expect, early answers ----


def test_expect(haven, raw, repo):
    """100 comes before the body, 201 after it."""
    raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest_of(BLOB)} HTTP/1.1", f"Content-Length: {len(BLOB)}",
             "Expect: 100-continue")
    assert raw.read_head()[0] == 100
    raw.send(BLOB)
    assert raw.answer().status == 201
    raw.head("GET /v2/ HTTP/1.1")
    assert raw.answer().status == 200


@pytest.mark.parametrize("form", ["Content-Length: 10000000", "Transfer-Encoding: chunked"])
def test_expect_refused(haven, raw, repo, form):
    """The refusal comes instead of 100: the body is never sent."""
    raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest_of(BLOB)} HTTP/1.1", form, "Expect: 100-continue", auth=False)
    answer = raw.answer()
    assert answer.status == 401 and answer.errors() == ["UNAUTHORIZED"]
    assert answer.get("Connection", "").lower() == "close"


@pytest.mark.parametrize("path,status", [("/v2/nowhere/x/blobs/uploads/?digest=" + digest_of(BLOB), 404),
                                         ("/v2/library/x/blobs/uploads/?digest=bad", 400),
                                         ("/v2/library/X/blobs/uploads/", 400), ("/nothing", 404)])
def test_expect_refused_for_other_reasons(haven, raw, path, status):
    raw.head(f"POST {path} HTTP/1.1", "Content-Length: 10000000", "Expect: 100-continue")
    assert raw.answer().status == status


def test_expect_of_something_else(haven, raw):
    raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", "Content-Length: 5", "Expect: the-unexpected")
    answer = raw.answer()
    assert answer.status == 417 and answer.errors() == ["EXPECTATION_FAILED"]


def test_expect_with_the_body_at_once(haven, raw, repo):
    """Clients need not wait."""
    raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest_of(BLOB)} HTTP/1.1", f"Content-Length: {len(BLOB)}",
             "Expect: 100-continue")
    raw.send(BLOB)
    status, _ = raw.read_head()
    if status == 100:
        status = raw.answer().status
    assert status == 201


@pytest.mark.parametrize("form", ["length", "chunked"])
@pytest.mark.parametrize("why", ["no credentials", "unknown session", "out of order"])
def test_refused_while_the_client_sends(haven, admin, repo, form, why):
    """The answer can be read although the client was still sending; no reset eats it."""
    location = admin.open_upload(repo)
    path, lines = location, []
    if why == "unknown session":
        path = location[:-1] + ("0" if location[-1] != "0" else "1")
    if why == "out of order":
        lines = ["Content-Range: 5000000-104999999"]
    expected = {"no credentials": 401, "unknown session": 404, "out of order": 416}[why]
    block = bytes(65536)
    with Raw(haven) as raw:
        if form == "length":
            raw.head(f"PATCH {path} HTTP/1.1", "Content-Length: 100000000", *lines, auth=why != "no credentials")
        else:
            raw.head(f"PATCH {path} HTTP/1.1", "Transfer-Encoding: chunked", *lines, auth=why != "no credentials")
        sent = 0
        try:
            while sent < 3_000_000:
                raw.send(block if form == "length" else b"10000\r\n" + block + b"\r\n")
                sent += len(block)
        except (BrokenPipeError, ConnectionResetError):
            pass
        status, headers = raw.read_head()
        assert status == expected, headers
    assert admin.get(location).get("Range") == "0-0"


def test_small_refused_body_keeps_the_connection(haven, raw, repo):
    raw.head(f"POST /v2/nowhere/x/blobs/uploads/?digest={digest_of(BLOB)} HTTP/1.1", f"Content-Length: {len(BLOB)}")
    raw.send(BLOB)
    answer = raw.answer()
    assert answer.status == 404
    if answer.get("Connection", "").lower() != "close":
        raw.head("GET /v2/ HTTP/1.1")
        assert raw.answer().status == 200


def test_half_close_while_the_answer_comes(haven, admin, repo):
    """A client that has said all it has to say still gets the rest."""
    digest = admin.push_blob(repo, noise(12_000_000))
    with Raw(haven, receive_buffer=65536) as raw:
        raw.head(f"GET /v2/{repo}/blobs/{digest} HTTP/1.1")
        assert raw.read_head()[0] == 200
        raw.half_close()
        while len(raw.buffer) < 12_000_000:
            assert raw.fill(), f"cut at {len(raw.buffer)}"
        assert digest_of(raw.buffer) == digest
        assert raw.receive() == b""


@pytest.mark.parametrize("pause", [0, 0.001, 0.05])
def test_half_close_at_once(haven, admin, repo, pause):
    """Before the answer begins the library may take it for leaving: then nothing comes, never a part of an answer."""
    digest = admin.push_blob(repo, noise(2_000_000))
    answered = 0
    for path, size in ((f"/v2/{repo}/blobs/{digest}", 2_000_000), ("/v2/", 2)):
        for _ in range(10):
            with Raw(haven) as raw:
                raw.head(f"GET {path} HTTP/1.1")
                time.sleep(pause)
                raw.half_close()
                if raw.fill():
                    answer = raw.answer()
                    assert answer.status == 200 and len(answer.body) == size
                    answered += 1
    assert answered or not pause
    assert admin.get("/v2/").status == 200


def test_half_close_behind_a_body(haven, repo):
    data = noise(3_000_000)
    with Raw(haven) as raw:
        raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest_of(data)} HTTP/1.1", f"Content-Length: {len(data)}",
                 "Expect: 100-continue")
        assert raw.read_head()[0] == 100
        raw.send(data)
        raw.half_close()
        if raw.fill():
            assert raw.answer().status == 201


# ---- clients that leave ----

STAGES = ["connected", "in the request line", "in the head", "before the body", "in the body", "in a chunk",
          "before the answer", "in the answer", "between requests"]


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("stage", STAGES)
def test_abort(haven, admin, repo, stage, how):
    """Whenever and however they leave: nothing is lost, nothing leaks, others do not notice."""
    digest = admin.push_blob(repo, noise(8_000_000, seed=3))
    # A worker that had nothing to do yet opens the database now, once; what leaks does so every time.
    for last in (False, False, True):
        before = settled_files(haven)
        leave(haven, repo, digest, stage, how)
        if falls(lambda: haven.open_files() <= before):
            break
        assert not last, f"{haven.open_files()} open files do not fall to {before}"
    wait_until(lambda: haven.metric("haven_http_requests_active") <= 1, what="the end of all requests")
    wait_until(lambda: haven.metric("haven_uploads_open") == 0, what="the end of all uploads")
    assert admin.head(f"/v2/{repo}/blobs/{digest}").status == 200


def falls(condition, seconds=15):
    """Does it come true?"""
    try:
        return wait_until(condition, seconds)
    except AssertionError:
        return False


def leave(haven, repo, digest, stage, how):
    """Five clients that leave at this stage."""
    for _ in range(5):
        raw = Raw(haven, receive_buffer=4096)
        if stage == "in the request line":
            raw.send("GET /v2/libr")
        elif stage == "in the head":
            raw.send("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Some")
        elif stage == "before the body":
            raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest} HTTP/1.1", "Content-Length: 8000000")
        elif stage == "in the body":
            raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest} HTTP/1.1", "Content-Length: 8000000")
            raw.send(bytes(700_000))
        elif stage == "in a chunk":
            raw.head(f"POST /v2/{repo}/blobs/uploads/?digest={digest} HTTP/1.1", "Transfer-Encoding: chunked")
            raw.send(b"100000\r\n", bytes(5000))
        elif stage == "before the answer":
            raw.head(f"GET /v2/{repo}/tags/list HTTP/1.1")
        elif stage == "in the answer":
            raw.head(f"GET /v2/{repo}/blobs/{digest} HTTP/1.1")
            raw.read_head()
        elif stage == "between requests":
            raw.head("GET /v2/ HTTP/1.1")
            raw.answer()
        if stage != "before the answer":
            time.sleep(0.02)
        if how == "rst":
            raw.reset()
        else:
            raw.sock.close()


def settled_files(server):
    """Open files when nothing is going on (besides the connections that tests keep)."""
    # A worker opens the database when it first needs it: all of them have, after this.
    for _ in range(3):
        crowd = [Raw(server) for _ in range(40)]
        for one in crowd:
            one.head("GET /v2/library/nobody/tags/list HTTP/1.1")
        for one in crowd:
            one.answer()
            one.sock.close()
    last, same = server.open_files(), 0
    for _ in range(200):
        time.sleep(0.02)
        now = server.open_files()
        same = same + 1 if now == last else 0
        last = now
        if same == 5:
            break
    return last


def test_many_aborted_ranges(haven, admin, repo):
    """Clients that read ahead in parallel close each connection in the middle of an open-ended range."""
    data = noise(8_000_000, seed=4)
    digest = admin.push_blob(repo, data)
    before = settled_files(haven)
    for i in range(40):
        with Raw(haven, receive_buffer=65536) as raw:
            first = i * 200_000
            raw.head(f"GET /v2/{repo}/blobs/{digest} HTTP/1.1", f"Range: bytes={first}-")
            status, headers = raw.read_head()
            assert status == 206 and ("Content-Range", f"bytes {first}-7999999/8000000") in headers
            while len(raw.buffer) < 20_000:
                assert raw.fill()
            assert data.startswith(raw.buffer[:20_000], first)
    wait_until(lambda: haven.open_files() <= before, 15, "closing all files")
