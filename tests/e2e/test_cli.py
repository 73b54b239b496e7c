# SPDX-License-Identifier: Apache-2.0
"""How the command line speaks to people and scripts: usage, progress, summary, JSON, errors, exit status, signals."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from harness.client import MIB, MODEL, env, fake, haven, model, noise, ok, refused, tree, write  # noqa: F401
from harness.fake_registry import wait_until
from harness.record import HAVEN
from harness.terminal import Terminal

# ---- usage and errors ----

@pytest.mark.parametrize("args", [
    ("push",), ("push", "a"), ("pull", "a", "b", "c"), ("push", "--nonsense", "a", "b"), ("login",),
    ("push", "-j", "0", ".", "localhost/a/b"), ("pull", "-j", "33", "localhost/a/b", "x"),
    ("login", "--password-stdin", "localhost")])
def test_usage(haven, args):
    refused(haven(*args, stdin=subprocess.DEVNULL), "USAGE")


def test_part_of_the_server(haven):
    """The process in which a server reads models is started by a server alone, and nobody is told of it."""
    refused(haven("parse", stdin=subprocess.DEVNULL), "USAGE", "`haven serve`, which alone can start it")
    for args in (("help",), ("completion", "bash"), ("man",)):
        assert not re.search(r"\bparse\b", ok(haven(*args)).stdout)


@pytest.mark.parametrize("ref", ["", "m", "library/m", "localhost/UPPER+/m", "ftp://localhost/a/b", "localhost/a/b:", "localhost/a/b@sha256:1"])
def test_bad_references(haven, tmp_path, ref):
    for args in (("pull", ref, tmp_path / "o"), ("push", tmp_path, ref)):
        refused(haven(*args), "NAME_INVALID")
    assert not (tmp_path / "o").exists()


def test_bad_ca_file(haven, tmp_path):
    refused(haven("pull", "--ca-file", tmp_path / "none.pem", "localhost/a/b", tmp_path / "o"), "CONFIG", "none.pem")


def test_json_error(haven, tmp_path):
    done = haven("pull", "--json", "localhost:1/a/b", tmp_path / "o")
    assert done.returncode == 5 and done.stdout == ""
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "NETWORK"


    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert error["exit_status"] == 5 and "localhost:1" in error["hint"]
    done = haven("pull", "--json", "x", tmp_path / "o")
    assert json.loads(done.stderr)["error"]["hint"].startswith("a reference is written HOST[:PORT]/")


@pytest.mark.parametrize("status, wire, code, hint", [
    (404, "MANIFEST_UNKNOWN", "MANIFEST_UNKNOWN", "check the name and the tag"),
    (404, "NAME_UNKNOWN", "NAME_UNKNOWN", "check the repository's name"),
    (404, "ELSE", "NOT_FOUND", "check the name"),
    (403, "DENIED", "DENIED", "this account may not do this"),
    (418, "TEAPOT", "REMOTE", None)])
def test_exit_status_and_hint(fake, haven, tmp_path, status, wire, code, hint):
    reg = fake()
    reg.hook = lambda h: "/manifests/" in h.bare and (h.error(status, wire), True)[1]
    done = refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), code)
    last = done.stderr.rstrip().split("\n")[-1]
    assert last.startswith(f"hint: {hint}") if hint else not last.startswith("hint")
    assert "HOST" not in done.stderr
    told = json.loads(haven("errors", "--json").stdout)
    assert {e["code"]: e["exit_status"] for e in told["errors"]}[code] == done.returncode
    assert done.returncode in [e["exit_status"] for e in told["exit_statuses"]]
    assert re.search(rf"^ +{done.returncode}  ", haven("help", "exit-codes").stdout, re.M)


def test_tls_hints(fake, haven, model, tmp_path):
    reg = fake()
    done = refused(haven("push", model, f"https://{reg.host}/p/m:v1"), "NETWORK")
    assert "hint: " in done.stderr and "--plain-http" in done.stderr.split("hint: ")[1]


# ---- progress ----

def paused(reg, content, at, files=1, path="weights.safetensors"):
    """A model whose blobs stop at this byte until the event is set."""
    go = threading.Event()
    layers = [(path if files == 1 else f"{i}-{path}", content if i == 0 else noise(len(content), 100 + i))
              for i in range(files)]
    reg.add_manifest("p/m", "v1", layers)

    def hook(h):
        if h.command != "GET" or "/blobs/" not in h.bare or go.is_set():
            return False
        data = reg.blobs[h.bare.split("/")[-1]]
        h.send_response(200)
        h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        h.wfile.write(data[:at])
        go.wait(60)
        h.wfile.write(data[at:])
        return True

    reg.hook = hook
    return go


@pytest.fixture
def terminal(env):
    def run(*args, columns=80, lines=24, **more):
        more = {"TERM": "xterm", "LC_ALL": "C.UTF-8", **more}
        return Terminal([HAVEN, *args], {**env, **{k: v for k, v in more.items() if v is not None}}, columns, lines)
    return run


@pytest.mark.parametrize("args", [("-q",), ("--quiet",), ("--progress", "none"), ("--progress=none",)])
def test_quiet(fake, haven, model, args):
    reg = fake()
    done = ok(haven("push", *args, model, f"{reg.host}/p/m:v1"))
    assert done.stderr == "" and "pushed" in done.stdout


def test_progress_words(haven, tmp_path):
    done = refused(haven("pull", "--progress", "loud", "localhost/p/m", tmp_path), "USAGE", "auto|bar|plain|json|none")
    assert "loud" in done.stderr


def test_bars(fake, terminal, tmp_path):
    reg = fake()
    go = paused(reg, noise(8 * MIB), 6 * MIB, files=3)
    t = terminal("pull", f"{reg.host}/p/m:v1", tmp_path / "o", "-j", "3")
    rows = t.until(lambda rows: len(rows) == 4 and " 75 %  18.0 MiB of 24.0 MiB" in rows[-1])
    for i in range(3):
        assert any(re.fullmatch(rf"{i}-weights\.safetensors +━+─+  75 %     6\.0 MiB / 8\.0 MiB", row) for row in rows), rows
    assert "0 of 3 files" in rows[-1]
    with t.lock:
        colors = {cell.fg for line in t.screen.buffer.values() for cell in line.values()}
    assert "green" in colors
    # Nothing moves: after some seconds the rate of the last ones says so.
    t.until(lambda rows: "  0 B/s" in rows[-1] and "left" not in rows[-1])
    go.set()
    assert t.wait() == 0, t.text()
    rows = t.rows()
    assert sorted(rows[:3]) == [f"done    {i}-weights.safetensors (8.0 MiB)" for i in range(3)]
    assert rows[3].startswith("pulled ") and not any("━" in row or " left" in row for row in rows), "not wiped away"


def test_a_picture_is_one_write(fake, env, tmp_path):
    """At most ten a second. A packet pipe keeps writes apart; --progress bar draws on it too."""
    reg = fake()
    go = paused(reg, noise(8 * MIB), 6 * MIB, files=3)
    out, into = os.pipe2(os.O_DIRECT)
    begun = time.monotonic()
    p = subprocess.Popen([HAVEN, "pull", "--progress", "bar", f"{reg.host}/p/m:v1", str(tmp_path / "o")], stderr=into,
                         stdout=subprocess.DEVNULL, env={**env, "COLUMNS": "60", "LINES": "10"})
    os.close(into)
    threading.Timer(1.5, go.set).start()
    writes = []
    while piece := os.read(out, 65536):
        writes.append(piece)
    os.close(out)
    assert p.wait(30) == 0
    assert 8 <= len(writes) <= (time.monotonic() - begun) * 10 + 2
    assert all(w.endswith(b"\x1b[K\x1b[J") for w in writes[:-1]) and writes[-1].endswith(b"\x1b[J")
    up = [int(n) for n in re.findall(rb"\r\x1b\[(\d+)A", b"".join(writes))]
    assert max(up) == 3, "three files and the whole"


def test_narrow_and_short(fake, terminal, tmp_path):
    reg = fake()
    go = paused(reg, noise(4 * MIB), 2 * MIB, files=5)
    t = terminal("pull", f"{reg.host}/p/m:v1", tmp_path / "o", "-j", "5", columns=30, lines=4)
    rows = t.until(lambda rows: rows and rows[-1].startswith(" 50 %"))
    assert len(rows) == 3 and all(len(row) < 30 for row in rows), rows
    assert re.fullmatch(r"\d-weights\.safetensors +50 %", rows[0])
    t.resize(100, 24)
    rows = t.until(lambda rows: len(rows) == 6)
    assert "2.0 MiB / 4.0 MiB" in rows[0]
    go.set()
    assert t.wait() == 0


@pytest.mark.parametrize("how", ["NO_COLOR", "C", "dumb", "plain"])
def test_simpler_terminals(fake, terminal, tmp_path, how):
    reg = fake()
    go = paused(reg, noise(4 * MIB), 2 * MIB, path="größe.safetensors")
    more = {"NO_COLOR": {"NO_COLOR": "1"}, "C": {"LC_ALL": "C"}, "dumb": {"TERM": "dumb"}, "plain": {}}[how]
    args = ("--progress", "plain") if how == "plain" else ()
    t = terminal("pull", *args, f"{reg.host}/p/m:v1", tmp_path / "o", **more)
    if how in ("NO_COLOR", "C"):
        rows = t.until(lambda rows: rows and rows[-1].startswith(" 50 %"))
        assert re.match(r"größe\.safetensors  ━+─+ " if how == "NO_COLOR" else r"gr\?\?e\.safetensors  #+-+ ", rows[0]), rows
    else:
        t.until(lambda rows: rows and "50 %  2.0 MiB of 4.0 MiB" in rows[0])  # after five seconds
    go.set()
    assert t.wait() == 0
    raw = t.raw()
    if how == "NO_COLOR":
        assert not re.search(rb"\x1b\[[0-9;]*m", raw)
    if how == "C":
        assert not any(b > 126 for b in raw)
    if how in ("dumb", "plain"):
        assert b"\x1b" not in raw


def test_many_files_are_counted(fake, terminal, haven, tmp_path):
    reg = fake()
    reg.add_manifest("p/m", "v1", [(f"part-{i:03}", b"%d" % i) for i in range(101)])
    t = terminal("pull", f"{reg.host}/p/m:v1", tmp_path / "o")
    assert t.wait() == 0 and b"done    part" not in t.raw()
    assert "101 files" in t.text()
    done = ok(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o2"))
    assert "part-" not in done.stderr
    done = ok(haven("pull", "--progress", "json", f"{reg.host}/p/m:v1", tmp_path / "o3"))
    assert sum(json.loads(line)["event"] == "file" for line in done.stderr.splitlines()) == 101


def test_json_events(fake, haven, tmp_path):
    """What docs/client.md promises of each event."""
    reg = fake()
    content = noise(4 * MIB)
    go = paused(reg, content, 2 * MIB, path="a \"b\" ü.safetensors")
    inner, fails = reg.hook, iter([True])

    def hook(h):
        if "/blobs/" in h.bare and h.command == "GET" and next(fails, False):
            h.error(503, "UNAVAILABLE", headers={"Retry-After": "1"})
            return True
        return inner(h)

    reg.hook = hook
    threading.Timer(3.5, go.set).start()
    done = ok(haven("pull", "--progress", "json", "--json", f"{reg.host}/p/m:v1", tmp_path / "o"))
    events = [json.loads(line) for line in done.stderr.splitlines()]
    by = {}
    for event in events:
        by.setdefault(event["event"], []).append(event)
    assert set(by) == {"begin", "retry", "progress", "file", "end"}
    path = 'a "b" ü.safetensors'
    assert by["begin"][0]["path"] == path and by["begin"][0]["size"] == 4 * MIB
    retry = by["retry"][0]
    assert retry["path"] == path and "503" in retry["why"] and retry["attempt"] == 2 and retry["attempts"] >= 3
    assert 1 <= retry["wait_seconds"] < 1.5
    last = by["progress"][-1]
    assert last["bytes_done"] == last["bytes_transferred"] == 2 * MIB and last["bytes"] == 4 * MIB
    assert last["running"] == [{"path": path, "size": 4 * MIB, "bytes_done": 2 * MIB}]
    assert last["files"] == 1 and last["files_done"] == 0 and last["retries"] == 1
    assert last["bytes_per_second"] > 0 and last["seconds_left"] > 0
    assert {k: by["file"][0][k] for k in ("path", "size", "how")} == {"path": path, "size": 4 * MIB, "how": "moved"}
    assert events[-1]["event"] == "end" and events[-1]["bytes_done"] == 4 * MIB and events[-1]["files_done"] == 1
    times = [event["elapsed_seconds"] for event in events]
    assert times == sorted(times) and times[-1] > 3
    assert json.loads(done.stdout)["retries"] == 1
    again = ok(haven("pull", "--progress", "json", f"{reg.host}/p/m:v1", tmp_path / "o"))
    assert [e["how"] for e in map(json.loads, again.stderr.splitlines()) if e["event"] == "file"] == ["present"]


def test_retries_are_told(fake, haven, model):
    reg = fake()
    fails = iter([True, True])
    reg.hook = lambda h: h.command == "HEAD" and next(fails, False) and (h.reply(502), True)[1]
    done = ok(haven("push", "-j", "1", model, f"{reg.host}/p/m:v1"))
    found = re.findall(r"^retry   (?:(\S+): )?the registry answers 502; attempt (\d) of 6 in (\d+\.\d) s$", done.stderr, re.M)
    assert [n for _, n, _ in found] == ["2", "3"] and found[0][0] in MODEL, done.stderr
    assert "2 requests were made again" in done.stdout


# ---- the summary ----

@pytest.mark.parametrize("slow, name", [("answer", "the registry's answers"), ("network", "the network"),
                                        ("pause", "waiting to try again")])
def test_summary_says_what_limited(fake, haven, tmp_path, slow, name):
    reg = fake()
    reg.add_manifest("p/m", "v1", [("w.safetensors", noise(2 * MIB))])
    once = iter([True])

    def hook(h):
        if h.command != "GET" or "/blobs/" not in h.bare:
            return False
        data = reg.blobs[h.bare.split("/")[-1]]
        if slow == "answer":
            time.sleep(1)
        elif slow == "pause" and next(once, False):
            h.error(503, "UNAVAILABLE", headers={"Retry-After": "1"})
            return True
        elif slow == "network":
            h.send_response(200)
            h.send_header("Content-Length", str(len(data)))
            h.end_headers()
            for i in range(8):
                h.wfile.write(data[i * len(data) // 8:(i + 1) * len(data) // 8])
                h.wfile.flush()
                time.sleep(0.125)
            return True
        return False

    reg.hook = hook
    done = json.loads(ok(haven("pull", "--json", f"{reg.host}/p/m:v1", tmp_path / "o")).stdout)
    spent = done["thread_seconds"]
    assert done["limited_by"] == slow and 0.7 < spent[slow] < 1.6, spent
    assert sum(spent.values()) == pytest.approx(done["seconds"], abs=0.3), "one file is one thread's work"
    assert set(spent) == {"other", "answer", "network", "read", "write", "hash", "pause"}
    once = iter([True])
    text = ok(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o2")).stdout
    assert re.search(rf"^limited by: {name} \(\d+ %\)", text, re.M), text


def test_summary_of_slow_uploads(fake, haven, tmp_path):
    """A registry that takes bytes slowly and one that thinks long about them are told apart."""
    for slow in ("network", "answer"):
        reg = fake()

        def received(h, held):
            if slow == "network" and len(held) % (1 << 20) < 65536:
                time.sleep(0.1)
            elif slow == "answer" and len(held) == 16 * MIB:
                time.sleep(1)

        reg.received = received
        folder = write(tmp_path / slow, {"w.safetensors": noise(16 * MIB)})
        done = json.loads(ok(haven("push", "--json", folder, f"{reg.host}/p/m:v1")).stdout)
        assert done["limited_by"] == slow, done


# ---- interrupting ----

@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("json_too", [False, True])
def test_interrupt(fake, haven, env, tmp_path, number, status, json_too):
    reg = fake()
    content = noise(8 * MIB)
    go = paused(reg, content, 5 * MIB)
    args = ["pull", *(["--json"] if json_too else []), f"{reg.host}/p/m:v1", str(tmp_path / "o")]
    p = subprocess.Popen([HAVEN, *args], env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    partial = tmp_path / "o" / ".haven-partial"
    wait_until(lambda: partial.is_dir() and any(f.stat().st_size == 5 * MIB for f in partial.iterdir()))
    p.send_signal(number)
    out, said = p.communicate(timeout=10)
    assert p.returncode == status and out == ""
    if json_too:
        error = json.loads(said.splitlines()[-1])["error"]
        assert error["code"] == "CANCELLED" and error["exit_status"] == status and "same command again" in error["hint"]
    else:
        assert said.endswith("haven: pull: interrupted [CANCELLED]\nhint: run the same command again: it goes on where it stopped\n")
    assert not (tmp_path / "o" / "weights.safetensors").exists()
    go.set()
    reg.requests.clear()
    ok(haven(*args))
    assert tree(tmp_path / "o") == {"weights.safetensors": content}
    ranges = [h.get("Range") for _, _, h in reg.asked("GET", "/blobs/")]
    assert ranges and all(r and int(r.split("=")[1].split("-")[0]) >= 5 * MIB for r in ranges), ranges


def test_interrupt_of_a_wait(fake, haven, env, model):
    """Nobody sits out a Retry-After."""
    reg = fake()
    reg.hook = lambda h: h.command == "HEAD" and (h.reply(503, {"Retry-After": "60"}), True)[1]
    p = subprocess.Popen([HAVEN, "push", str(model), f"{reg.host}/p/m:v1"], env=env, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: reg.asked("HEAD", "."))
    p.send_signal(signal.SIGINT)
    assert "interrupted [CANCELLED]" in p.communicate(timeout=10)[1] and p.returncode == 130


def test_second_interrupt(fake, env, tmp_path):
    """The second signal waits for nothing, not even for somebody who should read what is written."""
    reg = fake()
    reg.add_manifest("p/m", "v1", [(f"{i}-{'x' * 200}", b"%d" % i) for i in range(400)])
    p = subprocess.Popen([HAVEN, "pull", "--progress", "json", f"{reg.host}/p/m:v1", str(tmp_path / "o")], env=env,
                         stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    wait_until(lambda: len(reg.asked("GET", "/blobs/")) > 100)
    time.sleep(1)
    p.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert p.poll() is None, "nobody has read its words yet"
    p.send_signal(signal.SIGTERM)
    assert p.wait(10) == -signal.SIGTERM
    p.stderr.close()


def test_ignored_interrupts_stay_ignored(fake, env, tmp_path):
    """As under nohup, or for a job that a shell put into the background."""
    reg = fake()
    go = paused(reg, noise(MIB), MIB // 2)
    p = subprocess.Popen([HAVEN, "pull", f"{reg.host}/p/m:v1", str(tmp_path / "o")], env=env, stderr=subprocess.DEVNULL,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    wait_until(lambda: reg.asked("GET", "/blobs/"))
    p.send_signal(signal.SIGINT)
    time.sleep(0.5)
    go.set()
    assert p.wait(30) == 0


def test_interrupt_on_a_terminal(fake, terminal, tmp_path):
    reg = fake()
    go = paused(reg, noise(8 * MIB), 5 * MIB)
    t = terminal("pull", f"{reg.host}/p/m:v1", tmp_path / "o")
    t.until(lambda rows: len(rows) == 2)
    os.write(t.fd, b"\x03")
    assert t.wait() == 130
    rows = [row for row in t.rows() if row != "^C"]
    assert rows[-2:] == ["haven: pull: interrupted [CANCELLED]",
                         "hint: run the same command again: it goes on where it stopped"], rows
    assert not any("━" in row for row in rows)
    go.set()


# ---- what is made from the tables ----

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = [name.replace("_", "-") for name in
            re.findall(r"^X\((\w+)\)$", (ROOT / "src" / "cli" / "commands.def").read_text(), re.M)]


def complete_bash(script, tmp_path, *words):
    file = tmp_path / "completion.bash"
    quoted = " ".join(f"'{w}'" for w in words)
    file.write_text(f'{script}\nCOMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}\n_haven\necho "${{COMPREPLY[@]}}"\n')
    done = subprocess.run(["bash", file], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def complete_fish(script, tmp_path, line):
    file = tmp_path / "haven.fish"
    file.write_text(script)
    done = subprocess.run(["fish", "-c", f"source {file}; complete -C '{line}'"], capture_output=True, text=True, check=True,
                          env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    assert done.stderr == ""
    return [row.split("\t")[0] for row in done.stdout.splitlines()]


def complete_zsh(script, env, tmp_path, line):
    """What zsh offers after `line` and a tab, asked at a terminal, for zsh completes nowhere else."""
    (tmp_path / "zsh").mkdir(parents=True)
    (tmp_path / "zsh" / "_haven").write_text(script)
    (tmp_path / "zsh" / ".zshrc").write_text(
        f"fpath=({tmp_path}/zsh $fpath)\nautoload -U compinit && compinit -u -D\nPS1='ready> '\n"
        "zstyle ':completion:*' list-prompt ''\nLISTMAX=1000\nsetopt no_list_beep\n")
    t = Terminal(["/usr/bin/zsh", "-i"], {**env, "ZDOTDIR": str(tmp_path / "zsh"), "TERM": "xterm"}, 200, 50)
    t.until(lambda rows: rows and rows[-1].startswith("ready>"))
    os.write(t.fd, line.encode() + b"\t\t")
    t.until(lambda rows: len(rows) > 1)
    time.sleep(0.5)
    words = " ".join(t.rows()).split()
    os.kill(t.pid, signal.SIGKILL)
    t.wait()
    return words


CHOICES = {"auto", "bar", "plain", "json", "none"}


def test_completion_bash(haven, tmp_path):
    script = haven("completion", "bash").stdout
    assert complete_bash(script, tmp_path, "haven", "serve", "--log-level", "d") == ["debug"]
    assert complete_bash(script, tmp_path, "haven", "se") == ["serve", "search"]
    assert set(complete_bash(script, tmp_path, "haven", "push", "--progress", "")) == CHOICES
    assert complete_bash(script, tmp_path, "haven", "pull", "--pla") == ["--plain-http", "--platform"]
    assert complete_bash(script, tmp_path, "haven", "help", "ex") == ["exit-codes"]
    assert complete_bash(script, tmp_path, "haven", "man", "pu") == ["push", "pull"]
    # Groups: the second word is one of their commands, the third what that one takes.
    assert complete_bash(script, tmp_path, "haven", "ad") == ["admin"]
    assert complete_bash(script, tmp_path, "haven", "admin", "c") == ["configuration", "collect"]
    assert complete_bash(script, tmp_path, "haven", "admin", "user", "p") == ["password", "promote"]
    assert complete_bash(script, tmp_path, "haven", "admin", "user", "password", "--r") == ["--realname", "--random"]
    assert complete_bash(script, tmp_path, "haven", "admin-user", "de") == ["demote"]
    assert haven("completion", "tcsh").returncode == 2


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_completion_fish(haven, tmp_path):
    script = haven("completion", "fish").stdout
    assert "serve" in complete_fish(script, tmp_path, "haven se")
    assert set(complete_fish(script, tmp_path, "haven push --progress ")) == CHOICES
    assert "--plain-http" in complete_fish(script, tmp_path, "haven pull --pl")
    assert complete_fish(script, tmp_path, "haven admin us") == ["user"]
    assert {"list", "promote"} <= set(complete_fish(script, tmp_path, "haven admin user "))
    assert complete_fish(script, tmp_path, "haven admin quota se") == ["set"]
    assert complete_fish(script, tmp_path, "haven admin user --rand") == ["--random"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_completion_zsh(haven, env, tmp_path):
    script = haven("completion", "zsh").stdout
    assert script.startswith("#compdef haven\n")
    assert CHOICES <= set(complete_zsh(script, env, tmp_path / "one", "haven push --progress "))
    assert {"user", "robot", "collect"} <= set(complete_zsh(script, env, tmp_path / "two", "haven admin "))
    assert {"list", "promote"} <= set(complete_zsh(script, env, tmp_path / "three", "haven admin user "))


def test_manual(haven):
    page = haven("man").stdout
    assert page.startswith(".TH HAVEN 1 ") and "HAVEN_HTTP_IDLE_TIMEOUT" in page
    pages = {"": page, **{name: haven("man", name).stdout for name in COMMANDS}}
    for name, text in pages.items():
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-K", "utf8"], input=text, capture_output=True, text=True,
                              check=True)
        assert done.stderr == "", (name, done.stderr)
        shown = re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout)  # bold is an escape, or struck twice by older ones
        assert f"HAVEN{'-' + name.upper() if name else ''}(1)" in shown and "EXIT STATUS" in shown and "130" in shown
    assert haven("man", "nonsense").returncode == 2


def test_json_everywhere(haven, fake, tmp_path):
    """Every command that prints a result prints it as JSON too; documents are what they are."""
    documents = {"admin", "completion", "man", "help", "modelfile", "parse", "serve"}
    for name in set(COMMANDS) - documents:
        assert re.search(r"^ +--json$", haven("help", name).stdout, re.M), name
    reg = fake(auth="basic")
    done = haven("login", "--json", "-u", reg.USER, "--password-stdin", reg.host, input=reg.PASSWORD)
    assert json.loads(done.stdout) == {"registry": reg.host, "username": reg.USER}
    for was in (True, False):
        assert json.loads(haven("logout", "--json", reg.host).stdout) == {"registry": reg.host, "was_logged_in": was}
    write(tmp_path, {"haven.yaml": b"listen: 127.0.0.1:1\n"})
    assert json.loads(haven("config", "check", "--json", tmp_path / "haven.yaml").stdout)["valid"] is True
    routes = json.loads(haven("routes", "--json").stdout)
    assert any(r["path"].endswith("/blobs/{digest}") and r["method"] == "GET" for r in routes)


def test_pages_are_fresh():
    subprocess.run([ROOT / "tools" / "check-generated"], check=True, env={**os.environ, "HAVEN_BIN": HAVEN})
