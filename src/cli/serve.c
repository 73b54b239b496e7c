/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"
#include "server/server.h"

#include <stdlib.h>
#include <unistd.h>

static const struct cli_option options[] = {
    SETTINGS_OPTION_CONFIG,
    {.name = "print-config",
     .help = "Print the settings in force and where each comes from (secrets hidden), and end."},
};

static int load(void *cli, struct config *ret, struct err *e)
{
    return settings_load(cli, ret, e);
}

/* Takes the password out of the environment, where other programs of this user could read it. */
static struct str take_admin_password(struct cli *c)
{
    char *env = getenv("HAVEN_ADMIN_PASSWORD");
    if (!env)
        return STR_NULL;
    struct str password = arena_str(&c->arena, str_from(env));
    explicit_bzero(env, strlen(env));
    (void)unsetenv("HAVEN_ADMIN_PASSWORD");
    c->envp = environ;
    return password;
}

static int print_config(const struct config *config, struct err *e)
{
    AUTO(buf) out = {0};
    buf_init(&out, CONFIG_TEXT_MAX);
    config_write_effective(config, &out);
    return cli_print(buf_str(&out), e);
}

static int run(struct cli *c, struct err *e)
{
    struct config config;

    if (load(c, &config, e) < 0)
        return -1;
    int rc;
    if (cli_has(c, "print-config"))
        rc = print_config(&config, e);
    else
        rc = server_run(&(struct server_options){.config = &config,
                                                 .reload = load,
                                                 .reload_data = c,
                                                 .admin_password = take_admin_password(c)},
                        e);
    config_done(&config);
    return rc;
}

const struct command cmd_serve = {
    .name = "serve",
    .summary = "Run the registry",
    .synopsis = "[--config FILE] [--data DIR] [--listen ADDRESS:PORT] [--SETTING VALUE ...]",
    .help = "Serves until SIGTERM or SIGINT, then lets transfers finish; a second signal ends it "
            "at once. SIGHUP\n"
            "reads the configuration and the TLS certificate anew.\n"
            "\n"
            "Each setting comes from its flag, else from the environment (HAVEN_ and the key in "
            "capitals, such\n"
            "as HAVEN_HTTP_IDLE_TIMEOUT), else from the file, else it has its default. `haven "
            "config sample`\n"
            "prints a file with all of them.\n"
            "\n"
            "At the first start the user admin gets the password in HAVEN_ADMIN_PASSWORD, or a "
            "random one, which\n"
            "is printed if standard output is a terminal and written to "
            "DATA/initial-admin-password if not.\n"
            "\n"
            "When the server is ready, it prints one line: haven: listening on URL. The log goes "
            "to standard\n"
            "error.\n"
            "\n"
            "    haven serve --data /srv/haven --listen 0.0.0.0:8080",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .config = true,
    .run = run,
};
