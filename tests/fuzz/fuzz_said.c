/* SPDX-License-Identifier: Apache-2.0 */
/* What an artifact's config says of its model: taken as far as it is in the grammar. */
#include "base/json.h"
#include "base/limits.h"
#include "model/modelpack.h"
#include "model/said.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(model_facts) f = {0};
    AUTO(buf) out = {0};
    struct modelpack_file file = {.path = STR("a"), .digest = {.text = "sha256:0"}};
    struct str text = str_of((const char *)data, size);
    struct oci_annotation notes[] = {{STR("org.opencontainers.image.title"), text},
                                     {STR("org.opencontainers.image.licenses"), text}};
    struct oci_manifest m = {.annotations = notes, .n_annotations = ARRAY_LEN(notes)};

    model_facts_init(&f);
    said_read(&f, &m, text);
    buf_init(&out, 8 * MIB);
    BUG_ON(modelpack_write_config(&out, &f, &file, 1, NULL) < 0);
    AUTO_JSON doc = json_load(buf_str(&out), ERR_MODEL_INVALID, NULL);
    BUG_ON(!json_is_object(doc));
    return 0;
}
