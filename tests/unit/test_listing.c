/* SPDX-License-Identifier: Apache-2.0 */
/* The next page in a Link field. */
#include "client/listing.h"
#include "unit.h"

static void link_fields(void **state)
{
    static const struct {
        const char *field, *next; /* NULL: none */
    } rows[] = {
        {"</v2/_catalog?last=b&n=2>; rel=\"next\"", "/v2/_catalog?last=b&n=2"},
        {"<a>;rel=next", "a"},
        {" \t<a> ; rel = next ", "a"},
        {"<a>; REL=\"NEXT\"", "a"},
        {"<a>; title=\"x, <b>; rel=prev\"; rel=next", "a"},
        {"<a>; rel=prev, <b>; rel=next", "b"},
        {"<a>, <b>; rel=next", "b"},
        {"<a>; rel=next, <b>; rel=next", "a"},
        {"<>; rel=next", ""},
        {"<a>; flag; rel=next", "a"},
        {"<a,b;c>; rel=next", "a,b;c"},
        {"", NULL},
        {"a; rel=next", NULL},
        {"<a; rel=next", NULL},
        {"<a>", NULL},
        {"<a>; rel=prev", NULL},
        {"<a>; rel=nextone", NULL},
        {"<a>; title=\"rel=next", NULL},
        {"<a>; title=next", NULL},
        {"<a> x; rel=next", NULL},
        {"<a>; rel=prev x, <b>; rel=next", "b"},
        {",<b>; rel=next", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str next = listing_link_next(str_from(rows[i].field));
        if (!rows[i].next && next.p)
            fail_msg("%s: \"%.*s\" is no next page", rows[i].field, S(next));
        if (rows[i].next && (!next.p || !str_eqz(next, rows[i].next)))
            fail_msg("%s: \"%.*s\" is not %s", rows[i].field, S(next), rows[i].next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(link_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
