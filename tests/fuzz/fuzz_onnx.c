/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX: tensors lie inside the file, or in one with a good path. */
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
    (void)weights_check(&a, &r, &w);
    return 0;
}
