/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/random.h"
#include "base/sys.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>

enum { DIR_MODE = 0750, READ_STEP = 16384, TMP_RANDOM = 12 };

static int open_raw(int dir, const char *path, int flags, mode_t mode)
{
    int fd;
    flags |= O_CLOEXEC | (dir == AT_FDCWD ? 0 : O_NOFOLLOW);
    do
        fd = sys->openat(dir, path, flags, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int file_open_at(int dir, const char *path, int flags, mode_t mode, struct err *e)
{
    int fd = open_raw(dir, path, flags, mode);
    if (fd < 0)
        return ERR_SYS(e, "cannot open %s", path);
    return fd;
}

/* Syncs the directory in which path lies. */
static int sync_parent(int dir, const char *path, struct err *e)
{
    struct str s = str_from(path);
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    ptrdiff_t slash = str_rchr(s, '/');
    if (slash < 0 && dir != AT_FDCWD)
        return file_sync_dir(dir, e);
    AUTO_FREE char *parent = slash < 0 ? mem_strdup(".") : mem_strndup(path, (size_t)slash + 1);
    AUTOFD fd = file_open_at(dir, parent, O_RDONLY | O_DIRECTORY, 0, e);
    if (fd < 0)
        return -1;
    return file_sync_dir(fd, e);
}

int file_open_dir_at(int dir, const char *path, bool create, struct err *e)
{
    int fd = open_raw(dir, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && errno == ENOENT && create) {
        /* Somebody else may make it at the same moment: that is as good. */
        if (sys->mkdirat(dir, path, DIR_MODE) < 0 && errno != EEXIST)
            return ERR_SYS(e, "cannot create the directory %s", path);
        if (sync_parent(dir, path, e) < 0)
            return -1;
        fd = open_raw(dir, path, O_RDONLY | O_DIRECTORY, 0);
    }
    if (fd < 0)
        return ERR_SYS(e, "cannot open the directory %s", path);
    return fd;
}

/* What a call that transfers bytes said: 1 go on, 0 try again, -1 error. */
static int progress(ssize_t done, const char *what, struct err *e)
{
    if (done > 0)
        return 1;
    if (done < 0 && errno == EINTR)
        return 0;
    if (done == 0)
        errno = EIO; /* a write of some bytes that writes none would never end */
    return ERR_SYS(e, "cannot %s", what);
}

int file_write_all(int fd, const void *p, size_t n, struct err *e)
{
    const char *at = p;
    while (n) {
        ssize_t done = sys->write(fd, at, n);
        int go = progress(done, "write", e);
        if (go < 0)
            return -1;
        if (go > 0) {
            at += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

int file_pwrite_all(int fd, const void *p, size_t n, uint64_t at, struct err *e)
{
    const char *from = p;
    if (at > INT64_MAX || n > (uint64_t)INT64_MAX - at)
        return ERR(e, IO, "cannot write: the position %" PRIu64 " is too large", at);
    while (n) {
        ssize_t done = sys->pwrite(fd, from, n, (off_t)at);
        int go = progress(done, "write", e);
        if (go < 0)
            return -1;
        if (go > 0) {
            from += done;
            n -= (size_t)done;
            at += (uint64_t)done;
        }
    }
    return 0;
}

int file_pread_all(int fd, void *p, size_t n, uint64_t at, struct err *e)
{
    char *to = p;
    if (at > INT64_MAX || n > (uint64_t)INT64_MAX - at)
        return ERR(e, IO, "cannot read: the position %" PRIu64 " is too large", at);
    while (n) {
        ssize_t got = sys->pread(fd, to, n, (off_t)at);
        if (got == 0)
            return ERR(e, CORRUPT, "the file ends at %" PRIu64 ", %zu bytes early", at, n);
        int go = progress(got, "read", e);
        if (go < 0)
            return -1;
        if (go > 0) {
            to += got;
            n -= (size_t)got;
            at += (uint64_t)got;
        }
    }
    return 0;
}

/* Not pread: the operator may name a pipe. */
static int read_fd(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
    char piece[READ_STEP];
    size_t sum = 0;
    for (;;) {
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got == 0)
            return 1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_SYS(e, "cannot read %s", path);
        sum += (size_t)got;
        if (sum <= max)
            buf_add(out, piece, (size_t)got);
        if (sum > max || !buf_ok(out))
            return ERR(e, LIMIT, "%s is larger than %zu bytes", path, MIN_OF(max, out->max));
    }
}

int file_read_at(int dir, const char *path, size_t max, struct buf *out, struct err *e)
{
    AUTOFD fd = open_raw(dir, path, O_RDONLY, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot open %s", path);
    size_t before = out->n;
    int rc = read_fd(fd, path, max, out, e);
    if (rc < 0)
        buf_cut(out, before);
    return rc;
}

/* The temporary file, complete and on the disk. */
static int write_tmp(int dir, const char *tmp, mode_t mode, struct str content, struct err *e)
{
    AUTOFD fd = file_open_at(dir, tmp, O_WRONLY | O_CREAT | O_EXCL, mode, e);
    if (fd < 0)
        return -1;
    if (file_write_all(fd, content.p, content.n, e) < 0 || file_sync(fd, e) < 0) {
        (void)sys->unlinkat(dir, tmp, 0);
        return err_wrap(e, "%s", tmp);
    }
    return 0;
}

int file_replace_at(int dir, const char *path, mode_t mode, struct str content, struct err *e)
{
    char tail[TMP_RANDOM + 1];
    random_alnum(tail, TMP_RANDOM);
    AUTO_FREE char *tmp = mem_printf("%s.%s.tmp", path, tail);
    if (write_tmp(dir, tmp, mode, content, e) < 0)
        return -1;
    if (sys->renameat(dir, tmp, dir, path) < 0) {
        int rc = ERR_SYS(e, "cannot rename %s to %s", tmp, path);
        (void)sys->unlinkat(dir, tmp, 0);
        return rc;
    }
    return sync_parent(dir, path, e);
}

int file_sync(int fd, struct err *e)
{
    int rc;
    do
        rc = sys->fdatasync(fd);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return ERR_SYS(e, "cannot sync a file");
    return 0;
}

int file_sync_dir(int dirfd, struct err *e)
{
    int rc;
    do
        rc = sys->fsync(dirfd);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return ERR_SYS(e, "cannot sync a directory");
    return 0;
}

int file_unlink_at(int dir, const char *path, struct err *e)
{
    if (sys->unlinkat(dir, path, 0) < 0 && errno != ENOENT)
        return ERR_SYS(e, "cannot remove %s", path);
    return 0;
}

static void dir_autoclose(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

int file_each_at(int dir, const char *path, file_entry_fn *fn, void *p, struct err *e)
{
    int fd = sys->openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot open the directory %s", path);
    __attribute__((cleanup(dir_autoclose))) DIR *d = fdopendir(fd);
    if (!d) {
        (void)ERR_SYS(e, "cannot read the directory %s", path);
        (void)close(fd);
        return -1;
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(d);
        if (!entry)
            return errno ? ERR_SYS(e, "cannot read the directory %s", path) : 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int rc = fn(p, fd, entry->d_name, e);
        if (rc)
            return rc;
    }
}

int file_space(int fd, uint64_t *ret_free, struct err *e)
{
    struct statvfs st;
    int rc;
    do
        rc = sys->fstatvfs(fd, &st);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return ERR_SYS(e, "cannot ask for the free space");
    uint64_t bytes;
    if (__builtin_mul_overflow((uint64_t)st.f_bavail, (uint64_t)st.f_frsize, &bytes))
        bytes = UINT64_MAX;
    *ret_free = bytes;
    return 0;
}
