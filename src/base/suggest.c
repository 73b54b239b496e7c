/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include "base/mem.h"

#include <limits.h>

/* Optimal string alignment distance, three rows at a time. */
unsigned suggest_distance(struct str a, struct str b)
{
    unsigned rows[3][SUGGEST_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    if (a.n > SUGGEST_MAX || b.n > SUGGEST_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= b.n; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned differs = a.p[i - 1] != b.p[j - 1];
            unsigned v = MIN_OF(last[j] + 1, now[j - 1] + 1);
            v = MIN_OF(v, last[j - 1] + differs);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                v = MIN_OF(v, before[j - 2] + 1);
            now[j] = v;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b.n];
}

void suggest_init(struct suggest *s, struct str typed)
{
    *s = (struct suggest){.typed = typed, .best = STR_NULL, .distance = UINT_MAX};
}

void suggest_try(struct suggest *s, struct str name)
{
    unsigned d = suggest_distance(s->typed, name);
    if (d < s->distance) {
        s->distance = d;
        s->best = name;
    }
}

struct str suggest_best(const struct suggest *s)
{
    /* A third of the letters wrong is still a slip; more is another word. */
    size_t tolerated = MAX_OF(s->typed.n, s->best.n) / 3;
    if (s->distance > tolerated)
        return STR_NULL;
    return s->best;
}
