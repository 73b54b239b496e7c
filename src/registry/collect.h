/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect: removes what nothing refers to, while everything else goes on.
 *
 * Whoever takes something away (a manifest, a membership, an extent) notes in the same transaction
 * what may have become garbage by it. A collection looks at those candidates and at leases that are
 * over, and at nothing else, so that it costs as much as there is garbage. Its order:
 *
 *     untagged artifacts (if asked for) -> memberships whose lease is over -> blobs -> objects
 *
 * A lease is a membership that no manifest holds yet (repository_blob.pending_ms), or that another
 * push was told of (asked_ms): sent, mounted, or asked for by somebody who may push, not longer ago
 * than the grace. Every decision is taken
 * again inside of the transaction that acts on it; transactions are short, and between two of them
 * the collector waits as long as the last one took, so that writers get their turn. An object goes
 * by way of the trash (store.h), so that a push of the same bytes never ends with a row and no
 * file. An object of which less than half is still needed is copied to smaller ones.
 *
 * One collection at a time (jobs/collect.h sees to that). Any process that can write to the data
 * directory may run it. What a crash interrupts the next one completes.
 */
#ifndef HAVEN_REGISTRY_COLLECT_H
#define HAVEN_REGISTRY_COLLECT_H

#include "registry/registry.h"

#include <stdatomic.h>

struct collect_options {
    int data_dir;      /* for the hold (store/hold.h) */
    bool dry_run;      /* count only; nothing changes */
    bool untagged;     /* artifacts, too, that have no tag, no index, no subject that is there */
    int64_t grace_ms;  /* what is younger is left alone */
    uint64_t rate;     /* objects a second; 0: no limit */
    int64_t settle_ms; /* time in which a push may take an object back from the trash */
    const atomic_bool *stop; /* CANCELLED soon after it becomes true; NULL: never */
    void (*note)(void *self, const char *line); /* what is worth keeping in a log; may be NULL */
    void *self;
};

#define COLLECT_SETTLE_MS 2000

struct collect_result {
    uint64_t artifacts, memberships, blobs, objects;
    uint64_t bytes;     /* of files, less what was copied to smaller ones */
    uint64_t rewritten; /* objects that were copied to smaller ones */
    bool held;          /* objects were left: somebody keeps them (a backup) */
};

/* *ret holds what was done so far also when it fails. */
int collect_run(struct registry *r, const struct collect_options *o, struct collect_result *ret,
                struct err *e);

#endif
