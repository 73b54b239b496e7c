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

from harness.record import HAVEN

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTRACT_FILE = ROOT.parent / "shared" / "reference" / "harbor-swagger.yaml"
PAGE = ROOT / "docs" / "api" / "coverage.md"
METHODS = ("get", "put", "post", "delete", "patch", "head")
# Parameters that every operation has: they are part of the conventions.
COMMON = {"X-Request-Id", "X-Is-Resource-Name", "X-Resource-Name-In-Location"}
# What the operations of a tag wait for.
WAITS = {
    "scan": "scanners", "scanner": "scanners", "scanAll": "scanners", "Scan Data Export": "scanners", "SecurityHub": "scanners",
    "SystemCVEAllowlist": "scanners", "preheat": "preheating", "registry": "replication", "replication": "replication",
    "retention": "retention", "Retention": "retention", "webhook": "webhooks", "webhookjob": "webhooks", "ldap": "LDAP",
    "oidc": "OIDC", "jobservice": "the view of jobs", "schedule": "the view of jobs", "purge": "the audit trail",
}


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


def compare(contract, ours):
    theirs, mine = Contract(contract), Ours(ours)
    our_operations = operations(ours)
    for key, operation in operations(contract).items():
        other = counterpart(our_operations, key)
        if not other:
            continue
        name = operation["operationId"]
        if key[0] == "head" or "x-empty-until" in other:
            continue
        if other["operationId"] != name:
            yield f"{name}: is called {other['operationId']}"
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


def state(tag, name, other):
    if other:
        return f"empty until {other['x-empty-until']}" if "x-empty-until" in other else "delivered"
    if name in REFUSED:
        return f"refused: {REFUSED[name]}"
    return f"waits for {WAITS[tag]}" if tag in WAITS else "not yet"


def test_coverage_page_is_true(contract, ours):
    mine = operations(ours)
    rows = []
    for (method, path), operation in operations(contract).items():
        tag = operation["tags"][0]
        rows.append((tag, operation["operationId"], method.upper(), path, state(tag, operation["operationId"], counterpart(mine, (method, path)))))
    rows.sort()
    done, empty = sum(row[4] == "delivered" for row in rows), sum(row[4].startswith("empty") for row in rows)
    text = "\n".join([
        "# Operations of Harbor's API", "", "<!-- Made by tests/e2e/test_harbor_contract.py. -->", "",
        f"{done} of {len(rows)} operations of Harbor 2.16 are answered, {empty} more are lists that are empty until their "
        "feature comes. `{}` stands for a parameter.", "",
        "| tag | operation | method | path | state |", "|---|---|---|---|---|",
        *(f"| {tag} | {name} | {method} | `{path}` | {what} |" for tag, name, method, path, what in rows)]) + "\n"
    if os.environ.get("HAVEN_TEST_WRITE"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.exists() and PAGE.read_text(encoding="utf-8") == text, "run it with HAVEN_TEST_WRITE=1"


def test_lists_of_features_to_come_are_empty(admin, ours):
    for path, item in ours["paths"].items():
        for operation in item.values():
            if "x-empty-until" in operation:
                answer = admin.get(path.replace("{project}", "library").replace("{project_name}", "library"))
                assert (answer.status, answer.json(), answer.get("X-Total-Count")) == (200, [], "0"), (path, answer)
    assert admin.get("/api/v2.0/internalconfig").status == 404


def test_served(haven, anonymous, ours):
    answer = anonymous.get("/api/v2.0/openapi.json")
    assert answer.status == 200 and answer.json() == ours
