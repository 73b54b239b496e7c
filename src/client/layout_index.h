/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_index: what index.json of an OCI image layout lists (image-spec image-layout.md
 * "index.json file", annotations.md), as a parsed document with a list "manifests". Pure.
 */
#ifndef HAVEN_CLIENT_LAYOUT_INDEX_H
#define HAVEN_CLIENT_LAYOUT_INDEX_H

#include "base/json.h"
#include "client/endpoint.h"

/* The entry that a reference means, or NULL. The only entry of a layout is meant by "latest" too
 * when it has no name: few tools give one. */
const json_t *layout_index_find(const json_t *doc, const struct reference *ref);

/* One entry as a value; strings in the arena. DIGEST_INVALID, LIMIT. */
int layout_index_entry(const json_t *one, struct arena *a, struct endpoint_entry *ret,
                       struct err *e);

/* Lists a manifest, under the tag if there is one; what the tag named before goes.
 * MANIFEST_INVALID. */
int layout_index_add(json_t *doc, struct str bytes, struct str type, const struct digest *digest,
                     const struct tag *tag, struct err *e);

/* Takes a tag away (its manifest stays listed, without a name if need be), or by digest all entries
 * of a manifest. False: there was nothing. */
bool layout_index_remove(json_t *doc, const struct reference *ref);

#endif
