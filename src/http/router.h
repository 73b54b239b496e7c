/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router: from method and path to a row of a route table.
 *
 * Patterns are matched segment by segment, from the right: a "{name...}" takes what is left over at
 * its place, so that the last keyword of a path decides and a repository may be called a/blobs/b.
 */
#ifndef HAVEN_HTTP_ROUTER_H
#define HAVEN_HTTP_ROUTER_H

#include "http/http.h"

struct http_match {
    const struct http_group *group;
    const struct http_route *route; /* NULL: none for this method */
    unsigned methods; /* bits (1 << enum http_method) of the routes that fit the path */
    struct http_param params[8];
    size_t n_params;
};

/* Does the path fit the pattern? Fills the captures (views into path). */
bool http_pattern_match(struct str pattern, struct str path, struct http_param *params,
                        size_t *ret_n);
/* group is always set (the last group takes everything). */
void http_route_find(const struct http_app *app, enum http_method method, struct str path,
                     struct http_match *ret);
const char *http_method_name(enum http_method m);
/* "GET, HEAD, PUT, OPTIONS" for the Allow header. */
void http_allow(unsigned methods, struct buf *out);

#endif
