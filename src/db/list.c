/* SPDX-License-Identifier: Apache-2.0 */
#include "db/list.h"

#include "base/limits.h"
#include "db/driver.h"

const struct db_field *db_list_field(const struct db_list *l, struct str name)
{
    for (size_t i = 0; i < l->n_fields; i++)
        if (str_eqz(name, l->fields[i].name))
            return &l->fields[i];
    return NULL;
}

bool db_list_takes(const struct db_field *f, enum db_match_op op)
{
    switch (op) {
    case DB_MATCH_EXACT:
    case DB_MATCH_ANY:
        return true;
    case DB_MATCH_CONTAINS:
        return f->type == DB_FIELD_TEXT;
    case DB_MATCH_RANGE:
        return !f->exists && f->type != DB_FIELD_BOOL;
    case DB_MATCH_ALL:
        return f->exists;
    }
    return false;
}

/* ---- the text ---- */

/* One condition with one value, which is parameter `at`. */
static void add_term(struct buf *out, const struct db_field *f, const char *compare, size_t at)
{
    bool like = *compare == 'L';

    if (!f->exists)
        buf_addf(out, like ? "lower(%s) " : "%s ", f->column);
    for (const char *p = f->exists ? f->exists : "?"; *p; p++) {
        if (*p == '?')
            buf_addf(out, "%s $%zu%s", compare, at, like ? " ESCAPE '~'" : "");
        else
            buf_addc(out, *p);
    }
}

static void add_many(struct buf *out, const struct db_match *m, const char *between, size_t *at)
{
    buf_addc(out, '(');
    for (size_t i = 0; i < m->n; i++) {
        buf_addz(out, i ? between : "");
        add_term(out, m->field, "=", (*at)++);
    }
    buf_addc(out, ')');
}

static void add_range(struct buf *out, const struct db_match *m, size_t *at)
{
    static const char *const compare[] = {">=", "<="};

    buf_addz(out, "1 = 1");
    for (size_t i = 0; i < 2; i++) {
        if (m->values[i].type == DB_TYPE_NULL)
            continue;
        buf_addz(out, " AND ");
        add_term(out, m->field, compare[i], (*at)++);
    }
}

static void add_match(struct buf *out, const struct db_match *m, size_t *at)
{
    BUG_ON(!db_list_takes(m->field, m->op) || m->n == 0);
    buf_addz(out, " AND ");
    switch (m->op) {
    case DB_MATCH_EXACT:
        add_term(out, m->field, "=", (*at)++);
        break;
    case DB_MATCH_CONTAINS:
        add_term(out, m->field, "LIKE", (*at)++);
        break;
    case DB_MATCH_RANGE:
        add_range(out, m, at);
        break;
    case DB_MATCH_ANY:
        add_many(out, m, " OR ", at);
        break;
    case DB_MATCH_ALL:
        add_many(out, m, " AND ", at);
        break;
    }
}

static void add_order(struct buf *out, const struct db_list *l, const struct db_list_query *q)
{
    buf_addz(out, " ORDER BY ");
    for (size_t i = 0; i < q->n_sorts; i++) {
        BUG_ON(q->sorts[i].field->exists != NULL);
        buf_addf(out, "%s%s, ", q->sorts[i].field->column, q->sorts[i].descending ? " DESC" : "");
    }
    if (q->n_sorts)
        buf_addz(out, l->key);
    else
        buf_addz(out, l->order);
}

/* The condition that spares reading what stands behind the page; parameter `at` is the limit. */
static void add_first(struct buf *out, const struct db_list *l, size_t at)
{
    for (const char *p = l->first; *p; p++) {
        if (*p == '?') /* PostgreSQL has to be told of which type a sum of parameters is */
            buf_addf(out, "CAST($%zu AS BIGINT) + $%zu", at, at + 1);
        else
            buf_addc(out, *p);
    }
}

void db_list_sql(const struct db_list *l, const struct db_list_query *q, bool count,
                 struct buf *out)
{
    size_t at = l->n_args + 1;

    if (count && l->total && q->n_matches == 0) {
        buf_addf(out, "SELECT coalesce(sum(%s), 0) FROM %s", l->total, l->total_from);
        return;
    }
    buf_addf(out, "SELECT %s FROM %s", count ? "count(*)" : l->columns, l->from);
    for (size_t i = 0; i < q->n_matches; i++)
        add_match(out, &q->matches[i], &at);
    if (count)
        return;
    if (l->first && q->n_matches == 0 && q->n_sorts == 0)
        add_first(out, l, at);
    add_order(out, l, q);
    buf_addf(out, " LIMIT $%zu OFFSET $%zu", at, at + 1);
}

/* ---- the values ---- */

/* The text between wildcards, with those in it made harmless. */
static struct db_arg pattern(struct arena *a, struct str text)
{
    char *p = arena_alloc(a, 2 * text.n + 3);
    size_t n = 0;

    p[n++] = '%';
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        if (ch == '%' || ch == '_' || ch == '~')
            p[n++] = '~';
        p[n++] = ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
    }
    p[n++] = '%';
    return DB_TEXT(str_of(p, n));
}

/* All parameters in the order in which the text names them. */
static int gather(struct arena *a, const struct db_list *l, const struct db_list_query *q,
                  bool count, struct db_args *ret, struct err *e)
{
    size_t n = q->args.n + 2;
    for (size_t i = 0; i < q->n_matches; i++)
        n += q->matches[i].n;
    if (n > LIMIT_LIST_VALUES)
        return ERR(e, LIMIT, "the query holds more than %d values", LIMIT_LIST_VALUES);
    BUG_ON(q->args.n != l->n_args);
    struct db_arg *v = ARENA_ARRAY(a, n, struct db_arg);
    n = 0;
    for (size_t i = 0; i < q->args.n; i++)
        v[n++] = q->args.v[i];
    for (size_t i = 0; i < q->n_matches; i++) {
        const struct db_match *m = &q->matches[i];
        for (size_t k = 0; k < m->n; k++) {
            if (m->op == DB_MATCH_RANGE && m->values[k].type == DB_TYPE_NULL)
                continue;
            v[n++] = m->op == DB_MATCH_CONTAINS ? pattern(a, m->values[k].s) : m->values[k];
        }
    }
    if (!count) {
        v[n++] = DB_I64(q->limit);
        v[n++] = DB_I64(q->offset);
    }
    *ret = (struct db_args){v, n};
    return 0;
}

static int ask(struct db_conn *c, const struct db_list *l, const struct db_list_query *q,
               bool count, struct db_rows *ret, struct err *e)
{
    AUTO(buf) sql = {0};
    AUTO(arena) a = {0};
    struct db_args args;

    buf_init(&sql, LIMIT_LIST_SQL);
    arena_init(&a, MIB);
    if (gather(&a, l, q, count, &args, e) < 0)
        return -1;
    db_list_sql(l, q, count, &sql);
    if (!buf_ok(&sql))
        return ERR(e, LIMIT, "the query is too long");
    return db_conn_query(c, l->name, sql.p, args, ret, e);
}

int db_list_count(struct db_conn *c, const struct db_list *l, const struct db_list_query *q,
                  int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};

    if (ask(c, l, q, true, &rows, e) < 0)
        return -1;
    int found = db_next(&rows, e);
    if (found > 0)
        *ret = db_i64(&rows, 0);
    return found > 0 ? 0 : found < 0 ? -1 : ERR(e, DB, "list %s was not counted", l->name);
}

int db_list_rows(struct db_conn *c, const struct db_list *l, const struct db_list_query *q,
                 struct db_rows *ret, struct err *e)
{
    return ask(c, l, q, false, ret, e);
}

/* Reads rows one behind the other; at most q->limit. */
static int read_rows(struct db_conn *c, const struct db_list *l, const struct db_list_query *q,
                     struct arena *a, void *ret, size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char *to = ret;
    size_t n = 0;
    int more;

    if (db_list_rows(c, l, q, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && n < (size_t)q->limit)
        if (l->row(&rows, a, to + n++ * l->size, e) < 0)
            return -1;
    *ret_n = n;
    return more < 0 ? -1 : 0;
}

int db_list_page(struct db_conn *c, const struct db_list *l, struct db_args args,
                 const struct db_list_query *q, struct arena *a, struct db_page *ret, struct err *e)
{
    struct db_list_query narrowed = *q;
    int64_t total;

    narrowed.args = args;
    if (db_list_count(c, l, &narrowed, &total, e) < 0 || db_list_some(c, l, args, q, a, ret, e) < 0)
        return -1;
    ret->total = total;
    return 0;
}

int db_list_some(struct db_conn *c, const struct db_list *l, struct db_args args,
                 const struct db_list_query *q, struct arena *a, struct db_page *ret, struct err *e)
{
    struct db_list_query narrowed = *q;

    narrowed.args = args;
    *ret = (struct db_page){.v = arena_alloc(a, (size_t)q->limit * l->size)};
    return read_rows(c, l, &narrowed, a, ret->v, &ret->n, e);
}

int db_list_find(struct db_conn *c, const struct db_list *l, struct db_args args, const char *field,
                 struct db_arg value, struct arena *a, void *ret, struct err *e)
{
    const struct db_match match = {
        .field = db_list_field(l, str_from(field)), .op = DB_MATCH_EXACT, .values = &value, .n = 1};
    const struct db_list_query q = {.args = args, .matches = &match, .n_matches = 1, .limit = 1};
    size_t n = 0;

    return read_rows(c, l, &q, a, ret, &n, e) < 0 ? -1 : n > 0;
}

int db_list_one(struct db_conn *c, const struct db_list *l, struct db_args args, struct arena *a,
                void *ret, struct err *e)
{
    const struct db_list_query q = {.args = args, .limit = 1};
    size_t n = 0;

    return read_rows(c, l, &q, a, ret, &n, e) < 0 ? -1 : n > 0;
}
