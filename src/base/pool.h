/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: a fixed number of worker threads and a queue of jobs, first in, first out.
 *
 * A job is embedded in what it works on (no allocation; the queue is as long as its owners are
 * many): struct pool_job {fn}. pool_add from any thread; fn runs once on a worker and may free or
 * re-add the job's owner as its last act. Workers have stacks of THREAD_STACK bytes and every
 * signal blocked.
 */
#ifndef HAVEN_BASE_POOL_H
#define HAVEN_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

struct pool_job {
    struct pool_job *next;
    void (*fn)(struct pool_job *job);
};

/* name: shown in thread names (at most 11 characters). A thread that cannot be started ends the
 * process. */
struct pool *pool_new(const char *name, unsigned threads);
/* false after pool_stop was called (the job will not run). */
bool pool_add(struct pool *p, struct pool_job *job);
/* Jobs waiting, not counting those that run. */
size_t pool_waiting(struct pool *p);
/* No more jobs are taken from now on; those in the queue still run. */
void pool_stop(struct pool *p);
/* Stops, waits until all queued jobs have run, then ends the threads and frees the pool. NULL is
 * welcome. */
void pool_free(struct pool *p);

#endif
