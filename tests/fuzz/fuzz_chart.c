/* SPDX-License-Identifier: Apache-2.0 */
/* Chart.yaml, and behind the first NUL requirements.yaml: what comes out is JSON, an object and a
 * list of objects of texts. */
#include "base/json.h"
#include "base/limits.h"
#include "model/chart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = {0};
    struct str rest = str_of((const char *)data, size), yaml = str_cut(&rest, '\0');
    struct chart c;

    arena_init(&a, 32 * MIB);
    (void)chart_file_of(yaml);
    if (chart_read(&a, yaml, rest, &c, NULL) < 0)
        return 0;
    AUTO_JSON metadata = json_load(c.metadata, ERR_MODEL_INVALID, NULL);
    AUTO_JSON list = json_load(c.dependencies, ERR_MODEL_INVALID, NULL);
    BUG_ON(!json_is_object(metadata) || !json_is_array(list));
    for (size_t i = 0; i < json_array_size(list); i++)
        BUG_ON(!json_get_str(json_array_get(list, i), "name").p);
    return 0;
}
