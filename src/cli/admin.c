/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

/* The commands of the group are found by their names; what comes here is none of them. */
static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};

    if (c->n_args)
        return ERR(e, USAGE, "there is no command \"haven admin %s\"; `haven admin` lists them",
                   c->args[0]);
    buf_init(&out, CLI_TEXT_MAX);
    buf_addz(&out, "Commands of an operator, on the machine of the data directory:\n\n");
    for (size_t i = 0; i < c->n_commands; i++)
        if (str_starts(str_from(c->commands[i]->name), STR("admin-")))
            buf_addf(&out, "  haven %-20s %s\n", cli_spoken(&c->arena, c->commands[i]),
                     c->commands[i]->summary);
    buf_addz(&out, "\n`haven help admin-COMMAND` says more about each.\n");
    return cli_print(buf_str(&out), e);
}

const struct command cmd_admin = {
    .name = "admin",
    .summary = "Commands of an operator: `haven admin` lists them",
    .synopsis = "[COMMAND]",
    .help = "These commands work on a data directory, also while its server runs. They need no "
            "password: who can\n"
            "write to the directory is its operator.",
    .max_args = CLI_ARGS_ANY,
    .run = run,
};
