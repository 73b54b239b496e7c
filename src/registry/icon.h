/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icon: the picture of an artifact, a layer that its manifest annotates as that. Which layer it is
 * is found out when the artifact is pushed (describe.h). Any worker thread.
 */
#ifndef HAVEN_REGISTRY_ICON_H
#define HAVEN_REGISTRY_ICON_H

#include "registry/registry.h"

/* The annotation of the layer, whatever its value; the first one counts. */
#define ICON_ANNOTATION "io.goharbor.artifact.v1alpha1.icon"

struct icon {
    const char *type; /* image/png, image/jpeg or image/gif, by its first bytes */
    struct str bytes;
};

/* The digest of the icon of a manifest, in the arena; STR_NULL: it has none that can be shown. */
struct str icon_of(struct registry *r, struct arena *a, const struct repo_name *repo,
                   const struct oci_manifest *m);

/* Who asks for one. */
struct icon_reader {
    bool all;
    int64_t user_id, robot_id;
    const char *permission; /* what a robot must have been given */
};
/* The icon of this digest of an artifact that the caller may see: 1, 0, -1. */
int icon_find(struct registry *r, struct arena *a, const struct icon_reader *who,
              const struct digest *d, struct icon *ret, struct err *e);

#endif
