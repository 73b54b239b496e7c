# SPDX-License-Identifier: Apache-2.0
"""Queues of jobs, the process that runs them, and schedules, as Harbor's API shows them."""
import contextlib
import datetime
import socket
import time

import pytest

from harness.harbor import Harbor, refused
from harness.server import wait_until

GC, PURGE, INDEX, SEARCH, SCHEDULER = "GARBAGE_COLLECTION", "PURGE_AUDIT_LOG", "MODEL_INDEX", "MODEL_SEARCH", "SCHEDULER"
RULE = {"audit_retention_hour": 1, "include_event_types": "pull_artifact"}
OLD = 400000


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def harbor(server):
    return Harbor(server.registry())


def queues(harbor):
    return {q["job_type"]: q for q in harbor.json("/jobservice/queues")}


def act(harbor, queue, action, status=200):
    return harbor.put(f"/jobservice/queues/{queue}", {"action": action}, status=status)


def ask(harbor, what="gc", **parameters):
    """Asks for a job; its number."""
    made = harbor.post(f"/system/{what}/schedule", {"schedule": {"type": "Manual"}, "parameters": parameters})
    return made.get("Location").rsplit("/", 1)[1]


def status(harbor, job, what="gc"):
    return harbor.json(f"/system/{what}/{job}")["job_status"]


def told(harbor):
    """What the audit log says of queues, newest first."""
    return [(e["resource"], e["operation_description"]) for e in harbor.json("/auditlog-exts", page_size=100)
            if e["resource_type"] == "queue"]


def test_a_queue_rests_and_goes_on(server, harbor):
    assert queues(harbor) == {name: {"job_type": name, "paused": False} for name in (GC, PURGE, INDEX, SEARCH, SCHEDULER)}
    act(harbor, GC.lower(), "pause")
    jobs = [ask(harbor) for _ in range(3)]
    other = ask(harbor, "purgeaudit", **RULE)
    wait_until(lambda: status(harbor, other, "purgeaudit") == "Success", 20)
    seen = queues(harbor)
    assert (seen[GC]["count"], seen[GC]["paused"], seen[PURGE]["paused"]) == (3, True, False)
    assert [status(harbor, job) for job in jobs] == ["Pending"] * 3
    server.restart(crash=True)
    harbor = Harbor(server.registry())
    assert ask(harbor, "purgeaudit", **RULE) and queues(harbor)[GC]["paused"] is True
    wait_until(lambda: queues(harbor)[PURGE].get("count", 0) == 0, 20)
    assert [status(harbor, job) for job in jobs] == ["Pending"] * 3
    wait_until(lambda: queues(harbor)[GC].get("latency", 0) > 0, 20)
    act(harbor, GC, "resume")
    wait_until(lambda: [status(harbor, job) for job in jobs] == ["Success"] * 3, 30)
    assert queues(harbor)[GC] == {"job_type": GC, "paused": False}
    act(harbor, GC, "resume")  # once is enough for the log
    assert told(harbor) == [("collect", "goes on"), ("collect", "paused")]


def test_what_waits_is_stopped(harbor):
    act(harbor, "all", "pause")
    assert all(q["paused"] for q in queues(harbor).values())
    mine, other = [ask(harbor) for _ in range(2)], ask(harbor, "purgeaudit", **RULE)
    act(harbor, GC, "STOP")
    assert [status(harbor, job) for job in mine] == ["Stopped"] * 2
    assert status(harbor, other, "purgeaudit") == "Pending"
    act(harbor, "ALL", "stop")
    assert status(harbor, other, "purgeaudit") == "Stopped"
    assert "stopped before it began" in harbor.get(f"/jobservice/jobs/{other}/log").body.decode()
    assert told(harbor)[:2] == [("purge-audit", "what waited was stopped"), ("collect", "what waited was stopped")]
    act(harbor, "all", "resume")
    assert not any(q["paused"] for q in queues(harbor).values())


def test_one_that_waits_is_stopped(harbor):
    act(harbor, GC, "pause")
    first, second = ask(harbor), ask(harbor)
    harbor.put(f"/jobservice/jobs/{second}", None)
    act(harbor, GC, "resume")
    wait_until(lambda: status(harbor, first) == "Success", 20)
    assert status(harbor, second) == "Stopped"
    harbor.put(f"/jobservice/jobs/{second}", None)  # it is over: nothing is to be done
    assert harbor.get(f"/jobservice/jobs/{second}/log").body == harbor.get(f"/system/gc/{second}/log").body != b""
    for job in ("999999", "x", "-1"):
        refused(harbor.call("PUT", f"/jobservice/jobs/{job}"), 404, "NOT_FOUND", "no job")
        refused(harbor.get(f"/jobservice/jobs/{job}/log"), 404, "NOT_FOUND", "no job")


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_the_process_and_its_worker(server):
    server.stop()
    with contextlib.closing(server.database()) as db, db:
        db.executemany("INSERT INTO audit_log (event, operation, resource_type, project_id, username, address, resource,"
                       " description, succeeded, at_ms) VALUES ('pull_artifact', 'pull', 'artifact', 1, 'ada', '', 'x', 'x', 1, ?)",
                       ((i,) for i in range(OLD)))
    server.start()
    harbor = Harbor(server.registry())
    (pool,) = harbor.json("/jobservice/pools")
    name = pool["worker_pool_id"]
    assert (pool["pid"], pool["host"], pool["concurrency"], len(name)) == (server.pid, socket.gethostname(), 1, 24)
    assert abs(at(pool["start_at"]) - time.time()) < 300 and at(pool["heartbeat_at"]) >= at(pool["start_at"])
    assert harbor.json("/jobservice/pools/all/workers") == [{"id": "1", "pool_id": name}]
    refused(harbor.get("/jobservice/pools/nothing/workers"), 404, "NOT_FOUND", "nothing")
    job = ask(harbor, "purgeaudit", **RULE)
    seen = wait_until(lambda: [w for w in harbor.json(f"/jobservice/pools/{name}/workers")
                               if "job_id" in w and "start_at" in w], 20)[0]
    assert (seen["job_id"], seen["job_name"], seen["id"]) == (job, PURGE, "1")
    assert abs(at(seen["start_at"]) - time.time()) < 300 and at(seen["checkin_at"]) >= at(seen["start_at"])
    harbor.put("/jobservice/jobs/all", None)
    wait_until(lambda: status(harbor, job, "purgeaudit") == "Stopped", 20)
    assert harbor.json("/jobservice/pools/all/workers") == [{"id": "1", "pool_id": name}]
    harbor.put("/jobservice/jobs/all", None)  # nothing runs
    assert harbor.json("/auditlog-exts", q="operation=pull", page_size=1)  # it did not come to its end
    server.restart()
    assert Harbor(server.registry()).json("/jobservice/pools")[0]["worker_pool_id"] != name


def test_schedules(harbor):
    assert harbor.json("/schedules") == [] and harbor.json("/schedules/all/paused") == {"paused": False}
    harbor.post("/system/gc/schedule", {"schedule": {"type": "Daily"}})
    harbor.post("/system/purgeaudit/schedule", {"schedule": {"type": "Weekly"}, "parameters": RULE})
    seen = harbor.json("/schedules")
    assert [(s["vendor_type"], s["vendor_id"], s["cron"]) for s in seen] == [
        (GC, -1, "0 0 0 * * *"), (PURGE, -1, "0 0 0 * * 0")]
    assert all(abs(at(s["update_time"]) - time.time()) < 300 for s in seen)
    page = harbor.get("/schedules", page_size=1, page=2)
    assert page.get("X-Total-Count") == "2" and page.json() == seen[1:]
    harbor.put("/system/gc/schedule", {"schedule": {"type": "Hourly"}})
    assert [(s["id"], s["cron"]) for s in harbor.json("/schedules")] == [
        (seen[0]["id"], "0 0 * * * *"), (seen[1]["id"], "0 0 0 * * 0")]
    refused(harbor.get(f"/schedules/{GC}/paused"), 400, "BAD_REQUEST", "all")


def test_schedules_that_are_paused_ask_for_nothing(server, harbor):
    act(harbor, SCHEDULER, "pause")
    _, user = harbor.add_user()
    assert user.json("/schedules/ALL/paused") == {"paused": True}
    harbor.post("/system/gc/schedule", {"schedule": {"type": "Custom", "cron": "* * * * * *"}})
    time.sleep(1.1)  # its time has come
    first = ask(harbor)  # what somebody asks for runs all the same, and lets the server look
    wait_until(lambda: status(harbor, first) == "Success", 20)
    second = ask(harbor)
    wait_until(lambda: status(harbor, second) == "Success", 20)
    assert {j["job_kind"] for j in harbor.json("/system/gc")} == {"MANUAL"}
    act(harbor, SCHEDULER, "resume")
    assert harbor.json("/schedules/all/paused") == {"paused": False}
    wait_until(lambda: any(j["job_kind"] == "SCHEDULE" for j in harbor.json("/system/gc")), 40)


def test_who_may(harbor):
    _, user = harbor.add_user()
    nobody = Harbor(harbor.registry.clone(user=None, password=None))
    for path in ("/jobservice/queues", "/jobservice/pools", "/jobservice/pools/all/workers", "/jobservice/jobs/1/log", "/schedules"):
        refused(user.get(path), 403, "FORBIDDEN")
        refused(nobody.get(path), 401, "UNAUTHORIZED")
    for path in ("/jobservice/jobs/all", "/jobservice/queues/all"):
        refused(user.call("PUT", path, {"action": "pause"}), 403, "FORBIDDEN")
    refused(nobody.get("/schedules/all/paused"), 401, "UNAUTHORIZED")
    refused(act(harbor, "IMAGE_SCAN", "pause", status=404), 404, "NOT_FOUND", "IMAGE_SCAN")
    refused(act(harbor, GC, "rest", status=422), 422, "UNPROCESSABLE_ENTITY", "pause")
    refused(harbor.call("PUT", "/jobservice/queues/all", {}), 422, "UNPROCESSABLE_ENTITY", "action")
    made = harbor.post("/robots", {"name": "watch", "level": "system", "duration": -1, "permissions": [
        {"kind": "system", "namespace": "/", "access": [{"resource": "jobservice-monitor", "action": "list"}]}]}).json()
    robot = Harbor(harbor.registry.clone(user=made["name"], password=made["secret"]))
    assert robot.json("/jobservice/queues")
    refused(robot.call("PUT", "/jobservice/queues/all", {"action": "pause"}), 403, "FORBIDDEN")
