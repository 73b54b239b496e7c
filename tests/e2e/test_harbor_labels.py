# SPDX-License-Identifier: Apache-2.0
"""Labels of the system and of projects, and on artifacts."""
import pytest

from harness.content import push, small_image
from harness.harbor import Harbor, fresh, refused


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def add(harbor, **more):
    body = {"name": fresh("label"), "scope": "g", "color": "#00AB9A", **more}
    made = harbor.post("/labels", body)
    return int(made.get("Location").removeprefix("/api/v2.0/labels/")), body["name"]


@pytest.mark.parametrize("scope", ["g", "p"])
def test_life(harbor, scope):
    project, _ = harbor.add_project()
    where = {"scope": scope, **({"project_id": project} if scope == "p" else {})}
    number, name = add(harbor, description="d", **where)
    seen = harbor.json(f"/labels/{number}")
    assert seen.pop("creation_time") == seen.pop("update_time")
    assert seen == {"id": number, "name": name, "description": "d", "color": "#00AB9A", **where}
    assert [label["id"] for label in harbor.json("/labels", name=name, **where)] == [number]
    other = fresh("renamed")
    harbor.put(f"/labels/{number}", {"name": other, "scope": "g", "project_id": 1})
    changed = harbor.json(f"/labels/{number}")
    assert (changed["name"], changed["scope"]) == (other, scope)  # it stays where it is
    refused(harbor.call("PUT", f"/labels/{number}", {"name": ""}), 400, "BAD_REQUEST", '"name"')
    harbor.delete(f"/labels/{number}")
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        refused(harbor.call(method, f"/labels/{number}", body), 404, "NOT_FOUND")


def test_names_are_unique_within_their_scope(harbor):
    project, _ = harbor.add_project()
    _, name = add(harbor)
    refused(harbor.call("POST", "/labels", {"name": name, "scope": "g"}), 409, "CONFLICT", name)
    add(harbor, name=name, scope="p", project_id=project)
    refused(harbor.call("POST", "/labels", {"name": name, "scope": "p", "project_id": project}), 409, "CONFLICT", name)
    other, _ = add(harbor)
    refused(harbor.call("PUT", f"/labels/{other}", {"name": name}), 409, "CONFLICT", name)


@pytest.mark.parametrize("body, says", [
    ({"name": ""}, '"name"'), ({"name": "x" * 129}, '"name"'), ({"scope": "x"}, '"scope"'), ({"scope": ""}, '"scope"'),
    ({"scope": "p"}, '"project_id"'), ({"scope": "p", "project_id": -1}, '"project_id"'), ({"color": "x" * 33}, '"color"'),
])
def test_labels_that_are_none(harbor, body, says):
    refused(harbor.call("POST", "/labels", {"name": fresh("no"), "scope": "g", **body}), 400, "BAD_REQUEST", says)


def test_lists_name_a_scope(harbor):
    refused(harbor.get("/labels"), 400, "BAD_REQUEST", "scope")
    refused(harbor.get("/labels", scope="p"), 400, "BAD_REQUEST", "project_id")
    refused(harbor.get("/labels", scope="p", project_id="x"), 400, "BAD_REQUEST", "project_id")
    refused(harbor.get("/labels", scope="p", project_id=999999), 404, "NOT_FOUND")
    refused(harbor.get("/labels/abc"), 422, "UNPROCESSABLE_ENTITY", "label_id")
    prefix = fresh("many")
    for i in range(3):
        add(harbor, name=f"{prefix}-{i}")
    page = harbor.get("/labels", scope="g", name=prefix, page_size=2, sort="-name")
    assert [label["name"] for label in page.json()] == [f"{prefix}-2", f"{prefix}-1"] and page.get("X-Total-Count") == "3"


def test_who_may(harbor, anonymous):
    nobody = Harbor(anonymous)
    number, name = add(harbor)
    assert nobody.json(f"/labels/{number}")["name"] == name  # those of the system are there for all
    assert nobody.get("/labels", scope="g").status == 200
    may = {None: "", "limitedGuest": "", "guest": "r", "developer": "r", "maintainer": "rw", "projectAdmin": "rw"}
    project, project_name = harbor.add_project()
    label, _ = add(harbor, scope="p", project_id=project)
    for role, deeds in may.items():
        user_number, user = harbor.add_user()
        if role:
            harbor.add_member(project_name, user_number, role)
        reads, writes = (200 if "r" in deeds else 403), (200 if "w" in deeds else 403)
        assert user.get(f"/labels/{label}").status == reads, role
        assert user.get("/labels", scope="p", project_id=project).status == reads, role
        assert user.call("PUT", f"/labels/{label}", {"name": fresh("l")}).status == writes, role
        made = user.call("POST", "/labels", {"name": fresh("l"), "scope": "p", "project_id": project})
        assert made.status == (201 if "w" in deeds else 403), role
        for method, body in (("PUT", {"name": "x"}), ("DELETE", None)):
            refused(user.call(method, f"/labels/{number}", body), 403, "FORBIDDEN")
        refused(user.call("POST", "/labels", {"name": "x", "scope": "g"}), 403, "FORBIDDEN")
        there, absent = user.call("DELETE", f"/labels/{label}") if not deeds else None, user.call("DELETE", "/labels/999999")
        assert absent.status == 403 and (there is None or (there.status, there.body) == (absent.status, absent.body))
    for method, path, body in (("POST", "/labels", {"name": "x", "scope": "g"}), ("GET", f"/labels/{label}", None),
                               ("DELETE", f"/labels/{number}", None), ("GET", f"/labels?scope=p&project_id={project}", None)):
        refused(nobody.call(method, path, body), 401, "UNAUTHORIZED")


def test_on_artifacts(harbor):
    project, name = harbor.add_project()
    other, _ = harbor.add_project()
    path = f"/projects/{name}/repositories/m/artifacts"
    digests = [push(harbor.registry, f"{name}/m", *small_image(), tag)[0] for tag in ("v1", "v2")]
    first, _ = add(harbor)
    second, second_name = add(harbor, scope="p", project_id=project)
    foreign, _ = add(harbor, scope="p", project_id=other)
    for label in (first, second):
        harbor.post(f"{path}/v1/labels", {"id": label}, status=200)
    harbor.post(f"{path}/{digests[1]}/labels", {"id": second}, status=200)
    refused(harbor.call("POST", f"{path}/v1/labels", {"id": first}), 409, "CONFLICT")
    for label in (foreign, 999999):
        refused(harbor.call("POST", f"{path}/v1/labels", {"id": label}), 404, "NOT_FOUND")
    refused(harbor.call("POST", f"{path}/v9/labels", {"id": first}), 404, "NOT_FOUND")
    assert harbor.json(f"{path}/v1")["labels"] is None
    shown = harbor.json(f"{path}/v1", with_label="true")["labels"]
    assert [label["id"] for label in shown] == [first, second] and shown[1]["name"] == second_name

    def found(q):
        return {a["digest"] for a in harbor.json(path, q=q)}

    assert found(f"labels=({first})") == {digests[0]}
    assert found(f"labels=({first} {second})") == {digests[0]}
    assert found(f"labels=({second})") == set(digests)
    assert found(f"labels={{{first} {second}}}") == set(digests)
    number, user = harbor.add_user()
    harbor.add_member(name, number, "guest")
    refused(user.call("POST", f"{path}/v1/labels", {"id": first}), 403, "FORBIDDEN")
    refused(user.call("DELETE", f"{path}/v1/labels/{first}"), 403, "FORBIDDEN")
    harbor.delete(f"{path}/v1/labels/{first}")
    refused(harbor.call("DELETE", f"{path}/v1/labels/{first}"), 404, "NOT_FOUND")
    harbor.delete(f"/labels/{second}")  # takes itself off
    assert harbor.json(f"{path}/v1", with_label="true")["labels"] is None
    assert harbor.get(f"{path}/v1").status == 200
