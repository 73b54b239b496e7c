/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what `haven inspect` has found out and prints. Where the bytes came from (a file, a
 * directory, an artifact) is over when this is printed: inspect.c fills it in.
 */
#ifndef HAVEN_CLI_INSPECT_H
#define HAVEN_CLI_INSPECT_H

#include "client/attached.h"
#include "client/look.h"

enum inspect_what { INSPECT_FILE, INSPECT_DIR, INSPECT_ARTIFACT };

struct inspect {
    enum inspect_what what;
    const char *shown; /* as it was asked for; of an artifact: as it is meant */
    struct look look;
    struct attached *attached; /* of an artifact: what there is about it */
    size_t n_attached;
};

/* To standard output. */
int inspect_print_text(const struct inspect *in, bool tensors, struct err *e);
/* One JSON object (described in the command's help). */
int inspect_print_json(const struct inspect *in, bool tensors, struct err *e);

#endif
