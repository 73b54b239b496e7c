/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store while system calls fail. The n-th call of a scenario fails, n = 1, 2, 3 … until the
 * scenario runs through without meeting its fault. After each run: an object is absent or whole,
 * what was reported as stored is there, and the push can be finished.
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "faults.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MI    (1u << 20)
#define SCOPE STR("library/model")

/* ---- a directory for each test ---- */

static char root[64];
static int root_fd = -1;
static struct err err;

#define OK(call)                                                                                   \
    do {                                                                                           \
        err.msg[0] = '\0';                                                                         \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, err.msg);                                                    \
    } while (0)

static int setup(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/haven-faults-XXXXXX");
    assert_non_null(mkdtemp(root));
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root_fd < 0 ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    no_faults();
    (void)close(root_fd);
    return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the scenario: a push in two requests ---- */

struct push {
    const uint8_t *p;
    size_t n, first; /* bytes of the first request */
    enum digest_alg want_alg;
    bool transient; /* all in one request */
    char id[STORE_UPLOAD_ID + 1];
    size_t sent; /* bytes that were taken without an error */
};

static int send_range(struct push *t, struct store_upload *u, size_t until)
{
    size_t at = (size_t)store_upload_info(u)->offset;
    while (at < until) {
        size_t n = MIN_OF(until - at, (size_t)MI);
        if (store_upload_write(u, t->p + at, n, NULL) < 0) {
            /* the offset tells the truth after a refusal, too */
            assert_int_equal(
                store_upload_info(u)->offset == at || store_upload_info(u)->offset == at + n, true);
            return -1;
        }
        at += n;
        t->sent = MAX_OF(t->sent, at);
    }
    return 0;
}

static int finish(struct push *t, struct store_upload *u)
{
    struct digest want, sha256, object;
    uint64_t size;
    hash_bytes(t->want_alg, t->p, t->n, &want);
    hash_bytes(DIGEST_SHA256, t->p, t->n, &sha256);
    if (send_range(t, u, t->n) < 0 || store_upload_commit(u, &want, &object, &size, NULL) < 0) {
        store_upload_close(u);
        return -1;
    }
    assert_true(digest_eq(&object, &sha256));
    assert_int_equal(size, t->n);
    return 0;
}

static int run_in(struct store *s, struct push *t)
{
    struct store_upload *u;
    if (store_upload_new(s, SCOPE, DIGEST_SHA256, t->n, t->transient, &u, NULL) < 0)
        return -1;
    memcpy(t->id, store_upload_info(u)->id, sizeof(t->id));
    if (t->transient)
        return finish(t, u);
    if (send_range(t, u, t->first) < 0) {
        store_upload_close(u);
        return -1;
    }
    store_upload_close(u);
    if (store_upload_open(s, str_from(t->id), SCOPE, &u, NULL) != 1)
        return -1;
    return finish(t, u);
}

static int run(struct push *t)
{
    struct store *s;
    t->id[0] = '\0';
    t->sent = 0;
    if (store_open(root_fd, &s, NULL) < 0)
        return -1;
    int result = run_in(s, t);
    store_close(s);
    return result;
}

/* ---- what must hold afterwards ---- */

static int check_object(void *p, const struct digest *object, uint64_t size, struct err *e)
{
    struct store *s = p;
    struct digest got;
    uint64_t n;
    int fd;
    if (store_object_open(s, object, &fd, &n, e) != 1)
        return -1;
    AUTO_FREE uint8_t *bytes = mem_alloc(size);
    int read_all = file_pread_all(fd, bytes, size, 0, e);
    (void)close(fd);
    if (read_all < 0)
        return -1;
    hash_bytes(DIGEST_SHA256, bytes, size, &got);
    return digest_eq(&got, object) ? 0 : ERR(e, CORRUPT, "%s is not whole", object->text);
}

static void check_after(struct push *t, int result)
{
    struct store *s;
    struct store_upload *u;
    struct digest object;
    uint64_t size, offset = 0;
    size_t removed;
    int fd;
    OK(store_open(root_fd, &s, &err));
    OK(store_object_each(s, check_object, s, &err));
    hash_bytes(DIGEST_SHA256, t->p, t->n, &object);
    if (result == 0) {
        assert_int_equal(store_object_open(s, &object, &fd, &size, &err), 1);
        (void)close(fd);
        assert_int_equal(size, t->n);
    }
    int found = store_upload_stat(s, str_from(t->id), SCOPE, &offset, &err);
    assert_true(found >= 0);
    if (found > 0) {
        assert_true(offset <= t->sent || t->sent == 0);
        assert_int_equal(store_upload_open(s, str_from(t->id), SCOPE, &u, &err), 1);
        assert_int_equal(store_upload_info(u)->offset, offset);
    } else {
        OK(store_upload_new(s, SCOPE, DIGEST_SHA256, 0, false, &u, &err));
    }
    assert_int_equal(finish(t, u), 0);
    OK(store_object_each(s, check_object, s, &err));
    OK(store_object_remove(s, &object, &err));
    OK(store_upload_sweep(s, -10000, &removed, &err));
    store_close(s);
    char path[100];
    (void)snprintf(path, sizeof(path), "%s/uploads", root);
    assert_int_equal(rmdir(path), 0); /* nothing was left */
}

/* Also with every directory still to be made. */
static void forget_shards(void)
{
    char path[100];
    for (unsigned i = 0; i < 256; i++) {
        (void)snprintf(path, sizeof(path), "%s/blobs/sha256/%02x", root, i);
        (void)rmdir(path);
    }
}

static void all_faults(struct push *t, unsigned kinds, int number, bool on)
{
    for (long n = 1;; n++) {
        if (n > 2000)
            fail_msg("the scenario does not end");
        forget_shards();
        faults(kinds, n, number, on);
        int result = run(t);
        bool met = hit;
        no_faults();
        check_after(t, result);
        if (!met) {
            assert_int_equal(result, 0);
            return;
        }
    }
}

/* ---- tests ---- */

static uint8_t *noise(size_t n)
{
    uint8_t *p = mem_alloc(n);
    uint32_t x = 7;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
    return p;
}

static void test_small(void **state)
{
    (void)state;
    static const int numbers[] = {EIO, ENOSPC, EMFILE};
    AUTO_FREE uint8_t *p = noise(5000);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        for (int transient = 0; transient < 2; transient++)
            for (int on = 0; on < 2; on++)
                for (int alg = 0; alg < 2; alg++) {
                    struct push t = {.p = p,
                                     .n = 5000,
                                     .first = 3000,
                                     .transient = transient,
                                     .want_alg = alg ? DIGEST_SHA512 : DIGEST_SHA256};
                    all_faults(&t, K_ALL, numbers[i], on);
                }
}

static void test_steps(void **state)
{
    (void)state;
    const size_t n = 10 * MI;
    AUTO_FREE uint8_t *p = noise(n);
    struct push t = {.p = p, .n = n, .first = 9 * MI, .want_alg = DIGEST_SHA256};
    all_faults(&t, K_ALL & ~(unsigned)K_PWRITE, EIO, false);
    all_faults(&t, K_PWRITE, ENOSPC, false);
}

static void test_checkpoint(void **state)
{
    (void)state;
    const size_t n = 66 * MI;
    AUTO_FREE uint8_t *p = noise(n);
    struct push t = {.p = p, .n = n, .first = 65 * MI, .want_alg = DIGEST_SHA256};
    all_faults(&t, K_FDATASYNC | K_FSYNC, EIO, false);
}

/* A sync that failed once is never followed by a success. */
static void test_poison(void **state)
{
    (void)state;
    struct store *s;
    struct store_upload *u;
    struct digest want, object;
    uint64_t size;
    char id[STORE_UPLOAD_ID + 1];
    OK(store_open(root_fd, &s, &err));
    OK(store_upload_new(s, SCOPE, DIGEST_SHA256, 0, false, &u, &err));
    memcpy(id, store_upload_info(u)->id, sizeof(id));
    OK(store_upload_write(u, "abc", 3, &err));
    hash_bytes(DIGEST_SHA256, "abc", 3, &want);
    faults(K_FDATASYNC, 1, EIO, false);
    assert_int_equal(store_upload_commit(u, &want, &object, &size, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    no_faults();
    assert_int_equal(store_upload_commit(u, &want, &object, &size, &err), -1);
    assert_int_equal(store_upload_write(u, "d", 1, &err), -1);
    assert_int_equal(store_upload_rewind(u, 0, &err), -1);
    /* Even when it cannot be removed. */
    faults(K_UNLINKAT, 1, EIO, true);
    store_upload_close(u);
    no_faults();
    assert_true(store_upload_open(s, str_from(id), SCOPE, &u, &err) <= 0);
    int fd;
    assert_int_equal(store_object_open(s, &want, &fd, &size, &err), 0);
    store_close(s);
}

/* A full disk is no reason to lose the session. */
static void test_no_space(void **state)
{
    (void)state;
    struct store *s;
    struct store_upload *u;
    struct digest want, object;
    uint64_t size;
    OK(store_open(root_fd, &s, &err));
    OK(store_upload_new(s, SCOPE, DIGEST_SHA256, 0, false, &u, &err));
    OK(store_upload_write(u, "abc", 3, &err));
    faults(K_PWRITE, 1, ENOSPC, false);
    assert_int_equal(store_upload_write(u, "never", 5, &err), -1);
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_int_equal(store_upload_info(u)->offset, 3);
    no_faults();
    OK(store_upload_write(u, "d", 1, &err));
    /* The same when the file cannot be cut back either. */
    faults(K_PWRITE | K_FTRUNCATE, 1, ENOSPC, true);
    assert_int_equal(store_upload_write(u, "never", 5, &err), -1);
    no_faults();
    hash_bytes(DIGEST_SHA256, "abcd", 4, &want);
    OK(store_upload_commit(u, &want, &object, &size, &err));
    assert_int_equal(size, 4);
    OK(store_object_each(s, check_object, s, &err));
    store_close(s);
}

static void test_short_writes(void **state)
{
    (void)state;
    AUTO_FREE uint8_t *p = noise(300000);
    struct push t = {.p = p, .n = 300000, .first = 123456, .want_alg = DIGEST_SHA512};
    faults(0, 0, 0, false);
    short_writes = 997;
    interrupts = 3;
    int result = run(&t);
    no_faults();
    assert_int_equal(result, 0);
    check_after(&t, result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small),  TEST(test_steps),    TEST(test_checkpoint),
        TEST(test_poison), TEST(test_no_space), TEST(test_short_writes),
    };
    log_setup(STDERR_FILENO, LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
