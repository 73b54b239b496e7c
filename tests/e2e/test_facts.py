# SPDX-License-Identifier: Apache-2.0
"""What push and build write into the config of a model: from its weights' headers, and from --set."""
import json
import subprocess

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.client import env, fake, haven, noise, ok, refused, write  # noqa: F401
from harness.record import HAVEN


@pytest.fixture
def build(haven, tmp_path):
    """Packs a directory: its config document, the manifest, and what was said to standard error."""
    def run(folder, *more):
        done = ok(haven("build", "-q", folder, "-o", tmp_path / "layout", *more))
        index = json.loads((tmp_path / "layout/index.json").read_text())

        def blob(digest):
            return json.loads((tmp_path / "layout/blobs" / digest.replace(":", "/")).read_text())
        manifest = blob(index["manifests"][-1]["digest"])
        return blob(manifest["config"]["digest"]), manifest, done.stderr
    return run


def make_gguf(path, file_type, n):
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("A Title")
    writer.add_license("mit")
    writer.add_file_type(file_type)
    writer.add_tensor("x", np.zeros((n, 32), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_shards_are_added_up(build, tmp_path):
    folder = write(tmp_path / "m", {"README.md": b"x"})
    for i in (1, 2):
        save_file({f"t{i}": np.zeros((1000, 500), np.float16)}, folder / f"model-0000{i}-of-00002.safetensors")
    save_file({"t": np.zeros((1000, 900), np.float16)}, folder / "consolidated.safetensors")
    config, _, stderr = build(folder)
    assert config["config"] == {"format": "safetensors", "paramSize": "1M", "precision": "float16"} and stderr == ""


def test_one_of_several_quantisations(build, tmp_path):
    folder = write(tmp_path / "m", {"README.md": b"x"})
    make_gguf(folder / "q4.gguf", gguf.LlamaFileType.MOSTLY_Q4_K_M, 1000)
    make_gguf(folder / "q8.gguf", gguf.LlamaFileType.MOSTLY_Q8_0, 2000)
    config, _, _ = build(folder)
    assert config["config"] == {"architecture": "transformer", "format": "gguf", "paramSize": "64K",
                                "precision": "float16", "quantization": "Q8_0"}
    assert config["descriptor"] == {"family": "qwen3", "name": "m", "licenses": ["MIT"], "title": "A Title"}


def test_broken_weights_are_a_warning(build, tmp_path):
    folder = write(tmp_path / "m", {"b-00002-of-00002.safetensors": noise(3000)})
    save_file({"t": np.zeros(1000, np.float16)}, folder / "b-00001-of-00002.safetensors")
    config, manifest, stderr = build(folder)
    assert "paramSize" not in config["config"] and len(manifest["layers"]) == 2
    assert stderr.startswith("haven: warning: b-00002-of-00002.safetensors: ") and stderr.count("\n") == 1


def test_modelfile_has_them(haven, tmp_path):
    folder = write(tmp_path / "m", {"README.md": b"x"})
    save_file({"t": np.zeros((1000, 500), np.float32)}, folder / "a.safetensors")
    text = ok(haven("modelfile", folder)).stdout
    assert "PARAMSIZE 500K\n" in text and "PRECISION float32\n" in text


def test_set(build, tmp_path):
    folder = write(tmp_path / "m", {"README.md": b"---\nlicense: mit\n---\n", "Modelfile": b"MODEL *.safetensors\nFAMILY a\n"})
    save_file({"t": np.zeros((1000, 500), np.float32)}, folder / "a.safetensors")
    config, manifest, _ = build(folder, "-f", folder / "Modelfile", "--set", "family=b", "--set", "param_size=7B",
                                "--set", "license=apache-2.0", "--set", "license=bsd-3-clause", "--set=precision=",
                                "--set", "title=A = B")
    assert config["config"] == {"format": "safetensors", "paramSize": "7B"}
    assert config["descriptor"] == {"family": "b", "name": "m", "licenses": ["Apache-2.0", "BSD-3-Clause"], "title": "A = B"}
    assert manifest["annotations"]["org.opencontainers.image.title"] == "A = B"


@pytest.mark.parametrize("pair, text", [
    ("familly=x", 'no fact is called "familly"; did you mean "family"?'), ("family", '"family" is not KEY=VALUE'),
    ("language=klingon", "language"), ("=x", "no fact"), ("param-size=many", '"many" is no param-size')])
def test_set_refused(fake, haven, tmp_path, pair, text):
    reg = fake()
    folder = write(tmp_path / "m", {"w.bin": b"w"})
    for command in (("push", folder, f"{reg.host}/p/m"), ("build", folder, "-o", tmp_path / "layout")):
        done = refused(haven(*command, "--set", pair), "USAGE", text)
        assert "--set" in done.stderr if done else True
    assert not reg.requests and not (tmp_path / "layout").exists()


def test_set_is_not_for_layouts(fake, haven, tmp_path):
    ok(haven("build", write(tmp_path / "m", {"w.bin": b"w"}), "-o", tmp_path / "layout"))
    refused(haven("push", tmp_path / "layout", f"{fake().host}/p/m", "--set", "name=x"), "USAGE", "--set is for directories")


def test_set_is_completed():
    script = subprocess.run([HAVEN, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    asked = "COMP_WORDS=(haven push --set {}); COMP_CWORD=3; _haven; echo ${{COMPREPLY[*]}}"
    for typed, found in (("pa", "param-size="), ("li", "license="), ("zz", "")):
        done = subprocess.run(["bash", "-c", script + asked.format(typed)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == found
    assert "param-size: a number" in subprocess.run([HAVEN, "help", "push"], capture_output=True, text=True, check=True).stdout
