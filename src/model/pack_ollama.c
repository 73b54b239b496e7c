/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ollama: a docker manifest whose layers have types of Ollama's own. A type tells what the file is;
 * tensors and JSON files of models in safetensors form have names in their descriptors.
 * Source: what Ollama 0.33 writes and reads.
 */
#include "base/mem.h"
#include "model/pack_form.h"

#define PREFIX "application/vnd.ollama.image."

/* clang-format off */
static const struct pack_name rows[] = {
    {"model", PACK_RAW, "model", ".gguf", true, true, MODEL_WEIGHT, false},
    {"adapter", PACK_RAW, "adapter", ".gguf", false, true, MODEL_WEIGHT, false},
    {"projector", PACK_RAW, "mmproj", ".gguf", false, true, MODEL_WEIGHT, false},
    {"draft", PACK_RAW, "draft", ".gguf", false, true, MODEL_WEIGHT, false},
    {"template", PACK_RAW, "template", "", false, true, MODEL_WEIGHT_CONFIG, false},
    {"prompt", PACK_RAW, "template", "", false, true, MODEL_WEIGHT_CONFIG, false},
    {"system", PACK_RAW, "system", "", false, true, MODEL_WEIGHT_CONFIG, false},
    {"params", PACK_RAW, "params", ".json", false, true, MODEL_WEIGHT_CONFIG, false},
    {"messages", PACK_RAW, "messages", ".json", false, true, MODEL_WEIGHT_CONFIG, false},
    {"license", PACK_RAW, "license", "", false, true, MODEL_DOC, false},
    {"tensor", PACK_RAW, NULL, NULL, false, true, MODEL_WEIGHT, false},
    {"json", PACK_RAW, NULL, NULL, false, true, MODEL_WEIGHT_CONFIG, false},
    {"embed", PACK_RAW, NULL, NULL, false, false, MODEL_WEIGHT, true},
};
/* clang-format on */

static bool fits(const struct oci_manifest *m)
{
    for (size_t i = 0; i < m->n_items; i++)
        if (str_starts(m->items[i].media_type, STR(PREFIX)))
            return true;
    return false;
}

static int layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    const struct pack_name *row = pack_name_find(rows, ARRAY_LEN(rows), STR(PREFIX), l->media_type);
    if (!row)
        return pack_refuse(r, e, "is of a type of Ollama's that is not known here");
    if (row->skipped)
        return 0;
    l->encoding = row->encoding;
    l->has_kind = row->has_kind;
    l->kind = row->kind;
    if (l->path.n == 0)
        l->path = r->m->items[r->i].name;
    if (l->path.n == 0 && pack_name_give(r, row, &l->path, e) < 0)
        return -1;
    return 1;
}

const struct pack_form pack_form_ollama = {.name = "ollama", .fits = fits, .layer = layer};
