/* SPDX-License-Identifier: Apache-2.0 */
/* weight_format: what a format of weight files is for weights.c: one file, one row of its table. */
#ifndef HAVEN_MODEL_WEIGHT_FORMAT_H
#define HAVEN_MODEL_WEIGHT_FORMAT_H

#include "model/weights.h"
#include "model/window.h"

/* So many bytes of a file tell its format: the name of an archive's first member lies in them. */
#define WEIGHT_HEAD 512

struct weight_format {
    const char *name; /* as model_format_of calls it */
    bool promised;    /* what has its name by model_format_of is of this format, or broken */
    bool opaque;      /* see struct weights */
    /* head: the first WEIGHT_HEAD bytes, or what there is. */
    bool (*is)(struct str head);
    /* The window stands at the file's beginning. *ret is zeroed but for `format`. */
    int (*read)(struct arena *a, struct model_window *w, struct weights *ret, struct err *e);
};

extern const struct weight_format weight_format_safetensors;
extern const struct weight_format weight_format_gguf;
extern const struct weight_format weight_format_pytorch;
extern const struct weight_format weight_format_onnx;
extern const struct weight_format weight_format_keras;
extern const struct weight_format weight_format_pickle;

/* Tensors and notes while a header is read, before their number is known. */
struct weight_list {
    struct weight_tensor *tensors;
    size_t n_tensors, cap_tensors;
    struct weight_note *notes;
    size_t n_notes, cap_notes;
};
void weight_list_autodone(struct weight_list *l);
/* LIMIT behind LIMIT_WEIGHT_TENSORS and LIMIT_WEIGHT_NOTES. */
int weight_list_tensor(struct weight_list *l, const struct weight_tensor *t, struct err *e);
int weight_list_note(struct weight_list *l, struct str key, struct str value, struct err *e);
/* Moves both into the arena; MODEL_INVALID when two tensors or two notes have one name. */
int weight_list_finish(struct weight_list *l, struct arena *a, struct weights *ret, struct err *e);

/* Copies into the arena, for texts and dimensions from outside: LIMIT at its ceiling. */
int weight_keep(struct arena *a, struct str s, struct str *ret, struct err *e);
int weight_keep_dims(struct arena *a, const uint64_t *dims, unsigned n, const uint64_t **ret,
                     struct err *e);
/* dims multiplied into t->elements, those into t->bytes: false when either passes what 64 bits
 * hold, or bits make no whole bytes. */
bool weight_measure(struct weight_tensor *t);
/* The same for formats that fill up the last byte. */
bool weight_measure_up(struct weight_tensor *t);

#endif
