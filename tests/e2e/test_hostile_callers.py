# SPDX-License-Identifier: Apache-2.0
"""Callers who guess names, and callers whose bodies say more than they may.

Nobody can find out who has an account: an unknown name and a wrong password differ in nothing, not even in the work done.
Nobody can set what is not theirs to set: every operation that takes a body is sent with all fields that the API knows.
"""
import json
import re
import subprocess

import pytest

from harness.content import push, small_image
from harness.harbor import PASSWORD, Harbor, fresh
from harness.record import HAVEN
from harness.registry import Registry
from harness.server import Server

WRONG = "Wrong-Horse-9"


# ---- who has an account ----

@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Wrong passwords slow down whoever comes from the same address, and what is counted here is of one caller."""
    one = Server(tmp_path_factory.mktemp("hostile")).start()
    yield one
    one.stop()


def hashes(server):
    """How many passwords were worked on so far; asked by nobody, so that asking is no work."""
    text = Registry(server.url).get("/metrics").body.decode()
    return int(re.search(r"^haven_password_hashes_total (\d+)$", text, re.M)[1])


def shown(answer, name):
    """What a caller sees, without what they said themselves and what differs from one request to the next."""
    headers = sorted((key.lower(), value) for key, value in answer.headers
                     if key.lower() not in ("date", "x-request-id", "set-cookie", "x-harbor-csrf-token"))
    return answer.status, headers, answer.body.decode().replace(name, "#")


DOORS = ["/v2/", "/v2/library/x/manifests/v1", "/v2/library/x/tags/list", "/service/token?service=harbor-registry",
         "/service/token?service=harbor-registry&scope=repository:library/x:pull,push", "/api/v2.0/users/current",
         "/api/v2.0/projects", "/api/v2.0/projects/library", "/api/v2.0/systeminfo", "/api/v2.0/users/1"]


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_user_reads_as_a_wrong_password(server, door):
    harbor = Harbor(server.registry())
    known = fresh("guessed")
    harbor.add_user(known)
    unknown = known[:-1] + "_"  # as long
    answers = []
    for name in (known, unknown):
        before = hashes(server)
        answer = Registry(server.url, name, WRONG).get(door)
        answers.append((shown(answer, name), hashes(server) - before))
    seen = [(status, [h for h in headers if h[0] != "content-length"], re.sub(r'"(token|access_token|issued_at)":"[^"]*"', "", body), work)
            for (status, headers, body), work in answers]
    assert seen[0] == seen[1]
    assert seen[0][3] == 1, "the password is looked at once"


def test_a_robot_that_is_none_reads_as_a_wrong_secret(server):
    """Random secrets are compared quickly, chosen ones slowly; a name that no robot has is one or the other, and stays it."""
    harbor = Harbor(server.registry())

    def made(**more):
        return harbor.post("/robots", {"name": fresh("guessed"), "level": "project", "duration": -1, "permissions": [
            {"kind": "project", "namespace": "library", "access": [{"resource": "repository", "action": "pull"}]}], **more}
            ).json()["name"]

    def tried(name):
        before = hashes(server)
        return shown(Registry(server.url, name, WRONG).get("/v2/"), name), hashes(server) - before

    random, chosen = tried(made()), tried(made(secret=PASSWORD))
    assert random[0] == chosen[0] and (random[1], chosen[1]) == (0, 1)
    absent = [f"robot$library+none-{i}" for i in range(40)]
    first = [tried(name) for name in absent]
    assert all(text == random[0] for text, _ in first) and {n for _, n in first} == {0, 1}
    assert [tried(name) for name in absent] == first


def test_a_removed_user_reads_as_none(server):
    harbor = Harbor(server.registry())
    name = fresh("removed")
    number, _ = harbor.add_user(name)
    harbor.delete(f"/users/{number}")
    gone, never = (Registry(server.url, who, PASSWORD).get("/v2/") for who in (name, name[:-1] + "_"))
    assert shown(gone, name) == shown(never, name[:-1] + "_")


def test_guessing_ends_as_soon_for_unknown_names(server):
    """The brake looks at the name that was said, not at whether there is one."""
    harbor = Harbor(server.registry())
    known = fresh("braked")
    harbor.add_user(known)
    for name in (known, known[:-1] + "_"):
        statuses = [Registry(server.url, name, f"Wrong-{i}").get("/v2/").status for i in range(40)]
        assert set(statuses) == {401, 429} and set(statuses[:10]) == {401} and statuses[-1] == 429, (name, statuses)


def test_members_and_groups_cannot_be_guessed(server):
    """Who may not add members is told the same about names that there are and names that there are not."""
    harbor = Harbor(server.registry())
    _, name = harbor.add_project()
    number, known = harbor.add_user()
    harbor.add_member(name, number, "developer")
    users = [harbor.json(f"/users/{number}")["username"], "nobody-at-all"]
    answers = [known.call("POST", f"/projects/{name}/members", {"role_id": 3, "member_user": {"username": user}})
               for user in users]
    assert answers[0].status == 403 and answers[0].body == answers[1].body


# ---- what is not the caller's to say ----

NUMBER, TEXT, TIME = 424242, "taken", "2001-02-03T04:05:06.000Z"
LIES = {
    **{key: NUMBER for key in ("id", "user_id", "owner_id", "entity_id", "project_id", "role_id", "repository_id",
                               "artifact_id", "creator_ref", "expires_at", "repo_count", "artifact_count", "pull_count",
                               "storage_limit", "current_user_role_id", "priority")},
    **{key: TEXT for key in ("username", "owner_name", "entity_name", "role_name", "creator_type", "digest", "type",
                             "repository_name", "job_status", "job_name", "job_parameters", "project_name", "scope", "name",
                             "display_name")},
    **{key: True for key in ("sysadmin_flag", "admin_role_in_auth", "admin", "deleted", "editable", "immutable", "togglable",
                             "has_admin_role")},
    **{key: TIME for key in ("creation_time", "update_time", "push_time", "pull_time", "op_time")},
    "current_user_role_ids": [1], "roles": [1], "used": {"storage": NUMBER}, "ref": {"id": NUMBER}, "tags": [],
}
# Fields that differ from one thing to the next, or with every change.
VARIES = {"id", "user_id", "project_id", "name", "display_name", "username", "email", "creation_time", "update_time",
          "entity_id", "entity_name", "group_name"}


class Target:
    """What the operations are done to."""

    def __init__(self, registry):
        self.harbor = Harbor(registry)
        self.project, self.name = self.harbor.add_project()
        self.digest, _ = push(registry, f"{self.name}/m", *small_image(), "v1")
        self.user, self.by_user = self.harbor.add_user()
        owner, self.by_owner = self.harbor.add_user()
        self.harbor.add_member(self.name, owner, "projectAdmin")
        self.repository = f"/projects/{self.name}/repositories/m"
        self.artifact = f"{self.repository}/artifacts/v1"

    def rights(self):
        return [{"kind": "project", "namespace": self.name, "access": [{"resource": "tag", "action": "list"}]}]

    def make(self, path, body):
        made = self.harbor.post(path, body)
        return made.get("Location").removeprefix("/api/v2.0")

    def member(self):
        number, _ = self.harbor.add_user()
        return {"role_id": 3, "member_user": {"user_id": number}}

    def robot(self):
        return {"name": fresh("robot"), "level": "project", "duration": 30, "permissions": self.rights()}


def rule(tag):
    return {"action": "immutable", "template": "immutable_template", "disabled": True, "priority": 1,
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tag}],
            "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}}


# Operations that make something: what is sent, and where; what came of it is at Location unless said otherwise.
MAKES = {
    "createUser": lambda t: ("/users", {"username": fresh("u"), "email": fresh("e") + "@example.org", "realname": "r",
                                        "password": PASSWORD}),
    "createProject": lambda t: ("/projects", {"project_name": fresh("p"), "metadata": {"public": "false"}}),
    "createProjectMember": lambda t: (f"/projects/{t.name}/members", t.member()),
    "CreateLabel": lambda t: ("/labels", {"name": fresh("l"), "scope": "p", "project_id": t.project}),
    "createUserGroup": lambda t: ("/usergroups", {"group_name": fresh("g"), "group_type": 3}),
    "CreateRobot": lambda t: ("/robots", t.robot()),
}
# Operations that change something: what is looked at, what is sent where, and which of its fields are meant to change.
CHANGES = {
    "updateUserProfile": lambda t: (f"/users/{t.user}", "", {"email": fresh("e") + "@example.org", "realname": "new"},
                                    {"email", "realname", "comment"}),
    "updateUserPassword": lambda t: (f"/users/{t.user}", "/password", {"new_password": PASSWORD + "x"}, set()),
    "setUserSysAdmin": lambda t: (f"/users/{t.user}", "/sysadmin", {"sysadmin_flag": False}, set()),
    "updateProject": lambda t: (f"/projects/{t.name}", "", {"metadata": {"severity": "low"}}, {"metadata"}),
    "addProjectMetadatas": lambda t: (f"/projects/{t.name}", "/metadatas/", {"auto_scan": "true"}, {"metadata"}),
    "updateProjectMetadata": lambda t: (f"/projects/{t.name}", "/metadatas/public", {"public": "false"}, {"metadata"}),
    "updateProjectMember": lambda t: (t.make(f"/projects/{t.name}/members", t.member()), "", {"role_id": 2},
                                      {"role_id", "role_name"}),
    "updateRepository": lambda t: (t.repository, "", {"description": "new"}, {"description"}),
    "createTag": lambda t: (t.artifact, "/tags", {"name": fresh("tag")}, {"tags"}),
    "addLabel": lambda t: (t.artifact + "?with_label=true", "/labels", {"id": int(t.make("/labels", {
        "name": fresh("l"), "scope": "p", "project_id": t.project}).rsplit("/", 1)[1])}, {"labels"}),
    "UpdateLabel": lambda t: (t.make("/labels", {"name": fresh("l"), "scope": "p", "project_id": t.project}), "",
                              {"name": fresh("l"), "color": "#000000"}, {"name", "color", "description"}),
    "updateUserGroup": lambda t: (t.make("/usergroups", {"group_name": fresh("g"), "group_type": 3}), "",
                                  {"group_name": fresh("g")}, {"group_name"}),
    "UpdateRobot": lambda t: (t.make("/robots", t.robot()), "", {"duration": 30, "permissions": t.rights(),
                                                                 "description": "new", "disable": False}, {"description"}),
    "RefreshSec": lambda t: (t.make("/robots", t.robot()), "", {"secret": ""}, set()),
    "updateQuota": lambda t: (f"/quotas/{t.project}", "", {"hard": {"storage": 1 << 30}}, {"hard"}),
}
# Names that an operation takes, or refuses by a rule of its own, and so are no lies there.
TAKEN = {
    "createProject": {"storage_limit"}, "updateRepository": {"display_name"}, "CreateRobot": {"name"}, "UpdateRobot": {"name"},
    "addProjectMetadatas": set(LIES), "updateProjectMetadata": set(LIES), "RefreshSec": set(),
}
# Operations without anything that could be set, and who shows it.
ELSEWHERE = {
    "updateConfigurations": "settings are taken by name, each checked: test_harbor_configure",
    **{f"{deed}{kind}Schedule": "a job is shown with what it did itself: test_a_job_is_what_it_did"
       for deed in ("create", "update") for kind in ("GC", "Purge")},
    "createPersonalToken": "a token is shown in a list only: test_a_token_is_its_makers",
    "createLink": "it is shown in the graph only: test_links::test_only_target_and_relation_are_taken",
    "actionPendingJobs": "one word, which is done at once: test_harbor_jobservice",
    **{name: "a rule is shown in a list only: test_a_rule_stays_in_its_project" for name in ("CreateImmuRule", "UpdateImmuRule")},
}
METHODS = {"updateProjectMetadata": "PUT", "addProjectMetadatas": "POST", "createTag": "POST", "addLabel": "POST",
           "RefreshSec": "PATCH"}


@pytest.fixture(scope="module")
def target(server):
    return Target(server.registry())


def lies(name, body):
    return {key: value for key, value in LIES.items() if key not in body and key not in TAKEN.get(name, ())}


def told(thing):
    """Nothing that was said by the lies stands in it."""
    text = json.dumps(thing)
    assert str(NUMBER) not in text and f'"{TEXT}"' not in text and TIME not in text, text
    return thing


def test_every_body_is_lied_in():
    document = json.loads(subprocess.run([HAVEN, "routes", "--openapi"], check=True, capture_output=True).stdout)
    taking = {o["operationId"] for item in document["paths"].values() for o in item.values()
              if "requestBody" in o and "x-absent-until" not in o}
    assert taking == set(MAKES) | set(CHANGES) | set(ELSEWHERE)


@pytest.mark.parametrize("name", sorted(MAKES))
def test_what_is_made_is_as_without_the_lies(target, name):
    things = []
    for more in ({}, LIES):
        path, body = MAKES[name](target)
        place = target.make(path, {**(lies(name, body) if more else {}), **body})
        things.append(told(target.harbor.json(place)))
    assert {k: v for k, v in things[0].items() if k not in VARIES | {"expires_at"}} == \
           {k: v for k, v in things[1].items() if k not in VARIES | {"expires_at"}}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_what_is_changed_is_what_may_be(target, name):
    look, tail, body, meant = CHANGES[name](target)
    place = look.partition("?")[0]
    quota = target.harbor.json(f"/quotas/{target.project}")
    before = target.harbor.json(look)
    answer = target.harbor.call(METHODS.get(name, "PUT"), place + tail, {**lies(name, body), **body})
    assert answer.status in (200, 201), answer
    after = told(target.harbor.json(look))
    assert {k for k in {*before, *after} if before.get(k) != after.get(k)} <= meant | {"update_time"}
    assert name == "updateQuota" or target.harbor.json(f"/quotas/{target.project}")["hard"] == quota["hard"]


def test_people_cannot_make_themselves_more(target):
    """The same by those who gain from it: users about themselves, and who owns a project about its size and owner."""
    user, mine = target.harbor.add_user()
    mine.put(f"/users/{user}", {**LIES, "email": fresh("e") + "@example.org", "realname": "r", "comment": ""})
    found = told(mine.json("/users/current"))
    assert (found["sysadmin_flag"], found["admin_role_in_auth"]) == (False, False)
    assert mine.call("PUT", f"/users/{user}/sysadmin", {"sysadmin_flag": True}).status == 403
    number, name = mine.add_project()
    before = target.harbor.json(f"/quotas/{number}")["hard"]
    mine.put(f"/projects/{name}", {**LIES, "storage_limit": -1, "metadata": {"public": "true"}})
    assert told(mine.json(f"/projects/{name}"))["owner_id"] == user
    assert target.harbor.json(f"/quotas/{number}")["hard"] == before
    made = mine.post("/projects", {"project_name": fresh("large"), "storage_limit": NUMBER})
    large = made.get("Location").rsplit("/", 1)[1]
    assert told(target.harbor.json(f"/quotas/{large}"))["hard"] == before


def test_a_job_is_what_it_did(target):
    for path in ("/system/gc", "/system/purgeaudit"):
        made = target.harbor.post(path + "/schedule", {**LIES, "schedule": {"type": "Manual", "cron": ""}, "parameters": {
            "dry_run": True, "audit_retention_hour": 1000, "include_event_types": "create_project", **LIES}})
        told(target.harbor.json(made.get("Location").removeprefix("/api/v2.0")))


def test_a_token_is_its_makers(target):
    user, mine = target.harbor.add_user()
    mine.post("/users/current/tokens", {**LIES, "name": fresh("token"), "scope": "read", "user_id": 1, "secret": "hf_" + "a" * 40})
    (token,) = told(mine.json("/users/current/tokens"))
    assert token["scope"] == "read" and token["name"] not in target.harbor.get("/users/1/tokens").body.decode()


def test_a_rule_stays_in_its_project(target):
    path = f"/projects/{target.name}/immutabletagrules"
    number = target.make(path, {**lies("", rule("a")), **rule("a")}).rsplit("/", 1)[1]
    found = told(target.harbor.json(path))
    assert [r["id"] for r in found] == [int(number)]
    target.harbor.put(f"{path}/{number}", {**lies("", {**rule("b"), "id": 0}), **rule("b")})
    assert told(target.harbor.json(path))[0]["tag_selectors"][0]["pattern"] == "b"
    target.harbor.delete(f"{path}/{number}")
