/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of projects: their properties, and lists of them. */
#include "base/mem.h"
#include "registry/internal.h"
#include "registry/project.h"

enum kind { KIND_TRUTH, KIND_SEVERITY, KIND_NUMBER, KIND_TEXT };

static const struct {
    const char *name;
    enum kind kind;
} properties[PROJECT_PROPERTY_COUNT] = {
#define X(name, kind, doc) {#name, KIND_##kind},
#include "registry/metadata.def"
#undef X
};

const char *project_property_name(enum project_property p)
{
    BUG_ON(p >= PROJECT_PROPERTY_COUNT);
    return properties[p].name;
}

int project_property_find(struct str name)
{
    for (int i = 0; i < PROJECT_PROPERTY_COUNT; i++)
        if (str_eqz(name, properties[i].name))
            return i;
    return -1;
}

static bool fits(enum kind kind, struct str value)
{
    static const char *const severities[] = {"none", "low", "medium", "high", "critical"};
    int64_t number;

    switch (kind) {
    case KIND_TRUTH:
        return str_eqz(value, "true") || str_eqz(value, "false");
    case KIND_SEVERITY:
        for (size_t i = 0; i < ARRAY_LEN(severities); i++)
            if (str_eqz(value, severities[i]))
                return true;
        return false;
    case KIND_NUMBER:
        return str_i64(value, -1, INT64_MAX, &number);
    case KIND_TEXT:
        return value.n <= LIMIT_REPO_NAME;
    }
    return false;
}

int project_property_check(enum project_property p, struct str value, struct err *e)
{
    static const char *const kinds[] = {
        [KIND_TRUTH] = "\"true\" or \"false\"",
        [KIND_SEVERITY] = "one of none, low, medium, high and critical",
        [KIND_NUMBER] = "a whole number of -1 or more",
        [KIND_TEXT] = "a text of at most 255 bytes",
    };
    if (fits(properties[p].kind, value))
        return 0;
    return ERR(e, BAD_REQUEST, "\"%s\" must be %s", properties[p].name, kinds[properties[p].kind]);
}

/* ---- facts ---- */

static const struct db_field fields[] = {
    {.name = "project_id", .column = "p.id", .type = DB_FIELD_I64},
    {.name = "name", .column = "p.name", .type = DB_FIELD_TEXT},
    {.name = "public", .column = "p.is_public", .type = DB_FIELD_BOOL},
    {.name = "owner_id", .column = "p.owner_id", .type = DB_FIELD_I64},
    {.name = "owner_name", .column = "coalesce(o.username, '')", .type = DB_FIELD_TEXT},
    {.name = "creation_time", .column = "p.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "p.updated_ms", .type = DB_FIELD_TIME},
    /* Of who asks: $2. */
    {.name = "role",
     .type = DB_FIELD_I64,
     .exists = "EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = p.id AND m.user_id = $2"
               " AND m.role ? UNION ALL SELECT 1 FROM user_group_member g JOIN project_member m"
               " ON m.group_id = g.group_id AND m.project_id = p.id WHERE g.user_id = $2"
               " AND m.role ?)"},
};

#define COLUMNS                                                                                    \
    "p.id, p.name, p.display_name, p.owner_id, coalesce(o.username, ''), p.is_public,"             \
    " p.created_ms, p.updated_ms, p.repositories"
#define TABLES "project p LEFT JOIN user_account o ON o.id = p.owner_id"

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct project_facts *)ret = (struct project_facts){
        .id = db_i64(rows, 0),
        .name = arena_str(a, db_text(rows, 1)),
        .display_name = arena_str(a, db_text(rows, 2)),
        .owner_id = db_i64(rows, 3),
        .owner_name = arena_str(a, db_text(rows, 4)),
        .is_public = db_i64(rows, 5) != 0,
        .created_ms = db_i64(rows, 6),
        .updated_ms = db_i64(rows, 7),
        .repositories = db_i64(rows, 8),
    };
    return 0;
}

const struct db_list project_list_fields = {
    .name = "projects",
    .columns = COLUMNS,
    .from = TABLES " WHERE " PROJECT_IS_VISIBLE,
    .n_args = 3,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "p.name, p.id",
    .key = "p.id",
    .size = sizeof(struct project_facts),
    .row = read_row,
};

static const struct db_list one_project = {
    .name = "project",
    .columns = COLUMNS,
    .from = TABLES " WHERE p.id = $1",
    .n_args = 1,
    .order = "p.id",
    .key = "p.id",
    .size = sizeof(struct project_facts),
    .row = read_row,
};

static int read_properties(struct db_conn *c, struct arena *a, struct project_facts *p,
                           struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    p->properties.v[PROJECT_public] = p->is_public ? STR("true") : STR("false");
    if (db_query(c, Q_project_metadata_all, DB_ARGS(DB_I64(p->id)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        int at = project_property_find(db_text(&rows, 0));
        if (at >= 0)
            p->properties.v[at] = arena_str(a, db_text(&rows, 1));
    }
    return more;
}

int project_facts_find(struct registry *r, struct arena *a, int64_t id, struct project_facts *ret,
                       struct err *e)
{
    struct db_conn *c = db_reader(r->db);
    int found = db_list_one(c, &one_project, DB_ARGS(DB_I64(id)), a, ret, e);

    return found > 0 && read_properties(c, a, ret, e) < 0 ? -1 : found;
}

int project_list(struct registry *r, struct arena *a, const struct project_visibility *v,
                 const struct db_list_query *q, struct db_page *ret, struct err *e)
{
    struct db_conn *c = db_reader(r->db);

    if (db_list_page(c, &project_list_fields,
                     DB_ARGS(DB_I64(v->all), DB_I64(v->user_id), DB_I64(v->robot_id)), q, a, ret,
                     e) < 0)
        return -1;
    struct project_facts *found = ret->v;
    for (size_t i = 0; i < ret->n; i++)
        if (read_properties(c, a, &found[i], e) < 0)
            return -1;
    return 0;
}

/* ---- who is visible ---- */

/* More than anybody has. */
#define VISIBLE_MAX 1000000

static const struct db_list visible_list = {
    .name = "visible",
    .columns = "p.id, p.is_public",
    .from = "project p WHERE " PROJECT_IS_VISIBLE,
    .n_args = 3,
    .order = "p.id",
    .key = "p.id",
};

int project_visible(struct registry *r, struct arena *a, const struct project_visibility *v,
                    struct project_visible **ret, size_t *ret_n, struct err *e)
{
    const struct db_list_query q = {
        .args = DB_ARGS(DB_I64(v->all), DB_I64(v->user_id), DB_I64(v->robot_id)),
        .limit = VISIBLE_MAX};
    AUTO_FREE struct project_visible *all = NULL;
    AUTO(db_rows) rows = {0};
    size_t n = 0, room = 0;
    int more;

    if (db_list_rows(db_reader(r->db), &visible_list, &q, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        if (n == room) {
            room = room ? room * 2 : 64;
            all = mem_realloc(all, room * sizeof(*all));
        }
        all[n++] =
            (struct project_visible){.id = db_i64(&rows, 0), .is_public = db_i64(&rows, 1) != 0};
    }
    if (more < 0)
        return -1;
    struct project_visible *copy = arena_try(a, n * sizeof(*copy) + 1, e);
    if (!copy)
        return -1;
    if (n)
        memcpy(copy, all, n * sizeof(*copy));
    *ret = copy;
    *ret_n = n;
    return 0;
}
