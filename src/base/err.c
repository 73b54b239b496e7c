/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct err_info err_rows[] = {
    [ERR_OK] = {"OK", "OK", 200, "no error"},
#define X(sym, wire_, status_, text_)                                                              \
    [ERR_##sym] = {.symbol = #sym, .wire = wire_, .status = status_, .text = text_},
#include "base/err.def"
#undef X
};

const struct err_info *err_info(enum err_code code)
{
    if ((unsigned)code >= ERR_CODE_COUNT)
        return &err_rows[ERR_INTERNAL];
    return &err_rows[code];
}

int err_set(struct err *e, enum err_code code, int sys, const char *file, int line, const char *fmt,
            ...)
{
    if (!e)
        return -1;
    char msg[ERR_MSG_MAX]; /* the arguments may point into e->msg */
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    if (sys != 0 && n >= 0 && (size_t)n < sizeof(msg)) {
        char why[128];
        const char *text = strerror_r(sys, why, sizeof(why));
        (void)snprintf(msg + n, sizeof(msg) - (size_t)n, ": %s", text);
    }
    memcpy(e->msg, msg, sizeof(msg));
    if (code == ERR_IO && (sys == ENOSPC || sys == EDQUOT))
        code = ERR_NO_SPACE;
    e->code = code;
    e->sys = sys;
    e->file = file;
    e->line = line;
    return -1;
}

#undef err_wrap /* see err.h: the analyzer */
int err_wrap(struct err *e, const char *fmt, ...)
{
    if (!e)
        return -1;
    char before[ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(before, sizeof(before), fmt, ap);
    va_end(ap);
    char whole[2 * ERR_MSG_MAX + 4];
    (void)snprintf(whole, sizeof(whole), "%s: %s", before, e->msg);
    memcpy(e->msg, whole, sizeof(e->msg) - 1);
    e->msg[sizeof(e->msg) - 1] = '\0';
    return -1;
}

void err_bug(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "haven: bug at %s:%d: %s\n", file, line, what);
    abort();
}
