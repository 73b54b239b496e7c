/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task: work that follows from an event, as rows: written in the transaction of the change (an
 * outbox), so that a crash loses neither; removed in the transaction that writes what came of it,
 * so that it is done once. There is at most one task of a kind about a subject.
 *
 * Whoever takes tasks holds them for TASK_LEASE_MS: when its process dies, others take them then.
 * What fails is tried again, later and later, and is given up after TASK_ATTEMPTS; it waits then
 * until somebody asks anew. Any thread.
 */
#ifndef HAVEN_REGISTRY_TASK_H
#define HAVEN_REGISTRY_TASK_H

#include "base/arena.h"
#include "base/thread.h"
#include "db/db.h"

/* Kinds. The subject of an index task is the document (manifest) that is to be read. */
#define TASK_INDEX "index"

/* The subject of a search task: the number of what has changed, times TASK_SEARCH_KINDS, plus what
 * it is. Triggers of the database write them (migration 17), which know these numbers. */
#define TASK_SEARCH "search"
enum task_search {
    TASK_SEARCH_ARTIFACT,
    TASK_SEARCH_REPOSITORY,
    TASK_SEARCH_DOCUMENT,
    TASK_SEARCH_LABEL,
    TASK_SEARCH_PULLS /* of a repository */
};
#define TASK_SEARCH_KINDS 8

#define TASK_LEASE_MS (15 * 60 * 1000LL)
#define TASK_ATTEMPTS 8
/* Between attempts: this long after the first, twice as long after each other one, an hour at most.
 */
#define TASK_PAUSE_MS 2000LL
/* Tasks that are taken at once. */
#define TASK_BATCH 32

struct task {
    int64_t id, subject;
    int64_t attempts; /* this one included */
};

/* The tasks of a kind that are due, at most TASK_BATCH, taken for holder (a name of this process).
 */
int task_take(struct db *db, const char *kind, const char *holder, struct task *ret, size_t *ret_n,
              struct err *e);
/* When the next of a kind is due (UTC): 1, 0 none waits, -1. */
int task_due(struct db *db, const char *kind, int64_t *ret_ms, struct err *e);
/* It is still being worked on: holds it for another TASK_LEASE_MS. */
int task_renew(struct db *db, const struct task *t, const char *holder, struct err *e);
/* Inside of the transaction that writes what came of it. 1; 0: others have taken it since. */
int task_done(struct db_conn *c, const struct task *t, const char *holder, struct err *e);
/* It failed: again later, or given up. */
int task_failed(struct db *db, const struct task *t, const char *holder, const char *why,
                struct err *e);
/* It was not begun: as if it had not been taken. */
int task_give_back(struct db *db, const struct task *t, const char *holder, struct err *e);

/* All that somebody has taken are as if they had not been: for kinds of which one process at a time
 * does the work, after its start. */
int task_release(struct db *db, const char *kind, struct err *e);
/* Those that were given up are tried again, as if somebody had asked anew. */
int task_revive(struct db_conn *c, const char *kind, struct err *e);

/* Those that wait, and since when the oldest does (0: none). */
int task_waiting(struct db *db, const char *kind, int64_t *ret_n, int64_t *ret_oldest_ms,
                 struct err *e);
/* What waits to be tried again is due now. */
int task_hurry(struct db_conn *c, const char *kind, struct err *e);
/* Gives up all that nobody has taken. */
int task_stop_waiting(struct db_conn *c, const char *kind, const char *why, int64_t *ret_n,
                      struct err *e);

/* What has become of the reading of an artifact: 1, 0 it does not wait (any more), -1. error: of
 * the last attempt, in the arena, or STR_NULL. */
struct task_state {
    int64_t attempts;
    bool failed; /* given up */
    struct str error;
};
int task_of_artifact(struct db *db, struct arena *a, int64_t artifact, struct task_state *ret,
                     struct err *e);

/* How those who take tasks learn that there are some: rung after a commit. One that is rung while
 * nobody waits is heard by the next who does. */
struct task_bell {
    struct mutex lock;
    pthread_cond_t rung;
    bool heard; /* it was not rung since somebody heard it */
};
void task_bell_init(struct task_bell *b);
void task_bell_done(struct task_bell *b);
void task_bell_ring(struct task_bell *b); /* NULL: nobody is there */
/* Until it rings, or for ms. */
void task_bell_wait(struct task_bell *b, int64_t ms);

#endif
