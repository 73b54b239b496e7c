/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/work.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "jobs/collect.h"
#include "jobs/job.h"
#include "jobs/purge.h"
#include "jobs/queue.h"
#include "jobs/schedule.h"

void work_init(struct work *w, struct registry *registry, int data_dir)
{
    *w = (struct work){.registry = registry, .data_dir = data_dir, .started_ms = clock_now_ms()};
    random_alnum(w->name, WORK_NAME);
    atomic_store(&w->looked_ms, w->started_ms);
}

static int run_collect(struct work *w, struct arena *a, struct str args, int64_t *id, struct err *e)
{
    struct job_collect q;
    struct collect_result r;

    (void)a;
    if (job_collect_read(args, &q, e) < 0 ||
        job_collect_run(w->registry, w->data_dir, &q, NULL, &w->stop, NULL, NULL, id, &r, e) < 0)
        return -1;
    LOG(INFO, "collect.done", log_i64("job", *id), log_u64("artifacts", r.artifacts),
        log_u64("blobs", r.blobs), log_u64("objects", r.objects),
        log_i64("bytes", (int64_t)r.bytes));
    return 0;
}

static int run_purge(struct work *w, struct arena *a, struct str args, int64_t *id, struct err *e)
{
    struct job_purge q;
    int64_t n;

    if (job_purge_read(a, args, &q, e) < 0 ||
        job_purge_run(w->registry->db, &q, &w->stop, *id, &n, e) < 0)
        return -1;
    LOG(INFO, "purge.done", log_i64("job", *id), log_i64("entries", n));
    return 0;
}

static const struct kind {
    const char *name;
    int (*run)(struct work *w, struct arena *a, struct str args, int64_t *id, struct err *e);
} kinds[] = {
    {JOB_COLLECT, run_collect},
    {JOB_PURGE, run_purge},
};

/* A job that waits. true: the next may run. */
static bool run_one(struct work *w, struct arena *a, const struct kind *k, const struct job *j)
{
    struct err err;
    int64_t id = j->id;

    atomic_store(&w->stop, atomic_load(&w->ending));
    atomic_store(&w->running, id);
    int rc = k->run(w, a, j->args, &id, &err);
    atomic_store(&w->running, 0);
    if (rc == 0)
        return true;
    /* A command beside the server does the same work, or the queue is paused: what waits goes on
     * waiting. */
    bool stopped = atomic_load(&w->stop) && !atomic_load(&w->ending);
    if (err.code == ERR_CONFLICT && !stopped)
        return false;
    if (err.code == ERR_CANCELLED || err.code == ERR_CONFLICT)
        LOG(INFO, "job.stopped", log_strz("kind", k->name), log_i64("job", id));
    else
        LOG(ERROR, "job.failed", log_strz("kind", k->name), log_i64("job", id), log_err(&err));
    /* It may have failed before it began. */
    const char *why = stopped ? QUEUE_STOPPED : err.msg;
    if (job_cancel(w->registry->db, id, why, &err) < 0)
        LOG(ERROR, "job.failed", log_strz("kind", k->name), log_err(&err));
    return true;
}

/* Lets one wait whose time has come. */
static int queue_due(struct work *w, struct arena *a, const struct kind *k, struct err *e)
{
    struct schedule s;
    int64_t id;
    int paused = queue_is_paused(w->registry->db, QUEUE_OF_SCHEDULES, e);

    if (paused)
        return paused < 0 ? -1 : 0;
    int due = schedule_due(w->registry->db, a, k->name, clock_now_ms(), &s, e);
    return due > 0 ? job_queue(w->registry->db, k->name, "schedule", s.args, &id, e) : due;
}

/* The oldest job of a kind that waits: did one run? */
static bool run_next(struct work *w, const struct kind *k)
{
    AUTO(arena) a = {0};
    struct job job;
    struct err err;

    arena_init(&a, 4 * MIB);
    int found = job_next(w->registry->db, &a, k->name, &job, &err);
    if (found == 0) { /* none piles up behind one that waits */
        found = queue_due(w, &a, k, &err);
        if (found == 0)
            found = job_next(w->registry->db, &a, k->name, &job, &err);
    }
    if (found < 0)
        LOG(ERROR, "job.failed", log_strz("kind", k->name), log_err(&err));
    return found > 0 && run_one(w, &a, k, &job);
}

void work_run(struct work *w)
{
    bool again = true;

    while (again && !atomic_load(&w->ending)) {
        again = false;
        atomic_store(&w->looked_ms, clock_now_ms());
        for (size_t i = 0; i < ARRAY_LEN(kinds) && !atomic_load(&w->ending); i++)
            again = run_next(w, &kinds[i]) || again;
    }
}

static bool stop_running(struct work *w, int64_t id)
{
    if (atomic_load(&w->running) != id)
        return false;
    atomic_store(&w->stop, true);
    return true;
}

int work_stop(struct work *w, int64_t id, struct err *e)
{
    /* First without the database, whose writer the job itself may be. */
    if (stop_running(w, id))
        return 1;
    int done = job_cancel(w->registry->db, id, QUEUE_STOPPED, e);
    return done != 0 ? done : stop_running(w, id);
}

void work_end(struct work *w)
{
    atomic_store(&w->ending, true);
    atomic_store(&w->stop, true);
}
