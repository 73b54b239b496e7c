/* SPDX-License-Identifier: Apache-2.0 */
/* Views and the parsers of numbers, sizes, times and UTF-8. */
#include "unit.h"

static void compares(void **state)
{
    (void)state;
    assert_true(str_eq(STR_NULL, STR("")));
    assert_true(str_eq(STR("abc"), str_of("abcd", 3)));
    assert_false(str_eq(STR("abc"), STR("abd")));
    assert_false(str_eq(STR("abc"), STR("ab")));
    assert_true(str_eqz(STR("abc"), "abc"));
    assert_true(str_eqz(STR(""), NULL));
    assert_false(str_eqz(str_of("a\0b", 3), "a"));
    assert_true(str_ieq(STR("AbC"), STR("aBc")));
    assert_true(str_ieq(STR_NULL, STR("")));
    assert_false(str_ieq(STR("a["), STR("a{")));
    assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR_NULL, STR("a")) < 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("bc"), STR("abc")));
}

static void cuts(void **state)
{
    (void)state;
    assert_str(str_skip(STR("abc"), 1), "bc");
    assert_str(str_skip(STR("abc"), 9), "");
    assert_str(str_skip(STR_NULL, 9), "");
    assert_str(str_head(STR("abc"), 2), "ab");
    assert_str(str_head(STR("abc"), 9), "abc");
    assert_str(str_trim(STR(" \t a b\t ")), "a b");
    assert_str(str_trim(STR(" \t ")), "");
    assert_str(str_trim(STR_NULL), "");
    assert_int_equal(str_chr(STR("a/b/c"), '/'), 1);
    assert_int_equal(str_rchr(STR("a/b/c"), '/'), 3);
    assert_int_equal(str_chr(STR("abc"), '/'), -1);
    assert_int_equal(str_rchr(STR_NULL, '/'), -1);

    struct str rest = STR("a,,b");
    assert_str(str_cut(&rest, ','), "a");
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_cut(&rest, ','), "b");
    assert_null(rest.p);
    rest = STR("a,");
    assert_str(str_cut(&rest, ','), "a");
    assert_non_null(rest.p); /* an empty rest is not the end */
    assert_str(str_cut(&rest, ','), "");
    assert_null(rest.p);
}

static void unsigned_numbers(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(str_u64(STR("0"), 0, UINT64_MAX, &v) && v == 0);
    assert_true(str_u64(STR("00012"), 0, 99, &v) && v == 12);
    assert_true(str_u64(STR("18446744073709551615"), 0, UINT64_MAX, &v) && v == UINT64_MAX);
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "1:",
                                      "0x1",
                                      "1.0",
                                      "٣",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    v = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_u64(str_from(bad[i]), 0, UINT64_MAX, &v));
    assert_false(str_u64(STR_NULL, 0, 9, &v));
    assert_false(str_u64(str_of("1\0", 2), 0, 9, &v));
    assert_false(str_u64(STR("4"), 5, 9, &v));
    assert_false(str_u64(STR("10"), 5, 9, &v));
    assert_int_equal(v, 7);
    assert_true(str_u64(STR("5"), 5, 9, &v) && v == 5);
    assert_true(str_u64(STR("9"), 5, 9, &v) && v == 9);
}

static void signed_numbers(void **state)
{
    (void)state;
    int64_t v = 7;
    assert_true(str_i64(STR("-12"), -20, 20, &v) && v == -12);
    assert_true(str_i64(STR("-0"), -1, 1, &v) && v == 0);
    assert_true(str_i64(STR("9223372036854775807"), 0, INT64_MAX, &v) && v == INT64_MAX);
    assert_true(str_i64(STR("-9223372036854775807"), INT64_MIN, 0, &v) && v == -INT64_MAX);
    assert_true(str_i64(STR("-9223372036854775808"), INT64_MIN, 0, &v) && v == INT64_MIN);
    static const char *const bad[] = {"",
                                      "-",
                                      "--1",
                                      "+1",
                                      "- 1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551615"};
    v = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_i64(str_from(bad[i]), INT64_MIN, INT64_MAX, &v));
    assert_false(str_i64(STR("-21"), -20, 20, &v));
    assert_int_equal(v, 7);
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"4096", 4096},
        {"1B", 1},
        {"64KiB", 65536},
        {"64kib", 65536},
        {"1MiB", 1ull << 20},
        {"2GiB", 2ull << 30},
        {"1TiB", 1ull << 40},
        {"3KB", 3000},
        {"3MB", 3000000},
        {"3GB", 3000000000},
        {"3TB", 3000000000000},
        {"16777215TiB", 16777215ull << 40},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        uint64_t v = 1;
        assert_true(str_size(str_from(good[i].text), 0, UINT64_MAX, &v));
        assert_int_equal(v, good[i].value);
    }
    static const char *const bad[] = {"",      "KiB",         "-1KiB",
                                      "1K",    "1 KiB",       "1.5MiB",
                                      "1KiBs", "16777216TiB", "99999999999999999999"};
    uint64_t v = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_size(str_from(bad[i]), 0, UINT64_MAX, &v));
    assert_false(str_size(STR("2KiB"), 0, 2047, &v));
    assert_false(str_size(STR("2KiB"), 2049, 9999, &v));
    assert_int_equal(v, 7);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0},          {"30", 30000},     {"250ms", 250},
                {"30s", 30000},    {"5m", 300000},    {"12h", 43200000},
                {"7d", 604800000}, {"7D", 604800000}, {"365d", INT64_C(31536000000)}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t v = 1;
        assert_true(str_duration(str_from(good[i].text), 0, INT64_MAX, &v));
        assert_int_equal(v, good[i].ms);
    }
    static const char *const bad[] = {
        "", "ms", "-5s", "5y", "5 s", "1.5h", "1h30m", "106751991168d", "9223372036854775807s"};
    int64_t v = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_duration(str_from(bad[i]), 0, INT64_MAX, &v));
    assert_false(str_duration(STR("2s"), 0, 1999, &v));
    assert_false(str_duration(STR("2s"), 2001, 9999, &v));
    assert_int_equal(v, 7);
}

static void booleans(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "TRUE", "yes", "on", "1"};
    static const char *const no[] = {"false", "No", "off", "0"};
    static const char *const bad[] = {"", "2", "t", "truee", " on"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        bool v = false;
        assert_true(str_bool(str_from(yes[i]), &v) && v);
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        bool v = true;
        assert_true(str_bool(str_from(no[i]), &v) && !v);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bool v = true;
        assert_false(str_bool(str_from(bad[i]), &v));
    }
}

static void utf8(void **state)
{
    (void)state;
    static const struct {
        struct str s;
        size_t n;
        uint32_t point;
    } cases[] = {
        {{"a", 1}, 1, 'a'},
        {{"\0", 1}, 1, 0},
        {{"\x7f", 1}, 1, 0x7f},
        {{"\xc2\x80", 2}, 2, 0x80},
        {{"\xdf\xbf", 2}, 2, 0x7ff},
        {{"\xe0\xa0\x80", 3}, 3, 0x800},
        {{"\xed\x9f\xbf", 3}, 3, 0xd7ff},
        {{"\xee\x80\x80", 3}, 3, 0xe000},
        {{"\xef\xbf\xbf", 3}, 3, 0xffff},
        {{"\xf0\x90\x80\x80", 4}, 4, 0x10000},
        {{"\xf4\x8f\xbf\xbf", 4}, 4, 0x10ffff},
        {{"", 0}, 0, 0},
        {{"\x80", 1}, 0, 0},
        {{"\xc0\x80", 2}, 0, 0}, /* overlong */
        {{"\xc1\xbf", 2}, 0, 0},
        {{"\xe0\x9f\xbf", 3}, 0, 0},
        {{"\xf0\x8f\xbf\xbf", 4}, 0, 0},
        {{"\xed\xa0\x80", 3}, 0, 0}, /* surrogate */
        {{"\xed\xbf\xbf", 3}, 0, 0},
        {{"\xf4\x90\x80\x80", 4}, 0, 0}, /* past the end of Unicode */
        {{"\xf5\x80\x80\x80", 4}, 0, 0},
        {{"\xff", 1}, 0, 0},
        {{"\xc2", 1}, 0, 0}, /* cut off */
        {{"\xe2\x82", 2}, 0, 0},
        {{"\xf0\x90\x80", 3}, 0, 0},
        {{"\xc2g", 2}, 0, 0},
        {{"\xe2\x82g", 3}, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t point = 0;
        assert_int_equal(str_utf8(cases[i].s, &point), cases[i].n);
        assert_int_equal(point, cases[i].point);
    }
}

static void hexadecimal(void **state)
{
    (void)state;
    uint8_t raw[4] = {0, 0x1f, 0xab, 0xff}, back[4];
    char text[9];
    str_hex(raw, sizeof(raw), text);
    assert_string_equal(text, "001fabff");
    assert_true(str_unhex(STR("001fabff"), back, 4));
    assert_memory_equal(raw, back, 4);
    memset(back, 7, sizeof(back));
    static const char *const bad[] = {"001fabf",  "001fabff0", "001FABFF",
                                      "001fabfg", "",          "001fab f"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_unhex(str_from(bad[i]), back, 4));
    assert_int_equal(back[0], 7);
    assert_true(str_unhex(STR(""), back, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(cuts),
        cmocka_unit_test(unsigned_numbers),
        cmocka_unit_test(signed_numbers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(durations),
        cmocka_unit_test(booleans),
        cmocka_unit_test(utf8),
        cmocka_unit_test(hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
