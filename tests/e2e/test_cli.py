# SPDX-License-Identifier: Apache-2.0
"""How the command line speaks to people and scripts: usage, progress, summary, JSON, errors, exit status, signals."""
import json
import subprocess

import pytest

from harness.client import MIB, MODEL, env, fake, haven, model, noise, ok, refused, tree, write  # noqa: F401

# ---- usage and errors ----

@pytest.mark.parametrize("args", [
    ("push",), ("push", "a"), ("pull", "a", "b", "c"), ("push", "--nonsense", "a", "b"), ("login",),
    ("push", "-j", "0", ".", "localhost/a/b"), ("pull", "-j", "33", "localhost/a/b", "x"),
    ("login", "--password-stdin", "localhost")])
def test_usage(haven, args):
    refused(haven(*args, stdin=subprocess.DEVNULL), "USAGE")


@pytest.mark.parametrize("ref", ["", "m", "library/m", "localhost/UPPER/m", "ftp://localhost/a/b", "localhost/a/b:", "localhost/a/b@sha256:1"])
def test_bad_references(haven, tmp_path, ref):
    for args in (("pull", ref, tmp_path / "o"), ("push", tmp_path, ref)):
        refused(haven(*args), "NAME_INVALID")
    assert not (tmp_path / "o").exists()


def test_bad_ca_file(haven, tmp_path):
    refused(haven("pull", "--ca-file", tmp_path / "none.pem", "localhost/a/b", tmp_path / "o"), "CONFIG", "none.pem")


def test_json_error(haven, tmp_path):
    done = haven("pull", "--json", "localhost:1/a/b", tmp_path / "o")
    assert done.returncode == 5 and done.stdout == ""
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "NETWORK"


def test_quiet(fake, haven, model):
    reg = fake()
    done = ok(haven("push", "-q", model, f"{reg.host}/p/m:v1"))
    assert done.stderr == ""
