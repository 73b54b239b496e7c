# SPDX-License-Identifier: Apache-2.0
"""Content for tests: blobs, images, indexes, artifacts, OCI layouts."""
import gzip
import io
import json
import random
import tarfile

from harness.registry import (DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, digest_of)

EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

_source = random.Random(20260101)


def noise(n, seed=None):
    """n bytes that no other call gives (or always the same for a seed)."""
    return (random.Random(seed) if seed is not None else _source).randbytes(n)


def descriptor(data, media_type, alg="sha256", **more):
    return {"mediaType": media_type, "digest": digest_of(data, alg), "size": len(data), **more}


def tar_of(files):
    """A tar with these files: {path: bytes}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def image(layers, platform=("linux", "amd64"), alg="sha256", media_type=OCI_MANIFEST, compress=False, **more):
    """An image of these layers (tar bytes): (manifest document, {digest: bytes})."""
    blobs, list_of = {}, []
    for layer in layers:
        data = gzip.compress(layer, mtime=0) if compress else layer
        kind = LAYER_TYPE + ("+gzip" if compress else "")
        if media_type == DOCKER_MANIFEST:
            kind = "application/vnd.docker.image.rootfs.diff.tar" + (".gzip" if compress else "")
        list_of.append(descriptor(data, kind, alg))
        blobs[list_of[-1]["digest"]] = data
    config = json.dumps({
        "architecture": platform[1], "os": platform[0], "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]}}).encode()
    kind = ("application/vnd.docker.container.image.v1+json" if media_type == DOCKER_MANIFEST else CONFIG_TYPE)
    blobs[digest_of(config, alg)] = config
    return {"schemaVersion": 2, "mediaType": media_type, "config": descriptor(config, kind, alg),
            "layers": list_of, **more}, blobs


def small_image(**more):
    return image([noise(700), noise(300)], **more)


def artifact(kind, subject=None, layers=(), **more):
    """An artifact with the empty configuration."""
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind,
                "config": descriptor(EMPTY, EMPTY_TYPE),
                "layers": [descriptor(data, "application/x-test") for data in layers] or
                [descriptor(EMPTY, EMPTY_TYPE)], **more}
    if subject:
        document["subject"] = subject
    return document, {digest_of(data): data for data in (EMPTY, *layers)}


def index(children, **more):
    """An index over manifests: [(document bytes, media type)]."""
    return {"schemaVersion": 2, "mediaType": OCI_INDEX,
            "manifests": [descriptor(data, kind) for data, kind in children], **more}


def dump(document):
    return json.dumps(document, separators=(",", ":")).encode()


def push(registry, repo, document, blobs, *refs, alg="sha256"):
    """Pushes blobs and manifest; returns (digest, bytes). refs: tags, none: by digest alone."""
    for data in blobs.values():
        registry.push_blob(repo, data, alg)
    data = dump(document)
    digest = digest_of(data, alg)
    for ref in refs or (digest,):
        answer = registry.put_manifest(repo, ref, data, document["mediaType"])
        assert answer.status == 201, answer
        assert answer.get("Docker-Content-Digest") == digest or not refs, answer
    return digest, data


def write_layout(folder, document, blobs, tag="v1"):
    """An OCI image layout for clients that copy from one."""
    data = dump(document)
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True)
    for part in [data, *blobs.values()]:
        (store / digest_of(part).partition(":")[2]).write_bytes(part)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    entry = descriptor(data, document["mediaType"], annotations={"org.opencontainers.image.ref.name": tag})
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}))
