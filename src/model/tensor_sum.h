/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor_sum: what the tensors of a model come to, by type, by part of the model and by block, told
 * by their names. Names are a habit and no standard: what is not recognised is "other". Pure; any
 * thread.
 */
#ifndef HAVEN_MODEL_TENSOR_SUM_H
#define HAVEN_MODEL_TENSOR_SUM_H

#include "base/arena.h"

enum tensor_part {
    TENSOR_EMBEDDINGS,
    TENSOR_ATTENTION,
    TENSOR_EXPERTS,
    TENSOR_MLP,
    TENSOR_CONVOLUTION,
    TENSOR_NORM,
    TENSOR_HEAD,
    TENSOR_OTHER,
    TENSOR_PARTS
};
const char *tensor_part_name(enum tensor_part part);
enum tensor_part tensor_part_of(struct str name);

/* The block that a tensor belongs to: in "model.layers.12.mlp.up_proj.weight" number 12 of
 * "model.layers". False: its name has no number. The stack is borrowed from the name. */
bool tensor_block_of(struct str name, struct str *ret_stack, int64_t *ret_number);

struct tensor_sum {
    struct str name; /* of the type, or of the part */
    int64_t tensors, parameters, bytes;
};
struct tensor_block {
    struct str stack;
    int64_t number;
    struct tensor_sum all;
    struct tensor_sum parts[TENSOR_PARTS];
};
struct tensor_sums {
    struct arena *arena;
    struct tensor_sum all;
    struct tensor_sum dtypes[64];
    size_t n_dtypes;
    struct tensor_sum parts[TENSOR_PARTS];
    struct tensor_block *blocks; /* of LIMIT_TENSOR_BLOCKS */
    size_t n_blocks;
    bool truncated;   /* there are more types or blocks than are told apart */
    uint16_t *places; /* private */
};

/* Everything that is made lies in the arena, which has to outlive it. */
void tensor_sums_init(struct tensor_sums *s, struct arena *a);
/* Sums that pass 2^63 - 1 stay there. */
void tensor_sums_add(struct tensor_sums *s, struct str name, struct str dtype, int64_t parameters,
                     int64_t bytes);
/* Orders: types by bytes, largest first; blocks by the name of their stack, and number. */
void tensor_sums_done(struct tensor_sums *s);

#endif
