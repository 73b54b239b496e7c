/* SPDX-License-Identifier: Apache-2.0 */
/* Range headers: the first 8 bytes are the size of the content, the rest is the header. Ranges lie
 * inside. */
#include "base/mem.h"
#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t content = 0;
    if (size < sizeof(content))
        return 0;
    memcpy(&content, data, sizeof(content));
    struct str header = str_of((const char *)data + sizeof(content), size - sizeof(content));
    struct arena a;
    struct http_range *r = NULL;
    size_t n = 0;
    arena_init(&a, 16 << 20);
    if (http_range_parse(&a, header, content, &r, &n) == HTTP_RANGE_SOME) {
        BUG_ON(n == 0);
        for (size_t i = 0; i < n; i++)
            BUG_ON(r[i].first > r[i].last || r[i].last >= content);
    }
    arena_done(&a);
    return 0;
}
