/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cnai_image: a model as an artifact that is a container image too, so that container runtimes can
 * mount it as a volume: type and annotations of the CNAI draft of November 2024 around layers and a
 * config of an ordinary OCI image.
 *
 * Layers are uncompressed archives, so that a layer's digest is its diff_id as well. Runtimes stack
 * at most CNAI_IMAGE_LAYERS of them (overlayfs): large files have a layer each while they fit, what
 * is small is one layer per kind. Everything is deterministic. Pure; any thread.
 * Sources: OCI image-spec (config.md, layer.md), the CNAI draft's annotations.
 */
#ifndef HAVEN_MODEL_CNAI_IMAGE_H
#define HAVEN_MODEL_CNAI_IMAGE_H

#include "model/modelpack.h"
#include "model/tar_plan.h"

#define CNAI_TYPE_MANIFEST "application/vnd.cncf.cnai.model.manifest.v1+json"
#define CNAI_TYPE_LAYER    "application/vnd.cncf.cnai.model.layer.v1.tar"

/* As many as every kernel's overlayfs stacks and docker's, podman's and containerd's drivers take.
 */
#define CNAI_IMAGE_LAYERS 127
/* Weights, and whatever has at least this many bytes, are large. */
#define CNAI_IMAGE_LARGE (64ull << 20)
/* The config has to name a processor, although weights run anywhere; it must not depend on the
 * machine that packs. */
#define CNAI_IMAGE_ARCH "amd64"

struct cnai_layer {
    enum model_kind kind;
    struct tar_plan plan; /* members[].file: the number in the list of files */
    struct digest digest; /* of the archive: left to the caller, who reads it */
};

/* Which file goes into which layer: at most CNAI_IMAGE_LAYERS, by kind and then by path. The list
 * of files is left as it is; paths are borrowed. MODEL_INVALID: no file, or a name that images keep
 * for themselves (.wh.…). */
int cnai_image_plan(struct arena *a, const struct modelpack_file *files, size_t n,
                    struct cnai_layer **ret, size_t *ret_n, struct err *e);

/* The image's config and the manifest, digests of the layers known, appended to out. LIMIT when
 * out's ceiling is passed. */
int cnai_image_write_config(struct buf *out, const struct model_facts *facts,
                            const struct cnai_layer *layers, size_t n, struct err *e);
int cnai_image_write_manifest(struct buf *out, const struct model_facts *facts,
                              struct str config_bytes, const struct cnai_layer *layers, size_t n,
                              struct err *e);

#endif
