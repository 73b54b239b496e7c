/* SPDX-License-Identifier: Apache-2.0 */
#include "client/place.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>

#define COPY_STEP (1 * MIB)

void place_autodone(struct place *p)
{
    mem_autoclose(&p->root);
    mem_autoclose(&p->partial);
    mem_free(p->full);
    p->full = NULL;
}

/* Every missing directory of a path of the user's own. */
static int make_dirs(const char *dir, struct err *e)
{
    AUTO_FREE char *path = mem_strdup(dir);
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (sys->mkdirat(AT_FDCWD, path, 0777) < 0 && errno != EEXIST)
            return ERR_SYS(e, "cannot create the directory %s", path);
        *p = '/';
    }
    if (sys->mkdirat(AT_FDCWD, path, 0777) < 0 && errno != EEXIST)
        return ERR_SYS(e, "cannot create the directory %s", path);
    return 0;
}

/* A directory inside the root, made if missing, never through a link. */
static int enter(int at, const char *name, const char *shown, struct err *e)
{
    if (sys->mkdirat(at, name, 0777) == 0) {
        if (file_sync_dir(at, e) < 0)
            return -1;
    } else if (errno != EEXIST) {
        return ERR_SYS(e, "cannot create the directory %s", shown);
    }
    int fd = sys->openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return ERR(e, MODEL_INVALID, "%s: \"%s\" is there already and is not a directory", shown,
                   name);
    if (fd < 0)
        return ERR_SYS(e, "cannot open the directory %s", shown);
    return fd;
}

static int is_content(void *p, int folder, const char *name, struct err *e)
{
    (void)p, (void)folder, (void)e;
    return strcmp(name, PLACE_PARTIAL) != 0;
}

/* When that cannot be told, it is not. */
static bool is_fresh(int root)
{
    return file_each_at(root, ".", is_content, NULL, NULL) == 0;
}

int place_open(const char *dir, struct place *ret, struct err *e)
{
    struct place p __attribute__((cleanup(place_autodone))) = {.root = -1, .partial = -1};

    if (!*dir)
        return ERR(e, USAGE, "the directory has no name");
    if (make_dirs(dir, e) < 0)
        return -1;
    p.root = file_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, e);
    if (p.root < 0)
        return -1;
    p.partial = enter(p.root, PLACE_PARTIAL, dir, e);
    if (p.partial < 0)
        return -1;
    p.fresh = is_fresh(p.root);
    if (flock(p.partial, LOCK_EX | LOCK_NB) != 0)
        return ERR(e, CONFLICT, "another pull into %s is under way", dir);
    p.full = realpath(dir, NULL);
    *ret = p;
    p = (struct place){.root = -1, .partial = -1};
    return 0;
}

bool place_finish(struct place *p)
{
    return sys->unlinkat(p->root, PLACE_PARTIAL, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/* The directory of path (a descriptor of its own) and the name in it. */
static int parent_of(const struct place *p, struct str path, bool create, char **ret_name,
                     struct err *e)
{
    struct str rest = path;
    AUTO_FREE char *shown = mem_strndup(path.p, path.n);
    AUTOFD at = fcntl(p->root, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return ERR_SYS(e, "cannot open the directory of %s", shown);
    for (;;) {
        struct str part = str_cut(&rest, '/');
        AUTO_FREE char *name = mem_strndup(part.p, part.n);
        if (!rest.p) {
            *ret_name = TAKE(name);
            return TAKE_FD(at);
        }
        int next = create
                       ? enter(at, name, shown, e)
                       : sys->openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (next < 0)
            return -1;
        mem_autoclose(&at);
        at = next;
    }
}

/* Hashes size bytes of an open file; false when it cannot be read or ends early. */
static bool hash_file(int fd, uint64_t size, enum digest_alg alg, struct digest *ret)
{
    struct hash h;
    AUTO_FREE char *piece = mem_alloc(COPY_STEP);
    hash_init(&h, alg);
    while (h.n < size) {
        uint64_t left = size - h.n;
        size_t n = left < COPY_STEP ? (size_t)left : COPY_STEP;
        if (file_pread_all(fd, piece, n, h.n, NULL) < 0)
            return false;
        hash_update(&h, piece, n);
    }
    hash_digest(&h, ret);
    return true;
}

int place_open_file(const struct place *p, struct str path)
{
    char *base = NULL;
    AUTOFD dir = parent_of(p, path, false, &base, NULL);
    if (dir < 0)
        return -1;
    AUTO_FREE char *name = base;
    return sys->openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The digest of what was just hashed is worth remembering if nobody wrote to it meanwhile. */
static void remember(const struct place *p, int fd, const struct stat *before,
                     const struct memo_id *id, const struct digest *there)
{
    struct stat st;
    if (sys->fstat(fd, &st) == 0 && st.st_size == before->st_size &&
        same_time(st.st_mtim, before->st_mtim) && same_time(st.st_ctim, before->st_ctim))
        memo_digest_keep(p->memo, id, there);
}

int place_has(const struct place *p, struct str path, uint64_t size, const struct digest *digest,
              struct err *e)
{
    struct stat st;
    struct memo_id id = {.settled = false};
    struct digest there;
    AUTOFD fd = place_open_file(p, path);

    /* What cannot be opened or read is as good as absent: it will be replaced, or that fails. */
    if (fd < 0)
        return 0;
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about %.*s", S(path));
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
        return 0;
    if (p->memo && p->full && size >= PLACE_REMEMBER_MIN) {
        AUTO_FREE char *full = mem_printf("%s/%.*s", p->full, S(path));
        memo_id_make(&st, full, &id);
    }
    if (id.settled && memo_digest_find(p->memo, &id, &there) && there.alg == digest->alg)
        return digest_eq(&there, digest);
    if (!hash_file(fd, size, digest->alg, &there))
        return 0;
    if (id.settled)
        remember(p, fd, &st, &id, &there);
    return digest_eq(&there, digest);
}

struct place_part place_part(const struct digest *d, const char *suffix)
{
    struct place_part part;
    int n = snprintf(part.name, sizeof(part.name), "%s-%s%s", digest_alg_name(d->alg),
                     digest_hex(d), suffix);
    BUG_ON(n < 0 || (size_t)n >= sizeof(part.name));
    return part;
}

struct place_part place_part_member(const struct digest *d, size_t i)
{
    char suffix[24];
    (void)snprintf(suffix, sizeof(suffix), ".%zu", i);
    return place_part(d, suffix);
}

int place_part_open(const struct place *p, const struct place_part *part, uint64_t *ret_size,
                    struct err *e)
{
    struct stat st;
    AUTOFD fd = file_open_at(p->partial, part->name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, e);
    if (fd < 0)
        return -1;
    if (sys->fstat(fd, &st) < 0)
        return ERR_SYS(e, "cannot ask about %s", part->name);
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return ERR(e, MODEL_INVALID, "%s/%s is not a file of ours", PLACE_PARTIAL, part->name);
    *ret_size = (uint64_t)st.st_size;
    return TAKE_FD(fd);
}

uint64_t place_part_size(const struct place *p, const struct place_part *part)
{
    struct stat st;
    if (sys->fstatat(p->partial, part->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    /* Pieces are not written in order: there are holes. */
    uint64_t held = (uint64_t)st.st_blocks * 512;
    return MIN_OF(held, (uint64_t)st.st_size);
}

int place_part_remove(const struct place *p, const struct place_part *part, struct err *e)
{
    return file_unlink_at(p->partial, part->name, e);
}

static int remove_part(void *p, int folder, const char *name, struct err *e)
{
    const char *base = p;
    size_t n = strlen(base);
    (void)e;
    if (strncmp(name, base, n) == 0 && (name[n] == '\0' || name[n] == '.'))
        (void)sys->unlinkat(folder, name, 0);
    return 0;
}

void place_part_remove_all(const struct place *p, const struct digest *d)
{
    struct place_part base = place_part(d, "");
    (void)file_each_at(p->partial, ".", remove_part, base.name, NULL);
}

static int put(const struct place *p, int fd, const struct place_part *part, struct str path,
               uint32_t mode, int64_t mtime_ms, bool durable, struct err *e)
{
    char *base = NULL;
    AUTOFD dir = parent_of(p, path, true, &base, e);
    if (dir < 0)
        return -1;
    AUTO_FREE char *name = base;
    if (fchmod(fd, mode & 0777) != 0)
        return ERR_SYS(e, "cannot set the mode of %.*s", S(path));
    if (mtime_ms) {
        const struct timespec times[2] = {
            {.tv_nsec = UTIME_OMIT},
            {.tv_sec = mtime_ms / 1000, .tv_nsec = (mtime_ms % 1000) * 1000000}};
        if (futimens(fd, times) != 0)
            return ERR_SYS(e, "cannot set the time of %.*s", S(path));
    }
    if (durable && file_sync(fd, e) < 0)
        return err_wrap(e, "%.*s", S(path));
    if (sys->renameat(p->partial, part->name, dir, name) < 0)
        return ERR_SYS(e, "cannot put %.*s into its place", S(path));
    return durable ? file_sync_dir(dir, e) : 0;
}

int place_put(const struct place *p, int fd, const struct place_part *part, struct str path,
              uint32_t mode, int64_t mtime_ms, struct err *e)
{
    return put(p, fd, part, path, mode, mtime_ms, true, e);
}

int place_put_later(const struct place *p, int fd, const struct place_part *part, struct str path,
                    uint32_t mode, int64_t mtime_ms, struct err *e)
{
    return put(p, fd, part, path, mode, mtime_ms, false, e);
}

int place_sync(const struct place *p, struct err *e)
{
    return sys->syncfs(p->root) < 0 ? ERR_SYS(e, "cannot write the files to the disk") : 0;
}

int place_link(const struct place *p, struct str path, const char *to, struct err *e)
{
    static const char temporary[] = "link";
    char *base = NULL;
    AUTOFD dir = parent_of(p, path, true, &base, e);
    if (dir < 0)
        return -1;
    AUTO_FREE char *name = base;
    if (file_unlink_at(p->partial, temporary, e) < 0)
        return -1;
    if (symlinkat(to, p->partial, temporary) != 0)
        return ERR_SYS(e, "cannot make the link %.*s", S(path));
    if (sys->renameat(p->partial, temporary, dir, name) < 0)
        return ERR_SYS(e, "cannot put %.*s into its place", S(path));
    return 0;
}

static int copy_bytes(int from, int to, uint64_t size, struct err *e)
{
    if (size == 0 || ioctl(to, FICLONE, from) == 0)
        return 0;
    AUTO_FREE char *piece = mem_alloc(COPY_STEP);
    for (uint64_t at = 0; at < size;) {
        size_t n = size - at < COPY_STEP ? (size_t)(size - at) : COPY_STEP;
        if (file_pread_all(from, piece, n, at, e) < 0 || file_pwrite_all(to, piece, n, at, e) < 0)
            return -1;
        at += n;
    }
    return 0;
}

int place_copy(const struct place *p, struct str from, uint64_t size, const struct place_part *part,
               struct err *e)
{
    uint64_t old;
    AUTOFD source = place_open_file(p, from);
    if (source < 0)
        return ERR_SYS(e, "cannot open %.*s", S(from));
    AUTOFD target = place_part_open(p, part, &old, e);
    if (target < 0)
        return -1;
    if (old && sys->ftruncate(target, 0) < 0)
        return ERR_SYS(e, "cannot empty a partial file");
    if (copy_bytes(source, target, size, e) < 0)
        return err_wrap(e, "copying %.*s", S(from));
    return 0;
}
