/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's door: finds the command, runs it, prints its error and chooses the exit status.
 * It is the only file that knows all commands and the only one that ends the process.
 */
#include "base/json.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/signals.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define X(name) extern const struct command cmd_##name;
#include "cli/commands.def"
#undef X

static const struct command *const commands[] = {
#define X(name) &cmd_##name,
#include "cli/commands.def"
#undef X
};

/* `--json` anywhere before `--` asks for machine-readable errors too, also when the line itself is
 * wrong. */
static bool wants_json(char **argv)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--json") == 0)
            return true;
    return false;
}

static int report(const struct cli *c, bool json, const struct err *err)
{
    const char *symbol = err_info(err->code)->symbol;
    enum exit_status status = exit_status_of(err);
    AUTO(buf) out = {0};
    AUTO(buf) hint = {0};

    buf_init(&out, CLI_TEXT_MAX);
    buf_init(&hint, CLI_TEXT_MAX);
    if (signals_caught() == SIGTERM)
        status = STATUS_TERMINATED;
    exit_hint(err, c->host, &hint);
    if (c->resumes && signals_caught())
        buf_addz(&hint, "run the same command again: it goes on where it stopped");
    if (json) {
        struct json_writer w;
        jsonw_init(&w, &out);
        jsonw_object(&w);
        jsonw_key(&w, "error");
        jsonw_object(&w);
        jsonw_kstrz(&w, "code", symbol);
        jsonw_kstrz(&w, "message", err->msg);
        jsonw_kstrz(&w, "hint", hint.n ? hint.p : NULL);
        jsonw_ki64(&w, "exit_status", status);
        jsonw_object_done(&w);
        jsonw_object_done(&w);
    } else {
        const char *name = c->command ? c->command->name : NULL;
        buf_addf(&out, "haven: %s%s%s [%s]", name ? name : "", name ? ": " : "", err->msg, symbol);
        if (hint.n)
            buf_addf(&out, "\nhint: %s", hint.p);
    }
    fprintf(stderr, "%s\n", out.p);
    return status;
}

static int overview(struct cli *c, struct err *e)
{
    AUTO(buf) out = {0};
    buf_init(&out, CLI_TEXT_MAX);
    cli_write_overview(c, &out);
    return cli_print(buf_str(&out), e);
}

/* `haven --version` and `haven --help` are the commands of these names. */
static const char *command_name(const char *word)
{
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return "version";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return "help";
    return word;
}

static bool group_has(struct cli *c, const char *group, const char *word)
{
    const char *name = arena_printf(&c->arena, "%.40s-%.40s", group, word);
    for (size_t i = 0; i < c->n_commands; i++)
        if (strcmp(c->commands[i]->name, name) == 0)
            return true;
    return false;
}

static int run(struct cli *c, size_t argc, char **argv, struct err *e)
{
    if (argc < 2) {
        if (overview(c, e) < 0)
            return -1;
        return ERR(e, USAGE, "a command is missing");
    }
    const char *name = command_name(argv[1]);
    if (name[0] == '-')
        return ERR(e, USAGE, "unknown option %s; a command comes first", name);
    /* The commands of a group are typed with a blank: "admin collect" is admin-collect. */
    if (argc > 2 && argv[2][0] != '-' && group_has(c, name, argv[2])) {
        name = arena_printf(&c->arena, "%s-%s", name, argv[2]);
        argv++;
        argc--;
    }
    const struct command *command = cli_find(c, name, e);
    if (!command || cli_parse(c, command, argv + 2, argc - 2, e) < 0)
        return -1;
    if (c->help) {
        AUTO(buf) out = {0};
        buf_init(&out, CLI_TEXT_MAX);
        cli_write_help(command, &out);
        return cli_print(buf_str(&out), e);
    }
    return command->run(c, e);
}

int main(int argc, char **argv)
{
    struct cli c = {.commands = commands, .n_commands = ARRAY_LEN(commands), .envp = environ};
    struct err err;

    /* A reader that goes away is an error of write(), not a death. */
    (void)signal(SIGPIPE, SIG_IGN);
    arena_init(&c.arena, CLI_TEXT_MAX);
    int status = 0;
    if (run(&c, argc > 0 ? (size_t)argc : 0, argv, &err) < 0) {
        /* Whatever an interrupt made fail first, it was the interrupt. */
        if (signals_caught())
            (void)ERR(&err, CANCELLED, "interrupted");
        status = report(&c, argc > 0 && wants_json(argv), &err);
    }
    arena_done(&c.arena);
    return status;
}
