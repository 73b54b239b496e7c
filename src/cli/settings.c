/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include <stdlib.h>

static const char *file_name(const struct cli *c)
{
    const char *given = cli_value(c, "config");
    if (given)
        return given;
    const char *env = getenv("HAVEN_CONFIG");
    return env && *env ? env : NULL;
}

int settings_load(const struct cli *c, struct config *ret, struct err *e)
{
    struct config made;
    const char *file = file_name(c);

    config_init(&made);
    if ((file && config_load_file(&made, file, e) < 0) || config_load_env(&made, c->envp, e) < 0 ||
        cli_config_flags(c, &made, e) < 0 || config_check(&made, e) < 0) {
        config_done(&made);
        return -1;
    }
    *ret = made;
    return 0;
}
