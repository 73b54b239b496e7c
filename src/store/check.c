/* SPDX-License-Identifier: Apache-2.0 */
/* What a check asks of the store: what lies where nothing should, and a place for what is wrong. */
#include "store/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <stdio.h>

#define QUARANTINE "quarantine"

static int64_t changed_ms(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000 + st->st_ctim.tv_nsec / 1000000;
}

int store_object_stat(struct store *s, const struct digest *object, struct store_found *ret,
                      struct err *e)
{
    char path[STORE_PATH_MAX];
    struct stat st;

    store_object_path(object, path);
    bool in_place = sys->fstatat(s->objects, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!in_place && (errno != ENOENT ||
                      sys->fstatat(s->trash, digest_hex(object), &st, AT_SYMLINK_NOFOLLOW) < 0))
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot stat the object %s", path);
    *ret = (struct store_found){.size = (uint64_t)st.st_size,
                                .changed_ms = changed_ms(&st),
                                .is_file = S_ISREG(st.st_mode),
                                .in_trash = !in_place};
    return 1;
}

/* ---- strays ---- */

struct walk {
    struct store *s;
    const char *path; /* of the directory, below the data directory */
    store_stray_fn *fn;
    void *p;
};

static int walk_dir(struct walk *w, const char *path, file_entry_fn *each, struct err *e)
{
    struct walk below = *w;
    below.path = path;
    return file_each_at(w->s->dir, path, each, &below, e);
}

static int tell(const struct walk *w, int dir, const char *name, const char *why, struct err *e)
{
    char path[STORE_STRAY_MAX], inside[STORE_STRAY_MAX];
    struct stat st, data;

    if (sys->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot stat %s/%s", w->path, name);
    int n = snprintf(path, sizeof(path), "%s/%s", w->path, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return ERR(e, LIMIT, "%s holds a name that is too long", w->path);
    int64_t changed = changed_ms(&st);
    /* An upload that just began has no state yet, and its directory is as old as the upload. */
    n = snprintf(inside, sizeof(inside), "%s/data", name);
    if (n > 0 && (size_t)n < sizeof(inside) &&
        sys->fstatat(dir, inside, &data, AT_SYMLINK_NOFOLLOW) == 0)
        changed = MAX_OF(changed, changed_ms(&data));
    return w->fn(w->p, path, changed, why, e);
}

static int shard_entry(void *p, int dir, const char *name, struct err *e)
{
    struct walk *w = p;
    uint8_t raw[DIGEST_RAW_MAX];
    struct stat st;
    const char *shard = w->path + strlen(w->path) - 2;

    if (strncmp(name, shard, 2) == 0 &&
        str_unhex(str_from(name), raw, digest_alg_size(DIGEST_SHA256)) &&
        sys->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
        return 0;
    return tell(w, dir, name, "it is no object of this directory", e);
}

static int object_entry(void *p, int dir, const char *name, struct err *e)
{
    struct walk *w = p;
    char below[STORE_PATH_MAX];
    uint8_t raw;
    struct stat st;

    if (!str_unhex(str_from(name), &raw, 1) ||
        sys->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
        return tell(w, dir, name, "it is no directory of objects", e);
    (void)snprintf(below, sizeof(below), "blobs/sha256/%s", name);
    return walk_dir(w, below, shard_entry, e);
}

static int blobs_entry(void *p, int dir, const char *name, struct err *e)
{
    struct walk *w = p;
    if (strcmp(name, "sha256") == 0)
        return walk_dir(w, "blobs/sha256", object_entry, e);
    return tell(w, dir, name, "no such algorithm names objects", e);
}

static int upload_entry(void *p, int dir, const char *name, struct err *e)
{
    struct walk *w = p;
    if (store_session_sound(w->s, name))
        return 0;
    return tell(w, dir, name, "it is no upload that can go on", e);
}

int store_stray_each(struct store *s, store_stray_fn *fn, void *p, struct err *e)
{
    struct walk w = {.s = s, .fn = fn, .p = p};

    if (walk_dir(&w, "blobs", blobs_entry, e) < 0)
        return -1;
    return walk_dir(&w, "uploads", upload_entry, e);
}

/* ---- quarantine ---- */

int store_quarantine(struct store *s, const char *path, struct err *e)
{
    char to[STORE_STRAY_MAX];
    const char *slash = strrchr(path, '/');

    AUTOFD dir = file_open_dir_at(s->dir, QUARANTINE, true, e);
    if (dir < 0)
        return -1;
    /* The same name may come twice, and none is written over. */
    int n =
        snprintf(to, sizeof(to), "%s.%lld", slash ? slash + 1 : path, (long long)clock_now_ms());
    if (n < 0 || (size_t)n >= sizeof(to))
        return ERR(e, LIMIT, "%s is too long for a name", path);
    if (sys->renameat(s->dir, path, dir, to) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot move %s to %s", path, QUARANTINE);
    return file_sync_dir(dir, e) < 0 ? -1 : 1;
}

int store_object_quarantine(struct store *s, const struct digest *object, struct err *e)
{
    char path[STORE_PATH_MAX], below[STORE_PATH_MAX + 16];

    store_object_path(object, path);
    (void)snprintf(below, sizeof(below), "blobs/sha256/%s", path);
    return store_quarantine(s, below, e);
}
