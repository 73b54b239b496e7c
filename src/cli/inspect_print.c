/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/inspect.h"
#include "model/look_json.h"
#include "model/path.h"

#include <inttypes.h>
#include <stdio.h>

/* Output goes out in pieces of about this size; one note with all its escapes fits behind it. */
#define PIECE     (64 * KIB)
#define PIECE_MAX (PIECE + 8 * LIMIT_WEIGHT_NOTE)
/* A name or value on a line for people. */
#define SHOWN 120

/* Prints what has gathered when it is enough, or when it is the last. */
static int flush(struct buf *out, bool last, struct err *e)
{
    BUG_ON(!buf_ok(out));
    if (!last && out->n < PIECE)
        return 0;
    int rc = cli_print(buf_str(out), e);
    buf_reset(out);
    return rc;
}

/* ---- JSON ---- */

/* What gathered goes out when it is enough. */
static int gathered(void *self, struct buf *out, struct err *e)
{
    (void)self;
    return flush(out, false, e);
}

static int json_top(const struct look_json *o, const struct inspect *in, struct err *e)
{
    const struct look *l = &in->look;
    if (in->what == INSPECT_ARTIFACT) {
        jsonw_kstrz(o->w, "reference", in->shown);
        jsonw_kstr(o->w, "digest", digest_str(&l->digest));
        jsonw_kstr(o->w, "manifest", digest_str(&l->manifest));
        jsonw_kstrz(o->w, "form", l->form);
    } else {
        jsonw_kstrz(o->w, "file", in->shown);
    }
    if (in->what != INSPECT_FILE && look_json_facts(o, &l->facts, e) < 0)
        return -1;
    look_json_weights(o, &l->totals);
    return 0;
}

static int json_attached(const struct look_json *o, const struct inspect *in, struct err *e)
{
    jsonw_key(o->w, "attached");
    jsonw_list(o->w);
    for (size_t i = 0; i < in->n_attached; i++) {
        const struct attached *x = &in->attached[i];
        jsonw_object(o->w);
        jsonw_kstr(o->w, "digest", digest_str(&x->digest));
        jsonw_kstr(o->w, "type", x->type);
        jsonw_kstrz(o->w, "kind", x->kind);
        jsonw_kstr(o->w, "subject", digest_str(&x->subject));
        if (x->tag.n)
            jsonw_kstr(o->w, "tag", x->tag);
        if (x->target.n) {
            jsonw_kstr(o->w, "target", x->target);
            jsonw_kstr(o->w, "relation", x->relation);
        }
        jsonw_object_done(o->w);
        if (o->more(o->self, o->w->out, e) < 0)
            return -1;
    }
    jsonw_list_done(o->w);
    return 0;
}

int inspect_print_json(const struct inspect *in, bool tensors, struct err *e)
{
    AUTO(buf) out = {0};
    struct json_writer w;
    const struct look_json o = {.w = &w, .more = gathered};

    buf_init(&out, PIECE_MAX);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    if (json_top(&o, in, e) < 0 || look_json_files(&o, &in->look, true, e) < 0 ||
        (tensors && look_json_tensors(&o, &in->look, e) < 0) ||
        (in->what == INSPECT_ARTIFACT && json_attached(&o, in, e) < 0) ||
        look_json_warnings(&o, &in->look.facts, e) < 0)
        return -1;
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return flush(&out, true, e);
}

/* ---- text ---- */

static void line(struct buf *out, const char *what, struct str s)
{
    char show[SHOWN];
    if (s.n)
        buf_addf(out, "%-15s %s\n", what, model_path_show(s, show, sizeof(show)));
}

static void text_facts(struct buf *out, const struct model_facts *f)
{
    size_t n;
    const struct model_fact_key *keys = model_facts_keys(&n);
    buf_addz(out, "\nFACTS\n");
    for (size_t i = 0; i < n; i++) {
        struct model_fact fact = model_facts_get(f, i);
        for (size_t k = 0; k < fact.n && out->n < PIECE; k++)
            line(out, k ? "" : keys[i].name, fact.values[k]);
    }
}

static void text_top(struct buf *out, const struct inspect *in)
{
    static const char *const whats[] = {
        [INSPECT_FILE] = "file", [INSPECT_DIR] = "directory", [INSPECT_ARTIFACT] = "reference"};
    const struct look *l = &in->look;
    line(out, whats[in->what], str_from(in->shown));
    if (in->what == INSPECT_ARTIFACT) {
        line(out, "digest", digest_str(&l->digest));
        if (!digest_eq(&l->digest, &l->manifest))
            line(out, "manifest", digest_str(&l->manifest));
        line(out, "form", str_from(l->form));
    }
    if (in->what != INSPECT_FILE)
        text_facts(out, &l->facts);
}

static void text_totals(struct buf *out, const struct look *l)
{
    const struct weight_totals *t = &l->totals;
    char size[WEIGHT_PARAM_SIZE_MAX], precision[WEIGHT_PRECISION_MAX], bytes[STR_SIZE_TEXT];
    bool big = false;

    for (size_t i = 0; i < l->n_files; i++)
        big = big || (l->files[i].counts && l->files[i].weights.big_endian);
    buf_addf(out, "%-15s %s%s\n", "format", t->format, big ? ", big-endian" : "");
    line(out, "name", t->name);
    line(out, "architecture", t->architecture);
    if (t->parameters < 1000)
        buf_addf(out, "%-15s %" PRIu64 "\n", "parameters", t->parameters);
    else
        buf_addf(out, "%-15s %s (%" PRIu64 ")\n", "parameters",
                 weight_param_size(t->parameters, size), t->parameters);
    line(out, "precision", str_from(weight_precision(t, precision)));
    line(out, "quantization", t->quantization);
    if (t->context_length)
        buf_addf(out, "%-15s %" PRIu64 "\n", "context length", t->context_length);
    line(out, "license", t->license);
    buf_addf(out, "%-15s %" PRIu64 ", %s\n", "tensors", t->tensors,
             str_size_text((double)t->bytes, bytes));
}

static void text_dtypes(struct buf *out, const struct weight_totals *t)
{
    char bytes[STR_SIZE_TEXT];
    buf_addf(out, "\n%-12s %10s %20s %7s %12s\n", "TYPE", "TENSORS", "PARAMETERS", "SHARE", "SIZE");
    for (size_t i = 0; i < t->n_counts; i++) {
        const struct weight_count *c = &t->counts[i];
        double share = t->parameters ? 100 * (double)c->elements / (double)t->parameters : 0;
        buf_addf(out, "%-12s %10" PRIu64 " %20" PRIu64 " %6.1f%% %12s\n", c->dtype->name,
                 c->tensors, c->elements, share, str_size_text((double)c->bytes, bytes));
    }
}

static int text_files(struct buf *out, const struct look *l, struct err *e)
{
    char show[SHOWN], bytes[STR_SIZE_TEXT];
    buf_addf(out, "\n%-14s %-12s %10s %12s  %s\n", "KIND", "FORMAT", "TENSORS", "SIZE", "FILE");
    for (size_t i = 0; i < l->n_files; i++) {
        const struct look_file *f = &l->files[i];
        const char *format = f->known ? f->weights.format : model_format_of(f->path);
        bool weight = f->has_kind && f->kind == MODEL_WEIGHT;
        char count[STR_SIZE_TEXT];
        (void)snprintf(count, sizeof(count), "%s", weight || f->closed ? "not read" : "-");
        if (f->known)
            (void)snprintf(count, sizeof(count), "%zu", f->weights.n_tensors);
        if (f->known && f->weights.opaque)
            (void)snprintf(count, sizeof(count), "not read");
        buf_addf(out, "%-14s %-12s %10s %12s  %s%s%s%s\n",
                 f->has_kind ? model_kind_name(f->kind) : "-", format ? format : "-", count,
                 str_size_text((double)f->size, bytes),
                 model_path_show(f->path, show, sizeof(show)),
                 f->closed ? f->path.n ? " in " : "" : "", f->closed ? f->encoding : "",
                 f->known && !f->counts && !f->weights.opaque ? " (not counted)" : "");
        if (flush(out, false, e) < 0)
            return -1;
    }
    return 0;
}

static int text_attached(struct buf *out, const struct inspect *in, struct err *e)
{
    char type[SHOWN], target[SHOWN], relation[SHOWN];
    if (in->n_attached)
        buf_addf(out, "\n%-14s %-71s  %s\n", "ATTACHED", "DIGEST", "TYPE");
    for (size_t i = 0; i < in->n_attached; i++) {
        const struct attached *x = &in->attached[i];
        buf_addf(out, "%-14s %-71s  %s", x->kind ? x->kind : "-", x->digest.text,
                 model_path_show(x->type, type, sizeof(type)));
        if (x->target.n)
            buf_addf(out, ": %s %s", model_path_show(x->relation, relation, sizeof(relation)),
                     model_path_show(x->target, target, sizeof(target)));
        buf_addc(out, '\n');
        if (flush(out, false, e) < 0)
            return -1;
    }
    return 0;
}

static int text_metadata(struct buf *out, const struct weights *w, struct err *e)
{
    char key[SHOWN], value[SHOWN];
    if (w->n_notes)
        buf_addz(out, "\nMETADATA\n");
    for (size_t i = 0; i < w->n_notes; i++) {
        model_path_show(w->notes[i].key, key, sizeof(key));
        model_path_show(w->notes[i].value, value, sizeof(value));
        buf_addf(out, "%s: %s%s\n", key, value, w->notes[i].value.n >= SHOWN ? "…" : "");
        if (flush(out, false, e) < 0)
            return -1;
    }
    return 0;
}

static int text_imports(struct buf *out, const struct weights *w, struct err *e)
{
    char name[SHOWN];
    if (w->n_imports)
        buf_addz(out, "\nIMPORTS\n");
    for (size_t i = 0; i < w->n_imports; i++) {
        buf_addf(out, "%s%s\n", model_path_show(w->imports[i].name, name, sizeof(name)),
                 w->imports[i].dangerous ? " (dangerous)"
                 : w->imports[i].unsafe  ? " (unsafe)"
                                         : "");
        if (flush(out, false, e) < 0)
            return -1;
    }
    return 0;
}

static int text_tensors(struct buf *out, const struct weights *w, struct err *e)
{
    char name[MODEL_PATH_SHOW], external[MODEL_PATH_SHOW], bytes[STR_SIZE_TEXT];
    buf_addf(out, "\n%-12s %12s %16s  %s\n", "TYPE", "SIZE", "OFFSET", "TENSOR AND SHAPE");
    for (size_t i = 0; i < w->n_tensors; i++) {
        const struct weight_tensor *t = &w->tensors[i];
        buf_addf(out, "%-12s %12s %16" PRIu64 "  %s [", t->dtype->name,
                 str_size_text((double)t->bytes, bytes), t->offset,
                 model_path_show(t->name, name, sizeof(name)));
        for (unsigned d = 0; d < t->n_dims; d++)
            buf_addf(out, "%s%" PRIu64, d ? ", " : "", t->dims[d]);
        buf_addf(out, "]%s%s%s\n", t->shared ? " (shared)" : "", t->external.n ? " in " : "",
                 model_path_show(t->external, external, sizeof(external)));
        if (flush(out, false, e) < 0)
            return -1;
    }
    return 0;
}

int inspect_print_text(const struct inspect *in, bool tensors, struct err *e)
{
    char show[SHOWN];
    AUTO(buf) out = {0};
    const struct look *l = &in->look;

    buf_init(&out, PIECE_MAX);
    text_top(&out, in);
    if (l->totals.format && in->what != INSPECT_FILE)
        buf_addz(&out, "\nWEIGHTS\n");
    if (l->totals.format)
        text_totals(&out, l);
    else if (in->what == INSPECT_FILE)
        line(&out, "format", str_from(l->files[0].weights.format));
    if (l->totals.tensors)
        text_dtypes(&out, &l->totals);
    if (in->what != INSPECT_FILE && text_files(&out, l, e) < 0)
        return -1;
    if (text_attached(&out, in, e) < 0)
        return -1;
    if (in->what == INSPECT_FILE && (text_metadata(&out, &l->files[0].weights, e) < 0 ||
                                     text_imports(&out, &l->files[0].weights, e) < 0))
        return -1;
    for (size_t i = 0; tensors && i < l->n_files; i++) {
        const struct look_file *f = &l->files[i];
        if (f->weights.n_tensors == 0)
            continue;
        if (in->what != INSPECT_FILE)
            buf_addf(&out, "\n%s\n", model_path_show(f->path, show, sizeof(show)));
        if (text_tensors(&out, &f->weights, e) < 0)
            return -1;
    }
    return flush(&out, true, e);
}
