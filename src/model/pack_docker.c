/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker model artifacts: with the config's version 0.2 each layer names its file as ModelPack
 * does, before that the type tells what it is.
 * Source: docker model-spec 0.1, and what docker's model runner writes.
 */
#include "base/mem.h"
#include "model/pack_form.h"

#define CONFIG_PREFIX "application/vnd.docker.ai.model.config."
#define PREFIX        "application/vnd.docker.ai."

/* clang-format off */
static const struct pack_name rows[] = {
    {"gguf.v3", PACK_RAW, "model", ".gguf", true, true, MODEL_WEIGHT, false},
    {"gguf.v3.lora", PACK_RAW, "adapter", ".gguf", false, true, MODEL_WEIGHT, false},
    {"gguf.v3.mmproj", PACK_RAW, "mmproj", ".gguf", false, true, MODEL_WEIGHT, false},
    {"mmproj", PACK_RAW, "mmproj", ".gguf", false, true, MODEL_WEIGHT, false},
    {"safetensors", PACK_RAW, "model", ".safetensors", true, true, MODEL_WEIGHT, false},
    {"dduf", PACK_RAW, "model", ".dduf", false, true, MODEL_WEIGHT, false},
    {"chat.template.jinja", PACK_RAW, "chat_template", ".jinja", false, true, MODEL_WEIGHT_CONFIG, false},
    {"license", PACK_RAW, "LICENSE", "", false, true, MODEL_DOC, false},
    {"vllm.config.tar", PACK_TAR, NULL, NULL, false, true, MODEL_WEIGHT_CONFIG, false},
    {"dir.tar", PACK_TAR, NULL, NULL, false, false, MODEL_WEIGHT, false},
    {"model.file", PACK_RAW, NULL, NULL, false, false, MODEL_WEIGHT, false},
};
/* clang-format on */

static bool fits(const struct oci_manifest *m)
{
    return str_starts(m->config.media_type, STR(CONFIG_PREFIX));
}

static int layer(const struct pack_reading *r, struct pack_layer *l, struct err *e)
{
    const struct pack_name *row = pack_name_find(rows, ARRAY_LEN(rows), STR(PREFIX), l->media_type);
    /* Its model runner packs in ModelPack's types too. */
    if (!row)
        return pack_form_modelpack.layer(r, l, e);
    l->encoding = row->encoding;
    l->has_kind = row->has_kind;
    l->kind = row->kind;
    if (row->encoding == PACK_RAW && l->path.n == 0 && pack_name_give(r, row, &l->path, e) < 0)
        return -1;
    return 1;
}

const struct pack_form pack_form_docker = {.name = "docker", .fits = fits, .layer = layer};
