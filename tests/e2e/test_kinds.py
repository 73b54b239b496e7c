# SPDX-License-Identifier: Apache-2.0
"""What an artifact is, what is shown of it and what it brings along: kind by kind, as Harbor has them."""
import base64
import gzip
import io
import json
import tarfile

import pytest

from harness.content import CONFIG_TYPE, EMPTY, EMPTY_TYPE, descriptor, index, noise, push, tar_of
from harness.harbor import Harbor, refused
from harness.registry import OCI_INDEX, OCI_MANIFEST, digest_of
from harness.server import wait_until

PNG = b"\x89PNG\r\n\x1a\n" + noise(200, 1)
NOTE = "io.goharbor.artifact.v1alpha1."
MIB = 1 << 20


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


def at(project, repo="m", rest="", ref="v1"):
    return f"/projects/{project}/repositories/{repo}/artifacts/{ref}{rest}"


def read(harbor, project, repo="m", ref="v1"):
    wait_until(lambda: harbor.json(at(project, repo, "/model", ref))["state"] not in ("waiting", "unread"))
    model = harbor.json(at(project, repo, "/model", ref))
    assert model["state"] == "read", model
    return model["content"]


def manifest(config, config_type, layers, **more):
    """layers: [(bytes, media type, more of the descriptor)]."""
    data = config if isinstance(config, bytes) else json.dumps(config).encode()
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(data, config_type),
            "layers": [descriptor(blob, kind, **rest) for blob, kind, rest in layers], **more}, \
        {digest_of(b): b for b in (data, *(layer[0] for layer in layers))}


# ---- the two forms of the talk ----

def test_user_defined_form(harbor, project):
    """No media type at the top, a list of keys to leave out, words for people, an icon."""
    config = {"author": "x", "metrics": {"a": 1}, "git": "sha", "framework": "tf", "inputs": [1, 2]}
    document, blobs = manifest(config, "application/vnd.caicloud.model.config.v1alpha1+json", [
        (PNG, "image/png", {"annotations": {NOTE + "icon": ""}}), (noise(500), "application/x-mine", {})])
    document["config"]["annotations"] = {NOTE + "skip-list": "metrics,git", NOTE + "version": "0.1.2",
                                         NOTE + "name": "ML-Model", NOTE + "xxx": "More metadata", "other": "no"}
    for data in blobs.values():
        harbor.registry.push_blob(f"{project}/m", data)
    del document["mediaType"]
    answer = harbor.registry.put_manifest(f"{project}/m", "v1", json.dumps(document).encode(), OCI_MANIFEST)
    assert answer.status == 201, answer
    seen = harbor.json(at(project))
    assert (seen["type"], seen["icon"]) == ("MODEL", digest_of(PNG))
    assert seen["extra_attrs"] == {"author": "x", "framework": "tf", "inputs": [1, 2], NOTE + "version": "0.1.2",
                                   NOTE + "name": "ML-Model", NOTE + "xxx": "More metadata"}
    found = read(harbor, project)
    assert found["form"] == "oras" and len(found["files"]) == 2


def test_model_form_of_the_talk(harbor, project):
    """Ordinary image layers with a second type, told by annotations: an image by its type, a model by what it holds."""
    one, two = tar_of({"config.json": b'{"model_type": "qwen2"}'}), tar_of({"model.gguf": noise(3000)})
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest_of(one), digest_of(two)]}}
    kind = {"artifactType": "application/vnd.cncf.cnai.model.layer.v1.tar"}
    document, blobs = manifest(config, CONFIG_TYPE, [
        (one, "application/vnd.oci.image.layer.v1.tar", {**kind, "annotations": {"org.cnai.model.config": "true"}}),
        (two, "application/vnd.oci.image.layer.v1.tar", {**kind, "annotations": {"org.cnai.model.model": "true"}}),
    ], artifactType="application/vnd.cncf.cnai.model.manifest.v1+json", annotations={
        "org.cnai.model.name": "my-model", "org.cnai.model.version": "0.1.0", "org.cnai.model.architecture": "transformer"})
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    seen = harbor.json(at(project))
    assert seen["artifact_type"] == "application/vnd.cncf.cnai.model.manifest.v1+json" and seen["media_type"] == CONFIG_TYPE
    assert seen["annotations"]["org.cnai.model.name"] == "my-model"
    found = read(harbor, project)
    assert found["form"] == "cnai" and found["facts"]["name"] == "my-model"
    assert found["facts"]["architecture"] == "transformer" and found["facts"]["version"] == "0.1.0"
    assert {f["file"]: f["kind"] for f in found["files"]} == {"config.json": "weight.config", "model.gguf": "weight"}
    assert "files" in harbor.json(at(project))["addition_links"]


# ---- kinds by their types ----

@pytest.mark.parametrize("artifact_type, config_type, layer_type, kind, form", [
    ("application/vnd.cncf.model.manifest.v1+json", "application/vnd.cncf.model.config.v1+json",
     "application/vnd.cncf.model.weight.v1.raw", "CNAI", "modelpack"),
    ("application/vnd.cnai.model.manifest.v1+json", "application/vnd.cnai.model.config.v1+json",
     "application/vnd.cnai.model.weight.v1.raw", "MODEL", "cnai"),
    (None, "application/vnd.kitops.modelkit.config.v1+json", "application/vnd.kitops.modelkit.model.v1.tar", "MODELKIT", "kitops"),
    (None, "application/vnd.docker.ai.model.config.v0.1+json", "application/vnd.docker.ai.gguf.v3", "UNKNOWN", "docker"),
    (None, "application/vnd.docker.container.image.v1+json", "application/vnd.ollama.image.model", "IMAGE", "ollama"),
    ("application/x-thing", EMPTY_TYPE, "application/x-file", "UNKNOWN", "oras"),
])
def test_packagings(harbor, project, artifact_type, config_type, layer_type, kind, form):
    data = tar_of({"m.gguf": noise(100)}) if layer_type.endswith(".tar") else noise(600)
    notes = {"org.cncf.model.filepath": "m.gguf"} if form in ("modelpack", "cnai") else {}
    document, blobs = manifest({"a": 1, "b": [None]}, config_type, [(data, layer_type, {"annotations": notes})],
                               **({"artifactType": artifact_type} if artifact_type else {}))
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    seen = harbor.json(at(project))
    assert (seen["type"], seen["media_type"]) == (kind, config_type)
    assert seen.get("extra_attrs") == {"UNKNOWN": None, "IMAGE": {}}.get(kind, {"a": 1, "b": [None]})
    assert read(harbor, project)["form"] == form


# ---- charts ----

CHART = b"""apiVersion: v2
name: web
version: 1.10.0
appVersion: "2.0"
keywords: [a, b]
dependencies:
- name: db
  version: ~1.2
  repository: https://charts.example
  condition: db.enabled
"""
VALUES, README = b"# all of them\nreplicas: 3\n", b"# Web\n\n| a | b |\n"
DEPENDENCIES = [{"name": "db", "version": "~1.2", "repository": "https://charts.example"}]
HELM = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def chart(files, config=b"{}", raw=None):
    blob = raw if raw is not None else gzip.compress(tar_of(files), mtime=0)
    return manifest(config, HELM, [(blob, CONTENT, {})])


def whole_chart(**more):
    return {"web/Chart.yaml": CHART, "web/values.yaml": VALUES, "web/README.md": README, "web/templates/x.yaml": b"{{ }}",
            "web/charts/db/Chart.yaml": b"name: db\n", "web/charts/db/values.yaml": b"no: 1\n", **more}


def addition(harbor, project, name, repo="m"):
    return harbor.get(at(project, repo, f"/additions/{name}"))


def test_a_chart(harbor, project):
    metadata = {"name": "web", "version": "1.10.0", "apiVersion": "v2"}
    push(harbor.registry, f"{project}/m", *chart(whole_chart(), metadata), "v1")
    seen = harbor.json(at(project))
    assert (seen["type"], seen["extra_attrs"]) == ("CHART", metadata), "what its configuration says is there at once"
    found = read(harbor, project)
    assert found["form"] == "chart" and found["warnings"] == []
    assert found["chart"]["metadata"]["keywords"] == ["a", "b"] and found["chart"]["metadata"]["version"] == "1.10.0"
    links = harbor.json(at(project))["addition_links"]
    assert set(links) == {"values.yaml", "readme.md", "dependencies"}
    for name, content, kind in (("values.yaml", VALUES, "text/plain"), ("readme.md", README, "text/markdown")):
        answer = harbor.registry.get(links[name]["href"])
        assert (answer.status, answer.body, answer.get("Content-Type")) == (200, content, f"{kind}; charset=utf-8")
    answer = addition(harbor, project, "Dependencies")
    assert (answer.status, answer.json(), answer.get("Content-Type")) == (200, DEPENDENCIES, "application/json; charset=utf-8")
    refused(addition(harbor, project, "license"), 400, "BAD_REQUEST", "license")
    assert harbor.get(at(project, rest="/files/web/values.yaml")).body == VALUES


def test_chart_without_words_in_its_configuration(harbor, project):
    push(harbor.registry, f"{project}/m", *chart({"web/Chart.yaml": CHART}), "v1")
    read(harbor, project)
    seen = harbor.json(at(project))
    assert seen["extra_attrs"]["name"] == "web" and seen["extra_attrs"]["dependencies"][0]["condition"] == "db.enabled"
    assert set(seen["addition_links"]) == {"dependencies"}
    for name in ("values.yaml", "readme.md"):
        refused(addition(harbor, project, name), 404, "NOT_FOUND", "none")


def test_chart_of_the_first_version(harbor, project):
    files = {"web/Chart.yaml": b"apiVersion: v1\nname: web\n", "web/Requirements.yaml": CHART[CHART.index(b"dependencies"):],
             "web/VALUES.yaml": VALUES}
    push(harbor.registry, f"{project}/m", *chart(files), "v1")
    read(harbor, project)
    assert addition(harbor, project, "dependencies").json() == DEPENDENCIES
    assert addition(harbor, project, "values.yaml").body == VALUES


def deep(n):
    return b"a: " + b"[" * n + b"]" * n


BAD_YAML = {
    "bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(9)),
    "deep": deep(100000),
    "deep-block": b"".join(b" " * i + b"a:\n" for i in range(1000)),
    "list": b"- a\n",
    "binary": noise(3000, 3),
    "empty": b"",
    "twice": b"a: 1\na: 2\n",
    "nul": b'name: "a\\0b"\n',
    "tag": b"name: !!python/object/apply:os.system [ls]\n? {a: 1}\n: x\n",
    "many": b"a: [" + b"1," * 300000 + b"1]\n",
    "large": b"name: " + b"x" * (10 * MIB) + b"\n",
    "larger-than-yaml-may-be": b"name: " + b"x" * (3 * MIB // 2) + b"\n",
}


@pytest.mark.parametrize("how", sorted(BAD_YAML))
def test_charts_that_cannot_be_read(harbor, project, how):
    """A finding; the rest of the chart is told all the same, and nothing takes long."""
    push(harbor.registry, f"{project}/m", *chart(whole_chart(**{"web/Chart.yaml": BAD_YAML[how]})), "v1")
    found = read(harbor, project)
    assert [w for w in found["warnings"] if "Chart.yaml" in w], found["warnings"]
    assert "chart" not in found and len(found["files"]) == 6
    assert harbor.json(at(project))["extra_attrs"] == {}
    refused(addition(harbor, project, "dependencies"), 404, "NOT_FOUND", "Chart.yaml")


def archive(*infos):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data, more in infos:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_archives_of_charts_that_strangers_made(harbor, project):
    good = ("web/Chart.yaml", CHART, {})
    zeros = gzip.compress(archive(good, ("web/values.yaml", bytes(300 * MIB), {})), 9, mtime=0)
    for number, raw in enumerate([
            b"no archive", gzip.compress(b"no archive" * 100), gzip.compress(archive(good))[:-9], zeros,
            gzip.compress(archive(good, ("../x", b"1", {}))), gzip.compress(archive(good, ("/etc/x", b"1", {}))),
            gzip.compress(archive(("web/Chart.yaml", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}))),
            gzip.compress(archive(("web/Chart.yaml", CHART, {"type": tarfile.GNUTYPE_SPARSE}))), b""]):
        push(harbor.registry, f"{project}/m{number}", *chart({}, raw=raw), "v1")
        found = read(harbor, project, f"m{number}")
        assert found["warnings"] and "chart" not in found, (number, found)
        seen = harbor.json(at(project, f"m{number}"))
        assert seen["type"] == "CHART" and "addition_links" not in seen
    # Two roots: everything is taken from where the first Chart.yaml lies.
    push(harbor.registry, f"{project}/two", *chart({"a/values.yaml": b"a: 1\n", "web/Chart.yaml": CHART, "web/values.yaml": VALUES,
                                                    "z/Chart.yaml": b"name: z\n"}), "v1")
    assert read(harbor, project, "two")["chart"]["metadata"]["name"] == "web"
    assert addition(harbor, project, "values.yaml", "two").body == VALUES


# As Helm 3.18 packs it.
PACKED = """
H4sIFAAAAAAA/ykAK2FIUjBjSE02THk5NWIzVjBkUzVpWlM5Nk9WVjZNV2xqYW5keVRRbz1IZWxtAOyVPW/bMBCGNfNXHJy58lGyJIBTgzRjlrbofrUuCR
HxAyTjRP++CNsGrRYPrRwE5rMQpAa+FPjwTdrO26t7CqmeyUzVGiAi9rtdHhFxOWLbdpXsWmyGoW+7vkLZyKGtAFdJs+AxJgoV/vNey8O9E8halyhpZ6MS
APxMxk9cu3C3JQUbuRHk9TcOUTur4NAI8v51upG1xI0YOe6D9imvXcL+5TaBuwWCxDGJB56fXBijEh/AuJEnYUjbRNpyyItsSE8KojP83Y3zxz9CCABLhh
V8+fVR/Jy+XFuRZs8KyPtJ7/MRxOF3MqxljeKtf+47IPt/oOmR42oPwDH/sRmW/u+aofh/Ci7g3j2BITuLwFmkqEAWc86F7H9i4ydKHLfPazwCR/3v+4X/
7Q6x+H8KHrQdFVw5e6vvbsj/3fZSGE40UiL1WsS5ed86deF/kf3/fH356ea6NuM6exz1H5f9L7tGFv9PwQV8LUIXCoXCGfIjAAD//xjWyTUAFAAA
"""


def test_chart_that_helm_packed(harbor, project):
    metadata = {"name": "tiny", "version": "0.1.0", "description": "A chart of a test", "keywords": ["model"],
                "maintainers": [{"name": "Somebody", "email": "somebody@example.org"}], "apiVersion": "v2", "appVersion": "1.10",
                "annotations": {"example.org/a": "1"}, "type": "application"}
    push(harbor.registry, f"{project}/m", *chart({}, metadata, raw=base64.b64decode(PACKED)), "0.1.0")
    found = read(harbor, project, ref="0.1.0")
    assert found["warnings"] == [] and found["chart"]["metadata"] == metadata, "what Helm reads in Chart.yaml"
    assert found["chart"]["values"] == "tiny/values.yaml" and found["readme"] == "tiny/README.md"
    assert harbor.get(at(project, ref="0.1.0", rest="/additions/values.yaml")).body == b"# how many\nreplicas: 1\n"
    assert harbor.get(at(project, ref="0.1.0", rest="/additions/readme.md")).body == b"# Tiny\n"
    assert harbor.json(at(project, ref="0.1.0", rest="/additions/dependencies")) == []


def test_provenance_of_a_chart(harbor, project):
    document, blobs = chart(whole_chart())
    signed = b"-----BEGIN PGP SIGNED MESSAGE-----\n"
    document["layers"].insert(0, descriptor(signed, "application/vnd.cncf.helm.chart.provenance.v1.prov"))
    push(harbor.registry, f"{project}/m", document, {**blobs, digest_of(signed): signed}, "v1")
    assert read(harbor, project)["files"][0]["file"] == "chart.prov"
    assert addition(harbor, project, "values.yaml").body == VALUES


# ---- bills of materials, modules, bundles ----

def test_a_bill_of_materials(harbor, project):
    spdx = json.dumps({"spdxVersion": "SPDX-2.3", "packages": []}).encode()
    sbom = "application/vnd.goharbor.harbor.sbom.v1"
    subject, data = push(harbor.registry, f"{project}/m", *manifest({}, CONFIG_TYPE, [
        (tar_of({}), "application/vnd.oci.image.layer.v1.tar", {})]), "v1")
    for layers in ([(spdx, sbom, {})], [(spdx, sbom, {}), (noise(9), sbom, {})], [(bytes(17 * MIB), sbom, {})]):
        document, blobs = manifest(EMPTY, sbom, layers, artifactType=sbom, subject=descriptor(data, OCI_MANIFEST))
        digest, _ = push(harbor.registry, f"{project}/m", document, blobs)
        seen = harbor.json(at(project, ref=digest))
        answer = harbor.get(at(project, ref=digest, rest="/additions/sbom"))
        assert seen["type"] == "SBOM" and "sbom" in seen["addition_links"]
        if layers[0][0] != spdx or len(layers) > 1:
            refused(answer, 404, "NOT_FOUND", "no document")
            continue
        assert (answer.status, answer.body, answer.get("Content-Type")) == (200, spdx, sbom)
        refused(harbor.get(at(project, ref=digest, rest="/additions/readme.md")), 400, "BAD_REQUEST", "readme.md")
    assert digest_of(data) == subject and len(harbor.json(at(project, rest="/accessories"))) == 3
    refused(harbor.get(at(project, rest="/additions/sbom")), 400, "BAD_REQUEST", "sbom")


@pytest.mark.parametrize("notes", [{"module.wasm.image/variant": "compat"}, {"run.oci.handler": "wasm"}])
def test_image_that_is_a_module(harbor, project, notes):
    config = {"architecture": "wasm", "os": "wasi", "config": {"Entrypoint": ["/x.wasm"]}, "history": [{"created_by": "x"}], "rootfs": {}}
    document, blobs = manifest(config, CONFIG_TYPE, [(tar_of({"x.wasm": b"\0asm"}), "application/vnd.oci.image.layer.v1.tar", {})],
                               annotations=notes)
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    seen = harbor.json(at(project))
    assert (seen["type"], seen["media_type"]) == ("WASM", "application/vnd.wasm.config.v1+json")
    assert seen["extra_attrs"] == {"manifest.config.mediaType": CONFIG_TYPE, "architecture": "wasm", "os": "wasi",
                                   "config": {"Entrypoint": ["/x.wasm"]}}
    assert addition(harbor, project, "build_history").json() == config["history"]
    document["annotations"] = {"run.oci.handler": "crun"}
    push(harbor.registry, f"{project}/n", document, blobs, "v1")
    assert harbor.json(at(project, "n"))["type"] == "IMAGE"


def test_module_with_a_configuration_of_its_own(harbor, project):
    for repo, version in (("m", "v1"), ("n", "v0")):
        kind = f"application/vnd.wasm.config.{version}+json"
        push(harbor.registry, f"{project}/{repo}", *manifest({"os": "wasip2", "layerDigests": []}, kind, [
            (b"\0asm" + noise(30), "application/vnd.wasm.content.layer.v1+wasm",
             {"annotations": {"org.opencontainers.image.title": "x.wasm"}})]), "v1")
        assert harbor.json(at(project, repo))["type"] == "WASM"
    assert harbor.json(at(project))["extra_attrs"] == {
        "manifest.config.mediaType": "application/vnd.wasm.config.v1+json", "org.opencontainers.image.title": "x.wasm",
        "manifest.layers.mediaType": "application/vnd.wasm.content.layer.v1+wasm"}
    assert harbor.json(at(project, "n"))["extra_attrs"] == {"os": "wasip2", "layerDigests": []}


def test_a_bundle(harbor, project):
    bundle = {"schemaVersion": "v1.0.0", "name": "helloworld", "invocationImages": [{"imageType": "docker", "image": "x"}]}
    _, first = push(harbor.registry, f"{project}/m", *manifest(bundle, "application/vnd.cnab.config.v1+json", [
        (EMPTY, EMPTY_TYPE, {})]))
    _, second = push(harbor.registry, f"{project}/m", *manifest({"os": "linux"}, CONFIG_TYPE, [
        (tar_of({}), "application/vnd.oci.image.layer.v1.tar", {})]))
    document = index([(first, OCI_MANIFEST), (second, OCI_MANIFEST)], annotations={
        "org.opencontainers.artifactType": "application/vnd.cnab.manifest.v1", "io.cnab.runtime_version": "v1.0.0"})
    document["manifests"][0]["annotations"] = {"io.cnab.manifest.type": "config"}
    document["manifests"][1]["annotations"] = {"io.cnab.manifest.type": "invocation"}
    push(harbor.registry, f"{project}/m", document, {}, "v1")
    seen = harbor.json(at(project))
    assert (seen["type"], seen["media_type"], seen["manifest_media_type"]) == ("CNAB", "application/vnd.cnab.manifest.v1", OCI_INDEX)
    assert seen["extra_attrs"] == bundle and "addition_links" not in seen
    assert [r["annotations"]["io.cnab.manifest.type"] for r in seen["references"]] == ["config", "invocation"]
    del document["manifests"][0]["annotations"]
    push(harbor.registry, f"{project}/m", document, {}, "v2")
    assert "extra_attrs" not in harbor.json(at(project, ref="v2"))
