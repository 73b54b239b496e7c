/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>

struct pool {
    struct mutex lock;
    pthread_cond_t work;   /* a job waits, or the pool stops */
    struct pool_job *head; /* first in, first out */
    struct pool_job **tail;
    size_t waiting;
    unsigned idle; /* workers in mutex_wait */
    bool stopping;
    unsigned n;
    pthread_t threads[];
};

static struct pool_job *next_job(struct pool *p)
{
    MUTEX_SCOPE(&p->lock);
    while (!p->head && !p->stopping) {
        p->idle++;
        mutex_wait(&p->lock, &p->work);
        p->idle--;
    }
    struct pool_job *job = p->head;
    if (!job)
        return NULL;
    p->head = job->next;
    if (!p->head)
        p->tail = &p->head;
    p->waiting--;
    job->next = NULL;
    return job;
}

static void *worker(void *arg)
{
    struct pool *p = arg;
    struct pool_job *job;
    while ((job = next_job(p)))
        job->fn(job); /* may free or re-add the job: not touched after this */
    return NULL;
}

struct pool *pool_new(const char *name, unsigned threads)
{
    BUG_ON(threads == 0 || strlen(name) > 11);
    struct pool *p = mem_zalloc(sizeof(*p) + threads * sizeof(p->threads[0]));
    mutex_init(&p->lock, "pool");
    BUG_ON(pthread_cond_init(&p->work, NULL) != 0);
    p->tail = &p->head;
    p->n = threads;
    for (unsigned i = 0; i < threads; i++) {
        char full[THREAD_NAME_MAX + 16];
        struct err e;
        (void)snprintf(full, sizeof(full), "%.11s-%u", name, i);
        if (thread_start(&p->threads[i], full, worker, p, &e) < 0) {
            /* As with memory: nothing useful can run without its workers. */
            (void)fprintf(stderr, "haven: %s\n", e.msg);
            exit(EXIT_FAILURE);
        }
    }
    return p;
}

bool pool_add(struct pool *p, struct pool_job *job)
{
    MUTEX_SCOPE(&p->lock);
    if (p->stopping)
        return false;
    job->next = NULL;
    *p->tail = job;
    p->tail = &job->next;
    p->waiting++;
    if (p->idle)
        BUG_ON(pthread_cond_signal(&p->work) != 0);
    return true;
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
    BUG_ON(pthread_cond_broadcast(&p->work) != 0);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pool_stop(p);
    for (unsigned i = 0; i < p->n; i++)
        BUG_ON(pthread_join(p->threads[i], NULL) != 0);
    BUG_ON(p->head != NULL);
    BUG_ON(pthread_cond_destroy(&p->work) != 0);
    mutex_done(&p->lock);
    mem_free(p);
}
