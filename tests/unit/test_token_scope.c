/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask tokens for. */
#include "access/scope.h"

#include "base/limits.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct scope_case {
    const char *text;
    const char *scopes; /* "type|name|actions" each, ';' between them */
};

static void test_scopes(void **state)
{
    (void)state;
    static const struct scope_case cases[] = {
        {"repository:library/model:pull", "repository|library/model|pull"},
        {"repository:a/b:pull,push", "repository|a/b|pull,push"},
        {"repository:a/b:pull repository:c/d:pull,push",
         "repository|a/b|pull;repository|c/d|pull,push"},
        {"  repository:a/b:pull   repository:c/d:push ", "repository|a/b|pull;repository|c/d|push"},
        {"registry:catalog:*", "registry|catalog|*"},
        {"repository:host:5000/a/b:pull", "repository|host:5000/a/b|pull"},
        {"repository(plugin):a/b:pull", "repository|a/b|pull"},
        {"repository(plugin:a/b:pull", "repository(plugin|a/b|pull"},
        {"(plugin):a/b:pull", "(plugin)|a/b|pull"},
        {"repository:a/b", "repository|a/b|"},
        {"repository:a/b:", "repository|a/b|"},
        {"", ""},
        {" ", ""},
        {"repository", ""},
        {"repository:", ""},
        {":a/b:pull", ""},
        {"repository::pull", ""},
        {"::", ""},
        {"repository:a\tb:pull", ""},
        {"repository:a\x7f:pull", ""},
        {"repository:\xc3\xa4/b:pull", ""},
        {"nonsense repository:a/b:pull", "repository|a/b|pull"},
        {"an-extremely-long-type-of-resource:a:b", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[512] = "";
        size_t n = 0;
        struct str rest = str_from(cases[i].text);
        struct access_scope s;
        while (access_scope_next(&rest, &s))
            n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.*s|%.*s|%.*s", n ? ";" : "",
                                  S(s.type), S(s.name), S(s.actions));
        assert_string_equal(got, cases[i].scopes);
        assert_null(rest.p);
    }
}

static void test_long_names(void **state)
{
    (void)state;
    char text[LIMIT_REPO_NAME + 64];
    struct access_scope s;

    for (size_t n = LIMIT_REPO_NAME - 1; n <= LIMIT_REPO_NAME + 1; n++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "repository:", 11);
        memcpy(text + 11 + n, ":pull", 6);
        struct str rest = str_from(text);
        assert_int_equal(access_scope_next(&rest, &s), n <= LIMIT_REPO_NAME);
        if (n <= LIMIT_REPO_NAME)
            assert_int_equal(s.name.n, n);
    }
}

static void test_absent(void **state)
{
    (void)state;
    struct access_scope s;
    struct str rest = STR_NULL;
    assert_false(access_scope_next(&rest, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
