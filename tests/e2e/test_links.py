# SPDX-License-Identifier: Apache-2.0
"""What artifacts depend on and what depends on them: found in manifests and models, set by hand, asked before a delete."""
import json
import os
import pty
import select
import subprocess

import pytest

from harness.client import docker_registry, env, fake, noise, ok, refused as failed  # noqa: F401
from harness.content import EMPTY, EMPTY_TYPE, artifact, descriptor, dump, image, index, push, tar_of, write_layout
from harness.harbor import Harbor, fresh, refused
from harness.record import HAVEN
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import PASSWORD, wait_until
from test_models import layer, modelpack

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
LINK = "application/vnd.haven.link.v1+json"
ABSENT = "sha256:" + "0" * 64
_pushed = iter(range(1 << 30))


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


def at(project, repo="m", rest="", ref="v1"):
    return f"/projects/{project}/repositories/{repo}/artifacts/{ref}{rest}"


def card(*bases, relation="", datasets=()):
    lines = ["---", "license: mit"]
    if bases:
        lines += ["base_model:", *(f"- {b}" for b in bases)]
    if datasets:
        lines += ["datasets:", *(f"- {d}" for d in datasets)]
    if relation:
        lines.append(f"base_model_relation: {relation}")
    return "\n".join([*lines, "---", f"# model {next(_pushed)}", ""]).encode()


def model(harbor, project, repo="m", text=None, ref="v1", wait=True, **more):
    """Pushes a model with this card; (digest, bytes of the manifest)."""
    document, blobs = modelpack(layer("doc", "README.md", text or card()))
    digest, data = push(harbor.registry, f"{project}/{repo}", {**document, **more}, blobs, ref)
    if wait:
        read(harbor, project, repo, ref)
    return digest, data


def read(harbor, project, repo="m", ref="v1"):
    wait_until(lambda: harbor.json(at(project, repo, "/model", ref))["state"] == "read")


def graph(harbor, project, repo="m", ref="v1", **query):
    found = harbor.json(at(project, repo, "/graph", ref), **query)
    found["edges"] = found["edges"] or []
    assert found["nodes"][0]["id"] == found["root"] and len({n["id"] for n in found["nodes"]}) == len(found["nodes"])
    for node in found["nodes"]:
        assert node["resolved"] == (node["id"] > 0) == ("digest" in node) == ("name" not in node), node
    return found


def edges(found):
    """{(from, relation, to, source)}: repositories, or names of what is not here."""
    names = {n["id"]: n.get("name") or n["repository"].split("/", 1)[1] for n in found["nodes"]}
    return {(names[e["from"]], e["relation"], names[e["to"]], e["source"]) for e in found["edges"]}


def node(found, repository):
    return next(n for n in found["nodes"] if n.get("repository", "").endswith("/" + repository))


# ---- where links come from ----

def test_base_before_and_after(harbor, project):
    """A base is found whenever it comes; the display id of a hub is its name."""
    text = card(f"{project.title()}/Base-0.6B", relation="finetune", datasets=["allenai/c4", "squad"])
    model(harbor, project, "tuned", text)
    wanted = {("tuned", "finetune", f"{project.title()}/Base-0.6B", "card"), ("tuned", "dataset", "allenai/c4", "card"),
              ("tuned", "dataset", "squad", "card")}
    found = graph(harbor, project, "tuned")
    assert edges(found) == wanted and not found["truncated"]
    assert sorted(n["name"] for n in found["nodes"] if not n["resolved"]) == \
        sorted(["allenai/c4", "squad", f"{project.title()}/Base-0.6B"])

    old, _ = model(harbor, project, "base-0.6b", ref="v1")
    new, _ = model(harbor, project, "base-0.6b", ref="v2")
    found = graph(harbor, project, "tuned", direction="up")
    assert ("tuned", "finetune", "base-0.6b", "card") in edges(found)
    base = node(found, "base-0.6b")
    assert base == {"id": base["id"], "resolved": True, "project": project, "repository": f"{project}/base-0.6b",
                    "digest": new, "tags": ["v2"], "title": f"{project}/base-0.6b", "type": base["type"],
                    "artifact_type": "application/vnd.cncf.model.manifest.v1+json"}
    # From the other end: of the newest, or of what is tagged latest, and of no other.
    assert edges(graph(harbor, project, "base-0.6b", "v2", direction="down")) == {("tuned", "finetune", "base-0.6b", "card")}
    assert edges(graph(harbor, project, "base-0.6b", "v1")) == set()
    assert edges(graph(harbor, project, "base-0.6b", "v2", direction="up")) == set()
    harbor.post(at(project, "base-0.6b", "/tags", old), {"name": "latest"})
    assert node(graph(harbor, project, "tuned"), "base-0.6b")["digest"] == old
    assert len(edges(graph(harbor, project, "base-0.6b", "v1"))) == 1 and not edges(graph(harbor, project, "base-0.6b", "v2"))
    # One that came before: a card that names tag, digest, and this registry by its host.
    host = harbor.registry.url.split("//")[1]
    model(harbor, project, "adapter", card(f"{host}/{project}/base-0.6b:v2", relation="adapter"))
    model(harbor, project, "small", card(f"https://huggingface.co/{project}/base-0.6B/tree/main", relation="quantized"))
    model(harbor, project, "both", card(f"{project}/base-0.6b@{new}", f"{project}/tuned", relation="merge"))
    model(harbor, project, "other", card(f"other.example.org/{project}/base-0.6b", f"{project}/base-0.6b@{ABSENT}",
                                         f"{project}/base-0.6b:v9", f"{project}/base-0.6b:bad tag"))
    assert edges(graph(harbor, project, "base-0.6b", "v2")) == {("adapter", "adapter", "base-0.6b", "card"),
                                                               ("both", "merge", "base-0.6b", "card")}
    assert edges(graph(harbor, project, "base-0.6b", "v1")) == {("tuned", "finetune", "base-0.6b", "card"),
                                                               ("small", "quantized", "base-0.6b", "card")}
    assert [n["resolved"] for n in graph(harbor, project, "other")["nodes"]] == [True, False, False, False, False]


def test_display_ids(harbor, project):
    """A display id that OCI cannot hold leads to its repository."""
    document, blobs = modelpack(layer("doc", "README.md", card()))
    for data in blobs.values():
        harbor.registry.push_blob(f"{project}/x--5fdraft", data)
    answer = harbor.registry.request("PUT", f"/v2/{project}/x--5fdraft/manifests/v1", body=dump(document),
                                     headers={"Content-Type": OCI_MANIFEST, "Haven-Display-Id": f"{project}/_Draft"})
    assert answer.status == 201, answer
    model(harbor, project, "tuned", card(f"{project.upper()}/_DRAFT"))
    found = graph(harbor, project, "tuned")
    assert node(found, "x--5fdraft")["title"] == f"{project}/_Draft" and edges(found) == {("tuned", "finetune", "x--5fdraft", "card")}
    assert edges(graph(harbor, project, "x--5fdraft")) == edges(found)


def test_what_manifests_say(harbor, project):
    """Accessories, members of an index, annotations of an image."""
    base, base_bytes = push(harbor.registry, f"{project}/m", *image([tar_of({"a": noise(90)})]), "v1", "latest")
    built = image([tar_of({"b": noise(90)})], annotations={BASE_NAME: f"{project}/m:v1", BASE_DIGEST: base,
                                                          "org.opencontainers.image.title": "built on it"})
    push(harbor.registry, f"{project}/built", *built, "v1")
    signature = artifact("application/vnd.dev.cosign.artifact.sig.v1+json", descriptor(base_bytes, OCI_MANIFEST),
                         [noise(40)])
    signed, _ = push(harbor.registry, f"{project}/m", *signature)
    legacy = image([noise(70)])
    legacy[0]["layers"][0]["mediaType"] = "application/vnd.dev.cosign.simplesigning.v1+json"
    old, _ = push(harbor.registry, f"{project}/m", *legacy, base.replace(":", "-") + ".sig")
    one = index([(base_bytes, OCI_MANIFEST)])
    one["manifests"].append({"mediaType": OCI_MANIFEST, "digest": digest_of(b"elsewhere"), "size": 9})
    if harbor.registry.put_manifest(f"{project}/m", "all", dump(one), one["mediaType"]).status != 201:
        one["manifests"].pop()
        assert harbor.registry.put_manifest(f"{project}/m", "all", dump(one), one["mediaType"]).status == 201
    read(harbor, project, "built")
    read(harbor, project, "m", "all")
    found = graph(harbor, project, direction="down")
    assert edges(found) == {("built", "base", "m", "manifest"), ("m", "subject", "m", "manifest"), ("m", "member", "m", "manifest")}
    by_id = {n["id"]: n for n in found["nodes"]}
    assert {by_id[e["from"]]["digest"] for e in found["edges"] if e["relation"] == "subject"} == {signed, old}
    assert [by_id[e["from"]]["tags"] for e in found["edges"] if e["relation"] == "member"] == [["all"]]
    assert {e["target"] for e in found["edges"] if e["relation"] == "base"} == {f"{project}/m:v1@{base}"}
    assert node(found, "built")["title"] == "built on it" and node(found, "built")["type"] == "IMAGE"
    up = graph(harbor, project, ref=signed, direction="up", depth=2)
    assert [n["digest"] for n in up["nodes"]] == [signed, base]
    assert [n.get("digest") for n in graph(harbor, project, ref="all", direction="up")["nodes"]][1:2] == [base]
    # What is gone is shown by its digest.
    harbor.registry.request("DELETE", f"/v2/{project}/m/manifests/{base}")
    gone = graph(harbor, project, ref=signed)
    assert [n.get("name") for n in gone["nodes"]] == [None, base] and edges(gone) == {("m", "subject", base, "manifest")}


def test_twice_and_again(start):
    """One document in two repositories depends on the same; what is pushed again or read again has no link twice."""
    server = start()
    harbor = Harbor(server.registry())
    project = harbor.add_project()[1]
    document, blobs = modelpack(layer("doc", "README.md", card("a/b", "a/b", datasets=[f"d/{i}" for i in range(150)])))
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    read(harbor, project)
    push(harbor.registry, f"{project}/n", document, blobs, "v1", "v2")
    count = "SELECT count(*) FROM artifact_link"
    assert server.facts(count) == [(100,)]
    for repo in ("m", "n"):
        found = graph(harbor, project, repo)
        assert len(found["edges"]) == 100 and not found["truncated"]
    harbor.post(at(project, "m", "/links"), {"target": "a/b", "relation": "related"})
    assert server.facts(count) == [(101,)]
    harbor.delete(at(project, "m"))
    assert server.facts(count) == [(100,)]
    assert len(graph(harbor, project, "n")["edges"]) == 100
    harbor.delete(f"/projects/{project}/repositories/n")
    assert server.facts(count) == [(0,)]


def test_hostile_cards(harbor, project):
    """What is no name is told as text or not at all."""
    names = ["../../etc/passwd", "a" * 600, "x\\ny", f"{project}/m", "<script>", "a/b@sha256:12", "https:///x"]
    model(harbor, project, "m", card(*(json.dumps(n) for n in names)))
    found = graph(harbor, project)
    texts = {n["name"] for n in found["nodes"][1:]}
    assert "a" * 600 not in texts and {"../../etc/passwd", "<script>", "a/b@sha256:12"} <= texts
    assert all(len(t) <= 512 for t in texts) and f"{project}/m" not in texts, "its own name is no link"


# ---- by hand ----

def test_set_by_hand(harbor, project):
    base, _ = model(harbor, project, "base", wait=False)
    model(harbor, project, wait=False)
    links = at(project, rest="/links")
    made = harbor.post(links, {"target": f"{project}/base", "relation": "finetune"})
    number = int(made.get("Location").rsplit("/", 1)[1])
    assert made.get("Location") == f"/api/v2.0{links}/{number}"
    found = graph(harbor, project)
    assert edges(found) == {("m", "finetune", "base", "manual")}
    assert found["edges"][0]["link_id"] == number and found["edges"][0]["target"] == f"{project}/base"
    refused(harbor.call("POST", links, {"target": f"{project}/base", "relation": "finetune"}), 409, "CONFLICT", "already")
    harbor.post(links, {"target": f"{project}/base", "relation": "related"})
    for body, status, code in (({"target": "x"}, 422, "UNPROCESSABLE_ENTITY"), ({"relation": "base"}, 422, "UNPROCESSABLE_ENTITY"),
                               ({"target": "x", "relation": "parent"}, 400, "BAD_REQUEST"),
                               ({"target": " x", "relation": "base"}, 400, "BAD_REQUEST"),
                               ({"target": "a\nb", "relation": "base"}, 400, "BAD_REQUEST"),
                               ({"target": "x" * 513, "relation": "base"}, 400, "BAD_REQUEST"), (b"{", 400, "BAD_REQUEST")):
        refused(harbor.call("POST", links, body), status, code)
    refused(harbor.call("POST", at(project, rest="/links", ref="v9"), {"target": "x", "relation": "base"}), 404, "NOT_FOUND")
    # Those of another artifact, and what was not set by hand, cannot be taken away.
    refused(harbor.call("DELETE", at(project, "base", f"/links/{number}")), 404, "NOT_FOUND")
    refused(harbor.call("DELETE", f"{links}/x"), 422, "UNPROCESSABLE_ENTITY")
    harbor.delete(f"{links}/{number}")
    refused(harbor.call("DELETE", f"{links}/{number}"), 404, "NOT_FOUND")
    assert edges(graph(harbor, project)) == {("m", "related", "base", "manual")}
    log = harbor.json(f"/projects/{project}/auditlog-exts", page_size=100)
    told = [(x["operation"], x["resource_type"], x["operation_result"]) for x in log if x["resource_type"] == "link"]
    assert told.count(("create", "link", True)) == 2 and told.count(("delete", "link", True)) == 1
    assert ("create", "link", False) in told and ("delete", "link", False) in told
    assert any(x["operation_description"].endswith(f"finetune: {project}/base") for x in log), log


def test_only_target_and_relation_are_taken(harbor, project):
    """Whatever else a body says: the link is that of the address, set by hand, with a number of its own."""
    model(harbor, project, "other", wait=False)
    model(harbor, project, wait=False)
    plain = int(harbor.post(at(project, rest="/links"), {"target": "x/plain", "relation": "base"}).get("Location").rsplit("/", 1)[1])
    other = harbor.json(at(project, "other"))["id"]
    lies = {"id": 987654, "link_id": 987654, "artifact_id": other, "document_id": other, "source": 1, "host": "evil.example",
            "name": "library/other", "ref": "v1", "created_ms": 1}
    made = harbor.post(at(project, rest="/links"), {"target": "x/y", "relation": "base", **lies}).get("Location")
    assert int(made.rsplit("/", 1)[1]) == plain + 1
    told = {(e["source"], e["target"], e["relation"], e["link_id"]) for e in graph(harbor, project)["edges"]}
    assert told == {("manual", "x/plain", "base", plain), ("manual", "x/y", "base", plain + 1)}
    assert graph(harbor, project, "other")["edges"] in (None, [])


def test_how_many_by_hand(harbor, project):
    model(harbor, project, wait=False)
    for number in range(100):
        harbor.post(at(project, rest="/links"), {"target": f"x/{number}", "relation": "base"})
    refused(harbor.call("POST", at(project, rest="/links"), {"target": "x/y", "relation": "base"}), 400, "BAD_REQUEST", "100")


def copied(harbor, project, source, repo="copied"):
    answer = harbor.call("POST", f"/projects/{project}/repositories/{repo}/artifacts", **{"from": source})
    assert answer.status == 201, answer


def test_a_copy_depends_on_the_same(harbor, project):
    """Whatever says so: the document, an artifact about it, somebody by the API; each on its own from then on."""
    other = harbor.add_project()[1]
    digest, data = model(harbor, project, "m", card("hub/from-card", relation="finetune", datasets=["hub/data"]))
    push(harbor.registry, f"{project}/m", *artifact(LINK, descriptor(data, OCI_MANIFEST), annotations={
        BASE_NAME: "hub/about", "vnd.haven.link.relation": "adapter"}))
    by_hand = [("hub/base", r) for r in ("base", "adapter", "dataset", "quantized", "finetune", "merge", "related")]
    for target, relation in by_hand:
        last = harbor.post(at(project, rest="/links"), {"target": target, "relation": relation}).get("Location")
    wanted = {(r, t, "manual") for t, r in by_hand} | {("adapter", "hub/about", "manual"), ("finetune", "hub/from-card", "card"),
                                                       ("dataset", "hub/data", "card")}

    def told(*where, **how):
        return {(e["relation"], e["target"], e["source"]) for e in graph(harbor, *where, direction="up", **how)["edges"]}
    wait_until(lambda: told(project) == wanted)
    copied(harbor, other, f"{project}/m:v1")
    wait_until(lambda: told(other, "copied") == wanted)
    log = [x["operation_description"] for x in harbor.json(f"/projects/{other}/auditlog-exts", page_size=100)
           if x["resource_type"] == "link"]
    assert len(log) == len(by_hand) and any(x.endswith("quantized: hub/base") for x in log), log
    # What is taken away here stays there; a second copy brings what has come, and nothing twice.
    harbor.delete(last.removeprefix("/api/v2.0"))
    harbor.post(at(project, rest="/links"), {"target": "hub/later", "relation": "related"})
    assert told(other, "copied") == wanted
    copied(harbor, other, f"{project}/m@{digest}")
    assert told(other, "copied") == wanted | {("related", "hub/later", "manual")}
    assert len(graph(harbor, other, "copied", direction="up")["edges"]) == len(wanted) + 1


def test_a_copy_within_the_limit(harbor, project):
    """Of an index each member; where a hundred links are, there are no more."""
    other = harbor.add_project()[1]
    child, data = model(harbor, project, "m", wait=False)
    push(harbor.registry, f"{project}/m", index([(data, OCI_MANIFEST)]), {}, "all")
    for number in range(60):
        harbor.post(at(project, rest="/links", ref=child), {"target": f"x/{number}", "relation": "base"})
    copied(harbor, other, f"{project}/m:all")
    mine = at(other, "copied", "/links", child)
    assert {e["target"] for e in graph(harbor, other, "copied", child, direction="up")["edges"]} == {f"x/{n}" for n in range(60)}
    for number in range(30):
        harbor.post(mine, {"target": f"y/{number}", "relation": "base"})
    for number in range(60, 90):
        harbor.post(at(project, rest="/links", ref=child), {"target": f"x/{number}", "relation": "base"})
    copied(harbor, other, f"{project}/m:all")
    found = graph(harbor, other, "copied", child, direction="up")
    assert len(found["edges"]) == 100 and not found["truncated"]
    refused(harbor.call("POST", mine, {"target": "z", "relation": "base"}), 400, "BAD_REQUEST", "100")


# ---- how far, and how much ----

def test_depth_and_cycles(harbor, project):
    """a ← b ← c ← d ← e ← f, and a depends on c."""
    names = "abcdef"
    for number, name in enumerate(names):
        model(harbor, project, name, wait=False)
        if number:
            harbor.post(at(project, name, "/links"), {"target": f"{project}/{names[number - 1]}", "relation": "finetune"})
    for depth in range(1, 6):
        assert len(graph(harbor, project, "f", direction="up", depth=depth)["nodes"]) == depth + 1
        assert len(graph(harbor, project, "a", direction="down", depth=depth)["nodes"]) == depth + 1
    assert len(graph(harbor, project, "c", depth=5)["nodes"]) == 6
    # Along both ways, not zigzag: what hangs beside is no relative.
    model(harbor, project, "side", wait=False)
    harbor.post(at(project, "side", "/links"), {"target": f"{project}/a", "relation": "finetune"})
    assert "side" not in json.dumps(graph(harbor, project, "c", depth=5))
    harbor.post(at(project, "a", "/links"), {"target": f"{project}/c", "relation": "merge"})
    ring = graph(harbor, project, "c", depth=5)
    assert edges(ring) >= {("a", "merge", "c", "manual"), ("c", "finetune", "b", "manual"), ("b", "finetune", "a", "manual")}
    assert len(ring["edges"]) == len({tuple(sorted(e.items())) for e in ring["edges"]})
    for bad in ("0", "6", "x", "-1"):
        refused(harbor.get(at(project, "a", "/graph"), depth=bad), 422, "UNPROCESSABLE_ENTITY", "depth")
    refused(harbor.get(at(project, "a", "/graph"), direction="left"), 422, "UNPROCESSABLE_ENTITY", "direction")
    refused(harbor.get(at(project, "a", "/graph", "v9")), 404, "NOT_FOUND")


def test_more_than_is_told(harbor, project):
    """Many adapters of one base: as many as the limit, and a word that there are more."""
    _, base = model(harbor, project, "base", wait=False)
    harbor.registry.push_blob(f"{project}/base", EMPTY)
    for number in range(205):
        document, _ = artifact("application/vnd.example.note", descriptor(base, OCI_MANIFEST), annotations={"n": str(number)})
        data = dump(document)
        assert harbor.registry.put_manifest(f"{project}/base", digest_of(data), data, OCI_MANIFEST).status == 201
    found = graph(harbor, project, "base", direction="down")
    assert found["truncated"] and len(found["nodes"]) == 201


# ---- who sees what ----

def test_only_what_the_caller_may_see(harbor, project):
    """A base in a project of others is a name as that of one that is not there; what depends on mine there is not hinted at."""
    secret = harbor.add_project()[1]
    open_to_all = harbor.add_project(public=True)[1]
    model(harbor, secret, "base", card(f"{open_to_all}/m"))
    model(harbor, open_to_all, "m", card(f"{secret}/base", f"{secret}/nothing"))
    number, user = harbor.add_user()
    whole = graph(harbor, open_to_all)
    assert [n["resolved"] for n in whole["nodes"]].count(True) == 2
    assert edges(whole) == {("base", "finetune", "m", "card"), ("m", "merge", "base", "card"),
                            ("m", "merge", f"{secret}/nothing", "card")}

    def seen(caller):
        found = graph(caller, open_to_all, depth=5)
        return edges(found), [n for n in found["nodes"] if n["id"] < 0]
    mine, names = seen(user)
    assert mine == {("m", "merge", f"{secret}/base", "card"), ("m", "merge", f"{secret}/nothing", "card")}
    assert [{**n, "id": 0, "name": ""} for n in names] == [{"id": 0, "resolved": False, "name": "", "tags": None}] * 2
    assert seen(Harbor(harbor.registry.clone(user=None)))[0] == mine
    refused(user.get(at(secret, "base", "/graph")), 403, "FORBIDDEN")
    harbor.add_member(secret, number, "limitedGuest")
    assert seen(user)[0] == edges(whole)
    # A robot that may list but not read there, and one that may read.
    for action, sees in (("list", False), ("read", True)):
        made = harbor.post("/robots", {"name": fresh("links"), "level": "system", "duration": -1, "permissions": [
            {"kind": "project", "namespace": secret, "access": [{"resource": "artifact", "action": action}]},
            {"kind": "project", "namespace": open_to_all, "access": [{"resource": "artifact", "action": "read"}]}]}).json()
        robot = Harbor(harbor.registry.clone(user=made["name"], password=made["secret"]))
        assert seen(robot)[0] == (edges(whole) if sees else mine), action


def test_facts_of_layers_that_the_repository_does_not_hold(start):
    """A digest grants nothing: the card of a model that was pushed without its layers says nothing."""
    server = start(config={"registry.sparse": "any"})
    harbor = Harbor(server.registry())
    project, other = harbor.add_project()[1], harbor.add_project(public=True)[1]
    text = card(f"{other}/base")
    model(harbor, other, "base")
    document, blobs = modelpack(layer("doc", "README.md", text))
    push(harbor.registry, f"{project}/m", document, blobs, "v1")
    read(harbor, project)
    del blobs[digest_of(text)]
    push(harbor.registry, f"{project}/n", document, blobs, "v1")
    assert edges(graph(harbor, project)) == {("m", "finetune", "base", "card")}
    assert edges(graph(harbor, project, "n")) == set()
    assert edges(graph(harbor, other, "base")) == {("m", "finetune", "base", "card")}


# ---- before a delete ----

def deleted(caller, path, check="true"):
    return caller.call("DELETE", path, check_links=check)


def test_a_delete_says_first(harbor, project):
    old, _ = model(harbor, project, "base", ref="v1")
    base, _ = model(harbor, project, "base", ref="v2")
    tuned, _ = model(harbor, project, "tuned", card(f"{project}/base", relation="finetune"))
    model(harbor, project, "exact", card(f"{project}/base:v2"))
    answer = deleted(harbor, at(project, "base", ref="v2"))
    refused(answer, 412, "PRECONDITION", "2 links")
    detail = answer.json()["errors"][0]["detail"]
    assert not detail["truncated"] and detail["links"][0] == {
        "project": project, "repository": f"{project}/tuned", "digest": tuned, "tags": ["v1"], "relation": "finetune",
        "target": f"{project}/base"}
    assert [x["repository"] for x in detail["links"]] == [f"{project}/tuned", f"{project}/exact"]
    refused(deleted(harbor, f"/projects/{project}/repositories/base"), 412, "PRECONDITION")
    refused(deleted(harbor, at(project, "base", "/tags/v2", "v2")), 412, "PRECONDITION")
    refused(deleted(harbor, at(project, "base", ref="v2"), "maybe"), 422, "UNPROCESSABLE_ENTITY", "check_links")
    by_v2 = harbor.registry.request("DELETE", f"/v2/{project}/base/manifests/{base}?check_links=true")
    assert by_v2.status == 412 and by_v2.errors() == ["PRECONDITION"] and len(by_v2.json()["errors"][0]["detail"]["links"]) == 2
    assert harbor.registry.request("DELETE", f"/v2/{project}/base/manifests/v2?check_links=true").status == 412
    assert harbor.get(at(project, "base", ref="v2")).status == 200, "nothing was deleted"
    # Nothing leads to the older one, to a further tag, or out of what goes itself.
    assert deleted(harbor, at(project, "base", ref=old)).status == 200
    harbor.post(at(project, "base", "/tags", "v2"), {"name": "more"})
    assert deleted(harbor, at(project, "base", "/tags/more", "v2")).status == 200
    assert deleted(harbor, at(project, "exact")).status == 200
    # And without the question it goes as ever.
    refused(deleted(harbor, at(project, "base", ref="v2")), 412, "PRECONDITION", "1 link")
    harbor.delete(at(project, "base", ref="v2"))
    assert edges(graph(harbor, project, "tuned")) == {("tuned", "finetune", f"{project}/base", "card")}


def test_a_delete_says_no_more_than_may_be_seen(harbor, project):
    secret = harbor.add_project()[1]
    number, user = harbor.add_user()
    harbor.add_member(project, number, "maintainer")
    model(harbor, project, "base")
    model(harbor, secret, "tuned", card(f"{project}/base"))
    refused(deleted(harbor, at(project, "base")), 412, "PRECONDITION")
    assert deleted(user, at(project, "base")).status == 200


def test_what_goes_along_is_no_reason(harbor, project):
    """What is about the artifact, and other artifacts of a repository that goes as a whole."""
    _, base = model(harbor, project, "base")
    note = artifact("application/vnd.example.note", descriptor(base, OCI_MANIFEST), annotations={BASE_NAME: f"{project}/base"})
    push(harbor.registry, f"{project}/base", *note)
    model(harbor, project, "base", card(f"{project}/base:v1"), ref="v2")
    wait_until(lambda: len(edges(graph(harbor, project, "base", "v1"))) == 2)
    harbor.delete(at(project, "base", ref="v2"))
    assert deleted(harbor, at(project, "base")).status == 200
    model(harbor, project, "whole", ref="v1")
    model(harbor, project, "whole", card(f"{project}/whole:v1"), ref="v2")
    refused(deleted(harbor, at(project, "whole")), 412, "PRECONDITION")
    assert deleted(harbor, f"/projects/{project}/repositories/whole").status == 200


# ---- the client ----

@pytest.fixture
def run(env):  # noqa: F811
    def call(*args, **more):
        return subprocess.run([HAVEN, *map(str, args)], capture_output=True, text=True, timeout=120, env=env, **more)
    return call


@pytest.fixture
def host(harbor, run, request):
    """Our own registry, logged in to as an administrator."""
    address = harbor.registry.url.split("//")[1]
    ok(run("login", "-u", "admin", "--password-stdin", address, input=PASSWORD))
    return address


@pytest.fixture(params=["haven", "docker", "layout"])
def ref(request, tmp_path):
    """A reference to an image on three kinds of places."""
    document, blobs = image([tar_of({"a": noise(2000, 3)})])
    folder = tmp_path / "layout"
    folder.mkdir()
    write_layout(folder, document, blobs)
    if request.param == "layout":
        return f"oci:{folder}:v1"
    place = request.getfixturevalue("docker_registry") if request.param == "docker" else request.getfixturevalue("host")
    name = f"{place}/library/{fresh('attach')}:v1"
    ok(request.getfixturevalue("run")("push", folder, name))
    return name


def attached(run, ref):
    return json.loads(ok(run("ls", "--attached", "--json", ref)).stdout)["attached"]


def test_attach_files(run, ref, tmp_path):
    """Files on every kind of registry: found through the list of referrers, or under the tag that stands for it."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "report.json").write_bytes(b'{"score": 1}')
    (tmp_path / "sub" / "nothing").write_bytes(b"")
    assert ok(run("ls", "--attached", ref)).stdout == ""
    args = ["attach", "--type", "application/vnd.example.report+json", "-a", "org.example.k=v=1", "-a", "b=", ref,
            tmp_path / "report.json", tmp_path / "sub" / "nothing"]
    made = json.loads(ok(run(*args, "--json")).stdout)
    assert [f["file"] for f in made["files"]] == ["report.json", "nothing"] and made["files"][0]["size"] == 12
    assert made["type"] == "application/vnd.example.report+json" and made["reference"].startswith(ref.rsplit(":", 1)[0])
    again = ok(run(*args)).stdout
    assert again.splitlines()[-1] == f"digest {made['digest']}", "the same files make the same artifact"
    found = attached(run, ref)
    assert [(x["digest"], x["artifactType"]) for x in found] == [(made["digest"], made["type"])]
    assert ok(run("ls", "--attached", ref)).stdout == f"{made['digest']}  {made['type']}\n"
    # It is an artifact as others make them: its manifest, read in a layout.
    copied = tmp_path / "one"
    ok(run("cp", ref.rsplit(":", 1)[0] + "@" + made["digest"], f"oci:{copied}"))
    document = json.loads((copied / "blobs" / made["digest"].replace(":", "/")).read_text())
    assert document["subject"]["digest"] == made["subject"] and document["annotations"] == {"org.example.k": "v=1", "b": ""}
    assert document["config"] == descriptor(EMPTY, EMPTY_TYPE) and document["artifactType"] == made["type"]
    assert [layer["annotations"]["org.opencontainers.image.title"] for layer in document["layers"]] == ["report.json", "nothing"]
    # A second one beside it, and taken along by a copy.
    ok(run("attach", "--base", "Qwen/Qwen3-0.6B", "--relation", "quantized", ref))
    assert {x["artifactType"] for x in attached(run, ref)} == {made["type"], LINK}
    copy = f"oci:{tmp_path}/copied:v1"
    ok(run("cp", "--referrers", ref, copy))
    assert len(attached(run, copy)) == 2
    for bad, code in ((["attach", ref, tmp_path / "report.json"], "USAGE"), (["attach", "--type", "x/y", ref], "USAGE"),
                      (["attach", "--type", "no type", ref, tmp_path / "report.json"], "USAGE"),
                      (["attach", "--base", "a/b", ref, tmp_path / "report.json"], "USAGE"),
                      (["attach", "--base", "a/b", "--type", "x/y", ref], "USAGE"), (["attach", "--base", "", ref], "USAGE"),
                      (["attach", "--base", "a/b@sha256:1", ref], "USAGE"), (["attach", "--base", "a/b", "-a", "x", ref], "USAGE"),
                      (["attach", "--base", "a/b", "-a", "x=1", "-a", "x=2", ref], "USAGE"),
                      (["attach", "--relation", "base", "--type", "x/y", ref, tmp_path / "report.json"], "USAGE"),
                      (["attach", "--type", "x/y", ref, tmp_path], "MODEL_INVALID"),
                      (["attach", "--type", "x/y", ref, tmp_path / "absent"], "IO"),
                      (["attach", "--type", "x/y", ref, tmp_path / "report.json", tmp_path / "report.json"], "MODEL_INVALID"),
                      (["attach", "--base", "a/b", ref[:-2] + "v9"], "MANIFEST_UNKNOWN")):
        failed(run(*bad), code)
    assert len(attached(run, ref)) == 2, "what is refused leaves nothing"


SBOM = "application/vnd.cyclonedx+json"


def inspected(run, ref):
    return json.loads(ok(run("inspect", "--json", ref)).stdout)


def test_inspect_shows_what_is_attached(run, ref, tmp_path):
    """Whatever names it as its subject, and what cosign keeps under tags of its own; on every kind of place."""
    assert inspected(run, ref)["attached"] == [] and "ATTACHED" not in ok(run("inspect", ref)).stdout
    (tmp_path / "bom.json").write_bytes(b"{}")
    digest = inspected(run, ref)["digest"]
    bom = json.loads(ok(run("attach", "--json", "--type", SBOM, ref, tmp_path / "bom.json")).stdout)["digest"]
    link = json.loads(ok(run("attach", "--json", "--base", "Qwen/Qwen3-0.6B", "--relation", "quantized", ref)).stdout)["digest"]
    odd = json.loads(ok(run("attach", "--json", "--type", "text/x-note", ref, tmp_path / "bom.json")).stdout)["digest"]
    old, blobs = image([noise(70)])
    old["layers"][0]["mediaType"] = "application/vnd.dev.cosign.simplesigning.v1+json"
    write_layout(tmp_path / "old", old, blobs)
    tag = digest.replace(":", "-") + ".sig"
    ok(run("cp", f"oci:{tmp_path / 'old'}:v1", f"{ref.removesuffix(':v1')}:{tag}"))
    wanted = {
        bom: {"type": SBOM, "kind": "sbom"},
        link: {"type": LINK, "kind": "link", "target": "Qwen/Qwen3-0.6B", "relation": "quantized"},
        odd: {"type": "text/x-note", "kind": None},
        digest_of(dump(old)): {"type": OCI_MANIFEST, "kind": "signature", "tag": tag}}
    found = inspected(run, ref)["attached"]
    assert {x["digest"]: x for x in found} == {d: {"digest": d, "subject": digest, **x} for d, x in wanted.items()}
    assert len(found) == 4
    text = ok(run("inspect", ref)).stdout.splitlines()
    rows = text[next(i for i, line in enumerate(text) if line.startswith("ATTACHED")) + 1:]
    assert len(rows) == 4 and f"link           {link}  {LINK}: quantized Qwen/Qwen3-0.6B" in rows
    assert f"signature      {digest_of(dump(old))}  {OCI_MANIFEST}" in rows and f"-              {odd}  text/x-note" in rows


def test_inspect_of_one_in_an_index(harbor, host, run, project):
    """What is about the index, and what is about the manifest that was chosen."""
    _, data = push(harbor.registry, f"{project}/m", *image([tar_of({"a": noise(90)})]))
    whole, all_of = push(harbor.registry, f"{project}/m", index([(data, OCI_MANIFEST)]), {}, "v1")
    about = [push(harbor.registry, f"{project}/m", *artifact("application/vnd.cncf.notary.signature", descriptor(*of)))[0]
             for of in ((all_of, index([])["mediaType"]), (data, OCI_MANIFEST))]
    found = inspected(run, f"{host}/{project}/m:v1")
    assert [(x["digest"], x["subject"], x["kind"]) for x in found["attached"]] == [
        (about[0], whole, "signature"), (about[1], digest_of(data), "signature")]


@pytest.mark.parametrize("listed, shown", [
    ([{"artifactType": LINK, "annotations": {BASE_NAME: "\x1b[2Jx"}}], {"type": LINK, "kind": "link"}),
    ([{"artifactType": LINK, "annotations": {BASE_NAME: "a" * 600}}], {"type": LINK, "kind": "link"}),
    ([{"artifactType": LINK, "annotations": {BASE_NAME: "a/b", "vnd.haven.link.relation": "\x1b]0;x\x07"}}],
     {"type": LINK, "kind": "link", "target": "a/b", "relation": "base"}),
    ([{}] * 3, {"type": OCI_MANIFEST, "kind": None}),
], ids=["control", "long", "relation", "thrice"])
def test_inspect_of_lists_of_strangers(fake, run, listed, shown):  # noqa: F811
    """Nothing of a list reaches the terminal as it is; one digest is told once."""
    reg = fake()
    reg.add_manifest("p/m", "v1", [("a.txt", b"x")])
    items = [{"mediaType": OCI_MANIFEST, "digest": ABSENT, "size": 3, **one} for one in listed]

    def hook(h):
        if "/referrers/" not in h.bare:
            return False
        h.reply(200, {"Content-Type": "application/vnd.oci.image.index.v1+json"},
                dump({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": items}))
        return True
    reg.hook = hook
    said = inspected(run, f"{reg.host}/p/m:v1")
    assert [{k: v for k, v in x.items() if k not in ("digest", "subject")} for x in said["attached"]] == [shown]
    done = ok(run("inspect", f"{reg.host}/p/m:v1"))
    assert not any(c in done.stdout + done.stderr for c in "\x1b\x07") and done.stdout.count(ABSENT) == 1


def test_inspect_where_the_list_fails(fake, run):  # noqa: F811
    """That it cannot be told is a warning; the rest is told."""
    reg = fake()
    reg.add_manifest("p/m", "v1", [("a.txt", b"x")])

    def hook(h):
        if "/referrers/" not in h.bare:
            return False
        h.reply(200, {"Content-Type": "application/json"}, b"no list")
        return True
    reg.hook = hook
    done = ok(run("inspect", "--json", f"{reg.host}/p/m:v1"))
    said = json.loads(done.stdout)
    assert said["attached"] == [] and [f["file"] for f in said["files"]] == ["a.txt"]
    assert len(said["warnings"]) == 1 and said["warnings"][0].startswith("what is attached to it cannot be told")
    assert "haven: warning: what is attached" in done.stderr


def test_attach_is_read_by_others(harbor, host, run, tmp_path):
    """The list of referrers over HTTP, and the Python client of ORAS."""
    import oras.client
    name = f"{host}/library/{fresh('oras')}"
    document, blobs = image([tar_of({"a": noise(2000, 3)})])
    digest, _ = push(harbor.registry, name.partition("/")[2], document, blobs, "v1")
    (tmp_path / "note.txt").write_bytes(b"by hand")
    made = json.loads(ok(run("attach", "--json", "--type", "text/x-note", "--media-type", "text/plain", f"{name}:v1",
                             tmp_path / "note.txt")).stdout)
    listed = harbor.registry.get(f"/v2/{name.partition('/')[2]}/referrers/{digest}").json()["manifests"]
    assert [(x["digest"], x["artifactType"]) for x in listed] == [(made["digest"], "text/x-note")]
    client = oras.client.OrasClient(hostname=host, insecure=True, auth_backend="basic")
    client.login(hostname=host, username="admin", password=PASSWORD, config_path=str(tmp_path / "oras.json"))
    (path,) = client.pull(target=f"{name}@{made['digest']}", outdir=str(tmp_path / "pulled"))
    assert open(path, "rb").read() == b"by hand"


def test_links_by_attach(harbor, host, run, project):
    """A link without files is one of the graph, and goes as artifacts do."""
    base, _ = model(harbor, project, "base")
    digest, _ = model(harbor, project, "m")
    made = json.loads(ok(run("attach", "--json", "--base", f"{host}/{project}/base:v1@{base}", "--relation", "adapter",
                             f"{host}/{project}/m:v1")).stdout)
    assert made["subject"] == digest and made["files"] == []
    wait_until(lambda: edges(graph(harbor, project)) == {("m", "adapter", "base", "manual")})
    edge, = graph(harbor, project)["edges"]
    assert edge["accessory"] == made["digest"] and edge["target"] == f"{project}/base:v1@{base}" and "link_id" not in edge
    assert edges(graph(harbor, project, "base", direction="down")) == {("m", "adapter", "base", "manual")}
    refused(deleted(harbor, at(project, "base")), 412, "PRECONDITION")
    assert edges(graph(harbor, project, "m", made["digest"], direction="up")) == {("m", "subject", "m", "manifest")}
    harbor.delete(at(project, "m", ref=made["digest"]))
    assert edges(graph(harbor, project)) == set()
    assert deleted(harbor, at(project, "base")).status == 200


def test_rm_asks_first(harbor, host, run, project):
    """What depends on it in any project of the caller is told; --force does not ask."""
    other = harbor.add_project()[1]
    base, _ = model(harbor, project, "base")
    model(harbor, other, "tuned", card(f"{project}/base:v1", relation="finetune"))
    tag, exact = f"{host}/{project}/base:v1", f"{host}/{project}/base@{base}"
    done = failed(run("rm", tag), "USAGE", "1 artifact depends on it: --force deletes it")
    assert f"{other}/tuned:v1 (finetune)" in done.stderr
    failed(run("rm", "--yes", exact), "USAGE", "--force")
    assert ok(run("ls", f"{host}/{project}/base")).stdout == "v1\n", "nothing was deleted"
    # Who does not see what depends on it is not asked.
    number, user = harbor.add_user()
    harbor.add_member(project, number, "maintainer")
    ok(run("login", "-u", user.registry.user, "--password-stdin", host, input=PASSWORD))
    ok(run("rm", tag))
    ok(run("login", "-u", "admin", "--password-stdin", host, input=PASSWORD))
    ok(run("rm", "--yes", exact))  # no tag is left that the link names
    model(harbor, project, "base")
    failed(run("rm", tag), "USAGE", "--force")
    gone = json.loads(ok(run("rm", "--force", "--json", tag)).stdout)
    assert gone["removed"] == "tag" and gone["tags"] == ["v1"]


def listed(run, layout):
    return {(r["tag"], r["digest"]) for r in json.loads(ok(run("ls", "--json", layout)).stdout)["tags"]}


def test_rm_in_a_layout(run, tmp_path):
    """What is about it goes along, what names it by its digest is told first."""
    folder = tmp_path / "layout"
    folder.mkdir()
    document, blobs = image([tar_of({"a": noise(2000, 3)})])
    write_layout(folder, document, blobs, "base")
    layout, digest, size = f"oci:{folder}", digest_of(dump(document)), len(dump(document))

    def add(name, made):
        write_layout(tmp_path / name, *made, tag=name)
        ok(run("cp", f"oci:{tmp_path / name}:{name}", f"{layout}:{name}"))
        return digest_of(dump(made[0]))
    built = image([tar_of({"b": noise(90, 4)})], annotations={BASE_NAME: "hub/base:v1", BASE_DIGEST: digest})
    add("built", built)
    add("whole", (index([(dump(built[0]), OCI_MANIFEST)]), {**built[1], digest_of(dump(built[0])): dump(built[0])}))
    add("tuned", image([tar_of({"c": noise(90, 5)})]))
    ok(run("attach", "--base", f"hub/base@{digest}", "--relation", "finetune", f"{layout}:tuned"))
    add("free", image([tar_of({"d": noise(90, 6)})], annotations={BASE_NAME: "hub/base:base", BASE_DIGEST: ABSENT}))
    subject = {"mediaType": OCI_MANIFEST, "digest": digest, "size": size}
    add("kept", artifact("application/vnd.example.note", subject, [noise(40, 7)]))
    before = listed(run, layout)
    # About it: a report, a signature of the report, and cosign's, which has a tag made of its digest.
    (tmp_path / "report.json").write_bytes(b'{"score": 1}')
    report = json.loads(ok(run("attach", "--json", "--type", "x/report", f"{layout}:base", tmp_path / "report.json")).stdout)
    ok(run("attach", "--type", "x/signature", f"{layout}@{report['digest']}", tmp_path / "report.json"))
    ok(run("attach", "--base", "hub/other", "--relation", "base", f"{layout}:base"))
    add(digest.replace(":", "-") + ".sig", image([tar_of({"e": noise(90, 8)})]))
    store = set((folder / "blobs/sha256").iterdir())

    ok(run("tag", f"{layout}:base", "again"))
    ok(run("rm", f"{layout}:again"))  # the digest leads to it all the same
    done = failed(run("rm", "--yes", f"{layout}@{digest}"), "USAGE", "4 artifacts depend on it: --force deletes it")
    for line in (f"{layout}:built (base)", f"{layout}:whole (base)", f"{layout}:tuned (finetune)", f"{layout}:kept (subject)"):
        assert line in done.stderr, done.stderr
    assert "free" not in done.stderr and set((folder / "blobs/sha256").iterdir()) == store, "nothing was deleted"
    ok(run("rm", "--yes", "--force", f"{layout}@{digest}"))
    assert listed(run, layout) == before - {("base", digest)}
    # What went along was freed with it: what is there is what the others need.
    left = {p.name for p in (folder / "blobs/sha256").iterdir()}
    assert report["digest"].partition(":")[2] not in left and digest.partition(":")[2] not in left
    assert digest_of(b'{"score": 1}').partition(":")[2] not in left
    for name in ("built", "whole", "tuned", "free", "kept"):
        ok(run("cp", f"{layout}:{name}", f"oci:{tmp_path / ('again-' + name)}"))
    # A digest that is not listed, and one that nothing depends on.
    failed(run("rm", f"{layout}@{ABSENT}"), "MANIFEST_UNKNOWN")
    ok(run("rm", "--yes", f"{layout}@{digest_of(dump(built[0]))}"))


def test_rm_on_a_terminal(harbor, host, run, env, project):  # noqa: F811
    model(harbor, project, "base")
    model(harbor, project, "tuned", card(f"{project}/base:v1", relation="finetune"))

    def answer(text):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(HAVEN, [HAVEN, "rm", f"{host}/{project}/base:v1"], env)
        seen, sent = b"", False
        while select.select([terminal], [], [], 60)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                break
            if b"[y/N] " in seen and not sent:
                os.write(terminal, text)
                sent = True
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()

    status, seen = answer(b"n\n")
    assert status != 0 and f"what {project}/tuned:v1 (finetune) depends on. Delete?" in seen and "nothing was deleted" in seen
    assert harbor.get(at(project, "base")).status == 200
    assert answer(b"y\n")[0] == 0
    assert harbor.get(at(project, "base")).status == 404


@pytest.mark.parametrize("body", [
    b"no JSON", b"[]", b'{"errors": [{"code": "PRECONDITION"}]}', b'{"errors": [{"code": "PRECONDITION", "detail": {"links": []}}]}',
    json.dumps({"errors": [{"code": "OTHER", "detail": {"links": [{"repository": "a"}]}}]}).encode(),
    json.dumps({"errors": [{"code": "PRECONDITION", "detail": {"links": [
        {"repository": "\x1b[2J" + "a" * 4000, "digest": 7, "tags": {"x": 1}, "relation": "\n\u202e"}, 5, None] * 40}}]}).encode()],
    ids=["text", "list", "no-detail", "empty", "other", "hostile"])
def test_rm_is_told_nonsense(fake, run, body):  # noqa: F811
    """A refusal of a registry that is no such list is a refusal; of one that is, nothing reaches the terminal as it is."""
    reg = fake()

    def hook(h):
        if h.command != "DELETE":
            return False
        h.reply(412, {"Content-Type": "application/json"}, body)
        return True

    reg.hook = hook
    failed(run("rm", f"{reg.host}/p/m:v1"), "USAGE" if b"u202e" in body else "REMOTE")
