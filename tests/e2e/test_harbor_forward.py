# SPDX-License-Identifier: Apache-2.0
"""The audit log, forwarded to a real syslog server."""
import re
import signal
import socket
import subprocess

import pytest

from harness.harbor import Harbor, fresh, refused
from harness.server import wait_until


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Syslog:
    """rsyslog that writes what it takes by TCP into a file as it came."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        self.out = folder / "messages"

    def start(self):
        conf = self.folder / "rsyslog.conf"
        conf.write_text(f"""
module(load="imtcp")
global(workDirectory="{self.folder}")
template(name="raw" type="string" string="%pri% %timestamp:::date-rfc3339% %app-name% %msgid% %structured-data% %msg%\\n")
ruleset(name="all") {{ action(type="omfile" file="{self.out}" template="raw") }}
input(type="imtcp" port="{self.port}" address="127.0.0.1" ruleset="all")
""")
        self.process = subprocess.Popen(["rsyslogd", "-n", "-f", str(conf), "-i", str(self.folder / "pid")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.listens)
        return self

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    def lines(self):
        return self.out.read_text(encoding="utf-8").splitlines() if self.out.exists() else []

    def wait(self, n, seconds=20):
        wait_until(lambda: len(self.lines()) >= n, seconds)
        return self.lines()


@pytest.fixture
def syslog(tmp_path):
    folder = tmp_path / "syslog"
    folder.mkdir()
    server = Syslog(folder).start()
    yield server
    server.stop()


def wait_begun(server):
    """Where to begin is kept: what comes from here on is sent."""
    wait_until(lambda: server.facts("SELECT 1 FROM setting WHERE name = 'audit.forwarded'"), 20)


def resources(lines):
    return [re.search(r' resource="((?:[^"\\]|\\.)*)"', line)[1] for line in lines]


def test_forwarded_in_order_and_past_failures(start, syslog):
    server = start()
    harbor = Harbor(server.registry())
    harbor.add_project("before")
    harbor.put("/configurations", {"audit_log_forward_endpoint": f"127.0.0.1:{syslog.port}"})
    wait_begun(server)
    names = [fresh("forward") for _ in range(5)]
    for name in names:
        harbor.add_project(name)
    lines = syslog.wait(5)
    assert resources(lines)[-5:] == names and "before" not in resources(lines)
    line = lines[-1]
    assert line.startswith("110 ") and " haven audit " in line
    for part in ('user="admin"', 'address="127.0.0.1"', 'operation="create"', 'resource_type="project"',
                 'result="success"', f"create project: {names[-1]}"):
        assert part in line, line
    # The server is away: nothing is lost, and a restart goes on where it stood.
    syslog.stop()
    more = [fresh("later") for _ in range(3)]
    for name in more:
        harbor.add_project(name)
    wait_until(lambda: "audit.forward_failed" in server.log(), 20)
    server.restart(crash=True)
    syslog.start()
    lines = syslog.wait(8)
    assert resources(lines)[-8:] == names + more
    assert [e["resource"] for e in Harbor(server.registry()).json("/auditlog-exts", page_size=3)] == more[::-1]


def test_kept_elsewhere_only(start, syslog):
    server = start()
    harbor = Harbor(server.registry())
    harbor.put("/configurations", {"audit_log_forward_endpoint": f"127.0.0.1:{syslog.port}",
                                   "skip_audit_log_database": True})
    wait_begun(server)
    name = fresh("elsewhere")
    harbor.add_project(name)
    lines = syslog.wait(1)
    assert resources(lines)[-1] == name
    wait_until(lambda: server.facts("SELECT count(*) FROM audit_log") == [(0,)], 20)
    refused(harbor.call("PUT", "/configurations", {"audit_log_forward_endpoint": ""}), 400, "BAD_REQUEST", "nowhere")


def test_an_endpoint_must_be_there(start):
    harbor = Harbor(start().registry())
    for endpoint in (f"127.0.0.1:{free_port()}", "no-such-host.invalid:514"):
        refused(harbor.call("PUT", "/configurations", {"audit_log_forward_endpoint": endpoint}), 400, "BAD_REQUEST",
                "audit_log_forward_endpoint")
