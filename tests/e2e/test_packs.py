# SPDX-License-Identifier: Apache-2.0
"""Archives against Python's tarfile and GNU tar in both directions; the mountable form in real runtimes."""
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

from harness.content import noise, push
from harness.registry import digest_of
from test_clients_real import check_files, ctr, podman, policy, run  # noqa: F401  pylint: disable=unused-import

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONG = "/".join(["directory-of-a-name"] * 8) + "/" + "n" * 120
NAMES = ["a", "sub/b.txt", "d/" + "p" * 98, "p" * 101, "x" * 90 + "/" + "y" * 90, LONG, "ä/ö.txt", "漢" * 40]


def tool(*args, code=0):
    """pack_tool, beside the haven under test."""
    build = pathlib.Path(os.environ.get("HAVEN_BIN", ROOT / "build" / "haven")).resolve().parent
    program = build / "tests" / "unit" / "pack_tool"
    if not program.exists():
        pytest.skip(f"{program} is not built (configure with -Dtests=true)")
    done = subprocess.run([program, *map(str, args)], check=False, capture_output=True, timeout=60)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout if code == 0 else done.stderr.decode()


# ---- what is written ----


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, 1, 512, 2**33 - 1, 2**33, 5 * 2**40])
def test_headers_by_tarfile(name, size):
    data = tool("header", name, size, "755")
    with tarfile.open(fileobj=io.BytesIO(data + bytes(1024))) as tar:
        info = tar.next()
    assert (info.name, info.size, info.mode, info.mtime, info.type) == (name, size, 0o755, 0, tarfile.REGTYPE)
    assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "", "")
    assert info.offset_data == len(data)


def test_headers_by_gnu_tar(tmp_path):
    archive = tmp_path / "a.tar"
    content = {name: noise(700 + i) for i, name in enumerate(NAMES)}
    with open(archive, "wb") as out:
        for name, data in content.items():
            out.write(tool("header", name, len(data), "644") + data + bytes(-len(data) % 512))
        out.write(bytes(1024))
    (tmp_path / "out").mkdir()
    done = subprocess.run(["tar", "-xf", archive, "-C", tmp_path / "out"], check=True, capture_output=True, timeout=60)
    assert done.stderr == b""
    check_files(tmp_path / "out", content)


# ---- what is read ----


def expect(tar_path):
    """What Python's reader says of an archive, in our words."""
    types = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink",
             tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.FIFOTYPE: "other"}
    found = []
    with tarfile.open(tar_path) as tar:
        for info in tar:
            path = info.name[2:] if info.name.startswith("./") else info.name
            link = info.linkname if info.islnk() or info.issym() else ""
            if info.islnk() and link.startswith("./"):
                link = link[2:]
            found.append({"type": types[info.type], "path": "" if path == "." else path, "link": link,
                          "size": info.size if info.isreg() else 0, "mode": info.mode & 0o777,
                          "mtime_ms": int(info.mtime) * 1000, "content_at": info.offset_data})
    return found


def listed(tar_path):
    """Ours, times to the second (Python keeps fractions as floating point)."""
    return [{**one, "mtime_ms": one["mtime_ms"] // 1000 * 1000} for one in json.loads(tool("list", tar_path))]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_reads_tarfile(tmp_path, form):
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
        for i, name in enumerate(NAMES):
            if form == tarfile.USTAR_FORMAT and name in (NAMES[3], LONG, NAMES[7]):
                continue  # cannot be said there
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = 1000 * i, 0o640, 1700000000 + (i if form == tarfile.USTAR_FORMAT else i / 4)
            tar.addfile(info, io.BytesIO(noise(1000 * i)))
        for kind, name, link in [(tarfile.DIRTYPE, "folder", ""), (tarfile.SYMTYPE, "s", "../x"),
                                 (tarfile.LNKTYPE, "h", "a"), (tarfile.FIFOTYPE, "f", "")]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            tar.addfile(info)
    got = listed(tmp_path / "a.tar")
    assert got == expect(tmp_path / "a.tar")
    assert len(got) >= 9


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_reads_gnu_tar(tmp_path, form):
    source = tmp_path / "source"
    for i, name in enumerate(NAMES):
        if form in ("v7", "ustar") and len(name.encode()) > 98:
            continue
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(noise(513 * i))
    (source / "link").symlink_to("t" * (90 if form in ("v7", "ustar") else 300))
    os.link(source / "a", source / "hard")
    subprocess.run(["tar", f"--format={form}", "-cf", tmp_path / "a.tar", "-C", source, "."], check=True, timeout=60)
    got = listed(tmp_path / "a.tar")
    assert got == expect(tmp_path / "a.tar")
    assert {one["type"] for one in got} == {"dir", "file", "symlink", "hardlink"}
    data = (tmp_path / "a.tar").read_bytes()
    for one in got:
        if one["type"] == "file":
            assert data[one["content_at"]:][:one["size"]] == (source / one["path"]).read_bytes()


def test_sparse_is_refused(tmp_path):
    with open(tmp_path / "holes", "wb") as out:
        out.truncate(10_000_000)
        out.seek(5_000_000)
        out.write(b"x")
    for form in ("gnu", "posix"):
        subprocess.run(["tar", f"--format={form}", "-S", "-cf", tmp_path / "a.tar", "-C", tmp_path, "holes"], check=True)
        assert "sparse" in tool("list", tmp_path / "a.tar", code=1)


# ---- the mountable form ----


FILES = {"config.json": b"{}\n", "tokenizer.json": b"[]\n", "README.md": b"# M\n", "LICENSE": b"MIT\n", "run/start.sh": b"#!/bin/sh\n",
         "w/" + "m" * 120 + ".safetensors": noise(300_001), "ä.safetensors": noise(70_000), "data/train.csv": b"a,b\n"}


def build_image(tmp_path, files, name="image"):
    source = tmp_path / f"{name}-source"
    for path, data in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(data)
        (source / path).chmod(0o750 if path.endswith(".sh") else 0o600)
    out = tmp_path / name
    tool("image", source, out, *files)
    blobs = {f"sha256:{p.name}": p.read_bytes() for p in out.iterdir() if p.name != "manifest.json"}
    assert all(digest_of(data) == digest for digest, data in blobs.items())
    return json.loads((out / "manifest.json").read_bytes()), blobs


def test_image_by_tarfile(tmp_path):
    """Every layer read by another program gives the files; the config names the layers."""
    document, blobs = build_image(tmp_path, FILES)
    assert json.loads(blobs[document["config"]["digest"]])["rootfs"]["diff_ids"] == [x["digest"] for x in document["layers"]]
    found = {}
    for layer in document["layers"]:
        assert layer["size"] == len(blobs[layer["digest"]])
        with tarfile.open(fileobj=io.BytesIO(blobs[layer["digest"]])) as tar:
            names = tar.getnames()
            assert names == sorted(names, key=str.encode)
            for info in tar:
                found[info.name] = tar.extractfile(info).read()
                assert info.mode == (0o755 if info.name.endswith(".sh") else 0o644)
    assert found == FILES
    assert [x["annotations"].get("org.cnai.model.model") for x in document["layers"]] == [None, "true", "true", None, None, None]
    read = json.loads(tool("layers", tmp_path / "image" / "manifest.json"))
    assert (read["form"], read["ordered"]) == ("cnai", True)


def test_image_is_reproducible(tmp_path):
    first = build_image(tmp_path, FILES)
    second = build_image(tmp_path, dict(reversed(FILES.items())), "again")
    assert first == second


@pytest.mark.release
def test_podman(haven, admin, repo, tmp_path, policy, podman):  # noqa: F811
    document, blobs = build_image(tmp_path, FILES)
    push(admin, repo, document, blobs, "v1")
    name = f"{haven.address}/{repo}:v1"
    podman("pull", "-q", "--tls-verify=false", "--signature-policy", policy, name)
    mounted = pathlib.Path(podman("image", "mount", name).strip())
    check_files(mounted, FILES)
    assert os.access(mounted / "run/start.sh", os.X_OK)


@pytest.mark.release
def test_containerd(haven, admin, repo, tmp_path, ctr):  # noqa: F811
    """As many layers as there can be."""
    files = {**FILES, **{f"shards/{i}.safetensors": noise(100 + i) for i in range(150)}}
    document, blobs = build_image(tmp_path, files)
    assert len(document["layers"]) == 122 + 4
    push(admin, repo, document, blobs, "v1")
    name = f"{haven.address}/{repo}:v1"
    snapshotter = "overlayfs" if can_overlay(tmp_path) else "native"
    ctr("images", "pull", "--plain-http", "--snapshotter", snapshotter, name)
    target = tmp_path / "mounted"
    target.mkdir()
    ctr("images", "mount", "--snapshotter", snapshotter, name, str(target))
    try:
        check_files(target, files)
    finally:
        ctr("images", "unmount", str(target))


def can_overlay(tmp_path):
    """Overlay mounts work here (in some containers they do not)."""
    base = tmp_path / "overlay"
    for part in ("lower", "upper", "work", "merged"):
        (base / part).mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
    done = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, base / "merged"], check=False, capture_output=True)
    if done.returncode == 0:
        subprocess.run(["umount", base / "merged"], check=True)
    shutil.rmtree(base, ignore_errors=True)
    return done.returncode == 0
