/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CNCF ModelPack and the CNAI drafts before it. The drafts had other prefixes for types and
 * annotations, and the first of them used the layers of ordinary images with a second type each:
 * those can be mounted, and are read in order as mounting would.
 * Source: CNCF model-spec v0.0.1 to main; the draft of November 2024.
 */
#include "base/mem.h"
#include "model/pack_form.h"

#include <stdio.h>

#define NOTE_TITLE "org.opencontainers.image.title"
#define PREFIX     "application/vnd.cncf.model."
#define PREFIX_OLD "application/vnd.cnai.model."
/* No version of the specification has it, talks about it do. */
#define PREFIX_ALIAS "application/vnd.cncf.cnai.model."

static const char *const prefixes[] = {PREFIX, PREFIX_OLD, PREFIX_ALIAS};

static bool skip_prefix(struct str type, struct str *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts(type, str_from(prefixes[i]))) {
            *ret = str_skip(type, strlen(prefixes[i]));
            return true;
        }
    }
    return false;
}

static bool any_type(const struct oci_manifest *m, bool (*is)(struct str type))
{
    if (is(m->artifact_type) || (m->has_config && is(m->config.media_type)))
        return true;
    for (size_t i = 0; i < m->n_items; i++)
        if (is(m->items[i].media_type) || is(m->items[i].artifact_type))
            return true;
    return false;
}

static bool is_new(struct str type)
{
    return str_starts(type, STR(PREFIX));
}

static bool is_any(struct str type)
{
    struct str ignored;
    return skip_prefix(type, &ignored);
}

static bool modelpack_fits(const struct oci_manifest *m)
{
    return any_type(m, is_new);
}

static bool cnai_fits(const struct oci_manifest *m)
{
    return any_type(m, is_any) && !any_type(m, is_new);
}

/* oras gives whole files the type of an image layer too, with a title and no second type. */
static bool is_drafts_layer(const struct oci_descriptor *d)
{
    return pack_is_image_layer(d->media_type) &&
           (is_any(d->artifact_type) || pack_note(d, NOTE_TITLE).n == 0);
}

static bool cnai_image_fits(const struct oci_manifest *m)
{
    if (!any_type(m, is_any))
        return false;
    for (size_t i = 0; i < m->n_items; i++)
        if (!is_drafts_layer(&m->items[i]))
            return false;
    return true;
}

/* The second form: annotations say what is in a layer, each with "true". */
static void kind_of_notes(const struct oci_descriptor *d, struct pack_layer *l)
{
    static const struct {
        const char *key;
        enum model_kind kind;
    } rows[] = {
        {"org.cnai.model.model", MODEL_WEIGHT},
        {"org.cnai.model.config", MODEL_WEIGHT_CONFIG},
        {"org.cnai.model.readme", MODEL_DOC},
        {"org.cnai.model.license", MODEL_DOC},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!str_eqz(pack_note(d, rows[i].key), "true"))
            continue;
        /* More than one kind in a layer: the names of its members tell. */
        l->has_kind = !l->has_kind || l->kind == rows[i].kind;
        l->kind = rows[i].kind;
        if (!l->has_kind)
            return;
    }
}

/* KIND.v1.ENC behind the prefix. 0 a kind that is not known. */
static int kind_and_encoding(const struct pack_reading *r, struct str rest, struct pack_layer *l,
                             struct err *e)
{
    for (int k = 0; k < MODEL_KIND_COUNT; k++) {
        char head[32];
        (void)snprintf(head, sizeof(head), "%s.v1.", model_kind_name((enum model_kind)k));
        if (!str_starts(rest, str_from(head)))
            continue;
        struct str encoding = str_skip(rest, strlen(head));
        /* Docker's model runner wrote these; they are raw. */
        bool raw =
            k == MODEL_WEIGHT && (str_eqz(encoding, "gguf") || str_eqz(encoding, "safetensors"));
        if (!raw && !pack_encoding_parse(encoding, &l->encoding))
            return pack_refuse(r, e, "has an encoding that cannot be read here");
        l->has_kind = true;
        l->kind = (enum model_kind)k;
        return 1;
    }
    return 0;
}

static int layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    const struct oci_descriptor *d = &r->m->items[r->i];
    struct str rest = STR_NULL;
    int rc = skip_prefix(d->media_type, &rest) ? kind_and_encoding(r, rest, l, e) : 0;
    if (rc)
        return rc;
    if (!is_drafts_layer(d))
        return pack_form_oras.layer(r, l, e);
    if (!pack_image_encoding(d->media_type, &l->encoding))
        return pack_refuse(r, e, "has an encoding that cannot be read here");
    kind_of_notes(d, l);
    return 1;
}

const struct pack_form pack_form_modelpack = {
    .name = "modelpack", .fits = modelpack_fits, .layer = layer};
const struct pack_form pack_form_cnai = {.name = "cnai", .fits = cnai_fits, .layer = layer};
const struct pack_form pack_form_cnai_image = {
    .name = "cnai", .fits = cnai_image_fits, .layer = layer, .ordered = true};
