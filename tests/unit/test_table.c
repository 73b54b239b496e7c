/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on a terminal. */
#include "cli/table.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct str head[] = {{.p = "NAME", .n = 4}, {.p = "X", .n = 1}};

static void add(struct table *t, const char *one, const char *two)
{
    const struct str cells[] = {str_from(one), str_from(two)};
    table_add(t, cells);
}

static void assert_written(struct table *t, bool title, const char *text)
{
    AUTO(buf) out = {0};
    buf_init(&out, 65536);
    table_write(t, title, &out);
    assert_string_equal(out.p, text);
}

static void test_columns(void **state)
{
    AUTO(arena) a = {0};
    struct table t;

    (void)state;
    arena_init(&a, MIB);
    table_init(&t, &a, head, 2);
    add(&t, "a", "1");
    add(&t, "longer", "");
    /* Characters count, not bytes. */
    add(&t, "\xc3\xa4\xc3\xb6", "2");
    assert_written(&t, true, "NAME    X\na       1\nlonger  -\n\xc3\xa4\xc3\xb6      2\n");
    /* The next page of the same list looks alike, and is itself alone. */
    add(&t, "b", "3");
    assert_written(&t, false, "b       3\n");
}

static void test_what_a_terminal_would_obey(void **state)
{
    AUTO(arena) a = {0};
    struct table t;

    (void)state;
    arena_init(&a, MIB);
    table_init(&t, &a, head, 2);
    add(&t, "a\033[2Jb\nc\x7f",
        "\xc2\x9b"
        "1\xff");
    assert_written(&t, false, "a?[2Jb?c?  ?1?\n");
}

static void test_many_rows(void **state)
{
    AUTO(arena) a = {0};
    AUTO(buf) out = {0};
    struct table t;

    (void)state;
    arena_init(&a, MIB);
    buf_init(&out, 65536);
    table_init(&t, &a, head, 2);
    for (int i = 0; i < 100; i++)
        add(&t, i % 2 ? "odd" : "even", "x");
    table_write(&t, false, &out);
    assert_int_equal(out.n, 100 * strlen("even  x\n"));
    assert_int_equal(memcmp(out.p, "even  x\nodd   x\n", 16), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_what_a_terminal_would_obey),
        cmocka_unit_test(test_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
