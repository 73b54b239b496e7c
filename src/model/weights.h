/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights: what a file of weights says of itself in its header: tensors, types, and what GGUF adds.
 *
 * Formats are rows of a table (safetensors.c, gguf.c, pytorch.c, onnx.c; of raw_pickle.c and
 * keras.c all but the tensors is read), chosen by the file's first bytes. Headers come from
 * strangers: every count, size and offset is checked against the file before it is used, no value
 * of a tensor is looked at, nothing is executed. Everything lies in the arena, whose ceiling bounds
 * it (LIMIT_WEIGHT_ARENA for the files of one model). Pure; any thread.
 *
 * Elements are counted as they are stored. Formats that pack several parameters into one integer
 * (GPTQ and AWQ: "qweight" and "qzeros" of I32 hold 32 / bits each; bitsandbytes: U8 holds two of
 * four bits) have more parameters than that; who wants those asks config.json for the bits. The
 * blocks of GGUF are counted in parameters.
 */
#ifndef HAVEN_MODEL_WEIGHTS_H
#define HAVEN_MODEL_WEIGHTS_H

#include "base/arena.h"
#include "base/limits.h"
#include "model/reader.h"

/* An element type of a format; rows of constant tables, compared by address. */
struct weight_dtype {
    const char *name;      /* as the format writes it: "BF16", "Q4_K" */
    const char *precision; /* ModelPack's word ("bfloat16"), NULL when it has none */
    uint32_t block;        /* elements of a block; 1 for plain types */
    uint32_t bits;         /* of a block */
};

struct weight_tensor {
    struct str name;
    const struct weight_dtype *dtype;
    unsigned n_dims;      /* 0: a single number; at most LIMIT_WEIGHT_DIMS */
    const uint64_t *dims; /* as the format orders them: GGUF has the innermost first */
    uint64_t elements;
    /* Of the elements: those that the file holds for another tensor already (PyTorch's tied weights
     * share a storage), or that a view repeats. They are no parameters of their own. */
    uint64_t shared;
    /* In the file: where the first element lies, and what all of them take. PyTorch's views may
     * have others between them, and what they repeat is counted each time. */
    uint64_t offset, bytes;
    /* Of ONNX: the file, beside this one, that offset and bytes are about; a good path
     * (model/path.h). Empty: this file. */
    struct str external;
};

/* A word of the header that is no tensor: safetensors' __metadata__, GGUF's keys, in the order of
 * the file. Arrays are written as JSON; those longer than WEIGHT_ARRAY_SHOWN, and texts longer than
 * LIMIT_WEIGHT_NOTE, are told by their length only ("array of 32000 strings"). Keys and values come
 * from strangers and may hold what a terminal should not get. */
struct weight_note {
    struct str key, value;
};
#define WEIGHT_ARRAY_SHOWN 16

/* A name that loading the file would import (pickles, Keras), "module.name". unsafe: no loader of
 * nothing but weights takes it. Whoever loads the file otherwise runs what it stands for.
 * dangerous: no model needs it (imports.h). */
struct weight_import {
    struct str name;
    bool unsafe, dangerous;
};

struct weights {
    const char *format; /* "safetensors", "gguf", "pt", "onnx"; "pickle", "keras", "hdf5": */
    bool opaque;        /* its tensors, if it has any, are not described here */
    struct weight_tensor *tensors; /* in the order in which the file describes them */
    size_t n_tensors;
    struct weight_import *imports; /* sorted, each once; at most LIMIT_PICKLE_IMPORTS */
    size_t n_imports;
    struct weight_note *notes;
    size_t n_notes;
    uint64_t header_bytes; /* up to where the last word or tensor is described */
    bool big_endian;       /* GGUF and PyTorch for machines that few have */
    /* What GGUF says in keys of its own; empty or 0 when it does not. quantization: the word for
     * general.file_type ("Q4_K_M"). */
    struct str architecture, name, license, quantization, chat_template;
    uint64_t context_length;
    uint64_t split_count; /* files that make the model; 0 or 1: this one alone */
};

/* 1 read, 0 the bytes are of no format that is known here, -1 MODEL_INVALID (the message says what
 * and where), LIMIT, or what the reader returned. */
int weights_read(struct arena *a, const struct model_reader *r, struct weights *ret, struct err *e);
/* The same for a file with a name: MODEL_INVALID when the name promises a format that is read here
 * and the bytes are something else (PyTorch's names promise nothing: many programs use them).
 * Errors name the file. */
int weights_read_named(struct arena *a, const struct model_reader *r, struct str path,
                       struct weights *ret, struct err *e);

/* 1 the first bytes are those of a format whose tensors are read here, 0 they are not, -1 what the
 * reader returned. Costs one small read. */
int weights_known(const struct model_reader *r, struct err *e);

/* The sum over the files of a model: shards are one model. Those that are opaque are not to be
 * added. Begins as {0}. Room for the types of all
 * formats together. */
#define WEIGHT_DTYPES 128
/* Room for the formats that are read here. */
#define WEIGHT_FORMATS 4
struct weight_count {
    const struct weight_dtype *dtype;
    uint64_t tensors, elements, bytes; /* what tensors share counts once */
};
struct weight_totals {
    const char *format; /* of most bytes; NULL: none was read */
    uint64_t parameters, bytes, tensors;
    struct weight_count counts[WEIGHT_DTYPES]; /* most elements first */
    size_t n_counts;
    struct str architecture, name, license, quantization, chat_template;
    uint64_t context_length;
    /* Private. */
    struct {
        const char *format;
        uint64_t bytes;
    } formats[WEIGHT_FORMATS];
    bool quantization_said; /* by a file; else it is the GGUF type that holds most */
};
/* Strings are borrowed from w. Where files say different things, the first one counts. */
void weight_totals_add(struct weight_totals *t, const struct weights *w);

/* "6.7B", "596M", "33K": ModelPack's paramSize, at most one digit behind the point. */
#define WEIGHT_PARAM_SIZE_MAX 32
const char *weight_param_size(uint64_t parameters, char out[WEIGHT_PARAM_SIZE_MAX]);

/* "bfloat16", "float8_e4m3,float32": ModelPack's precision: the type that holds most elements, then
 * the others that hold more than one in a hundred; types that ModelPack has no word for are left
 * out, and so it can be empty. */
#define WEIGHT_PRECISION_MAX 256
const char *weight_precision(const struct weight_totals *t, char out[WEIGHT_PRECISION_MAX]);

#endif
