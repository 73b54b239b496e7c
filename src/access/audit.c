/* SPDX-License-Identifier: Apache-2.0 */
#include "access/audit.h"

#include "access/access.h"
#include "access/revision.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>

static const struct audit_event_info events[] = {
#define AUDIT(name, operation, resource, doc) [AUDIT_##name] = {#name, operation, resource, doc},
#include "access/audit.def"
#undef AUDIT
};

static _Thread_local const struct identity *acting;

const struct audit_event_info *audit_event_info(enum audit_event event)
{
    return &events[event];
}

void audit_act_as(const struct identity *id)
{
    acting = id;
}

/* ---- writing ---- */

static _Atomic uint64_t left_out; /* a bit for each kind */
static_assert(AUDIT_COUNT <= 64, "more kinds than bits");

void audit_configure(struct str disabled)
{
    uint64_t bits = 0;

    while (disabled.n) {
        struct str name = str_trim(str_cut(&disabled, ','));
        for (unsigned i = 0; i < AUDIT_COUNT; i++)
            if (str_eqz(name, events[i].name))
                bits |= UINT64_C(1) << i;
    }
    atomic_store_explicit(&left_out, bits, memory_order_relaxed);
}

/* Without a name: the program itself, or somebody unknown. */
struct audit_actor audit_actor(void)
{
    if (!acting)
        return (struct audit_actor){.username = STR("haven"), .address = STR("")};
    return (struct audit_actor){.username =
                                    acting->username.n ? acting->username : STR("anonymous"),
                                .address = acting->address};
}

int audit_add(struct db_conn *c, const struct audit_entry *entry, struct err *e)
{
    const struct audit_event_info *i = &events[entry->event];
    struct str resource = str_head(entry->resource, LIMIT_AUDIT_TEXT);
    const struct audit_actor who = audit_actor();
    AUTO(buf) made = {0};

    if (atomic_load_explicit(&left_out, memory_order_relaxed) >> entry->event & 1)
        return 0;
    buf_init(&made, 2 * LIMIT_AUDIT_TEXT);
    if (entry->description.n)
        buf_adds(&made, str_head(entry->description, LIMIT_AUDIT_TEXT));
    else
        buf_addf(&made, "%s %s: %.*s", i->operation, i->resource_type, S(resource));
    return db_exec(c, Q_audit_add,
                   DB_ARGS(DB_TEXTZ(i->name), DB_TEXTZ(i->operation), DB_TEXTZ(i->resource_type),
                           DB_I64(entry->project_id), DB_TEXT(who.username), DB_TEXT(who.address),
                           DB_TEXT(resource), DB_TEXT(buf_str(&made)), DB_I64(!entry->failed),
                           DB_I64(clock_now_ms())),
                   NULL, e);
}

int audit_write(struct db *db, const struct audit_entry *entry, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(db, &t, e) < 0 || audit_add(t.conn, entry, e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* 1, 0, -1; the resource's name goes into *name. */
static int find_name(struct db_conn *c, const struct audit_change *change, struct buf *name,
                     struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, change->find, change->key, &rows, e);

    if (found > 0)
        buf_adds(name, str_head(db_text(&rows, change->name), LIMIT_AUDIT_TEXT));
    return found;
}

int audit_change(struct db *db, const struct audit_change *change, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(buf) name = {0};
    struct audit_entry entry = change->entry;

    buf_init(&name, LIMIT_AUDIT_TEXT + 1);
    if (db_begin(db, &t, e) < 0)
        return -1;
    int found = find_name(t.conn, change, &name, e);
    if (found < 0)
        return -1;
    if (!found)
        return ERR(e, NOT_FOUND, "there is no %s %lld", change->what,
                   (long long)change->key.v[change->key.n - 1].i);
    if (!entry.resource.p)
        entry.resource = buf_str(&name);
    if (db_exec(t.conn, change->q, change->args, NULL, e) < 0 || audit_add(t.conn, &entry, e) < 0 ||
        (change->ret_revision && revision_add(t.conn, change->ret_revision, e) < 0))
        return -1;
    return db_commit(&t, e);
}

int audit_purge(struct db *db, enum audit_event event, int64_t before_ms, size_t limit,
                int64_t *ret_n, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    const struct db_arg before = DB_I64(before_ms), name = DB_TEXTZ(events[event].name);

    if (limit == 0) {
        int found = db_one(db_reader(db), Q_audit_count_before, DB_ARGS(before, name), &rows, e);
        *ret_n = found > 0 ? db_i64(&rows, 0) : 0;
        return found < 0 ? -1 : 0;
    }
    if (db_begin(db, &t, e) < 0 ||
        db_exec(t.conn, Q_audit_purge, DB_ARGS(before, name, DB_I64(limit)), ret_n, e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* ---- reading ---- */

static const struct db_field fields[] = {
    {.name = "id", .column = "a.id", .type = DB_FIELD_I64},
    {.name = "username", .column = "a.username", .type = DB_FIELD_TEXT},
    {.name = "resource", .column = "a.resource", .type = DB_FIELD_TEXT},
    {.name = "resource_type", .column = "a.resource_type", .type = DB_FIELD_TEXT},
    {.name = "operation", .column = "a.operation", .type = DB_FIELD_TEXT},
    {.name = "operation_result", .column = "a.succeeded", .type = DB_FIELD_BOOL},
    {.name = "client_address", .column = "a.address", .type = DB_FIELD_TEXT},
    {.name = "op_time", .column = "a.at_ms", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct audit_row *)ret = (struct audit_row){
        .id = db_i64(rows, 0),
        .project_id = db_i64(rows, 1),
        .username = arena_str(a, db_text(rows, 2)),
        .address = arena_str(a, db_text(rows, 3)),
        .resource = arena_str(a, db_text(rows, 4)),
        .resource_type = arena_str(a, db_text(rows, 5)),
        .operation = arena_str(a, db_text(rows, 6)),
        .description = arena_str(a, db_text(rows, 7)),
        .succeeded = db_i64(rows, 8) != 0,
        .at_ms = db_i64(rows, 9),
    };
    return 0;
}

#define COLUMNS                                                                                    \
    "a.id, a.project_id, a.username, a.address, a.resource, a.resource_type, a.operation,"         \
    " a.description, a.succeeded, a.at_ms"

/* What happened in one repository of the project: $2, also with a tag or a digest behind it, from
 * $3 up to $4 and from $5 up to $6. */
static const struct db_list of_repository = {
    .name = "audit log of a repository",
    .columns = COLUMNS,
    .from = "audit_log a WHERE a.project_id = $1 AND (a.resource = $2"
            " OR (a.resource >= $3 AND a.resource < $4) OR (a.resource >= $5 AND a.resource < $6))",
    .n_args = 6,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "a.at_ms DESC, a.id DESC",
    .key = "a.id",
    .size = sizeof(struct audit_row),
    .row = read_row,
};

static const struct db_list of_project = {
    .name = "audit log of a project",
    .columns = COLUMNS,
    .from = "audit_log a WHERE a.project_id = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "a.at_ms DESC, a.id DESC",
    .key = "a.id",
    .total = "t.entries",
    .total_from = "audit_total t WHERE t.project_id = $1",
    .other = &of_repository,
    .size = sizeof(struct audit_row),
    .row = read_row,
};

/* The projects that user $1 administers. */
#define ADMINISTERED                                                                               \
    "(SELECT m.project_id FROM project_member m WHERE m.user_id = $1 AND m.role = 1"               \
    " UNION SELECT m.project_id FROM user_group_member g JOIN project_member m"                    \
    " ON m.group_id = g.group_id WHERE g.user_id = $1 AND m.role = 1)"

/* first: the newest of all are among the newest of each project. */
static const struct db_list of_user = {
    .name = "audit log of a user's projects",
    .columns = COLUMNS,
    .from = "audit_log a WHERE a.project_id IN " ADMINISTERED,
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "a.at_ms DESC, a.id DESC",
    .key = "a.id",
    .total = "t.entries",
    .total_from = "audit_total t"
                  " WHERE t.project_id IN " ADMINISTERED,
    .first = " AND a.id IN (SELECT b.id FROM " ADMINISTERED " p JOIN audit_log b ON b.id IN"
             " (SELECT x.id FROM audit_log x WHERE x.project_id = p.project_id"
             " ORDER BY x.at_ms DESC, x.id DESC LIMIT ?))",
    .other = &of_project,
    .size = sizeof(struct audit_row),
    .row = read_row,
};

const struct db_list audit_list_fields = {
    .name = "audit log",
    .columns = COLUMNS,
    .from = "audit_log a WHERE 1 = 1",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "a.at_ms DESC, a.id DESC",
    .key = "a.id",
    .total = "t.entries",
    .total_from = "audit_total t",
    .other = &of_user,
    .size = sizeof(struct audit_row),
    .row = read_row,
};

/* ':' and '@' follow the name of a repository; ';' and 'A' follow those. */
static int list_of_repository(struct db_conn *c, struct arena *a, const struct audit_visibility *v,
                              const struct db_list_query *q, struct db_page *ret, struct err *e)
{
    const char *ends[] = {":", ";", "@", "A"};
    struct str at[ARRAY_LEN(ends)];

    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        at[i] = str_from(arena_printf(a, "%.*s%s", S(v->repository), ends[i]));
    return db_list_page(c, &of_repository,
                        DB_ARGS(DB_I64(v->project_id), DB_TEXT(v->repository), DB_TEXT(at[0]),
                                DB_TEXT(at[1]), DB_TEXT(at[2]), DB_TEXT(at[3])),
                        q, a, ret, e);
}

int audit_list(struct db *db, struct arena *a, const struct audit_visibility *v,
               const struct db_list_query *q, struct db_page *ret, struct err *e)
{
    struct db_conn *c = db_reader(db);

    if (v->project_id && v->repository.n)
        return list_of_repository(c, a, v, q, ret, e);
    if (v->project_id)
        return db_list_page(c, &of_project, DB_ARGS(DB_I64(v->project_id)), q, a, ret, e);
    return v->all ? db_list_page(c, &audit_list_fields, DB_NO_ARGS, q, a, ret, e)
                  : db_list_page(c, &of_user, DB_ARGS(DB_I64(v->user_id)), q, a, ret, e);
}

static const struct db_list after = {
    .name = "audit log from an entry on",
    .columns = COLUMNS,
    .from = "audit_log a WHERE a.id > $1",
    .n_args = 1,
    .order = "a.id",
    .key = "a.id",
    .size = sizeof(struct audit_row),
    .row = read_row,
};

int audit_after(struct db *db, struct arena *a, int64_t id, size_t limit, struct db_page *ret,
                struct err *e)
{
    const struct db_list_query q = {.limit = (int64_t)limit};

    return db_list_some(db_reader(db), &after, DB_ARGS(DB_I64(id)), &q, a, ret, e);
}
