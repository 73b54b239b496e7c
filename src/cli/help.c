/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/exit.h"

static int run(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    buf_init(&out, CLI_TEXT_MAX);
    if (c->n_args == 0) {
        cli_write_overview(c, &out);
    } else if (strcmp(c->args[0], CLI_TOPIC_EXIT) == 0) {
        buf_addz(&out, "The exit status of every command:\n\n");
        exit_write_text(&out);
        buf_addz(&out, "\n`haven errors` says which error gives which.\n");
    } else {
        const struct command *command = cli_find(c, c->args[0], e);
        if (!command)
            return -1;
        cli_write_help(command, &out);
    }
    return cli_print(buf_str(&out), e);
}

const struct command cmd_help = {
    .name = "help",
    .summary = "Say how a command is used",
    .synopsis = "[COMMAND | exit-codes]",
    .help = "Without COMMAND, lists all commands. `haven COMMAND --help` shows the same text as\n"
            "`haven help COMMAND`; `haven help exit-codes` is about the exit status of all.",
    .max_args = 1,
    .run = run,
};
