/* SPDX-License-Identifier: Apache-2.0 */
/* schedule: when a kind of job is to run by itself. One row for each kind; times as base/cron.h. */
#ifndef HAVEN_JOBS_SCHEDULE_H
#define HAVEN_JOBS_SCHEDULE_H

#include "base/arena.h"
#include "db/list.h"

struct schedule {
    int64_t id;
    struct str kind, cron, args; /* args: JSON for the job */
    int64_t next_ms;
    int64_t updated_ms; /* 0: before this was written down */
};

/* 1, 0 there is none, -1. In the arena. */
int schedule_get(struct db *db, struct arena *a, const char *kind, struct schedule *ret,
                 struct err *e);
/* Sets it, in place of another. USAGE: it is no schedule, or one that never comes. */
int schedule_set(struct db *db, const char *kind, struct str cron, struct str args, struct err *e);
int schedule_clear(struct db *db, const char *kind, struct err *e);
extern const struct db_list schedule_list_fields;
/* A page of struct schedule. */
int schedule_page(struct db *db, struct arena *a, const struct db_list_query *q,
                  struct db_page *ret, struct err *e);
/* 1 the time has come (the next one is noted; a time that was missed comes once), 0 not, -1. */
int schedule_due(struct db *db, struct arena *a, const char *kind, int64_t now_ms,
                 struct schedule *ret, struct err *e);

#endif
