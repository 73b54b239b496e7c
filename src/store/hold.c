/* SPDX-License-Identifier: Apache-2.0 */
#include "store/hold.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/file.h>

static int lock_file(int dir, const char *name, int how, int *ret_fd, struct err *e)
{
    int rc;
    AUTOFD fd = file_open_at(dir, name, O_RDWR | O_CREAT, 0600, e);
    if (fd < 0)
        return -1;
    do
        rc = flock(fd, how);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return errno == EWOULDBLOCK ? 0 : ERR_SYS(e, "locking %s", name);
    *ret_fd = TAKE_FD(fd);
    return 1;
}

int store_hold_keep(int dir, int *ret_fd, struct err *e)
{
    return lock_file(dir, STORE_HOLD_FILE, LOCK_SH, ret_fd, e) < 0 ? -1 : 0;
}

int store_hold_remove(int dir, int *ret_fd, struct err *e)
{
    return lock_file(dir, STORE_HOLD_FILE, LOCK_EX | LOCK_NB, ret_fd, e);
}

int store_hold_collection(int dir, int *ret_fd, struct err *e)
{
    return lock_file(dir, "collection", LOCK_EX | LOCK_NB, ret_fd, e);
}
