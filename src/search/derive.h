/* SPDX-License-Identifier: Apache-2.0 */
/* derive: what the search keeps of an artifact, made of the main database. Not for other
 * directories. */
#ifndef HAVEN_SEARCH_DERIVE_H
#define HAVEN_SEARCH_DERIVE_H

#include "search/change.h"

/* Bytes of the card that are searched, and of what is shown. */
#define DERIVE_CARD        8192
#define DERIVE_TITLE       512
#define DERIVE_DESCRIPTION 2048
/* Of a value of a facet; longer ones are left out. */
#define DERIVE_VALUE 255
/* Values of one facet, tags, labels: the first that many count. */
#define DERIVE_MANY 32

/* 1: it is a model that is to be found, 0: it is none (any more), -1. Texts lie in the arena.
 * shown is a JSON object: digest, project, repository, display_name, tags, title, description,
 * form, architecture, family, task, format, precision, quantization, parameters, size, licenses,
 * languages, library, base_models, labels, update_ms; what is not known is left out. */
int derive(struct registry *r, struct arena *a, int64_t artifact, struct search_entry *ret,
           struct err *e);

#endif
