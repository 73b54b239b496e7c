/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last seconds of an object: a rename takes it from its place at once, however large it is, and
 * only then its blocks are freed, which may take long.
 */
#include "store/internal.h"

#include "base/file.h"
#include "base/sys.h"

#include <dirent.h>
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

static void dir_autoclose(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static DIR *open_trash(const struct store *s, struct err *e)
{
    int fd = sys->openat(s->trash, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        (void)ERR_SYS(e, "cannot open the directory trash");
        return NULL;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)ERR_SYS(e, "cannot read the directory trash");
        (void)close(fd);
    }
    return dir;
}

/* 1 an entry, 0 no more, -1. */
static int next_entry(DIR *dir, const char **ret, struct err *e)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(dir);
    } while (entry && entry->d_name[0] == '.');
    if (entry)
        *ret = entry->d_name;
    return entry ? 1 : errno ? ERR_SYS(e, "cannot read the directory trash") : 0;
}

int store_trash_any(struct store *s, struct err *e)
{
    __attribute__((cleanup(dir_autoclose))) DIR *dir = open_trash(s, e);
    const char *name;
    return dir ? next_entry(dir, &name, e) : -1;
}

int store_trash_empty(struct store *s, const atomic_bool *stop, uint64_t *ret_n,
                      uint64_t *ret_bytes, struct err *e)
{
    __attribute__((cleanup(dir_autoclose))) DIR *dir = open_trash(s, e);
    uint64_t n = 0, bytes = 0;
    const char *name;
    int more;

    if (!dir)
        return -1;
    while ((more = next_entry(dir, &name, e)) > 0 && !(stop && atomic_load(stop))) {
        struct stat st;
        /* Taken back or removed meanwhile: somebody else's business. */
        if (sys->fstatat(s->trash, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno != ENOENT)
                return ERR_SYS(e, "cannot stat trash/%s", name);
            continue;
        }
        if (sys->unlinkat(s->trash, name, 0) < 0) {
            if (errno != ENOENT)
                return ERR_SYS(e, "cannot remove trash/%s", name);
            continue;
        }
        n++;
        bytes += (uint64_t)st.st_size;
    }
    *ret_n = n;
    *ret_bytes = bytes;
    return more < 0 ? -1 : 0;
}

int store_sync(struct store *s, struct err *e)
{
    return sys->syncfs(s->objects) < 0 ? ERR_SYS(e, "cannot sync the store") : 0;
}
