/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar_plan: an archive of files that exists only as a description: where each header, each content
 * and the padding between them stand. With it the archive is read at any position straight from the
 * files, and nothing is copied. The bytes are those of tar_header_write, so that the same files
 * give the same digest on every machine. Pure; any thread.
 */
#ifndef HAVEN_MODEL_TAR_PLAN_H
#define HAVEN_MODEL_TAR_PLAN_H

#include "base/arena.h"

struct tar_member {
    struct str path;
    uint64_t size; /* bytes of content */
    uint32_t mode;
    size_t file;       /* the caller's number of the file */
    struct str header; /* all header blocks, in the arena */
    uint64_t header_at, content_at;
};

struct tar_plan {
    struct tar_member *members; /* bytewise by path */
    size_t n;
    uint64_t size; /* of the archive, its end included */
};

/* Fills what is missing of members (path, size, mode and file are given) and sorts them; they and
 * their paths are borrowed. LIMIT: the archive would be larger than a blob may be, or the headers
 * than the arena. n may be 0. */
int tar_plan_make(struct arena *a, struct tar_member *members, size_t n, struct tar_plan *ret,
                  struct err *e);

/* What stands at a position: n bytes of a member's content from `from`, or n bytes that are known
 * (header, padding, end). */
struct tar_piece {
    const struct tar_member *member; /* NULL: known bytes */
    uint64_t from;
    const char *bytes;
    uint64_t n; /* at least 1, at most what was asked for */
};
/* at: below plan->size; max: at least 1. */
struct tar_piece tar_plan_at(const struct tar_plan *plan, uint64_t at, uint64_t max);

#endif
