/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading manifests strictly where two readers could disagree (type, both shapes at once, keys that
 * differ only in case, numbers that are no integers) and leniently where nothing can be mistaken
 * (unknown fields, null for an optional field or an empty list, as Go programs write them).
 */
#include "oci/manifest.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdio.h>

/* As much of a refused text as an error repeats. */
#define QUOTE_MAX 100
/* "annotations", "layers[9999].platform.architecture" and the like; longer ones are cut. */
#define WHERE_MAX 160

/* What the functions below hand to each other. */
struct reading {
    struct arena *a;
    struct err *e;
};

bool oci_is_index_type(struct str t)
{
    return str_ieq(t, STR(OCI_TYPE_INDEX)) || str_ieq(t, STR(DOCKER_TYPE_INDEX));
}

bool oci_is_manifest_type(struct str t)
{
    return oci_is_index_type(t) || str_ieq(t, STR(OCI_TYPE_MANIFEST)) ||
           str_ieq(t, STR(DOCKER_TYPE_MANIFEST));
}

bool oci_is_foreign_layer(struct str t)
{
    static const char *const types[] = {
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_ieq(t, str_from(types[i])))
            return true;
    return false;
}

/* "where.key", or the key alone at the top. */
static const char *join(char out[WHERE_MAX], const char *where, const char *key)
{
    (void)snprintf(out, WHERE_MAX, "%s%s%s", where, *where ? "." : "", key);
    return out;
}

/* A member; null reads as absent. */
static json_t *member(const json_t *obj, const char *key)
{
    json_t *v = json_object_get(obj, key);
    return json_is_null(v) ? NULL : v;
}

static int keep(struct reading *r, const json_t *v, struct str *ret)
{
    size_t n = json_string_length(v);
    char *p = arena_try(r->a, n + 1, r->e);
    if (!p)
        return -1;
    memcpy(p, json_string_value(v), n + 1);
    *ret = str_of(p, n);
    return 0;
}

/* An optional text; absent or null leaves *ret as it is. */
static int text(struct reading *r, const char *where, const json_t *obj, const char *key,
                struct str *ret)
{
    char at[WHERE_MAX];
    const json_t *v = member(obj, key);
    if (!v)
        return 0;
    if (!json_is_string(v))
        return ERR(r->e, MANIFEST_INVALID, "%s: must be a string", join(at, where, key));
    return keep(r, v, ret);
}

/* As text, and of the form of a media type. Empty counts as absent. */
static int type_text(struct reading *r, const char *where, const json_t *obj, const char *key,
                     struct str *ret)
{
    char at[WHERE_MAX];
    struct media_type ignored;
    if (text(r, where, obj, key, ret) < 0)
        return -1;
    if (ret->n == 0)
        return 0;
    if (ret->n > LIMIT_MEDIA_TYPE)
        return ERR(r->e, MANIFEST_INVALID, "%s: is longer than %d characters", join(at, where, key),
                   LIMIT_MEDIA_TYPE);
    for (size_t i = 0; i < ret->n; i++)
        if (ret->p[i] < ' ' || ret->p[i] > '~')
            return ERR(r->e, MANIFEST_INVALID, "%s: is not a media type", join(at, where, key));
    if (media_type_parse(*ret, &ignored, NULL) < 0)
        return ERR(r->e, MANIFEST_INVALID, "%s: \"%.*s\" is not a media type", join(at, where, key),
                   S(str_head(*ret, QUOTE_MAX)));
    return 0;
}

/* The next character of a key, folded as Go's JSON decoder folds it: ASCII letters, and the two
 * letters outside ASCII whose simple fold lies inside (U+017F long s, U+212A Kelvin sign). */
static unsigned char folded(const unsigned char **p)
{
    const unsigned char *c = *p;
    if (c[0] == 0xc5 && c[1] == 0xbf) {
        *p += 2;
        return 's';
    }
    if (c[0] == 0xe2 && c[1] == 0x84 && c[2] == 0xaa) {
        *p += 3;
        return 'k';
    }
    *p += 1;
    return c[0] >= 'A' && c[0] <= 'Z' ? (unsigned char)(c[0] + ('a' - 'A')) : c[0];
}

static bool folds_equal(const char *a, const char *b)
{
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
    while (*x && *y)
        if (folded(&x) != folded(&y))
            return false;
    return *x == *y;
}

/* Many clients read keys without regard to case; a key that only they would take for one of ours
 * would make them see another document than the one that was checked here. */
static int check_keys(struct reading *r, const char *where, json_t *obj, const char *const *known,
                      size_t n_known)
{
    char at[WHERE_MAX];
    const char *key;
    json_t *value;
    json_object_foreach(obj, key, value)
    {
        for (size_t i = 0; i < n_known; i++)
            if (strcmp(key, known[i]) != 0 && folds_equal(key, known[i]))
                return ERR(r->e, MANIFEST_INVALID, "%s: some readers would take it for \"%s\"",
                           join(at, where, key), known[i]);
    }
    return 0;
}

static int annotations(struct reading *r, const char *where, const json_t *obj,
                       struct oci_annotation **ret, size_t *ret_n)
{
    char at[WHERE_MAX];
    json_t *map = member(obj, "annotations");
    if (!map)
        return 0;
    (void)join(at, where, "annotations");
    if (!json_is_object(map))
        return ERR(r->e, MANIFEST_INVALID, "%s: must be an object", at);
    size_t n = json_object_size(map), i = 0;
    if (n == 0)
        return 0;
    struct oci_annotation *list = arena_try(r->a, n * sizeof(*list), r->e);
    if (!list)
        return -1;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        if (!json_is_string(value))
            return ERR(r->e, MANIFEST_INVALID, "%s: the value of \"%.100s\" must be a string", at,
                       key);
        size_t key_n = strlen(key);
        char *copy = arena_try(r->a, key_n + 1, r->e);
        if (!copy)
            return -1;
        memcpy(copy, key, key_n + 1);
        list[i].key = str_of(copy, key_n);
        if (keep(r, value, &list[i].value) < 0)
            return -1;
        i++;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

static int urls(struct reading *r, const char *where, const json_t *obj, bool *ret)
{
    const json_t *list = member(obj, "urls");
    if (!list)
        return 0;
    if (!json_is_array(list))
        return ERR(r->e, MANIFEST_INVALID, "%s.urls: must be a list", where);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            return ERR(r->e, MANIFEST_INVALID, "%s.urls[%zu]: must be a string", where, i);
    *ret = json_array_size(list) > 0;
    return 0;
}

static int platform(struct reading *r, const char *where, const json_t *obj,
                    struct oci_descriptor *d)
{
    char at[WHERE_MAX];
    const json_t *p = member(obj, "platform");
    if (!p)
        return 0;
    (void)join(at, where, "platform");
    if (!json_is_object(p))
        return ERR(r->e, MANIFEST_INVALID, "%s: must be an object", at);
    if (text(r, at, p, "os", &d->platform_os) < 0 ||
        text(r, at, p, "architecture", &d->platform_arch) < 0 ||
        text(r, at, p, "variant", &d->platform_variant) < 0)
        return -1;
    return 0;
}

/* The three members that every descriptor has (image-spec descriptor.md "Properties"). */
static int essentials(struct reading *r, const char *where, const json_t *o,
                      struct oci_descriptor *d)
{
    const json_t *digest = member(o, "digest"), *size = member(o, "size");
    struct err why = {.code = ERR_OK};
    if (type_text(r, where, o, "mediaType", &d->media_type) < 0)
        return -1;
    if (d->media_type.n == 0)
        return ERR(r->e, MANIFEST_INVALID, "%s.mediaType: is missing", where);
    if (!digest)
        return ERR(r->e, MANIFEST_INVALID, "%s.digest: is missing", where);
    if (!json_is_string(digest))
        return ERR(r->e, MANIFEST_INVALID, "%s.digest: must be a string", where);
    struct str spelt = str_of(json_string_value(digest), json_string_length(digest));
    if (digest_parse(spelt, &d->digest, &why) < 0)
        return ERR(r->e, MANIFEST_INVALID, "%s.digest: %s", where, why.msg);
    if (!size)
        return ERR(r->e, MANIFEST_INVALID, "%s.size: is missing", where);
    if (!json_is_integer(size))
        return ERR(r->e, MANIFEST_INVALID, "%s.size: must be an integer", where);
    if (json_integer_value(size) < 0)
        return ERR(r->e, MANIFEST_INVALID, "%s.size: must not be negative", where);
    d->size = json_integer_value(size);
    return 0;
}

static int descriptor(struct reading *r, const char *where, json_t *o, struct oci_descriptor *ret)
{
    static const char *const known[] = {"mediaType",   "digest", "size",         "urls",
                                        "annotations", "data",   "artifactType", "platform"};
    struct oci_descriptor d = {.size = 0};
    if (!json_is_object(o))
        return ERR(r->e, MANIFEST_INVALID, "%s: must be a descriptor (an object)", where);
    if (check_keys(r, where, o, known, ARRAY_LEN(known)) < 0 || essentials(r, where, o, &d) < 0 ||
        type_text(r, where, o, "artifactType", &d.artifact_type) < 0 ||
        text(r, where, o, "data", &d.data) < 0 || urls(r, where, o, &d.has_urls) < 0 ||
        platform(r, where, o, &d) < 0 ||
        annotations(r, where, o, &d.annotations, &d.n_annotations) < 0)
        return -1;
    /* No member of the specification: what is no text is as unknown as any other member. */
    if (json_is_string(json_object_get(o, "name")) && text(r, where, o, "name", &d.name) < 0)
        return -1;
    *ret = d;
    return 0;
}

/* The list of descriptors that the type requires. Null is what Go writes for a list without
 * members. */
static int descriptors(struct reading *r, const char *key, const json_t *doc,
                       struct oci_manifest *m)
{
    const json_t *list = json_object_get(doc, key);
    if (!list)
        return ERR(r->e, MANIFEST_INVALID, "%s: is missing", key);
    if (json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return ERR(r->e, MANIFEST_INVALID, "%s: must be a list", key);
    size_t n = json_array_size(list);
    if (n > LIMIT_DESCRIPTORS)
        return ERR(r->e, MANIFEST_INVALID, "%s: has %zu members, more than %d", key, n,
                   LIMIT_DESCRIPTORS);
    if (n == 0)
        return 0;
    m->items = arena_try(r->a, n * sizeof(*m->items), r->e);
    if (!m->items)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char where[WHERE_MAX];
        (void)snprintf(where, sizeof(where), "%s[%zu]", key, i);
        if (descriptor(r, where, json_array_get(list, i), &m->items[i]) < 0)
            return -1;
    }
    m->n_items = n;
    return 0;
}

static int refuse_type(struct reading *r, struct str t)
{
    if (str_starts(t, STR("application/vnd.docker.distribution.manifest.v1+")))
        return ERR(r->e, MANIFEST_TYPE, "docker manifests of schema 1 are not supported");
    return ERR(r->e, MANIFEST_TYPE, "manifests of type \"%.*s\" are not supported",
               S(str_head(t, QUOTE_MAX)));
}

/* The type by the request, else by the document's word, else by its shape; all that speak must
 * agree. */
static int decide_type(struct reading *r, const json_t *doc, struct str content_type,
                       struct media_type *ret)
{
    struct media_type said = {.text = ""};
    struct str written = STR_NULL;
    if (type_text(r, "", doc, "mediaType", &written) < 0)
        return -1;
    if (content_type.n) {
        if (media_type_parse(content_type, &said, r->e) < 0)
            return -1;
        if (!oci_is_manifest_type(str_from(said.text)))
            return refuse_type(r, str_from(said.text));
        if (written.n && !str_ieq(written, str_from(said.text)))
            return ERR(r->e, MANIFEST_INVALID,
                       "mediaType: is \"%.*s\", but the Content-Type is \"%s\"",
                       S(str_head(written, QUOTE_MAX)), said.text);
    } else if (written.n) {
        if (!oci_is_manifest_type(written))
            return refuse_type(r, written);
        if (media_type_parse(written, &said, r->e) < 0)
            return -1;
    } else {
        const char *type = json_object_get(doc, "manifests") ? OCI_TYPE_INDEX
                           : json_object_get(doc, "layers")  ? OCI_TYPE_MANIFEST
                                                             : NULL;
        if (!type)
            return ERR(r->e, MANIFEST_TYPE,
                       "neither Content-Type nor mediaType nor members tell the type of manifest");
        if (media_type_parse(str_from(type), &said, r->e) < 0)
            return -1;
    }
    *ret = said;
    return 0;
}

static int check_version(struct reading *r, const json_t *doc)
{
    const json_t *v = member(doc, "schemaVersion");
    if (!v)
        return ERR(r->e, MANIFEST_INVALID, "schemaVersion: is missing");
    if (!json_is_integer(v))
        return ERR(r->e, MANIFEST_INVALID, "schemaVersion: must be an integer");
    if (json_integer_value(v) == 1)
        return ERR(r->e, MANIFEST_TYPE, "docker manifests of schema 1 are not supported");
    if (json_integer_value(v) != 2)
        return ERR(r->e, MANIFEST_INVALID, "schemaVersion: must be 2");
    return 0;
}

/* CVE-2021-41190: what could be read as the other kind is refused. */
static int check_shape(struct reading *r, const json_t *doc, bool is_index)
{
    static const char *const of_index[] = {"manifests"};
    static const char *const of_image[] = {"config", "layers", "fsLayers"};
    const char *const *foreign = is_index ? of_image : of_index;
    size_t n = is_index ? ARRAY_LEN(of_image) : ARRAY_LEN(of_index);
    for (size_t i = 0; i < n; i++)
        if (json_object_get(doc, foreign[i]))
            return ERR(r->e, MANIFEST_INVALID, "%s: does not belong into an %s", foreign[i],
                       is_index ? "index" : "image manifest");
    return 0;
}

static int read_members(struct reading *r, const json_t *doc, struct oci_manifest *m)
{
    json_t *config = member(doc, "config"), *subject = member(doc, "subject");
    if (type_text(r, "", doc, "artifactType", &m->artifact_type) < 0)
        return -1;
    if (!m->is_index) {
        if (!config)
            return ERR(r->e, MANIFEST_INVALID, "config: is missing");
        if (descriptor(r, "config", config, &m->config) < 0)
            return -1;
        m->has_config = true;
        if (m->artifact_type.n == 0)
            m->artifact_type = m->config.media_type;
    }
    if (descriptors(r, m->is_index ? "manifests" : "layers", doc, m) < 0)
        return -1;
    if (subject) {
        if (descriptor(r, "subject", subject, &m->subject) < 0)
            return -1;
        m->has_subject = true;
    }
    return annotations(r, "", doc, &m->annotations, &m->n_annotations);
}

int oci_manifest_parse(struct arena *a, struct str bytes, struct str content_type,
                       struct oci_manifest *ret, struct err *e)
{
    static const char *const known[] = {"schemaVersion", "mediaType",  "artifactType",
                                        "config",        "layers",     "manifests",
                                        "subject",       "annotations"};
    struct reading r = {.a = a, .e = e};
    struct media_type asked;
    struct oci_manifest m = {.is_index = false};
    content_type = str_trim(content_type);
    if (content_type.n) { /* no work on bytes of a kind that is not kept */
        if (media_type_parse(content_type, &asked, e) < 0)
            return -1;
        if (!oci_is_manifest_type(str_from(asked.text)))
            return refuse_type(&r, str_from(asked.text));
    }
    if (bytes.n > LIMIT_MANIFEST)
        return ERR(e, MANIFEST_TOO_LARGE, "the manifest has %zu bytes, more than %llu", bytes.n,
                   LIMIT_MANIFEST);
    AUTO_JSON doc = json_load(bytes, ERR_MANIFEST_INVALID, e);
    if (!doc)
        return -1;
    if (!json_is_object(doc))
        return ERR(e, MANIFEST_INVALID, "the manifest is not a JSON object");
    if (check_keys(&r, "", doc, known, ARRAY_LEN(known)) < 0 || check_version(&r, doc) < 0 ||
        decide_type(&r, doc, content_type, &m.type) < 0)
        return -1;
    m.is_index = oci_is_index_type(str_from(m.type.text));
    if (check_shape(&r, doc, m.is_index) < 0 || read_members(&r, doc, &m) < 0)
        return -1;
    *ret = m;
    return 0;
}

static void write_annotations(struct json_writer *w, const struct oci_descriptor *d)
{
    if (d->n_annotations == 0)
        return;
    jsonw_key(w, "annotations");
    jsonw_object(w);
    for (size_t i = 0; i < d->n_annotations; i++) {
        jsonw_keys(w, d->annotations[i].key);
        jsonw_str(w, d->annotations[i].value);
    }
    jsonw_object_done(w);
}

void oci_descriptor_write(struct json_writer *w, const struct oci_descriptor *d)
{
    jsonw_object(w);
    jsonw_kstr(w, "mediaType", d->media_type);
    jsonw_kstr(w, "digest", digest_str(&d->digest));
    jsonw_ki64(w, "size", d->size);
    if (d->data.n)
        jsonw_kstr(w, "data", d->data);
    write_annotations(w, d);
    if (d->platform_os.n || d->platform_arch.n) {
        jsonw_key(w, "platform");
        jsonw_object(w);
        jsonw_kstr(w, "architecture", d->platform_arch);
        jsonw_kstr(w, "os", d->platform_os);
        if (d->platform_variant.n)
            jsonw_kstr(w, "variant", d->platform_variant);
        jsonw_object_done(w);
    }
    if (d->artifact_type.n)
        jsonw_kstr(w, "artifactType", d->artifact_type);
    jsonw_object_done(w);
}
