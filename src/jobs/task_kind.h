/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task_kind: a kind of the work that follows from events (registry/task.h), for the loop of
 * tasks.h. Everything but start and stop runs in the one thread of its
 * kind, or before that begins.
 */
#ifndef HAVEN_JOBS_TASK_KIND_H
#define HAVEN_JOBS_TASK_KIND_H

#include "registry/task.h"
#include "search/search.h"

#include <stdatomic.h>

/* What a kind works with; all borrowed. */
struct task_context {
    struct registry *registry;
    struct search *search;
    const char *holder; /* of the tasks that it is given */
    const atomic_bool *stop;
};

struct task_kind {
    const char *name;   /* TASK_…; its queue is paused by it (queue.h) */
    const char *thread; /* the name of its thread */
    /* Nobody asks a second time for what was given up: it is tried again after the next start, and
     * when its queue goes on. */
    bool lasting;
    bool rung;             /* the bell of the registry is for it */
    int64_t look_every_ms; /* how soon it is found what was added and nobody rang for */
    const char *waits;     /* event of the log: nothing can be done now */
    int64_t tell_every_ms; /* failures that follow sooner are not told; 0: each one is */

    /* Makes what the others get as self; NULL: they get the context. */
    void *(*start)(const struct task_context *c);
    void (*stop)(void *self); /* NULL: nothing is to be done */
    /* Before the thread starts and before each look for tasks, also while the queue is paused.
     * -1: not now. NULL: nothing. */
    int (*keep)(void *self, struct err *e);
    /* 1: done and ended, in the transaction that wrote what came of it; 0: done, and to be ended
     * together with others; -1: to be tried again. */
    int (*run)(void *self, const struct task *t, struct err *e);
    /* When no task is due, unless the queue is paused. 1: it did something and there may be more,
     * 0, -1. NULL: nothing. */
    int (*fill)(void *self, struct err *e);
};

#endif
