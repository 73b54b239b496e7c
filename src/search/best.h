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

/*
 * A page far behind among very many: they are offered twice. The first time some are taken by
 * chance, and tell between which two the page lies, very likely; the second time those between are
 * gathered, and those before counted. So little memory is taken, whatever page is asked for.
 */
struct best_far {
    struct best_item *sample, *v; /* in an arena */
    size_t n_sample, room_sample;
    size_t n, room;            /* of v */
    struct best_item from, to; /* the page is not before `from` and not behind `to` */
    size_t before;             /* so many are */
    size_t first, last, many;  /* places of the page, and how many are offered */
    size_t skipped;            /* before the next that is taken */
    uint64_t chance;
    bool lost; /* it was not so, or there is no room */
};
/* Is that worth the while? */
bool best_is_far(size_t last, size_t many);
int best_far_init(struct best_far *b, struct arena *a, size_t first, size_t last, size_t many,
                  struct err *e);
void best_far_sample(struct best_far *b, const struct best_item *v, size_t n); /* the first time */
void best_far_bound(struct best_far *b);                                       /* between both */
void best_far_offer(struct best_far *b, const struct best_item *v, size_t n);  /* the second time */
/* The page, in order; NULL: it has to be found otherwise. */
const struct best_item *best_far_page(struct best_far *b, size_t *ret_n);

#endif
