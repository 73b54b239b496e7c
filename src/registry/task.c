/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/task.h"

#include "base/clock.h"
#include "base/mem.h"
#include "registry/internal.h"

#define PAUSE_MAX_MS (60 * 60 * 1000LL)

int task_take(struct db *db, const char *kind, const char *holder, struct task *ret, size_t *ret_n,
              struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t now = clock_now_ms();
    size_t n = 0;
    int more;

    if (db_begin(db, &t, e) < 0)
        return -1;
    {
        AUTO(db_rows) rows = {0};
        if (db_query(t.conn, Q_task_take,
                     DB_ARGS(DB_TEXTZ(kind), DB_I64(now), DB_TEXTZ(holder),
                             DB_I64(now + TASK_LEASE_MS), DB_I64(TASK_BATCH)),
                     &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0 && n < TASK_BATCH)
            ret[n++] = (struct task){
                .id = db_i64(&rows, 0), .subject = db_i64(&rows, 1), .attempts = db_i64(&rows, 2)};
        if (more < 0)
            return -1;
    }
    if (db_commit(&t, e) < 0)
        return -1;
    *ret_n = n;
    return 0;
}

int task_due(struct db *db, const char *kind, int64_t *ret_ms, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(db), Q_task_due, DB_ARGS(DB_TEXTZ(kind)), &rows, e);

    if (found <= 0 || db_is_null(&rows, 0))
        return found < 0 ? -1 : 0;
    *ret_ms = db_i64(&rows, 0);
    return 1;
}

static int change(struct db *db, enum db_query q, struct db_args args, struct err *e)
{
    AUTO(db_txn) t = {0};
    return db_begin(db, &t, e) < 0 || db_exec(t.conn, q, args, NULL, e) < 0 ? -1 : db_commit(&t, e);
}

int task_renew(struct db *db, const struct task *t, const char *holder, struct err *e)
{
    return change(db, Q_task_renew,
                  DB_ARGS(DB_I64(t->id), DB_TEXTZ(holder), DB_I64(clock_now_ms() + TASK_LEASE_MS)),
                  e);
}

int task_done(struct db_conn *c, const struct task *t, const char *holder, struct err *e)
{
    int64_t changed = 0;
    int rc = db_exec(c, Q_task_done, DB_ARGS(DB_I64(t->id), DB_TEXTZ(holder)), &changed, e);
    return rc < 0 ? -1 : changed > 0;
}

int task_failed(struct db *db, const struct task *t, const char *holder, const char *why,
                struct err *e)
{
    int64_t pause = TASK_PAUSE_MS;

    for (int64_t i = 1; i < t->attempts && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    return change(db, Q_task_again,
                  DB_ARGS(DB_I64(t->id), DB_TEXTZ(holder),
                          DB_I64(clock_now_ms() + MIN_OF(pause, PAUSE_MAX_MS)),
                          DB_I64(t->attempts >= TASK_ATTEMPTS), DB_TEXTZ(why)),
                  e);
}

int task_give_back(struct db *db, const struct task *t, const char *holder, struct err *e)
{
    return change(db, Q_task_give_back,
                  DB_ARGS(DB_I64(t->id), DB_TEXTZ(holder), DB_I64(clock_now_ms())), e);
}

int task_release(struct db *db, const char *kind, struct err *e)
{
    return change(db, Q_task_release, DB_ARGS(DB_TEXTZ(kind), DB_I64(clock_now_ms())), e);
}

int task_revive(struct db_conn *c, const char *kind, struct err *e)
{
    return db_exec(c, Q_task_revive, DB_ARGS(DB_TEXTZ(kind), DB_I64(clock_now_ms())), NULL, e);
}

int task_waiting(struct db *db, const char *kind, int64_t *ret_n, int64_t *ret_oldest_ms,
                 struct err *e)
{
    AUTO(db_rows) rows = {0};
    if (db_one(db_reader(db), Q_task_waiting, DB_ARGS(DB_TEXTZ(kind)), &rows, e) <= 0)
        return -1;
    *ret_n = db_i64(&rows, 0);
    *ret_oldest_ms = db_is_null(&rows, 1) ? 0 : db_i64(&rows, 1);
    return 0;
}

int task_hurry(struct db_conn *c, const char *kind, struct err *e)
{
    return db_exec(c, Q_task_hurry, DB_ARGS(DB_TEXTZ(kind), DB_I64(clock_now_ms())), NULL, e);
}

int task_stop_waiting(struct db_conn *c, const char *kind, const char *why, int64_t *ret_n,
                      struct err *e)
{
    return db_exec(c, Q_task_stop_waiting, DB_ARGS(DB_TEXTZ(kind), DB_TEXTZ(why)), ret_n, e);
}

int task_of_artifact(struct db *db, struct arena *a, int64_t artifact, struct task_state *ret,
                     struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(db), Q_task_of_artifact,
                       DB_ARGS(DB_TEXT(STR(TASK_INDEX)), DB_I64(artifact)), &rows, e);

    if (found <= 0)
        return found;
    *ret = (struct task_state){.attempts = db_i64(&rows, 0), .failed = db_i64(&rows, 1) != 0};
    ret->error = STR_NULL;
    if (!db_is_null(&rows, 2) && registry_copy(a, db_text(&rows, 2), &ret->error, e) < 0)
        return -1;
    return 1;
}

/* ---- the bell ---- */

void task_bell_init(struct task_bell *b)
{
    *b = (struct task_bell){.heard = true};
    mutex_init(&b->lock, "bell");
    thread_cond_init(&b->rung);
}

void task_bell_done(struct task_bell *b)
{
    BUG_ON(pthread_cond_destroy(&b->rung) != 0);
    mutex_done(&b->lock);
}

void task_bell_ring(struct task_bell *b)
{
    if (!b)
        return;
    MUTEX_SCOPE(&b->lock);
    b->heard = false;
    BUG_ON(pthread_cond_signal(&b->rung) != 0);
}

void task_bell_wait(struct task_bell *b, int64_t ms)
{
    MUTEX_SCOPE(&b->lock);
    if (b->heard && ms > 0)
        mutex_wait_ms(&b->lock, &b->rung, ms);
    b->heard = true;
}
