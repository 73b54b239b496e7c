/* SPDX-License-Identifier: Apache-2.0 */
/* blob_body: a blob, or a part of one, as the body of an answer: whatever protocol asks for it. */
#ifndef HAVEN_API_BLOB_BODY_H
#define HAVEN_API_BLOB_BODY_H

#include "api/app.h"

/* The n bytes from `at` on of a blob that was found in repo (at + n <= its size) as segments for
 * http_reply_content, their files open for the life of the request. 0: the repository holds the
 * blob no more; CORRUPT: its file is missing or short. */
int api_blob_segs(struct http_req *rq, const struct repo_name *repo, struct blob *b, uint64_t at,
                  uint64_t n, struct http_seg **ret, size_t *ret_n, struct err *e);

#endif
