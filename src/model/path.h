/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: the names of a model's files, which come from strangers on both sides.
 *
 * A good path is relative, UTF-8 without control characters, '/' between parts and no backslash,
 * each part 1 to LIMIT_MODEL_NAME bytes and neither "." nor ".." nor ".git", in all at most
 * LIMIT_MODEL_PATH bytes and LIMIT_MODEL_DEPTH parts. A good set of paths can be written on file
 * systems that ignore case: no two differ in case only (ASCII), in any part, and none is the
 * directory of another. Pure; any thread.
 */
#ifndef HAVEN_MODEL_PATH_H
#define HAVEN_MODEL_PATH_H

#include "base/err.h"
#include "base/str.h"

/* MODEL_INVALID; the message names the path with what cannot be shown replaced. */
int model_path_check(struct str path, struct err *e);
/* Checks n paths, each good in itself, as a set: duplicates, case, file against directory. */
int model_paths_check(const struct str *paths, size_t n, struct err *e);

/* s with what a terminal should not get (control characters, bytes that are not UTF-8) replaced by
 * '?', cut to n - 1 bytes, NUL-ended. */
const char *model_path_show(struct str s, char *out, size_t n);
#define MODEL_PATH_SHOW 256

/* The directory where files lie until a pull is complete: no model has one of that name. */
#define MODEL_PATH_PARTIAL ".haven-partial"

#endif
