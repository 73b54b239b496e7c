# SPDX-License-Identifier: Apache-2.0
"""Blobs: every way in, every way out (OCI distribution end-2, end-4 to end-6, end-10, end-11)."""
import re

import pytest

from harness.content import noise
from harness.registry import FORMS, OCTETS, digest_of

ALGORITHMS = ["sha256", "sha512"]
ABSENT = {alg: digest_of(b"nobody has sent this", alg) for alg in ALGORITHMS}


def check_blob(registry, repo, data, digest):
    """HEAD and GET as the specification wants them."""
    for answer in (registry.head(f"/v2/{repo}/blobs/{digest}"), registry.blob(repo, digest)):
        assert answer.status == 200, answer
        assert answer.get("Content-Length") == str(len(data)), answer
        assert answer.get("Docker-Content-Digest") == digest
        assert answer.get("Content-Type") == OCTETS
        assert answer.get("Accept-Ranges") == "bytes"
        assert answer.get("ETag") == f'"{digest}"'
        assert "immutable" in answer.get("Cache-Control")
        assert answer.get("Docker-Distribution-Api-Version") == "registry/2.0"
        assert answer.get("Content-Encoding") is None
    assert answer.body == data


def check_created(registry, repo, answer, digest, data):
    """201: the Location leads to the blob."""
    assert answer.status == 201, answer
    assert answer.get("Docker-Content-Digest") == digest
    assert answer.get("Content-Length") == "0"
    location = answer.get("Location")
    assert location == f"/v2/{repo}/blobs/{digest}"
    assert registry.get(location).body == data


def check_deleted(registry, repo, digest):
    answer = registry.delete(f"/v2/{repo}/blobs/{digest}")
    assert answer.status == 202, answer
    answer = registry.head(f"/v2/{repo}/blobs/{digest}")
    assert (answer.status, answer.body) == (404, b"")
    answer = registry.delete(f"/v2/{repo}/blobs/{digest}")
    assert answer.status == 404 and answer.errors() == ["BLOB_UNKNOWN"]


# ---- 2.2 group 1 ----


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
def test_ping(admin, path):
    answer = admin.get(path)
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.get("Docker-Distribution-Api-Version") == "registry/2.0"
    assert answer.get("Content-Type") == "application/json"
    answer = admin.head(path)
    assert (answer.status, answer.get("Content-Length")) == (200, "2")


def test_extensions(admin, anonymous, repo):
    admin.push_blob(repo, noise(10))
    for path in ("/v2/_oci/ext/discover", f"/v2/{repo}/_oci/ext/discover"):
        answer = admin.get(path)
        assert answer.status == 200
        for extension in answer.json()["extensions"]:
            assert set(extension) == {"name", "description", "url"}
        assert anonymous.get(path).status == 401


# ---- 2.2 group 2, by algorithm ----


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_missing(admin, repo, alg):
    for method in ("GET", "HEAD", "DELETE"):
        answer = admin.request(method, f"/v2/{repo}/blobs/{ABSENT[alg]}")
        assert answer.status == 404, answer
        if method == "HEAD":
            assert answer.body == b""
        else:
            assert answer.errors()[0] in ("BLOB_UNKNOWN", "NAME_UNKNOWN")


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("form", FORMS)
def test_push(admin, repo, alg, form):
    data = noise(5000)
    digest = digest_of(data, alg)
    answer = getattr(admin, form)(repo, data, digest)
    check_created(admin, repo, answer, digest, data)
    check_blob(admin, repo, data, digest)
    # once more: the bytes are there already
    answer = getattr(admin, form)(repo, data, digest)
    check_created(admin, repo, answer, digest, data)
    check_deleted(admin, repo, digest)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("data", [b"", b"{}"], ids=["empty", "braces"])
@pytest.mark.parametrize("form", FORMS)
def test_push_tiny(admin, repo, alg, form, data):
    digest = digest_of(data, alg)
    answer = getattr(admin, form)(repo, data, digest)
    check_created(admin, repo, answer, digest, data)
    check_blob(admin, repo, data, digest)
    check_deleted(admin, repo, digest)


@pytest.mark.release
@pytest.mark.parametrize("form", FORMS)
def test_push_larger_than_every_buffer(admin, repo, form):
    data = noise(3 * 1024 * 1024 + 17)
    digest = digest_of(data)
    answer = getattr(admin, form)(repo, data, digest)
    check_created(admin, repo, answer, digest, data)
    check_deleted(admin, repo, digest)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("form", FORMS)
def test_bad_digest(admin, repo, alg, form):
    data = noise(3000)
    wrong = digest_of(data + b"!", alg)
    answer = getattr(admin, form)(repo, data, wrong)
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer
    assert admin.head(f"/v2/{repo}/blobs/{wrong}").status == 404
    assert admin.head(f"/v2/{repo}/blobs/{digest_of(data, alg)}").status == 404


def test_same_bytes_under_both_algorithms(admin, repo):
    data = noise(4000)
    for alg in ALGORITHMS:
        admin.push_blob(repo, data, alg)
    for alg in ALGORITHMS:
        check_blob(admin, repo, data, digest_of(data, alg))
    check_deleted(admin, repo, digest_of(data, "sha256"))
    check_blob(admin, repo, data, digest_of(data, "sha512"))


def test_digest_of_another_algorithm(admin, repo):
    """The session was begun for one algorithm and is closed with the other."""
    data = noise(200_000)
    for begun, closed in (("sha256", "sha512"), ("sha512", "sha256")):
        location = admin.open_upload(repo, "?digest-algorithm=" + begun)
        half = len(data) // 2
        location = admin.patch(location, data[:half], 0).get("Location")
        location = admin.patch(location, data[half:], half).get("Location")
        digest = digest_of(data, closed)
        check_created(admin, repo, admin.finish(location, digest), digest, data)


@pytest.mark.parametrize("query", ["?digest-algorithm=md5", "?digest-algorithm=", "?digest-algorithm=SHA256"])
def test_unknown_algorithm(admin, repo, query):
    answer = admin.start(repo, query)
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer


BAD_DIGESTS = ["sha256", "sha256:", "sha256:abc", "md5:" + "a" * 32, "sha256:" + "A" * 64, "sha256:" + "g" * 64,
               "sha256:" + "a" * 63, "sha256:" + "a" * 65, "sha512:" + "a" * 64, "sha256-" + "a" * 64,
               "SHA256:" + "a" * 64, "sha256:" + "a" * 64 + ":b", "blake3:" + "a" * 64, "sha256:..", "uploads"]


@pytest.mark.parametrize("digest", BAD_DIGESTS)
def test_malformed_digest(admin, repo, digest):
    for method in ("GET", "DELETE"):
        answer = admin.request(method, f"/v2/{repo}/blobs/{digest}")
        assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer
    assert admin.head(f"/v2/{repo}/blobs/{digest}").status == 400
    answer = admin.start(repo, f"?digest={digest}", body=b"x")
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer
    answer = admin.finish(admin.open_upload(repo), digest, b"x")
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer


def test_closing_put_without_digest(admin, repo):
    location = admin.open_upload(repo)
    answer = admin.request("PUT", location, b"x", {"Content-Type": OCTETS})
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"]


# ---- mounts (end-11) ----


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_mount(admin, repo, alg):
    source, data = repo + "/source", noise(2000)
    digest = admin.push_blob(source, data, alg)
    answer = admin.start(repo, f"?mount={digest}&from={source}")
    check_created(admin, repo, answer, digest, data)
    check_blob(admin, repo, data, digest)
    # deleting one leaves the other
    check_deleted(admin, source, digest)
    check_blob(admin, repo, data, digest)
    check_deleted(admin, repo, digest)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_mount_without_source(admin, repo, alg):
    data = noise(2000)
    digest = admin.push_blob(repo + "/source", data, alg)
    answer = admin.start(repo, f"?mount={digest}")
    check_created(admin, repo, answer, digest, data)


def test_mount_with_escaped_names(admin, repo):
    data = noise(100)
    digest = admin.push_blob(repo + "/source", data)
    query = f"?mount={digest.replace(':', '%3A')}&from={(repo + '/source').replace('/', '%2F')}&origin=elsewhere"
    check_created(admin, repo, admin.start(repo, query), digest, data)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("source", ["same", "absent", "other project", "malformed", "none"])
def test_mount_that_cannot_be(admin, repo, alg, source):
    """202 with a session to go on with; never an error."""
    data = noise(50)
    name = {"same": repo, "absent": repo + "/absent", "other project": "nowhere/at-all", "malformed": "A..b//",
            "none": None}[source]
    query = f"?mount={ABSENT[alg]}" + (f"&from={name}" if name else "")
    answer = admin.start(repo, query)
    assert answer.status == 202, answer
    digest = digest_of(data, alg)
    check_created(admin, repo, admin.finish(answer.get("Location"), digest, data), digest, data)


def test_mount_of_a_blob_that_the_source_does_not_hold(admin, repo):
    """That other repositories hold it is no reason."""
    digest = admin.push_blob(repo + "/holder", noise(64))
    admin.push_blob(repo + "/source", noise(64))
    assert admin.start(repo, f"?mount={digest}&from={repo}/source").status == 202


def test_mount_with_malformed_digest(admin, repo):
    answer = admin.start(repo, f"?mount=sha256:abc&from={repo}")
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"]


def test_digest_grants_nothing(admin, repo):
    """Bytes that the registry holds are not served where nobody has sent them."""
    digest = admin.push_blob(repo + "/one", noise(500))
    admin.push_blob(repo + "/two", noise(500))
    for method in ("GET", "HEAD"):
        assert admin.request(method, f"/v2/{repo}/two/blobs/{digest}").status == 404


# ---- ranges (1.4) ----


@pytest.fixture(scope="module")
def ranged(haven):
    """A blob of 2,048 bytes."""
    registry = haven.registry()
    data = noise(2048)
    digest = registry.push_blob("library/ranged", data)
    yield registry, f"/v2/library/ranged/blobs/{digest}", data, digest
    registry.close()


@pytest.mark.parametrize("spec,first,last", [
    ("500-1499", 500, 1499), ("500-", 500, 2047), ("-500", 1548, 2047), ("2000-5000", 2000, 2047), ("0-0", 0, 0),
    ("0-", 0, 2047), ("2047-2047", 2047, 2047), ("-1", 2047, 2047), ("-5000", 0, 2047), ("0-2047", 0, 2047),
    ("2047-", 2047, 2047), ("0-18446744073709551615", 0, 2047)])
def test_range(ranged, spec, first, last):
    registry, path, data, digest = ranged
    answer = registry.get(path, Range="bytes=" + spec)
    assert answer.status == 206, answer
    assert answer.get("Content-Range") == f"bytes {first}-{last}/2048"
    assert answer.get("Content-Length") == str(last - first + 1)
    assert answer.get("Docker-Content-Digest") == digest
    assert answer.get("ETag") == f'"{digest}"'
    assert answer.body == data[first:last + 1]


@pytest.mark.parametrize("spec", ["500-0", "5000-10000", "2048-", "2048-2048", "-0"])
def test_range_outside(ranged, spec):
    registry, path, _, _ = ranged
    answer = registry.get(path, Range="bytes=" + spec)
    assert answer.status == 416, answer
    assert answer.get("Content-Range") == "bytes */2048"
    assert int(answer.get("Content-Length")) == len(answer.body)
    assert answer.errors() == ["RANGE_INVALID"]
    assert registry.get(path).status == 200  # the connection is in order


@pytest.mark.parametrize("value", ["lines=0-5", "bytes=a-b", "bytes=", "bytes=5", "bytes 0-5", "0-5", "bytes=--5",
                                   "bytes=0-5-9", "bytes=+1-5"])
def test_range_that_is_none(ranged, value):
    """RFC 9110 14.2: what is not understood is ignored."""
    registry, path, data, _ = ranged
    answer = registry.get(path, Range=value)
    assert (answer.status, answer.body) == (200, data)


def test_head_has_no_ranges(ranged):
    registry, path, _, _ = ranged
    answer = registry.head(path, Range="bytes=0-5")
    assert (answer.status, answer.get("Content-Length")) == (200, "2048")


def parts_of(answer):
    """multipart/byteranges as [(first, last, size, bytes)], in the order sent."""
    kind = answer.get("Content-Type")
    boundary = re.fullmatch(r'multipart/byteranges; boundary="?([^"]+)"?', kind)[1].encode()
    body = b"\r\n" + answer.body
    pieces = body.split(b"\r\n--" + boundary)
    assert pieces[0] == b"" and pieces[-1] in (b"--\r\n", b"--"), answer
    found = []
    for piece in pieces[1:-1]:
        head, _, data = piece.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().strip().split("\r\n"))
        assert headers["Content-Type"] == OCTETS
        first, last, size = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers["Content-Range"]).groups()
        found.append((int(first), int(last), int(size), data))
    return found


@pytest.mark.parametrize("specs", [
    ["0-9", "100-199"], ["1000-1099", "0-9"], ["0-99", "50-149"], ["5-5", "5-5", "5-5"], ["-10", "0-", "7-7"],
    ["100-199", "200-299", "1900-4000"]])
def test_ranges_in_request_order(ranged, specs):
    registry, path, data, digest = ranged
    answer = registry.get(path, Range="bytes=" + ",".join(specs))
    assert answer.status == 206, answer
    assert answer.get("Docker-Content-Digest") == digest
    expected = []
    for spec in specs:
        a, _, b = spec.partition("-")
        first = int(a) if a else 2048 - int(b)
        last = min(int(b), 2047) if a and b else 2047
        expected.append((first, last, 2048, data[first:last + 1]))
    assert parts_of(answer) == expected


def test_hundreds_of_ranges(admin, repo):
    """As clients of zstd:chunked layers ask."""
    data = noise(2_000_000)
    digest = admin.push_blob(repo, data)
    wanted = [(i * 5000, i * 5000 + 999) for i in reversed(range(390))]
    answer = admin.blob(repo, digest, Range="bytes=" + ", ".join(f"{a}-{b}" for a, b in wanted))
    assert answer.status == 206
    assert parts_of(answer) == [(a, b, len(data), data[a:b + 1]) for a, b in wanted]


def test_ranges_partly_outside(ranged):
    """One that can be served is enough; none is 416."""
    registry, path, data, _ = ranged
    answer = registry.get(path, Range="bytes=10-19,9000-9999")
    assert answer.status == 206
    if answer.get("Content-Range"):
        assert (answer.get("Content-Range"), answer.body) == ("bytes 10-19/2048", data[10:20])
    else:
        assert parts_of(answer) == [(10, 19, 2048, data[10:20])]
    assert registry.get(path, Range="bytes=9000-9999,8000-").status == 416


def test_too_many_ranges(admin, repo):
    """The whole blob, not an error and not an amplified answer. (The head has room for about 5,000 of them.)"""
    data = noise(100)
    digest = admin.push_blob(repo, data)
    answer = admin.blob(repo, digest, Range="bytes=" + ",".join(["0-1"] * 1025))
    assert (answer.status, answer.body) == (200, data)
    answer = admin.blob(repo, digest, Range="bytes=" + ",".join(["0-"] * 200))
    assert (answer.status, answer.body) == (200, data)


def test_ranges_of_an_empty_blob(admin, repo):
    digest = admin.push_blob(repo, b"")
    assert admin.blob(repo, digest, Range="bytes=0-").status == 416
    assert admin.blob(repo, digest).status == 200


def test_if_range(ranged):
    registry, path, data, digest = ranged
    for tag in (f'"{digest}"', digest):
        answer = registry.get(path, Range="bytes=0-9", If_Range=tag)
        assert (answer.status, answer.body) == (206, data[:10]), tag
    for tag in ('"other"', f'W/"{digest}"', "Mon, 01 Jan 2024 00:00:00 GMT"):
        answer = registry.get(path, Range="bytes=0-9", If_Range=tag)
        assert (answer.status, answer.body) == (200, data), tag


@pytest.mark.parametrize("value", ['"{}"', "{}", 'W/"{}"', '"x", "{}"', "*"])
def test_if_none_match(ranged, value):
    registry, path, _, digest = ranged
    for method in ("GET", "HEAD"):
        answer = registry.request(method, path, headers={"If-None-Match": value.format(digest)})
        assert (answer.status, answer.body) == (304, b""), answer
        assert answer.get("ETag") == f'"{digest}"'


def test_if_none_match_of_another(ranged):
    registry, path, data, _ = ranged
    answer = registry.get(path, If_None_Match='"sha256:abc"')
    assert (answer.status, answer.body) == (200, data)


def test_no_content_coding(ranged, admin, repo):
    """Clients that accept gzip get plain bytes with their length."""
    registry, path, data, _ = ranged
    answer = registry.get(path, Accept_Encoding="gzip, zstd, deflate, br")
    assert answer.body == data and answer.get("Content-Encoding") is None
    assert answer.get("Content-Length") == "2048"


def test_wrong_methods(ranged, admin, repo):
    registry, path, _, _ = ranged
    for method in ("POST", "PUT", "PATCH"):
        answer = registry.request(method, path, b"")
        assert answer.status == 405 and answer.errors() == ["UNSUPPORTED"]
        assert {m.strip() for m in answer.get("Allow").split(",")} >= {"GET", "HEAD", "DELETE"}
    assert admin.request("DELETE", "/v2/").status == 405
    assert admin.request("BREW", "/v2/").status in (405, 501)
    answer = registry.request("OPTIONS", path)
    assert answer.status in (200, 204) and "GET" in answer.get("Allow")


def test_unknown_addresses(admin, repo):
    for path in ("/v2/nothing", f"/v2/{repo}", f"/v2/{repo}/what/is/this/", f"/v2/{repo}/tags", "/v2//",
                 f"/v2/{repo}/blobs/"):
        answer = admin.get(path)
        assert answer.status in (400, 404), path
        answer.errors()
