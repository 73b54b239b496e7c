/* SPDX-License-Identifier: Apache-2.0 */
/* A registry on a temporary directory, and short words for what the tests of registry/ do with it.
 */
#ifndef HAVEN_TESTS_REGISTRY_FIXTURE_H
#define HAVEN_TESTS_REGISTRY_FIXTURE_H

#include "base/hash.h"
#include "base/mem.h"
#include "registry/registry.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    int fd;
    struct registry r;
    struct arena a;
    struct err e;
};

/* A look-up or a change must end so. */
#define EXPECT(call, want)                                                                         \
    do {                                                                                           \
        f->e = (struct err){0};                                                                    \
        int got_ = (call);                                                                         \
        if (got_ != (want))                                                                        \
            fail_msg("%s:%d: %s is %d: %s", __FILE__, __LINE__, #call, got_, f->e.msg);            \
    } while (0)
#define REFUSED(call, sym)                                                                         \
    do {                                                                                           \
        EXPECT(call, -1);                                                                          \
        assert_string_equal(err_info(f->e.code)->symbol, #sym);                                    \
        assert_true(f->e.code == ERR_##sym);                                                       \
    } while (0)

/* An empty database, which is made once: thousands of runs begin with a copy of it. */
static inline void fixture_database(struct fixture *f)
{
    static char bytes[2 << 20];
    static size_t n;
    int fd;

    if (n == 0) {
        EXPECT(db_open(f->fd, "haven.db", &f->r.db, &f->e), 0);
        db_close(f->r.db);
        fd = openat(f->fd, "haven.db", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        ssize_t got = read(fd, bytes, sizeof(bytes));
        assert_in_range(got, 1, sizeof(bytes) - 1);
        n = (size_t)got;
    } else {
        fd = openat(f->fd, "haven.db", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, n), n);
    }
    (void)close(fd);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    int64_t id;

    /* In memory where there is room: nothing here is about the disk. */
    snprintf(f->dir, sizeof(f->dir), "%s/haven-test-registry-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->fd >= 0);
    arena_init(&f->a, LIMIT_REQUEST_ARENA);
    fixture_database(f);
    EXPECT(db_open(f->fd, "haven.db", &f->r.db, &f->e), 0);
    EXPECT(store_open(f->fd, &f->r.store, &f->e), 0);
    f->r.lease_ms = 60000;
    EXPECT(project_seed(&f->r, &f->e), 0);
    EXPECT(project_create(&f->r, STR("secret"), false, &id, &f->e), 0);
    *state = f;
    return 0;
}

static inline int fixture_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    store_close(f->r.store);
    db_close(f->r.db);
    arena_done(&f->a);
    close(f->fd);
    assert_int_equal(nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    mem_free(f);
    return 0;
}

/* The parsed name; four at a time live. */
static inline const struct repo_name *repo(const char *name)
{
    static struct repo_name names[4];
    static size_t next;
    struct repo_name *n = &names[next++ % ARRAY_LEN(names)];
    struct err e = {0};

    if (repo_name_parse(str_from(name), n, &e) < 0)
        fail_msg("%s", e.msg);
    return n;
}

static inline struct digest sha256_of(const char *content)
{
    struct digest d;

    hash_bytes(DIGEST_SHA256, content, strlen(content), &d);
    return d;
}

static inline struct digest sha512_of(const char *content)
{
    struct digest d;

    hash_bytes(DIGEST_SHA512, content, strlen(content), &d);
    return d;
}

/* Sends content as a blob of the repository. */
static inline struct digest send_blob(struct fixture *f, const char *name, const char *content)
{
    struct digest object;

    EXPECT(store_put(f->r.store, str_from(content), &object, &f->e), 0);
    EXPECT(blob_record(&f->r, repo(name), &object, &object, strlen(content), &f->e), 0);
    return object;
}

static inline bool is_member(struct fixture *f, const char *name, const struct digest *d)
{
    struct blob b;
    int found = blob_find(&f->r, &f->a, repo(name), d, &b, &f->e);

    if (found < 0)
        fail_msg("%s", f->e.msg);
    return found > 0;
}

static inline struct reference reference(const char *text)
{
    struct reference ref;
    struct err e = {0};

    if (reference_parse(str_from(text), &ref, &e) < 0)
        fail_msg("%s", e.msg);
    return ref;
}

static inline bool has_artifact(struct fixture *f, const char *name, const char *ref)
{
    struct reference at = reference(ref);
    struct artifact art;
    int found = artifact_stat(&f->r, &f->a, repo(name), &at, &art, &f->e);

    if (found < 0)
        fail_msg("%s", f->e.msg);
    return found > 0;
}

/* An image manifest of a configuration and layers (both as contents); extra: further members of the
 * document. */
static inline const char *image(struct fixture *f, const char *config, const char *const *layers,
                                size_t n, const char *extra)
{
    AUTO(buf) out = {0};
    struct digest d = sha256_of(config);

    buf_init(&out, LIMIT_MANIFEST + MIB);
    buf_addf(&out,
             "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{"
             "\"mediaType\":\"application/vnd.test.config\",\"digest\":\"%s\",\"size\":%zu},"
             "\"layers\":[",
             d.text, strlen(config));
    for (size_t i = 0; i < n; i++) {
        d = sha256_of(layers[i]);
        buf_addf(&out,
                 "%s{\"mediaType\":\"application/vnd.test.layer\",\"digest\":\"%s\",\"size\":%zu}",
                 i ? "," : "", d.text, strlen(layers[i]));
    }
    buf_addf(&out, "]%s}", extra);
    assert_true(buf_ok(&out));
    return arena_printf(&f->a, "%s", out.p);
}

/* An index of manifests given by their digests. */
static inline const char *image_index(struct fixture *f, const char *const *digests, size_t n,
                                      const char *extra)
{
    AUTO(buf) out = {0};

    buf_init(&out, LIMIT_MANIFEST);
    buf_addf(&out, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
    for (size_t i = 0; i < n; i++)
        buf_addf(&out, "%s{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":7}",
                 i ? "," : "", digests[i]);
    buf_addf(&out, "]%s}", extra);
    return arena_printf(&f->a, "%s", out.p);
}

/* Pushes a document under a tag or digest. */
static inline int push(struct fixture *f, const char *name, const char *ref, const char *document,
                       struct artifact_pushed *ret, struct artifact_missing *ret_missing)
{
    struct artifact_push p = {.bytes = str_from(document), .ref = reference(ref)};
    struct artifact_pushed ignored;

    return artifact_push(&f->r, &f->a, repo(name), &p, ret ? ret : &ignored, ret_missing, &f->e);
}

/* Sends configuration and one layer, and pushes the manifest of both. */
static inline struct digest push_image(struct fixture *f, const char *name, const char *tag,
                                       const char *config, const char *layer)
{
    struct artifact_pushed pushed;
    const char *document = image(f, config, &layer, 1, "");

    send_blob(f, name, config);
    send_blob(f, name, layer);
    EXPECT(push(f, name, tag, document, &pushed, NULL), 0);
    return pushed.digest;
}

/* A number that the database knows, from SQL of a test's own. */
static inline int64_t count_rows(struct fixture *f, enum db_query q, struct db_args args)
{
    AUTO(db_rows) rows = {0};
    int64_t n = 0;

    EXPECT(db_query(db_reader(f->r.db), q, args, &rows, &f->e), 0);
    while (db_next(&rows, &f->e) > 0)
        n++;
    return n;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
