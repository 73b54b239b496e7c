/* SPDX-License-Identifier: Apache-2.0 */
/* .havenignore: each rule by itself. tests/e2e/test_modelfile.py holds the whole against git. */
#include "base/limits.h"
#include "model/ignore.h"
#include "unit.h"

static struct arena arena;

static bool ignored(const char *text, const char *path, bool is_dir)
{
    struct ignore ig = {.n = 0};
    assert_fine(ignore_parse(&arena, "f", str_from(text), &ig, &unit_e));
    return ignore_entry(&ig, str_from(path), is_dir);
}

static void rules(void **state)
{
    static const struct {
        const char *text, *path;
        bool is_dir, yes;
    } rows[] = {
        {"", "a", false, false},
        {"a", "a", false, true},
        {"a", "x/a", false, true},
        {"a\n", "a", true, true},
        {"/a", "a", false, true},
        {"/a", "x/a", false, false},
        {"x/a", "x/a", false, true},
        {"x/a", "y/x/a", false, false},
        {"a/", "a", false, false},
        {"a/", "a", true, true},
        {"a/", "x/a", true, true},
        {"x/a/", "x/a", true, true},
        {"*.c", "x/y.c", false, true},
        {"x/*", "x/y", false, true},
        {"x/*", "x/y/z", false, false},
        {"**/x", "x", false, true},
        {"x/**", "x/y/z", false, true},
        {"x/**", "x", true, false},
        {"# a", "# a", false, false},
        {"\\#a", "#a", false, true},
        {"\\!a", "!a", false, true},
        {"a  ", "a", false, true},
        {"a\\ ", "a ", false, true},
        {"a\\  ", "a ", false, true},
        {"a\t", "a", false, false},
        {" a", "a", false, false},
        {"a\r\nb", "a", false, true},
        {"\xef\xbb\xbf"
         "a",
         "a", false, true},
        {"*\n!a", "a", false, false},
        {"*\n!a", "b", false, true},
        {"!a\n*", "a", false, true},
        {"*\n!a/", "a", false, true},
        {"*\n!a/", "a", true, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (ignored(rows[i].text, rows[i].path, rows[i].is_dir) != rows[i].yes)
            fail_msg("\"%s\" and \"%s\"", rows[i].text, rows[i].path);
}

static void mistakes(void **state)
{
    struct ignore ig;
    char *many = arena_alloc(&arena, 2 * LIMIT_GLOBS + 3);
    char *large = arena_alloc(&arena, LIMIT_IGNORE_FILE + 1);
    (void)state;
    assert_err(ignore_parse(&arena, "f", STR("a\n\n# x\n[b\n"), &ig, &unit_e), MODEL_INVALID,
               "f, line 4: the pattern has a '['");
    assert_err(ignore_parse(&arena, "f", STR("!"), &ig, &unit_e), MODEL_INVALID, "line 1");
    assert_err(ignore_parse(&arena, "f", STR("/"), &ig, &unit_e), MODEL_INVALID, "is empty");
    assert_err(ignore_parse(&arena, "f", STR("a\\"), &ig, &unit_e), MODEL_INVALID, "backslash");
    for (size_t i = 0; i <= LIMIT_GLOBS; i++)
        memcpy(many + 2 * i, "a\n", 2);
    assert_fine(ignore_parse(&arena, "f", str_of(many, 2 * LIMIT_GLOBS), &ig, &unit_e));
    assert_int_equal(ig.n, LIMIT_GLOBS);
    assert_err(ignore_parse(&arena, "f", str_from(many), &ig, &unit_e), LIMIT, "line 4097");
    assert_fine(ignore_parse(&arena, "f",
                             str_of(memset(large, '\n', LIMIT_IGNORE_FILE), LIMIT_IGNORE_FILE), &ig,
                             &unit_e));
    assert_err(ignore_parse(&arena, "f", str_of(large, LIMIT_IGNORE_FILE + 1), &ig, &unit_e), LIMIT,
               "larger");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rules), cmocka_unit_test(mistakes)};
    arena_init(&arena, 16 * MIB);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return rc;
}
