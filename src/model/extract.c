/* SPDX-License-Identifier: Apache-2.0 */
#include "model/extract.h"

#include "base/limits.h"
#include "base/mem.h"

/* The first step is enough for a small file near the beginning of a layer: zstd gives nothing
 * before it has a block, of at most 128 KiB. */
#define STEP_FIRST (256 * KIB)
#define STEP_MAX   (1 * MIB)

struct extraction {
    const struct extract_part *parts;
    size_t n; /* that are left */
    int (*give)(void *self, const void *p, size_t n, struct err *e);
    void *self;
    struct inflate *inflate;
    uint64_t at; /* bytes that came out */
};

bool extract_parts_good(const struct extract_part *parts, size_t n)
{
    uint64_t end = 0;

    for (size_t i = 0; i < n; i++) {
        const struct extract_part *p = &parts[i];
        if (p->size == 0 || p->at < end || p->at > LIMIT_LOOK_UNPACKED ||
            p->size > LIMIT_LOOK_UNPACKED - p->at)
            return false;
        end = p->at + p->size;
    }
    return true;
}

/* -1 without an error: what follows is of no interest. */
static int on_plain(void *self, const void *p, size_t n, struct err *e)
{
    struct extraction *x = self;
    const char *bytes = p;
    uint64_t end = x->at + n;

    for (; x->n; x->parts++, x->n--) {
        uint64_t stop = x->parts->at + x->parts->size;
        uint64_t from = MAX_OF(x->parts->at, x->at), to = MIN_OF(stop, end);
        if (from < to && x->give(x->self, bytes + (from - x->at), (size_t)(to - from), e) < 0)
            return -1;
        if (stop > end)
            break;
    }
    x->at = end;
    return x->n ? 0 : -1;
}

static int on_packed(void *self, const void *p, size_t n, struct err *e)
{
    struct extraction *x = self;
    return inflate_put(x->inflate, p, n, e);
}

static int failed(const struct err *why, struct err *e)
{
    if (e)
        *e = *why;
    return -1;
}

int extract_parts(const struct model_source *source, const struct digest *blob, uint64_t size,
                  enum inflate_kind kind, const struct extract_part *parts, size_t n,
                  int (*give)(void *self, const void *p, size_t n, struct err *e), void *self,
                  struct err *e)
{
    struct extraction x = {.parts = parts, .n = n, .give = give, .self = self};
    AUTO_INFLATE inflate = inflate_new(kind, on_plain, &x);
    uint64_t step = STEP_FIRST;

    BUG_ON(n == 0 || !extract_parts_good(parts, n));
    x.inflate = inflate;
    for (uint64_t at = 0; at < size; at += step, step = MIN_OF(2 * step, STEP_MAX)) {
        struct err why = {.code = ERR_OK};
        step = MIN_OF(step, size - at);
        int rc = source->get(source->self, blob, size, at, step, on_packed, &x, &why);
        if (x.n == 0 && why.code == ERR_OK)
            return 0;
        if (rc < 0)
            return failed(&why, e);
    }
    return ERR(e, MODEL_INVALID, "the compressed layer ends before the file does");
}
