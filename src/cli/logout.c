/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "client/login.h"

static int run(struct cli *c, struct err *e)
{
    struct transport_host host;
    if (transport_host_parse(str_from(c->args[0]), &host, e) < 0)
        return -1;
    int rc = login_forget(&host, e);
    if (rc < 0)
        return -1;
    return cli_printf(e, rc ? "logged out of %s\n" : "not logged in to %s\n", host.host);
}

const struct command cmd_logout = {
    .name = "logout",
    .summary = "Forget the credentials of a registry",
    .synopsis = "HOST[:PORT]",
    .help =
        "Removes what `haven login` (or another client) keeps for this registry. Tokens that the\n"
        "registry gave out stay valid until they expire.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
