/* SPDX-License-Identifier: Apache-2.0 */
/* task_kinds: the kinds of work that follow from events, a row each. */
#ifndef HAVEN_JOBS_TASK_KINDS_H
#define HAVEN_JOBS_TASK_KINDS_H

#include "jobs/task_kind.h"

#define TASK_KINDS 2
extern const struct task_kind *const task_kinds[TASK_KINDS];

/* The kind of this name (TASK_…), or NULL. */
const struct task_kind *task_kind_find(const char *name);

#endif
