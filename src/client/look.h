/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: what is in an artifact, found out without fetching it: its manifest and config, and by
 * ranges the headers of the archives and of the weights in it.
 *
 * Manifest and config are verified by their digests; the bytes of a range cannot be. What is wrong
 * inside of a layer is a warning and the rest is told all the same; a registry that knows no ranges
 * is an error, rather than that whole models are fetched.
 */
#ifndef HAVEN_CLIENT_LOOK_H
#define HAVEN_CLIENT_LOOK_H

#include "client/endpoint.h"
#include "model/facts.h"
#include "model/pack.h"
#include "model/weights.h"

/* A file of a model, wherever it lies. */
struct look_file {
    struct str
        path;      /* NUL-ended; an archive that was not looked into: what it is called, or empty */
    uint64_t size; /* bytes; of an archive that was not looked into: of the blob */
    bool known;    /* its format is one that is read here; else weights is empty */
    bool counts;   /* its weights are among the totals (model/series.h) */
    struct weights weights;
    /* Of files in artifacts, and the kind of those in directories too: */
    bool has_kind;
    enum model_kind kind;
    bool in_layer; /* the next two are set */
    struct digest layer;
    const char *encoding; /* of the layer: "raw", "tar", "tar+gzip", "tar+zstd" */
    bool closed;          /* an archive that was not looked into */
};

struct look {
    struct arena *arena; /* everything lies there but the facts */
    struct look_file *files;
    size_t n_files, cap_files;
    struct weight_totals totals; /* look_sum */
    struct model_facts facts;
    /* Of artifacts: */
    struct digest digest; /* of what was named: an index as well as a manifest */
    struct digest manifest;
    const char *form; /* see pack.h; NULL: it is no artifact */
};

void look_init(struct look *l, struct arena *a);
void look_autodone(struct look *l);
/* Room for one more file, zeroed; LIMIT. */
struct look_file *look_add(struct look *l, struct err *e);
/* Adds up the weights that count. */
void look_sum(struct look *l);

/* Fills all of it. platform: see pack_choose. Errors: the endpoint's, MODEL_INVALID, LIMIT. */
int look_artifact(struct look *l, struct endpoint *p, const struct reference *ref,
                  struct str platform, struct err *e);

#endif
