/* SPDX-License-Identifier: Apache-2.0 */
/* The page of models that a query asks for: the best of those that match. */
#include "base/mem.h"
#include "search/best.h"
#include "search/internal.h"

/* ---- their order ---- */

static enum search_column column_of(enum search_order order)
{
    switch (order) {
    case SEARCH_BY_UPDATE:
        return SEARCH_CELL_UPDATE;
    case SEARCH_BY_SIZE:
        return SEARCH_CELL_SIZE;
    case SEARCH_BY_PARAMETERS:
        return SEARCH_CELL_PARAMETERS;
    case SEARCH_BY_NAME:
        return SEARCH_CELL_NAME;
    case SEARCH_BY_RELEVANCE:
    case SEARCH_BY_PULLS:
        break;
    }
    return SEARCH_CELL_PULLS;
}

struct offering {
    struct best *best;       /* or */
    struct best_far *far;    /* this, */
    bool sampling;           /* for the first time */
    bool negative;           /* the smaller, the better */
    bool oldest_first;       /* of those that are equal */
    const struct set *named; /* these before all others; NULL */
};

static void offer_some(const struct offering *o, const struct best_item *v, size_t n)
{
    if (o->far && o->sampling)
        best_far_sample(o->far, v, n);
    else if (o->far)
        best_far_offer(o->far, v, n);
    else
        for (size_t i = 0; i < n; i++)
            best_offer(o->best, v[i]);
}

static void offer(void *p, int64_t first, const int64_t cells[SEARCH_CHUNK],
                  uint64_t words[SEARCH_CHUNK_WORDS])
{
    const struct offering *o = p;
    struct best_item v[64];

    for (size_t i = 0; i < SEARCH_CHUNK_WORDS; i++) {
        uint64_t named = o->named ? o->named->words[(size_t)first / 64 + i] : 0;
        size_t n = 0;
        for (uint64_t left = words[i]; left; left &= left - 1) {
            size_t bit = (size_t)__builtin_ctzll(left), at = i * 64 + bit;
            int64_t id = first + (int64_t)at, key = o->negative ? ~cells[at] : cells[at];
            if (named >> bit & 1)
                key = MIN_OF(key, INT64_MAX / 2) + INT64_MAX / 2;
            v[n++] = (struct best_item){key, o->oldest_first ? -id : id};
        }
        if (n)
            offer_some(o, v, n);
    }
}

static void take_ids(const struct best_item *v, size_t n, int64_t *ids, size_t *ret_n)
{
    for (size_t i = 0; i < n; i++)
        ids[(*ret_n)++] = v[i].id < 0 ? -v[i].id : v[i].id;
}

/* A page that is far behind: 1, 0 it was not found, -1. */
static int take_far(struct db_conn *c, struct arena *a, enum search_column column,
                    struct offering o, struct matching *m, size_t first, size_t last, int64_t *ids,
                    size_t *ret_n, struct err *e)
{
    struct best_far far;
    size_t n;

    o.far = &far;
    o.sampling = true;
    if (best_far_init(&far, a, first, last, (size_t)m->total, e) < 0 ||
        set_walk(&m->found, c, (int64_t)column, offer, &o, e) < 0)
        return -1;
    o.sampling = false;
    best_far_bound(&far);
    if (set_walk(&m->found, c, (int64_t)column, offer, &o, e) < 0)
        return -1;
    const struct best_item *v = best_far_page(&far, &n);
    if (v)
        take_ids(v, n, ids, ret_n);
    return v != NULL;
}

/* Numbers of the artifacts of the page. */
static int take_page(struct db_conn *c, struct arena *a, const struct search_query *q,
                     struct matching *m, int64_t *ids, size_t *ret_n, struct err *e)
{
    bool relevance = q->order == SEARCH_BY_RELEVANCE, by_name = q->order == SEARCH_BY_NAME;
    struct best best;
    struct offering o = {.negative = q->ascending && !relevance,
                         .oldest_first = by_name && q->ascending,
                         .named = m->has_named ? &m->named : NULL};
    enum search_column column = column_of(q->order);

    if (q->offset >= m->total)
        return 0;
    size_t first = (size_t)q->offset, last = (size_t)MIN_OF(q->offset + q->limit, m->total);
    if (best_is_far(last, (size_t)m->total)) {
        int found = take_far(c, a, column, o, m, first, last, ids, ret_n, e);
        if (found != 0)
            return found < 0 ? -1 : 0;
    }
    o.best = &best;
    if (best_init(&best, a, last, (size_t)m->total, e) < 0 ||
        set_walk(&m->found, c, (int64_t)column, offer, &o, e) < 0)
        return -1;
    best_settle(&best, first);
    take_ids(best.v + first, best.n > first ? best.n - first : 0, ids, ret_n);
    return 0;
}

/* ---- the page ---- */

static int64_t pulls_of(struct db_conn *c, int64_t id, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t cells[SEARCH_CHUNK], v = 0;
    int found = db_one(c, Q_s_cells,
                       DB_ARGS(DB_I64(search_key(SEARCH_CELL_PULLS, id / SEARCH_CHUNK))), &rows, e);

    if (found > 0 && pack_read_cells(db_bytes(&rows, 0), cells))
        v = MAX_OF(cells[id % SEARCH_CHUNK], 0);
    return found < 0 ? -1 : v;
}

static int read_hit(struct db_conn *c, struct arena *a, int64_t id, struct search_found *ret,
                    struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_s_entry, DB_ARGS(DB_I64(id)), &rows, e);

    if (found <= 0)
        return found; /* it went meanwhile */
    struct str shown = db_text(&rows, 1);
    char *p = arena_try(a, shown.n + 1, e);
    if (!p)
        return -1;
    memcpy(p, shown.p, shown.n);
    struct search_hit h = {
        .artifact = id, .shown = str_of(p, shown.n), .pulls = pulls_of(c, id, e)};
    if (h.pulls < 0)
        return -1;
    ret->hits[ret->n++] = h;
    return 0;
}

static int find(const struct search *s, struct db_conn *c, struct arena *a,
                const struct search_query *q, struct search_found *ret, struct err *e)
{
    struct matching m;
    int64_t *ids = ARENA_ARRAY(a, (size_t)q->limit + 1, int64_t);
    size_t n = 0;

    if (search_match(s, c, a, q, q->order == SEARCH_BY_RELEVANCE, &m, e) < 0 ||
        take_page(c, a, q, &m, ids, &n, e) < 0)
        return -1;
    ret->hits = ARENA_ARRAY(a, n + 1, struct search_hit);
    for (size_t i = 0; i < n; i++)
        if (read_hit(c, a, ids[i], ret, e) < 0)
            return -1;
    ret->total = m.total;
    ret->more = m.more;
    return 0;
}

int search_find(struct search *s, struct arena *a, const struct search_query *q,
                struct search_found *ret, struct err *e)
{
    AUTO(arena) work = {0};
    struct search_found found = {.complete = false};
    struct err why;

    arena_init(&work, SEARCH_ARENA);
    struct db_conn *c = search_enter(s);
    bool complete = c && s->complete;
    int rc = c ? find(s, c, &work, q, &found, &why) : 0;
    search_leave(s);
    if (rc < 0) {
        search_judge(s, &why);
        found = (struct search_found){.complete = false};
        complete = false;
    }
    found.complete = complete;
    struct search_hit *hits = arena_try(a, (found.n + 1) * sizeof(*hits), e);
    if (!hits)
        return -1;
    for (size_t i = 0; i < found.n; i++) {
        hits[i] = found.hits[i];
        hits[i].shown = arena_str(a, found.hits[i].shown);
    }
    found.hits = hits;
    *ret = found;
    return 0;
}
