/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy: an artifact with everything that it names, from one endpoint to another, byte for byte: the
 * digest stays the same.
 *
 * First every manifest is read (copy_plan.h), then the blobs go over, several at a time, and then
 * the manifests, children before parents and the one that was asked for last: under its tag there
 * is all or nothing. Blobs that the target has are skipped, and those that it can take from another
 * of its repositories are mounted. Each is held against its digest on the way; a wrong one is never
 * concluded at the target. Nothing is written to the disk in between.
 *
 * Left out: layers that registries need not hold (OCI nondistributable, docker foreign).
 */
#ifndef HAVEN_CLIENT_COPY_H
#define HAVEN_CLIENT_COPY_H

#include "client/endpoint.h"
#include "client/memo.h"

struct copy_options {
    unsigned threads; /* 0: TRANSFER_THREADS */
    bool referrers;   /* with what refers to it (signatures, …), and what refers to that, also by
                         cosign's tags (sha256-HEX.sig, .att, .sbom) */
    struct str platform; /* "os/architecture[/variant]" of an index; empty: all of it */
    const struct repo_name *mount_from; /* the source lies in the target's registry; NULL: not */
    const struct memo
        *memo; /* uploads that broke are taken up by a later run; NULL: they are not */
};

struct copy_result {
    struct digest digest; /* of the manifest that was copied */
    bool already;         /* the target's tag named it before: nothing was done */
    size_t manifests;     /* in all */
    size_t left_out;      /* layers */
};

/* to_tag NULL: the target is named by digest alone, to_digest (may be NULL) is what it has to be.
 * Errors: MANIFEST_UNKNOWN, DIGEST_INVALID, MANIFEST_INVALID, LIMIT, and the endpoints'. */
int copy_artifact(struct endpoint *from, const struct reference *what, struct endpoint *to,
                  const struct tag *to_tag, const struct digest *to_digest,
                  const struct copy_options *options, struct transfer *x, struct copy_result *ret,
                  struct err *e);

#endif
