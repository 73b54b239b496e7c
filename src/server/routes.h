/* SPDX-License-Identifier: Apache-2.0 */
/* routes: the route tables of all protocols, and the page that is made from them. */
#ifndef HAVEN_SERVER_ROUTES_H
#define HAVEN_SERVER_ROUTES_H

#include "base/buf.h"
#include "http/http.h"

/* All groups: the longest prefix wins, the last one takes the rest. Static. */
const struct http_group *routes_groups(size_t *ret_n);

/* One line a route, or the page docs/api/routes.md. */
void routes_write(bool markdown, struct buf *out);
/* The same as a JSON list. */
void routes_write_json(struct buf *out);

#endif
