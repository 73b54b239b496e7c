/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe: what an artifact is, found out once, when it is pushed; what an older version did not
 * find out is described after the start.
 */
#ifndef HAVEN_REGISTRY_DESCRIBE_H
#define HAVEN_REGISTRY_DESCRIBE_H

#include "registry/registry.h"

/* Texts are views or lie in the arena; STR_NULL: nothing is known. */
struct description {
    struct str kind, config_type;
    int64_t size;           /* without the members of an index */
    struct str annotations; /* JSON object */
    struct str attributes;  /* JSON object, from the configuration */
    struct str accessory;   /* what it is of another artifact */
    struct digest of;       /* that one, if accessory is set */
    struct str icon;        /* the digest of a layer that is a picture */
};

/* Outside of a transaction: reads the configuration. tag: that it is pushed under, or empty. What
 * cannot be read is left out. */
void describe_read(struct registry *r, struct arena *a, const struct repo_name *repo,
                   const struct oci_manifest *m, size_t manifest_size, struct str tag,
                   struct description *ret);
/* Inside of one: writes it, and what an index says of its members. */
int describe_write(struct db_conn *c, struct arena *a, int64_t repository, int64_t artifact,
                   const struct oci_manifest *m, const struct description *d, struct err *e);

/* Describes some artifacts that an older version left undescribed; *ret_n: how many. */
int registry_describe_some(struct registry *r, size_t *ret_n, struct err *e);

/* kind.c: what an artifact of these types is called. In the arena. */
struct str registry_kind(struct arena *a, struct str artifact_type, struct str config_type,
                         struct str media_type);

#endif
