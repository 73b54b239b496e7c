/* SPDX-License-Identifier: Apache-2.0 */
#include "search/best.h"

#include "base/mem.h"

#include <stdlib.h>

#define ROOM_AT_LEAST 4096

int best_init(struct best *b, struct arena *a, size_t wanted, size_t many, struct err *e)
{
    size_t room = MIN_OF(many, MAX_OF(2 * wanted, ROOM_AT_LEAST)) + 1;
    struct best_item *v = arena_try(a, room * sizeof(*v), e);

    if (!v)
        return -1;
    *b = (struct best){.v = v, .room = room, .wanted = wanted, .chance = room};
    return 0;
}

/* A number below n. Whoever chooses what is sorted does not choose the pivots. */
static size_t chance(struct best *b, size_t n)
{
    b->chance = b->chance * 6364136223846793005ULL + 1442695040888963407ULL;
    return (size_t)((b->chance >> 33) % n);
}

/* The best n come first, in any order. */
static void select_best(struct best *b, size_t n)
{
    struct best_item *v = b->v;
    size_t from = 0, to = b->n;

    while (n > from && n < to) {
        struct best_item pivot = v[from + chance(b, to - from)];
        size_t i = from, k = to - 1;
        /* Afterwards: what is before i is not worse than the pivot, what is behind k not better. */
        for (;;) {
            while (best_is_worse(pivot, v[i]))
                i++;
            while (best_is_worse(v[k], pivot))
                k--;
            if (i >= k)
                break;
            struct best_item t = v[i];
            v[i++] = v[k];
            v[k--] = t;
        }
        if (n <= i)
            to = i;
        else
            from = k + 1; /* i, or where both met: at the pivot */
    }
}

static void drop(struct best *b)
{
    select_best(b, b->wanted);
    b->n = b->wanted;
    b->worst = b->v[0];
    for (size_t i = 1; i < b->n; i++)
        if (best_is_worse(b->v[i], b->worst))
            b->worst = b->v[i];
    b->full = true;
}

void best_add(struct best *b, struct best_item item)
{
    if (b->n == b->room)
        drop(b);
    b->v[b->n++] = item;
}

static int best_first(const void *x, const void *y)
{
    const struct best_item *a = x, *b = y;
    return best_is_worse(*b, *a) ? -1 : best_is_worse(*a, *b);
}

void best_settle(struct best *b, size_t sorted)
{
    if (b->n > b->wanted) {
        select_best(b, b->wanted);
        b->n = b->wanted;
    }
    if (sorted >= b->n)
        return;
    select_best(b, sorted);
    qsort(b->v + sorted, b->n - sorted, sizeof(*b->v), best_first);
}
