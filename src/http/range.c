/* SPDX-License-Identifier: Apache-2.0 */
#include "http/range.h"

#include "base/limits.h"

enum one { ONE_BAD, ONE_OUTSIDE, ONE_BACKWARDS, ONE_OK };

/* "a-b", "a-" or "-n". */
static enum one parse_one(struct str spec, uint64_t size, struct http_range *ret)
{
    ptrdiff_t dash = str_chr(spec, '-');
    if (dash < 0)
        return ONE_BAD;
    struct str first = str_trim(str_head(spec, (size_t)dash));
    struct str last = str_trim(str_skip(spec, (size_t)dash + 1));
    uint64_t a, b;

    if (first.n == 0) { /* the last n bytes */
        if (!str_u64(last, 0, UINT64_MAX, &b))
            return ONE_BAD;
        if (b == 0 || size == 0)
            return ONE_OUTSIDE;
        *ret = (struct http_range){.first = b < size ? size - b : 0, .last = size - 1};
        return ONE_OK;
    }
    if (!str_u64(first, 0, UINT64_MAX, &a))
        return ONE_BAD;
    if (last.n == 0)
        b = UINT64_MAX;
    else if (!str_u64(last, 0, UINT64_MAX, &b))
        return ONE_BAD;
    if (b < a)
        return ONE_BACKWARDS;
    if (a >= size)
        return ONE_OUTSIDE;
    *ret = (struct http_range){.first = a, .last = b < size ? b : size - 1};
    return ONE_OK;
}

enum http_range_verdict http_range_parse(struct arena *a, struct str header, uint64_t size,
                                         struct http_range **ret, size_t *ret_n)
{
    struct str rest = str_trim(header);
    struct str unit = str_cut(&rest, '=');
    if (!rest.p || !str_ieq(str_trim(unit), STR("bytes")))
        return HTTP_RANGE_NONE;

    size_t count = 1;
    for (size_t i = 0; i < rest.n; i++)
        count += rest.p[i] == ',';
    if (count > LIMIT_RANGES)
        return HTTP_RANGE_NONE;

    struct http_range *ranges = ARENA_ARRAY(a, count, struct http_range);
    size_t n = 0;
    bool backwards = false, outside = false;
    uint64_t total = 0;
    while (rest.p) {
        struct str spec = str_trim(str_cut(&rest, ','));
        if (spec.n == 0) /* RFC 9110 5.6.1: empty list elements are ignored */
            continue;
        switch (parse_one(spec, size, &ranges[n])) {
        case ONE_BAD:
            return HTTP_RANGE_NONE;
        case ONE_BACKWARDS:
            backwards = true;
            break;
        case ONE_OUTSIDE:
            outside = true;
            break;
        case ONE_OK:
            if (__builtin_add_overflow(total, ranges[n].last - ranges[n].first + 1, &total))
                return HTTP_RANGE_NONE;
            n++;
            break;
        }
    }
    if (n == 0 && !backwards && !outside) /* a list of nothing */
        return HTTP_RANGE_NONE;
    if (backwards || n == 0)
        return HTTP_RANGE_UNSATISFIABLE;
    /* Many overlapping ranges of one large blob are an attack, not a download. */
    if (n > 1 && total / 2 > size)
        return HTTP_RANGE_NONE;
    *ret = ranges;
    *ret_n = n;
    return HTTP_RANGE_SOME;
}
