# SPDX-License-Identifier: Apache-2.0
"""Who may do what: challenges, tokens, public and private projects, and that nothing tells what exists."""
import base64
import json
import time

import pytest

from harness.content import noise, push, small_image
from harness.registry import Registry, challenge, digest_of
from harness.server import PASSWORD, USER, Server

SERVICE = "harbor-registry"


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    head, body, _ = token.split(".")
    return json.loads(decode(head)), json.loads(decode(body))


def access_of(token):
    """{name: actions} of a token's repositories."""
    return {a["name"]: a["actions"] for a in claims_of(token)[1]["access"] if a["type"] == "repository"}


# ---- challenges ----


def test_challenge_of_the_base(haven, anonymous):
    for path in ("/v2/", "/v2"):
        answer = anonymous.get(path)
        assert answer.status == 401 and answer.errors() == ["UNAUTHORIZED"]
        assert answer.get("Docker-Distribution-Api-Version") == "registry/2.0"
        assert challenge(answer) == ("Bearer", {"realm": haven.url + "/service/token", "service": SERVICE})
    answer = anonymous.head("/v2/")
    assert (answer.status, answer.body) == (401, b"") and challenge(answer)[0] == "Bearer"


@pytest.mark.parametrize("method,path,actions", [
    ("GET", "manifests/v1", "pull"), ("HEAD", "manifests/v1", "pull"), ("GET", "blobs/" + digest_of(b"x"), "pull"),
    ("GET", "tags/list", "pull"), ("GET", "referrers/" + digest_of(b"x"), "pull"), ("PUT", "manifests/v1", "pull,push"),
    ("POST", "blobs/uploads/", "pull,push"), ("PATCH", "blobs/uploads/abc", "pull,push"),
    ("PUT", "blobs/uploads/abc?digest=" + digest_of(b"x"), "pull,push"), ("GET", "blobs/uploads/abc", "pull,push"),
    ("DELETE", "manifests/v1", "delete"), ("DELETE", "blobs/" + digest_of(b"x"), "delete"),
    ("DELETE", "blobs/uploads/abc", "pull,push")])
@pytest.mark.parametrize("name", ["library/model", "nowhere/model"])
def test_challenge_of_a_repository(haven, anonymous, method, path, actions, name):
    answer = anonymous.request(method, f"/v2/{name}/{path}")
    assert answer.status == 401, answer
    assert challenge(answer) == ("Bearer", {"realm": haven.url + "/service/token", "service": SERVICE,
                                            "scope": f"repository:{name}:{actions}"})
    if method != "HEAD":
        assert answer.errors() == ["UNAUTHORIZED"]


def test_challenge_of_a_mount(haven, anonymous):
    """Two scopes in one value, separated by a blank."""
    answer = anonymous.start("library/a", f"?mount={digest_of(b'x')}&from=library/b")
    assert answer.status == 401
    assert challenge(answer)[1]["scope"] == "repository:library/a:pull,push repository:library/b:pull"


def test_challenge_of_the_catalog(anonymous):
    answer = anonymous.get("/v2/_catalog")
    assert answer.status == 401 and answer.get("WWW-Authenticate") == 'Basic realm="harbor"'


@pytest.mark.parametrize("user,password", [(USER, "wrong"), ("nobody", PASSWORD), ("", ""), (USER, ""), ("", PASSWORD),
                                           (USER, PASSWORD + "x"), (USER.upper() + "x", PASSWORD), ("a" * 300, "b"),
                                           (USER, "x" * 5000)])
def test_wrong_password(start_of_auth, user, password):
    registry = start_of_auth.registry(user, password)
    for path in ("/v2/", "/v2/library/x/manifests/v1", "/v2/nowhere/x/manifests/v1"):
        answer = registry.get(path)
        assert answer.status in (401, 429), answer
        if answer.status == 401:
            assert answer.errors() == ["UNAUTHORIZED"]
            assert answer.get("WWW-Authenticate") == 'Basic realm="harbor"'


@pytest.fixture(scope="module")
def start_of_auth(tmp_path_factory):
    """A server of its own: wrong passwords slow down whoever comes from the same address."""
    server = Server(tmp_path_factory.mktemp("auth")).start()
    yield server
    server.stop()


@pytest.mark.parametrize("value", [
    "Basic", "Basic ", "Basic !!!", "Basic " + base64.b64encode(b"admin").decode(), "Bearer", "Bearer ", "Bearer x",
    "Bearer a.b.c", "Digest username=admin", "Basic " + "A" * 5000, "nonsense", "Bearer " + "A" * 8000,
    "basic " + base64.b64encode(b"admin:\xff\xfe").decode()])
def test_malformed_authorization(start_of_auth, value):
    registry = start_of_auth.anonymous()
    answer = registry.request("GET", "/v2/", headers={"Authorization": value})
    assert answer.status in (400, 401, 429), answer
    answer.errors()


def test_basic_works_everywhere(admin, repo):
    digest, data = push(admin, repo, *small_image(), "v1")
    lower = Registry(admin.url)
    value = "basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert lower.request("GET", f"/v2/{repo}/manifests/v1", headers={"Authorization": value}).body == data


def test_two_authorizations(admin):
    answer = admin.request("GET", "/v2/", headers=[("Authorization", "Basic x"), ("Authorization", "Bearer y")])
    assert answer.status == 400 and answer.errors() == ["BAD_REQUEST"]


def test_guessing_is_slowed_down(start):
    server = start()
    guesser = server.registry(USER, "wrong")
    statuses = [guesser.get("/v2/").status for _ in range(60)]
    assert statuses[0] == 401 and 429 in statuses
    answer = next(a for a in iter(lambda: guesser.get("/v2/"), None) if a.status == 429)
    assert answer.errors() == ["TOOMANYREQUESTS"]
    time.sleep(int(answer.get("Retry-After")))
    assert guesser.get("/v2/").status == 401


# ---- the token service ----


def test_token(admin, repo):
    answer = admin.fetch_token(f"repository:{repo}:pull,push")
    assert answer.status == 200
    document = answer.json()
    assert document["expires_in"] == 1800
    assert document.get("access_token", document["token"]) == document["token"]
    issued = time.strptime(document["issued_at"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(issued) - time.timezone - time.time()) < 3700
    head, claims = claims_of(document["token"])
    assert head["alg"] == "RS256" and head["kid"]
    assert claims["iss"] == "harbor-token-issuer" and claims["aud"] == SERVICE and claims["sub"] == USER
    assert claims["exp"] - claims["iat"] == 1800 and claims["nbf"] <= claims["iat"]
    assert len(claims["jti"]) == 16
    assert answer.get("Cache-Control") == "no-store"


def test_token_grants_what_is_held(admin, anonymous, repo):
    """Whatever actions were asked for."""
    for asked in ("pull", "push", "pull,push", "delete", "*", ""):
        token = admin.fetch_token(f"repository:{repo}:{asked}").json()["token"]
        assert set(access_of(token)[repo]) >= {"pull", "push", "delete"}
        token = anonymous.fetch_token(f"repository:{repo}:{asked}").json()["token"]
        assert access_of(token)[repo] == ["pull"]
    for registry in (admin, anonymous):
        token = registry.fetch_token("repository:nowhere/model:pull").json()["token"]
        assert access_of(token).get("nowhere/model", []) == []


def test_scopes_repeated_and_joined(admin):
    for scopes in (["repository:library/a:pull", "repository:library/b:pull"],
                   ["repository:library/a:pull repository:library/b:pull,push"]):
        token = admin.fetch_token(*scopes).json()["token"]
        assert set(access_of(token)) == {"library/a", "library/b"}
    token = admin.fetch_token("registry:catalog:*", "repository:library/a:pull", "repository:library/a:push").json()["token"]
    assert list(access_of(token)) == ["library/a"]


@pytest.mark.parametrize("query", ["", "?scope=repository:library/a:pull", "?service=other&scope=repository:library/a:pull",
                                   "?service="])
def test_token_of_another_service(admin, query):
    answer = admin.get("/service/token" + query)
    assert answer.status == 400, answer


def test_extra_parameters_are_ignored(admin, repo):
    answer = admin.get(f"/service/token?account=admin&client_id=docker&offline_token=true&service={SERVICE}"
                       f"&scope=repository:{repo}:pull")
    assert answer.status == 200


def test_token_without_scope(admin, anonymous):
    assert admin.fetch_token().status == 200
    token = admin.fetch_token().json()["token"]
    assert Registry(admin.url, token=token).get("/v2/").status == 200
    assert anonymous.fetch_token().status == 401


def test_odd_scopes(admin):
    for scope in ("", "repository", "repository:", "repository::pull", "repository:../x:pull", "repository:A/B:pull",
                  "plugin:library/a:pull", "repository:library/a:pull:more", "a" * 3000, ":::", "registry:catalog:*"):
        answer = admin.fetch_token(scope)
        assert answer.status in (200, 400, 401), (scope, answer)
        if answer.status == 200:
            for grant in claims_of(answer.json()["token"])[1]["access"]:
                assert grant["name"] in ("library/a", "catalog") or grant["actions"] == [], grant


def test_too_many_scopes(admin):
    answer = admin.fetch_token(*[f"repository:library/r{i}:pull" for i in range(100)])
    assert answer.status in (200, 400)


def test_post_is_refused_in_a_way_that_clients_understand(admin):
    """They fall back to GET on 400, 401, 404 and 405."""
    body = f"grant_type=password&service={SERVICE}&username={USER}&password={PASSWORD}&scope=repository:library/a:pull"
    answer = admin.request("POST", "/service/token", body.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 405, answer
    assert "GET" in answer.get("Allow")


def test_expiration_is_configured(start):
    server = start(config={"auth.token_expiration": 5})
    document = server.registry().fetch_token("repository:library/a:pull").json()
    assert document["expires_in"] == 300
    claims = claims_of(document["token"])[1]
    assert claims["exp"] - claims["iat"] == 300


def test_token_with_wrong_password(start_of_auth):
    """As Harbor: a token that grants what anybody may, or a refusal; never more."""
    answer = start_of_auth.registry(USER, "wrong").fetch_token("repository:library/a:pull,push")
    assert answer.status in (200, 401, 429)
    if answer.status == 200:
        assert access_of(answer.json()["token"])["library/a"] == ["pull"]


# ---- what tokens open ----


def everything(registry, repo, digest):
    """The statuses of one request of each kind."""
    return {
        "pull manifest": registry.manifest(repo, "v1").status,
        "head manifest": registry.head(f"/v2/{repo}/manifests/v1").status,
        "pull blob": registry.blob(repo, digest).status,
        "tags": registry.tags(repo).status,
        "referrers": registry.referrers(repo, digest).status,
        "push blob": registry.start(repo).status,
        "push manifest": registry.put_manifest(repo, "v1", b"{}", "application/json").status,
        "delete tag": registry.delete(f"/v2/{repo}/manifests/nothing").status,
        "delete blob": registry.delete(f"/v2/{repo}/blobs/{digest_of(b'nothing')}").status,
    }


def test_anonymous_pull_of_a_public_project(admin, anonymous, repo):
    digest, data = push(admin, repo, *small_image(), "v1")
    reader = anonymous.with_token(f"repository:{repo}:pull")
    assert reader.get("/v2/").status == 200
    assert reader.manifest(repo, "v1").body == data
    for layer in json.loads(data)["layers"]:
        assert reader.blob(repo, layer["digest"]).status == 200
    found = everything(reader, repo, json.loads(data)["config"]["digest"])
    assert {k: v for k, v in found.items() if v != 401} == {
        "pull manifest": 200, "head manifest": 200, "pull blob": 200, "tags": 200, "referrers": 200}
    # without a token nothing is served, so that clients learn to fetch one
    assert set(everything(anonymous, repo, digest).values()) == {401}


def test_push_with_a_token(admin, repo):
    writer = admin.with_token(f"repository:{repo}:pull,push")
    digest, data = push(writer, repo, *small_image(), "v1")
    assert writer.manifest(repo, "v1").body == data
    assert writer.delete(f"/v2/{repo}/manifests/{digest}").status == 202


def test_token_of_another_repository(admin, repo):
    push(admin, repo, *small_image(), "v1")
    other = admin.with_token(f"repository:{repo}/other:pull,push,delete")
    assert set(everything(other, repo, digest_of(b"x")).values()) == {401}
    assert other.get("/v2/_catalog").status == 401


def test_upload_of_another_caller(admin, anonymous, repo):
    """An upload's address is no permission."""
    location = admin.open_upload(repo)
    for caller in (anonymous, anonymous.with_token(f"repository:{repo}:pull")):
        for answer in (caller.get(location), caller.patch(location, b"x"), caller.delete(location),
                       caller.finish(location, digest_of(b"x"), b"x")):
            assert answer.status == 401, answer
    assert admin.get(location).get("Range") == "0-0"


def tampered(token):
    head, body, sign = token.split(".")
    h, c = json.loads(decode(head)), json.loads(decode(body))

    def made(head_part, claims, signature=sign):
        return ".".join([encode(json.dumps(head_part).encode()), encode(json.dumps(claims).encode()), signature])

    wide = {**c, "access": [{"type": "repository", "name": "library/a", "actions": ["pull", "push", "delete"]}]}
    flipped = bytearray(decode(sign))
    flipped[5] ^= 1
    return {
        "other claims": made(h, wide),
        "other signature": ".".join([head, body, encode(bytes(flipped))]),
        "no signature": ".".join([head, body, ""]),
        "algorithm none": made({**h, "alg": "none"}, wide, ""),
        "algorithm NONE": made({**h, "alg": "NonE"}, wide, ""),
        "algorithm HS256": made({**h, "alg": "HS256"}, wide),
        "no algorithm": made({k: v for k, v in h.items() if k != "alg"}, wide),
        "own key": made({**h, "jwk": {"kty": "oct", "k": "AAAA"}}, wide),
        "two parts": f"{head}.{body}",
        "four parts": f"{head}.{body}.{sign}.{sign}",
        "cut": token[:-3],
        "padding": token + "==",
        "empty claims": made(h, {}),
        "list as claims": ".".join([head, encode(b"[]"), sign]),
    }


@pytest.mark.parametrize("name", sorted(tampered("e30.e30.AAAAAAAA")))
def test_tampered_token(haven, admin, anonymous, name):
    push(admin, "library/a", *small_image(), "v1")
    token = anonymous.fetch_token("repository:library/a:pull").json()["token"]
    assert Registry(haven.url, token=token).manifest("library/a", "v1").status == 200
    answer = Registry(haven.url, token=tampered(token)[name]).manifest("library/a", "v1")
    assert answer.status == 401 and answer.errors() == ["UNAUTHORIZED"], answer


def test_token_of_another_server(haven, start, repo):
    """Each installation has a key of its own."""
    stranger = start().registry().fetch_token("repository:library/a:pull").json()["token"]
    assert Registry(haven.url, token=stranger).get("/v2/").status == 401


def test_tokens_outlive_a_restart(start):
    server = start()
    token = server.registry().fetch_token("repository:library/a:pull").json()["token"]
    server.restart()
    assert Registry(server.url, token=token).get("/v2/").status == 200


# ---- private projects ----


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A server with a private project that holds a model."""
    server = Server(tmp_path_factory.mktemp("closed")).start()
    server.add_project("closed")
    registry = server.registry()
    document, blobs = small_image()
    digest, data = push(registry, "closed/model", document, blobs, "v1")
    yield server, registry, digest, document
    server.stop()


def test_private_project(closed):
    server, registry, digest, document = closed
    layer = document["layers"][0]["digest"]
    assert registry.manifest("closed/model", "v1").status == 200
    token = server.registry().with_token("repository:closed/model:pull")
    assert token.blob("closed/model", layer).status == 200
    stranger = server.anonymous()
    granted = stranger.fetch_token("repository:closed/model:pull,push").json()["token"]
    assert access_of(granted).get("closed/model", []) == []
    for caller in (stranger, Registry(server.url, token=granted)):
        assert set(everything(caller, "closed/model", layer).values()) == {401}


def test_existence_is_not_told(closed):
    """What is not there and what is not the caller's look the same, to the byte."""
    server, _, digest, document = closed
    layer = document["layers"][0]["digest"]
    for caller in (server.anonymous(), server.anonymous().with_token("repository:closed/model:pull"),
                   server.anonymous().with_token("repository:absent/model:pull")):
        for path in ("manifests/v1", f"manifests/{digest}", f"blobs/{layer}", "tags/list", f"referrers/{digest}"):
            for method in ("GET", "HEAD", "DELETE"):
                if path.startswith(("tags", "referrers")) and method == "DELETE":
                    continue
                there = caller.request(method, f"/v2/closed/model/{path}")
                absent = caller.request(method, f"/v2/absent/model/{path}")
                nothing = caller.request(method, f"/v2/closed/nothing/{path}")
                assert there.status == absent.status == nothing.status == 401
                assert there.body == absent.body.replace(b"absent", b"closed")
                assert there.body == nothing.body.replace(b"nothing", b"model")
                assert there.get("WWW-Authenticate") == absent.get("WWW-Authenticate").replace("absent", "closed")


def test_mount_from_a_private_project(closed):
    """Only for those who may read it; others get an upload, as if the blob were not there."""
    server, registry, _, document = closed
    layer = document["layers"][0]["digest"]
    assert registry.start("library/copy", f"?mount={layer}&from=closed/model").status == 201
    writer = registry.with_token("repository:library/thief:pull,push")
    answer = writer.start("library/thief", f"?mount={layer}&from=closed/model")
    assert answer.status == 202, answer
    assert writer.start("library/thief", f"?mount={layer}&from=absent/model").status == 202
    assert registry.head(f"/v2/library/thief/blobs/{layer}").status == 404
    both = registry.with_token("repository:library/thief:pull,push", "repository:closed/model:pull")
    assert both.start("library/thief", f"?mount={layer}&from=closed/model").status == 201


def test_anonymous_mount_from_a_private_project(closed):
    """A mount that names no source looks only where the caller may read."""
    server, registry, _, _ = closed
    secret = registry.push_blob("closed/model", noise(77))
    writer = registry.with_token("repository:library/quiet:pull,push")
    assert writer.start("library/quiet", f"?mount={secret}").status == 202
    public = registry.push_blob("library/open", noise(77))
    assert writer.start("library/quiet", f"?mount={public}").status == 201
    assert registry.start("library/quiet", f"?mount={secret}").status == 201


def test_pushing_known_bytes_is_no_proof_of_their_place(closed):
    """Sending the bytes is the only other way to them, and it tells nothing."""
    server, registry, _, _ = closed
    data = noise(1000)
    secret = registry.push_blob("closed/model", data)
    writer = registry.with_token("repository:library/sender:pull,push")
    assert writer.head(f"/v2/library/sender/blobs/{secret}").status == 404
    assert writer.by_put("library/sender", data, secret).status == 201
    assert writer.blob("library/sender", secret).body == data


def test_token_older_than_its_project(start):
    """A project that was removed and made anew is another one."""
    server = start()
    server.add_project("team")
    registry = server.registry()
    push(registry, "team/model", *small_image(), "v1")
    old = registry.with_token("repository:team/model:pull,push")
    assert old.manifest("team/model", "v1").status == 200
    server.stop()
    with server.database() as db:
        db.execute("UPDATE project SET created_ms = ? WHERE name = 'team'", (int(time.time() * 1000) + 2000,))
    db.close()
    server.start()
    old = Registry(server.url, token=old.token)
    answer = old.manifest("team/model", "v1")
    assert answer.status == 401 and answer.errors() == ["UNAUTHORIZED"]
    mounting = old.start("library/a", f"?mount={digest_of(b'x')}&from=team/model")
    assert mounting.status == 401
    time.sleep(2.5)
    fresh = server.registry().with_token("repository:team/model:pull")
    assert fresh.manifest("team/model", "v1").status == 200


def test_health_and_ping_are_public(haven, anonymous):
    answer = anonymous.get("/api/v2.0/ping")
    assert (answer.status, answer.body.strip(b'"')) == (200, b"Pong")
    answer = anonymous.get("/api/v2.0/health")
    assert answer.status == 200 and answer.json()["status"] == "healthy"
    assert all(c["status"] == "healthy" for c in answer.json()["components"])


def test_harbor_errors(anonymous):
    answer = anonymous.get("/api/v2.0/nothing")
    assert answer.status == 404 and answer.errors() == ["NOT_FOUND"]
