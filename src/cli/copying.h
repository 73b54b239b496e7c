/* SPDX-License-Identifier: Apache-2.0 */
/* copying: what `cp`, `push LAYOUT` and `pull -o LAYOUT` do. */
#ifndef HAVEN_CLI_COPYING_H
#define HAVEN_CLI_COPYING_H

#include "cli/progress.h"
#include "client/artifact_ref.h"

/* Options of the commands that copy artifacts. */
#define COPYING_OPTION_REFERRERS                                                                   \
    {                                                                                              \
        .name = "referrers",                                                                       \
        .help = "Copy with it what refers to it: signatures, attestations, and what refers to "    \
                "those."                                                                           \
    }

/* As artifact_ref_parse; an error is one of the command line. */
int copying_ref(const char *text, struct artifact_ref *ret, struct err *e);

struct copying_wish {
    struct artifact_ref from, to;
    const char *done;     /* for the summary: "copied" */
    const char *platform; /* NULL: all */
    bool referrers;
};
/* Needs the options of PROGRESS_OPTIONS_CONNECTION and _TRANSFER. */
int copying_run(struct cli *c, const struct copying_wish *w, struct err *e);

/* DIR and --tag to a reference: `haven push LAYOUT REF` and `haven pull REF -o LAYOUT`. */
int copying_push(struct cli *c, const char *layout, const char *ref, struct err *e);
int copying_pull(struct cli *c, const char *ref, const char *layout, struct err *e);

#endif
