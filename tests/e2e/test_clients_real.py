# SPDX-License-Identifier: Apache-2.0
"""Real clients against a real server: curl, skopeo, podman, containerd, oras."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from harness.content import descriptor, artifact, image, noise, push, small_image, tar_of, write_layout
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import PASSWORD, USER, environment

pytestmark = pytest.mark.release


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


def need_root():
    if os.geteuid() != 0:
        pytest.skip("only root may do this")


def run(*command, env=None, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL, env={**environment(), **(env or {})}, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def model(tmp_path):
    """An image of two layers with files in them, as an OCI layout."""
    files = {"model/weights.safetensors": noise(300_000), "model/config.json": b'{"hidden_size": 8}\n',
             "README.md": b"# A model\n"}
    first = {k: v for k, v in files.items() if k.endswith("safetensors")}
    second = {k: v for k, v in files.items() if k not in first}
    document, blobs = image([tar_of(first), tar_of(second)], compress=True)
    write_layout(tmp_path / "layout", document, blobs)
    return tmp_path / "layout", document, blobs, files


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    return path


def check_files(folder, files):
    folder = pathlib.Path(folder)
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == set(files)
    for path, data in files.items():
        assert (folder / path).read_bytes() == data, path


# ---- curl ----


def test_curl(haven, admin, repo, tmp_path):
    need("curl")
    data = noise(3_000_000)
    (tmp_path / "blob").write_bytes(data)
    curl = ["curl", "-sS", "--fail-with-body", "-u", f"{USER}:{PASSWORD}"]
    head = run(*curl, "-i", "-X", "POST", f"{haven.url}/v2/{repo}/blobs/uploads/")
    location = next(line.split(" ", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("location:"))
    # more than a mebibyte: curl sends Expect: 100-continue and waits for the word
    trace = run(*curl, "-v", "--stderr", "-", "-o", os.devnull, "-X", "PUT", "-H", "Content-Type: application/octet-stream",
                "-T", tmp_path / "blob", f"{haven.url}{location}?digest={digest_of(data)}")
    assert "Expect: 100-continue" in trace and "HTTP/1.1 100 Continue" in trace and "HTTP/1.1 201" in trace
    url = f"{haven.url}/v2/{repo}/blobs/{digest_of(data)}"
    run(*curl, "-o", tmp_path / "whole", url)
    assert (tmp_path / "whole").read_bytes() == data
    run(*curl, "-o", tmp_path / "range", "-r", "1000-1999", url)
    assert (tmp_path / "range").read_bytes() == data[1000:2000]
    (tmp_path / "resumed").write_bytes(data[:1_234_567])
    run(*curl, "-C", "-", "-o", tmp_path / "resumed", url)
    assert (tmp_path / "resumed").read_bytes() == data
    assert f"Content-Length: {len(data)}" in run(*curl, "-I", url).replace("content-length", "Content-Length")
    # a compressed answer is not given, whatever curl accepts
    run(*curl, "--compressed", "-o", tmp_path / "plain", url)
    assert (tmp_path / "plain").read_bytes() == data


def test_curl_is_refused_before_it_sends(haven, repo, tmp_path):
    need("curl")
    (tmp_path / "blob").write_bytes(bytes(50_000_000))
    done = subprocess.run(["curl", "-sS", "-w", "%{http_code} %{size_upload}", "-o", os.devnull, "-X", "POST",
                           "-H", "Expect: 100-continue", "-T", tmp_path / "blob",
                           f"{haven.url}/v2/{repo}/blobs/uploads?digest={digest_of(b'')}"],
                          capture_output=True, text=True, timeout=60, check=True)
    status, sent = done.stdout.split()
    assert status == "401" and int(sent) == 0
    # and without Expect, while it sends
    done = subprocess.run(["curl", "-sS", "-w", "%{http_code}", "-o", os.devnull, "-X", "POST", "-H", "Expect:",
                           "-T", tmp_path / "blob", f"{haven.url}/v2/{repo}/blobs/uploads?digest={digest_of(b'')}"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "401", done


# ---- skopeo ----


def test_skopeo(haven, admin, repo, model, policy, tmp_path):
    need("skopeo")
    layout, document, _, _ = model
    there = f"docker://{haven.address}/{repo}"
    creds = f"{USER}:{PASSWORD}"
    skopeo = ["skopeo", "--policy", policy]
    copy = [*skopeo, "copy", "-q", "--dest-creds", creds, "--dest-tls-verify=false"]
    run(*copy, f"oci:{layout}:v1", f"{there}:v1")
    run(*copy, f"oci:{layout}:v1", f"{there}:v2")  # everything is there already
    listed = json.loads(run("skopeo", "list-tags", "--tls-verify=false", there))
    assert listed["Tags"] == ["v1", "v2"]
    found = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"{there}:v1"))
    digest = admin.manifest(repo, "v1").get("Docker-Content-Digest")
    assert found["Digest"] == digest and found["Layers"] == [d["digest"] for d in document["layers"]]
    assert json.loads(run("skopeo", "inspect", "--raw", "--tls-verify=false", f"{there}:v1")) == document
    # back, without credentials
    run(*skopeo, "copy", "-q", "--src-tls-verify=false", f"{there}:v1", f"dir:{tmp_path}/back")
    for layer in document["layers"]:
        assert digest_of((tmp_path / "back" / layer["digest"].partition(":")[2]).read_bytes()) == layer["digest"]
    # inside the registry: blobs are mounted
    other = there + "-copy"
    run(*copy, "--src-tls-verify=false", f"{there}:v1", f"{other}:v1")
    assert admin.manifest(repo + "-copy", "v1").get("Docker-Content-Digest") == digest
    assert json.loads(run("skopeo", "inspect", "--tls-verify=false", f"{other}@{digest}"))["Digest"] == digest
    # as docker's own format
    run(*copy, "--format", "v2s2", f"oci:{layout}:v1", f"{there}:docker")
    assert admin.manifest(repo, "docker").get("Content-Type").startswith("application/vnd.docker.distribution")
    run("skopeo", "delete", "--creds", creds, "--tls-verify=false", f"{there}:docker")
    assert admin.manifest(repo, "docker").status == 404


def test_skopeo_without_rights(haven, repo, model, policy):
    need("skopeo")
    done = subprocess.run(["skopeo", "--policy", policy, "copy", "-q", "--dest-tls-verify=false", f"oci:{model[0]}:v1",
                           f"docker://{haven.address}/{repo}:v1"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "unauthorized" in done.stderr.lower(), done.stderr


# ---- podman ----


@pytest.fixture
def podman(policy):
    need("podman")
    need_root()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="podman"))  # podman takes no long names for these
    base = ["podman", "--root", folder / "s", "--runroot", folder / "r", "--tmpdir", folder / "t",
            "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]

    def call(*args):
        return run(*base, *args)

    yield call
    run(*base, "image", "umount", "--all")
    run(*base, "rmi", "--all", "--force")
    shutil.rmtree(folder, ignore_errors=True)


def test_podman(haven, admin, repo, model, policy, podman):
    layout, document, blobs, files = model
    push(admin, repo, document, blobs, "v1")
    name = f"{haven.address}/{repo}"
    podman("pull", "-q", "--tls-verify=false", "--signature-policy", policy, f"{name}:v1")
    check_files(podman("image", "mount", f"{name}:v1").strip(), files)
    podman("tag", f"{name}:v1", f"{name}-pushed:v2")
    podman("push", "-q", "--tls-verify=false", "--signature-policy", policy, "--creds", f"{USER}:{PASSWORD}",
           f"{name}-pushed:v2")
    answer = admin.manifest(repo + "-pushed", "v2")
    assert answer.status == 200
    for layer in answer.json()["layers"]:
        assert admin.head(f"/v2/{repo}-pushed/blobs/{layer['digest']}").status == 200


# ---- containerd ----


@pytest.fixture
def ctr(tmp_path):
    need("containerd", "ctr")
    need_root()
    folder = tmp_path / "containerd"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.devmapper",'
        ' "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]\n'
        f'[grpc]\n  address = "{folder}/c.sock"\n[ttrpc]\n  address = "{folder}/t.sock"\n')
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(["containerd", "--config", str(folder / "config.toml")], stdout=log, stderr=log)
    end = time.monotonic() + 30
    while subprocess.run(["ctr", "-a", f"{folder}/c.sock", "version"], capture_output=True, check=False).returncode != 0:
        assert time.monotonic() < end and process.poll() is None, (folder / "log").read_text()
        time.sleep(0.2)

    def call(*args):
        return run("ctr", "-a", f"{folder}/c.sock", *args)

    yield call
    process.terminate()
    process.wait(30)


def test_containerd(haven, admin, repo, model, ctr, tmp_path):
    _, document, blobs, files = model
    push(admin, repo, document, blobs, "v1")
    name = f"{haven.address}/{repo}:v1"
    ctr("images", "pull", "--plain-http", "--snapshotter", "native", name)
    target = tmp_path / "mounted"
    target.mkdir()
    ctr("images", "mount", "--snapshotter", "native", name, str(target))
    try:
        check_files(target, files)
    finally:
        ctr("images", "unmount", str(target))
    pushed = f"{haven.address}/{repo}-pushed:v1"
    ctr("images", "tag", name, pushed)
    ctr("images", "push", "--plain-http", "--user", f"{USER}:{PASSWORD}", pushed)
    assert admin.manifest(repo + "-pushed", "v1").json() == document


# ---- oras ----


def test_oras(haven, admin, repo, tmp_path):
    """The client library of the oras project for Python."""
    oras_client = pytest.importorskip("oras.client")
    client = oras_client.OrasClient(hostname=haven.address, insecure=True)
    client.login(hostname=haven.address, username=USER, password=PASSWORD, config_path=str(tmp_path / "config.json"))
    folder = tmp_path / "model"
    folder.mkdir()
    files = {"weights.bin": noise(200_000), "config.json": b'{"a": 1}'}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    target = f"{haven.address}/{repo}:v1"
    done = client.push(target=target, files=[f"{folder}/{n}:application/vnd.example.file" for n in files],
                       disable_path_validation=True)
    assert done.status_code in (200, 201)
    document = admin.manifest(repo, "v1").json()
    assert sorted(d["digest"] for d in document["layers"]) == sorted(digest_of(d) for d in files.values())
    found = client.pull(target=target, outdir=str(tmp_path / "out"))
    assert {pathlib.Path(f).name: pathlib.Path(f).read_bytes() for f in found} == files
    # once more in chunks, about the first one
    done = client.push(target=f"{haven.address}/{repo}:v2", files=[f"{folder}/weights.bin:application/vnd.example.file"],
                       disable_path_validation=True, do_chunked=True, chunk_size=50_000)
    assert done.status_code in (200, 201)
    assert client.get_tags(f"{haven.address}/{repo}") == ["v1", "v2"]


def test_oras_referrers(haven, admin, repo):
    """What the Go library asks before it attaches something."""
    _, data = push(admin, repo, *small_image(), "v1")
    answer = admin.referrers(repo, "sha256:" + "0" * 64)
    assert (answer.status, answer.json()["manifests"]) == (200, [])
    digest, _ = push(admin, repo, *artifact("application/vnd.example", descriptor(data, OCI_MANIFEST)))
    assert [d["digest"] for d in admin.referrers(repo, digest_of(data)).json()["manifests"]] == [digest]
