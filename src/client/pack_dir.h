/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_dir: a model directory becomes an artifact in an endpoint: a ModelPack of raw layers or of
 * tar layers, or a model that container runtimes mount (model/cnai_image.h).
 *
 * The content of each file is read once, hashed while it goes out, several at a time and the
 * largest first; before that the headers of the weights are (weigh.h), for the config; no copy is
 * made, of archives neither (archive.h). Layers of up to PACK_SMALL bytes are held in memory, so
 * that their digest is known before they are sent. Of larger ones of one file the digest may be
 * known from an earlier run (memo.h). A file that changes while it is read is an error.
 */
#ifndef HAVEN_CLIENT_PACK_DIR_H
#define HAVEN_CLIENT_PACK_DIR_H

#include "base/limits.h"
#include "client/endpoint.h"
#include "client/memo.h"
#include "client/pack_layers.h"
#include "client/pick.h"

#define PACK_SMALL (4 * MIB)

struct pack_options {
    enum pack_form form;
    struct str name;                 /* of the model */
    const struct pick_options *pick; /* which files */
    const char *const *set;          /* facts of the user, each KEY=VALUE (model_facts_set) */
    size_t n_set;
    unsigned threads;        /* 0: TRANSFER_THREADS */
    int64_t created_ms;      /* time of creation to write down, UTC; 0: none, reproducible */
    const struct memo *memo; /* NULL: nothing is remembered */
    /* What a file says wrong about the model, when all is done. May be NULL. */
    void (*warning)(void *self, struct str text);
    void *self;
};

/* ref: a tag, or the digest that the manifest turns out to have. *ret: that digest. Errors:
 * USAGE (a fact), MODEL_INVALID, LIMIT (the directory), and the endpoint's. */
int pack_dir(const char *dir, struct endpoint *to, const struct reference *ref,
             const struct pack_options *options, struct transfer *x, struct digest *ret,
             struct err *e);

#endif
