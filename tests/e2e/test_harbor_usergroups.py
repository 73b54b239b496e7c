# SPDX-License-Identifier: Apache-2.0
"""Groups of users through Harbor's API, alone and as members of projects."""
import pytest

from harness.harbor import Harbor, fresh, refused


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def add(harbor, **more):
    body = {"group_name": fresh("group"), "group_type": 3, **more}
    made = harbor.post("/usergroups", body)
    return int(made.get("Location").removeprefix("/api/v2.0/usergroups/")), body["group_name"]


def test_life(harbor):
    number, name = add(harbor)
    assert harbor.json(f"/usergroups/{number}") == {"id": number, "group_name": name, "group_type": 3}
    other = fresh("renamed")
    harbor.put(f"/usergroups/{number}", {"group_name": other})
    assert harbor.json(f"/usergroups/{number}")["group_name"] == other
    harbor.delete(f"/usergroups/{number}")
    for method, body in (("GET", None), ("PUT", {"group_name": "x"}), ("DELETE", None)):
        refused(harbor.call(method, f"/usergroups/{number}", body), 404, "NOT_FOUND")


def test_ldap_groups_have_a_distinguished_name(harbor):
    dn = f"cn={fresh('dev')},dc=example,dc=org"
    number, name = add(harbor, group_type=1, ldap_group_dn=dn)
    assert harbor.json(f"/usergroups/{number}")["ldap_group_dn"] == dn
    assert [g["group_name"] for g in harbor.json("/usergroups", ldap_group_dn=dn)] == [name]


@pytest.mark.parametrize("body, says", [
    ({"group_type": 0}, "group_type"), ({"group_type": 4}, "group_type"), ({"group_name": ""}, "group_name"),
    ({"group_type": 1}, "ldap_group_dn"), ({"group_type": 1, "ldap_group_dn": "nonsense"}, "ldap_group_dn"),
    ({"group_type": 3, "ldap_group_dn": "cn=x"}, "ldap_group_dn"),
])
def test_groups_that_are_none(harbor, body, says):
    refused(harbor.call("POST", "/usergroups", {"group_name": fresh("no"), "group_type": 3, **body}), 400, "BAD_REQUEST", says)


def test_names_are_unique(harbor):
    _, name = add(harbor)
    refused(harbor.call("POST", "/usergroups", {"group_name": name, "group_type": 3}), 409, "CONFLICT", name)
    other, _ = add(harbor)
    refused(harbor.call("PUT", f"/usergroups/{other}", {"group_name": name}), 409, "CONFLICT", name)
    refused(harbor.call("PUT", f"/usergroups/{other}", {"group_name": ""}), 400, "BAD_REQUEST", "group_name")


def test_lists_and_search(harbor, anonymous):
    prefix = fresh("many")
    names = [f"{prefix}-{i}" for i in range(3)]
    numbers = [add(harbor, group_name=name)[0] for name in names]
    page = harbor.get("/usergroups", group_name=prefix, page_size=2)
    assert [g["group_name"] for g in page.json()] == names[:2] and page.get("X-Total-Count") == "3"
    _, user = harbor.add_user()
    assert user.json("/usergroups/search", groupname=names[0]) == \
        [{"id": numbers[0], "group_name": names[0], "group_type": 3}]
    refused(user.get("/usergroups/search"), 422, "UNPROCESSABLE_ENTITY", "groupname")
    refused(Harbor(anonymous).get("/usergroups/search", groupname="x"), 401, "UNAUTHORIZED")
    for method, path in (("GET", "/usergroups"), ("POST", "/usergroups"), ("GET", f"/usergroups/{numbers[0]}"),
                         ("PUT", f"/usergroups/{numbers[0]}"), ("DELETE", f"/usergroups/{numbers[0]}")):
        refused(user.call(method, path, {}), 403, "FORBIDDEN")


def test_groups_as_members(harbor):
    _, project = harbor.add_project()
    number, name = add(harbor)
    made = harbor.post(f"/projects/{project}/members", {"role_id": 2, "member_group": {"id": number}})
    member = harbor.json(made.get("Location").removeprefix("/api/v2.0"))
    assert (member["entity_type"], member["entity_name"], member["entity_id"]) == ("g", name, number)
    refused(harbor.call("POST", f"/projects/{project}/members", {"role_id": 2, "member_group": {"id": number}}), 409,
            "CONFLICT", "group")
    refused(harbor.call("POST", f"/projects/{project}/members", {"role_id": 2, "member_group": {"id": 999999}}), 400,
            "BAD_REQUEST", '"id"')
    refused(harbor.call("POST", f"/projects/{project}/members",
                        {"role_id": 2, "member_group": {"id": number}, "member_user": {"user_id": 1}}), 400, "BAD_REQUEST",
            "one of them")
    # A group that nobody has heard of becomes known.
    unknown = fresh("unknown")
    harbor.post(f"/projects/{project}/members", {"role_id": 3, "member_group": {"group_name": unknown, "group_type": 3}})
    harbor.post(f"/projects/{project}/members", {"role_id": 3, "member_group": {"ldap_group_dn": f"cn={unknown},dc=x"}})
    assert [g["group_type"] for g in harbor.json("/usergroups", group_name=unknown)] == [1, 3]
    # Memberships end with the group.
    harbor.delete(f"/usergroups/{number}")
    assert name not in [m["entity_name"] for m in harbor.json(f"/projects/{project}/members")]
