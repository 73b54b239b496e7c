/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull: fetches a model from a registry into a directory, whatever tool has packed it.
 *
 * Files that are right already are left alone; the others are written once, verified while they are
 * written, and get their name only when their digest is right. A pull that was killed goes on
 * where it stood. Files that the manifest does not name are not touched.
 */
#ifndef HAVEN_CLIENT_PULL_H
#define HAVEN_CLIENT_PULL_H

#include "client/place.h"
#include "client/transfer.h"
#include "client/transport.h"
#include "model/members.h"

struct pull_options {
    struct transport_options transport;   /* cancel is set here */
    unsigned threads;                     /* 0: TRANSFER_THREADS */
    struct members_filter filter;         /* which files are wanted; borrowed */
    struct str platform;                  /* of an index, see pack_choose; may be empty */
    const struct transfer_events *events; /* its cancel: what is there is kept for the next pull */
};

struct pull_result {
    struct digest digest; /* of the manifest */
    struct transfer_state state;
};

/* Errors: MODEL_INVALID (a manifest whose files must not be written, see model/pack.h and
 * archive.h), NOT_FOUND (the filter takes nothing), DIGEST_INVALID, NO_SPACE, UNAUTHORIZED,
 * MANIFEST_UNKNOWN, NETWORK, REMOTE … */
int pull_dir(const struct remote_ref *ref, const char *dir, const struct pull_options *options,
             struct pull_result *ret, struct err *e);

#endif
