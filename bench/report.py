#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/benchmarks.md from the lines in bench/results/*.jsonl.

Each scenario shows its newest run; one of full length goes before a quick one. Figures are medians; a ratio is
the median of the ratios of runs of the same round. Runs marked as disturbed are left out where at least
three rounds remain without them.
"""
import argparse
import json
import pathlib
import statistics

ROOT = pathlib.Path(__file__).resolve().parents[1]
ENOUGH = 3  # undisturbed rounds


class Budget:
    """A figure that is promised: Haven's against another's, at least or at most so much."""

    def __init__(self, scenario, label, figure, other, least=None, most=None, inverse=False):
        self.scenario, self.label, self.figure, self.other = scenario, label, figure, other
        self.least, self.most, self.inverse = least, most, inverse

    def met(self, value):
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def text(self):
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"


RATE, GIBS = "requests_per_second", "gib_per_second"
BUDGETS = [
    *(Budget(s, c, RATE, "docker-registry", least=10) for s in ("manifest", "small_blob") for c in (16, 64)),
    *(Budget("blob_get", c, GIBS, "nginx", least=0.95) for c in (1, 4, 16)),
    *(Budget("tls_get", c, GIBS, "nginx", least=0.85) for c in (1, 4)),
    *(Budget("blob_put", c, "seconds", "slower of SHA-256 and synced write", most=1.25) for c in (1, 4)),
    Budget("blob_put", 1, "seconds", "docker-registry", least=2, inverse=True),
    Budget("blob_put", 4, "seconds", "docker-registry", least=1, inverse=True),
]
TITLES = {
    "manifest": ("Manifest by tag", RATE, "requests/s", "connections"),
    "small_blob": ("Blob of 2 KiB", RATE, "requests/s", "connections"),
    "blob_get": ("Large blob, GET", GIBS, "GiB/s, all clients together", "clients"),
    "tls_get": ("Large blob, GET by TLS 1.3", GIBS, "GiB/s, all clients together", "clients"),
    "blob_put": ("Large blob, POST and PUT", "seconds", "seconds until all are stored", "clients"),
}


def load(paths):
    """{run: {"facts": line, "notes": {}, "samples": []}}, oldest first."""
    runs = {}
    for path in sorted(paths):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                run = runs.setdefault(row["run"], {"facts": None, "notes": {}, "samples": []})
                if row["kind"] == "run":
                    run["facts"] = row
                elif row["kind"] == "note":
                    run["notes"][row["key"]] = row["value"]
                else:
                    run["samples"].append(row)
            except (ValueError, KeyError) as error:
                raise SystemExit(f"{path}:{number}: not a result: {error}") from error
    return {k: runs[k] for k in sorted(runs) if runs[k]["facts"]}


def newest(runs, scenario):
    """The run to show for a scenario, or None."""
    having = [r for r in runs.values() if any(s["scenario"] == scenario for s in r["samples"])]
    full = [r for r in having if not r["facts"]["quick"]]
    return (full or having or [None])[-1]


class Table:
    """The samples of one scenario in one run."""

    def __init__(self, run, scenario):
        self.samples = [s for s in run["samples"] if s["scenario"] == scenario]
        self.servers = list(dict.fromkeys(sorted((s["server"] for s in self.samples),
                                                 key=lambda s: (s != "haven", s))))
        self.labels = sorted({s.get("clients") for s in self.samples if "clients" in s})

    def of(self, server, label):
        return [s for s in self.samples if s["server"] == server and s.get("clients") == label]

    def median(self, server, label, figure):
        values = [s[figure] for s in undisturbed(self.of(server, label))]
        return statistics.median(values) if values else None

    def by_round(self, server, label, figure):
        """{round: (value, disturbed)}; the made-up server of the budget is the slower of two."""
        if server == "slower of SHA-256 and synced write":
            parts = [self.by_round(s, label, figure) for s in ("sha256 alone", "synced write alone")]
            return {n: (max(p[n][0] for p in parts), any(p[n][1] for p in parts))
                    for n in parts[0] if n in parts[1]}
        return {s["round"]: (s[figure], s["disturbed"]) for s in self.of(server, label)}

    def ratio(self, budget):
        """(median ratio, rounds used, whether they are all undisturbed), or None."""
        ours = self.by_round("haven", budget.label, budget.figure)
        theirs = self.by_round(budget.other, budget.label, budget.figure)
        pairs = [(ours[n][0] / theirs[n][0], ours[n][1] or theirs[n][1]) for n in ours if n in theirs]
        if not pairs:
            return None
        quiet = [p for p in pairs if not p[1]]
        used = quiet if len(quiet) >= ENOUGH else pairs
        value = statistics.median(p[0] for p in used)
        return 1 / value if budget.inverse else value, len(used), used is quiet


def undisturbed(samples):
    quiet = [s for s in samples if not s["disturbed"]]
    return quiet if len(quiet) >= ENOUGH else samples


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(samples, figure):
    values = [s[figure] for s in undisturbed(samples)]
    if not values:
        return "–"
    text = number(statistics.median(values))
    return f"{text} ({number(min(values))}–{number(max(values))})" if len(values) > 1 else text


def row(cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def head(cells):
    return [row(cells), "|" + " --- |" * len(cells)]


def facts_of(run):
    f = run["facts"]
    m = f["machine"]
    rounds = f"{f['rounds']} round{'s' if f['rounds'] != 1 else ''}, large blob of {f['blob_bytes'] >> 20:,} MiB"
    return (f"Measured {f['run'][:10]} at commit `{f['commit'][:12]}`"
            f"{' with changes' if f['changed'] else ''}, {rounds}{', quick' if f['quick'] else ''}: {m['cores']} cores of {m['cpu']}, {m['memory_gib']} GiB, "
            f"{m['system']}, kernel {m['kernel']}, {m['filesystem']}.")


def budgets(runs):
    out = ["## Budgets", "",
           "What Haven promises, as ratios to what a user would take instead, in the same run. "
           "For PUT the first two rows are time relative to the parts alone, the others speed. An answer in brackets "
           "rests on disturbed runs.", "",
           *head(["What", "Clients", "Against", "Budget", "Measured", "Rounds", "Met"])]
    for b in BUDGETS:
        run = newest(runs, b.scenario)
        found = Table(run, b.scenario).ratio(b) if run else None
        if not found:
            continue
        value, rounds, quiet = found
        met = "yes" if b.met(value) else "**no**"
        out.append(row([TITLES[b.scenario][0], b.label, b.other, b.text(), f"{value:.2f}",
                        f"{rounds}{'' if quiet else ', disturbed'}", met if quiet else f"({met})"]))
    return [*out, *absolute(runs), ""]


def absolute(runs):
    """Budgets that are no ratios: memory and start."""
    out = []
    run = newest(runs, "memory")
    if run:
        pss = {s["state"]: s["pss_mib"] for s in run["samples"]
               if s["scenario"] == "memory" and s["server"] == "haven"}
        grown = max(pss["huge blob in"], pss["huge blob out"]) - max(pss["blob in"], pss["blob out"])
        huge = run["facts"]["huge_bytes"] >> 30
        for what, value, most in (("Memory idle (PSS, MiB)", pss["idle"], 32),
                                  ("Memory with 1,000 idle connections (PSS, MiB)", pss["1000 idle connections"], 48),
                                  (f"Memory while {huge} GiB pass, above that for 64 MiB (MiB)", grown, 4)):
            out.append(row([what, "", "", f"≤ {most}", f"{value:.1f}", 1, "yes" if value <= most else "**no**"]))
    run = newest(runs, "restart")
    if run:
        samples = [s for s in run["samples"] if s["scenario"] == "restart" and s["server"] == "haven"]
        value = statistics.median(s["milliseconds"] for s in undisturbed(samples))
        out.append(row(["Start on existing data to first answer (ms)", "", "", "≤ 100", f"{value:.0f}",
                        len(undisturbed(samples)), "yes" if value <= 100 else "**no**"]))
    return out


def scenario(runs, name):
    run = newest(runs, name)
    if not run:
        return []
    title, figure, unit, label = TITLES[name]
    table = Table(run, name)
    out = [f"## {title}", "", f"{unit[0].upper()}{unit[1:]}: median (least–most). {facts_of(run)}", "",
           *head([label.capitalize(), *table.servers])]
    for clients in table.labels:
        out.append(row([clients, *(spread(table.of(s, clients), figure) for s in table.servers)]))
    servers = [s for s in table.servers if not s.endswith("alone")]
    if figure == RATE:
        out += ["", "Latency in ms, median and 99th percentile:", "", *head([label.capitalize(), *servers])]
        for clients in table.labels:
            out.append(row([clients, *(" / ".join(number(table.median(s, clients, p)) for p in ("p50_ms", "p99_ms"))
                                       for s in servers)]))
    else:
        out += ["", "CPU seconds of the server per GiB:", "", *head([label.capitalize(), *servers])]
        for clients in table.labels:
            cells = []
            for s in servers:
                costs = [x["server_cpu_seconds"] / (x["bytes"] / 2**30) for x in undisturbed(table.of(s, clients))]
                cells.append(f"{statistics.median(costs):.2f}" if costs else "–")
            out.append(row([clients, *cells]))
    if name == "tls_get" and run["notes"]:
        out += ["", "Negotiated: " + "; ".join(f"{k.removesuffix('_tls')} {v}" for k, v in run["notes"].items()) + "."]
    marked = sum(s["disturbed"] for s in table.samples)
    return [*out, "", f"{marked} of {len(table.samples)} single runs were disturbed." if marked else
            f"None of {len(table.samples)} single runs was disturbed.", ""]


def memory(runs):
    run = newest(runs, "memory")
    if not run:
        return []
    samples = [s for s in run["samples"] if s["scenario"] == "memory"]
    servers = list(dict.fromkeys(s["server"] for s in samples))
    found = {(s["server"], s["state"]): s for s in samples}
    huge = f"{run['facts']['huge_bytes'] >> 30} GiB"
    names = {"blob in": "64 MiB come in", "blob out": "64 MiB go out", "huge blob in": f"{huge} come in",
             "huge blob out": f"{huge} go out",
             "1000 idle connections": "1,000 idle connections after one request each"}
    out = ["## Memory", "", f"Peak in MiB, PSS / RSS, of a freshly started server. {facts_of(run)}", "",
           *head(["State", *servers])]
    for state in dict.fromkeys(s["state"] for s in samples):
        cells = [f"{found[s, state]['pss_mib']:.1f} / {found[s, state]['rss_mib']:.1f}" for s in servers]
        out.append(row([names.get(state, state), *cells]))
    return [*out, ""]


def restart(runs):
    run = newest(runs, "restart")
    if not run:
        return []
    samples = [s for s in run["samples"] if s["scenario"] == "restart"]
    servers = list(dict.fromkeys(s["server"] for s in samples))
    out = ["## Start on existing data", "",
           f"Milliseconds from starting the program to its first answer, {run['facts']['tags']:,} tags stored. "
           f"{facts_of(run)}", "", *head(servers),
           row(spread([s for s in samples if s["server"] == x], "milliseconds") for x in servers)]
    return [*out, ""]


def tools(runs):
    """Seconds, CPU, memory and writes of the tools that push and pull models."""
    out = []
    for name, title in (("tool_push", "Pushing a model"), ("tool_pull", "Pulling a model")):
        run = newest(runs, name)
        if not run:
            continue
        table = Table(run, name)
        out += [f"## {title}", "",
                "The tool's own figures, the registry's not counted: seconds until it ends, CPU seconds, peak memory (RSS, "
                "MiB), MiB that it wrote to files; medians (least–most of the seconds). A pull also says after how many "
                "seconds the files are on the disk: haven waits for that, the others do not. skopeo cannot pack or unpack: "
                "it copies to and from an OCI layout that was made before, in which small files share layers already; the "
                "row \"haven to a layout\" is the same work. A tool that fails with a model is left "
                f"out. {facts_of(run)}", ""]
        for label in table.labels:
            size = table.of(table.servers[0], label)[0]["bytes"] / 2**20
            columns = {"CPU seconds": "cpu_seconds", "Peak MiB": "peak_mib", "Written MiB": "written_mib"}
            if "on_disk_seconds" in table.of(table.servers[0], label)[0]:
                columns = {"On disk after": "on_disk_seconds"} | columns
            out += [f"{label[0].upper()}{label[1:]}, {size:,.0f} MiB:", "", *head(["Tool", "Seconds", *columns])]
            for tool in table.servers:
                if table.of(tool, label):
                    out.append(row([tool, spread(table.of(tool, label), "seconds"),
                                    *(number(table.median(tool, label, f)) for f in columns.values())]))
            out.append("")
    return out


def history(runs):
    """The ratios of every run, so that a step back is seen."""
    names = [("manifest", 64), ("small_blob", 64), ("blob_get", 1), ("blob_get", 4), ("blob_get", 16),
             ("tls_get", 1), ("blob_put", 1)]
    shown = [next(b for b in BUDGETS if (b.scenario, b.label) == n) for n in names]
    out = ["## Over time", "", "Ratios as in the budgets; a run marked with * was disturbed.", "",
           *head(["Date", "Commit", "Kind", *(f"{TITLES[b.scenario][0]}, {b.label}" for b in shown)])]
    for run in runs.values():
        f = run["facts"]
        cells = []
        for b in shown:
            found = Table(run, b.scenario).ratio(b)
            cells.append(f"{found[0]:.2f}{'' if found[2] else '*'}" if found else "–")
        out.append(row([f["run"][:16].replace("T", " "), f"`{f['commit'][:12]}`{'+' if f['changed'] else ''}",
                        "quick" if f["quick"] else "full", *cells]))
    return [*out, ""]


def report(runs):
    docker = next((r["facts"]["machine"] for r in reversed(runs.values())), {})
    out = ["# Benchmarks", "", "<!-- Made by bench/report.py from bench/results; do not edit. -->", "",
           "Haven beside what a user would take instead, in one run on one machine: Debian's docker-registry "
           f"({docker.get('docker_registry')}, in-memory descriptor cache as Debian sets it, no authentication) "
           f"and nginx ({docker.get('nginx')}, which only sends files). Haven checks a token on every request. All of them log "
           "errors only. Clients run on the same cores as the server, over the loopback interface, so compare "
           "columns, not figures with those of other machines. Servers take turns, another one begins each round. "
           "A single run is called disturbed when other programs used more than a quarter of the machine; such runs "
           f"are left out where {ENOUGH} undisturbed rounds remain.", "",
           "`make bench` measures, `bench/run --help` says what can be chosen. Every single run is kept in "
           "`bench/results/`.", ""]
    out += budgets(runs)
    for name in TITLES:
        out += scenario(runs, name)
    out += memory(runs) + restart(runs) + tools(runs) + history(runs)
    return "\n".join(out).rstrip("\n") + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--output", default=str(ROOT / "docs" / "benchmarks.md"), help="- for standard output")
    p.add_argument("results", nargs="*", default=[str(ROOT / "bench" / "results")], help="files or folders")
    options = p.parse_args()
    paths = []
    for name in map(pathlib.Path, options.results):
        paths += sorted(name.glob("*.jsonl")) if name.is_dir() else [name]
    runs = load(paths)
    if not runs:
        raise SystemExit("report: there are no results yet")
    text = report(runs)
    if options.output == "-":
        print(text, end="")
    else:
        pathlib.Path(options.output).write_text(text, encoding="utf-8")


main()
