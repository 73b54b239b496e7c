/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: where a parser of model files gets its bytes: an open file, memory, or ranges of a blob
 * on another machine. The parsers ask for little and in growing order, so that each of these is
 * cheap.
 */
#ifndef HAVEN_MODEL_READER_H
#define HAVEN_MODEL_READER_H

#include "base/err.h"
#include "base/str.h"

struct model_reader {
    uint64_t size; /* bytes in all */
    /* Exactly n bytes from `at`; only called with at + n <= size. */
    int (*read)(void *self, uint64_t at, void *p, size_t n, struct err *e);
    void *self;
};

/* n bytes at `at`; MODEL_INVALID ("ends at …") when they lie behind the end. what: for the message.
 */
int model_read(const struct model_reader *r, uint64_t at, void *p, size_t n, const char *what,
               struct err *e);

/* Over memory and over an open file (both borrowed). */
struct model_reader model_reader_memory(const struct str *bytes);
struct model_reader model_reader_file(const int *fd, uint64_t size);

#endif
