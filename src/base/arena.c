/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARENA_ALIGN = 16, ARENA_BLOCK = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t used, cap;
    _Alignas(ARENA_ALIGN) char data[];
};

struct arena_cleanup {
    struct arena_cleanup *next;
    void (*fn)(void *p);
    void *p;
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_done(struct arena *a)
{
    /* A deferred function may itself defer or allocate: take one at a time from the live list. */
    while (a->cleanups) {
        struct arena_cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->p);
    }
    while (a->blocks) {
        struct arena_block *b = a->blocks;
        a->blocks = b->next;
        mem_free(b);
    }
    a->used = 0;
}

void arena_autodone(struct arena *a)
{
    arena_done(a);
}

void arena_reset(struct arena *a)
{
    arena_done(a);
}

void *arena_try(struct arena *a, size_t n, struct err *e)
{
    size_t room = a->max - a->used;
    if (n > SIZE_MAX - ARENA_ALIGN || (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN > room) {
        (void)ERR(e, LIMIT, "%zu bytes more would pass the memory ceiling of %zu", n, a->max);
        return NULL;
    }
    n = (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct arena_block *b = a->blocks;
    if (!b || b->cap - b->used < n) {
        size_t cap = n > ARENA_BLOCK ? n : ARENA_BLOCK;
        struct arena_block *fresh = mem_alloc(sizeof(*fresh) + cap);
        fresh->used = 0;
        fresh->cap = cap;
        if (b && n > ARENA_BLOCK) { /* a large one goes behind, the current block stays in use */
            fresh->next = b->next;
            b->next = fresh;
        } else {
            fresh->next = b;
            a->blocks = fresh;
        }
        b = fresh;
    }
    void *p = b->data + b->used;
    b->used += n;
    a->used += n;
    memset(p, 0, n);
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *p = arena_try(a, n, NULL);
    if (!p) {
        (void)fprintf(stderr, "haven: an arena of %zu bytes is too small\n", a->max);
        abort();
    }
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        bytes = SIZE_MAX;
    return arena_alloc(a, bytes);
}

char *arena_strz(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    return str_of(arena_strz(a, s), s.n);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = arena_alloc(a, n < 0 ? 1 : (size_t)n + 1);
    if (n > 0)
        (void)vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void arena_defer(struct arena *a, void (*fn)(void *p), void *p)
{
    struct arena_cleanup *c = ARENA_NEW(a, struct arena_cleanup);
    c->fn = fn;
    c->p = p;
    c->next = a->cleanups;
    a->cleanups = c;
}

static void close_fd(void *p)
{
    (void)close((int)(intptr_t)p);
}

void arena_defer_close(struct arena *a, int fd)
{
    arena_defer(a, close_fd, (void *)(intptr_t)fd);
}
