/* SPDX-License-Identifier: Apache-2.0 */
#include "server/upkeep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "jobs/collect.h"
#include "jobs/schedule.h"
#include "registry/describe.h"
#include "registry/quota.h"

/* Uploads expire after minutes at least, schedules count seconds but promise none: a look every
 * quarter of a minute is soon enough, and costs one directory scan and one row. */
#define UPKEEP_EVERY_MS 15000

struct upkeep {
    struct server_app *app;
    struct pool *pool;
    struct pool_job job;
    _Atomic bool running;
    int64_t due_ms;
};

/* The collection whose time has come. */
static void collect(struct upkeep *u)
{
    struct app *app = &u->app->app;
    AUTO(arena) arena = {0};
    struct schedule s;
    struct job_collect q;
    struct collect_result r;
    struct err err;
    int64_t id;

    arena_init(&arena, MIB);
    int due = schedule_due(app->db, &arena, JOB_COLLECT, clock_now_ms(), &s, &err);
    if (due == 0)
        return;
    if (due < 0 || job_collect_read(s.args, &q, &err) < 0 ||
        job_collect_run(&app->registry, app->data_dir, &q, "schedule", &app->stopping, NULL, NULL,
                        &id, &r, &err) < 0) {
        LOG(ERROR, "collect.failed", log_err(&err));
        return;
    }
    LOG(INFO, "collect.done", log_i64("job", id), log_u64("artifacts", r.artifacts),
        log_u64("blobs", r.blobs), log_u64("objects", r.objects),
        log_i64("bytes", (int64_t)r.bytes));
}

/* What an older version left undescribed; nothing, as a rule. */
static void describe(struct app *app)
{
    struct err err;
    size_t n = 0, total = 0;

    do {
        if (registry_describe_some(&app->registry, &n, &err) < 0) {
            LOG(ERROR, "describe.failed", log_err(&err));
            return;
        }
        total += n;
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
    quota_expire(&u->app->app.registry, clock_now_ms() - u->app->upload_expiry_ms);
    collect(u);
    u->running = false;
}

struct upkeep *upkeep_new(struct server_app *app)
{
    struct upkeep *u = NEW(struct upkeep);
    u->app = app;
    u->pool = pool_new("upkeep", 1);
    u->job.fn = run;
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
