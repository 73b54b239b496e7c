/* SPDX-License-Identifier: Apache-2.0 */
/* The store: round trips, sessions that go on after a restart or a kill, damage, and two writers.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/state.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MI    (1u << 20)
#define SCOPE STR("library/model")

static char root[64];
static int root_fd = -1;
static struct store *store;
static struct err err;

/* Fails the test with the error's text. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        err.msg[0] = '\0';                                                                         \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, err.msg);                                                    \
    } while (0)
#define FAILS(sym, call)                                                                           \
    do {                                                                                           \
        err.code = ERR_OK;                                                                         \
        assert_int_equal((call), -1);                                                              \
        assert_int_equal(err.code, ERR_##sym);                                                     \
    } while (0)

static int setup(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/haven-store-XXXXXX");
    assert_non_null(mkdtemp(root));
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root_fd >= 0);
    OK(store_open(root_fd, &store, &err));
    return 0;
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
    store_close(store);
    store = NULL;
    (void)close(root_fd);
    return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a start of the program would see. */
static void restart(void)
{
    store_close(store);
    store = NULL;
    OK(store_open(root_fd, &store, &err));
}

/* n bytes that differ from place to place; freed by the caller. */
static uint8_t *noise(size_t n, uint32_t seed)
{
    uint8_t *p = mem_alloc(n);
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
    return p;
}

static struct digest digest_of(const void *p, size_t n, enum digest_alg alg)
{
    struct digest d;
    hash_bytes(alg, p, n, &d);
    return d;
}

static void assert_object(const struct digest *object, const void *p, size_t n)
{
    AUTOFD fd = -1;
    uint64_t size;
    AUTO_FREE uint8_t *got = mem_alloc(n);
    int f = -1;
    assert_int_equal(store_object_open(store, object, &f, &size, &err), 1);
    fd = f;
    assert_int_equal(size, n);
    OK(file_pread_all(fd, got, n, 0, &err));
    if (n)
        assert_memory_equal(got, p, n);
}

static size_t entries(const char *path)
{
    char command[200];
    size_t n = 0;
    (void)snprintf(command, sizeof(command), "%s/%s", root, path);
    int fd = open(command, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    DIR *d = fdopendir(fd);
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d))
        n += entry->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static struct store_upload *begin(bool transient)
{
    struct store_upload *u;
    OK(store_upload_new(store, SCOPE, DIGEST_SHA256, 0, transient, &u, &err));
    return u;
}

static struct store_upload *reopen(const char *id)
{
    struct store_upload *u;
    if (store_upload_open(store, str_from(id), SCOPE, &u, &err) != 1)
        fail_msg("session %s is gone: %s", id, err.msg);
    return u;
}

static void keep_id(const struct store_upload *u, char id[STORE_UPLOAD_ID + 1])
{
    memcpy(id, store_upload_info(u)->id, STORE_UPLOAD_ID + 1);
}

static void commit(struct store_upload *u, const void *p, size_t n)
{
    struct digest want = digest_of(p, n, DIGEST_SHA256), object;
    uint64_t size;
    OK(store_upload_commit(u, &want, &object, &size, &err));
    assert_int_equal(size, n);
    assert_true(digest_eq(&want, &object));
    assert_object(&object, p, n);
}

static void damage(const char *id, const char *file, off_t at, const void *p, size_t n)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/uploads/%s/%s", root, id, file);
    AUTOFD fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
}

static void cut(const char *id, const char *file, off_t n)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/uploads/%s/%s", root, id, file);
    assert_int_equal(truncate(path, n), 0);
}

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
    assert_int_equal(removed, 0);
    OK(store_upload_sweep(store, -1000, &removed, &err));
    assert_int_equal(removed, 2);
    assert_int_equal(entries("uploads"), 1);
}

/* ---- crashes and damage ---- */

/* Writes from the content's start in a child that is killed when it has passed `kill_at` bytes. */
static void write_and_die(const uint8_t *p, size_t kill_at, size_t piece, const char *id)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *s;
        struct store_upload *u;
        if (store_open(root_fd, &s, NULL) < 0 ||
            store_upload_open(s, str_from(id), SCOPE, &u, NULL) != 1)
            _exit(3);
        size_t at = (size_t)store_upload_info(u)->offset;
        while (at < kill_at) {
            size_t n = MIN_OF(piece, kill_at - at);
            if (store_upload_write(u, p + at, n, NULL) < 0)
                _exit(4);
            at += n;
        }
        (void)raise(SIGKILL);
        _exit(5);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_kill(void **state)
{
    (void)state;
    const size_t n = 90 * MI;
    AUTO_FREE uint8_t *p = noise(n, 5);
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u = begin(false);
    keep_id(u, id);
    store_upload_close(u);
    static const size_t kills[] = {3 * MI, 12 * MI, 13 * MI, 70 * MI, 89 * MI};
    for (size_t i = 0; i < ARRAY_LEN(kills); i++) {
        write_and_die(p, kills[i], 100001, id);
        restart();
        u = reopen(id);
        uint64_t at = store_upload_info(u)->offset;
        assert_true(at <= kills[i] && kills[i] - at <= 9 * MI); /* at most one step is lost */
        store_upload_close(u);
    }
    u = reopen(id);
    uint64_t at = store_upload_info(u)->offset;
    OK(store_upload_write(u, p + at, n - at, &err));
    commit(u, p, n);
}

/* A session with one durable slot (64 MiB) and a later note (n bytes). */
static void half_done(const uint8_t *p, size_t n, char id[STORE_UPLOAD_ID + 1])
{
    struct store_upload *u = begin(false);
    keep_id(u, id);
    for (size_t at = 0; at < n; at += MI)
        OK(store_upload_write(u, p + at, MIN_OF(n - at, (size_t)MI), &err));
    store_upload_close(u);
}

static struct state read_slot(const char *id, unsigned slot)
{
    uint8_t bytes[STATE_SLOT_SIZE];
    struct state st;
    char path[200];
    (void)snprintf(path, sizeof(path), "uploads/%s/state", id);
    AUTOFD fd = file_open_at(root_fd, path, O_RDONLY, 0, &err);
    OK(file_pread_all(fd, bytes, sizeof(bytes), STATE_SLOT_AT(slot), &err));
    OK(state_decode(bytes, &st, &err));
    return st;
}

static void write_slot(const char *id, unsigned slot, const struct state *st)
{
    uint8_t bytes[STATE_SLOT_SIZE];
    state_encode(st, bytes);
    damage(id, "state", (off_t)STATE_SLOT_AT(slot), bytes, sizeof(bytes));
}

static void test_power_loss(void **state)
{
    (void)state;
    const size_t n = 70 * MI;
    AUTO_FREE uint8_t *p = noise(n, 6);
    char id[STORE_UPLOAD_ID + 1];
    half_done(p, n, id);
    unsigned late = read_slot(id, 0).durable ? 1 : 0;
    struct state note = read_slot(id, late), durable = read_slot(id, 1 - late);
    assert_true(durable.durable && !note.durable && note.offset == n && durable.offset >= 64 * MI);

    /* Another boot, all bytes there: nothing is lost. */
    memset(note.boot, 0x5a, sizeof(note.boot));
    write_slot(id, late, &note);
    uint64_t offset;
    assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 1);
    assert_int_equal(offset, n);

    /* Another boot, and the late bytes never reached the disk. */
    late = read_slot(id, 0).durable ? 1 : 0;
    note = read_slot(id, late);
    memset(note.boot, 0x5a, sizeof(note.boot));
    write_slot(id, late, &note);
    damage(id, "data", (off_t)durable.offset + 5, "\0\0\0\0\0\0\0\0", 8);
    restart();
    struct store_upload *u = reopen(id);
    assert_int_equal(store_upload_info(u)->offset, durable.offset);
    OK(store_upload_write(u, p + durable.offset, n - durable.offset, &err));
    commit(u, p, n);
}

static void test_short_data(void **state)
{
    (void)state;
    const size_t n = 70 * MI;
    AUTO_FREE uint8_t *p = noise(n, 7);
    char id[STORE_UPLOAD_ID + 1];
    half_done(p, n, id);
    cut(id, "data", 69 * MI); /* behind the durable slot */
    struct store_upload *u = reopen(id);
    uint64_t at = store_upload_info(u)->offset;
    assert_true(at >= 64 * MI && at <= 69 * MI);
    store_upload_close(u);
    cut(id, "data", 3); /* before all slots */
    restart();
    u = reopen(id);
    assert_int_equal(store_upload_info(u)->offset, 0);
    OK(store_upload_write(u, "new", 3, &err));
    store_upload_close(u);
    commit(reopen(id), "new", 3);
}

static void test_damaged_state(void **state)
{
    (void)state;
    char id[STORE_UPLOAD_ID + 1];
    struct store_upload *u;
    uint64_t offset;
    for (int how = 0; how < 5; how++) {
        u = begin(false);
        keep_id(u, id);
        OK(store_upload_write(u, "abc", 3, &err));
        store_upload_close(u);
        if (how == 0)
            cut(id, "state", 0);
        else if (how == 1)
            cut(id, "state", 100);
        else if (how == 2)
            damage(id, "state", 30, "\xff\xff", 2);
        else if (how == 3)
            damage(id, "state", 8, "\x02", 1);
        else
            damage(id, "state", STATE_SLOT_SIZE - 1, "\x55\x55", 1);
        restart();
        assert_int_equal(store_upload_stat(store, str_from(id), SCOPE, &offset, &err), 0);
        assert_int_equal(store_upload_open(store, str_from(id), SCOPE, &u, &err), 0);
    }
    size_t removed;
    OK(store_upload_sweep(store, -1000, &removed, &err));
    assert_int_equal(removed, 5);
    assert_int_equal(entries("uploads"), 0);

    /* One slot of two is enough. */
    const size_t n = 66 * MI;
    AUTO_FREE uint8_t *p = noise(n, 8);
    half_done(p, n, id);
    unsigned late = read_slot(id, 0).durable ? 1 : 0;
    damage(id, "state", (off_t)STATE_SLOT_AT(late) + 20, "\xff", 1);
    u = reopen(id);
    uint64_t at = store_upload_info(u)->offset;
    assert_true(at >= 64 * MI && at < n);
    OK(store_upload_write(u, p + at, n - at, &err));
    commit(u, p, n);
}

static void test_state_form(void **state)
{
    (void)state;
    struct state st, back;
    uint8_t bytes[STATE_SLOT_SIZE];
    char scope[LIMIT_UPLOAD_SCOPE + 1];
    memset(scope, 's', sizeof(scope) - 1);
    scope[sizeof(scope) - 1] = '\0';
    state_init(&st, str_from(scope), DIGEST_SHA512, 1234);
    hash_update(&st.sha256, scope, 127);
    hash_update(&st.other, scope, 127);
    st.offset = 127;
    st.durable = true;
    st.seq = UINT64_MAX;
    state_encode(&st, bytes);
    OK(state_decode(bytes, &back, &err));
    assert_string_equal(back.scope, scope);
    assert_true(back.durable && back.seq == UINT64_MAX && back.created_ms == 1234);
    for (size_t i = 0; i < sizeof(bytes); i++) { /* no byte may change unnoticed */
        bytes[i] ^= 0x10;
        FAILS(CORRUPT, state_decode(bytes, &back, &err));
        bytes[i] ^= 0x10;
    }
    st.offset = 126; /* not what the hash states count */
    state_encode(&st, bytes);
    FAILS(CORRUPT, state_decode(bytes, &back, &err));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_objects),       TEST(test_strangers),
        TEST(test_in_one_go),     TEST(test_resume),
        TEST(test_unknown),       TEST(test_busy),
        TEST(test_wrong_digest),  TEST(test_sha512),
        TEST(test_existing),      TEST(test_cancel_and_close),
        TEST(test_rewind),        TEST(test_announced),
        TEST(test_sweep),         TEST(test_kill),
        TEST(test_power_loss),    TEST(test_short_data),
        TEST(test_damaged_state), cmocka_unit_test(test_state_form),
        TEST(test_threads),       TEST(test_two_writers),
    };
    log_setup(STDERR_FILENO, LOG_ERROR, false); /* the warnings are what is tested */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
