/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_source: the blobs of the registry for the reader of models (model/source.h), whatever
 * repository holds them: what is read serves nobody but is kept with the manifest that names them.
 * The object that was read last stays open. One thread at a time.
 */
#ifndef HAVEN_REGISTRY_BLOB_SOURCE_H
#define HAVEN_REGISTRY_BLOB_SOURCE_H

#include "model/source.h"
#include "registry/registry.h"

struct blob_source {
    struct registry *registry;
    struct arena arena; /* of the blob that was asked for last */
    struct blob blob;
    bool has_blob;
    int fd; /* of an object; -1 */
    struct digest object;
    bool uncounted; /* by the metrics of the index */
};

void blob_source_init(struct blob_source *s, struct registry *r);
void blob_source_autodone(struct blob_source *s);
/* s must not move. MODEL_INVALID: the blob is not here, or has another size than the manifest says;
 * other errors are those of the store. */
struct model_source blob_source_source(struct blob_source *s);

#endif
