/* SPDX-License-Identifier: Apache-2.0 */
/* Image layouts: written and read, several writers, and layouts made to harm. */
#include "base/file.h"
#include "base/hash.h"
#include "client/endpoint.h"
#include "oci/manifest.h"
#include "unit.h"

static char dir[32];
static char layout[64];
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    unit_make_dir(dir);
    (void)snprintf(layout, sizeof(layout), "%s/layout", dir);
    arena_init(&arena, 64 * MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unit_remove_dir(dir);
    arena_done(&arena);
    return 0;
}

static int read_bytes(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    const struct str *bytes = self;
    (void)e;
    *ret_n = n > 1 ? n / 2 : n; /* in pieces */
    memcpy(p, bytes->p + at, *ret_n);
    return 0;
}

static int always_changed(void *self, struct err *e)
{
    (void)self;
    return ERR(e, MODEL_INVALID, "changed");
}

static struct digest digest_of(struct str s)
{
    struct digest d;
    hash_bytes(DIGEST_SHA256, s.p, s.n, &d);
    return d;
}

static bool put(struct endpoint *p, struct str bytes, bool known)
{
    struct digest want = digest_of(bytes), got;
    bool present;
    const struct blob_source s = {.size = bytes.n,
                                  .shown = "it",
                                  .read = read_bytes,
                                  .self = &bytes,
                                  .digest = known ? &want : NULL};
    assert_fine(p->ops->put(p, &s, NULL, &got, &present, &unit_e));
    assert_true(digest_eq(&want, &got));
    return present;
}

static int take(void *self, const void *p, size_t n, struct err *e)
{
    (void)e;
    buf_add(self, p, n);
    return 0;
}

static const char *path_of(const char *name)
{
    return arena_printf(&arena, "%s/%s", layout, name);
}

static struct str contents(const char *name)
{
    AUTO(buf) b = {0};
    buf_init(&b, MIB);
    assert_fine(file_read_at(AT_FDCWD, path_of(name), MIB, &b, &unit_e));
    return arena_str(&arena, buf_str(&b));
}

static void overwrite(const char *name, const char *text)
{
    assert_fine(file_replace_at(AT_FDCWD, path_of(name), 0644, str_from(text), &unit_e));
}

static struct tag tag_of(const char *text)
{
    struct tag t;
    assert_fine(tag_parse(str_from(text), &t, &unit_e));
    return t;
}

#define MANIFEST(word)                                                                             \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST                                      \
    "\",\"artifactType\":\"a/b\",\"annotations\":{\"x\":\"" word "\"}}"

static void put_manifest(struct endpoint *p, struct str bytes, const char *tag)
{
    struct digest d = digest_of(bytes);
    struct tag t = tag ? tag_of(tag) : (struct tag){.text = ""};
    assert_fine(
        p->ops->manifest_put(p, bytes, STR(OCI_TYPE_MANIFEST), &d, tag ? &t : NULL, &unit_e));
}

static int get_tag(struct endpoint *p, const char *tag, struct endpoint_manifest *ret)
{
    const struct reference ref = {.tag = tag_of(tag)};
    return p->ops->manifest_get(p, &arena, &ref, ret, &unit_e);
}

static void there_and_back(void **state)
{
    struct str blob = STR("a blob of some bytes"), one = STR(MANIFEST("1")),
               two = STR(MANIFEST("2"));
    struct digest d = digest_of(blob), none = digest_of(STR("none"));
    struct endpoint_manifest m;
    AUTO(buf) got = {0};
    (void)state;

    buf_init(&got, MIB);
    {
        AUTO_ENDPOINT p = endpoint_layout(layout, true, &unit_e);
        assert_non_null(p);
        assert_int_equal(p->ops->has(p, &d, &unit_e), 0);
        assert_false(put(p, blob, false));
        assert_false(put(p, blob, false)); /* not known before it was read */
        assert_true(put(p, blob, true));
        assert_int_equal(p->ops->has(p, &d, &unit_e), 1);
        put_manifest(p, one, "v1");
        put_manifest(p, two, "v2");
        put_manifest(p, one, "stable");
        put_manifest(p, one, NULL);
        put_manifest(p, two, "v1"); /* moved */
    }
    assert_int_not_equal(access(path_of(".haven-partial"), F_OK), 0);
    assert_str(contents("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_true(endpoint_is_layout(layout));
    assert_false(endpoint_is_layout(dir));

    AUTO_ENDPOINT p = endpoint_layout(layout, false, &unit_e);
    assert_non_null(p);
    assert_fine(p->ops->get(p, &d, blob.n, 2, 4, take, &got, &unit_e));
    assert_str(buf_str(&got), "blob");
    assert_err(p->ops->get(p, &d, blob.n + 1, 0, 1, take, &got, &unit_e), MODEL_INVALID, "bytes");
    assert_err(p->ops->get(p, &none, 1, 0, 1, take, &got, &unit_e), BLOB_UNKNOWN, "no blob");
    assert_fine(get_tag(p, "v1", &m));
    assert_true(str_eq(m.bytes, two));
    assert_str(m.type, OCI_TYPE_MANIFEST);
    assert_fine(get_tag(p, "stable", &m));
    assert_true(str_eq(m.bytes, one));
    assert_err(get_tag(p, "v3", &m), MANIFEST_UNKNOWN, "v3");
    const struct reference by_digest = {.is_digest = true, .digest = digest_of(one)};
    assert_fine(p->ops->manifest_get(p, &arena, &by_digest, &m, &unit_e));
    assert_true(str_eq(m.bytes, one));
    AUTO_JSON index = json_load(contents("index.json"), ERR_MODEL_INVALID, &unit_e);
    json_t *list = json_object_get(index, "manifests");
    assert_int_equal(json_array_size(list), 3); /* v2, stable, v1 */
    assert_str(json_get_str(json_array_get(list, 0), "artifactType"), "a/b");
    /* Read only. */
    bool present;
    const struct blob_source s = {.size = 0, .shown = "it", .read = read_bytes};
    assert_err(p->ops->put(p, &s, NULL, &d, &present, &unit_e), CONFLICT, "reading");
}

static void failures_leave_nothing(void **state)
{
    struct str blob = STR("content");
    struct digest d = digest_of(blob), wrong = digest_of(STR("other")), got;
    bool present;
    (void)state;
    AUTO_ENDPOINT p = endpoint_layout(layout, true, &unit_e);
    struct blob_source s = {
        .size = blob.n, .shown = "it", .read = read_bytes, .check = always_changed, .self = &blob};
    assert_err(p->ops->put(p, &s, NULL, &got, &present, &unit_e), MODEL_INVALID, "changed");
    s.check = NULL;
    s.digest = &wrong;
    assert_err(p->ops->put(p, &s, NULL, &got, &present, &unit_e), DIGEST_INVALID, "instead of");
    assert_int_equal(p->ops->has(p, &d, &unit_e), 0);
    assert_int_equal(p->ops->has(p, &wrong, &unit_e), 0);
    assert_int_equal(rmdir(path_of(".haven-partial")), 0); /* it is empty */
}

/* What a writer that was killed has left goes with the next one, but not under a living one. */
static void leftovers(void **state)
{
    (void)state;
    AUTO_ENDPOINT first = endpoint_layout(layout, true, &unit_e);
    overwrite(".haven-partial/living", "x");
    {
        AUTO_ENDPOINT second = endpoint_layout(layout, true, &unit_e);
        assert_non_null(second);
        assert_int_equal(access(path_of(".haven-partial/living"), F_OK), 0);
    }
    assert_int_equal(access(path_of(".haven-partial/living"), F_OK), 0);
    endpoint_autofree(&first);
    first = NULL;
    AUTO_ENDPOINT third = endpoint_layout(layout, true, &unit_e);
    assert_int_not_equal(access(path_of(".haven-partial/living"), F_OK), 0);
}

/* A small blob that a power cut has spoilt is written again. */
static void spoilt_blob(void **state)
{
    struct str blob = STR("content");
    struct digest d = digest_of(blob);
    (void)state;
    AUTO_ENDPOINT p = endpoint_layout(layout, true, &unit_e);
    (void)put(p, blob, true);
    const char *name = arena_printf(&arena, "blobs/sha256/%s", digest_hex(&d));
    overwrite(name, "CONTENT");
    assert_int_equal(p->ops->has(p, &d, &unit_e), 0);
    assert_false(put(p, blob, true));
    assert_str(contents(name), "content");
}

static int opens(bool create)
{
    AUTO_ENDPOINT p = endpoint_layout(layout, create, &unit_e);
    return p ? 0 : -1;
}

static void hostile(void **state)
{
    struct str one = STR(MANIFEST("1"));
    struct digest d = digest_of(one);
    struct endpoint_manifest m;
    (void)state;

    assert_err(opens(false), IO, "layout");
    assert_int_equal(mkdir(layout, 0755), 0);
    assert_err(opens(false), MODEL_INVALID, "no file oci-layout");
    overwrite("precious", "x");
    assert_err(opens(true), CONFLICT, "other files");
    assert_int_equal(unlink(path_of("precious")), 0);
    static const char *const bad[] = {"", "{}", "[1]", "{\"imageLayoutVersion\":\"2.0.0\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        overwrite("oci-layout", bad[i]);
        assert_err(opens(true), MODEL_INVALID, "");
    }
    overwrite("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    {
        AUTO_ENDPOINT p = endpoint_layout(layout, true, &unit_e);
        put_manifest(p, one, "v1");
    }
    AUTO_ENDPOINT p = endpoint_layout(layout, false, &unit_e);
    assert_fine(get_tag(p, "v1", &m));

    /* The blob is a link, a directory, a pipe, damaged, too large. */
    const char *blob = path_of(arena_printf(&arena, "blobs/sha256/%s", digest_hex(&d)));
    const char *secret = arena_printf(&arena, "%s/secret", dir);
    assert_int_equal(rename(blob, secret), 0);
    assert_err(get_tag(p, "v1", &m), MANIFEST_UNKNOWN, "no manifest");
    assert_int_equal(symlink(secret, blob), 0);
    assert_err(get_tag(p, "v1", &m), MODEL_INVALID, "symbolic link");
    assert_int_equal(unlink(blob), 0);
    assert_int_equal(mkfifo(blob, 0644), 0);
    assert_err(get_tag(p, "v1", &m), MODEL_INVALID, "not a file");
    assert_int_equal(unlink(blob), 0);
    assert_int_equal(mkdir(blob, 0755), 0);
    assert_err(get_tag(p, "v1", &m), MODEL_INVALID, "not a file");
    assert_int_equal(rmdir(blob), 0);
    assert_fine(file_replace_at(AT_FDCWD, blob, 0644, STR(MANIFEST("2")), &unit_e));
    assert_err(get_tag(p, "v1", &m), DIGEST_INVALID, "damaged");
    assert_int_equal(truncate(blob, 5 * (off_t)MIB), 0);
    assert_err(get_tag(p, "v1", &m), LIMIT, "larger");

    /* The folder of blobs is a link. */
    const char *blobs = path_of("blobs"), *away = arena_printf(&arena, "%s/away", dir);
    assert_int_equal(rename(blobs, away), 0);
    assert_int_equal(symlink(away, blobs), 0);
    assert_err(get_tag(p, "v1", &m), MODEL_INVALID, "not a directory");

    static const char *const indexes[] = {"", "[]", "{}", "{\"manifests\":{}}",
                                          "{\"manifests\":[],\"manifests\":[]}"};
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
        overwrite("index.json", indexes[i]);
        assert_err(get_tag(p, "v1", &m), MODEL_INVALID, "index.json");
    }
    overwrite("index.json", "{\"manifests\":[{\"digest\":\"sha256:../../secret\",\"annotations\":{"
                            "\"org.opencontainers.image.ref.name\":\"v1\"}}]}");
    assert_err(get_tag(p, "v1", &m), DIGEST_INVALID, "index.json");
    assert_int_equal(unlink(path_of("index.json")), 0);
    assert_int_equal(symlink(secret, path_of("index.json")), 0);
    assert_err(get_tag(p, "v1", &m), MODEL_INVALID, "symbolic link");
}

/* Nobody's entry is lost when several write. */
static void writers(void **state)
{
    enum { WRITERS = 4, EACH = 8 };
    pid_t ids[WRITERS];
    (void)state;
    for (int w = 0; w < WRITERS; w++) {
        ids[w] = fork();
        assert_true(ids[w] >= 0);
        if (ids[w] != 0)
            continue;
        struct endpoint *p = endpoint_layout(layout, true, &unit_e);
        for (int i = 0; p && i < EACH; i++) {
            char *text = arena_printf(&arena, "{\"schemaVersion\":2,\"n\":%d}", w * EACH + i);
            struct tag t;
            struct digest d = digest_of(str_from(text));
            if (tag_parse(str_from(arena_printf(&arena, "t%d", w * EACH + i)), &t, NULL) < 0 ||
                p->ops->manifest_put(p, str_from(text), STR(OCI_TYPE_MANIFEST), &d, &t, &unit_e) <
                    0)
                _exit(1);
        }
        if (!p)
            _exit(2);
        p->ops->close(p);
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        assert_int_equal(waitpid(ids[w], &status, 0), ids[w]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    AUTO_ENDPOINT p = endpoint_layout(layout, false, &unit_e);
    struct endpoint_manifest m;
    for (int i = 0; i < WRITERS * EACH; i++)
        assert_fine(get_tag(p, arena_printf(&arena, "t%d", i), &m));
    assert_int_not_equal(access(path_of(".haven-partial"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_leave_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(leftovers, setup, teardown),
        cmocka_unit_test_setup_teardown(spoilt_blob, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile, setup, teardown),
        cmocka_unit_test_setup_teardown(writers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
