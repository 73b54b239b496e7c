/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cnai_image.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/path.h"

#include <stdlib.h>

#define TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define TYPE_LAYER  "application/vnd.oci.image.layer.v1.tar"
#define NOTE        "org.cnai.model."
/* Each kind may need a layer of its small files. */
#define LARGE_LAYERS (CNAI_IMAGE_LAYERS - MODEL_KIND_COUNT)

/* ---- which file goes where ---- */

/* A layer that is being filled. */
struct bin {
    enum model_kind kind;
    bool large;
    uint64_t bytes;
    size_t n; /* files */
};

struct grouping {
    const struct modelpack_file *files;
    size_t n;
    size_t *order; /* of files: large ones first, by falling size */
    size_t *bin_of;
    struct bin bins[CNAI_IMAGE_LAYERS];
    size_t n_bins;
};

static bool is_large(const struct modelpack_file *f)
{
    return f->kind == MODEL_WEIGHT || f->size >= CNAI_IMAGE_LARGE;
}

/* For qsort_r: the list does not know the files. */
static int by_size(const void *va, const void *vb, void *ctx)
{
    const struct modelpack_file *files = ctx;
    const struct modelpack_file *a = &files[*(const size_t *)va], *b = &files[*(const size_t *)vb];
    if (is_large(a) != is_large(b))
        return is_large(a) ? -1 : 1;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return str_cmp(a->path, b->path);
}

static size_t new_bin(struct grouping *g, enum model_kind kind, bool large)
{
    BUG_ON(g->n_bins >= CNAI_IMAGE_LAYERS);
    g->bins[g->n_bins] = (struct bin){.kind = kind, .large = large};
    return g->n_bins++;
}

/* A layer for a file that gets none of its own: the emptiest of its kind. */
static size_t shared_bin(struct grouping *g, enum model_kind kind, bool large)
{
    size_t best = g->n_bins;
    for (size_t i = 0; i < g->n_bins; i++) {
        const struct bin *b = &g->bins[i];
        if (b->kind == kind && b->large == large &&
            (best == g->n_bins || b->bytes < g->bins[best].bytes))
            best = i;
    }
    return best < g->n_bins ? best : new_bin(g, kind, large);
}

static void fill_bins(struct grouping *g)
{
    size_t n_large = 0;
    for (size_t i = 0; i < g->n; i++) {
        size_t file = g->order[i];
        const struct modelpack_file *f = &g->files[file];
        bool large = is_large(f) && n_large < LARGE_LAYERS;
        size_t bin;
        if (large) {
            bin = new_bin(g, f->kind, true);
            n_large++;
        } else {
            /* Large ones that do not fit share with their like; when all large layers went to
             * other kinds, with the small ones. */
            bool like = false;
            for (size_t k = 0; k < g->n_bins && is_large(f); k++)
                like = like || (g->bins[k].large && g->bins[k].kind == f->kind);
            bin = shared_bin(g, f->kind, like);
        }
        g->bin_of[file] = bin;
        g->bins[bin].bytes += f->size;
        g->bins[bin].n++;
    }
}

static int by_kind(const void *va, const void *vb)
{
    const struct cnai_layer *a = va, *b = vb;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return str_cmp(a->plan.members[0].path, b->plan.members[0].path);
}

static int make_layers(struct arena *a, const struct grouping *g, struct cnai_layer *layers,
                       struct err *e)
{
    for (size_t b = 0; b < g->n_bins; b++) {
        struct tar_member *members = arena_try(a, g->bins[b].n * sizeof(*members), e);
        if (!members)
            return -1;
        layers[b].kind = g->bins[b].kind;
        layers[b].plan.members = members;
    }
    for (size_t i = 0; i < g->n; i++) {
        const struct modelpack_file *f = &g->files[i];
        struct tar_plan *plan = &layers[g->bin_of[i]].plan;
        plan->members[plan->n++] =
            (struct tar_member){.path = f->path, .size = f->size, .mode = f->mode, .file = i};
    }
    for (size_t b = 0; b < g->n_bins; b++)
        if (tar_plan_make(a, layers[b].plan.members, layers[b].plan.n, &layers[b].plan, e) < 0)
            return -1;
    return 0;
}

/* In the layer of an image such a name does not stand for a file: it deletes one (layer.md). */
static int check_names(const struct modelpack_file *files, size_t n, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    for (size_t i = 0; i < n; i++)
        for (struct str rest = files[i].path; rest.p;)
            if (str_starts(str_cut(&rest, '/'), STR(".wh.")))
                return ERR(e, MODEL_INVALID,
                           "the path \"%s\" cannot be in an image, where .wh. deletes a file; "
                           "rename it or pack in another form",
                           model_path_show(files[i].path, show, sizeof(show)));
    return 0;
}

int cnai_image_plan(struct arena *a, const struct modelpack_file *files, size_t n,
                    struct cnai_layer **ret, size_t *ret_n, struct err *e)
{
    struct grouping g = {.files = files, .n = n};
    if (n == 0)
        return ERR(e, MODEL_INVALID, "there is no file to pack");
    if (check_names(files, n, e) < 0)
        return -1;
    g.order = arena_try(a, n * sizeof(*g.order), e);
    g.bin_of = g.order ? arena_try(a, n * sizeof(*g.bin_of), e) : NULL;
    if (!g.bin_of)
        return -1;
    for (size_t i = 0; i < n; i++)
        g.order[i] = i;
    qsort_r(g.order, n, sizeof(*g.order), by_size, (void *)(uintptr_t)files);
    fill_bins(&g);
    struct cnai_layer *layers = arena_try(a, g.n_bins * sizeof(*layers), e);
    if (!layers || make_layers(a, &g, layers, e) < 0)
        return -1;
    qsort(layers, g.n_bins, sizeof(*layers), by_kind);
    *ret = layers;
    *ret_n = g.n_bins;
    return 0;
}

/* ---- writing ---- */

static int finished(const struct buf *out, const char *what, struct err *e)
{
    if (!buf_ok(out))
        return ERR(e, LIMIT, "the %s of this model is larger than %zu bytes", what, out->max);
    return 0;
}

int cnai_image_write_config(struct buf *out, const struct model_facts *facts,
                            const struct cnai_layer *layers, size_t n, struct err *e)
{
    char when[CLOCK_TEXT_MAX];
    struct json_writer w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    if (facts->created_ms)
        jsonw_kstrz(&w, "created", clock_rfc3339(facts->created_ms, when));
    jsonw_kstrz(&w, "architecture", CNAI_IMAGE_ARCH);
    jsonw_kstrz(&w, "os", "linux");
    jsonw_key(&w, "config");
    jsonw_object(&w);
    jsonw_object_done(&w);
    jsonw_key(&w, "rootfs");
    jsonw_object(&w);
    jsonw_kstrz(&w, "type", "layers");
    jsonw_key(&w, "diff_ids");
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++)
        jsonw_str(&w, digest_str(&layers[i].digest));
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    jsonw_object_done(&w);
    return finished(out, "config", e);
}

static bool has_name(const struct tar_plan *plan, const char *beginning)
{
    struct str head = str_from(beginning);
    for (size_t i = 0; i < plan->n; i++) {
        struct str name = plan->members[i].path;
        name = str_skip(name, (size_t)(str_rchr(name, '/') + 1));
        if (str_ieq(str_head(name, MIN_OF(head.n, name.n)), head))
            return true;
    }
    return false;
}

static void write_layer(struct json_writer *w, const struct cnai_layer *l)
{
    jsonw_object(w);
    jsonw_kstrz(w, "mediaType", TYPE_LAYER);
    jsonw_kstrz(w, "artifactType", CNAI_TYPE_LAYER);
    jsonw_kstr(w, "digest", digest_str(&l->digest));
    jsonw_ku64(w, "size", l->plan.size);
    jsonw_key(w, "annotations");
    jsonw_object(w);
    if (l->kind == MODEL_WEIGHT_CONFIG)
        jsonw_kstrz(w, NOTE "config", "true");
    if (l->plan.n == 1)
        jsonw_kstr(w, NOTE "filepath", l->plan.members[0].path);
    if (l->kind == MODEL_DOC && (has_name(&l->plan, "license") || has_name(&l->plan, "licence")))
        jsonw_kstrz(w, NOTE "license", "true");
    if (l->kind == MODEL_WEIGHT)
        jsonw_kstrz(w, NOTE "model", "true");
    if (l->kind == MODEL_DOC && has_name(&l->plan, "readme"))
        jsonw_kstrz(w, NOTE "readme", "true");
    jsonw_object_done(w);
    jsonw_object_done(w);
}

static void optional(struct json_writer *w, const char *key, struct str value)
{
    if (value.n)
        jsonw_kstr(w, key, value);
}

/* An annotation has one value: several are joined. */
static void join(struct json_writer *w, const char *key, const struct model_list *l,
                 const char *between)
{
    AUTO(buf) out = {0};
    buf_init(&out, LIMIT_MODEL_FACTS);
    for (size_t i = 0; i < l->n; i++)
        buf_addf(&out, "%s%.*s", i ? between : "", S(l->items[i]));
    if (buf_ok(&out))
        optional(w, key, buf_str(&out));
}

static void write_notes(struct json_writer *w, const struct model_facts *facts)
{
    char when[CLOCK_TEXT_MAX];
    optional(w, NOTE "architecture", facts->architecture);
    join(w, NOTE "authors", &facts->authors, ", ");
    if (facts->created_ms)
        jsonw_kstrz(w, NOTE "created", clock_rfc3339(facts->created_ms, when));
    optional(w, NOTE "description", facts->description);
    optional(w, NOTE "documentation", facts->doc_url);
    optional(w, NOTE "family", facts->family);
    optional(w, NOTE "format", facts->format);
    join(w, NOTE "licenses", &facts->licenses, " AND "); /* an SPDX expression */
    optional(w, NOTE "name", facts->name);
    optional(w, NOTE "param.size", facts->param_size);
    optional(w, NOTE "precision", facts->precision);
    optional(w, NOTE "quantization", facts->quantization);
    optional(w, NOTE "revision", facts->revision);
    optional(w, NOTE "source", facts->source_url);
    optional(w, NOTE "title", facts->title);
    optional(w, NOTE "vendor", facts->vendor);
    optional(w, NOTE "version", facts->version);
    if (facts->created_ms)
        jsonw_kstrz(w, "org.opencontainers.image.created", when);
    join(w, "org.opencontainers.image.licenses", &facts->licenses, " AND ");
    optional(w, "org.opencontainers.image.title", facts->name);
}

int cnai_image_write_manifest(struct buf *out, const struct model_facts *facts,
                              struct str config_bytes, const struct cnai_layer *layers, size_t n,
                              struct err *e)
{
    struct digest config;
    struct json_writer w;

    hash_bytes(DIGEST_SHA256, config_bytes.p, config_bytes.n, &config);
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_ku64(&w, "schemaVersion", 2);
    jsonw_kstrz(&w, "mediaType", OCI_TYPE_MANIFEST);
    jsonw_kstrz(&w, "artifactType", CNAI_TYPE_MANIFEST);
    jsonw_key(&w, "config");
    jsonw_object(&w);
    jsonw_kstrz(&w, "mediaType", TYPE_CONFIG);
    jsonw_kstr(&w, "digest", digest_str(&config));
    jsonw_ku64(&w, "size", config_bytes.n);
    jsonw_object_done(&w);
    jsonw_key(&w, "layers");
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++)
        write_layer(&w, &layers[i]);
    jsonw_list_done(&w);
    jsonw_key(&w, "annotations");
    jsonw_object(&w);
    write_notes(&w, facts);
    jsonw_object_done(&w);
    jsonw_object_done(&w);
    return finished(out, "manifest", e);
}
