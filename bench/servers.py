# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured. Each runs on a free port of 127.0.0.1 with its files in a folder of its own.

Logs go to a file and hold errors only, in all three, so that nobody is measured writing lines for requests.
"""
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request

PASSWORD = "Measure-12345"
START_TIMEOUT = 60.0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One server process (and its children), stopped at the end of a with block."""
    name = ""
    host = "127.0.0.1"

    def __init__(self, folder, tls=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tls = tls  # (certificate, key) files
        self.port = free_port()
        self.process = None
        self.headers = {}

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment())
        end = time.monotonic() + START_TIMEOUT
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                tail = (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"{self.name} did not start:\n{tail}")
            time.sleep(0.001)
        return self

    def answers(self):
        """Whether the port accepts connections."""
        with socket.socket() as s:
            return s.connect_ex((self.host, self.port)) == 0

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def remove(self):
        """Stops and forgets everything that was stored."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def pids(self):
        if not self.process:
            return []
        out, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            out.append(pid)
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except OSError:
                continue
            for task in tasks:
                try:
                    text = pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii")
                except OSError:
                    continue
                todo += [int(p) for p in text.split()]
        return out

    def url(self, path):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{path}"

    def blob_path(self, repository, digest):
        return f"/v2/{repository}/blobs/{digest}"

    def push_headers(self):
        return {}

    def authorise_pulls(self, repository):
        """Fills self.headers with what an anonymous pull needs."""


class Haven(Server):
    name = "haven"
    program = None

    def command(self):
        return [str(self.program), "serve", "--data", str(self.folder / "data"),
                "--listen", f"{self.host}:{self.port}"]

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("HAVEN_")}
        env |= {"HAVEN_ADMIN_PASSWORD": PASSWORD, "HAVEN_LOG_LEVEL": "error"}
        if self.tls:
            env |= {"HAVEN_TLS_CERT": str(self.tls[0]), "HAVEN_TLS_KEY": str(self.tls[1])}
        return env

    def push_headers(self):
        return {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}

    def authorise_pulls(self, repository):
        url = self.url(f"/service/token?service=harbor-registry&scope=repository:{repository}:pull")
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.headers = {"Authorization": "Bearer " + json.load(answer)["token"]}

    def blob_file(self, digest):
        """Where the bytes lie, so that another server can send the very same file."""
        algorithm, _, hexadecimal = digest.partition(":")
        return self.folder / "data" / "blobs" / algorithm / hexadecimal[:2] / hexadecimal


class DockerRegistry(Server):
    """The settings that Debian installs, without the password file and with errors only in the log."""
    name = "docker-registry"

    def command(self):
        config = self.folder / "config.yml"
        config.write_text(f"""version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  cache: {{blobdescriptor: inmemory}}
  filesystem: {{rootdirectory: {self.folder / 'data'}}}
  delete: {{enabled: true}}
http:
  addr: {self.host}:{self.port}
  headers: {{X-Content-Type-Options: [nosniff]}}
health:
  storagedriver: {{enabled: true, interval: 10s, threshold: 3}}
""", encoding="utf-8")
        return ["docker-registry", "serve", str(config)]

    def environment(self):
        return {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}


class Nginx(Server):
    """Sends the files below a folder: sendfile, descriptors kept open, one worker a core."""
    name = "nginx"

    def __init__(self, folder, root, tls=None):
        super().__init__(folder, tls)
        self.root = pathlib.Path(root)

    def command(self):
        self.folder = self.folder.resolve()
        ssl = ""
        if self.tls:
            ssl = f"ssl_certificate {self.tls[0]}; ssl_certificate_key {self.tls[1]}; ssl_protocols TLSv1.3;"
        (self.folder / "nginx.conf").write_text(f"""
{'user root;' if os.geteuid() == 0 else ''}
worker_processes auto;
daemon off;
pid {self.folder}/pid;
error_log {self.folder}/error.log error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=60s;
    default_type application/octet-stream;
    client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2;
    fastcgi_temp_path {self.folder}/t3; uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
    server {{
        listen {self.host}:{self.port} {'ssl' if self.tls else ''};
        {ssl}
        root {self.root.resolve()};
    }}
}}
""", encoding="utf-8")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        return [program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def blob_path(self, repository, digest):
        hexadecimal = digest.partition(":")[2]
        return f"/{hexadecimal[:2]}/{hexadecimal}"
