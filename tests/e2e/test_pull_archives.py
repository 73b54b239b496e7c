# SPDX-License-Identifier: Apache-2.0
"""haven pull of layers that are archives: tar in every dialect, gzip, zstd, layers of images; interrupted and taken up."""
import gzip
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile

import pytest

from harness.client import MIB, docker_registry, env, fake, haven, noise, ok, refused, tree  # noqa: F401
from harness.content import image, write_layout
from harness.fake_registry import wait_until
from harness.record import HAVEN

LONG = bool(os.environ.get("HAVEN_TEST_LONG"))
LAYER = "application/vnd.cncf.model.weight.v1."
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def zstd(data, *options):
    if not shutil.which("zstd"):
        pytest.skip("zstd is not installed")
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


PACK = {"tar": lambda data: data, "tar+gzip": lambda data: gzip.compress(data, 1), "tar+zstd": zstd}


def member(path, content=b"", kind=tarfile.REGTYPE, link="", mode=0o644, mtime=0):
    info = tarfile.TarInfo(path)
    info.size, info.type, info.linkname, info.mode, info.mtime = len(content), kind, link, mode, mtime
    return info, content


def tar(*members, dialect="pax"):
    """members: (path, content) or what member() makes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=FORMATS[dialect]) as archive:
        for one in members:
            info, content = member(*one) if isinstance(one[0], str) else one
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def layer(reg, data, encoding="tar", kind=LAYER, path="x.tar"):
    """Archives as modctl and kit name them; the annotation says nothing of what is inside."""
    return {"mediaType": kind + encoding, "digest": reg.add_blob(data), "size": len(data),
            "annotations": {"org.cncf.model.filepath": path}}


def rounds(env, reg, ref, out, whole, n, chance):
    """Kills n pulls at random points; how many bytes all of them and the last, whole one took."""
    before = reg.served
    for _ in range(n):
        begun = reg.served
        limit = chance.uniform(0.02, 0.6) * whole
        process = subprocess.Popen([HAVEN, "pull", "-q", ref, str(out)], env=env, stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: process.poll() is not None or reg.served - begun > limit, 120)
        finally:
            process.kill()
            process.wait()
        if process.returncode == 0:
            break
    ok(subprocess.run([HAVEN, "pull", "-q", ref, str(out)], env=env, capture_output=True, text=True))
    return reg.served - before


# ---- dialects ----

@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("dialect", FORMATS)
def test_dialects(fake, haven, tmp_path, dialect, encoding):
    reg = fake()
    deep = "d" * 60 + "/" + "e" * 60 + "/" + "f" * 80
    files = {"config.json": b"{}", "sub/run.sh": b"#!/bin/sh\n", deep: b"deep", "empty": b"", "w.safetensors": noise(3 * MIB + 17),
             "block": noise(512)}
    if dialect != "ustar":
        files["g" * 200 + "/ü" + "h" * 200] = b"very long"
    members = [member("./", kind=tarfile.DIRTYPE), member("sub/", kind=tarfile.DIRTYPE)]
    members += [member(p, c, mode=0o4755 if p.endswith(".sh") else 0o600, mtime=1700000000) for p, c in files.items()]
    data = tar(*members, dialect=dialect)
    reg.add_manifest("p/m", "v1", [layer(reg, PACK[encoding](data), encoding), ("plain.txt", b"raw")])
    out = tmp_path / "o"
    done = json.loads(ok(haven("pull", "--json", f"{reg.host}/p/m:v1", out)).stdout)
    assert tree(out) == {**files, "plain.txt": b"raw"}
    assert done["files"] == len(files) + 1
    assert stat.S_IMODE((out / "sub/run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "config.json").stat().st_mode) == 0o644
    assert (out / "w.safetensors").stat().st_mtime == 1700000000
    assert not (out / ".haven-partial").exists()
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    assert tree(out) == {**files, "plain.txt": b"raw"}


def test_several_frames(fake, haven, tmp_path):
    """gzip members and zstd frames in a row are one stream, wherever they are cut."""
    reg = fake()
    data = tar(("a", noise(700000)), ("b", b"b"))
    layers = [layer(reg, gzip.compress(data[:1000]) + gzip.compress(data[1000:]), "tar+gzip")]
    ok_tree = {"a": noise(700000), "b": b"b"}
    reg.add_manifest("p/m", "v1", layers)
    ok(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"))
    assert tree(tmp_path / "o") == ok_tree
    reg.add_manifest("p/m", "v2", [layer(reg, zstd(data[:70000]) + zstd(data[70000:], "--ultra", "-20"), "tar+zstd")])
    ok(haven("pull", f"{reg.host}/p/m:v2", tmp_path / "o2"))
    assert tree(tmp_path / "o2") == ok_tree


# ---- large archives ----

LARGE = {"model-1.safetensors": noise(MIB, 11) * 90, "model-2.safetensors": noise(MIB, 12) * 60 + b"tail",
         "config.json": b'{"a": 1}', "nothing": b""}
MANY = {f"data/{i:05}.json": bytes([i % 251]) * (i % 3000) for i in range(40000)}


def spans(reg, digest):
    found = [re.fullmatch(r"bytes=(\d+)-(\d+)", h.get("Range", "")) for _, _, h in reg.asked("GET", f"/blobs/{digest}")]
    return [(int(f[1]), int(f[2]) + 1) if f else None for f in found]


def test_large_archive_in_pieces(fake, haven, tmp_path):
    reg = fake()
    data = tar(*LARGE.items())
    one = layer(reg, data)
    reg.add_manifest("p/m", "v1", [one])
    out = tmp_path / "o"
    ok(haven("pull", "-j", "4", f"{reg.host}/p/m:v1", out))
    assert tree(out) == LARGE
    asked = spans(reg, one["digest"])
    assert None not in asked and len([s for s in asked if s[1] - s[0] > MIB]) >= 3, asked
    assert reg.served <= len(data) + 20 * 16384
    # What is there is not fetched again: headers alone show that it is right.
    reg.served = 0
    again = json.loads(ok(haven("pull", "--json", f"{reg.host}/p/m:v1", out)).stdout)
    assert reg.served <= 8 * 16384 and again["files_present"] == 4 and again["bytes_transferred"] == reg.served
    with open(out / "model-2.safetensors", "r+b") as f:
        f.write(b"X")
    (out / "config.json").unlink()
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    assert tree(out) == LARGE and not (out / ".haven-partial").exists()


def test_large_archive_of_small_files(fake, haven, env, tmp_path):
    reg = fake()
    data = tar(*MANY.items(), dialect="ustar")
    assert len(data) > 64 * MIB
    one = layer(reg, data)
    reg.add_manifest("p/m", "v1", [one])
    ok(haven("pull", "-q", f"{reg.host}/p/m:v1", tmp_path / "o"))
    assert tree(tmp_path / "o") == MANY
    assert len(spans(reg, one["digest"])) <= 20
    # A kill costs the bytes that were in the air, not those that are on the disk.
    out = tmp_path / "o2"
    for _ in range(2):
        reg.served = 0
        killed_half_way(env, reg, f"{reg.host}/p/m:v1", out, 30 * MIB)
        kept = sum(p.stat().st_size for p in (out / ".haven-partial").iterdir())
        assert kept > 4 * MIB
    reg.requests.clear()
    ok(haven("pull", "-q", f"{reg.host}/p/m:v1", out))
    assert spans(reg, one["digest"])[-1] == (kept, len(data))
    assert tree(out) == MANY


def test_without_ranges(fake, haven, tmp_path):
    reg = fake()
    reg.ranges = False
    data = tar(*LARGE.items())
    small = tar(("s", b"small"))
    reg.add_manifest("p/m", "v1", [layer(reg, data), layer(reg, small, path="y"),
                                   layer(reg, gzip.compress(tar(("z", noise(2 * MIB)))), "tar+gzip", path="z")])
    ok(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"))
    assert tree(tmp_path / "o") == {**LARGE, "s": b"small", "z": noise(2 * MIB)}


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("size", ["small", "large"])
def test_killed(fake, env, tmp_path, encoding, size):
    reg = fake()
    files = LARGE if size == "large" else {"a": noise(20 * MIB, 5), "b/c": noise(10 * MIB, 6), "d": b""}
    data = PACK[encoding](tar(*files.items()))
    if encoding != "tar" and size == "large":
        data = PACK[encoding](tar(("n", noise(80 * MIB, 13))))
        files = {"n": noise(80 * MIB, 13)}
    reg.add_manifest("p/m", "v1", [layer(reg, data, encoding)])
    reg.slow = 0.003
    n = 30 if LONG else 4
    took = rounds(env, reg, f"{reg.host}/p/m:v1", tmp_path / "o", len(data), n, random.Random(encoding + size))
    assert tree(tmp_path / "o") == files
    assert took <= len(data) + (n + 1) * 4 * 8 * MIB


def killed_half_way(env, reg, ref, out, bytes_served):
    reg.slow = 0.01
    process = subprocess.Popen([HAVEN, "pull", "-q", ref, str(out)], env=env)
    wait_until(lambda: process.poll() is not None or reg.served > bytes_served)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    reg.slow = 0


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("what", ["head", "member"])
def test_spoiled_parts(fake, haven, env, tmp_path, size, what):
    """What an earlier run left is hashed again: a wrong byte costs a second download, and no more."""
    reg = fake()
    files = LARGE if size == "large" else {"a": noise(20 * MIB, 5), "b": noise(20 * MIB, 6)}
    one = layer(reg, tar(*files.items()))
    reg.add_manifest("p/m", "v1", [one])
    out = tmp_path / "o"
    killed_half_way(env, reg, f"{reg.host}/p/m:v1", out, 30 * MIB)
    base = out / ".haven-partial" / one["digest"].replace(":", "-")
    assert not base.exists(), "a copy of the archive lies on the disk"
    spoiled = base.with_name(base.name + (".head" if what == "head" else ".0"))
    with open(spoiled, "r+b") as f:
        f.seek(100)
        f.write(b"\x7f")
    ok(haven("pull", f"{reg.host}/p/m:v1", out))
    assert tree(out) == files and not (out / ".haven-partial").exists()


@pytest.mark.release
def test_memory(fake, env, tmp_path):
    reg = fake()
    big = noise(MIB, 17) * 120
    reg.add_manifest("p/m", "v1", [("raw.bin", big), layer(reg, tar(*LARGE.items())),
                                   layer(reg, zstd(tar(("z", noise(MIB, 18) * 40))), "tar+zstd", path="z")])
    code = ("import os, resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run(["python3", "-c", code, HAVEN, "pull", "-q", f"{reg.host}/p/m:v1", str(tmp_path / "o")], env=env,
                          capture_output=True, text=True, check=True)
    program = pathlib.Path(HAVEN).read_bytes()
    sanitized = b"__asan_init" in program or b"__tsan_init" in program
    # Sanitizers keep what was freed, up to 256 MiB, and shadows of it.
    assert int(done.stdout.split()[-1]) < (512 if sanitized else 64) * 1024


# ---- a part of it ----

def test_filters(fake, haven, tmp_path):
    reg = fake()
    layers = [layer(reg, tar(*LARGE.items())), layer(reg, tar(("docs/a.md", b"a"), ("docs/b.txt", b"b")), path="d"),
              layer(reg, gzip.compress(tar(("gz/a.md", b"z"))), "tar+gzip", path="g"), ("raw.bin", noise(MIB)), ("raw.json", b"{}")]
    reg.add_manifest("p/m", "v1", layers)
    everything = {**LARGE, "docs/a.md": b"a", "docs/b.txt": b"b", "gz/a.md": b"z", "raw.bin": noise(MIB), "raw.json": b"{}"}
    ref = f"{reg.host}/p/m:v1"

    def pull(name, *options):
        reg.requests.clear()
        ok(haven("pull", *options, ref, tmp_path / name))
        found = tree(tmp_path / name)
        assert all(everything[p] == c for p, c in found.items())
        return set(found)

    assert pull("1", "--include", "*.json", "--include", "docs/") == {"config.json", "raw.json", "docs/a.md", "docs/b.txt"}
    assert not reg.asked("GET", f"/blobs/{layers_digest(reg, 'raw.bin')}"), "what is not wanted was fetched"
    assert pull("2", "--exclude", "*.safetensors", "--exclude", "raw.bin") == set(everything) - {
        "model-1.safetensors", "model-2.safetensors", "raw.bin"}
    assert pull("3", "--include", "model-2*") == {"model-2.safetensors"}
    # Everything else later: what is there stays.
    assert pull("3") == set(everything)
    refused(haven("pull", "--include", "absent", ref, tmp_path / "4"), "NOT_FOUND", "no file")
    refused(haven("pull", "--include", "[", ref, tmp_path / "4"), "USAGE", "--include")


def layers_digest(reg, path):
    manifest = json.loads(reg.manifests["p/m", "v1"])
    found, = [d["digest"] for d in manifest["layers"] if d["annotations"]["org.cncf.model.filepath"] == path]
    return found


def test_filter_changes_half_way(fake, haven, env, tmp_path):
    """Parts of members that nobody wants any more do no harm, and are removed."""
    reg = fake()
    reg.add_manifest("p/m", "v1", [layer(reg, tar(*LARGE.items()))])
    ref, out = f"{reg.host}/p/m:v1", tmp_path / "o"
    killed_half_way(env, reg, ref, out, 60 * MIB)
    ok(haven("pull", "--include", "model-2.*", ref, out))
    assert tree(out) == {"model-2.safetensors": LARGE["model-2.safetensors"]}
    assert not (out / ".haven-partial").exists()


def test_directory_by_default(fake, haven, tmp_path):
    reg = fake()
    reg.add_manifest("p/qwen", "v1", [("a", b"1")])
    ok(haven("pull", f"{reg.host}/p/qwen:v1", cwd=tmp_path))
    assert tree(tmp_path / "qwen") == {"a": b"1"}


# ---- images ----

@pytest.fixture
def podman():
    if not shutil.which("podman") or os.geteuid() != 0:
        pytest.skip("podman as root is not there")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="podman"))  # podman takes no long names for these
    (folder / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    base = ["podman", "--root", folder / "s", "--runroot", folder / "r", "--tmpdir", folder / "t", "--storage-driver", "vfs",
            "--cgroup-manager", "cgroupfs", "--events-backend", "none"]

    def call(*args):
        if args[0] in ("pull", "build", "push"):
            args = [args[0], "--signature-policy", folder / "policy.json", *args[1:]]
        done = subprocess.run([*map(str, base), *map(str, args)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    yield call
    call("image", "umount", "--all")
    call("rmi", "--all", "--force")
    shutil.rmtree(folder, ignore_errors=True)


GONE = ".wh."


@pytest.mark.parametrize("encoding", ["tar+gzip", "tar+zstd"])
def test_compressed_archive_is_remembered(fake, haven, env, tmp_path, encoding):
    """A second pull fetches nothing when all files are right, and the archive when one is not."""
    reg = fake()
    files = {"w.safetensors": noise(9 * MIB), "config.json": b"{}", "sub/empty": b"", "sub/copy": noise(9 * MIB)}
    data = PACK[encoding](tar(*[item for item in files.items() if item[0] != "sub/copy"],
                              member("sub/copy", kind=tarfile.LNKTYPE, link="w.safetensors"),
                              member("link", kind=tarfile.SYMTYPE, link="config.json")))
    one = layer(reg, data, encoding)
    reg.add_manifest("p/m", "v1", [one])
    out, ref = tmp_path / "o", f"{reg.host}/p/m:v1"

    def blobs(*args, to=out):
        before = len(reg.asked("GET", "/blobs/" + one["digest"]))
        said = json.loads(ok(haven("pull", "--json", *args, ref, to)).stdout)
        assert (to / "link").is_symlink() or "--include" in args
        return len(reg.asked("GET", "/blobs/" + one["digest"])) - before, said

    shown = {**files, "link": b"{}"}
    assert blobs()[0] > 0 and tree(out) == shown
    fetched, said = blobs()
    assert fetched == 0 and said["bytes_transferred"] == 0 and said["files_present"] >= 4 and tree(out) == shown
    # One byte, the same size: found, and set right.
    with open(out / "sub/copy", "r+b") as f:
        f.write(b"X")
    assert blobs()[0] > 0 and tree(out) == shown
    (out / "config.json").unlink()
    assert blobs()[0] > 0 and tree(out) == shown and blobs()[0] == 0
    # What is remembered depends on the archive alone: another directory, fewer files.
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_bytes(b"{}")
    assert blobs("--include", "*.json", to=other)[0] == 0
    assert blobs(to=other)[0] > 0 and tree(other) == shown
    shutil.rmtree(env["HAVEN_CACHE_DIR"])
    assert blobs("--include", "*.json", to=tmp_path / "third")[0] > 0 and blobs()[0] == 0
    # A damaged note costs a download, and no more.
    note, = pathlib.Path(env["HAVEN_CACHE_DIR"]).glob("c-*")
    for damage in (lambda d: d[:-1], lambda d: d[:40] + b"?" + d[41:], lambda d: b"", lambda d: b"\x02" + d[1:]):
        kept = note.read_bytes()
        note.write_bytes(damage(kept))
        assert blobs()[0] > 0 and tree(out) == shown and note.read_bytes() == kept


def layers_of_an_image():
    first = tar(member("models/", kind=tarfile.DIRTYPE), ("models/old.bin", noise(1000)), ("models/kept.bin", noise(2000, 2)),
                ("models/sub/a", b"a"), ("models/sub/b", b"b"), ("changed", b"first"), ("opaque/x", b"x"), ("opaque/y/z", b"z"),
                ("becomes-dir", b"file"), ("becomes-file/inner", b"inner"),
                member("link", kind=tarfile.SYMTYPE, link="models/kept.bin"), member("hard", kind=tarfile.LNKTYPE, link="models/kept.bin"),
                member("up/link", kind=tarfile.SYMTYPE, link="../models"))
    second = tar(("models/" + GONE + "old.bin", b""), (GONE + "absent", b""), ("models/" + GONE + "sub", b""), ("models/sub/c", b"c"),
                 ("changed", b"second"), ("opaque/" + GONE + GONE + ".opq", b""), ("opaque/new", b"new"),
                 member("becomes-dir/", kind=tarfile.DIRTYPE), ("becomes-dir/in", b"in"), ("becomes-file", b"file"))
    third = tar(("models/old.bin", b"again"), (GONE + "hard", b""))
    return [first, second, third]


SHOWN = {"models/old.bin": b"again", "models/kept.bin": noise(2000, 2), "models/sub/c": b"c", "changed": b"second",
         "opaque/new": b"new", "becomes-dir/in": b"in", "becomes-file": b"file", "link": noise(2000, 2)}


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_image(docker_registry, haven, tmp_path, how):
    """An image that skopeo has packed and sent, and what podman says is in it."""
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    document, blobs = image(layers_of_an_image())
    write_layout(tmp_path / "layout", document, blobs)
    name = f"{docker_registry}/library/image-{how}:v1"
    compress = ["--dest-compress=false"] if how == "none" else ["--dest-compress-format", how]
    subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", *compress,
                    f"oci:{tmp_path / 'layout'}:v1", f"docker://{name}"], check=True, capture_output=True)
    out = tmp_path / "o"
    out.mkdir()
    (out / "absent").write_text("the user's own")
    ok(haven("pull", name, out))
    found = tree(out)
    assert found.pop("absent") == b"the user's own", "a whiteout removed what this pull had not brought"
    assert found == SHOWN
    assert os.readlink(out / "link") == "models/kept.bin" and os.readlink(out / "up/link") == "../models"
    ok(haven("pull", name, out))
    assert {**SHOWN, "absent": b"the user's own"} == tree(out)


def test_image_as_podman_sees_it(docker_registry, haven, podman, tmp_path):
    document, blobs = image(layers_of_an_image(), compress=True)
    write_layout(tmp_path / "layout", document, blobs)
    name = f"{docker_registry}/library/overlay:v1"
    subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false",
                    f"oci:{tmp_path / 'layout'}:v1", f"docker://{name}"], check=True, capture_output=True)
    ok(haven("pull", name, tmp_path / "o"))
    podman("pull", "-q", "--tls-verify=false", name)
    assert tree(podman("image", "mount", name)) == tree(tmp_path / "o") == SHOWN


def test_image_by_podman(docker_registry, haven, podman, tmp_path):
    """podman builds and pushes; of an index, this machine's is taken."""
    (tmp_path / "w.bin").write_bytes(noise(2 * MIB))
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY w.bin /models/w.bin\nCOPY Containerfile /models/\n")
    name = f"{docker_registry}/library/built:v1"
    podman("build", "-q", "--isolation", "chroot", "-t", name, tmp_path)
    podman("push", "-q", "--tls-verify=false", name)
    ok(haven("pull", name, tmp_path / "o"))
    assert tree(tmp_path / "o") == {"models/w.bin": noise(2 * MIB), "models/Containerfile": (tmp_path / "Containerfile").read_bytes()}
    podman("manifest", "create", "several")
    podman("manifest", "add", "--tls-verify=false", "several", f"docker://{name}")
    podman("manifest", "push", "--all", "-q", "--tls-verify=false", "several", f"docker://{name}-list")
    ok(haven("pull", f"{name}-list", tmp_path / "o2"))
    assert tree(tmp_path / "o2") == tree(tmp_path / "o")
    refused(haven("pull", "--platform", "linux/s390x", f"{name}-list", tmp_path / "o3"), "MODEL_INVALID", "linux/s390x")


def test_same_layer_twice(fake, haven, tmp_path):
    reg = fake()
    kind = "application/vnd.oci.image.layer.v1."
    one = tar(("a", b"1"))
    two = tar((GONE + "a", b""), ("b", b"2"))
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": reg.add_blob(b"{}"), "size": 2}
    layers = [{**layer(reg, d, "tar", kind), "annotations": {}} for d in (one, two, one)]
    reg.add_manifest("p/m", "v1", layers, config=config)
    ok(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"))
    assert tree(tmp_path / "o") == {"a": b"1", "b": b"2"}
