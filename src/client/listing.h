/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing: the lists of a registry, followed from page to page: repositories, tags, referrers.
 * OCI distribution-spec "Listing Tags", "Listing Referrers"; docker's /v2/_catalog.
 *
 * Registries are strangers: pages lead on within the registry only, their number and the memory of
 * all names have ceilings, and what is no name or tag is refused (REMOTE), so that a terminal may
 * show them. One call runs on its caller's thread.
 */
#ifndef HAVEN_CLIENT_LISTING_H
#define HAVEN_CLIENT_LISTING_H

#include "client/transport.h"
#include "oci/manifest.h"

struct listing {
    struct str *names; /* in the registry's order; in the arena */
    size_t n;
};

/* Every repository that the caller may see. DENIED, UNSUPPORTED … as the registry says. */
int listing_catalog(struct transport *t, struct arena *a, struct listing *ret, struct err *e);
/* The tags of a repository; NAME_UNKNOWN. */
int listing_tags(struct transport *t, enum transport_access access, const char *repo,
                 struct arena *a, struct listing *ret, struct err *e);

struct listing_referrers {
    struct oci_descriptor *items; /* in the arena */
    size_t n;
    bool supported; /* false: the registry does not have this list (n is 0 then) */
};
int listing_referrers(struct transport *t, enum transport_access access, const char *repo,
                      const struct digest *subject, struct arena *a, struct listing_referrers *ret,
                      struct err *e);

/* The address that a Link field (RFC 8288) calls next, or STR_NULL. A view into the field. */
struct str listing_link_next(struct str field);

#endif
