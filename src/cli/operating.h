/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operating: what the commands share that change accounts, robots, quotas and settings in a data
 * directory: their first argument says what is to be done, and each of these verbs has options of
 * its own.
 */
#ifndef HAVEN_CLI_OPERATING_H
#define HAVEN_CLI_OPERATING_H

#include "base/json.h"
#include "cli/command.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "server/operate.h"

/* For the table of options; those of the verbs come before them. */
#define OPERATING_OPTIONS                                                                          \
    {.name = "data",                                                                               \
     .metavar = "DIR",                                                                             \
     .help = "The data directory, if not that of the settings."},                                  \
        SETTINGS_OPTION_CONFIG,                                                                    \
    {                                                                                              \
        .name = "json", .help = "Print the result as a JSON object."                               \
    }

struct operating_verb {
    const char *name;
    const char *args;    /* for the message about a wrong number of them: "NAME" */
    unsigned min, max;   /* how many there may be behind the verb; CLI_ARGS_ANY */
    const char *options; /* those that it takes beside OPERATING_OPTIONS: "email|admin"; NULL */
    /* args[0] is the first one behind the verb. */
    int (*run)(struct cli *c, struct operate *o, const char *const *args, struct err *e);
};

/* Finds the verb, holds arguments and options against it, opens the data directory and runs it. */
int operating_run(struct cli *c, const struct operating_verb *verbs, size_t n, struct err *e);

/* A secret: from standard input with --STDIN_OPTION, else asked for twice at the terminal. What it
 * is called in questions: "Password". */
#define OPERATING_SECRET_MAX 4096
int operating_secret(const struct cli *c, const char *stdin_option, const char *what,
                     struct buf *out, struct err *e);

/* ---- answers ---- */

/* A list that comes in pages, written as it comes. */
struct operating_list {
    const char *name; /* of the list in JSON */
    const struct str *head;
    size_t columns;
    int (*page)(struct operate *o, struct arena *a, const void *ctx, int64_t offset,
                struct db_page *ret, struct err *e);
    const void *ctx;
    size_t size; /* of a row */
    /* One row as cells, or as members of a JSON object that is open in w. */
    int (*cells)(struct operate *o, struct arena *a, const void *row, struct str *ret,
                 struct err *e);
    int (*members)(struct operate *o, struct arena *a, const void *row, struct json_writer *w,
                   struct err *e);
};
int operating_print_list(const struct cli *c, struct operate *o, const struct operating_list *list,
                         struct err *e);

/* One result: begin gives the writer of a JSON object when --json was given, else NULL; what is
 * for people is appended to out. */
struct operating_answer {
    struct buf out;
    struct json_writer w;
    bool json;
};
struct json_writer *operating_begin(const struct cli *c, struct operating_answer *a);
/* Prints it and wipes it: it may hold a secret. */
int operating_end(struct operating_answer *a, struct err *e);

/* A time as it is written everywhere; 0: nothing. */
struct str operating_time(struct arena *a, int64_t ms);

#endif
