/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge: a blob of one endpoint as the source (blob_source.read) of another. The one pushes its
 * bytes, the other pulls them: a thread of the bridge takes them in and waits while BRIDGE_RING
 * bytes lie ready.
 *
 * The thread begins with the first read, and anew where a read is asked for that is not the next
 * one (a target that goes on elsewhere after a break). Breaks of the source are its endpoint's
 * business. One thread at a time calls these functions.
 */
#ifndef HAVEN_CLIENT_BRIDGE_H
#define HAVEN_CLIENT_BRIDGE_H

#include "base/limits.h"
#include "client/endpoint.h"

#define BRIDGE_RING (1 * MIB)

struct bridge {
    struct endpoint *from;
    const struct digest *digest;
    uint64_t size;
    struct transfer *x; /* the thread works for it; may be NULL */
    int slot;           /* … on this file of it (transfer_file_begin) */
    char *ring;
    pthread_t thread;
    bool running; /* there is a thread to be joined */
    struct mutex lock;
    pthread_cond_t changed;
    /* Under lock: */
    uint64_t head, tail; /* of the blob: the next byte to be read, the next to come in */
    bool stop;           /* the thread is to end */
    bool ended;          /* it has */
    struct err err;      /* what the source said, OK: nothing */
};

/* The digest is borrowed; b must not move. */
void bridge_init(struct bridge *b, struct endpoint *from, const struct digest *digest,
                 uint64_t size, struct transfer *x, int slot);
/* Ends the thread. Zeroed ones are welcome. */
void bridge_autodone(struct bridge *b);

/* As blob_source.read; self is the bridge. When the source fails this is CANCELLED, so that the
 * target does not take it for a fault of its own, and bridge_failed says why. */
int bridge_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e);
/* Did the source fail? Puts its error in the place of *e. */
bool bridge_failed(struct bridge *b, struct err *e);

#endif
