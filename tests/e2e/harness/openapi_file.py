# SPDX-License-Identifier: Apache-2.0
"""Our own OpenAPI file against a server, by schemathesis: what it allows, what lies at its edges, and what it forbids.

Every operation is asked the same by nobody, by a user and by the administrator, with ids that there are and ids that there
are not. Nothing may fail inside of the server, and every answer must be as the file says: status, media type, headers, body;
what the file forbids must be refused. `make test-long` asks for more of everything (HAVEN_TEST_LONG).
"""
import contextlib
import json
import os
import subprocess

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis import checks as common
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import coverage
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi import checks as of_openapi

from harness.content import artifact, descriptor, image, noise, push, tar_of
from harness.harbor import Harbor, fresh
from harness.record import HAVEN
from harness.registry import OCI_MANIFEST
from harness.server import PASSWORD, USER, Server, wait_until

LONG = bool(os.environ.get("HAVEN_TEST_LONG"))
EXAMPLES = 100 if LONG else 6
CHECKS = [common.not_a_server_error, of_openapi.status_code_conformance, of_openapi.content_type_conformance,
          of_openapi.response_headers_conformance, of_openapi.response_schema_conformance,
          of_openapi.negative_data_rejection, of_openapi.unsupported_method]

# Where an answer differs from the file: operation, check, and why it must.
OTHERS = "with another method the last word of this address stands for what another address names there, and there is none"
KNOWN = {(name, "unsupported_method"): OTHERS for name in (
    "getCurrentUserInfo", "searchUsers", "searchUserGroups", "pingRegistry", "pingScanner", "PingInstances", "getRentenitionMetadata")}
# What is accepted though the file does not name it, everywhere.
IGNORED = {
    "unexpected properties": "clients of Harbor send parameters of later versions; they are ignored, as Harbor ignores them",
    "0 and 1": "words for false and true in Harbor's parameters, too, as are no, off, yes and on",
    "an empty parameter": "a parameter without a value is none: Harbor's server takes page= and with_tag= so, and portals send it",
}

SEED = 20260101
FILE = json.loads(subprocess.run([HAVEN, "routes", "--openapi"], check=True, capture_output=True).stdout)
# What has yet to come gives one answer to everything; it is asked in the long run only.
OPERATIONS = {operation["operationId"]: (path, method) for path, item in FILE["paths"].items()
              for method, operation in item.items()
              if LONG or not {"x-absent-until", "x-empty-until"} & set(operation)}
READING = [name for name, (_, method) in OPERATIONS.items() if method in ("get", "head")]
CHANGING = [name for name in OPERATIONS if name not in READING]


# What stands where another type is expected.
WRONG = {"integer": 2 ** 70, "number": -1.5e300, "boolean": True, "null": None, "string": "\u00e9\U0001f600%00'",
         "array": [None, [], {}], "object": {"": {"a": None}}}


class World:
    """A server with something of everything, and those who ask."""

    def __init__(self, folder):
        self.server = Server(folder).start()
        self.admin = Harbor(self.server.registry())
        self.project, self.name = self.admin.add_project()
        _, data = push(self.admin.registry, f"{self.name}/m", *image([tar_of({"w.bin": noise(400)})]), "v1", "v2")
        model = f"/projects/{self.name}/repositories/m/artifacts/v1/model"
        wait_until(lambda: self.admin.json(model)["state"] == "read")
        push(self.admin.registry, f"{self.name}/m", *artifact("application/vnd.example.note", descriptor(data, OCI_MANIFEST)))
        self.ids, self.user, self.spent = {}, None, False
        self.sessions = [self.session(None), None, self.session((USER, PASSWORD))]
        self.renew()

    @staticmethod
    def session(auth):
        session = requests.Session()
        session.trust_env = False
        session.auth = auth
        return session

    def made(self, path, body):
        answer = self.admin.post(path, body)
        return answer.get("Location").rsplit("/", 1)[1]

    def calm(self):
        """Nothing that was set stands in the way of what comes next."""
        self.admin.put("/configurations", {"read_only": False, "project_creation_restriction": "everyone"})

    def renew(self):
        """What a request may have taken away or changed, anew; who asks must stay who they are."""
        admin = self.admin
        self.calm()
        if self.user is None or self.user.get("/users/current").status != 200 or \
                self.user.json("/users/current")["sysadmin_flag"]:
            number, self.user = admin.add_user()
            admin.add_member(self.name, number, "developer")
            self.sessions[1] = self.session((self.user.registry.user, PASSWORD))
        if self.ids and not self.spent:
            return
        self.spent = False
        number, _ = admin.add_user()
        self.ids = {
            "project": self.name, "project_name": self.name, "repository_name": "m", "reference": "v1", "tag_name": "v2",
            "meta_name": "public", "user_id": str(number), "id": str(self.project),
            "mid": self.made(f"/projects/{self.name}/members", {"role_id": 3, "member_user": {"user_id": number}}),
            "group_id": self.made("/usergroups", {"group_name": fresh("group"), "group_type": 3}),
            "label_id": self.made("/labels", {"name": fresh("label"), "scope": "p", "project_id": self.project}),
            "robot_id": str(admin.post("/robots", {"name": fresh("robot"), "level": "project", "duration": -1, "permissions": [
                {"kind": "project", "namespace": self.name, "access": [{"resource": "tag", "action": "list"}]}]}).json()["id"]),
            "immutable_rule_id": self.rule() or self.made(f"/projects/{self.name}/immutabletagrules", {
                "disabled": True, "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": fresh("t")}],
                "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}}),
            "job_id": self.made("/system/gc/schedule", {"schedule": {"type": "Manual"}, "parameters": {"dry_run": True}}),
            "path": "w.bin",
        }

    def rule(self):
        """One that is there already; of what is too much, all."""
        there = self.admin.json(f"/projects/{self.name}/immutabletagrules", page_size=100)
        for rule in there[1:]:
            self.admin.delete(f"/projects/{self.name}/immutabletagrules/{rule['id']}")
        return str(there[0]["id"]) if there else None

    def fill(self, case):
        """Ids that there are, in the place of good ones that were thought up; of every fourth request those stay."""
        part = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
        if not case.path_parameters or (part and part.mode.is_negative) or len(repr(case)) % 4 == 0:
            return
        for name in case.path_parameters:
            if name == "job_id" and "purgeaudit" in case.path:
                continue
            if name in self.ids:
                case.path_parameters[name] = int(self.ids[name]) if self.ids[name].isdigit() else self.ids[name]

    def close(self):
        for session in self.sessions:
            session.close()
        self.admin.registry.close()
        self.server.stop()


def is_ignored(case):
    """Is all that the file forbids in this request of a kind that is ignored?"""
    if "unexpected properties" in (getattr(case.meta.phase.data, "description", None) or ""):
        return True
    taken = {"", "0", "1", "no", "off", "yes", "on", "true", "false"}  # of a word, not of a truth value: that is written True

    def sent(value):
        """As requests write it: of a list its values, of an object its names."""
        return {str(one) for one in value} if isinstance(value, (list, dict)) else {str(value)}

    return any(sent(value) <= taken for value in (case.query or {}).values()) and not any(
        part.mode.is_negative for where, part in case.meta.components.items()
        if where not in (ParameterLocation.QUERY, ParameterLocation.HEADER))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Thinking up requests takes a processor for minutes; what other tests wait for comes first."""
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(priority, 10))
    one = World(tmp_path_factory.mktemp("schemathesis"))
    yield one
    one.close()
    with contextlib.suppress(PermissionError):  # who is not root stays behind
        os.setpriority(os.PRIO_PROCESS, 0, priority)


@pytest.fixture(scope="module")
def schema():
    """A value of a wrong type is one of ours: schemathesis looks for one by chance, which takes minutes and is not repeatable."""
    with pytest.MonkeyPatch.context() as patch:
        for kind, value in WRONG.items():
            patch.setitem(coverage.STRATEGIES_FOR_TYPE, kind, hypothesis.strategies.just(value))
        patch.setattr(coverage, "FLOAT_STRATEGY", hypothesis.strategies.just(WRONG["number"]))
        yield schemathesis.openapi.from_dict(FILE, config=schemathesis.Config.from_dict({"seed": SEED}))


def keeps(file, asked, name):
    """Every edge of every parameter and of every field first, then what chance thinks up."""
    asked.renew()
    path, method = OPERATIONS[name]
    asked.spent = method == "delete"

    def ask(case):
        asked.fill(case)
        checks = [check for check in CHECKS if (name, check.__name__) not in KNOWN and
                  not (check is of_openapi.negative_data_rejection and is_ignored(case))]
        for session in asked.sessions:
            response = case.call(base_url=asked.server.url, session=session)
            case.validate_response(response, checks=checks)
        if name == "updateConfigurations":
            asked.calm()

    create_test(operation=file[path][method], test_func=ask, config=HypothesisTestConfig(
        project=file.config, modes=[HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING], seed=SEED,
        settings=hypothesis.settings(max_examples=EXAMPLES, database=None, deadline=None,
                                     suppress_health_check=list(hypothesis.HealthCheck))))()
