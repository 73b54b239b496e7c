/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: reads what was pushed, and keeps what it finds (registry/model.h): one task after the
 * other, in a confined process (jobs/parser.h). What is wrong with a model is a finding in what is
 * kept; what is wrong with us is an error, and the task is tried again. One thread at a time.
 */
#ifndef HAVEN_JOBS_INDEX_H
#define HAVEN_JOBS_INDEX_H

#include "jobs/parser.h"
#include "registry/registry.h"
#include "registry/task.h"

/* For one artifact. Layers that are compressed are read at some 200 MB a second. */
#define INDEX_BUDGET_MS (10 * 60 * 1000LL)

/* Reads the document of a task and ends it. CANCELLED: *stop. */
int index_run(struct registry *r, struct parser *p, const struct task *t, const char *holder,
              const atomic_bool *stop, struct err *e);

#endif
