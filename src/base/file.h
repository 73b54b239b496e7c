/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: descriptors, whole files and directories, always relative to a directory descriptor where
 * a path is made from data. All opens are O_CLOEXEC, and O_NOFOLLOW unless dir is AT_FDCWD: what
 * the operator names may be a symbolic link (a certificate, a data directory on another disk).
 * Errors are IO / NO_SPACE.
 */
#ifndef HAVEN_BASE_FILE_H
#define HAVEN_BASE_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* Returns a descriptor or -1; the message names the path. mode counts when O_CREAT is in flags. */
int file_open_at(int dir, const char *path, int flags, mode_t mode, struct err *e);
/* Creates the directory if it is missing (mode 0750 by default) and opens it; durable: the parent
 * is synced when it was made. */
int file_open_dir_at(int dir, const char *path, bool create, struct err *e);
int file_write_all(int fd, const void *p, size_t n, struct err *e);
int file_pwrite_all(int fd, const void *p, size_t n, uint64_t at, struct err *e);
/* Exactly n bytes, else an error (CORRUPT when the file ends early). */
int file_pread_all(int fd, void *p, size_t n, uint64_t at, struct err *e);
/* A whole file of at most max bytes appended to out. 0 not found, 1 read, -1 error (LIMIT when it
 * is larger, or does not fit into out). */
int file_read_at(int dir, const char *path, size_t max, struct buf *out, struct err *e);
/* Old or new content, never a mixture: temporary file, data synced, renamed, directory synced. A
 * crash may leave the temporary file (PATH.RANDOM.tmp) behind; nobody reads it. */
int file_replace_at(int dir, const char *path, mode_t mode, struct str content, struct err *e);
int file_sync(int fd, struct err *e);                         /* fdatasync */
int file_sync_dir(int dirfd, struct err *e);                  /* fsync */
int file_unlink_at(int dir, const char *path, struct err *e); /* absent is success */
/* Calls fn for each entry of a directory (not for "." and ".."): 0 goes on, 1 ends it with 1, -1
 * with an error. folder: the directory, open. A directory that is not there has no entries. */
typedef int file_entry_fn(void *p, int folder, const char *name, struct err *e);
int file_each_at(int dir, const char *path, file_entry_fn *fn, void *p, struct err *e);
/* Bytes free for ordinary users on the file system of fd. */
int file_space(int fd, uint64_t *ret_free, struct err *e);

#endif
