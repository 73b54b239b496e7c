/* SPDX-License-Identifier: Apache-2.0 */
/* The store: round trips, sessions that go on after a restart, and two writers. */
#include "store_fixture.h"

#include "store/hold.h"

/* ---- objects ---- */

static int count_object(void *p, const struct digest *object, uint64_t size, struct err *e)
{
    (void)e;
    (void)object;
    *(uint64_t *)p += 1 + (size << 32);
    return 0;
}

static int stop_at_once(void *p, const struct digest *object, uint64_t size, struct err *e)
{
    (void)p;
    (void)object;
    (void)size;
    return ERR(e, CANCELLED, "enough");
}

static void test_objects(void **state)
{
    (void)state;
    struct digest d, again, absent = digest_of("nothing", 7, DIGEST_SHA256);
    int fd;
    uint64_t size, sum = 0;
    OK(store_put(store, STR("hello"), &d, &err));
    assert_object(&d, "hello", 5);
    OK(store_put(store, STR("hello"), &again, &err));
    assert_true(digest_eq(&d, &again));
    OK(store_put(store, STR(""), &again, &err));
    assert_string_equal(again.text,
                        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_object(&again, "", 0);
    assert_int_equal(store_object_open(store, &absent, &fd, &size, &err), 0);
    assert_int_equal(entries("uploads"), 0);

    OK(store_object_each(store, count_object, &sum, &err));
    assert_true(sum == 2 + (5ull << 32));
    FAILS(CANCELLED, store_object_each(store, stop_at_once, NULL, &err));
    OK(store_object_remove(store, &d, &err));
    OK(store_object_remove(store, &d, &err));
    assert_int_equal(store_object_open(store, &d, &fd, &size, &err), 0);
    restart();
    assert_object(&again, "", 0);
}

/* What lies beside the objects is not one of them. */
static void test_strangers(void **state)
{
    (void)state;
    struct digest d;
    uint64_t sum = 0;
    char path[200];
    OK(store_put(store, STR("x"), &d, &err));
    const char *hex = digest_hex(&d);
    (void)snprintf(path, sizeof(path), "blobs/sha256/%.2s/note", hex);
    OK(file_replace_at(root_fd, path, 0640, STR("?"), &err));
    (void)snprintf(path, sizeof(path), "blobs/sha256/%.2s/%c%c%s", hex, hex[0] == 'a' ? 'b' : 'a',
                   hex[1], hex + 2);
    OK(file_replace_at(root_fd, path, 0640, STR("?"), &err));
    OK(store_object_each(store, count_object, &sum, &err));
    assert_true(sum == 1 + (1ull << 32));
}

/* ---- sessions ---- */

static void test_in_one_go(void **state)
{
    (void)state;
    for (int transient = 0; transient < 2; transient++) {
        struct store_upload *u = begin(transient);
        assert_true(str_eq(store_upload_info(u)->scope, SCOPE));
        OK(store_upload_write(u, "hello ", 6, &err));
        OK(store_upload_write(u, "", 0, &err));
        OK(store_upload_write(u, "world", 5, &err));
        assert_int_equal(store_upload_info(u)->offset, 11);
        commit(u, "hello world", 11);
        assert_int_equal(entries("uploads"), 0);
    }
    struct store_upload *u = begin(false);
    commit(u, "", 0);
    store_upload_close(NULL);
    store_upload_cancel(NULL);
    assert_int_equal(entries("uploads"), 0);
}

static void test_resume(void **state)
{
    (void)state;
    const size_t n = 3 * MI + 17;
    AUTO_FREE uint8_t *p = noise(n, 1);
    char id[STORE_UPLOAD_ID + 1];
    uint64_t offset = 9;
    struct store_upload *u = begin(false);
    keep_id(u, id);
    store_upload_close(u);
    assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 1);
    assert_int_equal(offset, 0);
    size_t at = 0;
    for (size_t i = 1; at < n; i++) { /* odd steps, so that hash blocks are cut everywhere */
        size_t step = MIN_OF(n - at, i * 77777);
        if (i % 2)
            restart();
        u = reopen(id);
        assert_int_equal(store_upload_info(u)->offset, at);
        OK(store_upload_write(u, p + at, step, &err));
        at += step;
        assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 1);
        assert_int_equal(offset, at);
        store_upload_close(u);
        assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 1);
        assert_int_equal(offset, at);
    }
    commit(reopen(id), p, n);
    assert_int_equal(store_upload_open(store, str_from(id), SCOPE, &u, &err), 0);
    assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 0);
    assert_int_equal(entries("uploads"), 0);
}

static void test_unknown(void **state)
{
    (void)state;
    static const char *const ids[] = {"",
                                      "x",
                                      "../../../../../../../../../etc/passwd",
                                      "00000000-0000-4000-8000-000000000000",
                                      "00000000-0000-4000-8000-00000000000G",
                                      "00000000-0000-4000-8000-0000000000000",
                                      "00000000/0000-4000-8000-000000000000"};
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u;
    uint64_t offset;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        assert_int_equal(store_upload_open(store, str_from(ids[i]), SCOPE, &u, &err), 0);
        assert_int_equal(store_upload_stat(store, str_from(ids[i]), SCOPE, &offset, &err), 0);
    }
    struct store_upload *mine = begin(false);
    keep_id(mine, id);
    struct str other = STR("library/other");
    assert_int_equal(store_upload_open(store, str_from(id), other, &u, &err), 0);
    assert_int_equal(store_upload_stat(store, str_from(id), other, &offset, &err), 0);
    store_upload_close(mine);
    assert_int_equal(store_upload_open(store, str_from(id), other, &u, &err), 0);
    assert_int_equal(store_upload_stat(store, str_from(id), other, &offset, &err), 0);
    store_upload_cancel(reopen(id));
    assert_int_equal(entries("uploads"), 0);
}

static void test_busy(void **state)
{
    (void)state;
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u = begin(false), *second = NULL;
    keep_id(u, id);
    FAILS(BLOB_UPLOAD_BUSY, store_upload_open(store, str_from(id), SCOPE, &second, &err));
    assert_null(second);
    OK(store_upload_write(u, "a", 1, &err));
    store_upload_close(u);
    u = reopen(id);
    FAILS(BLOB_UPLOAD_BUSY, store_upload_open(store, str_from(id), SCOPE, &second, &err));
    commit(u, "a", 1);
}

static void test_wrong_digest(void **state)
{
    (void)state;
    char id[STORE_UPLOAD_ID + 1];
    struct digest wrong = digest_of("y", 1, DIGEST_SHA256), object, wrong512;
    uint64_t size = 77;
    for (int transient = 0; transient < 2; transient++) {
        struct store_upload *u = begin(transient);
        keep_id(u, id);
        OK(store_upload_write(u, "x", 1, &err));
        FAILS(DIGEST_INVALID, store_upload_commit(u, &wrong, &object, &size, &err));
        wrong512 = digest_of("y", 1, DIGEST_SHA512);
        FAILS(DIGEST_INVALID, store_upload_commit(u, &wrong512, &object, &size, &err));
        assert_int_equal(size, 77);
        OK(store_upload_write(u, "z", 1, &err));
        if (!transient) {
            store_upload_close(u);
            u = reopen(id);
        }
        commit(u, "xz", 2);
    }
    struct store_upload *u = begin(true);
    OK(store_upload_write(u, "x", 1, &err));
    FAILS(DIGEST_INVALID, store_upload_commit(u, &wrong, &object, &size, &err));
    store_upload_close(u);
    assert_int_equal(entries("uploads"), 0);
}

static void test_sha512(void **state)
{
    (void)state;
    const size_t n = 2 * MI + 5;
    AUTO_FREE uint8_t *p = noise(n, 2);
    struct digest want = digest_of(p, n, DIGEST_SHA512), plain = digest_of(p, n, DIGEST_SHA256);
    struct digest object;
    uint64_t size;
    char id[STORE_UPLOAD_ID + 1];
    for (int alg = 0; alg < 2; alg++) { /* read once more, and hashed on the way in */
        struct store_upload *u;
        OK(store_upload_new(store, SCOPE, alg ? DIGEST_SHA512 : DIGEST_SHA256, n, false, &u, &err));
        keep_id(u, id);
        OK(store_upload_write(u, p, MI, &err));
        store_upload_close(u);
        restart();
        u = reopen(id);
        assert_int_equal(store_upload_info(u)->alg, alg ? DIGEST_SHA512 : DIGEST_SHA256);
        OK(store_upload_write(u, p + MI, n - MI, &err));
        OK(store_upload_commit(u, &want, &object, &size, &err));
        assert_true(digest_eq(&object, &plain));
        assert_object(&object, p, n);
        OK(store_object_remove(store, &object, &err));
    }
}

static void test_existing(void **state)
{
    (void)state;
    struct digest d;
    OK(store_put(store, STR("same"), &d, &err));
    struct store_upload *u = begin(false);
    OK(store_upload_write(u, "same", 4, &err));
    commit(u, "same", 4);
    assert_int_equal(entries("uploads"), 0);

    /* One of another length is damaged, and is replaced. */
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/blobs/sha256/%.2s/%s", root, digest_hex(&d),
                   digest_hex(&d));
    assert_int_equal(truncate(path, 2), 0);
    u = begin(true);
    OK(store_upload_write(u, "same", 4, &err));
    commit(u, "same", 4);
}

static void test_cancel_and_close(void **state)
{
    (void)state;
    struct store_upload *u = begin(false);
    OK(store_upload_write(u, "x", 1, &err));
    store_upload_cancel(u);
    u = begin(true);
    OK(store_upload_write(u, "x", 1, &err));
    store_upload_cancel(u);
    store_upload_close(begin(true));
    u = begin(true);
    OK(store_upload_write(u, "x", 1, &err));
    store_upload_close(u);
    store_upload_cancel(begin(false));
    assert_int_equal(entries("uploads"), 0);
}

static void test_rewind(void **state)
{
    (void)state;
    const size_t n = 20 * MI;
    AUTO_FREE uint8_t *p = noise(n, 3), *q = noise(n, 4);
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u = begin(false);
    keep_id(u, id);
    OK(store_upload_write(u, p, 5, &err));
    store_upload_close(u);

    u = reopen(id);
    OK(store_upload_write(u, q, 100, &err));
    FAILS(BLOB_UPLOAD_INVALID, store_upload_rewind(u, 7, &err));
    OK(store_upload_rewind(u, 105, &err));
    OK(store_upload_rewind(u, 5, &err));
    assert_int_equal(store_upload_info(u)->offset, 5);
    OK(store_upload_write(u, p + 5, 10, &err));
    store_upload_close(u);

    /* So far that notes of the replaced bytes had been taken. */
    u = reopen(id);
    OK(store_upload_write(u, q, 17 * MI, &err));
    OK(store_upload_rewind(u, 15, &err));
    OK(store_upload_write(u, p + 15, n - 15, &err));
    OK(store_upload_rewind(u, 15, &err));
    store_upload_close(u);
    restart();
    u = reopen(id);
    assert_int_equal(store_upload_info(u)->offset, 15);
    OK(store_upload_write(u, p + 15, n - 15, &err));
    commit(u, p, n);

    u = begin(true);
    OK(store_upload_write(u, q, 9 * MI, &err));
    OK(store_upload_rewind(u, 0, &err));
    OK(store_upload_write(u, "ab", 2, &err));
    commit(u, "ab", 2);
}

static void test_announced(void **state)
{
    (void)state;
    struct store_upload *u;
    FAILS(NO_SPACE, store_upload_new(store, SCOPE, DIGEST_SHA256, 7 * TIB, false, &u, &err));
    FAILS(LIMIT, store_upload_new(store, SCOPE, DIGEST_SHA256, LIMIT_BLOB + 1, false, &u, &err));
    assert_int_equal(entries("uploads"), 0);
    OK(store_upload_new(store, SCOPE, DIGEST_SHA256, 1, false, &u, &err));
    store_upload_cancel(u);
}

static void test_sweep(void **state)
{
    (void)state;
    size_t removed = 99;
    struct store_upload *open_one = begin(false), *transient = begin(true);
    OK(store_upload_write(open_one, "x", 1, &err));
    OK(store_upload_write(transient, "x", 1, &err));
    for (int i = 0; i < 3; i++) {
        struct store_upload *u = begin(false);
        OK(store_upload_write(u, "y", 1, &err));
        store_upload_close(u);
    }
    OK(store_upload_sweep(store, 3600 * 1000, &removed, &err));
    assert_int_equal(removed, 0);
    assert_int_equal(entries("uploads"), 5);
    OK(store_upload_sweep(store, -1000, &removed, &err));
    assert_int_equal(removed, 3);
    assert_int_equal(entries("uploads"), 2);
    commit(open_one, "x", 1);
    store_upload_close(transient);

    /* Left behind by a run that died: a transient file, a directory without a state. */
    OK(file_replace_at(root_fd, "uploads/00000000-0000-4000-8000-000000000000.tmp", 0640, STR("z"),
                       &err));
    int fd = file_open_dir_at(root_fd, "uploads/00000000-0000-4000-8000-000000000001", true, &err);
    assert_true(fd >= 0);
    (void)close(fd);
    OK(file_replace_at(root_fd, "uploads/note", 0640, STR("z"), &err));
    OK(store_upload_sweep(store, 3600 * 1000, &removed, &err));
    assert_int_equal(removed, 1); /* the one that nobody can go on with */
    assert_int_equal(entries("uploads"), 2);
    OK(store_upload_sweep(store, -1000, &removed, &err));
    assert_int_equal(removed, 1);
    assert_int_equal(entries("uploads"), 1);

    /* A state that is damaged may be looked at by somebody; one that was not written has nothing.
     */
    for (int how = 0; how < 2; how++) {
        char id[STORE_UPLOAD_ID + 1], path[64];
        struct store_upload *u = begin(false);
        OK(store_upload_write(u, "y", 1, &err));
        keep_id(u, id);
        store_upload_close(u);
        (void)snprintf(path, sizeof(path), "uploads/%s/state", id);
        fd = openat(root_fd, path, O_WRONLY | O_TRUNC);
        assert_true(fd >= 0 && (how == 0 || write(fd, "x", 1) == 1));
        (void)close(fd);
        OK(store_upload_sweep(store, 3600 * 1000, &removed, &err));
        assert_int_equal(removed, how == 0);
    }
}

/* ---- threads ---- */

static void *pusher(void *p)
{
    uintptr_t seed = (uintptr_t)p;
    for (uint32_t i = 0; i < 20; i++) {
        const size_t n = 1000 + 100 * i;
        /* every second content is the same in all threads */
        AUTO_FREE uint8_t *bytes = noise(n, i % 2 ? i : (uint32_t)seed * 1000 + i);
        struct digest want = digest_of(bytes, n, DIGEST_SHA256), object;
        struct store_upload *u;
        uint64_t size;
        if (store_upload_new(store, SCOPE, DIGEST_SHA256, n, i % 3 == 0, &u, NULL) < 0 ||
            store_upload_write(u, bytes, n, NULL) < 0 ||
            store_upload_commit(u, &want, &object, &size, NULL) < 0)
            return p;
        int fd;
        if (store_object_open(store, &object, &fd, &size, NULL) != 1 || size != n)
            return p;
        (void)close(fd);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    void *result;
    for (uintptr_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pusher, (void *)(i + 1)), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(entries("uploads"), 0);
}

static char contested[STORE_UPLOAD_ID + 1];

static void *contender(void *p)
{
    uintptr_t *written = p;
    for (int i = 0; i < 200; i++) {
        struct store_upload *u;
        uint64_t offset;
        struct err e = {.code = ERR_OK};
        int found = store_upload_open(store, str_from(contested), SCOPE, &u, &e);
        if (found > 0) {
            *written += store_upload_write(u, "k", 1, NULL) == 0;
            store_upload_close(u);
        } else if (found == 0 || e.code != ERR_BLOB_UPLOAD_BUSY) {
            *written += 1000000;
        }
        if (store_upload_stat(store, str_from(contested), SCOPE, &offset, &e) == 0)
            *written += 1000000;
    }
    return NULL;
}

static void test_two_writers(void **state)
{
    (void)state;
    pthread_t threads[2];
    uintptr_t written[2] = {0, 0};
    struct store_upload *u = begin(false);
    keep_id(u, contested);
    store_upload_close(u);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, contender, &written[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    size_t n = written[0] + written[1];
    if (n == 0 || n > 400)
        fail_msg("%zu bytes were written", n);
    AUTO_FREE uint8_t *p = mem_alloc(n);
    memset(p, 'k', n);
    commit(reopen(contested), p, n);
}

static _Atomic bool swept_enough;

static void *sweeper(void *p)
{
    size_t removed, *total = p;
    while (!atomic_load(&swept_enough)) {
        if (store_upload_sweep(store, 3600 * 1000, &removed, NULL) < 0)
            removed = 1;
        *total += removed;
    }
    return NULL;
}

/* A look at what has expired is nobody's writer: who goes on with an upload never meets it. */
static void test_sweep_beside_a_writer(void **state)
{
    (void)state;
    pthread_t thread;
    size_t removed = 0;
    const size_t n = 2000;
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u = begin(false);
    keep_id(u, id);
    store_upload_close(u);
    atomic_store(&swept_enough, false);
    assert_int_equal(pthread_create(&thread, NULL, sweeper, &removed), 0);
    int found = 1;
    for (size_t i = 0; i < n && found == 1; i++) {
        found = store_upload_open(store, str_from(id), SCOPE, &u, &err);
        if (found == 1) {
            OK(store_upload_write(u, "k", 1, &err));
            store_upload_close(u);
        }
    }
    atomic_store(&swept_enough, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(found, 1);
    assert_int_equal(removed, 0);
    AUTO_FREE uint8_t *p = mem_alloc(n);
    memset(p, 'k', n);
    commit(reopen(id), p, n);
}

/* Something else than a file where an object should be is damage, not an object and not its
 * absence. */
static void test_object_that_is_no_file(void **state)
{
    (void)state;
    struct digest d;
    char path[128];
    int fd;
    uint64_t size;
    OK(store_put(store, STR("hello"), &d, &err));
    OK(store_object_remove(store, &d, &err));
    (void)snprintf(path, sizeof(path), "blobs/sha256/%.2s/%s", digest_hex(&d), digest_hex(&d));
    assert_int_equal(mkdirat(root_fd, path, 0700), 0);
    FAILS(CORRUPT, store_object_open(store, &d, &fd, &size, &err));
}

/* ---- the hold ---- */

static void test_hold(void **state)
{
    (void)state;
    int keep = -1, second = -1, taken = -1;
    OK(store_hold_keep(root_fd, &keep, &err));
    OK(store_hold_keep(root_fd, &second, &err));
    assert_int_equal(store_hold_remove(root_fd, &taken, &err), 0);
    (void)close(keep);
    assert_int_equal(store_hold_remove(root_fd, &taken, &err), 0);
    (void)close(second);
    assert_int_equal(store_hold_remove(root_fd, &taken, &err), 1);
    (void)close(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_objects),
        TEST(test_hold),
        TEST(test_strangers),
        TEST(test_in_one_go),
        TEST(test_resume),
        TEST(test_unknown),
        TEST(test_busy),
        TEST(test_wrong_digest),
        TEST(test_sha512),
        TEST(test_existing),
        TEST(test_cancel_and_close),
        TEST(test_rewind),
        TEST(test_announced),
        TEST(test_sweep),
        TEST(test_threads),
        TEST(test_two_writers),
        TEST(test_sweep_beside_a_writer),
        TEST(test_object_that_is_no_file),
    };
    log_setup(STDERR_FILENO, LOG_ERROR, false); /* the warnings are what is tested */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
