/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: a copy of a registry in another directory, made while it works, and the way back.
 *
 *     TARGET/blobs/sha256/ab/<64 hex>      objects, once for all snapshots
 *     TARGET/snapshots/20261127T083000Z.db the database of one moment, with all that it needs above
 *     TARGET/lock                          held (flock) while a backup or a restore runs
 *
 * The database is copied as it is at one moment; then the objects that it knows and TARGET has not,
 * hashed while they are copied. Only then does the snapshot get its name. Nothing is removed from
 * the registry meanwhile (store/hold.h), and no push waits. What an interrupted one has copied the
 * next one does not copy again.
 */
#ifndef HAVEN_REGISTRY_BACKUP_H
#define HAVEN_REGISTRY_BACKUP_H

#include "registry/registry.h"

#include <stdatomic.h>

#define BACKUP_NAME_MAX 32
#define BACKUP_KEEP_MAX 1000
/* In a data directory: a restore into it is not finished. */
#define BACKUP_RESTORING "restoring.db"

struct backup_progress {
    uint64_t objects, bytes;             /* looked at */
    uint64_t copied, copied_bytes;       /* of these */
    uint64_t total_objects, total_bytes; /* to look at */
};

struct backup_options {
    int target;    /* descriptor of TARGET */
    bool verify;   /* hash what is there already, too */
    unsigned keep; /* snapshots that stay, the new one included; 0: all */
    const atomic_bool *stop;
    /* An object that could not be copied: the others are. */
    void (*problem)(void *self, const char *line);
    void (*progress)(void *self, const struct backup_progress *p); /* may be NULL */
    void *self;
};

struct backup_result {
    char name[BACKUP_NAME_MAX]; /* of the snapshot */
    struct backup_progress done;
    uint64_t problems;
    uint64_t dropped;                /* snapshots that went, by keep */
    uint64_t removed, removed_bytes; /* objects that no snapshot needs any more */
};

/* data_dir: of the registry; db_name: what databases of registries are called. 0 also with
 * problems; CONFLICT: another one works on TARGET, or TARGET holds a registry. */
int backup_run(struct registry *r, int data_dir, const char *db_name,
               const struct backup_options *o, struct backup_result *ret, struct err *e);

/* Into an empty data directory, or one in which the same was interrupted. name: a snapshot, or NULL
 * for the newest; db_name: what the database is called. keep is not looked at. NOT_FOUND: no such
 * snapshot; CONFLICT: the directory holds a registry. */
int backup_restore(int data_dir, const char *db_name, const char *name,
                   const struct backup_options *o, struct backup_result *ret, struct err *e);

/* The names of the snapshots, oldest first, in the arena. */
int backup_list(int target, struct arena *a, const char *const **ret, size_t *ret_n, struct err *e);

#endif
