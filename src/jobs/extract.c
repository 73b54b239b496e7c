/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of extract.h and who holds them. All of it is a list of at most LIMIT_EXTRACT_FILES and
 * some: walking it costs microseconds, and what it is walked for costs a process.
 *
 * Files are removed from the disk without the lock: that can take a while, and the threads that own
 * the sockets want it.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "jobs/extracting.h"

#include <fcntl.h>
#include <stdio.h>

/* How often somebody looks whether who waits is still there; and after the files that are kept. */
enum { WATCH_EVERY_MS = 100, KEPT_EVERY_MS = 5000 };

/* ---- files ---- */

bool extract_same_layer(const struct extract_want *a, const struct extract_want *b)
{
    return a->kind == b->kind && digest_eq(&a->layer, &b->layer);
}

static bool same_file(const struct extract_want *a, const struct extract_want *b)
{
    return a->at == b->at && a->size == b->size && a->has_digest == b->has_digest &&
           (!a->has_digest || digest_eq(&a->digest, &b->digest)) && extract_same_layer(a, b);
}

struct extract *extract_find(struct extract_pool *x, const struct extract_want *want)
{
    for (struct extract *f = x->files; f; f = f->next)
        if (same_file(&f->want, want))
            return f;
    return NULL;
}

void extract_name(const struct extract *f, char out[24])
{
    (void)snprintf(out, 24, "%llu", (unsigned long long)f->number);
}

struct extract *extract_add(struct extract_pool *x, const struct extract_want *want)
{
    mutex_assert_held(&x->lock);
    struct extract *f = NEW(struct extract);
    *f = (struct extract){.x = x,
                          .next = x->files,
                          .want = *want,
                          .listed = true,
                          .counted = true,
                          .refs = 1,
                          .since_ms = clock_mono_ms(),
                          .number = x->next_number++,
                          .fd = -1};
    f->used_ms = f->since_ms;
    x->files = f;
    x->n_files++;
    x->used += want->size;
    METRIC_ADD(extract_bytes, want->size);
    return f;
}

static void uncount(struct extract *f)
{
    if (f->counted) {
        f->x->used -= f->want.size;
        METRIC_ADD(extract_bytes, -(int64_t)f->want.size);
    }
    f->counted = false;
}

void extract_unref(struct extract *f)
{
    struct extract_pool *x = f->x;
    mutex_assert_held(&x->lock);
    if (--f->refs > 0)
        return;
    BUG_ON(f->waiters || f->users || f->fd >= 0);
    uncount(f);
    mem_free(f->near);
    mem_free(f);
}

/* Takes it out of the list. */
static void unlist(struct extract *f)
{
    struct extract_pool *x = f->x;
    struct extract **at = &x->files;
    if (!f->listed)
        return;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->next = NULL;
    f->listed = false;
    x->n_files--;
    extract_unref(f);
}

void extract_wake(struct extract *f, bool all)
{
    struct waiter **at = &f->waiters;
    while (*at) {
        struct waiter *w = *at;
        if (!all && w->pos >= f->have) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        w->wake(w);
    }
}

void extract_fail(struct extract *f, const struct err *why)
{
    if (f->state == EXTRACT_WAITING)
        f->x->n_waiting--;
    f->state = EXTRACT_FAILED;
    f->err = *why;
    extract_wake(f, true);
    unlist(f); /* f may be gone now */
}

/* Out of the list and into the chain of those whose files are to be removed, which holds them from
 * now on. */
static void give_up(struct extract *f, struct extract **chain)
{
    f->refs++;
    unlist(f);
    uncount(f); /* nobody holds it: its room is free in a moment */
    f->next = *chain;
    *chain = f;
}

static bool is_idle(const struct extract *f)
{
    return f->state == EXTRACT_DONE && f->users == 0;
}

static struct extract *longest_idle(struct extract_pool *x)
{
    struct extract *found = NULL;
    for (struct extract *f = x->files; f; f = f->next)
        if (is_idle(f) && (!found || f->used_ms < found->used_ms))
            found = f;
    return found;
}

/* Makes room for size bytes more: files that nobody holds go, the longest unused first, but not
 * more than needed. false: there is none. */
static bool make_room(struct extract_pool *x, uint64_t size, struct extract **ret_gone)
{
    while (size > x->options.space - MIN_OF(x->used, x->options.space) ||
           x->n_files >= LIMIT_EXTRACT_FILES) {
        struct extract *f = longest_idle(x);
        if (!f)
            return false;
        give_up(f, ret_gone);
    }
    return true;
}

/* Removes the files of a chain, and what holds it. Without the lock. */
static void forget(struct extract_pool *x, struct extract *gone)
{
    while (gone) {
        struct extract *f = gone;
        char name[24];
        struct err err;
        gone = f->next;
        f->next = NULL;
        extract_name(f, name);
        if (file_unlink_at(x->dir, name, &err) < 0)
            LOG(WARN, "extract.kept", log_strz("file", name), log_err(&err));
        mutex_lock(&x->lock);
        extract_unref(f);
        mutex_unlock(&x->lock);
    }
}

/* ---- runs ---- */

/* Does somebody want what this run has not finished? What goes on for nobody in particular does so
 * as long as there are processes for everybody. */
static bool is_wanted(const struct extract_run *r, int64_t now)
{
    const struct extract_pool *x = r->x;
    bool in_the_way = x->n_waiting > 0 && x->n_runs >= x->options.processes;
    for (size_t i = 0; i < r->n; i++) {
        const struct extract *f = r->files[i];
        if (f->state != EXTRACT_RUNNING)
            continue;
        if (f->users > 0 || (f->idle_until_ms > now && !in_the_way))
            return true;
    }
    return false;
}

static void stop_run(struct extract_run *r)
{
    atomic_store(&r->stop, true);
    for (size_t i = 0; i < r->n; i++)
        if (r->files[i]->state == EXTRACT_RUNNING)
            unlist(r->files[i]); /* the run holds it */
}

void extract_check_runs(struct extract_pool *x)
{
    int64_t now = clock_mono_ms();
    mutex_assert_held(&x->lock);
    for (struct extract_run *r = x->runs; r; r = r->next)
        if (!atomic_load(&r->stop) && (x->ending || !is_wanted(r, now)))
            stop_run(r);
}

/* ---- the thread that watches ---- */

static void wake_who_left(struct extract *f)
{
    struct waiter **at = &f->waiters;
    while (*at) {
        struct waiter *w = *at;
        if (!w->left(w)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        w->wake(w);
    }
}

static void fail_late(struct extract *f)
{
    struct err why;
    (void)ERR(&why, UNAVAILABLE,
              "no process was free for %lld seconds to take it out of its layer; ask again later",
              (long long)f->x->options.wait_ms / 1000);
    extract_fail(f, &why);
}

static void watch_files(struct extract_pool *x, struct extract **ret_gone)
{
    int64_t now = clock_mono_ms();
    for (struct extract *f = x->files, *next; f; f = next) {
        next = f->next;
        wake_who_left(f);
        if (f->state == EXTRACT_WAITING && now - f->since_ms > x->options.wait_ms)
            fail_late(f);
        else if (is_idle(f) && now - f->used_ms > x->options.kept_ms)
            give_up(f, ret_gone);
    }
    /* Also those that nobody finds any more: their readers may have gone. */
    for (struct extract_run *r = x->runs; r; r = r->next)
        for (size_t i = 0; i < r->n; i++)
            wake_who_left(r->files[i]);
}

/* What is kept gives way when the disk fills up: it never takes more than is left. */
static void give_way(struct extract_pool *x)
{
    struct extract *gone = NULL;
    struct err err;
    uint64_t room;

    if (file_space(x->dir, &room, &err) < 0)
        return;
    mutex_lock(&x->lock);
    if (x->used > room)
        for (struct extract *f = longest_idle(x); f; f = longest_idle(x))
            give_up(f, &gone);
    mutex_unlock(&x->lock);
    forget(x, gone);
}

static void *watch(void *arg)
{
    struct extract_pool *x = arg;
    int64_t looked_ms = clock_mono_ms();

    mutex_lock(&x->lock);
    while (!x->ending) {
        struct extract *gone = NULL;
        watch_files(x, &gone);
        extract_check_runs(x);
        bool busy = x->n_waiting || x->n_runs, kept = x->files != NULL;
        mutex_unlock(&x->lock);
        forget(x, gone);
        if (kept && clock_mono_ms() - looked_ms >= KEPT_EVERY_MS) {
            looked_ms = clock_mono_ms();
            give_way(x);
        }
        mutex_lock(&x->lock);
        if (x->ending)
            break;
        if (busy || kept)
            mutex_wait_ms(&x->lock, &x->changed, busy ? WATCH_EVERY_MS : KEPT_EVERY_MS);
        else
            mutex_wait(&x->lock, &x->changed);
    }
    mutex_unlock(&x->lock);
    return NULL;
}

/* ---- life ---- */

static int remove_left(void *p, int folder, const char *name, struct err *e)
{
    struct err why;
    (void)p, (void)e;
    if (file_unlink_at(folder, name, &why) < 0)
        LOG(WARN, "extract.kept", log_strz("file", name), log_err(&why));
    return 0;
}

int extract_pool_new(struct registry *registry, int data_dir, const struct extract_options *options,
                     struct extract_pool **ret, struct err *e)
{
    AUTOFD dir = file_open_dir_at(data_dir, EXTRACT_FOLDER, true, e);
    if (dir < 0 || file_each_at(data_dir, EXTRACT_FOLDER, remove_left, NULL, e) < 0)
        return -1;
    struct extract_pool *x = NEW(struct extract_pool);
    *x = (struct extract_pool){.registry = registry, .options = *options, .dir = -1};
    if (!x->options.wait_ms)
        x->options.wait_ms = LIMIT_EXTRACT_WAIT_MS;
    if (!x->options.idle_ms)
        x->options.idle_ms = LIMIT_EXTRACT_IDLE_MS;
    if (!x->options.kept_ms)
        x->options.kept_ms = LIMIT_EXTRACT_KEPT_MS;
    mutex_init(&x->lock, "extract");
    thread_cond_init(&x->changed);
    if (thread_start(&x->watch, "extracted", watch, x, e) < 0) {
        BUG_ON(pthread_cond_destroy(&x->changed) != 0);
        mutex_done(&x->lock);
        mem_free(x);
        return -1;
    }
    x->dir = TAKE_FD(dir);
    x->pool = pool_new("extract", options->processes);
    *ret = x;
    return 0;
}

void extract_pool_free(struct extract_pool *x)
{
    struct extract *gone = NULL;
    if (!x)
        return;
    mutex_lock(&x->lock);
    x->ending = true;
    extract_check_runs(x);
    BUG_ON(pthread_cond_signal(&x->changed) != 0);
    mutex_unlock(&x->lock);
    BUG_ON(pthread_join(x->watch, NULL) != 0);
    pool_free(x->pool);
    mutex_lock(&x->lock);
    while (x->files)
        give_up(x->files, &gone);
    mutex_unlock(&x->lock);
    forget(x, gone);
    BUG_ON(x->used || x->runs);
    (void)close(x->dir);
    BUG_ON(pthread_cond_destroy(&x->changed) != 0);
    mutex_done(&x->lock);
    mem_free(x);
}

/* ---- asking ---- */

static void token(struct pool_job *job)
{
    struct extract *f = CONTAINER_OF(job, struct extract, token);
    struct extract_pool *x = f->x;
    extract_run_next(x);
    mutex_lock(&x->lock);
    extract_unref(f);
    mutex_unlock(&x->lock);
}

static struct extract *hold(struct extract *f)
{
    f->users++;
    f->refs++;
    f->used_ms = clock_mono_ms();
    return f;
}

static int check_limits(const struct extract_pool *x, uint64_t who, struct err *e)
{
    unsigned n = 0;
    for (const struct extract *f = x->files; f; f = f->next)
        n += f->who == who && f->users > 0 &&
             (f->state == EXTRACT_WAITING || f->state == EXTRACT_RUNNING);
    if (n >= LIMIT_EXTRACT_PER_ADDRESS)
        return ERR(e, TOO_MANY_REQUESTS,
                   "%u files are being taken out of compressed layers for this address: wait for "
                   "some of them first",
                   n);
    if (x->n_waiting >= LIMIT_EXTRACT_WAITING)
        return ERR(e, UNAVAILABLE,
                   "%zu files wait to be taken out of compressed layers; ask again later",
                   x->n_waiting);
    return 0;
}

/* A new one, held, or one that somebody added meanwhile. */
static int add(struct extract_pool *x, const struct extract_want *want,
               const struct extract_want *near, size_t n_near, uint64_t who, struct extract **ret,
               struct extract **ret_gone, struct err *e)
{
    MUTEX_SCOPE(&x->lock);
    struct extract *f = extract_find(x, want);
    if (f) {
        *ret = hold(f);
        return 0;
    }
    if (check_limits(x, who, e) < 0)
        return -1;
    if (!make_room(x, want->size, ret_gone))
        return ERR(e, UNAVAILABLE,
                   "files out of compressed layers that are being read take all of the %llu bytes "
                   "for them (extract.space); ask again later",
                   (unsigned long long)x->options.space);
    f = hold(extract_add(x, want));
    f->who = who;
    f->near = NEW_ARRAY(n_near + 1, struct extract_want);
    for (size_t i = 0; i < n_near; i++)
        f->near[i] = near[i];
    f->n_near = n_near;
    x->n_waiting++;
    f->refs++; /* of the token */
    f->token.fn = token;
    extract_check_runs(x); /* one that goes on for nobody makes room */
    BUG_ON(!pool_add(x->pool, &f->token));
    BUG_ON(pthread_cond_signal(&x->changed) != 0);
    *ret = f;
    return 0;
}

/* What is kept gives way before a disk is said to be full. Half of what is free may be taken. */
static int check_disk(struct extract_pool *x, uint64_t size, struct err *e)
{
    uint64_t room;
    if (file_space(x->dir, &room, e) < 0)
        return -1;
    if (size <= room / 2)
        return 0;
    struct extract *gone = NULL;
    mutex_lock(&x->lock);
    for (struct extract *f = longest_idle(x); f; f = longest_idle(x))
        give_up(f, &gone);
    mutex_unlock(&x->lock);
    forget(x, gone);
    if (file_space(x->dir, &room, e) < 0)
        return -1;
    return size <= room / 2
               ? 0
               : ERR(e, NO_SPACE, "%llu bytes are to be taken out of a layer, and %llu are free",
                     (unsigned long long)size, (unsigned long long)room);
}

static bool join(struct extract_pool *x, const struct extract_want *want, struct extract **ret)
{
    MUTEX_SCOPE(&x->lock);
    struct extract *f = extract_find(x, want);
    if (f)
        *ret = hold(f);
    return f != NULL;
}

int extract_begin(struct extract_pool *x, const struct extract_want *want,
                  const struct extract_want *near, size_t n_near, uint64_t who,
                  struct extract **ret, struct err *e)
{
    const struct extract_part part = {.at = want->at, .size = want->size};
    struct extract *gone = NULL;

    BUG_ON(n_near > LIMIT_EXTRACT_NEAR || want->size == 0);
    if (join(x, want, ret)) {
        METRIC_ADD(extract_hits, 1);
        return 0;
    }
    if (x->options.space == 0)
        return ERR(e, UNPROCESSABLE,
                   "this registry takes no files out of compressed layers (extract.space); pull "
                   "the layer %s to get it",
                   want->layer.text);
    if (want->size > x->options.space || !extract_parts_good(&part, 1))
        return ERR(e, UNPROCESSABLE,
                   "it has %llu bytes, more than are taken out of a compressed layer "
                   "(extract.space); pull the layer %s to get it",
                   (unsigned long long)want->size, want->layer.text);
    if (check_disk(x, want->size, e) < 0)
        return -1;
    int rc = add(x, want, near, n_near, who, ret, &gone, e);
    forget(x, gone);
    return rc;
}

int extract_wait(struct extract *f, uint64_t pos, struct waiter *w, uint64_t *ret_have,
                 struct err *e)
{
    MUTEX_SCOPE(&f->x->lock);
    f->used_ms = clock_mono_ms();
    if (f->state == EXTRACT_FAILED) {
        if (e)
            *e = f->err;
        return -1;
    }
    if (pos < f->have) {
        *ret_have = f->have;
        return 1;
    }
    BUG_ON(f->state == EXTRACT_DONE);
    if (w) {
        w->pos = pos;
        w->next = f->waiters;
        f->waiters = w;
    }
    return 0;
}

int extract_open(struct extract *f, int *ret_fd, struct err *e)
{
    struct err why;
    char name[24];
    extract_name(f, name);
    int fd = file_open_at(f->x->dir, name, O_RDONLY, 0, &why);
    if (fd >= 0) {
        *ret_fd = fd;
        return 0;
    }
    /* It failed meanwhile, or somebody tidied up: the next to ask begins anew. */
    mutex_lock(&f->x->lock);
    if (f->state == EXTRACT_FAILED)
        why = f->err;
    unlist(f);
    bool lost = f->state == EXTRACT_DONE;
    mutex_unlock(&f->x->lock);
    if (lost)
        (void)file_unlink_at(f->x->dir, name, NULL);
    if (e)
        *e = why;
    return -1;
}

void extract_end(struct extract *f, bool left)
{
    struct extract_pool *x = f->x;
    struct err why;
    MUTEX_SCOPE(&x->lock);

    f->used_ms = clock_mono_ms();
    if (--f->users == 0 && f->state == EXTRACT_RUNNING)
        f->idle_until_ms = left ? 0 : f->used_ms + x->options.idle_ms;
    if (f->users == 0 && f->state == EXTRACT_WAITING) {
        (void)ERR(&why, CANCELLED, "nobody waits for it any more");
        extract_fail(f, &why);
    }
    extract_check_runs(x);
    extract_unref(f);
}
