# SPDX-License-Identifier: Apache-2.0
"""`haven admin user|robot|quota|configuration` on a data directory, beside its running server and without one."""
import getpass
import json
import os
import sqlite3
import time

import pytest

from harness.browser import Browser
from harness.client import env, haven, ok, refused  # noqa: F401
from harness.harbor import Harbor
from harness.record import HAVEN
from harness.server import PASSWORD, wait_until
from harness.terminal import Terminal

# Seconds until a running server must have noticed what was changed beside it: it looks every second.
NOTICE = 10
NEW = "Battery-Staple-9"
SHELL = f"shell:{getpass.getuser()}"


@pytest.fixture
def admin(haven):
    """admin(server, "user list", …): the command that must succeed, and its JSON."""
    def run(server, command, *args, **more):
        done = ok(haven("admin", *command.split(), "--data", server.data, "--json", *args, **more))
        return json.loads(done.stdout)
    return run


@pytest.fixture
def fails(haven):
    def run(server, code, text, *args, **more):
        return refused(haven("admin", *args, "--data", server.data, **more), code, text)
    return run


def status(server, user, password, path="/api/v2.0/users/current"):
    with_it = server.registry(user, password)
    answer = with_it.get(path)
    with_it.close()
    return answer.status


def told(server):
    """(operation, type, resource, who, description) of the newest entries of the audit log, the newest first."""
    rows = Harbor(server.registry()).json("/auditlog-exts", page_size=50)
    return [(r["operation"], r["resource_type"], r["resource"], r["username"], r["operation_description"]) for r in rows]


# ---- accounts ----

@pytest.mark.release
def test_a_lost_password(start, admin, fails):
    """The way back in; what the server proved a moment ago counts no longer within a second."""
    server = start()
    assert status(server, "admin", PASSWORD) == 200
    told_token = server.registry().get("/service/token?service=harbor-registry&scope=repository:library/x:pull,push")
    token = told_token.json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    post = lambda: server.anonymous().request("POST", "/v2/library/x/blobs/uploads/", headers=bearer).status  # noqa: E731
    assert post() == 202
    made = int(time.time())  # times of tokens are whole seconds: one of the second of the change would be taken
    wait_until(lambda: int(time.time()) > made + 1)
    fails(server, "BAD_REQUEST", "must have 8 to 128", "user", "password", "admin", "--password-stdin", input="short\n")
    fails(server, "BAD_REQUEST", "must differ", "user", "password", "admin", "--password-stdin", input=PASSWORD)
    assert status(server, "admin", PASSWORD) == 200, "nothing was changed yet"
    assert admin(server, "user password", "admin", "--password-stdin", input=NEW + "\n") == {
        "username": "admin", "result": "a new password"}
    # The old one stays proven for a second at most, then it is refused for good; the new one counts at once.
    assert status(server, "admin", NEW) == 200
    wait_until(lambda: status(server, "admin", PASSWORD) != 200, NOTICE)
    wait_until(lambda: post() == 401, NOTICE)
    assert told(Reset(server))[0] == ("update", "user", "admin", SHELL, "a new password")
    server.restart()
    assert (status(server, "admin", PASSWORD), status(server, "admin", NEW)) == (401, 200)


class Reset:
    """A server whose administrator has the new password."""

    def __init__(self, server):
        self.server = server

    def registry(self):
        return self.server.registry("admin", NEW)


def test_without_a_server(start, admin, fails):
    server = start(running=False)
    fails(server, "CONFIG", "there is no data directory", "user", "list")
    assert not server.data.exists(), "nothing is made"
    server.start()
    server.stop()
    said = admin(server, "user password", "admin", "--random")
    assert len(said["password"]) == 24 and said["result"] == "a new password"
    server.start()
    assert (status(server, "admin", PASSWORD), status(server, "admin", said["password"])) == (401, 200)


def test_before_the_first_account(start, fails):
    """No other account takes the place of the first one, which is the server's to make."""
    server = start()
    server.stop()
    with server.database() as db:
        db.execute("DELETE FROM user_account")
    fails(server, "CONFIG", "has not come up", "user", "create", "--email", "ada@example.org", "--random", "ada")
    with server.database() as db:
        assert db.execute("SELECT count(*) FROM user_account").fetchone() == (0,)


def test_a_browser_is_signed_out(start, admin):
    server = start()
    browser = Browser(server.registry())
    assert browser.sign_in("admin", PASSWORD).status == 200
    assert browser.get("/users/current").status == 200
    admin(server, "user password", "admin", "--random")
    assert browser.get("/users/current").status == 401


def test_the_file_with_the_first_password_goes(start, admin):
    server = start()
    file = server.data / "initial-admin-password"
    file.write_text("what it was")
    admin(server, "user create", "--email", "ada@example.org", "--random", "ada")
    admin(server, "user password", "ada", "--random")
    assert file.exists(), "it is about another account"
    admin(server, "user password", "admin", "--random")
    assert not file.exists()


def test_accounts(start, admin, fails, haven):
    server = start()
    made = admin(server, "user create", "--email", "ada@example.org", "--realname", "Ada L", "--comment", "x", "--random", "ada")
    assert made["username"] == "ada" and made["result"] == "created"
    assert status(server, "ada", made["password"]) == 200
    admin(server, "user create", "--email", "bob@example.org", "--password-stdin", "--admin", "bob", input=NEW)
    users = {u["username"]: u for u in admin(server, "user list")["users"]}
    api = {u["username"]: u for u in Harbor(server.registry()).json("/users")}
    assert set(users) == {"admin", "ada", "bob"}
    for name, user in users.items():  # the same fields as in the API, empty ones too
        assert {k: v for k, v in user.items() if v != ""} == {
            k: v for k, v in api[name].items() if k != "admin_role_in_auth"}
    assert (users["ada"]["sysadmin_flag"], users["bob"]["sysadmin_flag"]) == (False, True)
    rows = [line.split() for line in ok(haven("admin", "user", "list", "--data", server.data)).stdout.splitlines()]
    assert rows[0] == ["NAME", "ADMIN", "EMAIL", "CREATED", "REAL", "NAME"]
    assert [r[:3] for r in rows[1:]] == [["ada", "no", "ada@example.org"], ["admin", "yes", "admin@example.com"],
                                         ["bob", "yes", "bob@example.org"]]
    # Rights count within a second, both ways.
    lists = lambda: status(server, "ada", made["password"], "/api/v2.0/users")  # noqa: E731
    assert lists() == 403
    admin(server, "user promote", "ada")
    wait_until(lambda: lists() == 200, NOTICE)
    admin(server, "user demote", "ada")
    wait_until(lambda: lists() == 403, NOTICE)
    admin(server, "user remove", "ada")
    wait_until(lambda: status(server, "ada", made["password"]) == 401, NOTICE)
    assert told(server)[:5] == [
        ("delete", "user", "ada", SHELL, "delete user: ada"), ("update", "user", "ada", SHELL, "update user: ada"),
        ("update", "user", "ada", SHELL, "update user: ada"), ("create", "user", "bob", SHELL, "create user: bob"),
        ("create", "user", "ada", SHELL, "create user: ada")]
    fails(server, "NOT_FOUND", "hint: `haven admin user list`", "user", "remove", "ada")
    fails(server, "DENIED", "cannot be removed", "user", "remove", "admin")
    fails(server, "DENIED", "cannot lose", "user", "demote", "admin")
    fails(server, "CONFLICT", "already", "user", "create", "--email", "x@example.org", "--random", "bob")
    fails(server, "BAD_REQUEST", "email", "user", "create", "--email", "nowhere", "--random", "eve")
    fails(server, "BAD_REQUEST", "username", "user", "create", "--email", "e@example.org", "--random", "e:e")


def test_many_accounts(start, admin, haven):
    """A list is whole, whatever its pages."""
    server = start()
    server.stop()
    with server.database() as db:
        db.executemany("INSERT INTO user_account (username, password_hash, is_admin, created_ms, password_changed_ms)"
                       " VALUES (?, '', 0, 1, 1)", [(f"user{i:03}",) for i in range(250)])
    names = ["admin"] + [f"user{i:03}" for i in range(250)]
    assert [u["username"] for u in admin(server, "user list")["users"]] == names
    lines = ok(haven("admin", "user", "list", "--data", server.data)).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME"] + names


def test_at_a_terminal(start, env, fails):
    """A password is asked for twice and never shown."""
    server = start()
    argv = [HAVEN, "admin", "user", "password", "--data", server.data, "admin"]

    def typed(*lines):
        t = Terminal(argv, env)
        for question, line in zip(("New password:", "New password again:"), lines):
            t.until(lambda rows, q=question: any(r.startswith(q) for r in rows))
            os.write(t.fd, line.encode() + b"\n")
        t.until(lambda rows: any(r.startswith(("admin:", "haven:")) for r in rows))
        return t.wait(), t.raw().decode()

    code, shown = typed(NEW, NEW + "x")
    assert code == 2 and "not the same" in shown and NEW not in shown
    assert status(server, "admin", PASSWORD) == 200
    code, shown = typed(NEW, NEW)
    assert code == 0 and "admin: a new password" in shown and NEW not in shown
    assert status(server, "admin", NEW) == 200
    t = Terminal(argv, env)
    t.until(lambda rows: any(r.startswith("New password:") for r in rows))
    os.write(t.fd, b"\x03")
    t.until(lambda rows: any("cancelled" in r for r in rows))
    assert t.wait() == 130
    # No terminal, nothing given: it says what to do and waits for nothing.
    fails(server, "USAGE", "--password-stdin", "user", "password", "admin", start_new_session=True, input="")


def test_the_line(start, fails, haven):
    server = start()
    for text, *args in (("an argument is missing", "user"), ("did you mean \"list\"", "user", "lits"),
                        ("there is list, create", "user", "paint"), ("usage: haven admin user remove NAME", "user", "remove"),
                        ("too many arguments", "user", "list", "ada"), ("--email is not for", "user", "list", "--email", "x"),
                        ("--email ADDRESS", "user", "create", "ada", "--random"),
                        ("exclude each other", "user", "password", "admin", "--random", "--password-stdin"),
                        ("without --allow", "robot", "create", "ci"), ("--days", "robot", "create", "--allow", "a:b", "--days", "0", "c"),
                        ("a size such as", "quota", "set", "library", "much"), ("NAME=VALUE", "configuration", "set", "read_only"),
                        ("did you mean \"read_only\"", "configuration", "get", "readonly"),
                        ("configuration list", "configuration", "get", "something_else"),
                        ("given twice", "configuration", "set", "read_only=true", "read_only=false")):
        fails(server, "USAGE", text, *args)
    done = haven("admin", "user", "remove", "nobody", "--data", server.data, "--json")
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["exit_status"], done.returncode) == ("NOT_FOUND", 3, 3)
    listed = ok(haven("admin")).stdout
    assert all(f"haven admin {name} " in listed for name in ("user", "robot", "quota", "configuration", "collect"))


# ---- robots ----

def test_robots(start, admin, fails, haven):
    server = start()
    made = admin(server, "robot create", "--project", "library", "--allow", "repository:push", "--allow", "library/tag:list",
                 "--days", 7, "--description", "builds", "ci")
    assert made["name"] == "robot$library+ci" and len(made["secret"]) == 32 and made["result"] == "created"
    works = lambda secret, name="robot$library+ci": server.registry(name, secret).start("library/x").status  # noqa: E731
    assert works(made["secret"]) == 202
    admin(server, "robot create", "--allow", "*/repository:pull", "--allow", "user:list", "--secret-stdin", "all", input=NEW)
    assert status(server, "robot$all", NEW, "/api/v2.0/users") == 200
    robots = {r["name"]: r for r in admin(server, "robot list")["robots"]}
    assert set(robots) == {"robot$library+ci", "robot$all"}
    one, two = robots["robot$library+ci"], robots["robot$all"]
    assert (one["level"], one["duration"], one["description"], one["disable"]) == ("project", 7, "builds", False)
    assert sorted(one["allow"]) == ["library/repository:push", "library/tag:list"]
    assert sorted(two["allow"]) == ["*/repository:pull", "user:list"] and two["expires_at"] == -1
    assert [r["id"] for r in admin(server, "robot list", "--project", "library")["robots"]] == [one["id"]]
    seen = Harbor(server.registry()).json(f"/robots/{one['id']}")
    assert (seen["name"], seen["expires_at"], seen["creator_type"]) == (one["name"], one["expires_at"], "local")
    assert [(p["kind"], p["namespace"]) for p in seen["permissions"]] == [("project", "library")]
    rows = ok(haven("admin", "robot", "list", "--data", server.data)).stdout.splitlines()
    assert [r.split()[:3] for r in rows] == [["NAME", "LEVEL", "ENABLED"], ["robot$all", "system", "yes"],
                                             ["robot$library+ci", "project", "yes"]]
    # By any of its names.
    for name in ("library+ci", "robot$library+ci"):
        admin(server, "robot disable", name)
        wait_until(lambda: works(made["secret"]) == 401, NOTICE)
        admin(server, "robot enable", name)
        wait_until(lambda: works(made["secret"]) == 202, NOTICE)
    again = admin(server, "robot refresh", "library+ci")
    assert works(again["secret"]) == 202
    wait_until(lambda: works(made["secret"]) == 401, NOTICE)
    admin(server, "robot remove", "all")
    wait_until(lambda: status(server, "robot$all", NEW, "/api/v2.0/users") == 401, NOTICE)
    assert [t for t in told(server) if t[1] == "robot"][:3] == [
        ("delete", "robot", "robot$all", SHELL, "delete robot: robot$all"),
        ("update", "robot", "robot$library+ci", SHELL, "a new secret"),
        ("update", "robot", "robot$library+ci", SHELL, "enabled")]
    fails(server, "NOT_FOUND", "there is no robot", "robot", "remove", "all")
    fails(server, "NOT_FOUND", "there is no robot", "robot", "remove", "ci")  # not of the system
    fails(server, "NOT_FOUND", "there is no project", "robot", "refresh", "nowhere+ci")
    fails(server, "NOT_FOUND", "there is no project", "robot", "list", "--project", "nowhere")
    fails(server, "CONFLICT", "already", "robot", "create", "--project", "library", "--allow", "repository:pull", "ci")
    for text, *args in (("no rights elsewhere", "--project", "library", "--allow", "*/repository:pull"),
                        ("cannot be given", "--allow", "repository:pull"), ("cannot be given", "--allow", "*/user:list"),
                        ("not written", "--allow", "repository")):
        fails(server, "BAD_REQUEST", text, "robot", "create", *args, "x")
    fails(server, "BAD_REQUEST", "secret", "robot", "refresh", "library+ci", "--secret-stdin", input="weak")
    fails(server, "USAGE", "no secret", "robot", "refresh", "library+ci", "--secret-stdin", input="\n")


def test_another_prefix(start, admin):
    server = start()
    made = admin(server, "robot create", "--allow", "user:list", "ci")
    admin(server, "configuration set", "robot_name_prefix=bot#")
    assert admin(server, "robot list")["robots"][0]["name"] == "bot#ci"
    wait_until(lambda: status(server, "bot#ci", made["secret"], "/api/v2.0/users") == 200, NOTICE)
    assert admin(server, "robot disable", "bot#ci")["name"] == "bot#ci"


# ---- quotas, settings ----

def test_quotas(start, admin, fails, haven):
    server = start()
    registry = server.registry()
    registry.push_blob("library/m", b"x" * 1000)
    assert admin(server, "quota list")["quotas"] == [{"id": 1, "project": "library", "owner": "admin", "used": 1000, "hard": -1}]
    assert admin(server, "quota set", "library", "2KiB")["hard"] == 2048
    assert registry.start("library/m").status == 202
    answer = registry.request("POST", "/v2/library/m/blobs/uploads/?digest=sha256:" + "0" * 64, body=b"y" * 4000)
    assert answer.status == 403, "it counts at once"
    assert Harbor(registry).json("/quotas/1")["hard"] == {"storage": 2048}
    assert "library: may hold unlimited" in ok(haven("admin", "quota", "set", "--data", server.data, "library", "unlimited")).stdout
    assert ok(haven("admin", "quota", "list", "--data", server.data)).stdout.splitlines()[1].split()[0] == "library"
    assert told(server)[0][:4] == ("update", "quota", "library", SHELL)
    fails(server, "NOT_FOUND", "there is no project", "quota", "set", "nowhere", "1GiB")


def test_settings(start, admin, fails, haven):
    server = start()
    harbor = Harbor(server.registry())
    values = admin(server, "configuration list")
    assert set(values) == set(harbor.json("/configurations")) - {"auth_mode"}
    assert values["read_only"] is False and values["robot_name_prefix"] == "robot$"
    assert admin(server, "configuration set", "read_only=true", "banner_message=closed=today") == {
        "read_only": True, "banner_message": "closed=today"}
    wait_until(lambda: harbor.json("/systeminfo")["read_only"] is True, NOTICE)
    assert harbor.json("/systeminfo")["banner_message"] == "closed=today"
    assert harbor.call("POST", "/projects", {"project_name": "no"}).status == 403
    # Read-only mode keeps those out who come by the network; the shell is how it is ended.
    admin(server, "user create", "--email", "ada@example.org", "--random", "ada")
    assert ok(haven("admin", "configuration", "set", "--data", server.data, "read_only=false")).stdout == "read_only=false\n"
    assert ok(haven("admin", "configuration", "get", "--data", server.data, "banner_message")).stdout == "closed=today\n"
    wait_until(lambda: harbor.call("POST", "/projects", {"project_name": "yes"}).status == 201, NOTICE)
    table = ok(haven("admin", "configuration", "list", "--data", server.data)).stdout.splitlines()
    assert table[0].split()[:2] == ["NAME", "VALUE"] and any(row.startswith("read_only ") for row in table)
    # One wrong value, and none is taken.
    fails(server, "BAD_REQUEST", "token_expiration", "configuration", "set", "banner_message=x", "token_expiration=0")
    assert admin(server, "configuration get", "banner_message") == {"banner_message": "closed=today"}
    fails(server, "BAD_REQUEST", "audit_log_forward_endpoint", "configuration", "set", "audit_log_forward_endpoint=127.0.0.1:1")
    assert [t for t in told(server) if t[1] == "configuration"][0][:4] == ("update", "configuration", "read_only", SHELL)


def test_the_file_of_settings_counts(start, haven, env):
    """Where nobody changed it, what the configuration says is the value here as it is in the server."""
    server = start()
    told_by = {**env, "HAVEN_AUTH_TOKEN_EXPIRATION": "17"}
    get = ("admin", "configuration", "get", "token_expiration", "--data", server.data)
    assert ok(haven(*get, env=told_by)).stdout == "17\n"
    ok(haven("admin", "configuration", "set", "token_expiration=9", "--data", server.data))
    assert ok(haven(*get, env=told_by)).stdout == "9\n"


def test_a_database_that_is_busy(start, admin, fails):
    """Another process writes: reading goes on, and a change that had to wait too long says so and is not made."""
    server = start()
    holder = sqlite3.connect(server.data / "haven.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        assert admin(server, "quota list")["quotas"][0]["hard"] == -1
        fails(server, "UNAVAILABLE", "", "quota", "set", "library", "1GiB")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert admin(server, "quota list")["quotas"][0]["hard"] == -1
