/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser: reads what is in an artifact in a process of its own, which can do nothing but compute
 * and ask this one for bytes (base/confine.h).
 *
 * Each artifact has a process of its own: one that takes its process over learns nothing of others
 * and says nothing about them. What it says is taken as a stranger's: ranges only of blobs that the
 * manifest names, documents only about those, every length has a ceiling; it is ended when it takes
 * too long or does not speak as agreed.
 *
 * One thread at a time; the process ends with the thread that started it.
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

/* command: program and arguments of the process, NULL-ended, copied; NULL: this very program, with
 * its command `parse`. */
struct parser *parser_new(const char *const *command);
/* NULL is welcome. */
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
 * what the source said; where that is MODEL_INVALID (it does not have the blob), the reader goes on
 * without. */
int parser_look(struct parser *p, struct arena *a, struct str manifest, struct str media_type,
                const struct model_source *source, int64_t budget_ms, const atomic_bool *stop,
                struct parser_result *ret, struct err *e);

#endif
