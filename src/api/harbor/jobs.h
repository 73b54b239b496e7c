/* SPDX-License-Identifier: Apache-2.0 */
/* jobs: what the groups of routes about jobs share; see system_jobs.c. */
#ifndef HAVEN_API_HARBOR_JOBS_H
#define HAVEN_API_HARBOR_JOBS_H

#include "api/harbor/harbor.h"
#include "jobs/job.h"

/* What Harbor calls a kind of job ("GARBAGE_COLLECTION"), by its place; NULL past the end. The kind
 * of the job's row goes into *ret_kind (may be NULL). */
const char *harbor_job_name(size_t i, const char **ret_kind);
/* The same by the kind, which is its own name where Harbor has none. */
struct str harbor_job_name_of(struct str kind);
/* Answers with the log of a job. */
int harbor_job_log(struct http_req *rq, const struct job *j, struct err *e);

#endif
