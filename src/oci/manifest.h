/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: image manifests and indexes (OCI and docker v2) read into a value, and checked.
 *
 * Sources: OCI image-spec manifest.md, image-index.md, descriptor.md; distribution-spec "Pushing
 * manifests". A document that is both an index and an image manifest is refused (CVE-2021-41190).
 */
#ifndef HAVEN_OCI_MANIFEST_H
#define HAVEN_OCI_MANIFEST_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "oci/name.h"

#define OCI_TYPE_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_INDEX       "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_EMPTY       "application/vnd.oci.empty.v1+json"
#define DOCKER_TYPE_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_TYPE_INDEX    "application/vnd.docker.distribution.manifest.list.v2+json"

struct oci_annotation {
    struct str key, value;
};

struct oci_descriptor {
    struct str media_type; /* as written */
    struct digest digest;
    int64_t size;             /* >= 0 */
    struct str artifact_type; /* empty if absent */
    struct str name;          /* Ollama's: of a tensor or a file; empty if absent or no text */
    struct str data;          /* base64 text as written, empty if absent */
    bool has_urls;
    struct str platform_os, platform_arch, platform_variant; /* indexes */
    struct oci_annotation *annotations;
    size_t n_annotations;
};

struct oci_manifest {
    bool is_index;
    struct media_type type;
    struct str artifact_type; /* manifest.artifactType, else config.mediaType of an image manifest;
                                 may be empty for an index */
    bool has_config;
    struct oci_descriptor config;
    struct oci_descriptor *items; /* layers, or the manifests of an index */
    size_t n_items;
    bool has_subject;
    struct oci_descriptor subject;
    struct oci_annotation *annotations;
    size_t n_annotations;
};

/* bytes: the document exactly as pushed; content_type: the request's (may be empty: the document's
 * mediaType is taken, and failing that what its members say). Fails with MANIFEST_INVALID (names
 * the field) or MANIFEST_TYPE. All strings lie in the arena. */
int oci_manifest_parse(struct arena *a, struct str bytes, struct str content_type,
                       struct oci_manifest *ret, struct err *e);
/* One of the four manifest types that the registry keeps. */
bool oci_is_manifest_type(struct str media_type);
bool oci_is_index_type(struct str media_type);
/* A layer that registries need not hold (…nondistributable…, docker foreign). */
bool oci_is_foreign_layer(struct str media_type);

/* Writes a descriptor object. */
void oci_descriptor_write(struct json_writer *w, const struct oci_descriptor *d);

#endif
