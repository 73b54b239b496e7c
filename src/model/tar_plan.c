/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tar_plan.h"

#include "base/limits.h"
#include "model/tar.h"

#include <stdlib.h>

static int by_path(const void *va, const void *vb)
{
    const struct tar_member *a = va, *b = vb;
    return str_cmp(a->path, b->path);
}

/* The members with their headers, one behind the other. */
static int lay_out(struct arena *a, struct tar_plan *p, struct err *e)
{
    AUTO(buf) header = {0};
    buf_init(&header, TAR_HEADER_MAX);
    for (size_t i = 0; i < p->n; i++) {
        struct tar_member *m = &p->members[i];
        buf_reset(&header);
        tar_header_write(&header, m->path, m->size, m->mode);
        BUG_ON(!buf_ok(&header));
        char *copy = arena_try(a, header.n, e);
        if (!copy)
            return -1;
        memcpy(copy, header.p, header.n);
        m->header = str_of(copy, header.n);
        m->header_at = p->size;
        m->content_at = p->size + header.n;
        if (m->size > LIMIT_BLOB || m->content_at + m->size + TAR_BLOCK > LIMIT_BLOB)
            return ERR(e, LIMIT, "the archive with \"%.*s\" would be larger than a layer may be",
                       S(str_head(m->path, 200)));
        p->size = m->content_at + m->size + tar_padding(m->size);
    }
    return 0;
}

int tar_plan_make(struct arena *a, struct tar_member *members, size_t n, struct tar_plan *ret,
                  struct err *e)
{
    struct tar_plan p = {.members = members, .n = n};
    if (n)
        qsort(members, n, sizeof(*members), by_path);
    if (lay_out(a, &p, e) < 0)
        return -1;
    p.size += TAR_END_BYTES;
    if (p.size > LIMIT_BLOB)
        return ERR(e, LIMIT, "the archive would be larger than a layer may be");
    *ret = p;
    return 0;
}

/* The last member whose header does not stand behind at. */
static const struct tar_member *member_at(const struct tar_plan *plan, uint64_t at)
{
    size_t low = 0, high = plan->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->members[middle].header_at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &plan->members[low - 1] : NULL;
}

struct tar_piece tar_plan_at(const struct tar_plan *plan, uint64_t at, uint64_t max)
{
    static const char zeros[TAR_END_BYTES + TAR_BLOCK];
    const struct tar_member *m = member_at(plan, at);
    struct tar_piece piece = {.bytes = zeros};

    BUG_ON(at >= plan->size || max == 0);
    if (m && at < m->content_at) {
        piece.bytes = m->header.p + (at - m->header_at);
        piece.n = m->content_at - at;
    } else if (m && at - m->content_at < m->size) {
        piece.bytes = NULL;
        piece.member = m;
        piece.from = at - m->content_at;
        piece.n = m->size - piece.from;
    } else {
        bool last = !m || m == &plan->members[plan->n - 1];
        uint64_t end = last ? plan->size : m[1].header_at;
        /* Padding of one block at most, and behind the last member the end. */
        piece.n = end - at;
    }
    piece.n = MIN_OF(piece.n, max);
    return piece;
}
