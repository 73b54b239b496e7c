/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"
#include "base/json.h"
#include "cli/command.h"
#include "http/server.h"

static const struct cli_option options[] = {
    {.name = "json", .help = "Print a JSON object."},
};

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    buf_init(&out, CLI_TEXT_MAX);
    if (cli_has(c, "json")) {
        struct json_writer w;
        jsonw_init(&w, &out);
        jsonw_object(&w);
        jsonw_kstrz(&w, "version", HAVEN_VERSION);
        jsonw_kstrz(&w, "compiler", __VERSION__);
        jsonw_kstrz(&w, "libmicrohttpd", http_server_library());
        jsonw_object_done(&w);
    } else {
        buf_addf(&out, "haven %s", HAVEN_VERSION);
    }
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

const struct command cmd_version = {
    .name = "version",
    .summary = "Print the version of this program",
    .synopsis = "[--json]",
    .help = "`haven --version` does the same.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
