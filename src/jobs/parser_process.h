/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_process: the process that reads what strangers sent (jobs/parser.h), from its start to its
 * end, and bytes to and from it that are never waited for without a deadline.
 */
#ifndef HAVEN_JOBS_PARSER_PROCESS_H
#define HAVEN_JOBS_PARSER_PROCESS_H

#include "jobs/parser_frame.h"
#include "model/source.h"

#include <stdatomic.h>

struct parser;

/* command: program and arguments of the process, NULL-ended, copied; NULL: this very program, with
 * its command `parse`. */
struct parser *parser_new(const char *const *command);
/* NULL is welcome. */
void parser_free(struct parser *p);
void parser_autofree(struct parser **p);

/* ---- for parser.c and parser_extract.c ---- */

/* A conversation with one process. Errors: CANCELLED (stop); MODEL_INVALID: it is gone, too slow or
 * does not speak as agreed; UNAVAILABLE: the source took most of the time. */
struct parser_talk {
    struct parser *p;
    const struct model_source *source;
    int64_t deadline, budget_ms;
    const atomic_bool *stop; /* NULL: never */
    bool gone;               /* it has closed its end: how it ended says more */
    bool source_failed;
    struct err source_err;
    int64_t source_ms;
};

/* Starts the process and hears that it is confined; nice: its priority, for setpriority(2).
 * UNAVAILABLE, CANCELLED. *ret_status: how it ended, if it did so by itself, else 0. */
int parser_start(struct parser *p, int nice, const atomic_bool *stop, int *ret_status,
                 struct err *e);
/* Ends it; how it ended. patient: it ends by itself, and how is worth a moment. */
int parser_end(struct parser *p, bool patient);
/* That as an error; returns -1. */
int parser_say_how(int status, struct err *e);
/* By somebody, the kernel for want of memory among them. */
bool parser_was_killed(int status);

int parser_receive(struct parser_talk *t, void *p, size_t n, struct err *e);
int parser_transmit(struct parser_talk *t, const void *p, size_t n, struct err *e);
int parser_receive_head(struct parser_talk *t, struct parser_frame_head *ret, struct err *e);
/* The content of a frame of at most PARSER_FRAME_SMALL bytes; the view points into out. */
int parser_receive_small(struct parser_talk *t, uint32_t n, char out[PARSER_FRAME_SMALL],
                         struct str *ret, struct err *e);
/* The text of a WRONG as the error; returns -1. */
int parser_hear_wrong(struct parser_talk *t, uint32_t n, struct err *e);
/* Answers a wish with bytes of the source. Where they are not here at all (MODEL_INVALID) the
 * process goes on without; any other error of the source is kept in source_err, and the process is
 * given nothing more. */
int parser_answer(struct parser_talk *t, const struct parser_wish *w, struct err *e);

#endif
