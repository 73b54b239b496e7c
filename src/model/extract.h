/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract: pieces of what a compressed blob unpacks to, such as files of the tar in it.
 *
 * The blob is read from its beginning to the end of the last piece, once, in growing steps. Where
 * its files lie was found out when all of it was read (look_stream.h): here nothing but the stream
 * is understood. One thread at a time.
 */
#ifndef HAVEN_MODEL_EXTRACT_H
#define HAVEN_MODEL_EXTRACT_H

#include "model/inflate.h"
#include "model/source.h"

#include <stdbool.h>

struct extract_part {
    uint64_t at, size; /* bytes of the unpacked blob; size > 0, at + size <= LIMIT_LOOK_UNPACKED */
};

/* Each behind the one before, and all as they have to be. */
bool extract_parts_good(const struct extract_part *parts, size_t n);

/* give gets the bytes of all n parts (at least one) in order. Errors: the source's, give's, and
 * MODEL_INVALID: malformed, cut off, over a limit. */
int extract_parts(const struct model_source *source, const struct digest *blob, uint64_t size,
                  enum inflate_kind kind, const struct extract_part *parts, size_t n,
                  int (*give)(void *self, const void *p, size_t n, struct err *e), void *self,
                  struct err *e);

#endif
