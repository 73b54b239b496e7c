/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: what a manifest says that it holds, whatever tool has packed it.
 *
 * One packaging is one file and one row of a table (modelpack, cnai, kitops, docker, ollama, image,
 * oras). Each turns a manifest into the same list of layers; what is inside archives is known only
 * when they are read. Manifests come from strangers: digests and sizes are checked by
 * oci_manifest_parse, paths by model_path_check, counts by limits.h. Pure; any thread.
 */
#ifndef HAVEN_MODEL_PACK_H
#define HAVEN_MODEL_PACK_H

#include "base/arena.h"
#include "model/kind.h"
#include "oci/manifest.h"

enum pack_encoding { PACK_RAW, PACK_TAR, PACK_TAR_GZIP, PACK_TAR_ZSTD };

struct pack_layer {
    enum pack_encoding encoding;
    struct digest digest;
    uint64_t size; /* bytes of the blob */
    struct str media_type;
    /* PACK_RAW: the file's path. Archives: what the descriptor says, else empty; members carry
     * their own paths, relative to the root. */
    struct str path;
    bool has_kind; /* else members are told by their names */
    enum model_kind kind;
    bool guessed;     /* the packer had guessed the kind */
    uint32_t mode;    /* PACK_RAW: 0644 or 0755 */
    int64_t mtime_ms; /* PACK_RAW: UTC, 0 when unknown or constant */
};

struct pack {
    const char *form; /* "modelpack", "cnai", "kitops", "docker", "ollama", "image", "oras" */
    struct pack_layer *layers; /* in the manifest's order */
    size_t n_layers;
    bool ordered; /* later layers replace and delete files of earlier ones (OCI image layers) */
    /* The config document, for facts. */
    bool has_config;
    struct oci_descriptor config;
};

/* Which packaging, and its layers. MODEL_INVALID: a hostile or missing path, an absurd size, no
 * layer, an encoding that cannot be read; an index is refused (choose a manifest first). */
int pack_read(struct arena *a, const struct oci_manifest *m, struct pack *ret, struct err *e);

#endif
