/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/attributes.h"

#include "base/log.h"
#include "registry/internal.h"

/* What the descriptor of a configuration says to whoever shows it. */
#define NOTE      "io.goharbor.artifact.v1alpha1."
#define NOTE_SKIP NOTE "skip-list"

struct asked {
    struct registry *r;
    struct arena *a;
    const struct repo_name *repo;
    const struct oci_manifest *m;
};

static struct str note(const struct oci_annotation *v, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eqz(v[i].key, key))
            return v[i].value;
    return STR_NULL;
}

bool attributes_is_wasm(const struct oci_manifest *m)
{
    return !m->is_index &&
           (str_eqz(note(m->annotations, m->n_annotations, "module.wasm.image/variant"),
                    "compat") ||
            str_eqz(note(m->annotations, m->n_annotations, "run.oci.handler"), "wasm"));
}

struct str attributes_index_type(const struct oci_manifest *m)
{
    return m->is_index ? note(m->annotations, m->n_annotations, "org.opencontainers.artifactType")
                       : STR_NULL;
}

/* ---- configurations ---- */

/* A copy, as long as the arena has room for what strangers choose; else nothing is known. */
static struct str dump(struct arena *a, const json_t *json)
{
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    struct str copy;
    return text && registry_copy(a, str_from(text), &copy, NULL) == 0 ? copy : STR_NULL;
}

/* An object, which the caller owns, or NULL. */
static json_t *config_of(const struct asked *x, const struct oci_manifest *m)
{
    struct str text;
    struct err e;

    if (!m->has_config)
        return NULL;
    int found =
        blob_bytes(x->r, x->a, x->repo, &m->config.digest, LIMIT_ARTIFACT_CONFIG, &text, &e);
    if (found < 0)
        LOG(WARN, "describe.config", log_str("digest", digest_str(&m->config.digest)), log_err(&e));
    json_t *config = found > 0 ? json_load(text, ERR_MANIFEST_INVALID, &e) : NULL;
    if (json_is_object(config))
        return config;
    json_decref(config);
    return NULL;
}

static struct str whole(const struct asked *x)
{
    AUTO_JSON config = config_of(x, x->m);
    return config ? dump(x->a, config) : STR_NULL;
}

static json_t *image_object(json_t *config)
{
    static const char *const shown[] = {"created", "architecture", "os", "config", "author"};
    json_t *out = json_object();

    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        json_t *v = json_object_get(config, shown[i]);
        if (v)
            json_object_set(out, shown[i], v);
    }
    return out;
}

static struct str image(const struct asked *x)
{
    AUTO_JSON config = config_of(x, x->m);
    AUTO_JSON out = config ? image_object(config) : NULL;
    return out ? dump(x->a, out) : STR_NULL;
}

static void set_text(json_t *object, const char *key, struct str text)
{
    json_t *v = json_stringn(text.n ? text.p : "", text.n); /* NULL: no UTF-8 */
    if (v)
        (void)json_object_set_new(object, key, v);
}

/* An image that is said to be a module shows what images show; a module with a configuration of the
 * first form, which says nothing, shows its first layer. */
static struct str wasm(const struct asked *x)
{
    AUTO_JSON out = NULL;

    if (attributes_is_wasm(x->m)) {
        AUTO_JSON config = config_of(x, x->m);
        if (!config)
            return STR_NULL;
        out = image_object(config);
    } else if (str_eqz(x->m->config.media_type, WASM_CONFIG)) {
        out = json_object();
    } else {
        return whole(x);
    }
    set_text(out, "manifest.config.mediaType", x->m->config.media_type);
    if (!attributes_is_wasm(x->m) && x->m->n_items) {
        const struct oci_descriptor *d = &x->m->items[0];
        static const char title[] = "org.opencontainers.image.title";
        set_text(out, "manifest.layers.mediaType", d->media_type);
        set_text(out, title, note(d->annotations, d->n_annotations, title));
    }
    return dump(x->a, out);
}

/* The bundle lies in the configuration of one member. */
static struct str cnab(const struct asked *x)
{
    const struct oci_descriptor *member = NULL;
    struct reference ref;
    struct artifact art;
    struct oci_manifest m;
    struct err e;

    for (size_t i = 0; x->m->is_index && i < x->m->n_items; i++) {
        const struct oci_descriptor *d = &x->m->items[i];
        if (str_eqz(note(d->annotations, d->n_annotations, "io.cnab.manifest.type"), "config"))
            member = d;
    }
    if (!member)
        return x->m->is_index ? STR_NULL : whole(x);
    if (reference_parse(digest_str(&member->digest), &ref, &e) < 0 ||
        artifact_find(x->r, x->a, x->repo, &ref, &art, &e) <= 0 ||
        oci_manifest_parse(x->a, art.bytes, art.media_type, &m, &e) < 0)
        return STR_NULL;
    AUTO_JSON config = config_of(x, &m);
    return config ? dump(x->a, config) : STR_NULL;
}

/* ---- what users have made up ---- */

static void skip_listed(json_t *config, struct str rest)
{
    while (rest.p) {
        struct str key = str_trim(str_cut(&rest, ','));
        if (key.n)
            json_object_deln(config, key.p, key.n);
    }
}

/* Other words for whoever shows it, under their whole names: they are in nobody's way. */
static void add_notes(json_t *out, const struct oci_descriptor *d)
{
    for (size_t i = 0; i < d->n_annotations; i++) {
        struct str key = d->annotations[i].key;
        json_t *v = NULL;
        if (str_starts(key, STR(NOTE)) && !str_eqz(key, NOTE_SKIP))
            v = json_stringn(d->annotations[i].value.p, d->annotations[i].value.n);
        if (v)
            (void)json_object_setn_new(out, key.p, key.n, v);
    }
}

static struct str made_up(const struct asked *x)
{
    const struct oci_descriptor *d = &x->m->config;
    AUTO_JSON config = config_of(x, x->m);

    if (!config)
        return STR_NULL;
    skip_listed(config, note(d->annotations, d->n_annotations, NOTE_SKIP));
    add_notes(config, d);
    return dump(x->a, config);
}

static struct str nothing(const struct asked *x)
{
    (void)x;
    return STR_NULL;
}

/* ---- the table ---- */

static const struct {
    const char *kind;
    struct str (*read)(const struct asked *x);
} processors[] = {
    {"CNAI", whole}, {"IMAGE", image}, {"CHART", whole},     {"SBOM", whole},
    {"WASM", wasm},  {"CNAB", cnab},   {"UNKNOWN", nothing},
};

struct str attributes_read(struct registry *r, struct arena *a, const struct repo_name *repo,
                           const struct oci_manifest *m, struct str kind)
{
    const struct asked x = {.r = r, .a = a, .repo = repo, .m = m};

    for (size_t i = 0; i < ARRAY_LEN(processors); i++)
        if (str_eqz(kind, processors[i].kind))
            return processors[i].read(&x);
    return made_up(&x);
}
