/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts on a database of a test's own. */
#ifndef HAVEN_TESTS_UNIT_ACCESS_FIXTURE_H
#define HAVEN_TESTS_UNIT_ACCESS_FIXTURE_H

#include "access/internal.h"
#include "base/limits.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PASSWORD "correct horse: battery"

struct fixture {
    char dir[64];
    int fd;
    struct db *db;
    struct access *x;
    struct arena a;
};

static inline void open_access(struct fixture *f, struct str password, struct str *ret_generated)
{
    struct err e = {0};
    struct str generated = STR_NULL;
    if (access_open(f->db, password, &f->a, &generated, &f->x, &e) < 0)
        fail_msg("%s", e.msg);
    if (ret_generated)
        *ret_generated = generated;
}

static inline int setup_empty(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct err e = {0};

    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/haven-test-access-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->fd >= 0);
    if (db_open(f->fd, "haven.db", &f->db, &e) < 0)
        fail_msg("%s", e.msg);
    arena_init(&f->a, 64 * MIB);
    *state = f;
    return 0;
}

static inline int setup(void **state)
{
    (void)setup_empty(state);
    open_access(*state, STR(PASSWORD), NULL);
    return 0;
}

static inline int teardown(void **state)
{
    static const char *const names[] = {"haven.db", "haven.db-wal", "haven.db-shm"};
    struct fixture *f = *state;

    access_close(f->x);
    db_close(f->db);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)unlinkat(f->fd, names[i], 0);
    (void)close(f->fd);
    assert_int_equal(rmdir(f->dir), 0);
    arena_done(&f->a);
    mem_free(f);
    return 0;
}

#define WITH(setup_fn, fn) cmocka_unit_test_setup_teardown(fn, setup_fn, teardown)

#endif
