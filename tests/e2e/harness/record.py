# SPDX-License-Identifier: Apache-2.0
"""What of the program's tables the tests have seen at work.

With HAVEN_TEST_RECORD=FILE one JSON line each: {"route": NAME, "status": N}, {"error": CODE}, {"config": KEY},
{"command": NAME}. Routes and errors of servers come from /metrics just before they stop; commands and settings
from every start of the program by any test, whatever way it goes.
"""
import json
import os
import pathlib
import re
import subprocess

FILE = os.environ.get("HAVEN_TEST_RECORD")
ROOT = pathlib.Path(__file__).resolve().parents[3]
HAVEN = os.environ.get("HAVEN_BIN", str(ROOT / "build" / "haven"))

REQUESTS = re.compile(r'^haven_http_requests_total\{([^}]*)\} ([0-9.]+)', re.M)
ERRORS = re.compile(r'^haven_errors_total\{code="([^"]*)"\} ([0-9.]+)', re.M)
PRINTED = re.compile(rb"\[([A-Z][A-Z_]+)\]\s*$", re.M)
_known = set()
_keys = {}
_commands = set()


def note(**row):
    """Appends a line unless this run has written it before."""
    if not FILE:
        return
    line = json.dumps(row, sort_keys=True)
    if line in _known:
        return
    _known.add(line)
    with open(FILE, "a", encoding="utf-8") as out:
        out.write(line + "\n")


def note_metrics(text):
    """Routes with the statuses they answered, and errors, from the text of /metrics."""
    for labels, count in REQUESTS.findall(text):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if float(count) > 0:
            note(route=label["route"], status=int(label["code"]))
    for code, count in ERRORS.findall(text):
        if float(count) > 0:
            note(error=code)


def config_keys():
    """Flag and variable of every setting, from the table that the program is made of."""
    if not _keys:
        text = (ROOT / "src" / "base" / "config.def").read_text(encoding="utf-8")
        for key in re.findall(r'^X\(\w+, "([^"]+)"', text, re.M):
            _keys["--" + re.sub(r"[._]", "-", key)] = key
            _keys["HAVEN_" + re.sub(r"[.]", "_", key).upper()] = key
            _keys[key] = key
    return _keys


def commands():
    """The names of the commands; those of a group as group-command."""
    if not _commands:
        text = (ROOT / "src" / "cli" / "commands.def").read_text(encoding="utf-8")
        _commands.update(name.replace("_", "-") for name in re.findall(r"^X\((\w+)\)", text, re.M))
    return _commands


def note_file(path):
    """Settings of a configuration file: dotted keys, and keys nested in mappings."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    above = []
    for line in text.splitlines():
        match = re.match(r"^( *)([a-z_.]+):", line)
        if match:
            depth = len(match[1])
            above = [(d, k) for d, k in above if d < depth] + [(depth, match[2])]
            key = ".".join(k for _, k in above)
            if key in config_keys():
                note(config=key)


def note_start(args, env):
    """A start of the program: its command, its flags, its environment."""
    args = [os.fsdecode(a) for a in args]
    if not args or os.path.basename(args[0]) != os.path.basename(HAVEN):
        return
    words = [a for a in args[1:3] if re.fullmatch(r"[a-z]+", a)]
    for n in range(1, len(words) + 1):
        if "-".join(words[:n]) in commands():
            note(command="-".join(words[:n]))
    for i, arg in enumerate(args):
        flag = arg.split("=", 1)[0]
        if flag in config_keys():
            note(config=config_keys()[flag])
        if flag == "--config":
            note_file(arg.split("=", 1)[1] if "=" in arg else (args + [""])[i + 1])
    for name in env if env is not None else os.environ:
        if str(name) in config_keys():
            note(config=config_keys()[str(name)])


class Popen(subprocess.Popen):
    """subprocess.Popen that takes notes; installed for the whole run by conftest.py."""

    def __init__(self, args, *rest, **more):
        self._haven = isinstance(args, (list, tuple)) and bool(args) and str(args[0]) == HAVEN
        if self._haven:
            note_start(args, more.get("env"))
        super().__init__(args, *rest, **more)

    def communicate(self, *args, **more):
        out, err = super().communicate(*args, **more)
        if self._haven and err:
            for code in PRINTED.findall(err if isinstance(err, bytes) else err.encode()):
                note(error=code.decode())
        return out, err


def install():
    if FILE:
        subprocess.Popen = Popen
