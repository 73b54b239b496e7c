/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF: tensors lie behind each other and inside the file. */
#include "weights_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = {0};
    struct weights w = {.n_tensors = 0};
    struct str bytes;
    if (size == 0)
        return 0;
    struct model_reader r = padded_reader(&bytes, data, size);

    arena_init(&a, 64 * MIB);
    if (weights_check(&a, &r, &w) == 1 && w.n_tensors)
        BUG_ON(w.tensors[0].offset < w.header_bytes);
    return 0;
}
