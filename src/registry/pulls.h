/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulls: what was pulled how often, when last, and by whom. A pull only notes itself; a thread of
 * its own gathers the notes and writes them together, a second later at most and at the end. A
 * crash may lose that second. Any thread.
 */
#ifndef HAVEN_REGISTRY_PULLS_H
#define HAVEN_REGISTRY_PULLS_H

#include "base/str.h"
#include "db/db.h"

struct pulls;

int pulls_new(struct db *db, struct pulls **ret, struct err *e);
void pulls_free(struct pulls *p); /* writes what is left; NULL is welcome */
/* The thread's actor pulled an artifact, by a tag unless that is empty. NULL for p: nothing is
 * counted. */
void pulls_note(struct pulls *p, int64_t artifact, struct str tag);

#endif
