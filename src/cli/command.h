/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: what a command of `haven` is, and how it reads its command line.
 *
 * A command is one file that ends in `const struct command cmd_NAME = {…}` and one row in
 * commands.def. Dispatch, help, the manual page and shell completion are made from that struct.
 * A command returns 0, or -1 with an error: only main prints it and chooses the exit status
 * (exit.def). No command calls exit.
 *
 *     static const struct cli_option options[] = {
 *         {.name = "username", .letter = 'u', .metavar = "USER", .help = "Name to log in with."},
 *         {.name = "json", .help = "Print the result as JSON."},
 *     };
 *     static int run(struct cli *c, struct err *e)
 *     {
 *         const char *user = cli_value(c, "username");   // NULL: not given
 *         bool json = cli_has(c, "json");
 *         … c->args[0] …
 *     }
 *     const struct command cmd_login = {
 *         .name = "login", .summary = "…", .synopsis = "[-u USER] HOST", .help = "…",
 *         .options = options, .n_options = ARRAY_LEN(options), .min_args = 1, .max_args = 1, .run =
 * run,
 *     };
 */
#ifndef HAVEN_CLI_COMMAND_H
#define HAVEN_CLI_COMMAND_H

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "base/mem.h"

#include <limits.h>

/* Arguments of one command line; the kernel's own limit is far higher. */
#define CLI_ARGS_MAX 4096
#define CLI_ARGS_ANY UINT_MAX

struct cli_option {
    const char *name;    /* long name without dashes */
    char letter;         /* short form, 0: none */
    bool repeat;         /* may be given several times (else the last one counts) */
    const char *metavar; /* the value's name in help ("FILE"); NULL: the option takes no value */
    const char *choices; /* "auto|bar": the only values there are; NULL: any */
    const char *help;    /* one sentence */
    /* The value is KEY=VALUE: the i-th key and what it is, NULL behind the last; for completion and
     * help. NULL: it is none. */
    const char *(*key)(size_t i, const char **ret_help);
};

struct cli;

struct command {
    const char *name;     /* "push"; of a group of commands "admin-collect", typed with a blank */
    const char *summary;  /* one line, no full stop */
    const char *synopsis; /* what stands behind "haven NAME " */
    const char *help;     /* paragraphs separated by empty lines; lines that begin with a blank are
                             shown as they are */
    const struct cli_option *options;
    size_t n_options;
    unsigned min_args, max_args; /* positional arguments; CLI_ARGS_ANY: no upper bound */
    const char *words; /* what the first argument can be, if only these: "bash|zsh|fish" */
    bool config;       /* takes every flag of config.def too */
    bool hidden;       /* works, but is not listed */
    int (*run)(struct cli *c, struct err *e);
};

/* One option as it was given. */
struct cli_given {
    const struct cli_option *option; /* NULL: a flag of the configuration */
    size_t row;                      /* then its row */
    const char *value;               /* NULL: option without value */
};

/* One command line. Everything lies in the arena. */
struct cli {
    const struct command *const *commands; /* all of them, in the order of commands.def */
    size_t n_commands;
    const struct command *command; /* the one that runs */
    const char **args;             /* positional arguments */
    size_t n_args;
    struct cli_given *given;
    size_t n_given;
    bool help;        /* --help was given */
    const char *host; /* the registry that the command speaks to, for advice; NULL: none */
    bool resumes;     /* run again after an interrupt it goes on where it stopped */
    char *const *envp;
    struct arena arena;
};

/* The name as it is typed: "admin collect" for the command admin-collect. In the arena. */
const char *cli_spoken(struct arena *a, const struct command *command);
/* The command of this name, or NULL with USAGE and, where one is near, what was probably meant. */
const struct command *cli_find(const struct cli *c, const char *name, struct err *e);
/* Reads what stands behind the command's name. USAGE errors name the option. */
int cli_parse(struct cli *c, const struct command *command, char **argv, size_t argc,
              struct err *e);

/* Was the option given? (BUG if the command has none of this name, in all three.) */
bool cli_has(const struct cli *c, const char *name);
/* Its value (the last one given), or NULL. */
const char *cli_value(const struct cli *c, const char *name);
/* All its values in order: *at starts with 0. False when there are no more. */
bool cli_next(const struct cli *c, const char *name, size_t *at, const char **ret_value);

/* Puts the given configuration flags into cfg (source: flag). CONFIG. */
int cli_config_flags(const struct cli *c, struct config *cfg, struct err *e);

/* Everything that may stand behind a command as an option: its own, --help, the flags of the
 * configuration. For help, manual page and completion. */
#define CLI_FLAG_NAME_MAX 128
struct cli_flag {
    char name[CLI_FLAG_NAME_MAX]; /* without dashes */
    char letter;
    const char *metavar; /* NULL: no value */
    const char *choices; /* "text|json", or NULL */
    const char *help;
    const char *(*key)(size_t i, const char **ret_help);
    bool setting; /* from config.def */
};
/* The i-th; false behind the last. */
bool cli_flag(const struct command *command, size_t i, struct cli_flag *ret);

/* Standard output. A full disk is an error; a reader that has seen enough (a closed pipe) is not.
 */
int cli_print(struct str text, struct err *e);
int cli_printf(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Texts of at most this many bytes are made for help and manual. */
#define CLI_TEXT_MAX (1u << 20)
/* What `haven help` can say that is no command. */
#define CLI_TOPIC_EXIT "exit-codes"
/* The text of `haven help COMMAND`, and of `haven help`. */
void cli_write_help(const struct command *command, struct buf *out);
void cli_write_overview(const struct cli *c, struct buf *out);

#endif
