/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: what push and pull have in common on the command line: their options, and how far they
 * are, on standard error, in the form that --progress asks for:
 *
 * bar    a picture (frame.h) that is drawn over, at most ten times a second, each time by one
 *        write; finished files scroll away above it
 * plain  a line for each finished file, each retry, and one for the whole every five seconds
 * json   one object on a line for each event:
 *        {"event":"begin","path":…,"size":…}                           a file begins
 *        {"event":"file","path":…,"size":…,"how":"moved|present|copied"} a file is complete
 *        {"event":"progress", TOTALS, "bytes_per_second":…,"seconds_left":…,
 *         "running":[{"path":…,"size":…,"bytes_done":…}]}              every second
 *        {"event":"retry","path":…,"why":…,"attempt":…,"attempts":…,"wait_seconds":…}
 *        {"event":"end", TOTALS}                                       last, whether well or not
 *        TOTALS: "bytes","bytes_done","bytes_transferred","files","files_done","files_present",
 *        "retries". Every event has "elapsed_seconds". More members may come.
 * none   nothing
 */
#ifndef HAVEN_CLI_PROGRESS_H
#define HAVEN_CLI_PROGRESS_H

#include "base/json.h"
#include "cli/command.h"
#include "cli/frame.h"
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
        {.name = "progress",                                                                       \
         .metavar = "HOW",                                                                         \
         .choices = "auto|bar|plain|json|none",                                                    \
         .help =                                                                                   \
             "How to say on standard error how far it is: bar draws over itself, plain writes "    \
             "lines, json a line for each event; auto is bar on a terminal, else plain."},         \
        {.name = "quiet", .letter = 'q', .help = "The same as --progress none."},                  \
    {                                                                                              \
        .name = "json", .help = "Print the result as a JSON object."                               \
    }

/* Signals end the command's requests from here on (signals.h). */
void progress_connection(const struct cli *c, struct transport_options *ret);
/* Reads a reference; an error in it is one of the command line. Errors later on can give advice
 * about its registry. */
int progress_ref(struct cli *c, const char *text, struct remote_ref *ret, struct err *e);
/* Tells which name of OCI is used where something else was written. */
void progress_name(const struct remote_ref *ref);
/* The same for a host alone. */
int progress_host(struct cli *c, const char *text, struct transport_host *ret, struct err *e);
/* --concurrency; USAGE. */
int progress_threads(const struct cli *c, unsigned *ret, struct err *e);

/* SOURCE_DATE_EPOCH in milliseconds, 0 when it is not set; CONFIG. */
int progress_source_date(int64_t *ret_ms, struct err *e);

enum progress_mode { PROGRESS_NONE, PROGRESS_PLAIN, PROGRESS_BAR, PROGRESS_JSON };

struct progress {
    enum progress_mode mode;
    bool utf8, color;
    struct transfer_events events; /* to be given to the transfer */
    int stop;                      /* eventfd that ends the thread, -1: there is none */
    pthread_t thread;              /* the only one that writes */
    size_t shown;                  /* lines of the picture that stands there; the thread's */
    int64_t said_ms;               /* when the whole was last told of; the thread's */
    /* Locks are taken in this order: attached, the transfer's own, lock. */
    struct mutex attached;
    struct transfer *transfer;   /* under attached: the running one, or NULL */
    struct transfer_state state; /* under attached, as is what follows: as last seen */
    struct transfer_slot slots[TRANSFER_SLOTS];
    struct rate rate;
    struct mutex lock;
    struct buf lines; /* under lock: to be written before the next picture */
};
/* From here to progress_end the terminal belongs to it; p must not move. The transfer's events end
 * with a signal too (signals.h). */
void progress_init(struct progress *p, const struct cli *c);
/* Before anything else is printed. */
void progress_end(struct progress *p);

/* The summary on standard output, and what limited the speed: text or, with --json, one object.
 * done: "pushed". */
int progress_summary(const struct cli *c, const char *done, const char *reference,
                     const struct digest *digest, const struct transfer_state *s, struct err *e);
/* The members of that object, for a command that has more to say in it. */
void progress_summary_members(struct json_writer *w, const char *reference,
                              const struct digest *digest, const struct transfer_state *s);

#endif
