/* SPDX-License-Identifier: Apache-2.0 */
/*
 * searching: a thread that keeps the database of the search (search/search.h) in step: it does the
 * tasks of TASK_SEARCH as they come, and makes what is missing in between. Apart from tasks.h,
 * whose thread may read in one model for minutes.
 */
#ifndef HAVEN_JOBS_SEARCHING_H
#define HAVEN_JOBS_SEARCHING_H

#include "search/search.h"

struct searching;

/* registry, search: borrowed. */
int searching_start(struct registry *registry, struct search *search, struct searching **ret,
                    struct err *e);
void searching_stop(struct searching *t); /* NULL is welcome */

#endif
