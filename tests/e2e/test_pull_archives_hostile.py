# SPDX-License-Identifier: Apache-2.0
"""haven pull of archives that were made to do harm: nothing leaves the directory, nothing fills the disk."""
import gzip
import itertools
import tarfile
import zlib

import pytest

from harness.client import MIB, env, fake, haven, noise, ok, refused, tree  # noqa: F401
from test_pull_archives import LARGE, PACK, layer, member, tar, zstd

LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
IMAGE = "application/vnd.oci.image.layer.v1."


def nothing_left(folder):
    return not folder.exists() or {p for p in tree(folder)} == set()


def serve(reg, data, encoding="tar", **more):
    reg.add_manifest("p/m", "v1", [("fine.txt", b"fine"), layer(reg, data, encoding, **more)])
    return f"{reg.host}/p/m:v1"


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("bad,text", [
    (("../escape", b"x"), "../escape"), (("/tmp/escape", b"x"), "absolute"), (("a/../../escape", b"x"), ".."),
    (("a\\b", b"x"), "backslash"), (("a\x1b[31m", b"x"), "control"), ((".git/hooks/pre-commit", b"x"), ".git"),
    ((".haven-partial/x", b"x"), "partial files"), (("fine.txt", b"x"), "appears twice"), (("FINE.txt", b"x"), "differ in case"),
    (("fine.txt/x", b"x"), "both a file and a directory"), (("ok.bin", b"again"), "appears twice"),
    (member("l", kind=LINK, link="/etc/passwd"), "may lead out"), (member("l", kind=LINK, link="../x"), "may lead out"),
    (member("d/l", kind=LINK, link="../../x"), "may lead out"), (member("l", kind=LINK, link="ok.bin/../../x"), "may lead out"),
    (member("l", kind=LINK, link="a\nb"), "may lead out"), (member("l", kind=LINK, link=""), "may lead out"),
    (member("l/x", b"through", kind=tarfile.REGTYPE), ""), (member("h", kind=HARD, link="/etc/passwd"), "hard link"),
    (member("h", kind=HARD, link="absent"), "hard link"), (member("h", kind=HARD, link="../../etc/passwd"), "hard link"),
    (member("dev", kind=tarfile.CHRTYPE), "neither a file"), (member("dev", kind=tarfile.BLKTYPE), "neither a file"),
    (member("pipe", kind=tarfile.FIFOTYPE), "neither a file"), (member("s", kind=tarfile.GNUTYPE_SPARSE), "sparse"),
    (member("u", kind=b"Z"), "unknown type")])
def test_members(fake, haven, tmp_path, bad, text, encoding):
    reg = fake()
    parts = [("ok.bin", noise(1000))]
    if not text:
        parts.append(member("l", kind=LINK, link="."))
        text = "both a file and a directory"
    ref = serve(reg, PACK[encoding](tar(*parts, bad, dialect="gnu")), encoding)
    out = tmp_path / "in" / "o"
    refused(haven("pull", ref, out), "MODEL_INVALID", text)
    assert set(tree(out)) <= {"fine.txt"}, "a member of a bad archive got its name"
    assert {p.name for p in tmp_path.iterdir()} <= {"in", "docker", "cache"} and [p.name for p in (tmp_path / "in").iterdir()] == ["o"]


def test_links_cannot_add_up(fake, haven, tmp_path):
    """Each link stays inside by its text; together they would not, if '..' could follow a name."""
    reg = fake()
    data = tar(("a/b/c/x", b"x"), member("a/b/c/up", kind=LINK, link="../../.."), member("t", kind=LINK, link="a/b/c/up/.."))
    refused(haven("pull", serve(reg, data), tmp_path / "o"), "MODEL_INVALID", '"t" is a symbolic link')


def test_links_of_the_user(fake, haven, tmp_path):
    """A link that lies in the directory is not followed, and is replaced only by what bears its name."""
    reg = fake()
    victim, out = tmp_path / "victim", tmp_path / "o"
    victim.mkdir()
    (victim / "w").write_bytes(b"untouched")
    out.mkdir()
    (out / "sub").symlink_to(victim)
    ref = serve(reg, tar(("sub/w", b"evil"), ("sub/x", b"evil")))
    refused(haven("pull", ref, out), "MODEL_INVALID", "not a directory")
    assert tree(victim) == {"w": b"untouched"}
    (out / "sub").unlink()
    (out / "sub").mkdir()
    (out / "sub" / "w").symlink_to(victim / "w")
    ok(haven("pull", ref, out))
    assert tree(victim) == {"w": b"untouched"} and (out / "sub" / "w").read_bytes() == b"evil"


def cut(data, n):
    return data[:n]


GOOD = tar(("a", noise(100000)), ("b", noise(5000, 2)))


@pytest.mark.parametrize("encoding,data,text", [
    ("tar", cut(GOOD, 700), "ends inside"), ("tar", cut(GOOD, 50000), "ends inside"), ("tar", noise(5000), "checksum"),
    ("tar", GOOD[:512] + b"\xff" + GOOD[513:100864] + b"junk" + GOOD[100868:], "checksum"),
    ("tar+gzip", cut(gzip.compress(GOOD), 60000), "ends too early"), ("tar+gzip", noise(5000), "not good gzip"),
    ("tar+gzip", gzip.compress(GOOD) + b"junk", "not good gzip"), ("tar+gzip", b"", "ends too early"),
    ("tar+gzip", zlib.compress(GOOD), "not good gzip"), ("tar+gzip", gzip.compress(cut(GOOD, 700)), "ends inside"),
    ("tar+gzip", gzip.compress(GOOD)[:-8] + b"\0" * 8, "not good gzip"),
    ("tar+zstd", noise(5000), "not good zstd"), ("tar+zstd", b"", "ends too early")], ids=itertools.count())
def test_damaged(fake, haven, tmp_path, encoding, data, text):
    """The digest is right and the content is not an archive."""
    reg = fake()
    refused(haven("pull", serve(reg, data, encoding), tmp_path / "o"), "MODEL_INVALID", text)
    assert set(tree(tmp_path / "o")) <= {"fine.txt"}


def test_damaged_zstd(fake, haven, tmp_path):
    reg = fake()
    packed = zstd(GOOD)
    for data, text in ((packed[:60000], "ends too early"), (packed + b"junk", "not good zstd"),
                       (packed[:30000] + bytes([packed[30000] ^ 1]) + packed[30001:], ""), (zstd(GOOD, "--no-check")[:-1], "")):
        refused(haven("pull", serve(reg, data, "tar+zstd"), tmp_path / "o"), "MODEL_INVALID", text)
        assert set(tree(tmp_path / "o")) <= {"fine.txt"}


def bomb_gzip(n):
    """A tar of one file of n MiB of zeros, as deflate packs it: a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    info = tarfile.TarInfo("bomb")
    info.size = n * MIB
    parts = [packer.compress(info.tobuf())]
    for _ in range(n):
        parts.append(packer.compress(bytes(MIB)))
    return b"".join(parts) + packer.compress(bytes(1024)) + packer.flush()


def test_bombs(fake, haven, tmp_path):
    reg = fake()
    refused(haven("pull", serve(reg, bomb_gzip(600), "tar+gzip"), tmp_path / "o"), "MODEL_INVALID", "times its size")
    info = tarfile.TarInfo("bomb")
    info.size = 600 * MIB
    packed = zstd(info.tobuf() + bytes(600 * MIB + 1024))
    assert len(packed) < MIB
    refused(haven("pull", serve(reg, packed, "tar+zstd"), tmp_path / "o"), "MODEL_INVALID", "times its size")
    # A member that says more than the disk has.
    info.size = 7 << 40
    info.name = "huge"
    huge = info.tobuf(format=tarfile.GNU_FORMAT) + bytes(5000)
    refused(haven("pull", serve(reg, PACK["tar+gzip"](huge), "tar+gzip"), tmp_path / "o"), "NO_SPACE", "huge")
    refused(haven("pull", serve(reg, huge), tmp_path / "o"), "MODEL_INVALID", "huge")
    info.size = 9 << 40
    refused(haven("pull", serve(reg, info.tobuf(format=tarfile.GNU_FORMAT) + bytes(5000)), tmp_path / "o"), "MODEL_INVALID", "size")
    # Something of little size that wants a window of gigabytes.
    window = zstd(tar(("w", noise(MIB))), "--ultra", "-22", "--long=31")
    done = haven("pull", serve(reg, window, "tar+zstd"), tmp_path / "o2")
    assert done.returncode == 0 or "[MODEL_INVALID]" in done.stderr
    assert set(tree(tmp_path / "o2")) <= {"fine.txt", "w"}


def test_two_faces(fake, haven, tmp_path):
    """Headers of one archive when asked for headers, another archive when asked for all."""
    reg = fake()
    data = tar(*LARGE.items())
    name = b"model-1.safetensors"
    evil = bytearray(data)
    evil[:512] = bytearray(tar(("evil", LARGE["model-1.safetensors"]), dialect="pax")[:512])
    one = layer(reg, data)
    reg.add_manifest("p/m", "v1", [one])
    assert data.startswith(name)

    def hook(h):
        asked = h.headers.get("Range", "")
        if "/blobs/" not in h.path or not asked:
            return False
        first, last = map(int, asked[6:].split("-"))
        if last - first > MIB:
            return False
        part = bytes(evil[first:last + 1])
        h.reply(206, {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"}, part)
        return True

    reg.hook = hook
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "REMOTE", "in two ways")
    assert not (tmp_path / "o" / "evil").exists()


@pytest.mark.parametrize("size", ["small", "large"])
def test_wrong_bytes(fake, haven, tmp_path, size):
    """A byte of a member is not what it was when the archive was pushed."""
    reg = fake()
    data = tar(*LARGE.items()) if size == "large" else GOOD
    one = layer(reg, data)
    reg.add_manifest("p/m", "v1", [one])
    spoiled = bytearray(data)
    spoiled[70000] ^= 1
    reg.blobs[one["digest"]] = bytes(spoiled)
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "DIGEST_INVALID", "x.tar")
    assert nothing_left(tmp_path / "o")


def test_one_content_two_meanings(fake, haven, tmp_path):
    reg = fake()
    one = layer(reg, GOOD)
    reg.add_manifest("p/m", "v1", [one, {**one, "mediaType": one["mediaType"] + "+gzip"}])
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "MODEL_INVALID", "two meanings")
    reg.add_manifest("p/m", "v1", [one, ("raw", GOOD)])
    refused(haven("pull", f"{reg.host}/p/m:v1", tmp_path / "o"), "MODEL_INVALID", "two meanings")


def test_long_trailer(fake, haven, tmp_path):
    """Zeros behind the end, as from tapes with large blocks, are hashed and kept nowhere."""
    reg = fake()
    for members, padding in ((LARGE, 10 * MIB), ({"a": b"1"}, 3 * MIB), (LARGE, 1000)):
        ok(haven("pull", serve(reg, tar(*members.items()) + bytes(padding)), tmp_path / f"o{padding}"))
        assert tree(tmp_path / f"o{padding}") == {**members, "fine.txt": b"fine"}


def test_unwanted_may_be_strange(fake, haven, tmp_path):
    reg = fake()
    members = [("a\\b", b"x"), member("dev", kind=tarfile.CHRTYPE), member("l", kind=LINK, link="/etc"), ("good.json", b"{}")]
    ref = serve(reg, tar(*members))
    refused(haven("pull", ref, tmp_path / "o"), "MODEL_INVALID")
    ok(haven("pull", "--include", "*.json", ref, tmp_path / "o"))
    assert tree(tmp_path / "o") == {"good.json": b"{}", "fine.txt": b"fine"} or tree(tmp_path / "o") == {"good.json": b"{}"}
    ref = serve(reg, tar(("../../x", b"x"), ("good.json", b"{}")))
    refused(haven("pull", "--include", "*.json", ref, tmp_path / "o2"), "MODEL_INVALID", "leads out")
