/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include "base/limits.h"
#include "unit.h"

struct target_case {
    const char *uri;
    const char *path;  /* NULL: refused */
    const char *query; /* "key=value key=value" */
};

static void check(const struct target_case *c)
{
    struct arena a;
    struct http_target t;
    struct buf b;
    struct err e = {0};
    arena_init(&a, 1 << 20);
    buf_init(&b, 4096);
    int r = http_target_parse(&a, str_from(c->uri), &t, &e);
    if ((r == 0) != (c->path != NULL))
        fail_msg("%s: %d", c->uri, r);
    if (r < 0) {
        assert_int_equal(e.code, ERR_BAD_REQUEST);
    } else {
        for (size_t i = 0; i < t.n_query; i++)
            buf_addf(&b, "%s%.*s=%.*s", i ? " " : "", S(t.query[i].key), S(t.query[i].value));
        assert_true(str_eqz(t.path, c->path));
        assert_string_equal(b.p, c->query);
    }
    buf_done(&b);
    arena_done(&a);
}

static void test_table(void **state)
{
    (void)state;
    static const struct target_case cases[] = {
        {"/", "/", ""},
        {"/a/b", "/a/b", ""},
        {"/a%3ab", "/a:b", ""},
        {"/a%3Ab?digest=sha256%3Aff&x", "/a:b", "digest=sha256:ff x="},
        {"/a?x=1&x=2&&y=a+b%2B", "/a", "x=1 x=2 y=a b+"},
        {"/a?x=a/b?c=d", "/a", "x=a/b?c=d"},
        {"/a?x=%2F", "/a", "x=/"},
        {"/a+b", "/a+b", ""},
        {"/a%252F", "/a%2F", ""}, /* decoded once, never twice */
        {"http://host/v2/?n=1", "/v2/", "n=1"},
        {"https://host", "/", ""},
        {"/../x", "/../x", ""},
        {"/a%2Fb", NULL, NULL},
        {"/a%2fb", NULL, NULL},
        {"/a%00b", NULL, NULL},
        {"/a?x=%00", NULL, NULL},
        {"/a%0d%0ab", NULL, NULL},
        {"/a\tb", NULL, NULL},
        {"/a%7f", NULL, NULL},
        {"/a%", NULL, NULL},
        {"/a%4", NULL, NULL},
        {"/a%4g", NULL, NULL},
        {"/a?%", NULL, NULL},
        {"*", NULL, NULL},
        {"", NULL, NULL},
        {"a/b", NULL, NULL},
        {"ftp://host/", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

static void test_ceilings(void **state)
{
    (void)state;
    struct arena a;
    struct http_target t;
    struct err e;
    struct buf uri;
    arena_init(&a, 4 << 20);
    buf_init(&uri, 1 << 20);
    buf_addc(&uri, '/');
    while (uri.n < LIMIT_HTTP_URI)
        buf_addc(&uri, 'a');
    assert_int_equal(http_target_parse(&a, buf_str(&uri), &t, &e), 0);
    buf_addc(&uri, 'a');
    assert_int_equal(http_target_parse(&a, buf_str(&uri), &t, &e), -1);
    assert_int_equal(e.code, ERR_URI_TOO_LONG);
    buf_reset(&uri);
    buf_addz(&uri, "/?");
    for (int i = 0; i < LIMIT_HTTP_QUERY_PARAMS; i++)
        buf_addz(&uri, i ? "&a" : "a");
    assert_int_equal(http_target_parse(&a, buf_str(&uri), &t, &e), 0);
    assert_int_equal(t.n_query, LIMIT_HTTP_QUERY_PARAMS);
    buf_addz(&uri, "&a");
    assert_int_equal(http_target_parse(&a, buf_str(&uri), &t, &e), -1);
    assert_int_equal(e.code, ERR_BAD_REQUEST);
    buf_done(&uri);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
