/* SPDX-License-Identifier: Apache-2.0 */
#include "server/routes.h"

#include "cli/command.h"

static const struct cli_option options[] = {
    {.name = "markdown", .help = "Print a Markdown page (docs/api/routes.md)."},
    {.name = "json", .help = "Print a JSON list."},
    {.name = "openapi", .help = "Print the OpenAPI file (docs/api/openapi.json)."},
};

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    buf_init(&out, CLI_TEXT_MAX);
    if (cli_has(c, "openapi"))
        routes_write_openapi(&out);
    else if (cli_has(c, "json"))
        routes_write_json(&out);
    else
        routes_write(cli_has(c, "markdown"), &out);
    return cli_print(buf_str(&out), e);
}

const struct command cmd_routes = {
    .name = "routes",
    .summary = "List every address that the server answers",
    .synopsis = "[--markdown | --json | --openapi]",
    .help = "Prints method, path, name, permission, body and purpose of each route.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .hidden = true,
    .run = run,
};
