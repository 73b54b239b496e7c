/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job: what runs in the background, as rows: kind, arguments, state, result, and a log. The rows
 * are what an operator and the API are shown; a job whose process died is found by who takes the
 * next of its kind. Any thread.
 */
#ifndef HAVEN_JOBS_JOB_H
#define HAVEN_JOBS_JOB_H

#include "base/arena.h"
#include "db/list.h"

/* Finished jobs of a kind that are kept. */
#define JOB_HISTORY 100

struct job {
    int64_t id;
    struct str kind;
    struct str cause;               /* "manual" or "schedule" */
    struct str args, result, error; /* JSON, JSON, text; result and error may be STR_NULL */
    struct str state;               /* pending, running, success, error, stopped */
    int64_t created_ms, started_ms, beat_ms, ended_ms; /* 0: not yet */
};

/* Adds a running job; those of the kind that nobody ended are ended as errors: their process died.
 * The caller is the only one who runs a job of this kind (collect.c holds a lock). */
int job_begin(struct db *db, const char *kind, const char *cause, struct str args, int64_t *ret_id,
              struct err *e);
/* Adds one that waits until it is started. */
int job_queue(struct db *db, const char *kind, const char *cause, struct str args, int64_t *ret_id,
              struct err *e);
/* The oldest of a kind that waits, in the arena: 1, 0, -1. */
int job_next(struct db *db, struct arena *a, const char *kind, struct job *ret, struct err *e);
/* Starts a queued job. CANCELLED: it does not wait any more; CONFLICT: its queue rests. */
int job_start(struct db *db, const char *kind, int64_t id, struct err *e);
/* Ends one that waits: 1 done, 0 it does not, -1. */
int job_cancel(struct db *db, int64_t id, const char *why, struct err *e);
/* It is alive, and has come so far (JSON). */
int job_beat(struct db *db, int64_t id, struct str result, struct err *e);
/* state: success, error, stopped; error: NULL without one. Forgets old jobs of the kind. */
int job_end(struct db *db, const char *kind, int64_t id, const char *state, struct str result,
            const char *error, struct err *e);

/* Jobs of a kind as a list that callers filter: a page of struct job, newest first. */
extern const struct db_list job_list_fields;
int job_page(struct db *db, struct arena *a, const char *kind, const struct db_list_query *q,
             struct db_page *ret, struct err *e);
/* 1, 0, -1. */
int job_find(struct db *db, struct arena *a, const char *kind, int64_t id, struct job *ret,
             struct err *e);
/* Whatever its kind. */
int job_find_any(struct db *db, struct arena *a, int64_t id, struct job *ret, struct err *e);
/* The newest first, before a job (INT64_MAX: all), at most limit. In the arena. */
int job_list(struct db *db, struct arena *a, const char *kind, int64_t before, size_t limit,
             struct job **ret, size_t *ret_n, struct err *e);

/* Lines of a log are gathered and written together. */
struct job_log {
    struct db *db;
    int64_t job, seq;
    int64_t written_ms;
    struct arena arena;
    struct {
        int64_t at_ms;
        struct str text;
    } lines[64];
    size_t n;
};
void job_log_init(struct job_log *l, struct db *db, int64_t job);
/* Never fails: what cannot be written is in the server's log. */
void job_log_add(struct job_log *l, struct str line);
void job_log_autodone(struct job_log *l); /* flushes */
/* Calls fn for each line of a job. */
int job_log_each(struct db *db, int64_t job,
                 int (*fn)(void *self, int64_t at_ms, struct str line, struct err *e), void *self,
                 struct err *e);

#endif
