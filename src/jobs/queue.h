/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: the jobs of a kind that wait. A queue that is paused is a row: none of its jobs begins, in
 * whatever process, until it goes on, also after a restart; what runs goes on, and what is asked
 * for waits. A command that does the work of a job itself asks no queue. Each change is in the
 * audit log. The tasks of a kind (registry/task.h) are a queue like the others. Any thread.
 */
#ifndef HAVEN_JOBS_QUEUE_H
#define HAVEN_JOBS_QUEUE_H

#include "db/db.h"

/* In the place of a kind: the schedules of all kinds, which then ask for no job. A time that was
 * missed comes once, when they go on. */
#define QUEUE_OF_SCHEDULES "schedules"

/* What is told of a job that was stopped while it waited. */
#define QUEUE_STOPPED "it was stopped before it began"

struct queue {
    int64_t waiting;
    int64_t oldest_ms; /* since when the first of them waits; 0: none does */
    bool paused;
};

int queue_look(struct db *db, const char *kind, struct queue *ret, struct err *e);
/* 1, 0, -1. */
int queue_is_paused(struct db *db, const char *kind, struct err *e);
/* Pauses it, or lets it go on: tasks that were to be tried again later are tried at once, and those
 * of a kind that lasts (task_kind.h) also when they were stopped or given up. */
int queue_pause(struct db *db, const char *kind, bool paused, struct err *e);
/* Ends all that wait. */
int queue_stop(struct db *db, const char *kind, struct err *e);

#endif
