# SPDX-License-Identifier: Apache-2.0
"""A registry of a few lines that misbehaves on demand: what clients must survive."""
import base64
import hashlib
import http.server
import json
import re
import socket
import ssl
import threading
import time
import uuid
from urllib.parse import parse_qs, urlsplit

OCI = "application/vnd.oci.image.manifest.v1+json"


class Gone(Exception):
    """The connection is cut here."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (ssl.SSLError, ConnectionError):  # a client that does not trust us, or left
            pass

    def reply(self, status, headers=None, body=b"", length=None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, message="no", headers=None):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.reply(status, {"Content-Type": "application/json", **(headers or {})}, body)

    def body(self):
        """The request's body in pieces; a client that leaves ends it."""
        left = int(self.headers.get("Content-Length", 0))
        while left:
            piece = self.rfile.read(min(left, 65536))
            if not piece:
                raise Gone
            left -= len(piece)
            with self.server.fake.lock:
                self.server.fake.taken += len(piece)
            yield piece

    def serve(self):
        fake = self.server.fake
        split = urlsplit(self.path)
        self.query = {k: v[0] for k, v in parse_qs(split.query, keep_blank_values=True).items()}
        self.bare = split.path
        with fake.lock:
            fake.requests.append((self.command, self.path, dict(self.headers)))
            fake.connections.add(self.client_address)
            fake.busy += 1
        try:
            if fake.hook and fake.hook(self):
                return
            self.route()
            with fake.lock:
                fake.finished.append((self.command, self.path))
        except (Gone, ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            with fake.lock:
                fake.busy -= 1

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def allowed(self):
        fake = self.server.fake
        given = self.headers.get("Authorization", "")
        if fake.auth is None:
            return True
        if fake.auth == "basic":
            if given == fake.basic():
                return True
            self.error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": 'Basic realm="fake"'})
            return False
        scope = ""
        found = re.match(r"/v2/(.+)/(blobs|manifests|tags)/", self.bare)
        if found:
            action = "pull" if self.command in ("GET", "HEAD") else "pull,push"
            scope = f"repository:{found[1]}:{action}"
        held = fake.tokens.get(given.removeprefix("Bearer "))
        if held is not None and (not scope or scope == held or
                                 scope.replace(":pull", ":pull,push", 1) == held):
            return True
        challenge = f'Bearer realm="{fake.url}/token",service="fake"'
        if scope:
            challenge += f',scope="{scope}"'
        self.error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": challenge})
        return False

    def token(self):
        fake = self.server.fake
        if self.headers.get("Authorization") != fake.basic():
            return self.error(401, "UNAUTHORIZED")
        token = uuid.uuid4().hex
        fake.tokens[token] = self.query.get("scope", "")
        return self.reply(200, {}, json.dumps({"token": token, "expires_in": 300}).encode())

    def route(self):
        fake = self.server.fake
        if self.bare == "/token":
            return self.token()
        if not self.allowed():
            for _ in self.body():
                pass
            return None
        if self.bare == "/v2/":
            return self.reply(200, {}, b"{}")
        found = re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", self.bare)
        if found:
            return self.manifest(found[1], found[2])
        found = re.fullmatch(r"/v2/(.+)/blobs/uploads/([^/]*)", self.bare)
        if found:
            return self.upload(found[1], found[2])
        found = re.fullmatch(r"/v2/(.+)/blobs/([^/]+)", self.bare)
        if found:
            data = fake.blobs.get(found[2])
            if data is None:
                return self.error(404, "BLOB_UNKNOWN")
            return self.blob(data)
        return self.error(404, "NOT_FOUND")

    def blob(self, data):
        ranged = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not ranged or not self.server.fake.ranges:
            return self.send(200, {}, data)
        first = int(ranged[1])
        if first >= len(data):
            return self.reply(416, {"Content-Range": f"bytes */{len(data)}"})
        last = min(int(ranged[2] or len(data)), len(data) - 1)
        return self.send(206, {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, memoryview(data)[first:last + 1])

    def send(self, status, headers, data):
        """A blob's bytes, counted as they leave."""
        fake = self.server.fake
        self.reply(status, headers, b"", len(data))
        for at in range(0, len(data) if self.command == "GET" else 0, 1 << 20):
            if fake.slow:
                time.sleep(fake.slow)
                wait_until(self.taken_in, 60)
            self.wfile.write(data[at:at + (1 << 20)])
            with fake.lock:
                fake.served += len(data[at:at + (1 << 20)])

    def taken_in(self):
        """The client has read all but a MiB of what was sent: little is lost in buffers when it is killed."""
        here, there = (f"{socket.inet_aton(a)[::-1].hex().upper()}:{p:04X}"
                       for a, p in (self.connection.getsockname(), self.client_address))
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split()[1:5] for line in table]
        queues = [row[3].split(":") for row in rows if row[:2] in ([here, there], [there, here])]
        return sum(int(sent, 16) + int(unread, 16) for sent, unread in queues) < 1 << 20

    def manifest(self, repo, reference):
        fake = self.server.fake
        if self.command == "PUT":
            data = b"".join(self.body())
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            fake.manifests[repo, reference] = fake.manifests[repo, digest] = data
            return self.reply(201, {"Docker-Content-Digest": digest, "Location": f"/v2/{repo}/manifests/{digest}"})
        data = fake.manifests.get((repo, reference))
        if data is None:
            return self.error(404, "MANIFEST_UNKNOWN", "manifest \x1b[31munknown")
        found = re.search(rb'"mediaType": ?"(application/vnd.oci.image.(?:index|manifest).v1\+json)"', data)
        return self.reply(200, {"Content-Type": found[1].decode() if found else OCI}, data)

    def upload(self, repo, session):
        fake = self.server.fake
        if self.command == "POST":
            body = b"".join(self.body())
            if fake.single and "digest" in self.query:
                digest = "sha256:" + hashlib.sha256(body).hexdigest()
                if digest != self.query["digest"]:
                    return self.error(400, "DIGEST_INVALID")
                fake.blobs[digest] = body
                return self.reply(201, {"Docker-Content-Digest": digest, "Location": f"/v2/{repo}/blobs/{digest}"})
            session = uuid.uuid4().hex
            fake.uploads[session] = bytearray()
            return self.where(202, repo, session)
        held = fake.uploads.get(session)
        if held is None:
            for _ in self.body():
                pass
            return self.error(404, "BLOB_UPLOAD_UNKNOWN")
        if self.command == "GET":
            return self.where(204, repo, session)
        begins = self.headers.get("Content-Range")
        if begins and int(begins.split("-")[0]) != len(held):
            for _ in self.body():
                pass
            return self.error(416, "BLOB_UPLOAD_INVALID")
        for piece in self.body():
            held += piece
            if fake.received:
                fake.received(self, held)
        if self.command == "PATCH":
            return self.where(fake.patch_status, repo, session)
        digest = "sha256:" + hashlib.sha256(held).hexdigest()
        if digest != self.query.get("digest"):
            return self.error(400, "DIGEST_INVALID")
        fake.blobs[digest] = bytes(held)
        del fake.uploads[session]
        return self.reply(201, {"Docker-Content-Digest": digest, "Location": f"/v2/{repo}/blobs/{digest}"})

    def where(self, status, repo, session):
        fake = self.server.fake
        n = len(fake.uploads[session])
        headers = {"Location": f"{fake.upload_base}/v2/{repo}/blobs/uploads/{session}?_state=a%3D{fake.upload_query}",
                   "Range": f"0-{max(n - 1, 0)}"}
        if fake.chunk_min:
            headers["OCI-Chunk-Min-Length"] = str(fake.chunk_min)
        self.reply(status, headers)


class FakeRegistry:
    """auth: None, "basic" or "bearer" (USER, PASSWORD). hook(handler) sees every request first and says whether it has
    answered; received(handler, bytes) sees every piece of an upload. single: it takes a blob in one POST."""
    USER = "alice"
    PASSWORD = "pa:ss wörd"

    def __init__(self, auth=None, certificate=None, single=False):
        self.auth = auth
        self.single = single
        self.blobs, self.manifests, self.uploads, self.tokens = {}, {}, {}, {}
        self.requests = []
        self.finished = []  # requests that came whole
        self.taken = 0  # bytes of all bodies
        self.connections = set()
        self.busy = 0
        self.upload_query, self.chunk_min, self.patch_status = "", 0, 202
        self.lock = threading.Lock()
        self.hook = self.received = None
        self.ranges = True
        self.slow = 0  # seconds before each MiB of a blob; the client has then read the ones before
        self.served = 0  # bytes of blobs
        self.upload_base = ""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.fake = self
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"https://{self.host}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def basic(self):
        return "Basic " + base64.b64encode(f"{self.USER}:{self.PASSWORD}".encode()).decode()

    def quiet(self):
        """No request is being served."""
        with self.lock:
            return self.busy == 0

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def asked(self, method, pattern):
        with self.lock:
            return [r for r in self.requests if r[0] == method and re.search(pattern, r[1])]

    def add_blob(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def add_manifest(self, repo, tag, layers, **more):
        """layers: (path, content) or whole descriptors."""
        config = self.add_blob(b"{}")
        descriptors = []
        for layer in layers:
            if not isinstance(layer, dict):
                path, content = layer
                layer = {"mediaType": "application/vnd.cncf.model.weight.v1.raw", "digest": self.add_blob(content),
                         "size": len(content), "annotations": {"org.cncf.model.filepath": path}}
            descriptors.append(layer)
        doc = {"schemaVersion": 2, "mediaType": OCI,
               "config": {"mediaType": "application/vnd.cncf.model.config.v1+json", "digest": config, "size": 2},
               "layers": descriptors, **more}
        self.manifests[repo, tag] = json.dumps(doc).encode()


def wait_until(true, seconds=30):
    """Polls a condition."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.002)
