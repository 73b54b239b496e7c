/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_parting: what else has to do with an artifact that is to leave a layout, as manifests say
 * it (cards of models are not read): what is about it goes along, unless it has a name of its own;
 * what else depends on it is told. A layout has no name, so that only a digest says that something
 * in it is meant.
 */
#ifndef HAVEN_CLIENT_LAYOUT_PARTING_H
#define HAVEN_CLIENT_LAYOUT_PARTING_H

#include "client/endpoint.h"

struct layout_parting {
    struct digest *along; /* listed ones, that go with it; released by the caller */
    size_t n_along;
};

/* linked (may be NULL): gets what stays and depends on something that goes, with `shown` as the
 * repository. What cannot be read depends on nothing. */
int layout_parting_find(struct endpoint *p, const struct digest *gone, const char *shown,
                        struct endpoint_linked *linked, struct layout_parting *ret, struct err *e);

#endif
