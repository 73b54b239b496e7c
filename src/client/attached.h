/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attached: what there is about an artifact: signatures, bills of materials, links. Those that name
 * it as their subject, and what cosign keeps under tags made of its digest. Nothing of them is
 * fetched: what is said of them is what the list says.
 */
#ifndef HAVEN_CLIENT_ATTACHED_H
#define HAVEN_CLIENT_ATTACHED_H

#include "client/endpoint.h"

/* Tags of cosign's for a digest: its signatures, attestations and bills of materials. */
#define ATTACHED_TAGS 3

struct attached {
    struct digest subject, digest;
    const char *kind; /* "signature", "attestation", "sbom", "link"; NULL: another one */
    struct str type;  /* its artifact type, or the media type of its manifest; may be empty */
    struct str tag;   /* one of cosign's; or empty */
    struct str target, relation; /* of a link, as they are written; or empty */
};

/* The i-th tag of cosign's (0 to ATTACHED_TAGS - 1); false: cosign knows none for such a digest. */
bool attached_tag(const struct digest *subject, size_t i, struct tag *ret);

/* Each once, in the arena. The endpoint's errors; LIMIT. */
int attached_find(struct endpoint *p, struct arena *a, const struct digest *subject,
                  struct attached **ret, size_t *ret_n, struct err *e);

#endif
