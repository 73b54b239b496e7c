/* SPDX-License-Identifier: Apache-2.0 */
/* access_log: one line per finished request (http_app.done). Never the query: it may carry secrets.
 */
#ifndef HAVEN_SERVER_ACCESS_LOG_H
#define HAVEN_SERVER_ACCESS_LOG_H

#include "http/http.h"

void access_log(struct http_req *rq);

#endif
