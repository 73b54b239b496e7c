/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_layers: which blobs the files of a directory become.
 *
 * ModelPack has a layer for each file, raw or as a tar of its own. A model of more than
 * PACK_LAYERS_MANY files would need a manifest that registries refuse, and requests without end:
 * there, small files of one kind lie side by side in tars (KIND-files-N.tar), which every reader of
 * ModelPack unpacks to the same files. Cards, licences and configs in the directory itself keep
 * layers of their own, where registries look for them. The mountable form groups by itself
 * (model/cnai_image.h). The same files always give the same layers. Pure; any thread.
 */
#ifndef HAVEN_CLIENT_PACK_LAYERS_H
#define HAVEN_CLIENT_PACK_LAYERS_H

#include "client/local.h"
#include "model/cnai_image.h"

/* More files than this share layers. */
#define PACK_LAYERS_MANY 2000
/* Files up to this size do so, in archives of about this one. */
#define PACK_LAYERS_SMALL   (1ull << 20)
#define PACK_LAYERS_ARCHIVE (32ull << 20)
/* So many files of the directory itself keep layers of their own. */
#define PACK_LAYERS_ROOT 256

enum pack_form {
    PACK_FORM_RAW,  /* ModelPack: a layer is a file */
    PACK_FORM_TAR,  /* ModelPack: a layer is a tar of one file */
    PACK_FORM_IMAGE /* the mountable form */
};

/* What becomes a blob. */
struct pack_layer_blob {
    struct tar_plan plan; /* n == 0: the file is the layer; members[].file as below */
    size_t file;          /* its number in the list of files; of archives the first one's */
    uint64_t size;        /* of the blob */
    struct digest digest; /* the caller's, once it is known */
    size_t entry;         /* in entries or image */
};

struct pack_layers {
    struct pack_layer_blob
        *blobs; /* large ones first, so that no thread is left with one at the end */
    size_t n;
    /* What the manifest lists: of these two one is there. */
    struct modelpack_file *entries;
    size_t n_entries;
    struct cnai_layer *image;
    size_t n_image;
};

/* Everything lies in the arena; paths are borrowed from the files. MODEL_INVALID, LIMIT. */
int pack_layers_plan(struct arena *a, const struct local_files *l, enum pack_form form,
                     struct pack_layers *ret, struct err *e);
/* The digests of the blobs go to what the manifest lists. */
void pack_layers_digests(struct pack_layers *p);

#endif
