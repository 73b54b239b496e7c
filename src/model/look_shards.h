/* SPDX-License-Identifier: Apache-2.0 */
/* look_shards: models in several files: does everything lie where their indexes, and their own
 * headers, say? What does not is a warning. */
#ifndef HAVEN_MODEL_LOOK_SHARDS_H
#define HAVEN_MODEL_LOOK_SHARDS_H

#include "model/look_files.h"
#include "model/shards.h"

struct look_index {
    struct str path; /* of the index, in the arena of the look */
    struct shards shards;
    struct look_index *next;
};

/* Reads an index of shards, in the arena. One that is broken is a warning. Errors: the reader's. */
int look_shards_read(struct look *l, struct str path, const struct model_reader *r, struct err *e);

/* When all files are known: files that an index names and that are missing, tensors that do not lie
 * in the files that it says, parts of a split GGUF that are missing. Where an archive could not be
 * looked into, nothing is called missing. */
void look_shards_check(struct look *l);

#endif
