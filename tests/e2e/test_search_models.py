# SPDX-License-Identifier: Apache-2.0
"""Search for models: facets, words, pages, who sees what, what follows changes, and its database that may be lost."""
import base64
import contextlib
import json
import os
import sqlite3
import time
import urllib.parse

import numpy
import pytest
from safetensors.numpy import save

from harness.client import env, ok, write  # noqa: F401
from harness.client import refused as refused_command
from harness.content import artifact, descriptor, push, small_image
from harness.harbor import Harbor, fresh, refused
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import PASSWORD, USER, wait_until
from harness.server import haven as command

MODELPACK = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
FACETS = {"architecture", "family", "task", "format", "precision", "quantization", "license", "language", "library",
          "base_model", "project", "label"}
FOREVER = 180


def weights(count, dtype=numpy.float32):
    return save({"w": numpy.zeros(count, dtype=dtype)})


def model(card="", count=10, dtype=numpy.float32, **said):
    """A ModelPack: (document, blobs). said: members of its configuration."""
    descriptive = {k: said.pop(k) for k in ("name", "title", "description", "family") if k in said}
    config = json.dumps({"descriptor": descriptive, "config": said,
                         "modelfs": {"type": "layers", "diffIds": []}}).encode()
    layers = []
    for kind, path, data in (("weight", "model.safetensors", weights(count, dtype)), ("doc", "README.md", card.encode())):
        layers.append((descriptor(data, f"application/vnd.cncf.model.{kind}.v1.raw",
                                  annotations={"org.cncf.model.filepath": path}), data))
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": MODELPACK, "config": descriptor(config, CONFIG),
            "layers": [one for one, _ in layers]}, {digest_of(data): data for data in (config, *(b for _, b in layers))}


def card(text="", **front):
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]
    return "---\n" + "\n".join(lines) + "\n---\n" + text


def found(harbor, **query):
    """Names of the repositories, in order."""
    query.setdefault("page_size", 100)
    answer = harbor.get("/models?" + urllib.parse.urlencode(query, doseq=True))
    assert answer.status == 200, answer
    assert int(answer.get("X-Total-Count")) >= len(answer.json())
    return [m["repository"] for m in answer.json()]


def one(harbor, name, **query):
    """What is shown of a repository's only model; None: it is not found."""
    rows = [m for m in harbor.json("/models", page_size=100, project=name.split("/")[0], **query)
            if m["repository"] == name]
    return rows[0] if rows else None


def until_found(harbor, name, **query):
    return wait_until(lambda: one(harbor, name, **query), what=f"{name} with {query}")


def until_gone(harbor, name, **query):
    wait_until(lambda: one(harbor, name, **query) is None, what=f"{name} without {query}")


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


# ---- what is found ----

@pytest.fixture
def zoo(harbor):
    """Three models that differ in everything: (project, names)."""
    number, project = harbor.add_project()
    rows = {
        "alpha": model(card("Speaks with whales.", license="mit", language=["en", "de"], library_name="transformers",
                            base_model="Qwen/Qwen3-0.6B", pipeline_tag="text-generation", tags=["whale"]), count=100,
                       family="qwen3", architecture="transformer", title="Der große Wal", name="whale"),
        "beta": model(card("Paints.", license="apache-2.0", language=["en"], library_name="diffusers",
                           pipeline_tag="text-to-image"), count=2000, dtype=numpy.float16, family="sdxl",
                      architecture="cnn", quantization="awq", description="pictures of boats"),
        "gamma": model(card("模型 listens.", license="mit", language=["zh"], pipeline_tag="text-generation"), count=30,
                       family="qwen3", architecture="transformer"),
    }
    for name, made in rows.items():
        push(harbor.registry, f"{project}/{name}", *made, "v1")
    for name in rows:
        until_found(harbor, f"{project}/{name}")
    return number, project


def test_all_that_is_shown(harbor, zoo):
    alpha = one(harbor, f"{zoo[1]}/alpha")
    digest = harbor.json(f"/projects/{zoo[1]}/repositories/alpha/artifacts/v1")["digest"]
    assert alpha.pop("update_time") > "2026" and alpha.pop("size") > 400
    assert alpha == {
        "project": zoo[1], "repository": f"{zoo[1]}/alpha", "digest": digest, "tags": ["v1"], "title": "Der große Wal",
        "form": "modelpack", "architecture": "transformer", "family": "qwen3", "task": "text-generation",
        "format": "safetensors", "precision": "float32", "parameters": 100, "licenses": ["MIT"], "languages": ["en", "de"],
        "library": "transformers", "base_models": ["Qwen/Qwen3-0.6B"], "labels": None, "pulls": alpha["pulls"]} | (
        {"description": alpha["description"]} if "description" in alpha else {})
    beta = one(harbor, f"{zoo[1]}/beta")
    assert (beta["description"], beta["quantization"], beta["precision"]) == ("pictures of boats", "awq", "float16")


@pytest.mark.parametrize("query, names", [
    ({"architecture": "cnn"}, ["beta"]), ({"family": "qwen3"}, ["alpha", "gamma"]), ({"family": "QWEN3"}, ["alpha", "gamma"]),
    ({"task": "text-to-image"}, ["beta"]), ({"format": "safetensors"}, ["alpha", "beta", "gamma"]),
    ({"precision": "float16"}, ["beta"]), ({"quantization": "awq"}, ["beta"]), ({"license": "MIT"}, ["alpha", "gamma"]),
    ({"license": "MIT,Apache-2.0"}, ["alpha", "beta", "gamma"]), ({"license": ["MIT", "Apache-2.0"]}, ["alpha", "beta", "gamma"]),
    ({"language": "de"}, ["alpha"]), ({"language": "en", "license": "MIT"}, ["alpha"]), ({"library": "diffusers"}, ["beta"]),
    ({"base_model": "Qwen/Qwen3-0.6B"}, ["alpha"]), ({"license": "nothing"}, []), ({"label": "nothing"}, []),
    ({"license": ",,"}, ["alpha", "beta", "gamma"]), ({"license": " mit , nothing"}, ["alpha", "gamma"]),
    ({"min_parameters": 100}, ["alpha", "beta"]), ({"max_parameters": 100}, ["alpha", "gamma"]),
    ({"min_parameters": 30, "max_parameters": 30}, ["gamma"]), ({"min_parameters": 31, "max_parameters": 99}, []),
    ({"q": "whales"}, ["alpha"]), ({"q": "WHALES"}, ["alpha"]), ({"q": "wha"}, ["alpha"]), ({"q": "hales"}, []),
    ({"q": "grosse wal"}, []), ({"q": "große wal"}, ["alpha"]), ({"q": "boats"}, ["beta"]), ({"q": "模型"}, ["gamma"]),
    ({"q": "qwen3"}, ["alpha", "gamma"]), ({"q": "qwen3 whale"}, ["alpha"]), ({"q": "qwen3 boats"}, []),
    ({"q": "Qwen3-0.6B"}, ["alpha"]), ({"q": "gam"}, ["gamma"]), ({"q": "mit transformer"}, ["alpha", "gamma"]),
    ({"q": "  "}, ["alpha", "beta", "gamma"]), ({"q": "!!"}, []), ({"q": "qwen3", "language": "zh"}, ["gamma"]),
])
def test_narrowing(harbor, zoo, query, names):
    assert sorted(found(harbor, project=zoo[1], **query)) == [f"{zoo[1]}/{n}" for n in names]
    counts = harbor.json("/models/facets?" + urllib.parse.urlencode({"project": zoo[1], **query}, doseq=True))
    assert counts["total"] == len(names) and not counts["more"] and counts["complete"]


def test_orders(harbor, zoo):
    names = lambda **query: [n.split("/")[1] for n in found(harbor, project=zoo[1], **query)]  # noqa: E731
    assert names(sort="name") == ["alpha", "beta", "gamma"] == names(sort="-name")[::-1]
    assert names(sort="parameters") == ["gamma", "alpha", "beta"] == names(sort="-parameters")[::-1]
    assert names(sort="-size") == ["beta", "alpha", "gamma"] and names(sort="size") == ["gamma", "alpha", "beta"]
    assert names() == names(sort="-update") == names(sort="update")[::-1] == ["gamma", "beta", "alpha"]
    # Words in the name come first.
    push(harbor.registry, f"{zoo[1]}/whale", *model(card("Nothing.")), "v1")
    until_found(harbor, f"{zoo[1]}/whale")
    push(harbor.registry, f"{zoo[1]}/later", *model(card("A whale's friend.")), "v1")
    until_found(harbor, f"{zoo[1]}/later")
    assert names(q="whale")[-1] == "later" and set(names(q="whale")[:-1]) == {"alpha", "whale"}


def test_facets(harbor, zoo):
    def counts(**query):
        answer = harbor.json("/models/facets", project=zoo[1], **query)
        return {k: {v["value"]: v["count"] for v in values or []} for k, values in answer.items() if k in FACETS}
    full = counts()
    assert full == {
        "architecture": {"transformer": 2, "cnn": 1}, "family": {"qwen3": 2, "sdxl": 1},
        "task": {"text-generation": 2, "text-to-image": 1}, "format": {"safetensors": 3},
        "precision": {"float32": 2, "float16": 1}, "quantization": {"awq": 1}, "license": {"MIT": 2, "Apache-2.0": 1},
        "language": {"en": 2, "de": 1, "zh": 1}, "library": {"transformers": 1, "diffusers": 1},
        "base_model": {"Qwen/Qwen3-0.6B": 1}, "project": {zoo[1]: 3}, "label": {}}
    assert counts(q="whales")["language"] == {"en": 1, "de": 1}
    # Without a filter the counts are kept ones, of all projects: they are not smaller.
    everywhere = harbor.json("/models/facets")
    assert {v["value"]: v["count"] for v in everywhere["project"]}.get(zoo[1], 3) == 3
    assert not everywhere["more"] and everywhere["total"] >= 3


def test_what_is_no_model(harbor, project):
    push(harbor.registry, f"{project}/image", *small_image(), "v1")
    push(harbor.registry, f"{project}/thing", *artifact("application/x-thing"), "v1")
    digest, _ = push(harbor.registry, f"{project}/model", *model(), "v1")
    until_found(harbor, f"{project}/model")
    assert found(harbor, project=project) == [f"{project}/model"]
    # One entry however many tags, and none without.
    for tag in ("v2", "v3"):
        harbor.post(f"/projects/{project}/repositories/model/artifacts/{digest}/tags", {"name": tag})
    wait_until(lambda: one(harbor, f"{project}/model")["tags"] == ["v1", "v2", "v3"])
    assert found(harbor, project=project) == [f"{project}/model"]


# ---- nothing of a caller is syntax ----

@pytest.mark.parametrize("text", [
    '"', '""', '"a', 'a"b', "*", "a*", '" OR *', '" OR "', "whale OR boats", "whale NEAR boats", "NEAR(whale boats, 5)",
    "name:whale", "{name about}:whale", "^whale", "whale + boats", "-whale", "NOT whale", "whale AND", "AND", "(", ")", "((((",
    "'; DROP TABLE words; --", "words MATCH 'x'", "\\", "%", "_", "\ufffe", "\U0001f40b", "—", "a" * 255,
    " ".join("abcdefghijklmnopqrstuvwxyz"), "- - -", "1e999", "0x10", "..", "/../", "\u202ewhale", "a\u061fb", "\u0e4fwhale\u0e4f", "ﬁ", "İ", "\u0301"])
def test_text_is_text(harbor, zoo, text):
    rows = found(harbor, project=zoo[1], q=text)
    counts = harbor.json("/models/facets", project=zoo[1], q=text)
    assert counts["total"] == len(rows) and counts["complete"]
    # Words of FTS5 that are no words of any model: were they syntax, something would be found.
    if text.split() and text.split()[0] in ("whale", "NOT") and len(text.split()) > 1 and text != "whale + boats":
        assert rows == []
    for facet in FACETS - {"project"}:
        assert found(harbor, project=zoo[1], **{facet: text}) in ([], found(harbor, project=zoo[1]))


def test_wrong_questions(harbor):
    for query in ({"sort": "x"}, {"sort": "-"}, {"sort": "--name"}, {"min_parameters": "x"}, {"min_parameters": -1},
                  {"max_parameters": "1e3"}, {"page": 0}, {"page_size": 101}, {"q": "a" * 256},
                  {"license": ",".join(f"l{i}" for i in range(65))}):
        refused(harbor.get("/models", **query), 422, "UNPROCESSABLE_ENTITY", next(iter(query)))
        if "page" not in next(iter(query)):
            refused(harbor.get("/models/facets", **query), 422, "UNPROCESSABLE_ENTITY", next(iter(query)))
    assert harbor.json("/models", page=2**31 - 1) == []
    for text in ("a\tb", "\x01", "a\nb", "\x7f"):
        assert harbor.get("/models", q=text).status in (200, 400)


def test_pages(harbor, project):
    for i in range(23):
        push(harbor.registry, f"{project}/m{i:02d}", *model(count=1 + i % 3, name=f"n{i}"), "v1")
    wait_until(lambda: len(found(harbor, project=project)) == 23)
    for sort in ("name", "-name", "parameters", "-parameters", "size", "-update", "-pulls", "relevance"):
        rows, page = [], 1
        while True:
            answer = harbor.get("/models", project=project, sort=sort, page=page, page_size=5)
            assert answer.get("X-Total-Count") == "23" and answer.get("Haven-Search-Complete") == "true"
            rows += [m["repository"] for m in answer.json()]
            assert ('rel="prev"' in answer.get("Link", "")) == (page > 1)
            if 'rel="next"' not in answer.get("Link", ""):
                break
            page += 1
        assert len(rows) == 23 == len(set(rows)) and page == 5, sort
        assert rows == found(harbor, project=project, sort=sort)
    assert found(harbor, project=project, page=6, page_size=5) == []


# ---- who sees what ----

def test_who_sees_what(harbor, anonymous):
    word = fresh("unseen").replace("-", "")
    places = {}
    for kind in ("private", "public", "other"):
        number, name = harbor.add_project(public=kind == "public")
        push(harbor.registry, f"{name}/m", *model(card(f"{word} here."), family=f"{word}-{kind}"), "v1")
        until_found(harbor, f"{name}/m")
        places[kind] = number, name

    def seen(caller):
        rows = found(caller, q=word)
        counts = caller.json("/models/facets", q=word)
        families = {v["value"] for v in counts["family"] or []}
        assert counts["total"] == len(rows)
        assert {v["value"] for v in counts["project"] or []} == {r.split("/")[0] for r in rows}
        assert families == {f"{word}-{kind}" for kind, (_, name) in places.items() if f"{name}/m" in rows}
        everything = caller.json("/models/facets")
        assert all(v["value"] in {name for _, name in places.values()} or True for v in everything["project"] or [])
        hidden = {f"{word}-{kind}" for kind, (_, name) in places.items() if f"{name}/m" not in rows}
        assert not hidden & {v["value"] for v in caller.json("/models/facets", family=",".join(hidden))["family"] or []}
        return {kind for kind, (_, name) in places.items() if f"{name}/m" in rows}

    assert seen(harbor) == {"private", "public", "other"}
    assert seen(Harbor(anonymous)) == {"public"}
    for role in ("limitedGuest", "guest", "developer", "maintainer", "projectAdmin"):
        number, user = harbor.add_user()
        assert seen(user) == {"public"}
        member = harbor.add_member(places["private"][0], number, role).get("Location")
        assert seen(user) == {"private", "public"}
        harbor.delete("/" + member.split("/api/v2.0/")[1])
        assert seen(user) == {"public"}
    number, user = harbor.add_user()
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    assert seen(user) == {"private", "public", "other"}

    def robot(level, *rights):
        made = harbor.post("/robots", {"name": fresh("seer"), "level": level, "duration": -1, "permissions": [
            {"kind": kind, "namespace": place, "access": [{"resource": r, "action": a} for r, a in access]}
            for kind, place, access in rights]}).json()
        return Harbor(harbor.registry.clone(user=made["name"], password=made["secret"]))

    reading = [("artifact", "list"), ("artifact-addition", "read")]
    mine = places["private"][1]
    assert seen(robot("project", ("project", mine, reading))) == {"private", "public"}
    assert seen(robot("project", ("project", mine, reading[:1]))) == {"public"}
    assert seen(robot("project", ("project", mine, [("tag", "list")]))) == {"public"}
    assert seen(robot("system", ("project", "*", reading))) == {"private", "public", "other"}
    assert seen(robot("system", ("project", mine, reading), ("project", places["other"][1], [("tag", "list")]))) == \
        {"private", "public"}
    # Who may list projects may not read what is in them.
    assert seen(robot("system", ("system", "/", [("project", "list")]))) == {"public"}
    # A project that is shut is hidden at once.
    harbor.put(f"/projects/{places['public'][1]}", {"metadata": {"public": "false"}})
    assert seen(Harbor(anonymous)) == set()
    assert found(harbor, project=places["public"][1]) == [f"{places['public'][1]}/m"]


def test_a_digest_grants_nothing(start):
    """A repository that does not hold the content of a manifest is told nothing of what others hold."""
    server = start(config={"registry.sparse": "any"})
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        _, poor = harbor.add_project()
        document, blobs = model(family="secretive")
        push(registry, "library/rich", document, blobs, "v1")
        until_found(harbor, "library/rich")
        body = json.dumps(document).encode()
        assert registry.request("PUT", f"/v2/{poor}/m/manifests/v1", body=body,
                                headers={"Content-Type": OCI_MANIFEST}).status == 201
        time.sleep(1.5)
        assert found(harbor, project=poor) == []
        # As soon as it has the content, it is a model there, too.
        for digest in blobs:
            answer = registry.request("POST", f"/v2/{poor}/m/blobs/uploads/?mount={digest}&from=library/rich")
            assert answer.status == 201, answer
        assert until_found(harbor, f"{poor}/m")["family"] == "secretive"


# ---- what follows changes ----

def test_changes_are_followed(harbor, project):
    digest, _ = push(harbor.registry, f"{project}/m", *model(card("First.")), "v1")
    name, at = f"{project}/m", f"/projects/{project}/repositories/m"
    until_found(harbor, name)
    assert one(harbor, name, q="lighthouse") is None

    # The description of the repository.
    harbor.put(at, {"description": "about a lighthouse"})
    until_found(harbor, name, q="lighthouse")
    harbor.put(at, {"description": "about nothing"})
    until_gone(harbor, name, q="lighthouse")

    # Labels: put on, renamed, taken away with the label.
    number = harbor.json("/projects/" + project)["project_id"]
    label = int(harbor.post("/labels", {"name": "stable", "scope": "p", "project_id": number}).get("Location").rsplit("/", 1)[1])
    harbor.post(f"{at}/artifacts/v1/labels", {"id": label}, status=200)
    assert until_found(harbor, name, label="stable")["labels"] == ["stable"]
    harbor.put(f"/labels/{label}", {"name": "renamed", "scope": "p", "project_id": number})
    until_found(harbor, name, label="renamed", q="renamed")
    assert one(harbor, name, label="stable") is None
    harbor.delete(f"{at}/artifacts/v1/labels/{label}")
    until_gone(harbor, name, label="renamed")
    harbor.post(f"{at}/artifacts/v1/labels", {"id": label}, status=200)
    until_found(harbor, name, label="renamed")
    harbor.delete(f"/labels/{label}")
    until_gone(harbor, name, label="renamed")
    assert harbor.json("/models/facets", project=project)["label"] is None

    # Tags: another, moved, the last one.
    harbor.post(f"{at}/artifacts/{digest}/tags", {"name": "extra"})
    until_found(harbor, name, q="extra")
    other, _ = push(harbor.registry, name, *model(card("Second."), family="moved"), "v1")
    wait_until(lambda: {m["digest"]: m["tags"] for m in harbor.json("/models", project=project)} ==
               {digest: ["extra"], other: ["v1"]})
    harbor.delete(f"{at}/artifacts/{digest}/tags/extra")
    wait_until(lambda: [m["digest"] for m in harbor.json("/models", project=project)] == [other])

    # The artifact, the repository.
    harbor.delete(f"{at}/artifacts/{other}")
    until_gone(harbor, name)
    push(harbor.registry, name, *model(card("Third.")), "v1")
    until_found(harbor, name)
    harbor.delete(at)
    until_gone(harbor, name)
    assert found(harbor, project=project) == [] and harbor.json("/models/facets", project=project)["total"] == 0
    harbor.delete(f"/projects/{project}")


def test_pulls(start):
    """Counts of pulls come a minute later at most; whether a task waits for them is seen at once."""
    server = start()
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        for name in ("a", "b"):
            push(registry, f"library/{name}", *model(name=name), "v1")
            until_found(harbor, f"library/{name}")
        for _ in range(3):
            assert registry.get("/v2/library/a/manifests/v1").status == 200
        waiting = wait_until(lambda: server.facts(
            "SELECT due_ms, created_ms FROM task WHERE kind = 'search' AND subject % 8 = 4"))
        assert len(waiting) == 1 and waiting[0][0] - waiting[0][1] == 60000
        assert one(harbor, "library/a")["pulls"] == 0
    server.stop()
    with contextlib.closing(server.database()) as db:  # as a minute later
        db.execute("UPDATE task SET due_ms = 1 WHERE kind = 'search'")
        db.commit()
    server.start()
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        wait_until(lambda: one(harbor, "library/a")["pulls"] == 3)
        assert found(harbor, sort="-pulls") == ["library/a", "library/b"]
        assert found(harbor, sort="pulls") == ["library/b", "library/a"]
        assert found(harbor, q="safetensors") == ["library/a", "library/b"]


def queue(harbor, action=None):
    if action:
        harbor.put("/jobservice/queues/MODEL_SEARCH", {"action": action})
    return next(q for q in harbor.json("/jobservice/queues") if q["job_type"] == "MODEL_SEARCH")


def test_its_queue_rests_and_goes_on(start):
    server = start()
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        push(registry, "library/before", *model(), "v1")
        until_found(harbor, "library/before")
        assert queue(harbor, "pause")["paused"]
        push(registry, "library/after", *model(name="after"), "v1")
        wait_until(lambda: harbor.json("/projects/library/repositories/after/artifacts/v1/model")["state"] == "read")
        time.sleep(1.5)
        assert found(harbor) == ["library/before"] and queue(harbor)["count"] > 0
    server.restart(crash=True)
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        time.sleep(1.5)
        assert found(harbor) == ["library/before"] and queue(harbor)["paused"]
        assert "paused" in queue(harbor, "resume")
        until_found(harbor, "library/after")
        wait_until(lambda: queue(harbor).get("count", 0) == 0)


def test_what_was_stopped_is_not_forgotten(start):
    """Nobody would ask for it again: it is done when the queue goes on, or after the next start."""
    server = start()
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        for name, on in (("one", lambda: queue(harbor, "resume")), ("two", server.restart)):
            queue(harbor, "pause")
            push(registry, f"library/{name}", *model(name=name), "v1")
            wait_until(lambda at=name: harbor.json(f"/projects/library/repositories/{at}/artifacts/v1/model")["state"] == "read")
            queue(harbor, "stop")
            assert queue(harbor).get("count", 0) == 0 and f"library/{name}" not in found(harbor)
            on()
            if name == "one":
                until_found(harbor, "library/one")
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        wait_until(lambda: queue(harbor).get("count", 0) > 0)
        assert found(harbor) == ["library/one"]
        queue(harbor, "resume")
        until_found(harbor, "library/two")


# ---- its database ----

N = 12


def fill(server):
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        for i in range(N):
            push(registry, f"library/m{i:02d}", *model(card(f"Number {i}."), family="odd" if i % 2 else "even"), "v1")
        until_complete(server)


def look(server):
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        answer = harbor.get("/models", page_size=100, sort="name")
        assert answer.status == 200, answer
        counts = harbor.json("/models/facets")
        return (answer.get("Haven-Search-Complete") == "true" and counts["complete"],
                [m["repository"] for m in answer.json()],
                {v["value"]: v["count"] for v in counts["family"] or []})


WHOLE = (True, [f"library/m{i:02d}" for i in range(N)], {"odd": N // 2, "even": N // 2})


def until_complete(server):
    wait_until(lambda: look(server) == WHOLE, what="a complete search")


def delete(path):
    path.unlink()


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def garbage(path):
    with open(path, "r+b") as file:
        file.write(b"\xa5" * path.stat().st_size)


def holes(path):
    """The first page, which says what it is, is left."""
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


def stranger(path):
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE mine (x)")


def older(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE state SET value = 0 WHERE name = 'version'")
        db.commit()


def newer(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO schema_version VALUES (99, 'x', 1)")
        db.commit()


def half_full(path):
    """As a server leaves it that ended while it was being made."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE state SET value = 5 WHERE name = 'filled'")
        db.commit()


@pytest.mark.parametrize("spoil", [delete, truncate, empty, garbage, holes, stranger, older, newer, half_full])
def test_spoilt_while_stopped(start, spoil):
    server = start()
    fill(server)
    server.stop()
    spoil(server.data / "search.db")
    server.start()
    until_complete(server)
    server.restart()
    until_complete(server)


@pytest.mark.parametrize("spoil", [delete, truncate, empty, garbage, holes])
def test_spoilt_while_running(start, spoil):
    server = start()
    fill(server)
    spoil(server.data / "search.db")
    deadline = time.monotonic() + FOREVER
    with contextlib.closing(server.registry()) as registry:
        harbor, i = Harbor(registry), 0
        while time.monotonic() < deadline:
            # Nothing else is the worse for it, and no question fails.
            push(registry, "library/more", *model(card(f"More {i}."), family="more"), "v1")
            i += 1
            look(server)
            if one(harbor, "library/more") and look(server)[0]:
                break
            time.sleep(0.2)
        harbor.delete("/projects/library/repositories/more")
    until_complete(server)
    assert '"search.anew"' in server.log() or "search.anew" in server.log()


def test_kill_while_it_is_made(start):
    """Whenever it dies: what is there afterwards is right."""
    server = start()
    fill(server)
    for i in range(8):
        server.stop()
        (server.data / "search.db").unlink()
        server.start()
        time.sleep(0.01 * i)
        server.kill()
        server.start()
        until_complete(server)
    assert server.facts("SELECT count(*) FROM task WHERE kind = 'search' AND subject % 8 <> 4") == [(0,)]


def test_kill_while_it_changes(start):
    server = start()
    fill(server)
    for i in range(6):
        with contextlib.closing(server.registry()) as registry:
            push(registry, "library/again", *model(card(f"Again {i}."), family=f"f{i}"), f"v{i}")
            at = f"/projects/library/repositories/again/artifacts/v{i}/model"
            wait_until(lambda: Harbor(registry).json(at)["state"] == "read")  # pylint: disable=cell-var-from-loop
        time.sleep(0.12 * i)
        server.kill()
        server.start()
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        wait_until(lambda: len(found(harbor, q="again")) == 6)
        assert {m["family"]: m["tags"] for m in harbor.json("/models", q="again")} == {f"f{i}": [f"v{i}"] for i in range(6)}
        harbor.delete("/projects/library/repositories/again")
    until_complete(server)


def test_another_main_database(start):
    """A database that was put back belongs to another search."""
    server = start()
    fill(server)
    server.stop()
    older_one = (server.data / "haven.db").read_bytes()
    server.start()
    with contextlib.closing(server.registry()) as registry:
        push(registry, "library/late", *model(), "v1")
        until_found(Harbor(registry), "library/late")
    server.stop()
    (server.data / "haven.db").write_bytes(older_one)
    server.start()
    until_complete(server)


# ---- the command ----

@pytest.fixture
def shop(start, env):  # noqa: F811
    """A server with three models in a private project, logged in to."""
    server = start()
    write(env["DOCKER_CONFIG"], {"config.json": json.dumps(
        {"auths": {server.address: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}).encode()})
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        harbor.add_project("shop")
        for i, name in enumerate(("one", "two", "three")):
            push(registry, f"shop/{name}", *model(card("Speaks." if i else "Paints.", license="mit" if i else "apache-2.0",
                                                       base_model="Qwen/Qwen3-0.6B"), count=1000 * 7 ** i), "v1")
            until_found(harbor, f"shop/{name}")
    return server


def test_command(shop, env):  # noqa: F811
    def rows(*args):
        out = ok(command("search", *args, shop.address, env=env)).stdout
        return [line.split()[0] for line in out.splitlines() if line.startswith("shop/")]
    text = ok(command("search", shop.address, env=env)).stdout.splitlines()
    assert text[0].split() == ["REPOSITORY", "TAG", "PARAMETERS", "FORMAT", "LICENSE", "SIZE", "PULLS", "UPDATED"]
    assert text[1].split()[:5] == ["shop/three", "v1", "49K", "safetensors", "MIT"] and len(text) == 4
    assert rows() == ["shop/three", "shop/two", "shop/one"] == rows("--reverse")[::-1]
    assert rows("--sort", "name") == ["shop/one", "shop/three", "shop/two"] == rows("--sort", "name", "--reverse")[::-1]
    assert rows("--sort", "parameters") == ["shop/three", "shop/two", "shop/one"] == rows("--sort", "size")
    assert rows("--license", "MIT") == ["shop/three", "shop/two"]
    assert sorted(rows("--license", "MIT", "--license", "apache-2.0", "--base-model", "Qwen/Qwen3-0.6B")) == \
        ["shop/one", "shop/three", "shop/two"]
    assert rows("--min-parameters", "7K") == ["shop/three", "shop/two"] and rows("--max-parameters", "6999") == ["shop/one"]
    assert rows("--max-parameters", "1k") == ["shop/one"]
    limited = ok(command("search", "--limit", 1, shop.address, env=env)).stdout
    assert limited.splitlines()[-1] == "1 of 3 models"
    for option in ("architecture", "family", "task", "format", "precision", "quantization", "language", "library", "label"):
        assert rows(f"--{option}", "nothing") == []
    assert rows("--project", "shop", "--format", "safetensors", "--precision", "float32", "--sort", "pulls") == \
        ["shop/three", "shop/two", "shop/one"]
    found_json = json.loads(ok(command("search", "--json", "--sort", "relevance", shop.address, "speaks", "MIT", env=env)).stdout)
    assert {m["repository"] for m in found_json.pop("models")} == {"shop/two", "shop/three"}
    assert found_json == {"registry": shop.address, "total": 2, "complete": True}
    assert ok(command("search", shop.address, "paints", "speaks", env=env)).stdout == ""


def test_command_refused(shop, env, tmp_path):  # noqa: F811
    for args, text in ((("--limit", "0"), "--limit"), (("--limit", "x"), "--limit"), (("--min-parameters", "x"), "7B"),
                       (("--max-parameters", "9999999T"), "7B"), (("--sort", "-pulls"), "sort")):
        refused_command(command("search", *args, shop.address, env=env), "USAGE", text)
    refused_command(command("search", shop.address, "a" * 300, env=env), "REMOTE", "255")
    # Nobody sees what is private; wrong credentials are said to be wrong.
    nobody = dict(env, DOCKER_CONFIG=str(tmp_path))
    assert json.loads(ok(command("search", "--json", shop.address, env=nobody)).stdout)["models"] == []
    write(env["DOCKER_CONFIG"], {"config.json": json.dumps(
        {"auths": {shop.address: {"auth": base64.b64encode(b"admin:wrong").decode()}}}).encode()})
    refused_command(command("search", shop.address, env=env), "UNAUTHORIZED")


def test_command_many(start, env):  # noqa: F811
    """More than one page of what the registry gives."""
    server = start()
    with contextlib.closing(server.registry()) as registry:
        harbor = Harbor(registry)
        harbor.put("/projects/library", {"metadata": {"public": "true"}})
        for i in range(130):
            push(registry, f"library/m{i}", *model(count=i + 1), "v1")
        wait_until(lambda: harbor.json("/models/facets")["total"] == 130)
    for limit, n in ((130, 130), (1000, 130), (101, 101), (100, 100)):
        answer = json.loads(ok(command("search", "--json", "--sort", "parameters", "--limit", limit, server.address, env=env)).stdout)
        assert [m["parameters"] for m in answer["models"]] == list(range(130, 130 - n, -1)) and answer["total"] == 130
