/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip: the members of a ZIP archive by its central directory: how large they are and where they
 * lie. Nothing is unpacked.
 *
 * Archives come from strangers: no two members may overlap or have one name, and all of them lie
 * before the directory. ZIP64 is read; archives in several parts and encrypted members are not.
 * Source: PKWARE's APPNOTE.TXT 6.3. Pure; any thread.
 */
#ifndef HAVEN_MODEL_ZIP_H
#define HAVEN_MODEL_ZIP_H

#include "base/arena.h"
#include "model/reader.h"

struct zip_member {
    struct str name; /* as it is written */
    uint64_t at;     /* where its own header begins */
    uint64_t end;    /* where the next member, or the directory, begins */
    uint64_t packed; /* bytes in the archive */
    uint64_t size;   /* bytes unpacked */
    unsigned method; /* 0: stored */
    unsigned flags;
};

struct zip {
    struct zip_member *members; /* sorted by name */
    size_t n;
    struct str first; /* the name that the directory lists first; empty when it is empty */
};

/* Everything lies in the arena. MODEL_INVALID (what and where), LIMIT (LIMIT_ZIP_MEMBERS, and
 * LIMIT_WEIGHT_HEADER for the directory), or what the reader returns. */
int zip_read(struct arena *a, const struct model_reader *r, struct zip *ret, struct err *e);

/* NULL: there is none of this name. */
const struct zip_member *zip_find(const struct zip *z, struct str name);

/* Where the content of a member begins. It must be stored: MODEL_INVALID when it is compressed or
 * encrypted.
 *
 * A header of the member's own stands before it and has a length that only reading it tells. Where
 * members lie back to back, as every common writer lays them, and the content then begins at a
 * multiple of 64, as PyTorch aligns it, it is not read: of a model on another machine each would
 * cost a request. */
int zip_content(const struct zip_member *m, const struct model_reader *r, uint64_t *ret,
                struct err *e);

#endif
