/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push: sends a model directory to a registry as a ModelPack of raw layers.
 *
 * Each file is opened and read once, hashed while it is sent, and no copy is made. Files of up to
 * PUSH_SMALL bytes are held in memory, so that the registry can be asked first whether it has them.
 * An upload that breaks goes on from where the registry stands, within the same run.
 */
#ifndef HAVEN_CLIENT_PUSH_H
#define HAVEN_CLIENT_PUSH_H

#include "base/limits.h"
#include "client/transfer.h"
#include "client/transport.h"

#define PUSH_SMALL (4 * MIB)

struct push_options {
    struct transport_options transport; /* cancel is set here */
    unsigned threads;                   /* 0: TRANSFER_THREADS */
    int64_t created_ms; /* time of creation to write down, UTC; 0: none, reproducible */
    const struct transfer_events *events;
};

struct push_result {
    struct digest digest; /* of the manifest */
    struct transfer_state state;
};

/* ref must name a tag, or the digest that the manifest turns out to have. Errors: MODEL_INVALID,
 * LIMIT (the directory), UNAUTHORIZED, DENIED, NETWORK, REMOTE and the registry's own codes. */
int push_dir(const char *dir, const struct remote_ref *ref, const struct push_options *options,
             struct push_result *ret, struct err *e);

#endif
