/* SPDX-License-Identifier: Apache-2.0 */
/* The page of models that a query asks for: the best of those that match. */
#include "base/mem.h"
#include "search/internal.h"

#include <stdlib.h>

/* Names of so few are read one by one; of more, all are walked in their order. */
#define NAMES_MAX 5000

struct item {
    int64_t key, id; /* the larger the key, the better; then the newest */
};
struct best {
    struct item *v; /* a heap, the worst first */
    size_t n, max;
    bool negative;            /* the smaller, the better */
    const struct set *better; /* these before all others; NULL */
};

static bool is_worse(struct item a, struct item b)
{
    return a.key != b.key ? a.key < b.key : a.id < b.id;
}

static void sink(struct best *b, size_t at)
{
    for (;;) {
        size_t next = 2 * at + 1;
        if (next >= b->n)
            return;
        if (next + 1 < b->n && is_worse(b->v[next + 1], b->v[next]))
            next++;
        if (!is_worse(b->v[next], b->v[at]))
            return;
        struct item t = b->v[at];
        b->v[at] = b->v[next];
        b->v[next] = t;
        at = next;
    }
}

static void rise(struct best *b, size_t at)
{
    while (at > 0 && is_worse(b->v[at], b->v[(at - 1) / 2])) {
        struct item t = b->v[at];
        b->v[at] = b->v[(at - 1) / 2];
        b->v[(at - 1) / 2] = t;
        at = (at - 1) / 2;
    }
}

static void offer(void *p, int64_t id, int64_t value)
{
    struct best *b = p;
    struct item i = {.key = b->negative ? -value : value, .id = id};

    if (b->better && set_has(b->better, id))
        i.key += INT64_MAX / 2;
    if (b->n < b->max) {
        b->v[b->n++] = i;
        rise(b, b->n - 1);
    } else if (b->max && is_worse(b->v[0], i)) {
        b->v[0] = i;
        sink(b, 0);
    }
}

static int best_first(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    return is_worse(*b, *a) ? -1 : is_worse(*a, *b);
}

/* ---- by a number ---- */

static enum search_column column_of(enum search_order order)
{
    switch (order) {
    case SEARCH_BY_UPDATE:
        return SEARCH_CELL_UPDATE;
    case SEARCH_BY_SIZE:
        return SEARCH_CELL_SIZE;
    case SEARCH_BY_PARAMETERS:
        return SEARCH_CELL_PARAMETERS;
    default:
        return SEARCH_CELL_PULLS;
    }
}

static int by_number(struct db_conn *c, struct arena *a, const struct search_query *q,
                     const struct matching *m, int64_t *ids, size_t *ret_n, struct err *e)
{
    size_t wanted = (size_t)MIN_OF(q->offset + q->limit, m->total);
    bool relevance = q->order == SEARCH_BY_RELEVANCE;
    struct best b = {.max = wanted,
                     .negative = q->ascending && !relevance,
                     .better = relevance && q->text.p ? &m->named : NULL};

    if (q->offset >= m->total)
        return 0;
    b.v = arena_try(a, wanted * sizeof(*b.v) + 1, e);
    if (!b.v || set_each(&m->found, c, (int64_t)column_of(q->order), offer, &b, e) < 0)
        return -1;
    qsort(b.v, b.n, sizeof(*b.v), best_first);
    for (size_t i = (size_t)q->offset; i < b.n; i++)
        ids[(*ret_n)++] = b.v[i].id;
    return 0;
}

/* ---- by name ---- */

struct named {
    struct str name;
    int64_t id;
};

static int by_its_name(const void *x, const void *y)
{
    const struct named *a = x, *b = y;
    int cmp = str_cmp(a->name, b->name);
    return cmp ? cmp : a->id < b->id ? -1 : a->id > b->id;
}

static int read_name(struct db_conn *c, struct arena *a, int64_t id, struct named *ret,
                     struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_s_entry_name, DB_ARGS(DB_I64(id)), &rows, e);

    *ret = (struct named){.name = found > 0 ? arena_str(a, db_text(&rows, 0)) : STR_NULL, .id = id};
    return found < 0 ? -1 : 0;
}

static int by_few_names(struct db_conn *c, struct arena *a, const struct search_query *q,
                        const struct matching *m, int64_t *ids, size_t *ret_n, struct err *e)
{
    struct named *all = ARENA_ARRAY(a, (size_t)m->total, struct named);
    size_t n = 0;

    for (int64_t id = set_next(&m->found, 0); id >= 0; id = set_next(&m->found, id + 1))
        if (read_name(c, a, id, &all[n++], e) < 0)
            return -1;
    qsort(all, n, sizeof(*all), by_its_name);
    for (size_t i = (size_t)q->offset; i < n && *ret_n < (size_t)q->limit; i++)
        ids[(*ret_n)++] = all[q->ascending ? i : n - 1 - i].id;
    return 0;
}

static int by_name(struct db_conn *c, struct arena *a, const struct search_query *q,
                   const struct matching *m, int64_t *ids, size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t seen = 0;
    int more = 0;

    if (q->offset >= m->total)
        return 0;
    if (m->total <= NAMES_MAX)
        return by_few_names(c, a, q, m, ids, ret_n, e);
    if (db_query(c, q->ascending ? Q_s_entry_names : Q_s_entry_names_back, DB_NO_ARGS, &rows, e) <
        0)
        return -1;
    while (*ret_n < (size_t)q->limit && (more = db_next(&rows, e)) > 0) {
        int64_t id = db_i64(&rows, 0);
        if (set_has(&m->found, id) && seen++ >= q->offset)
            ids[(*ret_n)++] = id;
    }
    return more < 0 ? -1 : 0;
}

/* ---- the page ---- */

static int64_t pulls_of(struct db_conn *c, int64_t id, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t v = 0;
    int found = db_one(c, Q_s_cells,
                       DB_ARGS(DB_I64(search_key(SEARCH_CELL_PULLS, id / SEARCH_CHUNK))), &rows, e);

    if (found > 0 && db_bytes(&rows, 0).n == SEARCH_CELLS_BYTES)
        memcpy(&v, db_bytes(&rows, 0).p + id % SEARCH_CHUNK * 8, sizeof(v));
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

static int find(struct db_conn *c, struct arena *a, const struct search_query *q,
                struct search_found *ret, struct err *e)
{
    struct matching m;
    int64_t *ids = ARENA_ARRAY(a, (size_t)q->limit + 1, int64_t);
    size_t n = 0;

    if (search_match(c, a, q, &m, e) < 0)
        return -1;
    int rc = q->order == SEARCH_BY_NAME ? by_name(c, a, q, &m, ids, &n, e)
                                        : by_number(c, a, q, &m, ids, &n, e);
    if (rc < 0)
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
    int rc = c ? find(c, &work, q, &found, &why) : 0;
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
