# SPDX-License-Identifier: Apache-2.0
"""haven inspect says of weights what the safetensors and gguf packages say, and refuses what they refuse."""
import json
import os
import pathlib
import struct
import subprocess

import gguf
import numpy as np
import pytest
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from harness.record import HAVEN

MODEL = pathlib.Path(__file__).resolve().parents[2] / "examples" / "sentence-language"


def inspect(*args):
    done = subprocess.run([HAVEN, "inspect", *map(str, args)], capture_output=True, text=True, timeout=120, check=False)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def read(path, *more):
    done = inspect(path, "--json", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    if not os.path.isdir(path):
        assert len(said["files"]) == 1 and "facts" not in said
        said = {**said["files"][0], **said}
    return {**said["weights"], **said}


def refused(path, text="", code="MODEL_INVALID"):
    done = inspect(path)
    assert done.returncode == (8 if code == "MODEL_INVALID" else 1), done.stdout + done.stderr
    assert done.stderr.rstrip().endswith(f"[{code}]") and text in done.stderr, done.stderr
    assert not any(ord(c) < 32 and c != "\n" for c in done.stderr), "a terminal would obey this"


# ---- safetensors ----

def oracle_safetensors(path):
    """{name: (dtype, shape)} and metadata, as the reference implementation reads them."""
    with safe_open(path, "np") as f:
        return ({k: (f.get_slice(k).get_dtype(), f.get_slice(k).get_shape()) for k in f.keys()}, f.metadata() or {})


def agree_safetensors(path):
    tensors, metadata = oracle_safetensors(path)
    said = read(path, "--tensors")
    data = pathlib.Path(path).read_bytes()
    assert said["format"] == "safetensors" and said["metadata"] == metadata
    assert {t["name"]: (t["dtype"], t["shape"]) for t in said["tensors"]} == tensors
    assert said["tensor_count"] == len(tensors)
    assert said["parameters"] == sum(int(np.prod(shape, dtype=object)) for _, shape in tensors.values())
    assert said["size"] == len(data) == said["header_bytes"] + said["tensor_bytes"]
    assert said["tensor_bytes"] == sum(d["bytes"] for d in said["dtypes"])
    return said, data


def test_example():
    said, _ = agree_safetensors(MODEL / "model.safetensors")
    assert (said["parameters"], said["param_size"], said["precision"]) == (80402, "80.4K", "float32")
    whole = read(MODEL)
    assert whole["parameters"] == 80402 and [
        f["file"] for f in whole["files"] if "counts" in f] == ["model.safetensors"]
    text = inspect(MODEL, "--tensors").stdout
    assert "80.4K (80402)" in text and "embedding.weight [2480, 32]" in text


def test_types_of_numpy(tmp_path):
    kinds = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32",
             "float64", "complex64"]
    arrays = {f"t/{k}": np.arange(24).reshape(2, 3, 4).astype(k) for k in kinds}
    arrays |= {"scalar": np.array(1.5, np.float32), "none": np.zeros((0, 7), np.int16), "é\t\"": np.ones(3, np.int8)}
    save_file(arrays, tmp_path / "a.safetensors", {"format": "np", "quote\"": "line\nbreak", "é": "☃"})
    said, data = agree_safetensors(tmp_path / "a.safetensors")
    for t in said["tensors"]:
        assert data[t["offset"]:t["offset"] + t["bytes"]] == arrays[t["name"]].tobytes()


SMALL = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
         "F8_E5M2FNUZ": 8, "BF16": 16}


def write_header(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def described(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize("dtype", SMALL)
def test_types_without_numpy(tmp_path, dtype):
    size = 16 * SMALL[dtype] // 8
    said, _ = agree_safetensors(write_header(tmp_path / "a.safetensors", {"x": described(dtype, [4, 4], 0, size)},
                                             bytes(size)))
    assert said["dtypes"] == [{"dtype": dtype, "tensors": 1, "parameters": 16, "bytes": size}]


def test_many_tensors(tmp_path):
    save_file({f"model.layers.{i}.weight": np.full(1 + i % 3, i, np.float32) for i in range(20000)},
              tmp_path / "a.safetensors")
    said, _ = agree_safetensors(tmp_path / "a.safetensors")
    assert said["tensor_count"] == 20000


@pytest.mark.parametrize("header,data", [
    (b'{"a":1}', b""), (b'{}x', b""), (b'{} ', b"x"), (b'{"a":{}}', b""), (b"{\"\xff\":1}", b""),
    ({"a": described("U8", [2], 0, 1)}, b"x"), ({"a": described("U8", [1], 1, 2)}, b"xx"),
    ({"a": described("U8", [1], 0, 1)}, b"xx"), ({"a": described("U8", [2], 0, 2)}, b"x"),
    ({"a": described("U8", [1], 1, 0)}, b"x"), ({"a": described("F33", [1], 0, 1)}, b"x"),
    ({"a": described("F4", [3], 0, 1)}, b"x"), ({"a": described("F64", [2**61, 8], 0, 0)}, b""),
    ({"a": described("U8", [-1], 0, 1)}, b"x"), ({"a": described("U8", [1.0], 0, 1)}, b"x"),
    ({"a": described("U8", [2], 0, 2), "b": described("U8", [2], 1, 3)}, b"xxx"),
    ({"a": described("U8", [1], 0, 1), "b": described("U8", [1], 2, 3)}, b"xxx"),
    ({"__metadata__": {"a": 1}}, b""), ({"__metadata__": []}, b""),
])
def test_refused_as_the_reference_does(tmp_path, header, data):
    path = write_header(tmp_path / "a.safetensors", header, data)
    with pytest.raises((SafetensorError, UnicodeError)):
        oracle_safetensors(path)
    refused(path, "a.safetensors: ")


@pytest.mark.parametrize("header,data", [
    (b'{}', b""), (b'{}   \n', b""), (b'{"__metadata__":null}', b""),
    (b'{"a":{"more":[{}],"dtype":"U8","shape":[],"data_offsets":[0,1]}}', b"x"),
    ({"e": described("U8", [0], 0, 0), "a": described("U8", [1], 0, 1), "f": described("U8", [0, 3], 1, 1)}, b"x"),
    ({"a": described("U8", [1] * 12, 0, 1)}, b"x"),
])
def test_read_as_the_reference_does(tmp_path, header, data):
    agree_safetensors(write_header(tmp_path / "a.safetensors", header, data))


def test_stricter_than_the_reference(tmp_path):
    refused(write_header(tmp_path / "a.safetensors", b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                         b'"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"xx"), 'the tensor "a" appears twice')


def test_cut_off(tmp_path):
    data = (MODEL / "model.safetensors").read_bytes()
    for n in (0, 7, 8, 9, 200, 431, 432, len(data) - 1):
        (tmp_path / "a.safetensors").write_bytes(data[:n])
        refused(tmp_path / "a.safetensors")


# ---- GGUF ----

def write_gguf(path, fill, **more):
    writer = gguf.GGUFWriter(path, "llama", **more)
    fill(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def agree_gguf(path):
    reader = gguf.GGUFReader(path)
    said = read(path, "--tensors")
    assert said["format"] == "gguf" and said["tensor_count"] == len(reader.tensors)
    assert [(t["name"], t["dtype"], t["shape"], t["offset"], t["bytes"]) for t in said["tensors"]] == [
        (t.name, t.tensor_type.name, [int(n) for n in t.shape], int(t.data_offset), int(t.n_bytes))
        for t in reader.tensors]
    assert said["parameters"] == sum(int(t.n_elements) for t in reader.tensors)
    keys = {k: f for k, f in reader.fields.items() if not k.startswith("GGUF.")}
    assert list(said["metadata"]) == list(keys)
    for key, field in keys.items():
        check_value(said["metadata"][key], field)
    assert said["big_endian"] == (reader.byte_order == "S")
    return said


def check_value(text, field):
    value = field.contents()
    if field.types[0] != gguf.GGUFValueType.ARRAY:
        if isinstance(value, (bool, np.bool_)):
            assert text == ("true" if value else "false")
        elif isinstance(value, (float, np.floating)):
            assert np.dtype("f4" if field.types[0] == gguf.GGUFValueType.FLOAT32 else "f8").type(text) == value
        else:
            assert text == str(value)
    elif len(value) > 16:
        assert text.startswith(f"array of {len(value)} ")
    else:
        assert json.loads(text) == pytest.approx(list(value)) if field.types[1] in (
            gguf.GGUFValueType.FLOAT32, gguf.GGUFValueType.FLOAT64) else json.loads(text) == list(value)


def typical(w):
    w.add_name("Tiny, a model")
    w.add_license("apache-2.0")
    w.add_context_length(4096)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    w.add_languages(["en", "é"])
    w.add_layer_norm_rms_eps(1e-6)
    w.add_token_list([f"token {i}" for i in range(3000)])
    w.add_token_scores([i / 7 for i in range(3000)])
    w.add_chat_template("{% for m in messages %}\n{{ m }}{% endfor %}")
    w.add_array("floats", [0.5, 1 / 3])
    w.add_array("flags", [True, False])
    w.add_uint8("u8", 255)
    w.add_int8("i8", -128)
    w.add_uint16("u16", 65535)
    w.add_int16("i16", -32768)
    w.add_int32("i32", -2**31)
    w.add_uint64("u64", 2**64 - 1)
    w.add_int64("i64", -2**63)
    w.add_float64("f64", 0.1)
    w.add_bool("yes", True)
    w.add_string("long", "x" * 100000)
    w.add_tensor("token_embd.weight", np.ones((8, 256), np.float16))
    w.add_tensor("norm", np.ones(5, np.float32))
    w.add_tensor("blk.0.weight", np.zeros((8, 144), np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q4_K)


@pytest.mark.parametrize("endian", [gguf.GGUFEndian.LITTLE, gguf.GGUFEndian.BIG])
def test_gguf(tmp_path, endian):
    said = agree_gguf(write_gguf(tmp_path / "a.gguf", typical, endianess=endian))
    assert said["architecture"] == "llama" and said["quantization"] == "Q4_K_M" and said["context_length"] == 4096
    assert said["license"] == "apache-2.0" and said["name"] == "Tiny, a model"
    assert said["parameters"] == 8 * 256 + 5 + 8 * 256
    text = inspect(tmp_path / "a.gguf").stdout
    assert "Q4_K_M" in text and "array of 3000 strings" in text and ("big-endian" in text) == said["big_endian"]
    assert not any(ord(c) < 32 and c != "\n" for c in text)


# The package still has the size of Q8_1 from before it was changed in ggml; no file holds this type.
@pytest.mark.parametrize("kind", [k for k in gguf.GGML_QUANT_SIZES if k.name != "Q8_1"], ids=lambda k: k.name)
def test_gguf_types(tmp_path, kind):
    block, size = gguf.GGML_QUANT_SIZES[kind]
    said = agree_gguf(write_gguf(tmp_path / "a.gguf", lambda w: w.add_tensor(
        "x", np.zeros((3, 2 * size), np.uint8), raw_dtype=kind)))
    assert said["dtypes"] == [{"dtype": kind.name, "tensors": 1, "parameters": 6 * block, "bytes": 6 * size}]
    assert said["quantization"] == kind.name  # nothing else is said


@pytest.mark.parametrize("kind", gguf.LlamaFileType, ids=lambda k: k.name)
def test_gguf_file_types(tmp_path, kind):
    said = agree_gguf(write_gguf(tmp_path / "a.gguf", lambda w: w.add_file_type(kind)))
    expected = kind.name.removeprefix("MOSTLY_").removeprefix("ALL_")
    assert said["quantization"] == (None if kind == gguf.LlamaFileType.GUESSED else expected)


def test_gguf_alignment(tmp_path):
    def fill(w):
        w.add_custom_alignment(256)
        for i in range(5):
            w.add_tensor(f"t{i}", np.ones(3 + i, np.float32))
    agree_gguf(write_gguf(tmp_path / "a.gguf", fill))


def test_gguf_refused(tmp_path):
    whole = write_gguf(tmp_path / "a.gguf", typical).read_bytes()
    for n in (0, 3, 4, 20, 300, 50000, 140000, len(whole) - 8 * 144 - 1):
        (tmp_path / "a.gguf").write_bytes(whole[:n])
        refused(tmp_path / "a.gguf", "a.gguf: ")
    (tmp_path / "a.gguf").write_bytes(whole[:4] + struct.pack("<I", 1) + whole[8:])
    refused(tmp_path / "a.gguf", "version 1 of the format")
    (tmp_path / "a.gguf").write_bytes(whole.replace(b"norm", b"no\x1bm"))
    assert "\x1b" not in inspect(tmp_path / "a.gguf", "--tensors").stdout


# ---- directories ----

def shards(folder):
    parts = {"model-00001-of-00002.safetensors": {"a": np.ones((2, 3), np.float32), "b": np.ones(4, np.float16)},
             "model-00002-of-00002.safetensors": {"c": np.ones((5, 5), np.float16)}}
    folder.mkdir(parents=True)
    for name, tensors in parts.items():
        save_file(tensors, folder / name, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({
        "metadata": {"total_size": 82}, "weight_map": {t: name for name, tensors in parts.items() for t in tensors}}))
    return folder


def test_shards_are_one_model(tmp_path):
    folder = shards(tmp_path / "model")
    shards(folder / "text_encoder")
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    said = read(folder, "--tensors")
    assert said["parameters"] == 70 and said["tensor_count"] == 6 and said["precision"] == "float16,float32"
    assert said["dtypes"] == [{"dtype": "F16", "tensors": 4, "parameters": 58, "bytes": 116},
                              {"dtype": "F32", "tensors": 2, "parameters": 12, "bytes": 48}]
    assert {(t["file"], t["name"]) for t in said["tensors"]} == {
        (f"{d}model-0000{n}-of-00002.safetensors", t) for d in ("", "text_encoder/") for n, t in
        [(1, "a"), (1, "b"), (2, "c")]}
    files = {f["file"]: f for f in said["files"]}
    assert files["pytorch_model.bin"] == {"file": "pytorch_model.bin", "size": 4, "format": "pt", "kind": "weight"}
    assert files["model-00002-of-00002.safetensors"]["parameters"] == 25
    text = inspect(folder, "--tensors").stdout
    assert "not read" in text and "text_encoder/model-00002-of-00002.safetensors" in text and "c [5, 5]" in text


def test_shards_that_do_not_fit_their_index(tmp_path):
    folder = shards(tmp_path / "model")
    save_file({"other": np.ones(1, np.float32)}, folder / "model-00002-of-00002.safetensors")
    refused(folder, 'model.safetensors.index.json: the file "model-00002-of-00002.safetensors" lacks the tensor "c"')
    (folder / "model-00002-of-00002.safetensors").unlink()
    refused(folder, 'the file "model-00002-of-00002.safetensors", which the index names, is missing')
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../x"}}')
    refused(folder, "model.safetensors.index.json: ")


def test_what_is_no_model(tmp_path):
    (tmp_path / "notes.txt").write_text("x" * 100)
    refused(tmp_path, "holds no safetensors, GGUF, PyTorch, ONNX or Keras files, and no pickles")
    refused(tmp_path / "notes.txt", "no format of weights that is known here")
    refused(tmp_path / "nothing", "nothing", "IO")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "neither a file nor a directory")
    (tmp_path / "a.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    refused(tmp_path / "a.safetensors", "a pointer of Git LFS")
