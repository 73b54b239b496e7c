/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download: bytes of a blob from a registry, from one position to another.
 *
 * A break is followed by a request for the rest. Registries that know no ranges send the blob from
 * its beginning; whether that is of use is for the caller to say. Any number of threads.
 */
#ifndef HAVEN_CLIENT_DOWNLOAD_H
#define HAVEN_CLIENT_DOWNLOAD_H

#include "base/digest.h"
#include "client/transport.h"

struct download {
    struct transport *transport;
    const char *repo;
};

struct download_range {
    const struct digest *digest;
    uint64_t size;    /* of the blob */
    uint64_t at, end; /* what is wanted; `at` moves on with what was taken */
    bool whole;       /* ask for the blob as such: each answer begins at 0 */
    /* The bytes from `at` on. */
    int (*take)(void *self, const void *p, size_t n, struct err *e);
    /* No ranges here: shall the whole blob come, from 0? Then at, end and whole are changed. */
    bool (*take_whole)(void *self);
    /* With whole: it begins at 0 again. May be NULL when take_whole is. */
    void (*rewind)(void *self);
    void *self;
};

/* 1: everything was taken. 0: the registry has no ranges and take_whole did not want it so. -1:
 * REMOTE, NETWORK, CANCELLED, BLOB_UNKNOWN … or what take returned. */
int download_range(const struct download *d, struct download_range *r, struct err *e);

#endif
