/* SPDX-License-Identifier: Apache-2.0 */
#include "client/look.h"

/* An index may hold an index; nobody needs more. */
#define INDEX_DEPTH 3

static int get_manifest(struct look *l, struct endpoint *p, const struct reference *ref,
                        struct digest *ret_digest, struct oci_manifest *ret, struct err *e)
{
    struct endpoint_manifest m;
    if (p->ops->manifest_get(p, l->arena, ref, &m, e) < 0 ||
        oci_manifest_parse(l->arena, m.bytes, m.type, ret, e) < 0)
        return -1;
    *ret_digest = m.digest;
    return 0;
}

static int choose_manifest(struct look *l, struct endpoint *p, const struct reference *ref,
                           struct str platform, struct oci_manifest *ret, struct err *e)
{
    const struct oci_descriptor *d;
    if (get_manifest(l, p, ref, &l->digest, ret, e) < 0)
        return -1;
    l->manifest = l->digest;
    for (int i = 0; ret->is_index && i < INDEX_DEPTH; i++) {
        if (pack_choose(ret, platform, &d, e) < 0)
            return -1;
        const struct reference one = {.is_digest = true, .digest = d->digest};
        if (get_manifest(l, p, &one, &l->manifest, ret, e) < 0)
            return -1;
    }
    return 0;
}

static int get(void *self, const struct digest *digest, uint64_t size, uint64_t at, uint64_t n,
               int (*take)(void *to, const void *p, size_t n, struct err *e), void *to,
               struct err *e)
{
    struct endpoint *p = self;
    return p->ops->get_part(p, digest, size, at, n, take, to, e);
}

int look_artifact(struct look *l, struct endpoint *p, const struct reference *ref,
                  struct str platform, struct err *e)
{
    const struct model_source source = {.get = get, .self = p};
    struct oci_manifest m;

    return choose_manifest(l, p, ref, platform, &m, e) < 0 ? -1 : look_manifest(l, &m, &source, e);
}
