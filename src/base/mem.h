/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: allocation that does not fail, and scoped owners.
 *
 * A failed allocation ends the process (sizes that strangers choose have ceilings, and blobs
 * commit by rename, so that a restart loses nothing). AUTO_FREE, AUTOFD: what a scope owns is
 * released when the scope is left; TAKE moves it out.
 */
#ifndef HAVEN_BASE_MEM_H
#define HAVEN_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_zalloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_realloc(void *p, size_t n) __attribute__((alloc_size(2), returns_nonnull));
/* n elements of size bytes; an overflow of the product ends the process. */
void *mem_array(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
void mem_free(void *p);

#define NEW(T)          ((T *)mem_zalloc(sizeof(T)))
#define NEW_ARRAY(n, T) ((T *)mem_array((n), sizeof(T)))

void mem_autofree(void *pp); /* for AUTO_FREE only */
/* For AUTOFD, and for descriptors in structs: closes it, if there is one, and makes it -1. */
void mem_autoclose(int *fd);

#define AUTO_FREE __attribute__((cleanup(mem_autofree)))
#define AUTOFD    __attribute__((cleanup(mem_autoclose))) int
#define AUTO(T)   __attribute__((cleanup(T##_autodone))) struct T

#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })
#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int take_ = (fd);                                                                          \
        (fd) = -1;                                                                                 \
        take_;                                                                                     \
    })

#define ARRAY_LEN(a)               (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, T, member) ((T *)(void *)((char *)(p)-offsetof(T, member)))
#define MIN_OF(a, b)               ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)               ((a) > (b) ? (a) : (b))

#endif
