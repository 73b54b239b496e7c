/* SPDX-License-Identifier: Apache-2.0 */
/* What refusals and tokens must not tell. */
#include "access_fixture.h"

#include "access/session.h"

/* A name that no robot has costs what some robots cost, and always the same. */
static void test_no_robot(void **state)
{
    struct fixture *f = *state;
    size_t quick = 0, n = 400;
    char name[64];

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "robot$library+r%zu", i);
        const char *first = access_nobody(f->x, str_from(name));
        assert_true(first == NULL || strcmp(first, ACCESS_SECRET_NOBODY) == 0);
        assert_int_equal(first == NULL, access_nobody(f->x, str_from(name)) == NULL);
        quick += first != NULL;
    }
    assert_in_range(quick, n / 4, 3 * n / 4);
    /* People have passwords. */
    for (size_t i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "person%zu", i);
        assert_null(access_nobody(f->x, str_from(name)));
    }
}

static void test_csrf_token(void **state)
{
    struct fixture *f = *state;
    char token[SESSION_CSRF_MAX], other[SESSION_CSRF_MAX];

    session_csrf(f->x, STR("one"), token);
    session_csrf(f->x, STR("two"), other);
    assert_int_equal(strlen(token), SESSION_CSRF_MAX - 1);
    assert_string_not_equal(token, other);
    assert_true(session_csrf_right(f->x, STR("one"), str_from(token)));
    assert_false(session_csrf_right(f->x, STR("two"), str_from(token)));
    assert_false(session_csrf_right(f->x, STR("one"), str_head(str_from(token), 63)));
    assert_false(session_csrf_right(f->x, STR("one"), STR("")));
    session_csrf(f->x, STR(""), token);
    assert_false(session_csrf_right(f->x, STR(""), str_from(token)));
    assert_false(session_csrf_right(f->x, STR_NULL, STR_NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(setup, test_no_robot),
        WITH(setup, test_csrf_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
