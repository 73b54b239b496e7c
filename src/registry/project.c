/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projects. The name that stands in OCI references is lower case; the name a project was made with
 * is kept for display and is unique when case is ignored.
 */
#include "base/clock.h"
#include "registry/internal.h"

int project_find(struct registry *r, struct arena *a, struct str name, struct project *ret,
                 struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct project p;
    int found = db_one(db_reader(r->db), Q_project_by_name, DB_ARGS(DB_TEXT(name)), &rows, e);

    if (found <= 0)
        return found;
    p = (struct project){
        .id = db_i64(&rows, 0), .is_public = db_i64(&rows, 2) != 0, .created_ms = db_i64(&rows, 3)};
    if (registry_copy(a, db_text(&rows, 1), &p.name, e) < 0)
        return -1;
    *ret = p;
    return 1;
}

/* The OCI name of a project: one component of the grammar, lower case, not reserved. */
static int parse_name(struct str display, struct repo_name *ret, struct err *e)
{
    char lower[LIMIT_REPO_NAME + 1];
    struct repo_name name;

    if (display.n > LIMIT_REPO_NAME)
        return ERR(e, NAME_INVALID, "the project name is longer than %d characters",
                   LIMIT_REPO_NAME);
    for (size_t i = 0; i < display.n; i++) {
        char c = display.p[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    if (repo_name_parse(str_of(lower, display.n), &name, e) < 0)
        return -1;
    if (repo_name_rest(&name).n > 0)
        return ERR(e, NAME_INVALID, "\"%.*s\": a project name has no '/'", S(display));
    if (repo_name_reserved(repo_name_project(&name)))
        return ERR(e, NAME_INVALID, "the project name \"%.*s\" is reserved", S(display));
    *ret = name;
    return 0;
}

static int insert(struct db_conn *c, struct str display, bool is_public, int64_t *ret_id,
                  struct err *e)
{
    struct repo_name name;

    if (parse_name(display, &name, e) < 0)
        return -1;
    switch (registry_one_id(c, Q_project_add,
                            DB_ARGS(DB_TEXT(repo_name_str(&name)), DB_TEXT(display),
                                    DB_I64(is_public), DB_I64(clock_now_ms())),
                            ret_id, e)) {
    case 1:
        return 0;
    case 0:
        return ERR(e, DB, "the project was not added");
    default:
        if (e && e->code == ERR_CONFLICT)
            return ERR(e, CONFLICT, "there is a project \"%.*s\" already", S(display));
        return -1;
    }
}

int project_create(struct registry *r, struct str name, bool is_public, int64_t *ret_id,
                   struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t id;

    if (db_begin(r->db, &t, e) < 0 || insert(t.conn, name, is_public, &id, e) < 0 ||
        db_commit(&t, e) < 0)
        return -1;
    if (ret_id)
        *ret_id = id;
    return 0;
}

int project_seed(struct registry *r, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t id;
    int found = registry_one_id(db_reader(r->db), Q_project_any, DB_NO_ARGS, &id, e);

    if (found != 0)
        return found < 0 ? -1 : 0;
    if (db_begin(r->db, &t, e) < 0)
        return -1;
    found = registry_one_id(t.conn, Q_project_any, DB_NO_ARGS, &id, e);
    if (found != 0)
        return found < 0 ? -1 : 0;
    if (insert(t.conn, STR("library"), true, &id, e) < 0)
        return -1;
    return db_commit(&t, e);
}
