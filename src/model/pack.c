/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pack.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "model/pack_form.h"
#include "model/path.h"

#include <stdio.h>

#define NOTE_PATH        "org.cncf.model.filepath"
#define NOTE_PATH_OLD    "org.cnai.model.filepath"
#define NOTE_TITLE       "org.opencontainers.image.title"
#define NOTE_META        "org.cncf.model.file.metadata+json"
#define NOTE_META_OLD    "org.cnai.model.file.metadata+json"
#define NOTE_META_OLDER  "org.cnai.model.file.metadata"
#define NOTE_GUESSED     "org.cncf.model.file.mediatype.untested"
#define NOTE_GUESSED_OLD "org.cnai.model.file.mediatype.untested"

#define OCI_LAYER        "application/vnd.oci.image.layer."
#define DOCKER_LAYER     "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_FOREIGN   "application/vnd.docker.image.rootfs.foreign.diff.tar"
#define OCI_CONFIG       "application/vnd.oci.image.config.v1+json"
#define DOCKER_CONFIG    "application/vnd.docker.container.image.v1+json"
#define PLATFORM_UNKNOWN "unknown"

/* Those whose layers say it come before those that go by the config alone. */
static const struct pack_form *const forms[] = {
    &pack_form_ollama,     &pack_form_docker, &pack_form_kitops,
    &pack_form_cnai_image, &pack_form_cnai,   &pack_form_modelpack,
    &pack_form_chart,      &pack_form_image,  &pack_form_oras,
};

struct str pack_note(const struct oci_descriptor *d, const char *key)
{
    for (size_t i = 0; i < d->n_annotations; i++)
        if (str_eqz(d->annotations[i].key, key))
            return d->annotations[i].value;
    return STR_NULL;
}

bool pack_is_image_layer(struct str type)
{
    return str_starts(type, STR(OCI_LAYER)) || str_starts(type, STR(DOCKER_LAYER)) ||
           str_starts(type, STR(DOCKER_FOREIGN));
}

bool pack_image_encoding(struct str type, enum pack_encoding *ret)
{
    static const struct {
        const char *type;
        enum pack_encoding encoding;
    } rows[] = {
        {OCI_LAYER "v1.tar", PACK_TAR},
        {OCI_LAYER "v1.tar+gzip", PACK_TAR_GZIP},
        {OCI_LAYER "v1.tar+zstd", PACK_TAR_ZSTD},
        {OCI_LAYER "nondistributable.v1.tar", PACK_TAR},
        {OCI_LAYER "nondistributable.v1.tar+gzip", PACK_TAR_GZIP},
        {OCI_LAYER "nondistributable.v1.tar+zstd", PACK_TAR_ZSTD},
        {DOCKER_LAYER, PACK_TAR},
        {DOCKER_LAYER ".gzip", PACK_TAR_GZIP},
        {DOCKER_LAYER ".zstd", PACK_TAR_ZSTD},
        {DOCKER_FOREIGN, PACK_TAR},
        {DOCKER_FOREIGN ".gzip", PACK_TAR_GZIP},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eqz(type, rows[i].type)) {
            *ret = rows[i].encoding;
            return true;
        }
    }
    return false;
}

bool pack_is_image_config(const struct oci_manifest *m)
{
    return m->has_config && (str_eqz(m->config.media_type, OCI_CONFIG) ||
                             str_eqz(m->config.media_type, DOCKER_CONFIG));
}

bool pack_encoding_parse(struct str word, enum pack_encoding *ret)
{
    static const char *const words[] = {[PACK_RAW] = "raw",
                                        [PACK_TAR] = "tar",
                                        [PACK_TAR_GZIP] = "tar+gzip",
                                        [PACK_TAR_ZSTD] = "tar+zstd"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eqz(word, words[i])) {
            *ret = (enum pack_encoding)i;
            return true;
        }
    }
    return false;
}

int pack_refuse(const struct pack_reading *r, struct err *e, const char *why)
{
    char show[MODEL_PATH_SHOW];
    return ERR(e, MODEL_INVALID, "layer %zu (%s) %s", r->i + 1,
               model_path_show(r->m->items[r->i].media_type, show, sizeof(show)), why);
}

const struct pack_name *pack_name_find(const struct pack_name *rows, size_t n, struct str prefix,
                                       struct str type)
{
    if (!str_starts(type, prefix))
        return NULL;
    struct str rest = str_skip(type, prefix.n);
    for (size_t i = 0; i < n; i++)
        if (str_eqz(rest, rows[i].type))
            return &rows[i];
    return NULL;
}

/* The first of the annotations that is there: the present form stands before the older ones. */
static struct str first_note(const struct oci_descriptor *d, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str value = pack_note(d, keys[i]);
        if (value.n)
            return value;
    }
    return STR_NULL;
}

static struct str note_path(const struct oci_descriptor *d)
{
    static const char *const keys[] = {NOTE_PATH, NOTE_PATH_OLD, NOTE_TITLE};
    return first_note(d, keys, ARRAY_LEN(keys));
}

/* Layers that get their name from the type, as this one does. */
static bool same_name(const struct pack_reading *r, size_t i)
{
    const struct oci_descriptor *d = &r->m->items[i];
    return str_eq(d->media_type, r->m->items[r->i].media_type) && d->name.n == 0 &&
           note_path(d).n == 0;
}

int pack_name_give(const struct pack_reading *r, const struct pack_name *row, struct str *ret,
                   struct err *e)
{
    char name[128];
    size_t nth = 0, all = 0;
    if (!row->stem)
        return pack_refuse(r, e, "has no file name");
    for (size_t i = 0; i < r->m->n_items; i++) {
        if (!same_name(r, i))
            continue;
        nth += i <= r->i;
        /* Real ones have a few; the ceiling keeps the work of hostile ones small. */
        if (++all > LIMIT_PACK_NAMELESS)
            return pack_refuse(r, e, "is one of too many without a file name");
    }
    if (row->shards && all > 1)
        (void)snprintf(name, sizeof(name), "%s-%05zu-of-%05zu%s", row->stem, nth, all, row->suffix);
    else if (nth > 1)
        (void)snprintf(name, sizeof(name), "%s-%zu%s", row->stem, nth, row->suffix);
    else
        (void)snprintf(name, sizeof(name), "%s%s", row->stem, row->suffix);
    *ret = arena_str(r->a, str_from(name));
    return 0;
}

/* Mode and time; what is missing or absurd there keeps its default. */
static void read_metadata(struct str text, struct pack_layer *l)
{
    AUTO_JSON doc = json_load(text, ERR_MODEL_INVALID, NULL);
    int64_t ms;
    if (!json_is_object(doc))
        return;
    const json_t *mode = json_object_get(doc, "mode");
    if (json_is_integer(mode) && json_integer_value(mode) > 0)
        l->mode = json_integer_value(mode) & 0111 ? 0755 : 0644;
    if (clock_parse_rfc3339(json_get_str(doc, "mtime"), &ms) && ms > 0)
        l->mtime_ms = ms;
}

/* What ModelPack's annotations say of a file; other packagings have taken them over. */
static void read_notes(const struct oci_descriptor *d, struct pack_layer *l)
{
    static const char *const metas[] = {NOTE_META, NOTE_META_OLD, NOTE_META_OLDER};
    static const char *const guesses[] = {NOTE_GUESSED, NOTE_GUESSED_OLD};
    if (l->encoding == PACK_RAW)
        read_metadata(first_note(d, metas, ARRAY_LEN(metas)), l);
    l->guessed = str_eqz(first_note(d, guesses, ARRAY_LEN(guesses)), "true");
}

/* Packers of archives say "./dir/" and "." where nothing needs to be said. */
static struct str plain_path(struct str path, bool archive)
{
    while (path.n > 2 && str_starts(path, STR("./")))
        path = str_skip(path, 2);
    while (archive && path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return archive && str_eqz(path, ".") ? STR_NULL : path;
}

static int check_layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    bool raw = l->encoding == PACK_RAW;
    l->path = plain_path(l->path, !raw);
    if (raw && l->path.n == 0)
        return pack_refuse(r, e, "has no file name");
    if (l->path.n && model_path_check(l->path, e) < 0)
        return err_wrap(e, "layer %zu", r->i + 1);
    if (raw && !l->has_kind) {
        l->kind = model_kind_of(l->path, l->size, &l->guessed);
        l->has_kind = true;
    }
    return 0;
}

static int read_layer(const struct pack_reading *r, const struct pack_form *form,
                      struct pack_layer *ret, struct err *e)
{
    const struct oci_descriptor *d = &r->m->items[r->i];
    struct pack_layer l = {.digest = d->digest,
                           .size = (uint64_t)d->size,
                           .media_type = d->media_type,
                           .path = note_path(d),
                           .mode = 0644};
    if (d->size < 0 || l.size > LIMIT_BLOB)
        return ERR(e, MODEL_INVALID, "layer %zu says a size of %lld bytes", r->i + 1,
                   (long long)d->size);
    int rc = form->layer(r, &l, e);
    if (rc <= 0)
        return rc;
    read_notes(d, &l);
    if (check_layer(r, &l, e) < 0)
        return -1;
    *ret = l;
    return 1;
}

/* Raw layers become files side by side. */
static int check_set(struct arena *a, const struct pack *p, struct err *e)
{
    uint64_t total = 0;
    size_t n = 0;
    struct str *paths = arena_try(a, p->n_layers * sizeof(*paths), e);
    if (!paths)
        return -1;
    for (size_t i = 0; i < p->n_layers; i++) {
        /* Sizes are at most LIMIT_BLOB each, so that the sum of LIMIT_MODEL_LAYERS fits. */
        total += p->layers[i].size;
        if (p->layers[i].encoding == PACK_RAW)
            paths[n++] = p->layers[i].path;
    }
    if (total > INT64_MAX)
        return ERR(e, MODEL_INVALID, "the sizes of the layers add up to nonsense");
    return model_paths_check(paths, n, e);
}

static const struct pack_form *form_of(const struct oci_manifest *m)
{
    size_t i = 0;
    while (!forms[i]->fits(m))
        i++; /* the last takes all */
    return forms[i];
}

int pack_read(struct arena *a, const struct oci_manifest *m, struct pack *ret, struct err *e)
{
    struct pack_reading r = {.a = a, .m = m};

    if (m->is_index)
        return ERR(e, MODEL_INVALID,
                   "this is an index of several manifests; name one of them by digest");
    if (m->n_items == 0)
        return ERR(e, MODEL_INVALID, "the manifest has no layers");
    if (m->n_items > LIMIT_MODEL_LAYERS)
        return ERR(e, MODEL_INVALID, "the manifest has more than %d layers", LIMIT_MODEL_LAYERS);
    const struct pack_form *form = form_of(m);
    struct pack p = {.form = form->name,
                     .ordered = form->ordered,
                     .has_config = m->has_config && !str_eqz(m->config.media_type, OCI_TYPE_EMPTY),
                     .config = m->config};
    p.layers = arena_try(a, m->n_items * sizeof(*p.layers), e);
    if (!p.layers)
        return -1;
    for (r.i = 0; r.i < m->n_items; r.i++) {
        int rc = read_layer(&r, form, &p.layers[p.n_layers], e);
        if (rc < 0)
            return -1;
        p.n_layers += rc > 0;
    }
    if (p.n_layers == 0)
        return ERR(e, MODEL_INVALID, "no layer of the manifest holds a file");
    if (check_set(a, &p, e) < 0)
        return -1;
    *ret = p;
    return 0;
}

/* ---- indexes ---- */

/* As image-spec names the processors ("GOARCH"). */
#if defined(__x86_64__)
#define MACHINE "amd64"
#elif defined(__aarch64__)
#define MACHINE "arm64"
#elif defined(__riscv)
#define MACHINE "riscv64"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define MACHINE "ppc64le"
#elif defined(__s390x__)
#define MACHINE "s390x"
#elif defined(__arm__)
#define MACHINE "arm"
#else
#define MACHINE ""
#endif

static bool has_platform(const struct oci_descriptor *d)
{
    return d->platform_os.n || d->platform_arch.n;
}

/* Entries for nobody to run, such as attestations, and what is no manifest at all. */
static bool is_candidate(const struct oci_descriptor *d)
{
    return oci_is_manifest_type(d->media_type) && !str_eqz(d->platform_os, PLATFORM_UNKNOWN) &&
           !str_eqz(d->platform_arch, PLATFORM_UNKNOWN) &&
           pack_note(d, "vnd.docker.reference.type").n == 0;
}

static bool is_for(const struct oci_descriptor *d, struct str platform)
{
    struct str rest = platform;
    struct str os = str_cut(&rest, '/'), arch = str_cut(&rest, '/');
    return str_eq(d->platform_os, os) && str_eq(d->platform_arch, arch) &&
           (rest.n == 0 || str_eq(d->platform_variant, rest));
}

/* "linux/amd64, linux/arm64/v8, without platform". */
static void list_platforms(const struct oci_manifest *index, struct buf *out)
{
    for (size_t i = 0; i < index->n_items; i++) {
        const struct oci_descriptor *d = &index->items[i];
        if (!is_candidate(d))
            continue;
        if (out->n)
            buf_addz(out, ", ");
        if (has_platform(d))
            buf_addf(out, "%.*s/%.*s%s%.*s", S(d->platform_os), S(d->platform_arch),
                     d->platform_variant.n ? "/" : "", S(d->platform_variant));
        else
            buf_addf(out, "%s without platform", d->digest.text);
    }
    if (out->n == 0 && buf_ok(out))
        buf_addz(out, "no manifest");
}

static int none_fits(const struct oci_manifest *index, struct str platform, struct err *e)
{
    char show[MODEL_PATH_SHOW], asked[64];
    AUTO(buf) list = {0};
    buf_init(&list, MODEL_PATH_SHOW - 1);
    list_platforms(index, &list);
    (void)model_path_show(buf_str(&list), show, sizeof(show));
    if (platform.n)
        return ERR(e, MODEL_INVALID, "the index has no manifest for %s; it has %s%s",
                   model_path_show(platform, asked, sizeof(asked)), show,
                   buf_ok(&list) ? "" : " and more");
    return ERR(e, MODEL_INVALID,
               "which manifest of the index is meant is not clear: it has %s%s; "
               "name a platform or a digest",
               show, buf_ok(&list) ? "" : " and more");
}

int pack_choose(const struct oci_manifest *index, struct str platform,
                const struct oci_descriptor **ret, struct err *e)
{
    struct str want = platform.n ? platform : STR("linux/" MACHINE);
    const struct oci_descriptor *only = NULL, *plain = NULL;
    size_t n = 0, n_plain = 0;

    BUG_ON(!index->is_index);
    for (size_t i = 0; i < index->n_items; i++) {
        const struct oci_descriptor *d = &index->items[i];
        if (!is_candidate(d))
            continue;
        if (is_for(d, want)) {
            *ret = d;
            return 0;
        }
        only = d;
        n++;
        if (!has_platform(d)) {
            plain = d;
            n_plain++;
        }
    }
    if (platform.n == 0 && n == 1)
        *ret = only;
    else if (platform.n == 0 && n_plain == 1)
        *ret = plain;
    else
        return none_fits(index, platform, e);
    return 0;
}
