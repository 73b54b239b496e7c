/* SPDX-License-Identifier: Apache-2.0 */
/* Which models match: sets of artifacts, cut with each other. */
#include "base/mem.h"
#include "search/internal.h"
#include "search/terms.h"

/* A beginning without a row of its own stands for so many words, in their order; those that many
 * models have count more. */
#define BEGUN_MAX    10000
#define BEGUN_AS_SET 20

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
    if (set_new(a, found->rows, &any, e) < 0)
        return -1;
    for (size_t i = 0; i < v->n; i++)
        if (join_value(c, a, f, v->v[i], &any, e) < 0)
            return -1;
    set_and(found, &any);
    return 0;
}

/* ---- columns ---- */

/* Of a chunk: those whose number is in a range stay. */
static void stay_in_range(void *p, int64_t first, const int64_t cells[SEARCH_CHUNK],
                          uint64_t words[SEARCH_CHUNK_WORDS])
{
    const int64_t *range = p;

    (void)first;
    for (size_t i = 0; i < SEARCH_CHUNK_WORDS; i++) {
        uint64_t in = 0;
        for (size_t bit = 0; bit < 64; bit++) {
            int64_t v = cells[i * 64 + bit];
            in |= (uint64_t)(v >= range[0] && v <= range[1]) << bit;
        }
        words[i] &= in;
    }
}

static int cut_parameters(struct db_conn *c, const struct search_query *q, struct set *found,
                          struct err *e)
{
    int64_t range[] = {MAX_OF(q->min_parameters, 0),
                       q->max_parameters < 0 ? INT64_MAX : q->max_parameters};

    if (q->min_parameters < 0 && q->max_parameters < 0)
        return 0;
    return set_walk(found, c, SEARCH_CELL_PARAMETERS, stay_in_range, range, e);
}

/* Of a chunk: those whose project is visible stay. */
static void stay_visible(void *p, int64_t first, const int64_t cells[SEARCH_CHUNK],
                         uint64_t words[SEARCH_CHUNK_WORDS])
{
    const struct set *projects = p;

    (void)first;
    for (size_t i = 0; i < SEARCH_CHUNK_WORDS; i++)
        for (uint64_t left = words[i]; left; left &= left - 1) {
            size_t at = i * 64 + (size_t)__builtin_ctzll(left);
            if (!set_has(projects, cells[at]))
                words[i] &= ~(left & -left);
        }
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
    if (set_new(a, (size_t)last / SEARCH_ROW + 1, &projects, e) < 0)
        return -1;
    for (size_t i = 0; i < q->n_projects; i++)
        set_put(&projects, q->projects[i]);
    return set_walk(found, c, SEARCH_CELL_PROJECT, stay_visible, &projects, e);
}

/* ---- words ---- */

/* Those that have a term, and those that have it in their name: both are cleared before. */
struct having {
    struct set any, named;
    bool want_named;
    int64_t looked; /* at words that begin so */
    bool more;
};

/* Those of a row of the table of terms join. */
static int join_term(struct db_conn *c, struct db_rows *rows, struct having *h, struct err *e)
{
    int64_t number = db_i64(rows, 0);
    struct pack_list list;

    if (number) {
        h->looked += BEGUN_AS_SET;
        return set_join(&h->any, c, number * SEARCH_CODE_STEP + SEARCH_CODE_WORD, e) < 0 ||
                       (h->want_named &&
                        set_join(&h->named, c, number * SEARCH_CODE_STEP + SEARCH_CODE_NAMED, e) <
                            0)
                   ? -1
                   : 0;
    }
    h->looked++;
    if (!pack_read_list(db_bytes(rows, 1), &list))
        return ERR(e, CORRUPT, "a term of the search is damaged");
    for (size_t i = 0; i < list.n; i++) {
        set_put(&h->any, list.v[i].id);
        if (list.v[i].named)
            set_put(&h->named, list.v[i].id);
    }
    return 0;
}

static int join_one(struct db_conn *c, struct str text, struct having *h, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_s_term, DB_ARGS(DB_BYTES(text)), &rows, e);

    return found <= 0 ? found : join_term(c, &rows, h, e);
}

/* Those that have a word that begins so. */
static int join_begun(struct db_conn *c, struct str beginning, struct having *h, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char after[TERM_BYTES];
    int more;

    h->looked = 0;
    memcpy(after, beginning.p, beginning.n);
    after[beginning.n - 1]++; /* no byte of UTF-8 is 0xff */
    if (db_query(c, Q_s_terms, DB_ARGS(DB_BYTES(beginning), DB_BYTES(str_of(after, beginning.n))),
                 &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        if (h->looked >= BEGUN_MAX) {
            h->more = true;
            return 0;
        }
        if (join_term(c, &rows, h, e) < 0)
            return -1;
    }
    return more;
}

/* A word, or, if it is the last one, what may be the beginning of one. */
static int join_word(struct db_conn *c, struct str word, bool last, struct having *h, struct err *e)
{
    char marked[1 + TERM_BYTES] = {TERM_MARK};

    set_clear(&h->any);
    if (h->want_named)
        set_clear(&h->named);
    if (!last)
        return join_one(c, word, h, e);
    if (terms_beginning(word, TERM_BEGINNING + 1).n)
        return join_begun(c, word, h, e);
    memcpy(marked + 1, word.p, word.n);
    return join_one(c, str_of(marked, 1 + word.n), h, e);
}

static int cut_by_words(struct db_conn *c, struct arena *a, struct str packed, struct matching *m,
                        struct err *e)
{
    struct having h = {.want_named = m->has_named};
    struct str word, next;
    bool named;

    if (set_new(a, m->found.rows, &h.any, e) < 0 ||
        set_new(a, m->has_named ? m->found.rows : 0, &h.named, e) < 0)
        return -1;
    word = terms_next(&packed, &named);
    for (size_t i = 0; word.n && i < SEARCH_WORDS && set_next(&m->found, 0) >= 0;
         i++, word = next) {
        next = terms_next(&packed, &named);
        if (join_word(c, word, next.n == 0 || i + 1 == SEARCH_WORDS, &h, e) < 0)
            return -1;
        set_and(&m->found, &h.any);
        if (m->has_named)
            set_and(&m->named, &h.named);
    }
    m->more = h.more;
    return 0;
}

static int cut_words(const struct search *s, struct db_conn *c, struct arena *a, struct str text,
                     struct matching *m, struct err *e)
{
    AUTO(terms) words = {.n = 0};

    terms_init(&words);
    if (terms_read(&words, s->words, text, false, e) < 0)
        return -1;
    if (words.packed.n == 0) { /* no word finds nothing */
        set_clear(&m->found);
        m->has_named = false;
        return 0;
    }
    if (m->has_named) {
        if (set_new(a, m->found.rows, &m->named, e) < 0)
            return -1;
        set_copy(&m->named, &m->found);
    }
    return cut_by_words(c, a, buf_str(&words.packed), m, e);
}

/* ---- all of it ---- */

static int rows_of(struct db_conn *c, size_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_s_bits_last, DB_ARGS(DB_I64(search_key(SEARCH_ALL + 1, 0))), &rows, e);

    *ret = found > 0 ? (size_t)(db_i64(&rows, 0) & SEARCH_ROW_MAX) + 1 : 0;
    return found < 0 ? -1 : 0;
}

int search_match(const struct search *s, struct db_conn *c, struct arena *a,
                 const struct search_query *q, bool want_named, struct matching *ret, struct err *e)
{
    struct matching m = {.has_named = want_named && q->text.p};
    size_t rows;

    if (rows_of(c, &rows, e) < 0 || set_new(a, rows, &m.found, e) < 0 ||
        set_join(&m.found, c, SEARCH_ALL, e) < 0)
        return -1;
    for (int f = SEARCH_ARCHITECTURE; f < SEARCH_FACETS; f++)
        if (cut_facet(c, a, (enum search_facet)f, &q->facets[f], &m.found, e) < 0)
            return -1;
    if ((q->text.p && cut_words(s, c, a, q->text, &m, e) < 0) ||
        cut_parameters(c, q, &m.found, e) < 0 || cut_projects(c, a, q, &m.found, e) < 0)
        return -1;
    m.total = set_count(&m.found);
    *ret = m;
    return 0;
}
