/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: six fields, and the times that they mean. */
#include "unit.h"

#include "base/clock.h"
#include "base/cron.h"

static const char *next(const char *text, const char *after)
{
    static char out[CLOCK_TEXT_MAX];
    struct cron c;
    int64_t ms;
    assert_fine(cron_parse(str_from(text), &c, &unit_e));
    assert_true(clock_parse_rfc3339(str_from(after), &ms));
    ms = cron_next(&c, ms);
    return ms < 0 ? "never" : clock_rfc3339(ms, out);
}

static void test_next(void **state)
{
    (void)state;
    static const struct {
        const char *text, *after, *want;
    } rows[] = {
        {"* * * * * *", "2026-01-02T03:04:05Z", "2026-01-02T03:04:06.000Z"},
        {"* * * * * *", "2026-01-02T03:04:05.900Z", "2026-01-02T03:04:06.000Z"},
        {"0 0 0 * * *", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00.000Z"},
        {"@daily", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00.000Z"},
        {"@hourly", "2026-12-31T23:00:00Z", "2027-01-01T00:00:00.000Z"},
        {"@weekly", "2026-11-27T05:00:00Z", "2026-11-29T00:00:00.000Z"},
        {"@monthly", "2026-11-27T05:00:00Z", "2026-12-01T00:00:00.000Z"},
        {"@yearly", "2026-11-27T05:00:00Z", "2027-01-01T00:00:00.000Z"},
        {"30 15 4 * * MON-FRI", "2026-11-27T05:00:00Z", "2026-11-30T04:15:30.000Z"},
        {"0 */20 * * * ?", "2026-11-27T05:41:00Z", "2026-11-27T06:00:00.000Z"},
        {"0 10/20 * * * ?", "2026-11-27T05:41:00Z", "2026-11-27T05:50:00.000Z"},
        {"0 0 0 29 2 *", "2026-11-27T05:00:00Z", "2028-02-29T00:00:00.000Z"},
        {"0 0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00.000Z"},
        {"0 0 0 30 2 *", "2026-11-27T05:00:00Z", "never"},
        {"0 0 0 31 * *", "2026-11-27T05:00:00Z", "2026-12-31T00:00:00.000Z"},
        /* Either day is enough. */
        {"0 0 0 1 * 7", "2026-11-27T05:00:00Z", "2026-11-29T00:00:00.000Z"},
        {"0 0 0 13 * fri", "2026-11-28T00:00:00Z", "2026-12-04T00:00:00.000Z"},
        {"0 0 12 * jan,DEC *", "2026-11-27T05:00:00Z", "2026-12-01T12:00:00.000Z"},
        {"59 59 23 31 12 *", "2026-12-31T23:59:59Z", "2027-12-31T23:59:59.000Z"},
        {"  0   0 3  * * *  ", "2026-11-27T03:00:00Z", "2026-11-28T03:00:00.000Z"},
        {"30 30 3 * * *", "2026-11-27T03:30:29Z", "2026-11-27T03:30:30.000Z"},
        {"10 30 3 * * *", "2026-11-27T03:30:29Z", "2026-11-28T03:30:10.000Z"},
        {"10 5,30 3 * * *", "2026-11-27T03:05:29Z", "2026-11-27T03:30:10.000Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(next(rows[i].text, rows[i].after), rows[i].want);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "* * * * *",
        "* * * * * * *",
        "60 * * * * *",
        "* 60 * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * 32 * *",
        "* * * * 13 *",
        "* * * * * 8",
        "5-1 * * * * *",
        "*/0 * * * * *",
        "a * * * * *",
        "1,, * * * * *",
        "@often",
        "-1 * * * * *",
        "1- * * * * *",
        "* * * * foo *",
        "1/ * * * * *",
        "1//2 * * * * *",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cron c;
        unit_e.code = ERR_OK;
        if (cron_parse(str_from(bad[i]), &c, &unit_e) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(unit_e.code, ERR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_next), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
