# SPDX-License-Identifier: Apache-2.0
"""What push writes of a model: always within ModelPack's schema, and what the model's own files say.

The schema of github.com/modelpack/model-spec is not part of the project: it is read where reference texts lie beside it.
"""
import base64
import datetime
import json
import pathlib
import random
import re
import struct
import subprocess
import urllib.parse

import jsonschema
import pytest

from harness.record import HAVEN
from harness.server import PASSWORD, USER, environment

SCHEMA_FILE = pathlib.Path(__file__).resolve().parents[3] / "shared" / "reference" / "modelpack-config-schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) if SCHEMA_FILE.exists() else None
PRECISIONS = set("float64 float32 float16 bfloat16 float8_e4m3 float8_e5m2 complex32 complex64 complex128 int8 int16 int32 "
                 "int64 uint8 uint16 uint32 uint64 bool".split())
TITLES = "org.opencontainers.image."


def is_valid(config):
    """The schema, and what the specification says in words beside it."""
    if SCHEMA:
        jsonschema.Draft202012Validator(SCHEMA).validate(config)
    inner, descriptor = config["config"], config["descriptor"]
    for moment in (descriptor.get("createdAt"), inner.get("capabilities", {}).get("knowledgeCutoff")):
        if moment is not None:
            assert datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).tzinfo
    assert set(filter(None, inner.get("precision", "").split(","))) <= PRECISIONS, inner
    if "paramSize" in inner:
        assert re.fullmatch(r"\d+(\.\d)?[KMBTQ]", inner["paramSize"], re.I), inner
    for value in (*descriptor.values(), *inner.values()):
        assert value not in ("", [], {}), "what is not known is left out"
    for address in descriptor.get("datasetsURL", ()):
        assert urllib.parse.urlsplit(address).scheme, address


def test_schema_is_there():
    if not SCHEMA:
        pytest.skip("the schema of ModelPack is not beside this checkout")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate({"descriptor": {}, "config": {}, "modelfs": {"type": "layers"}})


class Pusher:
    def __init__(self, server, registry, folder, repo):
        self.server, self.registry, self.folder, self.repo = server, registry, folder, repo
        docker = folder / "docker"
        docker.mkdir()
        host = f"{server.host}:{server.port}"
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (docker / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        self.env = environment(DOCKER_CONFIG=str(docker), HOME=str(folder))
        self.env.pop("SOURCE_DATE_EPOCH", None)
        self.reference = f"{host}/{repo}"
        self.count = 0

    def push(self, files, *flags, **env):
        """(config, manifest, what was said on standard error)"""
        self.count += 1
        model = self.folder / f"model-{self.count}"
        for path, content in files.items():
            target = model / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else
                               (content if isinstance(content, str) else json.dumps(content)).encode())
        done = subprocess.run([HAVEN, "push", "-q", *flags, str(model), f"{self.reference}:t{self.count}"], capture_output=True,
                              text=True, timeout=60, env={**self.env, **env}, check=False)
        assert done.returncode == 0, done.stderr
        manifest = json.loads(self.registry.get(f"/v2/{self.repo}/manifests/t{self.count}").body)
        config = json.loads(self.registry.get(f"/v2/{self.repo}/blobs/{manifest['config']['digest']}").body)
        is_valid(config)
        assert config["modelfs"]["diffIds"] == [layer["digest"] for layer in manifest["layers"]]
        return config, manifest, done.stderr


@pytest.fixture
def pusher(haven, admin, tmp_path, repo):
    return Pusher(haven, admin, tmp_path, repo)


def card(front, text="# A title\n"):
    return f"---\n{front}\n---\n{text}"


QWEN = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "bfloat16",
        "max_position_embeddings": 32768, "transformers_version": "4.40.0"}


def test_a_language_model(pusher):
    config, manifest, said = pusher.push({
        "README.md": card("license: apache-2.0\nlanguage: [en, zho, multilingual]\nbase_model: Qwen/Qwen2-0.5B\n"
                          "datasets:\n- squad\n- https://example.org/d\npipeline_tag: text-generation", "# Qwen *2*\n"),
        "config.json": QWEN, "generation_config.json": {"temperature": 0.7},
        "tokenizer_config.json": '{"model_max_length": 1000000000000000019884624838656, "chat_template": '
                                 '"{% if tools %}{{ tools }}{% endif %}", "x": NaN}',
        "model.onnx": b"weights"})
    assert said == ("haven: warning: model.onnx: the name promises onnx, but the file does not begin like one: fetch it again if it is "
                    "incomplete, or give it another name\n")
    name = pusher.repo.split("/")[-1]
    assert config["descriptor"] == {
        "name": name, "family": "qwen2", "title": "Qwen 2", "licenses": ["Apache-2.0"],
        "datasetsURL": ["https://huggingface.co/datasets/squad", "https://example.org/d"]}
    assert config["config"] == {
        "architecture": "transformer", "format": "onnx", "precision": "bfloat16",
        "capabilities": {"inputTypes": ["text"], "outputTypes": ["text"], "toolUsage": True, "languages": ["en", "zh"]}}
    assert manifest["annotations"] == {TITLES + "title": "Qwen 2", TITLES + "licenses": "Apache-2.0",
                                       TITLES + "base.name": "Qwen/Qwen2-0.5B"}


def test_nothing_is_known(pusher):
    config, manifest, said = pusher.push({"data.bin": b"x"})
    name = pusher.repo.split("/")[-1]
    assert said == "" and config["descriptor"] == {"name": name} and config["config"] == {"format": "pt"}
    assert manifest["annotations"] == {TITLES + "title": name}


def test_broken_files_are_warnings(pusher):
    config, _, said = pusher.push({"README.md": card("license: mit\ntags: {a: b}"), "config.json": "{\"model_type\": ",
                                   "tokenizer_config.json": "", "adapter_config.json": "\x00"})
    lines = said.splitlines()
    assert len(lines) == 4 and all(line.startswith("haven: warning: ") for line in lines)
    assert any('README.md, line 3, key "tags"' in line for line in lines)
    assert any("config.json: JSON, line 1" in line for line in lines)
    assert config["descriptor"]["title"] == "A title" and "licenses" not in config["descriptor"]


def test_hostile_words_do_not_reach_a_terminal(pusher):
    _, _, said = pusher.push({"README.md": '---\n"\\e[31m": {"\x1b]0;x\x07": 1}\nlicense: "\\e[31m"\n---\n'})
    assert "warning" in said and not any(ord(c) < 32 and c != "\n" for c in said)


def test_time_of_creation(pusher):
    config, manifest, _ = pusher.push({"a.txt": "x"}, SOURCE_DATE_EPOCH="1700000000")
    assert config["descriptor"]["createdAt"].startswith("2023-11-14T22:13:20")
    assert manifest["annotations"][TITLES + "created"] == config["descriptor"]["createdAt"]


def test_threads_make_no_difference(pusher):
    files = {"README.md": card("license: mit\nlanguage: fr"), "config.json": QWEN,
             "quantize_config.json": {"bits": 8}, "hf_quant_config.json": {"quantization": {"quant_algo": "FP8"}},
             "chat_template.jinja": "<think>", "adapter_config.json": {"base_model_name_or_path": "a/b"},
             **{f"filler-{i}.txt": "x" * i for i in range(20)}}
    first, _, _ = pusher.push(files)
    assert first["config"]["quantization"] == "gptq" and first["config"]["capabilities"]["reasoning"] is True
    for _ in range(3):
        assert pusher.push(files)[0] == first


# Pieces of cards and configurations, good and odd; models are put together from them by chance.
FRONTS = [
    "license: mit", "license: [mit, gpl-3.0]", "license: other\nlicense_name: Some licence, v1", "license: llama3.1",
    "license: unknown", "license: 3", "license: (mit OR", "language: en", "language: [en, deu, pt-BR, haw, code, xx, 'no', 12]",
    "language: EN", "base_model: a/b", "base_model: [a/b, c/d]", "base_model: ../x", "datasets: [a/b, 'x y', 'http://h/ä']",
    "datasets: squad", "pipeline_tag: text-to-image", "pipeline_tag: any-to-any", "pipeline_tag: Made Up",
    "pipeline_tag: feature-extraction", "pipeline_tag: image-text-to-text", "pipeline_tag: robotics",
    "library_name: diffusers", "tags: [x, 1, true]", "title: ignored", "license_name: {}", "tags: *x", "", "- list", "a: b: c"]
TEXTS = ["", "# Title\n", "<h1>HTML</h1>\n", "# \x1b[31m\n# Two\n", "#" * 9, "# " + "x" * 5000, "Setext\n===\n", "```\n# no\n"]
CONFIGS = [
    QWEN, {}, [], {"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "dtype": "float32"},
    {"model_type": 7, "dtype": {"": "float8_e4m3fn"}}, {"torch_dtype": "int4", "model_type": "with blank"},
    {"torch_dtype": "torch.half", "quantization_config": {"quant_method": "awq", "bits": 4}},
    {"architectures": ["XForConditionalGeneration"], "vision_config": {}, "audio_config": {}, "model_type": "x"},
    {"architectures": ["BertForRewardModel"], "model_type": "bert", "quantization_config": {"quant_method": ["x"]}},
    {"architecture": "vit_base", "pretrained_cfg": {}}, {"model_type": "é" * 200}, {"model_type": "x" * 5000}]
OTHERS = {
    "generation_config.json": [{}, "nonsense"], "model_index.json": [{"_class_name": "FluxPipeline"}, {"_class_name": 3}],
    "adapter_config.json": [{"base_model_name_or_path": "a/b", "peft_type": "LORA"}, {"base_model_name_or_path": "/x/y"}],
    "tokenizer_config.json": [{"chat_template": "{{ tools }}<think>", "model_max_length": 512}, {"chat_template": [1]}],
    "modules.json": [[], {}], "chat_template.jinja": ["enable_thinking"], "hf_quant_config.json": [{}],
    "model.gguf": [struct.pack("<4sIQQ", b"GGUF", 3, 0, 0)],
    "weights/model.safetensors": [struct.pack("<Q", 8) + b'{}      '], "model.bin": [b"x"]}


@pytest.mark.parametrize("seed", range(40))
def test_every_shape_fits(pusher, seed):
    chance = random.Random(seed)
    files = {"a.txt": "x"}
    if chance.random() < 0.9:
        files["README.md"] = card("\n".join(chance.sample(FRONTS, chance.randint(0, 5))), chance.choice(TEXTS))
    if chance.random() < 0.8:
        files["config.json"] = chance.choice(CONFIGS)
    for path in chance.sample(sorted(OTHERS), chance.randint(0, 4)):
        files[path] = chance.choice(OTHERS[path])
    form = "tar" if seed % 4 == 0 else "raw"
    _, manifest, _ = pusher.push(files, *(["--tar"] if form == "tar" else []))
    assert all(layer["mediaType"].endswith("." + form) for layer in manifest["layers"])
