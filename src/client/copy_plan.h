/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_plan: what belongs to an artifact: its manifests, read from an endpoint, and the blobs that
 * they name. Manifests are strangers' words: their number, their memory and the depth of their
 * nesting have ceilings (limits.h).
 */
#ifndef HAVEN_CLIENT_COPY_PLAN_H
#define HAVEN_CLIENT_COPY_PLAN_H

#include "client/endpoint.h"

struct copy_node {
    struct arena arena; /* of all below */
    struct digest digest;
    int64_t size; /* as whoever names it says, -1: nobody did */
    struct str bytes;
    struct oci_manifest doc;
    size_t *children; /* of an index: nodes */
    size_t n_children;
    unsigned depth;
    unsigned height; /* over its lowest leaf, which has 1 */
    bool refers;     /* it is here because it refers to another */
    struct oci_descriptor *referrers;
    size_t n_referrers;
};

struct copy_blob {
    struct digest digest;
    uint64_t size;
    const struct oci_descriptor *as; /* one that names it */
};

struct copy_plan {
    struct copy_node **nodes; /* the first is what was asked for; they do not move */
    size_t n_nodes, cap_nodes;
    struct copy_blob *blobs; /* each once, large ones first */
    size_t n_blobs, cap_blobs;
    uint64_t bytes;  /* of all blobs */
    size_t left_out; /* layers that registries need not hold */
    unsigned height; /* the greatest there is */
    _Atomic(size_t) memory;
};

struct copy_plan_options {
    unsigned threads;
    bool referrers;
    struct str platform; /* see copy.h */
};

/* Reads the first manifest (and the one of the platform that is wanted): nodes[0]. */
int copy_plan_begin(struct copy_plan *p, struct endpoint *from, const struct reference *what,
                    struct str platform, struct err *e);
/* … and all the rest. */
int copy_plan_complete(struct copy_plan *p, struct endpoint *from,
                       const struct copy_plan_options *options, struct transfer *x, struct err *e);
void copy_plan_autodone(struct copy_plan *p);

#endif
