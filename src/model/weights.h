/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights: what a file of weights says of itself in its header: tensors, types, and what GGUF adds.
 *
 * Formats are rows of a table (safetensors.c, gguf.c, …), chosen by the file's first bytes. Headers
 * come from strangers: every count, size and offset is checked against the file before it is used,
 * nothing is read behind the header, nothing is executed. Everything lies in the arena, whose
 * ceiling bounds it. Pure; any thread.
 */
#ifndef HAVEN_MODEL_WEIGHTS_H
#define HAVEN_MODEL_WEIGHTS_H

#include "base/arena.h"
#include "model/reader.h"

#define WEIGHT_DIMS 8

/* An element type of a format. Blocks: quantised types hold `block` elements in `bytes`. */
struct weight_dtype {
    const char *name;      /* as the format writes it: "BF16", "Q4_K" */
    const char *precision; /* ModelPack's word ("bfloat16"), NULL when it has none */
    uint32_t block;        /* elements of a block; 1 for plain types */
    uint32_t bits;         /* of a block */
};

struct weight_tensor {
    struct str name;
    const struct weight_dtype *dtype;
    unsigned n_dims;
    uint64_t dims[WEIGHT_DIMS]; /* as the format orders them */
    uint64_t elements;
    uint64_t offset, bytes; /* in the file */
};

/* A word of the header that is no tensor: safetensors' __metadata__, GGUF's keys (arrays longer
 * than WEIGHT_ARRAY_SHOWN are told by their length only). */
struct weight_note {
    struct str key, value;
};
#define WEIGHT_ARRAY_SHOWN 16

struct weights {
    const char *format;            /* "safetensors", "gguf" */
    struct weight_tensor *tensors; /* in the order of the file */
    size_t n_tensors;
    struct weight_note *notes;
    size_t n_notes;
    uint64_t header_bytes;
    /* What GGUF says in keys of its own; empty or 0 when it does not. */
    struct str architecture, name, license, quantization, chat_template;
    uint64_t context_length;
    uint64_t split_count; /* files that make the model; 0 or 1: this one alone */
};

/* 1 read, 0 the bytes are of no format that is known here, -1 MODEL_INVALID (the message says what
 * and where), LIMIT, or what the reader returned. */
int weights_read(struct arena *a, const struct model_reader *r, struct weights *ret, struct err *e);

/* The sum over the files of a model: shards are one model. */
#define WEIGHT_DTYPES 64
struct weight_count {
    const struct weight_dtype *dtype;
    uint64_t tensors, elements, bytes;
};
struct weight_totals {
    const char *format; /* of most bytes; NULL: none was read */
    uint64_t parameters, bytes, tensors;
    struct weight_count counts[WEIGHT_DTYPES]; /* most elements first */
    size_t n_counts;
    struct str architecture, name, license, quantization, chat_template;
    uint64_t context_length;
};
/* Strings are borrowed from w. */
void weight_totals_add(struct weight_totals *t, const struct weights *w);

/* "6.7B", "596M", "33K": ModelPack's paramSize, at most one digit behind the point. */
#define WEIGHT_PARAM_SIZE_MAX 32
const char *weight_param_size(uint64_t parameters, char out[WEIGHT_PARAM_SIZE_MAX]);

#endif
