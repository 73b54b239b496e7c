# SPDX-License-Identifier: Apache-2.0
"""A client that was made for Harbor: built from the contract of Harbor's API when the test runs, strict about every answer.

The contract is read where reference texts lie beside the project (as in test_harbor_contract.py). Requests are made and
answers are checked by bravado-core: status, media type, headers, every field and its type; a field that the contract does
not know fails as well. Each story is what somebody does with Harbor; together they drive every operation that
docs/api/coverage.md calls delivered.
"""
import base64
import copy
import json
import pathlib
import traceback
import urllib.parse

import pytest
import yaml
from bravado_core.param import marshal_param
from bravado_core.response import IncomingResponse, get_response_spec, unmarshal_response
from bravado_core.spec import Spec

from harness.content import artifact, descriptor, image, index, noise, push, small_image
from harness.harbor import PASSWORD, ROLES, fresh
from harness.registry import OCI_MANIFEST, digest_of
from harness.server import USER, Server, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTRACT_FILE = ROOT.parent / "shared" / "reference" / "harbor-swagger.yaml"
COVERAGE = ROOT / "docs" / "api" / "coverage.md"
NULL = {"x-nullable": True}
ANYTHING = {"additionalProperties": {}}

# Where the file contradicts what Harbor itself sends: where, what is true, how that is known.
EXCEPTIONS = [
    *((f"definitions.{where}", NULL, "Harbor writes an empty list inside of an object as null; its own portal reads it so")
      for where in ("Artifact.properties.references", "Artifact.properties.tags", "Artifact.properties.labels",
                    "Artifact.properties.accessories", "Project.properties.current_user_role_ids",
                    "Robot.properties.permissions", "RobotPermission.properties.access",
                    "ImmutableRule.properties.tag_selectors")),
    ("definitions.ExtraAttrs", ANYTHING, "the file says objects; the architecture of an image is a text in Harbor's answers"),
    ("definitions.Schedule.properties.parameters", ANYTHING,
     "the file says objects; the portal sends delete_untagged: true, workers: 1"),
]
# Bodies that are not what the file says: operation, what is true, how that is known.
BODIES = {
    "getAddition": ({}, "the file says a text; Harbor sends the addition itself, of an image its history as a JSON list"),
}
# What our answers say beyond the contract; clients of Harbor do not look for it.
ADDITIONS = {
    "AuditLogExt": {"client_address": "from where, which Harbor does not tell"},
    "AuditLog": {"client_address": "as above"},
    "Repository": {"display_name": "the id that keeps upper case, where Harbor has lower case alone",
                   "type": "the kind of its newest artifact, for pages that keep models apart",
                   "model": "whether that is a model"},
    "SearchRepository": {"display_name": "as above"},
    "Project": {"display_name": "as above", "quota": "what is used and allowed, for whoever may see the quota"},
}
# Statuses that Harbor sends though the file does not list them for the operation.
FORBIDDEN = "who is signed in and may not gets 403 everywhere; the file leaves it out here"
INVALID = "the checks that Harbor's server is generated with answer 422 to what is missing or out of range"
MORE_STATUSES = {
    "ListLabels": {403: FORBIDDEN, 404: "the labels of a project that is not there"},
    "GetLabelByID": {403: FORBIDDEN}, "UpdateLabel": {403: FORBIDDEN}, "DeleteLabel": {403: FORBIDDEN},
    "CreateLabel": {403: FORBIDDEN}, "ListRobot": {401: "nobody is signed in", 403: FORBIDDEN},
    "getLogs": {403: FORBIDDEN}, "getLogExts": {403: FORBIDDEN}, "deleteProject": {401: "nobody is signed in"},
    "createUser": {422: INVALID},
    "createProjectMember": {404: "a user of that name is not known", 422: INVALID},
    "deleteArtifact": {412: "an immutable tag, or an index that names it"},
    "deleteTag": {412: "an immutable tag"},
    "updateQuota": {422: INVALID}, 
    "updateUserPassword": {422: INVALID},
    "deleteUserGroup": {404: "there is no such group"},
    "createGCSchedule": {422: INVALID}, "stopGC": {400: "the job is over"}, "stopPurge": {400: "the job is over"},
}
# Headers that the file promises with every success, and that Harbor sends only sometimes.
MISSING_HEADERS = {
    ("createTag", "Location"): "Harbor gives none: there is nothing to get at it",
    "Link": "only where there is a page before or behind",
    ("createGCSchedule", "Location"): "a schedule has no address of its own; a run by hand has",
    ("createPurgeSchedule", "Location"): "as with the collection",
}


def at(document, where):
    """Dots part the steps; a path of the API never stands in them."""
    for step in where.split("."):
        document = document[step]
    return document


def as_sent(contract):
    """The contract with the exceptions, and closed: what it does not name may not be answered."""
    document = copy.deepcopy(contract)
    for where, truth, _ in EXCEPTIONS:
        at(document, where).update(truth)
    for name, definition in document["definitions"].items():
        if "properties" in definition:
            definition.setdefault("additionalProperties", False)
        for field in ADDITIONS.get(name, ()):
            definition["properties"][field] = {}
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and operation["operationId"] in BODIES:
                operation["responses"]["200"]["schema"] = BODIES[operation["operationId"]][0]
            for status in MORE_STATUSES.get(operation["operationId"], ()) if isinstance(operation, dict) else ():
                operation["responses"][str(status)] = {"$ref": f"#/responses/{status}"}
    return document


class Answered(IncomingResponse):
    """A response in the form that bravado-core asks for."""

    def __init__(self, answer):
        self.status_code, self.reason, self.raw_bytes = answer.status, answer.reason, answer.body
        self.headers = {name.lower(): value for name, value in answer.headers}
        self.text = answer.body.decode()

    def json(self, **_):
        return json.loads(self.text)


class Client:
    """The contract in the hands of one caller. client(NAME, …) is one operation; what comes back is what it means."""

    def __init__(self, spec, registry, seen):
        self.spec, self.registry, self.seen = spec, registry, seen
        self.operations = {operation.operation_id: operation for resource in spec.resources.values()
                           for operation in resource.operations.values()}
        self.last = None

    def by(self, user, password=PASSWORD):
        return Client(self.spec, self.registry.clone(user=user, password=password), self.seen)

    def send(self, name, values):
        operation = self.operations[name]
        request = {"url": "/api/v2.0" + operation.path_name, "params": {}, "headers": {}}
        assert set(values) <= set(operation.params), (name, set(values) - set(operation.params))
        for key, param in operation.params.items():
            if values.get(key) is not None or param.required:
                marshal_param(param, values.get(key), request)
        url = request["url"] + ("?" + urllib.parse.urlencode(request["params"]) if request["params"] else "")
        body = request.get("data")
        return operation, self.registry.request(operation.http_method.upper(), url,
                                                body=None if body is None else body.encode(), headers=request["headers"])

    def check(self, operation, response):
        """What bravado-core leaves to its user: the media type, and the headers."""
        documented = self.spec.deref(get_response_spec(response.status_code, operation))
        name = operation.operation_id
        if "schema" in documented and operation.http_method.upper() != "HEAD":
            kind = response.headers.get("content-type", "").partition(";")[0]
            assert kind in operation.produces or (response.status_code >= 400 and kind == "application/json"), \
                f"{name}: the media type {kind!r} is none of {operation.produces}"
        for header, its in self.spec.deref(documented.get("headers", {})).items():
            given = response.headers.get(header.lower())
            if given is None and {header, (name, header)} & set(MISSING_HEADERS):
                self.seen.update({header, (name, header)} & set(MISSING_HEADERS))
                continue
            assert given is not None, f"{name}: {response.status_code} has no {header}"
            assert its["type"] != "integer" or given.isdigit(), f"{name}: {header} is {given!r}"

    def ask(self, name, /, **values):
        """(status, what came back), checked; any status that the contract lists for it."""
        operation, answer = self.send(name, values)
        response = Answered(answer)
        self.check(operation, response)
        self.last = response
        value = None if operation.http_method.upper() == "HEAD" else unmarshal_response(response, operation)
        self.seen.add((name, response.status_code))
        return response.status_code, value

    def __call__(self, name, /, **values):
        status, value = self.ask(name, **values)
        assert status < 300, (name, status, value)
        return value

    def refused(self, status, name, /, **values):
        found, value = self.ask(name, **values)
        assert found == status, (name, found, value)
        return value

    def made(self, name, /, **values):
        """The number of what was made, from Location."""
        self(name, **values)
        return int(self.last.headers["location"].rsplit("/", 1)[1])

    # ---- what many stories begin with ----

    def add_user(self):
        name = fresh("client")
        number = self.made("createUser", userReq={"username": name, "email": f"{name}@example.org", "realname": "A",
                                                  "password": PASSWORD})
        return number, name, self.by(name)

    def add_project(self, **more):
        name = fresh("client")
        return self.made("createProject", project={"project_name": name, **more}), name

    def push(self, project, repository="m", *tags, document=None):
        document, blobs = document or small_image()
        return push(self.registry, f"{project}/{repository}", document, blobs, *(tags or ("v1",)))


STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def people(admin):
    number, name, user = admin.add_user()
    admin.refused(409, "createUser", userReq={"username": name, "email": "x@example.org", "password": PASSWORD})
    admin.refused(400, "createUser", userReq={"username": fresh("x"), "email": "x@example.org", "password": "weak"})
    assert admin("getUser", user_id=number)["username"] == name
    admin.refused(404, "getUser", user_id=999999)
    user.refused(403, "getUser", user_id=1)
    assert user("getCurrentUserInfo")["user_id"] == number
    user("updateUserProfile", user_id=number, profile={"email": f"{name}@example.com", "realname": "B", "comment": "c"})
    assert user("getUser", user_id=number)["comment"] == "c"
    assert [u["username"] for u in admin("listUsers", q=f"username={name}", sort="-username", page_size=5)] == [name]
    assert user("searchUsers", username=name)[0]["user_id"] == number
    user("updateUserPassword", user_id=number, password={"old_password": PASSWORD, "new_password": PASSWORD + "x"})
    user.refused(401, "getCurrentUserInfo")
    user = admin.by(name, PASSWORD + "x")
    admin("setUserSysAdmin", user_id=number, sysadmin_flag={"sysadmin_flag": True})
    assert user("getCurrentUserInfo")["sysadmin_flag"] is True
    admin("setUserSysAdmin", user_id=number, sysadmin_flag={"sysadmin_flag": False})
    assert {p["resource"] for p in user("getCurrentUserPermissions")} is not None
    user.refused(403, "deleteUser", user_id=1)
    admin("deleteUser", user_id=number)
    admin.refused(404, "deleteUser", user_id=number)


@story
def groups(admin):
    name = fresh("group")
    number = admin.made("createUserGroup", usergroup={"group_name": name, "group_type": 3})
    admin.refused(409, "createUserGroup", usergroup={"group_name": name, "group_type": 3})
    assert admin("getUserGroup", group_id=number)["group_name"] == name
    admin("updateUserGroup", group_id=number, usergroup={"group_name": name + "x"})
    assert [g["id"] for g in admin("listUserGroups", group_name=name)] == [number]
    assert [g["id"] for g in admin("searchUserGroups", groupname=name)] == [number]
    admin("deleteUserGroup", group_id=number)
    admin.refused(404, "getUserGroup", group_id=number)


@story
def projects(admin):
    _, _, user = admin.add_user()
    number, name = user.add_project(metadata={"public": "false"})
    user.refused(409, "createProject", project={"project_name": name})
    user.refused(400, "createProject", project={"project_name": "Not A Name"})
    user("headProject", project_name=name)
    admin.refused(404, "headProject", project_name="no-such-project")
    assert user("getProject", project_name_or_id=name)["current_user_role_ids"] == [1]
    assert user("getProject", project_name_or_id=str(number))["name"] == name
    user.refused(403, "getProject", project_name_or_id="no-such-project")
    admin.refused(404, "getProject", project_name_or_id="no-such-project")
    user("updateProject", project_name_or_id=name, project={"metadata": {"public": "true", "severity": "high"}})
    assert [p["name"] for p in user("listProjects", name=name, public=True, with_detail=True, sort="name")] == [name]
    assert user("getProjectDeletable", project_name_or_id=name)["deletable"] is True
    summary = user("getProjectSummary", project_name_or_id=name)
    assert summary["project_admin_count"] == 1 and summary["quota"]["used"] == {"storage": 0}
    user.push(name)
    admin.refused(412, "deleteProject", project_name_or_id=name)
    assert user("getProjectDeletable", project_name_or_id=name)["deletable"] is False
    user("deleteRepository", project_name=name, repository_name="m")
    user("deleteProject", project_name_or_id=name)
    admin.refused(404, "deleteProject", project_name_or_id=name)


@story
def members(admin):
    number, name, user = admin.add_user()
    project, project_name = admin.add_project()
    where = {"project_name_or_id": project_name}
    member = admin.made("createProjectMember", **where,
                        project_member={"role_id": ROLES["guest"], "member_user": {"username": name}})
    admin.refused(409, "createProjectMember", **where,
                  project_member={"role_id": 3, "member_user": {"user_id": number}})
    admin.refused(400, "createProjectMember", **where, project_member={"role_id": 9, "member_user": {"user_id": number}})
    found = admin("getProjectMember", **where, mid=member)
    assert (found["entity_id"], found["role_id"], found["entity_type"]) == (number, 3, "u")
    admin("updateProjectMember", **where, mid=member, role={"role_id": ROLES["developer"]})
    assert [m["role_name"] for m in user("listProjectMembers", **where, entityname=name)] == ["developer"]
    user.refused(403, "updateProjectMember", **where, mid=member, role={"role_id": 1})
    group = admin.made("createProjectMember", **where, project_member={
        "role_id": ROLES["limitedGuest"], "member_group": {"group_name": fresh("group"), "group_type": 3}})
    assert admin("getProjectMember", project_name_or_id=str(project), mid=group)["entity_type"] == "g"
    admin("deleteProjectMember", **where, mid=member)
    admin.refused(404, "getProjectMember", **where, mid=member)


@story
def metadata(admin):
    _, name = admin.add_project()
    where = {"project_name_or_id": name}
    assert admin("listProjectMetadatas", **where) == {"public": "false"}
    admin("addProjectMetadatas", **where, metadata={"auto_scan": "true"})
    admin.refused(409, "addProjectMetadatas", **where, metadata={"auto_scan": "true"})
    assert admin("getProjectMetadata", **where, meta_name="auto_scan") == {"auto_scan": "true"}
    admin("updateProjectMetadata", **where, meta_name="auto_scan", metadata={"auto_scan": "false"})
    admin("deleteProjectMetadata", **where, meta_name="auto_scan")
    admin.refused(404, "getProjectMetadata", **where, meta_name="auto_scan")


@story
def repositories(admin):
    _, name = admin.add_project()
    admin.push(name, "a/b")
    where = {"project_name": name, "repository_name": "a%2Fb"}  # encoded again on the way, as the contract asks for
    assert admin("getRepository", **where)["artifact_count"] == 1
    admin("updateRepository", **where, repository={"description": "good"})
    assert [r["description"] for r in admin("listRepositories", project_name=name, q="name=~b", sort="-name")] == ["good"]
    assert admin("listAllRepositories", q=f"name={name}/a/b")[0]["name"] == f"{name}/a/b"
    found = admin("search", q=name)
    assert [p["name"] for p in found["project"]] == [name] and [r["artifact_count"] for r in found["repository"]] == [1]
    admin("deleteRepository", **where)
    admin.refused(404, "getRepository", **where)


@story
def artifacts(admin):
    _, name = admin.add_project()
    digest, data = admin.push(name, "a/b", "v1", "v2")
    push(admin.registry, f"{name}/a/b", *artifact("application/vnd.example.note", descriptor(data, OCI_MANIFEST)))
    push(admin.registry, f"{name}/a/b", index([(data, OCI_MANIFEST)]), {}, "all")
    where = {"project_name": name, "repository_name": "a%2Fb"}
    everything = {"with_tag": True, "with_label": True, "with_accessory": True, "with_immutable_status": True}
    one = admin("getArtifact", **where, reference="v1", **everything)
    assert one["digest"] == digest and {t["name"] for t in one["tags"]} == {"v1", "v2"}
    assert one["accessories"][0]["subject_artifact_digest"] == digest
    whole = admin("getArtifact", **where, reference="all", with_tag=False)
    assert whole["references"][0]["child_digest"] == digest and whole["tags"] is None
    assert admin("getArtifact", **where, reference=digest)["id"] == one["id"]
    admin.refused(404, "getArtifact", **where, reference="nothing")
    assert len(admin("listArtifacts", **where, sort="-push_time", **everything)) == 2
    assert admin("listArtifacts", **where, q="tags=v1")[0]["digest"] == digest
    assert len(admin("listArtifactsOfProject", project_name_or_id=name, **everything)) == 2
    assert admin("listAccessories", **where, reference=digest)[0]["artifact_id"] != one["id"]
    admin("createTag", **where, reference=digest, tag={"name": "stable"})
    admin.refused(409, "createTag", **where, reference=digest, tag={"name": "stable"})
    assert "stable" in {t["name"] for t in admin("listTags", **where, reference="v1", with_immutable_status=True)}
    admin("deleteTag", **where, reference=digest, tag_name="stable")
    admin.refused(404, "deleteTag", **where, reference=digest, tag_name="stable")
    _, other = admin.add_project()
    admin("CopyArtifact", project_name=other, repository_name="copy", **{"from": f"{name}/a/b@{digest}"})
    assert admin("listTags", project_name=other, repository_name="copy", reference=digest)
    admin.refused(404, "CopyArtifact", project_name=other, repository_name="copy", **{"from": f"{name}/a/b:nothing"})
    admin("deleteArtifact", project_name=other, repository_name="copy", reference=digest)
    admin.refused(404, "deleteArtifact", project_name=other, repository_name="copy", reference=digest)


@story
def labels(admin):
    project, name = admin.add_project()
    word = fresh("label")
    number = admin.made("CreateLabel", label={"name": word, "scope": "p", "project_id": project, "color": "#00AB9A"})
    admin.refused(409, "CreateLabel", label={"name": word, "scope": "p", "project_id": project})
    of_all = admin.made("CreateLabel", label={"name": word, "scope": "g"})
    assert admin("GetLabelByID", label_id=number)["project_id"] == project
    admin("UpdateLabel", label_id=number, label={"name": word, "description": "x", "color": "#FFFFFF"})
    assert [label["id"] for label in admin("ListLabels", scope="p", project_id=project, name=word)] == [number]
    assert of_all in [label["id"] for label in admin("ListLabels", scope="g", q=f"name={word}")]
    digest, _ = admin.push(name)
    where = {"project_name": name, "repository_name": "m", "reference": digest}
    admin("addLabel", **where, label={"id": number})
    admin.refused(409, "addLabel", **where, label={"id": number})
    admin.refused(404, "addLabel", **where, label={"id": 999999})
    assert [label["name"] for label in admin("getArtifact", **where, with_label=True)["labels"]] == [word]
    admin("removeLabel", **where, label_id=number)
    _, _, user = admin.add_user()
    user.refused(403, "UpdateLabel", label_id=number, label={"name": "x"})
    admin("DeleteLabel", label_id=number)
    admin.refused(404, "GetLabelByID", label_id=number)


@story
def robots(admin):
    project, name = admin.add_project()
    rights = [{"kind": "project", "namespace": name, "access": [{"resource": "repository", "action": "pull"},
                                                                {"resource": "repository", "action": "push"}]}]
    wanted = {"name": fresh("robot"), "level": "project", "duration": 30, "permissions": rights}
    made = admin("CreateRobot", robot=wanted)
    admin.refused(400, "CreateRobot", robot={**wanted, "name": "x", "duration": 0})
    robot = admin.by(made["name"], made["secret"])
    robot.push(name)
    robot.refused(412, "getCurrentUserInfo")
    assert admin("ListRobot", q=f"Level=project,ProjectID={project}")[0]["id"] == made["id"]
    found = admin("GetRobotByID", robot_id=made["id"])
    assert found["permissions"][0]["namespace"] == name and "secret" not in found
    admin("UpdateRobot", robot_id=made["id"], robot={**found, "description": "builds", "disable": True, "duration": -1})
    robot.refused(401, "getCurrentUserInfo")
    admin("UpdateRobot", robot_id=made["id"], robot={**found, "disable": False, "duration": -1})
    secret = admin("RefreshSec", robot_id=made["id"], robotSec={"secret": ""})["secret"]
    admin.by(made["name"], secret).push(name)
    admin("DeleteRobot", robot_id=made["id"])
    admin.refused(404, "GetRobotByID", robot_id=made["id"])


@story
def quotas(admin):
    project, name = admin.add_project(storage_limit=1 << 20)
    quota = admin("listQuotas", reference="project", reference_id=str(project))[0]
    assert quota["ref"]["name"] == name and quota["hard"] == {"storage": 1 << 20}
    admin("updateQuota", id=quota["id"], hard={"hard": {"storage": -1}})
    assert admin("getQuota", id=quota["id"])["hard"] == {"storage": -1}
    admin.refused(404, "getQuota", id=999999)
    admin.refused(400, "updateQuota", id=quota["id"], hard={"hard": {"storage": -7}})


@story
def immutable_rules(admin):
    _, name = admin.add_project()
    where = {"project_name_or_id": name}
    rule = {"action": "immutable", "template": "immutable_template", "disabled": False, "priority": 0,
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
            "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}}
    number = admin.made("CreateImmuRule", **where, ImmutableRule=rule)
    digest, _ = admin.push(name, "m", "v1")
    place = {"project_name": name, "repository_name": "m", "reference": digest}
    assert admin("listTags", **place, with_immutable_status=True)[0]["immutable"] is True
    admin.refused(412, "deleteTag", **place, tag_name="v1")
    admin.refused(412, "deleteArtifact", **place)
    assert [r["id"] for r in admin("ListImmuRules", **where)] == [number]
    admin("UpdateImmuRule", **where, immutable_rule_id=number, ImmutableRule={**rule, "id": number, "disabled": True})
    admin("deleteTag", **place, tag_name="v1")
    admin("DeleteImmuRule", **where, immutable_rule_id=number)
    admin.refused(404, "DeleteImmuRule", **where, immutable_rule_id=number)


def run_of(admin, create, get, stop, number_name, parameters):
    """One job by hand, to its end, asked for and looked at."""
    number = admin.made(create, schedule={"schedule": {"type": "Manual"}, "parameters": parameters})
    wait_until(lambda: admin(get, **{number_name: number})["job_status"] == "Success", what="the job")
    admin.refused(400, stop, **{number_name: number})
    return number


@story
def collection(admin):
    number = run_of(admin, "createGCSchedule", "getGC", "stopGC", "gc_id",
                    {"delete_untagged": True, "dry_run": True, "workers": 1})
    assert admin("getGCHistory", page_size=1)[0]["id"] == number
    assert "garbage" in admin("getGCLog", gc_id=number).lower() or admin.last.text
    admin.refused(404, "getGC", gc_id=999999)
    weekly = {"schedule": {"type": "Weekly", "cron": "0 0 0 * * 0"}, "parameters": {"workers": 1}}
    assert "schedule" not in admin("getGCSchedule")
    admin("createGCSchedule", schedule=weekly)
    admin.refused(409, "createGCSchedule", schedule=weekly)
    assert admin("getGCSchedule")["schedule"]["type"] == "Weekly"
    admin("updateGCSchedule", schedule={"schedule": {"type": "None", "cron": ""}})


@story
def purge(admin):
    number = run_of(admin, "createPurgeSchedule", "getPurgeJob", "stopPurge", "purge_id",
                    {"audit_retention_hour": 240, "include_event_types": "create_project", "dry_run": True})
    assert admin("getPurgeHistory", page_size=1)[0]["id"] == number
    assert admin("getPurgeJobLog", purge_id=number)
    daily = {"schedule": {"type": "Daily", "cron": "0 0 0 * * *"}, "parameters": {
        "audit_retention_hour": 24, "include_event_types": "create_project", "dry_run": False}}
    admin("createPurgeSchedule", schedule=daily)
    assert admin("getPurgeSchedule")["schedule"]["cron"] == "0 0 0 * * *"
    admin("updatePurgeSchedule", schedule={"schedule": {"type": "None", "cron": ""}})


@story
def stopped_jobs(admin):
    """A job that waits, because another one runs, is stopped before it begins."""
    admin("actionPendingJobs", job_type="all", action_request={"action": "pause"})
    manual = {"type": "Manual"}
    gc = [admin.made("createGCSchedule", schedule={"schedule": manual, "parameters": {"workers": 1}}) for _ in range(2)]
    purge = admin.made("createPurgeSchedule", schedule={"schedule": manual, "parameters": {
        "audit_retention_hour": 24, "dry_run": True, "include_event_types": "create_project"}})
    queue = next(q for q in admin("listJobQueues") if q["job_type"] == "GARBAGE_COLLECTION")
    assert queue["count"] == 2 and queue["paused"] is True
    assert admin("getSchedulePaused", job_type="all")["paused"] is True
    admin("stopGC", gc_id=gc[0])
    admin("stopPurge", purge_id=purge)
    admin("stopRunningJob", job_id=str(gc[1]))
    assert [admin("getGC", gc_id=number)["job_status"] for number in gc] == ["Stopped"] * 2
    admin("actionPendingJobs", job_type="all", action_request={"action": "resume"})
    admin.refused(404, "stopRunningJob", job_id="999999")


@story
def job_service(admin):
    number = admin.made("createGCSchedule", schedule={"schedule": {"type": "Manual"}, "parameters": {"dry_run": True}})
    wait_until(lambda: admin("getGC", gc_id=number)["job_status"] == "Success", what="the job")
    assert admin("actionGetJobLog", job_id=str(number)) is not None
    pool = admin("getWorkerPools")[0]
    assert pool["concurrency"] >= 1
    assert admin("getWorkers", pool_id=pool["worker_pool_id"]) and admin("getWorkers", pool_id="all")
    admin("createPurgeSchedule", schedule={"schedule": {"type": "Daily", "cron": "0 0 0 * * *"}, "parameters": {
        "audit_retention_hour": 24, "include_event_types": "create_project"}})
    assert "PURGE_AUDIT_LOG" in [schedule["vendor_type"] for schedule in admin("listSchedules")]
    admin("updatePurgeSchedule", schedule={"schedule": {"type": "None", "cron": ""}})


@story
def what_artifacts_bring_along(admin):
    _, name = admin.add_project()
    document, blobs = image([b"GIF89a" + noise(200)])
    document["layers"][0]["annotations"] = {"io.goharbor.artifact.v1alpha1.icon": ""}
    digest, _ = push(admin.registry, f"{name}/m", document, blobs, "v1")
    where = {"project_name": name, "repository_name": "m", "reference": digest}
    assert admin("getAddition", **where, addition="build_history") is not None
    admin.refused(404, "getAddition", project_name=name, repository_name="m", reference="nothing", addition="build_history")
    icon = admin("getArtifact", **where).get("icon") or admin("listArtifacts", project_name=name, repository_name="m")[0]["icon"]
    assert admin("getIcon", digest=icon)["content"]
    admin.refused(404, "getIcon", digest="sha256:" + "0" * 64)


@story
def audit(admin):
    _, name, user = admin.add_user()
    user.add_project()
    _, project = user.add_project()
    found = wait_until(lambda: admin("listAuditLogExts", q=f"username={name}", sort="-op_time"))
    assert found[0]["operation"] == "create" and found[0]["op_time"]
    assert admin("listAuditLogs", q=f"username={name}", page_size=1) and int(admin.last.headers["x-total-count"]) == 2
    assert "page=2" in admin.last.headers["link"]
    assert user("getLogExts", project_name=project)[0]["resource"] == project
    assert user("getLogs", project_name=project)[0]["resource_type"] == "project"
    assert {"event_type": "create_project"} in admin("listAuditLogEventTypes")
    _, _, stranger = admin.add_user()
    stranger.refused(403, "getLogExts", project_name=project)


@story
def configuration(admin):
    before = admin("getConfigurations")["robot_token_duration"]
    assert before["editable"] is True
    admin("updateConfigurations", configurations={"robot_token_duration": 17})
    assert admin("getConfigurations")["robot_token_duration"]["value"] == 17
    admin("updateConfigurations", configurations={"robot_token_duration": before["value"]})
    _, _, user = admin.add_user()
    user.refused(403, "getConfigurations")
    user.refused(403, "updateConfigurations", configurations={"read_only": True})


@story
def what_the_server_tells(admin):
    nobody = admin.by(None)
    assert nobody("getPing") == "Pong"
    assert nobody("getHealth")["status"] == "healthy"
    assert nobody("getSystemInfo")["auth_mode"] == "db_auth" and "harbor_version" in admin("getSystemInfo")
    assert admin("getVolumes")["storage"][0]["total"] > 0
    assert admin("getStatistic")["total_project_count"] >= 1
    nobody.refused(401, "getStatistic")
    nobody.refused(401, "getVolumes")
    catalogue = admin("getPermissions")
    assert {"resource": "repository", "action": "pull"} in catalogue["project"]
    project, _ = admin.add_project()
    mine = admin("getCurrentUserPermissions", scope=f"/project/{project}", relative=True)
    assert {"resource": "repository", "action": "push"} in mine
    assert [p["name"] for p in nobody("listProjects", public=True, page_size=100)]


@story
def what_is_refused(admin):
    """By strangers, by nobody, of things that are not there, in bodies that say too little."""
    project, name = admin.add_project()
    label = admin.made("CreateLabel", label={"name": fresh("label"), "scope": "p", "project_id": project})
    _, user_name, stranger = admin.add_user()
    nobody = admin.by(None)
    stranger.refused(403, "ListLabels", scope="p", project_id=project)
    admin.refused(404, "ListLabels", scope="p", project_id=999999)
    stranger.refused(403, "GetLabelByID", label_id=label)
    stranger.refused(403, "DeleteLabel", label_id=label)
    stranger.refused(403, "CreateLabel", label={"name": "x", "scope": "p", "project_id": project})
    nobody.refused(401, "ListRobot")
    stranger.refused(403, "ListRobot")
    stranger.refused(403, "getLogs", project_name=name)
    nobody.refused(401, "deleteProject", project_name_or_id=name)
    stranger.refused(403, "deleteProject", project_name_or_id=name)
    admin.refused(404, "createProjectMember", project_name_or_id=name,
                  project_member={"role_id": 3, "member_user": {"username": "nobody-at-all"}})
    admin.refused(422, "createProjectMember", project_name_or_id=name, project_member={"member_user": {"username": user_name}})
    admin.refused(422, "createUser", userReq={"email": "x@example.org"})
    admin.refused(422, "updateUserPassword", user_id=1, password={})
    admin.refused(422, "updateQuota", id=project, hard={})
    admin.refused(422, "createGCSchedule", schedule={})
    admin.refused(404, "deleteUserGroup", group_id=999999)


@story
def tokens(admin):
    """Not in the contract, but what every client of Harbor does first."""
    _, name = admin.add_project()
    digest, data = admin.push(name)
    robot = admin("CreateRobot", robot={"name": fresh("robot"), "level": "project", "duration": -1, "permissions": [
        {"kind": "project", "namespace": name, "access": [{"resource": "repository", "action": "pull"}]}]})
    holder = admin.registry.clone(user=robot["name"], password=robot["secret"])
    answer = holder.fetch_token(f"repository:{name}/m:pull,push")
    assert answer.status == 200 and set(answer.json()) >= {"token", "expires_in", "issued_at"}
    claims = json.loads(base64.urlsafe_b64decode(answer.json()["token"].split(".")[1] + "=="))
    assert claims["access"] == [{"type": "repository", "name": f"{name}/m", "actions": ["pull"]}]
    assert admin.registry.clone(user=None, token=answer.json()["token"]).manifest(f"{name}/m", "v1").body == data
    assert digest_of(data) == digest


# ---- the tests ----

@pytest.fixture(scope="module")
def contract():
    if not CONTRACT_FILE.exists():
        pytest.skip("the contract of Harbor's API is not beside this checkout")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(CONTRACT_FILE.read_text(encoding="utf-8"), Loader=loader)


@pytest.fixture(scope="module")
def told(contract, tmp_path_factory):
    """Every story once, on a server of its own: what went wrong, and what was seen: (operation, status), headers left out."""
    spec = Spec.from_dict(as_sent(contract), origin_url="http://localhost/", config={
        "use_models": False, "validate_swagger_spec": False, "include_missing_properties": False})

    server = Server(tmp_path_factory.mktemp("contract")).start()
    seen, ends = set(), []
    for tell in STORIES:
        client = Client(spec, server.registry(USER), seen)
        try:
            tell(client)
        except Exception:  # pylint: disable=broad-except
            ends.append(f"{tell.__name__}: {traceback.format_exc()}")
    server.stop()
    return ends, seen


def test_every_story(told):
    assert not told[0], "\n".join(told[0])


def test_every_delivered_operation_is_driven(told):
    rows = [[part.strip() for part in line.split("|")] for line in COVERAGE.read_text(encoding="utf-8").splitlines()]
    delivered = {row[2] for row in rows if len(row) > 5 and row[5] == "delivered"}
    driven = {what[0] for what in told[1] if isinstance(what, tuple) and what[1] in (200, 201)}
    assert delivered and not delivered - driven, sorted(delivered - driven)


def test_exceptions_are_exceptions(contract, told):
    """What the contract already says needs no exception, nor does what no story meets."""
    for where, truth, evidence in EXCEPTIONS:
        assert evidence and any(at(contract, where).get(key) != value for key, value in truth.items()), where
    listed = {(name, status) for name, statuses in MORE_STATUSES.items() for status in statuses}
    assert not (listed | set(MISSING_HEADERS)) - told[1], (listed | set(MISSING_HEADERS)) - told[1]
    known = {o["operationId"]: o["responses"] for item in contract["paths"].values() for o in item.values() if "responses" in o}
    for name, statuses in MORE_STATUSES.items():
        assert not {str(s) for s in statuses} & {str(s) for s in known[name]}, name
