/* SPDX-License-Identifier: Apache-2.0 */
/* PyTorch's files, which are programs: reading ends, tensors lie inside the file. The first byte is
 * 0 for a whole file; else the input is what stands behind the first pickles of the older form, so
 * that little but the object's pickle has to be found out. */
#include "weights_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The magic number, the protocol, and nothing of the machine. */
static const char before[] = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                             "\x80\x02M\xe9\x03."
                             "}.";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = {0};
    struct weights w = {.n_tensors = 0};
    if (size == 0)
        return 0;
    size_t n = data[0] ? sizeof(before) - 1 : 0;
    AUTO_FREE char *file = mem_alloc(n + size);
    memcpy(file, before, n);
    memcpy(file + n, data + 1, size - 1);
    struct str bytes = str_of(file, n + size - 1);
    struct model_reader r = model_reader_memory(&bytes);

    arena_init(&a, 64 * MIB);
    (void)weights_check(&a, &r, &w);
    return 0;
}
