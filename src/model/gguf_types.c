/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gguf_types.h"

#include "base/mem.h"

/* By number; those that are missing were removed. Bits of a block: its bytes times eight. */
static const struct weight_dtype types[] = {
    [0] = {"F32", "float32", 1, 32},       [1] = {"F16", "float16", 1, 16},
    [2] = {"Q4_0", NULL, 32, 18 * 8},      [3] = {"Q4_1", NULL, 32, 20 * 8},
    [6] = {"Q5_0", NULL, 32, 22 * 8},      [7] = {"Q5_1", NULL, 32, 24 * 8},
    [8] = {"Q8_0", NULL, 32, 34 * 8},      [9] = {"Q8_1", NULL, 32, 36 * 8},
    [10] = {"Q2_K", NULL, 256, 84 * 8},    [11] = {"Q3_K", NULL, 256, 110 * 8},
    [12] = {"Q4_K", NULL, 256, 144 * 8},   [13] = {"Q5_K", NULL, 256, 176 * 8},
    [14] = {"Q6_K", NULL, 256, 210 * 8},   [15] = {"Q8_K", NULL, 256, 292 * 8},
    [16] = {"IQ2_XXS", NULL, 256, 66 * 8}, [17] = {"IQ2_XS", NULL, 256, 74 * 8},
    [18] = {"IQ3_XXS", NULL, 256, 98 * 8}, [19] = {"IQ1_S", NULL, 256, 50 * 8},
    [20] = {"IQ4_NL", NULL, 32, 18 * 8},   [21] = {"IQ3_S", NULL, 256, 110 * 8},
    [22] = {"IQ2_S", NULL, 256, 82 * 8},   [23] = {"IQ4_XS", NULL, 256, 136 * 8},
    [24] = {"I8", "int8", 1, 8},           [25] = {"I16", "int16", 1, 16},
    [26] = {"I32", "int32", 1, 32},        [27] = {"I64", "int64", 1, 64},
    [28] = {"F64", "float64", 1, 64},      [29] = {"IQ1_M", NULL, 256, 56 * 8},
    [30] = {"BF16", "bfloat16", 1, 16},    [34] = {"TQ1_0", NULL, 256, 54 * 8},
    [35] = {"TQ2_0", NULL, 256, 66 * 8},   [39] = {"MXFP4", NULL, 32, 17 * 8},
    [40] = {"NVFP4", NULL, 64, 36 * 8},    [41] = {"Q1_0", NULL, 128, 18 * 8},
};

const struct weight_dtype *gguf_type(uint64_t id)
{
    return id < ARRAY_LEN(types) && types[id].name ? &types[id] : NULL;
}

const char *gguf_file_type(uint64_t id)
{
    static const char *const names[] = {
        [0] = "F32",      [1] = "F16",      [2] = "Q4_0",       [3] = "Q4_1",    [7] = "Q8_0",
        [8] = "Q5_0",     [9] = "Q5_1",     [10] = "Q2_K",      [11] = "Q3_K_S", [12] = "Q3_K_M",
        [13] = "Q3_K_L",  [14] = "Q4_K_S",  [15] = "Q4_K_M",    [16] = "Q5_K_S", [17] = "Q5_K_M",
        [18] = "Q6_K",    [19] = "IQ2_XXS", [20] = "IQ2_XS",    [21] = "Q2_K_S", [22] = "IQ3_XS",
        [23] = "IQ3_XXS", [24] = "IQ1_S",   [25] = "IQ4_NL",    [26] = "IQ3_S",  [27] = "IQ3_M",
        [28] = "IQ2_S",   [29] = "IQ2_M",   [30] = "IQ4_XS",    [31] = "IQ1_M",  [32] = "BF16",
        [36] = "TQ1_0",   [37] = "TQ2_0",   [38] = "MXFP4_MOE", [39] = "NVFP4",  [40] = "Q1_0",
    };
    return id < ARRAY_LEN(names) ? names[id] : NULL;
}
