/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: do the database and the files say the same, does anything leak, is each total what it
 * counts? Runs beside a server and beside a collection (which removes no file meanwhile).
 *
 * A repair makes things no worse for anybody: what is unknown is put aside, what nobody needs goes,
 * and what cannot be served is withdrawn: blob and memberships no longer claim the bytes, so that a
 * client that pushes is not told that they are here. Manifests and tags stay; a pull says which
 * blob is unknown until somebody pushes it again.
 */
#ifndef HAVEN_REGISTRY_CHECK_H
#define HAVEN_REGISTRY_CHECK_H

#include "registry/registry.h"

#include <stdatomic.h>

enum check_kind {
#define X(kind, repair) CHECK_##kind,
#include "registry/check.def"
#undef X
    CHECK_KINDS
};

/* The word for a kind, and what a repair does (NULL: nothing is safe). */
const char *check_kind_name(enum check_kind kind);
const char *check_kind_repair(enum check_kind kind);

struct check_problem {
    enum check_kind kind;
    const char *what;   /* "object sha256:…", "blob sha256:…", "uploads/x" */
    const char *why;    /* in words */
    const char *needed; /* who needs it: "library/a@sha256:…", several with ", "; may be empty */
    bool repaired;
};

struct check_progress {
    uint64_t objects, blobs, documents; /* looked at */
    uint64_t bytes;                     /* hashed */
};

struct check_options {
    int data_dir; /* for the hold (store/hold.h) */
    bool verify;  /* hash every object, composed blob and manifest */
    bool repair;
    int64_t grace_ms; /* files without a row that are younger may belong to a push */
    uint64_t rate;    /* bytes hashed a second; 0: no limit */
    struct str
        after; /* objects behind this digest only: goes on where an earlier one was stopped */
    const atomic_bool *stop;
    void (*problem)(void *self, const struct check_problem *p);
    void (*progress)(void *self, const struct check_progress *p, const struct digest *at);
    void *self;
};

struct check_result {
    struct check_progress seen;
    uint64_t problems, repaired;
};

/* 0: it came to its end, whatever it found. CANCELLED, and errors that keep it from looking. */
int check_run(struct registry *r, const struct check_options *o, struct check_result *ret,
              struct err *e);

#endif
