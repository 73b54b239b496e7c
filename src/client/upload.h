/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload: one blob to a registry. OCI distribution-spec "Pushing blobs", "Resuming".
 * Each call runs on its caller's thread.
 */
#ifndef HAVEN_CLIENT_UPLOAD_H
#define HAVEN_CLIENT_UPLOAD_H

#include "client/transfer.h"
#include "client/transport.h"

/* Where blobs go to. */
struct upload_target {
    struct transport *transport;
    const char *repo;
    struct transfer *transfer; /* counts the bytes */
};

/* A blob in memory: asked for, and sent only if the registry has it not. *ret_present: it had. */
int upload_memory(const struct upload_target *t, struct str bytes, const struct digest *digest,
                  bool *ret_present, struct err *e);

/* A file of the given size from its open descriptor, hashed while it is sent: POST, PATCH, PUT.
 * After a break it goes on where the registry stands. `unchanged` runs when all was read and before
 * the closing PUT: an error there abandons the upload. *ret: the digest of what was sent. */
struct upload_file {
    int fd;
    uint64_t size;
    const char *path; /* for messages */
    int (*unchanged)(void *self, int fd, struct err *e);
    void *self;
};
int upload_file(const struct upload_target *t, const struct upload_file *file, struct digest *ret,
                struct err *e);

#endif
