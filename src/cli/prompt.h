/* SPDX-License-Identifier: Apache-2.0 */
/* prompt: asks the person at the terminal, or reads a secret from standard input. */
#ifndef HAVEN_CLI_PROMPT_H
#define HAVEN_CLI_PROMPT_H

#include "base/buf.h"
#include "base/err.h"

/* Asks on the controlling terminal and appends the line typed to out; hidden: without showing it.
 * USAGE when there is no terminal, CANCELLED at Ctrl-C or end of input. */
int prompt_line(const char *question, bool hidden, struct buf *out, struct err *e);
/* All of standard input without the line end at its end; at most out's ceiling (LIMIT). */
int prompt_stdin(struct buf *out, struct err *e);
/* Overwrites a secret that is no longer needed. */
void prompt_wipe(struct buf *secret);

#endif
