/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that fail on demand: the n-th of some kinds, or all from the n-th on. */
#ifndef HAVEN_TESTS_FAULTS_H
#define HAVEN_TESTS_FAULTS_H

#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>

enum kind {
    K_OPENAT = 1,
    K_PWRITE = 2,
    K_PREAD = 4,
    K_FDATASYNC = 8,
    K_FSYNC = 16,
    K_RANGE = 32,
    K_FTRUNCATE = 64,
    K_MKDIRAT = 128,
    K_RENAMEAT = 256,
    K_UNLINKAT = 512,
    K_STAT = 1024,
    K_ALL = 2047,
    K_SQL = 2048, /* test_registry_faults.c */
};

static unsigned fault_kinds; /* these calls are counted */
static long fault_at;        /* the one that fails, counted from 1; 0: none */
static bool fault_on;        /* that one and all after it */
static int fault_errno;
static long calls;
static bool hit;
static size_t short_writes; /* at most so many bytes in one pwrite; 0: any number */
static unsigned interrupts; /* every so-manieth pwrite is interrupted; 0: none */

static inline bool fails(enum kind k)
{
    if (!(fault_kinds & k))
        return false;
    calls++;
    if (fault_at == 0 || calls < fault_at || (calls > fault_at && !fault_on))
        return false;
    hit = true;
    errno = fault_errno;
    return true;
}

static int t_openat(int dir, const char *path, int flags, mode_t mode)
{
    return fails(K_OPENAT) ? -1 : sys_real.openat(dir, path, flags, mode);
}
static ssize_t t_pwrite(int fd, const void *p, size_t n, off_t at)
{
    static unsigned count;
    if (interrupts && ++count % interrupts == 0) {
        errno = EINTR;
        return -1;
    }
    if (fails(K_PWRITE)) { /* a part may have been written before */
        ssize_t ignored = sys_real.pwrite(fd, p, n / 2, at);
        (void)ignored;
        errno = fault_errno;
        return -1;
    }
    return sys_real.pwrite(fd, p, short_writes ? MIN_OF(n, short_writes) : n, at);
}
static ssize_t t_pread(int fd, void *p, size_t n, off_t at)
{
    return fails(K_PREAD) ? -1 : sys_real.pread(fd, p, n, at);
}
static int t_fdatasync(int fd)
{
    return fails(K_FDATASYNC) ? -1 : sys_real.fdatasync(fd);
}
static int t_fsync(int fd)
{
    return fails(K_FSYNC) ? -1 : sys_real.fsync(fd);
}
static int t_syncfs(int fd)
{
    return fails(K_FSYNC) ? -1 : sys_real.syncfs(fd);
}
static int t_range(int fd, off_t at, off_t n, unsigned flags)
{
    return fails(K_RANGE) ? -1 : sys_real.sync_file_range(fd, at, n, flags);
}
static int t_ftruncate(int fd, off_t n)
{
    return fails(K_FTRUNCATE) ? -1 : sys_real.ftruncate(fd, n);
}
static int t_mkdirat(int dir, const char *path, mode_t mode)
{
    return fails(K_MKDIRAT) ? -1 : sys_real.mkdirat(dir, path, mode);
}
static int t_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return fails(K_RENAMEAT) ? -1 : sys_real.renameat(from_dir, from, to_dir, to);
}
static int t_unlinkat(int dir, const char *path, int flags)
{
    return fails(K_UNLINKAT) ? -1 : sys_real.unlinkat(dir, path, flags);
}
static int t_fstatat(int dir, const char *path, struct stat *ret, int flags)
{
    return fails(K_STAT) ? -1 : sys_real.fstatat(dir, path, ret, flags);
}
static int t_fstat(int fd, struct stat *ret)
{
    return fails(K_STAT) ? -1 : sys_real.fstat(fd, ret);
}

static inline void faults(unsigned kinds, long at, int number, bool on)
{
    static struct sys_calls table;
    table = sys_real;
    table.openat = t_openat;
    table.pwrite = t_pwrite;
    table.pread = t_pread;
    table.fdatasync = t_fdatasync;
    table.fsync = t_fsync;
    table.syncfs = t_syncfs;
    table.sync_file_range = t_range;
    table.ftruncate = t_ftruncate;
    table.mkdirat = t_mkdirat;
    table.renameat = t_renameat;
    table.unlinkat = t_unlinkat;
    table.fstatat = t_fstatat;
    table.fstat = t_fstat;
    fault_kinds = kinds;
    fault_at = at;
    fault_errno = number;
    fault_on = on;
    calls = 0;
    hit = false;
    sys_use(&table);
}

static inline void no_faults(void)
{
    sys_use(NULL);
    short_writes = 0;
    interrupts = 0;
}

#endif
