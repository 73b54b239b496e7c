# SPDX-License-Identifier: Apache-2.0
"""`make run` as a first user meets it: tools/run, again and again, with ports taken, and when something is wrong."""
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HAVEN = os.environ.get("HAVEN_BIN", str(ROOT / "build" / "haven"))
with socket.socket() as _probe:
    _probe.bind(("127.0.0.1", 0))
    PORT = _probe.getsockname()[1]


def environment(folder, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("HAVEN_")}
    env.update(HAVEN_BIN=HAVEN, RUN_DIR=str(folder / "run"), RUN_PORT=str(PORT), ONCE="1")
    env.update(more)
    return env


def run(folder, **more):
    return subprocess.run([ROOT / "tools" / "run"], env=environment(folder, **more), capture_output=True, text=True,
                          timeout=120, check=False)


@pytest.mark.release
def test_once_and_again(tmp_path):
    first = run(tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "every file is the same" in first.stdout and first.stdout.endswith("Verified.\n")
    assert "as its card says" in first.stdout
    password = tmp_path / "run" / "admin-password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600 and len(password.read_text().strip()) >= 20
    secret = password.read_text()

    again = run(tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert password.read_text() == secret
    assert secret.strip() not in first.stdout + first.stderr + (tmp_path / "run" / "haven.log").read_text()


def test_port_taken(tmp_path):
    with socket.create_server(("127.0.0.1", PORT)):
        done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    port = int(re.search(r"http://localhost:(\d+)", done.stdout)[1])
    assert port > PORT


@pytest.mark.release
def test_keeps_serving_until_ctrl_c(tmp_path):
    env = environment(tmp_path)
    del env["ONCE"]
    with subprocess.Popen([ROOT / "tools" / "run"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True) as process:
        said = ""
        while "haven push" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert re.search(r"Haven serves at http://localhost:\d+ until Ctrl-C", said)
        assert "password in" in said and said.count(" localhost:") >= 3
        port = int(re.search(r"http://localhost:(\d+)", said)[1])
        socket.create_connection(("127.0.0.1", port), 5).close()

        second = run(tmp_path)
        assert second.returncode != 0 and "another 'make run' is at work" in second.stderr

        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
    assert run(tmp_path).returncode == 0  # the lock is free again, the data as it was


def test_a_server_that_does_not_start(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "data").write_text("not a directory")
    done = run(tmp_path)
    assert done.returncode != 0 and "did not start" in done.stderr


def test_second_owner_of_the_data(tmp_path):
    """Another server on the same data directory is refused in plain words."""
    assert run(tmp_path).returncode == 0
    env = {k: v for k, v in os.environ.items() if not k.startswith("HAVEN_")}
    with subprocess.Popen([HAVEN, "serve", "--data", tmp_path / "run" / "data", "--listen", "127.0.0.1:0"], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout.readline().startswith("haven: listening on ")
        done = run(tmp_path)
        assert done.returncode != 0 and "did not start" in done.stderr and "data" in done.stderr
        owner.terminate()
        assert owner.wait(30) == 0


def test_a_pulled_byte_that_differs(tmp_path):
    """What does not come back as it was pushed fails the run: here the program under test lies."""
    liar = tmp_path / "haven"
    liar.write_text(f'#!/bin/sh\n[ "$1" = pull ] || exec "{HAVEN}" "$@"\n'
                    f'"{HAVEN}" "$@" && printf x >>"$3/config.json"\n')
    liar.chmod(0o755)
    done = run(tmp_path, HAVEN_BIN=str(liar))
    assert done.returncode != 0 and "not what was pushed" in done.stderr


def test_lock_of_a_dead_run_does_not_stay(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").write_text("")
    with open(tmp_path / "run" / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run(tmp_path).returncode != 0
    start = time.monotonic()
    assert run(tmp_path).returncode == 0
    assert time.monotonic() - start < 60
    shutil.rmtree(tmp_path / "run")
