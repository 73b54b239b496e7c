/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request through the phases, driven by libmicrohttpd's calls on the I/O thread.
 *
 *   HEAD   parse, route; then the connection is suspended and a worker runs authenticate, resolve,
 *   OPEN   authorise and open, or, when no body follows, the handler as well
 *   READY  MHD makes the first call once more after the resume: an answer to a request whose body
 * was not asked for is queued here (with Expect, no 100 has been sent), else the body begins BODY
 * collected, or fed to the sink by workers RUN    the last call: a worker runs the handler ANSWER
 * the answer is queued
 *
 * MHD accepts answers only in its first and its last call. A failure in the middle of a body is
 * therefore answered either after the rest was read (if little is left) or past MHD
 * (http_reply_raw).
 */
#include "http/internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

static void set_stage(struct http_conn *c, enum http_stage stage)
{
    atomic_store_explicit(&c->stage, (int)stage, memory_order_release);
}

static enum http_stage stage_of(const struct http_conn *c)
{
    return (enum http_stage)atomic_load_explicit(&c->stage, memory_order_acquire);
}

void *http_on_uri(void *server, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *s = server;
    struct http_conn *c = NEW(struct http_conn);
    c->server = s;
    c->mhd = mhd;
    c->link = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    c->uri = mem_strdup(uri);
    c->rq.app = s->app->data;
    c->rq.conn = c;
    c->rq.reply = &c->reply;
    c->rq.started_us = clock_mono_us();
    arena_init(&c->rq.arena, LIMIT_REQUEST_ARENA);
    buf_init(&c->collected, 0);
    return c;
}

static void conn_release(struct http_conn *c)
{
    struct http_server *s = c->server;
    if (c->counted) {
        http_stats_count(s, &c->rq);
        METRIC_ADD(http_requests_active, -1);
        METRIC_ADD(bytes_received, c->rq.body_received);
        if (s->app->done)
            s->app->done(&c->rq);
    }
    if (c->response) /* made, and its client left before it could be queued */
        MHD_destroy_response(c->response);
    arena_done(&c->rq.arena);
    buf_done(&c->collected);
    http_feed_done(&c->feed);
    mem_free(c->uri);
    bool counted = c->counted;
    mem_free(c);
    if (counted)
        (void)atomic_fetch_sub(&s->active, 1);
}

void http_on_completed(void *server, struct MHD_Connection *mhd, void **ctx,
                       enum MHD_RequestTerminationCode how)
{
    (void)server;
    (void)mhd;
    struct http_conn *c = *ctx;
    *ctx = NULL;
    if (!c)
        return;
    http_link_phase(c->link, HTTP_IDLE);
    if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        c->rq.truncated = true;
    if (stage_of(c) == STAGE_BODY && c->feed.ready) {
        http_feed_abort(c); /* a worker may have it */
        return;
    }
    c->link = NULL;
    c->mhd = NULL;
    conn_release(c);
}

/* The client is known to have left (a reset; a mere half-close does not count). */
static bool client_gone(const struct http_conn *c)
{
    const struct http_link *l = c->link;
    return l && atomic_load_explicit(&l->gone, memory_order_relaxed);
}

static void flow_fail(struct http_conn *c, const struct err *e)
{
    c->failed = true;
    c->err = *e;
    http_reply_error(c);
}

/* ---- on workers ---- */

static void resume(struct http_conn *c, enum http_stage next)
{
    http_reply_build(c);
    struct MHD_Connection *mhd = c->mhd;
    set_stage(c, next);
    MHD_resume_connection(mhd); /* from here on the I/O thread owns the request */
}

static uint64_t body_max(const struct http_route *route)
{
    return route->body == HTTP_BODY_NONE ? HTTP_DISCARD_MAX : route->body_max;
}

static int run(struct http_conn *c, http_handler_fn *handler, struct err *e)
{
    if (handler(&c->rq, e) < 0)
        return -1;
    if (!c->reply.set && !c->again)
        return ERR(e, INTERNAL, "%s gave no answer", c->rq.route->name);
    return 0;
}

static int run_handler(struct http_conn *c, struct err *e)
{
    return run(c, c->rq.route->handler, e);
}

static int run_open(struct http_conn *c, struct err *e)
{
    const struct http_app *app = c->server->app;
    struct http_req *rq = &c->rq;
    const struct http_route *route = rq->route;
    if (client_gone(c))
        return ERR(e, CANCELLED, "the client left");
    if (app->authenticate && app->authenticate(rq, e) < 0)
        return -1;
    if (route->resolve && route->resolve(rq, e) < 0)
        return -1;
    if (app->authorise && app->authorise(rq, e) < 0)
        return -1;
    if (rq->content_length > 0 && (uint64_t)rq->content_length > body_max(route))
        return ERR(e, BODY_TOO_LARGE,
                   "the body of %lld bytes is larger than the %llu accepted here",
                   (long long)rq->content_length, (unsigned long long)body_max(route));
    if (route->body == HTTP_BODY_STREAM && route->open(rq, e) < 0)
        return -1;
    if (!rq->has_body)
        return run_handler(c, e);
    return 0;
}

void http_enter(struct http_conn *c)
{
    log_context(str_from(c->rq.id));
    if (c->server->app->enter)
        c->server->app->enter(&c->rq);
}

void http_leave(const struct http_app *app)
{
    log_context(STR_NULL);
    if (app->enter)
        app->enter(NULL);
}

/* As flow_fail, where one may wait. */
static void fail_on_worker(struct http_conn *c, const struct err *e)
{
    flow_fail(c, e);
    if (c->server->app->failed)
        c->server->app->failed(&c->rq, &c->err);
}

int http_park(struct http_req *rq, http_handler_fn *again, void *parked)
{
    struct http_conn *c = rq->conn;
    BUG_ON(c->again || c->reply.set);
    rq->parked = parked;
    c->again = again;
    atomic_store(&c->holds, 2);
    return 0;
}

/* Whoever lets go last has it done. */
static void let_go(struct http_conn *c)
{
    if (atomic_fetch_sub(&c->holds, 1) == 1)
        BUG_ON(!pool_add(c->server->workers, &c->job));
}

void http_unpark(struct http_req *rq)
{
    let_go(rq->conn);
}

bool http_client_left(const struct http_req *rq)
{
    const struct http_link *l = rq->conn->link;
    return !l || atomic_load_explicit(&l->ended, memory_order_relaxed);
}

static void again_job(struct pool_job *job);

/* A worker has done what it can. */
static void leave(struct http_conn *c)
{
    http_leave(c->server->app);
    if (!c->again) {
        resume(c, c->next);
        return;
    }
    c->job.fn = again_job;
    let_go(c);
}

static void again_job(struct pool_job *job)
{
    struct http_conn *c = CONTAINER_OF(job, struct http_conn, job);
    http_handler_fn *handler = c->again;
    struct err e;
    c->again = NULL;
    http_enter(c);
    if (run(c, handler, &e) < 0)
        fail_on_worker(c, &e);
    leave(c);
}

static void open_job(struct pool_job *job)
{
    struct http_conn *c = CONTAINER_OF(job, struct http_conn, job);
    struct err e;
    c->next = STAGE_READY;
    http_enter(c);
    if (run_open(c, &e) < 0)
        fail_on_worker(c, &e);
    leave(c);
}

static void flow_run(struct http_conn *c)
{
    struct err e;
    c->next = STAGE_ANSWER;
    http_enter(c);
    if (!c->failed && run_handler(c, &e) < 0)
        fail_on_worker(c, &e);
    leave(c);
}

static void body_finished(struct http_conn *c)
{
    if (c->feed.failed)
        fail_on_worker(c, &c->feed.err);
    flow_run(c);
}

static void client_left(struct http_conn *c)
{
    http_leave(c->server->app);
    conn_release(c);
}

static void run_job(struct pool_job *job)
{
    flow_run(CONTAINER_OF(job, struct http_conn, job));
}

/* ---- on the I/O thread ---- */

static void suspend_for(struct http_conn *c, enum http_stage stage, void (*fn)(struct pool_job *))
{
    http_link_phase(c->link, HTTP_BUSY);
    set_stage(c, stage);
    MHD_suspend_connection(c->mhd);
    c->job.fn = fn;
    BUG_ON(!pool_add(c->server->workers, &c->job));
}

static enum MHD_Result queue(struct http_conn *c)
{
    set_stage(c, STAGE_SENT);
    http_link_phase(c->link, HTTP_SEND);
    struct MHD_Response *r = c->response;
    c->response = NULL;
    enum MHD_Result ok = MHD_queue_response(c->mhd, (unsigned)c->reply.status, r);
    MHD_destroy_response(r);
    return ok;
}

/* RFC 9110 15.5.6: whoever is told 405 is told what would do. */
static void set_allow(struct http_conn *c, unsigned methods, struct buf *allow)
{
    http_allow(methods, allow);
    if (methods)
        http_set_header(&c->rq, "Allow", arena_str(&c->rq.arena, buf_str(allow)));
}

/* A request that was refused before its address was looked at. */
static void answer_refused(struct http_conn *c, const struct http_match *m, const struct err *e)
{
    AUTO(buf) allow = {0};

    buf_init(&allow, 256);
    if (e->code == ERR_UNSUPPORTED)
        set_allow(c, m->methods, &allow);
    flow_fail(c, e);
}

/* OPTIONS and unknown addresses need nobody's permission to be answered. */
static void answer_unrouted(struct http_conn *c, const struct http_match *m, bool options)
{
    AUTO(buf) allow = {0};
    struct err e;

    buf_init(&allow, 256);
    set_allow(c, m->methods, &allow);
    if (options && m->methods) {
        (void)http_reply_empty(&c->rq, 204);
    } else if (m->methods) {
        (void)ERR(&e, UNSUPPORTED, "this address answers %s only", allow.p);
        flow_fail(c, &e);
    } else {
        (void)ERR(&e, NOT_FOUND, "there is nothing at %.*s", S(str_head(c->rq.path, 200)));
        flow_fail(c, &e);
    }
}

/* true: answered already; false: a worker has it (and may be done before we look again). */
static bool on_head(struct http_conn *c, const char *method, const char *version)
{
    struct http_req *rq = &c->rq;
    struct err e;
    c->counted = true;
    (void)atomic_fetch_add(&c->server->active, 1);
    METRIC_ADD(http_requests_active, 1);
    uint64_t nth = atomic_fetch_add_explicit(&c->link->requests, 1, memory_order_relaxed) + 1;
    if (nth >= c->server->conf.keepalive_requests || atomic_load(&c->server->stopping))
        http_close_after(rq);

    struct http_match m = {0};
    bool ok = http_head_parse(c, method, version, &e) == 0;
    /* Also what was refused before its path was understood is told in the form of its protocol. */
    struct str target = str_from(c->uri);
    http_route_find(c->server->app, rq->method, rq->path.p ? rq->path : str_cut(&target, '?'), &m);
    c->group = m.group;
    bool options = strcmp(method, "OPTIONS") == 0;
    if (!ok) {
        answer_refused(c, &m, &e);
    } else if (options || !m.route) {
        answer_unrouted(c, &m, options);
    } else {
        rq->route = m.route;
        rq->n_params = m.n_params;
        memcpy(rq->params, m.params, sizeof(rq->params));
        suspend_for(c, STAGE_OPEN, open_job);
        return false;
    }
    http_reply_build(c);
    return true;
}

/* Answers now, past MHD, and goes on reading for a while so that the answer is not lost in a reset.
 */
static void answer_early(struct http_conn *c)
{
    http_reply_raw(c);
    set_stage(c, STAGE_LINGER);
    http_link_phase(c->link, HTTP_LINGER);
}

/* The answer to a request whose body nobody wants. */
static enum MHD_Result refuse_body(struct http_conn *c)
{
    if (c->expects) /* the client waits for our word: no body comes */
        return queue(c);
    if (c->reply.close || c->rq.content_length < 0 || c->rq.content_length > HTTP_DISCARD_MAX) {
        answer_early(c);
        return MHD_YES;
    }
    set_stage(c, STAGE_BODY); /* read and drop the few bytes, keep the connection */
    http_link_phase(c->link, HTTP_BODY);
    return MHD_YES;
}

static enum MHD_Result on_ready(struct http_conn *c)
{
    if (c->reply.set) {
        if (c->rq.has_body)
            return refuse_body(c);
        set_stage(c, STAGE_ANSWER); /* queued in the last call, which follows at once: keeps the
                                       connection */
        return MHD_YES;
    }
    if (c->rq.route->body == HTTP_BODY_STREAM)
        http_feed_start(c, body_finished, client_left);
    else
        c->collected.max = (size_t)body_max(c->rq.route);
    set_stage(c, STAGE_BODY);
    http_link_phase(c->link, HTTP_BODY);
    return MHD_YES;
}

/* Failed in the middle of a body: how is it answered? */
static void fail_in_body(struct http_conn *c, const struct err *e)
{
    flow_fail(c, e);
    http_reply_build(c);
    uint64_t left = c->rq.content_length >= 0 ? (uint64_t)c->rq.content_length - c->rq.body_received
                                              : UINT64_MAX;
    if (left <= HTTP_DISCARD_MAX)
        return; /* the last call comes soon */
    answer_early(c);
}

static void on_body(struct http_conn *c, const char *p, size_t n)
{
    c->rq.body_received += n;
    (void)atomic_fetch_add_explicit(&c->link->body_bytes, n, memory_order_relaxed);
    if (c->reply.set)
        return; /* answered already; the rest is dropped */
    struct err e;
    if (c->rq.route->body == HTTP_BODY_STREAM) {
        uint64_t max = body_max(c->rq.route);
        if (http_feed_failed(c, &e)) {
            fail_in_body(c, &e);
        } else if (c->rq.body_received > max) {
            (void)ERR(&e, BODY_TOO_LARGE, "the body is larger than the %llu bytes accepted here",
                      (unsigned long long)max);
            http_feed_fail(c, &e);
        } else {
            http_feed_take(c, p, n);
        }
        return;
    }
    if (c->rq.route->body == HTTP_BODY_BUFFER)
        buf_add(&c->collected, p, n);
    if (!buf_ok(&c->collected) || c->rq.body_received > body_max(c->rq.route)) {
        (void)ERR(&e, BODY_TOO_LARGE, "the body is larger than the %llu bytes accepted here",
                  (unsigned long long)body_max(c->rq.route));
        fail_in_body(c, &e);
    }
}

/* true: the answer is there; false: a worker makes it. */
static bool on_body_end(struct http_conn *c)
{
    if (c->reply.set) {
        http_reply_build(c);
        return true;
    }
    if (c->rq.route->body == HTTP_BODY_STREAM) {
        http_link_phase(c->link, HTTP_BUSY);
        set_stage(c, STAGE_RUN);
        MHD_suspend_connection(c->mhd);
        http_feed_finish(c);
        return false;
    }
    c->rq.body = buf_str(&c->collected);
    suspend_for(c, STAGE_RUN, run_job);
    return false;
}

/* What comes behind an answer that was sent early. */
static enum MHD_Result on_linger(struct http_conn *c, size_t n)
{
    c->discarded += n;
    return n == 0 || c->discarded > HTTP_LINGER_BYTES ? MHD_NO : MHD_YES;
}

enum MHD_Result http_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **ctx)
{
    (void)server;
    (void)mhd;
    (void)url;
    struct http_conn *c = *ctx;
    size_t n = *upload_n;
    *upload_n = 0; /* everything is always taken: MHD cannot wait with unread data */

    switch (stage_of(c)) {
    case STAGE_HEAD:
        return on_head(c, method, version) ? on_ready(c) : MHD_YES;
    case STAGE_READY:
        return on_ready(c);
    case STAGE_BODY:
        if (n) {
            on_body(c, upload, n);
            return MHD_YES;
        }
        if (c->rq.content_length >= 0 && c->rq.body_received != (uint64_t)c->rq.content_length)
            return MHD_NO; /* never take a part for the whole */
        return on_body_end(c) ? queue(c) : MHD_YES;
    case STAGE_ANSWER:
        return queue(c);
    case STAGE_LINGER:
        return on_linger(c, n);
    case STAGE_OPEN:
    case STAGE_RUN:
    case STAGE_SENT:
        return MHD_YES;
    }
    return MHD_NO;
}
