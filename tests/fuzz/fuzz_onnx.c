/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX: tensors lie inside the file, or in one with a good path. Bytes behind the input read as
 * zero, as the first one says, so that tensors larger than an input are reached too. */
#include "weights_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct padded {
    struct str bytes;
};

static int read_padded(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct padded *f = self;
    (void)e;
    memset(p, 0, n);
    if (at < f->bytes.n)
        memcpy(p, f->bytes.p + at, MIN_OF(n, f->bytes.n - at));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = {0};
    struct weights w = {.n_tensors = 0};
    if (size == 0)
        return 0;
    struct padded f = {.bytes = str_of((const char *)data + 1, size - 1)};
    struct model_reader r = {
        .size = size - 1 + ((uint64_t)data[0] << 12), .read = read_padded, .self = &f};

    arena_init(&a, 64 * MIB);
    (void)weights_check(&a, &r, &w);
    return 0;
}
