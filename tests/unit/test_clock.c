/* SPDX-License-Identifier: Apache-2.0 */
/* Times: both ways through RFC 3339, HTTP dates, leap years, offsets. */
#include "base/clock.h"
#include "unit.h"

static void now(void **state)
{
    (void)state;
    int64_t wall = clock_now_ms(), mono = clock_mono_ms(), us = clock_mono_us();
    assert_true(wall > INT64_C(1700000000000));
    for (int i = 0; i < 1000; i++) {
        int64_t later = clock_mono_us();
        assert_true(later >= us);
        us = later;
    }
    assert_true(clock_mono_ms() >= mono);
    assert_true(us / 1000 - mono < 60000);
}

static const struct {
    int64_t ms;
    const char *rfc3339, *http;
} moments[] = {
    {0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {1, "1970-01-01T00:00:00.001Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {-1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
    {-1000, "1969-12-31T23:59:59.000Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
    {784111777000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110 */
    {951782400000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT"},
    {951868800000, "2000-03-01T00:00:00.000Z", "Wed, 01 Mar 2000 00:00:00 GMT"},
    {1709251199999, "2024-02-29T23:59:59.999Z", "Thu, 29 Feb 2024 23:59:59 GMT"},
    {1767323045678, "2026-01-02T03:04:05.678Z", "Fri, 02 Jan 2026 03:04:05 GMT"},
    {4107542399000, "2100-02-28T23:59:59.000Z", "Sun, 28 Feb 2100 23:59:59 GMT"},
    {4107542400000, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 GMT"},
    {253402300799999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT"},
    {-62167219200000, "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 GMT"},
};

static void both_ways(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        int64_t back = 1;
        assert_string_equal(clock_rfc3339(moments[i].ms, out), moments[i].rfc3339);
        assert_true(clock_parse_rfc3339(str_from(out), &back));
        assert_int_equal(back, moments[i].ms);
        assert_string_equal(clock_http_date(moments[i].ms, out), moments[i].http);
    }
    assert_string_equal(clock_rfc3339(INT64_MAX, out), "9999-12-31T23:59:59.999Z");
    assert_string_equal(clock_rfc3339(INT64_MIN, out), "0000-01-01T00:00:00.000Z");
    assert_string_equal(clock_http_date(INT64_MAX, out), "Fri, 31 Dec 9999 23:59:59 GMT");
}

/* Each day of four centuries follows the one before. */
static void every_day(void **state)
{
    (void)state;
    const int64_t day = 86400000;
    for (int64_t ms = -2208988800000; ms < INT64_C(10413792000000); ms += day) {
        char out[CLOCK_TEXT_MAX];
        int64_t back;
        assert_true(clock_parse_rfc3339(str_from(clock_rfc3339(ms, out)), &back));
        assert_int_equal(back, ms);
    }
}

static void forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 00:00:00Z", 0},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T23:59:00+23:59", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T00:00:00.1Z", 100},
        {"1970-01-01T00:00:00.12Z", 120},
        {"1970-01-01T00:00:00.1239999Z", 123},
        {"1970-01-01T00:00:00.000000000Z", 0},
        {"1970-01-01T00:00:00.00100000000000000000000000000000000000000000Z", 1},
        {"1969-12-31T23:59:59.5Z", -500},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1990-12-31T23:59:60Z", 662688000000}, /* RFC 3339 5.8 */
        {"1990-12-31T15:59:60-08:00", 662688000000},
        {"1990-12-31T23:59:60.7Z", 662688000000},
        {"2026-11-23T20:39:45.123456789+02:00", 1795459185123},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t v = 1;
        if (!clock_parse_rfc3339(str_from(good[i].text), &v) || v != good[i].ms)
            fail_msg("%s: %lld", good[i].text, (long long)v);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00Z",
        "1970-1-01T00:00:00Z",
        "70-01-01T00:00:00Z",
        "+970-01-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:60Z",
        "1990-12-31T23:59:60+01:00",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+01",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00 Z",
        "1970-01-01T00:00:00ZZ",
        " 1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z ",
        "1970/01/01T00:00:00Z",
        "1970-01-01T-1:00:00Z",
    };
    int64_t v = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (clock_parse_rfc3339(str_from(bad[i]), &v))
            fail_msg("%s was taken", bad[i]);
    assert_false(clock_parse_rfc3339(STR_NULL, &v));
    assert_false(clock_parse_rfc3339(str_of("1970-01-01T00:00:00\0Z", 21), &v));
    /* Every text cut short. */
    struct str whole = STR("1970-01-01T00:00:00.123+01:00");
    for (size_t n = 0; n < whole.n; n++)
        assert_false(clock_parse_rfc3339(str_head(whole, n), &v));
    assert_int_equal(v, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now),   cmocka_unit_test(both_ways), cmocka_unit_test(every_day),
        cmocka_unit_test(forms), cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
