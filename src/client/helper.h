/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper: runs a credential helper, docker-credential-NAME, found by PATH: one word of a command, a
 * request on its standard input, an answer on its standard output.
 */
#ifndef HAVEN_CLIENT_HELPER_H
#define HAVEN_CLIENT_HELPER_H

#include "base/buf.h"
#include "base/err.h"

#define HELPER_TIMEOUT_MS 30000

/* verb: "get", "store" or "erase". *ret_ok: it ended with status 0; else out holds its complaint.
 * An error (CONFIG): the name is not one, the program is missing, hangs, or prints more than
 * LIMIT_CREDENTIAL_HELPER. */
int helper_run(struct str name, const char *verb, struct str input, struct buf *out, bool *ret_ok,
               struct err *e);

#endif
