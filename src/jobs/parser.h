/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser: reads what is in an artifact in a process of its own, which can do nothing but compute
 * and ask this one for bytes (base/confine.h).
 *
 * The process is started at the first use and taken for LIMIT_PARSER_LOOKS artifacts; it is ended,
 * and another one started for the next artifact, when it takes too long, dies, or does not speak as
 * agreed. What it says is taken as a stranger's: ranges only of blobs that the manifest names,
 * documents only about those, every length has a ceiling.
 *
 * One thread at a time; and since the process ends with the thread that started it, that thread
 * must live as long as the parser is used.
 */
#ifndef HAVEN_JOBS_PARSER_H
#define HAVEN_JOBS_PARSER_H

#include "base/arena.h"
#include "base/digest.h"
#include "model/source.h"

#include <stdatomic.h>
#include <stdint.h>

struct parser;

/* What was found: kind ("facts", "weights") says what it is. */
struct parser_document {
    struct str kind;    /* [a-z0-9-], at most LIMIT_PARSER_KIND */
    bool has_blob;      /* it is about one file; else about the artifact, and blob is not set */
    struct digest blob; /* one that the manifest names with its size */
    uint64_t at;        /* where the file lies in it, as the reader says */
    struct str bytes;   /* as the reader says; NUL-ended behind its n bytes */
};

struct parser_result {
    struct parser_document *documents; /* in the order in which they were found */
    size_t n;
};

/* command: program and arguments of the process, NULL-ended, copied; NULL: `parse-models` of this
 * very program. Nothing is started yet. */
struct parser *parser_new(const char *const *command);
/* Ends the process; NULL is welcome. */
void parser_free(struct parser *p);
void parser_autofree(struct parser **p);

/* manifest: as stored, with its media type. source: gives ranges, on this thread, of the blobs that
 * the manifest names. budget_ms: for all of it (at most LIMIT_PARSER_BUDGET_MS), the source's time
 * included; it begins anew if the process dies for no fault of the artifact and another one takes
 * over, which happens once. stop: gives up early; NULL: never. The result lies in the arena, as do
 * parts of it when it fails.
 *
 * MODEL_INVALID is about the artifact and comes again: the reader does not understand it, died of
 * it, or took too long or too much memory. All others may be different later: CANCELLED (stop),
 * UNAVAILABLE (no process can be started or confined, or the source took most of the time), and
 * what the source said. */
int parser_look(struct parser *p, struct arena *a, struct str manifest, struct str media_type,
                const struct model_source *source, int64_t budget_ms, const atomic_bool *stop,
                struct parser_result *ret, struct err *e);

#endif
