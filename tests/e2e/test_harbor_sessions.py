# SPDX-License-Identifier: Apache-2.0
"""Browsers: signed in by a cookie, protected against pages of others, signed out everywhere."""
import sqlite3
import time

import pytest

from harness.browser import CSRF, Browser
from harness.content import push, small_image
from harness.harbor import PASSWORD, Harbor, fresh, refused


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def person(harbor):
    """(name, number, a browser in which they are signed in)"""
    name = fresh("browser")
    number, _ = harbor.add_user(name)
    browser = Browser(harbor.registry)
    assert browser.sign_in(name, PASSWORD).status == 200
    return name, number, browser


def test_sign_in_and_out(harbor, person):
    name, number, browser = person
    for part in ("HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in browser.window.attributes["sid"]
    assert "SameSite=Strict" in browser.window.attributes["_gorilla_csrf"] and "Secure" not in str(browser.window.attributes)
    assert browser.json("/users/current")["username"] == name
    browser.put(f"/users/{number}", {"email": f"{name}@example.net", "realname": "R"})
    assert harbor.json(f"/users/{number}")["realname"] == "R"
    secret = browser.window.jar["sid"]
    assert browser.window.request("GET", "/c/log_out").status == 200
    assert "sid" not in browser.window.jar
    refused(browser.get("/users/current"), 401, "UNAUTHORIZED")
    browser.window.jar["sid"] = secret
    refused(browser.get("/users/current"), 401, "UNAUTHORIZED")
    operations = [e["operation"] for e in harbor.json("/auditlog-exts", q=f"username={name}")]
    assert operations[:1] == ["logout"] and "login" in operations, operations


def test_two_credentials_are_none(harbor, person):
    """Which of them counts would be a guess, also at the way out."""
    _, _, browser = person
    twice = [("Authorization", harbor.registry.authorization())] * 2 + [("Cookie", f"sid={browser.window.jar['sid']}")]
    refused(harbor.registry.request("GET", "/c/log_out", headers=twice), 400, "BAD_REQUEST", "Authorization")
    assert browser.get("/users/current").status == 200


def test_an_address_signs_in_too(harbor):
    name = fresh("mail")
    harbor.add_user(name, email=f"Mail.{name}@example.org")
    browser = Browser(harbor.registry)
    assert browser.sign_in(f"mail.{name}@EXAMPLE.org", PASSWORD).status == 200
    assert browser.json("/users/current")["username"] == name


def test_https_cookies_are_for_https(start):
    server = start(config={"external_url": "https://registry.example.org"})
    browser = Browser(server.registry())
    assert browser.sign_in("admin", PASSWORD).status == 200
    assert "; Secure" in browser.window.attributes["sid"] and "; Secure" in browser.window.attributes["_gorilla_csrf"]


def test_wrong_passwords(harbor):
    name = fresh("wrong")
    harbor.add_user(name)
    browser = Browser(harbor.registry)
    bad = browser.sign_in(name, "Wrong-Horse-9")
    refused(bad, 401, "UNAUTHORIZED", "the user name or the password is wrong")
    unknown = browser.sign_in(fresh("nobody"), "Wrong-Horse-9")
    assert bad.body == unknown.body and "sid" not in browser.window.jar
    for form in ({}, {"principal": name}, {"password": PASSWORD}, {"principal": "", "password": PASSWORD}):
        assert browser.form("/c/login", **form).status == 401
    refused(browser.sign_in("x" * 256, PASSWORD), 401, "UNAUTHORIZED")
    refused(browser.window.request("POST", "/c/login", b"principal=%zz"), 400, "BAD_REQUEST", "the form")
    refused(browser.window.request("POST", "/c/login", b"x" * 20000), 413, "REQUEST_ENTITY_TOO_LARGE")
    entries = harbor.json("/auditlog-exts", q=f"username={name}")
    assert [(e["operation"], e["operation_result"], e["resource"]) for e in entries][:1] == [("login", False, name)]
    for _ in range(30):
        last = browser.sign_in(name, "Wrong-Horse-9")
        if last.status == 429:
            break
    refused(last, 429, "TOO_MANY_REQUEST")


def test_robots_have_no_browser(harbor):
    rights = [{"kind": "system", "namespace": "/", "access": [{"resource": "user", "action": "list"}]}]
    made = harbor.post("/robots", {"name": fresh("web"), "level": "system", "duration": -1, "permissions": rights}).json()
    assert Browser(harbor.registry).sign_in(made["name"], made["secret"]).status == 401


def test_a_change_needs_the_token(harbor, person):
    """What a page of another site can make a browser send is not enough."""
    name, number, browser = person
    body = {"email": f"{name}@example.org", "realname": "evil"}
    right, other = browser.window.token, Browser(harbor.registry).window
    assert right != other.token
    for headers in ({CSRF: None}, {CSRF: ""}, {CSRF: "0" * 64}, {CSRF: other.token}, {CSRF: right[:-1]},
                    {"Origin": "https://evil.example.org"}, {"Origin": "null"}, {"Origin": "http://localhost.evil.org"}):
        refused(browser.call("PUT", f"/users/{number}", body, headers=headers), 403, "FORBIDDEN")
    # The secret that the token belongs to must come along.
    refused(browser.call("PUT", f"/users/{number}", body, headers={"Cookie": f"sid={browser.window.jar['sid']}"}), 403,
            "FORBIDDEN", CSRF)
    assert harbor.json(f"/users/{number}")["realname"] == name
    host = f"http://{browser.window.registry.host}:{browser.window.registry.port}"
    browser.put(f"/users/{number}", body, headers={"Origin": host})
    # By a proxy the scheme may be another.
    browser.put(f"/users/{number}", body, headers={"Origin": host.replace("http", "https")})


def test_pushes_by_a_cookie_need_the_token_too(harbor, person):
    name, number, browser = person
    project = harbor.add_project()[1]
    harbor.add_member(project, number, "developer")
    started = browser.window.request("POST", f"/v2/{project}/m/blobs/uploads/", headers={CSRF: None})
    assert started.status == 403, started
    assert browser.window.request("POST", f"/v2/{project}/m/blobs/uploads/").status == 202


def test_a_session_pulls(harbor, person, admin):
    name, number, browser = person
    project = harbor.add_project()[1]
    harbor.add_member(project, number, "guest")
    push(admin, f"{project}/m", *small_image(), "v1")
    assert browser.window.request("GET", f"/v2/{project}/m/manifests/v1").status == 200
    token = browser.window.request("GET", f"/service/token?service=harbor-registry&scope=repository:{project}/m:pull")
    assert harbor.registry.clone(user=None, token=token.json()["token"]).manifest(f"{project}/m", "v1").status == 200


def test_signing_in_is_protected_too(harbor):
    """Nobody is signed in as somebody else without noticing."""
    name = fresh("fixed")
    harbor.add_user(name)
    browser = Browser(harbor.registry)
    refused(browser.sign_in(name, PASSWORD, headers={CSRF: None}), 403, "FORBIDDEN", CSRF)
    refused(browser.sign_in(name, PASSWORD, headers={"Origin": "https://evil.example.org"}), 403, "FORBIDDEN", "origin")
    assert browser.sign_in(name, PASSWORD).status == 200


def test_a_session_is_never_the_one_that_was_there(harbor, person):
    """Session fixation: a cookie that somebody set before the sign-in is worth nothing after it."""
    name, _, browser = person
    first = browser.window.jar["sid"]
    assert browser.sign_in(name, PASSWORD).status == 200
    assert browser.window.jar["sid"] != first
    browser.window.jar["sid"] = first
    refused(browser.get("/users/current"), 401, "UNAUTHORIZED")
    chosen = Browser(harbor.registry)
    chosen.window.jar["sid"] = "A" * 43
    assert chosen.sign_in(name, PASSWORD).status == 200 and chosen.window.jar["sid"] != "A" * 43


def test_basic_is_not_led_here_by_other_sites(harbor):
    """A browser that knows a password sends it by itself."""
    number, user = harbor.add_user()
    body = {"email": f"{fresh('x')}@example.org", "realname": "x"}
    refused(user.call("PUT", f"/users/{number}", body, headers={"Sec-Fetch-Site": "cross-site"}), 403, "FORBIDDEN", "another site")
    user.put(f"/users/{number}", body, headers={"Sec-Fetch-Site": "same-origin"})
    assert user.call("GET", "/users/current", headers={"Sec-Fetch-Site": "cross-site"}).status == 200


def test_listed_and_ended(harbor, person):
    name, number, browser = person
    second = Browser(harbor.registry)
    assert second.sign_in(name, PASSWORD, headers={"User-Agent": "Second/2" + "x" * 300}).status == 200
    listed = browser.json("/users/current/sessions")
    assert len(listed) == 2 and sum(s["current"] for s in listed) == 1
    other = next(s for s in listed if not s["current"])
    assert other["user_agent"].startswith("Second/2") and len(other["user_agent"]) == 255 and other["client_address"]
    browser.delete(f"/users/current/sessions/{other['id']}")
    refused(second.get("/users/current"), 401, "UNAUTHORIZED")
    refused(browser.call("DELETE", f"/users/current/sessions/{other['id']}"), 404, "NOT_FOUND")
    refused(browser.call("DELETE", "/users/current/sessions/0"), 404, "NOT_FOUND")
    assert len(browser.json("/users/current/sessions")) == 1
    # those of others are none of theirs
    _, stranger = harbor.add_user()
    mine = browser.json("/users/current/sessions")[0]["id"]
    refused(stranger.call("DELETE", f"/users/current/sessions/{mine}"), 404, "NOT_FOUND")
    for method, path in (("DELETE", f"/users/{number}/sessions/{mine}"), ("DELETE", f"/users/{number}/sessions"),
                         ("GET", f"/users/{number}/sessions")):
        refused(stranger.call(method, path), 403, "FORBIDDEN")
    assert browser.get("/users/current").status == 200


def test_sign_out_everywhere(harbor, person):
    name, number, browser = person
    others = [Browser(harbor.registry) for _ in range(3)]
    for other in others:
        assert other.sign_in(name, PASSWORD).status == 200
    browser.delete("/users/current/sessions")
    for one in (browser, *others):
        refused(one.get("/users/current"), 401, "UNAUTHORIZED")
    assert browser.sign_in(name, PASSWORD).status == 200
    harbor.delete(f"/users/{number}/sessions")
    refused(browser.get("/users/current"), 401, "UNAUTHORIZED")
    refused(harbor.call("DELETE", "/users/999999/sessions"), 404, "NOT_FOUND")
    said = harbor.json("/auditlog-exts", q="operation=logout,username=admin,operation_result=true")[0]["operation_description"]
    assert name in said and "everywhere" in said


def test_what_ends_sessions(harbor, person):
    name, number, browser = person
    harbor.put(f"/users/{number}/password", {"new_password": "Other-Horse-9"})
    refused(browser.get("/users/current"), 401, "UNAUTHORIZED")
    assert browser.sign_in(name, "Other-Horse-9").status == 200
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    assert browser.get("/users").status == 200
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": False})
    refused(browser.get("/users"), 403, "FORBIDDEN")
    harbor.delete(f"/users/{number}")
    refused(browser.get("/users/current"), 401, "UNAUTHORIZED")


def test_sessions_slide_and_end(start):
    server = start()
    harbor = Harbor(server.registry())
    harbor.put("/configurations", {"session_timeout": 10})
    browser, idle = Browser(server.registry()), Browser(server.registry())
    for one in (browser, idle):
        assert one.sign_in("admin", PASSWORD).status == 200

    def age(minutes):
        """As if nothing had happened for so long."""
        with sqlite3.connect(server.data / "haven.db") as db:
            db.execute("UPDATE session SET used_ms = used_ms - ?", (minutes * 60000,))
        db.close()

    age(6)
    assert browser.get("/users/current").status == 200
    assert idle.call("GET", "/users/current", headers={"X-Harbor-No-Session-Renewal": "true"}).status == 200
    age(6)
    assert browser.get("/users/current").status == 200
    refused(idle.get("/users/current"), 401, "UNAUTHORIZED")
    # none lives for ever
    with sqlite3.connect(server.data / "haven.db") as db:
        db.execute("UPDATE session SET created_ms = created_ms - ?", (31 * 24 * 3600 * 1000,))
        db.execute("UPDATE user_account SET password_changed_ms = 0")
    db.close()
    refused(browser.get("/users/current"), 401, "UNAUTHORIZED")
    # what is over is removed
    age(20)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with sqlite3.connect(server.data / "haven.db") as db:
            left = db.execute("SELECT count(*) FROM session").fetchone()[0]
        db.close()
        if left == 0:
            break
        time.sleep(0.5)
    assert left == 0


def test_sessions_survive_a_kill(start):
    server = start()
    browser = Browser(server.registry())
    assert browser.sign_in("admin", PASSWORD).status == 200
    server.kill()
    server.start()
    again = Browser(server.registry())
    again.window.jar = dict(browser.window.jar)
    assert again.json("/users/current")["username"] == "admin"
    again.window.token = browser.window.token  # the key of the token is kept, too
    again.put("/users/1", {"email": "root@example.org", "realname": "Root"})


def test_no_secret_is_stored(start):
    server = start()
    browser = Browser(server.registry())
    assert browser.sign_in("admin", PASSWORD).status == 200
    made = browser.post("/users/current/tokens", {"name": "x", "scope": "read"}).json()
    for file in server.data.glob("haven.db*"):
        assert browser.window.jar["sid"].encode() not in file.read_bytes()
        assert made["token"].encode() not in file.read_bytes()


def test_a_user_has_a_hundred_sessions_at_most(harbor):
    name = fresh("many")
    harbor.add_user(name)
    first = Browser(harbor.registry)
    assert first.sign_in(name, PASSWORD).status == 200
    for _ in range(100):
        last = Browser(harbor.registry)
        assert last.sign_in(name, PASSWORD).status == 200
    refused(first.get("/users/current"), 401, "UNAUTHORIZED")
    assert last.get("/users/current/sessions", page_size=1).get("X-Total-Count") == "100"


def test_self_registration(start):
    server = start()
    harbor = Harbor(server.registry())
    browser = Browser(server.registry())
    body = {"username": "selfmade", "email": "selfmade@example.org", "realname": "S", "password": PASSWORD}
    assert browser.json("/systeminfo")["self_registration"] is False
    refused(browser.call("POST", "/users", body), 401, "UNAUTHORIZED")
    refused(browser.form("/c/userExists", target="username", value="admin"), 403, "FORBIDDEN")
    harbor.put("/configurations", {"self_registration": True})
    assert browser.json("/systeminfo")["self_registration"] is True
    # only in a browser, and not by a page of another site
    refused(browser.call("POST", "/users", body, headers={CSRF: None}), 401, "UNAUTHORIZED")
    refused(harbor.registry.clone(user=None).request("POST", "/api/v2.0/users", b"{}"), 401, "UNAUTHORIZED")
    browser.post("/users", {**body, "sysadmin_flag": True, "user_id": 1})
    assert browser.sign_in("selfmade", PASSWORD).status == 200
    assert browser.json("/users/current")["sysadmin_flag"] is False
    assert browser.form("/c/userExists", target="username", value="selfmade").json() is True
    assert browser.form("/c/userExists", target="email", value="SELFMADE@example.org").json() is True
    assert browser.form("/c/userExists", target="email", value="none@example.org").json() is False
    refused(browser.form("/c/userExists", target="realname", value="S"), 400, "BAD_REQUEST", "target")
    refused(browser.form("/c/userExists", target="username", value="x", headers={CSRF: None}), 403, "FORBIDDEN")
    # robots and people with a password do not make accounts
    number, user = harbor.add_user()
    refused(user.call("POST", "/users", {**body, "username": "other"}), 403, "FORBIDDEN")


def test_reading_only(start):
    """Who maintains the registry can still sign in."""
    server = start()
    harbor = Harbor(server.registry())
    harbor.put("/configurations", {"read_only": True})
    browser = Browser(server.registry())
    assert browser.sign_in("admin", PASSWORD).status == 200
    refused(browser.call("POST", "/projects", {"project_name": "x"}), 403, "DENIED", "read-only")
    browser.put("/configurations", {"read_only": False})


def test_programs_get_no_cookies(harbor, anonymous):
    for answer in (harbor.get("/users/current"), Harbor(anonymous).get("/projects"), anonymous.get("/v2/")):
        assert answer.get("Set-Cookie") is None and answer.get(CSRF) is None, answer
