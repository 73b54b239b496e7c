/* SPDX-License-Identifier: Apache-2.0 */
/* A Link field from a registry: what is called next lies between angle brackets within the field,
 * and a link that stands before all others is found first. */
#include "base/limits.h"
#include "base/mem.h"
#include "client/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str field = str_of((const char *)data, size);
    AUTO(buf) longer = {0};

    struct str next = listing_link_next(field);
    if (next.p) {
        BUG_ON(next.p <= field.p || next.p + next.n >= field.p + field.n);
        BUG_ON(next.p[-1] != '<' || next.p[next.n] != '>' || str_chr(next, '>') >= 0);
    }
    buf_init(&longer, size + 64);
    buf_addz(&longer, "<first>; rel=\"next\" , ");
    buf_adds(&longer, field);
    BUG_ON(!str_eqz(listing_link_next(buf_str(&longer)), "first"));
    buf_reset(&longer);
    buf_addz(&longer, "<first>; rel=prev; x=\",\", ");
    buf_adds(&longer, field);
    struct str behind = listing_link_next(buf_str(&longer));
    BUG_ON(!next.p != !behind.p || (next.p && !str_eq(next, behind)));
    return 0;
}
