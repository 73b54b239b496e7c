/* SPDX-License-Identifier: Apache-2.0 */
/* error: what the error writers of all protocols share. */
#ifndef HAVEN_API_ERROR_H
#define HAVEN_API_ERROR_H

#include "http/http.h"

/* What the client is told. Errors of the server itself (5xx) are logged here, once, and masked: the
 * client gets the request id to ask the operator about. In the arena. */
struct str api_error_message(struct http_req *rq, const struct err *e);
/* WWW-Authenticate for a 401, Retry-After for 429 and 503. */
void api_error_headers(struct http_req *rq, const struct err *e);
/* Both, with {"errors":[{"code","message"}]}, the body of OCI distribution and of Harbor. */
void api_error_reply(struct http_req *rq, const struct err *e, int status, const char *code,
                     const char *content_type);

#endif
