/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push: a model directory packed (pack_dir.h) and sent to a registry, or written to an OCI image
 * layout. An upload that breaks goes on from where the registry stands, within the same run and in
 * a later one.
 */
#ifndef HAVEN_CLIENT_PUSH_H
#define HAVEN_CLIENT_PUSH_H

#include "client/pack_dir.h"
#include "client/pick.h"
#include "client/transfer.h"
#include "client/transport.h"

struct push_options {
    struct transport_options transport; /* cancel is set here; not for layouts */
    struct pick_options pick;           /* which files */
    enum pack_form form;
    const char *const *set; /* facts, each KEY=VALUE (model_facts_set) */
    size_t n_set;
    unsigned threads;   /* 0: TRANSFER_THREADS */
    int64_t created_ms; /* time of creation to write down, UTC; 0: none, reproducible */
    const struct transfer_events *events;
    /* What a file says wrong about the model, when all is done. May be NULL. */
    void (*warning)(void *self, struct str text);
    void *self;
};

struct push_result {
    struct digest digest; /* of the manifest */
    struct transfer_state state;
};

/* ref must name a tag, or the digest that the manifest turns out to have. Errors: MODEL_INVALID,
 * LIMIT (the directory), UNAUTHORIZED, DENIED, NETWORK, REMOTE and the registry's own codes. */
int push_dir(const char *dir, const struct remote_ref *ref, const struct push_options *options,
             struct push_result *ret, struct err *e);

/* The same into the layout in a directory, made if missing. The model's name is that of its
 * directory. */
int push_to_layout(const char *dir, const char *layout, const struct tag *tag,
                   const struct push_options *options, struct push_result *ret, struct err *e);

#endif
