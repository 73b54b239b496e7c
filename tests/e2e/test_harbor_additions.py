# SPDX-License-Identifier: Apache-2.0
"""What artifacts bring along: the history of an image, a picture."""
import base64
import contextlib
import json
import pathlib
import re

import pytest

from harness.content import CONFIG_TYPE, artifact, descriptor, index, noise, push, small_image
from harness.harbor import Harbor, refused
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = {"io.goharbor.artifact.v1alpha1.icon": ""}
PNG, GIF, JPEG = b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0"
MIB = 1 << 20


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def project(harbor):
    return harbor.add_project()[1]


def at(project, repo="m", rest=""):
    return f"/projects/{project}/repositories/{repo}/artifacts/v1{rest}"


# ---- additions ----

def with_config(config, config_type=CONFIG_TYPE, **more):
    data, layer = config if isinstance(config, bytes) else json.dumps(config).encode(), noise(300)
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(data, config_type),
            "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar")], **more}, \
        {digest_of(data): data, digest_of(layer): layer}


HISTORY = [{"created": "2026-01-01T00:00:00Z", "created_by": "ADD file"}, {"created_by": "CMD [\"sh\"]", "empty_layer": True}]
IMAGE = {"architecture": "amd64", "os": "linux", "config": {}, "history": HISTORY}


@pytest.mark.parametrize("config_type", [
    CONFIG_TYPE, "application/vnd.docker.container.image.v1+json", "application/vnd.wasm.config.v0+json"])
def test_history_of_an_image(harbor, project, config_type):
    digest, _ = push(harbor.registry, f"{project}/a/b", *with_config(IMAGE, config_type), "v1")
    link = harbor.json(at(project, "a%252Fb"))["addition_links"]["build_history"]
    assert link == {"href": f"/api/v2.0/projects/{project}/repositories/a%252Fb/artifacts/{digest}/additions/build_history",
                    "absolute": False}
    answer = harbor.registry.get(link["href"])
    assert (answer.status, answer.json()) == (200, HISTORY)
    assert answer.get("Content-Type") == "application/json; charset=utf-8"
    assert harbor.json(at(project, "a%252Fb", "/additions/Build_History")) == HISTORY
    refused(harbor.get(at(project, "a%252Fb", "/additions/readme.md")), 400, "BAD_REQUEST", "readme.md")


@pytest.mark.parametrize("config", [{"architecture": "amd64"}, {"history": "long"}, {"history": None}])
def test_an_image_without_a_history(harbor, project, config):
    push(harbor.registry, f"{project}/m", *with_config(config), "v1")
    assert harbor.json(at(project, rest="/additions/build_history")) == []


def test_what_has_none(harbor, project):
    _, data = push(harbor.registry, f"{project}/index", *small_image())
    push(harbor.registry, f"{project}/index", index([(data, OCI_MANIFEST)]), {}, "v1")
    push(harbor.registry, f"{project}/model", *with_config({"config": {}}, "application/vnd.cncf.model.config.v1+json",
                                                           artifactType="application/vnd.cncf.model.manifest.v1+json"), "v1")
    for repo, links in (("index", None), ("model", ["files"])):
        wait_until(lambda where=at(project, repo, "/model"): harbor.json(where)["state"] == "read")
        found = harbor.json(at(project, repo)).get("addition_links")
        assert (found and list(found)) == links
        refused(harbor.get(at(project, repo, "/additions/build_history")), 400, "BAD_REQUEST", "build_history")
    refused(harbor.get(at(project, "nothing", "/additions/build_history")), 404, "NOT_FOUND", "no artifact")
    refused(harbor.get(at(project, "model", "/additions/vulnerabilities")), 404, "NOT_FOUND", "scanners")


def test_configurations_that_say_nothing(harbor, project):
    push(harbor.registry, f"{project}/broken", *with_config(b"{"), "v1")
    refused(harbor.get(at(project, "broken", "/additions/build_history")), 400, "BAD_REQUEST", "configuration")
    push(harbor.registry, f"{project}/list", *with_config(b"[]"), "v1")
    assert harbor.json(at(project, "list", "/additions/build_history")) == []
    large = {**IMAGE, "history": [{"comment": "x" * MIB}]}
    push(harbor.registry, f"{project}/large", *with_config(large), "v1")
    refused(harbor.get(at(project, "large", "/additions/build_history")), 404, "NOT_FOUND", "configuration")


# ---- icons ----

def with_icon(data, where=0, more_layers=(), **more):
    layers = [noise(100), noise(100)]
    layers.insert(where, data)
    document, blobs = artifact("application/vnd.acme.thing", layers=[*layers, *more_layers], **more)
    document["layers"][where]["annotations"] = MARK
    return document, blobs


def icon(harbor, digest):
    return harbor.get(f"/icons/{digest}")


@pytest.mark.parametrize("begins, kind", [(PNG, "image/png"), (GIF, "image/gif"), (b"GIF87a", "image/gif"), (JPEG, "image/jpeg")])
@pytest.mark.parametrize("where", [0, 2])
def test_icon(harbor, project, begins, kind, where):
    data = begins + noise(500)
    push(harbor.registry, f"{project}/m", *with_icon(data, where), "v1")
    digest = harbor.json(at(project))["icon"]
    assert digest == digest_of(data) == harbor.json(f"/projects/{project}/repositories/m/artifacts")[0]["icon"]
    answer = icon(harbor, digest)
    assert answer.status == 200 and set(answer.json()) == {"content-type", "content"}
    assert (answer.json()["content-type"], base64.b64decode(answer.json()["content"])) == (kind, data)


def test_what_is_no_icon(harbor, project):
    """Not a picture, too large, in an index, the second one: the push is well, and nothing is shown."""
    for repo, (document, blobs) in {
            "text": with_icon(b"<svg/>" + noise(50)), "large": with_icon(PNG + bytes(MIB)), "plain": artifact("x/kind", layers=[PNG + noise(9)])}.items():
        push(harbor.registry, f"{project}/{repo}", document, blobs, "v1")
        assert "icon" not in harbor.json(at(project, repo)), repo
        for data in blobs:
            refused(icon(harbor, data), 404, "NOT_FOUND", "no icon")
    exact = PNG + bytes(MIB - len(PNG))
    push(harbor.registry, f"{project}/exact", *with_icon(exact), "v1")
    assert base64.b64decode(icon(harbor, harbor.json(at(project, "exact"))["icon"]).json()["content"]) == exact
    document, blobs = with_icon(b"no picture", more_layers=[PNG + noise(10)])
    document["layers"][3]["annotations"] = MARK
    push(harbor.registry, f"{project}/first", document, blobs, "v1")
    assert "icon" not in harbor.json(at(project, "first"))
    refused(icon(harbor, "sha256:" + "0" * 64), 404, "NOT_FOUND")
    refused(icon(harbor, "sha256:0"), 400, "DIGEST_INVALID")


def test_a_digest_grants_nothing(harbor, project):
    data = PNG + noise(100)
    digest = digest_of(data)
    push(harbor.registry, f"{project}/m", *with_icon(data), "v1")
    nobody = Harbor(harbor.registry.clone(user=None, password=None))
    number, user = harbor.add_user()
    _, own = user.add_project()
    user.registry.push_blob(f"{own}/m", data)  # the same bytes are no icon there
    for who in (user, nobody):
        assert icon(who, digest).body == icon(who, digest).body
        refused(icon(who, digest), 404, "NOT_FOUND", "no icon")

    def robot(*rights):
        made = harbor.post("/robots", {"name": f"r{len(rights)}", "level": "project", "duration": -1, "permissions": [
            {"kind": "project", "namespace": project, "access": [dict(zip(("resource", "action"), r.split(":"))) for r in rights]}]}).json()
        return Harbor(harbor.registry.clone(user=made["name"], password=made["secret"]))
    refused(icon(robot("tag:list"), digest), 404, "NOT_FOUND")
    assert icon(robot("tag:list", "artifact:read"), digest).status == 200
    harbor.add_member(project, number, "limitedGuest")
    assert icon(user, digest).status == 200 and icon(nobody, digest).status == 404
    harbor.put(f"/projects/{project}", {"metadata": {"public": "true"}})
    assert icon(nobody, digest).status == 200
    harbor.delete(at(project))
    assert icon(nobody, digest).status == icon(harbor, digest).status == 404


def test_of_accessories_and_copies(harbor, project):
    _, subject = push(harbor.registry, f"{project}/m", *small_image(), "v1")
    data = GIF + noise(60)
    push(harbor.registry, f"{project}/m", *with_icon(data, subject=descriptor(subject, OCI_MANIFEST)))
    (about,) = harbor.json(at(project, rest="/accessories"))
    assert about["icon"] == digest_of(data)
    harbor.post(f"/projects/{project}/repositories/n/artifacts?from={project}/m:v1", None)
    assert harbor.json(at(project, "n", "/accessories"))[0]["icon"] == digest_of(data)


def undo_since(db, name):
    """Takes back what migrations made from this one on, as far as it is tables, columns, indexes and triggers of a new name."""
    for path in sorted((ROOT / "src" / "db" / "migrations").glob("*.sql"), reverse=True):
        text = path.read_text(encoding="utf-8")
        for trigger in re.findall(r"^CREATE TRIGGER (\w+)", text, re.M):
            db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for view in re.findall(r"^CREATE VIEW (\w+)", text, re.M):
            db.execute(f"DROP VIEW IF EXISTS {view}")
        for index in re.findall(r"^CREATE (?:UNIQUE )?INDEX (\w+)", text, re.M):
            db.execute(f"DROP INDEX IF EXISTS {index}")
        for table, column in re.findall(r"^ALTER TABLE (\w+) ADD COLUMN (\w+)", text, re.M):
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for table in re.findall(r"^CREATE TABLE (\w+)", text, re.M):
            db.execute(f"DROP TABLE IF EXISTS {table}")
        db.execute("DELETE FROM schema_version WHERE version = ?", (int(path.name[:4]),))
        if path.stem.partition("_")[2] == name:
            return
    raise AssertionError(name)


def test_what_was_pushed_to_an_older_version(start):
    """What names an icon is looked at again after the upgrade, and only that."""
    server = start()
    harbor = Harbor(server.registry())
    data = PNG + noise(40)
    push(harbor.registry, "library/m", *with_icon(data), "v1")
    push(harbor.registry, "library/n", *small_image(), "v1")
    server.stop()
    with contextlib.closing(server.database()) as db, db:
        undo_since(db, "icons_queues")
        db.executescript("""
            UPDATE artifact SET kind = 'OLD';
            DROP TABLE schedule;
            CREATE TABLE schedule (kind TEXT NOT NULL PRIMARY KEY, cron TEXT NOT NULL, args TEXT NOT NULL,
                next_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            INSERT INTO schedule VALUES ('collect', '0 0 0 1 1 *', '{}', 4102444800000);""")
    server.start()
    harbor = Harbor(server.registry())
    wait_until(lambda: harbor.json(at("library"), with_tag="false").get("icon") == digest_of(data), what="the icon")
    assert harbor.json(at("library", "n"))["type"] == "OLD"
    (kept,) = harbor.json("/schedules")
    assert (kept["vendor_type"], kept["cron"], kept["update_time"]) == (
        "GARBAGE_COLLECTION", "0 0 0 1 1 *", "0001-01-01T00:00:00.000Z")
