/* SPDX-License-Identifier: Apache-2.0 */
/* How many of those that match have each value of each facet. */
#include "base/mem.h"
#include "search/internal.h"

#include <stdlib.h>

#define ROOM_AT_FIRST 1024

struct tally {
    uint32_t code;
    uint32_t n;
};
struct tallies {
    struct tally *v; /* by a hash of the code; n 0: free */
    size_t n, room;
};

static struct tally *place(struct tally *v, size_t room, uint32_t code)
{
    size_t at = (code * 0x9e3779b1u) >> 7;

    while (v[at & (room - 1)].n && v[at & (room - 1)].code != code)
        at++;
    return &v[at & (room - 1)];
}

static void grow(struct tallies *t)
{
    size_t room = t->room ? t->room * 2 : ROOM_AT_FIRST;
    struct tally *v = mem_zalloc(room * sizeof(*v));

    for (size_t i = 0; i < t->room; i++)
        if (t->v[i].n)
            *place(v, room, t->v[i].code) = t->v[i];
    mem_free(t->v);
    t->v = v;
    t->room = room;
}

static void tally_add(struct tallies *t, uint32_t code)
{
    if (t->n * 2 >= t->room)
        grow(t);
    struct tally *x = place(t->v, t->room, code);
    t->n += x->n == 0;
    x->code = code;
    x->n++;
}

static void on_code(void *p, size_t artifact, uint32_t code)
{
    (void)artifact;
    tally_add(p, code);
}

/* By facet, the most frequent first, then the oldest. */
static int in_order(const void *x, const void *y)
{
    const struct tally *a = x, *b = y;
    uint32_t fa = a->code % SEARCH_CODE_STEP, fb = b->code % SEARCH_CODE_STEP;

    if (fa != fb)
        return fa < fb ? -1 : 1;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return a->code < b->code ? -1 : a->code > b->code;
}

static int read_value(struct db_conn *c, struct arena *a, uint32_t code, int64_t n,
                      struct search_value *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_s_value_shown, DB_ARGS(DB_I64(code)), &rows, e);

    if (found > 0)
        *ret = (struct search_value){.value = arena_str(a, db_text(&rows, 0)), .count = n};
    return found < 0    ? -1
           : found == 0 ? ERR(e, CORRUPT, "the search does not know a value of its own")
                        : 0;
}

static int take_tops(struct db_conn *c, struct arena *a, struct tallies *t,
                     struct search_counts *ret, struct err *e)
{
    size_t n = 0;

    for (size_t i = 0; i < t->room; i++)
        if (t->v[i].n)
            t->v[n++] = t->v[i];
    if (n)
        qsort(t->v, n, sizeof(*t->v), in_order);
    for (size_t i = 0; i < n; i++) {
        size_t f = t->v[i].code % SEARCH_CODE_STEP;
        if (f == 0 || f >= SEARCH_FACETS || ret->n[f] == SEARCH_TOP)
            continue;
        if (read_value(c, a, t->v[i].code, t->v[i].n, &ret->values[f][ret->n[f]++], e) < 0)
            return -1;
    }
    return 0;
}

static int count_matching(struct db_conn *c, struct arena *a, struct matching *m,
                          struct search_counts *ret, struct err *e)
{
    struct tallies t = {0};

    if (m->total > SEARCH_COUNTED) {
        set_cut(&m->found, SEARCH_COUNTED);
        ret->more = true;
    }
    int rc = set_codes(&m->found, c, on_code, &t, e);
    if (rc == 0)
        rc = take_tops(c, a, &t, ret, e);
    mem_free(t.v);
    return rc;
}

/* Of all models: the numbers are kept. */
static int count_all(struct db_conn *c, struct arena *a, struct search_counts *ret, struct err *e)
{
    for (size_t f = SEARCH_ARCHITECTURE; f < SEARCH_FACETS; f++) {
        AUTO(db_rows) rows = {0};
        int more;
        if (db_query(c, Q_s_value_most, DB_ARGS(DB_I64(f), DB_I64(SEARCH_TOP)), &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0 && ret->n[f] < SEARCH_TOP)
            ret->values[f][ret->n[f]++] = (struct search_value){
                .value = arena_str(a, db_text(&rows, 1)), .count = db_i64(&rows, 2)};
        if (more < 0)
            return -1;
    }
    return 0;
}

static bool asks_nothing(const struct search_query *q)
{
    for (size_t f = 0; f < SEARCH_FACETS; f++)
        if (q->facets[f].n)
            return false;
    return q->all && !q->text.p && q->min_parameters < 0 && q->max_parameters < 0;
}

static int count(const struct search *s, struct db_conn *c, struct arena *work, struct arena *a,
                 const struct search_query *q, struct search_counts *ret, struct err *e)
{
    struct matching m;

    if (search_match(s, c, work, q, false, &m, e) < 0)
        return -1;
    ret->total = m.total;
    ret->more = m.more;
    return asks_nothing(q) ? count_all(c, a, ret, e) : count_matching(c, a, &m, ret, e);
}

int search_count(struct search *s, struct arena *a, const struct search_query *q,
                 struct search_counts *ret, struct err *e)
{
    AUTO(arena) work = {0};
    struct err why;

    (void)e;
    *ret = (struct search_counts){.total = 0};
    for (size_t f = 0; f < SEARCH_FACETS; f++)
        ret->values[f] = ARENA_ARRAY(a, SEARCH_TOP, struct search_value);
    arena_init(&work, SEARCH_ARENA);
    struct db_conn *c = search_enter(s);
    ret->complete = c && s->complete;
    int rc = c ? count(s, c, &work, a, q, ret, &why) : 0;
    search_leave(s);
    if (rc == 0)
        return 0;
    search_judge(s, &why);
    ret->complete = false;
    ret->total = 0;
    memset(ret->n, 0, sizeof(ret->n));
    return 0;
}
