# SPDX-License-Identifier: Apache-2.0
"""What goes into a model: Modelfile, .havenignore (git is the judge), --include and --exclude; haven modelfile."""
import base64
import json
import os
import pathlib
import random
import re
import subprocess
import time

import pytest

from harness.record import HAVEN
from harness.server import PASSWORD, USER

ROOT = pathlib.Path(__file__).resolve().parents[2]
OK, USAGE, MODEL = 0, 2, 8
DIRECTIVES = {"weight.config": "CONFIG", "weight": "MODEL", "code": "CODE", "doc": "DOC", "dataset": "DATASET"}


@pytest.fixture
def env(tmp_path):
    """No settings and credentials but this test's own; nor git's."""
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("HAVEN_", "GIT_")) and not k.lower().endswith("_proxy") and k != "SOURCE_DATE_EPOCH"}
    return {**clean, "DOCKER_CONFIG": str(tmp_path / "docker"), "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def cli(env):
    def run(*args, status=OK, text="", **more):
        done = subprocess.run([HAVEN, *map(str, args)], capture_output=True, text=True, timeout=120, env=env, check=False,
                              **more)
        assert done.returncode == status, done.stdout + done.stderr
        assert text in done.stderr, done.stderr
        assert not any(ord(c) < 32 and c != "\n" for c in done.stderr), "a terminal would obey this"
        return done.stdout
    return run


@pytest.fixture
def push(haven, cli, admin, repo, tmp_path):
    """Pushes to our own server; gives back {path: directive} and the config."""
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    write(tmp_path / "docker", {"config.json": json.dumps({"auths": {haven.address: {"auth": pair}}})})

    def run(*args, status=OK, text=""):
        ref = f"{haven.address}/{repo}:v1"
        if status != OK:
            return cli("push", "-q", *args, ref, status=status, text=text)
        said = cli("push", "--json", "-q", *args, ref)
        manifest = admin.manifest(repo, json.loads(said)["digest"]).json()
        files = {}
        for layer in manifest["layers"]:
            kind = re.fullmatch(r"application/vnd\.cncf\.model\.(.*)\.v1\.raw", layer["mediaType"])[1]
            files[layer["annotations"]["org.cncf.model.filepath"]] = DIRECTIVES[kind]
        return files, admin.blob(repo, manifest["config"]["digest"]).json()
    return run


def write(folder, files):
    for path, content in files.items():
        target = pathlib.Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return pathlib.Path(folder)


FILES = {path: path for path in (
    "tokenizer.json", "shards/1.safetensors", "shards/deep/2.safetensors", "run.py", "README.md", "data/train.csv",
    "data/more/eval.txt", "my weights.bin", "odd[1].py", "odd1.py", ".env", ".ci/test.sh", "Modelfile",
    "__pycache__/run.pyc")}
FILES["config.json"] = '{"model_type": "qwen3", "dtype": "bfloat16", "transformers_version": "4.51"}'
ORDINARY = {"config.json", "tokenizer.json", "shards/1.safetensors", "shards/deep/2.safetensors", "run.py", "README.md",
            "data/train.csv", "data/more/eval.txt", "my weights.bin", "odd[1].py", "odd1.py"}


@pytest.fixture
def model(tmp_path):
    return write(tmp_path / "model", FILES)


def listed(text):
    """The paths of a Modelfile that `haven modelfile` has written; names in these tests have no other escapes."""
    found = {}
    for line in text.splitlines():
        word, _, value = line.partition(" ")
        if word in DIRECTIVES.values():
            value = value.strip('"').replace("\\\\", "\\")
            found[re.sub(r"\\(.)", r"\1", value)] = word
    return found


# ---- Modelfile ----

def test_every_directive(push, model, tmp_path):
    modelfile = write(tmp_path, {"m": """\
# What is packed.
NAME "my model"
arch cnn
Family resnet
FORMAT pickle
PARAMSIZE 12M
PRECISION int8
QUANTIZATION gptq

CONFIG *.json
MODEL shards/**/*.safetensors
MODEL "my weights.bin"
CODE ./run.py
CODE odd\\\\[1].py
DOC README.md
DATASET data/**
"""}) / "m"
    files, config = push("-f", modelfile, model)
    assert files == {
        "config.json": "CONFIG", "tokenizer.json": "CONFIG", "shards/1.safetensors": "MODEL",
        "shards/deep/2.safetensors": "MODEL", "my weights.bin": "MODEL", "run.py": "CODE", "odd[1].py": "CODE",
        "README.md": "DOC", "data/train.csv": "DATASET", "data/more/eval.txt": "DATASET"}
    assert config["descriptor"] == {"name": "my model", "family": "resnet"}
    assert config["config"] == {"architecture": "cnn", "format": "pickle", "paramSize": "12M", "precision": "int8",
                                "quantization": "gptq"}


def test_kind_is_what_the_modelfile_says(push, model, tmp_path):
    write(tmp_path, {"m": "DATASET tokenizer.json\nCODE README.md\nDOC shards/*\nCONFIG data/more/*.txt\nCONFIG data/m*/e*\n"})
    files, config = push("-f", tmp_path / "m", model)
    assert files == {"tokenizer.json": "DATASET", "README.md": "CODE", "shards/1.safetensors": "DOC",
                     "data/more/eval.txt": "CONFIG"}
    assert "family" not in config["descriptor"], "config.json is not packed"


@pytest.mark.parametrize("lines,said", [
    ("CODE run.py\nMODEL *.onnx", 'm, line 2: no file matches "*.onnx"'),
    ("MODEL nothing.bin", "m, line 1: nothing.bin does not exist"),
    ("CODE run.py\nDATASET data", "m, line 2: data is a directory; name its files, with /** all of them"),
    ("CODE *.py\n\nDOC run.py", "run.py is named in line 3 as doc and in line 1 as code"),
    ("CODE *.py\nDOC r*", "run.py is named in line 1 as code and in line 2 as doc"),
    ("CODE run.py\nDOC run.py", "run.py is named in line 1 as code and in line 2 as doc"),
    ("CODE ../secret", "m, line 1: the pattern \"../secret\" holds \"..\""),
    ("CODE \\\\.\\\\./secret", "holds \".\" or \"..\""),
    ("CODE /etc/passwd", "m, line 1: the pattern \"/etc/passwd\" is absolute"),
    ("CODE out", "m, line 1: out is a link that leaves the directory"),
    ("CODE out/passwd", "out/passwd is a link that leaves the directory"),
    ("CODE .git/config", "lies in a .git directory"),
    ("MODEL lfs.bin", "m, line 1: lfs.bin is a Git LFS pointer"),
    ("CODE case/*", "differ in case only"),
    ("NAME x", "m names no files"),
    ("NAME x\nNAME y", "m, line 2: NAME is said in line 1 already"),
    ("MODLE x", "m, line 1: unknown directive \"MODLE\"; did you mean MODEL?"),
    ("CODE a b", "m, line 1: CODE takes one value"),
    ("CODE [a", "m, line 1: the pattern \"[a\" has a '['"),
    ("CODE *\x1bc", "the pattern \"*?c\" holds a control character"),
])
def test_mistakes_in_a_modelfile(push, model, tmp_path, lines, said):
    write(model, {"case/A.py": "1", "case/a.py": "2", ".git/config": "",
                  "lfs.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"})
    write(tmp_path, {"secret": "", "m": lines})
    (model / "out").symlink_to("/etc")
    push("-f", tmp_path / "m", model, status=MODEL, text=said)


def test_no_modelfile(push, model, tmp_path):
    push("-f", tmp_path / "none", model, status=USAGE, text="there is no Modelfile at")
    push("-f", tmp_path, model, status=1, text="Is a directory")


def test_what_the_modelfile_does_not_name_is_not_looked_at(push, model, tmp_path):
    """A pipe, a pointer and a directory that cannot be read harm nobody who does not want them."""
    os.mkfifo(model / "pipe")
    write(model, {"lfs.bin": "version https://git-lfs.github.com/spec/v1\n"})
    (model / "away").symlink_to("/etc")
    write(tmp_path, {"m": "CODE run*\nDOC README.md"})
    files, _ = push("-f", tmp_path / "m", model)
    assert files == {"run.py": "CODE", "README.md": "DOC"}


def test_hidden_files(push, model, tmp_path):
    """Named by themselves or by patterns meant for them, not by "*"."""
    write(tmp_path, {"all": "CODE **", "some": "CODE **/.e*\nCODE .ci/*\nDOC Modelfile", "one": "CODE .env",
                     "python": "CODE **/*.pyc\nCODE *.py\nCODE __pycache__/*"})
    assert set(push("-f", tmp_path / "all", model)[0]) == ORDINARY
    assert set(push("-f", tmp_path / "some", model)[0]) == {".env", ".ci/test.sh", "Modelfile"}
    assert set(push("-f", tmp_path / "one", model)[0]) == {".env"}
    assert set(push("-f", tmp_path / "python", model)[0]) == {"__pycache__/run.pyc", "run.py", "odd1.py", "odd[1].py"}


def test_names_with_brackets(push, model, tmp_path):
    """Other tools write them without escapes: when the pattern matches nothing, it is the name."""
    write(tmp_path, {"m": "CODE odd[1].py"})
    assert set(push("-f", tmp_path / "m", model)[0]) == {"odd1.py"}
    (model / "odd1.py").unlink()
    assert set(push("-f", tmp_path / "m", model)[0]) == {"odd[1].py"}


# ---- --include and --exclude ----

@pytest.mark.parametrize("options,files", [
    (["--include", "*.py"], {"run.py", "odd1.py", "odd[1].py"}),
    (["--include", "*.txt", "--include", "*.csv"], {"data/train.csv", "data/more/eval.txt"}),
    (["--include", "data"], {"data/train.csv", "data/more/eval.txt"}),
    (["--include", "/data/*.*"], {"data/train.csv"}),
    (["--include", "more/"], {"data/more/eval.txt"}),
    (["--exclude", "data", "--exclude", "*.safetensors"],
     ORDINARY - {"data/train.csv", "data/more/eval.txt", "shards/1.safetensors", "shards/deep/2.safetensors"}),
    (["--include", "data/**", "--exclude", "**/eval.*"], {"data/train.csv"}),
    (["--include", ".env", "--include", "run.py"], {".env", "run.py"}),
    (["--include", ".ci", "--include", "**"], ORDINARY | {".ci/test.sh"}),
    (["--include", "data/.env", "--include", "**"], ORDINARY),
])
def test_filters(cli, model, options, files):
    assert set(listed(cli("modelfile", *options, model))) == files


def test_filters_of_a_modelfile(push, model, tmp_path):
    write(tmp_path, {"m": "CODE *.py\nDOC README.md\nDATASET data/**"})
    files, _ = push("-f", tmp_path / "m", "--exclude", "data", "--exclude", "README.md", model)
    assert set(files) == {"run.py", "odd1.py", "odd[1].py"}
    files, _ = push("-f", tmp_path / "m", "--include", "*.md", model)
    assert files == {"README.md": "DOC"}
    push("--include", "*.nothing", model, status=MODEL, text="that --include and --exclude let through")
    push("--include", "[a", model, status=USAGE, text="--include: the pattern \"[a\" has")


# ---- .havenignore ----

def judged_by_git(folder, env, lines):
    """The files that are no dotfiles and that git would not ignore."""
    (folder / ".gitignore").write_bytes(lines)
    (folder / ".havenignore").write_bytes(lines)
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*")
                   if p.is_file() and not any(part.startswith(".") for part in p.relative_to(folder).parts))
    done = subprocess.run(["git", "check-ignore", "-z", "--stdin", "--no-index"], cwd=folder, env=env, check=False,
                          input="\0".join(files).encode(), capture_output=True)
    assert done.returncode in (0, 1), done.stderr
    return set(files) - set(done.stdout.decode().split("\0"))


def same_as_git(cli, folder, env, lines):
    kept = judged_by_git(folder, env, lines)
    if not kept:
        cli("modelfile", folder, status=MODEL, text="holds no files")
    else:
        found = set(listed(cli("modelfile", folder)))
        assert found == kept, (lines, "we keep", found - kept, "git keeps", kept - found)
    return kept


TREE = ["a", "b.txt", "c#d", "build/x.o", "build/keep/y.txt", "src/build/z.o", "src/a", "src/deep/er/b.txt", "logs/1.log",
        "logs/2.log", "logs/keep.log", "data/raw/a.csv", "data/raw/deep/b.csv", "data/c.csv", "!odd", "#odd", "t s", "t ",
        "Upper.TXT", "x[1]", "x1", "foo/bar/baz", "foo/baz", "bar"]


@pytest.mark.parametrize("lines", [
    b"", b"\n\n# nothing\n", b"a", b"/a", b"build", b"build/", b"/build", b"/build/", b"src/build", b"a/", b"*.log\n!keep.log",
    b"logs/\n!logs/keep.log", b"logs/*\n!logs/keep.log", b"*\n!*.txt", b"*\n!*/\n!*.txt", b"/*\n!/src", b"**/a", b"data/**",
    b"data/**/b.csv", b"data/raw/**\n!data/raw/deep/", b"foo/*", b"foo/**/baz", b"**/foo/baz", b"**", b"*", b"!a\na", b"a\n!a",
    b"\\!odd", b"\\#odd", b"!odd", b"#odd", b"c#d", b"t s", b"t\\ ", b"t ", b"t\\ s  ", b"*.txt  ", b"*.TXT", b"x[1]", b"x\\[1]",
    b"x?", b"x[[:digit:]]", b"[!a-b]", b"a\r\nbar\r\n", b"\xef\xbb\xbfa\nbar", b"  a", b"*/", b"!*/", b"/*/*", b"*/*/*", b"src/**/",
    b"**/deep", b"**/deep/", b"deep/er", b"/**/er", b"foo//bar", b"//a", b"./a", b"../a", b"**/b.txt\n!src/**", b"?", b"[ab]*",
])
def test_ignore_as_git(cli, env, tmp_path, lines):
    folder = write(tmp_path / "m", {path: path for path in TREE})
    subprocess.run(["git", "init", "-q"], cwd=folder, env=env, check=True)
    same_as_git(cli, folder, env, lines)


def some_pattern(r):
    parts = [r.choice(["a", "b", "ab", "*", "a*", "*b", "?", "[ab]", "[!a]", "**", "**", "\\a", "*a*"])
             for _ in range(r.choice([1, 1, 1, 2, 2, 3]))]
    return ("!" if r.random() < 0.3 else "") + ("/" if r.random() < 0.2 else "") + "/".join(parts) + \
        ("/" if r.random() < 0.25 else "")


@pytest.mark.parametrize("seed", range(6))
def test_ignore_as_git_random(cli, env, tmp_path, seed):
    r = random.Random(seed)
    folder = tmp_path / "m"
    for _ in range(40):
        path = folder.joinpath(*(r.choice(["a", "b", "ab", "ba", "c", "aab"]) for _ in range(r.randint(1, 4))))
        if not any(p.is_file() for p in path.parents) and not path.exists():
            write(folder, {path.relative_to(folder): "x"})
    subprocess.run(["git", "init", "-q"], cwd=folder, env=env, check=True)
    sizes = set()
    for _ in range(12):
        lines = "\n".join(some_pattern(r) for _ in range(r.randint(1, 6))).encode()
        sizes.add(len(same_as_git(cli, folder, env, lines)))
    assert len(sizes) > 3, "these patterns tell nothing apart"


def test_ignore_and_modelfile(push, cli, model, tmp_path):
    """A name beats .havenignore, a pattern does not; --no-ignore turns it off."""
    write(model, {".havenignore": "# not for others\ndata/\n*.md\n"})
    assert set(push(model)[0]) == ORDINARY - {"data/train.csv", "data/more/eval.txt", "README.md"}
    assert set(listed(cli("modelfile", "--no-ignore", model))) == ORDINARY
    write(tmp_path, {"m": "CODE *.py\nDOC README.md\nDATASET data/train.csv", "n": "CODE run.py\nDATASET data/**"})
    assert set(push("-f", tmp_path / "m", model)[0]) == {"run.py", "odd1.py", "odd[1].py", "README.md", "data/train.csv"}
    push("-f", tmp_path / "n", model, status=MODEL, text='n, line 2: no file matches "data/**"')
    assert len(push("-f", tmp_path / "n", "--no-ignore", model)[0]) == 3


@pytest.mark.parametrize("lines,said", [
    ("a\n\n[b\n", ".havenignore, line 3: the pattern has a '['"),
    ("!\n", ".havenignore, line 1: the pattern is empty"),
    ("x\na\\", ".havenignore, line 2: the pattern has a backslash"),
    ("a\n" * 5000, "more than 4096 patterns"),
    ("\n" * (1 << 20) + "\n", "larger than"),
], ids=["open", "empty", "backslash", "many", "large"])
def test_mistakes_in_an_ignore_file(cli, model, lines, said):
    write(model, {".havenignore": lines})
    cli("modelfile", model, status=MODEL, text=said)
    cli("modelfile", "--no-ignore", model)


def test_ignored_trouble_is_no_trouble(cli, model):
    os.mkfifo(model / "pipe")
    (model / "away").symlink_to("/etc")
    write(model, {"lfs.bin": "version https://git-lfs.github.com/spec/v1\n"})
    cli("modelfile", model, status=MODEL)
    write(model, {".havenignore": "/pipe\n/away\nlfs*\n"})
    assert set(listed(cli("modelfile", model))) == ORDINARY


# ---- haven modelfile ----

def test_written_modelfile(push, cli, model, tmp_path):
    text = cli("modelfile", model)
    assert text == cli("modelfile", model) and "20" not in text.replace("2.safetensors", ""), "no time of day"
    assert text.startswith("NAME model\nARCH transformer\nFAMILY qwen3\nFORMAT safetensors\nPRECISION bfloat16\n\nCONFIG ")
    assert set(listed(text)) == ORDINARY
    plain, config = push(model)
    again, config_again = push("-f", write(tmp_path, {"m": text}) / "m", model)
    assert again == plain == listed(text)
    assert config["config"] == config_again["config"]
    assert config_again["descriptor"]["name"] == "model"


def test_strange_names_come_back(push, cli, tmp_path):
    names = {"two  blanks.py", "tab\u2003wide.py", 'quo"te.py', "a[1].py", "a*b.py", "a?b.py", "#hash.py", "!bang.py", "-dash.py",
             " lead.py", "trail.py ", "é.py", "x{1,2}.py", "$HOME.py", "'single'.py", "a]b.py", "deep/[x]/a b.py"}
    model = write(tmp_path / "m", {name: name for name in names})
    write(tmp_path, {"Modelfile": cli("modelfile", model)})
    assert set(push("-f", tmp_path / "Modelfile", model)[0]) == names


def test_flags_of_modelfile(cli, model, tmp_path):
    text = cli("modelfile", "--name", "other name", "--arch", "", "--family=f", "--format", "gguf", "--param-size", "7B",
               "--precision", "fp8", "--quantization", "awq", model)
    assert text.split("\n\n")[0].splitlines() == ['NAME "other name"', "FAMILY f", "FORMAT gguf", "PARAMSIZE 7B", "PRECISION fp8",
                                                  "QUANTIZATION awq"]
    cli("modelfile", "--name", "a\x1bb", model, status=USAGE, text="the value of --name holds a control character")
    here = cli("modelfile", ".", cwd=model)
    assert here == cli("modelfile", model), "the name of the directory, not \".\""
    out = tmp_path / "out"
    assert cli("modelfile", model, "-o", out) == "" and out.read_text() == here
    out.write_text("mine")
    cli("modelfile", model, "-o", out, status=USAGE, text="exists; --force overwrites it")
    assert out.read_text() == "mine"
    cli("modelfile", model, "-o", out, "--force")
    assert out.read_text() == here
    cli("modelfile", model, "-o", tmp_path / "no" / "such", status=1, text="No such file")
    cli("modelfile", tmp_path / "none", status=1, text="none")


def test_many_files(cli, tmp_path):
    """As many as a model may have, named one by one and by patterns, in a time that grows with their number only."""
    model = tmp_path / "m"
    for folder in range(100):
        (model / str(folder)).mkdir(parents=True)
        for name in range(99):
            (model / str(folder) / f"{name}.bin").write_bytes(b"x")
    start = time.monotonic()
    text = cli("modelfile", model)
    assert len(listed(text)) == 9900
    write(model, {".havenignore": "\n".join(f"/{i}/0.bin" for i in range(100))})
    assert len(listed(cli("modelfile", model))) == 9800
    assert time.monotonic() - start < 60


# ---- the page about it ----

def test_commands_of_the_page(haven, push, cli, env, tmp_path):
    """Blocks marked as run do, on a directory like the one that the page speaks of."""
    del push  # it has logged in
    text = (ROOT / "docs" / "modelfile.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- test: run -->\n```sh\n(.*?)```", text, re.S)
    files = re.findall(r"<!-- test: write ([^ ]+) -->\n```\w*\n(.*?)```", text, re.S)
    assert len(blocks) >= 2 and len(files) >= 2
    write(tmp_path / "my-model", {"config.json": "{}", "model.safetensors": "x", "shards/a.safetensors": "y", "run.py": "",
                                  "README.md": "", "data/train.csv": "", "notes/private.txt": "", "a.tmp": ""})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "haven").symlink_to(HAVEN)
    for path, content in files:
        write(tmp_path, {path: content})
    for block in blocks:
        block = block.replace("registry.example.org", haven.address)
        done = subprocess.run(["sh", "-e", "-c", block], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60,
                              env={**env, "PATH": f"{tmp_path / 'bin'}:{env['PATH']}"})
        assert done.returncode == 0, block + done.stdout + done.stderr
