/* SPDX-License-Identifier: Apache-2.0 */
/* model_files: what was read of an artifact (registry/model.h), for the handlers that show it. */
#ifndef HAVEN_API_HARBOR_MODEL_FILES_H
#define HAVEN_API_HARBOR_MODEL_FILES_H

#include "api/harbor/harbor.h"
#include "base/json.h"

/* A file of a model; the texts lie in the facts. */
struct model_file {
    struct str path;
    struct str encoding; /* of its layer: "raw", "tar", "tar+gzip", "tar+zstd" */
    struct digest layer;
    uint64_t at, size; /* in the (unpacked) layer, bytes */
    uint64_t tensors;
    bool counts;      /* among the weights of the model */
    bool looked_into; /* false: it is a whole layer, an archive that could not be read */
    bool has_digest;  /* of its content: in compressed layers, read since there are some */
    struct digest digest;
};

/* What is told of an artifact, as a description of the stored JSON (model_content.c). */
extern const struct api_object harbor_model_content;

/* The facts of an artifact, alive as long as the request. 1; 0: it was not read yet. */
int harbor_model_facts(struct http_req *rq, const struct artifact_facts *f, const json_t **ret,
                       struct err *e);
/* The same without files and warnings, for lists: `file_count` says how many there are. */
int harbor_model_summary(struct http_req *rq, const struct artifact_facts *f, const json_t **ret,
                         struct err *e);
/* The i-th file of the facts; false: there is none (any more). */
bool harbor_model_file_at(const json_t *facts, size_t i, struct model_file *ret);
/* By its path. */
bool harbor_model_file(const json_t *facts, struct str path, struct model_file *ret);

/* A file as segments for http_reply_content: 1; 0: it lies in a compressed layer, *ret_layer, and
 * was not kept; NOT_FOUND: the repository does not hold its layer. */
int harbor_model_file_segs(struct http_req *rq, const struct artifact_facts *f,
                           const struct model_file *file, struct blob *ret_layer,
                           struct http_seg **ret, size_t *ret_n, struct err *e);

#endif
