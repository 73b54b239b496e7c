/* SPDX-License-Identifier: Apache-2.0 */
/* gguf_types: the numbers that GGUF has for types (ggml/include/ggml.h, llama.cpp/include/llama.h).
 */
#ifndef HAVEN_MODEL_GGUF_TYPES_H
#define HAVEN_MODEL_GGUF_TYPES_H

#include "model/weights.h"

/* The element type of a tensor; NULL: none has, or no longer has, this number. */
const struct weight_dtype *gguf_type(uint64_t id);
/* The quantization that general.file_type stands for ("Q4_K_M"); NULL: unknown, or only guessed by
 * who wrote the file. */
const char *gguf_file_type(uint64_t id);

#endif
