/* SPDX-License-Identifier: Apache-2.0 */
#include "client/look.h"

#include "base/hash.h"
#include "client/blob_reader.h"
#include "client/members.h"
#include "client/overlay.h"
#include "model/path.h"
#include "model/said.h"
#include "model/series.h"
#include "model/tar.h"

/* An index may hold an index; nobody needs more. */
#define INDEX_DEPTH 3
/* Of so many archives what was read last is kept until their weights are looked at; of more it is
 * asked for again, to save memory. */
#define OPEN_MAX 32

void look_init(struct look *l, struct arena *a)
{
    *l = (struct look){.arena = a};
    model_facts_init(&l->facts);
}

void look_autodone(struct look *l)
{
    mem_free(l->files);
    model_facts_autodone(&l->facts);
}

struct look_file *look_add(struct look *l, struct err *e)
{
    if (l->n_files == LIMIT_TAR_MEMBERS) {
        (void)ERR(e, LIMIT, "more than %d files", LIMIT_TAR_MEMBERS);
        return NULL;
    }
    if (l->n_files == l->cap_files) {
        l->cap_files = l->cap_files ? 2 * l->cap_files : 64;
        l->files = mem_realloc(l->files, l->cap_files * sizeof(*l->files));
    }
    struct look_file *f = &l->files[l->n_files++];
    *f = (struct look_file){.size = 0};
    return f;
}

void look_sum(struct look *l)
{
    AUTO_FREE struct series_file *files = NEW_ARRAY(l->n_files + 1, struct series_file);
    for (size_t i = 0; i < l->n_files; i++)
        files[i] = (struct series_file){.path = l->files[i].known ? l->files[i].path : STR_NULL,
                                        .size = l->files[i].size};
    series_choose(files, l->n_files);
    l->totals = (struct weight_totals){.format = NULL};
    for (size_t i = 0; i < l->n_files; i++) {
        l->files[i].counts = files[i].counts;
        if (files[i].counts)
            weight_totals_add(&l->totals, &l->files[i].weights);
    }
}

/* ---- manifest and config ---- */

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

static int take(void *self, const void *p, size_t n, struct err *e)
{
    (void)e;
    buf_add(self, p, n);
    return 0;
}

static int read_config(struct look *l, struct endpoint *p, const struct oci_manifest *m,
                       const struct pack *pack, struct err *e)
{
    AUTO(buf) bytes = {0};
    const struct oci_descriptor *c = &pack->config;
    struct digest got;

    buf_init(&bytes, LIMIT_MANIFEST);
    if (pack->has_config && (c->size < 0 || (uint64_t)c->size > LIMIT_MANIFEST)) {
        struct err why;
        (void)ERR(&why, MODEL_INVALID, "the config is larger than %llu bytes and was not read",
                  LIMIT_MANIFEST);
        model_facts_warn(&l->facts, &why);
    } else if (pack->has_config && c->size > 0) {
        uint64_t n = (uint64_t)c->size;
        if (p->ops->get(p, &c->digest, n, 0, n, take, &bytes, e) < 0)
            return err_wrap(e, "the config");
        hash_bytes(c->digest.alg, bytes.p, bytes.n, &got);
        if (bytes.n != n || !digest_eq(&got, &c->digest))
            return ERR(e, DIGEST_INVALID, "the config has the digest %s instead of %s", got.text,
                       c->digest.text);
    }
    said_read(&l->facts, m, buf_str(&bytes));
    return 0;
}

/* ---- layers ---- */

static bool is_about_content(const struct err *e)
{
    return e->code == ERR_MODEL_INVALID || e->code == ERR_LIMIT;
}

/* A header of a format that is known by the file's name; others would cost a request each, and
 * there can be thousands. */
static int read_weights(struct look *l, struct look_file *f, const struct model_reader *r,
                        struct err *e)
{
    struct series_file known = {.path = f->path, .size = f->size};
    struct err why = {.code = ERR_OK};
    series_choose(&known, 1);
    if (!known.counts)
        return 0;
    int rc = weights_read_named(l->arena, r, f->path, &f->weights, &why);
    f->known = rc > 0;
    if (rc < 0 && !is_about_content(&why)) {
        if (e)
            *e = why;
        return err_wrap(e, "%s", f->path.p);
    }
    if (rc < 0)
        model_facts_warn(&l->facts, &why);
    return 0;
}

static const char *encoding_name(enum pack_encoding encoding)
{
    static const char *const names[] = {[PACK_RAW] = "raw",
                                        [PACK_TAR] = "tar",
                                        [PACK_TAR_GZIP] = "tar+gzip",
                                        [PACK_TAR_ZSTD] = "tar+zstd"};
    return names[encoding];
}

static struct look_file *add_file(struct look *l, const struct pack_layer *layer, struct str path,
                                  uint64_t size, struct err *e)
{
    char *copy = arena_try(l->arena, path.n + 1, e);
    struct look_file *f = copy ? look_add(l, e) : NULL;
    if (!f)
        return NULL;
    if (path.n)
        memcpy(copy, path.p, path.n);
    f->path = str_of(copy, path.n);
    f->size = size;
    f->in_layer = true;
    f->layer = layer->digest;
    f->encoding = encoding_name(layer->encoding);
    f->has_kind = layer->has_kind;
    f->kind = layer->kind;
    return f;
}

static int add_closed(struct look *l, const struct pack_layer *layer, struct err *e)
{
    struct look_file *f = add_file(l, layer, layer->path, layer->size, e);
    if (!f)
        return -1;
    f->closed = true;
    return 0;
}

static int add_raw(struct look *l, struct endpoint *p, const struct pack_layer *layer,
                   struct err *e)
{
    AUTO(blob_reader) b = {0};
    struct look_file *f = add_file(l, layer, layer->path, layer->size, e);
    if (!f)
        return -1;
    blob_reader_init(&b, p, &layer->digest, layer->size);
    const struct model_reader r = blob_reader_reader(&b);
    return read_weights(l, f, &r, e);
}

/* An archive: what it holds, and where in the blob. */
struct opened {
    const struct pack_layer *layer;
    struct blob_reader blob;
    struct members members;
    uint64_t *at; /* of each member's content */
    size_t cap;
    bool closed; /* it cannot be read */
};

static int on_member(void *self, const struct tar_entry *entry, struct err *e)
{
    struct opened *o = self;
    size_t before = o->members.n;
    if (members_add(&o->members, entry, e) < 0)
        return -1;
    if (o->members.n > o->cap) {
        o->cap = MAX_OF(2 * o->cap, o->members.n + 15);
        o->at = mem_realloc(o->at, o->cap * sizeof(*o->at));
    }
    for (size_t i = before; i < o->members.n; i++)
        o->at[i] = entry->content_at;
    return 0;
}

static int list_members(struct look *l, struct opened *o, struct err *e)
{
    struct err why = {.code = ERR_OK}, what;
    const struct model_reader r = blob_reader_reader(&o->blob);
    if (tar_walk(&r, on_member, o, &why) == 0)
        return 0;
    if (!is_about_content(&why)) {
        if (e)
            *e = why;
        return err_wrap(e, "layer %s", o->layer->digest.text);
    }
    (void)ERR(&what, MODEL_INVALID, "layer %s: %s", o->layer->digest.text, why.msg);
    model_facts_warn(&l->facts, &what);
    members_reset(&o->members);
    o->closed = true;
    return 0;
}

static int add_members(struct look *l, struct opened *o, struct err *e)
{
    if (o->closed)
        return add_closed(l, o->layer, e);
    const struct model_reader whole = blob_reader_reader(&o->blob);
    for (size_t i = 0; i < o->members.n; i++) {
        const struct member *m = &o->members.members[i];
        const struct member *source = m->what == MEMBER_COPY ? &o->members.members[m->source] : m;
        if ((m->what != MEMBER_FILE && m->what != MEMBER_COPY) || !m->wanted)
            continue;
        struct look_file *f = add_file(l, o->layer, m->path, source->size, e);
        if (!f)
            return -1;
        if (!f->has_kind) {
            bool guessed;
            f->kind = model_kind_of(f->path, f->size, &guessed);
            f->has_kind = true;
        }
        struct part_reader part = {.whole = &whole, .at = o->at[source - o->members.members]};
        const struct model_reader r = blob_reader_part(&part, f->size);
        if (read_weights(l, f, &r, e) < 0)
            return -1;
    }
    return 0;
}

static int add_archives(struct look *l, const struct pack *pack, struct opened *all, size_t n,
                        struct err *e)
{
    AUTO_FREE struct members **layers = NEW_ARRAY(n + 1, struct members *);
    for (size_t i = 0; i < n; i++) {
        if (list_members(l, &all[i], e) < 0)
            return -1;
        layers[i] = &all[i].members;
        if (n > OPEN_MAX)
            blob_reader_drop(&all[i].blob);
    }
    if (pack->ordered)
        overlay_hide(layers, n);
    for (size_t i = 0; i < n; i++) {
        if (add_members(l, &all[i], e) < 0)
            return -1;
        blob_reader_drop(&all[i].blob);
    }
    return 0;
}

static int add_layers(struct look *l, struct endpoint *p, const struct pack *pack, struct err *e)
{
    static const struct members_filter all_files = {.include = {0}};
    AUTO_FREE struct opened *open = NEW_ARRAY(pack->n_layers + 1, struct opened);
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < pack->n_layers && rc == 0; i++) {
        const struct pack_layer *layer = &pack->layers[i];
        if (layer->encoding == PACK_RAW) {
            rc = add_raw(l, p, layer, e);
        } else if (layer->encoding == PACK_TAR) {
            open[n] = (struct opened){.layer = layer};
            blob_reader_init(&open[n].blob, p, &layer->digest, layer->size);
            members_init(&open[n++].members, &all_files, pack->ordered);
        } else {
            rc = add_closed(l, layer, e);
        }
    }
    if (rc == 0)
        rc = add_archives(l, pack, open, n, e);
    for (size_t i = 0; i < n; i++) {
        blob_reader_autodone(&open[i].blob);
        members_autodone(&open[i].members);
        mem_free(open[i].at);
    }
    return rc;
}

int look_artifact(struct look *l, struct endpoint *p, const struct reference *ref,
                  struct str platform, struct err *e)
{
    struct oci_manifest m;
    struct pack pack;

    if (choose_manifest(l, p, ref, platform, &m, e) < 0 || pack_read(l->arena, &m, &pack, e) < 0 ||
        read_config(l, p, &m, &pack, e) < 0)
        return -1;
    l->form = pack.form;
    if (add_layers(l, p, &pack, e) < 0)
        return -1;
    look_sum(l);
    return 0;
}
