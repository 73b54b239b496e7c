# SPDX-License-Identifier: Apache-2.0
"""Both engines take the same migrations and the same query catalogue.

A throw-away PostgreSQL gets every migration, PREPAREs every query, and keeps two promises that the
queries rely on: text compares byte by byte, and truth values and nulls are checked.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def dump_sql():
    """The program that prints migrations and queries: beside the haven under test."""
    build = pathlib.Path(os.environ.get("HAVEN_BIN", ROOT / "build" / "haven")).resolve().parent
    program = build / "tests" / "unit" / "dump_sql"
    if not program.exists():
        pytest.skip(f"{program} is not built (configure with -Dtests=true)")
    return json.loads(subprocess.run([program], check=True, capture_output=True).stdout)


def postgres_bin():
    """The newest installed PostgreSQL; Debian keeps its programs out of PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return pathlib.Path(on_path).resolve().parent
    pytest.skip("PostgreSQL is not installed (package postgresql)")


class Postgres:
    def __init__(self, folder):
        self.bin = postgres_bin()
        self.folder = folder
        self.data = folder / "data"
        self.user = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]

    def run(self, program, *args, **more):
        return subprocess.run([*self.user, self.bin / program, *args], cwd=self.folder,
                              stdin=subprocess.DEVNULL if "input" not in more else None,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120, **more)

    def start(self):
        # A locale that sorts otherwise than by bytes, if there is one: the schema must not depend on it.
        done = self.run("initdb", "-D", self.data, "-A", "trust", "-U", "haven", "-E", "UTF8",
                        "--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8",
                        "--no-sync")
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            done = self.run("initdb", "-D", self.data, "-A", "trust", "-U", "haven", "-E", "UTF8",
                            "--locale=C.UTF-8", "--no-sync")
        assert done.returncode == 0, done.stdout
        done = self.run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o",
                        f"-c listen_addresses='' -c unix_socket_directories={self.folder} -F",
                        "start")
        assert done.returncode == 0, done.stdout

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def sql(self, text):
        """Runs a script; returns (success, output). One transaction, stopped at the first error."""
        done = self.run("psql", "-h", self.folder, "-U", "haven", "-d", "postgres", "-X", "-q", "-A",
                        "-t", "-1", "-v", "ON_ERROR_STOP=1", input=text)
        return done.returncode == 0, done.stdout

    def must(self, text):
        good, output = self.sql(text)
        assert good, f"{text}\n{output}"
        return output.strip()


@pytest.fixture(scope="module")
def catalogue():
    return dump_sql()


@pytest.fixture(scope="module")
def postgres(catalogue):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="haven-pg-", dir="/tmp"))
    server = Postgres(folder)
    try:
        server.start()
        for migration in catalogue["migrations"]:
            server.must(migration["postgres"])
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_every_list_prepares(catalogue, postgres):
    """Each field in each form and order, as callers may ask for it."""
    texts = sorted({entry["sql"] for entry in catalogue["lists"]})
    assert len(texts) > 50
    script = "".join(f"PREPARE l_{i} AS {sql};\n" for i, sql in enumerate(texts))
    good, output = postgres.sql(script)
    assert good, output


def test_migrations_are_numbered(catalogue):
    versions = [m["version"] for m in catalogue["migrations"]]
    assert versions == list(range(1, len(versions) + 1))
    for migration in catalogue["migrations"]:
        assert "@" not in migration["sqlite"] + migration["postgres"]


def test_every_query_prepares(catalogue, postgres):
    assert catalogue["queries"]
    script = "".join(f"PREPARE q_{q['name']} AS {q['sql']};\n" for q in catalogue["queries"])
    good, output = postgres.sql(script)
    if not good:  # say which
        bad = [f"{q['name']}: {out}" for q in catalogue["queries"]
               for ok, out in [postgres.sql(f"PREPARE q AS {q['sql']};")] if not ok]
        pytest.fail("\n".join(bad) or output)


def test_same_tables_in_both_engines(catalogue, postgres):
    import sqlite3
    lite = sqlite3.connect(":memory:")
    for migration in catalogue["migrations"]:
        lite.executescript(migration["sqlite"])
    of_sqlite = {(table, column[1])
                 for (table,) in lite.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
                                              " AND name NOT LIKE 'sqlite_%'")
                 for column in lite.execute(f"PRAGMA table_info({table})")}
    rows = postgres.must("SELECT table_name || ' ' || column_name FROM information_schema.columns"
                         " WHERE table_schema = 'public'")
    assert {tuple(row.split()) for row in rows.splitlines()} == of_sqlite


def test_text_compares_bytewise(postgres):
    """Lists are paged in the order of bytes, whatever the locale of the database."""
    odd = postgres.must("SELECT table_name || '.' || column_name FROM information_schema.columns"
                        " WHERE table_schema = 'public' AND data_type = 'text'"
                        " AND collation_name IS DISTINCT FROM 'C'")
    assert odd == ""


def test_rows_by_the_catalogue(catalogue, postgres):
    """A push in miniature through the catalogue's own statements."""
    sql = {q["name"]: q["sql"] for q in catalogue["queries"]}
    steps = [
        ("project_add", "'p', 'P', 1, 1, 0"),
        ("repository_add", "1, 'p/r', 'p/r', 1"),
        ("repository_add", "1, 'p/r', 'p/r', 2"),
        ("object_add", "'sha256:o', 5"),
        ("blob_add", "'sha256:o', 5, 1"),
        ("extent_add", "1, 0, 1, NULL, 0, 5"),
        ("member_put", "1, 1, 1, 1"),
        ("document_add", r"'sha256:d', '\x7b7d'"),
        ("artifact_add", "1, 1, 'sha256:d', 'type', '', 2, 1, NULL, NULL"),
        ("artifact_blob_add", "1, 1, 1"),
        ("artifact_blob_add", "1, 1, 1"),
        ("member_settle", "1, 1"),
        ("tag_put", "1, 'v1', 1, 1"),
        ("tag_put", "1, 'B', 1, 1"),
        ("tag_put", "1, 'a', 1, 1"),
        ("tag_put", "1, 'v1', 1, 2"),
    ]
    script = "".join(f"PREPARE x AS {sql[name]}; EXECUTE x({args}); DEALLOCATE x;\n"
                     for name, args in steps)
    postgres.must(script)

    def query(name, args):
        return postgres.must(f"PREPARE x AS {sql[name]}; EXECUTE x({args});").splitlines()

    assert query("tag_page", "1, '', 10") == ["B", "a", "v1"]
    assert query("blob_read", "'p/r', 'sha256:o'") == ["1|5|sha256:o|5||0|5"]
    assert query("artifact_by_tag", "'p/r', 'v1'") == [r"1|sha256:d|type|2|\x7b7d"]
    assert query("member_held", "1, 1") == ["1"]
    assert query("repository_page_public", "'', 10") == ["p/r"]
    assert query("member_find_anywhere", "'sha256:o', 0") == ["1"]
    query("member_revoke", "1, 1")
    query("artifact_remove", "1")
    query("document_sweep", "1")
    assert query("blob_read", "'p/r', 'sha256:o'") == []
    assert query("document_by_digest", "'sha256:d'") == []


FILLED = """
INSERT INTO project (id, name, display_name, is_public, created_ms) VALUES (901, 'x', 'X', 0, 1), (902, 'y', 'Y', 0, 1);
INSERT INTO repository (id, project_id, name, display_name, created_ms)
    VALUES (901, 901, 'x/one-of-many', 'x/one-of-many', 1), (902, 901, 'x/a', 'x/a', 1), (903, 902, 'y/a', 'y/a', 1),
    (904, 902, 'y/void', 'y/void', 1);
INSERT INTO document (id, digest, bytes) VALUES (901, 'sha256:x', BYTES);
INSERT INTO artifact (id, repository_id, document_id, digest, media_type, artifact_type, size, pushed_ms, accessory_of)
    VALUES (901, 901, 901, 'a', '', '', 1, 1, NULL), (902, 901, 901, 'b', '', '', 1, 1, 'a'),
    (903, 902, 901, 'a', '', '', 1, 1, NULL), (904, 903, 901, 'a', '', '', 1, 1, NULL),
    (905, 901, 901, 'c', '', '', 1, 1, NULL);
INSERT INTO audit_log (id, event, operation, resource_type, project_id, username, address, resource, description,
    succeeded, at_ms) VALUES (901, '', '', '', 901, '', '', '', '', 1, 1), (902, '', '', '', 901, '', '', '', '', 1, 1),
    (903, '', '', '', 902, '', '', '', '', 1, 1);
"""
CHANGED = """
UPDATE artifact SET accessory_of = 'a' WHERE id = 905;
UPDATE artifact SET accessory_of = NULL WHERE id = 902;
UPDATE artifact SET accessory_of = 'a' WHERE id = 905;
DELETE FROM artifact WHERE id IN (903, 901);
DELETE FROM repository WHERE id = 902;
DELETE FROM audit_log WHERE id IN (901, 903);
"""
# What is kept, and what it has to be.
TOTALS = [
    ("SELECT id, artifacts, accessories FROM repository WHERE id > 900 ORDER BY id",
     "SELECT r.id, (SELECT count(*) FROM artifact a WHERE a.repository_id = r.id), (SELECT count(*) FROM artifact a"
     " WHERE a.repository_id = r.id AND a.accessory_of IS NOT NULL) FROM repository r WHERE r.id > 900 ORDER BY r.id"),
    ("SELECT id, repositories FROM project WHERE id > 900 ORDER BY id",
     "SELECT p.id, (SELECT count(DISTINCT r.id) FROM repository r JOIN artifact a ON a.repository_id = r.id"
     " WHERE r.project_id = p.id) FROM project p WHERE p.id > 900 ORDER BY p.id"),
    ("SELECT project_id, entries FROM audit_total WHERE project_id > 900 ORDER BY project_id",
     "SELECT project_id, count(*) FROM audit_log WHERE project_id > 900 GROUP BY project_id ORDER BY project_id"),
]


def check_totals(ask):
    for kept, counted in TOTALS:
        assert ask(kept) == ask(counted) != [], kept
    names = {row[0]: row[1] for row in ask("SELECT id, name FROM repository WHERE id > 900")}
    parts = {(name[i:i + 16], int(number)) for number, name in names.items() for i in range(len(name))}
    assert {(part, int(number)) for part, number in
            ask("SELECT part, repository_id FROM repository_part WHERE repository_id > 900")} == parts


def test_totals_follow_every_change(catalogue, postgres):
    import sqlite3
    lite = sqlite3.connect(":memory:")
    lite.executescript("".join(m["sqlite"] for m in catalogue["migrations"]) + FILLED.replace("BYTES", "x'7b7d'"))
    check_totals(lambda sql: lite.execute(sql).fetchall())
    lite.executescript(CHANGED)
    check_totals(lambda sql: lite.execute(sql).fetchall())

    def ask(sql):
        return [tuple(row.split("|")) for row in postgres.must(sql).splitlines()]
    postgres.must(FILLED.replace("BYTES", r"'\x7b7d'"))
    check_totals(ask)
    postgres.must(CHANGED)
    check_totals(ask)


def test_totals_of_an_older_database(catalogue):
    """What was there before the version that keeps them."""
    import sqlite3
    lite = sqlite3.connect(":memory:")
    first = next(i for i, m in enumerate(catalogue["migrations"]) if m["name"] == "totals")
    lite.executescript("".join(m["sqlite"] for m in catalogue["migrations"][:first]) + FILLED.replace("BYTES", "x'7b7d'"))
    lite.executescript("".join(m["sqlite"] for m in catalogue["migrations"][first:]))
    check_totals(lambda sql: lite.execute(sql).fetchall())


NAMED = """
INSERT INTO project (id, name, display_name, is_public, created_ms) VALUES (951, 'qwen', 'Qwen', 0, 1), (952, 'z', 'z', 0, 1);
INSERT INTO repository (id, project_id, name, display_name, created_ms) VALUES
    (951, 951, 'qwen/a/b', 'qwen/a/b', 1), (952, 951, 'qwen/c', 'elsewhere', 1), (953, 951, 'qwen/d', 'QWEN/C', 1),
    (954, 952, 'z/a', 'z/a', 1);
"""


def test_display_ids_of_an_older_database(catalogue, postgres):
    """The letter case of the project, but where another repository has that name already."""
    import sqlite3
    lite = sqlite3.connect(":memory:")
    at = next(i for i, m in enumerate(catalogue["migrations"]) if m["name"] == "display")
    want = [(951, "Qwen/a/b"), (952, "elsewhere"), (953, "Qwen/d"), (954, "z/a")]
    asked = "SELECT id, display_name FROM repository WHERE id > 950 ORDER BY id"
    lite.executescript("".join(m["sqlite"] for m in catalogue["migrations"][:at]) + NAMED)
    lite.executescript(catalogue["migrations"][at]["sqlite"])
    assert lite.execute(asked).fetchall() == want
    postgres.must(NAMED)
    postgres.must(catalogue["migrations"][at]["postgres"])
    assert postgres.must(asked).splitlines() == [f"{number}|{name}" for number, name in want]


def test_checks(postgres):
    for wrong in ("INSERT INTO project (name, display_name, is_public, created_ms)"
                  " VALUES ('q', 'Q', 2, 1)",
                  "INSERT INTO project (name, display_name, is_public, created_ms)"
                  " VALUES ('q', 'q', 1, 1), ('qq', 'Q', 1, 1)",
                  "INSERT INTO object (digest, size) VALUES ('x', -1)",
                  "INSERT INTO repository (project_id, name, display_name, created_ms)"
                  " VALUES (999, 'x/y', 'x/y', 1)"):
        good, output = postgres.sql(wrong)
        assert not good, output


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))


def test_both_engines_ask_the_search_for_the_same(catalogue, postgres):
    """What changes is told to the search by triggers, which are written once for each engine."""
    import sqlite3
    steps = """INSERT INTO project (name, display_name, is_public, created_ms) VALUES ('p', 'p', 1, 1);
INSERT INTO repository (project_id, name, display_name, created_ms) VALUES (1, 'p/r', 'p/r', 1);
INSERT INTO document (digest, bytes) VALUES ('sha256:d', 'x');
INSERT INTO blob (digest, size, created_ms) VALUES ('sha256:b', 1, 1);
INSERT INTO object (digest, size) VALUES ('sha256:b', 1);
INSERT INTO artifact (repository_id, document_id, digest, media_type, artifact_type, size, pushed_ms) VALUES (1, 1, 'd', 'm', '', 1, 1);
INSERT INTO artifact_blob (artifact_id, blob_id, repository_id) VALUES (1, 1, 1);
INSERT INTO extent (blob_id, seq, object_id, start, len) VALUES (1, 0, 1, 0, 1);
INSERT INTO repository_blob (repository_id, blob_id, created_ms) VALUES (1, 1, 1);
INSERT INTO tag (repository_id, name, artifact_id, pushed_ms) VALUES (1, 'v1', 1, 1);
UPDATE tag SET artifact_id = 1, pushed_ms = 2 WHERE id = 1;
UPDATE tag SET pulled_ms = 3 WHERE id = 1;
UPDATE artifact SET total_size = 3 WHERE id = 1;
INSERT INTO label (name, created_ms, updated_ms) VALUES ('l', 1, 1);
INSERT INTO artifact_label (artifact_id, label_id) VALUES (1, 1);
UPDATE label SET name = 'm' WHERE id = 1;
UPDATE label SET color = 'm' WHERE id = 1;
UPDATE repository SET description = 'x' WHERE id = 1;
UPDATE repository SET pull_count = 1 WHERE id = 1;
UPDATE repository SET pull_count = 2 WHERE id = 1;
INSERT INTO model (document_id, version, read_ms, summary, facts) VALUES (1, 1, 1, '{}', 'x');
UPDATE model SET version = 2 WHERE document_id = 1;
DELETE FROM label WHERE id = 1;
DELETE FROM repository_blob WHERE blob_id = 1;
DELETE FROM tag WHERE id = 1;
DELETE FROM artifact WHERE id = 1;""".splitlines()
    lite = sqlite3.connect(":memory:", isolation_level=None)
    for migration in catalogue["migrations"]:
        lite.executescript(migration["sqlite"])
    lite.execute("PRAGMA foreign_keys = ON")
    asked = "SELECT subject || ' ' || (due_ms - created_ms >= 59000) FROM task WHERE kind = 'search' ORDER BY subject"
    seen = []
    postgres.must("TRUNCATE project, repository, repository_part, document, blob, object, label, task RESTART IDENTITY CASCADE")
    for step in steps:
        step = step.replace("'x')", "x'78')") if "document (digest, bytes)" in step or "INTO model" in step else step
        lite.execute(step)
        postgres.must(step.replace("x'78'", "'\\x78'"))
        of_lite = [row[0].replace(" 1", " t").replace(" 0", " f") for row in lite.execute(asked)]
        of_postgres = [row.replace("true", "t").replace("false", "f") for row in postgres.must(asked).splitlines() if row]
        assert of_lite == of_postgres, step
        seen.append(of_lite)
        lite.execute("DELETE FROM task")
        postgres.must("DELETE FROM task")
    told = dict(zip([s.split(" (")[0] for s in steps], seen))
    assert told["INSERT INTO tag"] == told["INSERT INTO artifact_label"] == ["8 f"]
    assert told["INSERT INTO extent"] == told["INSERT INTO repository_blob"] == ["8 f"]
    assert told["INSERT INTO model"] == ["10 f"]
    assert told["UPDATE tag SET artifact_id = 1, pushed_ms = 2 WHERE id = 1;"] == ["8 f"]
    assert told["UPDATE artifact SET total_size = 3 WHERE id = 1;"] == ["8 f"]
    assert told["UPDATE label SET name = 'm' WHERE id = 1;"] == ["11 f"]
    assert told["UPDATE repository SET description = 'x' WHERE id = 1;"] == ["9 f"]
    assert told["UPDATE repository SET pull_count = 1 WHERE id = 1;"] == ["12 t"]
    for step in ("UPDATE tag SET pulled_ms = 3 WHERE id = 1;", "UPDATE label SET color = 'm' WHERE id = 1;"):
        assert told[step] == []
    for step in steps[-4:]:
        assert told[step] == ["8 f"], step
