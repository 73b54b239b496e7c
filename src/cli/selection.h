/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selection: the options that say which files of a directory are packed, the same for every command
 * that packs.
 */
#ifndef HAVEN_CLI_SELECTION_H
#define HAVEN_CLI_SELECTION_H

#include "cli/command.h"
#include "client/pick.h"

/* For the table of options … */
#define SELECTION_OPTIONS                                                                          \
    {.name = "include",                                                                            \
     .repeat = true,                                                                               \
     .metavar = "GLOB",                                                                            \
     .help = "Pack only files that this or another --include matches."},                           \
        {.name = "exclude",                                                                        \
         .repeat = true,                                                                           \
         .metavar = "GLOB",                                                                        \
         .help = "Leave out files that this matches."},                                            \
    {                                                                                              \
        .name = "no-ignore", .help = "Pack what .havenignore leaves out, too."                     \
    }
/* … and of those that take a Modelfile. */
#define SELECTION_OPTION_MODELFILE                                                                 \
    {                                                                                              \
        .name = "modelfile", .letter = 'f', .metavar = "FILE",                                     \
        .help = "Pack the files that this Modelfile names, as what it says they are."              \
    }

struct selection {
    struct arena arena;
    struct pick_options pick;
    struct modelfile modelfile;
};

/* Reads SELECTION_OPTIONS, and the Modelfile at path (NULL: none). Must be released either way;
 * must not be moved, since pick points into it. USAGE, MODEL_INVALID, IO, LIMIT. */
int selection_read(struct selection *s, const struct cli *c, const char *modelfile, struct err *e);
void selection_autodone(struct selection *s);

/* All values of a repeated option as patterns; the list lies in the arena. USAGE. */
int selection_globs(const struct cli *c, const char *option, struct arena *a, struct glob_list *ret,
                    struct err *e);

#endif
