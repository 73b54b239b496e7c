/* SPDX-License-Identifier: Apache-2.0 */
/* set: --set KEY=VALUE, what the user says of a model, the same for every command that packs. */
#ifndef HAVEN_CLI_SET_H
#define HAVEN_CLI_SET_H

#include "cli/command.h"

/* A row of the options table. */
#define SET_OPTION                                                                                 \
    {                                                                                              \
        .name = "set", .repeat = true, .metavar = "KEY=VALUE", .key = set_key,                     \
        .help = "Say a fact of the model, whatever its files say; an empty VALUE leaves it out."   \
    }

/* For SET_OPTION. */
const char *set_key(size_t i, const char **ret_help);

/* All values of --set, checked; the list lies in the command line's arena. USAGE names the key. */
int set_read(struct cli *c, const char *const **ret, size_t *ret_n, struct err *e);

#endif
