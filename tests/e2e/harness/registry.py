# SPDX-License-Identifier: Apache-2.0
"""A registry client for tests: every form of every request, nothing hidden, nothing retried."""
import base64
import hashlib
import http.client
import json
import re
import socket
import ssl
import urllib.parse

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCTETS = "application/octet-stream"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
http.client._MAXHEADERS = 400  # an answer may name a hundred tags


def digest_of(data, alg="sha256"):
    return f"{alg}:{hashlib.new(alg, data).hexdigest()}"


class Answer:
    """A response read to its end."""

    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:500]!r}>"

    def get(self, name, default=None):
        return next((v for k, v in self.headers if k.lower() == name.lower()), default)

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    def errors(self):
        """The codes of an error body, whose form is checked by the way."""
        assert self.get("Content-Type").partition(";")[0] == "application/json", self
        document = self.json()
        assert list(document) == ["errors"] and document["errors"], self
        for error in document["errors"]:
            assert set(error) <= {"code", "message", "detail"}, self
            assert re.fullmatch("[A-Z][A-Z_]*", error["code"]), self
            assert isinstance(error["message"], str) and error["message"], self
        return [error["code"] for error in document["errors"]]

    def link_next(self):
        """The target of Link rel=next, or None."""
        link = self.get("Link")
        if link is None:
            return None
        found = re.fullmatch(r'<(/v2/[^>]*)>; rel="next"', link)
        assert found, link
        return found[1]


class Unfinished(Exception):
    """The connection ended before a response was there."""


class Registry:
    """One connection to a registry; not for several threads (see clone)."""

    def __init__(self, url, user=None, password=None, token=None, timeout=60):
        self.url = url
        parts = urllib.parse.urlsplit(url)
        self.scheme, self.host, self.port = parts.scheme, parts.hostname, parts.port
        self.user, self.password, self.token, self.timeout = user, password, token, timeout
        self.conn = None

    def clone(self, **more):
        args = {"user": self.user, "password": self.password, "token": self.token, "timeout": self.timeout}
        return Registry(self.url, **{**args, **more})

    def close(self):
        if self.conn:
            self.conn.close()
            self.conn = None

    def connection(self):
        if self.conn is None:
            if self.scheme == "https":
                self.conn = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout,
                                                        context=ssl._create_unverified_context())
            else:
                self.conn = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            self.conn.connect()
            self.conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.conn

    def authorization(self):
        if self.token:
            return "Bearer " + self.token
        if self.user is not None:
            return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return None

    def request(self, method, path, body=None, headers=None, chunked=False, chunk=65536):
        """Sends one request. path: from the root, or an absolute URL (Location). chunked: no Content-Length."""
        if "://" in path:
            parts = urllib.parse.urlsplit(path)
            path = parts.path + ("?" + parts.query if parts.query else "")
        headers = list(headers.items() if isinstance(headers, dict) else headers or [])
        names = {k.lower() for k, _ in headers}
        conn = self.connection()
        try:
            conn.putrequest(method, path, skip_host="host" in names, skip_accept_encoding=True)
            if self.authorization() and "authorization" not in names:
                conn.putheader("Authorization", self.authorization())
            for name, value in headers:
                conn.putheader(name, value)
            if chunked:
                conn.putheader("Transfer-Encoding", "chunked")
            elif "content-length" not in names and (body is not None or method in ("POST", "PUT", "PATCH")):
                conn.putheader("Content-Length", str(len(body or b"")))
            conn.endheaders()
            try:
                self.send_body(conn, body, chunked, chunk)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused early: the answer is there to be read
            answer = conn.getresponse()
            result = Answer(answer.status, answer.reason, answer.getheaders(), answer.read())
            if answer.will_close:
                self.close()
            return result
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise Unfinished(f"{method} {path}: {error!r}") from error

    @staticmethod
    def send_body(conn, body, chunked, size):
        if not chunked:
            if body:
                conn.send(body)
            return
        body = body or b""
        for at in range(0, len(body), size):
            part = body[at:at + size]
            conn.send(b"%x\r\n%s\r\n" % (len(part), part))
        conn.send(b"0\r\n\r\n")

    # ---- short forms ----

    def get(self, path, **headers):
        return self.request("GET", path, headers=spelled(headers))

    def head(self, path, **headers):
        return self.request("HEAD", path, headers=spelled(headers))

    def delete(self, path):
        return self.request("DELETE", path)

    def blob(self, repo, digest, **headers):
        return self.get(f"/v2/{repo}/blobs/{digest}", **headers)

    def manifest(self, repo, ref, **headers):
        return self.get(f"/v2/{repo}/manifests/{ref}", **headers)

    def tags(self, repo, query=""):
        return self.get(f"/v2/{repo}/tags/list{query}")

    def referrers(self, repo, digest, query=""):
        return self.get(f"/v2/{repo}/referrers/{digest}{query}")

    # ---- blobs ----

    def start(self, repo, query="", **more):
        return self.request("POST", f"/v2/{repo}/blobs/uploads/{query}", **more)

    def open_upload(self, repo, query=""):
        """Begins an upload; returns its Location."""
        answer = self.start(repo, query)
        assert answer.status == 202, answer
        return answer.get("Location")

    def patch(self, location, data, first=None, chunked=False, headers=None):
        """One chunk; first: where it begins (Content-Range), None: no such header."""
        headers = dict(headers or {"Content-Type": OCTETS})
        if first is not None:
            headers["Content-Range"] = f"{first}-{first + len(data) - 1}"
        return self.request("PATCH", location, data, headers, chunked)

    def finish(self, location, digest, data=None, first=None, chunked=False, headers=None):
        """The closing PUT."""
        headers = dict(headers or ({"Content-Type": OCTETS} if data is not None else {}))
        if first is not None:
            headers["Content-Range"] = f"{first}-{first + len(data) - 1}"
        mark = "&" if "?" in location else "?"
        quoted = urllib.parse.quote(digest, safe="")
        return self.request("PUT", f"{location}{mark}digest={quoted}", data, headers, chunked)

    def push_blob(self, repo, data, alg="sha256"):
        """A blob by POST and PUT; returns its digest."""
        digest = digest_of(data, alg)
        answer = self.finish(self.open_upload(repo), digest, data)
        assert answer.status == 201, answer
        return digest

    # Every way a blob can be pushed: name -> (self, repo, data, digest) -> the last answer.
    def by_post(self, repo, data, digest):
        return self.start(repo, f"?digest={digest}", body=data, headers={"Content-Type": OCTETS})

    def by_post_chunked(self, repo, data, digest):
        return self.start(repo, f"?digest={urllib.parse.quote(digest, safe='')}", body=data,
                          headers={"Content-Type": OCTETS}, chunked=True)

    def by_put(self, repo, data, digest):
        return self.finish(self.open_upload(repo), digest, data)

    def by_put_chunked(self, repo, data, digest):
        return self.finish(self.open_upload(repo), digest, data, chunked=True)

    def by_put_algorithm(self, repo, data, digest):
        location = self.open_upload(repo, "?digest-algorithm=" + digest.partition(":")[0])
        return self.finish(location, digest, data)

    def by_stream(self, repo, data, digest):
        answer = self.patch(self.open_upload(repo), data, chunked=True)
        assert answer.status == 202, answer
        return self.finish(answer.get("Location"), digest)

    def by_chunk(self, repo, data, digest):
        return self.by_chunks(repo, data, digest, n=1)

    def by_chunks(self, repo, data, digest, n=3, last_in_put=False):
        location = self.open_upload(repo)
        size = max(1, -(-len(data) // n))
        parts = [data[at:at + size] for at in range(0, len(data), size)] or [b""]
        for i, part in enumerate(parts):
            first = i * size if part else None
            if last_in_put and i == len(parts) - 1:
                return self.finish(location, digest, part, first)
            answer = self.patch(location, part, first)
            assert answer.status == 202, answer
            assert answer.get("Range") == f"0-{max(i * size + len(part) - 1, 0)}", answer
            location = answer.get("Location")
        return self.finish(location, digest)

    def by_chunks_last_in_put(self, repo, data, digest):
        return self.by_chunks(repo, data, digest, last_in_put=True)

    # ---- manifests ----

    def put_manifest(self, repo, ref, document, media_type=None, chunked=False, query=""):
        data = document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()
        if media_type is None:
            media_type = json.loads(data).get("mediaType", OCI_MANIFEST)
        headers = {"Content-Type": media_type} if media_type else {}
        return self.request("PUT", f"/v2/{repo}/manifests/{ref}{query}", data, headers, chunked)

    # ---- tokens ----

    def fetch_token(self, *scopes, service="harbor-registry"):
        query = urllib.parse.urlencode([("service", service)] + [("scope", s) for s in scopes])
        return self.get("/service/token?" + query)

    def with_token(self, *scopes):
        """The same registry with a bearer token for these scopes."""
        answer = self.fetch_token(*scopes)
        assert answer.status == 200, answer
        return Registry(self.url, token=answer.json()["token"], timeout=self.timeout)


FORMS = ["by_post", "by_post_chunked", "by_put", "by_put_chunked", "by_put_algorithm", "by_stream", "by_chunk",
         "by_chunks", "by_chunks_last_in_put"]


def spelled(headers):
    """Range="…", If_None_Match="…" -> header names."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def challenge(answer):
    """WWW-Authenticate as (scheme, {parameter: value})."""
    value = answer.get("WWW-Authenticate")
    assert value is not None, answer
    scheme, _, rest = value.partition(" ")
    pairs = re.findall(r'([a-z]+)="([^"]*)"', rest)
    assert rest == ",".join(f'{k}="{v}"' for k, v in pairs), value
    return scheme, dict(pairs)
