/* SPDX-License-Identifier: Apache-2.0 */
/* distribution: the handlers of the OCI distribution protocol, and what they share. See routes.c.
 */
#ifndef HAVEN_API_DISTRIBUTION_H
#define HAVEN_API_DISTRIBUTION_H

#include "api/app.h"

/* The repository named in the path. NAME_INVALID. */
int distribution_repo(struct http_req *rq, struct repo_name *ret, struct err *e);
/* The same for requests that write: the project must exist (NAME_UNKNOWN). */
int distribution_repo_for_push(struct http_req *rq, struct repo_name *ret, struct err *e);
/* The page size a client asked for with ?n=, clamped to LIMIT_PAGE; deflt without it.
 * PAGINATION_INVALID. */
int distribution_page(struct http_req *rq, size_t deflt, size_t *ret, struct err *e);
/* Error bodies (OCI distribution "Error Codes"). */
void distribution_error(struct http_req *rq, const struct err *e);
/* One error for each digest, all with the same code. */
int distribution_reply_missing(struct http_req *rq, const struct err *e,
                               const struct artifact_missing *m);

http_handler_fn distribution_resolve, distribution_resolve_mount;

/* base.c */
http_handler_fn distribution_ping, distribution_catalog, distribution_extensions;
/* blobs.c */
http_handler_fn distribution_blob_get, distribution_blob_delete;
/* uploads.c */
http_handler_fn distribution_upload_start_open, distribution_upload_start;
http_handler_fn distribution_upload_chunk_open, distribution_upload_chunk;
http_handler_fn distribution_upload_finish_open, distribution_upload_finish;
http_handler_fn distribution_upload_status, distribution_upload_cancel;
/* manifests.c */
http_handler_fn distribution_manifest_get, distribution_manifest_put, distribution_manifest_delete;
http_handler_fn distribution_tags, distribution_referrers;

#endif
