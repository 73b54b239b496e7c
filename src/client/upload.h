/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload: one blob to a registry. OCI distribution-spec "Pushing blobs", "Resuming".
 *
 * A small blob whose digest is known: one POST with the body, or POST and PUT where the registry
 * does not know that. Others are hashed while they are sent: POST, PATCH, PUT with the digest.
 * Large ones go in PATCHes of UPLOAD_CHUNK bytes, since many registries keep only what came in a
 * whole one (Haven keeps every byte; docker's registry before 3.0 gives an upload up whose PATCH
 * broke). What a registry refuses is not tried there again: chunks, then one PATCH without ranges
 * as docker sends it, then one PUT, for which the digest has to be found first.
 *
 * A break is taken up where the registry stands, by the same run and, with a memo, by a later one.
 * Each call runs on its caller's thread; one target serves any number of threads.
 */
#ifndef HAVEN_CLIENT_UPLOAD_H
#define HAVEN_CLIENT_UPLOAD_H

#include "client/endpoint.h"
#include "client/transport.h"

/* One PATCH; below the 100 MB that proxies on the Internet let through. */
#define UPLOAD_CHUNK (64 * MIB)
/* What is sent whole when its digest is known. */
#define UPLOAD_SMALL (4 * MIB)

/* What was learnt of a registry; starts zeroed but for chunk, which is UPLOAD_CHUNK. */
struct upload_ways {
    atomic_int how;            /* of large blobs: enum upload_how */
    _Atomic(uint64_t) chunk;   /* bytes of a PATCH */
    atomic_int single;         /* is a POST with a body understood? enum upload_single */
    atomic_uint missed, asked; /* questions for small blobs since the last that was there; in all */
};

/* Where blobs go to. */
struct upload_target {
    struct transport *transport;
    const char *repo;
    struct upload_ways *ways;
};

/* 1 the repository has the blob, 0 it has not. */
int upload_has(const struct upload_target *t, const struct digest *digest, struct err *e);

/* See endpoint_ops.put; x may be NULL. */
int upload_blob(const struct upload_target *t, const struct blob_source *s, struct transfer *x,
                struct digest *ret_digest, bool *ret_present, struct err *e);

#endif
