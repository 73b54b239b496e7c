/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed request body: two buffers between the socket and the sink.
 *
 * The I/O thread fills one while a worker hashes and writes the other; it suspends the connection
 * only when both are taken. Buffers start small and grow, so that a thousand small uploads cost
 * little and one large upload is moved in large pieces. All under feed.lock; the sink runs outside
 * it.
 */
#include "http/internal.h"

#include "base/log.h"
#include "base/mem.h"

/* A call of MHD may bring this much beyond the target: what is offered is always taken. */
#define FEED_SLACK (64u * 1024)

void http_feed_start(struct http_conn *c, void (*finished)(struct http_conn *c),
                     void (*left)(struct http_conn *c))
{
    struct http_feed *f = &c->feed;
    mutex_init(&f->lock, "feed");
    f->ready = true;
    f->target = HTTP_FEED_FIRST;
    f->finished = finished;
    f->left = left;
}

void http_feed_done(struct http_feed *f)
{
    mem_free(f->buf[0]);
    mem_free(f->buf[1]);
    if (f->ready)
        mutex_done(&f->lock);
}

static void append(struct http_feed *f, const char *p, size_t n)
{
    size_t need = f->fill[f->cur] + n;
    if (need > f->cap[f->cur]) {
        size_t cap = MAX_OF(need, f->target + FEED_SLACK);
        f->buf[f->cur] = mem_realloc(f->buf[f->cur], cap);
        f->cap[f->cur] = cap;
    }
    memcpy(f->buf[f->cur] + f->fill[f->cur], p, n);
    f->fill[f->cur] = need;
}

/* Writes one buffer; the first error is kept and everything after it is dropped. The worker that is
 * busy owns `failed` and `err` until it takes the lock. */
static void write_out(struct http_conn *c, int which)
{
    struct http_feed *f = &c->feed;
    if (f->fill[which] && !f->failed &&
        c->rq.sink.write(c->rq.sink.self, f->buf[which], f->fill[which], &f->err) < 0)
        f->failed = true;
    f->fill[which] = 0;
}

bool http_feed_failed(struct http_conn *c, struct err *ret)
{
    struct http_feed *f = &c->feed;
    mutex_lock(&f->lock);
    bool failed = !f->busy && f->failed;
    if (failed)
        *ret = f->err;
    mutex_unlock(&f->lock);
    return failed;
}

void http_feed_fail(struct http_conn *c, const struct err *e)
{
    struct http_feed *f = &c->feed;
    mutex_lock(&f->lock);
    if (!f->busy && !f->failed) {
        f->failed = true;
        f->err = *e;
    }
    mutex_unlock(&f->lock);
}

static void finish(struct http_conn *c)
{
    write_out(c, c->feed.cur);
    c->feed.finished(c);
}

static void release(struct http_conn *c)
{
    /* What did arrive is kept: the client may come back for the rest. */
    write_out(c, c->feed.cur);
    c->feed.left(c);
}

static void write_job(struct pool_job *job)
{
    struct http_feed *f = CONTAINER_OF(job, struct http_feed, job);
    struct http_conn *c = CONTAINER_OF(f, struct http_conn, feed);
    const struct http_app *app = c->server->app; /* c may be gone at the end */
    http_enter(c);
    for (;;) {
        write_out(c, 1 - f->cur);
        mutex_lock(&f->lock);
        bool stop_waiting = f->waiting;
        bool again = stop_waiting && f->fill[f->cur] >= f->target;
        f->waiting = false;
        if (again) {
            f->cur = 1 - f->cur;
            f->target = MIN_OF(f->target * 2, HTTP_FEED_MAX);
        } else {
            f->busy = false;
        }
        bool last = f->finish, abort = f->abort;
        /* While the connection is suspended neither finish nor abort can come; after the resume,
         * and once busy is false and the lock is left, the request may be gone. */
        if (stop_waiting) {
            http_link_phase(c->link, HTTP_BODY);
            MHD_resume_connection(c->mhd);
        }
        mutex_unlock(&f->lock);
        if (again)
            continue;
        if (last)
            finish(c);
        else if (abort)
            release(c);
        http_leave(app);
        return;
    }
}

static void finish_job(struct pool_job *job)
{
    struct http_feed *f = CONTAINER_OF(job, struct http_feed, job);
    finish(CONTAINER_OF(f, struct http_conn, feed));
}

static void release_job(struct pool_job *job)
{
    struct http_feed *f = CONTAINER_OF(job, struct http_feed, job);
    release(CONTAINER_OF(f, struct http_conn, feed));
}

static void add(struct http_conn *c, void (*fn)(struct pool_job *))
{
    c->feed.job.fn = fn;
    BUG_ON(!pool_add(c->server->byte_workers, &c->feed.job));
}

void http_feed_take(struct http_conn *c, const char *p, size_t n)
{
    struct http_feed *f = &c->feed;
    mutex_lock(&f->lock);
    append(f, p, n);
    bool start = false;
    if (f->fill[f->cur] >= f->target) {
        if (!f->busy) {
            f->busy = start = true;
            f->cur = 1 - f->cur;
            f->target = MIN_OF(f->target * 2, HTTP_FEED_MAX);
        } else if (!f->waiting) {
            f->waiting = true;
            http_link_phase(c->link, HTTP_BUSY);
            MHD_suspend_connection(c->mhd);
        }
    }
    mutex_unlock(&f->lock);
    if (start)
        add(c, write_job);
}

void http_feed_finish(struct http_conn *c)
{
    struct http_feed *f = &c->feed;
    mutex_lock(&f->lock);
    bool busy = f->busy;
    f->finish = true;
    mutex_unlock(&f->lock);
    if (!busy)
        add(c, finish_job);
}

void http_feed_abort(struct http_conn *c)
{
    struct http_feed *f = &c->feed;
    mutex_lock(&f->lock);
    bool busy = f->busy;
    f->abort = true;
    c->link = NULL; /* the connection goes before the request does */
    c->mhd = NULL;
    mutex_unlock(&f->lock);
    if (!busy)
        add(c, release_job);
}
