# SPDX-License-Identifier: Apache-2.0
"""The collection and the purge of the audit log: at once, on a schedule, with history and log."""
import contextlib
import fcntl
import json
import time

import pytest

from harness.content import push, small_image
from harness.harbor import Harbor, refused
from harness.server import wait_until

GC, PURGE = "/system/gc", "/system/purgeaudit"
EVERYTHING = {"audit_retention_hour": 1, "include_event_types": "create_project,create_artifact,pull_artifact,other"}


@pytest.fixture
def harbor(admin):
    return Harbor(admin)


def run(harbor, where, parameters, method="POST", status=201):
    made = harbor.call(method, f"{where}/schedule", {"schedule": {"type": "Manual"}, "parameters": parameters})
    assert made.status == status, made
    place = made.get("Location").removeprefix("/api/v2.0")
    assert place.startswith(where + "/")
    wait_until(lambda: harbor.json(place)["job_status"] not in ("Pending", "Running"))
    return place, harbor.json(place)


def test_collection_at_once(start):
    server = start(config={"collect.grace": "1s"})
    harbor = Harbor(server.registry())
    _, project = harbor.add_project()
    digest, _ = push(harbor.registry, f"{project}/m", *small_image())
    assert harbor.registry.delete(f"/v2/{project}/m/manifests/{digest}").status == 202
    push(harbor.registry, f"{project}/m", *small_image())  # without a tag
    time.sleep(1.2)
    place, job = run(harbor, GC, {"delete_untagged": True, "dry_run": True, "workers": 3})
    planned = json.loads(job["job_parameters"])
    assert (job["job_name"], job["job_kind"], job["job_status"], job["deleted"], job["schedule"]["type"]) == (
        "GARBAGE_COLLECTION", "MANUAL", "Success", False, "Manual")
    assert planned["dry_run"] is True and planned["delete_untagged"] is True
    _, job = run(harbor, GC, {"delete_untagged": True}, method="PUT", status=200)
    done = json.loads(job["job_parameters"])
    assert done["dry_run"] is False and done["purged_manifests"] == 1 and done["purged_blobs"] >= 3
    assert done["freed_space"] > 0
    log = harbor.get(place + "/log")
    assert log.status == 200 and log.get("Content-Type").startswith("text/plain") and log.body
    jobs = harbor.json(GC)
    assert [j["id"] for j in jobs] == sorted((j["id"] for j in jobs), reverse=True) and len(jobs) == 2
    assert harbor.json(GC, q="job_status=error") == []
    assert harbor.json(GC, page_size=1, page=2)[0]["id"] == jobs[1]["id"]
    assert harbor.json(f"/projects/{project}/repositories") == []


@pytest.mark.parametrize("where, good, bad", [
    (GC, {"delete_untagged": False, "workers": 1}, [{"workers": 0}, {"workers": 11}, {"workers": "x"}, {"dry_run": 1}, {"delete_untagged": "yes"}, []]),
    (PURGE, EVERYTHING, [{}, {"audit_retention_hour": 0, "include_event_types": "other"},
                         {"audit_retention_hour": 240001, "include_event_types": "other"},
                         {"audit_retention_hour": 1, "include_event_types": "nonsense"},
                         {"audit_retention_hour": 1, "include_event_types": ""}, {"audit_retention_hour": "1"}]),
])
def test_schedules(start, where, good, bad):
    server = start()
    harbor = Harbor(server.registry())
    there = f"{where}/schedule"
    none = harbor.json(there)
    assert "schedule" not in none
    refused(harbor.call("POST", there, {"schedule": {"type": "Yearly"}, "parameters": good}), 400, "BAD_REQUEST", "type")
    refused(harbor.call("POST", there, {"schedule": {"type": "Custom"}, "parameters": good}), 400, "BAD_REQUEST", "cron")
    refused(harbor.call("POST", there, {"schedule": {"type": "Custom", "cron": "* *"}, "parameters": good}), 400,
            "BAD_REQUEST", "cron")
    refused(harbor.call("POST", there, {"parameters": good}), 422, "UNPROCESSABLE_ENTITY", "schedule")
    for parameters in bad:
        refused(harbor.call("POST", there, {"schedule": {"type": "Daily"}, "parameters": parameters}), 400, "BAD_REQUEST")
    assert harbor.json(there) == none
    harbor.post(there, {"schedule": {"type": "Daily", "cron": "0 0 0 * * *"}, "parameters": good})
    seen = harbor.json(there)
    assert (seen["schedule"]["type"], seen["schedule"]["cron"]) == ("Daily", "0 0 0 * * *")
    assert seen["schedule"]["next_scheduled_time"].endswith("T00:00:00.000Z")
    refused(harbor.call("POST", there, {"schedule": {"type": "Hourly"}, "parameters": good}), 409, "CONFLICT")
    harbor.put(there, {"schedule": {"type": "Custom", "cron": "0 30 4 * * 1"}, "parameters": good})
    server.restart(crash=True)
    harbor = Harbor(server.registry())
    assert (harbor.json(there)["schedule"]["type"], harbor.json(there)["schedule"]["cron"]) == ("Custom", "0 30 4 * * 1")
    harbor.put(there, {"schedule": {"type": "None"}})
    assert harbor.json(there) == none
    harbor.post(there, {"schedule": {"type": "Weekly"}, "parameters": good})
    harbor.post(there, {"schedule": {"type": "None"}})
    refused(harbor.get(f"{where}/999999"), 404, "NOT_FOUND")
    refused(harbor.get(f"{where}/999999/log"), 404, "NOT_FOUND")
    refused(harbor.call("PUT", f"{where}/999999"), 404, "NOT_FOUND")


def test_a_schedule_runs_by_itself(start):
    server = start()
    harbor = Harbor(server.registry())
    harbor.post(f"{GC}/schedule", {"schedule": {"type": "Custom", "cron": "* * * * * *"}, "parameters": {}})
    wait_until(lambda: harbor.json(GC, q="job_kind=schedule"), 40)
    job = harbor.json(GC, q="job_kind=schedule")[0]
    assert (job["job_kind"], job["schedule"]["type"]) == ("SCHEDULE", "Custom")


def age(server, hours):
    with contextlib.closing(server.database()) as db, db:
        db.execute("UPDATE audit_log SET at_ms = at_ms - ?", (hours * 3600 * 1000,))


def test_purge(start):
    server = start()
    harbor = Harbor(server.registry())
    for _ in range(30):
        harbor.add_project()
    harbor.add_user()
    harbor.put("/configurations", {"banner_message": "x"})
    server.stop()
    age(server, 48)
    server.start()
    harbor = Harbor(server.registry())
    harbor.add_project("young")
    both = {"audit_retention_hour": 24, "include_event_types": "create_project, create_user"}
    _, job = run(harbor, PURGE, {**both, "dry_run": True})
    assert json.loads(job["job_parameters"]) == {**both, "dry_run": True, "purged_records": 31}
    def others():
        return [e["resource"] for e in harbor.json("/auditlog-exts", page_size=100) if e["resource_type"] != "job"]

    assert len(others()) == 33
    place, job = run(harbor, PURGE, both)
    assert (job["job_name"], job["job_status"]) == ("PURGE_AUDIT_LOG", "Success")
    assert others() == ["young", "banner_message"]
    assert "removed 31 entries" in harbor.get(place + "/log").body.decode()
    run(harbor, PURGE, {"audit_retention_hour": 24, "include_event_types": "update_configuration"})
    assert others() == ["young"]


@pytest.mark.parametrize("where, parameters", [(GC, {}), (PURGE, EVERYTHING)])
def test_stopping(start, where, parameters):
    """One that waits behind others ends before it begins; one that is over cannot be stopped."""
    server = start()
    harbor = Harbor(server.registry())

    def ask():
        made = harbor.post(f"{where}/schedule", {"schedule": {"type": "Manual"}, "parameters": parameters})
        return made.get("Location").removeprefix("/api/v2.0")

    for _ in range(20):
        places = [ask() for _ in range(8)]
        answer = harbor.call("PUT", places[-1])
        assert answer.status in (200, 400), answer
        wait_until(lambda: all(harbor.json(p)["job_status"] not in ("Pending", "Running") for p in places))
        if harbor.json(places[-1])["job_status"] == "Stopped":
            break
        assert answer.status == 400 or harbor.json(places[-1])["job_status"] == "Success"  # it ran already
    assert harbor.json(places[-1])["job_status"] == "Stopped"
    assert harbor.json(places[0])["job_status"] == "Success"
    refused(harbor.call("PUT", places[0]), 400, "BAD_REQUEST", "over")


def test_jobs_that_waited_run_after_a_crash(start):
    server = start()
    harbor = Harbor(server.registry())
    places = [harbor.post(f"{GC}/schedule", {"schedule": {"type": "Manual"}}).get("Location").removeprefix("/api/v2.0")
              for _ in range(5)]
    server.restart(crash=True)
    harbor = Harbor(server.registry())
    harbor.post(f"{GC}/schedule", {"schedule": {"type": "Manual"}})
    wait_until(lambda: all(harbor.json(p)["job_status"] not in ("Pending", "Running") for p in places))
    # One may have been in the middle; the others ran, before it or after.
    ends = [harbor.json(place)["job_status"] for place in places]
    assert ends.count("Success") >= 4 and set(ends) <= {"Success", "Error"}, ends


def test_waits_for_a_collection_by_hand(start):
    """A command beside the server collects: what was asked for meanwhile runs afterwards."""
    server = start()
    harbor = Harbor(server.registry())
    with open(server.data / "collection", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = harbor.post(f"{GC}/schedule", {"schedule": {"type": "Manual"}}).get("Location").removeprefix("/api/v2.0")
        time.sleep(1)
        assert harbor.json(place)["job_status"] == "Pending"
    harbor.post(f"{GC}/schedule", {"schedule": {"type": "Manual"}})
    wait_until(lambda: harbor.json(place)["job_status"] == "Success")
