/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP client reads: addresses, challenges, heads; and what it refuses before it sends
 * anything. */
#include "base/limits.h"
#include "http/challenge.h"
#include "http/client.h"
#include "http/url.h"
#include "unit.h"

#include <arpa/inet.h>

static void resolve(void **state)
{
    static const struct {
        const char *base, *location, *want;
    } rows[] = {
        {"https://h/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?x=%3D&_state=a",
         "https://h/v2/a/blobs/uploads/1?x=%3D&_state=a"},
        {"https://h/v2/a/", "uploads/1", "https://h/v2/a/uploads/1"},
        {"https://h:5000/v2/", "http://other/x", "http://other/x"},
        {"https://h/v2/", "//other/x", "https://other/x"},
        {"http://h/a?b=c", "?d=e", "http://h/a?d=e"},
        {"http://h/a", "b#fragment", "http://h/b"},
        {"http://[::1]:5000/a", "/b", "http://[::1]:5000/b"},
    };
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, LIMIT_CLIENT_URL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_fine(http_url_resolve(rows[i].base, str_from(rows[i].location), &out, &unit_e));
        assert_string_equal(out.p, rows[i].want);
    }
}

static void resolve_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "ftp://h/x",
        "file:///etc/passwd",
        "https://user:secret@h/",
        "https://h/a b",
        "https://h/a\nb",
        "gopher://h/",
        "javascript:alert(1)",
        "http://",
        "http://h:99999/",
        "//u@h/",
    };
    AUTO(buf) out = {0};
    char too_long[LIMIT_CLIENT_URL + 2];
    (void)state;
    buf_init(&out, LIMIT_CLIENT_URL);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (http_url_resolve("https://h/", str_from(bad[i]), &out, &unit_e) == 0)
            fail_msg("%s was taken for %s", bad[i], out.p);
    memset(too_long, 'a', sizeof(too_long));
    assert_err(http_url_resolve("https://h/", str_of(too_long, sizeof(too_long)), &out, &unit_e),
               REMOTE, "long");
    assert_err(http_url_resolve("https://h/", str_of("a\0b", 3), &out, &unit_e), REMOTE, "blanks");
}

static void origins(void **state)
{
    static const struct {
        const char *url, *want;
    } rows[] = {
        {"https://Example.ORG/a", "https://example.org:443"},
        {"http://h/", "http://h:80"},
        {"https://h:443/x?y", "https://h:443"},
        {"http://h:5000", "http://h:5000"},
        {"https://[2001:db8::1]/", "https://[2001:db8::1]:443"},
    };
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, LIMIT_CLIENT_URL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_fine(http_url_origin(rows[i].url, &out, &unit_e));
        assert_string_equal(out.p, rows[i].want);
    }
}

static void add_query(void **state)
{
    AUTO(buf) out = {0};
    (void)state;
    buf_init(&out, LIMIT_CLIENT_URL);
    assert_fine(http_url_add_query("https://h/u", "digest", STR("sha256:ab"), &out, &unit_e));
    assert_string_equal(out.p, "https://h/u?digest=sha256%3aab");
    assert_fine(
        http_url_add_query("https://h/u?_state=a%3D%3D", "digest", STR("x&y"), &out, &unit_e));
    assert_string_equal(out.p, "https://h/u?_state=a%3D%3D&digest=x%26y");
}

static void loopback(void **state)
{
    static const char *const yes[] = {"localhost",   "LOCALHOST:5000", "a.localhost", "127.0.0.1",
                                      "127.9.9.9:1", "[::1]",          "[::1]:80"};
    static const char *const no[] = {"",
                                     "localhost.example.org",
                                     "128.0.0.1",
                                     "10.0.0.1:5000",
                                     "[::2]",
                                     "[",
                                     "[]",
                                     "x127.0.0.1",
                                     "127.0.0.1.example.org",
                                     "127.1",
                                     ".localhost",
                                     "[fe80::1]:1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!http_host_is_loopback(str_from(yes[i])))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (http_host_is_loopback(str_from(no[i])))
            fail_msg("%s", no[i]);
}

static void link_local(void **state)
{
    static const struct {
        const char *text;
        bool local;
    } rows[] = {
        {"169.254.169.254", true},   {"169.254.0.1", true}, {"169.253.255.255", false},
        {"127.0.0.1", false},        {"10.0.0.1", false},   {"fe80::1", true},
        {"febf::1", true},           {"fec0::1", false},    {"fd00:ec2::254", true},
        {"fd00:ec2::253", false},    {"::1", false},        {"::ffff:169.254.169.254", true},
        {"::ffff:127.0.0.1", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is_v4 = inet_pton(AF_INET, rows[i].text, &v4.sin_addr) == 1;
        if (!is_v4)
            assert_int_equal(inet_pton(AF_INET6, rows[i].text, &v6.sin6_addr), 1);
        const struct sockaddr *address = is_v4 ? (void *)&v4 : (void *)&v6;
        if (http_address_is_link_local(address) != rows[i].local)
            fail_msg("%s", rows[i].text);
    }
}

/* ---- challenges ---- */

static void bearer(void **state)
{
    struct http_challenge c;
    struct str rest = STR("Bearer realm=\"https://auth.example.org/token\",service=\"reg\", "
                          "scope=\"repository:a/b:pull,push\" , error = \"insufficient_scope\"");
    (void)state;
    assert_int_equal(http_challenge_next(&rest, &c), 1);
    assert_string_equal(c.scheme, "bearer");
    assert_str(http_challenge_param(&c, "realm"), "https://auth.example.org/token");
    assert_str(http_challenge_param(&c, "service"), "reg");
    assert_str(http_challenge_param(&c, "scope"), "repository:a/b:pull,push");
    assert_str(http_challenge_param(&c, "error"), "insufficient_scope");
    assert_null(http_challenge_param(&c, "nonsense").p);
    assert_int_equal(http_challenge_next(&rest, &c), 0);
}

static void several(void **state)
{
    struct http_challenge c;
    struct str rest =
        STR(", Negotiate, NTLM abc+/==, BASIC realm=\"a \\\"quoted\\\", b\",,Bearer Realm=x,"
            "realm=y,Digest");
    (void)state;
    assert_int_equal(http_challenge_next(&rest, &c), 1);
    assert_string_equal(c.scheme, "negotiate");
    assert_int_equal(http_challenge_next(&rest, &c), 1);
    assert_string_equal(c.scheme, "ntlm");
    assert_int_equal(c.n_params, 0);
    assert_int_equal(http_challenge_next(&rest, &c), 1);
    assert_string_equal(c.scheme, "basic");
    assert_str(http_challenge_param(&c, "realm"), "a \"quoted\", b");
    assert_int_equal(http_challenge_next(&rest, &c), 1);
    assert_string_equal(c.scheme, "bearer");
    assert_str(http_challenge_param(&c, "realm"), "x"); /* said twice: the first counts */
    assert_int_equal(http_challenge_next(&rest, &c), 1);
    assert_string_equal(c.scheme, "digest");
    assert_int_equal(http_challenge_next(&rest, &c), 0);
}

static void malformed(void **state)
{
    static const char *const bad[] = {
        "Bearer realm=\"open",
        "Bearer realm=\"a\" b",
        "=",
        "\"x\"",
        "Bearer realm=\"a\\",
        "Bearer realm==\"a\"",
        "Bearer realm=\"a\tb\"",
        "Bearer/1 x=y",
        "averyveryveryverylongnameofascheme x=y",
    };
    AUTO(buf) big = {0};
    struct http_challenge c;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str rest = str_from(bad[i]);
        int rc;
        do
            rc = http_challenge_next(&rest, &c);
        while (rc > 0);
        if (rc == 0)
            fail_msg("%s was understood", bad[i]);
    }
    buf_init(&big, MIB);
    buf_addz(&big, "Bearer realm=\"");
    for (size_t i = 0; i <= LIMIT_CHALLENGE; i++)
        buf_addc(&big, 'a');
    buf_addc(&big, '"');
    struct str rest = buf_str(&big);
    assert_int_equal(http_challenge_next(&rest, &c), -1);
    /* More parameters than there is room for are passed over. */
    buf_reset(&big);
    buf_addz(&big, "Bearer ");
    for (int i = 0; i < 40; i++)
        buf_addf(&big, "p%d=v%d,", i, i);
    rest = buf_str(&big);
    assert_int_equal(http_challenge_next(&rest, &c), 1);
    assert_int_equal(c.n_params, HTTP_CHALLENGE_PARAMS);
    assert_str(http_challenge_param(&c, "p3"), "v3");
}

/* ---- answers ---- */

static void heads(void **state)
{
    __attribute__((cleanup(http_answer_autodone))) struct http_answer a;
    struct str v;
    size_t at = 0;
    (void)state;
    http_answer_init(&a);
    assert_null(http_answer_header(&a, "X").p);
    buf_addz(
        &a.head,
        "Location: /a\nwww-authenticate:\t one \nX: y: z\nWWW-Authenticate: two\nRetry-After: 7\n");
    assert_str(http_answer_header(&a, "location"), "/a");
    assert_str(http_answer_header(&a, "X"), "y: z");
    assert_null(http_answer_header(&a, "Loc").p);
    assert_true(http_answer_next(&a, "WWW-Authenticate", &at, &v));
    assert_str(v, "one");
    assert_true(http_answer_next(&a, "WWW-Authenticate", &at, &v));
    assert_str(v, "two");
    assert_false(http_answer_next(&a, "WWW-Authenticate", &at, &v));
    assert_int_equal(http_answer_retry_after_ms(&a), 7000);
    buf_reset(&a.head);
    assert_int_equal(http_answer_retry_after_ms(&a), -1);
    buf_addz(&a.head, "Retry-After: Fri, 02 Jan 1998 03:04:05 GMT\n");
    assert_int_equal(http_answer_retry_after_ms(&a), 0);
    buf_reset(&a.head);
    buf_addz(&a.head, "Retry-After: soon\n");
    assert_int_equal(http_answer_retry_after_ms(&a), -1);
}

static void refuses(void **state)
{
    static const char *const split[] = {"X: a\r\nY: b", NULL};
    const struct http_client_options options = {.connect_ms = 2000};
    __attribute__((cleanup(http_answer_autodone))) struct http_answer a;
    (void)state;
    http_answer_init(&a);
    struct http_client *c = http_client_new(&options, &unit_e);
    assert_non_null(c);
    struct http_call call = {.method = "GET", .url = "http://127.0.0.1:1/", .headers = split};
    assert_err(http_client_do(c, &call, &a, &unit_e), REMOTE, "control character");
    call.headers = NULL;
    call.authorization = "Bearer a\nX: b";
    assert_err(http_client_do(c, &call, &a, &unit_e), REMOTE, "control character");
    call.authorization = NULL;
    assert_err(http_client_do(c, &call, &a, &unit_e), NETWORK, "127.0.0.1");
    call.url = "file:///etc/passwd";
    assert_err(http_client_do(c, &call, &a, &unit_e), REMOTE, "only http");
    const struct http_client_options none = {.ca_file = "/nonexistent/ca.pem"};
    assert_null(http_client_new(&none, &unit_e));
    assert_int_equal(unit_e.code, ERR_CONFIG);
    http_client_free(c);
    http_client_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolve),   cmocka_unit_test(resolve_refuses), cmocka_unit_test(origins),
        cmocka_unit_test(add_query), cmocka_unit_test(loopback),        cmocka_unit_test(bearer),
        cmocka_unit_test(several),   cmocka_unit_test(malformed),       cmocka_unit_test(heads),
        cmocka_unit_test(refuses),   cmocka_unit_test(link_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
