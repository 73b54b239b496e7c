# SPDX-License-Identifier: Apache-2.0
"""Every route as everybody: who may, and who is refused, is written down in roles.txt, not computed from the program."""
import json
import pathlib
import re
import subprocess

import pytest

from harness.content import push, small_image
from harness.harbor import ROLES, Harbor, fresh
from harness.record import HAVEN
from harness.registry import OCI_MANIFEST

LETTERS = {"-": None, "s": "stranger", "l": "limitedGuest", "g": "guest", "d": "developer", "m": "maintainer",
           "a": "projectAdmin", "Y": "system admin", "r": "project robot", "f": "robot of another project",
           "R": "system robot", "x": "expired robot", "u": "removed user"}
KINDS = ("private", "public")
# Not asked of a project or a person: told to everybody, or tested elsewhere.
ELSEWHERE = {"root", "metrics", "token.get", "session.begin", "session.end", "user.exists"}
ABSENT = "sha256:" + "0" * 64


def table():
    rows = {}
    for line in (pathlib.Path(__file__).parent / "roles.txt").read_text(encoding="utf-8").splitlines():
        if line.split() and not line.startswith("#"):
            name, private, public = line.split()
            rows[name] = dict(zip(KINDS, (set(private), set(public))))
    return rows


def routes():
    listed = json.loads(subprocess.run([HAVEN, "routes", "--json"], check=True, capture_output=True).stdout)
    return {r["name"]: r for r in listed if r["name"] not in ELSEWHERE}


def test_every_route_has_a_row():
    assert set(table()) == set(routes())


class Place:
    """A project with something of everything in it, and one user of each role."""

    def __init__(self, admin, anonymous, kind):
        self.harbor = Harbor(admin)
        self.number, self.name = self.harbor.add_project(public=kind == "public")
        self.digest, _ = push(admin, f"{self.name}/m", *small_image(), "v1")
        self.victim, _ = self.harbor.add_user()
        self.member = self.harbor.add_member(self.name, self.victim, "guest").get("Location").rsplit("/", 1)[1]
        self.callers = {}
        for letter, role in LETTERS.items():
            if role is None:
                self.callers[letter] = Harbor(anonymous)
                continue
            if "robot" in role:
                self.callers[letter] = self.robot(role)
                continue
            number, self.callers[letter] = self.harbor.add_user()
            if role in ROLES:
                self.harbor.add_member(self.name, number, role)
            elif letter == "Y":
                self.harbor.put(f"/users/{number}/sysadmin", {"sysadmin_flag": True})
            elif letter == "u":
                assert self.callers[letter].get("/users/current").status == 200
                self.harbor.delete(f"/users/{number}")

    def robot(self, role):
        """One that was given everything that there is for its level."""
        catalogue = self.harbor.json("/permissions")
        project = self.harbor.add_project()[1] if "another" in role else self.name
        rights = [{"kind": "project", "namespace": "*" if "system" in role else project, "access": catalogue["project"]}]
        if "system" in role:
            rights.append({"kind": "system", "namespace": "/", "access": catalogue["system"]})
        made = self.harbor.post("/robots", {"name": fresh("walk"), "level": "system" if "system" in role else "project",
                                            "duration": -1, "permissions": rights, "disable": "expired" in role}).json()
        return Harbor(self.harbor.registry.clone(user=made["name"], password=made["secret"]))

    def some_robot(self):
        made = self.harbor.post("/robots", {
            "name": fresh("some"), "level": "project", "duration": -1, "permissions": [
                {"kind": "project", "namespace": self.name, "access": [{"resource": "tag", "action": "list"}]}]})
        return str(made.json()["id"])

    def label(self):
        made = self.harbor.post("/labels", {"name": fresh("walk"), "scope": "p", "project_id": self.number})
        return made.get("Location").rsplit("/", 1)[1]

    def address(self, route):
        """An address that leads to something, or, where that would be lost, to nothing."""
        name = route["name"]
        values = {
            "project": self.name, "project_name": self.name, "repository_name": "m", "name...": f"{self.name}/m",
            "meta_name": "severity" if name == "metadata.delete" else "public", "mid": self.member,
            "user_id": str(self.victim), "group_id": "999999", "reference": "v1", "tag_name": "nothing",
            "digest": self.digest, "id": "00000000-0000-0000-0000-000000000000",
            "job_id": "999999", "token_id": "999999", "session_id": "999999", "immutable_rule_id": "999999", "link_id": "999999",
            "job": "999999", "job_type": "all", "pool_id": "all",
            "addition": "build_history", "path...": "w.bin", "eid": "1", "tid": "1", "execution_id": "1", "task_id": "1", "report_id": "x",
            "registration_id": "x", "preheat_instance_name": "x", "preheat_policy_name": "x", "webhook_policy_id": "1",
            "robot_id": self.some_robot() if name.startswith("robot.") else "999999",
            "label_id": self.label() if name.startswith("label.") else "999999",
        }
        if name in ("blob.delete", "blob.get", "manifest.delete", "artifact.delete"):
            values.update(digest=ABSENT, reference=ABSENT)
        if name == "repository.delete":
            values["repository_name"] = "nothing"
        if name in ("member.delete", "user.delete"):
            values.update(mid="999999", user_id="999999")
        path = re.sub(r"\{([^}]+)\}", lambda m: values[m[1]], route["path"])
        return path + {
            "robot.list": f"?q=Level%3Dproject%2CProjectID%3D{self.number}",
            "label.list": f"?scope=p&project_id={self.number}", "search": "?q=x", "user.search": "?username=x",
            "usergroup.search": "?groupname=x"}.get(name, "")

    def ask(self, route, letter):
        """The status. Bodies say too little to change anything."""
        name, registry = route["name"], self.callers[letter].registry
        body = None
        if route["method"] in ("POST", "PUT", "PATCH") and route["path"].startswith("/api/"):
            body = {}
            if name == "label.create":
                body = {"scope": "p", "project_id": self.number}
            if name == "robot.create":
                body = {"level": "project", "permissions": [{"kind": "project", "namespace": self.name, "access": []}]}
            if name == "retention.create":
                body = {"scope": {"level": "project", "ref": self.number}}
            if name == "export.create":
                body = {"projects": [self.number]}
            body = json.dumps(body).encode()
        headers = {"Content-Type": OCI_MANIFEST} if name == "manifest.put" else {}
        return registry.request(route["method"], self.address(route), body=body, headers=headers).status


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_walk(admin, anonymous, kind):
    place = Place(admin, anonymous, kind)
    rows, wrong = table(), []
    for name, route in routes().items():
        registry = route["path"].startswith("/v2")
        for letter, role in LETTERS.items():
            status = place.ask(route, letter)
            if letter in rows[name][kind]:
                good = (status not in (401, 403) and status < 500)
            else:
                good = status == (401 if registry or role is None or letter in "xu" else 403) or \
                    (letter in "xu" and status == 429)  # tried too often with what does not count any more
            if not good:
                wrong.append(f"{name} in a {kind} project as {role or 'nobody'}: {status}")
    assert not wrong, "\n".join(wrong)


def test_a_foreign_project_reads_as_an_absent_one(admin, anonymous):
    """Word for word, by every route about a project."""
    place = Place(admin, anonymous, "private")
    stranger, wrong = place.callers["s"].registry, []
    for name, route in routes().items():
        if "{project" not in route["path"] or route["method"] != "GET":
            continue
        there = stranger.get(place.address(route))
        absent = stranger.get(place.address(route).replace(f"/{place.name}", "/no-such-project"))
        if (there.status, there.body) != (absent.status, absent.body) or there.status != 403:
            wrong.append(f"{name}: {there} and {absent}")
    assert not wrong, "\n".join(wrong)
