/* SPDX-License-Identifier: Apache-2.0 */
#include "client/copy.h"

#include "base/hash.h"
#include "client/attached.h"
#include "client/bridge.h"
#include "client/copy_plan.h"

#include <stdio.h>

/* Blobs of up to this are fetched whole and checked before the first byte is sent; larger ones are
 * checked by the target's endpoint while they pass, before they are concluded (upload.h). */
#define WHOLE (4 * MIB)
/* After so many mounts in a row that were refused no more are tried. */
#define MOUNTS_REFUSED 4
#define SHOWN_MAX      200

struct copying {
    struct endpoint *from, *to;
    const struct copy_options *o;
    struct copy_plan *plan;
    struct transfer *x;
    const struct tag *tag;
    unsigned height; /* manifests of this height are put now */
    atomic_uint refused;
};

/* Text for a terminal: what a manifest says only if it is plain. */
static bool is_plain(struct str s)
{
    uint32_t c;
    if (s.n == 0 || s.n > SHOWN_MAX)
        return false;
    while (s.n) {
        size_t n = str_utf8(s, &c);
        if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e))
            return false;
        s = str_skip(s, n);
    }
    return true;
}

/* The file's path, where it has one, else the digest. */
static void show(const struct copy_blob *b, char out[SHOWN_MAX + 1])
{
    static const char *const keys[] = {"org.cncf.model.filepath", "org.opencontainers.image.title"};
    struct str best = digest_str(&b->digest);
    for (size_t k = ARRAY_LEN(keys); k-- > 0;)
        for (size_t i = 0; i < b->as->n_annotations; i++)
            if (str_eqz(b->as->annotations[i].key, keys[k]) &&
                is_plain(b->as->annotations[i].value))
                best = b->as->annotations[i].value;
    (void)snprintf(out, SHOWN_MAX + 1, "%.*s", S(best));
}

/* A small blob: nothing of it before it is asked for, then all of it. */
struct whole {
    struct endpoint *from;
    const struct copy_blob *b;
    struct buf bytes;
    bool there;
};

static void whole_autodone(struct whole *w)
{
    buf_done(&w->bytes);
}

static int whole_take(void *self, const void *p, size_t n, struct err *e)
{
    struct whole *w = self;
    buf_add(&w->bytes, p, n);
    return buf_ok(&w->bytes) ? 0 : ERR(e, REMOTE, "%s is too large", w->b->digest.text);
}

static int whole_fetch(struct whole *w, struct err *e)
{
    struct digest got;
    buf_init(&w->bytes, (size_t)w->b->size);
    if (w->b->size &&
        w->from->ops->get(w->from, &w->b->digest, w->b->size, 0, w->b->size, whole_take, w, e) < 0)
        return -1;
    hash_bytes(w->b->digest.alg, w->bytes.p, w->bytes.n, &got);
    if (!digest_eq(&got, &w->b->digest))
        return ERR(e, DIGEST_INVALID, "%s gives content with the digest %s instead of %s",
                   w->from->shown, got.text, w->b->digest.text);
    w->there = true;
    return 0;
}

static int whole_read(void *self, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *e)
{
    struct whole *w = self;
    if (!w->there && whole_fetch(w, e) < 0)
        return -1;
    size_t part = (size_t)MIN_OF((uint64_t)n, w->bytes.n - at);
    memcpy(p, w->bytes.p + at, part);
    *ret_n = part;
    return 0;
}

/* A blob without bytes is not read, but must be the one that is meant. */
static int whole_check(void *self, struct err *e)
{
    struct whole *w = self;
    return w->there ? 0 : whole_fetch(w, e);
}

static int put_whole(struct copying *c, const struct copy_blob *b, struct blob_source s,
                     bool *ret_present, struct err *e)
{
    AUTO(whole) w = {.from = c->from, .b = b};
    struct digest digest;
    s.read = whole_read;
    s.check = b->size == 0 ? whole_check : NULL;
    s.self = &w;
    return c->to->ops->put(c->to, &s, c->x, &digest, ret_present, e);
}

/* A later run finds what this one has sent: a digest is the same bytes wherever they lie. */
static void remember(const struct copying *c, const struct copy_blob *b, struct memo_upload *u)
{
    *u = (struct memo_upload){.memo = c->o->memo,
                              .id = {.size = b->size, .settled = true},
                              .blob_size = b->size,
                              .form = STR("copy")};
    hash_sha256(b->digest.text, strlen(b->digest.text), u->id.key);
}

static int put_through(struct copying *c, const struct copy_blob *b, int slot, struct blob_source s,
                       bool *ret_present, struct err *e)
{
    AUTO(bridge) bridge = {.from = NULL};
    struct memo_upload memo;
    struct digest digest;

    bridge_init(&bridge, c->from, &b->digest, b->size, c->x, slot);
    remember(c, b, &memo);
    s.read = bridge_read;
    s.self = &bridge;
    s.memo = c->o->memo && b->digest.alg == DIGEST_SHA256 ? &memo : NULL;
    if (c->to->ops->put(c->to, &s, c->x, &digest, ret_present, e) == 0)
        return 0;
    (void)bridge_failed(&bridge, e);
    return -1;
}

/* 1 mounted, 0 the bytes have to go over. */
static int try_mount(struct copying *c, const struct copy_blob *b, struct err *e)
{
    if (!c->o->mount_from || !c->to->ops->mount || atomic_load(&c->refused) >= MOUNTS_REFUSED)
        return 0;
    int rc = c->to->ops->mount(c->to, c->o->mount_from, &b->digest, e);
    if (rc == 0)
        atomic_fetch_add(&c->refused, 1);
    else if (rc > 0)
        atomic_store(&c->refused, 0);
    return rc;
}

static int copy_blob(void *self, size_t i, struct err *e)
{
    struct copying *c = self;
    const struct copy_blob *b = &c->plan->blobs[i];
    char shown[SHOWN_MAX + 1];
    bool present;

    show(b, shown);
    int slot = transfer_file_begin(c->x, shown, b->size);
    int rc = try_mount(c, b, e);
    if (rc < 0)
        return err_wrap(e, "%s", shown);
    if (rc > 0) {
        transfer_bytes(c->x, b->size, false);
        transfer_file(c->x, shown, b->size, TRANSFER_COPIED);
        return 0;
    }
    const struct blob_source s = {.size = b->size, .shown = shown, .digest = &b->digest};
    rc = b->size <= WHOLE ? put_whole(c, b, s, &present, e)
                          : put_through(c, b, slot, s, &present, e);
    if (rc < 0)
        return strstr(e->msg, shown) ? -1 : err_wrap(e, "%s", shown);
    transfer_file(c->x, shown, b->size, present ? TRANSFER_PRESENT : TRANSFER_MOVED);
    return 0;
}

/* All but the first manifest, those of one height at a time. */
static int copy_manifest(void *self, size_t i, struct err *e)
{
    struct copying *c = self;
    const struct copy_node *n = c->plan->nodes[i];
    const struct reference ref = {.is_digest = true, .digest = n->digest};
    AUTO(arena) arena = {0};

    if (i == 0 || n->height != c->height)
        return 0;
    arena_init(&arena, 16 * LIMIT_MANIFEST);
    struct str type = str_from(n->doc.type.text);
    if (n->refers) /* a layout has to list it */
        return c->to->ops->manifest_put(c->to, n->bytes, type, &n->digest, NULL, e);
    int rc = c->to->ops->manifest_head(c->to, &arena, &ref, NULL, e);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return c->to->ops->manifest_put_part(c->to, n->bytes, type, &n->digest, e);
}

static bool has_subject(const struct copy_node *n, const struct digest *subject)
{
    return n->doc.has_subject && digest_eq(&n->doc.subject.digest, subject);
}

/* Manifests with a subject are to be found through it, wherever the registry does not see to that
 * itself. i: the first that has this subject. */
static int note_referrers(struct copying *c, size_t i, struct err *e)
{
    const struct copy_plan *p = c->plan;
    const struct digest *subject = &p->nodes[i]->doc.subject.digest;
    AUTO_FREE struct oci_descriptor *list = NEW_ARRAY(p->n_nodes - i, struct oci_descriptor);
    size_t n = 0;

    for (size_t k = i; k < p->n_nodes; k++) {
        const struct copy_node *one = p->nodes[k];
        if (!has_subject(one, subject))
            continue;
        list[n++] = (struct oci_descriptor){.media_type = str_from(one->doc.type.text),
                                            .digest = one->digest,
                                            .size = (int64_t)one->bytes.n,
                                            .artifact_type = one->doc.artifact_type,
                                            .annotations = one->doc.annotations,
                                            .n_annotations = one->doc.n_annotations};
    }
    return c->to->ops->referrers_put(c->to, subject, list, n, e);
}

static int note_all(struct copying *c, struct err *e)
{
    const struct copy_plan *p = c->plan;
    for (size_t i = 0; i < p->n_nodes && c->to->ops->referrers_put; i++) {
        bool first = p->nodes[i]->doc.has_subject;
        for (size_t k = 0; k < i && first; k++)
            first = !has_subject(p->nodes[k], &p->nodes[i]->doc.subject.digest);
        if (first && note_referrers(c, i, e) < 0)
            return err_wrap(e, "noting what refers to %s", p->nodes[i]->doc.subject.digest.text);
    }
    return 0;
}

static int copy_manifests(struct copying *c, struct err *e)
{
    const struct copy_node *first = c->plan->nodes[0];
    for (c->height = 1; c->height <= c->plan->height; c->height++)
        if (transfer_run(c->x, c->plan->n_nodes, c->o->threads, copy_manifest, c, e) < 0)
            return -1;
    if (c->to->ops->manifest_put(c->to, first->bytes, str_from(first->doc.type.text),
                                 &first->digest, c->tag, e) < 0)
        return -1;
    return note_all(c, e);
}

/* Does the target's tag (or, without one, the target) have this manifest? */
static int is_there(struct endpoint *to, const struct tag *tag, const struct digest *digest,
                    struct err *e)
{
    AUTO(arena) arena = {0};
    struct reference ref = {.is_digest = !tag, .digest = *digest};
    struct endpoint_entry there;

    arena_init(&arena, 16 * LIMIT_MANIFEST);
    if (tag)
        ref.tag = *tag;
    int rc = to->ops->manifest_head(to, &arena, &ref, &there, e);
    return rc > 0 ? digest_eq(&there.digest, digest) : rc;
}

static int copy_by_convention(struct copying *c, const struct tag *tag, size_t *manifests,
                              struct err *e)
{
    AUTO(arena) arena = {0};
    const struct reference ref = {.is_digest = false, .tag = *tag};
    struct copy_options o = *c->o;
    struct copy_result r;

    arena_init(&arena, 16 * LIMIT_MANIFEST);
    int rc = c->from->ops->manifest_head(c->from, &arena, &ref, NULL, e);
    if (rc <= 0)
        return rc;
    o.referrers = false;
    o.platform = STR_NULL;
    if (copy_artifact(c->from, &ref, c->to, &ref.tag, NULL, &o, c->x, &r, e) < 0)
        return err_wrap(e, "copying %s", tag->text);
    *manifests += r.manifests;
    return 0;
}

/* What cosign keeps beside an artifact. */
static int copy_conventions(struct copying *c, size_t *manifests, struct err *e)
{
    struct tag tag;

    for (size_t i = 0; i < c->plan->n_nodes; i++)
        for (size_t k = 0; k < ATTACHED_TAGS; k++)
            if (attached_tag(&c->plan->nodes[i]->digest, k, &tag) &&
                copy_by_convention(c, &tag, manifests, e) < 0)
                return -1;
    return 0;
}

int copy_artifact(struct endpoint *from, const struct reference *what, struct endpoint *to,
                  const struct tag *to_tag, const struct digest *to_digest,
                  const struct copy_options *options, struct transfer *x, struct copy_result *ret,
                  struct err *e)
{
    AUTO(copy_plan) plan = {.n_nodes = 0};
    struct copy_options o = *options;
    if (o.threads == 0)
        o.threads = TRANSFER_THREADS;
    struct copying c = {.from = from, .to = to, .o = &o, .plan = &plan, .x = x, .tag = to_tag};
    const struct copy_plan_options po = {.threads = o.threads, .referrers = o.referrers};
    struct copy_result r = {.manifests = 0};

    if (copy_plan_begin(&plan, from, what, o.platform, e) < 0)
        return -1;
    r.digest = plan.nodes[0]->digest;
    if (to_digest && !digest_eq(to_digest, &r.digest))
        return ERR(e, DIGEST_INVALID, "the artifact has the digest %s, not the one asked for",
                   r.digest.text);
    int rc = o.referrers ? 0 : is_there(to, to_tag, &r.digest, e);
    if (rc < 0)
        return -1;
    r.already = rc > 0;
    r.manifests = 1;
    if (!r.already) {
        if (copy_plan_complete(&plan, from, &po, x, e) < 0)
            return -1;
        transfer_expect_more(x, (int64_t)plan.n_blobs, (int64_t)plan.bytes);
        if (transfer_run(x, plan.n_blobs, o.threads, copy_blob, &c, e) < 0 ||
            copy_manifests(&c, e) < 0)
            return -1;
        r.manifests = plan.n_nodes;
        r.left_out = plan.left_out;
        if (o.referrers && copy_conventions(&c, &r.manifests, e) < 0)
            return -1;
    }
    *ret = r;
    return 0;
}
