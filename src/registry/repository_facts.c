/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/repository.h"

#include "base/clock.h"
#include "base/mem.h"
#include "registry/immutable.h"
#include "registry/internal.h"

/* Artifacts that go in one transaction. */
#define REMOVE_AT_ONCE 50

static const struct db_field fields[] = {
    {.name = "id", .column = "r.id", .type = DB_FIELD_I64},
    {.name = "name", .column = "r.name", .type = DB_FIELD_TEXT},
    {.name = "project_id", .column = "r.project_id", .type = DB_FIELD_I64},
    {.name = "description", .column = "r.description", .type = DB_FIELD_TEXT},
    {.name = "pull_count", .column = "r.pull_count", .type = DB_FIELD_I64},
    {.name = "creation_time", .column = "r.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "r.updated_ms", .type = DB_FIELD_TIME},
};

#define COLUMNS                                                                                    \
    "r.id, r.project_id, r.name, r.description, r.pull_count, r.created_ms, r.updated_ms,"         \
    " p.is_public, (SELECT count(*) FROM artifact a WHERE a.repository_id = r.id"                  \
    " AND a.accessory_of IS NULL)"
#define TABLES                                                                                     \
    "repository r JOIN project p ON p.id = r.project_id"                                           \
    " WHERE EXISTS (SELECT 1 FROM artifact a WHERE a.repository_id = r.id)"

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct repository_facts *)ret = (struct repository_facts){
        .id = db_i64(rows, 0),
        .project_id = db_i64(rows, 1),
        .name = arena_str(a, db_text(rows, 2)),
        .description = arena_str(a, db_text(rows, 3)),
        .pulls = db_i64(rows, 4),
        .created_ms = db_i64(rows, 5),
        .updated_ms = db_i64(rows, 6),
        .is_public = db_i64(rows, 7) != 0,
        .artifacts = db_i64(rows, 8),
    };
    return 0;
}

const struct db_list repository_list_fields = {
    .name = "repositories",
    .columns = COLUMNS,
    .from = TABLES " AND " PROJECT_IS_VISIBLE,
    .n_args = 3,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "r.created_ms DESC, r.id DESC",
    .key = "r.id",
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

/* The same of one project, whose permission was asked already. */
static const struct db_list of_project = {
    .name = "repositories of a project",
    .columns = COLUMNS,
    .from = TABLES " AND r.project_id = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "r.created_ms DESC, r.id DESC",
    .key = "r.id",
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

static const struct db_list one_repository = {
    .name = "repository",
    .columns = COLUMNS,
    .from = TABLES " AND r.name = $1",
    .n_args = 1,
    .order = "r.id",
    .key = "r.id",
    .size = sizeof(struct repository_facts),
    .row = read_row,
};

int repository_facts_find(struct registry *r, struct arena *a, struct str name,
                          struct repository_facts *ret, struct err *e)
{
    return db_list_one(db_reader(r->db), &one_repository, DB_ARGS(DB_TEXT(name)), a, ret, e);
}

int repository_facts_list(struct registry *r, struct arena *a, const struct project_visibility *v,
                          int64_t project, const struct db_list_query *q, struct db_page *ret,
                          struct err *e)
{
    struct db_conn *c = db_reader(r->db);

    return project ? db_list_page(c, &of_project, DB_ARGS(DB_I64(project)), q, a, ret, e)
                   : db_list_page(c, &repository_list_fields,
                                  DB_ARGS(DB_I64(v->all), DB_I64(v->user_id), DB_I64(v->robot_id)),
                                  q, a, ret, e);
}

int repository_describe(struct registry *r, int64_t id, struct str description, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(r->db, &t, e) < 0 ||
        db_exec(t.conn, Q_repository_description_set,
                DB_ARGS(DB_I64(id), DB_TEXT(description), DB_I64(clock_now_ms())), NULL, e) < 0 ||
        registry_audit(t.conn, AUDIT_update_repository, id, 0, STR(""), "", e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* 1 there may be more, 0 none is left, -1. */
static int remove_artifacts(struct registry *r, struct db_conn *c, int64_t repository,
                            struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct {
        int64_t artifact, document;
    } found[REMOVE_AT_ONCE];
    size_t n = 0;
    int more;

    if (db_query(c, Q_artifact_of_repository, DB_ARGS(DB_I64(repository), DB_I64(REMOVE_AT_ONCE)),
                 &rows, e) < 0)
        return -1;
    for (; (more = db_next(&rows, e)) > 0 && n < REMOVE_AT_ONCE; n++) {
        found[n].artifact = db_i64(&rows, 0);
        found[n].document = db_i64(&rows, 1);
    }
    if (more < 0)
        return -1;
    db_rows_done(&rows);
    for (size_t i = 0; i < n; i++)
        if (artifact_remove(r, c, repository, found[i].artifact, found[i].document, e) < 0)
            return -1;
    return n == REMOVE_AT_ONCE;
}

/* One transaction's part: 1 there is more to do, 0 it is gone, -1. */
static int delete_part(struct registry *r, int64_t id, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    int more = remove_artifacts(r, t.conn, id, e);
    if (more < 0 ||
        (!more && registry_audit(t.conn, AUDIT_delete_repository, id, 0, STR(""), "", e) < 0) ||
        (!more && repository_remove(t.conn, id, e) < 0) || db_commit(&t, e) < 0)
        return -1;
    return more;
}

int repository_delete(struct registry *r, int64_t id, struct err *e)
{
    int more;

    /* Before the first part goes, not in the middle. */
    if (immutable_check_repository(db_reader(r->db), id, e) < 0)
        return -1;
    do {
        more = delete_part(r, id, e);
    } while (more > 0);
    return more;
}
