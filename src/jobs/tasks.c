/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/tasks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "jobs/queue.h"
#include "jobs/task_kinds.h"

#define NAME 24

/* The thread of a kind. */
struct worker {
    const struct task_kind *kind;
    struct task_context context;
    void *self;
    struct task_bell bell;
    pthread_t thread;
    int64_t told_ms;
};

struct tasks {
    char name[NAME + 1]; /* of this process among those that take tasks */
    atomic_bool stop;
    struct worker workers[TASK_KINDS];
    size_t n; /* of them were started */
};

static struct db *db_of(const struct worker *w)
{
    return w->context.registry->db;
}

static bool is_over(const struct worker *w)
{
    return atomic_load(w->context.stop);
}

/* ---- what is told ---- */

static bool may_tell(struct worker *w)
{
    int64_t now = clock_mono_ms();

    if (w->told_ms && now - w->told_ms < w->kind->tell_every_ms)
        return false;
    w->told_ms = now;
    return true;
}

static void tell(struct worker *w, const struct err *why)
{
    if (may_tell(w))
        LOG(WARN, w->kind->waits, log_strz("kind", w->kind->name), log_err(why));
}

static void tell_failed(struct worker *w, const struct task *task, const struct err *why)
{
    METRIC_ADD(tasks_failed, 1);
    if (may_tell(w))
        LOG(ERROR, "task.failed", log_strz("kind", w->kind->name),
            log_i64("subject", task->subject), log_i64("attempt", task->attempts), log_err(why));
}

/* ---- one after the other ---- */

/* Some that were taken, and how far they are. */
struct batch {
    struct task v[TASK_BATCH];
    size_t n, at;                 /* v[at] is the next to be done */
    struct task done[TASK_BATCH]; /* but not ended yet */
    size_t n_done;
    int64_t renewed_ms;
};

static int end_done(struct worker *w, struct batch *b, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (b->n_done == 0)
        return 0;
    if (db_begin(db_of(w), &t, e) < 0)
        return -1;
    for (size_t i = 0; i < b->n_done; i++)
        if (task_done(t.conn, &b->done[i], w->context.holder, e) < 0)
            return -1;
    b->n_done = 0;
    return db_commit(&t, e);
}

/* Those behind a slow one must not be taken by others meanwhile. */
static int renew(struct worker *w, struct batch *b, struct err *e)
{
    if (clock_mono_ms() - b->renewed_ms <= TASK_LEASE_MS / 4)
        return 0;
    for (size_t i = b->at; i < b->n; i++)
        if (task_renew(db_of(w), &b->v[i], w->context.holder, e) < 0)
            return -1;
    b->renewed_ms = clock_mono_ms();
    return end_done(w, b, e);
}

static int run_one(struct worker *w, struct batch *b, struct err *e)
{
    const struct task *task = &b->v[b->at];
    struct err why = {.code = ERR_OK};
    int rc = is_over(w) ? -1 : w->kind->run(w->self, task, &why);

    b->at++;
    if (rc == 0)
        b->done[b->n_done++] = *task;
    if (rc >= 0)
        return 0;
    if (is_over(w))
        return task_give_back(db_of(w), task, w->context.holder, e);
    tell_failed(w, task, &why);
    return task_failed(db_of(w), task, w->context.holder, why.msg, e);
}

/* What goes wrong with the rows leaves the others of the batch to be taken when they are due again;
 * what was done of them does no harm twice. */
static int run_batch(struct worker *w, struct batch *b, struct err *e)
{
    int rc = 0;

    b->renewed_ms = clock_mono_ms();
    while (rc == 0 && b->at < b->n) {
        rc = renew(w, b, e);
        if (rc == 0)
            rc = run_one(w, b, e);
    }
    struct err second = {.code = ERR_OK};
    if (end_done(w, b, rc < 0 ? &second : e) < 0)
        rc = -1;
    return rc;
}

/* Those that are due: how many, or -1. */
static int run_due(struct worker *w, struct err *e)
{
    struct batch b = {.n = 0};
    int64_t due_ms;
    int waits = task_due(db_of(w), w->kind->name, &due_ms, e);

    if (waits <= 0 || due_ms > clock_now_ms())
        return waits < 0 ? -1 : 0;
    if (task_take(db_of(w), w->kind->name, w->context.holder, b.v, &b.n, e) < 0 ||
        run_batch(w, &b, e) < 0)
        return -1;
    return (int)b.n;
}

/* 1: something was done and there may be more, 0, -1. */
static int step(struct worker *w, struct err *e)
{
    const struct task_kind *k = w->kind;

    if (k->keep && k->keep(w->self, e) < 0)
        return -1;
    int paused = queue_is_paused(db_of(w), k->name, e);
    if (paused)
        return paused < 0 ? -1 : 0;
    int n = run_due(w, e);
    if (n != 0)
        return n < 0 ? -1 : 1;
    return k->fill ? k->fill(w->self, e) : 0;
}

/* Until the next task is due, or somebody rings. */
static void rest(struct worker *w)
{
    int64_t wait_ms = w->kind->look_every_ms, due_ms;
    struct err err;

    if (task_due(db_of(w), w->kind->name, &due_ms, &err) > 0 && due_ms > clock_now_ms())
        wait_ms = MIN_OF(wait_ms, due_ms - clock_now_ms());
    task_bell_wait(&w->bell, wait_ms);
}

/* What a server that died had taken need not wait: a second server has no part in this directory.
 */
static int begin(struct worker *w, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (task_release(db_of(w), w->kind->name, e) < 0)
        return -1;
    if (!w->kind->lasting)
        return 0;
    return db_begin(db_of(w), &t, e) < 0 || task_revive(t.conn, w->kind->name, e) < 0
               ? -1
               : db_commit(&t, e);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct err failed;

    thread_give_way(); /* who pulls and pushes comes first */
    if (begin(w, &failed) < 0)
        tell(w, &failed);
    while (!is_over(w)) {
        struct err err = {.code = ERR_OK};
        int more = step(w, &err);
        if (more < 0)
            tell(w, &err);
        if (more <= 0)
            rest(w);
    }
    return NULL;
}

/* ---- beginning and end ---- */

static void done(struct worker *w)
{
    if (w->kind->rung)
        w->context.registry->bell = NULL;
    task_bell_done(&w->bell);
    if (w->kind->stop)
        w->kind->stop(w->self);
}

static int start(struct worker *w, const struct task_kind *k, struct err *e)
{
    w->kind = k;
    w->self = k->start ? k->start(&w->context) : &w->context;
    task_bell_init(&w->bell);
    if (k->rung)
        w->context.registry->bell = &w->bell;
    /* So that it is there when the first request comes; what hinders it is told by the thread. */
    struct err ignored;
    if (k->keep)
        (void)k->keep(w->self, &ignored);
    if (thread_start(&w->thread, k->thread, work, w, e) < 0) {
        done(w);
        return -1;
    }
    return 0;
}

int tasks_start(struct registry *registry, struct search *search, struct tasks **ret, struct err *e)
{
    struct tasks *t = NEW(struct tasks);

    random_alnum(t->name, NAME);
    for (size_t i = 0; i < TASK_KINDS; i++) {
        t->workers[i].context = (struct task_context){
            .registry = registry, .search = search, .holder = t->name, .stop = &t->stop};
        if (start(&t->workers[i], task_kinds[i], e) < 0) {
            tasks_stop(t);
            return -1;
        }
        t->n++;
    }
    *ret = t;
    return 0;
}

void tasks_stop(struct tasks *t)
{
    if (!t)
        return;
    atomic_store(&t->stop, true);
    for (size_t i = 0; i < t->n; i++)
        task_bell_ring(&t->workers[i].bell);
    for (size_t i = 0; i < t->n; i++) {
        BUG_ON(pthread_join(t->workers[i].thread, NULL) != 0);
        done(&t->workers[i]);
    }
    mem_free(t);
}
