/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warnings: what a command has to say that is no error, kept until progress is no longer drawn.
 *
 *     AUTO(warnings) w = {0};
 *     warnings_init(&w);
 *     options.warning = warnings_keep; options.self = &w;
 *     …
 *     warnings_print(&w);
 */
#ifndef HAVEN_CLI_WARNINGS_H
#define HAVEN_CLI_WARNINGS_H

#include "base/buf.h"

struct warnings {
    struct buf lines;
};

void warnings_init(struct warnings *w);
void warnings_autodone(struct warnings *w);
/* self: struct warnings. What a terminal should not get is replaced. */
void warnings_keep(void *self, struct str text);
/* To standard error, a line each: "haven: warning: …". */
void warnings_print(const struct warnings *w);

#endif
