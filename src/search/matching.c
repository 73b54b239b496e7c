/* SPDX-License-Identifier: Apache-2.0 */
/* Which models match: sets of artifacts, cut with each other. */
#include "base/mem.h"
#include "search/internal.h"

/* Of a word that more models have, the newest that have it are looked at. */
#define LOOK_MAX 50000

/* ---- facets ---- */

/* Those that have a value; no such value: nobody. */
static int join_value(struct db_conn *c, struct arena *a, enum search_facet f, struct str value,
                      struct set *to, struct err *e)
{
    int64_t code = 0;
    {
        AUTO(db_rows) rows = {0};
        int found =
            db_one(c, Q_s_value, DB_ARGS(DB_I64(f), DB_TEXT(search_folded(a, value))), &rows, e);
        if (found <= 0)
            return found;
        code = db_i64(&rows, 0);
    }
    return set_join(to, c, code, e);
}

static int cut_facet(struct db_conn *c, struct arena *a, enum search_facet f,
                     const struct search_values *v, struct set *found, struct err *e)
{
    struct set any;

    if (v->n == 0)
        return 0;
    if (set_new(a, found->chunks, &any, e) < 0)
        return -1;
    for (size_t i = 0; i < v->n; i++)
        if (join_value(c, a, f, v->v[i], &any, e) < 0)
            return -1;
    set_and(found, &any);
    return 0;
}

/* ---- columns ---- */

static bool has_parameters(void *p, int64_t value)
{
    const struct search_query *q = p;
    return (q->min_parameters < 0 || value >= q->min_parameters) &&
           (q->max_parameters < 0 || value <= q->max_parameters);
}

static int cut_parameters(struct db_conn *c, const struct search_query *q, struct set *found,
                          struct err *e)
{
    struct search_query copy = *q;

    if (q->min_parameters < 0 && q->max_parameters < 0)
        return 0;
    return set_filter(found, c, SEARCH_CELL_PARAMETERS, has_parameters, &copy, e);
}

static bool is_visible(void *p, int64_t project)
{
    return set_has(p, project);
}

static int cut_projects(struct db_conn *c, struct arena *a, const struct search_query *q,
                        struct set *found, struct err *e)
{
    struct set projects;
    int64_t last = 0;

    if (q->all)
        return 0;
    for (size_t i = 0; i < q->n_projects; i++)
        last = MAX_OF(last, q->projects[i]);
    if (set_new(a, (size_t)last / SEARCH_CHUNK + 1, &projects, e) < 0)
        return -1;
    for (size_t i = 0; i < q->n_projects; i++)
        set_put(&projects, q->projects[i]);
    return set_filter(found, c, SEARCH_CELL_PROJECT, is_visible, &projects, e);
}

/* ---- words ---- */

/* Those that a text finds among `in` join, the newest first, up to SEARCH_COUNTED + 1 of them. */
static int join_words(struct db_conn *c, struct str text, bool in_name, const struct set *in,
                      struct matching *m, struct set *to, struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO(buf) expression = {0};
    int64_t first = set_next(in, 0), looked = 0;
    int more;

    buf_init(&expression, 4 * text.n + 1024);
    if (first < 0 || !search_expression(text, &expression))
        return 0;
    if (db_query(c, in_name ? Q_s_names_find : Q_s_words_find,
                 DB_ARGS(DB_TEXT(buf_str(&expression)), DB_I64(first), DB_I64(set_last(in))), &rows,
                 e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        int64_t id = db_i64(&rows, 0);
        if (!set_has(in, id) || set_has(to, id)) {
            m->more |= ++looked >= LOOK_MAX;
        } else {
            set_put(to, id);
            m->more |= ++m->total > SEARCH_COUNTED;
        }
        if (m->more)
            return 0;
    }
    /* What the tokenizer takes for several words, though words.c takes it for one, is a phrase,
     * which there are none of: nothing is found by it. */
    return more < 0 && e->code == ERR_DB ? 0 : more;
}

static int cut_words(struct db_conn *c, struct arena *a, struct str text, struct matching *m,
                     struct err *e)
{
    struct set words;

    if (!text.p)
        return 0;
    if (set_new(a, m->found.chunks, &words, e) < 0 ||
        set_new(a, m->found.chunks, &m->named, e) < 0 ||
        join_words(c, text, true, &m->found, m, &words, e) < 0)
        return -1;
    set_or(&m->named, &words);
    if (!m->more && join_words(c, text, false, &m->found, m, &words, e) < 0)
        return -1;
    m->found = words;
    return 0;
}

/* ---- all of it ---- */

static int chunks_of(struct db_conn *c, size_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_s_bits_last, DB_ARGS(DB_I64(search_key(SEARCH_ALL + 1, 0))), &rows, e);

    *ret = found > 0 ? (size_t)(db_i64(&rows, 0) & SEARCH_CHUNK_MAX) + 1 : 0;
    return found < 0 ? -1 : 0;
}

int search_match(struct db_conn *c, struct arena *a, const struct search_query *q,
                 struct matching *ret, struct err *e)
{
    struct matching m = {.total = 0};
    size_t chunks;

    if (chunks_of(c, &chunks, e) < 0 || set_new(a, chunks, &m.found, e) < 0 ||
        set_join(&m.found, c, SEARCH_ALL, e) < 0)
        return -1;
    for (int f = SEARCH_ARCHITECTURE; f < SEARCH_FACETS; f++)
        if (cut_facet(c, a, (enum search_facet)f, &q->facets[f], &m.found, e) < 0)
            return -1;
    if (cut_projects(c, a, q, &m.found, e) < 0 || cut_parameters(c, q, &m.found, e) < 0 ||
        cut_words(c, a, q->text, &m, e) < 0)
        return -1;
    m.total = set_count(&m.found);
    *ret = m;
    return 0;
}
