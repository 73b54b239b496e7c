/* SPDX-License-Identifier: Apache-2.0 */
/*
 * artifact_ref: where an artifact is, as the user writes it: in a registry
 * ([http[s]://]HOST[:PORT]/REPOSITORY[:TAG][@DIGEST], oci/name.h) or in an OCI image layout in a
 * directory (oci:DIR[:TAG][@DIGEST]).
 *
 * What stands behind a layout's last ':' is a tag unless it holds a '/': a directory whose own name
 * holds ':' is written with a '/' behind it.
 */
#ifndef HAVEN_CLIENT_ARTIFACT_REF_H
#define HAVEN_CLIENT_ARTIFACT_REF_H

#include "client/endpoint.h"

#define ARTIFACT_DIR_MAX 4096 /* what the kernel takes for a path */

struct artifact_ref {
    bool is_layout;
    char dir[ARTIFACT_DIR_MAX]; /* of a layout */
    struct remote_ref remote;   /* of a registry */
    struct reference ref;       /* "latest" when nothing was written */
    bool named;                 /* a tag or a digest was written */
};

/* NAME_INVALID, TAG_INVALID. */
int artifact_ref_parse(struct str s, struct artifact_ref *ret, struct err *e);
/* The layout in a directory, named without "oci:"; tag NULL: none was written. */
int artifact_ref_layout(const char *dir, const char *tag, struct artifact_ref *ret, struct err *e);

/* Two of them in the same registry. */
bool artifact_ref_same_registry(const struct artifact_ref *a, const struct artifact_ref *b);

/* "HOST/REPO:TAG", "oci:DIR@DIGEST": as it is meant, into the arena. */
const char *artifact_ref_text(struct arena *a, const struct artifact_ref *r);

enum artifact_access {
    ARTIFACT_READ,
    ARTIFACT_WRITE, /* a layout has to be there */
    ARTIFACT_CREATE /* … or is made */
};
/* Errors: as endpoint_remote and endpoint_layout. */
struct endpoint *artifact_ref_open(const struct artifact_ref *r, enum artifact_access access,
                                   const struct transport_options *options, struct err *e);
/* Which entry of an open layout is meant where no name was written: the only one, else "latest";
 * r->ref becomes its digest, with its tag beside it. Nothing happens to others. MANIFEST_UNKNOWN
 * with the names that there are. */
int artifact_ref_settle(struct artifact_ref *r, struct endpoint *p, struct err *e);

#endif
