/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A note of the client's memory. With an odd first byte the checksum is made right, so that the
 * checks behind it are reached; what decodes encodes to the same bytes.
 */
#include "base/mem.h"
#include "client/memo_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SUM = 32 };
    uint8_t sum[SUM];
    struct memo_entry m;
    struct err e = {.code = ERR_OK};
    AUTO(buf) in = {0};
    AUTO(buf) again = {0};
    if (size == 0 || size > 4 * MEMO_ENTRY_MAX)
        return 0;
    buf_init(&in, 5 * MEMO_ENTRY_MAX);
    buf_init(&again, 5 * MEMO_ENTRY_MAX);
    buf_add(&in, data + 1, size - 1);
    if (data[0] & 1) {
        hash_sha256(in.p, in.n, sum);
        buf_add(&in, sum, sizeof(sum));
    }
    if (memo_entry_decode(buf_str(&in), &m, &e) < 0) {
        BUG_ON(e.code != ERR_CORRUPT);
        return 0;
    }
    memo_entry_encode(&m, &again);
    BUG_ON(!str_eq(buf_str(&in), buf_str(&again)));
    if (m.kind == MEMO_UPLOAD)
        hash_update(&m.hash, "x", 1); /* the loaded state can be worked with */
    return 0;
}
