/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/mem.h"
#include "model/inflate.h"
#include "model/look_layers.h"
#include "model/series.h"
#include "model/shards.h"
#include "model/untar.h"

struct stream {
    struct look_archive *archive;
    struct arena *arena;
    struct untar untar;
    struct buf head; /* of the member that comes by; its ceiling is how much of it is kept */
    bool keeps;
    bool sums; /* it is a file */
    struct hash sum;
    uint64_t kept; /* bytes of all heads */
    uint64_t in;   /* bytes that came out of the compressed layer */
    struct inflate *inflate;
};

/* How much of a member is of use. */
static size_t wanted(bool is_chart, const struct tar_entry *t)
{
    if (t->type != TAR_FILE || t->size == 0)
        return 0;
    if (look_text_in(is_chart, t->path) != LOOK_NO_TEXT)
        return t->size <= LIMIT_MODEL_FACTS ? (size_t)t->size : 0;
    return series_is_worth(t->path) || shards_is_index(t->path)
               ? (size_t)MIN_OF(t->size, LIMIT_LOOK_HEAD)
               : 0;
}

/* The member that came by is over. */
static int keep_member(struct stream *s, struct err *e)
{
    struct look_archive *o = s->archive;
    struct str text = buf_str(&s->head);

    if (s->sums)
        hash_raw(&s->sum, o->sums[o->members.n - 1]);
    s->sums = false;
    if (!s->keeps)
        return 0;
    s->keeps = false;
    char *p = arena_try(s->arena, text.n + 1, e);
    if (!p)
        return -1;
    memcpy(p, text.p, text.n);
    o->heads[o->members.n - 1] = str_of(p, text.n);
    s->kept += text.n;
    return 0;
}

static int on_entry(void *self, const struct tar_entry *entry, struct err *e)
{
    struct stream *s = self;
    size_t n = wanted(s->archive->is_chart, entry);

    if (keep_member(s, e) < 0 || look_archive_add(s->archive, entry, e) < 0)
        return -1;
    s->sums = entry->type == TAR_FILE;
    hash_init(&s->sum, DIGEST_SHA256);
    s->keeps = n > 0 && n <= LIMIT_LOOK_KEPT - s->kept;
    if (s->keeps) {
        buf_done(&s->head);
        buf_init(&s->head, n);
    }
    return 0;
}

static int on_content(void *self, const void *p, size_t n, struct err *e)
{
    struct stream *s = self;
    (void)e;
    if (s->keeps)
        buf_add(&s->head, p, MIN_OF(n, s->head.max - s->head.n));
    if (s->sums)
        hash_update(&s->sum, p, n);
    return 0;
}

static int on_plain(void *self, const void *p, size_t n, struct err *e)
{
    struct stream *s = self;
    s->in += n;
    if (s->in > LIMIT_LOOK_UNPACKED)
        return ERR(e, LIMIT, "it unpacks to more than %llu GiB and was not looked into",
                   LIMIT_LOOK_UNPACKED / GIB);
    return untar_put(&s->untar, p, n, e);
}

static int on_packed(void *self, const void *p, size_t n, struct err *e)
{
    struct stream *s = self;
    return inflate_put(s->inflate, p, n, e);
}

int look_stream(struct look_archive *o, const struct model_source *source, struct arena *a,
                struct err *e)
{
    struct stream s = {.archive = o, .arena = a};
    const struct untar_sink sink = {.entry = on_entry, .content = on_content, .self = &s};
    const struct pack_layer *layer = o->layer;
    AUTO_INFLATE inflate =
        inflate_new(layer->encoding == PACK_TAR_GZIP ? INFLATE_GZIP : INFLATE_ZSTD, on_plain, &s);

    s.inflate = inflate;
    buf_init(&s.head, 0);
    untar_init(&s.untar, &sink);
    int rc =
        source->get(source->self, &layer->digest, layer->size, 0, layer->size, on_packed, &s, e);
    if (rc == 0)
        rc = inflate_end(inflate, e);
    if (rc == 0)
        rc = untar_end(&s.untar, e);
    if (rc == 0)
        rc = keep_member(&s, e);
    untar_autodone(&s.untar);
    buf_done(&s.head);
    return rc;
}
