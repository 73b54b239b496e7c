/* SPDX-License-Identifier: Apache-2.0 */
/* The growable buffer: its ceiling, its sticky error, its NUL. */
#include "base/buf.h"
#include "unit.h"

static void appends(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 1000);
    assert_string_equal(b.p, "");
    assert_int_equal(buf_str(&b).n, 0);
    buf_addz(&b, "one");
    buf_addc(&b, ' ');
    buf_adds(&b, STR("two"));
    buf_adds(&b, STR_NULL);
    buf_add(&b, "\0x", 2);
    buf_addf(&b, "%d-%s", 42, "z");
    assert_true(buf_ok(&b));
    assert_int_equal(b.n, 13);
    assert_memory_equal(b.p, "one two\0x42-z", 14);
    buf_cut(&b, 3);
    assert_string_equal(b.p, "one");
    buf_cut(&b, 3);
    buf_reset(&b);
    assert_string_equal(b.p, "");
    assert_int_equal(b.n, 0);
}

static void grows(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 1u << 20);
    for (unsigned i = 0; i < 1u << 20; i++)
        buf_addc(&b, (char)('a' + i % 26));
    assert_true(buf_ok(&b));
    assert_int_equal(b.n, 1u << 20);
    assert_int_equal(b.p[b.n], 0);
    for (unsigned i = 0; i < 1u << 20; i += 4099)
        assert_int_equal(b.p[i], 'a' + i % 26);
}

/* The ceiling refuses whole appends, and everything after the first that was refused. */
static void ceiling(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 4);
    buf_addz(&b, "abcd");
    assert_true(buf_ok(&b));
    buf_addz(&b, "");
    assert_true(buf_ok(&b));
    buf_addc(&b, 'e');
    assert_false(buf_ok(&b));
    assert_string_equal(b.p, "abcd");
    buf_cut(&b, 1);
    assert_false(buf_ok(&b));
    buf_addc(&b, 'x');
    buf_addf(&b, "%d", 1);
    assert_string_equal(b.p, "a");
    buf_reset(&b);
    assert_true(buf_ok(&b));
    buf_addf(&b, "%05d", 1);
    assert_false(buf_ok(&b));
    assert_string_equal(b.p, "");
    buf_reset(&b);
    buf_add(&b, "abc", SIZE_MAX); /* no wrap around */
    assert_false(buf_ok(&b));

    AUTO(buf) none = {0};
    buf_init(&none, 0);
    buf_addz(&none, "");
    assert_true(buf_ok(&none));
    buf_addc(&none, 'x');
    assert_false(buf_ok(&none));
    assert_string_equal(none.p, "");
}

static void long_formats(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    for (int n = 250; n < 262; n++) { /* around the size of the small buffer */
        buf_init(&b, 1000);
        buf_addf(&b, "%0*d", n, 7);
        assert_true(buf_ok(&b));
        assert_int_equal(b.n, n);
        assert_int_equal(strlen(b.p), n);
        buf_done(&b);
    }
    buf_init(&b, 999);
    buf_addf(&b, "%01000d", 7);
    assert_false(buf_ok(&b));
    assert_int_equal(b.n, 0);
}

static void url(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 1000);
    buf_add_url(&b, STR("aZ09-._~/ %\xc3\xbc"), NULL);
    assert_string_equal(b.p, "aZ09-._~%2F%20%25%C3%BC");
    buf_reset(&b);
    buf_add_url(&b, str_of("a/b:\0c", 6), "/:");
    assert_string_equal(b.p, "a/b:%00c");
}

static void takes(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 100);
    char *p = buf_take(&b);
    assert_string_equal(p, "");
    mem_free(p);
    buf_addz(&b, "mine");
    p = buf_take(&b);
    assert_string_equal(p, "mine");
    assert_string_equal(b.p, "");
    assert_int_equal(b.max, 100);
    mem_free(p);
    buf_addz(&b, "more");
    assert_string_equal(b.p, "more");
    buf_done(&b);
    buf_done(&b);
    buf_done(NULL);
    struct buf zero = {0};
    buf_done(&zero);
}

static void cut_past_end(void *arg)
{
    buf_cut(arg, 1);
}

static void misuse(void **state)
{
    (void)state;
    AUTO(buf) b = {0};
    buf_init(&b, 100);
    assert_dies(cut_past_end, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),      cmocka_unit_test(grows), cmocka_unit_test(ceiling),
        cmocka_unit_test(long_formats), cmocka_unit_test(url),   cmocka_unit_test(takes),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
