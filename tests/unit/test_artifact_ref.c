/* SPDX-License-Identifier: Apache-2.0 */
/* References to registries and to layouts in directories, and which entry is meant without one. */
#include "client/artifact_ref.h"
#include "unit.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void layouts(void **state)
{
    static const struct {
        const char *text, *dir, *tag;
        bool is_digest, named;
    } rows[] = {
        {"oci:dir", "dir", "latest", false, false},
        {"oci:/a/dir:v1", "/a/dir", "v1", false, true},
        {"oci:a:b/dir", "a:b/dir", "latest", false, false},
        {"oci:a:b/dir:v1", "a:b/dir", "v1", false, true},
        {"oci:./a:b/", "./a:b/", "latest", false, false},
        {"oci:a@b/dir", "a@b/dir", "latest", false, false},
        {"oci:a@b:v1", "a@b", "v1", false, true},
        {"oci:dir@sha256:" HEX, "dir", "", true, true},
        {"oci:a:b/dir:v1@sha256:" HEX, "a:b/dir", "v1", true, true},
        {"oci:.", ".", "latest", false, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct artifact_ref r;
        assert_fine(artifact_ref_parse(str_from(rows[i].text), &r, &unit_e));
        assert_true(r.is_layout);
        assert_string_equal(r.dir, rows[i].dir);
        assert_string_equal(r.ref.tag.text, rows[i].tag);
        assert_int_equal(r.ref.is_digest, rows[i].is_digest);
        assert_int_equal(r.named, rows[i].named);
        if (rows[i].is_digest)
            assert_string_equal(r.ref.digest.text, "sha256:" HEX);
    }
}

static void registries(void **state)
{
    static const struct {
        const char *text, *shown;
        bool named;
    } rows[] = {
        {"h.example/p/m", "h.example/p/m:latest", false},
        {"h.example:5000/p/m", "h.example:5000/p/m:latest", false},
        {"h.example:5000/p/m:v1", "h.example:5000/p/m:v1", true},
        {"http://h/p/m", "h/p/m:latest", false},
        {"h.example/p/m@sha256:" HEX, "h.example/p/m@sha256:" HEX, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct artifact_ref r;
        assert_fine(artifact_ref_parse(str_from(rows[i].text), &r, &unit_e));
        assert_false(r.is_layout);
        assert_int_equal(r.named, rows[i].named);
        assert_string_equal(artifact_ref_text(&arena, &r), rows[i].shown);
    }
}

static void wrong(void **state)
{
    struct artifact_ref r;
    char longest[ARTIFACT_DIR_MAX + 8];
    (void)state;
    assert_err(artifact_ref_parse(STR("oci:"), &r, &unit_e), NAME_INVALID, "missing");
    assert_err(artifact_ref_parse(STR("oci::v1"), &r, &unit_e), NAME_INVALID, "missing");
    assert_err(artifact_ref_parse(STR("oci:dir:"), &r, &unit_e), TAG_INVALID, "");
    assert_err(artifact_ref_parse(STR("oci:dir:-x"), &r, &unit_e), TAG_INVALID, "");
    assert_err(artifact_ref_parse(STR("oci:dir@sha256:12"), &r, &unit_e), DIGEST_INVALID, "");
    assert_err(artifact_ref_parse(STR("oci:d\0ir"), &r, &unit_e), NAME_INVALID, "path");
    assert_err(artifact_ref_parse(STR("./dir"), &r, &unit_e), NAME_INVALID, "oci:DIR");
    assert_err(artifact_ref_parse(STR("/dir:v1"), &r, &unit_e), NAME_INVALID, "oci:DIR");
    assert_err(artifact_ref_parse(STR("dir"), &r, &unit_e), NAME_INVALID, "");
    assert_err(artifact_ref_parse(STR(""), &r, &unit_e), NAME_INVALID, "");
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_err(artifact_ref_layout(longest, NULL, &r, &unit_e), NAME_INVALID, "too long");
    assert_err(artifact_ref_layout("dir", "a/b", &r, &unit_e), TAG_INVALID, "");
}

static void same_registry(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"h.example/a", "h.example/b", true},    {"H.example/a", "h.example/b", true},
        {"h.example:1/a", "h.example/b", false}, {"http://h.example/a", "h.example/b", false},
        {"h.example/a", "oci:b", false},         {"oci:b", "oci:b", false},
    };
    struct artifact_ref a, b;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_fine(artifact_ref_parse(str_from(rows[i].a), &a, &unit_e));
        assert_fine(artifact_ref_parse(str_from(rows[i].b), &b, &unit_e));
        assert_int_equal(artifact_ref_same_registry(&a, &b), rows[i].same);
    }
}

/* A place that lists what it is told to: names, "" for none. */
static const char *const *listed;

static int list(struct endpoint *p, struct arena *a, struct endpoint_entry **ret, size_t *ret_n,
                struct err *e)
{
    size_t n = 0;
    (void)p;
    (void)e;
    struct endpoint_entry *entries = ARENA_ARRAY(a, 8, struct endpoint_entry);
    for (; listed[n]; n++) {
        uint8_t raw[32] = {(uint8_t)n};
        entries[n].tag = str_from(listed[n]);
        digest_from_raw(DIGEST_SHA256, raw, &entries[n].digest);
    }
    *ret = entries;
    *ret_n = n;
    return 0;
}

static void settles(void **state)
{
    static const struct {
        const char *names[4];
        int chosen; /* -1: unclear */
        const char *tag, *said;
    } rows[] = {
        {{NULL}, -1, NULL, "nothing"},
        {{"v1", NULL}, 0, "v1", NULL},
        {{"", NULL}, 0, "", NULL},
        {{"", "", NULL}, -1, NULL, "digest"},
        {{"", "v1", "", NULL}, 1, "v1", NULL},
        {{"v1", "v2", NULL}, -1, NULL, "(v1, v2)"},
        {{"v1", "latest", NULL}, 1, "latest", NULL},
        {{"h.example/a:b", NULL}, 0, "", NULL},
    };
    static const struct endpoint_ops ops = {.list = list};
    struct endpoint p = {.ops = &ops, .shown = "it"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct artifact_ref r;
        listed = rows[i].names;
        assert_fine(artifact_ref_layout("it", NULL, &r, &unit_e));
        if (rows[i].chosen < 0) {
            assert_err(artifact_ref_settle(&r, &p, &unit_e), MANIFEST_UNKNOWN, rows[i].said);
            continue;
        }
        assert_fine(artifact_ref_settle(&r, &p, &unit_e));
        assert_true(r.ref.is_digest);
        assert_int_equal(digest_hex(&r.ref.digest)[1], '0' + rows[i].chosen);
        assert_string_equal(r.ref.tag.text, rows[i].tag);
    }
    /* What was named is not asked about. */
    struct artifact_ref r;
    assert_fine(artifact_ref_layout("it", "v9", &r, &unit_e));
    assert_fine(artifact_ref_settle(&r, &p, &unit_e));
    assert_false(r.ref.is_digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts), cmocka_unit_test_setup_teardown(registries, setup, teardown),
        cmocka_unit_test(wrong),   cmocka_unit_test(same_registry),
        cmocka_unit_test(settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
