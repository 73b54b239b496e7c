/* SPDX-License-Identifier: Apache-2.0 */
/* The database: catalogue, migrations, refusals, transactions, errors. */
#include "base/file.h"
#include "base/mem.h"
#include "db/db.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    int fd;
    struct db *db;
};

static int setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct err e = {0};

    snprintf(f->dir, sizeof(f->dir), "/tmp/haven-test-db-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->fd >= 0);
    if (db_open(f->fd, "haven.db", &f->db, &e) < 0)
        fail_msg("%s", e.msg);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"haven.db", "haven.db-wal", "haven.db-shm"};
    struct fixture *f = *state;

    db_close(f->db);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlinkat(f->fd, names[i], 0);
    close(f->fd);
    assert_int_equal(rmdir(f->dir), 0);
    mem_free(f);
    return 0;
}

/* The file through SQLite alone, as another program would see it. */
static sqlite3 *raw_open(const struct fixture *f)
{
    AUTO_FREE char *path = mem_printf("%s/haven.db", f->dir);
    sqlite3 *raw;

    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    return raw;
}

static void raw_exec(const struct fixture *f, const char *sql)
{
    sqlite3 *raw = raw_open(f);
    char *msg = NULL;

    if (sqlite3_exec(raw, sql, NULL, NULL, &msg) != SQLITE_OK)
        fail_msg("%s: %s", sql, msg);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

static int64_t raw_number(const struct fixture *f, const char *sql)
{
    sqlite3 *raw = raw_open(f);
    sqlite3_stmt *stmt;
    int64_t value;

    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
    return value;
}

static void reopen(struct fixture *f)
{
    struct err e = {0};

    db_close(f->db);
    f->db = NULL;
    if (db_open(f->fd, "haven.db", &f->db, &e) < 0)
        fail_msg("%s", e.msg);
}

static void refuse(struct fixture *f, enum err_code code, const char *text)
{
    struct err e = {0};
    struct db *none = NULL;

    assert_int_equal(db_open(f->fd, "haven.db", &none, &e), -1);
    assert_null(none);
    assert_string_equal(err_info(e.code)->symbol, err_info(code)->symbol);
    if (!strstr(e.msg, text))
        fail_msg("\"%s\" does not say \"%s\"", e.msg, text);
}

static int add_project(struct db_conn *c, const char *name, int64_t *ret_id, struct err *e)
{
    AUTO(db_rows) rows = {0};

    if (db_one(c, Q_project_add,
               DB_ARGS(DB_TEXTZ(name), DB_TEXTZ(name), DB_I64(1), DB_I64(1), DB_I64(0)), &rows,
               e) <= 0)
        return -1;
    *ret_id = db_i64(&rows, 0);
    return 0;
}

static bool has_project(struct db_conn *c, const char *name)
{
    AUTO(db_rows) rows = {0};
    struct err e = {0};
    int found = db_one(c, Q_project_by_name, DB_ARGS(DB_TEXTZ(name)), &rows, &e);

    if (found < 0)
        fail_msg("%s", e.msg);
    return found > 0;
}

/* ---- the catalogue ---- */

static char *as_sqlite(const char *prefix, enum db_query q)
{
    char *sql = mem_printf("%s%s", prefix, db_query_sql(q));

    for (char *p = sql; *p; p++)
        if (*p == '$')
            *p = '?';
    return sql;
}

static void test_every_query_prepares(void **state)
{
    struct fixture *f = *state;
    sqlite3 *raw = raw_open(f);

    for (int q = 0; q < Q_MAIN_COUNT; q++) {
        AUTO_FREE char *sql = as_sqlite("", (enum db_query)q);
        sqlite3_stmt *stmt = NULL;
        const char *rest = NULL;
        if (sqlite3_prepare_v2(raw, sql, -1, &stmt, &rest) != SQLITE_OK)
            fail_msg("%s: %s", db_query_name((enum db_query)q), sqlite3_errmsg(raw));
        assert_string_equal(rest, ""); /* one statement a row */
        sqlite3_finalize(stmt);
    }
    sqlite3_close(raw);
}

/* No query reads a whole table, whatever the statistics: that would be noticed only when it is
 * large. */
static void test_every_query_seeks(void **state)
{
    struct fixture *f = *state;
    sqlite3 *raw = raw_open(f);

    for (int q = 0; q < Q_MAIN_COUNT; q++) {
        AUTO_FREE char *sql = as_sqlite("EXPLAIN QUERY PLAN ", (enum db_query)q);
        sqlite3_stmt *stmt = NULL;
        const char *any = strstr(db_query_name((enum db_query)q), "_any");
        if (any && strcmp(any, "_any") == 0) /* whether there is a row at all: LIMIT 1 */
            continue;
        assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(stmt, 3);
            if ((strncmp(detail, "SCAN", 4) == 0 && !strstr(detail, "CONSTANT ROW")) ||
                strstr(detail, "TEMP B-TREE"))
                fail_msg("%s: %s", db_query_name((enum db_query)q), detail);
        }
        sqlite3_finalize(stmt);
    }
    sqlite3_close(raw);
}

/* ---- opening ---- */

static void test_from_empty(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    int last = 0;

    for (size_t i = 0; db_migration(i); i++) {
        assert_int_equal(db_migration(i)->version, i + 1);
        assert_true(strlen(db_migration(i)->name) > 0);
        assert_null(strchr(db_migration(i)->sql, '@'));
        assert_null(strchr(db_migration(i)->postgres, '@'));
        last = db_migration(i)->version;
    }
    assert_true(last >= 1);
    assert_int_equal(db_schema_version(f->db, NULL), last);
    assert_int_equal(fstatat(f->fd, "haven.db", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(raw_number(f, "PRAGMA application_id"), 0x48564e31);
    assert_int_equal(raw_number(f, "SELECT count(*) FROM schema_version"), last);
}

static void test_reopen(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct stat st;
    int64_t id;
    int version = db_schema_version(f->db, NULL);
    AUTO(db_txn) t = {0};

    assert_int_equal(db_begin(f->db, &t, &e), 0);
    assert_int_equal(add_project(t.conn, "kept", &id, &e), 0);
    assert_int_equal(db_commit(&t, &e), 0);
    reopen(f);
    assert_int_equal(db_schema_version(f->db, NULL), version);
    assert_true(has_project(db_reader(f->db), "kept"));
    db_close(f->db);
    f->db = NULL;
    /* closed in order: nothing is left beside the file */
    assert_int_equal(fstatat(f->fd, "haven.db-wal", &st, 0), -1);
}

#define COUNTED " FROM sqlite_master WHERE type = 'table' AND sql LIKE '%INTEGER PRIMARY KEY%'"

/* The number of what was removed is never given again, in no table, nor in a database of before. */
static void test_numbers_last(void **state)
{
    struct fixture *f = *state;

    assert_true(raw_number(f, "SELECT count(*)" COUNTED) >= 15);
    assert_int_equal(
        raw_number(f, "SELECT count(*)" COUNTED " AND sql NOT LIKE '%PRIMARY KEY AUTOINCREMENT%'"),
        0);
    db_close(f->db);
    f->db = NULL;
    assert_int_equal(unlinkat(f->fd, "haven.db", 0), 0);
    raw_exec(f, "PRAGMA application_id = 0x48564e31");
    for (size_t i = 0; strcmp(db_migration(i)->name, "lasting") != 0; i++) {
        raw_exec(f, db_migration(i)->sql);
        raw_exec(f, "INSERT INTO schema_version SELECT coalesce(max(version), 0) + 1, 'old', 1"
                    " FROM schema_version");
    }
    raw_exec(f,
             "INSERT INTO document (id, digest, bytes) VALUES (40, 'a', x'00'), (41, 'b', x'00')");
    struct err e = {0};
    assert_int_equal(db_open(f->fd, "haven.db", &f->db, &e), 0);
    raw_exec(f, "DELETE FROM document WHERE id = 41");
    raw_exec(f, "INSERT INTO document (digest, bytes) VALUES ('c', x'00')");
    assert_int_equal(raw_number(f, "SELECT id FROM document WHERE digest = 'c'"), 42);
    assert_int_equal(raw_number(f, "SELECT count(*) FROM pragma_integrity_check"), 1);
    assert_int_equal(
        raw_number(f, "SELECT integrity_check = 'ok' FROM pragma_integrity_check LIMIT 1"), 1);
}

static void test_newer_schema(void **state)
{
    struct fixture *f = *state;

    db_close(f->db);
    f->db = NULL;
    raw_exec(f, "INSERT INTO schema_version VALUES (999, 'future', 1)");
    refuse(f, ERR_CONFIG, "newer haven");
    refuse(f, ERR_CONFIG, "999");
    raw_exec(f, "DELETE FROM schema_version");
    refuse(f, ERR_CORRUPT, "no version");
}

static void test_of_others(void **state)
{
    struct fixture *f = *state;

    db_close(f->db);
    f->db = NULL;
    raw_exec(f, "PRAGMA application_id = 7");
    refuse(f, ERR_CONFIG, "another program");
    assert_int_equal(unlinkat(f->fd, "haven.db", 0), 0);
    raw_exec(f, "CREATE TABLE elsewhere (x)");
    refuse(f, ERR_CONFIG, "not Haven's");
}

static void test_damaged(void **state)
{
    struct fixture *f = *state;
    static const char junk[8192] = "this was a database once";
    struct err e = {0};
    int fd;

    db_close(f->db);
    f->db = NULL;
    fd = openat(f->fd, "haven.db", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    /* all pages but the first: the header still looks right */
    for (uint64_t at = 4096; at < 10 * 4096; at += sizeof(junk))
        assert_int_equal(file_pwrite_all(fd, junk, sizeof(junk), at, &e), 0);
    refuse(f, ERR_CORRUPT, "restore a backup");
    assert_int_equal(file_pwrite_all(fd, junk, sizeof(junk), 0, &e), 0);
    refuse(f, ERR_CORRUPT, "restore a backup");
    close(fd);
}

static void test_no_symlink(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct db *none = NULL;

    assert_int_equal(symlinkat("haven.db", f->fd, "other.db"), 0);
    assert_int_equal(db_open(f->fd, "other.db", &none, &e), -1);
    assert_null(none);
    unlinkat(f->fd, "other.db", 0);
    assert_int_equal(db_open(-1, "haven.db", &none, &e), -1);
    assert_null(none);
}

/* ---- transactions ---- */

static void test_commit_and_rollback(void **state)
{
    struct fixture *f = *state;
    struct db_conn *reader = db_reader(f->db);
    struct err e = {0};
    int64_t id;

    assert_ptr_equal(reader, db_reader(f->db));
    {
        AUTO(db_txn) t = {0};
        assert_int_equal(db_begin(f->db, &t, &e), 0);
        assert_int_equal(add_project(t.conn, "left", &id, &e), 0);
        assert_true(has_project(t.conn, "left"));
        assert_false(has_project(reader, "left"));
    } /* left without commit */
    assert_false(has_project(reader, "left"));
    {
        AUTO(db_txn) t = {0};
        assert_int_equal(db_begin(f->db, &t, &e), 0);
        assert_int_equal(add_project(t.conn, "taken", &id, &e), 0);
        db_rollback(&t);
        db_rollback(&t); /* nothing if it is over */
        assert_int_equal(db_begin(f->db, &t, &e), 0);
        assert_int_equal(add_project(t.conn, "taken", &id, &e), 0);
        assert_int_equal(db_commit(&t, &e), 0);
    }
    assert_true(has_project(reader, "taken"));
}

static void test_errors(void **state)
{
    struct fixture *f = *state;
    AUTO(db_txn) t = {0};
    struct err e = {0};
    int64_t id, changed = -1;

    assert_int_equal(db_begin(f->db, &t, &e), 0);
    assert_int_equal(add_project(t.conn, "one", &id, &e), 0);
    assert_int_equal(add_project(t.conn, "one", &id, &e), -1);
    assert_int_equal(e.code, ERR_CONFLICT);
    assert_int_equal(add_project(t.conn, "two", &id, &e), 0); /* the transaction goes on */
    /* no such repository, no such artifact */
    assert_int_equal(db_exec(t.conn, Q_tag_put,
                             DB_ARGS(DB_I64(77), DB_TEXTZ("v1"), DB_I64(78), DB_I64(1)), &changed,
                             &e),
                     -1);
    assert_int_equal(e.code, ERR_DB);
    assert_int_equal(changed, -1);
    /* a check */
    assert_int_equal(db_exec(t.conn, Q_object_add, DB_ARGS(DB_TEXTZ("d"), DB_I64(-1)), NULL, &e),
                     -1);
    assert_int_equal(e.code, ERR_DB);
    assert_non_null(strstr(e.msg, "object_add"));
    /* bytes where text is due: columns have types */
    assert_int_equal(
        db_exec(t.conn, Q_object_add, DB_ARGS(DB_BYTES(STR("d")), DB_I64(1)), NULL, &e), -1);
    assert_int_equal(e.code, ERR_DB);
    assert_int_equal(db_exec(t.conn, Q_tag_remove, DB_ARGS(DB_I64(1), DB_TEXTZ("v")), &changed, &e),
                     0);
    assert_int_equal(changed, 0);
    assert_int_equal(db_commit(&t, &e), 0);
    assert_true(has_project(db_reader(f->db), "two"));
    /* readers cannot write */
    assert_int_equal(
        db_exec(db_reader(f->db), Q_tag_remove, DB_ARGS(DB_I64(1), DB_TEXTZ("v")), NULL, &e), -1);
    assert_int_equal(e.code, ERR_DB);
}

static void test_values(void **state)
{
    struct fixture *f = *state;
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    struct err e = {0};
    const struct str bytes = STR("a\0b\xff");
    int64_t id;

    assert_int_equal(db_begin(f->db, &t, &e), 0);
    assert_int_equal(
        db_one(t.conn, Q_document_add, DB_ARGS(DB_TEXTZ("sha256:x"), DB_BYTES(bytes)), &rows, &e),
        1);
    id = db_i64(&rows, 0);
    assert_true(id > 0);
    db_rows_done(&rows);
    db_rows_done(&rows);
    /* an empty value is not NULL, also without a pointer */
    assert_int_equal(
        db_one(t.conn, Q_document_add, DB_ARGS(DB_TEXT(STR_NULL), DB_BYTES(STR_NULL)), &rows, &e),
        1);
    assert_true(db_i64(&rows, 0) > id);
    assert_false(db_is_null(&rows, 0));
    db_rows_done(&rows);
    assert_int_equal(db_one(t.conn, Q_document_by_digest, DB_ARGS(DB_TEXTZ("none")), &rows, &e), 0);
    assert_int_equal(db_next(&rows, &e), 0); /* nothing to release, nothing to read */
    /* NULL where it is not permitted */
    assert_int_equal(db_one(t.conn, Q_document_add, DB_ARGS(DB_TEXTZ("y"), DB_NULL), &rows, &e),
                     -1);
    assert_int_equal(e.code, ERR_DB);
    assert_int_equal(db_commit(&t, &e), 0);
    assert_int_equal(raw_number(f, "SELECT bytes = x'610062ff' FROM document WHERE id = 1"), 1);
    assert_int_equal(raw_number(f, "SELECT length(bytes) FROM document WHERE id = 2"), 0);
}

static void test_cursor_restarts(void **state)
{
    struct fixture *f = *state;
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    struct err e = {0};
    int64_t id;
    int n = 0;

    assert_int_equal(db_begin(f->db, &t, &e), 0);
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(add_project(t.conn, name, &id, &e), 0);
    }
    assert_int_equal(db_commit(&t, &e), 0);
    for (int round = 0; round < 2; round++) { /* left in the middle, then read to its end */
        assert_int_equal(
            db_query(db_reader(f->db), Q_project_by_name, DB_ARGS(DB_TEXTZ("p3")), &rows, &e), 0);
        assert_int_equal(db_next(&rows, &e), 1);
        assert_string_equal(db_text(&rows, 1).p, "p3");
        if (round == 0)
            db_rows_done(&rows);
        n++;
    }
    assert_int_equal(db_next(&rows, &e), 0);
    assert_int_equal(db_next(&rows, &e), 0);
    assert_int_equal(n, 2);
    db_close(NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_every_query_prepares),
        T(test_every_query_seeks),
        T(test_from_empty),
        T(test_reopen),
        T(test_numbers_last),
        T(test_newer_schema),
        T(test_of_others),
        T(test_damaged),
        T(test_no_symlink),
        T(test_commit_and_rollback),
        T(test_errors),
        T(test_values),
        T(test_cursor_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
