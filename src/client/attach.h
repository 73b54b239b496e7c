/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach: an artifact about another one, its subject: any files, or none but annotations. Written
 * over endpoint.h, so that registries (with or without a list of referrers) and layouts take it
 * alike. Source: OCI image-spec manifest.md "Guidelines for Artifact Usage".
 *
 * The same files and annotations make the same artifact; what is there already is not sent again.
 */
#ifndef HAVEN_CLIENT_ATTACH_H
#define HAVEN_CLIENT_ATTACH_H

#include "client/endpoint.h"

struct attach_options {
    const char *type;       /* of the artifact */
    const char *media_type; /* of every file */
    const char *const *files;
    size_t n_files;                     /* 0: it says what its annotations say */
    struct oci_annotation *annotations; /* each key once; borrowed */
    size_t n_annotations;
    unsigned threads; /* files at a time; 0: TRANSFER_THREADS */
};
struct attach_file {
    struct str name; /* the last part of its path */
    struct digest digest;
    uint64_t size;
    bool present; /* it was there already */
};
struct attach_result {
    struct digest digest, subject;
    struct attach_file *files;
};

/* To the manifest that ref names; x counts. In the arena. MANIFEST_UNKNOWN: there is none; IO,
 * MODEL_INVALID: a file cannot be read, is none, is called as another one, or changes meanwhile;
 * LIMIT. */
int attach_artifact(struct endpoint *p, const struct reference *ref, const struct attach_options *o,
                    struct transfer *x, struct arena *a, struct attach_result *ret, struct err *e);

#endif
