/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

/* A file is judged alone: neither environment nor flags. */
static int check(const char *path, struct err *e)
{
    struct config config;
    config_init(&config);
    int rc = config_load_file(&config, path, e);
    if (rc == 0)
        rc = config_check(&config, e);
    config_done(&config);
    return rc < 0 ? -1 : cli_printf(e, "%s: no mistakes found\n", path);
}

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    const char *what = c->args[0];
    bool is_check = strcmp(what, "check") == 0;

    if (is_check != (c->n_args == 2))
        return ERR(e, USAGE, "usage: haven config sample | manual | check FILE");
    if (is_check)
        return check(c->args[1], e);
    buf_init(&out, CONFIG_TEXT_MAX);
    if (strcmp(what, "sample") == 0)
        config_write_sample(&out);
    else if (strcmp(what, "manual") == 0)
        config_write_manual(&out);
    else
        return ERR(e, USAGE,
                   "unknown word \"%s\"; usage: haven config sample | manual | check FILE", what);
    return cli_print(buf_str(&out), e);
}

const struct command cmd_config = {
    .name = "config",
    .summary = "Show or check the settings of the server",
    .synopsis = "sample | manual | check FILE",
    .help = "sample prints a commented configuration file with every key and its default; manual "
            "prints the\n"
            "reference of all settings (Markdown); check reads FILE as `haven serve --config` "
            "would and says\n"
            "what is wrong with it.",
    .min_args = 1,
    .max_args = 2,
    .words = "sample|manual|check",
    .run = run,
};
