/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modelpack: the CNCF ModelPack packaging: one file, one layer.
 *
 * Writing is deterministic: the same files, name and facts give the same bytes on every machine
 * (times and owners are constant), so that a second push of the same model has the same digest.
 * Reading is the business of model/pack.h.
 * Source: CNCF model-spec (model-config schema, annotations), OCI image-spec. Pure; any thread.
 */
#ifndef HAVEN_MODEL_MODELPACK_H
#define HAVEN_MODEL_MODELPACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "model/facts.h"
#include "model/kind.h"
#include "oci/manifest.h"

#define MODELPACK_TYPE_MANIFEST "application/vnd.cncf.model.manifest.v1+json"
#define MODELPACK_TYPE_CONFIG   "application/vnd.cncf.model.config.v1+json"

/* One file of a model. */
struct modelpack_file {
    struct str path;
    enum model_kind kind;
    bool guessed;         /* the kind was */
    struct digest digest; /* of the layer: of the file itself where the layer is raw */
    uint64_t size;        /* of the file, bytes */
    bool tar;             /* writing only: the layer is a tar of this one file */
    uint64_t layer_size;  /* writing a tar only: bytes of the layer */
    bool has_diff_id;     /* writing a compressed layer only: the digest of its content */
    struct digest diff_id;
    uint32_t mode;    /* permission bits; written as 0644 or 0755 */
    int64_t mtime_ms; /* reading only: UTC, 0 when unknown or constant */
};

/* Order of layers: by kind, then bytewise by path. For qsort over struct modelpack_file. */
int modelpack_file_cmp(const void *a, const void *b);

/* The config and the manifest of files (sorted, at least one, digests known), appended to out; the
 * facts resolved. Strictly to the schema: what is known and has no place there is left out. LIMIT
 * when out's ceiling is passed (LIMIT_MANIFEST for a manifest). */
int modelpack_write_config(struct buf *out, const struct model_facts *facts,
                           const struct modelpack_file *files, size_t n, struct err *e);
int modelpack_write_manifest(struct buf *out, const struct model_facts *facts,
                             struct str config_bytes, const struct modelpack_file *files, size_t n,
                             struct err *e);

/* A Git LFS pointer: the stand-in text of a file that was never fetched. head: the file's
 * beginning. */
bool modelpack_is_lfs_pointer(struct str head);
/* Pointers are shorter than this (git-lfs specification: less than 1024 bytes). */
#define MODELPACK_LFS_MAX 1024

#endif
