/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files out of compressed layers: the first byte says how the layer is packed, eight bytes which
 * two parts are wanted, the rest is the layer. What comes out is what lies there when all of it is
 * unpacked.
 */
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "model/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the fuzzer would otherwise spend its time on. */
#define PLAIN_MAX (4 * MIB)

struct layer {
    const uint8_t *p;
    size_t n;
};

static int get(void *self, const struct digest *digest, uint64_t size, uint64_t at, uint64_t n,
               int (*take)(void *to, const void *p, size_t n, struct err *e), void *to,
               struct err *e)
{
    const struct layer *l = self;
    (void)digest;
    BUG_ON(size != l->n || at > size || n > size - at || n == 0);
    return take(to, l->p + at, (size_t)n, e);
}

static int keep(void *self, const void *p, size_t n, struct err *e)
{
    struct buf *b = self;
    buf_add(b, p, n);
    return buf_ok(b) ? 0 : ERR(e, LIMIT, "enough");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) whole = {0};
    AUTO(buf) got = {0};
    struct err e = {.code = ERR_OK};
    if (size < 9)
        return 0;
    enum inflate_kind kind = data[0] & 1 ? INFLATE_ZSTD : INFLATE_GZIP;
    struct layer l = {.p = data + 9, .n = size - 9};
    struct extract_part parts[2] = {{.at = data[1] + 256u * data[2], .size = data[3] + 1u}};
    parts[1].at = parts[0].at + parts[0].size + data[4] + 256u * data[5];
    parts[1].size = data[6] + 256u * data[7] + 1u;
    size_t n = 1 + (data[8] & 1u);
    BUG_ON(!extract_parts_good(parts, n));

    buf_init(&whole, PLAIN_MAX);
    buf_init(&got, PLAIN_MAX);
    AUTO_INFLATE f = inflate_new(kind, keep, &whole);
    bool good = inflate_put(f, l.p, l.n, &e) == 0;
    BUG_ON(!good && e.code != ERR_MODEL_INVALID && e.code != ERR_LIMIT);
    const struct model_source source = {.get = get, .self = &l};
    const struct digest none = {.alg = DIGEST_SHA256};
    int rc = extract_parts(&source, &none, l.n, kind, parts, n, keep, &got, &e);
    BUG_ON(rc < 0 && e.code != ERR_MODEL_INVALID);
    /* All parts lie in what came out: then they were given. */
    uint64_t end = parts[n - 1].at + parts[n - 1].size;
    BUG_ON(good && buf_ok(&whole) && (rc == 0) != (end <= whole.n));
    if (rc < 0 || !buf_ok(&whole) || end > whole.n)
        return 0;
    BUG_ON(got.n != parts[0].size + (n > 1 ? parts[1].size : 0));
    BUG_ON(memcmp(got.p, whole.p + parts[0].at, parts[0].size) != 0);
    BUG_ON(n > 1 && memcmp(got.p + parts[0].size, whole.p + parts[1].at, parts[1].size) != 0);
    return 0;
}
