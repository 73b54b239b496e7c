/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_look: what the confined process does with an artifact (parser_child.h): looks into it and
 * gives documents:
 *   "facts"    one, JSON: form, facts, known, weights, files, readme, licenses, warnings
 *   "weights"  of each file of weights whose header could be read, JSON: file, header, tensors
 *   "text"     the card and licences that lie in compressed layers, as they are
 */
#ifndef HAVEN_JOBS_INDEX_LOOK_H
#define HAVEN_JOBS_INDEX_LOOK_H

#include "jobs/parser_child.h"

#define INDEX_FACTS   "facts"
#define INDEX_WEIGHTS "weights"
#define INDEX_TEXT    "text"

/* For parser_child_run. */
int index_look(struct arena *a, struct str manifest, struct str media_type,
               const struct model_source *source, struct parser_out *out, struct err *e);

#endif
