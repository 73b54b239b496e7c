/* SPDX-License-Identifier: Apache-2.0 */
/* additions: what artifacts bring along besides what lists show; see additions.c. */
#ifndef HAVEN_API_HARBOR_ADDITIONS_H
#define HAVEN_API_HARBOR_ADDITIONS_H

#include "api/harbor/harbor.h"

/* A JSON object of the names of all that this artifact has, with the address of each; STR_NULL: it
 * has none. In the arena. */
struct str harbor_addition_links(struct http_req *rq, const struct artifact_facts *f);

#endif
