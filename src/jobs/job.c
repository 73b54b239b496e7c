/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job.h"

#include "access/audit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/queue.h"

#define LOG_PAGE      512
#define LOG_FLUSH_MS  1000
#define LOG_LINES_MAX 100000 /* of one job; then only its result tells */

/* Whoever runs the next of a kind knows that the one before has died: only one runs at a time. */
static int abandon(struct db_conn *c, const char *kind, int64_t now, struct err *e)
{
    return db_exec(
        c, Q_job_abandon,
        DB_ARGS(DB_TEXTZ(kind), DB_I64(now), DB_TEXT(STR("its process ended before it was done"))),
        NULL, e);
}

int job_begin(struct db *db, const char *kind, const char *cause, struct str args, int64_t *ret_id,
              struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    int64_t now = clock_now_ms();

    if (db_begin(db, &t, e) < 0 || abandon(t.conn, kind, now, e) < 0)
        return -1;
    if (db_one(t.conn, Q_job_add,
               DB_ARGS(DB_TEXTZ(kind), DB_TEXTZ(cause), DB_TEXT(args), DB_I64(now)), &rows, e) <= 0)
        return err_wrap(e, "adding a job");
    int64_t id = db_i64(&rows, 0);
    db_rows_done(&rows);
    if (db_commit(&t, e) < 0)
        return -1;
    *ret_id = id;
    return 0;
}

int job_beat(struct db *db, int64_t id, struct str result, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(db, &t, e) < 0 ||
        db_exec(t.conn, Q_job_beat, DB_ARGS(DB_I64(id), DB_I64(clock_now_ms()), DB_TEXT(result)),
                NULL, e) < 0)
        return -1;
    return db_commit(&t, e);
}

int job_end(struct db *db, const char *kind, int64_t id, const char *state, struct str result,
            const char *error, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(db, &t, e) < 0 ||
        db_exec(t.conn, Q_job_end,
                DB_ARGS(DB_I64(id), DB_TEXTZ(state), DB_I64(clock_now_ms()), DB_TEXT(result),
                        error ? DB_TEXTZ(error) : DB_NULL),
                NULL, e) < 0 ||
        db_exec(t.conn, Q_job_forget, DB_ARGS(DB_TEXTZ(kind), DB_I64(JOB_HISTORY)), NULL, e) < 0)
        return -1;
    return db_commit(&t, e);
}

static int copy_text(struct arena *a, const struct db_rows *rows, int col, struct str *ret,
                     struct err *e)
{
    *ret = STR_NULL;
    if (db_is_null(rows, col))
        return 0;
    struct str s = db_text(rows, col);
    char *p = arena_try(a, s.n + 1, e);
    if (!p)
        return -1;
    if (s.n)
        memcpy(p, s.p, s.n);
    *ret = str_of(p, s.n);
    return 0;
}

static int read_job(struct arena *a, const struct db_rows *rows, struct job *ret, struct err *e)
{
    *ret = (struct job){.id = db_i64(rows, 0),
                        .created_ms = db_i64(rows, 4),
                        .started_ms = db_i64(rows, 5),
                        .beat_ms = db_i64(rows, 6),
                        .ended_ms = db_i64(rows, 7)};
    if (copy_text(a, rows, 1, &ret->cause, e) < 0 || copy_text(a, rows, 2, &ret->args, e) < 0 ||
        copy_text(a, rows, 3, &ret->state, e) < 0 || copy_text(a, rows, 8, &ret->result, e) < 0 ||
        copy_text(a, rows, 9, &ret->error, e) < 0)
        return -1;
    return copy_text(a, rows, 10, &ret->kind, e);
}

int job_list(struct db *db, struct arena *a, const char *kind, int64_t before, size_t limit,
             struct job **ret, size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    limit = MIN_OF(limit, (size_t)LIMIT_PAGE);
    struct job *list = arena_try(a, limit * sizeof(*list) + 1, e);
    if (!list || db_query(db_reader(db), Q_job_page,
                          DB_ARGS(DB_TEXTZ(kind), DB_I64(before), DB_I64(limit)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if (read_job(a, &rows, &list[n++], e) < 0)
            return -1;
    if (more < 0)
        return -1;
    *ret = list;
    *ret_n = n;
    return 0;
}

/* ---- waiting ---- */

int job_queue(struct db *db, const char *kind, const char *cause, struct str args, int64_t *ret_id,
              struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};

    if (db_begin(db, &t, e) < 0 ||
        db_one(t.conn, Q_job_queue,
               DB_ARGS(DB_TEXTZ(kind), DB_TEXTZ(cause), DB_TEXT(args), DB_I64(clock_now_ms())),
               &rows, e) <= 0)
        return -1;
    *ret_id = db_i64(&rows, 0);
    db_rows_done(&rows);
    const struct audit_entry entry = {.event = AUDIT_create_job, .resource = str_from(kind)};
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

int job_next(struct db *db, struct arena *a, const char *kind, struct job *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(db), Q_job_next, DB_ARGS(DB_TEXTZ(kind)), &rows, e);

    return found <= 0 ? found : read_job(a, &rows, ret, e) < 0 ? -1 : 1;
}

int job_start(struct db *db, const char *kind, int64_t id, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t changed = 0, now = clock_now_ms();

    if (db_begin(db, &t, e) < 0 || abandon(t.conn, kind, now, e) < 0 ||
        db_exec(t.conn, Q_job_start, DB_ARGS(DB_I64(id), DB_I64(now)), &changed, e) < 0 ||
        db_commit(&t, e) < 0)
        return -1;
    if (changed)
        return 0;
    int paused = queue_is_paused(db, kind, e);
    if (paused > 0)
        return ERR(e, CONFLICT, "the queue of the job %lld is paused", (long long)id);
    return paused < 0 ? -1
                      : ERR(e, CANCELLED, "the job %lld does not wait any more", (long long)id);
}

int job_cancel(struct db *db, int64_t id, const char *why, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t changed = 0;

    if (db_begin(db, &t, e) < 0 ||
        db_exec(t.conn, Q_job_cancel, DB_ARGS(DB_I64(id), DB_I64(clock_now_ms()), DB_TEXTZ(why)),
                &changed, e) < 0 ||
        db_commit(&t, e) < 0)
        return -1;
    return changed > 0;
}

/* ---- lists ---- */

static const struct db_field fields[] = {
    {.name = "id", .column = "j.id", .type = DB_FIELD_I64},
    {.name = "job_status", .column = "j.state", .type = DB_FIELD_TEXT},
    {.name = "job_kind", .column = "j.cause", .type = DB_FIELD_TEXT},
    {.name = "creation_time", .column = "j.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "coalesce(j.beat_ms, j.created_ms)", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    return read_job(a, rows, ret, e);
}

#define COLUMNS                                                                                    \
    "j.id, j.cause, j.args, j.state, j.created_ms, j.started_ms, j.beat_ms, j.ended_ms,"           \
    " j.result, j.error, j.kind"

const struct db_list job_list_fields = {
    .name = "jobs",
    .columns = COLUMNS,
    .from = "job j WHERE j.kind = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "j.id DESC",
    .key = "j.id",
    .size = sizeof(struct job),
    .row = read_row,
};

int job_page(struct db *db, struct arena *a, const char *kind, const struct db_list_query *q,
             struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(db), &job_list_fields, DB_ARGS(DB_TEXTZ(kind)), q, a, ret, e);
}

int job_find(struct db *db, struct arena *a, const char *kind, int64_t id, struct job *ret,
             struct err *e)
{
    return db_list_find(db_reader(db), &job_list_fields, DB_ARGS(DB_TEXTZ(kind)), "id", DB_I64(id),
                        a, ret, e);
}

int job_find_any(struct db *db, struct arena *a, int64_t id, struct job *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(db), Q_job_by_id, DB_ARGS(DB_I64(id)), &rows, e);

    return found <= 0 ? found : read_job(a, &rows, ret, e) < 0 ? -1 : 1;
}

/* ---- the log ---- */

void job_log_init(struct job_log *l, struct db *db, int64_t job)
{
    *l = (struct job_log){.db = db, .job = job, .written_ms = clock_mono_ms()};
    arena_init(&l->arena, LIMIT_REQUEST_ARENA);
}

static int write_lines(struct job_log *l, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(l->db, &t, e) < 0)
        return -1;
    for (size_t i = 0; i < l->n; i++)
        if (db_exec(t.conn, Q_job_log_add,
                    DB_ARGS(DB_I64(l->job), DB_I64(l->seq + (int64_t)i + 1),
                            DB_I64(l->lines[i].at_ms), DB_TEXT(l->lines[i].text)),
                    NULL, e) < 0)
            return -1;
    return db_commit(&t, e);
}

static void flush(struct job_log *l)
{
    struct err err;
    if (l->n && write_lines(l, &err) < 0)
        LOG(ERROR, "job.log.failed", log_i64("job", l->job), log_err(&err));
    l->seq += (int64_t)l->n;
    l->n = 0;
    l->written_ms = clock_mono_ms();
    arena_reset(&l->arena);
}

void job_log_add(struct job_log *l, struct str line)
{
    if (l->seq + (int64_t)l->n > LOG_LINES_MAX)
        return;
    if (l->seq + (int64_t)l->n == LOG_LINES_MAX)
        line = STR("(the log is full; what follows is counted in the result)");
    l->lines[l->n].at_ms = clock_now_ms();
    l->lines[l->n++].text = arena_str(&l->arena, line);
    if (l->n == ARRAY_LEN(l->lines) || clock_mono_ms() - l->written_ms > LOG_FLUSH_MS)
        flush(l);
}

void job_log_autodone(struct job_log *l)
{
    flush(l);
    arena_done(&l->arena);
}

int job_log_each(struct db *db, int64_t job,
                 int (*fn)(void *self, int64_t at_ms, struct str line, struct err *e), void *self,
                 struct err *e)
{
    int64_t after = 0;
    size_t n;

    do {
        AUTO(db_rows) rows = {0};
        int more;
        n = 0;
        if (db_query(db_reader(db), Q_job_log_page,
                     DB_ARGS(DB_I64(job), DB_I64(after), DB_I64(LOG_PAGE)), &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0) {
            after = db_i64(&rows, 0);
            n++;
            if (fn(self, db_i64(&rows, 1), db_text(&rows, 2), e) < 0)
                return -1;
        }
        if (more < 0)
            return -1;
    } while (n == LOG_PAGE);
    return 0;
}
