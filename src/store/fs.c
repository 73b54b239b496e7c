/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in the file system: 256 shards by the first byte of the digest, made when they are first
 * needed. An object comes by rename only, so its name never stands for less than the whole.
 */
#include "store/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <stdio.h>

#define DIR_MODE 0750

/* The id of this boot: tells a session whether the page cache it was written into still lives. */
static void read_boot_id(uint8_t out[STATE_BOOT_SIZE])
{
    AUTO(buf) text = {0};
    char hex[2 * STATE_BOOT_SIZE];
    uint8_t id[STATE_BOOT_SIZE];
    size_t n = 0;
    buf_init(&text, 64);
    memset(out, 0, STATE_BOOT_SIZE);
    if (file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text.max, &text, NULL) != 1)
        return;
    for (size_t i = 0; i < text.n && n < sizeof(hex); i++)
        if (text.p[i] != '-')
            hex[n++] = text.p[i];
    if (str_unhex(str_of(hex, n), id, sizeof(id)))
        memcpy(out, id, sizeof(id));
}

int store_open(int dir, struct store **ret, struct err *e)
{
    AUTOFD blobs = file_open_dir_at(dir, "blobs", true, e);
    if (blobs < 0)
        return -1;
    AUTOFD objects = file_open_dir_at(blobs, "sha256", true, e);
    if (objects < 0)
        return -1;
    AUTOFD uploads = file_open_dir_at(dir, "uploads", true, e);
    if (uploads < 0)
        return -1;
    AUTOFD trash = file_open_dir_at(dir, "trash", true, e);
    if (trash < 0)
        return -1;
    struct store *s = NEW(struct store);
    s->dir = dir;
    s->objects = TAKE_FD(objects);
    s->uploads = TAKE_FD(uploads);
    s->trash = TAKE_FD(trash);
    read_boot_id(s->boot);
    BUG_ON(pthread_mutex_init(&s->lock, NULL) != 0);
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < STORE_TABLE_SIZE; i++)
        while (s->open[i]) { /* only ids that must not be used again are left */
            struct store_upload *u = s->open[i];
            BUG_ON(!u->failed);
            s->open[i] = u->next;
            mem_free(u);
        }
    (void)pthread_mutex_destroy(&s->lock);
    (void)close(s->objects);
    (void)close(s->uploads);
    (void)close(s->trash);
    mem_free(s);
}

void store_object_path(const struct digest *object, char out[STORE_PATH_MAX])
{
    BUG_ON(object->alg != DIGEST_SHA256);
    const char *hex = digest_hex(object);
    int n = snprintf(out, STORE_PATH_MAX, "%.2s/%s", hex, hex);
    BUG_ON(n < 0 || n >= STORE_PATH_MAX);
}

/* Makes the directory's entry in its parent durable once per run: a shard found in place may have
 * been made just before a crash. */
static int shard_ensure(struct store *s, const char *name, struct err *e)
{
    uint8_t index;
    BUG_ON(!str_unhex(str_of(name, 2), &index, 1));
    _Atomic uint64_t *word = &s->shards_known[index / 64];
    uint64_t bit = 1ull << (index % 64);
    if (atomic_load_explicit(word, memory_order_acquire) & bit)
        return 0;
    if (sys->mkdirat(s->objects, name, DIR_MODE) < 0 && errno != EEXIST)
        return ERR_SYS(e, "cannot make the directory blobs/sha256/%s", name);
    if (file_sync_dir(s->objects, e) < 0)
        return -1;
    atomic_fetch_or_explicit(word, bit, memory_order_release);
    return 0;
}

int store_shard_open(struct store *s, const struct digest *object, struct err *e)
{
    char name[3] = {digest_hex(object)[0], digest_hex(object)[1], '\0'};
    if (shard_ensure(s, name, e) < 0)
        return -1;
    return file_open_at(s->objects, name, O_RDONLY | O_DIRECTORY, 0, e);
}

int store_object_open(struct store *s, const struct digest *object, int *ret_fd, uint64_t *ret_size,
                      struct err *e)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    store_object_path(object, path);
    AUTOFD fd = sys->openat(s->objects, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot open the object %s", path);
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot stat the object %s", path);
    if (!S_ISREG(st.st_mode))
        return ERR(e, CORRUPT, "the object %s is not a file", path);
    *ret_fd = TAKE_FD(fd);
    *ret_size = (uint64_t)st.st_size;
    return 1;
}

int store_object_remove(struct store *s, const struct digest *object, struct err *e)
{
    char path[STORE_PATH_MAX];
    store_object_path(object, path);
    /* Not synced: an object that comes back after a power loss is only a little waste. */
    if (sys->unlinkat(s->objects, path, 0) < 0 && errno != ENOENT)
        return ERR_SYS(e, "cannot remove the object %s", path);
    return 0;
}

typedef int each_fn(void *p, const struct digest *object, uint64_t size, struct err *e);

struct shard {
    const char *name;
    each_fn *fn;
    void *p;
};

/* What is not an object of this shard is passed over. */
static int each_entry(void *p, int folder, const char *name, struct err *e)
{
    const struct shard *s = p;
    uint8_t raw[DIGEST_RAW_MAX];
    struct digest d;
    struct stat st;
    size_t size = digest_alg_size(DIGEST_SHA256);
    if (strncmp(name, s->name, 2) != 0 || !str_unhex(str_from(name), raw, size))
        return 0;
    if (sys->fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot stat the object %s/%s", s->name, name);
    if (!S_ISREG(st.st_mode))
        return 0;
    digest_from_raw(DIGEST_SHA256, raw, &d);
    return s->fn(s->p, &d, (uint64_t)st.st_size, e);
}

int store_object_each(struct store *s,
                      int (*fn)(void *p, const struct digest *object, uint64_t size, struct err *e),
                      void *p, struct err *e)
{
    for (unsigned i = 0; i < STORE_SHARDS; i++) {
        uint8_t byte = (uint8_t)i;
        char name[3];
        str_hex(&byte, 1, name);
        struct shard shard = {.name = name, .fn = fn, .p = p};
        if (file_each_at(s->objects, name, each_entry, &shard, e) < 0)
            return -1;
    }
    return 0;
}
