/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive: a tar of files of a model directory as something that a blob is read from. The archive
 * is never made: header, content and padding come from its plan and straight from the files, one of
 * which is open at a time. Each file must be what it was when it was found. One thread.
 */
#ifndef HAVEN_CLIENT_ARCHIVE_H
#define HAVEN_CLIENT_ARCHIVE_H

#include "client/local.h"
#include "model/tar_plan.h"

struct archive {
    const struct tar_plan *plan; /* member.file: the number in l->files */
    const struct local_files *l;
    int fd;      /* of the file that is open, -1: none */
    size_t file; /* its number */
};

/* Both are borrowed. */
void archive_init(struct archive *a, const struct tar_plan *plan, const struct local_files *l);
void archive_autodone(struct archive *a);

/* As blob_source.read and .check; self is the archive. */
int archive_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e);
int archive_check(void *self, struct err *e);

#endif
