/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: how the rows that many artifacts share are written. Whoever unpacks one that is damaged is
 * told so (false). Not for other directories.
 */
#ifndef HAVEN_SEARCH_PACK_H
#define HAVEN_SEARCH_PACK_H

#include "base/buf.h"
#include "base/str.h"

/* Artifacts of a row of bits: two full ones fill a page of the database. */
#define SEARCH_ROW       16128
#define SEARCH_ROW_WORDS (SEARCH_ROW / 64)
#define SEARCH_ROW_BYTES (SEARCH_ROW / 8)
/* Artifacts of a row of cells or codes. */
#define SEARCH_CHUNK       1024
#define SEARCH_CHUNK_WORDS (SEARCH_CHUNK / 64)
/* Codes of one model. */
#define SEARCH_CODES_MAX 256

/* ---- bits ---- */

/* The members of a row join those of words, which has SEARCH_ROW_WORDS. */
bool pack_join_bits(struct str row, uint64_t *words);
/* Into out; how many bytes that takes, 0: there is no member. */
size_t pack_bits(const uint64_t *words, char out[SEARCH_ROW_BYTES]);

/* ---- cells ---- */

#define PACK_CELLS_BYTES (9 + SEARCH_CHUNK * 8)
bool pack_read_cells(struct str row, int64_t ret[SEARCH_CHUNK]);
size_t pack_cells(const int64_t cells[SEARCH_CHUNK], char out[PACK_CELLS_BYTES]);

/* ---- codes ---- */

struct pack_codes {
    uint32_t *v; /* owned; NULL: none */
    size_t n;    /* SEARCH_CODES_MAX at most */
};
void pack_codes(const struct pack_codes of[SEARCH_CHUNK], struct buf *out);
/* Tells fn the codes of those artifacts of the chunk that are in words (SEARCH_CHUNK_WORDS), in
 * their order. */
bool pack_read_codes(struct str row, const uint64_t *words,
                     void (*fn)(void *p, size_t artifact, uint32_t code), void *p);

/* ---- lists ---- */

/* So many models have a term at most that are listed in its own row. */
#define PACK_LIST_MAX 128
struct pack_item {
    int64_t id;
    bool named; /* the term is in its name */
};
struct pack_list {
    struct pack_item v[PACK_LIST_MAX]; /* by id */
    size_t n;
};
#define PACK_LIST_BYTES (PACK_LIST_MAX * 10)
bool pack_read_list(struct str row, struct pack_list *ret);
size_t pack_list(const struct pack_list *list, char out[PACK_LIST_BYTES]);

#endif
