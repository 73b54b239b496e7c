# SPDX-License-Identifier: Apache-2.0
"""Repositories through Harbor's API, and the counting of pulls."""
import urllib.parse

import pytest

from harness.content import artifact, push, small_image
from harness.harbor import Harbor, fresh, refused
from harness.registry import OCI_MANIFEST
from harness.server import wait_until
from harness.showcase import chat_model, model, transformer


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def push_model(registry, repo, tag="v1"):
    document, blobs = small_image()
    return push(registry, repo, document, blobs, tag)[0]


def twice(name):
    return urllib.parse.quote(urllib.parse.quote(name, safe=""), safe="")


def test_life(harbor):
    project, name = harbor.add_project()
    digest = push_model(harbor.registry, f"{name}/llm/tiny")
    path = f"/projects/{name}/repositories/{twice('llm/tiny')}"
    seen = harbor.json(path)
    created, updated = seen.pop("creation_time"), seen.pop("update_time")
    assert created <= updated
    assert seen.pop("id") > 0
    assert seen == {"project_id": project, "name": f"{name}/llm/tiny", "display_name": f"{name}/llm/tiny", "artifact_count": 1,
                    "type": "IMAGE", "model": False}
    harbor.put(path, {"description": "# Tiny", "pull_count": 7, "name": "x"})
    seen = harbor.json(path)
    assert (seen["description"], seen["name"]) == ("# Tiny", f"{name}/llm/tiny") and "pull_count" not in seen
    assert seen["update_time"] >= updated
    harbor.delete(path)
    for method in ("GET", "PUT", "DELETE"):
        refused(harbor.call(method, path, {} if method == "PUT" else None), 404, "NOT_FOUND")
    assert harbor.registry.manifest(f"{name}/llm/tiny", digest).status == 404
    assert harbor.registry.tags(f"{name}/llm/tiny").status == 404
    harbor.delete(f"/projects/{name}")


def test_kinds(harbor):
    """A repository is what its newest artifact is; models are told apart once they were read."""
    _, name = harbor.add_project()
    document, blobs = chat_model("Told", 1)
    digest, data = push(harbor.registry, f"{name}/told", document, blobs, "v1")
    document, blobs = artifact("application/vnd.acme.thing.config.v1+json", layers=[transformer(1)])
    document["layers"][0]["annotations"] = {"org.opencontainers.image.title": "a.safetensors"}
    push(harbor.registry, f"{name}/plain", document, blobs, "v1")
    push(harbor.registry, f"{name}/set", *model({"data/train.csv": b"a,b\n1,2\n"}, name="set"), "v1")
    push_model(harbor.registry, f"{name}/image")

    def kinds(**query):
        found = harbor.json(f"/projects/{name}/repositories", sort="name", **query)
        return {r["name"].partition("/")[2]: (r["type"], r["model"]) for r in found}

    wait_until(lambda: len(kinds(q="model=true")) == 3)
    assert kinds() == {"told": ("CNAI", True), "plain": ("THING", True), "set": ("CNAI", True),
                       "image": ("IMAGE", False)}
    assert set(kinds(q="model=true")) == {"told", "plain", "set"} and set(kinds(q="model=false")) == {"image"}
    assert set(kinds(q="type=CNAI")) == {"told", "set"} and set(kinds(q="model=false,name=~told")) == set()
    assert [r["type"] for r in harbor.json(f"/projects/{name}/repositories", sort="-type")] == ["THING", "IMAGE", "CNAI", "CNAI"]
    # what is about the model is not what the repository is; an image that is pushed later is
    subject = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(data)}
    push(harbor.registry, f"{name}/told", *artifact("application/x-note", subject))
    assert kinds()["told"] == ("CNAI", True)
    push_model(harbor.registry, f"{name}/told", "image")
    assert kinds()["told"] == ("IMAGE", False)
    refused(harbor.get(f"/projects/{name}/repositories", q="model=perhaps"), 400, "BAD_REQUEST", "model")


def test_accessories_are_not_counted(harbor):
    _, name = harbor.add_project()
    document, blobs = small_image()
    digest, data = push(harbor.registry, f"{name}/m", document, blobs, "v1")
    document, blobs = artifact("application/x-note", {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(data)})
    push(harbor.registry, f"{name}/m", document, blobs)
    assert harbor.json(f"/projects/{name}/repositories/m")["artifact_count"] == 1


def test_a_deleted_repository_takes_everything_along(harbor):
    """More artifacts than go in one transaction; a digest of it grants nothing afterwards."""
    _, name = harbor.add_project()
    document, blobs = small_image()
    for i in range(120):
        push(harbor.registry, f"{name}/many", {**document, "annotations": {"n": str(i)}}, blobs, f"t{i}")
    push_model(harbor.registry, f"{name}/other")
    assert harbor.json(f"/projects/{name}/repositories/many")["artifact_count"] == 120
    harbor.delete(f"/projects/{name}/repositories/many")
    assert harbor.registry.blob(f"{name}/many", next(iter(blobs))).status == 404
    assert [r["name"] for r in harbor.json(f"/projects/{name}/repositories")] == [f"{name}/other"]


def test_lists(harbor, anonymous):
    public, private = fresh("pub"), fresh("priv")
    harbor.add_project(public, public=True)
    harbor.add_project(private)
    for project in (public, private):
        for repo in ("alpha", "beta/gamma"):
            push_model(harbor.registry, f"{project}/{repo}")

    def names(who, path, **query):
        return [r["name"] for r in who.json(path, **query)]

    assert names(harbor, f"/projects/{public}/repositories") == [f"{public}/beta/gamma", f"{public}/alpha"]  # newest first
    assert names(harbor, f"/projects/{public}/repositories", sort="name") == [f"{public}/alpha", f"{public}/beta/gamma"]
    assert names(harbor, f"/projects/{public}/repositories", q="name=~GAMMA") == [f"{public}/beta/gamma"]
    page = harbor.get(f"/projects/{public}/repositories", page_size=1)
    assert page.get("X-Total-Count") == "2" and 'rel="next"' in page.get("Link")
    nobody, (number, user) = Harbor(anonymous), harbor.add_user()
    assert names(nobody, f"/projects/{public}/repositories", sort="name") == [f"{public}/alpha", f"{public}/beta/gamma"]
    refused(nobody.get(f"/projects/{private}/repositories"), 401, "UNAUTHORIZED")
    refused(user.get(f"/projects/{private}/repositories"), 403, "FORBIDDEN")
    for who, sees in ((nobody, False), (user, False), (harbor, True)):
        everything = names(who, "/repositories", q="name=~alpha", page_size=100)
        assert f"{public}/alpha" in everything and (f"{private}/alpha" in everything) == sees
    harbor.add_member(private, number, "limitedGuest")
    assert names(user, "/repositories", q=f"name={private}/alpha") == [f"{private}/alpha"]
    refused(nobody.get("/repositories?page_size=1000"), 422, "UNPROCESSABLE_ENTITY")


def test_who_may(harbor, anonymous):
    _, name = harbor.add_project(public=True)
    push_model(harbor.registry, f"{name}/m")
    path = f"/projects/{name}/repositories/m"
    may = {None: "", "limitedGuest": "G", "guest": "G", "developer": "GP", "maintainer": "GPD", "projectAdmin": "GPD"}
    for role, deeds in may.items():
        number, user = harbor.add_user()
        if role:
            harbor.add_member(name, number, role)
        for letter, method in (("G", "GET"), ("P", "PUT"), ("D", "DELETE")):
            if letter == "D" and "D" in deeds:
                continue
            answer = user.call(method, path, {"description": "d"} if method == "PUT" else None)
            assert answer.status == (200 if letter in deeds else 403), (role, method)
        if "D" in deeds:
            user.delete(path)
            push_model(harbor.registry, f"{name}/m")
    refused(Harbor(anonymous).get(path), 401, "UNAUTHORIZED")  # a public project shows the list, not the single one
    _, stranger = harbor.add_user()
    _, private = harbor.add_project()
    push_model(harbor.registry, f"{private}/m")
    there, absent = (stranger.get(f"/projects/{p}/repositories/m") for p in (private, "no-such-project"))
    assert (there.status, there.body) == (absent.status, absent.body) and there.status == 403


def test_pulls_are_counted(start):
    server = start()
    harbor = Harbor(server.registry())
    harbor.add_project("team")
    digest = push_model(harbor.registry, "team/m")
    path = "/projects/team/repositories/m"
    for _ in range(3):
        assert harbor.registry.manifest("team/m", "v1").status == 200
    assert harbor.registry.manifest("team/m", digest).status == 200
    assert harbor.registry.head("/v2/team/m/manifests/v1").status == 200  # looks, and pulls not
    assert harbor.registry.get("/v2/team/m/manifests/v1", user_agent="harbor-registry-client").status == 200
    wait_until(lambda: harbor.json(path).get("pull_count") == 4, what="the count")
    assert harbor.registry.manifest("team/m", "v1").status == 200
    server.restart()  # nothing is lost when it stops in order
    harbor = Harbor(server.registry())
    assert harbor.json(path)["pull_count"] == 5
    harbor.registry.close()
