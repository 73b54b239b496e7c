/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shards: the index of a model that lies in several files (model.safetensors.index.json, and
 * pytorch_model.bin.index.json, which has the same form): {"metadata": {…}, "weight_map": {tensor:
 * file}}. The index comes from strangers; files are named relative to its directory and checked as
 * every path of a model (model/path.h). Pure; any thread.
 */
#ifndef HAVEN_MODEL_SHARDS_H
#define HAVEN_MODEL_SHARDS_H

#include "base/arena.h"
#include "model/reader.h"
#include "model/weights.h"

struct shard_tensor {
    struct str name, file;
};

/* Everything lies in the arena. */
struct shards {
    struct str *files; /* sorted bytewise, each once */
    size_t n_files;
    struct shard_tensor *tensors; /* sorted by name, each once */
    size_t n_tensors;
    uint64_t total_size; /* bytes of all tensors as the writer counted them; 0: not said */
};

/* The path is called like such an index: "….safetensors.index.json", "….bin.index.json" and the
 * like.
 */
bool shards_is_index(struct str path);

/* MODEL_INVALID: not such an index, a tensor twice, a path that may not be; LIMIT. */
int shards_read(struct arena *a, const struct model_reader *r, struct shards *ret, struct err *e);

/* Every file of the index is among paths, which lie where the index lies. MODEL_INVALID names the
 * first that is missing. */
int shards_check_files(const struct shards *s, const struct str *paths, size_t n, struct err *e);
/* Every tensor that the index has in `file` is there. MODEL_INVALID names file and tensor. */
int shards_check_tensors(const struct shards *s, struct str file, const struct weights *w,
                         struct err *e);

#endif
