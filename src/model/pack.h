/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: what a manifest says that it holds, whatever tool has packed it.
 *
 * One packaging is one file and one row of a table (modelpack, cnai, kitops, docker, ollama, chart,
 * image, oras). Each turns a manifest into the same list of layers; what is inside archives is
 * known only when they are read. Manifests come from strangers: digests and sizes are checked by
 * oci_manifest_parse, paths by model_path_check, counts by limits.h. Pure; any thread.
 *
 * Names of files whose layers carry none:
 * - Ollama, told by type: model.gguf, adapter.gguf, mmproj.gguf, draft.gguf, template, system,
 *   params.json, messages.json, license. Tensors and JSON files have the descriptor's `name`.
 * - Docker, told by type: model.gguf, model.safetensors, model.dduf, adapter.gguf, mmproj.gguf,
 *   chat_template.jinja, LICENSE.
 * - Of several layers of one type the second is license-2, adapter-2.gguf and so on; several
 *   weights are shards: model-00001-of-00003.gguf.
 * - oras and artifacts of a user's own types: sha256-HEX, the digest; the same content once.
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
    const char *form;          /* "modelpack", "cnai", "kitops", "docker", "ollama", "chart",
                                  "image", "oras" */
    struct pack_layer *layers; /* in the manifest's order */
    size_t n_layers;
    bool ordered; /* archives: later layers replace and delete files of earlier ones (OCI image
                     layers) */
    /* The config document, for facts. */
    bool has_config;
    struct oci_descriptor config;
};

/* Which packaging, and its layers; they are fewer than the manifest's when some hold no file. Paths
 * of raw layers are checked as a set too. MODEL_INVALID: a hostile or missing path, an absurd size,
 * no layer, an encoding that cannot be read; an index is refused (choose a manifest first). */
int pack_read(struct arena *a, const struct oci_manifest *m, struct pack *ret, struct err *e);

/* Which manifest of an index to take. platform "os/architecture[/variant]": that one; empty: the
 * one for Linux on this machine's processor, else the only one, else the only one that names no
 * platform. What holds no files for anybody (attestations: unknown/unknown) is passed over. *ret
 * may be an index again. MODEL_INVALID: none fits; the message lists what there is. */
int pack_choose(const struct oci_manifest *index, struct str platform,
                const struct oci_descriptor **ret, struct err *e);

#endif
