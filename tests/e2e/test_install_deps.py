# SPDX-License-Identifier: Apache-2.0
"""tools/install-deps: quiet when nothing is missing, sudo only if needed, clear words on systems without apt."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("sh", "dirname", "tr", "grep", "env", "id", "mkdir", "cat", "echo", "cmp", "cut", "rm", "cp")
INSTALLED = "#!/bin/sh\necho installed\n"
NOTHING = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def machine(tmp_path):
    """A tree of its own, and a PATH on which only what is named here can be found."""
    (tmp_path / "tree" / "tools").mkdir(parents=True)
    (tmp_path / "tree" / "tests").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "tools" / "install-deps", tmp_path / "tree" / "tools")
    shutil.copy(ROOT / "tests" / "requirements.txt", tmp_path / "tree" / "tests")
    for name in PROGRAMS:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    return tmp_path


def program(machine, name, text):
    path = machine / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def log(machine, name):
    return f'#!/bin/sh\necho "{name} $*" >>{machine}/log\n'


def install(machine, *groups):
    done = subprocess.run([machine / "tree" / "tools" / "install-deps", *groups], env={"PATH": str(machine / "bin")},
                          capture_output=True, text=True, check=False, timeout=60)
    path = machine / "log"
    return done, path.read_text() if path.exists() else ""


def test_nothing_missing(machine):
    program(machine, "dpkg-query", INSTALLED)
    program(machine, "apt-get", log(machine, "apt-get"))
    done, calls = install(machine, "build", "bench")
    assert (done.returncode, done.stdout, done.stderr, calls) == (0, "", "", "")


def test_root_needs_no_sudo(machine):
    program(machine, "dpkg-query", NOTHING)
    program(machine, "apt-get", log(machine, "apt-get"))
    program(machine, "apt-cache", "#!/bin/sh\n[ $2 = pkgconf ] || echo $2\n")
    program(machine, "id", "#!/bin/sh\necho 0\n")
    program(machine, "sudo", NOTHING)
    done, calls = install(machine, "build")
    assert done.returncode == 0, done.stderr
    update, packages = calls.splitlines()
    assert update == "apt-get -q update"
    assert packages.startswith("apt-get -q install -y --no-install-recommends gcc ")
    assert " meson " in packages and " pkg-config " in packages and " pkgconf " not in packages
    assert "|" not in packages


def test_others_use_sudo(machine):
    program(machine, "dpkg-query", NOTHING)
    program(machine, "apt-get", log(machine, "apt-get"))
    program(machine, "apt-cache", "#!/bin/sh\necho $2\n")
    program(machine, "id", "#!/bin/sh\necho 1000\n")
    program(machine, "sudo", f'#!/bin/sh\necho "sudo $*" >>{machine}/log\nexec "$@"\n')
    done, calls = install(machine, "build")
    assert done.returncode == 0, done.stderr
    assert calls.startswith("sudo apt-get -q update\napt-get -q update\nsudo env ")


def test_neither_root_nor_sudo(machine):
    program(machine, "dpkg-query", NOTHING)
    program(machine, "apt-get", log(machine, "apt-get"))
    program(machine, "id", "#!/bin/sh\necho 1000\n")
    done, calls = install(machine, "build")
    assert done.returncode == 1 and "run as root: apt-get -q update" in done.stderr and not calls


def test_apt_fails(machine):
    program(machine, "dpkg-query", NOTHING)
    program(machine, "apt-get", "#!/bin/sh\necho no network >&2\nexit 100\n")
    program(machine, "id", "#!/bin/sh\necho 0\n")
    done, _ = install(machine, "build")
    assert done.returncode == 1 and "no network" in done.stderr


def test_another_system(machine):
    done, _ = install(machine, "build")
    assert done.returncode == 1
    assert "this system has no apt" in done.stderr and "libmicrohttpd-dev" in done.stderr


def test_usage(machine):
    done, _ = install(machine, "everything")
    assert done.returncode == 2 and "usage: install-deps" in done.stderr
