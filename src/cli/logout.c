/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/command.h"
#include "client/login.h"

static const struct cli_option options[] = {
    {.name = "json", .help = "Print the result as a JSON object."},
};

static int run(struct cli *c, struct err *e)
{
    struct transport_host host;
    if (transport_host_parse(str_from(c->args[0]), &host, e) < 0)
        return -1;
    int rc = login_forget(&host, e);
    if (rc < 0)
        return -1;
    if (cli_has(c, "json")) {
        AUTO(buf) out = {0};
        struct json_writer w;
        buf_init(&out, CLI_TEXT_MAX);
        jsonw_init(&w, &out);
        jsonw_object(&w);
        jsonw_kstrz(&w, "registry", host.host);
        jsonw_kbool(&w, "was_logged_in", rc > 0);
        jsonw_object_done(&w);
        buf_addc(&out, '\n');
        return cli_print(buf_str(&out), e);
    }
    return cli_printf(e, rc ? "logged out of %s\n" : "not logged in to %s\n", host.host);
}

const struct command cmd_logout = {
    .name = "logout",
    .summary = "Forget the credentials of a registry",
    .synopsis = "[--json] HOST[:PORT]",
    .help =
        "Removes what `haven login` (or another client) keeps for this registry. Tokens that the\n"
        "registry gave out stay valid until they expire.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
