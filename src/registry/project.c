/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projects. The name that stands in OCI references is one of OCI; what the project was called when
 * it was made is its display id (oci/display.h), which is unique when case is ignored.
 */
#include "registry/project.h"

#include "access/member.h"
#include "access/user.h"
#include "base/clock.h"
#include "registry/internal.h"

static int find(struct registry *r, struct arena *a, enum db_query q, struct db_args key,
                struct project *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct project p;
    int found = db_one(db_reader(r->db), q, key, &rows, e);

    if (found <= 0)
        return found;
    p = (struct project){
        .id = db_i64(&rows, 0), .is_public = db_i64(&rows, 2) != 0, .created_ms = db_i64(&rows, 3)};
    if (registry_copy(a, db_text(&rows, 1), &p.name, e) < 0)
        return -1;
    *ret = p;
    return 1;
}

int project_find(struct registry *r, struct arena *a, struct str name, struct project *ret,
                 struct err *e)
{
    return find(r, a, Q_project_by_name, DB_ARGS(DB_TEXT(registry_lower(a, name))), ret, e);
}

int project_meant(struct registry *r, struct arena *a, struct str text, struct project *ret,
                  struct err *e)
{
    struct str lower = registry_lower(a, text);
    int found = find(r, a, Q_project_by_name, DB_ARGS(DB_TEXT(lower)), ret, e);

    return found != 0 ? found : find(r, a, Q_project_by_display, DB_ARGS(DB_TEXT(lower)), ret, e);
}

int project_find_by_id(struct registry *r, struct arena *a, int64_t id, struct project *ret,
                       struct err *e)
{
    return find(r, a, Q_project_by_id, DB_ARGS(DB_I64(id)), ret, e);
}

/* The OCI name of a project and its display id, of what somebody calls it: a name in any case, or
 * else a display id; one component, not reserved. */
static int parse_name(struct str text, struct repo_name *ret, struct display_id *ret_display,
                      struct err *e)
{
    char lower[LIMIT_REPO_NAME + 1];
    struct repo_name name;

    if (text.n > LIMIT_REPO_NAME)
        return ERR(e, NAME_INVALID, "the project name is longer than %d characters",
                   LIMIT_REPO_NAME);
    for (size_t i = 0; i < text.n; i++)
        lower[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] - 'A' + 'a') : text.p[i];
    if (repo_name_parse(str_of(lower, text.n), &name, NULL) < 0 &&
        display_encode(text, &name, e) < 0)
        return -1;
    if (repo_name_rest(&name).n > 0)
        return ERR(e, NAME_INVALID, "\"%.*s\": a project name has no '/'", S(text));
    if (repo_name_reserved(repo_name_project(&name)))
        return ERR(e, NAME_INVALID, "the project name \"%.*s\" is reserved", S(text));
    display_decode(&name, ret_display);
    if (str_ieq(text, str_from(ret_display->text)))
        memcpy(ret_display->text, text.p, text.n);
    *ret = name;
    return 0;
}

static int insert(struct db_conn *c, struct str text, bool is_public, int64_t owner,
                  int64_t *ret_id, struct err *e)
{
    struct repo_name name;
    struct display_id display;

    if (parse_name(text, &name, &display, e) < 0)
        return -1;
    switch (registry_one_id(c, Q_project_add,
                            DB_ARGS(DB_TEXT(repo_name_str(&name)), DB_TEXTZ(display.text),
                                    DB_I64(is_public), DB_I64(clock_now_ms()), DB_I64(owner)),
                            ret_id, e)) {
    case 1:
        return 0;
    case 0:
        return ERR(e, DB, "the project was not added");
    default:
        if (e && e->code == ERR_CONFLICT)
            return ERR(e, CONFLICT, "there is a project \"%.*s\" already", S(text));
        return -1;
    }
}

int project_create(struct registry *r, struct str name, bool is_public, int64_t *ret_id,
                   struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t id;

    if (db_begin(r->db, &t, e) < 0 || insert(t.conn, name, is_public, 0, &id, e) < 0 ||
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
    if (insert(t.conn, STR("library"), true, USER_FIRST_ID, &id, e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* An entry about a project that is still there, or nothing. */
static int audit_project(struct db_conn *c, enum audit_event event, int64_t id, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char name[LIMIT_AUDIT_TEXT];
    int found = db_one(c, Q_project_name, DB_ARGS(DB_I64(id)), &rows, e);

    if (found <= 0)
        return found;
    snprintf(name, sizeof(name), "%.*s", S(db_text(&rows, 0)));
    db_rows_done(&rows);
    const struct audit_entry entry = {.event = event, .project_id = id, .resource = str_from(name)};
    return audit_add(c, &entry, e);
}

/* ---- properties ---- */

static int check_properties(const struct project_properties *p, struct err *e)
{
    for (int i = 0; i < PROJECT_PROPERTY_COUNT; i++)
        if (p->v[i].p && project_property_check((enum project_property)i, p->v[i], e) < 0)
            return -1;
    return 0;
}

/* All but whether it is public, which is a column. */
static int put_properties(struct db_conn *c, int64_t id, const struct project_properties *p,
                          struct err *e)
{
    for (int i = 0; i < PROJECT_PROPERTY_COUNT; i++) {
        if (i == PROJECT_public || !p->v[i].p)
            continue;
        if (db_exec(c, Q_project_metadata_put,
                    DB_ARGS(DB_I64(id), DB_TEXTZ(project_property_name((enum project_property)i)),
                            DB_TEXT(p->v[i])),
                    NULL, e) < 0)
            return -1;
    }
    return 0;
}

int project_make(struct registry *r, struct str name, int64_t owner_id,
                 const struct project_properties *p, int64_t hard, int64_t *ret_id, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t id, member;

    if (check_properties(p, e) < 0 || db_begin(r->db, &t, e) < 0 ||
        insert(t.conn, name, str_eqz(p->v[PROJECT_public], "true"), owner_id, &id, e) < 0 ||
        put_properties(t.conn, id, p, e) < 0 ||
        db_exec(t.conn, Q_quota_hard_set, DB_ARGS(DB_I64(id), DB_I64(hard), DB_I64(clock_now_ms())),
                NULL, e) < 0)
        return -1;
    const struct member owner = {.project_id = id, .entity_id = owner_id, .role = ROLE_ADMIN};
    const struct audit_entry entry = {
        .event = AUDIT_create_project, .project_id = id, .resource = name};
    if ((owner_id && member_insert(t.conn, &owner, &member, e) < 0) ||
        audit_add(t.conn, &entry, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    *ret_id = id;
    return 0;
}

int project_set(struct registry *r, int64_t id, const struct project_properties *p, struct err *e)
{
    AUTO(db_txn) t = {0};
    struct str is_public = p->v[PROJECT_public];
    int64_t now = clock_now_ms(), changed = 0;

    if (check_properties(p, e) < 0 || db_begin(r->db, &t, e) < 0)
        return -1;
    if ((is_public.p
             ? db_exec(t.conn, Q_project_public_set,
                       DB_ARGS(DB_I64(id), DB_I64(str_eqz(is_public, "true")), DB_I64(now)),
                       &changed, e)
             : db_exec(t.conn, Q_project_touch, DB_ARGS(DB_I64(id), DB_I64(now)), &changed, e)) < 0)
        return -1;
    if (changed == 0)
        return ERR(e, NOT_FOUND, "there is no project %lld", (long long)id);
    if (put_properties(t.conn, id, p, e) < 0 ||
        audit_project(t.conn, AUDIT_update_project, id, e) < 0)
        return -1;
    return db_commit(&t, e);
}

int project_unset(struct registry *r, int64_t id, enum project_property p, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t changed = 0;
    const struct project_properties closed = {.v[PROJECT_public] = STR("false")};

    if (p == PROJECT_public)
        return project_set(r, id, &closed, e);
    if (db_begin(r->db, &t, e) < 0 ||
        db_exec(t.conn, Q_project_metadata_remove,
                DB_ARGS(DB_I64(id), DB_TEXTZ(project_property_name(p))), &changed, e) < 0)
        return -1;
    if (changed == 0)
        return ERR(e, NOT_FOUND, "the project has no %s", project_property_name(p));
    return audit_project(t.conn, AUDIT_update_project, id, e) < 0 ? -1 : db_commit(&t, e);
}

/* ---- removing ---- */

/* Repositories that go in one transaction. */
#define REMOVE_AT_ONCE 100

/* Removes empty repositories of a project: 1 there may be more, 0 none is left, -1. What was sent
 * to them and never named becomes a candidate for the collection. */
static int remove_repositories(struct db_conn *c, int64_t project, struct err *e)
{
    int64_t ids[REMOVE_AT_ONCE];
    size_t n = 0;
    int more;
    AUTO(db_rows) rows = {0};

    if (db_query(c, Q_repository_of_project, DB_ARGS(DB_I64(project), DB_I64(REMOVE_AT_ONCE)),
                 &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && n < REMOVE_AT_ONCE)
        ids[n++] = db_i64(&rows, 0);
    if (more < 0)
        return -1;
    db_rows_done(&rows);
    for (size_t i = 0; i < n; i++)
        if (repository_remove(c, ids[i], e) < 0)
            return -1;
    return n == REMOVE_AT_ONCE;
}

/* One transaction's part of it: 1 there is more to do, 0 it is gone, -1. */
static int remove_part(struct registry *r, int64_t id, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t artifact, changed = 0;

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int found = registry_one_id(t.conn, Q_project_artifact_any, DB_ARGS(DB_I64(id)), &artifact, e);
    if (found != 0)
        return found < 0
                   ? -1
                   : ERR(e, PRECONDITION, "the project contains repositories, can not be deleted");
    int more = remove_repositories(t.conn, id, e);
    if (more < 0 || (!more && audit_project(t.conn, AUDIT_delete_project, id, e) < 0) ||
        (!more &&
         db_exec(t.conn, Q_robot_grants_of_project_remove, DB_ARGS(DB_I64(id)), NULL, e) < 0) ||
        (!more && db_exec(t.conn, Q_project_remove, DB_ARGS(DB_I64(id)), &changed, e) < 0))
        return -1;
    if (!more && changed == 0)
        return ERR(e, NOT_FOUND, "there is no project %lld", (long long)id);
    return db_commit(&t, e) < 0 ? -1 : more;
}

int project_remove(struct registry *r, int64_t id, struct err *e)
{
    int more;

    do {
        more = remove_part(r, id, e);
    } while (more > 0);
    return more;
}
