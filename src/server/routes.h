/* SPDX-License-Identifier: Apache-2.0 */
/* routes: the pages that are made of the route tables. */
#ifndef HAVEN_SERVER_ROUTES_H
#define HAVEN_SERVER_ROUTES_H

#include "base/buf.h"

/* One line a route, or the page docs/api/routes.md. */
void routes_write(bool markdown, struct buf *out);
/* The same as a JSON list. */
void routes_write_json(struct buf *out);
/* The OpenAPI file, docs/api/openapi.json. */
void routes_write_openapi(struct buf *out);

#endif
