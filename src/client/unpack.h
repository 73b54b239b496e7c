/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: the members of an archive that comes by go to partial files of their own.
 * One thread at a time.
 */
#ifndef HAVEN_CLIENT_UNPACK_H
#define HAVEN_CLIENT_UNPACK_H

#include "client/contents.h"
#include "client/place.h"
#include "model/inflate.h"
#include "model/members.h"
#include "model/untar.h"

#include <stdatomic.h>

struct unpack {
    const struct place *place;
    const struct digest *digest; /* of the layer: the partial files have its name */
    struct members *archive;
    struct contents *contents; /* NULL: they are not remembered */
    int fd;                    /* of the member that comes by, -1: it is not wanted */
    uint64_t at;               /* in it */
};

void unpack_init(struct unpack *u, const struct place *place, const struct digest *digest,
                 struct members *archive);
void unpack_autodone(struct unpack *u);
/* For struct untar_sink. NO_SPACE before a member that does not fit. */
int unpack_entry(void *self, const struct tar_entry *entry, struct err *e);
int unpack_content(void *self, const void *p, size_t n, struct err *e);
/* The last member is complete. */
int unpack_end(struct unpack *u, struct err *e);

/* The whole of a compressed archive in an open file, whose digest was found right. What it holds is
 * remembered in place->memo. cancel: see transfer.h. */
int unpack_file(const struct place *place, const struct digest *digest, struct members *archive,
                int fd, uint64_t size, enum inflate_kind kind, const atomic_bool *cancel,
                struct err *e);

#endif
