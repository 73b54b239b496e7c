/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collection as a job: one at a time among all processes on the data directory, with a row, a
 * log, and arguments that a schedule keeps. What is collected: registry/collect.h.
 */
#ifndef HAVEN_JOBS_COLLECT_H
#define HAVEN_JOBS_COLLECT_H

#include "registry/collect.h"

#define JOB_COLLECT          "collect"
#define JOB_COLLECT_GRACE    (2 * 3600 * 1000LL)
#define JOB_COLLECT_ARGS_MAX 256

struct job_collect {
    bool dry_run, untagged;
    int64_t grace_ms;
    uint64_t rate; /* objects a second, 0: no limit */
};

/* As JSON, and back; without a grace it is JOB_COLLECT_GRACE. CORRUPT. */
void job_collect_write(const struct job_collect *q, struct buf *out);
int job_collect_read(struct str text, struct job_collect *ret, struct err *e);
/* The result, as the job's row has it. */
void job_collect_write_result(const struct collect_result *r, struct buf *out);

/* Runs one. shown (may be NULL) is told each line of the log. CONFLICT: another one runs;
 * CANCELLED: *stop. *ret_id: a queued job, or 0; then the job that was made, for this
 * cause. */
int job_collect_run(struct registry *r, int data_dir, const struct job_collect *q,
                    const char *cause, const atomic_bool *stop,
                    void (*shown)(void *self, const char *line), void *self, int64_t *ret_id,
                    struct collect_result *ret, struct err *e);

#endif
