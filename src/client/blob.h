/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob: one blob while it comes in: pieces from several threads, in any order, hashed once.
 *
 * A thread claims a span of pieces that nobody has and hands in its bytes. Every byte is written
 * once, where its spread says. The hash follows the frontier, the end of what is there without a
 * gap: bytes that come in exactly there are hashed from the receiver's memory; what came early is
 * read back (from the page cache) by whoever calls blob_hash when the frontier gets there, while
 * others go on receiving. Bytes that were hashed are never written again, so that what is on the
 * disk is what was verified.
 *
 * Pieces that are whole are noted in a map beside the partial file (piecemap.h). Taken up by a
 * later run they are hashed again; if the digest then turns out wrong, they alone are thrown away.
 *
 * Any number of threads; each span and cursor belongs to one.
 */
#ifndef HAVEN_CLIENT_BLOB_H
#define HAVEN_CLIENT_BLOB_H

#include "base/hash.h"
#include "base/thread.h"
#include "client/piecemap.h"
#include "client/spread.h"

/* Pages go to the disk in steps of this size while the next bytes come in. */
#define BLOB_FLUSH_STEP (8ull << 20)

struct blob_span {
    uint64_t at, end; /* what is still to come of it */
    size_t first, n;  /* its pieces */
    bool whole;       /* the registry sends the blob from its beginning whatever is asked for */
    uint64_t flushed;
    struct spread_cursor cursor;
    struct blob_span *next; /* of the active ones, under the blob's lock */
};

struct blob {
    const struct spread *spread; /* borrowed */
    const struct digest *digest;
    uint64_t size;
    int map_fd;
    struct mutex lock;
    /* Under lock: */
    struct piecemap map;     /* pieces that are kept whole */
    struct piecemap claimed; /* … that are asked for, or were hashed and are not kept */
    struct piecemap resumed; /* … of an earlier run */
    size_t scan;             /* no piece before this one is free */
    struct blob_span *active;
    size_t n_active;
    bool no_ranges;
    bool hashing;      /* somebody works on hash, outside the lock */
    uint64_t hashed;   /* the hash holds the bytes before this */
    uint64_t hash_end; /* … and will hold those before this */
    struct hash hash;
};

/* map_fd: the open map file, taken over; -1: nothing is remembered. What an earlier run left is
 * taken up. All pointers are borrowed. */
void blob_init(struct blob *b, const struct spread *spread, const struct digest *digest,
               uint64_t size, int map_fd);
void blob_autodone(struct blob *b);

/* Bytes that are there whole. */
uint64_t blob_there(struct blob *b);
/* Bytes that a claim could be for now. */
uint64_t blob_free(struct blob *b);

/* Takes up to max bytes (rounded up to whole pieces, at least one). False: nothing is free now. */
bool blob_claim(struct blob *b, uint64_t max, struct blob_span *ret);
/* The registry answers with the whole blob to a request for this span. True: then let it come, from
 * position 0; no other span is out. False: give the span back. */
bool blob_span_whole(struct blob *b, struct blob_span *s);
/* The bytes from s->at on. *ret_new: how many were not there before; *ret_early: there may be
 * something for blob_hash. Errors of the disk; REMOTE from the spread. */
int blob_take(struct blob *b, struct blob_span *s, const void *p, size_t n, uint64_t *ret_new,
              bool *ret_early, struct err *e);
/* A whole stream broke and begins again; returns how many bytes were taken in vain. */
uint64_t blob_span_rewind(struct blob *b, struct blob_span *s);
/* The span is over, complete or not; returns how many bytes of it were taken in vain. */
uint64_t blob_release(struct blob *b, struct blob_span *s);

/* Hashes up to n bytes that wait, through the caller's buffer. 1: done so, there may be more; 0:
 * nothing waits. *ret_lost: bytes of an earlier run that had to be thrown away (they cannot be
 * read). */
int blob_hash(struct blob *b, struct spread_cursor *c, void *p, size_t n, uint64_t *ret_lost,
              struct err *e);

/* Is there something for blob_hash? */
bool blob_waits(struct blob *b);
/* Is every byte hashed? */
bool blob_is_whole(struct blob *b);
/* When it is whole and nobody else uses it. 1: the digest is right. 0: it was wrong, the old pieces
 * (*ret_lost bytes) are thrown away, and it goes on. -1: DIGEST_INVALID. */
int blob_conclude(struct blob *b, uint64_t *ret_lost, struct err *e);

#endif
