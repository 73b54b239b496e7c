/* SPDX-License-Identifier: Apache-2.0 */
/*
 * piecemap: which pieces of a blob its partial file holds, kept in a small file beside it so that
 * a killed pull loses little.
 *
 * Pieces are PIECEMAP_PIECE bytes, in large blobs more, so that there are at most
 * PIECEMAP_PIECES_MAX of them; the last one is shorter. The map is written after the data, without
 * a sync: whoever takes up a map hashes what it promises.
 *
 * The file, little-endian: two slots of the same length, written in turn, so that a write that is
 * cut off leaves the other one whole. The valid slot with the higher sequence counts.
 *   0  magic "HvPm"     4  version (1)        5  zero (3 bytes)
 *   8  sequence         16 bytes of the blob  24 bytes of a piece (64 bit each)
 *  32  one bit for each piece, from the least significant bit of the first byte on; the rest zero
 *      SHA-256 of all of it so far
 * One thread at a time.
 */
#ifndef HAVEN_CLIENT_PIECEMAP_H
#define HAVEN_CLIENT_PIECEMAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define PIECEMAP_PIECE      (1ull << 20)
#define PIECEMAP_PIECES_MAX 65536

struct piecemap {
    uint64_t size;  /* bytes of the blob */
    uint64_t piece; /* bytes of a piece but the last */
    size_t n;       /* pieces */
    size_t n_set;
    uint64_t sequence; /* of the last slot written */
    uint8_t *bits;
};

/* Nothing is there yet. */
void piecemap_init(struct piecemap *m, uint64_t size);
void piecemap_autodone(struct piecemap *m);

bool piecemap_has(const struct piecemap *m, size_t i);
void piecemap_set(struct piecemap *m, size_t i, bool there);
/* Where piece i begins and ends; i == n gives the blob's end. */
uint64_t piecemap_at(const struct piecemap *m, size_t i);

/* Takes up what the file says of a blob of this size and these pieces: true, or false when there is
 * nothing to be believed (then nothing is set). */
bool piecemap_load(struct piecemap *m, int fd);
int piecemap_save(struct piecemap *m, int fd, struct err *e);

#endif
