/* SPDX-License-Identifier: Apache-2.0 */
/* From an error to the exit status and to advice. */
#include "cli/exit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_hint(enum err_code code, const char *msg, const char *host,
                        enum exit_status status, const char *part)
{
    AUTO(buf) out = {0};
    struct err err;
    err_set(&err, code, 0, __FILE__, __LINE__, "%s", msg);
    buf_init(&out, 1024);
    exit_hint(&err, host, &out);
    assert_int_equal(exit_status_of(&err), status);
    if (!part)
        assert_string_equal(out.p, "");
    else if (!strstr(out.p, part))
        fail_msg("\"%s\" is not in \"%s\"", part, out.p);
}

static void test_hints(void **state)
{
    (void)state;
    const char *h = "reg.example:5000";
    assert_hint(ERR_UNAUTHORIZED, "no", h, STATUS_REFUSED, "haven login reg.example:5000");
    assert_hint(ERR_UNAUTHORIZED, "no", NULL, STATUS_REFUSED, "haven login HOST");
    assert_hint(ERR_UNAUTHORIZED, "x wants a login: haven login x", h, STATUS_REFUSED, NULL);
    assert_hint(ERR_DENIED, "", h, STATUS_REFUSED, "who administers reg.example:5000");
    assert_hint(ERR_NETWORK, "self-signed certificate", h, STATUS_NETWORK, "--ca-file");
    assert_hint(ERR_NETWORK, "error: wrong version number", h, STATUS_NETWORK, "--plain-http");
    assert_hint(ERR_NETWORK, "refused", h, STATUS_NETWORK, "reg.example:5000 is up");
    assert_hint(ERR_NO_SPACE, "", h, STATUS_NO_SPACE, "make room");
    assert_hint(ERR_NAME_INVALID, "", h, STATUS_USAGE, "HOST[:PORT]/PROJECT");
    assert_hint(ERR_DIGEST_INVALID, "", h, STATUS_INTEGRITY, NULL);
    assert_hint(ERR_DB, "", h, STATUS_FAILURE, NULL);
}

/* Each row of OF whose code and words are those of an earlier row could never be reached. */
static void test_rows_can_be_reached(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *words;
    } rows[] = {
#define OF(code_, exit_, words_, hint_) {ERR_##code_, words_},
#include "cli/exit.def"
#undef OF
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < i; k++)
            if (rows[k].code == rows[i].code &&
                (!rows[k].words || (rows[i].words && strstr(rows[i].words, rows[k].words))))
                fail_msg("row %zu hides row %zu", k, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_rows_can_be_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
