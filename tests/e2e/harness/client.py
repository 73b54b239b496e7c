# SPDX-License-Identifier: Apache-2.0
"""What the tests of the client commands share; the fixtures among it are imported by name."""
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import urllib.request

import pytest

from harness.fake_registry import FakeRegistry, wait_until
from harness.record import HAVEN

MIB = 1 << 20
DOCKER_REGISTRY = shutil.which("docker-registry")


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


def weights(n, seed=1):
    """A safetensors file of noise, n bytes in all."""
    header = json.dumps({"t": {"dtype": "U8", "shape": [n - 128], "data_offsets": [0, n - 128]}}).encode().ljust(120)
    return len(header).to_bytes(8, "little") + header + noise(n - 128, seed)


@pytest.fixture
def env(tmp_path):
    """No credentials, proxies or settings but this test's own."""
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith("HAVEN_") and not k.lower().endswith("_proxy") and k != "SOURCE_DATE_EPOCH"}
    clean["DOCKER_CONFIG"] = str(tmp_path / "docker")
    clean["HOME"] = str(tmp_path)
    clean["HAVEN_CACHE_DIR"] = str(tmp_path / "cache")
    return clean


@pytest.fixture
def haven(env):
    def run(*args, **more):
        more.setdefault("env", env)
        return subprocess.run([HAVEN, *map(str, args)], capture_output=True, text=True, timeout=120, **more)
    return run


@pytest.fixture
def fake():
    fakes = []

    def make(**more):
        fakes.append(FakeRegistry(**more))
        return fakes[-1]

    yield make
    for one in fakes:
        one.stop()


@pytest.fixture(scope="module")
def docker_registry(tmp_path_factory):
    if not DOCKER_REGISTRY:
        pytest.skip("docker-registry is not installed")
    folder = tmp_path_factory.mktemp("docker-registry")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{s.getsockname()[1]}"
    (folder / "config.yml").write_text(json.dumps({
        "version": 0.1, "log": {"level": "error"}, "http": {"addr": host},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}}}))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([DOCKER_REGISTRY, "serve", str(folder / "config.yml")], stdout=log, stderr=log)

    def up():
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return urllib.request.urlopen(f"http://{host}/v2/").status == 200
        except OSError:
            return False

    wait_until(up)
    yield host
    process.terminate()
    process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


def write(folder, files):
    for path, content in files.items():
        target = pathlib.Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file()}


def ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done


# Which error gives which exit status, as docs/errors.md promises it; the others give 1.
EXITS = {
    "USAGE": 2, "CONFIG": 2, "BAD_REQUEST": 2, "NAME_INVALID": 2, "TAG_INVALID": 2,
    "MANIFEST_UNKNOWN": 3, "NAME_UNKNOWN": 3, "BLOB_UNKNOWN": 3, "NOT_FOUND": 3,
    "UNAUTHORIZED": 4, "TOKEN_STALE": 4, "DENIED": 4,
    "NETWORK": 5, "UNAVAILABLE": 5, "TOO_MANY_REQUESTS": 5,
    "DIGEST_INVALID": 6, "CORRUPT": 6,
    "NO_SPACE": 7,
    "MODEL_INVALID": 8, "MANIFEST_INVALID": 8, "MANIFEST_TYPE": 8, "MANIFEST_TOO_LARGE": 8, "LIMIT": 8,
    "REMOTE": 9, "UNSUPPORTED": 9, "BODY_TOO_LARGE": 9,
    "CANCELLED": 130,
}


def refused(done, code, text=""):
    """The command failed with this error: its line stands last, but for a hint."""
    lines = done.stderr.rstrip().split("\n")
    if lines[-1].startswith("hint: "):
        lines.pop()
    assert lines[-1].endswith(f"[{code}]"), done.stderr
    assert done.returncode == EXITS.get(code, 1), (done.returncode, done.stdout + done.stderr)
    assert text in done.stderr
    assert not any(ord(c) < 32 and c != "\n" for c in done.stderr), "a terminal would obey this"
    return done


MODEL = {
    "config.json": b'{"model_type": "qwen2", "torch_dtype": "bfloat16", "transformers_version": "4.40"}',
    "model-00001-of-00002.safetensors": weights(9 * MIB + 13),
    "model-00002-of-00002.safetensors": weights(5 * MIB, 2),
    "tokenizer/vocab.txt": b"a\nb\n",
    "README.md": b"# a model\n",
    "nothing.txt": b"",
    "code/deep/run.py": b"print(1)\n",
    "copy/same.safetensors": weights(5 * MIB, 2),
}


@pytest.fixture
def model(tmp_path):
    folder = write(tmp_path / "model", MODEL)
    (folder / "code/deep/run.py").chmod(0o700)
    return folder
