# SPDX-License-Identifier: Apache-2.0
"""haven inspect says of PyTorch and ONNX files what torch and onnx say, of pickles what they import and of Keras' files what they
are, runs nothing of them, and refuses what is broken.

What the libraries say lies beside the files in tests/fixtures, with the programs that made them.
"""
import collections
import io
import json
import os
import pathlib
import pickle
import struct
import subprocess
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.record import HAVEN

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
FILES = {f"{kind}/{p.name}": p for kind in ("pytorch", "onnx") for p in sorted((FIXTURES / kind).iterdir())
         if p.suffix != ".json"}


def inspect(*args):
    done = subprocess.run([HAVEN, "inspect", *map(str, args)], capture_output=True, text=True, timeout=120, check=False)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def read(path, *more):
    done = inspect(path, "--json", "--tensors", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def refused(path, text="", code="MODEL_INVALID"):
    done = inspect(path)
    assert done.returncode == 8, done.stdout + done.stderr
    assert done.stderr.rstrip().endswith(f"[{code}]") and text in done.stderr, done.stderr
    assert not any(ord(c) < 32 and c != "\n" for c in done.stderr), "a terminal would obey this"


def parameters(path):
    said = read(path)
    return said["weights"]["parameters"], [f["file"] for f in said["files"] if f.get("counts")]


# ---- as the libraries say ----

@pytest.mark.parametrize("name", FILES)
def test_as_the_library_says(name):
    path = FILES[name]
    data, expected = path.read_bytes(), json.loads(path.with_name(path.name + ".json").read_text())
    said = read(path)
    weights, file = said["weights"], said["files"][0]
    assert weights["format"] == file["format"] == ("pt" if name.startswith("pytorch") else "onnx")
    assert {t["name"]: (t["dtype"], t["shape"]) for t in said["tensors"]} == {
        n: (t["dtype"], t["shape"]) for n, t in expected["tensors"].items()}
    assert weights["tensor_count"] == len(expected["tensors"])
    assert weights["parameters"] == file["parameters"] == expected["parameters"]
    for t in said["tensors"]:
        like = expected["tensors"][t["name"]]
        begins = bytes.fromhex(like.get("begins", ""))
        assert data[t["offset"]:t["offset"] + len(begins)] == begins or "external" in t
        assert t["bytes"] == like.get("bytes", t["bytes"])
        where = like.get("external", {})
        assert t.get("external") == where.get("location")
        assert not where or (t["offset"], t["bytes"]) == (int(where.get("offset", 0)), 40)
    if "imports" in expected:
        assert [i["name"] for i in file.get("imports", [])] == expected["imports"]
    for key, value in expected.get("metadata", {}).items():
        assert file["metadata"][key] == value
    if expected.get("operators"):
        assert json.loads(file["metadata"]["onnx.operators"]) == expected["operators"]
    text = inspect(path, "--tensors").stdout
    assert all(str(t["shape"]) in text for t in said["tensors"])


def test_what_is_shown():
    text = inspect(FILES["pytorch/module.pt"], "--tensors")
    assert "__main__.Net (unsafe)" in text.stdout and "collections.OrderedDict\n" in text.stdout
    assert "who loads this file runs __main__.Net and more, which weights do not need" in text.stderr
    assert read(FILES["pytorch/module.pt"])["warnings"] and not read(FILES["pytorch/state.pt"])["warnings"]
    views = {t["name"]: t.get("shared") for t in read(FILES["pytorch/views.pt"])["tensors"]}
    assert views == {"whole": None, "transposed": 20, "row": 4, "column": 5, "tied": 20, "expanded": 5, "steps": None}
    assert "] (shared)" in inspect(FILES["pytorch/views.pt"], "--tensors").stdout
    assert "w1 [4, 5] in external.onnx_data" in inspect(FILES["onnx/external.onnx"], "--tensors").stdout
    assert read(FILES["pytorch/types.pt"])["weights"]["precision"].startswith("float32,bfloat16")


OTHERS = {f"{kind}/{p.name}": p for kind in ("pickle", "keras") for p in sorted((FIXTURES / kind).iterdir()) if p.suffix != ".json"}


@pytest.mark.parametrize("name", OTHERS)
def test_pickles_and_keras(name, tmp_path):
    """Imports as the unpickler asks for them, joblib's arrays passed over; words, and no tensors."""
    path = OTHERS[name]
    expected = json.loads(path.with_name(path.name + ".json").read_text())
    said = read(path)
    (file,) = said["files"]
    assert said["weights"] is None and said["tensors"] == [] and "tensor_count" not in file and file["counts"] is False
    assert file["format"] == expected.get("format", "pickle")
    found = {i["name"]: i["unsafe"] for i in file.get("imports", [])}
    if name.startswith("keras/"):
        assert found == expected["imports"]
        assert {k: file["metadata"].get(k) for k in expected["metadata"]} == expected["metadata"]
        if name.endswith(".keras"):
            assert set(json.loads(file["metadata"]["files"])) >= {"config.json", "metadata.json", "model.weights.h5"}
    else:
        assert sorted(found) == expected["imports"]
        assert (file["metadata"].get("class"), file["metadata"].get("sklearn_version")) == (expected["class"], expected["sklearn_version"])
        assert {n for n, unsafe in found.items() if unsafe} == {n for n in found if n.startswith(("sklearn.", "scipy."))}
    assert not any("dangerous" in i for i in file.get("imports", []))
    unsafe = [n for n, bad in found.items() if bad]
    assert bool(unsafe) == bool(said["warnings"]) and all("which weights do not need" in w for w in said["warnings"])
    text = inspect(path).stdout
    assert f"format          {file['format']}\n" in text and all(f"{n} (unsafe)" in text for n in unsafe)
    # In a directory, beside weights and without any.
    (tmp_path / path.name).write_bytes(path.read_bytes())
    alone = read(tmp_path)
    assert alone["weights"] is None and alone["files"][0]["format"] == file["format"]
    save_file({"w": np.ones(3, np.float32)}, tmp_path / "model.safetensors")
    both = read(tmp_path)
    assert (both["weights"]["format"], both["weights"]["parameters"], both["facts"]["format"]) == ("safetensors", 3, "safetensors")
    row = next(line for line in inspect(tmp_path).stdout.splitlines() if line.endswith(" " + path.name))
    assert "not read" in row and "not counted" not in row


# ---- nothing runs ----

class Runs:
    def __init__(self, what, *args):
        self.what, self.args = what, args

    def __reduce__(self):
        return self.what, self.args


def archive(path, pickled, members=(), method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as z:
        z.writestr("m/data.pkl", pickled)
        for name, data in dict(members).items():
            z.writestr(f"m/{name}", data)
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_attackers(tmp_path, protocol):
    """What any program would run is named, the worst first, also where the file then breaks; and nothing of it runs."""
    mark = tmp_path / "ran"
    name = f"{os.system.__module__}.system"
    data = pickle.dumps([collections.OrderedDict(a=1), Runs(np.linalg.norm, [1.0]), Runs(os.system, f"touch {mark}")], protocol)
    for path in (tmp_path / "a.pkl", tmp_path / "b.bin", tmp_path / "c.joblib"):
        path.write_bytes(data)
        said = read(path)
        assert said["files"][0]["format"] == "pickle" and {"name": name, "unsafe": True, "dangerous": True} in said["files"][0]["imports"]
        assert said["warnings"] == [f"{path.name}: who loads this file runs {name} and more, which no model needs"] or \
            said["warnings"][0].endswith(f"runs {name} and more, which no model needs")
        assert f"{name} (dangerous)" in inspect(path).stdout
    path.write_bytes(data[:-1] + b"\xff.")
    refused(path, f"pickle, which imports {name} before it breaks")
    path.write_bytes(data[:-1])
    # A frame that is not all there is refused before anything in it is done, as Python does.
    refused(path, f"pickle, which imports {name} before it breaks" if protocol < 4 else "a frame")
    several = pickle.dumps([1], protocol) + pickle.dumps({"x": 2}, protocol) + data + b"and no more"
    path.write_bytes(several)
    assert any(i["name"] == name for i in read(path)["files"][0]["imports"])
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("legacy", [False, True])
def test_reduce_tricks(tmp_path, protocol, legacy):
    os_name = os.system.__module__
    mark = tmp_path / "ran"
    tricks = {"w": [], "x": Runs(os.system, f"touch {mark}"), "y": Runs(eval, f"open({str(mark)!r}, 'w')"),
               "z": {Runs(exec, "import os"): 1}}
    data = pickle.dumps(tricks, protocol)
    path = tmp_path / "a.pt"
    if legacy:
        magic = 0x1950a86a20f9469cfc6c
        path.write_bytes(b"".join(pickle.dumps(x, protocol) for x in (magic, 1001, {}, tricks, [])))
    else:
        archive(path, data)
    said = read(path)
    builtins = "builtins" if protocol > 2 else "__builtin__"
    assert said["files"][0]["imports"] == [{"name": n, "unsafe": True, "dangerous": True} for n in sorted(
        [f"{builtins}.eval", f"{builtins}.exec", f"{os_name}.system"])]
    assert len(said["warnings"]) == 1 and not mark.exists() and said["tensors"] == []
    pickle.loads(data)  # noqa: S301 -- it is as bad as it looks
    assert mark.exists()


def test_names_that_are_made_up(tmp_path):
    built = {b"\x80\x04\x8c\x02os\x8c\x06system\x93.": "os.system", b"\x80\x02cos\nsystem\n0N.": "os.system",
             b"(ios\nsystem\n.": "os.system", b"(cos\nsystem\nVls\no.": "os.system", b"\x80\x02\x82\x07.": "copyreg.extension_7",
             b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93.": "os.system",
             b"\x80\x04\x8c\x05torch\x8c\x14_utils._rebuild_evil\x93.": "torch._utils._rebuild_evil"}
    for code, name in built.items():
        assert read(archive(tmp_path / "a.pt", code))["files"][0]["imports"] == [
            {"name": name, "unsafe": True, **({"dangerous": True} if name == "os.system" else {})}]
    for code, why in {b"\x80\x04NN\x93.": "whose name is no text", b"\x80\x04\x8c\x02\xff\xfe\x8c\x01a\x93.": "is no text",
                      b"\x80\x04\x8c\x02o\x1b\x8c\x01a\x93.": "is no text"}.items():
        refused(archive(tmp_path / "a.pt", code), why)
    many = b"".join(b"cm%d\nx\n0" % i for i in range(2000))
    refused(archive(tmp_path / "a.pt", many + b"N."), "more than 1024 names are imported", "LIMIT")


# ---- hostile pickles ----

def tensor(storage=(b"FloatStorage", b"0", 6), offset=0, shape=(2, 3), strides=(3, 1)):
    """The code of a tensor."""
    kind, key, n = storage
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\n" + kind + b"\nX" + struct.pack("<I", len(key)) + key +
            b"X\3\0\0\0cpu" + integer(n) + b"tQ" + integer(offset) + b"(" + b"".join(map(integer, shape)) + b"t(" +
            b"".join(map(integer, strides)) + b"t\x89ccollections\nOrderedDict\n)RtR")


def integer(n):
    return b"I%d\n" % n


def one_tensor(path, member=24, **how):
    return archive(path, b"\x80\x02}X\1\0\0\0w" + tensor(**how) + b"s.", {"data/0": bytes(member)})


def test_hand_made(tmp_path):
    said = read(one_tensor(tmp_path / "a.pt"))
    assert [(t["name"], t["dtype"], t["shape"], t["bytes"]) for t in said["tensors"]] == [("w", "float32", [2, 3], 24)]
    assert read(one_tensor(tmp_path / "a.pt", shape=(), strides=(), offset=5))["weights"]["parameters"] == 1
    assert read(one_tensor(tmp_path / "a.pt", shape=(2**62, 0), strides=(1, 1)))["weights"]["parameters"] == 0


HOSTILE_TENSORS = [
    ({"shape": (2**63, 1)}, "shape that is not a list of whole numbers"),
    ({"shape": (2**62, 2), "strides": (0, 0)}, "a shape that makes no size in bytes"),
    ({"shape": (2**33, 2**33), "strides": (0, 0)}, "a shape that makes no size in bytes"),
    ({"shape": (-1, 3)}, "shape that is not a list of whole numbers"),
    ({"strides": (-3, 1)}, "list of strides that is not a list of whole numbers"),
    ({"strides": (2**62, 2**62)}, "behind the end of its storage"),
    ({"shape": (3, 3, 2), "strides": (2**62, 2**62, 2**63 - 1)}, "reaches farther than there are bytes"),
    ({"strides": (4, 1)}, "behind the end of its storage"), ({"offset": 1}, "behind the end of its storage"),
    ({"offset": -1}, "begins at no place"), ({"offset": 2**63}, "begins at no place"), ({"strides": (3,)}, "another number of strides"),
    ({"shape": (1,) * 65, "strides": (1,) * 65}, "more than 64 numbers in its shape"),
    ({"member": 23}, "fewer bytes in the archive than its elements take"),
    ({"storage": (b"FloatStorage", b"1", 6)}, 'the storage "1" is missing'),
    ({"storage": (b"FloatStorage", b"../data.pkl", 6)}, "is missing"),
    ({"storage": (b"EvilStorage", b"0", 6)}, "has no storage of a kind that is known"),
    ({"storage": (b"FloatStorage", b"0", -6)}, "has no storage of a kind that is known"),
    ({"storage": (b"ComplexDoubleStorage", b"0", 2**62)}, "more bytes than there can be"),
    ({"storage": (b"DoubleStorage", b"0", 6)}, "fewer bytes in the archive"),
    ({"storage": (b"UntypedStorage", b"0", 24)}, "elements of no type that is known"),
]


@pytest.mark.parametrize("how, why", HOSTILE_TENSORS, ids=range(len(HOSTILE_TENSORS)))
def test_hostile_tensors(tmp_path, how, why):
    refused(one_tensor(tmp_path / "a.pt", **how), why)


HOSTILE_CODE = [
    (b"", "is it complete", False), (b"N", "is it complete", False), (b"\x80\x06N.", "protocol 6", False),
    (b".", "fewer values on the stack", False), (b"(.", "fewer values on the stack", False), (b"\xffN.", "opcode 0xff", False),
    (b"N\x85\x86.", "fewer values", False), (b"t.", "looks for a mark", False), (b"(Nd.", "a key without a value", False),
    (b"NNa.", "no list", False), (b"]N(Nu.", "a key without a value", False), (b"](NNu.", "no dictionary", False),
    (b"h\0.", "the memo 0 was never written", False), (b"Nr\xff\xff\xff\x7f.", "of a pickle that is shorter", False),
    (b"Np999999\n.", "of a pickle that is shorter", False), (b"Npx\n.", "number of a memo", False), (b"NNR.", "cannot be called", False),
    (b"cos\nsystem\nNR.", "arguments are no tuple", False), (b"S'x\n.", "quotation marks", False), (b"\x97.", "buffers outside", False),
    (b"X\xff\xff\xff\xff.", "is it complete", False), (b"\x8d" + b"\xff" * 8 + b".", "is it complete", False),
    (b"I" + b"1" * 5000 + b"\n.", "a line of more than 4096 bytes", True), (b"cos\n", "is it complete", False),
    (b"N" * 4200000 + b".", "values on the stack", True), (b"(" * 4200000 + b"N.", "marks on the stack", True),
    (b"}" * 3 + b"0" * 2 + b"2" * 4200000 + b".", "values on the stack", True), (b"]0" * 12000000 + b"N.", "memory ceiling", True),
    (b"]" * 200 + b"a" * 199 + b".", "nested deeper than 128", True),
    # Each list holds the one before ten times.
    (b"]q\0" + b"".join(b"](" + b"h%c" % i * 10 + b"eq%c" % (i + 1) for i in range(9)) + b".", "more than 8000000 values", True),
]


@pytest.mark.parametrize("code, why, limit", HOSTILE_CODE, ids=range(len(HOSTILE_CODE)))
def test_hostile_code(tmp_path, code, why, limit):
    refused(archive(tmp_path / "a.pt", code), why, "LIMIT" if limit else "MODEL_INVALID")


def test_what_holds_itself(tmp_path):
    assert read(archive(tmp_path / "a.pt", b"]q\0h\0ah\0a.", {}))["tensors"] == []
    code = b"}q\0(X\4\0\0\0selfh\0X\1\0\0\0w" + tensor() + b"u."
    assert [t["name"] for t in read(archive(tmp_path / "a.pt", code, {"data/0": bytes(24)}))["tensors"]] == ["w"]
    twice = b"}(X\1\0\0\0w" + tensor() + b"X\1\0\0\0w" + tensor() + b"u."
    refused(archive(tmp_path / "a.pt", twice, {"data/0": bytes(24)}), 'the tensor "w" appears twice')
    same = b"(" + tensor() + b"q\0h\0t."
    assert [t.get("shared") for t in read(archive(tmp_path / "a.pt", same, {"data/0": bytes(24)}))["tensors"]] == [None, 6]


def test_large_dictionaries(tmp_path):
    entries = b"".join(b"X" + struct.pack("<I", len(k)) + k + b"K\1" for k in (b"%d" % i for i in range(1000000)))
    assert read(archive(tmp_path / "a.pt", b"}(" + entries + b"u."))["tensors"] == []
    entries = b"".join(b"X" + struct.pack("<I", len(k)) + k + tensor() for k in (b"%d" % i for i in range(20000)))
    said = read(archive(tmp_path / "a.pt", b"}(" + entries + b"u.", {"data/0": bytes(24)}))
    assert len(said["tensors"]) == 20000 and said["weights"]["parameters"] == 6


def test_newer_forms(tmp_path):
    """Types without a storage of their own, and tensors of classes of their own, as torch 2 writes them."""
    code = tensor(storage=(b"UntypedStorage", b"0", 24)).replace(b"_v2\n", b"_v3\n").replace(
        b"ctorch\nUntyped", b"ctorch.storage\nUntyped")
    for kind, shape in ((b"uint16", (3, 4)), (b"float8_e4m3fn", (4, 6)), (b"uint32", (2, 3))):
        made = code.replace(b"RtR", b"Rctorch\n" + kind + b"\ntR").replace(
            b"(I2\nI3\nt(I3\nI1\nt", b"(I%d\nI%d\nt(I%d\nI1\nt" % (*shape, shape[1]))
        said = read(archive(tmp_path / "a.pt", b"}X\1\0\0\0w" + made + b"s.", {"data/0": bytes(24)}))
        assert [(t["dtype"], t["shape"], t["bytes"]) for t in said["tensors"]] == [(kind.decode(), list(shape), 24)]
        assert not any(i["unsafe"] for i in said["files"][0]["imports"])
    inner = tensor().replace(b"ctorch._utils\n_rebuild_tensor_v2\n", b"", 1)[:-1]
    made = (b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch.nn.parameter\nParameter\n" + inner +
            b"}tR")
    said = read(archive(tmp_path / "a.pt", b"}X\1\0\0\0w" + made + b"s.", {"data/0": bytes(24), "byteorder": "big"}))
    assert [t["name"] for t in said["tensors"]] == ["w"] and said["files"][0]["big_endian"]


# ---- hostile archives ----

def test_truncated(tmp_path):
    path = tmp_path / "a.bin"
    for name, known in (("pytorch/tensor.pt", 64), ("pytorch/types-legacy.pt", 24), ("onnx/types.onnx", 8)):
        data = FILES[name].read_bytes()
        for n in range(0, len(data), max(1, len(data) // 60)):
            path.write_bytes(data[:n])
            done = inspect(path)
            assert done.returncode == 8, (name, n, done.stdout)
            assert n < known or "no format of weights" not in done.stderr


def zip_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in members:
            z.writestr(name, data)
    return bytearray(out.getvalue())


def test_hostile_archives(tmp_path):
    path = tmp_path / "a.pt"
    good = zip_of([("m/data.pkl", b"N."), ("m/data/0", b"x" * 24)])
    directory = good.index(b"PK\1\2")
    second = good.index(b"PK\1\2", directory + 1)
    end = good.index(b"PK\5\6")
    path.write_bytes(good)
    read(path)

    def broken(at, form, value, why, code="MODEL_INVALID"):
        bad = bytearray(good)
        struct.pack_into(form, bad, at, value)
        path.write_bytes(bad)
        refused(path, why, code)

    broken(second + 42, "<I", 0, "overlaps another one")
    broken(second + 42, "<I", 5, "overlaps another one")
    broken(second + 42, "<I", directory, "reaches into the directory")
    broken(second + 42, "<I", end, "lies behind the directory")
    broken(second + 42, "<I", 0xffffffff, "too large for the archive's directory")
    broken(second + 20, "<I", 25, "reaches into the directory")
    broken(directory + 20, "<I", 30, "overlaps another one")
    broken(directory + 24, "<I", 3, "is compressed")
    broken(directory + 10, "<H", 8, "is compressed")
    broken(directory + 8, "<H", 1, "is encrypted")
    broken(second + 28, "<H", 0xffff, "ends within an entry")
    broken(second, "<I", 0, "no entry of the directory")
    broken(end + 16, "<I", 0xfffffff0, "does not lie before its end")
    broken(end + 12, "<I", 0xfffffff0, "does not lie before its end")
    broken(end + 10, "<H", 3, "several parts")
    broken(end + 8, "<I", 0xffffffff, "members in a directory")
    broken(end + 8, "<I", 0x00010001, "behind the directory's last entry")
    broken(end + 4, "<H", 1, "several parts")
    broken(end + 20, "<H", 1, "no directory at its end")
    broken(0x1a, "<H", 11, "is not the one of the directory")
    path.write_bytes(zip_of([("m/data.pkl", b"N."), ("m/data.pkl", b"N.")]))
    refused(path, 'the member "m/data.pkl" appears twice')
    path.write_bytes(zip_of([("m/version", b"3\n"), ("n/data.pkl", b"N.")]))
    refused(path, "holds no data.pkl")
    refused(archive(path, b"N.", method=zipfile.ZIP_DEFLATED), "is compressed")


def test_large_archive(tmp_path):
    """ZIP64: sizes and places of more than 32 bits, in a file with holes."""
    path, size = tmp_path / "a.pt", 5 << 30
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("m/data.pkl", b"}(X\1\0\0\0a" + tensor((b"FloatStorage", b"0", size // 4), 0, (size // 4,), (1,)) +
                   b"X\1\0\0\0b" + tensor((b"FloatStorage", b"1", 2), 0, (2,), (1,)) + b"u.")
        for key, n in (("0", size), ("1", 8)):
            info = zipfile.ZipInfo(f"m/data/{key}")
            info.file_size = info.compress_size = n
            info.header_offset, info.CRC = z.fp.tell(), 0
            z.fp.write(info.FileHeader(zip64=n > 100))
            z.fp.seek(n, os.SEEK_CUR)
            z.filelist.append(info)
            z.NameToInfo[info.filename] = info
            z.start_dir = z.fp.tell()
            z._didModify = True
    said = read(path)
    assert [(t["name"], t["shape"]) for t in said["tensors"]] == [("a", [size // 4]), ("b", [2])]
    assert said["tensors"][1]["offset"] > size


def test_what_is_no_model(tmp_path):
    for name, data in {"a.npz": zip_of([("x.npy", b"")]), "a.zip": zip_of([("data.json", b"")]),
                       "b.bin": b"\x08\x01\x12\x04\x0a\x02\x0a\x00", "c.bin": b"\x08\x03\x10\x01\x22\x04abcd", "d.bin": b"", "e.bin": b"PK\3\4",
                       "f.pb": b"\x0a\x05model"}.items():
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, "no format of weights that is known here")
    (tmp_path / "a.keras").write_bytes(zip_of([("config.json", b"")]))
    refused(tmp_path / "a.keras", "Keras: config.json: JSON")
    (tmp_path / "a.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    refused(tmp_path / "a.onnx", "a.onnx: not the file but a pointer of Git LFS to it: `git lfs pull` fetches it")
    (tmp_path / "b.onnx").write_bytes(b"nothing of the kind")
    refused(tmp_path / "b.onnx", "b.onnx: the name promises onnx, but the file does not begin like one: fetch it again if it is "
            "incomplete, or give it another name")
    (tmp_path / "old.pt").write_bytes(b"sys_info".ljust(257, b"\0") + b"ustar\00000" + bytes(248 + 1024))
    refused(tmp_path / "old.pt", "a tar, which only versions before 0.2 wrote")


# ---- hostile ONNX ----

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx_of(path, *initializers, graph=b""):
    graph = b"".join(field(5, t) for t in initializers) + graph + field(2, b"g")
    path.write_bytes(field(1, 8) + field(2, b"x") + field(7, graph) + field(8, field(2, 17)))
    return path


def initializer(dims=(2, 3), kind=1, name=b"w", raw=bytes(24), more=b""):
    return b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name) + (field(9, raw) if raw is not None else b"") + more


def elsewhere(**entries):
    return initializer(raw=None, more=b"".join(field(13, field(1, k.encode()) + field(2, v.encode())) for k, v in entries.items()) +
                       field(14, 1))


def test_onnx_by_hand(tmp_path):
    path = tmp_path / "a.onnx"
    assert parameters(onnx_of(path, initializer()))[0] == 6
    packed = field(1, varint(2) + varint(3)) + field(2, 22) + field(8, b"w") + field(9, b"abc")
    said = read(onnx_of(path, packed, initializer((3,), 22, b"odd", b"ab")))
    assert [(t["dtype"], t["shape"], t["bytes"]) for t in said["tensors"]] == [("INT4", [2, 3], 3), ("INT4", [3], 2)]
    assert read(onnx_of(path, initializer((), raw=bytes(4))))["tensors"][0]["shape"] == []
    said = read(onnx_of(path, elsewhere(location="./sub/w.bin", length="24")))["tensors"][0]
    assert (said["external"], said["offset"], said["bytes"]) == ("sub/w.bin", 0, 24)


HOSTILE_INITIALIZERS = [
    (initializer((2**62, 2**62)), "no size in bytes"), (initializer((-1,)), "a dimension below 0"), (initializer((2**63 - 1, 2)), "no size"),
    (initializer((2**62,)), "no size in bytes"), (initializer((7,)), "another number of bytes"), (initializer(kind=99), "no type that is known"),
    (initializer(kind=0), "no type that is known"), (initializer(kind=8), "another number of bytes"),
    (initializer(raw=None), "another number of values"), (initializer((2**40,), raw=None, more=field(4, bytes(8))), "another number of values"),
    (initializer((1,), raw=None, more=field(7, bytes(21))), "another number of values"), (initializer((1,) * 65), "more than 64 dimensions"),
    (elsewhere(location="../x"), "holds \".\" or \"..\""), (elsewhere(location="/etc/passwd"), "is absolute"), (elsewhere(), "is empty"),
    (elsewhere(location="a\\b"), "backslash"), (elsewhere(location="x", offset="-1"), "is no number"),
    (elsewhere(location="x", offset=str(2**63 - 1)), "ends nowhere"), (elsewhere(location="x", length="23"), "does not fit"),
    (initializer() + b"\x4a\xff\x7f", "passes the end of its message"), (initializer() + b"\x0f", "unknown type 7"),
    (initializer() + b"\x08" + b"\xff" * 10, "more than 64 bits"), (initializer() + b"\x00\x00", "has no number"),
    (initializer() + b"\x08", "passes the end"),
]


@pytest.mark.parametrize("tensor_, why", HOSTILE_INITIALIZERS, ids=range(len(HOSTILE_INITIALIZERS)))
def test_hostile_onnx_tensors(tmp_path, tensor_, why):
    refused(onnx_of(tmp_path / "a.onnx", tensor_), why)


def test_hostile_onnx(tmp_path):
    path = tmp_path / "a.onnx"
    refused(onnx_of(path, initializer(), initializer()), 'the tensor "w" appears twice')
    refused(onnx_of(path, initializer(name=b"x" * 5000)), "4096 are accepted", "LIMIT")
    inner = b""
    for _ in range(20):
        inner = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(6, inner)))
    refused(onnx_of(path, graph=inner), "graphs nested deeper than 16", "LIMIT")
    refused(onnx_of(path, graph=b"".join(field(1, field(4, b"%d" % i)) for i in range(1025))), "1024 different operators", "LIMIT")
    path.write_bytes(field(1, 8) + field(2, b"x") + field(8, field(2, 17)))
    refused(path, "the model has no graph")
    (tmp_path / "b.onnx").write_bytes(field(1, 8) + varint(7 << 3 | 2) + varint(2**40) + b"\x0a\x00")
    refused(tmp_path / "b.onnx", "passes the end of its message")


def test_a_large_onnx_costs_little(tmp_path):
    path, n = tmp_path / "a.onnx", 3 << 30
    head = field(1, n // 4) + field(2, 1) + field(8, b"w") + varint(9 << 3 | 2) + varint(n)
    graph = varint(5 << 3 | 2) + varint(len(head) + n) + head
    with open(path, "wb") as f:
        f.write(field(1, 8) + varint(7 << 3 | 2) + varint(len(graph) + n + 3) + graph)
        f.seek(n, os.SEEK_CUR)
        f.write(field(2, b"g"))
    trace = tmp_path / "trace"
    traced = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # which cannot work where another process traces
    done = subprocess.run(["strace", "-f", "-e", "trace=pread64", "-o", trace, HAVEN, "inspect", path], capture_output=True,
                          env=traced, check=False)
    assert done.returncode == 0, done.stderr
    asked = [int(line.rsplit("=", 1)[1]) for line in trace.read_text().splitlines() if "pread64" in line and "= " in line]
    assert sum(asked) < 200 << 10


# ---- directories ----

def test_which_files_count(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    onnx_of(tmp_path / "model.onnx", initializer())
    assert parameters(tmp_path) == (6, ["model.onnx"])
    (tmp_path / "weights.bin").write_bytes(b"\1\2\3" * 1000)
    assert parameters(tmp_path) == (6, ["model.onnx"])
    one_tensor(tmp_path / "pytorch_model.bin", shape=(5,), strides=(1,))
    one_tensor(tmp_path / "optimizer.pt", shape=(4,), strides=(1,), member=9000)
    assert parameters(tmp_path) == (5, ["pytorch_model.bin"])
    (tmp_path / "vae").mkdir()
    one_tensor(tmp_path / "vae" / "model.bin", shape=(3,), strides=(1,))
    assert parameters(tmp_path) == (8, ["pytorch_model.bin", "vae/model.bin"])
    save_file({"w": np.ones(2, np.float16)}, tmp_path / "model.safetensors")
    assert parameters(tmp_path) == (2, ["model.safetensors"])
    facts = read(tmp_path)["facts"]
    assert facts["format"] == "safetensors"


def test_external_weights_count_for_their_model(tmp_path):
    onnx_of(tmp_path / "model.onnx", elsewhere(location="model.onnx_data"))
    (tmp_path / "model.onnx_data").write_bytes(bytes(5000))
    onnx_of(tmp_path / "model_int8.onnx", initializer((2000,), 3, raw=bytes(2000)))
    assert parameters(tmp_path) == (6, ["model.onnx"])
    facts = read(tmp_path)["facts"]
    assert (facts["format"], facts["precision"]) == ("onnx", "float32")


def test_shards_and_artifacts(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    names = [f"pytorch_model-0000{i}-of-00002.bin" for i in (1, 2)]
    for i, name in enumerate(names):
        code = b"}X\1\0\0\0" + b"ab"[i:i + 1] + tensor() + b"s."
        archive(folder / name, code, {"data/0": bytes(24), "pad": bytes(300000)})
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": dict(zip("ab", names))}))
    local = read(folder)
    assert local["weights"]["parameters"] == 12 and local["facts"]["format"] == "pt"
    done = subprocess.run([HAVEN, "build", folder, "-o", tmp_path / "layout", "-t", "v1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = read(f"oci:{tmp_path}/layout:v1")
    assert said["weights"] == local["weights"] and said["facts"]["format"] == "pt" and said["warnings"] == []
    assert {t["name"] for t in said["tensors"]} == {"a", "b"}
    archive(folder / names[1], b"}X\1\0\0\0x" + tensor() + b"s.", {"data/0": bytes(24)})
    refused(folder, 'lacks the tensor "b"')


def test_odd_objects(tmp_path):
    """What is no tensor is passed by, and what holds tensors is walked through."""
    code = pickle.dumps({"c": collections.Counter("aab"), "f": 1.5, "s": frozenset([1]), "b": bytearray(b"x"), "n": np.ones(3),
                         "z": 1 + 2j, ("t", 1): 2}, 2)
    assert read(archive(tmp_path / "a.pt", code))["tensors"] == []
    pairs = b"ccollections\nOrderedDict\n(]((X\1\0\0\0k" + tensor() + b"letR."
    assert [t["name"] for t in read(archive(tmp_path / "a.pt", pairs, {"data/0": bytes(24)}))["tensors"]] == ["k"]
    state = (b"c__main__\nNet\n)\x81}(X\x08\0\0\0_modules}X\1\0\0\0m" + b"c__main__\nNet\n)\x81}X\x0b\0\0\0_parameters}X\1\0\0\0w" + tensor() +
             b"ssbsX\5\0\0\0other" + tensor() + b"ub.")
    assert {t["name"] for t in read(archive(tmp_path / "a.pt", state, {"data/0": bytes(24)}))["tensors"]} == {"m.w", "other"}
