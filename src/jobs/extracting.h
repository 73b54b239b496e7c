/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extracting: what the two files of extract.h share: extract.c has the files and who holds them,
 * extract_run.c one process and what comes out of it.
 *
 * Everything is guarded by extract_pool.lock but what says otherwise. A file is
 *
 *     WAITING   for a process; a token for it is in the pool, and whichever token comes next takes
 *               the one that waits longest
 *     RUNNING   of a run: grows
 *     DONE      all there, and right
 *     FAILED    err says why; nobody finds it any more
 */
#ifndef HAVEN_JOBS_EXTRACTING_H
#define HAVEN_JOBS_EXTRACTING_H

#include "base/hash.h"
#include "base/pool.h"
#include "base/thread.h"
#include "jobs/extract.h"
#include "jobs/parser.h"

enum extract_state { EXTRACT_WAITING, EXTRACT_RUNNING, EXTRACT_DONE, EXTRACT_FAILED };

struct extract {
    struct extract_pool *x;
    struct extract *next; /* in extract_pool.files, while it is listed */
    struct extract_want want;
    enum extract_state state;
    bool listed;    /* who asks for it finds it */
    bool counted;   /* in extract_pool.used */
    unsigned refs;  /* of the list, of a token, of a run, of users */
    unsigned users; /* who holds it */
    uint64_t who;   /* asked for it first */
    uint64_t have;  /* bytes that can be read */
    struct err err; /* FAILED */
    int64_t since_ms, used_ms;
    int64_t idle_until_ms; /* RUNNING without users: goes on until then, if nobody waits */
    struct waiter *waiters;
    struct extract_want *near; /* until it runs */
    size_t n_near;
    uint64_t number; /* names its file */
    struct pool_job token;
    /* Of the thread that runs it alone: */
    int fd;
    uint64_t written;
    struct hash sum;
};

/* One process. */
struct extract_run {
    struct extract_pool *x;
    struct extract_run *next; /* in extract_pool.runs */
    atomic_bool stop;         /* set under the lock; its files are not listed any more then */
    size_t n;
    struct extract *files[LIMIT_EXTRACT_PARTS]; /* in the order in which they lie in the layer */
};

struct extract_pool {
    struct registry *registry;
    struct extract_options options;
    int dir; /* DATA/extracted */
    struct pool *pool;
    pthread_t watch;
    struct mutex lock;
    pthread_cond_t changed; /* for the thread that watches */
    bool ending;
    struct extract *files;
    struct extract_run *runs;
    size_t n_files, n_waiting, n_runs;
    uint64_t used; /* bytes, as announced, of all files that are not gone */
    uint64_t next_number;
};

/* ---- extract.c: with the lock held ---- */

bool extract_same_layer(const struct extract_want *a, const struct extract_want *b);
struct extract *extract_find(struct extract_pool *x, const struct extract_want *want);
/* One that is not listed yet, and that nobody holds. */
struct extract *extract_add(struct extract_pool *x, const struct extract_want *want);
void extract_unref(struct extract *f);
/* Wakes whoever waits for bytes before f->have, or all of them. */
void extract_wake(struct extract *f, bool all);
void extract_fail(struct extract *f, const struct err *why);
/* Stops runs that nobody wants (any more). */
void extract_check_runs(struct extract_pool *x);

/* ---- extract.c: without the lock ---- */

void extract_name(const struct extract *f, char out[24]);

/* ---- extract_run.c ---- */

/* The next that waits, with all that go with it. On a thread of the pool. */
void extract_run_next(struct extract_pool *x);

#endif
