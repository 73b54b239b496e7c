/* SPDX-License-Identifier: Apache-2.0 */
#include "access/member.h"

#include "access/audit.h"
#include "access/internal.h"
#include "base/clock.h"
#include "base/mem.h"

/* ---- roles ---- */

static const struct {
    enum access_role role;
    const char *name;
} strongest_first[] = {
    {ROLE_ADMIN, "projectAdmin"}, {ROLE_MAINTAINER, "maintainer"}, {ROLE_DEVELOPER, "developer"},
    {ROLE_GUEST, "guest"},        {ROLE_LIMITED, "limitedGuest"},
};

enum access_role access_role_strongest(unsigned roles)
{
    for (size_t i = 0; i < ARRAY_LEN(strongest_first); i++)
        if (roles & ROLE_BIT(strongest_first[i].role))
            return strongest_first[i].role;
    return ROLE_ANYBODY;
}

const char *access_role_name(enum access_role role)
{
    for (size_t i = 0; i < ARRAY_LEN(strongest_first); i++)
        if (strongest_first[i].role == role)
            return strongest_first[i].name;
    return "";
}

int access_roles(struct access *x, const struct identity *id, int64_t project_id, bool is_public,
                 unsigned *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    unsigned set = is_public ? ROLE_BIT(ROLE_ANYBODY) : 0;
    int more = 0;

    if (id->proof == ACCESS_BASIC || id->proof == ACCESS_SESSION) {
        if (db_query(db_reader(x->db), Q_member_roles,
                     DB_ARGS(DB_I64(project_id), DB_I64(id->user_id)), &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0)
            set |= ROLE_BIT((unsigned)db_i64(&rows, 0) % ROLE_COUNT);
    }
    *ret = set;
    return more < 0 ? -1 : 0;
}

/* ---- members ---- */

#define MEMBER_NAME "coalesce(u.username, g.name)"

static const struct db_field fields[] = {
    {.name = "id", .column = "m.id", .type = DB_FIELD_I64},
    {.name = "entity_name", .column = MEMBER_NAME, .type = DB_FIELD_TEXT},
    {.name = "role_id", .column = "m.role", .type = DB_FIELD_I64},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    bool is_group = db_is_null(rows, 2);
    *(struct member *)ret = (struct member){
        .id = db_i64(rows, 0),
        .project_id = db_i64(rows, 1),
        .is_group = is_group,
        .entity_id = db_i64(rows, is_group ? 3 : 2),
        .role = (enum access_role)db_i64(rows, 4),
        .name = arena_str(a, db_text(rows, is_group ? 6 : 5)),
    };
    return 0;
}

const struct db_list member_list_fields = {
    .name = "members",
    .columns = "m.id, m.project_id, m.user_id, m.group_id, m.role, u.username, g.name",
    .from = "project_member m LEFT JOIN user_account u ON u.id = m.user_id"
            " LEFT JOIN user_group g ON g.id = m.group_id WHERE m.project_id = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = MEMBER_NAME ", m.id",
    .key = "m.id",
    .size = sizeof(struct member),
    .row = read_row,
};

int member_find(struct access *x, struct arena *a, int64_t project, int64_t id, struct member *ret,
                struct err *e)
{
    return db_list_find(db_reader(x->db), &member_list_fields, DB_ARGS(DB_I64(project)), "id",
                        DB_I64(id), a, ret, e);
}

int member_list(struct access *x, struct arena *a, int64_t project, const struct db_list_query *q,
                struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(x->db), &member_list_fields, DB_ARGS(DB_I64(project)), q, a, ret,
                        e);
}

int member_insert(struct db_conn *c, const struct member *m, int64_t *ret_id, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_project_member_add,
                       DB_ARGS(DB_I64(m->project_id), m->is_group ? DB_NULL : DB_I64(m->entity_id),
                               m->is_group ? DB_I64(m->entity_id) : DB_NULL, DB_I64(m->role),
                               DB_I64(clock_now_ms())),
                       &rows, e);

    if (found > 0) {
        *ret_id = db_i64(&rows, 0);
        return 0;
    }
    return e && e->code == ERR_CONFLICT
               ? ERR(e, CONFLICT, "the %s is a member of the project already",
                     m->is_group ? "group" : "user")
               : -1;
}

/* 1, 0, -1 */
static int find_entity(struct db_conn *c, const struct member *m, struct buf *name, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, m->is_group ? Q_group_by_id : Q_user_by_id, DB_ARGS(DB_I64(m->entity_id)),
                       &rows, e);
    if (found > 0)
        buf_adds(name, db_text(&rows, 1));
    return found;
}

int member_add(struct access *x, const struct member *m, int64_t *ret_id, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(buf) name = {0};

    buf_init(&name, LIMIT_USERNAME + 1);
    if (db_begin(x->db, &t, e) < 0)
        return -1;
    int found = find_entity(t.conn, m, &name, e);
    if (found <= 0)
        return found < 0 ? -1
                         : ERR(e, NOT_FOUND, "there is no %s %lld", m->is_group ? "group" : "user",
                               (long long)m->entity_id);
    if (member_insert(t.conn, m, ret_id, e) < 0)
        return -1;
    const struct audit_entry entry = {
        .event = AUDIT_create_member, .project_id = m->project_id, .resource = buf_str(&name)};
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

/* args: of which project, which member, and more. */
static int change(struct access *x, enum audit_event event, enum db_query q, struct db_args args,
                  struct err *e)
{
    const struct audit_change c = {.what = "member",
                                   .find = Q_project_member_by_id,
                                   .key = {args.v, 2},
                                   .name = 7,
                                   .q = q,
                                   .args = args,
                                   .entry = {.event = event, .project_id = args.v[0].i}};
    return audit_change(x->db, &c, e);
}

int member_set_role(struct access *x, int64_t project, int64_t id, enum access_role role,
                    struct err *e)
{
    return change(x, AUDIT_update_member, Q_project_member_role_set,
                  DB_ARGS(DB_I64(project), DB_I64(id), DB_I64(role)), e);
}

int member_remove(struct access *x, int64_t project, int64_t id, struct err *e)
{
    return change(x, AUDIT_delete_member, Q_project_member_remove,
                  DB_ARGS(DB_I64(project), DB_I64(id)), e);
}

int member_is_admin_anywhere(struct access *x, int64_t user, struct err *e)
{
    AUTO(db_rows) rows = {0};
    return db_one(db_reader(x->db), Q_member_admin_of, DB_ARGS(DB_I64(user)), &rows, e);
}

int member_count(struct access *x, int64_t project, int64_t ret[ROLE_COUNT], struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    memset(ret, 0, ROLE_COUNT * sizeof(ret[0]));
    if (db_query(db_reader(x->db), Q_project_member_count, DB_ARGS(DB_I64(project)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        ret[(unsigned)db_i64(&rows, 0) % ROLE_COUNT] = db_i64(&rows, 1);
    return more < 0 ? -1 : 0;
}
