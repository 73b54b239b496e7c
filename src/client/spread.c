/* SPDX-License-Identifier: Apache-2.0 */
#include "client/spread.h"

#include "base/file.h"
#include "base/limits.h"

#define COMPARE_STEP (16 * KIB)

void spread_cursor_autodone(struct spread_cursor *c)
{
    mem_autoclose(&c->fd);
}

/* The extent that holds position `at`. */
static size_t find(const struct spread *l, uint64_t at)
{
    size_t low = 0, high = l->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (l->extents[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int use_file(const struct spread *l, struct spread_cursor *c, uint32_t file, struct err *e)
{
    uint64_t ignored;
    if (c->fd >= 0 && c->file == file)
        return 0;
    mem_autoclose(&c->fd);
    const struct place_part part = place_part_member(l->digest, file);
    c->fd = place_part_open(l->place, &part, &ignored, e);
    c->file = file;
    return c->fd < 0 ? -1 : 0;
}

static int compare(const struct spread *l, const char *p, size_t n, uint64_t off, struct err *e)
{
    char there[COMPARE_STEP];
    while (n) {
        size_t step = MIN_OF(n, sizeof(there));
        if (file_pread_all(l->head, there, step, off, e) < 0)
            return -1;
        if (memcmp(there, p, step) != 0)
            return ERR(e, REMOTE, "the registry sends the same bytes in two ways");
        p += step;
        off += step;
        n -= step;
    }
    return 0;
}

int spread_write(const struct spread *l, struct spread_cursor *c, const void *p, size_t n,
                 uint64_t at, struct err *e)
{
    const char *from = p;
    if (l->fd >= 0)
        return file_pwrite_all(l->fd, p, n, at, e);
    for (size_t i = find(l, at); n; i++) {
        const struct spread_extent *x = &l->extents[i];
        uint64_t room = x->n - (at - x->at), off = x->off + (at - x->at);
        size_t step = room < n ? (size_t)room : n;
        int rc = 0;
        if (x->file == SPREAD_HEAD)
            rc = compare(l, from, step, off, e);
        else if (x->file != SPREAD_NONE)
            rc = use_file(l, c, x->file, e) < 0 ? -1 : file_pwrite_all(c->fd, from, step, off, e);
        if (rc < 0)
            return -1;
        from += step;
        at += step;
        n -= step;
    }
    return 0;
}

int spread_read(const struct spread *l, struct spread_cursor *c, void *p, size_t n, uint64_t at,
                struct err *e)
{
    char *to = p;
    if (l->fd >= 0)
        return file_pread_all(l->fd, p, n, at, e);
    for (size_t i = find(l, at); n; i++) {
        const struct spread_extent *x = &l->extents[i];
        uint64_t room = x->n - (at - x->at), off = x->off + (at - x->at);
        size_t step = room < n ? (size_t)room : n;
        BUG_ON(x->file == SPREAD_NONE);
        if (x->file != SPREAD_HEAD && use_file(l, c, x->file, e) < 0)
            return -1;
        if (file_pread_all(x->file == SPREAD_HEAD ? l->head : c->fd, to, step, off, e) < 0)
            return -1;
        to += step;
        at += step;
        n -= step;
    }
    return 0;
}

bool spread_keeps(const struct spread *l, uint64_t at, uint64_t end)
{
    if (l->fd >= 0 || !l->gaps)
        return true;
    for (size_t i = find(l, at); i < l->n && l->extents[i].at < end; i++)
        if (l->extents[i].file == SPREAD_NONE && l->extents[i].n)
            return false;
    return true;
}
