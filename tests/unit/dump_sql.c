/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the migrations for both engines, the query catalogue, and the statements of all lists that
 * callers filter (each field in each form and order) as JSON, for tests outside C. */
#include "api/contract.h"
#include "base/json.h"
#include "base/limits.h"
#include "db/db.h"
#include "db/list.h"
#include "registry/graph.h"

#include <stdio.h>

static void write_list(struct json_writer *w, const struct db_list *l,
                       const struct db_list_query *q, bool count)
{
    AUTO(buf) sql = {0};
    buf_init(&sql, 64 * KIB);
    db_list_sql(l, q, count, &sql);
    jsonw_object(w);
    jsonw_kstrz(w, "name", l->name);
    jsonw_kstr(w, "sql", buf_str(&sql));
    jsonw_object_done(w);
}

static void write_lists(struct json_writer *w, const struct db_list *l)
{
    const struct db_arg two[] = {DB_I64(1), DB_I64(2)};
    const struct db_list_query plain = {0};

    write_list(w, l, &plain, false);
    write_list(w, l, &plain, true);
    for (size_t i = 0; i < l->n_fields; i++) {
        for (int op = DB_MATCH_EXACT; op <= DB_MATCH_ALL; op++) {
            const struct db_match m = {
                .field = &l->fields[i], .op = (enum db_match_op)op, .values = two, .n = 2};
            const struct db_list_query q = {.matches = &m, .n_matches = 1};
            if (!db_list_takes(&l->fields[i], m.op))
                continue;
            write_list(w, l, &q, false);
            write_list(w, l, &q, true);
        }
        for (int d = 0; d < 2 && !l->fields[i].exists; d++) {
            const struct db_sort s = {.field = &l->fields[i], .descending = d};
            const struct db_list_query q = {.sorts = &s, .n_sorts = 1};
            write_list(w, l, &q, false);
        }
    }
}

int main(void)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    const struct db_migration *m;

    buf_init(&out, 16 * MIB);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_key(&w, "migrations");
    jsonw_list(&w);
    for (size_t i = 0; (m = db_migration(i)); i++) {
        jsonw_object(&w);
        jsonw_ki64(&w, "version", m->version);
        jsonw_kstrz(&w, "name", m->name);
        jsonw_kstrz(&w, "sqlite", m->sql);
        jsonw_kstrz(&w, "postgres", m->postgres);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_key(&w, "queries");
    jsonw_list(&w);
    for (int q = 0; q < Q_MAIN_COUNT; q++) {
        jsonw_object(&w);
        jsonw_kstrz(&w, "name", db_query_name((enum db_query)q));
        jsonw_kstrz(&w, "sql", db_query_sql((enum db_query)q));
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_key(&w, "lists");
    jsonw_list(&w);
    size_t n;
    const struct http_group *groups = api_groups(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < groups[i].n; k++) {
            const struct api_contract *c = groups[i].routes[k].contract;
            for (const struct db_list *l = c ? c->list : NULL; l; l = l->other)
                write_lists(&w, l);
        }
    }
    write_lists(&w, &graph_dependent_list);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    if (!buf_ok(&out) || printf("%s\n", out.p) < 0 || fflush(stdout) != 0)
        return 1;
    return 0;
}
