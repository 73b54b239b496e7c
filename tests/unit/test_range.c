/* SPDX-License-Identifier: Apache-2.0 */
#include "http/range.h"

#include "base/buf.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct range_case {
    const char *header;
    uint64_t size;
    enum http_range_verdict verdict;
    const char *ranges; /* "0-9 20-29" */
};

static void check(const struct range_case *c)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct http_range *r = NULL;
    size_t n = 0;
    enum http_range_verdict v = http_range_parse(&a, str_from(c->header), c->size, &r, &n);
    if (v != c->verdict)
        fail_msg("%s of %llu: verdict %d", c->header, (unsigned long long)c->size, (int)v);
    if (v == HTTP_RANGE_SOME) {
        struct buf b;
        buf_init(&b, 4096);
        for (size_t i = 0; i < n; i++)
            buf_addf(&b, "%s%llu-%llu", i ? " " : "", (unsigned long long)r[i].first,
                     (unsigned long long)r[i].last);
        assert_string_equal(b.p, c->ranges);
        buf_done(&b);
    }
    arena_done(&a);
}

static void test_table(void **state)
{
    (void)state;
    static const struct range_case cases[] = {
        {"bytes=0-0", 10, HTTP_RANGE_SOME, "0-0"},
        {"bytes=0-9", 10, HTTP_RANGE_SOME, "0-9"},
        {"bytes=0-10", 10, HTTP_RANGE_SOME, "0-9"},
        {"bytes=9-9", 10, HTTP_RANGE_SOME, "9-9"},
        {"bytes=10-10", 10, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=10-", 10, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=9-", 10, HTTP_RANGE_SOME, "9-9"},
        {"bytes=0-", 10, HTTP_RANGE_SOME, "0-9"},
        {"bytes=-1", 10, HTTP_RANGE_SOME, "9-9"},
        {"bytes=-10", 10, HTTP_RANGE_SOME, "0-9"},
        {"bytes=-11", 10, HTTP_RANGE_SOME, "0-9"},
        {"bytes=-0", 10, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=5-2", 10, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=0-", 0, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=-5", 0, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=7-8,0-1", 10, HTTP_RANGE_SOME, "7-8 0-1"},
        {"bytes=0-1,0-1", 10, HTTP_RANGE_SOME, "0-1 0-1"},
        {"bytes=0-1, 20-30 ,-2", 10, HTTP_RANGE_SOME, "0-1 8-9"},
        {"bytes=20-30,40-50", 10, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=,0-1,", 10, HTTP_RANGE_SOME, "0-1"},
        {"bytes=0-9,0-9,0-9", 10, HTTP_RANGE_NONE, NULL}, /* more than twice the content */
        {" Bytes=1-2", 10, HTTP_RANGE_SOME, "1-2"},
        {"bytes=", 10, HTTP_RANGE_NONE, NULL},
        {"bytes", 10, HTTP_RANGE_NONE, NULL},
        {"", 10, HTTP_RANGE_NONE, NULL},
        {"lines=1-2", 10, HTTP_RANGE_NONE, NULL},
        {"bytes=a-b", 10, HTTP_RANGE_NONE, NULL},
        {"bytes=1", 10, HTTP_RANGE_NONE, NULL},
        {"bytes=--1", 10, HTTP_RANGE_NONE, NULL},
        {"bytes=1-2-3", 10, HTTP_RANGE_NONE, NULL},
        {"bytes=18446744073709551615-", 10, HTTP_RANGE_UNSATISFIABLE, NULL},
        {"bytes=18446744073709551616-", 10, HTTP_RANGE_NONE, NULL},
        {"bytes=0-18446744073709551615", 10, HTTP_RANGE_SOME, "0-9"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

static void test_too_many(void **state)
{
    (void)state;
    for (size_t count = LIMIT_RANGES; count <= LIMIT_RANGES + 1; count++) {
        struct arena a;
        struct buf b;
        struct http_range *r = NULL;
        size_t n = 0;
        arena_init(&a, 1 << 20);
        buf_init(&b, 1 << 20);
        buf_addz(&b, "bytes=");
        for (size_t i = 0; i < count; i++)
            buf_addf(&b, "%s%zu-%zu", i ? "," : "", i * 10, i * 10);
        enum http_range_verdict v = http_range_parse(&a, buf_str(&b), 1 << 20, &r, &n);
        if (count <= LIMIT_RANGES) {
            assert_int_equal(v, HTTP_RANGE_SOME);
            assert_int_equal(n, count);
        } else {
            assert_int_equal(v, HTTP_RANGE_NONE);
        }
        buf_done(&b);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
