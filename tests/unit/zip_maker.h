/* SPDX-License-Identifier: Apache-2.0 */
/* zip_maker: ZIP archives as PyTorch's writer lays them, with holes where contents are large. */
#ifndef HAVEN_TESTS_ZIP_MAKER_H
#define HAVEN_TESTS_ZIP_MAKER_H

#include "base/buf.h"
#include "base/limits.h"
#include "model/reader.h"
#include "unit.h"

#define ZIP_MAKER_MEMBERS 16
#define ZIP_MAKER_HOLE    (1 * MIB) /* contents that are larger are zeros that nobody stores */

/* A run of bytes of the file; what lies between them is zero. */
struct zip_piece {
    uint64_t at;
    struct buf bytes;
};

struct zip_maker {
    struct zip_piece pieces[ZIP_MAKER_MEMBERS + 1];
    size_t n_pieces;
    struct {
        char name[64];
        uint64_t at, size;
    } members[ZIP_MAKER_MEMBERS];
    size_t n;
    uint64_t at;           /* where the next byte goes */
    bool plain;            /* no alignment, no sizes behind the contents */
    bool large;            /* ZIP64 for every entry, and the end */
    uint64_t asked, reads; /* by the reader */
};

static inline void zip_maker_autodone(struct zip_maker *z)
{
    for (size_t i = 0; i < z->n_pieces; i++)
        buf_done(&z->pieces[i].bytes);
}

static inline struct buf *zip_piece(struct zip_maker *z)
{
    struct zip_piece *last = z->n_pieces ? &z->pieces[z->n_pieces - 1] : NULL;
    if (last && last->at + last->bytes.n == z->at)
        return &last->bytes;
    BUG_ON(z->n_pieces == ARRAY_LEN(z->pieces));
    last = &z->pieces[z->n_pieces++];
    last->at = z->at;
    buf_init(&last->bytes, 64 * MIB);
    return &last->bytes;
}

static inline void zip_add(struct zip_maker *z, struct str s)
{
    buf_adds(zip_piece(z), s);
    z->at += s.n;
}

static inline void zip_put(struct zip_maker *z, uint64_t v, unsigned bytes)
{
    char p[8];
    BUG_ON(bytes > sizeof(p));
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (char)(v >> (8 * i));
    zip_add(z, str_of(p, bytes));
}

/* The content, or size zeros when content.p is NULL. */
static inline void zip_member(struct zip_maker *z, const char *name, struct str content,
                              uint64_t size)
{
    static const char zeros[64] = {0};
    if (content.p)
        size = content.n;
    (void)snprintf(z->members[z->n].name, sizeof(z->members[z->n].name), "%s", name);
    z->members[z->n].at = z->at;
    z->members[z->n++].size = size;
    uint64_t head = z->at + 30 + strlen(name), extra = z->plain ? 0 : 64 - head % 64;
    zip_put(z, 0x04034b50, 4);
    zip_put(z, 0, 2);
    zip_put(z, z->plain ? 0 : 8, 2);
    zip_put(z, 0, 6);
    zip_put(z, 0, 4);
    zip_put(z, z->plain && !z->large ? size : 0, 4);
    zip_put(z, z->plain && !z->large ? size : 0, 4);
    zip_put(z, strlen(name), 2);
    zip_put(z, extra, 2);
    zip_add(z, str_from(name));
    zip_add(z, str_of(zeros, (size_t)extra));
    if (content.p) {
        zip_add(z, content);
    } else if (size < ZIP_MAKER_HOLE) {
        for (uint64_t i = 0; i < size; i++)
            zip_put(z, 0, 1);
    } else {
        z->at += size;
    }
    if (!z->plain) {
        zip_put(z, 0x08074b50, 4);
        zip_put(z, 0, 4);
        zip_put(z, size, size >= UINT32_MAX ? 8 : 4);
        zip_put(z, size, size >= UINT32_MAX ? 8 : 4);
    }
}

static inline void zip_entry(struct zip_maker *z, size_t i)
{
    uint64_t at = z->members[i].at, size = z->members[i].size;
    zip_put(z, 0x02014b50, 4);
    zip_put(z, 0, 4);
    zip_put(z, z->plain ? 0 : 8, 2);
    zip_put(z, 0, 6);
    zip_put(z, 0, 4);
    zip_put(z, z->large ? UINT32_MAX : size, 4);
    zip_put(z, z->large ? UINT32_MAX : size, 4);
    zip_put(z, strlen(z->members[i].name), 2);
    zip_put(z, z->large ? 28 : 0, 2);
    zip_put(z, 0, 2);
    zip_put(z, 0, 8);
    zip_put(z, z->large ? UINT32_MAX : at, 4);
    zip_add(z, str_from(z->members[i].name));
    if (z->large) {
        zip_put(z, 1, 2);
        zip_put(z, 24, 2);
        zip_put(z, size, 8);
        zip_put(z, size, 8);
        zip_put(z, at, 8);
    }
}

static inline void zip_finish(struct zip_maker *z)
{
    uint64_t at = z->at;
    for (size_t i = 0; i < z->n; i++)
        zip_entry(z, i);
    uint64_t end = z->at;
    if (z->large) {
        zip_put(z, 0x06064b50, 4);
        zip_put(z, 44, 8);
        zip_put(z, 0, 8);
        zip_put(z, 0, 4);
        zip_put(z, z->n, 8);
        zip_put(z, z->n, 8);
        zip_put(z, end - at, 8);
        zip_put(z, at, 8);
        zip_put(z, 0x07064b50, 4);
        zip_put(z, 0, 4);
        zip_put(z, end, 8);
        zip_put(z, 1, 4);
    }
    zip_put(z, 0x06054b50, 4);
    zip_put(z, 0, 4);
    zip_put(z, z->large ? 0xffff : z->n, 2);
    zip_put(z, z->large ? 0xffff : z->n, 2);
    zip_put(z, z->large ? UINT32_MAX : end - at, 4);
    zip_put(z, z->large ? UINT32_MAX : at, 4);
    zip_put(z, 0, 2);
}

static inline int zip_maker_read(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    struct zip_maker *z = self;
    (void)e;
    z->reads++;
    z->asked += n;
    memset(p, 0, n);
    for (size_t i = 0; i < z->n_pieces; i++) {
        const struct zip_piece *piece = &z->pieces[i];
        uint64_t from = MAX_OF(at, piece->at), to = MIN_OF(at + n, piece->at + piece->bytes.n);
        if (from < to)
            memcpy((char *)p + (from - at), piece->bytes.p + (from - piece->at),
                   (size_t)(to - from));
    }
    return 0;
}

static inline struct model_reader zip_reader(struct zip_maker *z)
{
    return (struct model_reader){.size = z->at, .read = zip_maker_read, .self = z};
}

#endif
