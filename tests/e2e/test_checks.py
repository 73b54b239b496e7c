# SPDX-License-Identifier: Apache-2.0
"""The checks of the house notice what they are for: each gets a small tree with one fault in it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


@pytest.fixture
def tree(tmp_path):
    """A tree with two floors and nothing wrong in it."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tests").mkdir()
    for name in ("base", "http"):
        (tmp_path / "src" / name).mkdir(parents=True)
    (tmp_path / "tools" / "layers").write_text("base:\nhttp: base\n")
    (tmp_path / "tools" / "long").write_text("")
    shutil.copy(ROOT / "tools" / "words", tmp_path / "tools" / "words")
    write(tmp_path, "base/a.h", '#include <stdint.h>\nint a_one(void);\n')
    write(tmp_path, "base/a.c", '#include "base/a.h"\n\nint a_one(void)\n{\n    return 1;\n}\n')
    write(tmp_path, "http/b.c", '#include "base/a.h"\n')
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def write(root, path, text):
    (root / "src" / path).write_text(SPDX + text, encoding="utf-8")


def check(name, *args):
    done = subprocess.run([sys.executable, ROOT / "tools" / f"check-{name}", *args], capture_output=True, text=True,
                          check=False, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", ["layers", "length", "style", "words"])
def test_a_clean_tree_passes(tree, name):
    assert check(name, tree) == (0, "")


@pytest.mark.parametrize("path,text,told", [
    ("base/c.c", '#include "http/b.h"\n', "base may not include http"),
    ("base/c.c", '#include "base/nothing.h"\n', "is not a path below src/"),
    ("base/c.c", '#include "a.h"\n', "is not a path below src/"),
    ("base/c.h", '#include "base/c.h"\n', "circle: base/c.h -> base/c.h"),
])
def test_layers(tree, path, text, told):
    write(tree, "http/b.h", "")
    write(tree, path, text)
    status, out = check("layers", tree)
    assert status == 1 and told in out


def test_layers_circle_of_headers(tree):
    write(tree, "base/x.h", '#include "base/y.h"\n')
    write(tree, "base/y.h", '#include "base/x.h"\n')
    status, out = check("layers", tree)
    assert status == 1 and "circle: " in out


def test_layers_circle_of_modules(tree):
    write(tree, "base/x.h", "")
    write(tree, "base/y.h", "")
    write(tree, "base/x.c", '#include "base/x.h"\n#include "base/y.h"\n')
    write(tree, "base/y.c", '#include "base/y.h"\n#include "base/x.h"\n')
    status, out = check("layers", tree)
    assert status == 1 and "base/x and base/y include each other's header" in out


def test_layers_table(tree):
    (tree / "tools" / "layers").write_text("base: http\nhttp: base\n")
    assert check("layers", tree)[0] == 1
    (tree / "tools" / "layers").write_text("base:\n")
    assert "has no line in tools/layers" in check("layers", tree)[1]


def test_length(tree):
    write(tree, "base/c.c", "int c(void)\n{\n" + "    c();\n" * 77 + "}\n")
    assert check("length", tree) == (0, "")
    write(tree, "base/c.c", "int c(void)\n{\n" + "    c();\n" * 78 + "}\n")
    status, out = check("length", tree)
    assert status == 1 and "src/base/c.c:2: c: 81 lines" in out
    (tree / "tools" / "long").write_text("src/base/c.c:c 81 a table\n")
    assert check("length", tree) == (0, "")
    write(tree, "base/c.c", "\n" * 800)
    status, out = check("length", tree)
    assert status == 1 and "801 lines" in out and "is no longer needed" in out


@pytest.mark.parametrize("line", [
    'int fd = open("x", O_RDONLY);', "close(fd);", "exit(1);", 'printf("x");', 'getenv("HOME");', "goto out;",
    "typedef struct a a;", "// comment", "/* TODO: later */", "sleep(1);", "pthread_create(a, b, c, d);",
    'static const char *q = "SELECT id FROM user";', "#include <sqlite3.h>", "#include <openssl/evp.h>", "int\tx;",
    "int x; "])
def test_style(tree, line):
    write(tree, "http/b.c", line + "\n")
    status, out = check("style", tree)
    assert status == 1 and out.startswith("src/http/b.c:2: ")


@pytest.mark.parametrize("text", [
    "(void)close(fd);", 'int fd = open("x", O_RDONLY); /* style: a reason */', '/* style: a reason */\nexit(1);',
    "sys->openat(dir, path, 0, 0);", "/* open(x) is what others do; goto */", 'say("// no comment");', "x = file_open(1);"])
def test_style_accepts(tree, text):
    write(tree, "http/b.c", text + "\n")
    assert check("style", tree) == (0, "")


def test_words(tree):
    (tree / "notes.md").write_text("as said in " + "issue" + " 7\n")
    status, out = check("words", tree)
    assert status == 1 and "notes.md:1: " in out
    (tree / "notes.md").unlink()
    (tree / "src" / "base" / "c.c").write_text("int c;\n")
    status, out = check("words", tree)
    assert status == 1 and "src/base/c.c: no line SPDX" in out


def compiled(tree, *files):
    """A build folder with these files compiled, as check-symbols and check-headers read it."""
    build = tree / "build"
    build.mkdir(exist_ok=True)
    entries = []
    for file in files:
        output = file.replace("/", "_") + ".o"
        command = ["cc", "-Isrc", "-I../src", "-MD", "-MF", output + ".d", "-o", output, "-c", f"../src/{file}"]
        subprocess.run(command, cwd=build, check=True)
        entries.append({"directory": str(build), "file": f"../src/{file}", "output": output,
                        "command": " ".join(command)})
    (build / "compile_commands.json").write_text(json.dumps(entries))
    tools = tree / "tools"
    for name in ("check-symbols", "check-headers"):
        shutil.copy(ROOT / "tools" / name, tools / name)
    (tools / "symbols").write_text("src/http/ www\n")
    return build


def run_copy(tree, name):
    done = subprocess.run([sys.executable, tree / "tools" / name, tree / "build"], capture_output=True, text=True,
                          check=False, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_symbols(tree):
    write(tree, "http/b.c", '#include "base/a.h"\nint main(void) { return a_one(); }\n')
    compiled(tree, "base/a.c", "http/b.c")
    assert run_copy(tree, "check-symbols") == (0, "")
    write(tree, "base/a.c", "int a_one(void);\nint a_one(void) { return 1; }\nint other; int a_two;\n")
    compiled(tree, "base/a.c", "http/b.c")
    status, out = run_copy(tree, "check-symbols")
    assert status == 1 and "other begins neither" in out
    assert "a_two is used by no other file" in out and "a_one" not in out


def test_headers(tree):
    compiled(tree, "base/a.c")
    assert run_copy(tree, "check-headers") == (0, "")
    write(tree, "base/bad.h", "uint64_t bad(void);\n")
    status, out = run_copy(tree, "check-headers")
    assert status == 1 and "src/base/bad.h does not compile alone" in out


def test_coverage_of_tables(tmp_path):
    """Names what was never used, and nothing when everything was."""
    record = tmp_path / "record.jsonl"
    record.write_text('{"command": "version"}\n')
    done = subprocess.run([sys.executable, ROOT / "tools" / "coverage-of-tables", record], capture_output=True, text=True,
                          check=False, timeout=60, env={**os.environ, "PYTHONUTF8": "1"})
    assert done.returncode == 1
    for line in ("route blob.get succeeds", "route blob.get refuses", "config tls.key", "command push"):
        assert f"no test shows: {line}\n" in done.stdout
    assert "command version\n" not in done.stdout


def test_mutants_fit_the_code():
    """Each deliberate fault of tests/mutants/mutants.tsv has one place where it can be put."""
    table = (ROOT / "tests" / "mutants" / "mutants.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in table if line and not line.startswith("#")]
    assert len(rows) >= 40
    for name, file, old, _, _ in rows:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert text.count(old.replace("\\n", "\n").replace("\\t", "\t")) == 1, name
