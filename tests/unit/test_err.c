/* SPDX-License-Identifier: Apache-2.0 */
/* Errors by value, and the table of codes. */
#include "unit.h"

#include <errno.h>

static void rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERR_CODE_COUNT; i++) {
        const struct err_info *row = err_info((enum err_code)i);
        assert_true(row->symbol && row->wire && row->text);
        assert_true(row->status >= 200 && row->status <= 599);
        if (i != ERR_OK)
            assert_true(row->status >= 400);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(row->symbol, err_info((enum err_code)k)->symbol);
    }
    assert_string_equal(err_info(ERR_BLOB_UPLOAD_RANGE)->symbol, "BLOB_UPLOAD_RANGE");
    assert_string_equal(err_info(ERR_BLOB_UPLOAD_RANGE)->wire, "BLOB_UPLOAD_INVALID");
    assert_int_equal(err_info(ERR_BLOB_UPLOAD_RANGE)->status, 416);
    assert_ptr_equal(err_info((enum err_code)100000), err_info(ERR_INTERNAL));
    assert_ptr_equal(err_info((enum err_code) - 1), err_info(ERR_INTERNAL));
}

static void sets(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(ERR(&e, NAME_UNKNOWN, "no repository %s", "x"), -1);
    assert_int_equal(e.code, ERR_NAME_UNKNOWN);
    assert_int_equal(e.sys, 0);
    assert_string_equal(e.msg, "no repository x");
    assert_non_null(strstr(e.file, "test_err.c"));
    assert_true(e.line > 0);
    assert_int_equal(ERR(NULL, NAME_UNKNOWN, "nobody listens"), -1);
    /* A message made of itself. */
    assert_int_equal(ERR(&e, REMOTE, "it said: %s", e.msg), -1);
    assert_string_equal(e.msg, "it said: no repository x");
}

static void with_errno(void **state)
{
    (void)state;
    struct err e;
    errno = ENOENT;
    assert_int_equal(ERR_SYS(&e, "cannot open %s", "f"), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(e.sys, ENOENT);
    assert_string_equal(e.msg, "cannot open f: No such file or directory");
    errno = ENOSPC;
    assert_int_equal(ERR_SYS(&e, "cannot write"), -1);
    assert_int_equal(e.code, ERR_NO_SPACE);
    errno = EDQUOT;
    assert_int_equal(ERR_SYS(&e, "cannot write"), -1);
    assert_int_equal(e.code, ERR_NO_SPACE);
}

static void wraps(void **state)
{
    (void)state;
    struct err e;
    (void)ERR(&e, DB, "locked");
    assert_int_equal(err_wrap(&e, "reading %s", "tags"), -1);
    assert_string_equal(e.msg, "reading tags: locked");
    assert_int_equal(e.code, ERR_DB);
    assert_int_equal(err_wrap(NULL, "x"), -1);
}

static void long_messages(void **state)
{
    (void)state;
    struct err e;
    (void)ERR(&e, IO, "%0600d", 1);
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
    (void)err_wrap(&e, "%0600d", 2);
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
    errno = EIO;
    (void)ERR_SYS(&e, "%0600d", 1);
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
    (void)ERR_SYS(&e, "%0505d", 1); /* room for a part of the reason */
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
    (void)ERR(&e, IO, "short");
    (void)err_wrap(&e, "%0509d", 1);
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
}

static void buggy(void *arg)
{
    BUG_ON(arg == NULL);
}

static void bugs(void **state)
{
    (void)state;
    assert_dies(buggy, NULL);
    buggy(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),  cmocka_unit_test(sets),          cmocka_unit_test(with_errno),
        cmocka_unit_test(wraps), cmocka_unit_test(long_messages), cmocka_unit_test(bugs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
