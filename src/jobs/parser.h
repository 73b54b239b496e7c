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
#include "jobs/parser_process.h"
#include "model/source.h"

#include <stdatomic.h>
#include <stdint.h>

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

/* Bytes of a part of what is extracted: those of one after the other, each from its beginning. -1
 * ends all of it. */
typedef int parser_take_fn(void *self, size_t part, const void *p, size_t n, struct err *e);

/* Parts of what a compressed blob unpacks to, from a process of their own as well, which is given
 * the blob from its beginning on and nothing else. take gets exactly the bytes of each part,
 * however many the process sends; whether they are right only a digest can tell, and whoever has
 * one has to look. When it fails the last parts may be missing, or the end of one.
 *
 * 1: the process was killed by somebody, *e says so: it is worth another try. -1: MODEL_INVALID
 * (what is said of parser_look), CANCELLED, UNAVAILABLE, what the source or take said. */
int parser_extract(struct parser *p, const struct parser_extraction *x,
                   const struct model_source *source, int64_t budget_ms, const atomic_bool *stop,
                   parser_take_fn *take, void *self, struct err *e);

#endif
