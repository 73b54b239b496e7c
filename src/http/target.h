/* SPDX-License-Identifier: Apache-2.0 */
/* target: the request target (RFC 9112 3.2) taken apart and decoded once. Pure; a fuzz target. */
#ifndef HAVEN_HTTP_TARGET_H
#define HAVEN_HTTP_TARGET_H

#include "base/arena.h"
#include "http/http.h"

struct http_target {
    struct str raw_path; /* as received, a view */
    struct str
        path; /* decoded: no NUL, no control character, and no '/' that was not written as one */
    struct http_param *query; /* decoded ('+' is a blank), in order, repeated keys kept */
    size_t n_query;
};

/* uri: origin-form ("/a/b?x=y") or absolute-form (scheme and host are dropped). BAD_REQUEST for
 * malformed escapes, %00, %2F in the path, control characters; URI_TOO_LONG. Results lie in the
 * arena. */
int http_target_parse(struct arena *a, struct str uri, struct http_target *ret, struct err *e);

/* A body of application/x-www-form-urlencoded, taken apart as a query is. BAD_REQUEST. */
int http_form_parse(struct arena *a, struct str body, struct http_param **ret, size_t *ret_n,
                    struct err *e);

/* Percent-decoding of a value once more than the address was: for what callers encode twice. The
 * result is NUL-ended and lies in the arena. BAD_REQUEST: malformed escapes, NUL, control
 * characters. */
int http_unescape(struct arena *a, struct str s, struct str *ret, struct err *e);

#endif
