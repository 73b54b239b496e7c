# SPDX-License-Identifier: Apache-2.0
"""haven serve as a process: settings and their sources, start, stop, reload, one owner per directory."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import ssl
import stat
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HAVEN = os.environ.get("HAVEN_BIN", str(ROOT / "build" / "haven"))
PASSWORD = "Correct-Horse-9"
READY = re.compile(r"haven: listening on (https?)://([0-9.]+|\[[0-9a-f:]+\]):([0-9]+)\n")


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("HAVEN_")}
    env.update(more)
    return env


def haven(*args, env=None, stdin=None, timeout=20):
    return subprocess.run([HAVEN, *map(str, args)], env=env or environment(), capture_output=True,
                          text=True, input=stdin, timeout=timeout, check=False)


class Server:
    """A running server. Standard error goes to a file, so that the server never waits for a reader."""

    def __init__(self, data, *flags, env=None, listen="127.0.0.1:0"):
        self.data = pathlib.Path(data)
        self.log_path = self.data.parent / (self.data.name + ".log")
        self.log_file = open(self.log_path, "ab")
        args = [HAVEN, "serve", "--data", str(data), *map(str, flags)]
        if listen:
            args += ["--listen", listen]
        self.process = subprocess.Popen(
            args, stdout=subprocess.PIPE, stderr=self.log_file, text=True,
            env=environment(HAVEN_ADMIN_PASSWORD=PASSWORD) if env is None else env)
        self.line = self.process.stdout.readline()
        found = READY.fullmatch(self.line)
        if not found:
            self.process.wait(10)
            raise AssertionError(f"not ready: {self.line!r} {self.log()}")
        self.scheme, self.host, self.port = found[1], found[2].strip("[]"), int(found[3])

    def log(self):
        return self.log_path.read_text()

    def wait_log(self, words, seconds=5):
        end = time.monotonic() + seconds
        while words not in self.log():
            assert time.monotonic() < end, f"{words!r} is not in the log:\n{self.log()}"
            time.sleep(0.02)

    def request(self, method, path, body=None, auth=True, headers=()):
        conn = http.client.HTTPConnection(self.host, self.port, timeout=20)
        headers = dict(headers)
        if auth:
            pair = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
            headers["Authorization"] = "Basic " + pair
        conn.request(method, path, body=body, headers=headers)
        answer = conn.getresponse()
        answer.content = answer.read()
        conn.close()
        return answer

    def push_blob(self, content):
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        answer = self.request("POST", "/v2/library/m/blobs/uploads/?digest=" + digest, content,
                              headers={"Content-Type": "application/octet-stream"})
        assert answer.status == 201, answer.content
        return digest

    def stop(self, seconds=20):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()
            self.log_file.close()
        return code


@pytest.fixture
def start(tmp_path):
    """Starts servers that are gone when the test ends."""
    running = []

    def begin(*flags, data=None, **more):
        server = Server(data or tmp_path / "data", *flags, **more)
        running.append(server)
        return server

    yield begin
    for server in running:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def settings(*args, env=None):
    """--print-config as {key: (value, source)}."""
    done = haven("serve", "--print-config", *args, env=env)
    assert done.returncode == 0, done.stderr
    rows = {}
    for line in done.stdout.splitlines():
        key, rest = line.split(": ", 1)
        value, source = rest.rsplit(" # ", 1)
        rows[key] = (value.strip('"'), source)
    return rows


# ---- settings ----


def test_defaults():
    rows = settings()
    assert rows["listen"] == ("127.0.0.1:8080", "default")
    assert rows["data"] == ("./haven-data", "default")
    assert all(source == "default" for _, source in rows.values())


def test_sources_in_order(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("http:\n  workers: 20\n  io_threads: 3\n  idle_timeout: 20s\nlog.level: debug\n")
    env = environment(HAVEN_HTTP_WORKERS="21", HAVEN_HTTP_IDLE_TIMEOUT="21s")
    rows = settings("--config", file, "--http-idle-timeout", "22s", env=env)
    assert rows["http.io_threads"] == ("3", "file")
    assert rows["http.workers"] == ("21", "environment")
    assert rows["http.idle_timeout"] == ("22s", "flag")
    assert rows["log.level"] == ("debug", "file")
    assert rows["http.byte_workers"][1] == "default"
    # the other spelling of a flag, and the file named by the environment
    env["HAVEN_CONFIG"] = str(file)
    rows = settings("--http-idle-timeout=23s", env=env)
    assert rows["http.idle_timeout"] == ("23s", "flag")
    assert rows["http.io_threads"] == ("3", "file")


def test_print_config_can_be_read_back(tmp_path):
    file = tmp_path / "c.yaml"
    first = haven("serve", "--print-config", "--trusted-proxies", "10.0.0.0/8,::1", "--http-workers", "9")
    file.write_text(first.stdout)
    again = haven("serve", "--print-config", "--config", file)
    strip = lambda text: [line.rsplit(" # ", 1)[0] for line in text.splitlines()]
    assert strip(first.stdout) == strip(again.stdout)


def test_print_config_starts_nothing(tmp_path):
    done = haven("serve", "--print-config", "--data", tmp_path / "data")
    assert done.returncode == 0
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("text,words", [
    ("http:\n  idle_timout: 5s\n", ':2: key "http.idle_timout": no such key; did you mean "http.idle_timeout"?'),
    ("nothing: 1\n", ':1: key "nothing": no such key'),
    ("listen: \"x\n", "not valid YAML"),
    ("data: a\ndata: b\n", ':2: key "data": given twice, first in line 1'),
    ("http.workers: lots\n", ':1: key "http.workers": "lots" is not accepted'),
    ("trusted_proxies: 10.0.0.1\n", ':1: key "trusted_proxies": a list is expected'),
    ("data: &a x\nlisten: *a\n", "anchors are not accepted"),
    ("- a\n- b\n", "must be a mapping"),
    ("listen: nowhere\n", 'key "listen": it must be an address and a port'),
    ("tls:\n  cert: x.pem\n", 'key "tls.cert": tls.key is needed'),
])
def test_bad_file(tmp_path, text, words):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    for command in (["serve", "--config"], ["config", "check"]):
        done = haven(*command, file)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.startswith(f"haven: {command[0]}: ") and done.stderr.endswith(" [CONFIG]\n")
        assert done.stdout == ""
    assert not (tmp_path / "data").exists()


def test_missing_file(tmp_path):
    done = haven("serve", "--config", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert "No such file" in done.stderr and "none.yaml" in done.stderr


@pytest.mark.parametrize("flags,words", [
    (["--http-workers", "0"], '--http-workers: "0" is not accepted; it must be a whole number from 2 to 512'),
    (["--http-workers"], "needs a value"),
    (["--http-workres", "3"], "did you mean --http-workers?"),
    (["--no-such-thing"], "unknown option --no-such-thing"),
    (["-x"], "unknown option -x"),
    (["--listen", "8080"], "--listen: it must be an address and a port"),
    (["stray"], 'unexpected argument "stray"'),
    (["--print-config=yes"], "takes no value"),
])
def test_bad_flags(flags, words):
    done = haven("serve", *flags)
    assert done.returncode == 2
    assert words in done.stderr
    assert re.fullmatch(r"haven: serve: .* \[(USAGE|CONFIG)\]\n", done.stderr)


def test_bad_environment():
    done = haven("serve", env=environment(HAVEN_HTTP_WORKRES="3"))
    assert done.returncode == 2
    assert "HAVEN_HTTP_WORKRES; did you mean HAVEN_HTTP_WORKERS?" in done.stderr
    done = haven("serve", env=environment(HAVEN_HTTP_WORKERS="3x"))
    assert done.returncode == 2
    assert 'HAVEN_HTTP_WORKERS: "3x" is not accepted' in done.stderr


def test_environment_of_kubernetes_is_no_mistake():
    settings(env=environment(HAVEN_SERVICE_HOST="10.0.0.1", HAVEN_PORT="tcp://10.0.0.1:80",
                             HAVEN_PORT_80_TCP_ADDR="10.0.0.1"))


def test_sample_is_accepted(tmp_path):
    file = tmp_path / "sample.yaml"
    file.write_text(haven("config", "sample").stdout)
    assert haven("config", "check", file).returncode == 0


# ---- the command line in general ----


def test_commands():
    done = haven()
    assert done.returncode == 2 and "Commands:" in done.stdout
    for word in ("help", "--help", "-h"):
        done = haven(word)
        assert done.returncode == 0 and "  serve " in done.stdout and done.stderr == ""
    assert haven("help", "serve").stdout == haven("serve", "--help").stdout
    assert "--http-idle-timeout" in haven("serve", "--help").stdout
    assert haven("version").stdout == haven("--version").stdout
    version = json.loads(haven("version", "--json").stdout)["version"]
    assert haven("version").stdout == f"haven {version}\n"
    done = haven("srve")
    assert done.returncode == 2 and 'did you mean "serve"?' in done.stderr
    done = haven("version", "--json", "extra")
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["code"] == "USAGE"
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([HAVEN, "help"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"No space left" in done.stderr


def test_generated_texts(tmp_path):
    script = haven("completion", "bash").stdout
    file = tmp_path / "completion.bash"
    file.write_text(script + "\nCOMP_WORDS=(haven serve --log-level d) COMP_CWORD=3\n_haven\n"
                    "echo \"${COMPREPLY[@]}\"\n"
                    "COMP_WORDS=(haven se) COMP_CWORD=1\n_haven\necho \"${COMPREPLY[@]}\"\n")
    done = subprocess.run(["bash", file], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("debug\nserve\n", "")
    assert "#compdef haven" in haven("completion", "zsh").stdout
    assert "complete -c haven" in haven("completion", "fish").stdout
    assert haven("completion", "tcsh").returncode == 2
    page = haven("man").stdout
    assert page.startswith(".TH HAVEN 1 ") and "HAVEN_HTTP_IDLE_TIMEOUT" in page
    subprocess.run([ROOT / "tools" / "check-generated"], check=True,
                   env={**os.environ, "HAVEN_BIN": HAVEN})


# ---- start ----


def test_start_and_stop(start, tmp_path):
    server = start()
    assert server.line == f"haven: listening on http://127.0.0.1:{server.port}\n"
    assert server.request("GET", "/v2/").status == 200
    data = tmp_path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert (data / "haven.db").exists()
    assert stat.S_IMODE((data / "lock").stat().st_mode) == 0o600
    assert (data / "lock").read_text() == f"{server.process.pid}\n"
    assert not (data / "initial-admin-password").exists() # the password was given
    assert server.stop() == 0
    assert "server.stopped" in server.log()


def test_restart_keeps_everything(start):
    server = start()
    digest = server.push_blob(b"kept")
    assert server.stop() == 0
    server = start(env=environment())
    assert server.request("GET", f"/v2/library/m/blobs/{digest}").content == b"kept"
    assert not (server.data / "initial-admin-password").exists()
    assert server.stop() == 0


def test_ipv6(start):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = start(listen="[::1]:0")
    assert server.line.startswith("haven: listening on http://[::1]:")
    assert server.request("GET", "/v2/").status == 200


def test_password_is_not_left_in_the_environment(start):
    server = start()
    environ = pathlib.Path(f"/proc/{server.process.pid}/environ").read_bytes()
    assert PASSWORD.encode() not in environ


def test_random_password_goes_to_a_file(start):
    server = start(env=environment())
    file = server.data / "initial-admin-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = file.read_text().strip()
    assert len(password) >= 16
    assert password not in server.log() and password not in server.line
    assert not list(server.data.glob("*.pending"))
    pair = base64.b64encode(f"admin:{password}".encode()).decode()
    answer = server.request("GET", "/v2/_catalog", auth=False, headers={"Authorization": "Basic " + pair})
    assert answer.status == 200
    wrong = base64.b64encode(b"admin:wrong").decode()
    answer = server.request("GET", "/v2/_catalog", auth=False, headers={"Authorization": "Basic " + wrong})
    assert answer.status == 401
    assert server.stop() == 0
    server = start(env=environment())
    assert file.read_text().strip() == password # the second start makes no other


def test_pending_password_of_a_crashed_first_start(start, tmp_path):
    """A first start that died before the account was made: the kept password is the account's."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "initial-admin-password.pending").write_text("KeptFromTheFirstTry1")
    server = start(env=environment())
    assert (data / "initial-admin-password").read_text() == "KeptFromTheFirstTry1"
    assert not (data / "initial-admin-password.pending").exists()
    assert server.stop() == 0
    # A stale one that the account does not accept is forgotten.
    (data / "initial-admin-password").unlink()
    (data / "initial-admin-password.pending").write_text("NotThePasswordAtAll1")
    server = start(env=environment())
    assert not list(data.glob("initial*"))


def test_random_password_is_shown_on_a_terminal(tmp_path):
    main, other = pty.openpty()
    process = subprocess.Popen(
        [HAVEN, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0"], stdout=other,
        stderr=subprocess.DEVNULL, env=environment())
    os.close(other)
    try:
        shown = ""
        end = time.monotonic() + 10
        while "listening on" not in shown and time.monotonic() < end:
            if select.select([main], [], [], 0.1)[0]:
                shown += os.read(main, 4096).decode()
        assert re.search(r"user admin, password [A-Za-z0-9]{16,} ", shown), shown
        assert not list((tmp_path / "data").glob("initial*"))
    finally:
        process.terminate()
        assert process.wait(20) == 0
        os.close(main)


def test_second_server_is_refused(start):
    server = start()
    done = haven("serve", "--data", server.data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert done.stderr == (f"haven: serve: data directory {server.data} is in use by another server "
                           f"(process {server.process.pid}) [CONFLICT]\n")
    assert done.stdout == ""
    assert server.request("GET", "/v2/").status == 200
    server.process.kill() # a crash leaves the lock file, but not the lock
    server.process.wait()
    start()


def test_port_in_use(start, tmp_path):
    server = start()
    done = haven("serve", "--data", tmp_path / "other", "--listen", f"127.0.0.1:{server.port}")
    assert done.returncode != 0
    assert f"127.0.0.1:{server.port} is in use" in done.stderr


def test_listen_address_that_is_not_ours(tmp_path):
    done = haven("serve", "--data", tmp_path / "data", "--listen", "192.0.2.1:0")
    assert done.returncode == 2
    assert "192.0.2.1:0" in done.stderr


def test_data_directory_that_cannot_be_used(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    done = haven("serve", "--data", file)
    assert done.returncode == 1
    assert f"data directory {file}" in done.stderr and "Not a directory" in done.stderr
    done = haven("serve", "--data", tmp_path / "none" / "data")
    assert done.returncode == 1
    assert "creating data directory" in done.stderr and "No such file" in done.stderr


def test_data_directory_without_write_permission(tmp_path):
    if os.geteuid() == 0:
        target = pathlib.Path("/proc/self/attr") # nobody can create a file there
    else:
        target = tmp_path / "data"
        target.mkdir(mode=0o500)
    done = haven("serve", "--data", target)
    assert done.returncode == 1
    assert f"data directory {target} cannot be written to" in done.stderr
    assert re.search(r" \[[A-Z_]+\]\n$", done.stderr)


def test_data_directory_may_be_a_link(start, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    server = start(data=tmp_path / "link")
    assert (tmp_path / "real" / "haven.db").exists()
    assert server.stop() == 0


def test_foreign_database_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "haven.db").write_bytes(b"not a database at all" * 1000)
    done = haven("serve", "--data", data, env=environment(HAVEN_ADMIN_PASSWORD=PASSWORD))
    assert done.returncode != 0
    assert re.fullmatch(r"haven: serve: .* \[[A-Z_]+\]\n", done.stderr)


# ---- stop ----


def slow_reader(server, digest):
    """A connection that has begun to read a blob and waits."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.settimeout(20)
    s.connect((server.host, server.port))
    pair = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    s.sendall(f"GET /v2/library/m/blobs/{digest} HTTP/1.1\r\nHost: x\r\n"
              f"Authorization: Basic {pair}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += s.recv(1024)
    assert b" 200 " in head.split(b"\r\n")[0]
    return s, head.split(b"\r\n\r\n", 1)[1]


def wait_refused(server, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((server.host, server.port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError("the server still takes connections")


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stop_lets_transfers_finish(start, sig):
    server = start("--http-drain-timeout", "30s")
    content = os.urandom(1 << 20) * 24
    digest = server.push_blob(content)
    s, got = slow_reader(server, digest)
    server.process.send_signal(sig)
    server.wait_log("server.stopping")
    wait_refused(server)
    assert server.process.poll() is None
    pieces = [got]
    while sum(map(len, pieces)) < len(content):
        piece = s.recv(1 << 20)
        assert piece, "the transfer was cut"
        pieces.append(piece)
    s.close()
    assert hashlib.sha256(b"".join(pieces)).hexdigest() == digest[7:]
    assert server.process.wait(10) == 0


def test_drain_timeout_ends_what_does_not_end(start):
    server = start("--http-drain-timeout", "1s")
    s, _ = slow_reader(server, server.push_blob(os.urandom(1 << 20) * 24))
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 8
    s.close()


def test_second_signal_ends_at_once(start):
    server = start("--http-drain-timeout", "60s")
    s, _ = slow_reader(server, server.push_blob(os.urandom(1 << 20) * 24))
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("server.stopping")
    wait_refused(server)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(5) == -signal.SIGTERM
    s.close()


def test_idle_server_stops_quickly(start):
    server = start()
    idle = http.client.HTTPConnection(server.host, server.port)
    idle.request("GET", "/v2/")
    idle.getresponse().read() # the connection stays open
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 5
    idle.close()


# ---- reload ----


def test_reload(start, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("log: {level: info, format: text}\nhttp.workers: 8\n")
    server = start("--config", file)

    file.write_text("log: {level: info, format: json}\nhttp.workers: 9\n"
                    "external_url: https://models.example.org\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("config.reloaded")
    assert "config.reload.ignored" in server.log() and "http.workers" in server.log()
    server.request("GET", "/v2/")
    server.wait_log('"http.request"')
    last = json.loads(server.log().splitlines()[-1])
    assert last["event"] == "http.request"
    answer = server.request("POST", "/v2/library/m/blobs/uploads/")
    assert answer.getheader("Location", "").startswith(("https://models.example.org/", "/v2/"))

    file.write_text("log: {level: loud}\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("config.reload.failed")
    assert json.loads(server.log().splitlines()[-1])["event"] == "config.reload.failed"
    assert server.request("GET", "/v2/").status == 200

    file.unlink()
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 5
    while server.log().count("config.reload.failed") < 2 and time.monotonic() < end:
        time.sleep(0.02)
    assert server.log().count("config.reload.failed") == 2

    file.write_text("tls: {cert: a.pem, key: b.pem}\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("needs a restart")
    assert server.request("GET", "/v2/").status == 200
    assert server.stop() == 0


def certificate(path, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", path / "key.pem",
                    "-out", path / "cert.pem"], check=True, capture_output=True)
    return (path / "cert.pem").read_text()


def shown_certificate(server):
    return ssl.get_server_certificate((server.host, server.port))


def test_tls_certificate_is_read_again(start, tmp_path):
    first = certificate(tmp_path, "one")
    server = start("--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem")
    assert server.scheme == "https"
    assert shown_certificate(server).split() == first.split()
    second = certificate(tmp_path, "two")
    assert shown_certificate(server).split() == first.split()
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("config.reloaded")
    assert shown_certificate(server).split() == second.split()
    (tmp_path / "cert.pem").write_text("no certificate")
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("config.reload.failed")
    assert shown_certificate(server).split() == second.split()
    assert server.stop() == 0


def test_tls_files_that_do_not_fit(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    certificate(tmp_path / "a", "one")
    certificate(tmp_path / "b", "two")
    for cert, key in (("a/cert.pem", "b/key.pem"), ("a/cert.pem", "none"), ("none", "a/key.pem"),
                      ("a/key.pem", "a/cert.pem")):
        done = haven("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--tls-cert",
                     tmp_path / cert, "--tls-key", tmp_path / key)
        assert done.returncode == 2, done.stderr
        assert done.stdout == "" and "[CONFIG]" in done.stderr


def test_flag_beats_file_in_a_reload_too(start, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("log.format: json\n")
    server = start("--config", file, "--log-format", "text")
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("config.reloaded")
    assert not server.log().splitlines()[-1].startswith("{")


# ---- log and service manager ----


def test_access_log(start):
    server = start("--log-format", "json")
    # A line is written when the answer has gone out, which may be after the client has it.
    server.request("GET", "/v2/library/none/tags/list?token=very-secret&n=1")
    server.wait_log('"GET"')
    server.request("HEAD", "/v2/", auth=False)
    server.wait_log('"HEAD"')
    digest = server.push_blob(b"x" * 1000)
    server.wait_log('"POST"')
    server.request("GET", f"/v2/library/m/blobs/{digest}")
    server.wait_log(digest)
    rows = [json.loads(line) for line in server.log().splitlines()]
    rows = [row for row in rows if row["event"] == "http.request"]
    assert [row["method"] for row in rows] == ["GET", "HEAD", "POST", "GET"]
    assert rows[0]["path"] == "/v2/library/none/tags/list" and rows[0]["status"] == 404
    assert rows[0]["user"] == "admin" and rows[0]["peer"] == "127.0.0.1"
    assert "very-secret" not in server.log() and PASSWORD not in server.log()
    assert rows[1]["bytes"] == 0
    assert rows[2]["received"] == 1000
    assert rows[3]["bytes"] == 1000 and rows[3]["status"] == 200
    assert all("route" in row and "ms" in row for row in rows)


def test_service_manager_is_told(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        process = subprocess.Popen(
            [HAVEN, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment(HAVEN_ADMIN_PASSWORD=PASSWORD, NOTIFY_SOCKET=str(path),
                            WATCHDOG_USEC="200000"))
        try:
            assert manager.recv(200) == b"READY=1"
            assert manager.recv(200) == b"WATCHDOG=1"
            assert manager.recv(200) == b"WATCHDOG=1"
            process.send_signal(signal.SIGHUP)
            while (state := manager.recv(200)) == b"WATCHDOG=1":
                pass
            assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=[0-9]+", state)
            assert manager.recv(200) == b"READY=1"
            process.terminate()
            while (state := manager.recv(200)) == b"WATCHDOG=1":
                pass
            assert state == b"STOPPING=1"
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
