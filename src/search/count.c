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

/* How far a cursor goes on by steps; further on it is set anew. */
#define STEPS 64

/* The codes of the members of a set, as a cursor that goes through it in order. */
struct walk {
    struct db_conn *conn;
    struct db_rows rows;
    int64_t at; /* its row; -1: it stands on none */
};

static void walk_autodone(struct walk *w)
{
    db_rows_done(&w->rows);
}

/* To the row of id, or behind it: 1, 0 there is none, -1. */
static int walk_to(struct walk *w, int64_t id, struct err *e)
{
    int more = 1;

    if (w->at < 0 || id - w->at > STEPS) {
        db_rows_done(&w->rows);
        if (db_query(w->conn, Q_s_codes_from, DB_ARGS(DB_I64(id)), &w->rows, e) < 0)
            return -1;
        w->at = -1;
    }
    while (w->at < id && (more = db_next(&w->rows, e)) > 0)
        w->at = db_i64(&w->rows, 0);
    return more;
}

/* The codes of one. */
static int tally_one(struct walk *w, int64_t id, struct tallies *t, struct err *e)
{
    int found = walk_to(w, id, e);

    if (found <= 0 || w->at != id)
        return found < 0 ? -1 : 0;
    struct str bytes = db_bytes(&w->rows, 1);
    for (size_t i = 0; i + sizeof(uint32_t) <= bytes.n; i += sizeof(uint32_t)) {
        uint32_t code;
        memcpy(&code, bytes.p + i, sizeof(code));
        tally_add(t, code);
    }
    return 0;
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

static int count_matching(struct db_conn *c, struct arena *a, const struct matching *m,
                          struct search_counts *ret, struct err *e)
{
    AUTO(walk) w = {.conn = c, .at = -1};
    struct tallies t = {0};
    int64_t n = 0;
    int rc = 0;

    for (int64_t id = set_next(&m->found, 0); id >= 0 && rc == 0;
         id = set_next(&m->found, id + 1)) {
        if (n++ == SEARCH_COUNTED) {
            ret->more = true;
            break;
        }
        rc = tally_one(&w, id, &t, e);
    }
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

static int count(struct db_conn *c, struct arena *work, struct arena *a,
                 const struct search_query *q, struct search_counts *ret, struct err *e)
{
    struct matching m;

    if (search_match(c, work, q, &m, e) < 0)
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
    int rc = c ? count(c, &work, a, q, ret, &why) : 0;
    search_leave(s);
    if (rc == 0)
        return 0;
    search_judge(s, &why);
    ret->complete = false;
    ret->total = 0;
    memset(ret->n, 0, sizeof(ret->n));
    return 0;
}
