# SPDX-License-Identifier: Apache-2.0
"""What is answered of models beside what the OpenAPI file says of it: every key is described, and every type is true."""
import gzip
import json
import subprocess

import jsonschema
import numpy
import pytest

from harness.client import env  # noqa: F401
from harness.content import descriptor, dump, image, index, push, tar_of
from harness.harbor import Harbor
from harness.record import HAVEN
from harness.registry import OCI_INDEX, OCI_MANIFEST, digest_of
from harness.server import haven as run, wait_until
from harness.showcase import chat_model, model, transformer

CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def strict(item):
    """A schema of OpenAPI 3.0 as JSON Schema has it, in which nothing may stand that is not described."""
    if isinstance(item, list):
        return [strict(one) for one in item]
    if not isinstance(item, dict):
        return item
    made = {key: strict(value) for key, value in item.items() if key not in ("nullable", "format", "properties")}
    if "properties" in item:  # whose keys are names, and no words of schemas
        made["properties"] = {name: strict(value) for name, value in item["properties"].items()}
        made["additionalProperties"] = False
    if item.get("nullable"):
        made = {"anyOf": [made, {"type": "null"}]}
    return made


@pytest.fixture(scope="module")
def schema():
    document = json.loads(subprocess.run([HAVEN, "routes", "--openapi"], check=True, capture_output=True).stdout)
    assert document["components"]["schemas"]["Model"]["properties"]["content"]["allOf"] == [{"$ref": "#/components/schemas/ModelContent"}]
    return jsonschema.Draft202012Validator({"$ref": "#/components/schemas/Model", "components": {
        "schemas": {name: strict(one) for name, one in document["components"]["schemas"].items()}}})


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


def answer(harbor, project, repo="m"):
    path = f"/projects/{project}/repositories/{repo}/artifacts/v1/model"
    wait_until(lambda: harbor.json(path)["state"] == "read")
    return harbor.json(path)


def chart():
    data = gzip.compress(tar_of({"web/Chart.yaml": b"apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1\n"
                                                   b"  repository: https://charts.example\n",
                                 "web/values.yaml": b"a: 1\n", "web/README.md": b"# web\n"}), mtime=0)
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(b"{}", CHART_CONFIG),
            "layers": [descriptor(data, CHART_CONTENT)]}, {digest_of(b"{}"): b"{}", digest_of(data): data}


def packed():
    document, blobs = model({"broken.safetensors": b"\xff" * 64, "model.safetensors": transformer(1, dtype=numpy.float32)}, name="m")
    for encoding, data in (("tar", tar_of({"in/a.txt": b"a"})), ("tar+gzip", gzip.compress(tar_of({"in/LICENSE": b"MIT License"}), mtime=0)),
                           ("tar+gzip", b"no archive")):
        blobs[digest_of(data)] = data
        document["layers"].append(descriptor(data, f"application/vnd.cncf.model.doc.v1.{encoding}",
                                             annotations={"org.cncf.model.filepath": "in"}))
    return document, blobs


def many_members():
    member, blobs = image([b"x"])
    return index([(dump(member), OCI_MANIFEST)]), {**blobs}, member


KINDS = {"model": lambda: chat_model("One", 1, base="a/b", family="llama"), "packed": packed, "chart": chart,
         "data": lambda: model({"README.md": b"# Data\n", "data/a.csv": b"a,b\n"}, name="data"),
         "image": lambda: image([tar_of({"bin/sh": b"#!"})])}


@pytest.mark.parametrize("kind", KINDS)
def test_answers(schema, harbor, project, kind):
    push(harbor.registry, f"{project}/m", *KINDS[kind](), "v1")
    schema.validate(answer(harbor, project))


def test_an_index(schema, harbor, project):
    whole, blobs, member = many_members()
    push(harbor.registry, f"{project}/m", member, blobs)
    assert harbor.registry.put_manifest(f"{project}/m", "v1", dump(whole), OCI_INDEX).status == 201
    schema.validate(answer(harbor, project))


FACTS = {"name": "m", "title": "A title", "description": "Words.", "version": "1", "family": "llama", "architecture": "transformer",
         "format": "safetensors", "param-size": "1B", "precision": "float16", "quantization": "awq", "license": "mit", "author": "A. Writer",
         "vendor": "V", "source-url": "https://example.org/s", "doc-url": "https://example.org/d", "revision": "abc", "language": "en",
         "dataset": "a/data", "base-model": "a/b", "task": "text-generation", "input-type": "text", "output-type": "text",
         "reasoning": "true", "tool-usage": "false", "reward": "false", "knowledge-cutoff": "2024-06"}


def test_every_fact(schema, harbor, haven, project, tmp_path, env):  # noqa: F811
    """All keys of `haven push --set` come out as facts, and all of them are described."""
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(transformer(1))
    (folder / "README.md").write_text("---\npipeline_tag: text-generation\nbase_model: a/b\ndatasets: [a/data]\n---\n# m\n")
    server = haven.address
    subprocess.run([HAVEN, "login", "-u", harbor.registry.user, "--password-stdin", server], input=harbor.registry.password, text=True,
                          check=True, env=env, capture_output=True)
    done = run("push", *(f"--set={key}={value}" for key, value in FACTS.items()), folder, f"{server}/{project}/m:v1", env=env)
    assert done.returncode == 0, done
    found = answer(harbor, project)
    schema.validate(found)
    described = schema.schema["components"]["schemas"]["ModelFacts"]["properties"]
    assert set(found["content"]["facts"]) == set(described) == set(FACTS)


@pytest.mark.parametrize("wrong", [{"content": {"nothing": 1}}, {"content": {"facts": {"licence": []}}}, {"content": {"files": [{"size": "1"}]}},
                                   {"content": {"weights": {"dtypes": {}}}}, {"state": 1}])
def test_the_schema_can_refuse(schema, wrong):
    assert not schema.is_valid(wrong)
    assert schema.is_valid({"state": "read", "content": {"facts": {}, "files": None, "weights": None}})
