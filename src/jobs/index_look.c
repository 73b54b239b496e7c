/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/index_look.h"

#include "base/limits.h"
#include "base/mem.h"
#include "model/look.h"
#include "model/look_json.h"
#include "model/look_layers.h"

/* A document that has grown too large is known before its memory is. */
static int check_size(void *self, struct buf *out, struct err *e)
{
    (void)self;
    return buf_ok(out) ? 0
                       : ERR(e, LIMIT, "what is known of it takes more than %zu MiB",
                             (size_t)(out->max / MIB));
}

static void known_text(struct json_writer *w, const char *key, struct str s)
{
    if (s.n)
        jsonw_kstr(w, key, s);
}

/* What the facts of a packager have no key for. */
static void write_known(struct json_writer *w, const struct model_facts *f)
{
    jsonw_key(w, "known");
    jsonw_object(w);
    if (f->parameters)
        jsonw_ku64(w, "parameters", f->parameters);
    if (f->context_length)
        jsonw_ku64(w, "context_length", f->context_length);
    known_text(w, "library", f->library);
    known_text(w, "model_class", f->model_class);
    known_text(w, "base_relation", f->base_relation);
    known_text(w, "license_source", str_from(f->license_source));
    jsonw_kbool(w, "chat_template", f->chat_template);
    jsonw_kbool(w, "custom_code", f->custom_code);
    jsonw_key(w, "tags");
    jsonw_list(w);
    for (size_t i = 0; i < f->tags.n; i++)
        jsonw_str(w, f->tags.items[i]);
    jsonw_list_done(w);
    jsonw_object_done(w);
}

static void write_texts(struct json_writer *w, const struct look *l)
{
    if (l->card)
        jsonw_kstr(w, "readme", l->card->path);
    jsonw_key(w, "licenses");
    jsonw_list(w);
    for (size_t i = 0; i < l->n_files; i++)
        if (look_text_in(l->is_chart, l->files[i].path) == LOOK_LICENSE && !l->files[i].closed)
            jsonw_str(w, l->files[i].path);
    jsonw_list_done(w);
}

static void write_chart(struct json_writer *w, const struct look *l)
{
    jsonw_key(w, "chart");
    jsonw_object(w);
    jsonw_key(w, "metadata");
    jsonw_raw(w, l->chart.metadata);
    jsonw_key(w, "dependencies");
    jsonw_raw(w, l->chart.dependencies);
    if (l->values)
        jsonw_kstr(w, "values", l->values->path);
    jsonw_object_done(w);
}

static int write_facts(const struct look *l, struct parser_out *out, struct err *e)
{
    AUTO(buf) text = {0};
    struct json_writer w;
    const struct look_json o = {.w = &w, .more = check_size};

    buf_init(&text, LIMIT_INDEX_FACTS);
    jsonw_init(&w, &text);
    jsonw_object(&w);
    jsonw_kstrz(&w, "form", l->form);
    if (look_json_facts(&o, &l->facts, e) < 0)
        return -1;
    write_known(&w, &l->facts);
    look_json_weights(&o, &l->totals);
    if (look_json_files(&o, l, false, e) < 0)
        return -1;
    write_texts(&w, l);
    if (l->has_chart)
        write_chart(&w, l);
    if (look_json_warnings(&o, &l->facts, e) < 0)
        return -1;
    jsonw_object_done(&w);
    return check_size(NULL, &text, e) < 0
               ? -1
               : parser_out_add(out, INDEX_FACTS, NULL, 0, buf_str(&text), e);
}

static int write_weights(const struct look_file *f, struct parser_out *out, struct err *e)
{
    AUTO(buf) text = {0};
    struct json_writer w;
    const struct look_json o = {.w = &w, .more = check_size};

    buf_init(&text, LIMIT_PARSER_DOCUMENT);
    jsonw_init(&w, &text);
    jsonw_object(&w);
    jsonw_kstr(&w, "file", f->path);
    jsonw_kstrz(&w, "format", f->weights.format);
    if (look_json_header(&o, &f->weights, e) < 0 || look_json_file_tensors(&o, &f->weights, e) < 0)
        return -1;
    jsonw_object_done(&w);
    return check_size(NULL, &text, e) < 0
               ? -1
               : parser_out_add(out, INDEX_WEIGHTS, &f->layer, f->at, buf_str(&text), e);
}

static bool is_compressed(const struct look_file *f)
{
    return f->in_layer && strcmp(f->encoding, "raw") != 0 && strcmp(f->encoding, "tar") != 0;
}

static int write_file(const struct look *l, const struct look_file *f, struct parser_out *out,
                      struct err *e)
{
    if (f->known && !f->weights.opaque && write_weights(f, out, e) < 0)
        return -1;
    enum look_text text = look_text_in(l->is_chart, f->path);
    bool is_text = f->text.p && (f == l->card || text == LOOK_LICENSE || text == LOOK_CHART);
    return is_text && is_compressed(f)
               ? parser_out_add(out, INDEX_TEXT, &f->layer, f->at, f->text, e)
               : 0;
}

int index_look(struct arena *a, struct str manifest, struct str media_type,
               const struct model_source *source, struct parser_out *out, struct err *e)
{
    AUTO(look) l = {0};
    struct oci_manifest m;

    look_init(&l, a);
    l.depth = LOOK_TEXTS;
    if (oci_manifest_parse(a, manifest, media_type, &m, e) < 0)
        return -1;
    if (m.is_index)
        l.form = "index";
    else if (look_manifest(&l, &m, source, e) < 0)
        return -1;
    if (l.totals.format)
        model_facts_add_weights(&l.facts, &l.totals);
    model_facts_resolve(&l.facts);
    for (size_t i = 0; i < l.n_files; i++)
        if (write_file(&l, &l.files[i], out, e) < 0)
            return -1;
    return write_facts(&l, out, e);
}
