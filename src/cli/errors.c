/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

static const struct cli_option options[] = {
    {.name = "markdown", .help = "Print a Markdown page (docs/errors.md)."},
};

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    bool markdown = cli_has(c, "markdown");

    buf_init(&out, CLI_TEXT_MAX);
    if (markdown)
        buf_addz(&out, "# Errors\n\n<!-- Made by `haven errors --markdown`. -->\n\n"
                       "Every failure has a symbol. Commands and the log name it in brackets; in "
                       "the JSON body of\n"
                       "an HTTP answer stands the wire code, which several symbols may share.\n\n"
                       "| Symbol | Wire code | HTTP status | Meaning |\n|---|---|---|---|\n");
    for (int code = ERR_OK + 1; code < ERR_CODE_COUNT; code++) {
        const struct err_info *i = err_info((enum err_code)code);
        buf_addf(&out, markdown ? "| `%s` | `%s` | %d | %s |\n" : "%-22s %-24s %3d  %s\n",
                 i->symbol, i->wire, i->status, i->text);
    }
    return cli_print(buf_str(&out), e);
}

const struct command cmd_errors = {
    .name = "errors",
    .summary = "List every error code and what it means",
    .synopsis = "[--markdown]",
    .help = "Prints symbol, wire code, HTTP status and meaning of each error.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .hidden = true,
    .run = run,
};
