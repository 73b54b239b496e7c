/* SPDX-License-Identifier: Apache-2.0 */
/* source: where the bytes of the blobs of an artifact come from: a registry, a directory, a store.
 */
#ifndef HAVEN_MODEL_SOURCE_H
#define HAVEN_MODEL_SOURCE_H

#include "base/digest.h"
#include "base/err.h"

struct model_source {
    /* Streams n bytes of a blob from `at` (at + n <= size) to take. Not verified. */
    int (*get)(void *self, const struct digest *digest, uint64_t size, uint64_t at, uint64_t n,
               int (*take)(void *to, const void *p, size_t n, struct err *e), void *to,
               struct err *e);
    void *self;
};

#endif
