# SPDX-License-Identifier: Apache-2.0
"""The documents say what is so: commands of the README run, generated pages are fresh, links and paths exist."""
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess

import pytest

from harness.server import PASSWORD

ROOT = pathlib.Path(__file__).resolve().parents[2]
HAVEN = os.environ.get("HAVEN_BIN", str(ROOT / "build" / "haven"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MADE_BY = re.compile(r"<!-- Made by `haven ([^`]+)`")
BLOCK = re.compile(r"<!-- test: (background|run) -->\n```sh\n(.*?)```", re.S)


def environment(folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith("HAVEN_")}
    env.update(DOCKER_CONFIG=str(folder / "docker"), HOME=str(folder))
    return env


def pages(test):
    return pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))(test)


@pytest.mark.release
def test_readme_commands(tmp_path):
    """Each marked block runs as it stands, except that the port is a free one."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "haven").symlink_to(HAVEN)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks] == ["background", "run"]
    background, commands = (text.replace("8080", port) for _, text in blocks)

    with subprocess.Popen(shlex.split(background), cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout.readline().startswith("haven: listening on ")
            done = subprocess.run(["sh", "-e", "-c", commands], cwd=tmp_path, env=environment(tmp_path),
                                  capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            assert done.stdout.endswith("de 0.98\n")
        finally:
            server.terminate()
        assert server.wait(30) == 0


def test_commands_of_a_team(start, tmp_path):
    server = start()
    (text,) = (text for kind, text in BLOCK.findall((ROOT / "docs" / "people.md").read_text(encoding="utf-8")) if kind == "run")
    done = subprocess.run(["sh", "-e", "-c", text.replace("http://127.0.0.1:8080", server.url)], cwd=tmp_path,
                          env={**environment(tmp_path), "ADMIN_PASSWORD": PASSWORD}, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["current_user_role_id"] == 2


@pytest.mark.parametrize("page, holds", [("robots.md", "[]"), ("administration.md", "total_storage_consumption")])
def test_commands_of_administrators(start, tmp_path, page, holds):
    server = start()
    (text,) = (text for kind, text in BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8")) if kind == "run")
    done = subprocess.run(["sh", "-e", "-c", text.replace("http://127.0.0.1:8080", server.url)], cwd=tmp_path,
                          env={**environment(tmp_path), "ADMIN_PASSWORD": PASSWORD}, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert holds in done.stdout


def test_make_targets_exist():
    """What the documents tell to type is there, and `make help` lists all of it."""
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^make ([a-z-]+)", listed, re.M))
    for page in PAGES:
        for target in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")):
            assert target in targets, f"{page.name}: make {target}"
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    assert set(phony) == targets


@pages
def test_links(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pages
def test_paths_in_backticks(page):
    """`src/…`, `tools/…`, `tests/…` name what exists."""
    for path in re.findall(r"`((?:src|tools|tests|examples|packaging|bench)/[^`\s]*)`", page.read_text(encoding="utf-8")):
        if "NAME" in path or "NNNN" in path or "…" in path:
            continue
        assert list(ROOT.glob(path.rstrip("/"))), f"{page.name}: {path}"


def test_generated_pages_are_fresh():
    made = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        match = MADE_BY.search(text)
        if match:
            now = subprocess.run([HAVEN, *match[1].split()], capture_output=True, text=True, check=True, timeout=60,
                                 env=environment(page.parent)).stdout
            assert now == text, f"{page.relative_to(ROOT)}: make it again with haven {match[1]}"
            made += 1
    assert made >= 2


def test_status_names_tests_that_exist():
    text = (ROOT / "docs" / "status.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`(test_\w+)(?:\.py|\.c)?(?:::(\w+))?`", text))
    assert names
    for name, test in names:
        files = [*(ROOT / "tests" / "e2e").glob(name + ".py"), *(ROOT / "tests" / "unit").glob(name + ".c")]
        assert files, name
        if test:
            assert re.search(rf"\b{test}\b", files[0].read_text(encoding="utf-8")), f"{name}::{test}"


def test_version_is_one():
    """meson.build, the program and the changelog agree."""
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    said = subprocess.run([HAVEN, "version"], capture_output=True, text=True, check=True, env=environment(ROOT)).stdout
    assert version in said
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_service_file():
    """The unit starts the program with flags that it has."""
    text = (ROOT / "packaging" / "haven.service").read_text()
    start = re.search(r"^ExecStart=(.*)$", text, re.M)[1].split()
    told = subprocess.run([HAVEN, "help", "serve"], capture_output=True, text=True, check=True).stdout
    assert start[1] == "serve" and all(f in told for f in start if f.startswith("--"))
