/* SPDX-License-Identifier: Apache-2.0 */
/* range: the Range header of RFC 9110 section 14, for the unit "bytes". Pure; a fuzz target. */
#ifndef HAVEN_HTTP_RANGE_H
#define HAVEN_HTTP_RANGE_H

#include "base/arena.h"

struct http_range {
    uint64_t first, last; /* inclusive, inside the content */
};

enum http_range_verdict {
    HTTP_RANGE_NONE, /* no range, another unit, or not well-formed: answer with the whole */
    HTTP_RANGE_SOME, /* *ret_n ranges, in the order of the request */
    HTTP_RANGE_UNSATISFIABLE, /* 416 */
};

/* size: of the content. Ranges are clipped to it; of several, those that lie outside are left out
 * as long as one remains. A range whose end stands before its start makes the header unsatisfiable
 * (as the OCI conformance program demands). More than LIMIT_RANGES ranges, or ranges that add up to
 * more than twice the content, are answered with the whole. */
enum http_range_verdict http_range_parse(struct arena *a, struct str header, uint64_t size,
                                         struct http_range **ret, size_t *ret_n);

#endif
