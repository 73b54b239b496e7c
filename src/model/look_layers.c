/* SPDX-License-Identifier: Apache-2.0 */
#include "model/look_layers.h"

#include "base/mem.h"
#include "model/look_shards.h"
#include "model/overlay.h"
#include "model/series.h"

/* Of so many archives what was read last is kept until their weights are looked at; of more it is
 * asked for again, to save memory. */
#define OPEN_MAX 32

/* What is wrong in the content itself becomes a warning. */
static bool is_about_content(const struct err *e)
{
    return e->code == ERR_MODEL_INVALID || e->code == ERR_LIMIT;
}

/* ---- texts ---- */

static bool has_stem(struct str name, const char *stem)
{
    struct str s = str_from(stem);
    return str_ieq(str_head(name, s.n), s) &&
           (name.n == s.n || name.p[s.n] == '.' || name.p[s.n] == '-' || name.p[s.n] == '_');
}

enum look_text look_text_of(struct str path)
{
    static const char *const readmes[] = {"readme", "readme.md", "readme.markdown", "readme.txt",
                                          "readme.rst"};
    struct str name = str_skip(path, (size_t)(str_rchr(path, '/') + 1));

    for (size_t i = 0; i < ARRAY_LEN(readmes); i++)
        if (str_ieq(name, str_from(readmes[i])))
            return LOOK_README;
    if (model_facts_wants(path))
        return LOOK_FACTS;
    if (has_stem(name, "license") || has_stem(name, "licence") || has_stem(name, "copying"))
        return LOOK_LICENSE;
    return LOOK_NO_TEXT;
}

enum look_text look_text_in(bool is_chart, struct str path)
{
    ptrdiff_t slash = str_chr(path, '/');
    enum chart_file file = chart_file_of(path);

    if (!is_chart)
        return look_text_of(path);
    if (file != CHART_OTHER)
        return file == CHART_README ? LOOK_README : LOOK_CHART;
    /* Charts hold other charts, whose licences are not theirs. */
    struct str name = str_skip(path, (size_t)(slash + 1));
    enum look_text text = str_chr(name, '/') < 0 ? look_text_of(name) : LOOK_NO_TEXT;
    return text == LOOK_LICENSE ? text : LOOK_NO_TEXT;
}

static void pass_over(struct look *l, const struct look_file *f)
{
    struct err why;
    (void)ERR(&why, LIMIT, "%s is larger than %llu MiB and was not read", f->path.p,
              LIMIT_MODEL_FACTS / MIB);
    model_facts_warn(&l->facts, &why);
}

/* A text that is small enough. */
static int read_text(struct look *l, struct look_file *f, const struct model_reader *r,
                     struct err *e)
{
    enum look_text text =
        l->depth == LOOK_TEXTS ? look_text_in(l->is_chart, f->path) : LOOK_NO_TEXT;
    struct err why = {.code = ERR_OK};

    if (text == LOOK_NO_TEXT)
        return 0;
    if (f->size > LIMIT_MODEL_FACTS) {
        pass_over(l, f);
        return 0;
    }
    char *p = arena_try(l->arena, (size_t)f->size + 1, &why);
    if (!p || (f->size && r->read(r->self, 0, p, (size_t)f->size, &why) < 0)) {
        if (is_about_content(&why)) {
            model_facts_warn(&l->facts, &why);
            return 0;
        }
        if (e)
            *e = why;
        return err_wrap(e, "%s", f->path.p);
    }
    f->text = str_of(p, (size_t)f->size);
    return 0;
}

/* ---- files ---- */

/* A header of a format that is known by the file's name; others would cost a request each, and
 * there can be thousands. */
static int read_weights(struct look *l, struct look_file *f, const struct model_reader *r,
                        struct err *e)
{
    struct err why = {.code = ERR_OK};
    if (!series_is_worth(f->path))
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
    look_warn(l, f);
    return 0;
}

static int read_file(struct look *l, struct look_file *f, const struct model_reader *r,
                     struct err *e)
{
    if (read_weights(l, f, r, e) < 0)
        return -1;
    if (l->depth == LOOK_TEXTS && shards_is_index(f->path))
        return look_shards_read(l, f->path, r, e);
    return read_text(l, f, r, e);
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

static int add_raw(struct look *l, const struct model_source *source,
                   const struct pack_layer *layer, struct err *e)
{
    AUTO(blob_reader) b = {0};
    struct look_file *f = add_file(l, layer, layer->path, layer->size, e);
    if (!f)
        return -1;
    f->mode = layer->mode;
    blob_reader_init(&b, source, &layer->digest, layer->size);
    const struct model_reader r = blob_reader_reader(&b);
    return read_file(l, f, &r, e);
}

/* ---- archives ---- */

int look_archive_add(struct look_archive *o, const struct tar_entry *entry, struct err *e)
{
    size_t before = o->members.n;
    if (members_add(&o->members, entry, e) < 0)
        return -1;
    if (o->members.n > o->cap) {
        o->cap = MAX_OF(2 * o->cap, o->members.n + 15);
        o->at = mem_realloc(o->at, o->cap * sizeof(*o->at));
        o->heads = mem_realloc(o->heads, o->cap * sizeof(*o->heads));
        if (o->layer->encoding != PACK_TAR)
            o->sums = mem_realloc(o->sums, o->cap * sizeof(*o->sums));
    }
    for (size_t i = before; i < o->members.n; i++) {
        o->at[i] = entry->content_at;
        o->heads[i] = STR_NULL;
        if (o->sums)
            memset(o->sums[i], 0, LOOK_SUM);
    }
    return 0;
}

static int on_member(void *self, const struct tar_entry *entry, struct err *e)
{
    return look_archive_add(self, entry, e);
}

static void warn_repeated(struct look *l, const struct look_archive *o)
{
    struct err what;
    if (o->members.n_repeated == 0)
        return;
    (void)ERR(&what, MODEL_INVALID, "layer %s: %zu paths appear in it again, and the last counts",
              o->layer->digest.text, o->members.n_repeated);
    model_facts_warn(&l->facts, &what);
}

static int list_members(struct look *l, const struct model_source *source, struct look_archive *o,
                        struct err *e)
{
    struct err why = {.code = ERR_OK}, what;
    const struct model_reader r = blob_reader_reader(&o->blob);
    int rc = o->layer->encoding == PACK_TAR ? tar_walk(&r, on_member, o, &why)
                                            : look_stream(o, source, l->arena, &why);
    if (rc == 0) {
        warn_repeated(l, o);
        return 0;
    }
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

/* What was kept of a file of which only the beginning may be there. */
static int head_read(void *self, uint64_t at, void *p, size_t n, struct err *e)
{
    const struct str *head = self;
    if (at > head->n || n > head->n - at)
        return ERR(e, LIMIT,
                   "more than its first %zu bytes are needed, and the layer is compressed",
                   head->n);
    memcpy(p, head->p + at, n);
    return 0;
}

static int add_member(struct look *l, struct look_archive *o, const struct member *m, struct err *e)
{
    size_t source = m->what == MEMBER_COPY ? m->source : (size_t)(m - o->members.members);
    uint64_t size = o->members.members[source].size;
    const struct model_reader whole = blob_reader_reader(&o->blob);
    struct part_reader part = {.whole = &whole, .at = o->at[source]};
    struct look_file *f = add_file(l, o->layer, m->path, size, e);

    if (!f)
        return -1;
    f->at = o->at[source];
    f->mode = m->mode;
    f->has_digest = o->sums != NULL;
    if (f->has_digest)
        digest_from_raw(DIGEST_SHA256, o->sums[source], &f->digest);
    if (!f->has_kind) {
        bool guessed;
        f->kind = model_kind_of(f->path, f->size, &guessed);
        f->has_kind = true;
    }
    if (o->layer->encoding == PACK_TAR) {
        const struct model_reader r = blob_reader_part(&part, size);
        return read_file(l, f, &r, e);
    }
    const struct model_reader r = {.size = size, .read = head_read, .self = &o->heads[source]};
    if (o->heads[source].p)
        return read_file(l, f, &r, e);
    if (f->size > LIMIT_MODEL_FACTS && look_text_in(l->is_chart, f->path) != LOOK_NO_TEXT)
        pass_over(l, f);
    return 0;
}

static int add_members(struct look *l, struct look_archive *o, struct err *e)
{
    if (o->closed)
        return add_closed(l, o->layer, e);
    for (size_t i = 0; i < o->members.n; i++) {
        const struct member *m = &o->members.members[i];
        if ((m->what == MEMBER_FILE || m->what == MEMBER_COPY) && m->wanted &&
            add_member(l, o, m, e) < 0)
            return -1;
    }
    return 0;
}

static int add_archives(struct look *l, const struct model_source *source, const struct pack *pack,
                        struct look_archive *all, size_t n, struct err *e)
{
    AUTO_FREE struct members **layers = NEW_ARRAY(n + 1, struct members *);
    for (size_t i = 0; i < n; i++) {
        if (list_members(l, source, &all[i], e) < 0)
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

int look_layers(struct look *l, const struct model_source *source, const struct pack *pack,
                struct err *e)
{
    static const struct members_filter all_files = {.include = {0}};
    AUTO_FREE struct look_archive *open = NEW_ARRAY(pack->n_layers + 1, struct look_archive);
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < pack->n_layers && rc == 0; i++) {
        const struct pack_layer *layer = &pack->layers[i];
        if (layer->encoding == PACK_RAW) {
            rc = add_raw(l, source, layer, e);
        } else if (layer->encoding == PACK_TAR || l->depth == LOOK_TEXTS) {
            open[n] = (struct look_archive){.layer = layer, .is_chart = l->is_chart};
            blob_reader_init(&open[n].blob, source, &layer->digest, layer->size);
            members_init(&open[n].members, &all_files, pack->ordered);
            open[n++].members.repeats = true;
        } else {
            rc = add_closed(l, layer, e);
        }
    }
    if (rc == 0)
        rc = add_archives(l, source, pack, open, n, e);
    for (size_t i = 0; i < n; i++) {
        blob_reader_autodone(&open[i].blob);
        members_autodone(&open[i].members);
        mem_free(open[i].at);
        mem_free(open[i].heads);
        mem_free(open[i].sums);
    }
    return rc;
}
