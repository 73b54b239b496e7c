/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: errors by value.
 *
 * A function that can fail takes `struct err *e` as its last parameter, returns 0 or -1 (or a
 * pointer or NULL; look-ups 1 found, 0 not found, -1 error) and fills *e only when it fails.
 * An error lives on the caller's stack: nothing is allocated, nothing can leak, and an error that
 * is deliberately ignored costs nothing. Whoever handles an error logs it once; nobody else does.
 */
#ifndef HAVEN_BASE_ERR_H
#define HAVEN_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum err_code {
    ERR_OK = 0,
#define X(sym, wire, status, text) ERR_##sym,
#include "base/err.def"
#undef X
    ERR_CODE_COUNT
};

#define ERR_MSG_MAX 512

struct err {
    enum err_code code;
    int sys;          /* errno at the time, 0 if it has no part in it */
    const char *file; /* where it was made */
    int line;
    char msg[ERR_MSG_MAX];
};

/* One row of err.def. */
struct err_info {
    const char *symbol; /* "BLOB_UPLOAD_RANGE" */
    const char *wire;   /* "BLOB_UPLOAD_INVALID" */
    int status;         /* HTTP status */
    const char *text;   /* what it means */
};

/* The row of a code; never NULL (an unknown code reads as INTERNAL). */
const struct err_info *err_info(enum err_code code);

/* Fills *e and returns -1. e may be NULL, then nothing is recorded. */
int err_set(struct err *e, enum err_code code, int sys, const char *file, int line, const char *fmt,
            ...) __attribute__((format(printf, 6, 7)));

/* Puts "text: " before the message of an error that is set; returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* `return ERR(e, NAME_UNKNOWN, "no repository %.*s", S(name));` */
#define ERR(e, sym, ...) err_set((e), ERR_##sym, 0, __FILE__, __LINE__, __VA_ARGS__)
/* The same with errno; the message gets ": strerror(errno)" appended, and ENOSPC/EDQUOT turn an
 * IO error into NO_SPACE. */
#define ERR_SYS(e, ...) err_set((e), ERR_IO, errno, __FILE__, __LINE__, __VA_ARGS__)

/* Clang's analyzer sees one file at a time: it has to be told that these always return -1. */
#ifdef __clang_analyzer__
#undef ERR
#define ERR(e, sym, ...) (err_set((e), ERR_##sym, 0, __FILE__, __LINE__, __VA_ARGS__), -1)
#undef ERR_SYS
#define ERR_SYS(e, ...) (err_set((e), ERR_IO, errno, __FILE__, __LINE__, __VA_ARGS__), -1)
#define err_wrap(...)   (err_wrap(__VA_ARGS__), -1)
#endif

/* A programmer's error: prints where and stops the process, in release builds too. */
_Noreturn void err_bug(const char *file, int line, const char *what);
#define BUG_ON(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0))                                                         \
            err_bug(__FILE__, __LINE__, #cond);                                                    \
    } while (0)

#endif
