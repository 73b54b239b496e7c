/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer: what push and pull have in common: several files at a time on a few threads, the first
 * error ends the rest, and somebody is told how far it is.
 */
#ifndef HAVEN_CLIENT_TRANSFER_H
#define HAVEN_CLIENT_TRANSFER_H

#include "base/err.h"
#include "base/thread.h"

#include <stdint.h>

#define TRANSFER_THREADS     4
#define TRANSFER_THREADS_MAX 32

enum transfer_how {
    TRANSFER_MOVED,   /* its bytes went over the network, all or in part */
    TRANSFER_PRESENT, /* they were there already */
    TRANSFER_COPIED,  /* taken from a file of this model with the same content */
};

/* How far it is; a copy is handed out. */
struct transfer_state {
    uint64_t bytes_total; /* of all files */
    uint64_t bytes_done;  /* moved, or found to be there */
    uint64_t bytes_moved; /* over the network */
    size_t files_total, files_done, files_present;
    int64_t elapsed_ms;
};

/* Called with a lock held, one at a time, from any thread. Both may be NULL. */
struct transfer_events {
    /* Now and then while bytes move (at most every TRANSFER_TICK_MS). */
    void (*progress)(void *self, const struct transfer_state *s);
    /* A file is complete. */
    void (*file)(void *self, const char *path, uint64_t size, enum transfer_how how,
                 const struct transfer_state *s);
    void *self;
};
#define TRANSFER_TICK_MS 200

struct transfer {
    atomic_bool cancel; /* set by the first error; give it to the transport */
    const struct transfer_events *events;
    struct mutex lock;
    /* Under lock: */
    struct transfer_state state;
    int64_t started_ms, ticked_ms;
    size_t next;
    bool failed;
    struct err first;
    /* During transfer_run: */
    size_t n;
    int (*fn)(void *self, size_t i, struct err *e);
    void *self;
};

void transfer_init(struct transfer *x, const struct transfer_events *events);
void transfer_autodone(struct transfer *x);
/* What there is to do; before transfer_run. */
void transfer_expect(struct transfer *x, size_t files, uint64_t bytes);

/* Runs fn(self, i) for every i below n on up to `threads` threads (the caller's is one) and waits
 * for all. The first error is returned; what had not begun then is left out. */
int transfer_run(struct transfer *x, size_t n, unsigned threads,
                 int (*fn)(void *self, size_t i, struct err *e), void *self, struct err *e);

/* n more bytes are done; moved: over the network. */
void transfer_bytes(struct transfer *x, uint64_t n, bool moved);
/* A file is done. Its bytes were counted before. */
void transfer_file(struct transfer *x, const char *path, uint64_t size, enum transfer_how how);
struct transfer_state transfer_state_now(struct transfer *x);

#endif
