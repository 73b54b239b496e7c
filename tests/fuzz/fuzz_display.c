/* SPDX-License-Identifier: Apache-2.0 */
/* Display ids: what is encoded is an OCI name and comes back; every OCI name has one. */
#include "base/mem.h"
#include "oci/display.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_id(struct str s)
{
    struct repo_name n, again;
    struct display_id d;
    struct err e = {.code = ERR_OK};

    if (display_encode(s, &n, &e) < 0) {
        BUG_ON(e.code != ERR_NAME_INVALID);
        return;
    }
    BUG_ON(repo_name_parse(repo_name_str(&n), &again, NULL) < 0);
    display_decode(&n, &d);
    BUG_ON(!str_ieq(str_from(d.text), s) || !display_fits(s, &n));
    BUG_ON(display_encode(str_from(d.text), &again, NULL) < 0 || strcmp(n.text, again.text) != 0);
}

static void as_name(struct str s)
{
    struct repo_name n, again;
    struct display_id d;

    if (repo_name_parse(s, &n, NULL) < 0)
        return;
    display_decode(&n, &d);
    BUG_ON(!display_fits(str_from(d.text), &n));
    if (display_encode(str_from(d.text), &again, NULL) < 0 || strcmp(again.text, n.text) != 0)
        BUG_ON(strcmp(d.text, n.text) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_of((const char *)data, size);
    as_id(s);
    as_name(s);
    return 0;
}
