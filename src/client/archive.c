/* SPDX-License-Identifier: Apache-2.0 */
#include "client/archive.h"

#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>

void archive_init(struct archive *a, const struct tar_plan *plan, const struct local_files *l)
{
    *a = (struct archive){.plan = plan, .l = l, .fd = -1};
}

void archive_autodone(struct archive *a)
{
    mem_autoclose(&a->fd);
}

int archive_check(void *self, struct err *e)
{
    const struct archive *a = self;
    return a->fd < 0 ? 0 : local_files_unchanged(a->l, a->file, a->fd, e);
}

/* The file from which bytes are wanted is the open one afterwards. */
static int turn_to(struct archive *a, size_t file, struct err *e)
{
    if (a->fd >= 0 && a->file == file)
        return 0;
    if (archive_check(a, e) < 0)
        return -1;
    mem_autoclose(&a->fd);
    a->fd = local_files_open(a->l, file, e);
    a->file = file;
    if (a->fd < 0)
        return -1;
    (void)posix_fadvise(a->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return 0;
}

int archive_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    struct archive *a = self;
    const struct tar_piece piece = tar_plan_at(a->plan, at, n);
    if (!piece.member) {
        memcpy(p, piece.bytes, (size_t)piece.n);
        *ret_n = (size_t)piece.n;
        return 0;
    }
    const struct str *known = &a->l->local[piece.member->file].content;
    if (known->p) {
        memcpy(p, known->p + piece.from, (size_t)piece.n);
        *ret_n = (size_t)piece.n;
        return 0;
    }
    if (turn_to(a, piece.member->file, e) < 0)
        return -1;
    return local_files_read(a->l, a->file, a->fd, piece.from, p, (size_t)piece.n, ret_n, e);
}
