/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe: what is behind the names of a list: digest, type and size of each, several asked for at
 * a time.
 */
#ifndef HAVEN_CLIENT_DESCRIBE_H
#define HAVEN_CLIENT_DESCRIBE_H

#include "client/endpoint.h"

struct description {
    bool there; /* false: it went away meanwhile */
    struct digest digest;
    struct str media_type; /* of the manifest */
    struct str type;       /* what the artifact says it is; may be empty */
    bool is_index;
    size_t manifests; /* of an index: how many it names */
    uint64_t size;    /* manifest, config and layers; of an index, the manifests that it names */
};

/* ret: n of them, strings in the arena. Manifests that cannot be read (of unknown types) have no
 * type; other errors end it. */
int describe(struct endpoint *p, const struct endpoint_entry *entries, size_t n, unsigned threads,
             struct transfer *x, struct arena *a, struct description *ret, struct err *e);

/* Which of the entries have this digest, asking for what is not known: the others are taken out of
 * the list, *n is how many are left. */
int describe_same(struct endpoint *p, const struct digest *digest, unsigned threads,
                  struct transfer *x, struct endpoint_entry *entries, size_t *n, struct err *e);

#endif
