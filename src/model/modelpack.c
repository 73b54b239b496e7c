/* SPDX-License-Identifier: Apache-2.0 */
#include "model/modelpack.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define NOTE_PATH    "org.cncf.model.filepath"
#define NOTE_META    "org.cncf.model.file.metadata+json"
#define NOTE_GUESSED "org.cncf.model.file.mediatype.untested"
#define NOTE_TITLE   "org.opencontainers.image.title"
#define NOTE_CREATED "org.opencontainers.image.created"
#define LAYER_PREFIX "application/vnd.cncf.model."
/* The constant time of reproducible layers. */
#define MTIME_NONE "1970-01-01T00:00:00Z"

/* A word of a config.json that becomes a fact: printable and short, else it is no such word. */
static bool is_word(struct str s)
{
    if (s.n == 0 || s.n > 64)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

static void keep(struct arena *a, struct str value, struct str *ret)
{
    if (ret->n == 0 && is_word(value))
        *ret = arena_str(a, value);
}

void modelpack_facts_add(struct arena *a, struct str config_json, struct modelpack_facts *facts)
{
    AUTO_JSON doc = json_load(config_json, ERR_MODEL_INVALID, NULL);
    if (!json_is_object(doc))
        return;
    keep(a, json_get_str(doc, "model_type"), &facts->family);
    /* Newer writers say dtype, older ones torch_dtype; either may carry torch's prefix. */
    struct str precision = json_get_str(doc, "dtype");
    if (precision.n == 0)
        precision = json_get_str(doc, "torch_dtype");
    if (str_starts(precision, STR("torch.")))
        precision = str_skip(precision, 6);
    keep(a, precision, &facts->precision);
    keep(a, json_get_str(json_object_get(doc, "quantization_config"), "quant_method"),
         &facts->quantization);
    if (json_object_get(doc, "transformers_version"))
        keep(a, STR("transformer"), &facts->architecture);
}

int modelpack_file_cmp(const void *va, const void *vb)
{
    const struct modelpack_file *a = va, *b = vb;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return str_cmp(a->path, b->path);
}

static void optional(struct json_writer *w, const char *key, struct str value)
{
    if (value.n)
        jsonw_kstr(w, key, value);
}

static int finished(const struct buf *out, const char *what, struct err *e)
{
    if (!buf_ok(out))
        return ERR(e, LIMIT, "the %s of this model is larger than %zu bytes: too many files", what,
                   out->max);
    return 0;
}

int modelpack_write_config(struct buf *out, const struct modelpack_facts *facts,
                           const struct modelpack_file *files, size_t n, struct err *e)
{
    char when[CLOCK_TEXT_MAX];
    struct json_writer w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key(&w, "descriptor");
    jsonw_object(&w);
    if (facts->created_ms)
        jsonw_kstrz(&w, "createdAt", clock_rfc3339(facts->created_ms, when));
    optional(&w, "family", facts->family);
    optional(&w, "name", facts->name);
    jsonw_object_done(&w);
    jsonw_key(&w, "modelfs");
    jsonw_object(&w);
    jsonw_kstrz(&w, "type", "layers");
    jsonw_key(&w, "diffIds");
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++)
        jsonw_str(&w, digest_str(&files[i].digest));
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    jsonw_key(&w, "config");
    jsonw_object(&w);
    optional(&w, "architecture", facts->architecture);
    optional(&w, "format", facts->format);
    optional(&w, "paramSize", facts->param_size);
    optional(&w, "precision", facts->precision);
    optional(&w, "quantization", facts->quantization);
    jsonw_object_done(&w);
    jsonw_object_done(&w);
    return finished(out, "config", e);
}

static struct str base_name(struct str path)
{
    ptrdiff_t slash = str_rchr(path, '/');
    return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

/* The value of the metadata annotation: a JSON document in a string. typeflag 0 is a regular file.
 */
static void write_metadata(struct buf *out, const struct modelpack_file *f)
{
    struct json_writer w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstr(&w, "name", base_name(f->path));
    jsonw_ku64(&w, "mode", f->mode & 0111 ? 0755 : 0644);
    jsonw_ku64(&w, "uid", 0);
    jsonw_ku64(&w, "gid", 0);
    jsonw_ku64(&w, "size", f->size);
    jsonw_kstrz(&w, "mtime", MTIME_NONE);
    jsonw_ku64(&w, "typeflag", 0);
    jsonw_object_done(&w);
}

static void write_layer(struct json_writer *w, const struct modelpack_file *f)
{
    char type[96];
    AUTO(buf) metadata = {0};

    (void)snprintf(type, sizeof(type), LAYER_PREFIX "%s.v1.%s", model_kind_name(f->kind),
                   f->tar ? "tar" : "raw");
    buf_init(&metadata, 4096);
    write_metadata(&metadata, f);
    BUG_ON(!buf_ok(&metadata)); /* a name has at most LIMIT_MODEL_NAME bytes */
    jsonw_object(w);
    jsonw_kstrz(w, "mediaType", type);
    jsonw_kstr(w, "digest", digest_str(&f->digest));
    jsonw_ku64(w, "size", f->tar ? f->layer_size : f->size);
    jsonw_key(w, "annotations");
    jsonw_object(w);
    jsonw_kstr(w, NOTE_META, buf_str(&metadata));
    if (f->guessed)
        jsonw_kstrz(w, NOTE_GUESSED, "true");
    jsonw_kstr(w, NOTE_PATH, f->path);
    jsonw_kstr(w, NOTE_TITLE, f->path);
    jsonw_object_done(w);
    jsonw_object_done(w);
}

int modelpack_write_manifest(struct buf *out, const struct modelpack_facts *facts,
                             struct str config_bytes, const struct modelpack_file *files, size_t n,
                             struct err *e)
{
    char when[CLOCK_TEXT_MAX];
    struct digest config;
    struct json_writer w;

    hash_bytes(DIGEST_SHA256, config_bytes.p, config_bytes.n, &config);
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_ku64(&w, "schemaVersion", 2);
    jsonw_kstrz(&w, "mediaType", OCI_TYPE_MANIFEST);
    jsonw_kstrz(&w, "artifactType", MODELPACK_TYPE_MANIFEST);
    jsonw_key(&w, "config");
    jsonw_object(&w);
    jsonw_kstrz(&w, "mediaType", MODELPACK_TYPE_CONFIG);
    jsonw_kstr(&w, "digest", digest_str(&config));
    jsonw_ku64(&w, "size", config_bytes.n);
    jsonw_object_done(&w);
    jsonw_key(&w, "layers");
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++)
        write_layer(&w, &files[i]);
    jsonw_list_done(&w);
    jsonw_key(&w, "annotations");
    jsonw_object(&w);
    if (facts->created_ms)
        jsonw_kstrz(&w, NOTE_CREATED, clock_rfc3339(facts->created_ms, when));
    optional(&w, NOTE_TITLE, facts->name);
    jsonw_object_done(&w);
    jsonw_object_done(&w);
    return finished(out, "manifest", e);
}

bool modelpack_is_lfs_pointer(struct str head)
{
    return str_starts(head, STR("version https://git-lfs.github.com/spec/"));
}
