/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys: the system calls on which durability depends, through one table, so that a test can make the
 * n-th of them fail. Programs use the real table and never change it; tests set another one before
 * threads start. The functions behave as the calls of the same name (errno, EINTR, short counts).
 */
#ifndef HAVEN_BASE_SYS_H
#define HAVEN_BASE_SYS_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

struct sys_calls {
    int (*openat)(int dir, const char *path, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *p, size_t n);
    ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t at);
    ssize_t (*pread)(int fd, void *p, size_t n, off_t at);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*syncfs)(int fd);
    int (*sync_file_range)(int fd, off_t at, off_t n, unsigned flags);
    int (*ftruncate)(int fd, off_t n);
    int (*mkdirat)(int dir, const char *path, mode_t mode);
    int (*renameat)(int from_dir, const char *from, int to_dir, const char *to);
    int (*unlinkat)(int dir, const char *path, int flags);
    int (*fstatat)(int dir, const char *path, struct stat *ret, int flags);
    int (*fstat)(int fd, struct stat *ret);
    int (*fstatvfs)(int fd, struct statvfs *ret);
};

/* The kernel's own. */
extern const struct sys_calls sys_real;
/* The table in use: call sys->fsync(fd). */
extern const struct sys_calls *sys;

/* For tests: uses another table (borrowed) from now on; NULL gives the real one back. */
void sys_use(const struct sys_calls *calls);

#endif
