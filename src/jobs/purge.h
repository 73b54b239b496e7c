/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The purge of the audit log as a job: entries that are older than some hours go, some kinds of
 * them or all, in short transactions.
 */
#ifndef HAVEN_JOBS_PURGE_H
#define HAVEN_JOBS_PURGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"

#include <stdatomic.h>

#define JOB_PURGE "purge-audit"
/* A hundred years or so, in hours. */
#define JOB_PURGE_HOURS_MAX 240000

struct job_purge {
    int64_t hours;     /* 1 to JOB_PURGE_HOURS_MAX */
    struct str events; /* names of kinds (access/audit.def) between commas; "other": those that
                          Harbor does not have */
    bool dry_run;
};

/* As JSON, and back (in the arena). BAD_REQUEST names what is not acceptable. */
void job_purge_write(const struct job_purge *q, struct buf *out);
int job_purge_read(struct arena *a, struct str text, struct job_purge *ret, struct err *e);

/* Runs the queued job id. *ret_n: entries that went, or would. CANCELLED: *stop, or it does not
 * wait any more. */
int job_purge_run(struct db *db, const struct job_purge *q, const atomic_bool *stop, int64_t id,
                  int64_t *ret_n, struct err *e);

#endif
