/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/purge.h"

#include "access/audit.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "jobs/job.h"

/* Entries that go in one transaction. */
#define AT_ONCE 1000
#define HOUR_MS (INT64_C(3600) * 1000)
/* The kinds that Harbor has stand first. */
#define OTHERS_FROM AUDIT_update_robot

void job_purge_write(const struct job_purge *q, struct buf *out)
{
    struct json_writer w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_ki64(&w, "audit_retention_hour", q->hours);
    jsonw_kstr(&w, "include_event_types", q->events);
    jsonw_kbool(&w, "dry_run", q->dry_run);
    jsonw_object_done(&w);
}

/* Which kinds the list names, as bits. */
static int read_events(struct str list, uint64_t *ret, struct err *e)
{
    uint64_t bits = 0;

    while (list.n) {
        struct str name = str_trim(str_cut(&list, ','));
        bool known = name.n == 0;
        for (unsigned i = 0; i < AUDIT_COUNT; i++)
            if (str_eqz(name, audit_event_info((enum audit_event)i)->name) ||
                (str_eqz(name, "other") && i >= OTHERS_FROM)) {
                bits |= UINT64_C(1) << i;
                known = true;
            }
        if (!known)
            return ERR(e, BAD_REQUEST, "\"include_event_types\": there is no kind \"%.*s\"",
                       S(str_head(name, 60)));
    }
    if (!bits)
        return ERR(e, BAD_REQUEST,
                   "\"include_event_types\" must name the kinds of entries that go");
    *ret = bits;
    return 0;
}

int job_purge_read(struct arena *a, struct str text, struct job_purge *ret, struct err *e)
{
    AUTO_JSON json = json_load(text, ERR_BAD_REQUEST, e);
    uint64_t ignored;

    if (!json)
        return err_wrap(e, "the parameters of a purge");
    const json_t *hours = json_object_get(json, "audit_retention_hour");
    struct job_purge q = {.dry_run = json_is_true(json_object_get(json, "dry_run")),
                          .events = json_get_str(json, "include_event_types")};
    if (!json_is_integer(hours) || json_integer_value(hours) < 1 ||
        json_integer_value(hours) > JOB_PURGE_HOURS_MAX)
        return ERR(e, BAD_REQUEST, "\"audit_retention_hour\" must be a number from 1 to %d",
                   JOB_PURGE_HOURS_MAX);
    q.hours = json_integer_value(hours);
    if (read_events(q.events, &ignored, e) < 0)
        return -1;
    q.events = arena_str(a, q.events);
    *ret = q;
    return 0;
}

static int purge(struct db *db, const struct job_purge *q, const atomic_bool *stop, int64_t *ret_n,
                 struct err *e)
{
    int64_t before = clock_now_ms() - q->hours * HOUR_MS, n;
    uint64_t events;

    if (read_events(q->events, &events, e) < 0)
        return -1;
    for (unsigned i = 0; i < AUDIT_COUNT; i++) {
        if (!(events >> i & 1))
            continue;
        do {
            if (atomic_load(stop))
                return ERR(e, CANCELLED, "the purge was stopped");
            if (audit_purge(db, (enum audit_event)i, before, q->dry_run ? 0 : AT_ONCE, &n, e) < 0)
                return -1;
            *ret_n += n;
        } while (!q->dry_run && n == AT_ONCE);
    }
    return 0;
}

int job_purge_run(struct db *db, const struct job_purge *q, const atomic_bool *stop, int64_t id,
                  int64_t *ret_n, struct err *e)
{
    AUTO(buf) result = {0};
    struct job_log log;
    struct err late;

    buf_init(&result, 256);
    if (job_start(db, JOB_PURGE, id, e) < 0)
        return -1;
    *ret_n = 0;
    int rc = purge(db, q, stop, ret_n, e);
    buf_addf(&result, "{\"purged\":%lld}", (long long)*ret_n);
    job_log_init(&log, db, id);
    AUTO(buf) line = {0};
    buf_init(&line, 1024);
    buf_addf(&line, "%s %lld entries that are older than %lld hours%s%s",
             q->dry_run ? "would remove" : "removed", (long long)*ret_n, (long long)q->hours,
             rc < 0 ? ": " : "", rc < 0 ? e->msg : "");
    job_log_add(&log, buf_str(&line));
    job_log_autodone(&log);
    const char *state = rc == 0 ? "success" : e->code == ERR_CANCELLED ? "stopped" : "error";
    if (job_end(db, JOB_PURGE, id, state, buf_str(&result), rc < 0 ? e->msg : NULL, &late) < 0 &&
        rc == 0) {
        *e = late;
        rc = -1;
    }
    return rc;
}
