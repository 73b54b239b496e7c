/* SPDX-License-Identifier: Apache-2.0 */
/* file_reply: one file of an artifact as the answer, whole or in ranges, wherever it lies: a blob,
 * a range of one, or in a compressed layer, out of which it is taken (jobs/extract.h). */
#ifndef HAVEN_API_HARBOR_FILE_REPLY_H
#define HAVEN_API_HARBOR_FILE_REPLY_H

#include "api/harbor/model_files.h"

/* file: one of the facts of the artifact, whose pull the caller was allowed. NOT_FOUND: the
 * repository does not hold its layer; UNPROCESSABLE, TOO_MANY_REQUESTS, UNAVAILABLE, NO_SPACE: see
 * extract_begin; CORRUPT. */
int harbor_file_reply(struct http_req *rq, const struct artifact_facts *f, const json_t *facts,
                      const struct model_file *file, struct err *e);

#endif
