/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of backup share. Not for other directories. */
#ifndef HAVEN_REGISTRY_BACKING_H
#define HAVEN_REGISTRY_BACKING_H

#include "registry/backup.h"
#include "registry/internal.h"

struct backing {
    const struct backup_options *o;
    struct backup_result *ret;
    struct store *from, *to;
    struct db *db;    /* of the snapshot */
    uint64_t missing; /* bytes that are to be copied */
};

int backup_go_on(const struct backup_options *o, struct err *e); /* CANCELLED */
/* Copies what the snapshot knows and `to` has not; NO_SPACE before it begins. backup_copy.c */
int backup_copy(struct backing *b, int to_dir, struct err *e);

#endif
