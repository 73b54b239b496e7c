/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: what is in an artifact, found out without reading all of it: from its manifest and config,
 * and by ranges from the headers of the archives and of the weights in it.
 *
 * The config is verified by its digest; the bytes of a range cannot be. What is wrong inside of a
 * layer is a warning and the rest is told all the same; a source that fails, or knows no ranges, is
 * an error, rather than that whole models are fetched. One thread at a time.
 */
#ifndef HAVEN_MODEL_LOOK_H
#define HAVEN_MODEL_LOOK_H

#include "model/look_files.h"
#include "model/source.h"

/* Fills files, totals, form and facts (which are not resolved) of a manifest that is no index.
 * Errors: the source's; MODEL_INVALID, LIMIT when the manifest itself cannot be understood. */
int look_manifest(struct look *l, const struct oci_manifest *m, const struct model_source *source,
                  struct err *e);

#endif
