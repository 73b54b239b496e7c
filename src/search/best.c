/* SPDX-License-Identifier: Apache-2.0 */
#include "search/best.h"

#include "base/mem.h"

#include <stdlib.h>

#define ROOM_AT_LEAST 4096
/* A page is far if so many are before its end, and if they are this part of all. */
#define FAR      4096
#define FAR_PART 16
/* Of so many one is taken by chance, in the mean. */
#define SAMPLED 64
/* Where the page lies is known to so many deviations: once in millions it does not lie there. */
#define DEVIATIONS 6

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
static size_t chance(uint64_t *state, size_t n)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (size_t)((*state >> 33) % n);
}

/* The best n of `to` come first, in any order. */
static void select_best(struct best_item *v, size_t to, size_t n, uint64_t *state)
{
    size_t from = 0;

    while (n > from && n < to) {
        struct best_item pivot = v[from + chance(state, to - from)];
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
    select_best(b->v, b->n, b->wanted, &b->chance);
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
        select_best(b->v, b->n, b->wanted, &b->chance);
        b->n = b->wanted;
    }
    if (sorted >= b->n)
        return;
    select_best(b->v, b->n, sorted, &b->chance);
    qsort(b->v + sorted, b->n - sorted, sizeof(*b->v), best_first);
}

/* ---- far behind ---- */

bool best_is_far(size_t last, size_t many)
{
    return last >= FAR && last >= many / FAR_PART;
}

int best_far_init(struct best_far *b, struct arena *a, size_t first, size_t last, size_t many,
                  struct err *e)
{
    *b = (struct best_far){.room_sample = many / SAMPLED * 2 + ROOM_AT_LEAST,
                           .room = many / 8 + 4 * ROOM_AT_LEAST,
                           .first = first,
                           .last = last,
                           .many = many,
                           .chance = many};
    b->sample = arena_try(a, b->room_sample * sizeof(*b->sample), e);
    b->v = b->sample ? arena_try(a, b->room * sizeof(*b->v), e) : NULL;
    return b->v ? 0 : -1;
}

void best_far_sample(struct best_far *b, const struct best_item *v, size_t n)
{
    for (; b->skipped < n; b->skipped += 1 + chance(&b->chance, 2 * SAMPLED - 1))
        if (b->n_sample < b->room_sample)
            b->sample[b->n_sample++] = v[b->skipped];
    b->skipped -= n;
}

/* Rounded up. */
static size_t root(size_t n)
{
    size_t r = 0;

    while (r * r < n)
        r++;
    return r;
}

void best_far_bound(struct best_far *b)
{
    double n = (double)b->n_sample, scale = n / (double)b->many;
    double margin = DEVIATIONS * (double)root(b->n_sample) / 2 + 1; /* half way it is widest */
    double first = (double)b->first * scale - margin, last = (double)b->last * scale + margin;
    struct best_item *v = b->sample;

    /* All others are between these two. */
    b->from = (struct best_item){.key = INT64_MAX, .id = INT64_MAX};
    b->to = (struct best_item){.key = INT64_MIN, .id = INT64_MIN};
    qsort(v, b->n_sample, sizeof(*v), best_first);
    if (first >= 0 && first < n)
        b->from = v[(size_t)first];
    if (last >= 0 && last < n)
        b->to = v[(size_t)last];
}

/* One whose key is not outside. */
static void offer_near(struct best_far *b, struct best_item item)
{
    if (best_is_worse(item, b->to))
        return;
    if (best_is_worse(b->from, item))
        b->before++;
    else if (b->n < b->room)
        b->v[b->n++] = item;
    else
        b->lost = true;
}

void best_far_offer(struct best_far *b, const struct best_item *v, size_t n)
{
    const int64_t from = b->from.key, to = b->to.key;
    const uint64_t between = (uint64_t)from - (uint64_t)to;

    /* Half of them are before, in no order: nothing that a processor could foresee is asked. */
    for (size_t i = 0; i < n; i++) {
        b->before += v[i].key > from;
        if ((uint64_t)v[i].key - (uint64_t)to <= between)
            offer_near(b, v[i]);
    }
}

const struct best_item *best_far_page(struct best_far *b, size_t *ret_n)
{
    if (b->lost || b->before > b->first || b->before + b->n < b->last)
        return NULL;
    size_t first = b->first - b->before, last = b->last - b->before;
    select_best(b->v, b->n, last, &b->chance);
    select_best(b->v, last, first, &b->chance);
    qsort(b->v + first, last - first, sizeof(*b->v), best_first);
    *ret_n = last - first;
    return b->v + first;
}
