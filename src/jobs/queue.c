/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/queue.h"

#include "access/audit.h"
#include "base/clock.h"
#include "jobs/task_kinds.h"
#include "registry/task.h"

int queue_is_paused(struct db *db, const char *kind, struct err *e)
{
    AUTO(db_rows) rows = {0};
    return db_one(db_reader(db), Q_job_pause_find, DB_ARGS(DB_TEXTZ(kind)), &rows, e);
}

int queue_look(struct db *db, const char *kind, struct queue *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int paused = queue_is_paused(db, kind, e);

    if (paused >= 0 && task_kind_find(kind)) {
        *ret = (struct queue){.paused = paused};
        return task_waiting(db, kind, &ret->waiting, &ret->oldest_ms, e);
    }
    if (paused < 0 || db_one(db_reader(db), Q_job_waiting, DB_ARGS(DB_TEXTZ(kind)), &rows, e) <= 0)
        return -1;
    *ret = (struct queue){.waiting = db_i64(&rows, 0),
                          .oldest_ms = db_is_null(&rows, 1) ? 0 : db_i64(&rows, 1),
                          .paused = paused};
    return 0;
}

static int note(struct db_conn *c, const char *kind, const char *what, struct err *e)
{
    const struct audit_entry entry = {
        .event = AUDIT_update_queue, .resource = str_from(kind), .description = str_from(what)};
    return audit_add(c, &entry, e);
}

int queue_pause(struct db *db, const char *kind, bool paused, struct err *e)
{
    const struct task_kind *k = task_kind_find(kind);
    AUTO(db_txn) t = {0};
    int64_t changed = 0;

    if (db_begin(db, &t, e) < 0)
        return -1;
    int rc = paused ? db_exec(t.conn, Q_job_pause_add,
                              DB_ARGS(DB_TEXTZ(kind), DB_I64(clock_now_ms())), &changed, e)
                    : db_exec(t.conn, Q_job_pause_remove, DB_ARGS(DB_TEXTZ(kind)), &changed, e);
    if (rc == 0 && !paused && k)
        rc = task_hurry(t.conn, kind, e);
    if (rc == 0 && !paused && k && k->lasting)
        rc = task_revive(t.conn, kind, e);
    if (rc < 0 || (changed && note(t.conn, kind, paused ? "paused" : "goes on", e) < 0))
        return -1;
    return db_commit(&t, e);
}

int queue_stop(struct db *db, const char *kind, struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t changed = 0;

    if (db_begin(db, &t, e) < 0)
        return -1;
    int rc =
        task_kind_find(kind)
            ? task_stop_waiting(t.conn, kind, QUEUE_STOPPED, &changed, e)
            : db_exec(t.conn, Q_job_cancel_waiting,
                      DB_ARGS(DB_TEXTZ(kind), DB_I64(clock_now_ms()), DB_TEXT(STR(QUEUE_STOPPED))),
                      &changed, e);
    if (rc < 0 || (changed && note(t.conn, kind, "what waited was stopped", e) < 0))
        return -1;
    return db_commit(&t, e);
}
