/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes: what is shown of the configuration of an artifact, by its kind: Harbor's extra_attrs.
 *
 * One kind of artifact that has rules of its own is a row of the table in attributes.c; all others
 * are taken as what their users have made up: the whole configuration, less the keys that its
 * descriptor asks to leave out, with what its descriptor says besides. Configurations come from
 * strangers; what cannot be read is not shown. Source: Harbor's processors of artifacts.
 */
#ifndef HAVEN_REGISTRY_ATTRIBUTES_H
#define HAVEN_REGISTRY_ATTRIBUTES_H

#include "registry/registry.h"

/* The configuration's type that stands for WebAssembly, also where annotations say so. */
#define WASM_CONFIG "application/vnd.wasm.config.v1+json"

/* An OCI image that its annotations call a WebAssembly module. */
bool attributes_is_wasm(const struct oci_manifest *m);
/* What an index says that it is in the annotation that CNAB has for it; empty: nothing. */
struct str attributes_index_type(const struct oci_manifest *m);

/* A JSON object in the arena; STR_NULL: nothing is known. Outside of a transaction: reads the
 * configuration, of a CNAB bundle that of the member that holds it. */
struct str attributes_read(struct registry *r, struct arena *a, const struct repo_name *repo,
                           const struct oci_manifest *m, struct str kind);

#endif
