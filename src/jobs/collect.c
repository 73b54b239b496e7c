/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/collect.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/job.h"
#include "store/hold.h"

#define RESULT_MAX 512

void job_collect_write(const struct job_collect *q, struct buf *out)
{
    struct json_writer w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kbool(&w, "dry_run", q->dry_run);
    jsonw_kbool(&w, "untagged", q->untagged);
    jsonw_ki64(&w, "grace_ms", q->grace_ms);
    jsonw_ku64(&w, "rate", q->rate);
    jsonw_object_done(&w);
}

int job_collect_read(struct str text, struct job_collect *ret, struct err *e)
{
    struct job_collect q = {.grace_ms = JOB_COLLECT_GRACE};
    AUTO_JSON json = json_load(text, ERR_CORRUPT, e);
    if (!json)
        return err_wrap(e, "the arguments of a collection");
    const json_t *grace = json_object_get(json, "grace_ms"), *rate = json_object_get(json, "rate");
    q.dry_run = json_is_true(json_object_get(json, "dry_run"));
    q.untagged = json_is_true(json_object_get(json, "untagged"));
    if (json_is_integer(grace))
        q.grace_ms = json_integer_value(grace);
    if (json_is_integer(rate) && json_integer_value(rate) > 0)
        q.rate = (uint64_t)json_integer_value(rate);
    *ret = q;
    return 0;
}

void job_collect_write_result(const struct collect_result *r, struct buf *out)
{
    struct json_writer w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_ku64(&w, "artifacts", r->artifacts);
    jsonw_ku64(&w, "leases", r->memberships);
    jsonw_ku64(&w, "blobs", r->blobs);
    jsonw_ku64(&w, "objects", r->objects);
    jsonw_ku64(&w, "rewritten", r->rewritten);
    jsonw_ki64(&w, "bytes", (int64_t)r->bytes);
    jsonw_kbool(&w, "held", r->held);
    jsonw_object_done(&w);
}

struct running {
    struct job_log log;
    void (*shown)(void *self, const char *line);
    void *self;
};

static void on_note(void *arg, const char *line)
{
    struct running *r = arg;
    job_log_add(&r->log, str_from(line));
    if (r->shown)
        r->shown(r->self, line);
}

static int run(struct registry *r, int data_dir, const struct job_collect *q, const char *cause,
               const atomic_bool *stop, struct running *x, int64_t *ret_id,
               struct collect_result *ret, struct err *e)
{
    AUTO(buf) args = {0};
    AUTO(buf) result = {0};
    struct err late;
    const struct collect_options o = {.data_dir = data_dir,
                                      .dry_run = q->dry_run,
                                      .untagged = q->untagged,
                                      .grace_ms = q->grace_ms,
                                      .rate = q->rate,
                                      .settle_ms = COLLECT_SETTLE_MS,
                                      .stop = stop,
                                      .note = on_note,
                                      .self = x};
    buf_init(&args, JOB_COLLECT_ARGS_MAX);
    buf_init(&result, RESULT_MAX);
    job_collect_write(q, &args);
    if ((*ret_id ? job_start(r->db, JOB_COLLECT, *ret_id, e)
                 : job_begin(r->db, JOB_COLLECT, cause, buf_str(&args), ret_id, e)) < 0)
        return -1;
    job_log_init(&x->log, r->db, *ret_id);
    int rc = collect_run(r, &o, ret, e);
    job_log_autodone(&x->log);
    job_collect_write_result(ret, &result);
    const char *state = rc == 0 ? "success" : e->code == ERR_CANCELLED ? "stopped" : "error";
    if (job_end(r->db, JOB_COLLECT, *ret_id, state, buf_str(&result), rc < 0 ? e->msg : NULL,
                &late) < 0 &&
        rc == 0) {
        *e = late;
        rc = -1;
    }
    return rc;
}

int job_collect_run(struct registry *r, int data_dir, const struct job_collect *q,
                    const char *cause, const atomic_bool *stop,
                    void (*shown)(void *self, const char *line), void *self, int64_t *ret_id,
                    struct collect_result *ret, struct err *e)
{
    struct running x = {.shown = shown, .self = self};
    int locked = -1;
    int mine = store_hold_collection(data_dir, &locked, e);
    AUTOFD lock = locked;

    if (mine < 0)
        return -1;
    if (mine == 0)
        return ERR(e, CONFLICT, "another collection is running");
    (void)lock;
    return run(r, data_dir, q, cause, stop, &x, ret_id, ret, e);
}
