/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of the system with a schedule: the collection (/system/gc) and the purge of the audit log
 * (/system/purgeaudit). One row of `kinds` says how each differs. */
#include "api/harbor/jobs.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "jobs/collect.h"
#include "jobs/purge.h"
#include "jobs/schedule.h"

/* ---- objects ---- */

struct when {
    struct str type, cron;
    int64_t next_ms;
};
static const struct api_field when_fields[] = {
    {"type", API_STR, offsetof(struct when, type), 0, NULL, 16,
     "Hourly, Daily, Weekly, Custom (with cron), Manual (at once), or None."},
    {"cron", API_STR, offsetof(struct when, cron), 0, NULL, 128,
     "Six fields: seconds, minutes, hours, days, months, days of the week."},
    {"next_scheduled_time", API_TIME, offsetof(struct when, next_ms), 0, NULL, 0,
     "When it runs next."},
};
static const struct api_object when_object = {
    .name = "ScheduleObj",
    .size = sizeof(struct when),
    .fields = when_fields,
    .n = ARRAY_LEN(when_fields),
    .doc = "When a job runs.",
};

struct wanted {
    struct when *when;
    struct str parameters; /* JSON */
};
static const struct api_field wanted_fields[] = {
    {"schedule", API_OBJECT, offsetof(struct wanted, when), API_REQUIRED, &when_object, 0,
     "When the job is to run."},
    {"parameters", API_JSON, offsetof(struct wanted, parameters), 0, NULL, 0,
     "What it is to do: delete_untagged, dry_run and workers (1 to 10) for the collection; "
     "audit_retention_hour, include_event_types and dry_run for the purge."},
};
static const struct api_object wanted_object = {
    .name = "Schedule",
    .size = sizeof(struct wanted),
    .fields = wanted_fields,
    .n = ARRAY_LEN(wanted_fields),
    .doc = "A job and when it is to run.",
};

struct shown {
    int64_t id, created_ms, updated_ms;
    struct str name, kind, parameters, status;
    const struct when *when;
    bool deleted;
};
static const struct api_field shown_fields[] = {
    {"id", API_INT, offsetof(struct shown, id), 0, NULL, 0, "Its number."},
    {"job_name", API_STR, offsetof(struct shown, name), 0, NULL, 0, "What kind of job it is."},
    {"job_kind", API_STR, offsetof(struct shown, kind), 0, NULL, 0,
     "Why it ran: MANUAL or SCHEDULE."},
    {"job_parameters", API_STR, offsetof(struct shown, parameters), 0, NULL, 0,
     "What it was to do and what it did, as the text of a JSON object."},
    {"schedule", API_OBJECT, offsetof(struct shown, when), 0, &when_object, 0,
     "When it was to run."},
    {"job_status", API_STR, offsetof(struct shown, status), 0, NULL, 0,
     "Pending, Running, Success, Error or Stopped."},
    {"deleted", API_BOOL, offsetof(struct shown, deleted), API_ALWAYS, NULL, 0, "Never true."},
    {"creation_time", API_TIME, offsetof(struct shown, created_ms), 0, NULL, 0,
     "When it was asked for."},
    {"update_time", API_TIME, offsetof(struct shown, updated_ms), 0, NULL, 0,
     "When it changed last."},
};
#define HISTORY(words)                                                                             \
    {                                                                                              \
        .name = words, .size = sizeof(struct shown), .fields = shown_fields,                       \
        .n = ARRAY_LEN(shown_fields), .doc = "A job that ran, runs, or is to run."                 \
    }
static const struct api_object collect_object = HISTORY("GCHistory");
static const struct api_object purge_object = HISTORY("ExecHistory");

/* ---- what differs ---- */

/* false without it. */
static int read_bool(const json_t *json, const char *name, bool *ret, struct err *e)
{
    const json_t *v = json_object_get(json, name);

    *ret = json_is_true(v);
    return !v || json_is_boolean(v) || json_is_null(v)
               ? 0
               : ERR(e, BAD_REQUEST, "\"%s\" must be true or false", name);
}

/* Harbor's parameters as the job's arguments. BAD_REQUEST. */
static int read_collect(struct http_req *rq, struct str text, struct buf *out, struct err *e)
{
    AUTO_JSON json = json_load(text.n ? text : STR("{}"), ERR_BAD_REQUEST, e);
    const json_t *workers = json ? json_object_get(json, "workers") : NULL;

    if (!json_is_object(json))
        return json ? ERR(e, BAD_REQUEST, "\"parameters\" must be an object")
                    : err_wrap(e, "\"parameters\"");
    if (workers && (!json_is_integer(workers) || json_integer_value(workers) < 1 ||
                    json_integer_value(workers) > 10))
        return ERR(e, BAD_REQUEST, "\"workers\" must be a number from 1 to 10");
    struct job_collect q = {.grace_ms = api_app(rq)->registry.lease_ms};
    if (read_bool(json, "dry_run", &q.dry_run, e) < 0 ||
        read_bool(json, "delete_untagged", &q.untagged, e) < 0)
        return -1;
    job_collect_write(&q, out);
    return 0;
}

static int read_purge(struct http_req *rq, struct str text, struct buf *out, struct err *e)
{
    struct job_purge q;
    if (job_purge_read(&rq->arena, text.n ? text : STR("{}"), &q, e) < 0)
        return -1;
    job_purge_write(&q, out);
    return 0;
}

static int64_t number_of(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static void show_collect(const struct job *j, const json_t *result, struct json_writer *w)
{
    struct job_collect q = {0};

    (void)job_collect_read(j->args, &q, NULL);
    jsonw_kbool(w, "delete_untagged", q.untagged);
    jsonw_kbool(w, "dry_run", q.dry_run);
    jsonw_ki64(w, "workers", 1);
    if (!result)
        return;
    jsonw_ki64(w, "freed_space", number_of(result, "bytes"));
    jsonw_ki64(w, "purged_blobs", number_of(result, "blobs"));
    jsonw_ki64(w, "purged_manifests", number_of(result, "artifacts"));
}

static void show_purge(const struct job *j, const json_t *result, struct json_writer *w)
{
    AUTO(arena) a = {0};
    struct job_purge q = {0};

    arena_init(&a, MIB);
    if (job_purge_read(&a, j->args, &q, NULL) == 0) {
        jsonw_ki64(w, "audit_retention_hour", q.hours);
        jsonw_kstr(w, "include_event_types", q.events);
        jsonw_kbool(w, "dry_run", q.dry_run);
    }
    if (result)
        jsonw_ki64(w, "purged_records", number_of(result, "purged"));
}

struct kind {
    const char *prefix, *job, *name;
    int (*read)(struct http_req *rq, struct str text, struct buf *out, struct err *e);
    void (*show)(const struct job *j, const json_t *result, struct json_writer *w);
};
static const struct kind kinds[] = {
    {"/api/v2.0/system/gc", JOB_COLLECT, "GARBAGE_COLLECTION", read_collect, show_collect},
    {"/api/v2.0/system/purgeaudit", JOB_PURGE, "PURGE_AUDIT_LOG", read_purge, show_purge},
};

static const struct kind *kind_of(const struct http_req *rq)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_starts(str_from(rq->route->pattern), str_from(kinds[i].prefix)))
            return &kinds[i];
    err_bug(__FILE__, __LINE__, "a route of no kind");
}

const char *harbor_job_name(size_t i, const char **ret_kind)
{
    if (i >= ARRAY_LEN(kinds))
        return NULL;
    if (ret_kind)
        *ret_kind = kinds[i].job;
    return kinds[i].name;
}

struct str harbor_job_name_of(struct str kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eqz(kind, kinds[i].job))
            return str_from(kinds[i].name);
    return kind;
}

/* ---- schedules ---- */

static const struct {
    const char *type, *cron;
} usual[] = {
    {"Hourly", "0 0 * * * *"},
    {"Daily", "0 0 0 * * *"},
    {"Weekly", "0 0 0 * * 0"},
};

static struct str type_of(struct str cron)
{
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (str_eqz(cron, usual[i].cron))
            return str_from(usual[i].type);
    return STR("Custom");
}

/* *ret: the six fields; STR_NULL for a type that is no schedule. BAD_REQUEST. */
static int cron_of(const struct when *w, struct str *ret, struct err *e)
{
    *ret = STR_NULL;
    if (str_eqz(w->type, "Manual") || str_eqz(w->type, "None"))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (str_eqz(w->type, usual[i].type))
            *ret = w->cron.n ? w->cron : str_from(usual[i].cron);
    if (str_eqz(w->type, "Custom") || str_eqz(w->type, "Schedule"))
        *ret = w->cron;
    return ret->n ? 0
                  : ERR(e, BAD_REQUEST,
                        "\"schedule\": \"type\" must be Hourly, Daily, Weekly, Manual or None, or "
                        "Custom with \"cron\"");
}

static int run_now(struct http_req *rq, const struct kind *k, struct str args, struct err *e)
{
    struct app *app = api_app(rq);
    int64_t id;

    if (job_queue(app->db, k->job, "manual", args, &id, e) < 0)
        return -1;
    app->wake(app->wake_self);
    http_set_headerf(rq, "Location", "%s/%lld", k->prefix, (long long)id);
    return http_reply_empty(rq, rq->method == HTTP_POST ? 201 : 200);
}

static int set_schedule(struct http_req *rq, struct err *e)
{
    const struct kind *k = kind_of(rq);
    struct db *db = api_app(rq)->db;
    struct wanted w = {0};
    struct schedule there;
    struct str cron;
    AUTO(buf) args = {0};

    buf_init(&args, LIMIT_API_BODY);
    if (harbor_body(rq, &w, NULL, e) < 0 || cron_of(w.when, &cron, e) < 0)
        return -1;
    if (str_eqz(w.when->type, "None"))
        return schedule_clear(db, k->job, e) < 0
                   ? -1
                   : http_reply_empty(rq, rq->method == HTTP_POST ? 201 : 200);
    if (k->read(rq, w.parameters, &args, e) < 0)
        return -1;
    if (!cron.p)
        return run_now(rq, k, buf_str(&args), e);
    int found = schedule_get(db, &rq->arena, k->job, &there, e);
    if (found < 0)
        return -1;
    if (found && rq->method == HTTP_POST)
        return ERR(e, CONFLICT, "there is a schedule already; change it with PUT");
    if (schedule_set(db, k->job, cron, buf_str(&args), e) < 0) {
        const struct err cause = *e;
        return cause.code == ERR_USAGE ? ERR(e, BAD_REQUEST, "\"cron\": %s", cause.msg) : -1;
    }
    return http_reply_empty(rq, rq->method == HTTP_POST ? 201 : 200);
}

/* ---- showing ---- */

static struct str state_of(struct str state)
{
    static const char *const names[][2] = {{"pending", "Pending"},
                                           {"running", "Running"},
                                           {"success", "Success"},
                                           {"error", "Error"},
                                           {"stopped", "Stopped"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eqz(state, names[i][0]))
            return str_from(names[i][1]);
    return state;
}

static struct str parameters_of(struct http_req *rq, const struct kind *k, const struct job *j)
{
    AUTO_JSON result = j->result.n ? json_load(j->result, ERR_CORRUPT, NULL) : NULL;
    AUTO(buf) out = {0};
    struct json_writer w;

    buf_init(&out, LIMIT_API_BODY);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    k->show(j, result, &w);
    jsonw_object_done(&w);
    return arena_str(&rq->arena, buf_str(&out));
}

static struct shown show(struct http_req *rq, const struct kind *k, const struct job *j)
{
    struct when *when = ARENA_NEW(&rq->arena, struct when);
    bool manual = str_eqz(j->cause, "manual");

    when->type = manual ? STR("Manual") : STR("Custom");
    return (struct shown){.id = j->id,
                          .name = str_from(k->name),
                          .kind = manual ? STR("MANUAL") : STR("SCHEDULE"),
                          .parameters = parameters_of(rq, k, j),
                          .when = when,
                          .status = state_of(j->state),
                          .created_ms = j->created_ms,
                          .updated_ms = MAX_OF(MAX_OF(j->beat_ms, j->ended_ms), j->created_ms)};
}

static int get_schedule(struct http_req *rq, struct err *e)
{
    const struct kind *k = kind_of(rq);
    struct schedule s;
    struct shown shown = {0};
    int found = schedule_get(api_app(rq)->db, &rq->arena, k->job, &s, e);

    if (found < 0)
        return -1;
    if (found) {
        struct when *when = ARENA_NEW(&rq->arena, struct when);
        const struct job as_job = {.args = s.args};
        *when = (struct when){.type = type_of(s.cron), .cron = s.cron, .next_ms = s.next_ms};
        shown.name = str_from(k->name);
        shown.kind = STR("SCHEDULE");
        shown.status = STR("Scheduled");
        shown.parameters = parameters_of(rq, k, &as_job);
        shown.when = when;
    }
    return harbor_reply(rq, &shown);
}

static int list(struct http_req *rq, struct err *e)
{
    const struct kind *k = kind_of(rq);
    struct db_list_query q;
    struct db_page page;

    if (harbor_list_query(rq, &q, e) < 0 ||
        job_page(api_app(rq)->db, &rq->arena, k->job, &q, &page, e) < 0)
        return -1;
    const struct job *found = page.v;
    struct shown *shown = ARENA_ARRAY(&rq->arena, page.n, struct shown);
    for (size_t i = 0; i < page.n; i++)
        shown[i] = show(rq, k, &found[i]);
    page.v = shown;
    return harbor_reply_list(rq, &page);
}

static int find(struct http_req *rq, struct job *ret, struct err *e)
{
    const struct kind *k = kind_of(rq);
    int64_t id;

    if (harbor_param_id(rq, "job_id", &id, e) < 0)
        return -1;
    int found = job_find(api_app(rq)->db, &rq->arena, k->job, id, ret, e);
    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, NOT_FOUND, "there is no job %lld", (long long)id);
}

static int get(struct http_req *rq, struct err *e)
{
    struct job j;

    if (find(rq, &j, e) < 0)
        return -1;
    struct shown s = show(rq, kind_of(rq), &j);
    return harbor_reply(rq, &s);
}

static int stop(struct http_req *rq, struct err *e)
{
    struct job j;

    if (find(rq, &j, e) < 0)
        return -1;
    /* It may end in this moment as well. */
    int done = j.ended_ms ? 0 : work_stop(&api_app(rq)->work, j.id, e);
    if (done <= 0)
        return done < 0 ? -1 : ERR(e, BAD_REQUEST, "the job %lld is over", (long long)j.id);
    return http_reply_empty(rq, 200);
}

static int add_line(void *self, int64_t at_ms, struct str line, struct err *e)
{
    struct buf *out = self;
    char when[CLOCK_TEXT_MAX];

    (void)e;
    buf_addf(out, "%s %.*s\n", clock_rfc3339(at_ms, when), S(line));
    return 0;
}

int harbor_job_log(struct http_req *rq, const struct job *j, struct err *e)
{
    struct buf out;

    buf_init(&out, LIMIT_API_ANSWER);
    if (job_log_each(api_app(rq)->db, j->id, add_line, &out, e) < 0) {
        buf_done(&out);
        return -1;
    }
    if (j->error.n && buf_ok(&out))
        buf_addf(&out, "%.*s\n", S(j->error));
    return http_reply_buf(rq, 200, "text/plain; charset=utf-8", &out);
}

static int get_log(struct http_req *rq, struct err *e)
{
    struct job j;
    return find(rq, &j, e) < 0 ? -1 : harbor_job_log(rq, &j, e);
}

/* The seven routes of a kind. */
#define ROUTES(path, prefix, perm, about, gives_, list_, get_, stop_, log_, sget, spost, sput)     \
    {.method = HTTP_GET,                                                                           \
     .pattern = path "/schedule",                                                                  \
     .name = prefix ".schedule.get",                                                               \
     .permission = PERM_##perm##_READ,                                                             \
     .handler = get_schedule,                                                                      \
     .doc = "See the schedule of " about ".",                                                      \
     .contract = &(const struct api_contract){.operation = sget, .gives = gives_}},                \
        {.method = HTTP_POST,                                                                      \
         .pattern = path "/schedule",                                                              \
         .name = prefix ".schedule.create",                                                        \
         .permission = PERM_##perm##_CREATE,                                                       \
         .body = HTTP_BODY_BUFFER,                                                                 \
         .body_max = LIMIT_API_BODY,                                                               \
         .handler = set_schedule,                                                                  \
         .doc = "Run " about ", at once or on a schedule.",                                        \
         .contract = &(const struct api_contract){.operation = spost,                              \
                                                  .takes = &wanted_object,                         \
                                                  .status = 201}},                                 \
        {.method = HTTP_PUT,                                                                       \
         .pattern = path "/schedule",                                                              \
         .name = prefix ".schedule.update",                                                        \
         .permission = PERM_##perm##_UPDATE,                                                       \
         .body = HTTP_BODY_BUFFER,                                                                 \
         .body_max = LIMIT_API_BODY,                                                               \
         .handler = set_schedule,                                                                  \
         .doc = "Change the schedule of " about ", or run it at once.",                            \
         .contract = &(const struct api_contract){.operation = sput, .takes = &wanted_object}},    \
        {.method = HTTP_GET,                                                                       \
         .pattern = path,                                                                          \
         .name = prefix ".list",                                                                   \
         .permission = PERM_##perm##_LIST,                                                         \
         .handler = list,                                                                          \
         .doc = "List runs of " about ".",                                                         \
         .contract =                                                                               \
             &(const struct api_contract){                                                         \
                 .operation = list_, .gives = gives_, .many = true, .list = &job_list_fields}},    \
        {.method = HTTP_GET,                                                                       \
         .pattern = path "/{job_id}",                                                              \
         .name = prefix ".get",                                                                    \
         .permission = PERM_##perm##_READ,                                                         \
         .handler = get,                                                                           \
         .doc = "See a run of " about ".",                                                         \
         .contract = &(const struct api_contract){.operation = get_, .gives = gives_}},            \
        {.method = HTTP_PUT,                                                                       \
         .pattern = path "/{job_id}",                                                              \
         .name = prefix ".stop",                                                                   \
         .permission = PERM_##perm##_STOP,                                                         \
         .handler = stop,                                                                          \
         .doc = "Stop a run of " about ".",                                                        \
         .contract = &(const struct api_contract){.operation = stop_}},                            \
    {                                                                                              \
        .method = HTTP_GET, .pattern = path "/{job_id}/log", .name = prefix ".log",                \
        .permission = PERM_##perm##_READ, .handler = get_log,                                      \
        .doc = "Read what a run of " about " wrote.", .contract = &(const struct api_contract)     \
        {                                                                                          \
            .operation = log_, .text = "text/plain"                                                \
        }                                                                                          \
    }

static const struct http_route routes[] = {
    ROUTES("/api/v2.0/system/gc", "gc", GC, "the collection", &collect_object, "getGCHistory",
           "getGC", "stopGC", "getGCLog", "getGCSchedule", "createGCSchedule", "updateGCSchedule"),
    ROUTES("/api/v2.0/system/purgeaudit", "purge", PURGE, "the purge of the audit log",
           &purge_object, "getPurgeHistory", "getPurgeJob", "stopPurge", "getPurgeJobLog",
           "getPurgeSchedule", "createPurgeSchedule", "updatePurgeSchedule"),
};

const struct http_group harbor_system_jobs_group = {
    .prefix = "/api/v2.0/",
    .title = "jobs of the system",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
