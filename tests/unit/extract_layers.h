/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed layers for test_extract.c and test_parser_extract.c. */
#ifndef HAVEN_TESTS_EXTRACT_LAYERS_H
#define HAVEN_TESTS_EXTRACT_LAYERS_H

#include "base/hash.h"
#include "jobs/extract.h"
#include "model/tar.h"
#include "unit.h"

#include <zlib.h>
#include <zstd.h>

#define FILES 5
/* A layer of files: small, large, small, larger, small. */
struct layer {
    struct digest digest;
    enum inflate_kind kind;
    struct str packed;
    struct extract_want files[FILES];
    struct str contents[FILES];
};

static struct arena arena; /* of the layers of one test */

static inline struct str gzip(struct str s, int level)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)s.p, .avail_in = (uInt)s.n};
    uInt room = (uInt)s.n + 1024;
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = arena_alloc(&arena, room);
    z.avail_out = room;
    char *out = (char *)z.next_out;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return str_of(out, z.total_out);
}

static struct str zstd(struct str s)
{
    size_t room = ZSTD_compressBound(s.n);
    char *out = arena_alloc(&arena, room);
    size_t n = ZSTD_compress(out, room, s.p, s.n, 3);
    assert_false(ZSTD_isError(n));
    return str_of(out, n);
}

static struct str join(struct str a, struct str b)
{
    char *p = arena_alloc(&arena, a.n + b.n + 1);
    memcpy(p, a.p, a.n);
    memcpy(p + a.n, b.p, b.n);
    return str_of(p, a.n + b.n);
}

/* Bytes that pack to half of their size, other ones for each seed. */
static struct str bytes_of(unsigned seed, size_t n)
{
    char *p = arena_alloc(&arena, n + 1);
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        p[i] = (char)(x & 0xf);
    }
    return str_of(p, n);
}

/* Several members or frames, the first of which ends inside of a header. */
static void make_layer(struct layer *l, unsigned seed, enum inflate_kind kind)
{
    static const size_t sizes[FILES] = {700, 3 * MIB + 17, 5, 2 * MIB, 9000};
    AUTO(buf) tar = {0};

    *l = (struct layer){.kind = kind};
    buf_init(&tar, 16 * MIB);
    for (size_t i = 0; i < FILES; i++) {
        char path[16];
        (void)snprintf(path, sizeof(path), "f/%zu.bin", i);
        l->contents[i] = bytes_of(seed * FILES + (unsigned)i, sizes[i]);
        tar_header_write(&tar, str_from(path), sizes[i], 0644);
        l->files[i] =
            (struct extract_want){.kind = kind, .at = tar.n, .size = sizes[i], .has_digest = true};
        hash_bytes(DIGEST_SHA256, l->contents[i].p, sizes[i], &l->files[i].digest);
        buf_adds(&tar, l->contents[i]);
        for (uint64_t k = tar_padding(sizes[i]); k > 0; k--)
            buf_addc(&tar, '\0');
    }
    for (unsigned i = 0; i < TAR_END_BYTES; i++)
        buf_addc(&tar, '\0');
    struct str all = buf_str(&tar), head = str_head(all, 300), rest = str_skip(all, 300);
    l->packed =
        kind == INFLATE_GZIP ? join(gzip(head, 1), gzip(rest, 1)) : join(zstd(head), zstd(rest));
    hash_bytes(DIGEST_SHA256, l->packed.p, l->packed.n, &l->digest);
    for (size_t i = 0; i < FILES; i++) {
        l->files[i].layer = l->digest;
        l->files[i].layer_size = l->packed.n;
    }
}

#endif
