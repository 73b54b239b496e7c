/* SPDX-License-Identifier: Apache-2.0 */
#include "client/describe.h"

/* One manifest of LIMIT_MANIFEST and what is made of it. */
#define ONE_ARENA (64 * MIB)

struct describing {
    struct endpoint *p;
    const struct endpoint_entry *entries;
    struct description *out;
    struct arena *a; /* under lock */
    struct mutex lock;
};

static struct reference reference_of(const struct endpoint_entry *entry)
{
    struct reference ref = {.is_digest = entry->digest.text[0] != '\0', .digest = entry->digest};
    if (!ref.is_digest)
        BUG_ON(tag_parse(entry->tag, &ref.tag, NULL) < 0); /* the endpoint listed it */
    return ref;
}

static bool is_gone(const struct err *e)
{
    return e->code == ERR_MANIFEST_UNKNOWN || e->code == ERR_NOT_FOUND;
}

static uint64_t size_of(const struct oci_manifest *m, size_t own)
{
    uint64_t sum = own + (m->has_config ? (uint64_t)m->config.size : 0);
    for (size_t i = 0; i < m->n_items; i++)
        if (__builtin_add_overflow(sum, (uint64_t)m->items[i].size, &sum))
            return UINT64_MAX;
    return sum;
}

static int keep_text(struct describing *d, struct str *s, struct err *e)
{
    MUTEX_SCOPE(&d->lock);
    char *copy = arena_try(d->a, s->n + 1, e);
    if (!copy)
        return -1;
    if (s->n)
        memcpy(copy, s->p, s->n);
    *s = str_of(copy, s->n);
    return 0;
}

static int describe_one(void *self, size_t i, struct err *e)
{
    struct describing *d = self;
    const struct reference ref = reference_of(&d->entries[i]);
    AUTO(arena) passing = {0};
    struct endpoint_manifest m;
    struct oci_manifest doc;

    arena_init(&passing, ONE_ARENA);
    if (d->p->ops->manifest_get(d->p, &passing, &ref, &m, e) < 0)
        return is_gone(e) ? 0 : -1;
    struct description r = {.there = true, .digest = m.digest, .media_type = m.type};
    r.size = m.bytes.n;
    if (oci_manifest_parse(&passing, m.bytes, m.type, &doc, NULL) == 0) {
        r.media_type = str_from(doc.type.text);
        r.type = doc.artifact_type;
        r.is_index = doc.is_index;
        r.manifests = doc.is_index ? doc.n_items : 0;
        r.size = size_of(&doc, m.bytes.n);
    }
    if (keep_text(d, &r.media_type, e) < 0 || keep_text(d, &r.type, e) < 0)
        return -1;
    d->out[i] = r;
    return 0;
}

int describe(struct endpoint *p, const struct endpoint_entry *entries, size_t n, unsigned threads,
             struct transfer *x, struct arena *a, struct description *ret, struct err *e)
{
    struct describing d = {.p = p, .entries = entries, .out = ret, .a = a};
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct description){.there = false};
    mutex_init(&d.lock, "describe");
    int rc = transfer_run(x, n, threads, describe_one, &d, e);
    mutex_done(&d.lock);
    return rc;
}

struct comparing {
    struct endpoint *p;
    struct endpoint_entry *entries;
};

static int ask_digest(void *self, size_t i, struct err *e)
{
    struct comparing *c = self;
    const struct reference ref = reference_of(&c->entries[i]);
    AUTO(arena) passing = {0};
    struct endpoint_entry got;

    if (ref.is_digest)
        return 0;
    arena_init(&passing, ONE_ARENA);
    int rc = c->p->ops->manifest_head(c->p, &passing, &ref, &got, e);
    if (rc > 0)
        c->entries[i].digest = got.digest;
    return rc < 0 ? -1 : 0;
}

int describe_same(struct endpoint *p, const struct digest *digest, unsigned threads,
                  struct transfer *x, struct endpoint_entry *entries, size_t *n, struct err *e)
{
    struct comparing c = {.p = p, .entries = entries};
    size_t same = 0;
    if (transfer_run(x, *n, threads, ask_digest, &c, e) < 0)
        return -1;
    for (size_t i = 0; i < *n; i++)
        if (digest_eq(&entries[i].digest, digest))
            entries[same++] = entries[i];
    *n = same;
    return 0;
}
