/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tasks: a thread that does the work that follows from events (registry/task.h), kind by kind, a
 * row of a table each, apart from the jobs of work.h: a collection does not keep it waiting. Once
 * after its start it also asks for the reading of what was stored before.
 */
#ifndef HAVEN_JOBS_TASKS_H
#define HAVEN_JOBS_TASKS_H

#include "registry/registry.h"

struct tasks;

/* registry: borrowed; its bell is the thread's from here to the end. */
int tasks_start(struct registry *registry, struct tasks **ret, struct err *e);
/* What is under way is given up, and taken again after the next start. NULL is welcome. */
void tasks_stop(struct tasks *t);

#endif
