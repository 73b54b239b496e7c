/* SPDX-License-Identifier: Apache-2.0 */
#define ZLIB_CONST
#include "model/inflate.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdbool.h>
#include <zlib.h>
#include <zstd.h>

#define OUT_STEP (128 * KIB)
/* windowBits: 15, and gzip's wrapper only. */
#define GZIP_ONLY (15 + 16)

struct inflate {
    enum inflate_kind kind;
    int (*take)(void *self, const void *p, size_t n, struct err *e);
    void *self;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool inside; /* of a member or frame */
    bool began;
    uint64_t in, out;
    char buffer[OUT_STEP];
};

struct inflate *inflate_new(enum inflate_kind kind,
                            int (*take)(void *self, const void *p, size_t n, struct err *e),
                            void *self)
{
    struct inflate *f = NEW(struct inflate);
    f->kind = kind;
    f->take = take;
    f->self = self;
    /* Only memory can lack. */
    if (kind == INFLATE_GZIP) {
        BUG_ON(inflateInit2(&f->gzip, GZIP_ONLY) != Z_OK);
    } else {
        f->zstd = ZSTD_createDStream();
        BUG_ON(!f->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax,
                                                               LIMIT_ZSTD_WINDOW_LOG)));
    }
    return f;
}

void inflate_autofree(struct inflate **p)
{
    struct inflate *f = *p;
    if (!f)
        return;
    if (f->kind == INFLATE_GZIP)
        (void)inflateEnd(&f->gzip);
    ZSTD_freeDStream(f->zstd);
    mem_free(f);
}

/* What came out goes on, if it is not too much. */
static int give(struct inflate *f, size_t n, struct err *e)
{
    f->out += n;
    if (f->out > LIMIT_UNPACK_SMALL && f->out / LIMIT_UNPACK_RATIO > f->in)
        return ERR(e, MODEL_INVALID,
                   "the compressed layer unpacks to more than %llu times its size: not unpacked",
                   LIMIT_UNPACK_RATIO);
    return n ? f->take(f->self, f->buffer, n, e) : 0;
}

static int put_gzip(struct inflate *f, const void *p, size_t n, struct err *e)
{
    z_stream *z = &f->gzip;
    z->next_in = p;
    z->avail_in = (uInt)n;
    bool full = false;
    while (z->avail_in || full) {
        if (!f->inside)
            BUG_ON(inflateReset(z) != Z_OK);
        f->inside = f->began = true;
        z->next_out = (Bytef *)f->buffer;
        z->avail_out = OUT_STEP;
        int rc = inflate(z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return ERR(e, MODEL_INVALID, "the layer is not good gzip: %s",
                       z->msg ? z->msg : "it wants a dictionary");
        full = z->avail_out == 0;
        if (give(f, OUT_STEP - z->avail_out, e) < 0)
            return -1;
        if (rc == Z_STREAM_END)
            f->inside = full = false;
    }
    return 0;
}

static int put_zstd(struct inflate *f, const void *p, size_t n, struct err *e)
{
    ZSTD_inBuffer in = {.src = p, .size = n};
    bool full = false;
    while (in.pos < in.size || full) {
        ZSTD_outBuffer out = {.dst = f->buffer, .size = OUT_STEP};
        size_t rc = ZSTD_decompressStream(f->zstd, &out, &in);
        if (ZSTD_isError(rc))
            return ERR(e, MODEL_INVALID, "the layer is not good zstd: %s", ZSTD_getErrorName(rc));
        f->began = true;
        f->inside = rc != 0;
        full = rc != 0 && out.pos == out.size;
        if (give(f, out.pos, e) < 0)
            return -1;
    }
    return 0;
}

int inflate_put(struct inflate *f, const void *p, size_t n, struct err *e)
{
    f->in += n;
    return f->kind == INFLATE_GZIP ? put_gzip(f, p, n, e) : put_zstd(f, p, n, e);
}

int inflate_end(const struct inflate *f, struct err *e)
{
    if (f->inside || !f->began)
        return ERR(e, MODEL_INVALID, "the compressed layer ends too early");
    return 0;
}
