# SPDX-License-Identifier: Apache-2.0
"""The clients: small exchanges, transfers by processes that cost as little as they can, and wrk."""
import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import time
import traceback

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/octet-stream"
BUFFER = 1 << 20
TIMEOUT = 300


def unverified():
    """The certificate is made for the measurement; who signed it does not matter here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def call(server, method, path, body=None, headers=None, want=(200,)):
    """One exchange on a connection of its own; (headers, body)."""
    kind = http.client.HTTPSConnection if server.tls else http.client.HTTPConnection
    more = {"context": unverified()} if server.tls else {}
    connection = kind(server.host, server.port, timeout=TIMEOUT, **more)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status not in want:
            raise RuntimeError(f"{server.name}: {method} {path}: {answer.status} {data[:300]!r}")
        return answer.headers, data
    finally:
        connection.close()


def local(location):
    """The path and query of a Location, absolute or not."""
    return re.sub(r"^https?://[^/]+", "", location)


def start_upload(server, repository):
    answer, _ = call(server, "POST", f"/v2/{repository}/blobs/uploads/", b"",
                     server.push_headers(), want=(202,))
    return local(answer["Location"])


def closing(location, digest):
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def push_bytes(server, repository, data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    call(server, "PUT", closing(start_upload(server, repository), digest), data,
         server.push_headers() | {"Content-Type": LAYER}, want=(201,))
    return digest


def push_file(server, repository, path, digest):
    with open(path, "rb") as f:
        headers = server.push_headers() | {"Content-Type": LAYER, "Content-Length": str(os.path.getsize(path))}
        call(server, "PUT", closing(start_upload(server, repository), digest), f, headers, want=(201,))


def push_manifest(server, repository, tag, layers, config=b"{}"):
    """Pushes config and manifest of layers [(digest, size)]; the manifest's bytes."""
    config_digest = push_bytes(server, repository, config)
    text = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config_digest, "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": d, "size": n} for d, n in layers],
    }).encode()
    call(server, "PUT", f"/v2/{repository}/manifests/{tag}", text,
         server.push_headers() | {"Content-Type": MANIFEST}, want=(201,))
    return text


# ---- transfers: one process a client, ready before the clock starts ----

def connect(server):
    plain = socket.create_connection((server.host, server.port), timeout=TIMEOUT)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not server.tls:
        return plain
    return unverified().wrap_socket(plain, server_hostname="localhost")


def head_of(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_head(sock):
    """(status, content length, bytes of the body that came with the head)."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise RuntimeError(f"closed after {data[:200]!r}")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    return status, int(length.group(1)) if length else 0, rest


def receive(sock, path, headers, size):
    """GET, every byte copied out of the kernel and thrown away."""
    sock.sendall(head_of("GET", path, headers))
    status, length, rest = read_head(sock)
    if status != 200 or length != size:
        raise RuntimeError(f"GET {path}: status {status}, {length} bytes: {rest[:200]!r}")
    got = len(rest)
    buffer = bytearray(BUFFER)
    while got < size:
        n = sock.recv_into(buffer)
        if n == 0:
            raise RuntimeError(f"GET {path}: ended after {got} of {size} bytes")
        got += n


def put(server, path, file):
    """POST, then PUT of the whole file, sent from the page cache."""
    location = start_upload(server, path)
    digest, name = file
    size = os.path.getsize(name)
    with connect(server) as sock, open(name, "rb") as f:
        sock.sendall(head_of("PUT", closing(location, digest), server.push_headers() | {
            "Content-Type": LAYER, "Content-Length": str(size)}))
        sent = sock.sendfile(f)
        status, _, rest = read_head(sock)
        if status != 201 or sent != size:
            raise RuntimeError(f"PUT: status {status} after {sent} of {size} bytes: {rest[:200]!r}")


class Crew:
    """Processes that prepare, wait for the word, and work; forked, so that the word costs them nothing."""

    def __init__(self, jobs):
        """jobs: [(prepare, work)]; work gets what prepare returned."""
        self.go_read, self.go_write = os.pipe()
        self.members = []
        for prepare, work in jobs:
            ready_read, ready_write = os.pipe()
            pid = os.fork()
            if pid == 0:
                self.child(prepare, work, ready_read, ready_write)
            os.close(ready_write)
            self.members.append((pid, ready_read))
        os.close(self.go_read)
        self.failed = any(os.read(fd, 1) != b"r" for _, fd in self.members)

    def child(self, prepare, work, ready_read, ready_write):
        code = 1
        try:
            os.close(ready_read)
            os.close(self.go_write)
            prepared = prepare()
            os.write(ready_write, b"r")
            os.read(self.go_read, 1)  # the end of the pipe is the word
            work(prepared)
            code = 0
        except BaseException:  # a child must never go on as its parent
            traceback.print_exc()
        finally:
            os._exit(code)

    def go(self):
        """Seconds from the word until the last has finished."""
        start = time.monotonic()
        os.close(self.go_write)
        codes = [os.waitpid(pid, 0)[1] for pid, _ in self.members]
        seconds = time.monotonic() - start
        for _, fd in self.members:
            os.close(fd)
        if self.failed or any(codes):
            raise RuntimeError("a client failed")
        return seconds


def download(server, path, size, clients):
    """A crew that gets one address at the same time."""
    return Crew([(lambda: connect(server), lambda s: receive(s, path, server.headers, size))] * clients)


def upload(server, repository, files):
    """A crew of which each sends one of files [(digest, path)]."""
    return Crew([(lambda: None, lambda _, f=f: put(server, repository, f)) for f in files])


def commands(lists):
    """A crew that runs commands."""
    def work(command):
        return lambda _: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Crew([(lambda: None, work(c)) for c in lists])


def stream_upload(server, repository, size, block=BUFFER):
    """POST, PATCH of size bytes that are made while they are sent, closing PUT; the digest."""
    location = start_upload(server, repository)
    base = bytearray(os.urandom(block))
    hashed = hashlib.sha256()
    with connect(server) as sock:
        sock.sendall(head_of("PATCH", location, server.push_headers() | {
            "Content-Type": LAYER, "Content-Length": str(size)}))
        for i in range(size // block):
            struct.pack_into("<Q", base, 0, i)
            hashed.update(base)
            sock.sendall(base)
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536) or b"\r\n\r\n"
        if b" 202 " not in data[:20]:
            raise RuntimeError(f"{server.name}: PATCH: {data[:300]!r}")
    location = local(re.search(rb"(?im)^location:\s*(\S+)", data).group(1).decode())
    digest = "sha256:" + hashed.hexdigest()
    call(server, "PUT", closing(location, digest), b"", server.push_headers(), want=(201,))
    return digest


@contextlib.contextmanager
def idle_connections(server, count, path):
    """count connections that have asked once, successfully, and stay open."""
    socks = []
    try:
        for _ in range(count):
            sock = connect(server)
            socks.append(sock)
            sock.sendall(head_of("GET", path, server.headers | {"Accept": MANIFEST}))
            status, length, rest = read_head(sock)
            while len(rest) < length:
                rest += sock.recv(65536)
            if status != 200:
                raise RuntimeError(f"{server.name}: GET {path}: {status} {rest[:200]!r}")
        yield
    finally:
        for sock in socks:
            sock.close()


# ---- many small requests ----

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def wrk(url, headers, connections, seconds):
    """Requests a second and latencies of wrk with one thread; raises when an answer was not 2xx."""
    command = [shutil.which("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
               "--timeout", "10s"]
    for key, value in headers.items():
        command += ["-H", f"{key}: {value}"]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    out = done.stdout
    if "Non-2xx" in out:
        raise RuntimeError(f"wrk {url}:\n{out}")
    result = {"requests_per_second": float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))}
    for percent, value, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)\s*$", out, re.M):
        result[f"p{percent}_ms"] = round(float(value) * UNITS[unit], 3)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    if errors:
        result["errors"] = sum(int(n) for n in errors.groups())
    return result
