/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"

#include <stdio.h>

/* openat is variadic in C's eyes. */
static int real_openat(int dir, const char *path, int flags, mode_t mode)
{
    return openat(dir, path, flags, mode);
}

const struct sys_calls sys_real = {
    .openat = real_openat,
    .write = write,
    .pwrite = pwrite,
    .pread = pread,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .syncfs = syncfs,
    .sync_file_range = sync_file_range,
    .ftruncate = ftruncate,
    .mkdirat = mkdirat,
    .renameat = renameat,
    .unlinkat = unlinkat,
    .fstatat = fstatat,
    .fstat = fstat,
    .fstatvfs = fstatvfs,
};

const struct sys_calls *sys = &sys_real;

void sys_use(const struct sys_calls *calls)
{
    sys = calls ? calls : &sys_real;
}
