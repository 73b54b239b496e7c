/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in the background as a whole: queues, the process that runs jobs, its worker,
 * schedules. /jobservice, /schedules. */
#include "api/harbor/jobs.h"
#include "base/clock.h"
#include "base/mem.h"
#include "jobs/queue.h"
#include "jobs/schedule.h"
#include "jobs/work.h"
#include "registry/task.h"

#include <unistd.h>

#define ALL "all"
/* What Harbor calls the queue of those that are yet to be asked for. */
#define SCHEDULER "SCHEDULER"
#define HOST_MAX  256

/* ---- objects ---- */

struct shown_queue {
    struct str type;
    int64_t waiting, latency_s;
    bool paused;
};
static const struct api_field queue_fields[] = {
    {"job_type", API_STR, offsetof(struct shown_queue, type), 0, NULL, 0,
     "The kind of its jobs; MODEL_INDEX: models that are to be read; MODEL_SEARCH: changes that "
     "the "
     "search is to know of; SCHEDULER: the schedules of all kinds."},
    {"count", API_INT, offsetof(struct shown_queue, waiting), 0, NULL, 0, "How many jobs wait."},
    {"latency", API_INT, offsetof(struct shown_queue, latency_s), 0, NULL, 0,
     "Seconds that the oldest of them has waited."},
    {"paused", API_BOOL, offsetof(struct shown_queue, paused), API_ALWAYS, NULL, 0,
     "None of them begins."},
};
static const struct api_object queue_object = {
    .name = "JobQueue",
    .size = sizeof(struct shown_queue),
    .fields = queue_fields,
    .n = ARRAY_LEN(queue_fields),
    .doc = "The jobs of a kind that wait.",
};

struct shown_pool {
    int64_t pid, started_ms, beat_ms, concurrency;
    struct str name, host;
};
static const struct api_field pool_fields[] = {
    {"pid", API_INT, offsetof(struct shown_pool, pid), 0, NULL, 0, "The number of the process."},
    {"worker_pool_id", API_STR, offsetof(struct shown_pool, name), 0, NULL, 0,
     "Its name, another one at each start."},
    {"start_at", API_TIME, offsetof(struct shown_pool, started_ms), 0, NULL, 0,
     "When it was started."},
    {"heartbeat_at", API_TIME, offsetof(struct shown_pool, beat_ms), 0, NULL, 0,
     "When it looked for jobs last, or when the one that runs came on."},
    {"concurrency", API_INT, offsetof(struct shown_pool, concurrency), 0, NULL, 0,
     "How many jobs it runs at once."},
    {"host", API_STR, offsetof(struct shown_pool, host), 0, NULL, 0, "The name of its machine."},
};
static const struct api_object pool_object = {
    .name = "WorkerPool",
    .size = sizeof(struct shown_pool),
    .fields = pool_fields,
    .n = ARRAY_LEN(pool_fields),
    .doc = "A process that runs jobs.",
};

struct shown_worker {
    struct str id, pool, job_name, job_id, check_in;
    int64_t started_ms, beat_ms;
};
static const struct api_field worker_fields[] = {
    {"id", API_STR, offsetof(struct shown_worker, id), 0, NULL, 0, "Its number in the process."},
    {"pool_id", API_STR, offsetof(struct shown_worker, pool), 0, NULL, 0,
     "The name of the process."},
    {"job_name", API_STR, offsetof(struct shown_worker, job_name), 0, NULL, 0,
     "The kind of the job that it runs; without one it runs none."},
    {"job_id", API_STR, offsetof(struct shown_worker, job_id), 0, NULL, 0,
     "The number of that job."},
    {"start_at", API_TIME, offsetof(struct shown_worker, started_ms), API_IF_SET, NULL, 0,
     "When that job began."},
    {"check_in", API_STR, offsetof(struct shown_worker, check_in), 0, NULL, 0,
     "How far that job has come, as JSON."},
    {"checkin_at", API_TIME, offsetof(struct shown_worker, beat_ms), API_IF_SET, NULL, 0,
     "When it said so."},
};
static const struct api_object worker_object = {
    .name = "Worker",
    .size = sizeof(struct shown_worker),
    .fields = worker_fields,
    .n = ARRAY_LEN(worker_fields),
    .doc = "What runs one job at a time.",
};

struct shown_schedule {
    int64_t id, vendor_id, updated_ms;
    struct str vendor_type, cron;
};
static const struct api_field schedule_fields[] = {
    {"id", API_INT, offsetof(struct shown_schedule, id), 0, NULL, 0, "Its number."},
    {"vendor_type", API_STR, offsetof(struct shown_schedule, vendor_type), 0, NULL, 0,
     "The kind of job that it asks for."},
    {"vendor_id", API_INT, offsetof(struct shown_schedule, vendor_id), 0, NULL, 0,
     "Whose it is; -1: of the system."},
    {"cron", API_STR, offsetof(struct shown_schedule, cron), 0, NULL, 0,
     "Six fields: seconds, minutes, hours, days, months, days of the week."},
    {"update_time", API_TIME, offsetof(struct shown_schedule, updated_ms), 0, NULL, 0,
     "When it was set; the year 1: that is not known."},
};
static const struct api_object schedule_object = {
    .name = "ScheduleTask",
    .size = sizeof(struct shown_schedule),
    .fields = schedule_fields,
    .n = ARRAY_LEN(schedule_fields),
    .doc = "When a kind of job is asked for by itself.",
};

struct shown_state {
    bool paused;
};
static const struct api_field state_fields[] = {
    {"paused", API_BOOL, offsetof(struct shown_state, paused), API_ALWAYS, NULL, 0,
     "No schedule asks for a job."},
};
static const struct api_object state_object = {
    .name = "SchedulerStatus",
    .size = sizeof(struct shown_state),
    .fields = state_fields,
    .n = ARRAY_LEN(state_fields),
    .doc = "Whether schedules count.",
};

struct action {
    struct str action;
};
static const struct api_field action_fields[] = {
    {"action", API_STR, offsetof(struct action, action), API_REQUIRED, NULL, 16,
     "stop: end what waits; pause: let nothing begin; resume: let it begin again."},
};
static const struct api_object action_object = {
    .name = "ActionRequest",
    .size = sizeof(struct action),
    .fields = action_fields,
    .n = ARRAY_LEN(action_fields),
    .doc = "What to do with the jobs that wait.",
};

/* ---- queues ---- */

/* Harbor takes these words in any case. */
static bool same(struct str a, const char *b)
{
    return str_ieq(a, str_from(b));
}

/* Queues of what is no job of work.h. */
static const struct {
    const char *name, *kind;
} others[] = {
    {"MODEL_INDEX", TASK_INDEX},
    {"MODEL_SEARCH", TASK_SEARCH},
    {SCHEDULER, QUEUE_OF_SCHEDULES},
};

/* A queue by its place: its name, and the kind of its jobs; NULL past the last. */
static const char *queue_at(size_t i, const char **ret_kind)
{
    size_t jobs = 0;

    while (harbor_job_name(jobs, NULL))
        jobs++;
    if (i < jobs)
        return harbor_job_name(i, ret_kind);
    if (i - jobs >= ARRAY_LEN(others))
        return NULL;
    *ret_kind = others[i - jobs].kind;
    return others[i - jobs].name;
}

static int list_queues(struct http_req *rq, struct err *e)
{
    const char *kind, *name;
    size_t n = 0;

    while (queue_at(n, &kind))
        n++;
    struct shown_queue *v = ARENA_ARRAY(&rq->arena, n, struct shown_queue);
    for (size_t i = 0; i < n; i++) {
        struct queue q;
        name = queue_at(i, &kind);
        if (queue_look(api_app(rq)->db, kind, &q, e) < 0)
            return -1;
        v[i] =
            (struct shown_queue){.type = str_from(name),
                                 .waiting = q.waiting,
                                 .latency_s = q.waiting ? (clock_now_ms() - q.oldest_ms) / 1000 : 0,
                                 .paused = q.paused};
    }
    return harbor_reply_all(rq, v, n);
}

static int act_on(struct http_req *rq, const char *kind, struct str action, struct err *e)
{
    struct db *db = api_app(rq)->db;

    return same(action, "stop") ? queue_stop(db, kind, e)
                                : queue_pause(db, kind, same(action, "pause"), e);
}

static int act_on_queue(struct http_req *rq, struct err *e)
{
    struct app *app = api_app(rq);
    struct str type = http_param(rq, "job_type");
    struct action a = {0};
    const char *kind, *name;
    bool any = false;

    if (harbor_body(rq, &a, NULL, e) < 0)
        return -1;
    if (!same(a.action, "stop") && !same(a.action, "pause") && !same(a.action, "resume"))
        return ERR(e, UNPROCESSABLE, "\"action\" must be stop, pause or resume");
    for (size_t i = 0; (name = queue_at(i, &kind)); i++) {
        if (!same(type, ALL) && !same(type, name))
            continue;
        any = true;
        if (act_on(rq, kind, a.action, e) < 0)
            return -1;
    }
    if (!any)
        return ERR(e, NOT_FOUND, "there is no queue of jobs \"%.*s\"", S(str_head(type, 40)));
    app->wake(app->wake_self); /* what has waited may begin */
    task_bell_ring(app->registry.bell);
    return http_reply_empty(rq, 200);
}

/* ---- the process and its worker ---- */

/* The job that runs here: 1, 0, -1. */
static int running(struct http_req *rq, struct job *ret, struct err *e)
{
    struct app *app = api_app(rq);
    int64_t id = atomic_load(&app->work.running);

    return id ? job_find_any(app->db, &rq->arena, id, ret, e) : 0;
}

static int list_pools(struct http_req *rq, struct err *e)
{
    const struct work *w = &api_app(rq)->work;
    char host[HOST_MAX] = "";
    struct job j;
    int busy = running(rq, &j, e);

    if (busy < 0)
        return -1;
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    const struct shown_pool pool = {
        .pid = getpid(),
        .name = str_from(w->name),
        .started_ms = w->started_ms,
        .beat_ms = MAX_OF(atomic_load(&w->looked_ms), busy ? j.beat_ms : 0),
        .concurrency = 1,
        .host = str_from(host),
    };
    return harbor_reply_all(rq, &pool, 1);
}

static int list_workers(struct http_req *rq, struct err *e)
{
    struct str pool = http_param(rq, "pool_id"), name = str_from(api_app(rq)->work.name);
    struct shown_worker w = {.id = STR("1"), .pool = name};
    struct job j;

    if (!same(pool, ALL) && !str_eq(pool, name))
        return ERR(e, NOT_FOUND, "there is no process \"%.*s\" that runs jobs",
                   S(str_head(pool, 40)));
    int busy = running(rq, &j, e);
    if (busy < 0)
        return -1;
    if (busy) {
        w.job_name = harbor_job_name_of(j.kind);
        w.job_id = str_from(arena_printf(&rq->arena, "%lld", (long long)j.id));
        w.check_in = j.result;
        w.started_ms = j.started_ms;
        w.beat_ms = j.beat_ms;
    }
    return harbor_reply_all(rq, &w, 1);
}

/* ---- jobs ---- */

/* {job}: a number. NOT_FOUND. */
static int find(struct http_req *rq, struct job *ret, struct err *e)
{
    struct str text = http_param(rq, "job");
    int64_t id;
    int found = str_i64(text, 1, INT64_MAX, &id)
                    ? job_find_any(api_app(rq)->db, &rq->arena, id, ret, e)
                    : 0;

    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, NOT_FOUND, "there is no job %.*s", S(str_head(text, 40)));
}

/* Harbor answers the same whether the job ran or was over. */
static int stop(struct http_req *rq, struct err *e)
{
    struct work *w = &api_app(rq)->work;
    int64_t id = atomic_load(&w->running);
    struct job j;

    if (!same(http_param(rq, "job"), ALL)) {
        if (find(rq, &j, e) < 0)
            return -1;
        id = j.ended_ms ? 0 : j.id;
    }
    if (id && work_stop(w, id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int get_log(struct http_req *rq, struct err *e)
{
    struct job j;
    return find(rq, &j, e) < 0 ? -1 : harbor_job_log(rq, &j, e);
}

/* ---- schedules ---- */

static int list_schedules(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;

    if (harbor_list_query(rq, &q, e) < 0 ||
        schedule_page(api_app(rq)->db, &rq->arena, &q, &page, e) < 0)
        return -1;
    const struct schedule *found = page.v;
    struct shown_schedule *v = ARENA_ARRAY(&rq->arena, page.n, struct shown_schedule);
    for (size_t i = 0; i < page.n; i++)
        v[i] = (struct shown_schedule){.id = found[i].id,
                                       .vendor_type = harbor_job_name_of(found[i].kind),
                                       .vendor_id = -1,
                                       .cron = found[i].cron,
                                       .updated_ms = found[i].updated_ms};
    page.v = v;
    return harbor_reply_list(rq, &page);
}

static int get_paused(struct http_req *rq, struct err *e)
{
    struct shown_state s;

    if (!same(http_param(rq, "job_type"), ALL))
        return ERR(e, BAD_REQUEST, "job_type in path must be all");
    int paused = queue_is_paused(api_app(rq)->db, QUEUE_OF_SCHEDULES, e);
    if (paused < 0)
        return -1;
    s.paused = paused;
    return harbor_reply(rq, &s);
}

/* ---- routes ---- */

#define API "/api/v2.0"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = API "/jobservice/queues",
     .name = "jobservice.queue.list",
     .permission = PERM_JOBS_LIST,
     .handler = list_queues,
     .doc = "List the queues of jobs.",
     .contract = &(const struct api_contract){.operation = "listJobQueues",
                                              .gives = &queue_object,
                                              .many = true}},
    {.method = HTTP_PUT,
     .pattern = API "/jobservice/queues/{job_type}",
     .name = "jobservice.queue.update",
     .permission = PERM_JOBS_STOP,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = act_on_queue,
     .doc = "Stop the jobs that wait, pause their queue, or let it go on.",
     .contract =
         &(const struct api_contract){.operation = "actionPendingJobs", .takes = &action_object}},
    {.method = HTTP_GET,
     .pattern = API "/jobservice/pools",
     .name = "jobservice.pool.list",
     .permission = PERM_JOBS_LIST,
     .handler = list_pools,
     .doc = "List the processes that run jobs: this one.",
     .contract = &(const struct api_contract){.operation = "getWorkerPools",
                                              .gives = &pool_object,
                                              .many = true}},
    {.method = HTTP_GET,
     .pattern = API "/jobservice/pools/{pool_id}/workers",
     .name = "jobservice.worker.list",
     .permission = PERM_JOBS_LIST,
     .handler = list_workers,
     .doc = "List what runs jobs in a process, with the job that runs.",
     .contract = &(const struct api_contract){.operation = "getWorkers",
                                              .gives = &worker_object,
                                              .many = true}},
    {.method = HTTP_PUT,
     .pattern = API "/jobservice/jobs/{job}",
     .name = "jobservice.job.stop",
     .permission = PERM_JOBS_STOP,
     .handler = stop,
     .doc = "Stop a job that runs or waits, or (all) whatever runs.",
     .contract = &(const struct api_contract){.operation = "stopRunningJob"}},
    {.method = HTTP_GET,
     .pattern = API "/jobservice/jobs/{job}/log",
     .name = "jobservice.job.log",
     .permission = PERM_JOBS_LIST,
     .handler = get_log,
     .doc = "Read what a job wrote.",
     .contract =
         &(const struct api_contract){.operation = "actionGetJobLog", .text = "text/plain"}},
    {.method = HTTP_GET,
     .pattern = API "/schedules",
     .name = "schedule.list",
     .permission = PERM_JOBS_LIST,
     .handler = list_schedules,
     .doc = "List the schedules of jobs.",
     .contract = &(const struct api_contract){.operation = "listSchedules",
                                              .gives = &schedule_object,
                                              .many = true,
                                              .list = &schedule_list_fields}},
    {.method = HTTP_GET,
     .pattern = API "/schedules/{job_type}/paused",
     .name = "schedule.paused",
     .permission = PERM_LOGIN,
     .handler = get_paused,
     .doc = "Tell whether schedules are paused; job_type must be all.",
     .contract =
         &(const struct api_contract){.operation = "getSchedulePaused", .gives = &state_object}},
};

const struct http_group harbor_jobservice_group = {
    .prefix = "/api/v2.0/",
    .title = "queues of jobs",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
