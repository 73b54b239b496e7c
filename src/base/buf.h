/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: a growable byte buffer with a ceiling and a sticky error.
 *
 * Invariants: p[n] is always NUL (p is never NULL after buf_init); n never passes the ceiling
 * given at init. An append past the ceiling sets `over` and appends nothing, and so does every
 * later append: append freely, ask buf_ok() once. Owner: whoever called buf_init; AUTO(buf) frees.
 */
#ifndef HAVEN_BASE_BUF_H
#define HAVEN_BASE_BUF_H

#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool over;
};

void buf_init(struct buf *b, size_t max); /* max: ceiling in bytes, NUL not counted */
void buf_done(struct buf *b);             /* NULL and zeroed buffers are welcome */
void buf_autodone(struct buf *b);
void buf_reset(struct buf *b); /* empty again, memory kept, error forgotten */
bool buf_ok(const struct buf *b);
struct str buf_str(const struct buf *b); /* borrowed until the next change */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *z);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Shortens it to its first n bytes (n <= b->n); the error stays. */
void buf_cut(struct buf *b, size_t n);
/* Percent-encodes every byte that is not unreserved (RFC 3986 2.3) nor in keep. */
void buf_add_url(struct buf *b, struct str s, const char *keep);
/* The memory, NUL-ended; the caller frees it with mem_free. The buffer is empty afterwards. */
char *buf_take(struct buf *b);

#endif
