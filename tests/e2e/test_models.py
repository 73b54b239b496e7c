# SPDX-License-Identifier: Apache-2.0
"""What the registry reads in models by itself after a push: facts, files, tensors, documents; durably, and once."""
import collections
import contextlib
import gzip
import io
import json
import os
import pickle
import signal
import struct
import subprocess
import tarfile
import threading
import zipfile

import gguf
import numpy
import pytest
from safetensors.numpy import save

from harness.client import env  # noqa: F401
from harness.content import CONFIG_TYPE, artifact, descriptor, image, noise, push, tar_of
from harness.harbor import Harbor, refused
from harness.record import HAVEN
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import PASSWORD, haven, wait_until

MODELPACK = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
CARD = b"---\nlicense: mit\nbase_model: Qwen/Qwen3-0.6B\ntags: [small]\npipeline_tag: text-generation\n---\n# A model\n"
TENSORS = {f"layer.{i}.weight": numpy.full((3, 4), i, dtype=numpy.float32) for i in range(25)}
TENSORS["bias"] = numpy.zeros(7, dtype=numpy.float16)
WEIGHTS = save(TENSORS)


def layer(kind, path, data, encoding="raw"):
    """A layer of ModelPack: (descriptor, bytes)."""
    blob = {"raw": lambda: data, "tar": lambda: tar_of({path: data}),
            "tar+gzip": lambda: gzip.compress(tar_of({path: data}), mtime=0)}[encoding]()
    return descriptor(blob, f"application/vnd.cncf.model.{kind}.v1.{encoding}",
                      annotations={"org.cncf.model.filepath": path}), blob


def modelpack(*layers):
    config = json.dumps({"descriptor": {"name": "m"}, "modelfs": {"type": "layers", "diffIds": []}, "config": {}}).encode()
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": MODELPACK, "config": descriptor(config, CONFIG),
            "layers": [one for one, _ in layers]}, {digest_of(data): data for data in (config, *(b for _, b in layers))}


def small(encoding="raw", **more):
    files = {"weight": ("model.safetensors", WEIGHTS), "doc": ("README.md", CARD)}
    files.update(more)
    return modelpack(*(layer(kind, *rest, encoding=encoding) for kind, rest in files.items()))


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


def at(project, repo="m", rest="", ref="v1"):
    return f"/projects/{project}/repositories/{repo}/artifacts/{ref}{rest}"


def read(harbor, project, repo="m", ref="v1"):
    """What was read, as soon as it was."""
    def done():
        return harbor.json(at(project, repo, "/model", ref))["state"] not in ("waiting", "unread")
    wait_until(done)
    model = harbor.json(at(project, repo, "/model", ref))
    assert model["state"] == "read" and model["read_time"] > "2026", model
    return model["content"]


# ---- what is found ----

@pytest.mark.parametrize("encoding", ["raw", "tar", "tar+gzip"])
def test_everything_of_a_small_model(harbor, project, encoding):
    push(harbor.registry, f"{project}/m", *small(encoding), "v1")
    found = read(harbor, project)
    assert found["form"] == "modelpack" and found["warnings"] == []
    assert found["facts"]["license"] == ["MIT"] and found["facts"]["title"] == "A model"
    assert found["facts"]["base-model"] == ["Qwen/Qwen3-0.6B"] and found["facts"]["task"] == "text-generation"
    assert found["known"]["tags"] == ["small"] and found["known"]["parameters"] == 25 * 12 + 7
    assert found["weights"]["format"] == "safetensors" and found["weights"]["tensor_count"] == 26
    assert {d["dtype"]: d["parameters"] for d in found["weights"]["dtypes"]} == {"F32": 300, "F16": 7}
    files = {f["file"]: f for f in found["files"]}
    assert {path: f["size"] for path, f in files.items()} == {"model.safetensors": len(WEIGHTS), "README.md": len(CARD)}
    assert all(f["encoding"] == encoding and f["looked_into"] for f in files.values())

    # The documents and the tree, as Harbor has them.
    links = harbor.json(at(project))["addition_links"]
    assert set(links) == {"readme.md", "files"}
    answer = harbor.registry.get(links["readme.md"]["href"])
    assert (answer.status, answer.body, answer.get("Content-Type")) == (200, CARD, "text/markdown; charset=utf-8")
    assert harbor.get(at(project, rest="/additions/README.md")).body == CARD
    assert harbor.json(at(project, rest="/additions/files")) == [
        {"name": "README.md", "type": "file", "size": len(CARD)},
        {"name": "model.safetensors", "type": "file", "size": len(WEIGHTS)}]
    refused(harbor.get(at(project, rest="/additions/license")), 404, "NOT_FOUND", "none")
    refused(harbor.get(at(project, rest="/additions/values.yaml")), 400, "BAD_REQUEST", "values.yaml")

    # Tensors as their library wrote them.
    header = json.loads(WEIGHTS[8:8 + struct.unpack("<Q", WEIGHTS[:8])[0]])
    rows, page = [], 1
    while True:
        answer = harbor.get(at(project, rest="/tensors"), page=page, page_size=10)
        assert answer.status == 200 and answer.get("X-Total-Count") == "26"
        rows += answer.json()
        if 'rel="next"' not in answer.get("Link", ""):
            break
        page += 1
    start = len(WEIGHTS) - sum(t.nbytes for t in TENSORS.values())
    assert {r["name"]: (r["dtype"], r["shape"], r["offset"] - start, r["bytes"]) for r in rows} == {
        name: (t["dtype"], t["shape"], t["data_offsets"][0], t["data_offsets"][1] - t["data_offsets"][0])
        for name, t in header.items() if name != "__metadata__"}
    assert [r["name"] for r in harbor.json(at(project, rest="/tensors"), name="r.2")] == \
        [r["name"] for r in rows if "r.2" in r["name"]][:10]
    assert [r["name"] for r in harbor.json(at(project, rest="/tensors"), dtype="f16")] == ["bias"]
    assert harbor.json(at(project, rest="/tensors"), file="README.md") == []
    refused(harbor.get(at(project, rest="/tensors"), page_size=101), 422, "UNPROCESSABLE_ENTITY", "page_size")

    # Their sums.
    sums = harbor.json(at(project, rest="/tensors/summary"))
    assert (sums["tensors"], sums["parameters"], sums["bytes"], sums["truncated"]) == (26, 307, 1214, False)
    assert {d["name"]: (d["tensors"], d["parameters"], d["bytes"]) for d in sums["dtypes"]} == {"F32": (25, 300, 1200), "F16": (1, 7, 14)}
    assert [(b["stack"], b["number"]) for b in sums["blocks"]] == [("layer", i) for i in range(25)]
    assert [p["name"] for p in sums["parts"]] == ["other"]
    assert harbor.json(at(project, rest="/tensors/summary"), file="model.safetensors") == sums
    assert harbor.json(at(project, rest="/tensors/summary"), file="README.md")["tensors"] == 0
    refused(harbor.get(at(project, rest="/tensors/summary", ref="none")), 404, "NOT_FOUND")

    # Files, whole and in ranges.
    weights = at(project, rest="/files/model.safetensors")
    assert harbor.get(at(project, rest="/files/README.md")).body == CARD
    answer = harbor.get(weights)
    assert (answer.status, answer.body) == (200, WEIGHTS)
    assert answer.get("Content-Disposition") == "attachment" and answer.get("X-Content-Type-Options") == "nosniff"
    part = harbor.call("GET", weights, headers={"Range": "bytes=100-199"})
    assert (part.status, part.body) == (206, WEIGHTS[100:200])
    assert harbor.call("GET", weights, headers={"If-None-Match": answer.get("ETag")}).status == 304
    assert harbor.call("GET", weights, headers={"Range": f"bytes={len(WEIGHTS)}-"}).status == 416
    assert harbor.call("HEAD", weights).get("Content-Length") == str(len(WEIGHTS))
    refused(harbor.get(at(project, rest="/files/absent.bin")), 404, "NOT_FOUND", "absent.bin")


def test_paths_and_documents(harbor, project):
    """Names that need escapes, directories, a card in any case and folder, licences."""
    files = {"sub dir/ünï%41.txt": b"named", "sub dir/a/deep.bin": noise(3000), "docs/ReadMe.TXT": b"# hidden\n",
             "LICENCE.md": b"text of it", "a-b/x": b"1", "a/x": b""}
    push(harbor.registry, f"{project}/m",
         *modelpack(*(layer("doc", path, data) for path, data in files.items()), layer("weight", "w.safetensors", WEIGHTS)),
         "v1")
    found = read(harbor, project)
    assert found["readme"] == "docs/ReadMe.TXT" and found["facts"]["title"] == "hidden"
    assert harbor.get(at(project, rest="/additions/readme.md")).body == b"# hidden\n"
    assert harbor.get(at(project, rest="/additions/license")).body == b"text of it"
    assert harbor.get(at(project, rest="/files/sub%20dir/%C3%BCn%C3%AF%2541.txt")).body == b"named"
    assert harbor.get(at(project, rest="/files/sub%20dir/a/deep.bin")).body == files["sub dir/a/deep.bin"]
    assert harbor.get(at(project, rest="/files/a/x")).body == b""
    tree = harbor.json(at(project, rest="/additions/files"))
    assert [node["name"] for node in tree] == ["a", "a-b", "docs", "sub dir", "LICENCE.md", "w.safetensors"]
    assert tree[0] == {"name": "a", "type": "directory", "children": [{"name": "x", "type": "file"}]}
    assert [node["name"] for node in tree[3]["children"]] == ["a", "ünï%41.txt"]


def test_every_packaging(harbor, project, env, tmp_path):  # noqa: F811
    """What our own client packs in each of its forms is read alike."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "README.md").write_bytes(CARD)
    host = harbor.registry.url.split("//")[1]
    login = [HAVEN, "login", "-u", "admin", "--password-stdin", host]
    subprocess.run(login, input=PASSWORD, env=env, text=True, check=True, timeout=60)
    for form, options in (("modelpack", ["--tar"]), ("cnai", ["--form", "cnai-image"])):
        done = haven("push", "-q", *options, folder, f"{host}/{project}/{form}:v1", env=env)
        assert done.returncode == 0, done.stderr
        found = read(harbor, project, form)
        assert found["form"] == form and found["weights"]["tensor_count"] == 26, found
        assert {f["file"] for f in found["files"]} == {"model.safetensors", "README.md"}
        assert found["facts"]["license"] == ["MIT"]
        assert harbor.get(at(project, form, "/files/model.safetensors")).body == WEIGHTS
        assert harbor.get(at(project, form, "/additions/readme.md")).body == CARD


def test_other_artifacts(harbor, project):
    """Images, indexes and artifacts of unknown kinds are read too, and bring no documents of models along."""
    tree = {"usr/share/doc/README.md": b"# a program\n", "bin/sh": noise(900)}
    push(harbor.registry, f"{project}/image", *image([tar_of(tree)]), "v1")
    push(harbor.registry, f"{project}/other", *artifact("application/x-thing", layers=[noise(50)]), "v1")
    for repo, form in (("image", "image"), ("other", "oras")):
        assert read(harbor, project, repo)["form"] == form
        refused(harbor.get(at(project, repo, "/additions/readme.md")), 400, "BAD_REQUEST", "readme.md")
    assert "addition_links" not in harbor.json(at(project, "other"))
    # An image that holds weights is a model.
    push(harbor.registry, f"{project}/volume", *image([tar_of({"models/w.safetensors": WEIGHTS, "README.md": CARD})],
                                                      compress=True), "v1")
    assert read(harbor, project, "volume")["weights"]["tensor_count"] == 26
    assert set(harbor.json(at(project, "volume"))["addition_links"]) == {"build_history", "readme.md", "files"}


LICENSE = b"""Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files, to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies.
The above notice and this permission notice shall be included in all copies or substantial portions of the Software.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.
"""


@pytest.mark.parametrize("encoding", ["raw", "tar+gzip"])
@pytest.mark.parametrize("card, license, source, warns", [
    (b"# M\n", "MIT", "text", False),
    (b"---\nlicense: mit\n---\n# M\n", "MIT", "card", False),
    (b"---\nlicense: llama3.1\n---\n# M\n", "LicenseRef-llama3.1", "card", True),
])
def test_license_by_its_text(harbor, project, encoding, card, license, source, warns):  # pylint: disable=redefined-builtin
    files = {"README.md": card, "LICENSE.txt": LICENSE, "third_party/LICENSE": b"of others"}
    push(harbor.registry, f"{project}/m", *modelpack(*(layer("doc", path, data, encoding) for path, data in files.items())), "v1")
    found = read(harbor, project)
    assert (found["facts"]["license"], found["known"]["license_source"]) == ([license], source)
    assert bool([w for w in found["warnings"] if "LICENSE.txt is the text of MIT, but the card says" in w]) == warns


# ---- models in several files ----

def shard(names):
    return save({name: numpy.full((2, 3), 1, dtype=numpy.float32) for name in names})


def index_of(where, **more):
    return json.dumps({"metadata": {"total_size": 1}, "weight_map": where, **more}).encode()


FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
WHERE = {"a": FIRST, "b": FIRST, "c": SECOND}


@pytest.mark.parametrize("encoding", ["raw", "tar", "tar+gzip"])
@pytest.mark.parametrize("where, parts, warning", [
    (WHERE, {FIRST: ["a", "b"], SECOND: ["c"]}, None),
    (WHERE, {FIRST: ["a", "b"]}, f'the file "{SECOND}", which it names, is missing'),
    (WHERE, {}, f'"{FIRST}" and 1 more files that it names are missing'),
    (WHERE, {FIRST: ["a"], SECOND: ["b", "c"]}, f'1 tensors, such as "b", are not in sub/{FIRST}'),
    (WHERE, {FIRST: ["c"], SECOND: ["a", "b"]}, f'2 tensors, such as "a", are not in sub/{FIRST}'),
    ({"a": "../x.safetensors"}, {FIRST: ["a"]}, "index.json: "),
    ({}, {FIRST: ["a"]}, "index.json: "),
    ("no map", {FIRST: ["a"]}, "index.json: "),
])
def test_shards(harbor, project, encoding, where, parts, warning):
    files = {"sub/model.safetensors.index.json": index_of(where), **{f"sub/{name}": shard(names) for name, names in parts.items()}}
    push(harbor.registry, f"{project}/m", *modelpack(*(layer("weight", path, data, encoding) for path, data in files.items())), "v1")
    found = read(harbor, project)
    assert [w for w in found["warnings"] if warning and w.startswith("sub/model.safetensors.index.json: ") and warning in w] or \
        (not warning and found["warnings"] == []), found["warnings"]
    if parts:
        total = sum(map(len, parts.values()))
        assert (found["weights"]["tensor_count"], found["known"]["parameters"]) == (total, 6 * total), "all shards are one model"


def test_shards_of_pytorch_and_of_closed_archives(harbor, project):
    index = index_of({"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"})
    push(harbor.registry, f"{project}/m", *modelpack(layer("weight", "pytorch_model.bin.index.json", index),
                                                     layer("weight", "pytorch_model-00001-of-00002.bin", noise(99))), "v1")
    warning, = read(harbor, project)["warnings"]
    assert "pytorch_model-00002-of-00002.bin" in warning and "missing" in warning
    # What could not be looked into may hold it.
    broken = descriptor(b"no archive", "application/vnd.cncf.model.weight.v1.tar", annotations={"org.cncf.model.filepath": "x"}), b"no archive"
    push(harbor.registry, f"{project}/n", *modelpack(layer("weight", "pytorch_model.bin.index.json", index), broken), "v1")
    assert not [w for w in read(harbor, project, "n")["warnings"] if "missing" in w]


def gguf_part(folder, number, count, tensors):
    path = folder / f"{number}.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint16("split.no", number)
    writer.add_uint16("split.count", count)
    writer.add_int32("split.tensors.count", 4)
    for name in tensors:
        writer.add_tensor(name, numpy.ones((4, 32), dtype=numpy.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@pytest.mark.parametrize("here", [(0, 1), (0,), (1,)])
def test_split_gguf(harbor, project, tmp_path, here):
    parts = {f"q/m-0000{n + 1}-of-00002.gguf": gguf_part(tmp_path, n, 2, [f"blk.{n}.a", f"blk.{n}.b"]) for n in here}
    push(harbor.registry, f"{project}/m", *modelpack(*(layer("weight", path, data) for path, data in parts.items())), "v1")
    found = read(harbor, project)
    assert found["weights"]["tensor_count"] == 2 * len(here) and found["weights"]["precision"] == "float16"
    first = next(iter(parts))
    assert found["warnings"] == ([] if len(here) == 2 else [f"{first} is one of 2 parts, and 1 of them are here"])


def test_sums_are_of_the_files_that_count(harbor, project, tmp_path):
    """The same model in another format does not count twice; asked for by its name it is told."""
    other = gguf_part(tmp_path, 0, 1, ["token_embd.weight", "blk.3.attn_q.weight"])
    push(harbor.registry, f"{project}/m", *modelpack(layer("weight", "model.safetensors", WEIGHTS), layer("weight", "q/m.gguf", other)), "v1")
    found = read(harbor, project)
    counting = [f["file"] for f in found["files"] if f.get("counts")]
    sums = harbor.json(at(project, rest="/tensors/summary"))
    assert len(counting) == 1 and sums == harbor.json(at(project, rest="/tensors/summary"), file=counting[0])
    assert (sums["parameters"], sums["tensors"]) == (found["weights"]["parameters"], found["weights"]["tensor_count"])
    of_gguf = harbor.json(at(project, rest="/tensors/summary"), file="q/m.gguf")
    assert [p["name"] for p in of_gguf["parts"]] == ["embeddings", "attention"]
    assert [(b["stack"], b["number"], [p["name"] for p in b["parts"]]) for b in of_gguf["blocks"]] == [("blk", 3, ["attention"])]


# ---- broken and hostile models ----

def claims(header):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


BROKEN = {
    "cut": WEIGHTS[:100],
    "overlap": claims({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                       "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}) + bytes(12),
    "huge": claims({"a": {"dtype": "F32", "shape": [1 << 62, 1 << 62], "data_offsets": [0, 8]}}) + bytes(8),
    "length": struct.pack("<Q", 1 << 63) + b"{}",
    "deep": struct.pack("<Q", 40000) + b"[" * 40000,
    "empty": b"",
}


@pytest.mark.parametrize("how", sorted(BROKEN))
def test_broken_weights_are_a_finding(harbor, project, how):
    push(harbor.registry, f"{project}/m", *small(weight=("bad.safetensors", BROKEN[how])), "v1")
    found = read(harbor, project)
    assert [w for w in found["warnings"] if "bad.safetensors" in w], found["warnings"]
    assert found["facts"]["license"] == ["MIT"], "the rest is told all the same"
    assert harbor.json(at(project, rest="/tensors")) == []
    assert harbor.get(at(project, rest="/files/bad.safetensors")).body == BROKEN[how]


def bomb():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("zeros.bin")
        info.size = 400 << 20
        tar.addfile(info, io.BytesIO(bytes(info.size)))
    return gzip.compress(out.getvalue(), 9, mtime=0)


def test_archives_of_strangers(harbor, project):
    """Paths that lead out, links, bombs: a finding for the layer, and the rest is read."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("../../etc/passwd")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    for number, blob in enumerate((out.getvalue(), gzip.compress(tar_of({"x": b"1"}))[:-6], b"no archive at all" * 40, bomb())):
        kind = "tar" if number in (0, 2) else "tar+gzip"
        one = (descriptor(blob, f"application/vnd.cncf.model.code.v1.{kind}",
                          annotations={"org.cncf.model.filepath": "x"}), blob)
        push(harbor.registry, f"{project}/m-{number}", *modelpack(one, layer("doc", "README.md", CARD)), "v1")
        found = read(harbor, project, f"m-{number}")
        assert [w for w in found["warnings"] if digest_of(blob) in w], (number, found["warnings"])
        assert [f["looked_into"] for f in found["files"]] in ([False, True], [True, False])
        assert found["facts"]["license"] == ["MIT"]


def test_layers_that_are_not_here(start):
    """What a manifest names and nobody has sent is a finding, and the rest is read."""
    server = start(config={"registry.sparse": "any"})
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    document, blobs = small()
    blobs.pop(digest_of(WEIGHTS))
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    found = read(harbor, project)
    assert found["facts"]["license"] == ["MIT"] and found["weights"] is None
    assert [w for w in found["warnings"] if "model.safetensors" in w], found["warnings"]
    refused(harbor.get(at(project, rest="/files/model.safetensors")), 404, "NOT_FOUND", digest_of(WEIGHTS))


def test_pickles_and_keras(harbor, project):
    """What loading them would import is told, of raw files and in archives; the worst is a warning."""
    attack = b"cposix\nsystem\n(S'id'\ntR."
    keras = io.BytesIO()
    with zipfile.ZipFile(keras, "w") as z:
        z.writestr("metadata.json", '{"keras_version": "3.6.0"}')
        z.writestr("config.json", json.dumps({"module": "keras", "class_name": "Sequential", "config": {"name": "small", "layers": [
            {"module": "keras.layers", "class_name": "Lambda", "config": {}}]}}))
    document, blobs = modelpack(layer("weight", "model.pkl", pickle.dumps(collections.OrderedDict(a=1))),
                                layer("weight", "bad.joblib", attack, "tar+gzip"), layer("weight", "model.keras", keras.getvalue()))
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    found = read(harbor, project)
    files = {f["file"]: f for f in found["files"]}
    assert found["weights"] is None and [files[n]["format"] for n in ("model.pkl", "bad.joblib", "model.keras")] == \
        ["pickle", "pickle", "keras"]
    assert files["model.pkl"]["imports"] == [{"name": "collections.OrderedDict", "unsafe": False}]
    assert files["bad.joblib"]["imports"] == [{"name": "posix.system", "unsafe": True, "dangerous": True}]
    assert files["model.keras"]["metadata"]["keras_version"] == "3.6.0" and files["model.keras"]["metadata"]["name"] == "small"
    assert sorted(found["warnings"]) == [
        "bad.joblib: who loads this file runs posix.system, which no model needs",
        "model.keras: who loads this file runs keras.layers.Lambda, which weights do not need"]


# ---- once, durably, and again ----

def test_read_once_for_all_repositories(harbor, project):
    document, blobs = small()
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    first = harbor.json(at(project, rest="/model")) if read(harbor, project) else None
    push(harbor.registry, f"{project}/other", document, blobs, "v1", "v2")
    assert harbor.json(at(project, "other", "/model")) == first, "it was there at once"


def queue(harbor, action=None):
    if action:
        harbor.put("/jobservice/queues/MODEL_INDEX", {"action": action})
    return next(q for q in harbor.json("/jobservice/queues") if q["job_type"] == "MODEL_INDEX")


def test_kill_between_push_and_reading(start):
    """The wish to read is written with the push: whatever happens, it is read after the next start."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    assert queue(harbor, "pause")["paused"]
    for number in range(5):
        push(harbor.registry, f"{project}/m{number}", *small(doc=("README.md", CARD + bytes([65 + number]))), "v1")
    assert queue(harbor)["count"] == 5
    assert harbor.json(at(project, "m0", "/model")) == {"state": "waiting"}
    refused(harbor.get(at(project, "m0", "/additions/readme.md")), 404, "NOT_FOUND", "not read yet")
    assert "addition_links" not in harbor.json(at(project, "m0"))
    server.restart(crash=True)
    harbor = Harbor(server.registry())
    assert queue(harbor)["count"] == 5
    assert not queue(harbor, "resume").get("paused")
    for number in range(5):
        assert read(harbor, project, f"m{number}")["weights"]["tensor_count"] == 26
    assert queue(harbor).get("count", 0) == 0
    assert server.metric("haven_tasks_done_total") == 5


def test_killed_while_reading(start):
    """Killed again and again in the middle: everything is read in the end, nothing is read wrongly."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    for number in range(30):
        push(harbor.registry, f"{project}/m{number}", *small(doc=("README.md", CARD + str(number).encode())), "v1")
        if number % 10 == 9:
            server.restart(crash=True)
            harbor = Harbor(server.registry())
    for number in range(30):
        assert read(harbor, project, f"m{number}")["weights"]["tensor_count"] == 26


def test_stopped_queue_asks_again_at_the_next_push(harbor, start):
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    queue(harbor, "pause")
    push(harbor.registry, f"{project}/m", *small(), "v1")
    queue(harbor, "stop")
    model = harbor.json(at(project, rest="/model"))
    assert model["state"] == "failed" and "stopped" in model["error"]
    queue(harbor, "resume")
    assert harbor.json(at(project, rest="/model"))["state"] == "failed"
    push(harbor.registry, f"{project}/m", *small(), "v1")
    assert read(harbor, project)["weights"]["tensor_count"] == 26


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as one:
        own = one.read().split()
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as one:
            found += one.read().split()
    return {int(n) for n in [*own, *found]}


def look_at_readers(server, over, seen):
    """What is seen of each process that reads, once it is confined; the first of them is killed."""
    while not over.is_set():
        for pid in children(server.pid):
            try:
                with open(f"/proc/{pid}/status", encoding="ascii") as one:
                    status = dict(line.split(":\t", 1) for line in one.read().splitlines() if ":\t" in line)
                with open(f"/proc/{pid}/environ", "rb") as one:
                    secret = PASSWORD.encode() in one.read()
                descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                continue  # it is done
            if status.get("Seccomp") != "2":
                continue
            if not seen:
                os.kill(pid, signal.SIGKILL)
            seen[pid] = (status["NoNewPrivs"], descriptors, secret)


def test_reader_is_confined_and_may_die(start):
    """Models are parsed in a process without rights, each in its own; when somebody kills it, another one takes over."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    slow = gzip.compress(tar_of({"w.bin": noise(24 << 20)}), 1, mtime=0)
    one = (descriptor(slow, "application/vnd.cncf.model.weight.v1.tar+gzip",
                      annotations={"org.cncf.model.filepath": "w.bin"}), slow)
    over, seen = threading.Event(), {}
    watcher = threading.Thread(target=look_at_readers, args=(server, over, seen))
    watcher.start()
    try:
        for repo in ("m", "n", "o"):
            push(harbor.registry, f"{project}/{repo}", *modelpack(one, layer("doc", "README.md", CARD + repo.encode())), "v1")
            assert read(harbor, project, repo)["warnings"] == []
    finally:
        over.set()
        watcher.join()
    assert len(seen) >= 3, "each model, and the one that was killed"
    assert all(rights == "1" and descriptors <= 2 and not secret for rights, descriptors, secret in seen.values()), seen
    assert not children(server.pid)


def test_what_was_stored_before_is_read(start):
    """Everything that is here is read after the start, also what was pushed to an older version: none of its tasks is there."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    queue(harbor, "pause")
    for number in range(3):
        push(harbor.registry, f"{project}/m{number}", *small(doc=("README.md", CARD + bytes([65 + number]))), "v1")
    server.stop()
    with contextlib.closing(server.database()) as db:
        db.execute("DELETE FROM task")
        db.execute("DELETE FROM job_pause")
        db.commit()
    server.start()
    harbor = Harbor(server.registry())
    for number in range(3):
        assert read(harbor, project, f"m{number}")["weights"]["tensor_count"] == 26


def test_content_goes_with_what_it_is_about(start):
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    push(harbor.registry, f"{project}/m", *small("tar+gzip"), "v1")
    read(harbor, project)
    assert server.facts("SELECT count(*) FROM model_part") == [(2,)]
    harbor.delete(at(project))
    assert server.facts("SELECT count(*) FROM model") == [(0,)]
    done = haven("admin", "collect", "--data", server.data, "--grace", "0s")
    assert done.returncode == 0, done.stderr
    assert server.facts("SELECT count(*) FROM model_part") == [(0,)]


# ---- who may ----

def test_layers_that_the_repository_does_not_hold(start):
    """A digest grants nothing: where manifests may name what was not sent, what others hold is not read to their senders."""
    server = start(config={"registry.sparse": "any"})
    harbor = Harbor(server.registry())
    secret = b"# of somebody else " + noise(40).hex().encode()
    project, other = harbor.add_project()[1], harbor.add_project()[1]
    document, blobs = modelpack(layer("doc", "README.md", secret))
    push(harbor.registry, f"{other}/m", document, blobs, "v1")
    assert read(harbor, other)["readme"] == "README.md"
    withheld = blobs.pop(digest_of(secret))
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    assert harbor.json(at(project, rest="/model")) == {"state": "unread"}
    refused(harbor.get(at(project, rest="/files/README.md")), 404, "NOT_FOUND")
    refused(harbor.get(at(project, rest="/additions/readme.md")), 404, "NOT_FOUND")
    # Nor does another manifest about the same layer tell more.
    push(harbor.registry, f"{project}/n", {**document, "annotations": {"x": "y"}}, blobs, "v1")
    wait_until(lambda: server.facts("SELECT count(*) FROM task WHERE kind = 'index'") == [(0,)])
    assert harbor.json(at(project, "n", "/model")) == {"state": "unread"}
    refused(harbor.get(at(project, "n", "/tensors")), 404, "NOT_FOUND")
    harbor.registry.push_blob(f"{project}/n", withheld)
    assert harbor.get(at(project, "n", "/files/README.md")).body == secret
