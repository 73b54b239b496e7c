/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a directory of its own for each test, and what the tests of the store have in common.
 */
#ifndef HAVEN_TESTS_UNIT_STORE_FIXTURE_H
#define HAVEN_TESTS_UNIT_STORE_FIXTURE_H

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

static inline int setup(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/haven-store-XXXXXX");
    assert_non_null(mkdtemp(root));
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root_fd >= 0);
    OK(store_open(root_fd, &store, &err));
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline int teardown(void **state)
{
    (void)state;
    store_close(store);
    store = NULL;
    (void)close(root_fd);
    return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a start of the program would see. */
static inline void restart(void)
{
    store_close(store);
    store = NULL;
    OK(store_open(root_fd, &store, &err));
}

/* n bytes that differ from place to place; freed by the caller. */
static inline uint8_t *noise(size_t n, uint32_t seed)
{
    uint8_t *p = mem_alloc(n);
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
    return p;
}

static inline struct digest digest_of(const void *p, size_t n, enum digest_alg alg)
{
    struct digest d;
    hash_bytes(alg, p, n, &d);
    return d;
}

static inline void assert_object(const struct digest *object, const void *p, size_t n)
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

static inline size_t entries(const char *path)
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

static inline struct store_upload *begin(bool transient)
{
    struct store_upload *u;
    OK(store_upload_new(store, SCOPE, DIGEST_SHA256, 0, transient, &u, &err));
    return u;
}

static inline struct store_upload *reopen(const char *id)
{
    struct store_upload *u;
    if (store_upload_open(store, str_from(id), SCOPE, &u, &err) != 1)
        fail_msg("session %s is gone: %s", id, err.msg);
    return u;
}

static inline void keep_id(const struct store_upload *u, char id[STORE_UPLOAD_ID + 1])
{
    memcpy(id, store_upload_info(u)->id, STORE_UPLOAD_ID + 1);
}

static inline void commit(struct store_upload *u, const void *p, size_t n)
{
    struct digest want = digest_of(p, n, DIGEST_SHA256), object;
    uint64_t size;
    OK(store_upload_commit(u, &want, &object, &size, &err));
    assert_int_equal(size, n);
    assert_true(digest_eq(&want, &object));
    assert_object(&object, p, n);
}

static inline void damage(const char *id, const char *file, off_t at, const void *p, size_t n)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/uploads/%s/%s", root, id, file);
    AUTOFD fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
}

/* Changes a byte, whatever it was. */
static inline void flip(const char *id, const char *file, off_t at)
{
    char path[200];
    uint8_t byte;
    (void)snprintf(path, sizeof(path), "%s/uploads/%s/%s", root, id, file);
    AUTOFD fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x55;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static inline void cut(const char *id, const char *file, off_t n)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/uploads/%s/%s", root, id, file);
    assert_int_equal(truncate(path, n), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
