/* SPDX-License-Identifier: Apache-2.0 */
/* glob: what each sign matches, patterns that are refused, and patterns made to take for ever. */
#include "base/glob.h"
#include "base/limits.h"
#include "unit.h"

static const struct {
    const char *pattern, *path;
    bool yes;
} match_rows[] = {
    {"a", "a", true},
    {"a", "b", false},
    {"a", "A", false},
    {"a", "ab", false},
    {"ab", "a", false},
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"*", "abc", true},
    {"*", ".hidden", true},
    {"*", "a/b", false},
    {"*.bin", "model.bin", true},
    {"*.bin", "model.bin.index", false},
    {"*.bin", "sub/model.bin", false},
    {"a*b*c", "aXbYc", true},
    {"a*b*c", "abbc", true},
    {"a*b*c", "acb", false},
    {"a*b", "aab", true},
    {"*ab", "aab", true},
    {"***", "x", true},
    {"x**y", "xaby", true},
    {"x**y", "xa/by", false},
    {"?", "a", true},
    {"?", "", false},
    {"?", "ab", false},
    {"?", "\xc3\xa9", true},
    {"?", "\xff", true},
    {"??", "\xc3\xa9", false},
    {"a?c", "a/c", false},
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[a-c]x", "bx", true},
    {"[a-c]", "d", false},
    {"[!a-c]", "d", true},
    {"[^a-c]", "d", true},
    {"[!a-c]", "b", false},
    {"[]a]", "]", true},
    {"[]a]", "a", true},
    {"[!]a]", "]", false},
    {"[!]a]", "b", true},
    {"[a-]", "-", true},
    {"[-a]", "-", true},
    {"[\\]]", "]", true},
    {"[\\!a]", "!", true},
    {"[a\\-c]", "b", false},
    {"[a\\-c]", "-", true},
    {"[[:digit:]]", "7", true},
    {"[[:digit:]]", "x", false},
    {"[![:digit:]_]", "x", true},
    {"[![:digit:]_]", "_", false},
    {"[[:upper:][:space:]]", " ", true},
    {"[[:xdigit:]]", "F", true},
    {"[[:punct:]]", "a", false},
    {"[[:punct:]]", "%", true},
    {"[[:d]", "[", true},
    {"[[:d]", ":", true},
    {"[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true},
    {"[\xc3\xa0-\xc3\xbf]", "e", false},
    {"[a/b]", "a", false},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\a", "a", true},
    {"a\\", "a", false},
    {"[a", "a", false},
    {"a/b", "a/b", true},
    {"a/*", "a/b", true},
    {"a/*", "a/b/c", false},
    {"*/b", "a/b", true},
    {"*/*", "a/b", true},
    {"a//b", "a/b", false},
    {"**", "a", true},
    {"**", "a/b/c", true},
    {"**/c", "c", true},
    {"**/c", "a/b/c", true},
    {"**/c", "a/c/b", false},
    {"**/c", "abc", false},
    {"a/**", "a/b", true},
    {"a/**", "a/b/c", true},
    {"a/**", "a", false},
    {"a/**", "ab", false},
    {"a/**/b", "a/b", true},
    {"a/**/b", "a/x/b", true},
    {"a/**/b", "a/x/y/b", true},
    {"a/**/b", "a/x/bb", false},
    {"a/**/b/**/c", "a/b/x/b/c", true},
    {"a/**/b/**/c", "a/x/c", false},
    {"**/a/**", "x/a/y/z", true},
    {"**/a/**", "x/a", false},
    {"**/*.py", "a/b/c.py", true},
    {"**/x/*.py", "a/x/b/x/c.py", true},
    {"**/**/a", "a", true},
    {"a/**/**", "a/b", true},
    {"a/**/**", "a", false},
};

static void matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(match_rows); i++)
        if (glob_match(str_from(match_rows[i].pattern), str_from(match_rows[i].path)) !=
            match_rows[i].yes)
            fail_msg("\"%s\" and \"%s\"", match_rows[i].pattern, match_rows[i].path);
}

static void filters(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool yes;
    } rows[] = {
        {"*.bin", "a.bin", true},
        {"*.bin", "x/y/a.bin", true},
        {"*.bin", "x.bin/y", true},
        {"/*.bin", "a.bin", true},
        {"/*.bin", "x/a.bin", false},
        {"data", "data/a", true},
        {"data", "x/data/a", true},
        {"data", "data", true},
        {"data/", "data/a", true},
        {"data/", "x/data/a/b", true},
        {"data/", "data", false},
        {"/data/", "x/data/a", false},
        {"/data/", "data/a", true},
        {"x/data", "x/data/a/b", true},
        {"x/data", "y/x/data", false},
        {"x/data", "x/data2", false},
        {"x/*", "x/a/b", true},
        {"x/*/", "x/a", false},
        {"x/*/", "x/a/b", true},
        {"**/data", "x/y/data/z", true},
        {"**", "a", true},
        {"", "a", false},
        {"/", "a", false},
    };
    const struct str globs[] = {STR("*.a"), STR("b/")};
    const struct glob_list list = {.globs = globs, .n = 2};
    const struct glob_list none = {.n = 0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (glob_selects(str_from(rows[i].pattern), str_from(rows[i].path)) != rows[i].yes)
            fail_msg("\"%s\" and \"%s\"", rows[i].pattern, rows[i].path);
    assert_true(glob_list_selects(&list, STR("x.a")));
    assert_true(glob_list_selects(&list, STR("b/x")));
    assert_false(glob_list_selects(&list, STR("b")));
    assert_false(glob_list_selects(&none, STR("b")));
}

static void wrong(void **state)
{
    static const struct {
        const char *pattern, *why;
    } rows[] = {
        {"", "empty"},
        {"[a", "without a ']'"},
        {"[", "without a ']'"},
        {"[]", "without a ']'"},
        {"[!]", "without a ']'"},
        {"[a/b]", "without a ']'"},
        {"x/[a-", "without a ']'"},
        {"[a\\", "without a ']'"},
        {"a\\", "nothing to escape"},
        {"a\\/b", "nothing to escape"},
        {"[z-a]", "backwards"},
        {"[[:digits:]]", "does not exist"},
    };
    static const char *const good[] = {"a",   "*",  "**/*.[ch]", "[[:alpha:]_-]", "[]]", "a]",
                                       "\\[", "/a", "a/",        "[!a]"};
    char longest[LIMIT_GLOB + 1];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = glob_wrong(str_from(rows[i].pattern));
        if (!why || !strstr(why, rows[i].why))
            fail_msg("\"%s\" %s", rows[i].pattern, why);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_null(glob_wrong(str_from(good[i])));
    memset(longest, 'a', sizeof(longest));
    assert_null(glob_wrong(str_of(longest, LIMIT_GLOB)));
    assert_non_null(glob_wrong(str_of(longest, LIMIT_GLOB + 1)));
}

static void literals(void **state)
{
    struct arena a;
    struct str s;
    AUTO(buf) out = {0};
    (void)state;
    arena_init(&a, MIB);
    buf_init(&out, MIB);
    assert_int_equal(glob_literal(&a, STR("a/b.c"), &s, &unit_e), 1);
    assert_str(s, "a/b.c");
    assert_int_equal(glob_literal(&a, STR("a\\[1\\]\\*"), &s, &unit_e), 1);
    assert_str(s, "a[1]*");
    assert_int_equal(glob_literal(&a, STR("a*"), &s, &unit_e), 0);
    assert_int_equal(glob_literal(&a, STR("a[b]"), &s, &unit_e), 0);
    assert_int_equal(glob_literal(&a, STR("a?"), &s, &unit_e), 0);
    glob_escape(&out, STR("we[i]rd*name?.\\x"));
    assert_string_equal(out.p, "we\\[i]rd\\*name\\?.\\\\x");
    assert_true(glob_match(buf_str(&out), STR("we[i]rd*name?.\\x")));
    arena_done(&a);
}

/* With one branch for each star these would not end before the test's time is up. */
static void explosions(void **state)
{
    char name[LIMIT_GLOB], pattern[LIMIT_GLOB];
    (void)state;
    memset(name, 'a', sizeof(name));
    for (size_t i = 0; i + 1 < sizeof(pattern); i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[sizeof(pattern) - 1] = 'b';
    assert_false(glob_match(str_of(pattern, sizeof(pattern)), str_of(name, sizeof(name))));
    for (size_t i = 0; i + 5 < sizeof(pattern); i += 5)
        memcpy(pattern + i, "**/a/", 5);
    for (size_t i = 1; i < sizeof(name); i += 2)
        name[i] = '/';
    assert_false(glob_match(str_of(pattern, 1020), str_of(name, sizeof(name) - 1)));
    pattern[1018] = 'b';
    assert_false(glob_selects(str_of(pattern, 1020), str_of(name, sizeof(name) - 1)));
    memset(pattern, '*', sizeof(pattern));
    assert_true(glob_match(str_of(pattern, sizeof(pattern)), STR("abc")));
}

static void ways(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool match;
    } rows[] = {
        {"{a,b}", "a", true},         {"{a,b}", "b", true},
        {"{a,b}", "c", false},        {"{a,b}", "{a,b}", false},
        {"v{1,2{x,y}}", "v1", true},  {"v{1,2{x,y}}", "v2y", true},
        {"v{1,2{x,y}}", "v2", false}, {"{,x}a", "a", true},
        {"{,x}a", "xa", true},        {"{a,b}/{c,*}", "b/z", true},
        {"\\{a,b}", "{a,b}", true},   {"{a,b", "{a,b", true},
        {"{v*,**}", "x/y", true},     {"{}", "", true},
        {"plain", "plain", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (glob_match_ways(str_from(rows[i].pattern), str_from(rows[i].path)) != rows[i].match)
            fail_msg("%s and %s", rows[i].pattern, rows[i].path);
    assert_null(glob_ways_wrong(STR("{a,b}{c,d}[x-z]")));
    assert_non_null(glob_ways_wrong(STR("{a,b")));
    assert_non_null(glob_ways_wrong(STR("{a,[b}")));
    assert_non_null(glob_ways_wrong(STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")));
    assert_false(
        glob_match_ways(STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), STR("bbbbbbbbb")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),  cmocka_unit_test(filters),    cmocka_unit_test(wrong),
        cmocka_unit_test(literals), cmocka_unit_test(explosions), cmocka_unit_test(ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
