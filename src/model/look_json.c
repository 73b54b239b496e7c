/* SPDX-License-Identifier: Apache-2.0 */
#include "model/look_json.h"

static int more(const struct look_json *o, struct err *e)
{
    return o->more ? o->more(o->self, o->w->out, e) : 0;
}

static void json_text(struct json_writer *w, const char *key, struct str s)
{
    jsonw_key(w, key);
    if (s.n)
        jsonw_str(w, s);
    else
        jsonw_nothing(w);
}

static void json_dtypes(struct json_writer *w, const struct weight_totals *t)
{
    jsonw_key(w, "dtypes");
    jsonw_list(w);
    for (size_t i = 0; i < t->n_counts; i++) {
        jsonw_object(w);
        jsonw_kstrz(w, "dtype", t->counts[i].dtype->name);
        jsonw_ku64(w, "tensors", t->counts[i].tensors);
        jsonw_ku64(w, "parameters", t->counts[i].elements);
        jsonw_ku64(w, "bytes", t->counts[i].bytes);
        jsonw_object_done(w);
    }
    jsonw_list_done(w);
}

void look_json_weights(const struct look_json *o, const struct weight_totals *t)
{
    char size[WEIGHT_PARAM_SIZE_MAX], precision[WEIGHT_PRECISION_MAX];
    struct json_writer *w = o->w;

    jsonw_key(w, "weights");
    if (!t->format) {
        jsonw_nothing(w);
        return;
    }
    jsonw_object(w);
    jsonw_kstrz(w, "format", t->format);
    jsonw_ku64(w, "parameters", t->parameters);
    jsonw_kstrz(w, "param_size", weight_param_size(t->parameters, size));
    jsonw_kstrz(w, "precision", weight_precision(t, precision));
    json_text(w, "quantization", t->quantization);
    json_text(w, "architecture", t->architecture);
    json_text(w, "name", t->name);
    json_text(w, "license", t->license);
    jsonw_key(w, "context_length");
    if (t->context_length)
        jsonw_u64(w, t->context_length);
    else
        jsonw_nothing(w);
    jsonw_ku64(w, "tensor_count", t->tensors);
    jsonw_ku64(w, "tensor_bytes", t->bytes);
    json_dtypes(w, t);
    jsonw_object_done(w);
}

int look_json_facts(const struct look_json *o, const struct model_facts *f, struct err *e)
{
    size_t n;
    const struct model_fact_key *keys = model_facts_keys(&n);
    struct json_writer *w = o->w;

    jsonw_key(w, "facts");
    jsonw_object(w);
    for (size_t i = 0; i < n; i++) {
        struct model_fact fact = model_facts_get(f, i);
        if (fact.n == 0)
            continue;
        jsonw_key(w, keys[i].name);
        if (keys[i].repeated)
            jsonw_list(w);
        for (size_t k = 0; k < fact.n; k++) {
            jsonw_str(w, fact.values[k]);
            if (more(o, e) < 0)
                return -1;
        }
        if (keys[i].repeated)
            jsonw_list_done(w);
    }
    jsonw_object_done(w);
    return 0;
}

/* ---- files ---- */

/* "imports": of pickles and Keras. */
static int json_imports(const struct look_json *o, const struct weights *x, struct err *e)
{
    struct json_writer *w = o->w;

    if (x->n_imports == 0)
        return 0;
    jsonw_key(w, "imports");
    jsonw_list(w);
    for (size_t i = 0; i < x->n_imports; i++) {
        jsonw_object(w);
        jsonw_kstr(w, "name", x->imports[i].name);
        jsonw_kbool(w, "unsafe", x->imports[i].unsafe);
        if (x->imports[i].dangerous)
            jsonw_kbool(w, "dangerous", true);
        jsonw_object_done(w);
        if (more(o, e) < 0)
            return -1;
    }
    jsonw_list_done(w);
    return 0;
}

int look_json_header(const struct look_json *o, const struct weights *x, struct err *e)
{
    struct json_writer *w = o->w;

    jsonw_ku64(w, "header_bytes", x->header_bytes);
    jsonw_kbool(w, "big_endian", x->big_endian);
    jsonw_key(w, "metadata");
    jsonw_object(w);
    for (size_t i = 0; i < x->n_notes; i++) {
        jsonw_keys(w, x->notes[i].key);
        jsonw_str(w, x->notes[i].value);
        if (more(o, e) < 0)
            return -1;
    }
    jsonw_object_done(w);
    return json_imports(o, x, e);
}

static int json_file(const struct look_json *o, const struct look_file *f, bool headers,
                     struct err *e)
{
    struct json_writer *w = o->w;

    jsonw_object(w);
    jsonw_kstr(w, "file", f->path);
    jsonw_ku64(w, "size", f->size);
    jsonw_kstrz(w, "format", f->known ? f->weights.format : model_format_of(f->path));
    if (f->has_kind)
        jsonw_kstrz(w, "kind", model_kind_name(f->kind));
    if (f->in_layer) {
        jsonw_kstr(w, "layer", digest_str(&f->layer));
        jsonw_kstrz(w, "encoding", f->encoding);
        jsonw_kbool(w, "looked_into", !f->closed);
        jsonw_ku64(w, "at", f->at);
        if (f->has_digest)
            jsonw_kstr(w, "digest", digest_str(&f->digest));
    }
    if (f->known) {
        uint64_t parameters = 0;
        for (size_t k = 0; k < f->weights.n_tensors; k++)
            parameters += f->weights.tensors[k].elements - f->weights.tensors[k].shared;
        jsonw_kbool(w, "counts", f->counts);
        if (!f->weights.opaque) {
            jsonw_ku64(w, "tensor_count", f->weights.n_tensors);
            jsonw_ku64(w, "parameters", parameters);
        }
        bool all = headers || f->weights.opaque;
        if ((all ? look_json_header(o, &f->weights, e) : json_imports(o, &f->weights, e)) < 0)
            return -1;
    }
    jsonw_object_done(w);
    return more(o, e);
}

int look_json_files(const struct look_json *o, const struct look *l, bool headers, struct err *e)
{
    jsonw_key(o->w, "files");
    jsonw_list(o->w);
    for (size_t i = 0; i < l->n_files; i++)
        if (json_file(o, &l->files[i], headers, e) < 0)
            return -1;
    jsonw_list_done(o->w);
    return 0;
}

/* ---- tensors ---- */

/* file: NULL: it is not said. */
static int json_tensors_of(const struct look_json *o, const struct str *file,
                           const struct weights *x, struct err *e)
{
    struct json_writer *w = o->w;

    for (size_t k = 0; k < x->n_tensors; k++) {
        const struct weight_tensor *t = &x->tensors[k];
        jsonw_object(w);
        if (file)
            jsonw_kstr(w, "file", *file);
        jsonw_kstr(w, "name", t->name);
        jsonw_kstrz(w, "dtype", t->dtype->name);
        jsonw_key(w, "shape");
        jsonw_list(w);
        for (unsigned d = 0; d < t->n_dims; d++)
            jsonw_u64(w, t->dims[d]);
        jsonw_list_done(w);
        jsonw_ku64(w, "offset", t->offset);
        jsonw_ku64(w, "bytes", t->bytes);
        if (t->external.n)
            jsonw_kstr(w, "external", t->external);
        if (t->shared)
            jsonw_ku64(w, "shared", t->shared);
        jsonw_object_done(w);
        if (more(o, e) < 0)
            return -1;
    }
    return 0;
}

int look_json_file_tensors(const struct look_json *o, const struct weights *x, struct err *e)
{
    jsonw_key(o->w, "tensors");
    jsonw_list(o->w);
    if (json_tensors_of(o, NULL, x, e) < 0)
        return -1;
    jsonw_list_done(o->w);
    return 0;
}

int look_json_tensors(const struct look_json *o, const struct look *l, struct err *e)
{
    jsonw_key(o->w, "tensors");
    jsonw_list(o->w);
    for (size_t i = 0; i < l->n_files; i++)
        if (json_tensors_of(o, &l->files[i].path, &l->files[i].weights, e) < 0)
            return -1;
    jsonw_list_done(o->w);
    return 0;
}

int look_json_warnings(const struct look_json *o, const struct model_facts *f, struct err *e)
{
    jsonw_key(o->w, "warnings");
    jsonw_list(o->w);
    for (size_t i = 0; i < f->warnings.n; i++) {
        jsonw_str(o->w, f->warnings.items[i]);
        if (more(o, e) < 0)
            return -1;
    }
    jsonw_list_done(o->w);
    return 0;
}
