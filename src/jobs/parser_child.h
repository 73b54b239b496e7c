/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_child: the process that reads models of strangers: the other end of jobs/parser.h.
 *
 * It confines itself before it reads the first byte of anybody's, reads one artifact, or takes
 * files out of one layer, and ends.
 */
#ifndef HAVEN_JOBS_PARSER_CHILD_H
#define HAVEN_JOBS_PARSER_CHILD_H

#include "base/arena.h"
#include "base/digest.h"
#include "model/source.h"

struct parser_out;

/* Reads an artifact (manifest as stored, its media type) and adds what it finds to out. source
 * gives bytes of the blobs that the manifest names. The arena lives as long as the call. Errors are
 * about the artifact, whatever their code. */
typedef int parser_look_fn(struct arena *a, struct str manifest, struct str media_type,
                           const struct model_source *source, struct parser_out *out,
                           struct err *e);

/* A document goes to the server at once. kind: a word of [a-z0-9-] of at most LIMIT_PARSER_KIND;
 * blob, at: the file that it is about, blob NULL: the whole artifact. LIMIT: it is too large, or
 * there are too many. */
int parser_out_add(struct parser_out *out, const char *kind, const struct digest *blob, uint64_t at,
                   struct str bytes, struct err *e);

/* Serves on fd, a connected stream socket. Returns 1 when it could not be confined, which the
 * server was told; once confined it never returns: the process ends by _exit. */
int parser_child_run(int fd, parser_look_fn *look);

#endif
