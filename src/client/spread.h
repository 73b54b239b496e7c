/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spread: in which files the bytes of a blob are kept while it is fetched.
 *
 * A file that is a blob is kept in one partial file. A tar archive is kept as what it holds: each
 * member in a partial file of its own, headers and padding together in another ("head"), so that
 * the archive itself is never on the disk. Members that nobody wants are kept nowhere.
 *
 * The head is what the spread was made from: bytes that come later must be the same there, else a
 * registry could have the archive taken apart by other headers than those of its digest.
 * A spread is not changed while it is used; any thread, each with a cursor of its own.
 */
#ifndef HAVEN_CLIENT_SPREAD_H
#define HAVEN_CLIENT_SPREAD_H

#include "client/place.h"

#define SPREAD_HEAD UINT32_MAX
#define SPREAD_NONE (UINT32_MAX - 1) /* not kept */

/* n bytes of the blob from `at` on lie in a file from `off` on. */
struct spread_extent {
    uint64_t at, n, off;
    uint32_t file; /* number of a member, or one of the above */
};

struct spread {
    const struct place *place;
    const struct digest *digest;
    int fd;                              /* the one file, or -1: */
    int head;                            /* SPREAD_HEAD */
    const struct spread_extent *extents; /* they cover the blob */
    size_t n;
    bool gaps; /* some bytes are not kept */
};

/* The member's file that was used last. Zeroed is not right: begin with SPREAD_CURSOR. */
struct spread_cursor {
    int fd;
    uint32_t file;
};
#define SPREAD_CURSOR ((struct spread_cursor){.fd = -1})
void spread_cursor_autodone(struct spread_cursor *c);

/* n bytes from `at` on. REMOTE: they differ from the head. */
int spread_write(const struct spread *l, struct spread_cursor *c, const void *p, size_t n,
                 uint64_t at, struct err *e);
/* CORRUPT: they are not there. */
int spread_read(const struct spread *l, struct spread_cursor *c, void *p, size_t n, uint64_t at,
                struct err *e);
/* Are all bytes from `at` to `end` kept? */
bool spread_keeps(const struct spread *l, uint64_t at, uint64_t end);

#endif
