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
#define NOTE         "org.opencontainers.image."
#define NOTE_TITLE   NOTE "title"
#define LAYER_PREFIX "application/vnd.cncf.model."
/* The constant time of reproducible layers. */
#define MTIME_NONE "1970-01-01T00:00:00Z"

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

static void optional_list(struct json_writer *w, const char *key, const struct model_list *l)
{
    if (l->n == 0)
        return;
    jsonw_key(w, key);
    jsonw_list(w);
    for (size_t i = 0; i < l->n; i++)
        jsonw_str(w, l->items[i]);
    jsonw_list_done(w);
}

static void optional_answer(struct json_writer *w, const char *key, enum model_answer answer)
{
    if (answer != MODEL_UNSAID)
        jsonw_kbool(w, key, answer == MODEL_YES);
}

/* A data set that is named as hubs name it has its address there. */
static void write_datasets(struct json_writer *w, const struct model_list *l)
{
    if (l->n == 0)
        return;
    jsonw_key(w, "datasetsURL");
    jsonw_list(w);
    for (size_t i = 0; i < l->n; i++) {
        AUTO(buf) url = {0};
        buf_init(&url, 4 * LIMIT_MODEL_WORD);
        if (!memmem(l->items[i].p, l->items[i].n, "://", 3)) {
            buf_addz(&url, "https://huggingface.co/datasets/");
            buf_add_url(&url, l->items[i], "/");
        } else {
            buf_adds(&url, l->items[i]);
        }
        jsonw_str(w, buf_str(&url));
    }
    jsonw_list_done(w);
}

static void write_descriptor(struct json_writer *w, const struct model_facts *facts)
{
    char when[CLOCK_TEXT_MAX];

    jsonw_object(w);
    if (facts->created_ms)
        jsonw_kstrz(w, "createdAt", clock_rfc3339(facts->created_ms, when));
    optional_list(w, "authors", &facts->authors);
    optional(w, "family", facts->family);
    optional(w, "name", facts->name);
    optional(w, "docURL", facts->doc_url);
    optional(w, "sourceURL", facts->source_url);
    write_datasets(w, &facts->datasets);
    optional(w, "version", facts->version);
    optional(w, "revision", facts->revision);
    optional(w, "vendor", facts->vendor);
    optional_list(w, "licenses", &facts->licenses);
    optional(w, "title", facts->title);
    optional(w, "description", facts->description);
    jsonw_object_done(w);
}

static void write_capabilities(struct json_writer *w, const struct model_facts *facts)
{
    if (!facts->input_types.n && !facts->output_types.n && !facts->knowledge_cutoff.n &&
        !facts->languages.n && facts->reasoning == MODEL_UNSAID &&
        facts->tool_usage == MODEL_UNSAID && facts->reward == MODEL_UNSAID)
        return;
    jsonw_key(w, "capabilities");
    jsonw_object(w);
    optional_list(w, "inputTypes", &facts->input_types);
    optional_list(w, "outputTypes", &facts->output_types);
    optional(w, "knowledgeCutoff", facts->knowledge_cutoff);
    optional_answer(w, "reasoning", facts->reasoning);
    optional_answer(w, "toolUsage", facts->tool_usage);
    optional_answer(w, "reward", facts->reward);
    optional_list(w, "languages", &facts->languages);
    jsonw_object_done(w);
}

int modelpack_write_config(struct buf *out, const struct model_facts *facts,
                           const struct modelpack_file *files, size_t n, struct err *e)
{
    struct json_writer w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key(&w, "descriptor");
    write_descriptor(&w, facts);
    jsonw_key(&w, "modelfs");
    jsonw_object(&w);
    jsonw_kstrz(&w, "type", "layers");
    jsonw_key(&w, "diffIds");
    jsonw_list(&w);
    /* A layer that is not compressed is its own content. */
    for (size_t i = 0; i < n; i++)
        jsonw_str(&w, digest_str(files[i].has_diff_id ? &files[i].diff_id : &files[i].digest));
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    jsonw_key(&w, "config");
    jsonw_object(&w);
    optional(&w, "architecture", facts->architecture);
    optional(&w, "format", facts->format);
    optional(&w, "paramSize", facts->param_size);
    optional(&w, "precision", facts->precision);
    optional(&w, "quantization", facts->quantization);
    write_capabilities(&w, facts);
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

/* One expression for all licences: each of them has to be kept. */
static void write_licenses(struct json_writer *w, const struct model_list *l)
{
    AUTO(buf) all = {0};
    buf_init(&all, LIMIT_MANIFEST);
    for (size_t i = 0; i < l->n; i++) {
        bool choice = l->n > 1 && memmem(l->items[i].p, l->items[i].n, " OR ", 4);
        buf_addf(&all, "%s%s%.*s%s", i ? " AND " : "", choice ? "(" : "", S(l->items[i]),
                 choice ? ")" : "");
    }
    optional(w, NOTE "licenses", buf_str(&all));
}

/* Keys of OCI's image specification; what has none stands in the config or in the card alone. */
static void write_annotations(struct json_writer *w, const struct model_facts *facts)
{
    char when[CLOCK_TEXT_MAX];

    jsonw_object(w);
    /* Of several models that were merged none is the one that it stands on. */
    if (facts->base_models.n == 1)
        optional(w, NOTE "base.name", facts->base_models.items[0]);
    if (facts->created_ms)
        jsonw_kstrz(w, NOTE "created", clock_rfc3339(facts->created_ms, when));
    optional(w, NOTE "description", facts->description);
    optional(w, NOTE "documentation", facts->doc_url);
    write_licenses(w, &facts->licenses);
    optional(w, NOTE "revision", facts->revision);
    optional(w, NOTE "source", facts->source_url);
    optional(w, NOTE_TITLE, facts->title.n ? facts->title : facts->name);
    optional(w, NOTE "vendor", facts->vendor);
    optional(w, NOTE "version", facts->version);
    jsonw_object_done(w);
}

int modelpack_write_manifest(struct buf *out, const struct model_facts *facts,
                             struct str config_bytes, const struct modelpack_file *files, size_t n,
                             struct err *e)
{
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
    write_annotations(&w, facts);
    jsonw_object_done(&w);
    return finished(out, "manifest", e);
}

bool modelpack_is_lfs_pointer(struct str head)
{
    return str_starts(head, STR("version https://git-lfs.github.com/spec/"));
}
