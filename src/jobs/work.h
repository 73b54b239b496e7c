/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work: runs the jobs of this server one after the other: those that somebody asked for, in that
 * order, and those whose time has come. Running is for one thread; asking for any.
 */
#ifndef HAVEN_JOBS_WORK_H
#define HAVEN_JOBS_WORK_H

#include "registry/registry.h"

struct work {
    struct registry *registry;
    int data_dir;
    _Atomic int64_t running; /* 0: none */
    atomic_bool stop;        /* the one that runs */
    atomic_bool ending;      /* all: the server stops */
};

/* Runs what waits and what is due, until nothing is. */
void work_run(struct work *w);
/* Ends a job that runs or waits: 1, 0 it does neither (any more), -1. */
int work_stop(struct work *w, int64_t id, struct err *e);
void work_end(struct work *w); /* the server stops: nothing more begins */

#endif
