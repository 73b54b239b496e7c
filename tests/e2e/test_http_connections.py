# SPDX-License-Identifier: Apache-2.0
"""Connections over time: drips, slow readers, limits, files that change under a download, TLS, proxies."""
import http.client
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness.content import noise, push, small_image
from harness.raw import Raw, basic
from harness.registry import Registry, Unfinished, challenge, digest_of
from harness.server import PASSWORD, USER, Server, wait_until


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A server that waits for nobody."""
    server = Server(tmp_path_factory.mktemp("strict"), config={
        "http.head_timeout": "1s", "http.idle_timeout": "3s", "http.body_min_rate": "1KiB",
        "http.body_rate_window": "1s"}).start()
    yield server
    server.stop()


# ---- time ----


def test_drip_in_the_head(strict):
    """The head has a deadline of its own, however it trickles."""
    before = strict.metric("haven_http_head_timeouts_total")
    with Raw(strict) as raw:
        began = time.monotonic()
        assert raw.drip(b"GET /v2/ HTTP/1.1\r\nHost: " + b"a" * 1000, 0.1, 8), "still open"
        assert 0.9 <= time.monotonic() - began < 6
    assert strict.metric("haven_http_head_timeouts_total") > before


def test_drip_in_a_later_head(strict):
    with Raw(strict) as raw:
        raw.head("GET /v2/ HTTP/1.1")
        assert raw.answer().status == 200
        assert raw.drip(b"GET /v2/ HTTP/1.1\r\nHost: " + b"a" * 1000, 0.1, 8), "still open"


def test_end_together_with_the_last_bytes(haven):
    """Of a client that dies in the middle of a body the upload is soon free again, whatever came last."""
    registry = haven.registry()
    block = os.urandom(1 << 20)
    for _ in range(40):
        location = registry.open_upload("library/ended")
        with Raw(haven) as raw:
            raw.head(f"PATCH {location} HTTP/1.1", "Content-Length: 100000000")
            raw.send(block * 3)
        wait_until(lambda: registry.request("PATCH", location, body=b"").status != 409, 5)
    registry.close()


@pytest.mark.parametrize("form", ["length", "chunked"])
def test_drip_in_the_body(strict, form):
    """A body that brings less than the least rate is given up; what came is kept."""
    registry = strict.registry()
    location = registry.open_upload("library/drip")
    with Raw(strict) as raw:
        if form == "length":
            raw.head(f"PATCH {location} HTTP/1.1", "Content-Length: 100000")
            drips = b"x" * 200
        else:
            raw.head(f"PATCH {location} HTTP/1.1", "Transfer-Encoding: chunked")
            drips = b"186A0\r\n" + b"x" * 200
        began = time.monotonic()
        assert raw.drip(drips, 0.1, 12), "still open"
        assert time.monotonic() - began > 0.9
    assert strict.metric("haven_http_slow_bodies_total") >= 1
    wait_until(lambda: registry.get(location).status == 204, what="the session")


def test_steady_body_passes(strict):
    """Slow, but above the least rate."""
    registry = strict.registry()
    location = registry.open_upload("library/steady")
    with Raw(strict) as raw:
        raw.head(f"PATCH {location} HTTP/1.1", "Content-Length: 16000")
        for _ in range(10):
            raw.send(bytes(1600))
            time.sleep(0.3)
        assert raw.answer().status == 202


def test_idle_connections_are_closed(strict):
    with Raw(strict) as raw:
        raw.head("GET /v2/ HTTP/1.1")
        assert raw.answer().status == 200
        began = time.monotonic()
        assert raw.ended(10)
        assert time.monotonic() - began > 1.5
    with Raw(strict) as raw:
        assert raw.ended(10)


def test_garbage(strict):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 100, b"\xff" * 1000, b"\r\n\r\n\r\n", b"A"):
        with Raw(strict) as raw:
            raw.send(data)
            raw.half_close()
            assert b"HTTP/1.1 2" not in raw.read_to_end()
    assert strict.registry().get("/v2/").status == 200


def test_pause_between_requests_is_no_drip(strict):
    """Idle time of a kept connection does not count as time of the next head."""
    with Raw(strict) as raw:
        for _ in range(3):
            raw.head("GET /v2/ HTTP/1.1")
            assert raw.answer().status == 200
            time.sleep(1.5)


def test_slow_reader(haven, admin, repo):
    """Gets all of it, while others are served."""
    data = noise(6_000_000)
    digest = admin.push_blob(repo, data)
    with Raw(haven, receive_buffer=4096) as raw:
        raw.head(f"GET /v2/{repo}/blobs/{digest} HTTP/1.1")
        raw.read_head()
        for _ in range(10):
            raw.buffer += raw.receive(2000)
            assert admin.get("/v2/").status == 200
            time.sleep(0.05)
        while len(raw.buffer) < len(data):
            assert raw.fill()
        assert digest_of(raw.buffer) == digest


def test_many_slow_readers_cost_little(haven, admin, repo):
    data = noise(4_000_000)
    digest = admin.push_blob(repo, data)
    before = haven.rss()
    readers = [Raw(haven, receive_buffer=4096) for _ in range(60)]
    for raw in readers:
        raw.head(f"GET /v2/{repo}/blobs/{digest} HTTP/1.1")
    for raw in readers:
        assert raw.read_head()[0] == 200
    assert admin.blob(repo, digest).body == data
    assert haven.rss() - before < 200 * 1024 * 1024
    for raw in readers:
        raw.reset()


# ---- limits ----


def test_keepalive_requests(start):
    server = start(config={"http.keepalive_requests": 5})
    with Raw(server) as raw:
        for i in range(5):
            raw.head("GET /v2/ HTTP/1.1")
            answer = raw.answer()
            assert answer.status == 200
            assert (answer.get("Connection", "").lower() == "close") == (i == 4)
        assert raw.ended()


def test_connection_cap(start):
    """Those above the limit wait or are turned away; the others go on, and places become free."""
    server = start(config={"http.max_connections": 16})
    held = []
    for _ in range(16):
        raw = Raw(server, timeout=3)
        raw.head("GET /v2/ HTTP/1.1")
        try:
            if raw.answer().status == 200:
                held.append(raw)
        except (AssertionError, TimeoutError, OSError):
            pass
    assert 10 <= len(held) <= 16
    extra = [Raw(server, timeout=0.5) for _ in range(4)]
    served = 0
    for raw in extra:
        try:
            raw.head("GET /v2/ HTTP/1.1")
            served += raw.answer().status == 200
        except (AssertionError, OSError):
            pass
    assert served <= 16 - len(held)
    for raw in held:
        raw.head("GET /v2/ HTTP/1.1")
        assert raw.answer().status == 200
    for raw in held + extra:
        raw.sock.close()

    wait_until(lambda: can_connect(server), 20, "a free place")


def can_connect(server):
    try:
        return server.registry(timeout=3).get("/v2/").status == 200
    except Unfinished:
        return False


def test_connections_of_one_address(start):
    server = start(config={"http.max_connections_per_address": 3})
    held = [Raw(server, timeout=3) for _ in range(3)]
    for raw in held:
        raw.head("GET /v2/ HTTP/1.1")
        assert raw.answer().status == 200
    with Raw(server, timeout=3) as raw:
        try:
            raw.head("GET /v2/ HTTP/1.1")
            assert raw.receive() == b""
        except OSError:
            pass
    for raw in held:
        raw.sock.close()
    wait_until(lambda: can_connect(server), 20, "freeing the places")


def test_few_threads(start):
    """One thread of each kind is enough to finish any mixture of work."""
    server = start(config={"http.io_threads": 1, "http.workers": 2, "http.byte_workers": 2})
    failures = []

    def work(n):
        registry = server.registry()
        try:
            for i in range(3):
                data = noise(700_000, seed=n * 10 + i)
                assert registry.by_stream(f"library/few{n}", data, digest_of(data)).status == 201
                assert registry.blob(f"library/few{n}", digest_of(data)).body == data
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)
        registry.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_clients_that_left_are_not_worked_for(start):
    """Requests that still wait for a thread when their client has gone are dropped."""
    server = start(config={"http.workers": 2})
    waiting = [Raw(server) for _ in range(60)]
    for i, raw in enumerate(waiting):  # each costs a password hash
        raw.send(f"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(f'nobody{i}', 'wrong')}\r\n\r\n")
    time.sleep(0.1)  # their heads are read
    for raw in waiting:
        raw.reset()
    wait_until(lambda: server.metric("haven_http_requests_active") <= 1, 30, "the end of all requests")
    assert server.metric("haven_http_clients_gone_total") > 0
    assert server.metric('haven_errors_total{code="CANCELLED"}') > 0
    assert server.registry().get("/v2/").status == 200


# ---- files that change ----


def test_file_that_shrinks_while_it_is_sent(start):
    """The connection ends before the announced length; wrong bytes never come, and the server lives."""
    server = start()
    registry = server.registry()
    data = noise(30_000_000, seed=9)
    digest = registry.push_blob("library/shrink", data)
    with Raw(server, receive_buffer=4096) as raw:
        raw.head(f"GET /v2/library/shrink/blobs/{digest} HTTP/1.1")
        status, headers = raw.read_head()
        assert status == 200 and ("Content-Length", str(len(data))) in headers
        os.truncate(server.object_path(digest), 1_000_000)
        got = raw.read_to_end()
        assert len(got) < len(data) and data.startswith(got)
    assert registry.get("/v2/").status == 200
    # from now on it is known to be damaged before anything is sent
    answer = registry.blob("library/shrink", digest)
    assert answer.status == 500 and answer.errors() == ["UNKNOWN"]
    os.unlink(server.object_path(digest))
    assert registry.blob("library/shrink", digest).status == 500
    assert registry.by_put("library/shrink", data, digest).status == 201
    assert registry.blob("library/shrink", digest).body == data


# ---- TLS ----


def make_certificate(folder, name, cn="localhost"):
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={cn}", "-addext", f"subjectAltName=DNS:{cn},IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def serial_of(server):
    context = ssl._create_unverified_context()
    with socket.create_connection((server.host, server.port)) as plain, context.wrap_socket(plain) as sock:
        return sock.getpeercert(binary_form=True)


@pytest.mark.release
def test_tls(start, tmp_path):
    cert, key = make_certificate(tmp_path, "one")
    server = start(config={"tls.cert": cert, "tls.key": key})
    assert server.scheme == "https"
    registry = server.registry()
    data = noise(5_000_000)
    for form in ("by_post", "by_stream", "by_chunks"):
        assert getattr(registry, form)("library/tls", data, digest_of(data)).status == 201
    assert registry.blob("library/tls", digest_of(data)).body == data
    answer = registry.head(f"/v2/library/tls/blobs/{digest_of(data)}")
    assert (answer.status, answer.get("Content-Length"), answer.body) == (200, str(len(data)), b"")
    answer = registry.blob("library/tls", digest_of(data), Range="bytes=1000000-2999999")
    assert (answer.status, answer.body) == (206, data[1_000_000:3_000_000])
    assert challenge(server.anonymous().get("/v2/"))[1]["realm"] == server.url + "/service/token"
    # the certificate is what was configured
    context = ssl.create_default_context(cafile=str(cert))
    conn = http.client.HTTPSConnection("127.0.0.1", server.port, context=context)
    conn.request("GET", "/v2/", headers={"Authorization": basic()})
    assert conn.getresponse().status == 200
    conn.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_versions(start, tmp_path):
    cert, key = make_certificate(tmp_path, "one")
    server = start(config={"tls.cert": cert, "tls.key": key})
    for version, good in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_1, False)):
        context = ssl._create_unverified_context()
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
        with socket.create_connection((server.host, server.port)) as plain:
            try:
                with context.wrap_socket(plain) as sock:
                    assert good and sock.version() is not None
            except (ssl.SSLError, OSError):
                assert not good, version
    # a client that speaks plain HTTP, one that says nothing, one that leaves in the handshake
    with socket.create_connection((server.host, server.port)) as plain:
        plain.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        plain.settimeout(10)
        assert b"200" not in plain.recv(100)
    socket.create_connection((server.host, server.port)).close()
    with socket.create_connection((server.host, server.port)) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00")
    assert server.registry().get("/v2/").status == 200


def test_tls_reload(start, tmp_path):
    """A renewed certificate is used from SIGHUP on; a broken one is not, and the server says so."""
    cert, key = make_certificate(tmp_path, "live")
    server = start(config={"tls.cert": cert, "tls.key": key})
    registry = server.registry()
    assert registry.get("/v2/").status == 200
    first = serial_of(server)
    new_cert, new_key = make_certificate(tmp_path, "new")
    os.replace(new_cert, cert)
    os.replace(new_key, key)
    server.reload()
    second = wait_until(lambda: next(iter(s for s in [serial_of(server)] if s != first), None), what="the new certificate")
    assert registry.get("/v2/").status == 200  # connections live on
    cert.write_text("nonsense")
    server.reload()
    time.sleep(0.5)
    assert serial_of(server) == second
    assert "WARN" in server.log() or "ERROR" in server.log()


# ---- proxies in front ----


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "models.example.org", "X-Forwarded-For": "203.0.113.7"}


def test_trusted_proxy(start):
    server = start(config={"trusted_proxies": "127.0.0.1"})
    anonymous = server.anonymous()
    answer = anonymous.request("GET", "/v2/library/a/manifests/v1", headers=FORWARDED)
    assert challenge(answer)[1]["realm"] == "https://models.example.org/service/token"
    registry = server.registry()
    answer = registry.request("POST", "/v2/library/a/blobs/uploads/", headers=FORWARDED)
    location = answer.get("Location")
    assert location.startswith(("/v2/library/a/blobs/uploads/", "https://models.example.org/v2/library/a/"))
    push(registry, "library/a", *small_image(), "v1", "v2")
    answer = registry.request("GET", "/v2/library/a/tags/list?n=1", headers=FORWARDED)
    assert answer.get("Link").startswith(("</v2/", "<https://models.example.org/v2/"))
    assert "203.0.113.7" in server.log()
    # without the headers, as the client came
    assert challenge(anonymous.get("/v2/"))[1]["realm"] == server.url + "/service/token"
    # several hops: the nearest counts
    answer = anonymous.request("GET", "/v2/", headers={**FORWARDED, "X-Forwarded-Host": "evil.example, models.example.org",
                                                       "X-Forwarded-Proto": "http, https"})
    assert challenge(answer)[1]["realm"] == "https://models.example.org/service/token"


def test_untrusted_peer(start):
    """Headers that anybody can send change nothing."""
    server = start(config={"trusted_proxies": "192.0.2.0/24,2001:db8::/32"})
    answer = server.anonymous().request("GET", "/v2/", headers=FORWARDED)
    assert challenge(answer)[1]["realm"] == server.url + "/service/token"
    assert "203.0.113.7" not in server.log()


@pytest.mark.parametrize("host", ["a b", "evil\"><", "x/y", "", "a" * 300, "x@y"])
def test_forwarded_nonsense(start_trusting, host):
    answer = start_trusting.anonymous().request("GET", "/v2/", headers={**FORWARDED, "X-Forwarded-Host": host,
                                                                        "X-Forwarded-Proto": "gopher"})
    assert challenge(answer)[1]["realm"] == start_trusting.url + "/service/token"


@pytest.fixture(scope="module")
def start_trusting(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("trusting"), config={"trusted_proxies": "127.0.0.0/8"}).start()
    yield server
    server.stop()


def test_external_url(start):
    server = start(config={"external_url": "https://registry.example.org:8443"})
    anonymous = server.anonymous()
    for headers in ({}, FORWARDED, {"Host": "other.example"}):
        answer = anonymous.request("GET", "/v2/", headers=headers)
        assert challenge(answer)[1]["realm"] == "https://registry.example.org:8443/service/token"


def test_realm_follows_the_host(haven, anonymous):
    answer = anonymous.request("GET", "/v2/", headers={"Host": "my.registry.example:5000"})
    assert challenge(answer)[1]["realm"] == "http://my.registry.example:5000/service/token"


def pass_on(plain, context, server):
    """One request of a connection that ends TLS here, with what such a proxy adds."""
    with plain, context.wrap_socket(plain, server_side=True) as front:
        data = b""
        while b"\r\n\r\n" not in data:
            part = front.recv(65536)
            if not part:
                return
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += front.recv(65536)
        with socket.create_connection((server.host, server.port)) as back:
            back.sendall(head + b"\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 198.51.100.9\r\nConnection: close\r\n\r\n"
                         + body)
            while part := back.recv(65536):
                front.sendall(part)


@pytest.mark.release
def test_tls_terminating_proxy(start, tmp_path):
    """Push and pull through a proxy, by nothing but what the server sent."""
    server = start(config={"trusted_proxies": "127.0.0.1"})
    cert, key = make_certificate(tmp_path, "proxy")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def serve(listener):
        try:
            while True:
                pass_on(listener.accept()[0], context, server)
        except OSError:
            pass  # closed: the test is over

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        registry = Registry(f"https://127.0.0.1:{listener.getsockname()[1]}", USER, PASSWORD)
        realm = challenge(Registry(registry.url).get("/v2/"))[1]["realm"]
        assert realm == registry.url + "/service/token"
        writer = registry.with_token("repository:library/behind:pull,push")
        _, data = push(writer, "library/behind", *small_image(), "v1")
        assert writer.manifest("library/behind", "v1").body == data
        assert "198.51.100.9" in server.log()
        listener.shutdown(socket.SHUT_RDWR)
