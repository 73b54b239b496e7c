/* SPDX-License-Identifier: Apache-2.0 */
#include "access/group.h"

#include "access/audit.h"
#include "access/internal.h"
#include "base/clock.h"
#include "base/mem.h"

static const struct db_field fields[] = {
    {.name = "id", .column = "g.id", .type = DB_FIELD_I64},
    {.name = "group_name", .column = "g.name", .type = DB_FIELD_TEXT},
    {.name = "group_type", .column = "g.kind", .type = DB_FIELD_I64},
    {.name = "ldap_group_dn", .column = "g.ldap_dn", .type = DB_FIELD_TEXT},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct group *)ret = (struct group){
        .id = db_i64(rows, 0),
        .name = arena_str(a, db_text(rows, 1)),
        .kind = db_i64(rows, 2),
        .ldap_dn = arena_str(a, db_text(rows, 3)),
    };
    return 0;
}

const struct db_list group_list_fields = {
    .name = "usergroups",
    .columns = "g.id, g.name, g.kind, g.ldap_dn",
    .from = "user_group g WHERE g.id > 0",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "g.name, g.id",
    .key = "g.id",
    .size = sizeof(struct group),
    .row = read_row,
};

int group_find(struct access *x, struct arena *a, int64_t id, struct group *ret, struct err *e)
{
    return db_list_find(db_reader(x->db), &group_list_fields, DB_NO_ARGS, "id", DB_I64(id), a, ret,
                        e);
}

int group_list(struct access *x, struct arena *a, const struct db_list_query *q,
               struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(x->db), &group_list_fields, DB_NO_ARGS, q, a, ret, e);
}

static int check_name(struct str name, struct err *e)
{
    if (name.n == 0 || name.n > LIMIT_USERNAME)
        return ERR(e, BAD_REQUEST, "\"group_name\" must have 1 to %d characters", LIMIT_USERNAME);
    return 0;
}

static int check(const struct group *g, struct err *e)
{
    if (g->kind < GROUP_LDAP || g->kind > GROUP_OIDC)
        return ERR(e, BAD_REQUEST, "\"group_type\" must be 1 (LDAP), 2 (proxy) or 3 (OIDC)");
    if (g->kind == GROUP_LDAP && (g->ldap_dn.n == 0 || str_chr(g->ldap_dn, '=') <= 0))
        return ERR(e, BAD_REQUEST, "\"ldap_group_dn\" must be the distinguished name of the group");
    if (g->kind != GROUP_LDAP && g->ldap_dn.n)
        return ERR(e, BAD_REQUEST, "\"ldap_group_dn\" is for groups of LDAP");
    return check_name(g->name, e);
}

/* 1, 0, -1 */
static int find_same(struct db_conn *c, const struct group *g, int64_t *ret_id, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_group_same,
                       DB_ARGS(DB_I64(g->kind), DB_TEXT(g->name), DB_TEXT(g->ldap_dn)), &rows, e);

    if (found > 0)
        *ret_id = db_i64(&rows, 0);
    return found;
}

static int put(struct access *x, const struct group *g, bool may_exist, int64_t *ret_id,
               struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};

    if (check(g, e) < 0 || db_begin(x->db, &t, e) < 0)
        return -1;
    int found = find_same(t.conn, g, ret_id, e);
    if (found < 0 || (found && may_exist))
        return found < 0 ? -1 : 0;
    if (found)
        return ERR(e, CONFLICT, "there is a group \"%.*s\" already", S(g->name));
    if (db_one(
            t.conn, Q_group_add,
            DB_ARGS(DB_TEXT(g->name), DB_I64(g->kind), DB_TEXT(g->ldap_dn), DB_I64(clock_now_ms())),
            &rows, e) <= 0)
        return -1;
    *ret_id = db_i64(&rows, 0);
    db_rows_done(&rows);
    const struct audit_entry entry = {.event = AUDIT_create_usergroup, .resource = g->name};
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

int group_create(struct access *x, const struct group *g, int64_t *ret_id, struct err *e)
{
    return put(x, g, false, ret_id, e);
}

int group_ensure(struct access *x, const struct group *g, int64_t *ret_id, struct err *e)
{
    return put(x, g, true, ret_id, e);
}

static int change(struct access *x, enum audit_event event, enum db_query q, struct db_args args,
                  struct err *e)
{
    const struct audit_change c = {.what = "group",
                                   .find = Q_group_by_id,
                                   .key = {args.v, 1},
                                   .name = 1,
                                   .q = q,
                                   .args = args,
                                   .entry = {.event = event}};
    return audit_change(x->db, &c, e);
}

int group_rename(struct access *x, int64_t id, struct str name, struct err *e)
{
    if (check_name(name, e) < 0)
        return -1;
    if (change(x, AUDIT_update_usergroup, Q_group_name_set,
               DB_ARGS(DB_I64(id), DB_TEXT(name), DB_I64(clock_now_ms())), e) < 0)
        return e && e->code == ERR_CONFLICT
                   ? ERR(e, CONFLICT, "there is a group \"%.*s\" already", S(name))
                   : -1;
    return 0;
}

int group_remove(struct access *x, int64_t id, struct err *e)
{
    return change(x, AUDIT_delete_usergroup, Q_group_remove, DB_ARGS(DB_I64(id)), e);
}
