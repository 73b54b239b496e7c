/* SPDX-License-Identifier: Apache-2.0 */
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct pattern_case {
    const char *pattern, *path;
    const char
        *captures; /* "name=value name=value" in pattern order from the right; NULL: no match */
};

static void captures_text(const struct http_param *p, size_t n, char *out, size_t max)
{
    struct buf b;
    buf_init(&b, max - 1);
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s%.*s=%.*s", i ? " " : "", S(p[i].key), S(p[i].value));
    assert_true(buf_ok(&b));
    memcpy(out, b.p, b.n + 1);
    buf_done(&b);
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct pattern_case cases[] = {
        {"/v2/", "/v2/", ""},
        {"/v2/", "/v2", NULL},
        {"/v2", "/v2", ""},
        {"/v2", "/v2/", NULL},
        {"/", "/", ""},
        {"/a/{b}", "/a/x", "b=x"},
        {"/a/{b}", "/a/", NULL},
        {"/a/{b}", "/a/x/y", NULL},
        {"/v2/{name...}/blobs/{digest}", "/v2/library/m/blobs/sha256:0",
         "digest=sha256:0 name=library/m"},
        {"/v2/{name...}/blobs/{digest}", "/v2/m/blobs/d", "digest=d name=m"},
        {"/v2/{name...}/blobs/{digest}", "/v2/blobs/d", NULL},
        {"/v2/{name...}/blobs/{digest}", "/v2//blobs/d", NULL},
        {"/v2/{name...}/blobs/{digest}", "/v2/a//b/blobs/d", NULL},
        {"/v2/{name...}/blobs/{digest}", "/v2/a/blobs/blobs/d", "digest=d name=a/blobs"},
        {"/v2/{name...}/blobs/{digest}", "/v2/a/manifests/blobs/blobs/d",
         "digest=d name=a/manifests/blobs"},
        {"/v2/{name...}/blobs/{digest}", "/v3/a/blobs/d", NULL},
        {"/v2/{name...}/blobs/{digest}", "/v2x/a/blobs/d", NULL},
        {"/v2/{name...}/tags/list", "/v2xa/b/tags/list", NULL},
        {"/v2/{name...}/tags/list", "/v2/a/tags/list/tags/list", "name=a/tags/list"},
        {"/v2/{name...}/blobs/uploads/", "/v2/a/blobs/uploads/", "name=a"},
        {"/v2/{name...}/blobs/uploads/", "/v2/a/blobs/uploads/x", NULL},
        {"/v2/{name...}/blobs/uploads/{id}", "/v2/a/blobs/uploads/", NULL},
        {"/v2/{name...}/blobs/uploads/{id}", "/v2/a/b/blobs/uploads/1", "id=1 name=a/b"},
        {"/{rest...}", "/a/b/c", "rest=a/b/c"},
        {"/{rest...}", "/", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_param p[8];
        size_t n = 0;
        bool fits = http_pattern_match(str_from(cases[i].pattern), str_from(cases[i].path), p, &n);
        if (fits != (cases[i].captures != NULL))
            fail_msg("%s against %s", cases[i].pattern, cases[i].path);
        if (fits) {
            char text[256];
            captures_text(p, n, text, sizeof(text));
            assert_string_equal(text, cases[i].captures);
        }
    }
}

static int nothing(struct http_req *rq, struct err *e)
{
    (void)rq;
    (void)e;
    return 0;
}

static const struct http_route v2_routes[] = {
    {.method = HTTP_GET, .pattern = "/v2/", .name = "ping", .handler = nothing},
    {.method = HTTP_GET,
     .pattern = "/v2/{name...}/blobs/{digest}",
     .name = "blob",
     .handler = nothing},
    {.method = HTTP_DELETE,
     .pattern = "/v2/{name...}/blobs/{digest}",
     .name = "blob-",
     .handler = nothing},
    {.method = HTTP_POST,
     .pattern = "/v2/{name...}/blobs/uploads/",
     .name = "start",
     .handler = nothing},
};
static const struct http_route rest_routes[] = {
    {.method = HTTP_GET, .pattern = "/", .name = "root", .handler = nothing},
};
static const struct http_group groups[] = {
    {.prefix = "/v2/", .routes = v2_routes, .n = 4},
    {.prefix = "/", .routes = rest_routes, .n = 1},
};
static const struct http_app app = {.groups = groups, .n_groups = 2};

static void test_find(void **state)
{
    (void)state;
    struct http_match m;
    http_route_find(&app, HTTP_GET, STR("/v2/a/blobs/d"), &m);
    assert_string_equal(m.route->name, "blob");
    assert_int_equal(m.n_params, 2);
    http_route_find(&app, HTTP_PUT, STR("/v2/a/blobs/d"), &m);
    assert_null(m.route);
    assert_int_equal(m.methods, 1u << HTTP_GET | 1u << HTTP_DELETE);
    assert_ptr_equal(m.group, &groups[0]);
    http_route_find(&app, HTTP_GET, STR("/v2"), &m);
    assert_null(m.route);
    assert_ptr_equal(m.group, &groups[0]);
    http_route_find(&app, HTTP_GET, STR("/v2x"), &m);
    assert_ptr_equal(m.group, &groups[1]);
    assert_int_equal(m.methods, 0);
    http_route_find(&app, HTTP_GET, STR("/"), &m);
    assert_string_equal(m.route->name, "root");
    http_route_find(&app, HTTP_POST, STR("/v2/a/b/blobs/uploads/"), &m);
    assert_string_equal(m.route->name, "start");
}

static void test_allow(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 200);
    http_allow(1u << HTTP_GET | 1u << HTTP_DELETE, &b);
    assert_string_equal(b.p, "GET, HEAD, DELETE, OPTIONS");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
