# SPDX-License-Identifier: Apache-2.0
"""Mistakes that other registries and their clients have had, one test each: what went wrong there, and that it does not here.

The number behind each is that of the public record, or of the change that mended it. What has a file of its own is shown here
in its shortest form.
"""
import base64
import json
import pathlib
import re
import socket
import subprocess
import time
import urllib.parse

import pytest

from harness.content import CONFIG_TYPE, artifact, descriptor, dump, image, noise, push, small_image
from harness.fake_registry import FakeRegistry
from harness.harbor import PASSWORD, Harbor, fresh
from harness.raw import Raw
from harness.record import HAVEN
from harness.registry import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Registry, digest_of
from harness.server import environment
from harness.server import haven as run

MIB = 1 << 20


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def nobody(anonymous):
    return Harbor(anonymous)


def routes():
    return json.loads(subprocess.run([HAVEN, "routes", "--json"], check=True, capture_output=True).stdout)


def robot_of(harbor, project, *rights, name=None):
    made = harbor.post("/robots", {"name": name or fresh("cve"), "level": "project", "duration": -1, "permissions": [
        {"kind": "project", "namespace": project, "access": [dict(zip(("resource", "action"), r.split(":"))) for r in rights]}]})
    return made.json()


# ---- bodies and pages of any size ----

def test_a_manifest_without_end(haven, admin, repo):
    """A manifest was read into memory however long it was (CVE-2017-11468)."""
    before = haven.rss()
    answer = admin.put_manifest(repo, "v1", b'{"schemaVersion":2,"x":"' + b"a" * (64 * MIB), OCI_MANIFEST, chunked=True)
    assert answer.status == 413, answer
    assert haven.rss() - before < 48 * MIB
    assert admin.manifest(repo, "v1").status == 404


@pytest.mark.parametrize("path", ["/v2/_catalog?n={}", "/v2/{}/tags/list?n={}", "/api/v2.0/projects?page_size={}",
                                  "/api/v2.0/projects?page={}", "/v2/{}/referrers/" + digest_of(b"x") + "?n={}"])
@pytest.mark.parametrize("n", ["2147483647", "9223372036854775807", "9223372036854775808", "99999999999999999999", "-1"])
def test_a_page_of_any_size(haven, admin, repo, path, n):
    """As many entries were allocated as a client asked for (CVE-2023-2253)."""
    push(admin, repo, *small_image(), "v1")
    before = haven.rss()
    answer = admin.get(path.replace("{}", repo, 1).format(n) if path.count("{}") == 2 or "referrers" in path
                       else path.format(n))
    assert answer.status in (200, 400, 422), answer
    assert haven.rss() - before < 16 * MIB


# ---- documents with two meanings ----

def test_a_manifest_that_is_an_index_as_well(admin, repo):
    """One document was an image to some and an index to others (CVE-2021-41190)."""
    document, blobs = small_image()
    _, data = push(admin, repo, document, blobs)
    both = {**document, "manifests": [descriptor(data, OCI_MANIFEST)]}
    for kind in (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST):
        for named in ({}, {"mediaType": kind}, {"mediaType": OCI_INDEX}, {"mediaType": OCI_MANIFEST}):
            mixed = {**{k: v for k, v in both.items() if k != "mediaType"}, **named}
            answer = admin.put_manifest(repo, "both", dump(mixed), kind)
            assert answer.status in (400, 415), (kind, named, answer)
    said = admin.put_manifest(repo, "said", dump(document), OCI_INDEX)  # the document says the one, the header the other
    assert said.status == 400, said
    twice = dump(document).replace(b'"schemaVersion":2', b'"schemaVersion":2,"config":{},"schemaVersion":2', 1)
    assert admin.put_manifest(repo, "twice", twice, OCI_MANIFEST).status == 400  # two members of one name


def test_bytes_other_than_their_digest(admin, repo):
    """A manifest that was asked for by digest was taken as it came (distribution, change 4890): also when it is pushed."""
    document, blobs = small_image()
    push(admin, repo, document, blobs)
    answer = admin.put_manifest(repo, digest_of(b"other"), dump(document), OCI_MANIFEST)
    assert answer.status == 400 and answer.errors() == ["DIGEST_INVALID"], answer
    assert admin.manifest(repo, digest_of(b"other")).status == 404


@pytest.mark.parametrize("digest", ["sha256:../../../../etc/passwd", "sha256:" + "a" * 63 + "/", "../x:" + "a" * 64, "sha256:",
                                    "sha256:" + "A" * 64, "sha256:" + "a" * 64 + "/../" + "b" * 64])
def test_a_digest_that_is_a_path(admin, repo, digest):
    """Digests were joined to paths unchecked (CVE-2024-3727): in addresses and in documents."""
    quoted = urllib.parse.quote(digest, safe=":")
    for path in (f"/v2/{repo}/blobs/{quoted}", f"/v2/{repo}/manifests/{quoted}", f"/v2/{repo}/referrers/{quoted}"):
        assert admin.get(path).status in (400, 404), path
    document, _ = small_image()
    document["layers"][0]["digest"] = digest
    assert admin.put_manifest(repo, "v1", dump(document), OCI_MANIFEST).status == 400
    assert admin.finish(admin.open_upload(repo), digest, b"x").status == 400


# ---- tokens ----

def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_token_that_brings_its_own_key(haven, admin, anonymous, tmp_path):
    """A token was verified by the key in its own head, if only its id was a known one (CVE-2025-24976)."""
    push(admin, "library/jwk", *small_image(), "v1")
    true = anonymous.fetch_token("repository:library/jwk:pull").json()["token"]
    head, claims, _ = true.split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    modulus = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-modulus"], check=True, capture_output=True).stdout
    jwk = {"kty": "RSA", "e": "AQAB", "n": encode(bytes.fromhex(modulus.decode().strip().partition("=")[2])), "kid": kid}
    for more in ({"jwk": jwk}, {"jwk": jwk, "kid": kid}, {"jku": "http://127.0.0.1:1/k"}, {"x5u": "http://127.0.0.1:1/k"},
                 {"kid": "../../dev/null"}):
        signed = encode(json.dumps({"alg": "RS256", "typ": "JWT", "kid": kid, **more}).encode()) + "." + claims
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed.encode(), check=True,
                                   capture_output=True).stdout
        answer = Registry(haven.url, token=signed + "." + encode(signature)).manifest("library/jwk", "v1")
        assert answer.status == 401, more
    assert Registry(haven.url, token=true).manifest("library/jwk", "v1").status == 200


def test_every_installation_has_its_own_key(haven, start):
    """Tokens were signed by a key that came with the package (GHSA-j7jh-fmcm-xxwv)."""
    tokens = [server.registry().fetch_token("repository:library/a:pull").json()["token"] for server in (haven, start())]
    kids = [json.loads(base64.urlsafe_b64decode(t.split(".")[0] + "=="))["kid"] for t in tokens]
    assert kids[0] != kids[1]
    assert Registry(haven.url, token=tokens[1]).get("/v2/").status == 401


def test_a_token_for_something_else(haven, admin, anonymous):
    """Anybody got a token for an audience of their choice, and put a key in place with it (a flaw of Quay, 2026)."""
    for service in ("", "key-server", "haven", "harbor-registry,other"):
        assert anonymous.fetch_token("repository:library/a:pull", service=service).status == 400, service
    token = admin.fetch_token("registry:catalog:*").json()["token"]
    holder = Harbor(Registry(haven.url, token=token))
    for method, path in (("GET", "/users/current"), ("GET", "/users"), ("PUT", "/configurations"), ("POST", "/users")):
        assert holder.call(method, path, None if method == "GET" else {}).status == 401, path  # a registry token is for /v2/
    assert not [r for r in routes() if re.search(r"/keys?\b", r["path"])]


def test_a_token_of_a_project_that_is_gone(haven, harbor):
    """A token outlived its project and counted in a new one of that name (Harbor, changes 22900 and 23270), also as the
    source of a mount."""
    (_, name), (_, mine) = harbor.add_project(), harbor.add_project()
    push(harbor.registry, f"{name}/m", *small_image(), "v1")
    token = harbor.registry.fetch_token(f"repository:{name}/m:pull,push", f"repository:{mine}/m:pull,push").json()["token"]
    holder = Registry(haven.url, token=token)
    assert holder.manifest(f"{name}/m", "v1").status == 200
    harbor.delete(f"/projects/{name}/repositories/m")
    harbor.delete(f"/projects/{name}")
    time.sleep(1.1)  # tokens count seconds
    harbor.add_project(name)
    blob = harbor.registry.push_blob(f"{name}/m", noise(500))
    assert holder.manifest(f"{name}/m", "v1").status == 401
    assert holder.head(f"/v2/{name}/m/blobs/{blob}").status == 401
    assert holder.start(f"{mine}/m", f"?mount={blob}&from={name}/m").status in (202, 401)
    assert harbor.registry.head(f"/v2/{mine}/m/blobs/{blob}").status == 404
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    for missing in ("iat", "exp", "aud", "access"):
        forged = encode(json.dumps({k: v for k, v in claims.items() if k != missing}).encode())
        bad = ".".join([token.split(".")[0], forged, token.split(".")[2]])
        assert Registry(haven.url, token=bad).get(f"/v2/{name}/m/tags/list").status == 401


def test_private_content_for_nobody(haven, harbor, anonymous):
    """Private images were pulled without any login (CVE-2026-27771)."""
    _, name = harbor.add_project()
    digest, _ = push(harbor.registry, f"{name}/m", *small_image(), "v1")
    token = anonymous.fetch_token(f"repository:{name}/m:pull").json()["token"]
    for registry in (anonymous, Registry(haven.url, token=token)):
        for ref in ("v1", digest):
            assert registry.manifest(f"{name}/m", ref).status == 401
            assert registry.head(f"/v2/{name}/m/manifests/{ref}").status == 401
        assert registry.tags(f"{name}/m").status == 401 and registry.referrers(f"{name}/m", digest).status == 401


# ---- what one has is not what all have ----

def test_bytes_that_another_repository_holds(harbor):
    """The index of what is stored already answered for every repository (CVE-2024-39897)."""
    (_, theirs), (_, mine) = harbor.add_project(), harbor.add_project()
    blob = harbor.registry.push_blob(f"{theirs}/m", noise(900))
    number, user = harbor.add_user()
    harbor.add_member(mine, number, "projectAdmin")
    for method in ("HEAD", "GET"):
        assert user.registry.request(method, f"/v2/{mine}/m/blobs/{blob}").status == 404
    assert user.registry.start(f"{mine}/m", f"?mount={blob}").status == 202
    assert user.registry.head(f"/v2/{mine}/m/blobs/{blob}").status == 404


def test_bytes_that_were_deleted_here(harbor):
    """Who deleted a blob had it back as soon as another repository held it (CVE-2026-35172)."""
    (_, mine), (_, theirs) = harbor.add_project(), harbor.add_project()
    registry, data = harbor.registry, noise(900)
    blob = registry.push_blob(f"{mine}/m", data)
    assert registry.delete(f"/v2/{mine}/m/blobs/{blob}").status == 202
    registry.push_blob(f"{theirs}/m", data)
    assert registry.head(f"/v2/{mine}/m/blobs/{blob}").status == 404
    assert registry.blob(f"{mine}/m", blob).status == 404


def test_a_right_that_was_taken_away(harbor):
    """Roles of groups were added at each login and never taken away (CVE-2025-23208)."""
    _, name = harbor.add_project()
    push(harbor.registry, f"{name}/m", *small_image(), "v1")
    number, user = harbor.add_user()
    member = harbor.add_member(name, number, "developer").get("Location").rsplit("/", 1)[1]
    assert user.registry.start(f"{name}/m").status == 202
    harbor.put(f"/projects/{name}/members/{member}", {"role_id": 3})
    assert user.registry.start(f"{name}/m").status == 401 and user.registry.manifest(f"{name}/m", "v1").status == 200
    harbor.delete(f"/projects/{name}/members/{member}")
    assert user.registry.manifest(f"{name}/m", "v1").status == 401
    assert user.json("/users/current/permissions", scope=f"/project/{name}") == []


def test_ids_of_others(harbor):
    """Robots, policies and rules of another project were read and changed by their numbers (CVE-2022-31667 and its
    family); every id: test_nested_ids."""
    (_, theirs), (_, mine) = harbor.add_project(), harbor.add_project()
    number, user = harbor.add_user()
    harbor.add_member(mine, number, "projectAdmin")
    robot = robot_of(harbor, theirs, "repository:pull")["id"]
    for method, body in (("GET", None), ("PUT", {"duration": -1, "permissions": []}), ("PATCH", {"secret": ""}), ("DELETE", None)):
        assert user.call(method, f"/robots/{robot}", body).status == 403, method
    assert harbor.get(f"/robots/{robot}").status == 200


def test_uploads_of_others(harbor):
    """An upload went on for whoever knew its id (CVE-2026-32589)."""
    (_, theirs), (_, mine) = harbor.add_project(), harbor.add_project()
    location = harbor.registry.open_upload(f"{theirs}/m")
    harbor.registry.patch(location, b"abc")
    number, user = harbor.add_user()
    harbor.add_member(mine, number, "projectAdmin")
    for place, status in ((location, 401), (location.replace(f"/{theirs}/", f"/{mine}/"), 404)):
        for answer in (user.registry.get(place), user.registry.patch(place, b"x"), user.registry.delete(place),
                       user.registry.finish(place, digest_of(b"abc"))):
            assert answer.status == status, (place, answer)
    assert harbor.registry.get(location).get("Range") == "0-2"


def test_the_state_of_an_upload_is_not_the_clients(admin, repo):
    """What a client sent back as the state of its upload was unpickled (CVE-2026-32590)."""
    location = admin.open_upload(repo)
    state = base64.b64encode(b"cos\nsystem\n(S'true'\ntR.").decode()
    mark = "&" if "?" in location else "?"
    answer = admin.patch(f"{location}{mark}_state={urllib.parse.quote(state)}&offset=-5", b"abc")
    assert answer.status == 202 and answer.get("Range") == "0-2", answer
    base, _, number = location.partition("?")[0].rpartition("/")
    for other in (number[:-1] + ("0" if number[-1] != "0" else "1"), "..%2F..", "%2e%2e", state.replace("/", "_"), "x" * 4000):
        assert admin.get(f"{base}/{other}").status in (400, 404), other


# ---- one gate for every change ----

def test_nothing_changes_in_read_only_mode(start):
    """One way to delete did not ask whether deletes are allowed (CVE-2026-41888): every route that changes something."""
    server = start()
    harbor = Harbor(server.registry())
    _, name = harbor.add_project()
    digest, _ = push(harbor.registry, f"{name}/m", *small_image(), "v1")
    harbor.put("/configurations", {"read_only": True})
    values = {"project": name, "project_name": name, "repository_name": "m", "name...": f"{name}/m", "reference": "v1",
              "tag_name": "v1", "digest": digest, "id": "1", "meta_name": "public"}
    passes = {"configuration.update", "session.begin", "user.exists"}  # how to get out of it, and what changes nothing
    changing = [r for r in routes() if r["method"] in ("POST", "PUT", "PATCH", "DELETE") and r["name"] not in passes]
    assert len(changing) > 40
    for route in changing:
        path = re.sub(r"\{([^}]+)\}", lambda m: values.get(m[1], "1"), route["path"])
        answer = harbor.registry.request(route["method"], path, body=b"{}" if route["method"] != "DELETE" else None)
        assert answer.status == 403 and answer.errors() == ["DENIED"], (route["name"], answer)
    assert harbor.registry.manifest(f"{name}/m", "v1").status == 200
    harbor.put("/configurations", {"read_only": False})


@pytest.mark.parametrize("tag", ["latest", "v1"])
def test_no_tag_is_special(harbor, tag):
    """The tag "latest" was moved by who may only add (CVE-2026-31801)."""
    _, name = harbor.add_project()
    digest, data = push(harbor.registry, f"{name}/m", *small_image(), tag)
    number, guest = harbor.add_user()
    harbor.add_member(name, number, "guest")
    assert guest.registry.put_manifest(f"{name}/m", tag, data, OCI_MANIFEST).status == 401
    harbor.post(f"/projects/{name}/immutabletagrules", {
        "action": "immutable", "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}})
    other, blobs = small_image()
    for content in blobs.values():
        harbor.registry.push_blob(f"{name}/m", content)
    assert harbor.registry.put_manifest(f"{name}/m", tag, dump(other), OCI_MANIFEST).status == 412
    assert harbor.registry.manifest(f"{name}/m", tag).get("Docker-Content-Digest") == digest


def test_a_name_gives_no_rights(haven, harbor):
    """A robot that was called like the scanner was taken for it (Harbor, change 23675)."""
    _, name = harbor.add_project()
    push(harbor.registry, f"{name}/m", *small_image(), "v1")
    for word in ("scanner", "trivy", "admin", "harbor-scanner", "jobservice"):
        robot = robot_of(harbor, name, "tag:list", name=word)
        registry = Registry(haven.url, robot["name"], robot["secret"])
        assert registry.start(f"{name}/m").status == 401 and registry.manifest(f"{name}/m", "v1").status == 401
        assert Harbor(registry).get("/users").status == 403


def test_headers_of_servers_among_themselves(haven, harbor, anonymous):
    """A header that members of a cluster send each other brought a server down; another one let its sender in (zot, Harbor)."""
    _, name = harbor.add_project()
    push(harbor.registry, f"{name}/m", *small_image(), "v1")
    for header, value in (("X-Zot-Cluster-Hop-Count", "1"), ("X-Zot-Cluster-Hop-Count", "-1"), ("X-Harbor-Secret", "x"),
                          ("Authorization", "Harbor-Secret x"), ("X-Forwarded-User", "admin"), ("X-Remote-User", "admin"),
                          ("X-Original-URL", "/api/v2.0/users"), ("X-HTTP-Method-Override", "DELETE")):
        for path in (f"/v2/{name}/m/manifests/v1", "/v2/_catalog", "/api/v2.0/users"):
            assert anonymous.request("GET", path, headers={header: value}).status == 401, (header, path)
    assert haven.running() and harbor.registry.manifest(f"{name}/m", "v1").status == 200


# ---- who is an administrator ----

def test_an_administrator_is_not_made_by_a_field(harbor, nobody):
    """Whoever signed up said in the body that they administer everything (CVE-2019-16097); every body: test_hostile_callers."""
    body = {"username": fresh("self"), "email": fresh("e") + "@example.org", "realname": "x", "password": PASSWORD,
            "has_admin_role": True, "sysadmin_flag": True, "user_id": 1}
    assert nobody.call("POST", "/users", body).status == 401
    _, user = harbor.add_user()
    assert user.call("POST", "/users", body).status == 403
    number = int(harbor.post("/users", body).get("Location").rsplit("/", 1)[1])
    assert number != 1 and harbor.json(f"/users/{number}")["sysadmin_flag"] is False


def test_maintainers_leave_the_project_as_it_is(harbor):
    """A maintainer changed what is said about a project (CVE-2024-22278)."""
    _, name = harbor.add_project()
    number, user = harbor.add_user()
    harbor.add_member(name, number, "maintainer")
    for method, path, body in (("POST", "/metadatas/", {"auto_scan": "true"}), ("PUT", "/metadatas/public", {"public": "true"}),
                               ("DELETE", "/metadatas/public", None), ("PUT", "", {"metadata": {"public": "true"}})):
        assert user.call(method, f"/projects/{name}{path}", body).status == 403, path
    assert harbor.json(f"/projects/{name}")["metadata"] == {"public": "false"}


def test_no_password_that_everybody_knows(start):
    """A new installation had a password that stands in its manual (CVE-2026-4404)."""
    servers = [start(("env", "-u", "HAVEN_ADMIN_PASSWORD")) for _ in range(2)]
    made = [(server.data / "initial-admin-password").read_text().strip() for server in servers]
    assert made[0] != made[1] and min(map(len, made)) >= 16
    for password in ("Harbor12345", "admin", "password", "haven", "", "changeme"):
        assert servers[0].registry(password=password).get("/v2/").status in (401, 429), password


def test_secrets_are_never_shown(harbor):
    """A read-only administrator saw tokens that may write (a flaw of Quay, 2026)."""
    _, name = harbor.add_project()
    robot = robot_of(harbor, name, "repository:push")
    number = robot["id"]
    secret = harbor.call("PATCH", f"/robots/{number}", {"secret": ""}).json()["secret"]
    level = f"Level=project,ProjectID={harbor.json(f'/projects/{name}')['project_id']}"
    for answer in (harbor.get(f"/robots/{number}"), harbor.get("/robots", q=level), harbor.get("/auditlog-exts", page_size=100),
                   harbor.get("/configurations"), harbor.get("/users/1"), harbor.get("/users")):
        text = answer.body.decode()
        assert answer.status == 200 and secret not in text and robot["secret"] not in text and "argon2" not in text


def test_secrets_are_never_logged(start):
    """A client secret stood in the log from the first line on (CVE-2025-48374)."""
    server = start(config={"log.level": "debug"})
    harbor = Harbor(server.registry())
    _, name = harbor.add_project()
    robot = robot_of(harbor, name, "repository:push")
    user, mine = harbor.add_user()
    harbor.put(f"/users/{user}/password", {"new_password": PASSWORD + "Two"})
    mine.get("/users/current")
    token = harbor.registry.fetch_token(f"repository:{name}/m:push").json()["token"]
    Registry(server.url, token=token).start(f"{name}/m")
    Registry(server.url, robot["name"], robot["secret"]).start(f"{name}/m")
    secrets = [PASSWORD, robot["secret"], token, token.split(".")[2],
               base64.b64encode(f"admin:{PASSWORD}".encode()).decode(), "argon2id$"]
    server.stop()
    assert "project" in server.log()
    for secret in secrets:
        assert secret not in server.log()


def hashes(server):
    """Asked by nobody, so that asking is no work."""
    text = Registry(server.url).get("/metrics").body.decode()
    return int(re.search(r"^haven_password_hashes_total (\d+)$", text, re.M)[1])


def test_wrong_and_unknown_cost_the_same(start):
    """Secrets were compared byte by byte, and names found out by the time it took (CVE-2023-20902): here the same work is
    done for both, and what is compared is a hash."""
    server = start()
    Harbor(server.registry()).add_user("somebody")
    work = []
    for name in ("somebody", "anybody"):
        before = hashes(server)
        assert server.registry(user=name, password="Wrong-Horse-9").get("/v2/").status == 401
        work.append(hashes(server) - before)
    assert work == [1, 1]


# ---- questions that are statements ----

ATTACKS = ["name;DROP TABLE project", "name'--", "(SELECT 1)", "name,(CASE WHEN 1=1 THEN name ELSE id END)", "1 DESC", "id)--",
           "password_hash", "-password", "PasswordHash", "salt", "user_account.password_hash", "rowid", "name COLLATE NOCASE"]


def lists():
    """Every list that takes q and sort, with what it needs beside them."""
    document = json.loads(subprocess.run([HAVEN, "routes", "--openapi"], check=True, capture_output=True).stdout)
    more = {"/api/v2.0/labels": "scope=g", "/api/v2.0/users/search": "username=a", "/api/v2.0/usergroups/search": "groupname=a"}
    for path, item in document["paths"].items():
        if "sort" in {p["name"] for p in item.get("get", {}).get("parameters", ())}:
            yield path, more.get(path, "")


@pytest.fixture(scope="module")
def filled(haven):
    """A project with something to list."""
    harbor = Harbor(haven.registry())
    _, name = harbor.add_project()
    _, data = push(harbor.registry, f"{name}/m", *small_image(), "v1", "v2")
    push(harbor.registry, f"{name}/m", *artifact("application/vnd.example.note", descriptor(data, OCI_MANIFEST)))
    yield name
    harbor.registry.close()


@pytest.mark.parametrize("path, more", list(lists()))
def test_orders_and_filters_are_no_statements(harbor, filled, path, more):
    """What a list was sorted and filtered by became a part of the statement (CVE-2019-19026, CVE-2019-19029,
    CVE-2024-22261), and fields that are not shown were found out letter by letter (CVE-2025-30086)."""
    path = re.sub(r"\{(\w+)\}", lambda m: {"repository_name": "m", "reference": "v1", "user_id": "current"}.get(m[1], filled), path)
    def ask(**query):
        return harbor.registry.get(path + "?" + more + "&" + urllib.parse.urlencode(query))
    plain = ask(page_size=100)
    assert plain.status == 200, plain
    for attack in ATTACKS:
        answer = ask(page_size=100, sort=attack)
        if path.startswith("/api/v2.0/models"):  # our own: a few words, and every other is refused
            assert answer.status == 422, (attack, answer)
        else:
            assert answer.status == 200 and answer.get("X-Total-Count") is not None, (attack, answer)
        for q in (f"{attack}=x", f"{attack}=~$", f"{attack}=[a~z]", f"name={attack}", f"id=~{attack}"):
            answer = ask(page_size=100, q=q)
            assert answer.status in (200, 400), (q, answer)
        if ("password" in attack.lower() or attack == "salt") and not path.startswith("/api/v2.0/models"):
            # Of a field that is not shown, any condition is as none.
            assert ask(page_size=1, q=f"{attack.strip('-')}=~$argon2").get("X-Total-Count") == plain.get("X-Total-Count")
    assert harbor.registry.get("/api/v2.0/projects").status == 200


# ---- what is listed to whom ----

@pytest.mark.parametrize("path", ["/v2/_catalog", "/v2/_catalog/", "/v2//_catalog", "/v2/./_catalog", "/v2/%5Fcatalog",
                                  "/V2/_catalog", "/v2/_catalog?n=5", "//v2/_catalog", "/v2/_catalog%2F", "/v2/_CATALOG",
                                  "/v2/library/../_catalog", "/v2/_catalog;x", "/v2/_catalog%00"])
def test_the_catalog_by_another_path(admin, anonymous, repo, path):
    """One spelling of the address was not among those that ask for a login (CVE-2020-29662)."""
    push(admin, repo, *small_image(), "v1")
    for method in ("GET", "HEAD"):
        answer = anonymous.request(method, path)
        assert answer.status in (400, 401, 404), (method, answer)
        assert b"repositories" not in answer.body


def test_private_projects_are_in_no_list(harbor, nobody):
    """Private projects were listed for everybody (CVE-2022-46463)."""
    _, name = harbor.add_project()
    push(harbor.registry, f"{name}/m", *small_image(), "v1")
    _, user = harbor.add_user()
    for who in (nobody, user):
        for path in ("/projects?page_size=100", f"/projects?name={name}", "/projects?public=false", f"/projects?q=name%3D{name}",
                     "/repositories?page_size=100", f"/search?q={name}", f"/repositories?q=name%3D~{name}"):
            answer = who.get(path)
            assert answer.status == 200 and name not in answer.body.decode(), path
    # Whether a name is taken is told to who is signed in, as it is by making a project of that name.
    assert nobody.call("HEAD", f"/projects?project_name={name}").status == 401


# ---- what others write is shown, not run; where callers are sent ----

def test_texts_of_others_are_texts(harbor):
    """A description ran as a part of the page that showed it (CVE-2025-32019)."""
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    _, name = harbor.add_project()
    document, blobs = small_image()
    digest, _ = push(harbor.registry, f"{name}/m", {**document, "annotations": {"k": script}}, blobs, "v1")
    blob = harbor.registry.push_blob(f"{name}/m", f"<html>{script}</html>".encode())
    harbor.put(f"/projects/{name}/repositories/m", {"description": script})
    for answer in (harbor.get(f"/projects/{name}/repositories/m"), harbor.get(f"/projects/{name}/repositories/m/artifacts/v1"),
                   harbor.registry.manifest(f"{name}/m", digest), harbor.registry.blob(f"{name}/m", blob),
                   harbor.get("/search", q=script), harbor.get(f"/projects/{urllib.parse.quote(script, safe='')}"),
                   harbor.registry.get("/" + urllib.parse.quote(script, safe="")),
                   harbor.registry.get(f"/v2/{name}/m/tags/list?n={urllib.parse.quote(script)}")):
        assert answer.get("X-Content-Type-Options") == "nosniff", answer
        kind = answer.get("Content-Type").partition(";")[0]
        assert kind in ("application/json", "application/octet-stream", OCI_MANIFEST) or script not in answer.body.decode(), answer


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/..", "/%2F%2Fevil.example", "/\\evil.example",
                                  "/?redirect=http://evil.example", "/service/token?service=harbor-registry&redirect=//evil.example",
                                  "/v2?next=//evil.example", "/c/login?redirect_url=//evil.example"])
def test_nobody_is_sent_elsewhere(anonymous, path):
    """A part of the address named the host that the caller was sent to (CVE-2024-22244)."""
    for headers in ({}, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}, {"Forwarded": "host=evil.example"}):
        answer = anonymous.request("GET", path, headers=headers)
        for name in ("Location", "WWW-Authenticate", "Link", "Refresh"):
            assert "evil.example" not in (answer.get(name) or ""), (name, answer)
        assert not 300 <= answer.status < 400, answer


# ---- connections that somebody else chose ----

class Ear:
    """Listens, and remembers whether anybody came."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.3)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def heard(self):
        try:
            self.socket.accept()[0].close()
            return True
        except TimeoutError:
            return False


@pytest.fixture
def ear():
    listens = Ear()
    yield listens
    listens.socket.close()


def test_the_server_goes_nowhere_for_a_caller(harbor, ear):
    """A server was made to connect to an address of the caller's choice: by the test of a webhook, the upstream of a mirror,
    an export, a redirect (CVE-2020-13788, CVE-2026-32591, CVE-2026-2376, CVE-2026-2377)."""
    _, name = harbor.add_project()
    document, blobs = image([noise(300)])
    config = json.dumps({"descriptor": {"docURL": ear.url, "sourceURL": ear.url}}).encode()
    blobs[digest_of(config)] = config
    document["config"] = descriptor(config, CONFIG_TYPE)
    document["layers"][0]["urls"] = [ear.url + "/layer"]
    document["annotations"] = {"org.opencontainers.image.url": ear.url, "org.opencontainers.image.source": ear.url}
    push(harbor.registry, f"{name}/m", document, blobs, "v1")
    assert harbor.get(f"/projects/{name}/repositories/m/artifacts/v1").status == 200
    owner_number, owner = harbor.add_user()
    harbor.add_member(name, owner_number, "projectAdmin")
    asked = [("PUT", "/configurations", {"audit_log_forward_endpoint": ear.url.removeprefix("http://")}),
             ("POST", "/registries/ping", {"url": ear.url}), ("POST", "/registries", {"url": ear.url, "name": "x", "type": "harbor"}),
             ("POST", "/scanners/ping", {"url": ear.url, "name": "x"}), ("POST", "/system/oidc/ping", {"url": ear.url}),
             ("POST", "/ldap/ping", {"ldap_url": ear.url}), ("POST", "/p2p/preheat/instances/ping", {"endpoint": ear.url}),
             ("POST", f"/projects/{name}/webhook/policies", {"targets": [{"type": "http", "address": ear.url}]}),
             ("PUT", f"/projects/{name}/metadatas/proxy_cache_filter_pattern", {"proxy_cache_filter_pattern": ear.url}),
             ("POST", f"/projects/{name}/repositories/c/artifacts?from={ear.url}/m:v1", None)]
    for method, path, body in asked:
        assert owner.call(method, path, body).status >= 400 or "metadatas" in path, path
    assert not ear.heard()


def client(tmp_path, *args, **more):
    env = environment(DOCKER_CONFIG=str(tmp_path / "docker"), HOME=str(tmp_path), HAVEN_CACHE_DIR=str(tmp_path / "cache"))
    return run(*args, env={k: v for k, v in env.items() if not k.lower().endswith("_proxy")}, **more)


@pytest.fixture
def fakes():
    made = []

    def make(**more):
        made.append(FakeRegistry(**more))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def login(tmp_path, registry):
    auth = base64.b64encode(f"{registry.USER}:{registry.PASSWORD}".encode()).decode()
    (tmp_path / "docker").mkdir(exist_ok=True)
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


def test_layers_that_lie_elsewhere(fakes, tmp_path, ear):
    """Credentials went to the address that a manifest names for a layer (CVE-2020-15157): it is never asked."""
    home = fakes(auth="basic")
    login(tmp_path, home)
    missing = {"mediaType": "application/vnd.cncf.model.weight.v1.raw", "digest": digest_of(b"elsewhere"), "size": 9,
               "urls": [ear.url + "/layer"], "annotations": {"org.cncf.model.filepath": "a.bin"}}
    home.add_manifest("p/m", "v1", [missing])
    done = client(tmp_path, "pull", f"{home.host}/p/m:v1", tmp_path / "out")
    assert done.returncode != 0 and not (tmp_path / "out" / "a.bin").exists()
    assert not ear.heard()


def test_credentials_of_one_host(fakes, tmp_path):
    """What is known of one registry was sent to another, because a redirect or a challenge named it (CVE-2026-33540)."""
    home, away = fakes(auth="basic"), fakes(auth="basic")
    login(tmp_path, home)
    away.blobs = home.blobs
    home.hook = lambda h: "/blobs/" in h.path and not h.reply(307, {"Location": away.url + h.path})
    home.add_manifest("p/m", "v1", [("a.bin", b"x" * 100)])
    client(tmp_path, "pull", f"{home.host}/p/m:v1", tmp_path / "out")
    assert away.requests and not [r for r in away.requests if "Authorization" in r[2]]


@pytest.mark.parametrize("realm", ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/token", "file:///etc/passwd",
                                   "gopher://127.0.0.1/", "http://169.254.169.254:80/token?x="])
def test_a_token_service_inside_of_the_clients_own_network(fakes, tmp_path, realm):
    """A registry sent its clients, with their credentials, to the address where a machine tells its own secrets
    (CVE-2026-48978)."""
    home = fakes()
    login(tmp_path, home)
    home.hook = lambda h: not h.reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'})
    done = client(tmp_path, "pull", f"{home.host}/p/m:v1", tmp_path / "out")
    assert done.returncode == 9 and "[REMOTE]" in done.stderr, done.stderr
    assert "token service" in done.stderr, done.stderr


def test_bytes_that_a_registry_swapped(fakes, tmp_path):
    """A client took what came for a digest (distribution, change 4890)."""
    home = fakes()
    digest = "sha256:" + "1" * 64
    home.add_manifest("p/m", digest, [("w", b"x")])
    done = client(tmp_path, "pull", f"{home.host}/p/m@{digest}", tmp_path / "out")
    assert done.returncode == 6 and "[DIGEST_INVALID]" in done.stderr
    assert not pathlib.Path(tmp_path / "out" / "w").exists()


def test_a_digest_that_leads_out_of_the_folder(fakes, tmp_path):
    """A digest in a manifest became a path of the client's disk (CVE-2024-3727)."""
    home = fakes()
    home.add_manifest("p/m", "v1", [{"mediaType": "application/vnd.cncf.model.weight.v1.raw", "size": 1,
                                     "digest": "sha256:../../../../../../" + str(tmp_path / "stolen"),
                                     "annotations": {"org.cncf.model.filepath": "a.bin"}}])
    for end in (tmp_path / "out", ["-o", f"{tmp_path / 'layout'}"]):
        done = client(tmp_path, "pull", f"{home.host}/p/m:v1", *(end if isinstance(end, list) else [end]))
        assert done.returncode != 0 and not (tmp_path / "stolen").exists()


# ---- requests with two ends ----

def test_two_lengths_in_one_request(haven):
    """A request whose length is said twice was two requests to what stands behind a proxy."""
    for extra in (["Content-Length: 3", "Content-Length: 30"], ["Content-Length: 3", "Transfer-Encoding: chunked"]):
        with Raw(haven) as raw:
            raw.head("POST /v2/library/x/blobs/uploads/ HTTP/1.1", *extra)
            assert raw.answer().status == 400, extra
