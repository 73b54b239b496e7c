/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: reads what was pushed, and keeps what it finds (registry/model.h): one task after the
 * other, in a confined process (jobs/parser.h). What is wrong with a model is a finding in what is
 * kept; what is wrong with us is an error, and the task is tried again.
 */
#ifndef HAVEN_JOBS_INDEX_H
#define HAVEN_JOBS_INDEX_H

#include "jobs/task_kind.h"

/* For one artifact. Layers that are compressed are read at some 200 MB a second. */
#define INDEX_BUDGET_MS (10 * 60 * 1000LL)

/* The tasks of TASK_INDEX. Once after its start it also asks for the reading of what was stored
 * before. */
extern const struct task_kind index_kind;

#endif
