/* SPDX-License-Identifier: Apache-2.0 */
/* Names, tags, references and media types, at and past every edge of their grammars. */
#include "base/mem.h"
#include "oci/name.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *filled(char *out, char c, size_t n)
{
    memset(out, c, n);
    out[n] = '\0';
    return out;
}

static void name_good(const char *z)
{
    struct repo_name n;
    struct err e = {.code = ERR_OK};
    if (repo_name_parse(str_from(z), &n, &e) < 0)
        fail_msg("\"%s\" was refused: %s", z, e.msg);
    assert_string_equal(n.text, z);
    assert_true(str_eqz(repo_name_str(&n), z));
}

static void name_bad(struct str s)
{
    struct repo_name n = {.text = "untouched"};
    struct err e = {.code = ERR_OK};
    if (repo_name_parse(s, &n, &e) == 0)
        fail_msg("\"%.*s\" was taken", S(s));
    assert_int_equal(e.code, ERR_NAME_INVALID);
    assert_string_equal(n.text, "untouched");
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",
        "0",
        "a/b",
        "library/x",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a--b",
        "a-----b",
        "a.b_c__d-e",
        "a/b/c/d/e/f",
        "0.0/1_1",
        "blobs",
        "manifests",
        "uploads",
        "tags",
        "referrers",
        "a/blobs",
        "a/manifests",
        "a/uploads",
        "a/blobs/uploads",
        "blobs/blobs/uploads",
        "a/manifests/latest",
        "a/tags/list",
        "a/referrers/x",
        "v2/v2",
        "as-image/a/b",
    };
    static const char *const bad[] = {
        "",     "/",        "a/",     "/a",   "a//b", "A",        "a/B",      "-a",     "a-",
        ".a",   "a.",       "_a",     "a_",   "a..b", "a___b",    "a._b",     "a_.b",   "a-_b",
        "a_-b", "a.-b",     "a-.b",   "a/.b", "a/-",  "a/_/b",    "a/./b",    "a/../b", "..",
        ".",    "a b",      " a",     "a ",   "a\n",  "a%2fb",    "a:b",      "a@b",    "a+b",
        "a\\b", "\xc3\xa4", "a/\xff", "a\tb", "a/b/", "_catalog", "_oci/ext", "a,b",    "a~b",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        name_good(good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        name_bad(str_from(bad[i]));
    name_bad(STR("a\0b"));
    name_bad(STR("a\0"));
    name_bad(STR_NULL);
}

static void test_name_lengths(void **state)
{
    (void)state;
    char z[400];
    name_good(filled(z, 'a', LIMIT_REPO_NAME));
    name_bad(str_from(filled(z, 'a', LIMIT_REPO_NAME + 1)));
    filled(z, '-', LIMIT_REPO_NAME);
    z[0] = z[LIMIT_REPO_NAME - 1] = 'a';
    name_good(z);
    z[LIMIT_REPO_NAME - 1] = '-';
    name_bad(str_from(z));
    for (size_t i = 0; i < LIMIT_REPO_NAME; i++)
        z[i] = i % 2 ? '/' : 'a';
    name_good(z);
    for (size_t i = 0; i < LIMIT_REPO_NAME; i++)
        z[i] = i % 2 ? '_' : 'a';
    name_good(z);
}

static void test_name_parts(void **state)
{
    (void)state;
    struct repo_name n;
    assert_int_equal(repo_name_parse(STR("proj/re.po/x"), &n, NULL), 0);
    assert_true(str_eqz(repo_name_project(&n), "proj"));
    assert_true(str_eqz(repo_name_rest(&n), "re.po/x"));
    assert_int_equal(repo_name_parse(STR("alone"), &n, NULL), 0);
    assert_true(str_eqz(repo_name_project(&n), "alone"));
    assert_true(repo_name_rest(&n).n == 0);
}

static void test_reserved(void **state)
{
    (void)state;
    static const char *const yes[] = {"api",    "v2",       "c",       "service",  "account",
                                      "harbor", "datasets", "spaces",  "kernels",  "models",
                                      "oauth",  "assets",   "metrics", "as-image", "API"};
    static const char *const no[] = {"library", "ap", "apis", "v1", "", "cc", "as-images", "blobs"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(repo_name_reserved(str_from(yes[i])));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(repo_name_reserved(str_from(no[i])));
}

static void test_tags(void **state)
{
    (void)state;
    char z[200];
    static const char *const good[] = {"a",   "A",  "0",  "_",    "latest",  "v1.0.0", "__",
                                       "_.-", "a-", "a.", "a..b", "A_B-C.d", "blobs"};
    static const char *const bad[] = {"",    ".a",  "-a", "a b",      "a/b", "a:b", "a+b", " a",
                                      "a\n", "a@b", "a%", "\xc3\xa4", "a\\", "*",   "a,b"};
    struct tag t;
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(tag_parse(str_from(good[i]), &t, &e), 0);
        assert_string_equal(t.text, good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        e.code = ERR_OK;
        assert_int_equal(tag_parse(str_from(bad[i]), &t, &e), -1);
        assert_int_equal(e.code, ERR_TAG_INVALID);
    }
    assert_int_equal(tag_parse(STR("a\0b"), &t, &e), -1);
    assert_int_equal(tag_parse(str_from(filled(z, 'x', LIMIT_TAG)), &t, &e), 0);
    assert_int_equal(tag_parse(str_from(filled(z, 'x', LIMIT_TAG + 1)), &t, &e), -1);
}

static void test_media_types(void **state)
{
    (void)state;
    struct media_type m;
    struct err e;
    char z[400];
    assert_int_equal(media_type_parse(STR("Application/VND.oci.Image.index.v1+JSON"), &m, &e), 0);
    assert_string_equal(m.text, "application/vnd.oci.image.index.v1+json");
    assert_int_equal(media_type_parse(STR(" text/plain ; charset=utf-8; q=\"a/b\""), &m, &e), 0);
    assert_string_equal(m.text, "text/plain");
    assert_int_equal(media_type_parse(STR("a/b;"), &m, &e), 0);
    static const char *const bad[] = {
        "",     "text", "/",       "text/",      "/plain", "a/b/c", "a b/c",   "a/b c",       ";",
        "+a/b", "a/.b", "a/b,c/d", "a/\xc3\xa4", "*/*",    "a/*",   "a/b\x01", "text/plain\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        e.code = ERR_OK;
        if (media_type_parse(str_from(bad[i]), &m, &e) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(e.code, ERR_MANIFEST_TYPE);
    }
    assert_int_equal(media_type_parse(STR("a/b\0c"), &m, &e), -1);
    filled(z, 'a', 255);
    z[127] = '/';
    assert_int_equal(media_type_parse(str_from(z), &m, &e), 0);
    filled(z, 'a', 256);
    z[128] = '/';
    assert_int_equal(media_type_parse(str_from(z), &m, &e), -1);
    z[128] = 'a';
    z[127] = '/';
    assert_int_equal(media_type_parse(str_from(z), &m, &e), -1);
}

static void test_references(void **state)
{
    (void)state;
    struct reference r;
    struct err e;
    assert_int_equal(reference_parse(STR("latest"), &r, &e), 0);
    assert_false(r.is_digest);
    assert_true(str_eqz(reference_str(&r), "latest"));
    assert_int_equal(reference_parse(STR("sha256:" HEX64), &r, &e), 0);
    assert_true(r.is_digest);
    assert_true(str_eqz(reference_str(&r), "sha256:" HEX64));
    assert_int_equal(reference_parse(STR("sha512:" HEX64 HEX64), &r, &e), 0);
    assert_int_equal(r.digest.alg, DIGEST_SHA512);
    static const char *const bad_digests[] = {
        ":",
        "a:",
        ":b",
        "sha256:",
        "sha256:baddigeststring",
        "sha256:" HEX64 " ",
        "sha256:" HEX64 "0",
        "sha512:" HEX64,
        "SHA256:" HEX64,
        "md5:" HEX64,
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad_digests); i++) {
        e.code = ERR_OK;
        assert_int_equal(reference_parse(str_from(bad_digests[i]), &r, &e), -1);
        assert_int_equal(e.code, ERR_DIGEST_INVALID);
    }
    assert_int_equal(reference_parse(STR(".x"), &r, &e), -1);
    assert_int_equal(e.code, ERR_TAG_INVALID);
}

static void test_fallback_tag(void **state)
{
    (void)state;
    struct digest d;
    struct tag t;
    assert_int_equal(digest_parse(STR("sha256:" HEX64), &d, NULL), 0);
    tag_for_referrers(&d, &t);
    assert_string_equal(t.text, "sha256-" HEX64);
    assert_int_equal(digest_parse(STR("sha512:" HEX64 HEX64), &d, NULL), 0);
    tag_for_referrers(&d, &t);
    assert_string_equal(t.text, "sha512-" HEX64);
    assert_int_equal(tag_parse(str_from(t.text), &t, NULL), 0);
}

struct remote_row {
    const char *text, *scheme, *host, *repo, *ref;
};

static void test_remote_good(void **state)
{
    (void)state;
    static const struct remote_row rows[] = {
        {"localhost/a/b", "", "localhost", "a/b", "latest"},
        {"localhost:5000/a/b:v1", "", "localhost:5000", "a/b", "v1"},
        {"Example.COM/a:T", "", "example.com", "a", "T"},
        {"127.0.0.1:8080/a/b", "", "127.0.0.1:8080", "a/b", "latest"},
        {"[::1]:80/a", "", "[::1]:80", "a", "latest"},
        {"[::1]/a", "", "[::1]", "a", "latest"},
        {"http://haven/a/b:1", "http", "haven", "a/b", "1"},
        {"HTTPS://h:1/a", "https", "h:1", "a", "latest"},
        {"h.x/a@sha256:" HEX64, "", "h.x", "a", "sha256:" HEX64},
        {"h.x/a:t@sha256:" HEX64, "", "h.x", "a", "sha256:" HEX64},
        {"h.x/as-image/a/b:t", "", "h.x", "as-image/a/b", "t"},
        {"h.x:65535/a", "", "h.x:65535", "a", "latest"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct remote_ref r;
        struct err e = {.code = ERR_OK};
        if (remote_ref_parse(str_from(rows[i].text), &r, &e) < 0)
            fail_msg("\"%s\" was refused: %s", rows[i].text, e.msg);
        assert_string_equal(r.scheme, rows[i].scheme);
        assert_string_equal(r.host, rows[i].host);
        assert_string_equal(r.repo.text, rows[i].repo);
        assert_string_equal(r.display, "");
        assert_true(str_eqz(reference_str(&r.ref), rows[i].ref));
    }
}

/* What is no name, but the display id of a repository, is kept beside its name. */
static void test_remote_display(void **state)
{
    static const struct {
        const char *text, *repo, *ref, *display;
    } rows[] = {
        {"h.x/Qwen/Qwen3-8B:V1", "qwen/qwen3-8b", "V1", "Qwen/Qwen3-8B"},
        {"h.x/a/_b@sha256:" HEX64, "a/x--5fb", "sha256:" HEX64, "a/_b"},
        {"h.x/a/X--5fb", "a/x--78--5fb", "latest", "a/X--5fb"},
        {"h.x/a/x--5fb", "a/x--5fb", "latest", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct remote_ref r;
        struct err e = {.code = ERR_OK};
        if (remote_ref_parse(str_from(rows[i].text), &r, &e) < 0)
            fail_msg("\"%s\" was refused: %s", rows[i].text, e.msg);
        assert_string_equal(r.repo.text, rows[i].repo);
        assert_string_equal(r.display, rows[i].display);
        assert_true(str_eqz(reference_str(&r.ref), rows[i].ref));
    }
}

static void test_remote_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a",
        "h.x",
        "h.x/",
        "/a",
        "library/a:t",
        "h.x/A/.",
        "h.x/./_a",
        "h.x/A b",
        "h.x/a:",
        "h.x/a:.t",
        "h.x/a@",
        "h.x/a@latest",
        "h.x:0/a",
        "h.x:65536/a",
        "h.x:/a",
        "h.x:8o/a",
        "h..x/a",
        ".h.x/a",
        "-h.x/a",
        "h_.x/a",
        "u@h.x/a",
        "u:p@h.x/a",
        "ftp://h.x/a",
        "http:///a",
        "[::1/a",
        "[]/a",
        "[::1]x/a",
        "[g::1]/a",
        "h.x//a",
        "h.x/a b",
        "h .x/a",
        "http://",
        "oci://h.x/a",
        "h.x/a:t:u",
        "h.x/a@sha256:12",
    };
    char z[400];
    struct remote_ref r;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {.code = ERR_OK};
        if (remote_ref_parse(str_from(bad[i]), &r, &e) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_true(e.code != ERR_OK);
    }
    (void)snprintf(z, sizeof(z), "%0300d.x/a", 1);
    assert_int_equal(remote_ref_parse(str_from(z), &r, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_name_lengths),
        cmocka_unit_test(test_name_parts),  cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_tags),        cmocka_unit_test(test_media_types),
        cmocka_unit_test(test_references),  cmocka_unit_test(test_fallback_tag),
        cmocka_unit_test(test_remote_good), cmocka_unit_test(test_remote_display),
        cmocka_unit_test(test_remote_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
