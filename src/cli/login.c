/* SPDX-License-Identifier: Apache-2.0 */
#include "client/login.h"

#include "base/json.h"
#include "base/limits.h"
#include "cli/progress.h"
#include "cli/prompt.h"

static const struct cli_option options[] = {
    {.name = "username", .letter = 'u', .metavar = "USER", .help = "The name to log in with."},
    {.name = "password-stdin", .help = "Read the password from standard input."},
    {.name = "json", .help = "Print the result as a JSON object."},
    PROGRESS_OPTIONS_CONNECTION,
};

static int get_username(const struct cli *c, struct buf *out, struct err *e)
{
    const char *given = cli_value(c, "username");
    if (given) {
        buf_addz(out, given);
        return buf_ok(out) ? 0 : ERR(e, USAGE, "the user name is too long");
    }
    if (cli_has(c, "password-stdin"))
        return ERR(e, USAGE, "--password-stdin needs --username");
    if (prompt_line("User name: ", false, out, e) < 0)
        return err_wrap(e, "the user name is missing (--username)");
    return 0;
}

static int get_password(const struct cli *c, struct buf *out, struct err *e)
{
    if (cli_has(c, "password-stdin"))
        return prompt_stdin(out, e);
    if (prompt_line("Password: ", true, out, e) < 0)
        return err_wrap(e, "the password is missing (--password-stdin)");
    return 0;
}

static int run(struct cli *c, struct err *e)
{
    struct transport_options connection;
    struct transport_host host;
    AUTO(buf) username = {0};
    AUTO(buf) password = {0};

    buf_init(&username, LIMIT_USERNAME);
    buf_init(&password, LIMIT_TOKEN);
    if (progress_host(c, c->args[0], &host, e) < 0 || get_username(c, &username, e) < 0 ||
        get_password(c, &password, e) < 0)
        return -1;
    progress_connection(c, &connection);
    const struct credential cred = {.username = buf_str(&username), .password = buf_str(&password)};
    int rc = login_store(&host, &cred, &connection, e);
    prompt_wipe(&password);
    if (rc < 0)
        return -1;
    if (!cli_has(c, "json"))
        return cli_printf(e, "logged in to %s as %s\n", host.host, username.p);
    AUTO(buf) out = {0};
    struct json_writer w;
    buf_init(&out, CLI_TEXT_MAX);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstrz(&w, "registry", host.host);
    jsonw_kstr(&w, "username", buf_str(&username));
    jsonw_object_done(&w);
    buf_addc(&out, '\n');
    return cli_print(buf_str(&out), e);
}

const struct command cmd_login = {
    .name = "login",
    .summary = "Keep the credentials of a registry",
    .synopsis = "[-u USER] [--password-stdin] [OPTION ...] HOST[:PORT]",
    .help =
        "Asks for what is not given, proves it to the registry, and keeps it where docker and "
        "other\n"
        "clients look: config.json in DOCKER_CONFIG or ~/.docker, or the credential helper that "
        "is\n"
        "configured there.\n"
        "\n"
        "  printf %s \"$PASSWORD\" | haven login -u admin --password-stdin registry.example.org\n",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
