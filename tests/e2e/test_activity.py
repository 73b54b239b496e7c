# SPDX-License-Identifier: Apache-2.0
"""How much was pulled, pushed and deleted in a repository, day by day: counted exactly, whatever becomes of the audit log."""
import contextlib
import datetime
import sqlite3

import pytest

from harness.content import push, small_image
from harness.harbor import Harbor, refused
from harness.server import wait_until

KEPT = 400


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def activity(harbor, project, repo="m", **query):
    return harbor.json(f"/projects/{project}/repositories/{repo}/activity", **query)


def sums(harbor, project, repo="m", **query):
    all_of = activity(harbor, project, repo, **query)
    for key in ("pulls", "pushes", "deletes"):
        assert all_of[key] == sum(d[key] for d in all_of["days"])
    return all_of["pulls"], all_of["pushes"], all_of["deletes"]


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


def test_every_pull_counts_once(harbor):
    _, project = harbor.add_project()
    digest, _ = push(harbor.registry, f"{project}/m", *small_image(), "v1")
    push(harbor.registry, f"{project}/m", *small_image(), "v2")
    push(harbor.registry, f"{project}/other", *small_image(), "v1")
    first = today()
    for _ in range(7):
        assert harbor.registry.manifest(f"{project}/m", "v1").status == 200
    assert harbor.registry.manifest(f"{project}/m", digest).status == 200
    assert harbor.registry.request("HEAD", f"/v2/{project}/m/manifests/v1").status == 200
    wait_until(lambda: sums(harbor, project)[0] >= 8)
    assert sums(harbor, project) == (8, 2, 0) and sums(harbor, project, "other") == (0, 1, 0)
    assert harbor.json(f"/projects/{project}/repositories/m")["pull_count"] == 8
    harbor.delete(f"/projects/{project}/repositories/m/artifacts/v2")
    assert sums(harbor, project, days=2) == (8, 2, 1)
    days = activity(harbor, project)["days"]
    assert len(days) == 30
    assert [d["day"] for d in days] in [[str(end - datetime.timedelta(days=29 - i)) for i in range(30)] for end in (first, today())]
    assert all((d["pulls"], d["pushes"], d["deletes"]) == (0, 0, 0) for d in days[:-2])


def test_days_that_may_be_asked_for(harbor):
    _, project = harbor.add_project()
    push(harbor.registry, f"{project}/m", *small_image(), "v1")
    for days in (1, 7, KEPT):
        assert len(activity(harbor, project, days=days)["days"]) == days
    path = f"/projects/{project}/repositories"
    for days in ("0", KEPT + 1, "-1", "x", "1e2", "9" * 30):
        refused(harbor.get(f"{path}/m/activity", days=days), 422, "UNPROCESSABLE_ENTITY", "days in query")
    refused(harbor.get(f"{path}/none/activity"), 404, "NOT_FOUND", "there is no repository")


def test_old_days_go_and_the_log_is_not_needed(start):
    server = start()
    harbor = Harbor(server.registry())
    _, project = harbor.add_project()
    push(harbor.registry, f"{project}/m", *small_image(), "v1")
    (number, day), = server.facts("SELECT repository_id, day FROM repository_day")
    with contextlib.closing(sqlite3.connect(server.data / "haven.db")) as db, db:
        db.executemany("INSERT INTO repository_day VALUES (?, ?, 5, 0, 0)", [(number, day - n) for n in (1, 29, 30, KEPT - 1)])
        db.execute("DELETE FROM audit_log")
    assert sums(harbor, project)[0] == 10 and sums(harbor, project, days=31)[0] == 15 and sums(harbor, project, days=KEPT)[0] == 20
    with contextlib.closing(sqlite3.connect(server.data / "haven.db")) as db, db:
        db.execute("INSERT INTO repository_day VALUES (?, ?, 1, 0, 0)", (number, day + 1))
    assert server.facts("SELECT min(day) FROM repository_day") == [(day - 30,)]
    # With pulls left out of the log.
    harbor.put("/configurations", {"disabled_audit_log_event_types": "pull_artifact"})
    before = sums(harbor, project)
    assert harbor.registry.manifest(f"{project}/m", "v1").status == 200
    wait_until(lambda: sums(harbor, project)[0] == before[0] + 1)
    assert server.facts("SELECT count(*) FROM audit_log WHERE event = 'pull_artifact'") == [(0,)]
    # It goes with the repository.
    harbor.delete(f"/projects/{project}/repositories/m")
    assert server.facts("SELECT count(*) FROM repository_day") == [(0,)]


def test_who_may_look(harbor, anonymous):
    """Who sees the artifacts of a project sees how much happened, and no names; the log itself is for its administrators."""
    _, project = harbor.add_project(public=True)
    push(harbor.registry, f"{project}/m", *small_image(), "v1")
    nobody = Harbor(anonymous)
    assert "admin" not in nobody.get(f"/projects/{project}/repositories/m/activity").body.decode()
    assert sums(nobody, project) == (0, 1, 0)
    refused(nobody.get(f"/projects/{project}/auditlog-exts"), 401, "UNAUTHORIZED")
    _, hidden = harbor.add_project()
    push(harbor.registry, f"{hidden}/m", *small_image(), "v1")
    _, stranger = harbor.add_user()
    refused(nobody.get(f"/projects/{hidden}/repositories/m/activity"), 401, "UNAUTHORIZED")
    refused(stranger.get(f"/projects/{hidden}/repositories/m/activity"), 403, "FORBIDDEN")
