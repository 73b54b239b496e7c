/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: the blobs of one pull, fetched by a few threads that share all of the work.
 *
 * Each thread stays with a blob of its own as long as there is something to do for it, takes up the
 * next one then, and in the end helps where most is left: the last large file is fetched by all.
 * Every request asks for a span of FETCH_SPAN_MIN to FETCH_SPAN_MAX bytes, smaller ones towards the
 * end. A few more threads hash what came early (blob.h), so that no download waits for that.
 */
#ifndef HAVEN_CLIENT_FETCH_H
#define HAVEN_CLIENT_FETCH_H

#include "client/blob.h"
#include "client/download.h"
#include "client/transfer.h"

#define FETCH_SPAN_MIN (16ull << 20)
#define FETCH_SPAN_MAX (64ull << 20)

struct fetch_job {
    struct digest digest;
    uint64_t size;
    const char *shown; /* for messages */
    void *self;        /* the caller's */
    /* The engine's own: */
    enum { FETCH_NEW, FETCH_RUNNING, FETCH_CONCLUDING, FETCH_OVER } state;
    struct spread spread;
    struct blob blob;
    size_t users;
    int slot; /* of the transfer */
};

struct fetch {
    const struct download *download;
    struct transfer *transfer;
    const struct place *place;
    struct fetch_job *jobs; /* the large ones first */
    size_t n;
    unsigned threads;
    /* Fills job->spread. 0: fetch it so; 1: nothing has to be fetched (any more). May take its
     * time. */
    int (*begin)(void *self, struct fetch_job *job, struct err *e);
    /* The blob is complete and right. Its spread is closed afterwards. */
    int (*done)(void *self, struct fetch_job *job, struct err *e);
    void *self;
};

/* Everything, or the first error. What is there of unfinished blobs is left for the next run. */
int fetch_run(struct fetch *f, struct err *e);

/* A spread of one partial file, which is opened. */
int fetch_spread_file(const struct place *p, struct fetch_job *job, struct err *e);

#endif
