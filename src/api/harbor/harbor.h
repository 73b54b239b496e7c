/* SPDX-License-Identifier: Apache-2.0 */
/* harbor: the handlers of Harbor's API (/api/v2.0/) and of its token service (/service/). See
 * routes.c. */
#ifndef HAVEN_API_HARBOR_H
#define HAVEN_API_HARBOR_H

#include "api/app.h"

/* {"errors":[{"code":…,"message":…}]} with the codes of Harbor's API. */
void harbor_error(struct http_req *rq, const struct err *e);

/* system.c */
http_handler_fn harbor_ping, harbor_health;
/* token.c */
http_handler_fn harbor_token;

#endif
