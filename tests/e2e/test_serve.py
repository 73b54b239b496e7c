# SPDX-License-Identifier: Apache-2.0
"""haven serve as a process: settings and their sources, start, stop, reload, one owner per directory."""
import fcntl
import hashlib
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
import threading
import time

import pytest

from harness.raw import Raw
from harness.record import HAVEN, ROOT
from harness.registry import Registry
from harness.server import PASSWORD, PATIENCE, environment, haven, wait_until

# Starts the server without the password that the harness gives it.
RANDOM_PASSWORD = ("env", "-u", "HAVEN_ADMIN_PASSWORD")


def wait_log(server, words, times=1):
    wait_until(lambda: server.log().count(words) >= times, PATIENCE, f"{words!r} in the log")


def last_event(server):
    return json.loads(server.log().splitlines()[-1])


def ended(server, seconds=PATIENCE):
    """Waits for the server's end; returns the exit status."""
    status = server.process.wait(seconds)
    server.forget()
    return status


def alive(server):
    return server.registry().get("/v2/").status == 200


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
    assert done.returncode == 7 and b"No space left" in done.stderr


# ---- start ----


def test_start_and_stop(start):
    server = start()
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert alive(server)
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert (server.data / "haven.db").exists()
    for file in server.data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert (server.data / "lock").read_text() == f"{server.pid}\n"
    assert not list(server.data.glob("initial*"))  # the password was given
    server.stop()
    assert "server.stopped" in server.log()


def test_restart_keeps_everything(start):
    server = start()
    digest = server.registry().push_blob("library/m", b"kept")
    server.restart()
    assert server.registry().blob("library/m", digest).body == b"kept"
    server.stop()
    server.start(RANDOM_PASSWORD)  # an account that exists keeps its password
    assert server.registry().blob("library/m", digest).body == b"kept"
    assert not list(server.data.glob("initial*"))


def test_ipv6(start):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = start(listen="[::1]:0")
    with Raw(server) as raw:
        raw.head("GET /v2/ HTTP/1.1")
        assert raw.answer().status == 200


def test_password_is_not_left_in_the_environment(start):
    environ = pathlib.Path(f"/proc/{start().pid}/environ").read_bytes()
    assert b"HAVEN_ADMIN_PASSWORD" in environ and PASSWORD.encode() not in environ


def test_random_password_goes_to_a_file(start):
    server = start(RANDOM_PASSWORD)
    file = server.data / "initial-admin-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = file.read_text().strip()
    assert re.fullmatch("[A-Za-z0-9]{16,}", password)
    assert password not in server.log()
    assert not list(server.data.glob("*.pending"))
    assert server.registry(password=password).get("/v2/_catalog").status == 200
    assert server.registry(password="wrong").get("/v2/_catalog").status == 401
    server.stop()
    server.start(RANDOM_PASSWORD)
    assert file.read_text().strip() == password  # the second start makes no other


def test_pending_password_of_a_crashed_first_start(start):
    """A first start that died before the account was made: the kept password becomes the account's."""
    server = start(running=False)
    server.data.mkdir(mode=0o700)
    shown, pending = (server.data / ("initial-admin-password" + end) for end in ("", ".pending"))
    pending.write_text("KeptFromTheFirstTry1")
    server.start(RANDOM_PASSWORD)
    assert shown.read_text() == "KeptFromTheFirstTry1" and not pending.exists()
    assert server.registry(password="KeptFromTheFirstTry1").get("/v2/_catalog").status == 200
    server.stop()
    # A stale one that the account does not accept is forgotten.
    shown.unlink()
    pending.write_text("NotThePasswordAtAll1")
    server.start(RANDOM_PASSWORD)
    assert not shown.exists() and not pending.exists()


def test_random_password_is_shown_on_a_terminal(tmp_path):
    main, other = pty.openpty()
    with subprocess.Popen([HAVEN, "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
                          stdout=other, stderr=subprocess.DEVNULL, env=environment()) as process:
        os.close(other)
        shown = ""
        end = time.monotonic() + PATIENCE
        while "listening on" not in shown and time.monotonic() < end:
            if select.select([main], [], [], 0.1)[0]:
                shown += os.read(main, 4096).decode()
        process.terminate()
        assert process.wait(PATIENCE) == 0
    os.close(main)
    assert re.search(r"user admin, password [A-Za-z0-9]{16,} ", shown), shown
    assert not list((tmp_path / "data").glob("initial*"))


def test_second_server_is_refused(start):
    server = start()
    done = haven("serve", "--data", server.data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert done.stderr == (f"haven: serve: data directory {server.data} is in use by another server "
                           f"(process {server.pid}) [CONFLICT]\n")
    assert done.stdout == ""
    assert alive(server)
    server.restart(crash=True)  # leaves the lock's file, but not the lock
    assert alive(server)


def test_lock_that_a_child_of_a_dead_server_holds(start):
    """A server that is killed as it starts a child leaves its lock to that one for a moment."""
    server = start()
    server.kill()
    with open(server.data / "lock", "rb") as child:
        fcntl.flock(child, fcntl.LOCK_EX)
        letting_go = threading.Timer(1, fcntl.flock, (child, fcntl.LOCK_UN))
        letting_go.start()
        server.start()
        letting_go.join()
    assert alive(server)


def test_port_in_use(start, tmp_path):
    server = start()
    done = haven("serve", "--data", tmp_path / "other", "--listen", server.address)
    assert done.returncode == 2
    assert f"{server.address} is in use" in done.stderr


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
        target = pathlib.Path("/proc/self/attr")  # nobody can create a file there
    else:
        target = tmp_path / "data"
        target.mkdir(mode=0o500)
    done = haven("serve", "--data", target)
    assert done.returncode == 1
    assert f"data directory {target} cannot be written to" in done.stderr
    assert re.search(r" \[[A-Z_]+\]\n$", done.stderr)


def test_data_directory_may_be_a_link(start):
    server = start(running=False)
    (server.folder / "real").mkdir()
    server.data.symlink_to("real")
    server.start()
    assert (server.folder / "real" / "haven.db").exists()
    server.stop()
    server.data.unlink()


def test_foreign_database_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "haven.db").write_bytes(b"not a database at all" * 1000)
    done = haven("serve", "--data", data, env=environment(HAVEN_ADMIN_PASSWORD=PASSWORD))
    assert done.returncode == 6
    assert re.fullmatch(r"haven: serve: .* \[[A-Z_]+\]\n", done.stderr)
    assert (data / "haven.db").read_bytes() == b"not a database at all" * 1000


# ---- stop ----


def slow_reader(server, size=24 << 20):
    """A connection that has begun to read a large blob and waits: (connection, digest, size)."""
    digest = server.registry().push_blob("library/m", os.urandom(1 << 20) * (size >> 20))
    raw = Raw(server, timeout=PATIENCE, receive_buffer=65536)
    raw.head(f"GET /v2/library/m/blobs/{digest} HTTP/1.1")
    assert raw.read_head()[0] == 200
    return raw, digest, size


def takes_connections(server):
    try:
        socket.create_connection((server.host, server.port), timeout=1).close()
        return True
    except OSError:
        return False


def begin_stop(server, sig=signal.SIGTERM):
    server.process.send_signal(sig)
    wait_log(server, "server.stopping")
    wait_until(lambda: not takes_connections(server), what="refusing connections")
    assert server.running()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stop_lets_transfers_finish(start, sig):
    server = start(config={"http.drain_timeout": "60s"})
    raw, digest, size = slow_reader(server)
    begin_stop(server, sig)
    while len(raw.buffer) < size:
        assert raw.fill(), "the transfer was cut"
    assert hashlib.sha256(raw.buffer).hexdigest() == digest[7:]
    raw.sock.close()
    assert ended(server) == 0


def test_stop_lets_uploads_finish(start):
    server = start(config={"http.drain_timeout": "60s"})
    content = os.urandom(1 << 20) * 4
    with Raw(server, timeout=PATIENCE) as raw:
        raw.head(f"POST /v2/library/m/blobs/uploads/?digest=sha256:{hashlib.sha256(content).hexdigest()} HTTP/1.1",
                 "Content-Type: application/octet-stream", f"Content-Length: {len(content)}")
        raw.send(content[:1 << 20])
        time.sleep(0.2)
        begin_stop(server)
        raw.send(content[1 << 20:])
        assert raw.answer().status == 201
    assert ended(server) == 0
    server.start()
    assert server.registry().blob("library/m", "sha256:" + hashlib.sha256(content).hexdigest()).body == content


def test_drain_timeout_ends_what_does_not_end(start):
    server = start(config={"http.drain_timeout": "1s"})
    raw, _, _ = slow_reader(server)
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert ended(server) == 0
    assert time.monotonic() - begun >= 0.9
    raw.sock.close()


def test_second_signal_ends_at_once(start):
    server = start(config={"http.drain_timeout": "10m"})
    raw, _, _ = slow_reader(server)
    begin_stop(server)
    server.process.send_signal(signal.SIGTERM)
    assert ended(server) == -signal.SIGTERM
    raw.sock.close()
    server.start()
    assert alive(server)


def test_idle_connections_do_not_delay_the_stop(start):
    server = start(config={"http.drain_timeout": "10m"})
    with Raw(server) as idle:
        idle.head("GET /v2/ HTTP/1.1")
        assert idle.answer().status == 200
        server.stop()


# ---- reload ----


def test_reload(start, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("log: {level: info, format: text}\nhttp.workers: 8\n")
    server = start(flags=["--config", file])

    file.write_text("log: {level: info, format: json}\nhttp.workers: 9\n"
                    "external_url: https://models.example.org\n")
    server.reload()
    wait_log(server, "config.reloaded")
    assert "config.reload.ignored" in server.log() and "http.workers" in server.log()
    assert alive(server)
    wait_log(server, '"http.request"')
    assert last_event(server)["event"] == "http.request"
    challenge = server.anonymous().get("/v2/").get("WWW-Authenticate", "")
    assert 'realm="https://models.example.org/' in challenge

    file.write_text("log: {level: loud}\n")
    server.reload()
    wait_log(server, "config.reload.failed")
    wait_until(lambda: last_event(server)["event"] == "config.reload.failed")
    assert alive(server)

    file.unlink()
    server.reload()
    wait_log(server, "config.reload.failed", times=2)

    file.write_text("tls: {cert: a.pem, key: b.pem}\n")
    server.reload()
    wait_log(server, "needs a restart")
    assert alive(server)


def test_flag_beats_file_in_a_reload_too(start, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("log.format: json\n")
    server = start(flags=["--config", file, "--log-format", "text"])
    server.reload()
    wait_log(server, "config.reloaded")
    assert not server.log().splitlines()[-1].startswith("{")


def certificate(path, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", path / "key.pem",
                    "-out", path / "cert.pem"], check=True, capture_output=True)
    return (path / "cert.pem").read_text().split()


def shown_certificate(server):
    return ssl.get_server_certificate((server.host, server.port)).split()


def test_tls_certificate_is_read_again(start, tmp_path):
    first = certificate(tmp_path, "one")
    server = start(config={"tls.cert": tmp_path / "cert.pem", "tls.key": tmp_path / "key.pem"})
    assert server.scheme == "https" and alive(server)
    assert shown_certificate(server) == first
    second = certificate(tmp_path, "two")
    assert shown_certificate(server) == first
    server.reload()
    wait_log(server, "config.reloaded")
    assert shown_certificate(server) == second
    (tmp_path / "cert.pem").write_text("no certificate")
    server.reload()
    wait_log(server, "config.reload.failed")
    assert shown_certificate(server) == second


def test_tls_files_that_do_not_fit(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        certificate(tmp_path / name, name)
    for cert, key in (("a/cert.pem", "b/key.pem"), ("a/cert.pem", "none"), ("none", "a/key.pem"),
                      ("a/key.pem", "a/cert.pem")):
        done = haven("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--tls-cert",
                     tmp_path / cert, "--tls-key", tmp_path / key)
        assert done.returncode == 2, done.stderr
        assert done.stdout == "" and "[CONFIG]" in done.stderr


# ---- log and service manager ----


def test_access_log(start):
    server = start(config={"log.format": "json"})
    registry, nobody = server.registry(), Registry(server.url)
    # A line is written when the answer has gone out, which may be after the client has it.
    registry.get("/v2/library/none/tags/list?token=very-secret&n=1")
    wait_log(server, '"GET"')
    nobody.head("/v2/")
    wait_log(server, '"HEAD"')
    digest = "sha256:" + hashlib.sha256(b"x" * 1000).hexdigest()
    assert registry.by_post("library/m", b"x" * 1000, digest).status == 201
    wait_log(server, '"POST"')
    registry.blob("library/m", digest)
    wait_log(server, digest)
    rows = [json.loads(line) for line in server.log().splitlines()]
    rows = [row for row in rows if row["event"] == "http.request"]
    assert [row["method"] for row in rows] == ["GET", "HEAD", "POST", "GET"]
    assert rows[0]["path"] == "/v2/library/none/tags/list" and rows[0]["status"] == 404
    assert rows[0]["user"] == "admin" and rows[0]["peer"] == "127.0.0.1"
    assert "very-secret" not in server.log() and PASSWORD not in server.log()
    assert rows[1]["bytes"] == 0 and rows[1]["status"] == 401 and "user" not in rows[1]
    assert rows[2]["received"] == 1000
    assert rows[3]["bytes"] == 1000 and rows[3]["status"] == 200
    assert all("route" in row and "ms" in row for row in rows)


def test_service_manager_is_told(start, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE)

        def state_after_watchdog():
            while (state := manager.recv(200)) == b"WATCHDOG=1":
                pass
            return state

        server = start(env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"})
        assert manager.recv(200) == b"READY=1"
        assert manager.recv(200) == b"WATCHDOG=1"
        assert manager.recv(200) == b"WATCHDOG=1"
        server.reload()
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=[0-9]+", state_after_watchdog())
        assert manager.recv(200) == b"READY=1"
        server.process.terminate()
        assert state_after_watchdog() == b"STOPPING=1"
        assert ended(server) == 0
