/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/err.h"

#include <stdio.h>

static char buf_nothing[1];

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.p = buf_nothing, .max = max};
}

void buf_done(struct buf *b)
{
    if (!b)
        return;
    if (b->cap)
        mem_free(b->p);
    *b = (struct buf){.p = buf_nothing, .max = b->max};
}

void buf_autodone(struct buf *b)
{
    buf_done(b);
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->over = false;
    if (b->cap)
        b->p[0] = '\0';
}

bool buf_ok(const struct buf *b)
{
    return !b->over;
}

struct str buf_str(const struct buf *b)
{
    return str_of(b->p, b->n);
}

/* Room for `more` bytes and the NUL; false when the ceiling forbids it. */
static bool buf_room(struct buf *b, size_t more)
{
    if (b->over || more > b->max - b->n) {
        b->over = true;
        return false;
    }
    size_t need = b->n + more + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->p = mem_realloc(b->cap ? b->p : NULL, cap);
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (!buf_room(b, n))
        return;
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_adds(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_addz(struct buf *b, const char *z)
{
    buf_add(b, z, strlen(z));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    if (n >= 0 && (size_t)n < sizeof(small)) {
        buf_add(b, small, (size_t)n);
    } else if (n >= 0 && buf_room(b, (size_t)n)) {
        (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    } else if (n < 0) {
        b->over = true; /* longer than any buffer */
    }
    va_end(again);
}

void buf_cut(struct buf *b, size_t n)
{
    BUG_ON(n > b->n);
    if (n < b->n) { /* not written to otherwise: the empty text is shared */
        b->n = n;
        b->p[n] = '\0';
    }
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

void buf_add_url(struct buf *b, struct str s, const char *keep)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~", c)) || (c && keep && strchr(keep, c));
        if (plain) {
            buf_addc(b, (char)c);
        } else {
            char esc[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_add(b, esc, sizeof(esc));
        }
    }
}

char *buf_take(struct buf *b)
{
    char *p = b->cap ? b->p : mem_strdup("");
    *b = (struct buf){.p = buf_nothing, .max = b->max};
    return p;
}
