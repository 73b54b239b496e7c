/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memo_entry: the stored form of one thing that the client remembers between runs (memo.h).
 * Versioned and checksummed: what is cut off, altered or of another version is refused. Pure.
 */
#ifndef HAVEN_CLIENT_MEMO_ENTRY_H
#define HAVEN_CLIENT_MEMO_ENTRY_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/limits.h"

#include <time.h>

#define MEMO_KEY 32 /* bytes of a SHA-256 */

enum memo_kind { MEMO_DIGEST = 1, MEMO_UPLOAD = 2 };

struct memo_entry {
    enum memo_kind kind;
    uint8_t key[MEMO_KEY]; /* what it is about */
    uint64_t size;         /* the file as it was then */
    struct timespec mtime, ctime;
    struct digest digest; /* MEMO_DIGEST: of the file */
    struct hash hash;     /* MEMO_UPLOAD: of the first hash.n bytes of the blob */
    struct str location;  /* MEMO_UPLOAD: the session's address; borrowed */
};

/* More than any entry has. */
#define MEMO_ENTRY_MAX (LIMIT_CLIENT_URL + 1024)

/* Appends it to out (ceiling of at least MEMO_ENTRY_MAX). */
void memo_entry_encode(const struct memo_entry *m, struct buf *out);
/* CORRUPT. The location is a view into bytes. */
int memo_entry_decode(struct str bytes, struct memo_entry *ret, struct err *e);

#endif
