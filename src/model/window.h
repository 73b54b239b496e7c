/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: the bytes of a model_reader one after another, for parsers of headers.
 *
 * Each fetch is larger than the one before (64 KiB, 128 KiB, … 4 MiB): a small header costs one
 * small read, a large one few. Bytes that are skipped and not yet here are never fetched; behind a
 * wide jump it begins anew, with less: where descriptions lie between the weights, the next jump is
 * near. The
 * reader is borrowed. One thread at a time.
 */
#ifndef HAVEN_MODEL_WINDOW_H
#define HAVEN_MODEL_WINDOW_H

#include "base/limits.h"
#include "base/mem.h"
#include "model/reader.h"

#define MODEL_WINDOW_FIRST  (64 * KIB)
#define MODEL_WINDOW_MAX    (4 * MIB)
#define MODEL_WINDOW_JUMPED (4 * KIB)

struct model_window {
    const struct model_reader *reader;
    uint64_t end;   /* nothing is fetched from here on (set by model_window_limit) */
    uint64_t at;    /* where the next byte lies in the file */
    size_t fetched; /* bytes of p that are filled, */
    size_t used;    /* … and taken */
    size_t step;    /* of the next fetch */
    size_t cap;
    char *p;
};

void model_window_init(struct model_window *w, const struct model_reader *reader);
void model_window_autodone(struct model_window *w);

/* Everything from byte `end` on is of no interest: what passes it is an error (LIMIT, as long as
 * the file itself goes on). */
void model_window_limit(struct model_window *w, uint64_t end);
/* All bytes up to the limit will be taken: the next fetch is as large as they are, as far as
 * MODEL_WINDOW_MAX goes. */
void model_window_expect(struct model_window *w);
/* MODEL_INVALID when fewer than n bytes are left in the file, LIMIT when fewer are before the
 * limit. what: for the message. The other functions ask this themselves. */
int model_window_need(const struct model_window *w, uint64_t n, const char *what, struct err *e);
/* At least min bytes from where the window stands (all that are here), valid until the next peek.
 */
int model_window_peek(struct model_window *w, size_t min, const char *what, struct str *ret,
                      struct err *e);
/* Goes on by n bytes. */
int model_window_skip(struct model_window *w, uint64_t n, const char *what, struct err *e);
/* All that is here at once, empty at the limit: the window (self) as the source of a jsonr. */
int model_window_more(void *self, struct str *ret, struct err *e);
/* Bytes from where it stands to its end. */
uint64_t model_window_left(const struct model_window *w);

#endif
