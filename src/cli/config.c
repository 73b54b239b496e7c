/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/command.h"

static const struct cli_option options[] = {
    {.name = "json", .help = "For check: print the result as a JSON object."},
};

/* A file is judged alone: neither environment nor flags. */
static int check(const struct cli *c, const char *path, struct err *e)
{
    struct config config;
    config_init(&config);
    int rc = config_load_file(&config, path, e);
    if (rc == 0)
        rc = config_check(&config, e);
    config_done(&config);
    if (rc < 0)
        return -1;
    if (!cli_has(c, "json"))
        return cli_printf(e, "%s: no mistakes found\n", path);
    AUTO(buf) out = {0};
    struct json_writer w;
    buf_init(&out, CLI_TEXT_MAX);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "file", path);
    jsonw_kbool(&w, "valid", true);
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    const char *what = c->args[0];
    bool is_check = strcmp(what, "check") == 0;

    if (is_check != (c->n_args == 2))
        return ERR(e, USAGE, "usage: haven config sample | manual | check FILE");
    if (is_check)
        return check(c, c->args[1], e);
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
    .synopsis = "sample | manual | check [--json] FILE",
    .help = "sample prints a commented configuration file with every key and its default; manual "
            "prints the\n"
            "reference of all settings (Markdown); check reads FILE as `haven serve --config` "
            "would and says\n"
            "what is wrong with it.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 2,
    .words = "sample|manual|check",
    .run = run,
};
