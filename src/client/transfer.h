/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer: what push and pull have in common: several files at a time on a few threads, the first
 * error ends the rest, somebody is told how far it is, and the time is written down by what it was
 * spent on.
 *
 * A thread works for at most one transfer at a time, and on at most one of its running files: the
 * thread that called transfer_init and those of transfer_run do, others after transfer_join.
 * transfer_bytes, transfer_phase and transfer_retry need to be told neither, so that code far below
 * (a retry, a write) can report without knowing for whom it works.
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

/* What a thread's time goes into. */
enum transfer_phase {
    TRANSFER_OTHER,   /* nothing of these */
    TRANSFER_ANSWER,  /* a request was made, its answer is awaited */
    TRANSFER_NETWORK, /* the bytes of a body go out or come in */
    TRANSFER_READ,    /* from the disk */
    TRANSFER_WRITE,   /* to the disk */
    TRANSFER_HASH,    /* digests are computed */
    TRANSFER_PAUSE,   /* the wait before a failed request is made again */
    TRANSFER_PHASES
};

/* How far it is; a copy is handed out. */
struct transfer_state {
    uint64_t bytes_total; /* of all files */
    uint64_t bytes_done;  /* moved, or found to be there */
    uint64_t bytes_moved; /* over the network */
    size_t files_total, files_done, files_present;
    uint64_t retries; /* requests that were made again */
    int64_t elapsed_ms;
    /* Microseconds of all threads together; a thread with nothing to do adds none. */
    int64_t phase_us[TRANSFER_PHASES];
};

/* A file that is under way. */
#define TRANSFER_SLOTS    64 /* more files at a time are not shown one by one */
#define TRANSFER_PATH_MAX 256
struct transfer_slot {
    uint64_t id;                  /* counts up from 1; 0: this slot is free */
    char path[TRANSFER_PATH_MAX]; /* a longer one is cut at its front */
    uint64_t size, done;
};

struct transfer_retry {
    const char *path;  /* of the file, or NULL: a request that belongs to none */
    const char *why;   /* "the registry answers 503" */
    unsigned attempt;  /* the one that comes: 2 at first */
    unsigned attempts; /* there are at most so many without progress */
    int64_t wait_ms;   /* until then */
};

struct transfer;

/* Called one at a time and from any thread, all but attach with the transfer's lock held. Each may
 * be NULL. */
struct transfer_events {
    /* The transfer begins (x) and ends (NULL): in between, transfer_look says how far it is. */
    void (*attach)(void *self, struct transfer *x);
    /* A file begins. */
    void (*begin)(void *self, const char *path, uint64_t size, const struct transfer_state *s);
    /* A file is complete. */
    void (*file)(void *self, const char *path, uint64_t size, enum transfer_how how,
                 const struct transfer_state *s);
    /* A request failed and will be made again. */
    void (*retry)(void *self, const struct transfer_retry *r, const struct transfer_state *s);
    void *self;
    /* Set from outside it ends the transfer, and the transfer's first error sets it. NULL: the
     * transfer uses one of its own. */
    atomic_bool *cancel;
};

struct transfer {
    atomic_bool *cancel; /* set by the first error; give it to the transport */
    atomic_bool own_cancel;
    const struct transfer_events *events;
    struct mutex lock;
    _Atomic(int64_t) phase_us[TRANSFER_PHASES];
    /* Under lock: */
    struct transfer_state state; /* but phase_us */
    struct transfer_slot slots[TRANSFER_SLOTS];
    uint64_t last_id;
    int64_t started_ms;
    size_t next;
    bool failed;
    struct err first;
    /* During transfer_run: */
    size_t n;
    int (*fn)(void *self, size_t i, struct err *e);
    void *self;
};

/* x must not move. The calling thread joins, if it works for no other, and must be the one that
 * ends x. */
void transfer_init(struct transfer *x, const struct transfer_events *events);
void transfer_autodone(struct transfer *x);
/* What there is to do; before transfer_run. */
void transfer_expect(struct transfer *x, size_t files, uint64_t bytes);

/* There is more to do than was said then (the files in an archive), or less. */
void transfer_expect_more(struct transfer *x, int64_t files, int64_t bytes);

/* Runs fn(self, i) for every i below n on up to `threads` threads (the caller's is one) and waits
 * for all. The first error is returned; what had not begun then is left out. */
int transfer_run(struct transfer *x, size_t n, unsigned threads,
                 int (*fn)(void *self, size_t i, struct err *e), void *self, struct err *e);

/* The calling thread works for x until transfer_leave; only threads made outside transfer_run need
 * this. */
void transfer_join(struct transfer *x);
void transfer_leave(void);

/* A file begins and becomes the calling thread's: what it counts now belongs to the file. The slot
 * is for other threads that work on the same file; -1: all are taken (harmless). */
int transfer_file_begin(struct transfer *x, const char *path, uint64_t size);
/* The calling thread works on this file too. It must be under way until transfer_slot_use(-1). */
void transfer_slot_use(int slot);
/* n more bytes are done; moved: over the network. */
void transfer_bytes(struct transfer *x, uint64_t n, bool moved);
/* The same where they differ: `done` new bytes came with `moved` ones over the network. */
void transfer_moved(struct transfer *x, uint64_t done, uint64_t moved);
/* n bytes that were counted as done turned out to be of no use. */
void transfer_lost(struct transfer *x, uint64_t n);
/* A file is done. Its bytes were counted before; if it had begun, the calling thread is one that
 * works on it. */
void transfer_file(struct transfer *x, const char *path, uint64_t size, enum transfer_how how);
/* The calling thread's file had begun but is put off: nothing is said of it, and the bytes counted
 * for it stay counted. */
void transfer_file_drop(struct transfer *x);

/* A request failed and will be made again after wait_ms. Nothing happens in a thread without a
 * transfer. */
void transfer_retry(unsigned attempt, unsigned attempts, int64_t wait_ms, const char *why);

/* The calling thread's time goes into this from now on; returns what it went into. Costs a look at
 * the clock: not for every byte. Nothing happens in a thread without a transfer. */
enum transfer_phase transfer_phase(enum transfer_phase phase);
/* Until the end of the block; the time belongs to the innermost one alone. */
#define TRANSFER_PHASE(phase)                                                                      \
    __attribute__((cleanup(transfer_phase_end), unused)) enum transfer_phase transfer_before_ =    \
        transfer_phase(phase)
void transfer_phase_end(const enum transfer_phase *before); /* for TRANSFER_PHASE */

struct transfer_state transfer_state_now(struct transfer *x);
/* The same, with the files that are under way: TRANSFER_SLOTS of them. */
void transfer_look(struct transfer *x, struct transfer_state *ret_state,
                   struct transfer_slot *ret_slots);

#endif
