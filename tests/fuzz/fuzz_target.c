/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets and the router: what is decoded holds nothing that was refused, captures lie in
 * the path. */
#include "base/mem.h"
#include "http/router.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        BUG_ON((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f);
}

static void match(const char *pattern, struct str path)
{
    struct http_param p[8];
    size_t n = 0;
    if (!http_pattern_match(str_from(pattern), path, p, &n))
        return;
    BUG_ON(n > 8);
    for (size_t i = 0; i < n; i++)
        BUG_ON(p[i].value.n == 0 || p[i].value.p < path.p ||
               p[i].value.p + p[i].value.n > path.p + path.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct http_target t;
    struct str uri = str_of((const char *)data, size);
    arena_init(&a, 16 << 20);
    if (memchr(data, 0, size) == NULL && http_target_parse(&a, uri, &t, NULL) == 0) {
        BUG_ON(t.path.n == 0 || t.path.p[0] != '/');
        clean(t.path);
        for (size_t i = 0; i < t.n_query; i++) {
            clean(t.query[i].key);
            clean(t.query[i].value);
        }
        match("/v2/", t.path);
        match("/v2/{name...}/blobs/{digest}", t.path);
        match("/v2/{name...}/blobs/uploads/{id}", t.path);
        match("/v2/{name...}/tags/list", t.path);
        match("/{all...}", t.path);
    }
    arena_done(&a);
    return 0;
}
