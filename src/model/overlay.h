/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay: layers laid over each other, as those of an image: what is hidden by a later one is not
 * wanted any more. Whiteouts count for earlier layers only, and so for nothing but what the same
 * pull brings (OCI image-spec layer.md). Pure.
 */
#ifndef HAVEN_MODEL_OVERLAY_H
#define HAVEN_MODEL_OVERLAY_H

#include "model/members.h"

/* layers: the lowest first; one archive may appear several times if it holds the same thing, which
 * is seen once. */
void overlay_hide(struct members *const *layers, size_t n);

#endif
