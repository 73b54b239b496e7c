# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the token service, the challenges, and what a token is worth. Harbor's registry token flow."""
import base64
import hashlib
import json
import re
import time
import urllib.parse

import pytest

from harness.server import PASSWORD, USER

SERVICE = "harbor-registry"
MANIFEST = "/v2/{}/manifests/none"


def unpad(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    head, claims, _ = token.split(".")
    return json.loads(unpad(head)), json.loads(unpad(claims))


def ask(registry, *scopes, service=SERVICE, **more):
    query = [("service", service)] if service is not None else []
    query += [("scope", s) for s in scopes] + list(more.items())
    return registry.request("GET", "/service/token?" + urllib.parse.urlencode(query))


def token(registry, *scopes):
    answer = ask(registry, *scopes)
    assert answer.status == 200, answer
    return answer.json()["token"]


def access(answer):
    assert answer.status == 200, answer
    return {f"{a['type']}:{a['name']}": sorted(a["actions"]) for a in parts(answer.json()["token"])[1]["access"]}


def code(answer):
    (error,) = answer.json()["errors"]
    assert set(error) == {"code", "message"}
    return error["code"]


EVERYTHING = ["delete", "pull", "push", "scanner-pull"]


def test_answer(admin, haven):
    answer = ask(admin, "repository:library/a:pull", account=USER, client_id="docker", offline_token="true")
    assert answer.status == 200
    assert answer.get("Content-Type") == "application/json; charset=utf-8"
    assert answer.get("Cache-Control") == "no-store"
    body = answer.json()
    assert set(body) == {"token", "access_token", "expires_in", "issued_at"}
    assert body["access_token"] == body["token"]
    assert body["expires_in"] == 1800
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body["issued_at"])
    head, claims = parts(body["token"])
    assert head["alg"] == "RS256" and set(head) == {"alg", "kid", "typ"}
    assert re.fullmatch("([A-Z2-7]{4}:){11}[A-Z2-7]{4}", head["kid"])
    assert set(claims) == {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("harbor-token-issuer", USER, SERVICE)
    assert claims["exp"] - claims["iat"] == 1800 and claims["nbf"] == claims["iat"]
    assert abs(claims["iat"] - time.time()) < 30
    assert len(claims["jti"]) == 16


def der(tag, body):
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + body


def der_int(data):
    return der(2, (b"\0" if data[0] & 0x80 else b"") + data)


def test_key_id_is_libtrusts_fingerprint(start):
    """base32 of the first 240 bits of SHA-256 over SubjectPublicKeyInfo, made here by hand."""
    server = start()
    registry = server.registry()
    kid = parts(token(registry))[0]["kid"]
    registry.close()
    server.stop()
    with server.database() as db:
        (text,) = db.execute("SELECT value FROM setting WHERE name = 'token_signing_key'").fetchone()
    db.close()
    key = json.loads(text)
    rsa = der(0x30, der_int(unpad(key["n"])) + der_int(unpad(key["e"])))
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d010101") + bytes([5, 0]))
    spki = der(0x30, algorithm + der(3, b"\0" + rsa))
    name = base64.b32encode(hashlib.sha256(spki).digest()[:30]).decode()
    assert kid == ":".join(name[i:i + 4] for i in range(0, 48, 4))


def test_service_must_be_known(admin, anonymous):
    for registry in (admin, anonymous):
        for service in (None, "", "other", "harbor-registry2"):
            answer = ask(registry, "repository:library/a:pull", service=service)
            assert (answer.status, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_get(admin, method):
    answer = admin.request(method, "/service/token", body=b"grant_type=password&username=a&password=b&service=x",
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status, code(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.get("Allow")


def test_who_gets_what(admin, anonymous, haven):
    wrong = haven.registry(password="wrong")
    mine = "repository:library/a:pull"
    for registry in (anonymous, wrong):
        answer = ask(registry)
        assert (answer.status, code(answer)) == (401, "UNAUTHORIZED")
        assert answer.get("WWW-Authenticate") == 'Basic realm="harbor"'
        assert access(ask(registry, mine)) == {"repository:library/a": ["pull"]}
        assert access(ask(registry, "repository:none/a:pull,push")) == {"repository:none/a": []}
        assert access(ask(registry, "registry:catalog:*")) == {"registry:catalog": []}
    wrong.close()
    assert access(ask(admin)) == {}
    # All that the caller may do, whatever was asked.
    assert access(ask(admin, mine)) == {"repository:library/a": EVERYTHING}
    assert access(ask(admin, "repository:library/a:")) == {"repository:library/a": EVERYTHING}
    assert access(ask(admin, "repository:none/a:pull")) == {"repository:none/a": []}
    assert access(ask(admin, "registry:catalog:*")) == {"registry:catalog": ["*"]}
    assert access(ask(admin, "other:thing:fly")) == {"other:thing": []}
    assert access(ask(admin, "repository:UPPER/a:pull")) == {"repository:UPPER/a": []}


def test_several_scopes(admin):
    both = {"repository:library/a": EVERYTHING, "repository:library/b": EVERYTHING}
    assert access(ask(admin, "repository:library/a:pull", "repository:library/b:push")) == both
    assert access(ask(admin, "repository:library/a:pull repository:library/b:push")) == both
    assert access(ask(admin, "repository:library/a:pull", "repository:library/a:push", "repository:library/b")) == both
    assert access(ask(admin, "nonsense", "repository:library/a:pull  repository:library/b:push ")) == both
    many = [f"repository:library/{i}:pull" for i in range(33)]
    assert len(access(ask(admin, *many[:32]))) == 32
    assert ask(admin, *many).status == 400


def test_a_token_buys_no_token(haven, admin):
    bearer = haven.registry(user=None, token=token(admin, "repository:library/a:pull"))
    assert ask(bearer).status == 401
    assert access(ask(bearer, "repository:library/a:push")) == {"repository:library/a": ["pull"]}
    bearer.close()


def test_challenges(anonymous, haven):
    realm = f'Bearer realm="{haven.url}/service/token",service="harbor-registry"'
    cases = [
        ("GET", "/v2/", realm),
        ("GET", MANIFEST.format("library/a/b"), realm + ',scope="repository:library/a/b:pull"'),
        ("HEAD", MANIFEST.format("library/a"), realm + ',scope="repository:library/a:pull"'),
        ("GET", "/v2/none/a/tags/list", realm + ',scope="repository:none/a:pull"'),
        ("PUT", MANIFEST.format("library/a"), realm + ',scope="repository:library/a:pull,push"'),
        ("POST", "/v2/library/a/blobs/uploads/", realm + ',scope="repository:library/a:pull,push"'),
        ("POST", f"/v2/library/a/blobs/uploads/?mount=sha256:{'0' * 64}&from=other/b",
         realm + ',scope="repository:library/a:pull,push repository:other/b:pull"'),
        ("DELETE", MANIFEST.format("library/a"), realm + ',scope="repository:library/a:delete"'),
        ("GET", "/v2/_catalog", 'Basic realm="harbor"'),
    ]
    for method, path, expected in cases:
        answer = anonymous.request(method, path)
        assert answer.status == 401, (method, path, answer)
        assert answer.all("WWW-Authenticate") == [expected], (method, path)
        assert answer.get("Docker-Distribution-Api-Version") == "registry/2.0"
        if method != "HEAD":
            assert answer.errors() == ["UNAUTHORIZED"]


def test_whoever_sent_credentials_gets_basic(haven):
    for more in ({"password": "wrong"}, {"user": "nobody"}, {"user": None, "token": "nonsense"}):
        registry = haven.registry(**more)
        for path in ("/v2/", MANIFEST.format("library/a"), "/v2/_catalog"):
            answer = registry.request("GET", path)
            assert (answer.status, answer.all("WWW-Authenticate")) == (401, ['Basic realm="harbor"'])
        registry.close()


def test_token_is_worth_what_it_grants(haven, admin, anonymous, repo):
    """404 says that the door is open and nothing behind it."""
    public = token(anonymous, f"repository:{repo}:pull,push")
    mine = token(admin, f"repository:{repo}:pull,push")
    other = token(admin, "repository:library/elsewhere:pull")
    upload = f"/v2/{repo}/blobs/uploads/"
    for held, get, post, delete, catalog in (
            (public, 404, 401, 401, 401), (mine, 404, 202, 404, 401), (other, 401, 401, 401, 401),
            (token(admin, "registry:catalog:*"), 401, 401, 401, 200)):
        registry = haven.registry(user=None, token=held)
        assert registry.request("GET", "/v2/").status == 200
        assert registry.request("GET", MANIFEST.format(repo)).status == get
        assert registry.request("HEAD", MANIFEST.format(repo)).status == get
        assert registry.request("POST", upload).status == post
        assert registry.request("DELETE", MANIFEST.format(repo)).status == delete
        assert registry.request("GET", "/v2/_catalog").status == catalog
        registry.close()


def test_private_project_and_none_look_the_same(start):
    server = start()
    server.add_project("private")
    admin, anonymous = server.registry(), server.anonymous()
    seen = {}
    for project in ("private", "absent"):
        scope = f"repository:{project}/a:pull"
        assert access(ask(anonymous, scope)) == {f"repository:{project}/a": []}
        holder = server.registry(user=None, token=token(anonymous, scope))
        seen[project] = []
        for registry in (anonymous, holder):
            answer = registry.request("GET", MANIFEST.format(project + "/a"))
            seen[project].append((answer.status, answer.body.replace(project.encode(), b"X"),
                                  answer.get("WWW-Authenticate").replace(project, "X")))
        holder.close()
    assert seen["private"] == seen["absent"]
    assert access(ask(admin, "repository:private/a:pull")) == {"repository:private/a": EVERYTHING}
    assert admin.request("GET", MANIFEST.format("private/a")).status == 404
    admin.close()
    anonymous.close()


def test_token_ends_with_its_project(start):
    """A project that is made anew owes nothing to tokens of the old one; the client is told to get another."""
    server = start()
    server.add_project("team", public=True)
    time.sleep(1.1)  # tokens count seconds
    registry = server.registry()
    held = token(registry, "repository:team/a:pull")
    registry.close()
    holder = server.registry(user=None, token=held)
    assert holder.request("GET", MANIFEST.format("team/a")).status == 404
    holder.close()
    time.sleep(1.1)
    registry = server.registry()
    assert registry.delete("/api/v2.0/projects/team").status == 200
    registry.close()
    expected = 'service="harbor-registry",scope="repository:team/a:pull",error="invalid_token"'
    for project_is_back in (False, True):
        if project_is_back:
            server.add_project("team", public=True)
        holder = server.registry(user=None, token=held)
        answer = holder.request("GET", MANIFEST.format("team/a"))
        assert answer.status == 401, answer
        assert answer.get("WWW-Authenticate").endswith(expected)
        holder.close()


def test_two_authorizations_are_refused(anonymous):
    pair = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    answer = anonymous.request("GET", "/v2/", headers=[("Authorization", pair), ("Authorization", "Bearer x")])
    assert answer.status == 400


def test_guessing_is_slowed_down(start):
    server = start()
    guess, admin = server.registry(password="guess"), server.registry()
    statuses = [guess.request("GET", "/v2/").status for _ in range(40)]
    assert statuses[0] == 401 and statuses[-1] == 429
    answer = guess.request("GET", "/v2/")
    assert answer.get("Retry-After") and answer.errors() == ["TOOMANYREQUESTS"]
    # Wrong credentials do no harm where none are needed.
    assert guess.request("GET", "/api/v2.0/ping").status == 200
    guess.close()
    admin.close()


def test_first_password_counts_once(start):
    server = start(env={})
    registry = server.registry()
    assert registry.request("GET", "/v2/").status == 200
    registry.close()
    server.stop()
    with server.database() as db:
        (before,) = db.execute("SELECT password_hash FROM user_account").fetchone()
    db.close()
    assert before.startswith("$argon2id$v=19$m=16384,t=3,p=1$")
    assert PASSWORD not in before and PASSWORD not in server.log()
    server.start()
    server.stop()
    with server.database() as db:
        assert db.execute("SELECT username, password_hash, is_admin FROM user_account").fetchall() == [(USER, before, 1)]
    db.close()
    server.start()


def test_ping_and_health(anonymous, haven):
    answer = anonymous.request("GET", "/api/v2.0/ping")
    assert (answer.status, answer.body) == (200, b"Pong")
    assert answer.get("Content-Type").startswith("text/plain")
    wrong = haven.registry(password="wrong")
    for registry in (anonymous, wrong):
        answer = registry.request("GET", "/api/v2.0/health")
        assert answer.status == 200
        body = answer.json()
        assert body["status"] == "healthy"
        assert {c["name"]: c["status"] for c in body["components"]} == {
            "core": "healthy", "database": "healthy", "registry": "healthy"}
    wrong.close()
    assert code(anonymous.request("GET", "/api/v2.0/none")) == "NOT_FOUND"


def test_metrics(anonymous, admin, haven):
    for registry in (anonymous, admin):
        answer = registry.request("GET", "/metrics")
        assert answer.status == 200
        assert answer.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        assert re.search(rb"^haven_http_connections \d+$", answer.body, re.M)
        assert b"haven_http_requests_total{" in answer.body
    # Through a proxy, or led here by another name, a loopback peer is a stranger.
    strange = [("Host", "evil.example")], [("X-Forwarded-For", "127.0.0.1")], [("Forwarded", "for=127.0.0.1")], \
              [("Via", "1.1 proxy")]
    for headers in strange:
        answer = anonymous.request("GET", "/metrics", headers=headers)
        assert answer.status == 401 and answer.get("WWW-Authenticate") == 'Basic realm="harbor"', headers
        assert admin.request("GET", "/metrics", headers=headers).status == 200
    bearer = haven.registry(user=None, token=token(admin, "registry:catalog:*"))
    assert bearer.request("GET", "/metrics", headers=[("Via", "1.1 proxy")]).status == 401
    bearer.close()


def test_root_and_nowhere(anonymous):
    answer = anonymous.request("GET", "/")
    assert answer.status == 200 and b"Haven" in answer.body
    answer = anonymous.request("GET", "/nowhere")
    assert answer.status == 404 and b"/v2/" in answer.body
