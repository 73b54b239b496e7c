/* SPDX-License-Identifier: Apache-2.0 */
/* The database under several threads: snapshots are whole, writers take turns, connections go with
 * their threads. */
#include "base/mem.h"
#include "db/db.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define WRITERS 3
#define READERS 4
#define ROUNDS  40

static struct db *db;
static _Atomic int failures, running;

static int put_tag(struct db_conn *c, int64_t repo, const char *name, int64_t artifact,
                   struct err *e)
{
    return db_exec(c, Q_tag_put, DB_ARGS(DB_I64(repo), DB_TEXTZ(name), DB_I64(artifact), DB_I64(1)),
                   NULL, e);
}

static int64_t one(struct db_conn *c, enum db_query q, struct db_args args)
{
    AUTO(db_rows) rows = {0};
    struct err e = {0};

    if (db_one(c, q, args, &rows, &e) != 1)
        fail_msg("%s: %s", db_query_name(q), e.msg);
    return db_i64(&rows, 0);
}

/* Two tags move together, from one artifact to the other. */
static void *write_tags(void *p)
{
    const int64_t *artifacts = p;
    struct err e = {0};

    for (int i = 0; i < ROUNDS; i++) {
        AUTO(db_txn) t = {0};
        if (db_begin(db, &t, &e) < 0 || put_tag(t.conn, 1, "left", artifacts[i % 2], &e) < 0 ||
            put_tag(t.conn, 1, "right", artifacts[i % 2], &e) < 0)
            atomic_fetch_add(&failures, 1);
        else if (i % 5 == 4) /* some give up; nobody sees half of it */
            db_rollback(&t);
        else if (db_commit(&t, &e) < 0)
            atomic_fetch_add(&failures, 1);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void *read_tags(void *p)
{
    struct err e = {0};

    (void)p;
    while (atomic_load(&running) > 0) {
        AUTO(db_rows) left = {0};
        AUTO(db_rows) right = {0};
        /* the first cursor holds the snapshot that the second reads, too */
        int a = db_one(db_reader(db), Q_artifact_stat_by_tag,
                       DB_ARGS(DB_TEXTZ("p/r"), DB_TEXTZ("left")), &left, &e);
        int b = db_one(db_reader(db), Q_artifact_by_tag,
                       DB_ARGS(DB_TEXTZ("p/r"), DB_TEXTZ("right")), &right, &e);
        if (a != 1 || b != 1 || db_i64(&left, 0) != db_i64(&right, 0))
            atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static int open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void test_readers_and_writers(void **state)
{
    char dir[] = "/tmp/haven-test-db-XXXXXX", path[64];
    pthread_t threads[WRITERS + READERS];
    struct err e = {0};
    int64_t artifacts[2];
    int fd, files;

    (void)state;
    assert_non_null(mkdtemp(dir));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (db_open(fd, "haven.db", &db, &e) < 0)
        fail_msg("%s", e.msg);
    {
        AUTO(db_txn) t = {0};
        assert_int_equal(db_begin(db, &t, &e), 0);
        int64_t project =
            one(t.conn, Q_project_add,
                DB_ARGS(DB_TEXTZ("p"), DB_TEXTZ("p"), DB_I64(1), DB_I64(1), DB_I64(0)));
        int64_t repo = one(t.conn, Q_repository_add,
                           DB_ARGS(DB_I64(project), DB_TEXTZ("p/r"), DB_TEXTZ("p/r"), DB_I64(1)));
        int64_t doc = one(t.conn, Q_document_add, DB_ARGS(DB_TEXTZ("d"), DB_BYTES(STR("{}"))));
        assert_int_equal(repo, 1);
        for (int i = 0; i < 2; i++)
            artifacts[i] =
                one(t.conn, Q_artifact_add,
                    DB_ARGS(DB_I64(repo), DB_I64(doc), DB_TEXTZ(i ? "a" : "b"), DB_TEXTZ("t"),
                            DB_TEXTZ(""), DB_I64(2), DB_I64(1), DB_NULL, DB_NULL));
        assert_int_equal(put_tag(t.conn, repo, "left", artifacts[1], &e), 0);
        assert_int_equal(put_tag(t.conn, repo, "right", artifacts[1], &e), 0);
        assert_int_equal(db_commit(&t, &e), 0);
    }
    files = open_files();
    /* Each reader closes its connection when its thread ends. While others are open SQLite keeps
     * the descriptors (to close one would drop the locks of all) and uses them again: the second
     * round needs no new ones. */
    for (int round = 0; round < 3; round++) {
        atomic_store(&running, WRITERS);
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
            assert_int_equal(
                pthread_create(&threads[i], NULL, i < WRITERS ? write_tags : read_tags, artifacts),
                0);
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&failures), 0);
        assert_true(open_files() <= files + READERS);
    }
    db_close(db);
    assert_true(open_files() < files);
    close(fd);
    snprintf(path, sizeof(path), "%s/haven.db", dir);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_readers_and_writers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
