/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract: files out of compressed layers, for people who read them through the server.
 *
 * A confined process (jobs/parser.h) unpacks the layer up to the end of the file; what it sends
 * goes into a file below DATA/extracted, which can be read while it grows and is kept for a while:
 * whoever asks again, for all of it or for ranges, costs no process. Few processes run at a time;
 * files of one layer that are asked for together are taken out together, and so are small ones
 * around them. A process is never held up by who reads: it fills the file, and then it is over.
 *
 * A file is named by its layer and by what is known of it since the layer was read: where it lies
 * in what the layer unpacks to, its size and (of layers read since then) its digest. The last byte
 * can be read only when size and digest are right.
 *
 *     extract_begin  →  extract_wait, until what is needed is there  →  extract_open  → extract_end
 *
 * Nobody is asked here whether they may read it. What lies in DATA/extracted is removed at the
 * start, and can be removed at any time. Any thread; nothing here waits for a process, but
 * extract_begin and extract_open wait for the disk.
 */
#ifndef HAVEN_JOBS_EXTRACT_H
#define HAVEN_JOBS_EXTRACT_H

#include "base/waiter.h"
#include "model/extract.h"
#include "registry/registry.h"

struct extract_pool;
struct extract; /* a file that somebody holds */

#define EXTRACT_FOLDER "extracted"

struct extract_options {
    unsigned processes;         /* at a time, > 0 */
    uint64_t space;             /* bytes of all files together; 0: none is taken out */
    const char *const *command; /* of parser_new; borrowed */
    /* 0: LIMIT_EXTRACT_WAIT_MS, LIMIT_EXTRACT_IDLE_MS, LIMIT_EXTRACT_KEPT_MS */
    int64_t wait_ms, idle_ms, kept_ms;
};

/* What is wanted: size > 0. */
struct extract_want {
    struct digest layer;
    uint64_t layer_size;
    enum inflate_kind kind;
    uint64_t at, size;
    bool has_digest;
    struct digest digest;
};

/* registry and data_dir are borrowed. */
int extract_pool_new(struct registry *registry, int data_dir, const struct extract_options *options,
                     struct extract_pool **ret, struct err *e);
/* Nobody holds a file any more. NULL is welcome. */
void extract_pool_free(struct extract_pool *x);

/* Asks for a file; near: others of the same layer that may be taken out on the way (copied, at most
 * LIMIT_EXTRACT_NEAR). who: whoever asks, as a number. UNPROCESSABLE: such files are not taken out
 * here, or not this one; TOO_MANY_REQUESTS: of `who`; UNAVAILABLE: of all; NO_SPACE. */
int extract_begin(struct extract_pool *x, const struct extract_want *want,
                  const struct extract_want *near, size_t n_near, uint64_t who,
                  struct extract **ret, struct err *e);
/* Can the byte at pos (< size) be read? 1: it and all before *ret_have; 0: not yet, w (NULL:
 * nobody) is woken when it can, or never will, or when it has left; -1: it never will: CORRUPT (the
 * layer is not what it was when it was read), UNAVAILABLE, CANCELLED, NO_SPACE, what the store
 * said. w may be woken before this returns. */
int extract_wait(struct extract *f, uint64_t pos, struct waiter *w, uint64_t *ret_have,
                 struct err *e);
/* The file, for reading, when extract_wait has said 1; the caller closes it. */
int extract_open(struct extract *f, int *ret_fd, struct err *e);
/* It is not held any more. left: whoever read it went away; else it may come back for more, and
 * what is under way goes on for a while. */
void extract_end(struct extract *f, bool left);

#endif
