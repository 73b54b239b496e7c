/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep: what of an artifact that was taken out of a layout's list nobody needs any more: its
 * manifests and blobs less those of everything that is still listed.
 */
#ifndef HAVEN_CLIENT_SWEEP_H
#define HAVEN_CLIENT_SWEEP_H

#include "client/endpoint.h"

/* gone: the manifest's digest; p lists it no more, but holds it still. *ret: the digests (the
 * caller frees the list). An error when anything that is listed cannot be read: then it is not
 * known what is needed, and nothing may go. */
int sweep_plan(struct endpoint *p, const struct digest *gone, struct digest **ret, size_t *ret_n,
               struct err *e);

#endif
