/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of RFC 5424 and their frames of RFC 6587. */
#include "base/syslog.h"

#include "base/limits.h"
#include "base/mem.h"
#include "unit.h"

#include <unistd.h>

static void test_message(void **state)
{
    (void)state;
    AUTO(buf) out = {0};
    char host[256] = "", want[1024];
    const struct syslog_param params[] = {
        {"user", STR("ada")},
        {"resource", STR("a\"b\\c]d\ne")},
    };

    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    buf_init(&out, 64 * KIB);
    syslog_add(&out, 1700000000123, "audit", params, ARRAY_LEN(params), STR("two\nlines"));
    int n = snprintf(want, sizeof(want),
                     "<110>1 2023-11-14T22:13:20.123Z %s haven %ld audit [haven@32473 user=\"ada\""
                     " resource=\"a\\\"b\\\\c\\]d?e\"] two lines",
                     host, (long)getpid());
    char framed[1100];
    snprintf(framed, sizeof(framed), "%d %s", n, want);
    assert_string_equal(buf_str(&out).p, framed);
    /* The next one follows without anything between. */
    syslog_add(&out, 0, "audit", NULL, 0, STR(""));
    assert_non_null(strstr(out.p + strlen(framed), " <110>1 1970-01-01T00:00:00.000Z "));
}

static void test_endpoints_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "host", ":514", "host:", "host:123456", "[]:1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        assert_int_equal(syslog_connect(str_from(bad[i]), &e), -1);
        assert_true(e.code == ERR_BAD_REQUEST || e.code == ERR_NETWORK);
    }
    struct err e = {0};
    assert_int_equal(syslog_connect(STR("127.0.0.1:1"), &e), -1);
    assert_int_equal(e.code, ERR_NETWORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_endpoints_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
