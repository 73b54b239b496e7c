/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set: a set of artifacts as bits, in chunks of SEARCH_CHUNK, as the database of the search keeps
 * them. Not for other directories.
 */
#ifndef HAVEN_SEARCH_SET_H
#define HAVEN_SEARCH_SET_H

#include "db/db.h"

#define SEARCH_CHUNK       1024
#define SEARCH_CHUNK_WORDS (SEARCH_CHUNK / 64)
#define SEARCH_BITS_BYTES  (SEARCH_CHUNK / 8)
#define SEARCH_CELLS_BYTES (SEARCH_CHUNK * 8)
/* In front of the number of a chunk in the keys of the tables bits and cells. */
#define SEARCH_KEY_SHIFT 24
#define SEARCH_CHUNK_MAX ((1 << SEARCH_KEY_SHIFT) - 1)

static inline int64_t search_key(int64_t what, int64_t chunk)
{
    return what << SEARCH_KEY_SHIFT | chunk;
}

struct set {
    uint64_t *words; /* in an arena */
    size_t chunks;
};

/* Empty. LIMIT: the arena has no room. */
int set_new(struct arena *a, size_t chunks, struct set *ret, struct err *e);
static inline bool set_has(const struct set *s, int64_t id)
{
    size_t at = (size_t)id / 64;
    return id >= 0 && at < s->chunks * SEARCH_CHUNK_WORDS &&
           (s->words[at] >> ((size_t)id % 64) & 1) != 0;
}
void set_put(struct set *s, int64_t id); /* what lies beyond the chunks is left out */
void set_and(struct set *s, const struct set *other);
void set_or(struct set *s, const struct set *other); /* of the same size */
int64_t set_count(const struct set *s);
bool set_chunk_is_empty(const struct set *s, size_t chunk);
/* The first member from `id` on; -1: there is none. The last one up to it. */
int64_t set_next(const struct set *s, int64_t id);
int64_t set_last(const struct set *s);

/* Those that have the value of this code join. */
int set_join(struct set *s, struct db_conn *c, int64_t code, struct err *e);
/* Each of the numbers that a column holds of the members: fn gives whether it stays one. */
int set_filter(struct set *s, struct db_conn *c, int64_t column, bool (*fn)(void *p, int64_t value),
               void *p, struct err *e);
/* The same without a change: fn is told the member, too. */
int set_each(const struct set *s, struct db_conn *c, int64_t column,
             void (*fn)(void *p, int64_t id, int64_t value), void *p, struct err *e);

#endif
