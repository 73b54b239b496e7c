/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory for one request, one job or one command, freed at once.
 *
 * Each arena has a ceiling. Small things come from arena_alloc and never fail: the ceiling is
 * checked by arena_try, which sizes that a stranger chooses must use, and by arena_over.
 * arena_defer registers what else must be released (descriptors, handles); the functions run in
 * reverse order when the arena is reset or done. One thread at a time.
 */
#ifndef HAVEN_BASE_ARENA_H
#define HAVEN_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct arena_block;
struct arena_cleanup;

struct arena {
    struct arena_block *blocks;
    struct arena_cleanup *cleanups;
    size_t used; /* bytes handed out since the last reset */
    size_t max;  /* the ceiling */
};

void arena_init(struct arena *a, size_t max);
void arena_done(
    struct arena *a); /* runs the deferred functions, frees everything; may be repeated */
void arena_autodone(struct arena *a);
void arena_reset(struct arena *a); /* as done, but ready for use again */

/* Zeroed memory, aligned for any type, valid until reset. Ends the process at the ceiling: only for
 * sizes that the program chooses. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull));
/* The same for sizes from outside: NULL with LIMIT when the ceiling would be passed. */
void *arena_try(struct arena *a, size_t n, struct err *e);
#define ARENA_NEW(a, T)      ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, n, T) ((T *)arena_array((a), (n), sizeof(T)))
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((returns_nonnull));

struct str arena_str(struct arena *a, struct str s); /* a copy, NUL-ended behind its n bytes */
char *arena_strz(struct arena *a, struct str s);     /* a NUL-ended copy */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* fn(p) runs when the arena is reset or done. */
void arena_defer(struct arena *a, void (*fn)(void *p), void *p);
void arena_defer_close(struct arena *a, int fd);

#endif
