/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind: what a file of a model is, told by its name: the five kinds of layers that ModelPack has.
 * Pure; any thread. The patterns are rows of a table in kind.c.
 */
#ifndef HAVEN_MODEL_KIND_H
#define HAVEN_MODEL_KIND_H

#include "base/str.h"

/* In the order in which a manifest lists them: what a consumer reads first comes first. */
enum model_kind {
    MODEL_WEIGHT_CONFIG,
    MODEL_WEIGHT,
    MODEL_CODE,
    MODEL_DOC,
    MODEL_DATASET,
    MODEL_KIND_COUNT
};

/* "weight.config", "weight", "code", "doc", "dataset": the word in ModelPack's media types. */
const char *model_kind_name(enum model_kind kind);

/* A file that no pattern knows is a weight when it is larger than this many bytes, else code. */
#define MODEL_KIND_WEIGHT_MIN 128000000ull

/* path: relative, '/' between parts. *ret_guessed: no pattern matched and the size decided. */
enum model_kind model_kind_of(struct str path, uint64_t size, bool *ret_guessed);

/* Names that are never packed: dotfiles, Modelfile, __pycache__, *.pyc and the like. One name, not
 * a path. */
bool model_name_skipped(struct str name);

/* The weight format that a name stands for ("safetensors", "gguf", "onnx", "pt", …), or NULL. */
const char *model_format_of(struct str path);

#endif
