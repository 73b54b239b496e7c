# SPDX-License-Identifier: Apache-2.0
"""The exact requests of clients that are not at hand, as their sources make them."""
import json
import re
import urllib.parse

from harness.content import artifact, descriptor, dump, image, noise, push, small_image, tar_of
from harness.raw import Raw
from harness.registry import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, digest_of

DOCKER_AGENT = ("User-Agent", "docker/20.10.24 go/go1.19 kernel/6.1 os/linux arch/amd64 UpstreamClient(Docker-Client/20.10)")


def bearer(haven, answer):
    """What a client does with a challenge: the token for exactly the scope that was named."""
    value = dict(re.findall(r'([a-z]+)="([^"]*)"', answer.get("WWW-Authenticate")))
    scopes = value["scope"].split(" ")
    return haven.registry().with_token(*scopes)


def test_docker_classic_push(haven, anonymous, repo):
    """HEAD; POST with mount; PATCH in one stream without a length; PUT without a body; HEAD; PUT manifest."""
    layer = tar_of({"etc/motd": b"hello\n"})
    document, blobs = image([layer, noise(400_000)], media_type=DOCKER_MANIFEST, compress=True)
    assert anonymous.request("GET", "/v2/", headers=[DOCKER_AGENT]).status == 401
    client = bearer(haven, anonymous.start(repo))
    for digest, data in blobs.items():
        answer = client.request("HEAD", f"/v2/{repo}/blobs/{digest}", headers=[DOCKER_AGENT])
        assert answer.status == 404
        query = urllib.parse.urlencode({"from": "library/elsewhere", "mount": digest})
        answer = client.request("POST", f"/v2/{repo}/blobs/uploads/?{query}", b"", [DOCKER_AGENT])
        assert answer.status == 202
        assert answer.get("Docker-Upload-UUID")
        location = answer.get("Location")
        answer = client.request("PATCH", location, data, [DOCKER_AGENT], chunked=True, chunk=32768)
        assert answer.status == 202
        first, last = re.fullmatch(r"(\d+)-(\d+)", answer.get("Range")).groups()  # it reads %d-%d
        assert (int(first), int(last)) == (0, len(data) - 1)
        assert answer.get("Docker-Upload-UUID")
        location = answer.get("Location")
        answer = client.request("PUT", f"{location}?{urllib.parse.urlencode({'digest': digest})}", b"", [DOCKER_AGENT])
        assert answer.status == 201
        answer = client.request("HEAD", f"/v2/{repo}/blobs/{digest}", headers=[DOCKER_AGENT])
        assert answer.status == 200 and answer.get("Content-Length") == str(len(data))
    data = dump(document)
    answer = client.request("PUT", f"/v2/{repo}/manifests/v1", data, [DOCKER_AGENT, ("Content-Type", DOCKER_MANIFEST)])
    assert answer.status == 201 and answer.get("Docker-Content-Digest") == digest_of(data)


def test_docker_pull_resumes(haven, admin, anonymous, repo):
    document, blobs = image([noise(500_000)], media_type=DOCKER_MANIFEST)
    push(admin, repo, document, blobs, "v1")
    client = bearer(haven, anonymous.manifest(repo, "v1"))
    accept = [("Accept", t) for t in (DOCKER_MANIFEST, DOCKER_LIST, "application/vnd.docker.distribution.manifest.v1+json",
                                      OCI_INDEX, OCI_MANIFEST)]
    answer = client.request("GET", f"/v2/{repo}/manifests/v1", headers=[*accept, ("Accept", "application/json")])
    assert answer.status == 200 and answer.get("Content-Type") == DOCKER_MANIFEST
    layer = document["layers"][0]["digest"]
    answer = client.blob(repo, layer, Range="bytes=123456-")
    assert answer.status == 206 and answer.get("Content-Range").startswith("bytes 123456-")
    assert answer.body == blobs[layer][123456:]


def test_containerd_push(haven, anonymous, repo):
    """HEAD; POST; one PUT with its length; never PATCH. The namespace goes along as ns=."""
    document, blobs = small_image()
    client = bearer(haven, anonymous.start(repo))
    for digest, data in blobs.items():
        assert client.head(f"/v2/{repo}/blobs/{digest}?ns=example.org").status == 404
        answer = client.request("POST", f"/v2/{repo}/blobs/uploads/?mount={digest}&from=library/other&ns=example.org", b"")
        assert answer.status == 202
        answer = client.request("PUT", f"{answer.get('Location')}?digest={urllib.parse.quote(digest, safe='')}", data,
                                [("Content-Type", "application/octet-stream")])
        assert answer.status == 201 and answer.get("Docker-Content-Digest") == digest
    data = dump(document)
    answer = client.request("PUT", f"/v2/{repo}/manifests/v1?ns=example.org", data, [("Content-Type", OCI_MANIFEST)])
    assert answer.status == 201


def test_containerd_open_ended_ranges(haven, admin, repo):
    """Layers are fetched in parallel by ranges without an end, each left in the middle."""
    data = noise(4_000_000)
    digest, _ = push(admin, repo, *image([data]), "v1")
    layer = digest_of(data)
    accept = ", ".join([DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX, "*/*"])
    answer = admin.request("HEAD", f"/v2/{repo}/manifests/v1", headers={"Accept": accept})
    assert answer.get("Docker-Content-Digest") == digest
    answer = admin.request("GET", f"/v2/{repo}/manifests/{digest}", headers={"Accept": accept, "Range": "bytes=0-"})
    assert answer.status in (200, 206) and digest_of(answer.body) == digest
    whole, step = b"", 700_000
    for first in range(0, len(data), step):
        with Raw(haven, receive_buffer=65536) as raw:
            raw.head(f"GET /v2/{repo}/blobs/{layer} HTTP/1.1", f"Range: bytes={first}-", "Accept: */*",
                     "Accept-Encoding: zstd;q=1.0, gzip;q=0.8, deflate;q=0.5")
            status, headers = raw.read_head()
            assert status == 206
            assert ("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}") in headers
            want = min(step, len(data) - first)
            while len(raw.buffer) < want:
                assert raw.fill()
            whole += raw.buffer[:want]
    assert whole == data


def test_containerd_asks_for_blobs_when_a_manifest_is_missing(admin, repo):
    digest, data = push(admin, repo, *small_image(), "v1")
    assert admin.request("HEAD", f"/v2/{repo}/blobs/{digest}").status == 200
    assert admin.blob(repo, digest).body == data


def test_zstd_chunked_pull(admin, repo):
    """The table of contents at the end of the layer, then the files that are not there yet, in one request."""
    data = noise(1_000_000)
    push(admin, repo, *image([data]), "v1")
    answer = admin.blob(repo, digest_of(data), Range="bytes=990000-993999,994000-999999")
    assert answer.status == 206
    boundary = re.fullmatch(r'multipart/byteranges; boundary="?([^"]+)"?', answer.get("Content-Type"))[1].encode()
    parts = answer.body.split(b"--" + boundary)
    assert len(parts) == 4
    bodies = [part.partition(b"\r\n\r\n")[2][:-2] for part in parts[1:-1]]
    assert bodies == [data[990_000:994_000], data[994_000:]]
    wanted = [(i * 9000 % 900_000, i * 9000 % 900_000 + 500 + i) for i in range(100)]
    answer = admin.blob(repo, digest_of(data), Range="bytes=" + ",".join(f"{a}-{b}" for a, b in wanted))
    assert answer.status == 206
    boundary = re.fullmatch(r'multipart/byteranges; boundary="?([^"]+)"?', answer.get("Content-Type"))[1].encode()
    parts = answer.body.split(b"\r\n--" + boundary)
    first = parts[0].removeprefix(b"--" + boundary)
    bodies = [part.partition(b"\r\n\r\n")[2] for part in [first, *parts[1:-1]]]
    assert bodies == [data[a:b + 1] for a, b in wanted]


def test_oras_probe(admin, repo):
    """Whether referrers are supported is found out by a digest of zeros."""
    push(admin, repo, *small_image())
    answer = admin.referrers(repo, "sha256:" + "0" * 64)
    assert answer.status == 200 and answer.get("Content-Type") == OCI_INDEX
    _, data = push(admin, repo, *small_image(), "v1")
    document, blobs = artifact("application/vnd.example.sbom", descriptor(data, OCI_MANIFEST))
    for blob in blobs.values():
        admin.push_blob(repo, blob)
    answer = admin.put_manifest(repo, digest_of(dump(document)), dump(document))
    assert answer.get("OCI-Subject") == digest_of(data)


def test_crane(haven, anonymous, repo):
    """HEAD; POST with mount, from and origin; PATCH with a length; PUT without a body; HEAD of the manifest."""
    document, blobs = small_image()
    client = bearer(haven, anonymous.start(repo))
    for digest, data in blobs.items():
        query = urllib.parse.urlencode({"mount": digest, "from": "library/base", "origin": "example.org"})
        answer = client.request("POST", f"/v2/{repo}/blobs/uploads/?{query}", b"", {"Content-Type": "application/json"})
        assert answer.status == 202
        answer = client.request("PATCH", answer.get("Location"), data, {"Content-Type": "application/octet-stream"})
        assert answer.status == 202
        answer = client.request("PUT", answer.get("Location") + "?digest=" + urllib.parse.quote(digest), b"",
                                {"Content-Type": "application/octet-stream"})
        assert answer.status == 201
    assert client.put_manifest(repo, "v1", document).status == 201
    answer = client.head(f"/v2/{repo}/manifests/v1")
    assert answer.get("Content-Type") and answer.get("Content-Length") and answer.get("Docker-Content-Digest")


def test_skopeo_cancels_what_a_mount_began(haven, anonymous, repo):
    """With a token for pull and push: cancelling needs no right to delete."""
    client = bearer(haven, anonymous.start(repo))
    answer = client.start(repo, f"?mount={digest_of(b'absent')}&from=library/none")
    assert answer.status == 202
    writer = anonymous.clone(token=client.token)
    assert writer.delete(answer.get("Location")).status == 204


def test_dotnet_chunks(haven, anonymous, repo):
    """Chunks with Content-Range and a last PUT without a body, Location taken as it comes."""
    client = bearer(haven, anonymous.start(repo))
    data = noise(200_000)
    location = client.open_upload(repo)
    for first in range(0, len(data), 65536):
        part = data[first:first + 65536]
        answer = client.request("PATCH", location, part, {"Content-Type": "application/octet-stream",
                                                          "Content-Range": f"{first}-{first + len(part) - 1}"})
        assert answer.status == 202, answer
        assert answer.get("Range") == f"0-{first + len(part) - 1}"
        location = answer.get("Location")
    assert client.finish(location, digest_of(data)).status == 201


def test_json_of_every_list(admin, repo):
    """Lists are never null."""
    push(admin, repo, *small_image())
    for path, key in ((f"/v2/{repo}/tags/list", "tags"), (f"/v2/{repo}/referrers/{digest_of(b'')}", "manifests"),
                      ("/v2/_catalog?n=0", "repositories")):
        assert json.loads(admin.get(path).body)[key] == []
