/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what `haven inspect` has found out and prints. Where the bytes came from (a file, a
 * directory) is over when this is printed: inspect.c fills it in with a model_reader for each file.
 */
#ifndef HAVEN_CLI_INSPECT_H
#define HAVEN_CLI_INSPECT_H

#include "model/weights.h"

struct inspect_file {
    struct str path;
    uint64_t size; /* bytes */
    bool known;    /* its format is one that is read here; else weights is empty */
    struct weights weights;
};

struct inspect {
    struct arena *arena;
    const char *shown;          /* as it was asked for */
    bool single;                /* one file was asked for; else files of a model */
    struct inspect_file *files; /* room for all is made beforehand */
    size_t n_files;
    struct weight_totals totals;
};

/* To standard output. */
int inspect_print_text(const struct inspect *in, bool tensors, struct err *e);
/* One JSON object (described in the command's help). */
int inspect_print_json(const struct inspect *in, bool tensors, struct err *e);

#endif
