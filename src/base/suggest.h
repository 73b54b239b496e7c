/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest: which known name did the user probably mean?
 *
 *     struct suggest s;
 *     suggest_init(&s, typed);
 *     for each known name: suggest_try(&s, name);
 *     if (suggest_best(&s)) … "did you mean %s?"
 */
#ifndef HAVEN_BASE_SUGGEST_H
#define HAVEN_BASE_SUGGEST_H

#include "base/str.h"

/* Longer words are not compared: nobody mistypes them by a letter, and the table stays small. */
#define SUGGEST_MAX 64

struct suggest {
    struct str typed;  /* borrowed */
    struct str best;   /* borrowed from suggest_try */
    unsigned distance; /* of best */
};

void suggest_init(struct suggest *s, struct str typed);
void suggest_try(struct suggest *s, struct str name);
/* The nearest name, or STR_NULL when none is near enough. */
struct str suggest_best(const struct suggest *s);
/* Letters to insert, remove, replace or swap with their neighbour to turn a into b; UINT_MAX when
 * either is longer than SUGGEST_MAX. */
unsigned suggest_distance(struct str a, struct str b);

#endif
