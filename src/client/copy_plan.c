/* SPDX-License-Identifier: Apache-2.0 */
#include "client/copy_plan.h"

#include <inttypes.h>

/* One manifest of LIMIT_MANIFEST and what is made of it, with the list of what refers to it. */
#define NODE_ARENA (64 * MIB)

static void node_free(struct copy_node *n)
{
    arena_done(&n->arena);
    mem_free(n->children);
    mem_free(n);
}

static void node_autofree(struct copy_node **n)
{
    if (*n)
        node_free(*n);
}

void copy_plan_autodone(struct copy_plan *p)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        node_free(p->nodes[i]);
    mem_free(p->nodes);
    mem_free(p->blobs);
}

/* Reads a manifest into its node; any thread, one for each node. */
static int node_read(struct copy_plan *p, struct endpoint *from, struct copy_node *n,
                     const struct reference *ref, struct err *e)
{
    struct endpoint_manifest m;
    if (from->ops->manifest_get(from, &n->arena, ref, &m, e) < 0)
        return -1;
    if (n->size >= 0 && (uint64_t)n->size != m.bytes.n)
        return ERR(e, MANIFEST_INVALID,
                   "the manifest %s has %zu bytes instead of the %" PRId64 " that are said of it",
                   m.digest.text, m.bytes.n, n->size);
    if (oci_manifest_parse(&n->arena, m.bytes, m.type, &n->doc, e) < 0)
        return err_wrap(e, "%s: the manifest %s", from->shown, m.digest.text);
    n->digest = m.digest;
    n->bytes = m.bytes;
    if (atomic_fetch_add(&p->memory, n->arena.used) + n->arena.used > LIMIT_COPY_MEMORY)
        return ERR(e, LIMIT, "the manifests of %s take more than %llu bytes of memory", from->shown,
                   LIMIT_COPY_MEMORY);
    return 0;
}

static struct copy_node *node_new(void)
{
    struct copy_node *n = NEW(struct copy_node);
    arena_init(&n->arena, NODE_ARENA);
    n->size = -1;
    return n;
}

static int node_add(struct copy_plan *p, struct copy_node *n, struct err *e)
{
    if (p->n_nodes == LIMIT_COPY_MANIFESTS)
        return ERR(e, LIMIT, "the artifact has more than %d manifests", LIMIT_COPY_MANIFESTS);
    if (p->n_nodes == p->cap_nodes) {
        p->cap_nodes = p->cap_nodes ? 2 * p->cap_nodes : 16;
        p->nodes = mem_realloc(p->nodes, p->cap_nodes * sizeof(struct copy_node *));
    }
    p->nodes[p->n_nodes++] = n;
    return 0;
}

/* "os/architecture[/variant]" */
static bool fits(const struct oci_descriptor *d, struct str platform)
{
    struct str rest = platform;
    struct str os = str_cut(&rest, '/');
    struct str arch = str_cut(&rest, '/');
    return str_eq(d->platform_os, os) && str_eq(d->platform_arch, arch) &&
           (rest.n == 0 || str_eq(d->platform_variant, rest));
}

/* The platforms of an index, for a message. */
static void list_platforms(const struct oci_manifest *doc, struct buf *out)
{
    for (size_t i = 0; i < doc->n_items; i++) {
        const struct oci_descriptor *d = &doc->items[i];
        if (d->platform_os.n == 0)
            continue;
        buf_addf(out, "%s%.*s/%.*s%s%.*s", out->n ? ", " : "", S(d->platform_os),
                 S(d->platform_arch), d->platform_variant.n ? "/" : "", S(d->platform_variant));
    }
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)out->p[i] < ' ' || (unsigned char)out->p[i] >= 0x7f)
            out->p[i] = '?';
}

/* Goes from an index to the manifest of a platform, through nested ones: 1, 0 there is none. */
static int pick(struct copy_plan *p, struct endpoint *from, const struct copy_node *index,
                struct str platform, unsigned depth, struct copy_node **ret, struct err *e)
{
    for (unsigned nested = 0; nested < 2; nested++) {
        for (size_t i = 0; i < index->doc.n_items; i++) {
            const struct oci_descriptor *d = &index->doc.items[i];
            if (!oci_is_manifest_type(d->media_type) ||
                oci_is_index_type(d->media_type) != (nested == 1) ||
                (nested == 0 && !fits(d, platform)))
                continue;
            if (depth == LIMIT_COPY_DEPTH || atomic_load(&p->memory) > LIMIT_COPY_MEMORY)
                return ERR(e, LIMIT, "%s: indexes are nested more than %d deep", from->shown,
                           LIMIT_COPY_DEPTH);
            __attribute__((cleanup(node_autofree))) struct copy_node *n = node_new();
            const struct reference ref = {.is_digest = true, .digest = d->digest};
            n->size = d->size;
            if (node_read(p, from, n, &ref, e) < 0)
                return -1;
            int rc = 1;
            if (n->doc.is_index)
                rc = pick(p, from, n, platform, depth + 1, ret, e);
            else
                *ret = TAKE(n);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

static int check_platform(struct str platform, struct err *e)
{
    struct str rest = platform;
    struct str os = str_cut(&rest, '/');
    struct str arch = str_cut(&rest, '/');
    if (os.n && arch.n && str_chr(rest.p ? rest : STR(""), '/') < 0)
        return 0;
    return ERR(e, USAGE, "a platform is written OS/ARCHITECTURE[/VARIANT], as linux/amd64");
}

int copy_plan_begin(struct copy_plan *p, struct endpoint *from, const struct reference *what,
                    struct str platform, struct err *e)
{
    __attribute__((cleanup(node_autofree))) struct copy_node *n = node_new();

    if (platform.n && check_platform(platform, e) < 0)
        return -1;
    if (node_read(p, from, n, what, e) < 0)
        return -1;
    if (platform.n && n->doc.is_index) {
        struct copy_node *one = NULL;
        int rc = pick(p, from, n, platform, 0, &one, e);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            AUTO(buf) there = {0};
            buf_init(&there, ERR_MSG_MAX / 2);
            list_platforms(&n->doc, &there);
            return ERR(e, MANIFEST_UNKNOWN, "%s has nothing for %.*s%s%s", from->shown, S(platform),
                       there.n ? ", but for " : "", there.p);
        }
        node_free(n);
        n = one;
    }
    if (node_add(p, n, e) < 0)
        return -1;
    TAKE(n);
    return 0;
}

/* Where the node of a digest is, added if missing. */
static int node_of(struct copy_plan *p, const struct oci_descriptor *d, unsigned depth, bool refers,
                   size_t *ret, struct err *e)
{
    for (size_t i = 0; i < p->n_nodes; i++) {
        if (!digest_eq(&p->nodes[i]->digest, &d->digest))
            continue;
        *ret = i;
        return 0;
    }
    if (depth > LIMIT_COPY_DEPTH)
        return ERR(e, LIMIT, "manifests are nested more than %d deep", LIMIT_COPY_DEPTH);
    __attribute__((cleanup(node_autofree))) struct copy_node *n = node_new();
    n->digest = d->digest;
    n->size = d->size;
    n->depth = depth;
    n->refers = refers;
    if (node_add(p, n, e) < 0)
        return -1;
    TAKE(n);
    *ret = p->n_nodes - 1;
    return 0;
}

static int blob_add(struct copy_plan *p, const struct oci_descriptor *d, struct err *e)
{
    if ((uint64_t)d->size > LIMIT_BLOB)
        return ERR(e, MANIFEST_INVALID, "the blob %s is said to have %" PRId64 " bytes",
                   d->digest.text, d->size);
    if (p->n_blobs == p->cap_blobs) {
        p->cap_blobs = p->cap_blobs ? 2 * p->cap_blobs : 64;
        p->blobs = mem_realloc(p->blobs, p->cap_blobs * sizeof(*p->blobs));
    }
    p->blobs[p->n_blobs++] =
        (struct copy_blob){.digest = d->digest, .size = (uint64_t)d->size, .as = d};
    return 0;
}

/* What a manifest names becomes nodes and blobs. */
static int expand(struct copy_plan *p, size_t at, struct err *e)
{
    struct copy_node *n = p->nodes[at];
    const struct oci_manifest *m = &n->doc;

    if (m->has_config && blob_add(p, &m->config, e) < 0)
        return -1;
    if (m->is_index && m->n_items)
        n->children = NEW_ARRAY(m->n_items, size_t);
    for (size_t i = 0; i < m->n_items; i++) {
        const struct oci_descriptor *d = &m->items[i];
        if (!m->is_index && oci_is_foreign_layer(d->media_type)) {
            p->left_out++;
        } else if (m->is_index && oci_is_manifest_type(d->media_type)) {
            if (node_of(p, d, n->depth + 1, false, &n->children[n->n_children], e) < 0)
                return -1;
            n->n_children++;
        } else if (blob_add(p, d, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static unsigned measure(struct copy_plan *p, struct copy_node *n)
{
    if (n->height == 0) {
        n->height = 1; /* digests cannot form a circle */
        for (size_t i = 0; i < n->n_children; i++) {
            unsigned below = measure(p, p->nodes[n->children[i]]);
            n->height = MAX_OF(n->height, below + 1);
        }
        p->height = MAX_OF(p->height, n->height);
    }
    return n->height;
}

static int by_digest(const void *va, const void *vb)
{
    const struct copy_blob *a = va, *b = vb;
    return strcmp(a->digest.text, b->digest.text);
}

static int by_size(const void *va, const void *vb)
{
    const struct copy_blob *a = va, *b = vb;
    return a->size == b->size ? by_digest(va, vb) : a->size > b->size ? -1 : 1;
}

/* Each blob once. */
static int settle_blobs(struct copy_plan *p, struct err *e)
{
    size_t n = 0;
    if (p->n_blobs == 0)
        return 0;
    qsort(p->blobs, p->n_blobs, sizeof(*p->blobs), by_digest);
    for (size_t i = 0; i < p->n_blobs; i++) {
        const struct copy_blob *last = n ? &p->blobs[n - 1] : NULL;
        if (last && digest_eq(&last->digest, &p->blobs[i].digest)) {
            if (last->size != p->blobs[i].size)
                return ERR(e, MANIFEST_INVALID, "the manifests give %s two sizes",
                           last->digest.text);
            continue;
        }
        p->blobs[n++] = p->blobs[i];
    }
    p->n_blobs = n;
    for (size_t i = 0; i < n; i++)
        p->bytes += p->blobs[i].size;
    qsort(p->blobs, n, sizeof(*p->blobs), by_size);
    return 0;
}

/* Nodes that are read at a time. */
struct reading {
    struct copy_plan *p;
    struct endpoint *from;
    size_t first;
};

static int read_one(void *self, size_t i, struct err *e)
{
    struct reading *r = self;
    struct copy_node *n = r->p->nodes[r->first + i];
    const struct reference ref = {.is_digest = true, .digest = n->digest};
    if (n->bytes.p)
        return 0; /* the first one */
    return node_read(r->p, r->from, n, &ref, e);
}

static int referrers_of_one(void *self, size_t i, struct err *e)
{
    struct reading *r = self;
    struct copy_node *n = r->p->nodes[r->first + i];
    size_t before = n->arena.used;
    if (r->from->ops->referrers(r->from, &n->arena, &n->digest, &n->referrers, &n->n_referrers, e) <
        0)
        return -1;
    size_t more = n->arena.used - before;
    if (atomic_fetch_add(&r->p->memory, more) + more > LIMIT_COPY_MEMORY)
        return ERR(e, LIMIT, "the lists of referrers take more than %llu bytes of memory",
                   LIMIT_COPY_MEMORY);
    return 0;
}

static int expand_referrers(struct copy_plan *p, size_t at, struct err *e)
{
    struct copy_node *n = p->nodes[at];
    size_t ignored;
    for (size_t i = 0; i < n->n_referrers; i++)
        if (node_of(p, &n->referrers[i], n->depth + 1, true, &ignored, e) < 0)
            return -1;
    return 0;
}

int copy_plan_complete(struct copy_plan *p, struct endpoint *from,
                       const struct copy_plan_options *options, struct transfer *x, struct err *e)
{
    struct reading r = {.p = p, .from = from};
    size_t end;

    for (; r.first < p->n_nodes; r.first = end) {
        end = p->n_nodes;
        if (transfer_run(x, end - r.first, options->threads, read_one, &r, e) < 0)
            return -1;
        if (options->referrers &&
            transfer_run(x, end - r.first, options->threads, referrers_of_one, &r, e) < 0)
            return -1;
        for (size_t i = r.first; i < end; i++)
            if (expand(p, i, e) < 0 || expand_referrers(p, i, e) < 0)
                return -1;
    }
    for (size_t i = 0; i < p->n_nodes; i++)
        (void)measure(p, p->nodes[i]);
    return settle_blobs(p, e);
}
