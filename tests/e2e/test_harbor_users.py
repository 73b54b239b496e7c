# SPDX-License-Identifier: Apache-2.0
"""Users through Harbor's API: made, found, changed, removed, and what they may not do."""
import pytest

from harness.harbor import PASSWORD, Harbor, fresh, refused


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


@pytest.fixture
def nobody(anonymous):
    return Harbor(anonymous)


def test_a_user_is_made_and_signs_in(harbor):
    name = fresh("ada")
    made = harbor.post("/users", {"username": name, "email": f"{name}@example.org", "realname": "Ada L.",
                                  "comment": "first", "password": PASSWORD})
    number = int(made.get("Location").removeprefix("/api/v2.0/users/"))
    user = Harbor(harbor.registry.clone(user=name, password=PASSWORD))
    seen = user.json("/users/current")
    assert seen.pop("creation_time") == seen.pop("update_time")
    assert seen == {"user_id": number, "username": name, "email": f"{name}@example.org", "realname": "Ada L.",
                    "comment": "first", "sysadmin_flag": False, "admin_role_in_auth": False}
    assert harbor.json(f"/users/{number}")["username"] == name
    assert user.json(f"/users/{number}")["username"] == name


def test_the_first_administrator(harbor):
    me = harbor.json("/users/current")
    assert (me["user_id"], me["username"], me["sysadmin_flag"]) == (1, "admin", True)
    refused(harbor.call("DELETE", "/users/1"), 403, "FORBIDDEN")
    refused(harbor.call("PUT", "/users/1/sysadmin", {"sysadmin_flag": False}), 403, "FORBIDDEN")


@pytest.mark.parametrize("change, says", [
    ({"username": ""}, "username"), ({"username": "a,b"}, "username"), ({"username": "a:b"}, "username"),
    ({"username": "robot$x"}, "username"), ({"email": "nothing"}, "email"), ({"email": "a b@c"}, "email"),
    ({"email": "@c"}, "email"), ({"realname": "a#b"}, "realname"), ({"comment": "x" * 31}, "comment"),
    ({"password": "short1A"}, "password"), ({"password": "nouppercase1"}, "password"),
    ({"password": "NOLOWERCASE1"}, "password"), ({"password": "NoDigitsHere"}, "password"),
    ({"password": "Aa1" + "x" * 126}, "password"),
])
def test_what_no_user_may_have(harbor, change, says):
    name = fresh("bad")
    body = {"username": name, "email": f"{name}@example.org", "realname": "x", "password": PASSWORD, **change}
    refused(harbor.call("POST", "/users", body), 400, "BAD_REQUEST", says)


def test_bodies_that_are_none(harbor):
    refused(harbor.call("POST", "/users", b""), 400, "BAD_REQUEST", "missing")
    refused(harbor.call("POST", "/users", b"{"), 400, "BAD_REQUEST", "JSON")
    refused(harbor.call("POST", "/users", []), 400, "BAD_REQUEST", "object")
    refused(harbor.call("POST", "/users", {"username": 5}), 400, "BAD_REQUEST", '"username"')
    refused(harbor.call("POST", "/users", {"username": "x"}), 422, "UNPROCESSABLE_ENTITY", "required")
    refused(harbor.call("POST", "/users", {"username": "x" * 256}), 422, "UNPROCESSABLE_ENTITY", '"username"')


def test_names_and_addresses_are_unique(harbor):
    name = fresh("twin")
    harbor.add_user(name)
    body = {"username": name, "email": "other@example.org", "realname": "", "password": PASSWORD}
    refused(harbor.call("POST", "/users", body), 409, "CONFLICT", name)
    body = {"username": name + "x", "email": f"{name.upper()}@EXAMPLE.org", "realname": "", "password": PASSWORD}
    refused(harbor.call("POST", "/users", body), 409, "CONFLICT", "address")


def test_nothing_else_is_taken_from_the_body(harbor):
    """Mass assignment: a body cannot say what its object does not have."""
    number, user = harbor.add_user(sysadmin_flag=True, user_id=1, admin_role_in_auth=True)
    assert number != 1
    assert user.json("/users/current")["sysadmin_flag"] is False
    user.put(f"/users/{number}", {"email": fresh("x") + "@example.org", "realname": "r", "sysadmin_flag": True,
                                  "username": "admin2"})
    assert user.json("/users/current")["sysadmin_flag"] is False


def test_profile(harbor):
    number, user = harbor.add_user()
    other, _ = harbor.add_user()
    mail = fresh("new") + "@example.org"
    user.put(f"/users/{number}", {"email": mail, "realname": "New", "comment": "c"})
    assert user.json("/users/current")["email"] == mail
    harbor.put(f"/users/{number}", {"email": mail, "realname": "Newer"})
    assert user.json("/users/current")["realname"] == "Newer"
    refused(user.call("PUT", f"/users/{other}", {"email": "x@example.org", "realname": ""}), 403, "FORBIDDEN")
    refused(harbor.call("PUT", f"/users/{other}", {"email": mail, "realname": ""}), 409, "CONFLICT")
    refused(harbor.call("PUT", "/users/999999", {"email": "z@example.org", "realname": ""}), 404, "NOT_FOUND")


def test_password(harbor):
    number, user = harbor.add_user()
    path = f"/users/{number}/password"
    refused(user.call("PUT", path, {"old_password": "Wrong-Horse-9", "new_password": "Other-Horse-9"}), 403, "FORBIDDEN")
    refused(user.call("PUT", path, {"old_password": PASSWORD, "new_password": "weak"}), 400, "BAD_REQUEST")
    refused(user.call("PUT", path, {"old_password": PASSWORD, "new_password": PASSWORD}), 400, "BAD_REQUEST", "differ")
    user.put(path, {"old_password": PASSWORD, "new_password": "Other-Horse-9"})
    refused(user.get("/users/current"), 401, "UNAUTHORIZED")
    again = Harbor(user.registry.clone(password="Other-Horse-9"))
    assert again.json("/users/current")["user_id"] == number
    harbor.put(path, {"new_password": "Third-Horse-9"})  # who administers need not know the old one
    assert Harbor(user.registry.clone(password="Third-Horse-9")).json("/users/current")["user_id"] == number
    _, stranger = harbor.add_user()
    refused(stranger.call("PUT", path, {"old_password": "Third-Horse-9", "new_password": "Fourth-Horse-9"}), 403,
            "FORBIDDEN")


def test_administrators_are_made_and_unmade(harbor):
    number, user = harbor.add_user()
    refused(user.get("/users"), 403, "FORBIDDEN")
    refused(user.call("PUT", f"/users/{number}/sysadmin", {"sysadmin_flag": True}), 403, "FORBIDDEN")
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    assert user.json("/users/current")["sysadmin_flag"] is True
    user.json("/users")
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": False})  # at once, whatever was proven before
    refused(user.get("/users"), 403, "FORBIDDEN")
    refused(harbor.call("PUT", "/users/999999/sysadmin", {"sysadmin_flag": True}), 404, "NOT_FOUND")


def test_removed_users_are_gone_at_once(harbor):
    number, user = harbor.add_user()
    user.json("/users/current")
    refused(user.call("DELETE", f"/users/{number}"), 403, "FORBIDDEN")
    harbor.delete(f"/users/{number}")
    refused(user.get("/users/current"), 401, "UNAUTHORIZED")
    refused(harbor.get(f"/users/{number}"), 404, "NOT_FOUND")
    refused(harbor.call("DELETE", f"/users/{number}"), 404, "NOT_FOUND")


def test_nobody_removes_themselves(harbor):
    number, user = harbor.add_user()
    harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
    refused(user.call("DELETE", f"/users/{number}"), 403, "FORBIDDEN", "their own")


def test_lists(harbor):
    prefix = fresh("page")
    for i in range(5):
        harbor.add_user(f"{prefix}-{i}")
    page = harbor.get("/users", username=prefix, page_size=2, page=2)
    assert [u["username"] for u in page.json()] == [f"{prefix}-2", f"{prefix}-3"]
    assert page.get("X-Total-Count") == "5"
    assert page.get("Link") == (f'</api/v2.0/users?page=1&page_size=2&username={prefix}>; rel="prev" , '
                                f'</api/v2.0/users?page=3&page_size=2&username={prefix}>; rel="next"')
    assert harbor.get("/users", username=prefix).get("Link") is None
    assert harbor.get("/users", username=prefix, page_size=5).get("Link") is None  # full, and the last
    assert harbor.get("/users", q=f"username=~{prefix}", sort="-username").json()[0]["username"] == f"{prefix}-4"
    assert [u["username"] for u in harbor.json("/users", q=f"username={{{prefix}-1 {prefix}-3}}")] == \
        [f"{prefix}-1", f"{prefix}-3"]
    assert harbor.json("/users", email=f"{prefix}-4@")[0]["username"] == f"{prefix}-4"
    empty = harbor.get("/users", username="no-such-user-at-all")
    assert (empty.body, empty.get("X-Total-Count")) == (b"[]", "0")


@pytest.mark.parametrize("query", ["page_size=101", "page_size=0", "page_size=x", "page=0", "page=-1", "page=1.5"])
def test_pages_that_are_none(harbor, query):
    refused(harbor.get(f"/users?{query}"), 422, "UNPROCESSABLE_ENTITY", query.partition("=")[0])


@pytest.mark.parametrize("q", ["username", "user_id=abc", "user_id=%5B1", "sysadmin_flag=maybe"])
def test_filters_that_are_none(harbor, q):
    refused(harbor.get(f"/users?q={q}"), 400, "BAD_REQUEST", "q: ")


def test_search(harbor, nobody):
    name = fresh("findme")
    number, user = harbor.add_user(name)
    assert user.json("/users/search", username=name) == [{"user_id": number, "username": name}]
    refused(user.get("/users/search"), 422, "UNPROCESSABLE_ENTITY", "username")
    refused(nobody.get("/users/search", username=name), 401, "UNAUTHORIZED")


def test_strangers_learn_nothing(harbor, nobody):
    number, _ = harbor.add_user()
    _, user = harbor.add_user()
    for path in ("/users", "/users/current", f"/users/{number}", "/users/999999"):
        refused(nobody.get(path), 401, "UNAUTHORIZED")
    # Who exists and who does not read the same.
    known, unknown = user.get(f"/users/{number}"), user.get("/users/999999")
    assert (known.status, known.json()) == (unknown.status, unknown.json()) and known.status == 403
    for method, path in (("POST", "/users"), ("PUT", f"/users/{number}"), ("DELETE", f"/users/{number}"),
                         ("PUT", f"/users/{number}/password"), ("PUT", f"/users/{number}/sysadmin")):
        refused(nobody.call(method, path, {}), 401, "UNAUTHORIZED")
        refused(user.call(method, path, {}), 403, "FORBIDDEN")
    refused(user.get("/users/abc"), 422, "UNPROCESSABLE_ENTITY", "user_id")


def test_wrong_passwords_make_nobody(harbor):
    wrong = Harbor(harbor.registry.clone(password="Wrong-Horse-9"))
    refused(wrong.get("/users/current"), 401, "UNAUTHORIZED", "wrong")
    assert wrong.get("/projects").status == 200  # as anybody may
