/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate: gzip (RFC 1952, several members in a row) and zstd (RFC 8878, several frames) unpacked
 * as they come by, under limits: what unpacks to more than LIMIT_UNPACK_SMALL and to more than
 * LIMIT_UNPACK_RATIO times its own size is refused, and zstd windows end at LIMIT_ZSTD_WINDOW.
 * One thread at a time. MODEL_INVALID: malformed, cut off, over a limit.
 */
#ifndef HAVEN_MODEL_INFLATE_H
#define HAVEN_MODEL_INFLATE_H

#include "base/err.h"

#include <stdint.h>

enum inflate_kind { INFLATE_GZIP, INFLATE_ZSTD };

struct inflate;

/* take gets what comes out. */
struct inflate *inflate_new(enum inflate_kind kind,
                            int (*take)(void *self, const void *p, size_t n, struct err *e),
                            void *self);
void inflate_autofree(struct inflate **p);
#define AUTO_INFLATE __attribute__((cleanup(inflate_autofree))) struct inflate *

int inflate_put(struct inflate *f, const void *p, size_t n, struct err *e);
/* Nothing follows. */
int inflate_end(const struct inflate *f, struct err *e);

#endif
