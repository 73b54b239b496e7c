/* SPDX-License-Identifier: Apache-2.0 */
/*
 * searching: keeps the database of the search (search/search.h) in step, by the tasks of
 * TASK_SEARCH as they come, and makes what is missing in between.
 */
#ifndef HAVEN_JOBS_SEARCHING_H
#define HAVEN_JOBS_SEARCHING_H

#include "jobs/task_kind.h"

extern const struct task_kind searching_kind;

#endif
