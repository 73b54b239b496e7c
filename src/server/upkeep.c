/* SPDX-License-Identifier: Apache-2.0 */
#include "server/upkeep.h"

#include "access/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "jobs/work.h"
#include "registry/describe.h"
#include "registry/quota.h"

/* Uploads expire after minutes at least, schedules count seconds but promise none: a look every
 * quarter of a minute is soon enough, and costs one directory scan and one row. */
#define UPKEEP_EVERY_MS 15000

struct upkeep {
    struct server_app *app;
    struct pool *pool;
    struct pool_job job, work;
    _Atomic bool running, working;
    int64_t due_ms;
};

/* What an older version left undescribed; nothing, as a rule. Rests for as long as it worked:
 * another process (`haven admin`) gets the database only when nobody here wants it. */
static void describe(struct app *app)
{
    struct err err;
    size_t n = 0, total = 0;

    do {
        int64_t began_us = clock_mono_us();
        if (registry_describe_some(&app->registry, &n, &err) < 0) {
            LOG(ERROR, "describe.failed", log_err(&err));
            return;
        }
        total += n;
        clock_sleep_us(n ? clock_mono_us() - began_us : 0);
    } while (n && !atomic_load(&app->stopping));
    if (total)
        LOG(INFO, "describe.done", log_u64("artifacts", total));
}

static void run(struct pool_job *job)
{
    struct upkeep *u = CONTAINER_OF(job, struct upkeep, job);
    struct err err;
    describe(&u->app->app);
    size_t removed = 0;
    if (store_upload_sweep(u->app->app.store, u->app->upload_expiry_ms, &removed, &err) < 0)
        LOG(ERROR, "upload.sweep.failed", log_err(&err));
    else if (removed)
        LOG(INFO, "upload.sweep", log_u64("removed", removed));
    upload_caps_expire(u->app->app.upload_caps, clock_now_ms() - u->app->upload_expiry_ms);
    if (session_sweep(u->app->app.access, &err) < 0)
        LOG(ERROR, "session.sweep.failed", log_err(&err));
    quota_expire(&u->app->app.registry, clock_now_ms() - u->app->upload_expiry_ms);
    access_look(u->app->app.access); /* requests do, when there are any */
    work_run(&u->app->app.work);
    u->running = false;
}

static void run_work(struct pool_job *job)
{
    struct upkeep *u = CONTAINER_OF(job, struct upkeep, work);
    u->working = false; /* what is asked for from here on is asked for anew */
    work_run(&u->app->app.work);
}

/* Somebody asked for a job: it need not wait for the next round. */
static void wake(void *self)
{
    struct upkeep *u = self;
    if (!atomic_exchange(&u->working, true))
        (void)pool_add(u->pool, &u->work);
}

struct upkeep *upkeep_new(struct server_app *app)
{
    struct upkeep *u = NEW(struct upkeep);
    u->app = app;
    u->pool = pool_new("upkeep", 1);
    u->job.fn = run;
    u->work.fn = run_work;
    app->app.wake = wake;
    app->app.wake_self = u;
    u->due_ms = clock_mono_ms();
    return u;
}

void upkeep_free(struct upkeep *u)
{
    if (!u)
        return;
    pool_free(u->pool);
    mem_free(u);
}

int64_t upkeep_due_ms(const struct upkeep *u)
{
    return u->due_ms;
}

void upkeep_tick(struct upkeep *u, int64_t now_ms)
{
    if (now_ms < u->due_ms)
        return;
    u->due_ms = now_ms + UPKEEP_EVERY_MS;
    if (u->running)
        return;
    u->running = true;
    (void)pool_add(u->pool, &u->job);
}
