/* SPDX-License-Identifier: Apache-2.0 */
/* backing_up: what backup and restore have in common on the command line. */
#ifndef HAVEN_CLI_BACKING_UP_H
#define HAVEN_CLI_BACKING_UP_H

#include "cli/command.h"
#include "registry/backup.h"

#define BACKING_UP_OPTIONS                                                                         \
    {.name = "verify",                                                                             \
     .help =                                                                                       \
         "Hash files, too, that are in place already, and copy them again if they are wrong."},    \
        {.name = "quiet", .letter = 'q', .help = "Do not say how far it is."},                     \
    {                                                                                              \
        .name = "json", .help = "Print the result as a JSON object."                               \
    }

struct backing_up {
    bool shows;
    int64_t shown_ms;
};

/* Opens TARGET (and makes it, if asked) and fills the options; signals stop it from here on. shown
 * outlives the options. */
int backing_up_begin(const struct cli *c, const char *target, bool make, struct backing_up *shown,
                     struct backup_options *ret, struct err *e);
/* Prints the result of a run that gave rc (with *e); CORRUPT when it has problems. */
int backing_up_end(const struct cli *c, const struct backup_options *o,
                   const struct backup_result *r, int rc, struct err *e);
void backing_up_done(struct backup_options *o);

#endif
