/* SPDX-License-Identifier: Apache-2.0 */
/*
 * best: the best of many, in linear time: as soon as there is no room for more, those that cannot
 * be among the best leave. Not for other directories.
 */
#ifndef HAVEN_SEARCH_BEST_H
#define HAVEN_SEARCH_BEST_H

#include "base/arena.h"

struct best_item {
    int64_t key, id; /* the larger the key, the better; then the larger id. All are different */
};
struct best {
    struct best_item *v; /* in an arena */
    size_t n, room;
    size_t wanted;
    bool full; /* what is not better than this is not among the best: */
    struct best_item worst;
    uint64_t chance; /* where the next pivot lies */
};

/* Of `many` that will be offered, the best `wanted`. */
int best_init(struct best *b, struct arena *a, size_t wanted, size_t many, struct err *e);

static inline bool best_is_worse(struct best_item a, struct best_item b)
{
    return a.key != b.key ? a.key < b.key : a.id < b.id;
}

void best_add(struct best *b, struct best_item item);
static inline void best_offer(struct best *b, struct best_item item)
{
    if (!b->full || best_is_worse(b->worst, item))
        best_add(b, item);
}

/* n is wanted, or fewer; v from `sorted` on is in order, and all before it are better. */
void best_settle(struct best *b, size_t sorted);

#endif
