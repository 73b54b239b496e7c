/* SPDX-License-Identifier: Apache-2.0 */
#include "client/fetch.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/sys.h"

#include <errno.h>
#include <unistd.h>

/* Threads that do nothing but hash. */
#define HASHERS_MAX 4
#define HASH_STEP   (1 * MIB)

struct run {
    struct fetch *f;
    struct mutex lock;
    pthread_cond_t changed; /* something may have become possible */
    /* Under lock: */
    size_t next;  /* no job before this one is new */
    size_t first; /* every job before this one is over */
    size_t n_over;
    bool failed;
    struct err error;
};

enum work { WORK_SPAN, WORK_HASH, WORK_BEGIN, WORK_NONE };

struct task {
    enum work work;
    struct fetch_job *job;
    struct blob_span span;
};

/* What one thread is at. */
struct worker {
    struct run *run;
    struct fetch_job *mine; /* whose pieces it fetched last */
    bool hasher;
    char *piece; /* HASH_STEP, when it was needed */
    struct spread_cursor cursor;
    const struct fetch_job *cursor_job;
};

int fetch_spread_file(const struct place *p, struct fetch_job *job, struct err *e)
{
    const struct place_part part = place_part(&job->digest, "");
    uint64_t there;
    int fd = place_part_open(p, &part, &there, e);
    if (fd < 0)
        return -1;
    /* Longer than it may be: not what it should be. */
    if (there > job->size && sys->ftruncate(fd, 0) < 0) {
        (void)ERR_SYS(e, "cannot empty a partial file");
        mem_autoclose(&fd);
        return -1;
    }
    job->spread = (struct spread){.place = p, .digest = &job->digest, .fd = fd, .head = -1};
    return 0;
}

static void close_job(struct fetch_job *job)
{
    blob_autodone(&job->blob);
    mem_autoclose(&job->spread.fd);
    mem_autoclose(&job->spread.head);
}

static void wake(struct run *r)
{
    MUTEX_SCOPE(&r->lock);
    BUG_ON(pthread_cond_broadcast(&r->changed) != 0);
}

static void fail(struct run *r, const struct fetch_job *job, struct err *err)
{
    MUTEX_SCOPE(&r->lock);
    if (!r->failed) {
        if (job && job->shown)
            (void)err_wrap(err, "%s", job->shown);
        r->error = *err;
    }
    r->failed = true;
    atomic_store(r->f->transfer->cancel, true);
    BUG_ON(pthread_cond_broadcast(&r->changed) != 0);
}

/* ---- choosing ---- */

/* How much to ask for at once: all of what is not large, else a share of what is left. */
static uint64_t span_size(const struct run *r, struct fetch_job *job)
{
    if (job->size <= FETCH_SPAN_MAX)
        return UINT64_MAX;
    uint64_t share = blob_free(&job->blob) / (2 * (uint64_t)r->f->threads);
    return share < FETCH_SPAN_MIN ? FETCH_SPAN_MIN : MIN_OF(share, FETCH_SPAN_MAX);
}

static bool try_span(struct run *r, struct fetch_job *job, struct task *ret)
{
    if (!job || job->state != FETCH_RUNNING ||
        !blob_claim(&job->blob, span_size(r, job), &ret->span))
        return false;
    ret->work = WORK_SPAN;
    ret->job = job;
    return true;
}

static bool try_help(struct run *r, struct task *ret)
{
    struct fetch_job *most = NULL;
    uint64_t best = 0;
    for (size_t i = r->first; i < r->next; i++) {
        struct fetch_job *job = &r->f->jobs[i];
        uint64_t left = job->state == FETCH_RUNNING ? blob_free(&job->blob) : 0;
        if (left > best) {
            best = left;
            most = job;
        }
    }
    return try_span(r, most, ret);
}

static bool try_hash(struct run *r, struct task *ret)
{
    for (size_t i = r->first; i < r->next; i++) {
        struct fetch_job *job = &r->f->jobs[i];
        if (job->state != FETCH_RUNNING || !blob_waits(&job->blob))
            continue;
        ret->work = WORK_HASH;
        ret->job = job;
        return true;
    }
    return false;
}

static bool try_begin(struct run *r, struct task *ret)
{
    if (r->next == r->f->n)
        return false;
    ret->work = WORK_BEGIN;
    ret->job = &r->f->jobs[r->next++];
    return true;
}

/* What to do next, waiting for it; WORK_NONE: it is all over. */
static void choose(struct worker *w, struct task *ret)
{
    struct run *r = w->run;
    MUTEX_SCOPE(&r->lock);
    for (;;) {
        ret->work = WORK_NONE;
        while (r->first < r->next && r->f->jobs[r->first].state == FETCH_OVER)
            r->first++;
        if (r->failed || r->n_over == r->f->n)
            return;
        if (atomic_load(r->f->transfer->cancel)) {
            r->failed = true;
            (void)ERR(&r->error, CANCELLED, "cancelled");
            BUG_ON(pthread_cond_broadcast(&r->changed) != 0);
            return;
        }
        bool found = w->hasher ? try_hash(r, ret)
                               : try_span(r, w->mine, ret) || try_begin(r, ret) ||
                                     try_help(r, ret) || try_hash(r, ret);
        if (found) {
            ret->job->users++;
            return;
        }
        transfer_leave();
        mutex_wait(&r->lock, &r->changed);
        transfer_join(r->f->transfer);
    }
}

/* ---- doing ---- */

struct receiving {
    struct run *run;
    struct fetch_job *job;
    struct blob_span *span;
    struct download_range *range;
};

static int on_take(void *self, const void *p, size_t n, struct err *e)
{
    const struct receiving *g = self;
    uint64_t fresh;
    bool early;
    if (blob_take(&g->job->blob, g->span, p, n, &fresh, &early, e) < 0)
        return -1;
    transfer_moved(g->run->f->transfer, fresh, n);
    if (early)
        wake(g->run);
    return 0;
}

static void take_back(const struct run *r, uint64_t lost)
{
    if (lost)
        transfer_lost(r->f->transfer, lost);
}

static bool on_whole(void *self)
{
    const struct receiving *g = self;
    if (!blob_span_whole(&g->job->blob, g->span))
        return false;
    g->range->at = 0;
    g->range->end = g->job->size;
    g->range->whole = true;
    return true;
}

static void on_rewind(void *self)
{
    const struct receiving *g = self;
    take_back(g->run, blob_span_rewind(&g->job->blob, g->span));
}

static int do_span(struct worker *w, struct task *t, struct err *e)
{
    struct receiving g = {.run = w->run, .job = t->job, .span = &t->span};
    struct download_range range = {.digest = &t->job->digest,
                                   .size = t->job->size,
                                   .at = t->span.at,
                                   .end = t->span.end,
                                   .whole = t->span.whole,
                                   .take = on_take,
                                   .take_whole = on_whole,
                                   .rewind = on_rewind,
                                   .self = &g};
    g.range = &range;
    w->mine = t->job;
    int rc = download_range(w->run->f->download, &range, e);
    take_back(w->run, blob_release(&t->job->blob, &t->span));
    return rc < 0 ? -1 : 0;
}

static int do_hash(struct worker *w, struct fetch_job *job, struct err *e)
{
    uint64_t lost;
    int rc;
    if (!w->piece)
        w->piece = mem_alloc(HASH_STEP);
    if (w->cursor_job != job)
        spread_cursor_autodone(&w->cursor);
    w->cursor_job = job;
    /* A thread that could download looks up after each step. */
    do {
        rc = blob_hash(&job->blob, &w->cursor, w->piece, HASH_STEP, &lost, e);
        take_back(w->run, lost);
    } while (rc > 0 && w->hasher && !atomic_load(w->run->f->transfer->cancel));
    return rc < 0 ? -1 : 0;
}

static int do_begin(struct run *r, struct fetch_job *job, struct err *e)
{
    job->spread = (struct spread){.fd = -1, .head = -1};
    job->slot = transfer_file_begin(r->f->transfer, job->shown, job->size);
    int rc = r->f->begin(r->f->self, job, e);
    if (rc != 0) {
        mem_autoclose(&job->spread.fd);
        mem_autoclose(&job->spread.head);
    }
    if (rc < 0)
        return -1;
    if (rc == 0) {
        const struct place_part part = place_part(&job->digest, ".map");
        uint64_t ignored;
        int map = -1;
        /* A short blob is fetched anew. */
        if (job->size > PIECEMAP_PIECE &&
            (map = place_part_open(r->f->place, &part, &ignored, e)) < 0) {
            mem_autoclose(&job->spread.fd);
            mem_autoclose(&job->spread.head);
            return -1;
        }
        blob_init(&job->blob, &job->spread, &job->digest, job->size, map);
        transfer_bytes(r->f->transfer, blob_there(&job->blob), false);
    }
    if (rc != 0)
        transfer_file_drop(r->f->transfer); /* unless it was told already */
    MUTEX_SCOPE(&r->lock);
    job->state = rc == 0 ? FETCH_RUNNING : FETCH_OVER;
    r->n_over += rc != 0;
    return 0;
}

static int conclude(struct run *r, struct fetch_job *job, struct err *e)
{
    uint64_t lost = 0;
    int rc = blob_conclude(&job->blob, &lost, e);
    take_back(r, lost);
    if (rc > 0) {
        rc = r->f->done(r->f->self, job, e) < 0 ? -1 : 1;
        if (rc > 0 && job->blob.map_fd >= 0) {
            const struct place_part part = place_part(&job->digest, ".map");
            (void)place_part_remove(r->f->place, &part, NULL);
        }
    } else if (rc < 0) {
        place_part_remove_all(r->f->place, &job->digest);
    }
    if (rc != 0) {
        close_job(job);
        transfer_file_drop(r->f->transfer);
    }
    MUTEX_SCOPE(&r->lock);
    job->state = rc == 0 ? FETCH_RUNNING : FETCH_OVER;
    r->n_over += rc != 0;
    return rc < 0 ? -1 : 0;
}

/* Lets go of a job; the last one of a whole blob concludes it. */
static int leave(struct run *r, struct fetch_job *job, struct err *e)
{
    mutex_lock(&r->lock);
    bool last = --job->users == 0 && job->state == FETCH_RUNNING && blob_is_whole(&job->blob);
    if (last)
        job->state = FETCH_CONCLUDING;
    mutex_unlock(&r->lock);
    int rc = last ? conclude(r, job, e) : 0;
    wake(r);
    return rc;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct task t;
    struct err err;
    for (;;) {
        choose(w, &t);
        if (t.work == WORK_SPAN || t.work == WORK_HASH)
            transfer_slot_use(t.job->slot);
        if (t.work == WORK_NONE)
            break;
        int rc = t.work == WORK_SPAN   ? do_span(w, &t, &err)
                 : t.work == WORK_HASH ? do_hash(w, t.job, &err)
                                       : do_begin(w->run, t.job, &err);
        /* What was begun is fetched before more is: open files are few. */
        if (t.work == WORK_BEGIN)
            w->mine = t.job;
        if (rc < 0)
            fail(w->run, t.job, &err);
        if (leave(w->run, t.job, &err) < 0)
            fail(w->run, t.job, &err);
        transfer_slot_use(-1);
        (void)transfer_phase(TRANSFER_OTHER);
    }
    spread_cursor_autodone(&w->cursor);
    mem_free(w->piece);
    return NULL;
}

static void *work_joined(void *arg)
{
    const struct worker *w = arg;
    transfer_join(w->run->f->transfer);
    (void)work(arg);
    transfer_leave();
    return NULL;
}

/* ---- all of it ---- */

/* After an error: parts without a whole piece are of no use to anybody. */
static void close_rest(struct run *r)
{
    for (size_t i = 0; i < r->next; i++) {
        struct fetch_job *job = &r->f->jobs[i];
        if (job->state != FETCH_RUNNING)
            continue;
        bool useless = blob_there(&job->blob) == 0;
        close_job(job);
        if (useless)
            place_part_remove_all(r->f->place, &job->digest);
    }
}

static unsigned hashers(const struct fetch *f)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = MIN_OF(f->threads, HASHERS_MAX);
    return cores > 0 && (unsigned long)cores < n ? (unsigned)cores : n;
}

int fetch_run(struct fetch *f, struct err *e)
{
    struct worker workers[TRANSFER_THREADS_MAX + HASHERS_MAX] = {{.run = NULL}};
    pthread_t ids[ARRAY_LEN(workers)];
    struct run r = {.f = f};
    size_t started = 0;

    mutex_init(&r.lock, "fetch");
    BUG_ON(pthread_cond_init(&r.changed, NULL) != 0);
    size_t n = MAX_OF(1u, MIN_OF(f->threads, (unsigned)TRANSFER_THREADS_MAX)) + hashers(f);
    for (size_t i = 0; i < n; i++)
        workers[i] =
            (struct worker){.run = &r, .hasher = i >= n - hashers(f), .cursor = SPREAD_CURSOR};
    /* Fewer threads than asked for do the work as well; the first one is this. */
    while (started + 1 < n &&
           thread_start(&ids[started], workers[started + 1].hasher ? "hash" : "fetch", work_joined,
                        &workers[started + 1], NULL) == 0)
        started++;
    (void)work(&workers[0]);
    transfer_leave(); /* waiting for the others is no work */
    while (started)
        BUG_ON(pthread_join(ids[--started], NULL) != 0);
    transfer_join(f->transfer);
    close_rest(&r);
    BUG_ON(pthread_cond_destroy(&r.changed) != 0);
    mutex_done(&r.lock);
    if (!r.failed)
        return 0;
    *e = r.error;
    return -1;
}
