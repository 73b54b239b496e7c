/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Waking a thread costs more than most jobs. Idle workers form a stack, so that the one that ran
 * last (and whose memory is warm) is called first, and one at a time: a worker that takes a job
 * calls the next one if more jobs wait. A burst of short jobs is thus done by few workers, and a
 * worker that blocks holds nobody up.
 */
struct pool_worker {
    struct pool *pool;
    struct pool_worker *next_idle;
    pthread_cond_t wake;
    bool called; /* taken off the idle stack to look for a job */
    pthread_t thread;
};

struct pool {
    struct mutex lock;
    struct pool_job *head; /* first in, first out */
    struct pool_job **tail;
    size_t waiting;
    struct pool_worker *idle;
    unsigned called; /* workers called that do not run yet */
    bool stopping;
    unsigned n;
    struct pool_worker workers[];
};

/* Takes a worker to be woken off the idle stack, if one is needed; the caller signals it after it
 * has left the lock, so that it does not wake up only to wait for the lock. */
static struct pool_worker *call_one(struct pool *p)
{
    struct pool_worker *w = p->idle;
    mutex_assert_held(&p->lock);
    if (!w || !p->head || p->called)
        return NULL;
    p->idle = w->next_idle;
    p->called++;
    w->called = true;
    return w;
}

static void signal_worker(struct pool_worker *w)
{
    if (w)
        BUG_ON(pthread_cond_signal(&w->wake) != 0);
}

static void wait_for_call(struct pool_worker *w)
{
    struct pool *p = w->pool;
    w->next_idle = p->idle;
    p->idle = w;
    w->called = false;
    while (!w->called)
        mutex_wait(&p->lock, &w->wake);
    p->called--;
}

static struct pool_job *take(struct pool_worker *w, struct pool_worker **ret_next)
{
    struct pool *p = w->pool;
    MUTEX_SCOPE(&p->lock);
    while (!p->head && !p->stopping)
        wait_for_call(w);
    struct pool_job *job = p->head;
    if (!job)
        return NULL;
    p->head = job->next;
    if (!p->head)
        p->tail = &p->head;
    p->waiting--;
    job->next = NULL;
    *ret_next = call_one(p);
    return job;
}

static void *worker(void *arg)
{
    struct pool_worker *w = arg, *next = NULL;
    struct pool_job *job;
    while ((job = take(w, &next))) {
        signal_worker(next);
        job->fn(job); /* may free or re-add the job: not touched after this */
    }
    return NULL;
}

struct pool *pool_new(const char *name, unsigned threads)
{
    BUG_ON(threads == 0 || strlen(name) > 11);
    struct pool *p = mem_zalloc(sizeof(*p) + threads * sizeof(p->workers[0]));
    mutex_init(&p->lock, "pool");
    p->tail = &p->head;
    p->n = threads;
    for (unsigned i = 0; i < threads; i++) {
        char full[THREAD_NAME_MAX + 16];
        struct err e;
        struct pool_worker *w = &p->workers[i];
        w->pool = p;
        BUG_ON(pthread_cond_init(&w->wake, NULL) != 0);
        (void)snprintf(full, sizeof(full), "%.11s-%u", name, i);
        if (thread_start(&w->thread, full, worker, w, &e) < 0) {
            /* As with memory: nothing useful can run without its workers. */
            (void)fprintf(stderr, "haven: %s\n", e.msg);
            exit(EXIT_FAILURE);
        }
    }
    return p;
}

static bool enqueue(struct pool *p, struct pool_job *job, struct pool_worker **ret_next)
{
    MUTEX_SCOPE(&p->lock);
    if (p->stopping)
        return false;
    job->next = NULL;
    *p->tail = job;
    p->tail = &job->next;
    p->waiting++;
    *ret_next = call_one(p);
    return true;
}

bool pool_add(struct pool *p, struct pool_job *job)
{
    struct pool_worker *next = NULL;
    bool taken = enqueue(p, job, &next);
    signal_worker(next);
    return taken;
}

size_t pool_waiting(struct pool *p)
{
    MUTEX_SCOPE(&p->lock);
    return p->waiting;
}

void pool_stop(struct pool *p)
{
    MUTEX_SCOPE(&p->lock);
    p->stopping = true;
    while (p->idle) {
        struct pool_worker *w = p->idle;
        p->idle = w->next_idle;
        p->called++;
        w->called = true;
        signal_worker(w);
    }
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pool_stop(p);
    for (unsigned i = 0; i < p->n; i++)
        BUG_ON(pthread_join(p->workers[i].thread, NULL) != 0);
    BUG_ON(p->head != NULL);
    for (unsigned i = 0; i < p->n; i++)
        BUG_ON(pthread_cond_destroy(&p->workers[i].wake) != 0);
    mutex_done(&p->lock);
    mem_free(p);
}
