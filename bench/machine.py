# SPDX-License-Identifier: Apache-2.0
"""What the measurements need to know of the machine: its facts, CPU time, memory of processes."""
import os
import pathlib
import platform
import resource
import subprocess

TICK = os.sysconf("SC_CLK_TCK")
ROOT = pathlib.Path(__file__).resolve().parents[1]


def first_line(path, start=""):
    try:
        for line in pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(start):
                return line
    except OSError:
        pass
    return ""


def run(*command):
    """What a command prints on either stream, or ""."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def package(name):
    return run("dpkg-query", "-W", "-f=${Version}", name) if os.path.exists("/usr/bin/dpkg-query") else ""


def filesystem(path):
    return run("df", "--output=fstype", str(path)).split("\n")[-1]


def facts(folder):
    """One dictionary that goes into every line of the results."""
    memory = first_line("/proc/meminfo", "MemTotal:").split()
    return {
        "cpu": first_line("/proc/cpuinfo", "model name").partition(":")[2].strip() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory[1]) / 1048576, 1) if len(memory) > 1 else None,
        "kernel": platform.release(),
        "system": first_line("/etc/os-release", "PRETTY_NAME=").partition("=")[2].strip('"'),
        "filesystem": filesystem(folder),
        "docker_registry": package("docker-registry"),
        "nginx": package("nginx-light") or package("nginx"),
        "libmicrohttpd": package("libmicrohttpd12"),
        "wrk": package("wrk"),
    }


def commit():
    """(full commit id, whether src/ or the build differs from it)."""
    git = ("git", "-C", str(ROOT))
    name = run(*git, "rev-parse", "HEAD")
    changed = run(*git, "status", "--porcelain", "--untracked-files=no", "--", "src", "meson.build")
    return name, bool(changed)


def stat_fields(pid):
    """The fields of /proc/PID/stat behind the name, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def cpu_of(pids):
    """CPU seconds of running processes."""
    total = 0
    for pid in pids:
        fields = stat_fields(pid)
        if fields:
            total += int(fields[11]) + int(fields[12])
    return total / TICK


def kernel_cpu():
    """CPU seconds of kernel threads: writing back and such, work that somebody's file caused."""
    pids = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_fields(name)
            if fields and fields[1] == "2":
                pids.append(name)
    return cpu_of(pids)


def busy_cpu():
    """CPU seconds that all cores were busy, stolen time included."""
    n = [int(x) for x in first_line("/proc/stat", "cpu ").split()[1:]]
    return (sum(n[:3]) + sum(n[5:8])) / TICK


def own_cpu():
    """CPU seconds of this process and of the children that have ended."""
    total = 0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def memory_of(pids):
    """(RSS, PSS) in bytes, of all the processes together."""
    rss = pss = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith("Rss:"):
                rss += int(line.split()[1]) * 1024
            elif line.startswith("Pss:"):
                pss += int(line.split()[1]) * 1024
    return rss, pss
