/* SPDX-License-Identifier: Apache-2.0 */
/* look: model/look.h over an endpoint: the manifest is chosen and verified, and its blobs are read
 * from there. */
#ifndef HAVEN_CLIENT_LOOK_H
#define HAVEN_CLIENT_LOOK_H

#include "client/endpoint.h"
#include "model/look.h"

/* Fills all of l but the sums of facts. platform: see pack_choose. Errors: the endpoint's
 * (UNSUPPORTED when it knows no ranges), MODEL_INVALID, LIMIT. */
int look_artifact(struct look *l, struct endpoint *p, const struct reference *ref,
                  struct str platform, struct err *e);

#endif
