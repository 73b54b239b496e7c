/* SPDX-License-Identifier: Apache-2.0 */
#include "search/set.h"

#include "base/mem.h"

int set_new(struct arena *a, size_t chunks, struct set *ret, struct err *e)
{
    uint64_t *words = arena_try(a, chunks * SEARCH_BITS_BYTES + 8, e);

    if (!words)
        return -1;
    *ret = (struct set){.words = words, .chunks = chunks};
    return 0;
}

void set_put(struct set *s, int64_t id)
{
    size_t at = (size_t)id / 64;

    if (id >= 0 && at < s->chunks * SEARCH_CHUNK_WORDS)
        s->words[at] |= 1ULL << ((size_t)id % 64);
}

void set_and(struct set *s, const struct set *other)
{
    for (size_t i = 0; i < s->chunks * SEARCH_CHUNK_WORDS; i++)
        s->words[i] &= i < other->chunks * SEARCH_CHUNK_WORDS ? other->words[i] : 0;
}

void set_or(struct set *s, const struct set *other)
{
    for (size_t i = 0; i < s->chunks * SEARCH_CHUNK_WORDS; i++)
        s->words[i] |= other->words[i];
}

int64_t set_count(const struct set *s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s->chunks * SEARCH_CHUNK_WORDS; i++)
        n += __builtin_popcountll(s->words[i]);
    return n;
}

bool set_chunk_is_empty(const struct set *s, size_t chunk)
{
    const uint64_t *w = s->words + chunk * SEARCH_CHUNK_WORDS;
    uint64_t any = 0;

    for (size_t i = 0; i < SEARCH_CHUNK_WORDS; i++)
        any |= w[i];
    return any == 0;
}

int64_t set_next(const struct set *s, int64_t id)
{
    size_t n = s->chunks * SEARCH_CHUNK_WORDS, at = (size_t)id / 64;

    if (at >= n)
        return -1;
    uint64_t w = s->words[at] & (~0ULL << ((size_t)id % 64));
    while (w == 0 && ++at < n)
        w = s->words[at];
    return w ? (int64_t)(at * 64) + __builtin_ctzll(w) : -1;
}

int64_t set_last(const struct set *s)
{
    for (size_t at = s->chunks * SEARCH_CHUNK_WORDS; at-- > 0;)
        if (s->words[at])
            return (int64_t)(at * 64) + 63 - __builtin_clzll(s->words[at]);
    return -1;
}

/* ---- of the database ---- */

/* The rows of bits or cells of a code or column. */
static int rows_of(struct db_conn *c, enum db_query q, int64_t what, size_t chunks,
                   struct db_rows *ret, struct err *e)
{
    int64_t last = chunks ? (int64_t)chunks - 1 : 0;
    return db_query(c, q, DB_ARGS(DB_I64(search_key(what, 0)), DB_I64(search_key(what, last))), ret,
                    e);
}

static int wrong_size(struct err *e)
{
    return ERR(e, CORRUPT, "a row of the search has a wrong size");
}

int set_join(struct set *s, struct db_conn *c, int64_t code, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    if (rows_of(c, Q_s_bits_range, code, s->chunks, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        size_t chunk = (size_t)(db_i64(&rows, 0) & SEARCH_CHUNK_MAX);
        struct str bytes = db_bytes(&rows, 1);
        uint64_t words[SEARCH_CHUNK_WORDS];
        if (bytes.n != sizeof(words))
            return wrong_size(e);
        memcpy(words, bytes.p, sizeof(words));
        for (size_t i = 0; i < SEARCH_CHUNK_WORDS && chunk < s->chunks; i++)
            s->words[chunk * SEARCH_CHUNK_WORDS + i] |= words[i];
    }
    return more;
}

/* The cells of the next chunk that has members: 1, 0, -1. Other rows are not even read. */
static int next_cells(const struct set *s, struct db_rows *rows, size_t *ret_chunk,
                      struct str *ret_cells, struct err *e)
{
    int more;

    while ((more = db_next(rows, e)) > 0) {
        size_t chunk = (size_t)(db_i64(rows, 0) & SEARCH_CHUNK_MAX);
        if (chunk >= s->chunks || set_chunk_is_empty(s, chunk))
            continue;
        struct str bytes = db_bytes(rows, 1);
        if (bytes.n != SEARCH_CELLS_BYTES)
            return wrong_size(e);
        *ret_chunk = chunk;
        *ret_cells = bytes;
        return 1;
    }
    return more;
}

static int64_t cell(struct str cells, size_t i)
{
    int64_t v;
    memcpy(&v, cells.p + i * sizeof(v), sizeof(v));
    return v;
}

int set_filter(struct set *s, struct db_conn *c, int64_t column, bool (*fn)(void *p, int64_t value),
               void *p, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct str cells;
    size_t chunk;
    int more;

    if (rows_of(c, Q_s_cells_range, column, s->chunks, &rows, e) < 0)
        return -1;
    while ((more = next_cells(s, &rows, &chunk, &cells, e)) > 0) {
        uint64_t *w = s->words + chunk * SEARCH_CHUNK_WORDS;
        for (size_t i = 0; i < SEARCH_CHUNK_WORDS; i++)
            for (uint64_t left = w[i]; left; left &= left - 1) {
                size_t bit = (size_t)__builtin_ctzll(left);
                if (!fn(p, cell(cells, i * 64 + bit)))
                    w[i] &= ~(1ULL << bit);
            }
    }
    return more;
}

int set_each(const struct set *s, struct db_conn *c, int64_t column,
             void (*fn)(void *p, int64_t id, int64_t value), void *p, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct str cells;
    size_t chunk;
    int more;

    if (rows_of(c, Q_s_cells_range, column, s->chunks, &rows, e) < 0)
        return -1;
    while ((more = next_cells(s, &rows, &chunk, &cells, e)) > 0) {
        const uint64_t *w = s->words + chunk * SEARCH_CHUNK_WORDS;
        for (size_t i = 0; i < SEARCH_CHUNK_WORDS; i++)
            for (uint64_t left = w[i]; left; left &= left - 1) {
                size_t at = i * 64 + (size_t)__builtin_ctzll(left);
                fn(p, (int64_t)(chunk * SEARCH_CHUNK + at), cell(cells, at));
            }
    }
    return more;
}
