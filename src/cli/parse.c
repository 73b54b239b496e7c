/* SPDX-License-Identifier: Apache-2.0 */
/* The process in which a server reads models of strangers (jobs/parser.h); nobody types this. */
#include "cli/command.h"
#include "jobs/index_look.h"

#include <sys/stat.h>

enum { SOCKET = 3 };

static int run(struct cli *c, struct err *e)
{
    struct stat st;
    (void)c;
    if (fstat(SOCKET, &st) != 0 || !S_ISSOCK(st.st_mode))
        return ERR(e, USAGE, "this is a part of `haven serve`, which alone can start it");
    if (parser_child_run(SOCKET, index_look) != 0)
        return ERR(e, UNAVAILABLE, "the server was told why this cannot be done");
    return 0;
}

const struct command cmd_parse = {
    .name = "parse",
    .summary = "Read models for a server, with no rights at all",
    .synopsis = "",
    .help = "A running server starts this by itself, with a socket as descriptor 3.",
    .hidden = true,
    .run = run,
};
