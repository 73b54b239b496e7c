/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last seconds of an object: a rename takes it from its place at once, however large it is, and
 * only then its blocks are freed, which may take long.
 */
#include "store/internal.h"

#include "base/file.h"
#include "base/sys.h"

#include <errno.h>

int store_object_discard(struct store *s, const struct digest *object, struct err *e)
{
    char path[STORE_PATH_MAX];
    store_object_path(object, path);
    if (sys->renameat(s->objects, path, s->trash, digest_hex(object)) == 0)
        return 1;
    return errno == ENOENT ? 0 : ERR_SYS(e, "cannot move the object %s to the trash", path);
}

int store_object_keep(struct store *s, const struct digest *object, struct err *e)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    store_object_path(object, path);
    if (sys->fstatat(s->objects, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    if (errno != ENOENT)
        return ERR_SYS(e, "cannot stat the object %s", path);
    AUTOFD shard = store_shard_open(s, object, e);
    if (shard < 0)
        return -1;
    if (sys->renameat(s->trash, digest_hex(object), s->objects, path) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot take the object %s back", path);
    return file_sync_dir(shard, e) < 0 ? -1 : 1;
}

static int is_entry(void *p, int trash, const char *name, struct err *e)
{
    (void)p, (void)trash, (void)name, (void)e;
    return 1;
}

int store_trash_any(struct store *s, struct err *e)
{
    return file_each_at(s->trash, ".", is_entry, NULL, e);
}

struct emptying {
    const atomic_bool *stop;
    uint64_t n, bytes;
};

static int remove_entry(void *p, int trash, const char *name, struct err *e)
{
    struct emptying *x = p;
    struct stat st;
    if (x->stop && atomic_load(x->stop))
        return 1;
    /* Taken back or removed meanwhile: somebody else's business. */
    if (sys->fstatat(trash, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot stat trash/%s", name);
    if (sys->unlinkat(trash, name, 0) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot remove trash/%s", name);
    x->n++;
    x->bytes += (uint64_t)st.st_size;
    return 0;
}

int store_trash_empty(struct store *s, const atomic_bool *stop, uint64_t *ret_n,
                      uint64_t *ret_bytes, struct err *e)
{
    struct emptying x = {.stop = stop};
    if (file_each_at(s->trash, ".", remove_entry, &x, e) < 0)
        return -1;
    *ret_n = x.n;
    *ret_bytes = x.bytes;
    return 0;
}

int store_sync(struct store *s, struct err *e)
{
    return sys->syncfs(s->objects) < 0 ? ERR_SYS(e, "cannot sync the store") : 0;
}
