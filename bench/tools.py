# SPDX-License-Identifier: Apache-2.0
"""The command line tools that move models: haven beside skopeo, oras and modctl, on one registry.

Each pushes what it would push for a user: haven, oras and modctl a directory as it lies; skopeo, which cannot pack,
an OCI layout that haven made beforehand (its time is not counted, which flatters skopeo). Pulls end in a directory of
files, skopeo's in a layout: haven does that as well ("haven to a layout"), so that the same work stands side by side.
A pull is timed twice: until the tool says that it is done, and until a sync of the file system says that the files are
on the disk, which haven waits for by itself. A first round warms everything up and does not count. Tools that are not
installed are left out.
"""
import base64
import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import time

from servers import Haven, PASSWORD


class Unable(RuntimeError):
    """A tool that cannot do what the others can: modctl's manifests of 10,000 files, say, are refused by registries."""


class Tool:
    """One tool; commands are lists for subprocess. A folder of its own is its home, cache and credentials."""
    name = ""
    program = ""
    packs = True  # its push is counted
    unpacks = True

    def __init__(self, folder):
        self.home = pathlib.Path(folder)
        self.home.mkdir(parents=True)

    @classmethod
    def path(cls):
        return shutil.which(cls.program)

    def slug(self):
        return self.name.replace(" ", "-")

    def environment(self, server):
        (self.home / "docker").mkdir(exist_ok=True)
        secret = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        (self.home / "docker" / "config.json").write_text(
            json.dumps({"auths": {f"{server.host}:{server.port}": {"auth": secret}}}), encoding="utf-8")
        return os.environ | {"HOME": str(self.home), "DOCKER_CONFIG": str(self.home / "docker"),
                             "REGISTRY_AUTH_FILE": str(self.home / "docker" / "config.json"),
                             "XDG_CACHE_HOME": str(self.home / "cache"), "TMPDIR": str(self.home)}

    def reference(self, server, name):
        return f"{server.host}:{server.port}/library/{self.slug()}-{name}"

    def push(self, model, reference):
        raise NotImplementedError

    def pull(self, reference, target):
        raise NotImplementedError

    def prepare(self, model):
        """What has to be there before a push and is not counted."""


class HavenTool(Tool):
    name = "haven"

    @classmethod
    def path(cls):
        return str(Haven.program)

    def push(self, model, reference):
        return [self.path(), "push", "--quiet", str(model), reference + ":v1"]

    def pull(self, reference, target):
        return [self.path(), "pull", "--quiet", reference + ":v1", str(target)]


class HavenLayout(HavenTool):
    """Only carries layers, as skopeo does."""
    name = "haven to a layout"
    unpacks = packs = False

    def pull(self, reference, target):
        return [self.path(), "pull", "--quiet", reference + ":v1", "-o", str(target)]


class Oras(Tool):
    name = program = "oras"

    def push(self, model, reference):
        files = sorted(str(p.relative_to(model)) for p in model.rglob("*") if p.is_file())
        return ["sh", "-c", 'cd "$1"; shift; exec "$@"', "sh", str(model), self.path(), "push", "--no-tty", "--plain-http",
                reference + ":v1", *files]

    def pull(self, reference, target):
        return [self.path(), "pull", "--no-tty", "--plain-http", "-o", str(target), reference + ":v1"]


class Skopeo(Tool):
    name = program = "skopeo"
    unpacks = False
    layout = None

    def prepare(self, model):
        self.layout = self.home / "layout"
        shutil.rmtree(self.layout, ignore_errors=True)
        subprocess.run([str(Haven.program), "build", str(model), "-o", str(self.layout), "-t", "v1"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def push(self, model, reference):
        return [self.path(), "copy", "-q", "--dest-tls-verify=false", f"oci:{self.layout}:v1", f"docker://{reference}:v1"]

    def pull(self, reference, target):
        return [self.path(), "copy", "-q", "--src-tls-verify=false", f"docker://{reference}:v1", f"oci:{target}:v1"]


class Modctl(Tool):
    name = program = "modctl"

    def prepare(self, model):
        modelfile = self.home / "Modelfile"
        modelfile.write_text("NAME bench\n" + "".join(
            f"{'MODEL' if p.suffix == '.safetensors' else 'CONFIG'} {p.relative_to(model)}\n"
            for p in sorted(model.rglob("*")) if p.is_file()), encoding="utf-8")

    def common(self):
        return ["--storage-dir", str(self.home / "modctl"), "--log-dir", str(self.home / "log"), "--no-progress"]

    def push(self, model, reference):
        return [self.path(), "build", *self.common(), "--plain-http", "--output-remote", "-f", str(self.home / "Modelfile"),
                "-t", reference + ":v1", str(model)]

    def pull(self, reference, target):
        return [self.path(), "pull", *self.common(), "--plain-http", "--extract-from-remote", "--extract-dir", str(target),
                reference + ":v1"]


TOOLS = (HavenTool, HavenLayout, Oras, Skopeo, Modctl)


def run(command, environment, folder):
    """Runs to the end; its own figures. GNU time stands between: its own memory is small, ours would be counted as the tool's."""
    figures = folder / "figures"
    start = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-q", "-o", str(figures), "-f", "%U %S %M %O", *command], env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        raise Unable(f"{' '.join(command)[:300]}: status {done.returncode}: "
                           f"{done.stderr[-2000:].decode(errors='replace')}")
    user, kernel, peak, written = map(float, figures.read_text(encoding="ascii").split())
    return {"seconds": seconds, "cpu_seconds": user + kernel, "peak_mib": peak / 1024, "written_mib": written / 2048}


def safetensors(path, size):
    """A file of weights of about this size: one tensor of random bytes."""
    head = json.dumps({"weight": {"dtype": "BF16", "shape": [size // 2], "data_offsets": [0, size]}}).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(len(head).to_bytes(8, "little") + head)
        left = size
        while left:
            piece = os.urandom(min(1 << 20, left))
            f.write(piece)
            left -= len(piece)
        f.flush()
        os.fsync(f.fileno())


def make_shards(folder, size):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "bench", "torch_dtype": "bfloat16"}', encoding="utf-8")
    for i in range(1, 5):
        safetensors(folder / f"model-0000{i}-of-00004.safetensors", size // 4)


def make_small(folder, count):
    dice = random.Random(1)
    for i in range(count):
        path = folder / f"part{i // 100:03}" / f"shard{i:05}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(json.dumps({"i": i, "x": dice.randbytes(dice.randrange(200, 4000)).hex()}).encode())
    subprocess.run(["sync", "-f", str(folder)], check=True)


def check_same(model, target):
    """What was pulled is what was pushed (layouts are checked by their digests when they are read)."""
    done = subprocess.run(["diff", "-rq", str(model), str(target)], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if "Only in" not in line or str(target) not in line]
    if done.returncode > 1 or lines:
        raise RuntimeError(f"other files were pulled than pushed: {lines[:5]}")


def tools(bench):
    """Push and pull of a model in four shards and of one of many small files, each tool in turn."""
    quick = bench.huge_size < 4 << 30
    models = {"4 shards": lambda p: make_shards(p, (256 << 20) if quick else (4 << 30)),
              "many small files": lambda p: make_small(p, 500 if quick else 10000)}
    with kept_memory(bench):
        for label, make in models.items():
            of_model(bench, label, make)


def of_model(bench, label, make):
    model = bench.dir / "model"
    make(model)
    total = sum(p.stat().st_size for p in model.rglob("*") if p.is_file())
    present = [kind(bench.dir / f"tool-{kind.name}") for kind in TOOLS if kind.path()]
    for tool in present:
        tool.prepare(model)
    able = list(present)
    for n in range(-1, bench.rounds):
        k = n % len(able)
        for tool in able[k:] + able[:k]:
            try:
                round_trip(bench, tool, model, label, total, n)
            except Unable as error:  # it stays out of this model's rows
                print(error, flush=True)
                bench.note(f"{tool.name} with {label}", str(error)[-500:])
                able.remove(tool)
    for tool in present:
        shutil.rmtree(tool.home)
    shutil.rmtree(bench.dir / "pulled")
    shutil.rmtree(model)


@contextlib.contextmanager
def kept_memory(bench):
    """A virtual machine that gives free memory back to its host pays for every page anew, whichever tool comes next."""
    switch = pathlib.Path("/sys/module/page_reporting/parameters/page_reporting_order")
    try:
        before = switch.read_text(encoding="ascii")
        switch.write_text("10", encoding="ascii")
    except OSError:
        yield
        return
    bench.note("memory", "free memory was not given back to the host in smaller pieces than 4 MiB")
    try:
        yield
    finally:
        switch.write_text(before, encoding="ascii")


def round_trip(bench, tool, model, label, total, n):
    """A push into an empty registry and a pull from it, into an empty folder."""
    server = Haven(bench.dir / "tools-registry")
    try:
        server.start()
        transfers(bench, tool, server, model, label, total, n)
    finally:
        server.remove()
        for kept in ("cache", "modctl"):
            shutil.rmtree(tool.home / kept, ignore_errors=True)
        os.sync()


def transfers(bench, tool, server, model, label, total, n):
    environment = tool.environment(server)
    reference = tool.reference(server, "bench")
    target = bench.dir / "pulled" / f"{tool.slug()}-{n}"
    target.parent.mkdir(exist_ok=True)

    def push():
        return run(tool.push(model, reference), environment, tool.home) | {"bytes": total}

    def pull():
        start = time.monotonic()
        figures = run(tool.pull(reference, target), environment, tool.home)
        subprocess.run(["sync", "-f", str(target.parent)], check=True)
        return figures | {"bytes": total, "on_disk_seconds": time.monotonic() - start}

    timed(bench, "tool_push", tool, n if tool.packs else -1, server, push, label)
    os.sync()
    timed(bench, "tool_pull", tool, n, server, pull, label)
    if tool.unpacks:
        check_same(model, target)
    # Some file systems are slow to use the number of a file again that was just deleted: many files wait for the end.
    if total >= 1 << 28:
        shutil.rmtree(target)


def timed(bench, what, tool, n, server, work, label):
    if n < 0:
        work()
    else:
        bench.measure(what, tool.name, n, [server], work, clients=label)
