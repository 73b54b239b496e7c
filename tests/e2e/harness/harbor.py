# SPDX-License-Identifier: Apache-2.0
"""Harbor's API as one caller uses it: paths below /api/v2.0, JSON in and out."""
import itertools
import json
import urllib.parse

PASSWORD = "Correct-Horse-9"
ROLES = {"projectAdmin": 1, "developer": 2, "guest": 3, "maintainer": 4, "limitedGuest": 5}
_counter = itertools.count(1)


def fresh(prefix):
    """A name that no other test uses."""
    return f"{prefix}-{next(_counter)}"


class Harbor:
    def __init__(self, registry):
        self.registry = registry

    def call(self, method, path, body=None, headers=None, **query):
        if query:
            path += ("&" if "?" in path else "?") + urllib.parse.urlencode(query)
        text = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        more = dict(headers or {})
        if text is not None:
            more.setdefault("Content-Type", "application/json")
        return self.registry.request(method, "/api/v2.0" + path, body=text, headers=more)

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def json(self, path, **query):
        """The body of a successful GET."""
        answer = self.get(path, **query)
        assert answer.status == 200, answer
        return answer.json()

    def post(self, path, body, status=201, **more):
        answer = self.call("POST", path, body, **more)
        assert answer.status == status, answer
        return answer

    def put(self, path, body, status=200, **more):
        answer = self.call("PUT", path, body, **more)
        assert answer.status == status, answer
        return answer

    def delete(self, path, status=200):
        answer = self.call("DELETE", path)
        assert answer.status == status, answer
        return answer

    # ---- what many tests need ----

    def add_user(self, name=None, **more):
        """Adds a user; (number, a Harbor as that user)."""
        name = name or fresh("user")
        body = {"username": name, "email": f"{name}@example.org", "realname": name, "password": PASSWORD, **more}
        made = self.post("/users", body)
        number = int(made.get("Location").rsplit("/", 1)[1])
        return number, Harbor(self.registry.clone(user=name, password=body["password"]))

    def add_project(self, name=None, public=False):
        name = name or fresh("project")
        made = self.post("/projects", {"project_name": name, "metadata": {"public": "true" if public else "false"}})
        return int(made.get("Location").rsplit("/", 1)[1]), name

    def add_member(self, project, user, role):
        return self.post(f"/projects/{project}/members",
                         {"role_id": ROLES.get(role, role), "member_user": {"user_id": user}})


def refused(answer, status, code, text=""):
    """An error in the form of Harbor's API."""
    assert answer.status == status, answer
    assert answer.get("Content-Type") == "application/json; charset=utf-8", answer
    assert answer.errors() == [code], answer
    assert text in answer.json()["errors"][0]["message"], answer
