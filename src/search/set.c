/* SPDX-License-Identifier: Apache-2.0 */
#include "search/set.h"

#include "base/mem.h"

int set_new(struct arena *a, size_t rows, struct set *ret, struct err *e)
{
    size_t n = (rows * SEARCH_ROW_WORDS + SEARCH_CHUNK_WORDS - 1) / SEARCH_CHUNK_WORDS *
               SEARCH_CHUNK_WORDS;
    uint64_t *words = arena_try(a, n * sizeof(*words) + 8, e);

    if (!words)
        return -1;
    *ret = (struct set){.words = words, .n = n, .rows = rows};
    return 0;
}

void set_clear(struct set *s)
{
    memset(s->words, 0, s->n * sizeof(*s->words));
}

void set_put(struct set *s, int64_t id)
{
    size_t at = (size_t)id / 64;

    if (id >= 0 && at < s->rows * SEARCH_ROW_WORDS)
        s->words[at] |= 1ULL << ((size_t)id % 64);
}

void set_copy(struct set *s, const struct set *from)
{
    memcpy(s->words, from->words, s->n * sizeof(*s->words));
}

void set_and(struct set *s, const struct set *other)
{
    for (size_t i = 0; i < s->n; i++)
        s->words[i] &= other->words[i];
}

void set_or(struct set *s, const struct set *other)
{
    for (size_t i = 0; i < s->n; i++)
        s->words[i] |= other->words[i];
}

int64_t set_count(const struct set *s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += __builtin_popcountll(s->words[i]);
    return n;
}

int64_t set_next(const struct set *s, int64_t id)
{
    size_t at = (size_t)id / 64;

    if (at >= s->n)
        return -1;
    uint64_t w = s->words[at] & (~0ULL << ((size_t)id % 64));
    while (w == 0 && ++at < s->n)
        w = s->words[at];
    return w ? (int64_t)(at * 64) + __builtin_ctzll(w) : -1;
}

void set_cut(struct set *s, int64_t n)
{
    size_t at = 0;

    for (; at < s->n && n >= __builtin_popcountll(s->words[at]); at++)
        n -= __builtin_popcountll(s->words[at]);
    if (at == s->n)
        return;
    uint64_t kept = 0;
    for (uint64_t left = s->words[at]; n > 0; n--, left &= left - 1)
        kept |= left & -left;
    s->words[at] = kept;
    memset(s->words + at + 1, 0, (s->n - at - 1) * sizeof(*s->words));
}

static bool is_empty(const uint64_t *words)
{
    uint64_t any = 0;

    for (size_t i = 0; i < SEARCH_CHUNK_WORDS; i++)
        any |= words[i];
    return any == 0;
}

/* ---- of the database ---- */

static int damaged(struct err *e)
{
    return ERR(e, CORRUPT, "a row of the search is damaged");
}

int set_join(struct set *s, struct db_conn *c, int64_t code, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    if (s->rows == 0)
        return 0;
    if (db_query(
            c, Q_s_bits_range,
            DB_ARGS(DB_I64(search_key(code, 0)), DB_I64(search_key(code, (int64_t)s->rows - 1))),
            &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        size_t row = (size_t)(db_i64(&rows, 0) & SEARCH_ROW_MAX);
        if (row >= s->rows ||
            !pack_join_bits(db_bytes(&rows, 1), s->words + row * SEARCH_ROW_WORDS))
            return damaged(e);
    }
    return more;
}

/* Chunks that have members. */
static size_t chunks_of(const struct set *s)
{
    size_t n = 0;

    for (size_t at = 0; at < s->n; at += SEARCH_CHUNK_WORDS)
        n += !is_empty(s->words + at);
    return n;
}

/* The row of the next chunk that has members: 1, 0, -1. Others are not even read. *left: how many
 * there should still be, so that nobody stays a member whose row is lost. */
static int next_chunk(const struct set *s, struct db_rows *rows, size_t *left, size_t *ret_chunk,
                      struct err *e)
{
    int more;

    while (*left && (more = db_next(rows, e)) != 0) {
        if (more < 0)
            return -1;
        size_t chunk = (size_t)(db_i64(rows, 0) & SEARCH_ROW_MAX);
        if (chunk >= s->n / SEARCH_CHUNK_WORDS || is_empty(s->words + chunk * SEARCH_CHUNK_WORDS))
            continue;
        *ret_chunk = chunk;
        (*left)--;
        return 1;
    }
    return *left ? damaged(e) : 0;
}

int set_walk(struct set *s, struct db_conn *c, int64_t column, set_chunk_fn *fn, void *p,
             struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t cells[SEARCH_CHUNK];
    size_t chunk, left = chunks_of(s);
    int more;

    if (db_query(c, Q_s_cells_range,
                 DB_ARGS(DB_I64(search_key(column, 0)), DB_I64(search_key(column, SEARCH_ROW_MAX))),
                 &rows, e) < 0)
        return -1;
    while ((more = next_chunk(s, &rows, &left, &chunk, e)) > 0) {
        if (!pack_read_cells(db_bytes(&rows, 1), cells))
            return damaged(e);
        fn(p, (int64_t)(chunk * SEARCH_CHUNK), cells, s->words + chunk * SEARCH_CHUNK_WORDS);
    }
    return more;
}

int set_codes(const struct set *s, struct db_conn *c,
              void (*fn)(void *p, size_t artifact, uint32_t code), void *p, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t chunk, left = chunks_of(s);
    int more;

    if (db_query(c, Q_s_codes_range, DB_ARGS(DB_I64(0), DB_I64(SEARCH_ROW_MAX)), &rows, e) < 0)
        return -1;
    while ((more = next_chunk(s, &rows, &left, &chunk, e)) > 0)
        if (!pack_read_codes(db_bytes(&rows, 1), s->words + chunk * SEARCH_CHUNK_WORDS, fn, p))
            return damaged(e);
    return more;
}
