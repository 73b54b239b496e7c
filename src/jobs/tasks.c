/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/tasks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "jobs/index.h"
#include "jobs/queue.h"
#include "registry/model.h"

/* Who adds tasks rings; what other processes add, and what is to be tried again, is found at the
 * next look. */
#define LOOK_EVERY_MS 5000
/* Documents of which the reading is asked for at once. */
#define SWEEP_AT_ONCE 500
#define NAME          24

struct tasks {
    struct registry *registry;
    struct parser *parser;
    struct task_bell bell;
    pthread_t thread;
    char name[NAME + 1]; /* of this process among those that take tasks */
    atomic_bool stop;
    int64_t swept; /* up to this document */
    bool sweeping;
};

/* ---- kinds ---- */

static int run_index(struct tasks *t, const struct task *task, struct err *e)
{
    return index_run(t->registry, t->parser, task, t->name, &t->stop, e);
}

static const struct kind {
    const char *name;
    int (*run)(struct tasks *t, const struct task *task, struct err *e);
} kinds[] = {
    {TASK_INDEX, run_index},
};

/* ---- one after the other ---- */

static void end_failed(struct tasks *t, const struct kind *k, const struct task *task,
                       const struct err *why)
{
    struct err err;

    METRIC_ADD(tasks_failed, 1);
    LOG(ERROR, "task.failed", log_strz("kind", k->name), log_i64("subject", task->subject),
        log_i64("attempt", task->attempts), log_err(why));
    if (task_failed(t->registry->db, task, t->name, why->msg, &err) < 0)
        LOG(ERROR, "task.failed", log_strz("kind", k->name), log_err(&err));
}

static void run_one(struct tasks *t, const struct kind *k, const struct task *task)
{
    struct err err = {.code = ERR_OK};

    if (!atomic_load(&t->stop) && k->run(t, task, &err) == 0) {
        METRIC_ADD(tasks_done, 1);
        return;
    }
    if (!atomic_load(&t->stop)) {
        end_failed(t, k, task, &err);
        return;
    }
    if (task_give_back(t->registry->db, task, t->name, &err) < 0)
        LOG(WARN, "task.kept", log_strz("kind", k->name), log_err(&err));
}

/* Those that are due: how many, or -1. */
static int run_some(struct tasks *t, const struct kind *k, struct err *e)
{
    struct task taken[TASK_BATCH];
    size_t n = 0;
    int paused = queue_is_paused(t->registry->db, k->name, e);
    int64_t due_ms, renewed_ms = clock_mono_ms();

    if (paused)
        return paused < 0 ? -1 : 0;
    int waits = task_due(t->registry->db, k->name, &due_ms, e);
    if (waits < 0 || (waits > 0 && due_ms <= clock_now_ms() &&
                      task_take(t->registry->db, k->name, t->name, taken, &n, e) < 0))
        return -1;
    for (size_t i = 0; i < n; i++) {
        /* Those behind a slow one must not be taken by others meanwhile. */
        if (clock_mono_ms() - renewed_ms > TASK_LEASE_MS / 4) {
            for (size_t j = i; j < n; j++)
                if (task_renew(t->registry->db, &taken[j], t->name, e) < 0)
                    return -1;
            renewed_ms = clock_mono_ms();
        }
        run_one(t, k, &taken[i]);
    }
    return (int)n;
}

/* Asks for the reading of what nobody has read, some of it: how much, or -1. */
static int sweep(struct tasks *t, struct err *e)
{
    size_t n = 0;

    int paused = t->sweeping ? queue_is_paused(t->registry->db, TASK_INDEX, e) : 1;
    if (paused)
        return paused < 0 ? -1 : 0;
    if (model_queue_unread(t->registry, t->swept, SWEEP_AT_ONCE, &n, &t->swept, e) < 0)
        return -1;
    t->sweeping = n > 0;
    return (int)n;
}

/* Until the next task is due, or somebody rings. */
static void rest(struct tasks *t)
{
    int64_t wait_ms = LOOK_EVERY_MS, due_ms;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (task_due(t->registry->db, kinds[i].name, &due_ms, &err) > 0 && due_ms > clock_now_ms())
            wait_ms = MIN_OF(wait_ms, due_ms - clock_now_ms());
    task_bell_wait(&t->bell, wait_ms);
}

/* What a server that died had taken need not wait: a second server has no part in this directory.
 */
static void release(struct tasks *t)
{
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (task_release(t->registry->db, kinds[i].name, &err) < 0)
            LOG(WARN, "tasks.wait", log_strz("kind", kinds[i].name), log_err(&err));
}

static void *work(void *arg)
{
    struct tasks *t = arg;

    release(t);
    while (!atomic_load(&t->stop)) {
        struct err err = {.code = ERR_OK};
        int n = 0;
        for (size_t i = 0; i < ARRAY_LEN(kinds) && n >= 0; i++) {
            int some = run_some(t, &kinds[i], &err);
            n = some < 0 ? -1 : n + some;
        }
        if (n == 0)
            n = sweep(t, &err);
        if (n < 0)
            LOG(ERROR, "tasks.failed", log_err(&err));
        if (n <= 0)
            rest(t);
    }
    return NULL;
}

int tasks_start(struct registry *registry, struct tasks **ret, struct err *e)
{
    struct tasks *t = NEW(struct tasks);

    t->registry = registry;
    t->parser = parser_new(NULL);
    t->sweeping = true;
    random_alnum(t->name, NAME);
    task_bell_init(&t->bell);
    registry->bell = &t->bell;
    if (thread_start(&t->thread, "tasks", work, t, e) < 0) {
        registry->bell = NULL;
        task_bell_done(&t->bell);
        parser_autofree(&t->parser);
        mem_free(t);
        return -1;
    }
    *ret = t;
    return 0;
}

void tasks_stop(struct tasks *t)
{
    if (!t)
        return;
    atomic_store(&t->stop, true);
    task_bell_ring(&t->bell);
    BUG_ON(pthread_join(t->thread, NULL) != 0);
    t->registry->bell = NULL;
    task_bell_done(&t->bell);
    parser_autofree(&t->parser);
    mem_free(t);
}
