# SPDX-License-Identifier: Apache-2.0
"""`haven serve` as a process under test."""
import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from harness import record
from harness.record import HAVEN
from harness.registry import Registry

USER = "admin"
PASSWORD = "Correct-Horse-9"
READY = re.compile(r"haven: listening on (https?)://([0-9.]+|\[[0-9a-f:]+\]):([0-9]+)\n")
# What sanitizers and the program's own checks leave in the log.
CRASH = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|BUG at|SUMMARY: \w+Sanitizer)")
# A program with sanitizers is slower to start and to stop.
PATIENCE = 60


def environment(**more):
    """The caller's environment without settings of ours, which would change what is tested."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HAVEN_")}
    env.update(more)
    return env


class Server:
    """One data directory and the server on it. config: key -> value, given as flags."""

    def __init__(self, folder, config=None, env=None, flags=(), listen="127.0.0.1:0"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.log_path = self.folder / "log"
        self.config = dict(config or {})
        self.env = dict(env or {})
        self.flags = list(flags)
        self.listen = listen
        self.process = None
        self.log_file = None
        self.scheme = self.host = None
        self.port = 0
        self.sessions = {}  # cookies of browsers that signed in: user -> cookies

    # ---- life ----

    def command(self):
        line = [HAVEN, "serve", "--data", str(self.data), "--listen", self.listen]
        for key, value in self.config.items():
            line += ["--" + re.sub(r"[._]", "-", key), str(value)]
        return line + [str(f) for f in self.flags]

    def start(self, wrapper=()):
        assert self.process is None
        self.log_file = open(self.log_path, "ab")
        if wrapper:
            record.note_start(self.command(), self.env)
        self.process = subprocess.Popen(
            [*wrapper, *self.command()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self.log_file, text=True,
            env=environment(HAVEN_ADMIN_PASSWORD=PASSWORD, **self.env))
        line = self.process.stdout.readline()
        found = READY.fullmatch(line)
        if not found:
            self.process.wait(PATIENCE)
            self.forget()
            raise AssertionError(f"not ready: {line!r}\n{self.log()}")
        self.scheme, self.host, self.port = found[1], found[2].strip("[]"), int(found[3])
        return self

    def forget(self):
        self.process.stdout.close()
        self.log_file.close()
        self.process = None

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """An orderly stop: the counts are taken, the exit status is 0, the log holds no report."""
        assert self.running(), f"the server died\n{self.tail()}"
        self.take_notes()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server does not stop\n{self.tail()}") from None
        self.forget()
        assert status == 0, f"exit status {status}\n{self.tail()}"
        self.check_log()

    def kill(self):
        """What a crash leaves."""
        self.process.kill()
        self.process.wait()
        self.forget()

    def restart(self, crash=False, **config):
        if crash:
            self.take_notes()
            self.kill()
        else:
            self.stop()
        self.config.update(config)
        return self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    # ---- what is seen from outside ----

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def tail(self, n=60):
        return "\n".join(self.log().splitlines()[-n:])

    def check_log(self):
        assert not CRASH.search(self.log()), f"a report in the log:\n{self.log()[-20000:]}"

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def url(self):
        return f"{self.scheme}://{self.address}"

    def registry(self, user=USER, password=PASSWORD, **more):
        return Registry(self.url, user, password, **more)

    def anonymous(self):
        return Registry(self.url)

    def metrics(self):
        request = urllib.request.Request(self.url + "/metrics")
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request.add_header("Authorization", "Basic " + pair)
        context = ssl._create_unverified_context() if self.scheme == "https" else None
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.read().decode()

    def metric(self, name):
        found = re.search(rf"^{re.escape(name)} ([0-9.e+-]+)$", self.metrics(), re.M)
        assert found, f"no {name} in /metrics"
        return float(found[1])

    def take_notes(self):
        if not record.FILE:
            return
        try:
            record.note_metrics(self.metrics())
        except (OSError, urllib.error.URLError):
            pass  # a server whose connections are all taken, on purpose

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024

    def object_path(self, digest):
        """The file of stored bytes: blobs/sha256/ab/<hex>."""
        alg, _, text = digest.partition(":")
        return self.data / "blobs" / alg / text[:2] / text

    def database(self):
        """The database of a server that is not running, for what has no interface yet."""
        assert not self.running()
        return sqlite3.connect(self.data / "haven.db")

    def facts(self, statement, *values):
        """Rows of the database of a server that is running, only read."""
        path = f"file:{self.data / 'haven.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(path, uri=True)) as db:
            return db.execute(statement, values).fetchall()

    def add_project(self, name, public=False):
        body = json.dumps({"project_name": name, "metadata": {"public": str(public).lower()}}).encode()
        with contextlib.closing(self.registry()) as registry:
            answer = registry.request("POST", "/api/v2.0/projects", body=body)
        assert answer.status == 201, answer


def wait_until(condition, seconds=180, what="it"):
    """Waits for what happens elsewhere; returns the condition's value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


def haven(*args, env=None, **more):
    """Runs a command of the program to its end."""
    return subprocess.run([HAVEN, *map(str, args)], env=env or environment(), capture_output=True, text=True,
                          timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL, **more)
