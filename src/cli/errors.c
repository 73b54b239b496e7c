/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/command.h"
#include "cli/exit.h"

static const struct cli_option options[] = {
    {.name = "markdown", .help = "Print a Markdown page (docs/errors.md)."},
    {.name = "json", .help = "Print a JSON object."},
};

static void write_markdown(struct buf *out)
{
    buf_addz(out, "# Errors\n\n<!-- Made by `haven errors --markdown`. -->\n\n"
                  "Every failure has a symbol. Commands and the log name it in brackets; in "
                  "the JSON body of\n"
                  "an HTTP answer stands the wire code, which several symbols may share. The last "
                  "columns are about\ncommands: their exit status, and the advice that they give "
                  "where there is some.\n\n"
                  "| Symbol | Wire code | HTTP status | Meaning | Exit status | What helps |\n"
                  "|---|---|---|---|---|---|\n");
    for (int code = ERR_OK + 1; code < ERR_CODE_COUNT; code++) {
        const struct err_info *i = err_info((enum err_code)code);
        enum exit_status status;
        const char *hint;
        exit_of_code((enum err_code)code, &status, &hint);
        buf_addf(out, "| `%s` | `%s` | %d | %s | %d | ", i->symbol, i->wire, i->status, i->text,
                 (int)status);
        for (const char *z = hint ? hint : ""; *z; z++)
            buf_addf(out, *z == '|' ? "\\%c" : "%c", *z);
        buf_addz(out, " |\n");
    }
    buf_addz(out, "\n## Exit status\n\n");
    exit_write_markdown(out);
}

static void write_json(struct buf *out)
{
    struct json_writer w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key(&w, "errors");
    jsonw_list(&w);
    for (int code = ERR_OK + 1; code < ERR_CODE_COUNT; code++) {
        const struct err_info *i = err_info((enum err_code)code);
        enum exit_status status;
        const char *hint;
        exit_of_code((enum err_code)code, &status, &hint);
        jsonw_object(&w);
        jsonw_kstrz(&w, "code", i->symbol);
        jsonw_kstrz(&w, "wire_code", i->wire);
        jsonw_ki64(&w, "http_status", i->status);
        jsonw_kstrz(&w, "meaning", i->text);
        jsonw_ki64(&w, "exit_status", status);
        jsonw_kstrz(&w, "hint", hint);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_key(&w, "exit_statuses");
    jsonw_list(&w);
    exit_write_json(&w);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    buf_addc(out, '\n');
}

static void write_text(struct buf *out)
{
    for (int code = ERR_OK + 1; code < ERR_CODE_COUNT; code++) {
        const struct err_info *i = err_info((enum err_code)code);
        enum exit_status status;
        const char *hint;
        exit_of_code((enum err_code)code, &status, &hint);
        buf_addf(out, "%-22s %-24s %3d %4d  %s\n", i->symbol, i->wire, i->status, (int)status,
                 i->text);
    }
}

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    buf_init(&out, CLI_TEXT_MAX);
    if (cli_has(c, "json"))
        write_json(&out);
    else if (cli_has(c, "markdown"))
        write_markdown(&out);
    else
        write_text(&out);
    return cli_print(buf_str(&out), e);
}

const struct command cmd_errors = {
    .name = "errors",
    .summary = "List every error code and what it means",
    .synopsis = "[--markdown | --json]",
    .help = "Prints symbol, wire code, HTTP status, exit status and meaning of each error.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .hidden = true,
    .run = run,
};
