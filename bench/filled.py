# SPDX-License-Identifier: Apache-2.0
"""What the measurements over filled data directories share: a server on one, rows made by SQL, results and their page."""
import base64
import datetime
import http.client
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time

import machine

ROOT = machine.ROOT
HAVEN = pathlib.Path(os.environ.get("HAVEN_BIN") or ROOT / "build" / "haven").resolve()
PASSWORD = "Scale-Horse-9"


def hexes(kind, i):
    """A digest that is one in form only: in order, so that the rows are made quickly."""
    return f"sha256:{kind:08x}{i:056x}"


def basic(user, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Server:
    """Haven on FOLDER/data; requests as the administrator on one connection."""

    def __init__(self, folder):
        self.data = pathlib.Path(folder) / "data"
        self.process, self.conn, self.port = None, None, None

    def start(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("HAVEN_")}
        self.process = subprocess.Popen([HAVEN, "serve", "--data", self.data, "--listen", "127.0.0.1:0",
                                         "--log-level", "warn"], stdout=subprocess.PIPE, text=True,
                                        env=env | {"HAVEN_ADMIN_PASSWORD": PASSWORD})
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.conn = http.client.HTTPConnection("127.0.0.1", self.port)

    def stop(self):
        self.conn.close()
        self.process.terminate()
        self.process.wait()

    def make(self):
        """A data directory with what the first start makes."""
        self.start()
        self.stop()

    def database(self):
        """For filling, with the server stopped: what is lost with the power is made again. Nothing of it is to be read: there
        are no bytes behind its digests."""
        db = sqlite3.connect(self.data / "haven.db")
        db.execute("INSERT OR IGNORE INTO job_pause (kind, since_ms) VALUES ('index', 0)")
        db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;"
                         "PRAGMA temp_store = MEMORY;")
        return db

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def ask(self, method, path, body=None, kind="application/octet-stream", want=200):
        headers = {"Authorization": basic("admin"), "Content-Type": kind}
        try:
            self.conn.request(method, path, body, headers)
            answer = self.conn.getresponse()
        except http.client.RemoteDisconnected:
            self.conn.close()  # idle for too long, while another server was filled
            self.conn.request(method, path, body, headers)
            answer = self.conn.getresponse()
        data = answer.read()
        assert answer.status == want, (method, path, answer.status, data[:300])
        return data


def finish(db):
    db.commit()
    db.close()


def said(what, begin, path):
    print(f"{what}: rows made in {time.perf_counter() - begin:.0f} s, {path.stat().st_size / 2**20:,.0f} MiB", flush=True)


def facts():
    """What every result begins with."""
    commit, changed = machine.commit()
    return {"commit": commit, "changed": changed,
            "date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}",
            "machine": machine.facts(pathlib.Path(tempfile.gettempdir()))}


def measured(results):
    """One line that says where and when."""
    return (f"Measured on {results['date']} at {results['commit'][:12]} ({results['machine']['cpu']}, "
            f"{results['machine']['cores']} cores).")


def save(results, folder, page):
    """FOLDER/DATE-COMMIT.json, and docs/PAGE from its text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{results['date']}-{results['commit'][:12]}.json").write_text(json.dumps(results, indent=1) + "\n",
                                                                              encoding="utf-8")
    name, text = page
    (ROOT / "docs" / name).write_text(text, encoding="utf-8")
