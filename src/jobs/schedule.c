/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/schedule.h"

#include "access/audit.h"
#include "base/clock.h"
#include "base/cron.h"
#include "base/mem.h"

static int next_of(struct str text, int64_t now_ms, int64_t *ret, struct err *e)
{
    struct cron c;

    if (cron_parse(text, &c, e) < 0)
        return -1;
    int64_t next = cron_next(&c, now_ms);
    if (next < 0)
        return ERR(e, USAGE, "the schedule \"%.*s\" never comes", S(text));
    *ret = next;
    return 0;
}

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct schedule *)ret = (struct schedule){
        .id = db_i64(rows, 0),
        .kind = arena_str(a, db_text(rows, 1)),
        .cron = arena_str(a, db_text(rows, 2)),
        .args = arena_str(a, db_text(rows, 3)),
        .next_ms = db_i64(rows, 4),
        .updated_ms = db_i64(rows, 5),
    };
    return 0;
}

int schedule_get(struct db *db, struct arena *a, const char *kind, struct schedule *ret,
                 struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(db), Q_schedule_get, DB_ARGS(DB_TEXTZ(kind)), &rows, e);

    if (found <= 0)
        return found;
    return read_row(&rows, a, ret, e) < 0 ? -1 : 1;
}

static int note(struct db_conn *c, const char *kind, struct err *e)
{
    const struct audit_entry entry = {.event = AUDIT_update_schedule, .resource = str_from(kind)};
    return audit_add(c, &entry, e);
}

int schedule_set(struct db *db, const char *kind, struct str cron, struct str args, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t next, now = clock_now_ms();

    if (next_of(cron, now, &next, e) < 0 || db_begin(db, &t, e) < 0 ||
        db_exec(t.conn, Q_schedule_put,
                DB_ARGS(DB_TEXTZ(kind), DB_TEXT(cron), DB_TEXT(args), DB_I64(next), DB_I64(now)),
                NULL, e) < 0 ||
        note(t.conn, kind, e) < 0)
        return -1;
    return db_commit(&t, e);
}

int schedule_clear(struct db *db, const char *kind, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(db, &t, e) < 0 ||
        db_exec(t.conn, Q_schedule_remove, DB_ARGS(DB_TEXTZ(kind)), NULL, e) < 0 ||
        note(t.conn, kind, e) < 0)
        return -1;
    return db_commit(&t, e);
}

int schedule_due(struct db *db, struct arena *a, const char *kind, int64_t now_ms,
                 struct schedule *ret, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t next;
    int found = schedule_get(db, a, kind, ret, e);

    if (found <= 0 || ret->next_ms > now_ms)
        return found < 0 ? -1 : 0;
    if (next_of(ret->cron, now_ms, &next, e) < 0 || db_begin(db, &t, e) < 0 ||
        db_exec(t.conn, Q_schedule_next, DB_ARGS(DB_TEXTZ(kind), DB_I64(next)), NULL, e) < 0)
        return -1;
    return db_commit(&t, e) < 0 ? -1 : 1;
}

static const struct db_field fields[] = {
    {.name = "id", .column = "s.id", .type = DB_FIELD_I64},
    {.name = "cron", .column = "s.cron", .type = DB_FIELD_TEXT},
    {.name = "update_time", .column = "s.updated_ms", .type = DB_FIELD_TIME},
};

const struct db_list schedule_list_fields = {
    .name = "schedules",
    .columns = "s.id, s.kind, s.cron, s.args, s.next_ms, s.updated_ms",
    .from = "schedule s WHERE s.id > 0",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "s.id",
    .key = "s.id",
    .size = sizeof(struct schedule),
    .row = read_row,
};

int schedule_page(struct db *db, struct arena *a, const struct db_list_query *q,
                  struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(db), &schedule_list_fields, DB_NO_ARGS, q, a, ret, e);
}
