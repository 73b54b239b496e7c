/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set: a set of artifacts as bits in memory, joined with and cut by what the database of the search
 * holds. Not for other directories.
 */
#ifndef HAVEN_SEARCH_SET_H
#define HAVEN_SEARCH_SET_H

#include "db/db.h"
#include "search/pack.h"

/* In front of the number of a row or chunk in the keys of the tables bits and cells. */
#define SEARCH_KEY_SHIFT 24
#define SEARCH_ROW_MAX   ((1 << SEARCH_KEY_SHIFT) - 1)

static inline int64_t search_key(int64_t what, int64_t row)
{
    return what << SEARCH_KEY_SHIFT | row;
}

struct set {
    uint64_t *words; /* in an arena */
    size_t n;        /* of them; as many as whole chunks have */
    size_t rows;     /* of bits */
};

/* Empty, of artifacts up to the end of so many rows of bits. LIMIT: the arena has no room. */
int set_new(struct arena *a, size_t rows, struct set *ret, struct err *e);
void set_clear(struct set *s);
static inline bool set_has(const struct set *s, int64_t id)
{
    size_t at = (size_t)id / 64;
    return id >= 0 && at < s->n && (s->words[at] >> ((size_t)id % 64) & 1) != 0;
}
void set_put(struct set *s, int64_t id);              /* what lies beyond the rows is left out */
void set_copy(struct set *s, const struct set *from); /* these are of the same size */
void set_and(struct set *s, const struct set *other);
void set_or(struct set *s, const struct set *other);
int64_t set_count(const struct set *s);
/* The first member from `id` on; -1: there is none. */
int64_t set_next(const struct set *s, int64_t id);
/* The members behind the first n of them leave. */
void set_cut(struct set *s, int64_t n);

/* Those that have the value of this code join. */
int set_join(struct set *s, struct db_conn *c, int64_t code, struct err *e);
/* Each chunk that has members, with the numbers that a column holds of its artifacts. fn may take
 * members away: words are those of the chunk, first is its first artifact. */
typedef void set_chunk_fn(void *p, int64_t first, const int64_t cells[SEARCH_CHUNK],
                          uint64_t words[SEARCH_CHUNK_WORDS]);
int set_walk(struct set *s, struct db_conn *c, int64_t column, set_chunk_fn *fn, void *p,
             struct err *e);
/* Tells the codes of values that the members have. */
int set_codes(const struct set *s, struct db_conn *c,
              void (*fn)(void *p, size_t artifact, uint32_t code), void *p, struct err *e);

#endif
