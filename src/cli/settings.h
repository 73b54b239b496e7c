/* SPDX-License-Identifier: Apache-2.0 */
/* settings: the server's settings, as a command of the same machine finds them. */
#ifndef HAVEN_CLI_SETTINGS_H
#define HAVEN_CLI_SETTINGS_H

#include "cli/command.h"

#define SETTINGS_OPTION_CONFIG                                                                     \
    {                                                                                              \
        .name = "config", .letter = 'c', .metavar = "FILE",                                        \
        .help =                                                                                    \
            "Read settings from this YAML file. Without it HAVEN_CONFIG names the file, if it "    \
            "is set."                                                                              \
    }

/* Default, file (--config), environment, flags of the configuration: later ones win. config_done is
 * the caller's. CONFIG. */
int settings_load(const struct cli *c, struct config *ret, struct err *e);

#endif
