/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry while calls fail: of the system and of the database engine. The n-th call of a
 * scenario fails, n = 1, 2, 3 … until it runs through without meeting its fault; once alone, once
 * with all after it. After each run the registry is opened anew: what was acknowledged is there
 * byte for byte, the scenario can be run to its end, a collection leaves just what is needed, and a
 * check of every byte finds nothing.
 */
#include "registry_fixture.h"

#include "base/file.h"
#include "base/log.h"
#include "faults.h"
#include "registry/backup.h"
#include "registry/check.h"
#include "registry/collect.h"

#include <sqlite3.h>
#include <sys/wait.h>

/* ---- the engine ---- */

int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*fn)(void *, int, char **, char **),
                        void *p, char **ret_msg);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*fn)(void *, int, char **, char **),
                        void *p, char **ret_msg);

static bool late; /* the statement is executed and only then reported as failed */

int __wrap_sqlite3_step(sqlite3_stmt *stmt)
{
    return fails(K_SQL) ? SQLITE_IOERR : __real_sqlite3_step(stmt);
}

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*fn)(void *, int, char **, char **),
                        void *p, char **ret_msg)
{
    if (!fails(K_SQL))
        return __real_sqlite3_exec(db, sql, fn, p, ret_msg);
    if (late)
        (void)__real_sqlite3_exec(db, sql, fn, p, ret_msg);
    return SQLITE_IOERR;
}

/* ---- scenarios ---- */

#define A "library/a"

static const char *const layers[] = {"the layer that is shared", "the layer of one"};

static int send(struct fixture *f, const char *content, struct err *e)
{
    struct digest d;

    if (store_put(f->r.store, str_from(content), &d, e) < 0)
        return -1;
    return blob_record(&f->r, repo(A), &d, &d, strlen(content), e);
}

static int scenario_push(struct fixture *f, struct err *e)
{
    struct artifact_push p = {.bytes = str_from(image(f, "config 2", layers, 2, "")),
                              .ref = reference("v2")};
    struct artifact_pushed pushed;

    if (send(f, "config 2", e) < 0 || send(f, layers[0], e) < 0 || send(f, layers[1], e) < 0)
        return -1;
    return artifact_push(&f->r, &f->a, repo(A), &p, &pushed, NULL, e);
}

static int scenario_pull(struct fixture *f, struct err *e)
{
    struct reference ref = reference("v1");
    struct artifact art;
    struct digest d = sha256_of(layers[0]);
    struct blob b;
    uint64_t size;
    int fd = -1;

    if (artifact_find(&f->r, &f->a, repo(A), &ref, &art, e) <= 0 ||
        blob_find(&f->r, &f->a, repo(A), &d, &b, e) <= 0 ||
        store_object_open(f->r.store, &d, &fd, &size, e) <= 0)
        return -1;
    (void)close(fd);
    return 0;
}

static int scenario_delete(struct fixture *f, struct err *e)
{
    struct digest d = sha256_of(image(f, "config old", layers, 2, ""));

    return artifact_delete(&f->r, repo(A), &d, e) < 0 ? -1 : 0;
}

static int collect(struct fixture *f, struct err *e)
{
    const struct collect_options o = {.data_dir = f->fd, .grace_ms = -1};
    struct collect_result r;

    return collect_run(&f->r, &o, &r, e);
}

static void ignore_problem(void *self, const char *line)
{
    (void)self, (void)line;
}

static int scenario_backup(struct fixture *f, struct err *e)
{
    struct backup_result r;
    AUTOFD target = file_open_dir_at(f->fd, "target", true, e);
    const struct backup_options o = {.target = target, .problem = ignore_problem};

    if (target < 0)
        return -1;
    int rc = backup_run(&f->r, f->fd, "haven.db", &o, &r, e);
    return rc < 0 && e->code == ERR_CONFLICT ? 0 : rc; /* a snapshot of this second is there */
}

static size_t problems;

static void on_problem(void *self, const struct check_problem *p)
{
    (void)self;
    problems++;
    print_message("%s: %s: %s\n", check_kind_name(p->kind), p->what, p->why);
}

static int check_all(struct fixture *f, bool repair, struct err *e)
{
    const struct check_options o = {.data_dir = f->fd,
                                    .verify = true,
                                    .repair = repair,
                                    .grace_ms = repair ? 60000 : -1,
                                    .after = STR(""),
                                    .problem = on_problem};
    struct check_result r;

    return check_run(&f->r, &o, &r, e);
}

static int scenario_check(struct fixture *f, struct err *e)
{
    return check_all(f, true, e);
}

/* ---- what must hold ---- */

static void open_again(struct fixture *f)
{
    store_close(f->r.store);
    db_close(f->r.db);
    EXPECT(db_open(f->fd, "haven.db", &f->r.db, &f->e), 0);
    EXPECT(store_open(f->fd, &f->r.store, &f->e), 0);
}

static void is_whole(struct fixture *f, const char *content)
{
    struct digest d = sha256_of(content);
    struct blob b;
    uint64_t size;
    char got[64];
    int fd = -1;

    EXPECT(blob_find(&f->r, &f->a, repo(A), &d, &b, &f->e), 1);
    EXPECT(store_object_open(f->r.store, &d, &fd, &size, &f->e), 1);
    assert_int_equal(size, strlen(content));
    EXPECT(file_pread_all(fd, got, size, 0, &f->e), 0);
    assert_memory_equal(got, content, size);
    (void)close(fd);
}

static void must_hold(struct fixture *f, bool pushed)
{
    assert_true(has_artifact(f, A, "v1"));
    is_whole(f, "config 1");
    is_whole(f, layers[0]);
    if (!pushed)
        return;
    assert_true(has_artifact(f, A, "v2"));
    is_whole(f, "config 2");
    is_whole(f, layers[1]);
}

static int count_object(void *p, const struct digest *d, uint64_t size, struct err *e)
{
    (void)d, (void)size, (void)e;
    ++*(size_t *)p;
    return 0;
}

typedef int scenario_fn(struct fixture *f, struct err *e);

/* One run in a registry of its own. false: it met no fault. */
static bool run_once(scenario_fn *scenario, unsigned kinds, long at, bool on)
{
    void *state;
    struct err e = {0};
    size_t n = 0;

    fixture_setup(&state);
    struct fixture *f = state;
    push_image(f, A, "v1", "config 1", layers[0]);
    if (scenario != scenario_push) {
        EXPECT(scenario_push(f, &f->e), 0);
        send_blob(f, A, "config old");
        EXPECT(push(f, A, "old", image(f, "config old", layers, 2, ""), NULL, NULL), 0);
    }
    if (scenario == collect)
        EXPECT(scenario_delete(f, &f->e), 0);
    faults(kinds, at, at % 2 ? EIO : ENOSPC, on);
    int rc = scenario(f, &e);
    bool met = hit;
    no_faults();
    fault_kinds = 0; /* of the engine, too */
    if (!met)
        assert_int_equal(rc, 0);

    open_again(f);
    must_hold(f, scenario != scenario_push || rc == 0);
    EXPECT(scenario(f, &f->e), 0);
    must_hold(f, true);
    EXPECT(scenario_delete(f, &f->e), 0);
    f->r.lease_ms = 0;
    EXPECT(collect(f, &f->e), 0);
    must_hold(f, true);
    EXPECT(store_object_each(f->r.store, count_object, &n, &f->e), 0);
    assert_int_equal(n, 4);
    problems = 0;
    EXPECT(check_all(f, false, &f->e), 0);
    assert_int_equal(problems, 0);
    fixture_teardown(&state);
    return met;
}

static void sweep(scenario_fn *scenario, long least)
{
    static const struct {
        unsigned kinds;
        bool on, late;
    } ways[] = {{K_ALL, false, false},
                {K_ALL, true, false},
                {K_SQL, false, false},
                {K_SQL, true, false},
                {K_SQL, false, true}};

    for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
        long at = 1;
        late = ways[w].late;
        while (run_once(scenario, ways[w].kinds, at, ways[w].on))
            at++;
        assert_true(at > least);
    }
}

static void test_push(void **state)
{
    (void)state;
    sweep(scenario_push, 20);
}

static void test_pull(void **state)
{
    (void)state;
    sweep(scenario_pull, 2);
}

static void test_delete(void **state)
{
    (void)state;
    sweep(scenario_delete, 0);
}

static void test_collect(void **state)
{
    (void)state;
    sweep(collect, 5);
}

static void test_backup(void **state)
{
    (void)state;
    sweep(scenario_backup, 10);
}

static void test_check(void **state)
{
    (void)state;
    sweep(scenario_check, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push),   cmocka_unit_test(test_pull),
        cmocka_unit_test(test_delete), cmocka_unit_test(test_collect),
        cmocka_unit_test(test_backup), cmocka_unit_test(test_check),
    };
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR,
              false); /* faults are told there */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
