/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modelfile: the text file that says what goes into a model, and as what.
 *
 *     # a line that begins with '#' says nothing
 *     NAME qwen3-0.6b                 ARCH FAMILY FORMAT PARAMSIZE PRECISION QUANTIZATION: once
 * each CONFIG *.json                   CONFIG MODEL CODE DOC DATASET: as often as needed MODEL "my
 * weights.safetensors"
 *
 * A directive (in any case) and one value. In the value "…" keeps blanks together and a backslash
 * takes the next character as it is, inside quotes and outside. What then stands there is, for the
 * second group, a pattern for paths below the model's directory (base/glob.h), held against the
 * whole path; "./" in front is dropped. Pure; any thread.
 * Source: modctl's Modelfile, which knows neither "**" nor what to do with DATASET.
 */
#ifndef HAVEN_MODEL_MODELFILE_H
#define HAVEN_MODEL_MODELFILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/kind.h"

enum modelfile_value {
    MODELFILE_NAME,
    MODELFILE_ARCH,
    MODELFILE_FAMILY,
    MODELFILE_FORMAT,
    MODELFILE_PARAMSIZE,
    MODELFILE_PRECISION,
    MODELFILE_QUANTIZATION,
    MODELFILE_VALUE_COUNT
};

struct modelfile_pattern {
    struct str glob; /* well-formed, neither absolute nor with ".." */
    enum model_kind kind;
    unsigned line; /* where it stands, from 1; 0: nowhere */
};

struct modelfile {
    const char *name;                         /* of the file, for messages; borrowed */
    struct str values[MODELFILE_VALUE_COUNT]; /* empty: not said */
    struct modelfile_pattern *patterns;       /* in the order of the file */
    size_t n_patterns;
};

/* Strings lie in the arena. MODEL_INVALID says the line and what to do; LIMIT. */
int modelfile_parse(struct arena *a, const char *name, struct str text, struct modelfile *ret,
                    struct err *e);

/* Can s be a value (short, UTF-8, without control characters)? NULL, or what is wrong. */
const char *modelfile_value_wrong(struct str s);

/* The text: values, then patterns by kind, each group in its order. The same modelfile always gives
 * the same bytes, and parsing them gives the same modelfile. Values and patterns must be good. */
void modelfile_write(struct buf *out, const struct modelfile *m);

#endif
