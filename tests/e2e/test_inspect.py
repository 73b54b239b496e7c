# SPDX-License-Identifier: Apache-2.0
"""haven inspect of models in registries and layouts: the same as of the files, for some KiB, whatever the registry does."""
import gzip
import hashlib
import io
import json
import tarfile

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from harness.client import DOCKER_REGISTRY, MIB, docker_registry, env, fake, haven, noise, ok, refused, weights, write  # noqa: F401
from harness.fake_registry import Gone
from harness.server import PASSWORD, USER

KIB = 1024


@pytest.fixture
def folder(tmp_path):
    """A model of two shards, 6 MiB."""
    path = write(tmp_path / "m", {"README.md": b"---\nlicense: mit\n---\n# T\n", "config.json": b'{"model_type": "qwen3"}',
                                  "notes.txt": noise(300 * KIB)})
    for i in (1, 2):
        save_file({f"t{i}": np.zeros((1536, 1024), np.float16)}, path / f"model-0000{i}-of-00002.safetensors")
    return path


def read(haven, *args):
    return json.loads(ok(haven("inspect", "--json", *args)).stdout)


def agree(said, folder):
    tensors = {(t["file"], t["name"], t["dtype"], tuple(t["shape"])) for t in said["tensors"]}
    expected = set()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "np") as f:
            expected |= {(path.name, k, f.get_slice(k).get_dtype(), tuple(f.get_slice(k).get_shape())) for k in f.keys()}
    assert tensors == expected
    assert {f["file"]: f["size"] for f in said["files"]} == {p.name: p.stat().st_size for p in folder.iterdir()}


@pytest.mark.parametrize("form", [(), ("--tar",), ("--form", "cnai-image")])
def test_as_the_files_say(fake, haven, folder, tmp_path, form):
    reg = fake()
    digest = json.loads(ok(haven("push", "--json", *form, folder, f"{reg.host}/p/m:v1")).stdout)["digest"]
    ok(haven("build", *form, folder, "-o", tmp_path / "layout", "-t", "v1"))
    local = read(haven, folder, "--tensors")
    for ref in (f"{reg.host}/p/m:v1", f"{reg.host}/p/m@{digest}", f"oci:{tmp_path}/layout", f"oci:{tmp_path}/layout:v1"):
        reg.served = 0
        said = read(haven, ref, "--tensors")
        assert reg.served < 1500 * KIB / 2, "headers are all that is wanted"
        agree(said, folder)
        assert said["weights"] == local["weights"] and said["digest"] == said["manifest"] == digest
        assert said["weights"]["parameters"] == 2 * 1536 * 1024
        assert said["facts"] == local["facts"] and said["facts"]["license"] == ["MIT"]
        assert all(f["looked_into"] and f["encoding"] == ("tar" if form else "raw") for f in said["files"])
        assert [f["kind"] for f in said["files"]] == [f["kind"] for f in local["files"]] and said["warnings"] == []
        assert said["facts"]["family"] == "qwen3" and "param-size" in said["facts"]
    text = ok(haven("inspect", f"{reg.host}/p/m:v1")).stdout
    assert digest in text and "family          qwen3" in text and "parameters      3.1M (3145728)" in text


def test_against_haven_serve(start, haven, folder):
    server = start()
    ok(haven("login", f"{server.host}:{server.port}", "-u", USER, "--password-stdin", input=PASSWORD))
    host = f"{server.host}:{server.port}"
    ok(haven("push", folder, f"{host}/library/m:v1"))
    agree(read(haven, f"{host}/library/m:v1", "--tensors"), folder)
    refused(haven("inspect", f"{host}/library/m:v2"), "MANIFEST_UNKNOWN")


@pytest.mark.skipif(not DOCKER_REGISTRY, reason="docker-registry is not installed")
def test_against_docker_registry(docker_registry, haven, folder):
    for form in ((), ("--tar",)):
        ok(haven("push", *form, folder, f"{docker_registry}/p/inspected:v1"))
        agree(read(haven, f"{docker_registry}/p/inspected:v1", "--tensors"), folder)


class Sparse:
    """A blob of zeros behind its head, as large as it likes."""

    def __init__(self, head, size):
        self.head, self.size, self.served = head, size, 0

    def __call__(self, h):
        first, _, last = h.headers.get("Range", "=0-").partition("=")[2].partition("-")
        first, last = int(first), int(last or self.size - 1)
        data = (self.head[first:last + 1]).ljust(last + 1 - first, b"\0")
        self.served += len(data)
        h.reply(206, {"Content-Range": f"bytes {first}-{last}/{self.size}"}, data)


def test_a_large_model_costs_kilobytes(fake, haven):
    reg = fake()
    size = 40 * 1024 * MIB
    header = json.dumps({"big": {"dtype": "BF16", "shape": [size // 2], "data_offsets": [0, size]}}).encode()
    head = len(header).to_bytes(8, "little") + header
    info = tarfile.TarInfo("inner.safetensors")
    info.size = len(head) + size
    block = info.tobuf(tarfile.USTAR_FORMAT if info.size < 8 << 30 else tarfile.GNU_FORMAT)
    blobs = {"sha256:" + "1" * 64: Sparse(head, len(head) + size),
             "sha256:" + "2" * 64: Sparse(block + head, 512 + (info.size + 511) // 512 * 512 + 1024)}
    layers = [{"mediaType": f"application/vnd.cncf.model.weight.v1.{kind}", "digest": d, "size": blobs[d].size,
               "annotations": {"org.cncf.model.filepath": f"{kind}.safetensors"}} for kind, d in zip(("raw", "tar"), blobs)]
    reg.add_manifest("p/m", "v1", layers)

    def hook(h):
        blob = blobs.get(h.path.rsplit("/", 1)[1])
        if blob:
            blob(h)
        return bool(blob)

    reg.hook = hook
    said = read(haven, f"{reg.host}/p/m:v1")
    assert [(f["file"], f["parameters"]) for f in said["files"]] == [
        ("raw.safetensors", size // 2), ("inner.safetensors", size // 2)]
    assert [b.served <= 256 * KIB for b in blobs.values()] == [True, True], [b.served for b in blobs.values()]
    assert reg.served <= 4 * KIB


def test_no_ranges(fake, haven, folder):
    reg = fake()
    ok(haven("push", folder, f"{reg.host}/p/m"))
    reg.ranges, reg.served = False, 0
    refused(haven("inspect", f"{reg.host}/p/m"), "UNSUPPORTED", "the registry knows no ranges: all 3145")
    assert reg.served < 4 * MIB


def test_small_files_need_no_ranges(fake, haven, tmp_path):
    reg = fake()
    ok(haven("push", write(tmp_path / "m", {"a.safetensors": weights(200 * KIB)}), f"{reg.host}/p/m"))
    reg.ranges = False
    assert read(haven, f"{reg.host}/p/m")["weights"]["parameters"] == 200 * KIB - 128


@pytest.mark.parametrize("answer, code", [
    ((206, "bytes 1-65536/{n}", 65536), "REMOTE"), ((206, "bytes 0-99/{n}", 100), "REMOTE"), ((206, "", 65536), "REMOTE"),
    ((206, "bytes 0-65535/7", 65536), "REMOTE"), ((206, "bytes 0-65535/{n}", 65537), "REMOTE"),
    ((206, "bytes 0-65535/{n}", 99), "REMOTE"), ((404, "", 0), "BLOB_UNKNOWN"), ((204, "", 0), "REMOTE")])
def test_hostile_ranges(fake, haven, tmp_path, answer, code):
    reg = fake()
    status, said, n = answer
    ok(haven("push", write(tmp_path / "m", {"a.safetensors": weights(MIB)}), f"{reg.host}/p/m"))

    def hook(h):
        if "/blobs/" not in h.path or not h.headers.get("Range"):
            return False
        if status == 404:
            h.error(404, "BLOB_UNKNOWN")
        else:
            h.reply(status, {"Content-Range": said.format(n=MIB)}, bytes(n))
        return True

    reg.hook = hook
    refused(haven("inspect", f"{reg.host}/p/m"), code)


def test_a_break_is_survived(fake, haven, folder):
    reg = fake()
    ok(haven("push", folder, f"{reg.host}/p/m"))
    broken = []

    def hook(h):
        if h.headers.get("Range") and not broken:
            broken.append(1)
            raise Gone
        return False

    reg.hook = hook
    agree(read(haven, f"{reg.host}/p/m", "--tensors"), folder)
    assert broken


def test_wrong_content_is_a_warning(fake, haven, tmp_path):
    reg = fake()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("x.txt"))
    good = weights(1000)
    layers = [("good.safetensors", good), ("bad.safetensors", noise(1000)), ("esc.gguf", b"GGUF\x1b[31m")]
    layers += [{"mediaType": f"application/vnd.cncf.model.code.v1.{kind}", "digest": reg.add_blob(data), "size": len(data)}
               for kind, data in (("tar", noise(2048)), ("tar+gzip", gzip.compress(packed.getvalue())))]
    reg.add_manifest("p/m", "v1", layers)
    done = ok(haven("inspect", "--json", f"{reg.host}/p/m:v1"))
    said = json.loads(done.stdout)
    assert [f["looked_into"] for f in said["files"]] == [True, True, True, False, False]
    assert said["weights"]["parameters"] == 872 and len(said["warnings"]) == 3 == done.stderr.count("haven: warning: ")
    assert "\x1b" not in done.stderr + ok(haven("inspect", f"{reg.host}/p/m:v1")).stdout


def test_config_is_verified_and_judged(fake, haven):
    reg = fake()
    reg.add_manifest("p/m", "v1", [("a.txt", b"x")])
    doc = json.loads(reg.manifests["p/m", "v1"])
    config = json.dumps({"descriptor": {"name": "n", "authors": ["A", "B", 7], "sourceURL": "no address\x1b"},
                         "config": {"paramSize": "lots", "capabilities": {"reasoning": True}}}).encode()
    doc["config"].update(digest=reg.add_blob(config), size=len(config))
    reg.manifests["p/m", "v1"] = json.dumps(doc).encode()
    said = read(haven, f"{reg.host}/p/m:v1")
    assert said["facts"] == {"name": "n", "author": ["A", "B"], "reasoning": "true"} and said["weights"] is None
    assert len(said["warnings"]) == 2 and "config.paramSize in the config" in "".join(said["warnings"])
    reg.blobs[doc["config"]["digest"]] = config.replace(b'"n"', b'"o"')
    refused(haven("inspect", f"{reg.host}/p/m:v1"), "DIGEST_INVALID", "the config has the digest")


def test_alternatives_are_not_added_up(haven, folder):
    save_file({"t": np.zeros((100, 100), np.float32)}, folder / "consolidated.safetensors")
    said = read(haven, folder)
    assert said["weights"]["parameters"] == 2 * 1536 * 1024 and said["facts"]["param-size"] == "3.1M"
    assert {f["file"]: f["counts"] for f in said["files"] if "counts" in f}["consolidated.safetensors"] is False
    assert "consolidated.safetensors (not counted)" in ok(haven("inspect", folder)).stdout
