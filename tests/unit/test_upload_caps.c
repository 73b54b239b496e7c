/* SPDX-License-Identifier: Apache-2.0 */
/* Unfinished uploads by address. */
#include "api/upload_caps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define A STR("10.0.0.1")
#define B STR("10.0.0.2")

static bool allowed(struct upload_caps *c, struct str address, uint64_t limit)
{
    struct err e;

    if (upload_caps_check(c, address, limit, &e) == 0)
        return true;
    assert_int_equal(e.code, ERR_TOO_MANY_REQUESTS);
    return false;
}

static const char *id(unsigned n)
{
    static char ids[4][40];
    char *out = ids[n % 4];

    (void)snprintf(out, sizeof(ids[0]), "%08x-0000-4000-8000-000000000000", n);
    return out;
}

static void test_counts(void **state)
{
    struct upload_caps *c = upload_caps_new();

    (void)state;
    assert_true(allowed(c, A, 1));
    upload_caps_begin(c, A, id(1), 100);
    assert_false(allowed(c, A, 1));
    assert_true(allowed(c, A, 0));
    assert_true(allowed(c, B, 1));
    upload_caps_end(c, id(2)); /* unknown */
    assert_false(allowed(c, A, 1));
    upload_caps_end(c, id(1));
    assert_true(allowed(c, A, 1));
    upload_caps_end(c, id(1));
    assert_true(allowed(c, A, 1));
    upload_caps_free(c);
    upload_caps_free(NULL);
}

static void test_age(void **state)
{
    struct upload_caps *c = upload_caps_new();

    (void)state;
    upload_caps_begin(c, A, id(1), 100);
    upload_caps_begin(c, A, id(2), 200);
    upload_caps_touch(c, id(1), 300);
    upload_caps_touch(c, id(3), 300);
    upload_caps_expire(c, 250);
    assert_true(allowed(c, A, 2));
    assert_false(allowed(c, A, 1));
    upload_caps_expire(c, 301);
    assert_true(allowed(c, A, 1));
    upload_caps_free(c);
}

/* More uploads and addresses than buckets. */
static void test_many(void **state)
{
    struct upload_caps *c = upload_caps_new();

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char address[32];
        (void)snprintf(address, sizeof(address), "10.1.%u.%u", i / 2 % 256, i / 512);
        upload_caps_begin(c, str_from(address), id(i), i);
        assert_int_equal(allowed(c, str_from(address), 2), i % 2 == 0);
    }
    for (unsigned i = 0; i < 20000; i += 2)
        upload_caps_end(c, id(i));
    assert_true(allowed(c, STR("10.1.7.3"), 2));
    assert_false(allowed(c, STR("10.1.7.3"), 1));
    upload_caps_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
