# SPDX-License-Identifier: Apache-2.0
"""The id of somebody else's thing, in every place of every address where an id stands.

Who administers one project asks, by way of their own project or without one, for what belongs to another. The answer must be
that for a thing which is not there, and the thing must be as before; the same request by who may do it succeeds, so that no
refusal is one of the form of the request. Every route with an id in its address has a row here, or a reason for none.
"""
import json
import re
import subprocess

import pytest

from harness.browser import Browser
from harness.content import artifact, descriptor, image, noise, push, tar_of
from harness.harbor import PASSWORD, Harbor, fresh
from harness.record import HAVEN
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import wait_until

# What names a project, and so is resolved and asked about before anything else (test_harbor_walk).
PLACES = {"project", "project_name", "name..."}
ABSENT = {"robot_id": "999999", "mid": "999999", "label_id": "999999", "immutable_rule_id": "999999", "id": "999999",
          "user_id": "999999", "group_id": "999999", "repository_name": "absent", "reference": "sha256:" + "0" * 64,
          "digest": "sha256:" + "0" * 64, "tag_name": "absent", "job_id": "999999", "token_id": "999999", "session_id": "999999",
          "link_id": "999999"}
# Words of a fixed meaning, and names of everybody's own choice, which below one project cannot lead to another.
WORDS = {"meta_name", "addition", "path...", "repository_name", "tag_name"}
RULE = {"action": "immutable", "template": "immutable_template", "disabled": True, "priority": 0,
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "never"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}}

# Routes whose ids are of nobody's project, and who says so.
OF_NO_PROJECT = {
    **{name: "who is who is asked by user, not by project: test_harbor_users" for name in (
        "user.get", "user.update", "user.delete", "user.password.set", "user.admin.set")},
    **{name: "groups are those of the whole system: test_harbor_usergroups" for name in (
        "usergroup.get", "usergroup.update", "usergroup.delete")},
    **{f"{kind}.{deed}": "jobs are those of the whole system, for its administrators: test_harbor_jobs"
       for kind in ("gc", "purge") for deed in ("get", "stop", "log")},
    **{f"jobservice.{deed}": "as above: test_harbor_queues" for deed in (
        "queue.update", "worker.list", "job.stop", "job.log")},
    "schedule.paused": "one word, the same for everybody",
    "icon.get": "pictures are shown to everybody",
    "manifest.put": "the name that a manifest is to have in one's own repository; what it names must lie there: "
                    "test_conformance_manifests",
}


def routes():
    return json.loads(subprocess.run([HAVEN, "routes", "--json"], check=True, capture_output=True).stdout)


def nested(route):
    """The ids of an address, without what names the project."""
    return [name for name in re.findall(r"\{([^}]+)\}", route["path"]) if name not in PLACES | WORDS]


def to_come():
    """Routes of features that are not there: there is nothing that an id could lead to."""
    document = json.loads(subprocess.run([HAVEN, "routes", "--openapi"], check=True, capture_output=True).stdout)
    return {(method.upper(), path) for path, item in document["paths"].items() for method, operation in item.items()
            if "x-absent-until" in operation or "x-empty-until" in operation}


WALKED = {route["name"]: route for route in routes() if nested(route) and route["name"] not in OF_NO_PROJECT
          and (route["method"], route["path"]) not in to_come()}


class Place:
    """A project with one of everything in it, and its administrator."""

    def __init__(self, admin):
        self.system = Harbor(admin)
        number, self.owner = self.system.add_user()
        browser = Browser(admin)
        browser.sign_in(self.owner.registry.user, PASSWORD)
        self.project, self.name = self.system.add_project()
        self.system.add_member(self.name, number, "projectAdmin")
        registry, repo = admin, f"{self.name}/m"
        digest, data = push(registry, repo, *image([tar_of({"w.bin": noise(400)})]), "v1", "v2")
        model = f"/projects/{self.name}/repositories/m/artifacts/v1/model"
        wait_until(lambda: self.system.json(model)["state"] == "read")
        push(registry, repo, *artifact("application/vnd.example.note", descriptor(data, OCI_MANIFEST)))
        self.blob = registry.push_blob(repo, fresh("blob").encode() * 9)
        self.upload = registry.open_upload(repo).rsplit("/", 1)[1]
        victim, _ = self.system.add_user()
        self.ids = {
            "repository_name": "m", "reference": digest, "tag_name": "v2", "digest": self.blob, "id": str(self.project),
            "addition": "build_history", "path...": "w.bin", "user_id": str(number),
            "token_id": str(self.owner.post("/users/current/tokens", {"name": fresh("t"), "scope": "read"}).json()["id"]),
            "session_id": str(browser.json("/users/current/sessions")[0]["id"]),
            "mid": self.made(f"/projects/{self.name}/members", {"role_id": 3, "member_user": {"user_id": victim}}),
            "link_id": self.made(f"/projects/{self.name}/repositories/m/artifacts/v1/links", {"target": "a/b", "relation": "base"}),
            "label_id": self.made("/labels", {"name": fresh("label"), "scope": "p", "project_id": self.project}),
            "immutable_rule_id": self.made(f"/projects/{self.name}/immutabletagrules", RULE),
            "robot_id": str(self.system.post("/robots", {
                "name": fresh("nested"), "level": "project", "duration": -1, "permissions": [
                    {"kind": "project", "namespace": self.name,
                     "access": [{"resource": "repository", "action": "pull"}]}]}).json()["id"]),
        }

    def made(self, path, body):
        return self.system.post(path, body).get("Location").rsplit("/", 1)[1]

    def label_all(self):
        self.system.post(f"/projects/{self.name}/repositories/m/artifacts/v1/labels", {"id": int(self.ids["label_id"])}, 200)

    def state(self):
        """All of it, as its owner sees it; what a look itself changes is left out."""
        system, name = self.system, self.name
        robots = system.json("/robots", q=f"Level=project,ProjectID={self.project}")
        found = {"project": system.json(f"/projects/{name}"), "members": system.json(f"/projects/{name}/members"),
                 "labels": system.json("/labels", scope="p", project_id=self.project), "robots": robots,
                 "rules": system.json(f"/projects/{name}/immutabletagrules"), "quota": system.json(f"/quotas/{self.project}"),
                 "artifacts": system.json(f"/projects/{name}/artifacts", with_label="true", with_accessory="true"),
                 "graph": system.json(f"/projects/{name}/repositories/m/artifacts/v1/graph"),
                 "tokens": self.owner.json("/users/current/tokens"), "sessions": self.owner.json("/users/current/sessions"),
                 "upload": system.registry.get(f"/v2/{name}/m/blobs/uploads/{self.upload}").status,
                 "blob": system.registry.head(f"/v2/{name}/m/blobs/{self.blob}").status}
        return re.sub(r'"(pull_time|pull_count)": [^,}]*', "", json.dumps(found, sort_keys=True))


def values(route, place):
    """What stands in the braces of this route for the things of this place."""
    chosen = dict(place.ids, project=place.name, project_name=place.name)
    chosen["name..."] = f"{place.name}/m"
    if route["path"].startswith("/v2/"):
        chosen["id"] = place.upload
        if route["name"].startswith("referrer"):
            chosen["digest"] = place.ids["reference"]
    return chosen


def body(route, place):
    name = route["name"]
    bodies = {
        "member.update": {"role_id": 1}, "label.update": {"name": fresh("taken")}, "immutable.update": RULE,
        "quota.update": {"hard": {"storage": 1 << 40}}, "robot.secret": {"secret": ""},
        "robot.update": {"duration": -1, "description": "taken", "permissions": [
            {"kind": "project", "namespace": place.name, "access": [{"resource": "repository", "action": "push"}]}]},
        "repository.update": {"description": "taken"}, "artifact.tag.create": {"name": fresh("taken")},
        "artifact.link.create": {"target": fresh("taken"), "relation": "base"},
        "artifact.label.add": {"id": int(place.ids["label_id"])},
        "token.personal.create": {"name": fresh("token"), "scope": "read"},
    }
    return json.dumps(bodies[name]).encode() if name in bodies else None


def send(harbor, route, chosen, data):
    path = re.sub(r"\{([^}]+)\}", lambda m: chosen[m[1]], route["path"])
    if route["name"] == "artifact.copy":
        path += f"?from={chosen['project_name']}/m@{chosen['reference']}"
    if route["name"] == "upload.finish":
        path += "?digest=" + digest_of(b"")
    return harbor.registry.request(route["method"], path, body=data, headers={"Content-Type": "application/json"} if data else {})


def told(answer, chosen):
    """Status and text, without the ids that the caller named."""
    text = answer.body.decode()
    for value in sorted(set(chosen.values()), key=len, reverse=True):
        text = text.replace(value, "#")
    return answer.status, text


def test_every_id_is_walked():
    """A new route with an id needs nothing more than values above, or a reason."""
    for route in WALKED.values():
        assert set(nested(route)) <= set(ABSENT), f"{route['name']}: say above what stands for {nested(route)}"
    assert set(OF_NO_PROJECT) <= {route["name"] for route in routes()}
    takes = {r["name"] for r in WALKED.values() if r["method"] in ("PUT", "PATCH", "POST") and r["path"].startswith("/api/")}
    assert len(WALKED) > 25 and takes


@pytest.fixture(scope="module")
def places(haven):
    """(one's own, the other's)"""
    registry = haven.registry()
    yield Place(registry), Place(registry)
    registry.close()


# Of the ids of one address, which one is the other's, each in turn; the rest is one's own.
CASES = [(name, key) for name, route in sorted(WALKED.items()) for key in nested(route)]


def probes(route, key, mine, other):
    """(values with the other's id, values with an id of nothing)"""
    own, foreign = values(route, mine), values(route, other)
    absent = dict(own, **{key: "00000000-0000-0000-0000-000000000000"
                          if key == "id" and route["path"].startswith("/v2/") else ABSENT[key]})
    return dict(own, **{key: foreign[key]}), absent


@pytest.mark.parametrize("name, key", CASES)
def test_an_id_of_another_project(places, name, key):
    """What is somebody else's reads as what is not there, and stays."""
    mine, other = places
    route = WALKED[name]
    foreign, absent = probes(route, key, mine, other)
    before = other.state()
    answers = [send(mine.owner, route, chosen, body(route, mine)) for chosen in (foreign, absent)]
    assert told(answers[0], foreign) == told(answers[1], absent), answers
    if name == "referrer.list":  # of what is not there, nothing refers to it
        assert answers[0].status == 200 and not answers[0].json()["manifests"]
    else:
        assert answers[0].status in (401, 403, 404), answers
    assert other.state() == before


@pytest.mark.parametrize("name", sorted(WALKED))
def test_who_may_is_let(admin, places, name):
    """The same requests reach what is theirs: no refusal above is one of the request's form."""
    ends = name.rsplit(".", 1)[1] in ("delete", "all", "remove", "cancel", "finish")
    place, route = Place(admin) if ends else places[1], WALKED[name]
    if name == "artifact.label.remove":
        place.label_all()
    answer = send(place.owner if "user_id" in nested(route) else place.system, route, values(route, place), body(route, place))
    assert answer.status < 300, answer


def test_ids_in_bodies_and_questions(places):
    """Where a body or a question names a project or a thing of one, that one counts as well."""
    mine, other = places
    before = other.state()
    harbor, name = mine.owner, mine.name
    for method, path, data, status in (
            ("POST", f"/projects/{name}/repositories/m/artifacts/v1/labels", {"id": int(other.ids["label_id"])}, 404),
            ("POST", "/labels", {"name": "x", "scope": "p", "project_id": other.project}, 403),
            ("GET", f"/labels?scope=p&project_id={other.project}", None, 403),
            ("GET", f"/robots?q=Level%3Dproject%2CProjectID%3D{other.project}", None, 403),
            ("GET", f"/quotas?reference=project&reference_id={other.project}", None, 403),
            ("POST", f"/projects/{name}/repositories/c/artifacts?from={other.name}/m@{other.ids['reference']}", None, 403),
            ("POST", "/robots", {"name": "x", "level": "project", "duration": -1, "permissions": [
                {"kind": "project", "namespace": other.name, "access": [{"resource": "tag", "action": "list"}]}]}, 403),
            ("PUT", f"/robots/{mine.ids['robot_id']}", {"level": "project", "duration": -1, "permissions": [
                {"kind": "project", "namespace": other.name, "access": [{"resource": "tag", "action": "list"}]}]}, 400),
            ("PUT", f"/projects/{name}/immutabletagrules/{mine.ids['immutable_rule_id']}",
             {**RULE, "id": int(other.ids["immutable_rule_id"])}, 400)):
        answer = harbor.call(method, path, data)
        assert answer.status == status, (method, path, answer)
    # A label that says in its body to belong elsewhere stays where it is.
    label = mine.made("/labels", {"name": fresh("label"), "scope": "p", "project_id": mine.project})
    harbor.put(f"/labels/{label}", {"name": fresh("label"), "scope": "p", "project_id": other.project})
    assert harbor.json(f"/labels/{label}")["project_id"] == mine.project
    assert harbor.registry.start(f"{name}/m", f"?mount={other.blob}&from={other.name}/m").status in (202, 401)
    assert harbor.registry.head(f"/v2/{name}/m/blobs/{other.blob}").status == 404
    assert other.state() == before
