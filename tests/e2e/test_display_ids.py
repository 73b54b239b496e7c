# SPDX-License-Identifier: Apache-2.0
"""Display ids: upper case and what OCI forbids, in names of repositories and of projects (src/oci/display.h)."""
import base64
import json
import sqlite3
import urllib.parse

import pytest

from harness.client import env, haven as cli, ok, refused as cli_refused, write  # noqa: F401 (fixtures)
from harness.content import push, small_image
from harness.harbor import Harbor, fresh, refused
from harness.registry import OCI_MANIFEST, digest_of


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def upper_project(harbor, **more):
    """A project with upper case: (number, display name, name)."""
    display = fresh("Qwen")
    number, _ = harbor.add_project(display, **more)
    return number, display, display.lower()


def model(registry, repo, tag="v1"):
    return push(registry, repo, *small_image(), tag)[0]


def twice(name):
    return urllib.parse.quote(urllib.parse.quote(name, safe=""), safe="")


def named(registry, repo, display, tag="named"):
    """Puts a manifest with the header that says what the repository is to be called."""
    document, blobs = small_image()
    for data in blobs.values():
        answer = registry.by_post(repo, data, digest_of(data))
        assert answer.status == 201, answer
    return registry.request("PUT", f"/v2/{repo}/manifests/{tag}", json.dumps(document).encode(),
                            {"Content-Type": OCI_MANIFEST, "Haven-Display-Id": display})


# ---- what is shown ----

def test_shown_everywhere(harbor):
    number, display, name = upper_project(harbor)
    model(harbor.registry, f"{name}/qwen3-8b")
    model(harbor.registry, f"{name}/x--5fdeep/ax--2ex--5fb")
    want = {f"{name}/qwen3-8b": f"{display}/qwen3-8b", f"{name}/x--5fdeep/ax--2ex--5fb": f"{display}/_deep/a._b"}
    project = harbor.json(f"/projects/{number}")
    assert (project["name"], project["display_name"]) == (name, display)
    assert harbor.json("/projects", name=name)[0]["display_name"] == display
    for path in (f"/projects/{name}/repositories", "/repositories"):
        assert {r["name"]: r["display_name"] for r in harbor.json(path, q=f"name=~{name}")} == want
    found = harbor.json("/search", q=display)
    assert {r["repository_name"]: r["display_name"] for r in found["repository"]} == want
    assert [p["display_name"] for p in found["project"]] == [display]
    for repo, shown in want.items():
        assert harbor.json(f"/projects/{name}/repositories/{twice(repo.split('/', 1)[1])}")["display_name"] == shown
    listed = harbor.json(f"/projects/{name}/repositories", q=f"display_name={display}/_deep/a._b")
    assert [r["name"] for r in listed] == [f"{name}/x--5fdeep/ax--2ex--5fb"]


def test_projects_by_any_case(harbor):
    number, display, name = upper_project(harbor)
    for written in (display, name, name.upper()):
        assert harbor.json(f"/projects/{written}")["project_id"] == number
        assert harbor.call("HEAD", f"/projects?project_name={written}").status == 200
        assert harbor.json(f"/projects/{written}/repositories") == []
        refused(harbor.call("POST", "/projects", {"project_name": written}), 409, "CONFLICT")
    assert harbor.registry.request("POST", f"/v2/{display}/m/blobs/uploads/").errors() == ["NAME_INVALID"]
    harbor.delete(f"/projects/{name.upper()}")
    assert harbor.get(f"/projects/{name}").status == 404


def test_projects_with_what_oci_forbids(harbor):
    """The rule is the same for projects: made, found, pushed to, granted to a robot."""
    tail = fresh("d")
    display, name = f"_{tail.upper()}.", f"x--5f{tail}x--2e"
    number, _ = harbor.add_project(display)
    seen = harbor.json(f"/projects/{number}")
    assert (seen["name"], seen["display_name"]) == (name, display)
    for written in (display, display.lower(), name, name.upper()):
        assert harbor.json(f"/projects/{twice(written)}")["project_id"] == number
        assert harbor.call("HEAD", f"/projects?project_name={written}").status == 200
        refused(harbor.call("POST", "/projects", {"project_name": written}), 409, "CONFLICT")
    assert harbor.get(f"/projects/_{tail}").status == 404
    model(harbor.registry, f"{name}/x--2dm")
    assert harbor.json(f"/projects/{display}/repositories/-M")["display_name"] == f"{display}/-m"
    assert harbor.registry.request("GET", f"/v2/{display.lower()}/-m/tags/list").errors() == ["NAME_INVALID"]
    robot = harbor.call("POST", "/robots", {
        "name": fresh("r"), "level": "project", "duration": -1, "permissions": [
            {"kind": "project", "namespace": display, "access": [{"resource": "repository", "action": "pull"}]}]})
    assert robot.status == 201, robot
    assert robot.json()["name"].startswith(f"robot${name}+")


# ---- look-up ----

def test_found_by_display_id(harbor):
    _, display, name = upper_project(harbor)
    digest = model(harbor.registry, f"{name}/qwen3-8b")
    model(harbor.registry, f"{name}/x--5fdeep/ax--2ex--5fb")
    for project in (display, name):
        for repo, full in (("Qwen3-8B", "qwen3-8b"), ("qwen3-8b", "qwen3-8b"), ("_deep/a._b", "x--5fdeep/ax--2ex--5fb"),
                           ("_DEEP/A._B", "x--5fdeep/ax--2ex--5fb"), ("X--5Fdeep/ax--2eX--5FB", None), ("Qwen3-8C", None)):
            answer = harbor.get(f"/projects/{project}/repositories/{twice(repo)}")
            assert answer.status == (200 if full else 404), (repo, answer)
            if full:
                assert answer.json()["name"] == f"{name}/{full}"
    path = f"/projects/{display}/repositories/QWEN3-8B"
    assert [a["digest"] for a in harbor.json(path + "/artifacts")] == [digest]
    assert harbor.json(path + "/artifacts/v1")["digest"] == digest
    harbor.post(path + "/artifacts/v1/tags", {"name": "v2"})
    assert {t["name"] for t in harbor.json(path + "/artifacts/v1/tags")} == {"v1", "v2"}
    harbor.put(path, {"description": "by its display id"})
    assert harbor.json(f"/projects/{name}/repositories/qwen3-8b")["description"] == "by its display id"
    harbor.delete(path)
    assert harbor.get(path).status == 404


def test_a_name_goes_first(harbor):
    """What is the name of one and the display id of another means the first."""
    _, name = harbor.add_project()
    for repo in ("x--78--5f", "x--78--78--5f"):  # displayed as x--5f and x--78--5f
        model(harbor.registry, f"{name}/{repo}")
    for written, repo in (("x--78--5f", "x--78--5f"), ("X--78--5F", "x--78--78--5f"), ("x--5f", "x--78--5f")):
        assert harbor.json(f"/projects/{name}/repositories/{written}")["name"] == f"{name}/{repo}"


def test_nothing_is_told_of_others(harbor):
    """Somebody else's repository under its display id looks as one that is not there."""
    _, display, name = upper_project(harbor)
    model(harbor.registry, f"{name}/secret")
    _, stranger = harbor.add_user()
    stranger.add_project(own := fresh("Own"))
    for method, path, body in (("GET", "", None), ("GET", "/artifacts", None), ("DELETE", "", None),
                               ("PUT", "", {"display_name": f"{display}/Secret"})):
        for project, status in ((display, 403), (own, 404), (fresh("Nobody"), 403)):
            if path and project == own:
                continue
            there, absent = (stranger.call(method, f"/projects/{project}/repositories/{repo}{path}", body)
                             for repo in ("SECRET", "ABSENT"))
            assert there.status == absent.status == status, (there, absent)
            assert there.body.replace(b"SECRET", b"ABSENT") == absent.body
    # Nor does a way lead there through one's own.
    for repo in (f"../{display}/Secret", f"{display}/Secret", f"../{name}/secret"):
        assert stranger.get(f"/projects/{own}/repositories/{twice(repo)}").status == 404
    assert harbor.json(f"/projects/{name}/repositories/secret")["display_name"] == f"{display}/secret"


# ---- changes ----

def test_change(harbor):
    number, display, name = upper_project(harbor)
    model(harbor.registry, f"{name}/qwen3-8b")
    path = f"/projects/{name}/repositories/qwen3-8b"
    harbor.put(path, {"description": "stays"})
    harbor.put(path, {"display_name": f"{name}/Qwen3-8B"})
    seen = harbor.json(path)
    assert (seen["display_name"], seen["description"]) == (f"{display}/Qwen3-8B", "stays")
    assert harbor.json(path.upper().replace("/PROJECTS", "/projects").replace("/REPOSITORIES", "/repositories")) == seen
    entry = harbor.json(f"/projects/{name}/auditlog-exts", sort="-op_time")[0]
    assert (entry["operation"], entry["resource_type"], entry["resource"]) == ("update", "repository", f"{name}/qwen3-8b")
    harbor.put(path, {"display_name": f"{display}/QWEN3-8B", "description": "both"})
    seen = harbor.json(path)
    assert (seen["display_name"], seen["description"]) == (f"{display}/QWEN3-8B", "both")
    harbor.put(path, {"description": "only"})
    assert harbor.json(path)["display_name"] == f"{display}/QWEN3-8B"
    harbor.put(path, {})  # as ever: no description
    seen = harbor.json(path)
    assert seen["display_name"] == f"{display}/QWEN3-8B" and "description" not in seen
    # A push changes nothing of it, and it outlives what the repository holds.
    model(harbor.registry, f"{name}/qwen3-8b", "v2")
    assert harbor.json(path)["display_name"] == f"{display}/QWEN3-8B"


@pytest.mark.parametrize("wrong", ["", "Qwen3-8B", "{display}/Qwen3-8C", "{display}/_qwen3-8b", "other/qwen3-8b", "{display}/",
                                   "{display}/qwen3-8b/", "{display}/../{display}/qwen3-8b",
                                   "{display}/QWEN3-8\u0042\u0308"])
def test_change_refused(harbor, wrong):
    _, display, name = upper_project(harbor)
    model(harbor.registry, f"{name}/qwen3-8b")
    path = f"/projects/{name}/repositories/qwen3-8b"
    answer = harbor.call("PUT", path, {"display_name": wrong.format(display=display), "description": "no"})
    refused(answer, 400, "BAD_REQUEST", "display_name")
    seen = harbor.json(path)
    assert seen["display_name"] == f"{display}/qwen3-8b" and "description" not in seen
    assert harbor.json(f"/projects/{name}/auditlog-exts", q="operation=update,operation_result=true") == []


@pytest.mark.parametrize("role, status", [("guest", 403), ("developer", 200), ("maintainer", 200)])
def test_change_needs_the_permission(harbor, role, status):
    """That for the description."""
    _, display, name = upper_project(harbor)
    model(harbor.registry, f"{name}/m")
    number, user = harbor.add_user()
    harbor.add_member(display, number, role)
    for body in ({"display_name": f"{display}/M"}, {"description": "x"}):
        assert user.call("PUT", f"/projects/{name}/repositories/m", body).status == status


def test_collisions(harbor):
    """Only a name that no display id is written as can be in the way of another one."""
    _, name = harbor.add_project()
    model(harbor.registry, f"{name}/x--2e")  # "." is no display id: it is called as it is named
    assert harbor.json(f"/projects/{name}/repositories/x--2e")["display_name"] == f"{name}/x--2e"
    data = b"the same"
    answer = harbor.registry.by_post(f"{name}/x--78--2e", data, digest_of(data))
    assert answer.status == 409 and f"{name}/x--2e" in answer.body.decode(), answer
    assert harbor.registry.get(f"/v2/{name}/x--78--2e/tags/list").status == 404
    harbor.put(f"/projects/{name}/repositories/x--2e", {"display_name": f"{name}/X--2E"})
    assert harbor.json(f"/projects/{name}/repositories/X--2e")["display_name"] == f"{name}/X--2E"


def test_taken(start):
    """Of a time when nobody looked for collisions."""
    server = start()
    registry = server.registry()
    model(registry, "library/x--78--2e")
    registry.close()
    server.stop()
    with sqlite3.connect(server.data / "haven.db") as base:
        base.execute("UPDATE repository SET display_name = name")
    base.close()
    server.start()
    registry = server.registry()
    harbor = Harbor(registry)
    model(registry, "library/x--2e")
    refused(harbor.call("PUT", "/projects/library/repositories/x--78--2e", {"display_name": "library/X--2E"}), 409,
            "CONFLICT", "display_name")
    assert harbor.json("/projects/library/repositories/x--78--2e")["display_name"] == "library/x--78--2e"
    registry.close()


# ---- pushes that say it ----

def test_header(harbor):
    _, display, name = upper_project(harbor)
    repo = f"{name}/qwen3-8b"
    for wrong in (f"{display}/Qwen3-8C", "Qwen3-8B", "", f"{display}/Qwen3 8B", "/" * 300):
        answer = named(harbor.registry, repo, wrong)
        assert (answer.status, answer.errors()) == (400, ["NAME_INVALID"]) and "Haven-Display-Id" in answer.body.decode()
    assert harbor.registry.tags(repo).json()["tags"] == []
    assert named(harbor.registry, repo, f"{name}/Qwen3-8B").status == 201
    path = f"/projects/{name}/repositories/qwen3-8b"
    assert harbor.json(path)["display_name"] == f"{display}/Qwen3-8B"
    # Who comes later changes nothing.
    assert named(harbor.registry, repo, f"{name}/QWEN3-8B").status == 201
    model(harbor.registry, repo)
    assert harbor.json(path)["display_name"] == f"{display}/Qwen3-8B"
    # A repository that is there already and has never been named.
    model(harbor.registry, f"{name}/x--5fdraft")
    assert named(harbor.registry, f"{name}/x--5fdraft", f"{name}/_Draft").status == 201
    assert harbor.json(f"/projects/{name}/repositories/_draft")["display_name"] == f"{display}/_Draft"


def test_client(harbor, cli, env, haven, tmp_path):
    """A hub's id all the way: pushed, listed, copied and pulled."""
    _, display, name = upper_project(harbor, public=True)
    registry = harbor.registry
    host, secret = haven.address, base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
    write(tmp_path / "docker", {"config.json": json.dumps({"auths": {host: {"auth": secret}}}).encode()})
    folder = write(tmp_path / "m", {"config.json": b"{}", "README.md": b"# m\n"})
    done = ok(cli("push", folder, f"{host}/{display}/Qwen3-8B_:v1"))
    told = f"{display}/Qwen3-8B_ is named {name}/qwen3-8bx--5f in registries"
    assert told in done.stderr and done.stdout.startswith(f"pushed {host}/{display}/Qwen3-8B_:v1\n")
    seen = harbor.json(f"/projects/{display}/repositories/Qwen3-8B_")
    assert (seen["name"], seen["display_name"]) == (f"{name}/qwen3-8bx--5f", f"{display}/Qwen3-8B_")
    done = ok(cli("ls", f"{host}/{display}/Qwen3-8B_"))
    assert "v1" in done.stdout and told in done.stderr
    ok(cli("inspect", f"{host}/{display}/QWEN3-8B_:v1"))
    ok(cli("cp", f"{host}/{display}/Qwen3-8B_:v1", f"{host}/{display}/Copy:v1"))
    assert harbor.json(f"/projects/{name}/repositories/copy")["display_name"] == f"{display}/Copy"
    ok(cli("pull", f"{host}/{display}/Qwen3-8B_:v1", cwd=tmp_path))
    assert (tmp_path / "Qwen3-8B_" / "README.md").read_bytes() == b"# m\n"
    # What is a name of OCI is taken for one, and nothing is said.
    done = ok(cli("ls", f"{host}/{name}/qwen3-8bx--5f"))
    assert "v1" in done.stdout and not done.stderr
    cli_refused(cli("ls", f"{host}/{display}/.."), "NAME_INVALID")
    cli_refused(cli("push", folder, f"{host}/{display}/{'_' * 60}:v1"), "NAME_INVALID", "becomes one of")
