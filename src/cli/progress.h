/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: what push and pull have in common on the command line: their options, lines that say
 * how far it is on standard error, and the summary on standard output.
 */
#ifndef HAVEN_CLI_PROGRESS_H
#define HAVEN_CLI_PROGRESS_H

#include "cli/command.h"
#include "client/transfer.h"
#include "client/transport.h"

/* Rows of the options table that every command that talks to a registry has. */
#define PROGRESS_OPTIONS_CONNECTION                                                                \
    {.name = "plain-http",                                                                         \
     .help = "Speak HTTP without TLS. (This machine is spoken to so anyway.)"},                    \
        {.name = "insecure", .help = "Do not check the registry's certificate."},                  \
    {                                                                                              \
        .name = "ca-file", .metavar = "FILE",                                                      \
        .help = "Trust the authorities in this PEM file instead of the system's."                  \
    }
/* … and those of a transfer. */
#define PROGRESS_OPTIONS_TRANSFER                                                                  \
    {.name = "concurrency",                                                                        \
     .letter = 'j',                                                                                \
     .metavar = "N",                                                                               \
     .help = "Transfer this many files at a time (1 to 32, default 4)."},                          \
        {.name = "quiet", .letter = 'q', .help = "Do not say how far it is."},                     \
    {                                                                                              \
        .name = "json", .help = "Print the result as a JSON object."                               \
    }

/* Signals end the command's requests from here on (signals.h). */
void progress_connection(const struct cli *c, struct transport_options *ret);
/* Reads a reference; an error in it is one of the command line. Errors later on can give advice
 * about its registry. */
int progress_ref(struct cli *c, const char *text, struct remote_ref *ret, struct err *e);
/* The same for a host alone. */
int progress_host(struct cli *c, const char *text, struct transport_host *ret, struct err *e);
/* --concurrency; USAGE. */
int progress_threads(const struct cli *c, unsigned *ret, struct err *e);

/* SOURCE_DATE_EPOCH in milliseconds, 0 when it is not set; CONFIG. */
int progress_source_date(int64_t *ret_ms, struct err *e);

struct progress {
    bool terminal;   /* one line that is written over; else a line for each file and now and then */
    bool shown;      /* such a line stands there */
    int64_t said_ms; /* when the last line was written, since the start */
    struct transfer_events events;
};
/* events is to be given to the transfer; its members are NULL with --quiet. */
void progress_init(struct progress *p, const struct cli *c);
/* Before anything else is printed. */
void progress_end(struct progress *p);

/* The summary: text or, with --json, one object. done: "pushed". */
int progress_summary(const struct cli *c, const char *done, const char *reference,
                     const struct digest *digest, const struct transfer_state *s, struct err *e);

#endif
