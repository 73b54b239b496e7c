/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tasks: threads that do the work that follows from events (registry/task.h), one for each kind, a
 * row of a table, so that no kind waits for a long task of another, and none for a job of work.h.
 * They give way to those who serve requests.
 */
#ifndef HAVEN_JOBS_TASKS_H
#define HAVEN_JOBS_TASKS_H

#include "jobs/task_kind.h"

struct tasks;

/* registry, search: borrowed; the registry's bell is a thread's from here to the end. */
int tasks_start(struct registry *registry, struct search *search, struct tasks **ret,
                struct err *e);
/* What is under way is given up, and taken again after the next start. NULL is welcome. */
void tasks_stop(struct tasks *t);

#endif
