# SPDX-License-Identifier: Apache-2.0
"""Our OpenAPI file beside the contract of Harbor's API: operation by operation, field by field.

The contract is not part of the project: it is read where reference texts lie beside it. docs/api/coverage.md says which of
its operations are there; HAVEN_TEST_WRITE=1 writes the page anew. tests/contract-differences lists where we differ, and why.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

from harness.content import push, small_image
from harness.harbor import Harbor, refused
from harness.record import HAVEN

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTRACT_FILE = ROOT.parent / "shared" / "reference" / "harbor-swagger.yaml"
PAGE = ROOT / "docs" / "api" / "coverage.md"
METHODS = ("get", "put", "post", "delete", "patch", "head")
# Parameters that every operation has: they are part of the conventions.
COMMON = {"X-Request-Id", "X-Is-Resource-Name", "X-Resource-Name-In-Location"}
# What is never answered, and why.
REFUSED = {"getInternalconfig": "it is for the parts of one server among themselves, and here there is one"}


@pytest.fixture(scope="module")
def ours():
    return json.loads(subprocess.run([HAVEN, "routes", "--openapi"], check=True, capture_output=True).stdout)


@pytest.fixture(scope="module")
def contract():
    if not CONTRACT_FILE.exists():
        pytest.skip("the contract of Harbor's API is not beside this checkout")
    return yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))


def bare(path):
    """A path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v2.0"))


def operations(document):
    """{(method, bare path): operation}; GET answers HEAD as well."""
    return {(method, bare(path)): operation for path, item in document["paths"].items()
            for method, operation in item.items() if method in METHODS}


def counterpart(ours, key):
    method, path = key
    return ours.get(key) or (ours.get(("get", path)) if method == "head" else None)


class Contract:
    """Schemas and parameters of the contract, references followed."""

    def __init__(self, document):
        self.document = document

    def follow(self, item):
        while item and "$ref" in item:
            _, *way = item["$ref"].split("/")
            item = self.document
            for step in way:
                item = item[step]
        return item or {}

    def fields(self, schema):
        """{name: (type, fields of what is inside)} of an object or of the items of a list."""
        schema = self.follow(schema)
        if schema.get("type") == "array":
            return self.fields(schema["items"])
        return {name: (self.follow(value).get("type", "object"),
                       self.fields(value) if self.follow(value).get("type") != "array" else self.fields(value))
                for name, value in schema.get("properties", {}).items()}

    def parts(self, operation):
        """(fields of the body, fields of the answer, names of query parameters, status)."""
        params = [self.follow(p) for p in operation.get("parameters", ())]
        body = next((self.fields(p["schema"]) for p in params if p["in"] == "body"), {})
        status, response = next((s, r) for s, r in sorted(operation["responses"].items(), key=lambda x: str(x[0]))
                                if str(s).startswith("2"))
        query = {p["name"] for p in params if p["in"] == "query"}
        return body, self.fields(self.follow(response).get("schema", {})), query, str(status)


class Ours:
    def __init__(self, document):
        self.document = document

    def follow(self, item):
        if "allOf" in item:
            item = item["allOf"][0]
        return self.document["components"]["schemas"][item["$ref"].rsplit("/", 1)[1]] if "$ref" in item else item

    def fields(self, schema):
        schema = self.follow(schema)
        if schema.get("type") == "array":
            return self.fields(schema["items"])
        return {name: (self.kind(value), self.fields(value)) for name, value in schema.get("properties", {}).items()}

    def kind(self, value):
        """The type of a field; "any" for JSON that is passed through as it is."""
        value = self.follow(value)
        return value.get("type") or ("object" if "properties" in value else "any")

    def parts(self, operation):
        def content(part):
            kinds = list(part.get("content", {}).values())
            return self.fields(kinds[0]["schema"]) if kinds else {}
        status = next(s for s in operation["responses"] if s.startswith("2"))
        query = {p["name"] for p in operation["parameters"] if p["in"] == "query"}
        return content(operation.get("requestBody", {})), content(operation["responses"][status]), query, status


def differences(theirs, mine, where=""):
    """Lines that say what is missing or of another type."""
    for name, (kind, inner) in theirs.items():
        if name not in mine:
            yield f"{where}{name} is missing"
        elif mine[name][0] == "any":
            continue
        elif mine[name][0] != kind:
            yield f"{where}{name} is {mine[name][0]}, not {kind}"
        else:
            yield from differences(inner, mine[name][1], f"{where}{name}.")


def known_differences():
    lines = (ROOT / "tests" / "contract-differences").read_text(encoding="utf-8").splitlines()
    return {" ".join(line.split("#")[0].split()) for line in lines} - {""}


def has_fields(operation):
    """Does the answer name an object?"""
    return any("$ref" in kind["schema"] for kind in operation["responses"]["200"]["content"].values())


def compare(contract, ours):
    theirs, mine = Contract(contract), Ours(ours)
    our_operations = operations(ours)
    for key, operation in operations(contract).items():
        other = counterpart(our_operations, key)
        if not other:
            continue
        name = operation["operationId"]
        if key[0] == "head":
            continue
        if other["operationId"] != name:
            yield f"{name}: is called {other['operationId']}"
        if "x-absent-until" in other or ("x-empty-until" in other and not has_fields(other)):
            continue  # there is no body yet whose fields could be held against anything
        (body, answer, query, status), (our_body, our_answer, our_query, our_status) = \
            theirs.parts(operation), mine.parts(other)
        if status != our_status:
            yield f"{name}: answers {our_status}, not {status}"
        for line in differences(body, our_body, "body."):
            yield f"{name}: {line}"
        for line in differences(answer, our_answer, "answer."):
            yield f"{name}: {line}"
        for missing in sorted(query - our_query - COMMON):
            yield f"{name}: query.{missing} is missing"


def test_contract_is_kept(contract, ours):
    found, known = set(compare(contract, ours)), known_differences()
    assert not found - known, "\n".join(sorted(found - known))
    assert not known - found, "no longer true: " + "\n".join(sorted(known - found))


def test_nothing_goes_beyond_it_by_accident(ours):
    """Each operation has a name of its own and says what it answers."""
    names = [o["operationId"] for o in operations(ours).values()]
    assert len(names) == len(set(names))
    for operation in operations(ours).values():
        assert operation["summary"] and operation["x-permission"] and "default" in operation["responses"]


def refusal(operation):
    """The status that is all that an operation answers until its feature comes."""
    (status,) = set(operation["responses"]) - {"default"}
    return int(status)


def state(name, other):
    if not other:
        return f"refused: {REFUSED[name]}"
    if "x-absent-until" in other:
        return f"{refusal(other)} until {other['x-absent-until']}"
    return f"empty until {other['x-empty-until']}" if "x-empty-until" in other else "delivered"


def test_coverage_page_is_true(contract, ours):
    mine = operations(ours)
    rows = []
    for (method, path), operation in operations(contract).items():
        tag = operation["tags"][0]
        rows.append((tag, operation["operationId"], method.upper(), path, state(operation["operationId"], counterpart(mine, (method, path)))))
    rows.sort()
    done, empty, absent, never = (sum(row[4].startswith(word) for row in rows) for word in ("delivered", "empty", "4", "refused"))
    text = "\n".join([
        "# Operations of Harbor's API", "", "<!-- Made by tests/e2e/test_harbor_contract.py. -->", "",
        f"Of {len(rows)} operations of Harbor 2.16 {done} are delivered, {empty} give an empty answer until their feature comes, "
        f"{absent} are answered with 404 (or 412, where Harbor says that something is not set up) until their feature comes, "
        f"after the same question for permission, {never} is refused. `{{}}` stands for a parameter.", "",
        "| tag | operation | method | path | state |", "|---|---|---|---|---|",
        *(f"| {tag} | {name} | {method} | `{path}` | {what} |" for tag, name, method, path, what in rows)]) + "\n"
    if os.environ.get("HAVEN_TEST_WRITE"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.exists() and PAGE.read_text(encoding="utf-8") == text, "run it with HAVEN_TEST_WRITE=1"


NEVER = "0001-01-01T00:00:00.000Z"
# What is not a list, as Harbor answers where nothing was ever set up.
EMPTY = {
    "/api/v2.0/projects/{project}/scanner": {}, "/api/v2.0/replication/adapterinfos": {},
    "/api/v2.0/export/cve/executions": {"items": []},
    "/api/v2.0/system/CVEAllowlist": {"items": [], "creation_time": NEVER, "update_time": NEVER},
    "/api/v2.0/security/summary": {"critical_cnt": 0, "medium_cnt": 0, "low_cnt": 0, "total_vuls": 0, "scanned_cnt": 0,
                                   "total_artifact": 0, "fixable_cnt": 0},
}


def test_what_features_to_come_answer_is_empty(admin, ours):
    seen = set()
    for path, item in ours["paths"].items():
        for operation in item.values():
            if "x-empty-until" not in operation:
                continue
            answer = admin.get(path.replace("{project}", "library").replace("{project_name}", "library"))
            total = (None, "0")[path not in EMPTY]
            assert (answer.status, answer.json(), answer.get("X-Total-Count")) == (200, EMPTY.get(path, []), total), (path, answer)
            seen.add(path)
    assert seen > set(EMPTY)
    assert admin.get("/api/v2.0/security/summary?with_dangerous_cve=perhaps").status == 422
    assert admin.get("/api/v2.0/internalconfig").status == 404


def test_what_is_not_there_is_refused(admin, ours):
    """As its row says, in Harbor's form, to an administrator of everything; nothing is made."""
    digest, _ = push(admin, "library/absent", *small_image(), "v1")
    values = {"project": "library", "project_name": "library", "repository_name": "absent", "reference": digest, "user_id": "1"}
    bodies = {"createRetention": {"scope": {"level": "project", "ref": 1}}, "exportScanData": {"projects": [1]}}
    seen = {404: 0, 412: 0}
    for path, item in ours["paths"].items():
        for method, operation in item.items():
            if "x-absent-until" not in operation:
                continue
            body = json.dumps(bodies.get(operation["operationId"], {"name": "x"})).encode()
            answer = admin.request(method.upper(), re.sub(r"\{([^}]+)\}", lambda m: values.get(m[1], "1"), path),
                                   body=None if method in ("get", "delete") else body)
            refused(answer, refusal(operation), "NOT_FOUND" if refusal(operation) == 404 else "PRECONDITION",
                    f"this server has no {operation['x-absent-until']} yet")
            seen[answer.status] += 1
    assert seen[404] > 60 and seen[412] == 8, seen


def test_what_the_body_names_is_asked_for(admin):
    """Where the project stands in the body, its roles count, and it has to be there."""
    harbor = Harbor(admin)
    number, name = harbor.add_project()
    user_number, user = harbor.add_user()
    for path, body, wrong in (
            ("/retentions", lambda n: {"scope": {"level": "project", "ref": n}}, [{"scope": {"ref": 0}}]),
            ("/export/cve", lambda n: {"projects": [n]}, [{"projects": [1, 2]}, {"projects": [0]}])):
        for who, status in ((user, 403), (harbor, 404)):
            assert who.call("POST", path, body(number)).status == status
            assert who.call("POST", path, body(999999)).status == status
        for bad in wrong:
            refused(harbor.call("POST", path, bad), 400, "BAD_REQUEST")
        refused(harbor.call("POST", path, {}), 422, "UNPROCESSABLE_ENTITY")
    harbor.add_member(name, user_number, "developer")
    assert user.call("POST", "/retentions", {"scope": {"level": "project", "ref": number}}).status == 404
    assert user.call("POST", "/export/cve", {"projects": [number]}).status == 404


def test_an_artifact_that_is_not_there_has_no_scan(admin):
    harbor = Harbor(admin)
    _, name = harbor.add_project()
    missing = f"/projects/{name}/repositories/m/artifacts/v1"
    refused(harbor.call("POST", missing + "/scan", {}), 404, "NOT_FOUND", "there is no artifact")
    refused(harbor.get(missing + "/additions/vulnerabilities"), 404, "NOT_FOUND", "there is no artifact")


def test_served(haven, anonymous, ours):
    answer = anonymous.get("/api/v2.0/openapi.json")
    assert answer.status == 200 and answer.json() == ours
