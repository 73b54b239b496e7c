/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON files beside the weights: the input as each of them. */
#include "base/json.h"
#include "base/limits.h"
#include "model/modelpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {
        "config.json",         "generation_config.json", "adapter_config.json",
        "model_index.json",    "tokenizer_config.json",  "chat_template.json",
        "chat_template.jinja", "modules.json",           "quantize_config.json",
        "quant_config.json",   "hf_quant_config.json"};
    AUTO(model_facts) f = {0};
    AUTO(buf) out = {0};
    struct modelpack_file file = {.path = STR("a"), .digest = {.text = "sha256:0"}};

    model_facts_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        BUG_ON(!model_facts_wants(str_from(paths[i])));
        model_facts_add_file(&f, str_from(paths[i]), str_of((const char *)data, size));
    }
    model_facts_resolve(&f);
    buf_init(&out, MIB);
    BUG_ON(modelpack_write_config(&out, &f, &file, 1, NULL) < 0);
    AUTO_JSON doc = json_load(buf_str(&out), ERR_MODEL_INVALID, NULL);
    BUG_ON(!json_is_object(doc));
    return 0;
}
