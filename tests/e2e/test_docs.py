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

from harness.content import artifact, descriptor, dump, push, small_image
from harness.harbor import Harbor
from harness.registry import OCI_MANIFEST
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


def blocks(page):
    """The commands of a page, in their order."""
    found = BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    return "\n".join(text for kind, text in found if kind == "run")


def run_blocks(text, tmp_path, server, **more):
    """Runs them as a reader would who has `haven` on the path."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "haven").symlink_to(HAVEN)
    env = {**environment(tmp_path), "ADMIN_PASSWORD": PASSWORD, "DATA": str(server.data), **more}
    env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"
    done = subprocess.run(["sh", "-e", "-c", text.replace("http://127.0.0.1:8080", server.url)], cwd=tmp_path, env=env,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("page, holds", [("robots.md", "[]"), ("administration.md", "total_storage_consumption")])
def test_commands_of_administrators(start, tmp_path, page, holds):
    assert holds in run_blocks(blocks(page), tmp_path, start()).stdout


def test_moving(start, tmp_path):
    """What an old registry holds is in the new one, for the people and programs who had it."""
    old, new = start(), start()
    there = Harbor(old.registry())
    ada, _ = there.add_user("ada")
    there.put(f"/users/{ada}/sysadmin", {"sysadmin_flag": True})
    bob, _ = there.add_user("bob")
    number, _ = there.add_project("vision")
    there.put(f"/projects/{number}", {"metadata": {"auto_scan": "true"}})
    there.put(f"/quotas/{number}", {"hard": {"storage": 5_000_000}})
    there.add_project("open", public=True)
    there.add_member(number, bob, "maintainer")
    document, parts = small_image()
    digest, _ = push(old.registry(), "vision/a/m", document, parts, "v1", "v2")
    signature, more = artifact("application/vnd.example.signature", subject=descriptor(dump(document), OCI_MANIFEST))
    push(old.registry(), "vision/a/m", signature, more)
    rights = [{"resource": "repository", "action": "push"}, {"resource": "repository", "action": "list"}]
    there.post("/robots", {"name": "ci", "level": "project", "duration": 30,
                           "permissions": [{"kind": "project", "namespace": "vision", "access": rights}]})
    there.post("/robots", {"name": "all", "level": "system", "duration": -1, "permissions": [
        {"kind": "system", "namespace": "/", "access": [{"resource": "user", "action": "list"}]},
        {"kind": "project", "namespace": "*", "access": rights}]})
    there.post("/projects/vision/immutabletagrules", {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}})

    text = blocks("moving-from-harbor.md").replace("http://127.0.0.1:8081", old.url)
    done = run_blocks(text, tmp_path, new, OLD_PASSWORD=PASSWORD)

    here = Harbor(new.registry())
    users = {u["username"]: u for u in here.json("/users")}
    assert set(users) == {"admin", "ada", "bob"} and users["ada"]["sysadmin_flag"] and not users["bob"]["sysadmin_flag"]
    passwords = {u["username"]: u["password"] for u in map(json.loads, (tmp_path / "new-passwords").read_text().splitlines())}
    projects = {p["name"]: p for p in here.json("/projects")}
    assert set(projects) == {"library", "vision", "open"}
    assert projects["vision"]["metadata"] == {"public": "false", "auto_scan": "true"}
    assert projects["open"]["metadata"]["public"] == "true"
    assert here.json(f"/quotas/{projects['vision']['project_id']}")["hard"] == {"storage": 5_000_000}
    for tag in ("v1", "v2"):
        assert new.registry().manifest("vision/a/m", tag).get("Docker-Content-Digest") == digest
    assert [r["artifactType"] for r in new.registry().referrers("vision/a/m", digest).json()["manifests"]] == ["application/vnd.example.signature"]
    assert Harbor(new.registry("bob", passwords["bob"])).json("/projects/vision")["current_user_role_id"] == 4
    secrets = {r["name"]: r["secret"] for r in map(json.loads, (tmp_path / "new-secrets").read_text().splitlines())}
    assert set(secrets) == {"robot$vision+ci", "robot$all"}
    assert new.registry("robot$vision+ci", secrets["robot$vision+ci"]).start("vision/a/m").status == 202
    assert Harbor(new.registry("robot$all", secrets["robot$all"])).get("/users").status == 200
    assert new.registry().delete("/v2/vision/a/m/manifests/v1").status == 412
    assert "CONFLICT" in done.stdout, "what is there already is said"


def test_the_matrix_of_roles():
    """The table of the guide is the table of the program, and complete."""
    text = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8").partition("<!-- matrix -->")[2]
    _, _, *rows = [row.strip("|").split("|") for row in text.strip().split("\n\n")[0].splitlines()]
    roles = ("P_LIMITED", "P_GUEST", "P_DEVELOPER", "P_MAINTAINER", "P_ADMIN", "P_ANYBODY")
    told = {name: {role for role, cell in zip(roles, row[1:]) if cell.strip()}
            for row in rows for name in re.findall(r"`([a-z:-]+)`", row[0])}
    table = (ROOT / "src" / "access" / "permissions.def").read_text(encoding="utf-8")
    sets = {name: set(re.findall(r"P_\w+", body)) for name, body in re.findall(r"^#define (P_\w+) \((.*)\)", table, re.M)}
    rule = re.compile(r'^PERMISSION\(\w+, PROJECT, "([^"]+)", "([^"]+)", ([^,]+),', re.M)
    known = {f"{resource}:{action}": set().union(*(sets.get(p, {p}) for p in re.findall(r"P_\w+", who)))
             for resource, action, who in rule.findall(table)}
    assert told == known


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
