# SPDX-License-Identifier: Apache-2.0
"""What a disk may hold after the power failed: from the recorded calls of a program, as strace wrote them.

Only what was synced is sure. Of the rest each write, each cut and each change of a directory may be there or not, and
a write may be there by half. A change of a directory is sure once that directory was synced; a rename is one change.
"""
import os
import re

CALLS = ("openat,pwrite64,write,ftruncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,"
         "fdatasync,syncfs,sendto,sendmsg,writev,link,linkat,pwritev,copy_file_range,fallocate")
# How strace has to be called for this.
STRACE = ["strace", "-f", "-y", "-xx", "-s", "4000000", "-e", "trace=" + CALLS]

NAME = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
PATH = re.compile(r"^\s*(?:-?\w+)<([^>]*)>")
SPELLED = re.compile(r"<((?:\\x[0-9a-f]{2})+)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def joined(lines):
    """Unfinished calls put together with their ends; a call counts when it has ended."""
    begun, done = {}, []
    for line in lines:
        pid, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[pid] = text.removesuffix("<unfinished ...>")
        elif text.startswith("<... "):
            done.append(begun.pop(pid, "") + re.sub(r"^<\.\.\. \w+ resumed>", "", text))
        else:
            done.append(text)
    return done


def strings(text):
    return [bytes.fromhex(found.replace("\\x", "")) for found in TEXT.findall(text)]


def parse(lines, root):
    """The calls that changed or synced what lies below root, and answers: tuples, in order."""
    root = str(root)
    events = []
    for call in joined(lines):
        call = SPELLED.sub(lambda m: "<" + bytes.fromhex(m[1].replace("\\x", "")).decode() + ">", call)
        found = NAME.match(call)
        if not found or int(found[3]) < 0:
            continue
        event = parse_call(found[1], found[2], int(found[3]), root)
        if event:
            events.append(event)
    return events


def below(path, root):
    path = os.path.normpath(path.removesuffix("(deleted)"))
    return os.path.relpath(path, root) if path == root or path.startswith(root + "/") else None


def at(args, root):
    """The paths of (directory, name) arguments, or of names alone."""
    pieces = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:\\x[0-9a-f]{2})*)"', args)
    return [below(os.path.join(folder, bytes.fromhex(name.replace("\\x", "")).decode()), root)
            for folder, name in pieces]


def parse_call(name, args, result, root):
    first = PATH.match(args)
    path = below(first[1], root) if first else None
    if name in ("sendto", "sendmsg", "writev") and "socket" in args.split(",")[0]:
        text = b"".join(strings(args))
        return ("answer", int(text[9:12])) if text.startswith(b"HTTP/1.1 ") else None
    if name == "openat":
        target = at(args, root)[0]
        return ("open", target, "O_TRUNC" in args) if target and "O_CREAT" in args else None
    if name in ("pwrite64", "write"):
        if path is None:
            return None
        data = strings(args)[0][:result]
        offset = int(args.rsplit(",", 1)[1]) if name == "pwrite64" else None
        return ("write", path, offset, data)
    if name == "ftruncate":
        return ("cut", path, int(args.rsplit(",", 1)[1])) if path else None
    if name in ("fsync", "fdatasync"):
        return ("sync", path) if path else None
    if name == "syncfs":
        return ("all",)
    if name in ("rename", "renameat", "renameat2"):
        source, target = at(args, root)
        return ("rename", source, target) if source else None
    if name in ("unlink", "unlinkat", "rmdir"):
        target = at(args, root)[0]
        return ("unlink", target) if target else None
    if name in ("mkdir", "mkdirat"):
        target = at(args, root)[0]
        return ("mkdir", target) if target else None
    if path or any(at(args, root)):
        raise AssertionError(f"a call that the model of the disk does not know: {name}")
    return None


class File:
    """Changes of the content; those before `sure` are on the disk."""

    def __init__(self):
        self.changes, self.sure, self.size = [], 0, 0

    def content(self, keep):
        data = bytearray()
        for i, (offset, piece) in enumerate(self.changes):
            if i >= self.sure:
                piece = keep(piece)
                if piece is None:
                    continue
            if isinstance(piece, int):
                data[piece:] = b"\0" * max(0, piece - len(data))
                continue
            if len(data) < offset:
                data.extend(b"\0" * (offset - len(data)))
            data[offset:offset + len(piece)] = piece
        return bytes(data)


class Disk:
    """Applies events; image() makes a directory as a power loss at this point may leave it."""

    def __init__(self):
        self.names = {".": "folder"}  # path -> "folder" or File, as a running program sees it
        self.entries = []             # changes of directories: [sure, kind, path, File or "folder", old path]
        self.answers = []

    def apply(self, event):
        kind, *args = event
        getattr(self, "on_" + kind)(*args)

    def on_answer(self, status):
        self.answers.append(status)

    def on_open(self, path, cut):
        if path not in self.names:
            self.names[path] = File()
            self.entries.append([False, "add", path, self.names[path], None])
        elif cut:
            self.on_cut(path, 0)

    def on_mkdir(self, path):
        self.names[path] = "folder"
        self.entries.append([False, "add", path, "folder", None])

    def on_write(self, path, offset, data):
        file = self.names.get(path)
        if isinstance(file, File):
            file.changes.append((file.size if offset is None else offset, data))
            file.size = max(file.size, file.changes[-1][0] + len(data))

    def on_cut(self, path, size):
        file = self.names.get(path)
        if isinstance(file, File):
            file.changes.append((0, size))
            file.size = size

    def on_rename(self, source, target):
        self.names[target] = self.names.pop(source)
        self.entries.append([False, "rename", target, self.names[target], source])

    def on_unlink(self, path):
        self.entries.append([False, "remove", path, self.names.pop(path, None), None])

    def on_sync(self, path):
        what = self.names.get(path)
        if isinstance(what, File):
            what.sure = len(what.changes)
            return
        for entry in self.entries:
            folders = {os.path.dirname(p) or "." for p in (entry[2], entry[4]) if p}
            if path in folders:
                entry[0] = True

    def on_all(self):
        for entry in self.entries:
            entry[0] = True
        for what in self.names.values():
            if isinstance(what, File):
                what.sure = len(what.changes)

    def image(self, folder, chance, likely):
        """likely: how probable it is that something unsynced is there."""
        def keep(piece):
            if chance.random() < likely:
                return piece
            if not isinstance(piece, int) and chance.random() < 0.2:
                return piece[:len(piece) // 2]
            return None

        names = {".": "folder"}
        for sure, kind, path, what, old in self.entries:
            if not sure and chance.random() >= likely:
                continue
            if kind == "remove":
                names.pop(path, None)
                continue
            if kind == "rename":
                names.pop(old, None)
            names[path] = what
        for path, what in names.items():
            target = os.path.join(folder, path)
            # What lies in a directory that is not there is not there.
            if any(names.get(p) != "folder" for p in parents(path)):
                continue
            if what == "folder":
                os.makedirs(target, mode=0o700, exist_ok=True)
            elif not path.endswith("-shm"):
                os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
                with open(target, "wb") as out:
                    out.write(what.content(keep))


def parents(path):
    while path := os.path.dirname(path):
        yield path
