/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KitOps ModelKits: the manifest has no type of its own, the config's tells. Layers carry no names:
 * paths stand in the archives, from the root of the kit.
 * Source: KitOps ModelKit specification 0.1 and what its command line writes.
 */
#include "base/mem.h"
#include "model/pack_form.h"

#define TYPE_CONFIG "application/vnd.kitops.modelkit.config.v1+json"
#define PREFIX      "application/vnd.kitops.modelkit."

static bool fits(const struct oci_manifest *m)
{
    return str_eqz(m->config.media_type, TYPE_CONFIG);
}

static int layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    /* A model is often a directory with weights, configurations and more: names tell. */
    static const struct {
        const char *part;
        bool has_kind;
        enum model_kind kind;
    } rows[] = {
        {"model.v1.", false, MODEL_WEIGHT},   {"modelpart.v1.", false, MODEL_WEIGHT},
        {"dataset.v1.", true, MODEL_DATASET}, {"code.v1.", true, MODEL_CODE},
        {"docs.v1.", true, MODEL_DOC},
    };
    struct str type = l->media_type;
    if (!str_starts(type, STR(PREFIX)))
        return pack_refuse(r, e, "is no layer of a ModelKit");
    struct str rest = str_skip(type, strlen(PREFIX));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!str_starts(rest, str_from(rows[i].part)))
            continue;
        if (!pack_encoding_parse(str_skip(rest, strlen(rows[i].part)), &l->encoding))
            return pack_refuse(r, e, "has an encoding that cannot be read here");
        l->has_kind = rows[i].has_kind;
        l->kind = rows[i].kind;
        return 1;
    }
    return pack_refuse(r, e, "is of a part of a ModelKit that is not known here");
}

const struct pack_form pack_form_kitops = {.name = "kitops", .fits = fits, .layer = layer};
