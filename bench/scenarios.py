# SPDX-License-Identifier: Apache-2.0
"""What is measured. Every function takes a Bench, runs its servers interleaved and records each single run."""
import hashlib
import http.client
import os
import pathlib
import shutil
import subprocess
import threading
import time

import client
import machine
import tools
from servers import DockerRegistry, Haven, Nginx

MIB = 1 << 20
GIB = 1 << 30
REPOSITORY = "library/bench"
SMALL = 2048
CONNECTIONS = (16, 64)
CLIENTS = (1, 4, 16)
FEW_CLIENTS = (1, 4)
IDLE = 1000
LITTLE = 64 * MIB  # what the memory for a huge blob is compared with
SETTLE = 1.0  # seconds that a server gets before its idle memory is read


def random_file(path, size):
    """Writes fresh random bytes, synced; their digest."""
    hashed = hashlib.sha256()
    left = size
    source = subprocess.Popen(["openssl", "enc", "-aes-256-ctr", "-nosalt", "-bufsize", "1048576",
                               "-K", os.urandom(32).hex(), "-iv", os.urandom(16).hex(), "-in", "/dev/zero"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with source, open(path, "wb") as f:
        while left:
            piece = source.stdout.read(min(MIB, left))
            if not piece:
                raise RuntimeError("openssl enc ended early")
            hashed.update(piece)
            f.write(piece)
            left -= len(piece)
        source.kill()
        f.flush()
        os.fsync(f.fileno())
    return "sha256:" + hashed.hexdigest()


def check_content(server, path, digest):
    """The bytes that are about to be measured are the right ones."""
    kind = http.client.HTTPSConnection if server.tls else http.client.HTTPConnection
    more = {"context": client.unverified()} if server.tls else {}
    connection = kind(server.host, server.port, timeout=client.TIMEOUT, **more)
    connection.request("GET", path, headers=server.headers)
    answer = connection.getresponse()
    hashed = hashlib.sha256()
    while piece := answer.read(MIB):
        hashed.update(piece)
    connection.close()
    if answer.status != 200 or digest != "sha256:" + hashed.hexdigest():
        raise RuntimeError(f"{server.name}: {path}: status {answer.status}, digest {hashed.hexdigest()}")


def rotated(servers, n):
    """Another one begins in every round."""
    n %= len(servers)
    return servers[n:] + servers[:n]


class Stores:
    """The three servers with the same content: one manifest, one small blob, one large blob, many tags."""

    def __init__(self, bench):
        self.bench = bench
        self.haven = Haven(bench.dir / "haven")
        self.docker = DockerRegistry(bench.dir / "docker-registry")
        self.nginx = Nginx(bench.dir / "nginx", self.haven.folder / "data" / "blobs" / "sha256")
        self.small = self.large = None
        self.size = bench.blob_size

    def __enter__(self):
        source = self.bench.dir / "large"
        self.large = random_file(source, self.size)
        small = os.urandom(SMALL)
        self.haven.start()
        self.docker.start()
        for server in (self.haven, self.docker):
            self.small = client.push_bytes(server, REPOSITORY, small)
            client.push_file(server, REPOSITORY, source, self.large)
            layers = [(self.small, SMALL), (self.large, self.size)]
            for i in range(self.bench.tags):
                client.push_manifest(server, REPOSITORY, f"v{i}", layers, b'{"n":%d}' % i)
            server.authorise_pulls(REPOSITORY)
        source.unlink()
        self.nginx.start()
        for server in (self.haven, self.docker, self.nginx):
            for digest in (self.small, self.large):
                check_content(server, server.blob_path(REPOSITORY, digest), digest)
        os.sync()
        return self

    def __exit__(self, *_):
        for server in (self.haven, self.docker, self.nginx):
            server.remove()


def small_requests(bench, stores, scenario, path_of, servers, headers):
    for server in servers:
        client.wrk(server.url(path_of(server)), server.headers | headers, 16, 1)
    for n in range(bench.rounds):
        for connections in CONNECTIONS:
            for server in rotated(servers, n):
                bench.measure(scenario, server.name, n, [server], lambda: client.wrk(
                    server.url(path_of(server)), server.headers | headers, connections, bench.wrk_seconds),
                    clients=connections)


def manifest(bench, stores):
    """GET of a manifest by tag."""
    small_requests(bench, stores, "manifest", lambda s: f"/v2/{REPOSITORY}/manifests/v0",
                   [stores.haven, stores.docker], {"Accept": client.MANIFEST})


def small_blob(bench, stores):
    """GET of a blob of 2 KiB; nginx sends the same file."""
    small_requests(bench, stores, "small_blob", lambda s: s.blob_path(REPOSITORY, stores.small),
                   [stores.haven, stores.docker, stores.nginx], {})


def transfer(bench, scenario, n, server, path, clients):
    """One measured download by some clients, each as often as it takes to move enough bytes."""
    repeats = max(1, bench.least_bytes // (bench.blob_size * clients))

    def work():
        crew = client.Crew([(lambda: client.connect(server), lambda sock: [
            client.receive(sock, path, server.headers, bench.blob_size) for _ in range(repeats)])] * clients)
        size = bench.blob_size * clients * repeats
        return {"bytes": size, "gib_per_second": size / GIB / crew.go()}
    bench.measure(scenario, server.name, n, [server], work, clients=clients)


def blob_get(bench, stores):
    """GET of a large blob that lies in the page cache; nginx sends the same file by sendfile."""
    servers = [stores.haven, stores.nginx, stores.docker]
    for n in range(bench.rounds):
        for clients in CLIENTS:
            for server in rotated(servers, n):
                transfer(bench, "blob_get", n, server, server.blob_path(REPOSITORY, stores.large), clients)


def tls_get(bench, stores):
    """The same by TLS 1.3, with one certificate for both."""
    certificate, key = bench.dir / "cert.pem", bench.dir / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tls = (certificate.resolve(), key.resolve())
    nginx = Nginx(bench.dir / "nginx-tls", stores.nginx.root, tls)
    haven = stores.haven
    haven.stop()
    haven.tls = tls
    try:
        with haven, nginx:
            servers = [haven, nginx]
            for server in servers:
                check_content(server, server.blob_path(REPOSITORY, stores.large), stores.large)
                with client.connect(server) as sock:
                    bench.note(f"{server.name}_tls", f"{sock.version()} {sock.cipher()[0]}")
            for n in range(bench.rounds):
                for clients in FEW_CLIENTS:
                    for server in rotated(servers, n):
                        transfer(bench, "tls_get", n, server, server.blob_path(REPOSITORY, stores.large), clients)
    finally:
        haven.tls = None
        nginx.remove()


def restart(bench, stores):
    """From starting the program on existing data to the first answer."""
    servers = [stores.haven, stores.docker]
    for server in servers:
        server.stop()
    for n in range(bench.rounds):
        for server in rotated(servers, n):
            def work():
                start = time.monotonic()
                server.start()
                client.call(server, "GET", "/v2/", want=(200, 401))
                return {"milliseconds": (time.monotonic() - start) * 1000}
            bench.measure("restart", server.name, n, [], work, server_after=server)
            server.stop()


# ---- uploads ----

def measured_put(bench, n, kind, files):
    """Seconds that one kind needs for all files at once. A server begins empty every time."""
    clients = len(files)
    size = sum(os.path.getsize(path) for _, path in files)

    def result(crew):
        seconds = crew.go()
        return {"bytes": size, "seconds": seconds, "gib_per_second": size / GIB / seconds}
    if kind == "sha256":
        work = lambda: result(client.commands([["openssl", "dgst", "-sha256", str(p)] for _, p in files]))
        bench.measure("blob_put", "sha256 alone", n, [], work, clients=clients)
    elif kind == "write":
        targets = [bench.dir / f"written-{i}" for i in range(clients)]
        work = lambda: result(client.commands([
            ["dd", f"if={p}", f"of={t}", "bs=1M", "conv=fsync"] for (_, p), t in zip(files, targets)]))
        bench.measure("blob_put", "synced write alone", n, [], work, clients=clients)
        for target in targets:
            target.unlink()
    else:
        server = kind(bench.dir / f"put-{kind.name}")
        with server:
            client.push_bytes(server, REPOSITORY, os.urandom(SMALL))  # first use: folders, password
            bench.measure("blob_put", server.name, n, [server],
                          lambda: result(client.upload(server, REPOSITORY, files)), clients=clients)
            for digest, _ in files:
                client.call(server, "HEAD", server.blob_path(REPOSITORY, digest), headers=server.push_headers())
        server.remove()
    os.sync()


def blob_put(bench):
    """POST and PUT of large blobs, new random bytes every round; and what their parts would cost alone."""
    kinds = [Haven, DockerRegistry, "sha256", "write"]
    for n in range(bench.rounds):
        paths = [bench.dir / f"source-{i}" for i in range(max(FEW_CLIENTS))]
        try:
            for clients in FEW_CLIENTS:
                files = [(random_file(path, bench.blob_size), path) for path in paths[:clients]]
                for kind in rotated(kinds, n):
                    measured_put(bench, n, kind, files)
        finally:
            for path in paths:
                path.unlink(missing_ok=True)


# ---- memory ----

class Peak:
    """Reads the memory of a server a few times a second and keeps the largest values."""

    def __init__(self, server):
        self.server = server
        self.rss = self.pss = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while True:
            rss, pss = machine.memory_of(self.server.pids())
            self.rss, self.pss = max(self.rss, rss), max(self.pss, pss)
            if self.stop.wait(0.1):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def mib(self):
        return {"rss_mib": self.rss / MIB, "pss_mib": self.pss / MIB}


class Memory:
    """The memory of one fresh server in one state after the other."""

    def __init__(self, bench, kind):
        self.bench = bench
        self.server = kind(bench.dir / f"memory-{kind.name}")

    def __enter__(self):
        self.server.start()
        time.sleep(SETTLE)
        return self

    def __exit__(self, *_):
        self.server.remove()
        os.sync()

    def state(self, name, work=lambda: None):
        def measured():
            with Peak(self.server) as peak:
                more = work() or {}
            return peak.mib() | more
        self.bench.measure("memory", self.server.name, 0, [self.server], measured, state=name)

    def transfer(self, name, size):
        digest = None

        def come():
            nonlocal digest
            start = time.monotonic()
            digest = client.stream_upload(self.server, REPOSITORY, size)
            return {"bytes": size, "seconds": time.monotonic() - start}

        def go():
            # The thread that watches lives in this process: no fork here.
            start = time.monotonic()
            with client.connect(self.server) as sock:
                path = self.server.blob_path(REPOSITORY, digest)
                client.receive(sock, path, self.server.push_headers(), size)
            return {"bytes": size, "seconds": time.monotonic() - start}
        self.state(f"{name} in", come)
        self.state(f"{name} out", go)


def memory(bench):
    """Memory of a fresh server: idle, with idle connections, while a blob and one far larger pass."""
    for kind in (Haven, DockerRegistry):
        with Memory(bench, kind) as m:
            m.state("idle")
            m.server.authorise_pulls(REPOSITORY)
            with client.idle_connections(m.server, IDLE, "/v2/"):
                time.sleep(SETTLE)
                m.state(f"{IDLE} idle connections")
        with Memory(bench, kind) as m:
            m.transfer("blob", LITTLE)
            m.transfer("huge blob", bench.huge_size)


# ---- all ----

WITH_STORES = {"manifest": manifest, "small_blob": small_blob, "blob_get": blob_get, "tls_get": tls_get,
               "restart": restart}
ALONE = {"blob_put": blob_put, "memory": memory, "tools": tools.tools}
ALL = [*WITH_STORES, *ALONE]


def missing_programs():
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    return [p for p in ("docker-registry", "nginx", "wrk", "openssl", "dd", "skopeo", "/usr/bin/time") if not shutil.which(p, path=path)]


def run(bench, names):
    wanted = [n for n in WITH_STORES if n in names]
    if wanted:
        with Stores(bench) as stores:
            for name in wanted:
                WITH_STORES[name](bench, stores)
    for name in ALONE:
        if name in names:
            ALONE[name](bench)


def clean(folder):
    """Removes what this run made; the folder itself too."""
    shutil.rmtree(pathlib.Path(folder), ignore_errors=True)
