# SPDX-License-Identifier: Apache-2.0
"""A model as other programs pack it, KitOps and modctl: the same files come out, and Haven says of it what there is to say.

tests/fixtures/packed holds what they packed, with the program that made it. Where kit or modctl is installed, it takes the model
back from Haven as well.
"""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from harness.client import env, ok  # noqa: F401
from harness.harbor import Harbor, fresh
from harness.record import HAVEN
from harness.registry import digest_of
from harness.server import PASSWORD, wait_until

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "packed"
MODEL = json.loads((FIXTURES / "model.json").read_text())
BOTH = [name for name in ("kit", "modctl") if (FIXTURES / name).is_dir()]


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def run(env):  # noqa: F811
    def call(*args, **more):
        return subprocess.run([HAVEN, *map(str, args)], capture_output=True, text=True, timeout=120, env=env, **more)
    return call


@pytest.fixture
def host(harbor, run):
    address = harbor.registry.url.split("//")[1]
    ok(run("login", "-u", "admin", "--password-stdin", address, input=PASSWORD))
    return address


def stored(harbor, run, host, name):
    """The layout in a repository of its own: (its path in the API, what was read in it)."""
    repo = fresh(name)
    ok(run("cp", f"oci:{FIXTURES / name}:v1", f"{host}/library/{repo}:v1"))
    at = f"/projects/library/repositories/{repo}/artifacts/v1"
    wait_until(lambda: harbor.json(at + "/model")["state"] == "read")
    return repo, at, harbor.json(at + "/model")["content"]


def files_in(folder, *but):
    return {str(p.relative_to(folder)): digest_of(p.read_bytes()) for p in folder.rglob("*") if p.is_file() and p.name not in but}


@pytest.mark.parametrize("name", BOTH)
def test_what_is_said(harbor, run, host, name, tmp_path):
    repo, at, found = stored(harbor, run, host, name)
    assert found["form"] == {"kit": "kitops", "modctl": "modelpack"}[name] and found["warnings"] == []
    assert harbor.json(at)["type"] == {"kit": "MODELKIT", "modctl": "CNAI"}[name]
    # Every file, with its bytes.
    assert {f["file"] for f in found["files"]} == set(MODEL["files"])
    for path, digest in MODEL["files"].items():
        assert digest_of(harbor.get(f"{at}/files/{path}").body) == digest, path
    kinds = {f["file"]: f["kind"] for f in found["files"]}
    data = {"kit": "dataset", "modctl": "code"}[name]  # modctl knows no data
    assert kinds == {"LICENSE": "doc", "README.md": "doc", "config.json": "weight.config", "data/train.csv": data,
                     "gguf/model.gguf": "weight", "model.safetensors": "weight", "run.py": "code"}
    # Its facts, from the packer, the card, the configuration and the weights.
    facts, known = found["facts"], found["known"]
    assert (facts["name"], facts["family"], facts["architecture"], facts["task"]) == ("tiny", "llama", "transformer", "text-generation")
    assert facts["license"] == ["Apache-2.0"] and facts["base-model"] == ["Qwen/Qwen3-0.6B"] and facts["language"] == ["en"]
    assert known["library"] == "transformers" and known["model_class"] == "LlamaForCausalLM" and known["tags"] == ["tiny"]
    if name == "kit":
        assert (facts["version"], facts["description"], facts["author"]) == ("1.0.0", "Two tensors", ["Ada"])
    # Card, licence, tensors, lineage.
    assert harbor.get(at + "/additions/readme.md").body.decode() == MODEL["card"]
    assert harbor.get(at + "/additions/license").body == b"As the card says.\n"
    tensors = harbor.json(at + "/tensors")
    assert {(t["file"], t["name"], t["dtype"], tuple(t["shape"])) for t in tensors} == {
        ("model.safetensors", "model.embed_tokens.weight", "F16", (6, 4)), ("model.safetensors", "lm_head.weight", "F16", (6, 4)),
        ("gguf/model.gguf", "token_embd.weight", "F32", (4, 2))}
    (edge,) = harbor.json(at + "/graph")["edges"]
    assert (edge["relation"], edge["target"], edge["source"]) == ("finetune", "Qwen/Qwen3-0.6B", "card")
    # The same from the client: what it is, and its files.
    said = json.loads(ok(run("inspect", "--json", f"{host}/library/{repo}:v1")).stdout)
    assert said["form"] == found["form"] and {f["file"] for f in said["files"]} == set(MODEL["files"])
    ok(run("pull", f"{host}/library/{repo}:v1", tmp_path / "out"))
    assert files_in(tmp_path / "out", "Kitfile") == MODEL["files"]


def test_a_kit_of_a_kit(harbor, run, host):
    """The path of its model is the reference of another kit: its base."""
    _, at, found = stored(harbor, run, host, "kit-of-kit")
    assert found["facts"]["base-model"] == ["registry.example.org/library/kit:v1"] and found["facts"]["name"] == "child"
    assert found["known"]["base_relation"] == "finetune"
    (edge,) = harbor.json(at + "/graph")["edges"]
    assert edge["target"] == "registry.example.org/library/kit:v1"
    assert [f["file"] for f in found["files"]] == ["model.safetensors"]


@pytest.mark.skipif(not shutil.which("kit"), reason="kit is not installed")
def test_kit_takes_it_back(harbor, run, host, tmp_path):
    repo, _, _ = stored(harbor, run, host, "kit")
    home = {**os.environ, "KITOPS_HOME": str(tmp_path / "home")}
    for args in (("pull", f"{host}/library/{repo}:v1", "--plain-http"),
                 ("unpack", f"{host}/library/{repo}:v1", "-d", tmp_path / "out", "--plain-http")):
        done = subprocess.run(["kit", *map(str, args)], env=home, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert files_in(tmp_path / "out", "Kitfile") == MODEL["files"]


@pytest.mark.skipif(not shutil.which("modctl") or "modctl" not in BOTH, reason="modctl is not installed")
def test_modctl_takes_it_back(harbor, run, host, tmp_path):
    repo, _, _ = stored(harbor, run, host, "modctl")
    done = subprocess.run(["modctl", "pull", "--storage-dir", tmp_path / "storage", "--log-dir", tmp_path / "log", "--no-progress",
                           "--plain-http", "--extract-from-remote", "--extract-dir", tmp_path / "out", f"{host}/library/{repo}:v1"],
                          env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files_in(tmp_path / "out") == MODEL["files"]
