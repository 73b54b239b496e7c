/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_target: what a model says it depends on, as cards, annotations and people write it, and how
 * it is said with OCI. Pure; owns nothing.
 *
 *   Qwen/Qwen3-0.6B                               an id of a hub, or a repository of this registry
 *   https://huggingface.co/[datasets/]OWNER/NAME[/…]   the same, as an address
 *   [SCHEME://]HOST[:PORT]/PROJECT/NAME[:TAG][@DIGEST] an artifact of a registry
 *   PROJECT/NAME[:TAG][@DIGEST]                   an artifact of this one
 *
 * A link without files is an artifact about the one that depends (its subject), of the type
 * OCI_TYPE_LINK, with these annotations:
 *   org.opencontainers.image.base.name    the target, as above (image-spec annotations.md)
 *   org.opencontainers.image.base.digest  its digest; may be left out
 *   vnd.haven.link.relation               a name of enum link_relation; may be left out: base
 * Any other artifact says with the first two what it is made of.
 */
#ifndef HAVEN_OCI_LINK_TARGET_H
#define HAVEN_OCI_LINK_TARGET_H

#include "oci/name.h"

#define OCI_TYPE_LINK                "application/vnd.haven.link.v1+json"
#define OCI_ANNOTATION_BASE_NAME     "org.opencontainers.image.base.name"
#define OCI_ANNOTATION_BASE_DIGEST   "org.opencontainers.image.base.digest"
#define OCI_ANNOTATION_LINK_RELATION "vnd.haven.link.relation"

/* What the one that depends is of its target. */
enum link_relation {
    LINK_BASE, /* it is made of it; how is not known */
    LINK_ADAPTER,
    LINK_DATASET, /* it was trained on it */
    LINK_QUANTIZED,
    LINK_FINETUNE,
    LINK_MERGE,
    LINK_RELATED,
    LINK_RELATIONS
};
const char *link_relation_name(enum link_relation r);
/* The relation of this name: true, or false. */
bool link_relation_find(struct str name, enum link_relation *ret);

struct link_target {
    char host[256];                 /* lower case; empty: this registry, or a hub */
    char name[LIMIT_REPO_NAME + 1]; /* lower case, a repository's name or display id; empty: it can
                                       be no artifact of a registry */
    char ref[DIGEST_TEXT_MAX];      /* a tag or a digest; empty: none is named */
};
/* Takes any text apart. */
void link_target_parse(struct str text, struct link_target *ret);
/* Is this a text that may be a target: 1 to LIMIT_LINK_TARGET bytes of UTF-8 without blanks at its
 * ends and without control characters? */
bool link_target_is_text(struct str text);

#endif
