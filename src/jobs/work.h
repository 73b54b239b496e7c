/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work: runs the jobs of this server one after the other: those that somebody asked for, in that
 * order, and those whose time has come. Running is for one thread; asking for any.
 */
#ifndef HAVEN_JOBS_WORK_H
#define HAVEN_JOBS_WORK_H

#include "registry/registry.h"

/* Characters of the name of a process among those that run jobs. */
#define WORK_NAME 24

struct work {
    struct registry *registry;
    int data_dir;
    char name[WORK_NAME + 1]; /* another one at each start */
    int64_t started_ms;
    _Atomic int64_t looked_ms; /* when it looked for a job last */
    _Atomic int64_t running;   /* 0: none */
    atomic_bool stop;          /* the one that runs */
    atomic_bool ending;        /* all: the server stops */
};

/* data_dir: borrowed, as registry is. */
void work_init(struct work *w, struct registry *registry, int data_dir);

/* Runs what waits and what is due, until nothing is. */
void work_run(struct work *w);
/* Ends a job that runs or waits: 1, 0 it does neither (any more), -1. */
int work_stop(struct work *w, int64_t id, struct err *e);
void work_end(struct work *w); /* the server stops: nothing more begins */

#endif
