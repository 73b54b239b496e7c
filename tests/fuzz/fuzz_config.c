/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file: what is taken must print as something that is taken again and
 * means the same. */
#include "base/config.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config, again;
    struct err err;

    config_init(&config);
    if (config_load_text(&config, "fuzz", str_of((const char *)data, size), &err) == 0) {
        AUTO(buf) text = {0};
        buf_init(&text, CONFIG_TEXT_MAX);
        (void)config_check(&config, &err);
        config_write_effective(&config, &text);
        BUG_ON(!buf_ok(&text));
        config_init(&again);
        int rc = config_load_text(&again, "effective", buf_str(&text), &err);
        BUG_ON(rc < 0);
        for (size_t i = 0; i < config_count(); i++)
            BUG_ON(!config_same(&config, &again, i));
        config_done(&again);
    } else {
        BUG_ON(err.code == ERR_OK || err.msg[0] == '\0');
    }
    config_done(&config);
    return 0;
}
