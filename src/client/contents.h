/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contents: what a compressed archive holds, remembered between runs (memo.h), so that a pull need
 * not fetch an archive again to see that all of its files are in place. It is a fact about the
 * archive's digest and depends on nothing else. One thread at a time.
 */
#ifndef HAVEN_CLIENT_CONTENTS_H
#define HAVEN_CLIENT_CONTENTS_H

#include "client/memo.h"
#include "client/place.h"
#include "model/members.h"

/* The list as it is made while an archive is unpacked. */
struct contents {
    struct buf bytes;
    struct hash hash; /* of the file that comes by */
    bool in_file;
};

void contents_init(struct contents *c);
void contents_autodone(struct contents *c);
/* The next member; then its bytes. */
void contents_entry(struct contents *c, const struct tar_entry *t);
void contents_bytes(struct contents *c, const void *p, size_t n);
/* The archive is complete and has this digest. Lists that are too long are not kept. */
void contents_keep(struct contents *c, const struct memo *memo, const struct digest *archive);

/* 1: a is filled, and each of its wanted files is in place with the right content (present is set);
 * 0: not known, or not all are there (a is empty); -1 error. */
int contents_find(const struct memo *memo, const struct digest *archive, const struct place *place,
                  struct members *a, struct err *e);

#endif
