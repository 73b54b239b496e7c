/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name: repository names, tags, references, media types and artifact types as values made only by
 * parsing. Source: OCI distribution-spec "Pulling manifests" (grammar), image-spec descriptor.md,
 * RFC 6838 4.2.
 */
#ifndef HAVEN_OCI_NAME_H
#define HAVEN_OCI_NAME_H

#include "base/digest.h"
#include "base/limits.h"

/* "project/repo/more": lower-case components joined by '/', at most LIMIT_REPO_NAME bytes. */
struct repo_name {
    char text[LIMIT_REPO_NAME + 1];
    size_t project_n; /* length of the first component */
};
struct tag {
    char text[LIMIT_TAG + 1];
};
struct media_type {
    char text[LIMIT_MEDIA_TYPE + 1]; /* lower case, parameters cut off */
};
/* A tag or a digest. */
struct reference {
    bool is_digest;
    struct tag tag;
    struct digest digest;
};

int repo_name_parse(struct str s, struct repo_name *ret, struct err *e); /* NAME_INVALID */
struct str repo_name_str(const struct repo_name *n);
struct str repo_name_project(const struct repo_name *n); /* first component */
struct str
repo_name_rest(const struct repo_name *n); /* behind the first '/', empty if there is none */
/* A project name that the registry keeps for itself (DESIGN "Names"): api v2 c service … */
bool repo_name_reserved(struct str project);

int tag_parse(struct str s, struct tag *ret, struct err *e);               /* TAG_INVALID */
int media_type_parse(struct str s, struct media_type *ret, struct err *e); /* MANIFEST_TYPE */
/* What holds ':' is a digest, never a tag. DIGEST_INVALID or TAG_INVALID. */
int reference_parse(struct str s, struct reference *ret, struct err *e);
struct str reference_str(const struct reference *r);

/* The referrers fallback tag of a digest: algorithm (32) '-' encoded (64), characters that tags do
 * not permit replaced by '-'. OCI distribution-spec "Referrers Tag Schema". */
void tag_for_referrers(const struct digest *subject, struct tag *ret);

/* A client's full reference: [scheme://]host[:port]/name[:tag][@digest]; default tag "latest". The
 * first component must look like a host (a dot, a port, brackets, "localhost") unless a scheme
 * stands before it. With a digest ref is the digest; a tag written beside it is left in ref.tag. */
struct remote_ref {
    char scheme[6]; /* "https", "http", or empty when none was written */
    char host[256]; /* lower case, with the port if one was written */
    struct repo_name repo;
    /* The repository as it was written, where that is a display id and no name (display.h), which
     * repo is made of then; else empty. */
    char display[LIMIT_REPO_NAME + 1];
    struct reference ref;
};
int remote_ref_parse(struct str s, struct remote_ref *ret, struct err *e); /* NAME_INVALID, … */

#endif
