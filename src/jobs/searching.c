/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/searching.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "registry/task.h"

/* Those who change something only write its task. */
#define LOOK_EVERY_MS 500
/* A failure that lasts is told this often. */
#define TELL_EVERY_MS 60000
#define NAME          24

struct searching {
    struct registry *registry;
    struct search *search;
    struct task_bell bell; /* rung at the end */
    pthread_t thread;
    char name[NAME + 1];
    atomic_bool stop;
    int64_t told_ms;
};

static void tell(struct searching *t, const struct err *why)
{
    int64_t now = clock_mono_ms();

    if (t->told_ms && now - t->told_ms < TELL_EVERY_MS)
        return;
    t->told_ms = now;
    LOG(WARN, "search.waits", log_err(why));
}

/* Ends a task: done, or to be tried again. */
static int end_task(struct searching *t, const struct task *task, int rc, const struct err *why,
                    struct err *e)
{
    struct db *db = t->registry->db;

    if (rc < 0) {
        METRIC_ADD(tasks_failed, 1);
        search_judge(t->search, why);
        return task_failed(db, task, t->name, why->msg, e);
    }
    AUTO(db_txn) txn = {0};
    return db_begin(db, &txn, e) < 0 || task_done(txn.conn, task, t->name, e) < 0
               ? -1
               : db_commit(&txn, e);
}

/* The tasks that are due: how many, or -1. */
static int run_some(struct searching *t, struct err *e)
{
    struct task taken[TASK_BATCH];
    struct db *db = t->registry->db;
    int64_t due_ms;
    size_t n = 0;

    int waits = task_due(db, TASK_SEARCH, &due_ms, e);
    if (waits <= 0 || due_ms > clock_now_ms())
        return waits < 0 ? -1 : 0;
    if (task_take(db, TASK_SEARCH, t->name, taken, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct err why = {.code = ERR_OK};
        if (atomic_load(&t->stop)) {
            if (task_give_back(db, &taken[i], t->name, e) < 0)
                return -1;
            continue;
        }
        int rc = search_derive(t->search, taken[i].subject, &why);
        if (end_task(t, &taken[i], rc, &why, e) < 0)
            return -1;
    }
    return (int)n;
}

/* Some work: 1, 0 there is none, -1. */
static int step(struct searching *t, struct err *e)
{
    if (search_keep(t->search, e) < 0)
        return -1;
    int n = run_some(t, e);
    if (n != 0)
        return n < 0 ? -1 : 1;
    int more = search_fill(t->search, e);
    if (more < 0)
        search_judge(t->search, e);
    return more;
}

static void *work(void *arg)
{
    struct searching *t = arg;
    struct err failed;

    /* What a server that died had taken: a second server has no part in this directory. */
    if (task_release(t->registry->db, TASK_SEARCH, &failed) < 0)
        tell(t, &failed);
    while (!atomic_load(&t->stop)) {
        struct err err = {.code = ERR_OK};
        int more = step(t, &err);
        if (more < 0)
            tell(t, &err);
        if (more <= 0)
            task_bell_wait(&t->bell, LOOK_EVERY_MS);
    }
    return NULL;
}

int searching_start(struct registry *registry, struct search *search, struct searching **ret,
                    struct err *e)
{
    struct searching *t = NEW(struct searching);

    t->registry = registry;
    t->search = search;
    random_alnum(t->name, NAME);
    task_bell_init(&t->bell);
    if (thread_start(&t->thread, "searching", work, t, e) < 0) {
        task_bell_done(&t->bell);
        mem_free(t);
        return -1;
    }
    *ret = t;
    return 0;
}

void searching_stop(struct searching *t)
{
    if (!t)
        return;
    atomic_store(&t->stop, true);
    task_bell_ring(&t->bell);
    BUG_ON(pthread_join(t->thread, NULL) != 0);
    task_bell_done(&t->bell);
    mem_free(t);
}
