/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: the query parameters q and sort of lists, as Harbor has them.
 *
 *     q     k=v  k=~v  k=[a~b]  k={a b}  k=(a b), separated by commas
 *     sort  k,-k
 *
 * Names may be written creation_time or CreationTime; those that the list has no field for are
 * passed over. Texts may stand in quotes; numbers, truth values and times (2026-01-02T15:04:05) are
 * read as their field has them. Pure; a fuzz target.
 */
#ifndef HAVEN_API_FILTER_H
#define HAVEN_API_FILTER_H

#include "db/list.h"

/* Fill matches or sorts of *ret; what they point to lies in the arena. BAD_REQUEST names the part
 * that cannot be read. */
int api_filter_q(struct arena *a, const struct db_list *l, struct str q, struct db_list_query *ret,
                 struct err *e);
int api_filter_sort(struct arena *a, const struct db_list *l, struct str sort,
                    struct db_list_query *ret, struct err *e);

#endif
