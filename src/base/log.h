/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: structured events as text or JSON lines on standard error (or a file descriptor given).
 *
 *     LOG(WARN, "upload.abort", log_str("repository", name), log_u64("bytes", n), log_err(&e));
 *
 * An event has a dotted name and fields; the request id of the running thread (log_context) is
 * added to each line. Secrets are never passed; log_secret prints ***. Any thread.
 *
 * Text:  2026-11-23T20:39:45.123Z WARN upload.abort request=7f3a repository=library/x bytes=123
 * JSON:  {"time":"…","level":"warn","event":"upload.abort","request":"7f3a","bytes":12}
 *
 * A line is one write() of at most LIMIT_LOG_LINE bytes; a long value is cut ("…" at its end),
 * fields that still do not fit are left out and the line ends in truncated=true.
 */
#ifndef HAVEN_BASE_LOG_H
#define HAVEN_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_kind { LOG_FIELD_STR, LOG_FIELD_I64, LOG_FIELD_U64, LOG_FIELD_ERR };

struct log_field {
    const char *key;
    enum log_kind kind;
    struct str s;
    int64_t i;
    uint64_t u;
    const struct err *err;
};

static inline struct log_field log_str(const char *key, struct str s)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_STR, .s = s};
}
static inline struct log_field log_strz(const char *key, const char *z)
{
    return log_str(key, str_from(z));
}
static inline struct log_field log_i64(const char *key, int64_t v)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_I64, .i = v};
}
static inline struct log_field log_u64(const char *key, uint64_t v)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_U64, .u = v};
}
/* Says that there is a secret, never what it is. */
static inline struct log_field log_secret(const char *key)
{
    return log_str(key, STR("***"));
}
static inline struct log_field log_err(const struct err *e)
{
    return (struct log_field){.key = "error", .kind = LOG_FIELD_ERR, .err = e};
}

/* Process-wide settings; call before threads start, or at a reload. */
void log_setup(int fd, enum log_level level, bool json);
bool log_level_parse(struct str s, enum log_level *ret); /* debug info warn error */
bool log_enabled(enum log_level level);

/* The request id that this thread works for; STR_NULL to clear. The bytes are borrowed. */
void log_context(struct str request_id);

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);
/* LOG(level, event) or LOG(level, event, field, ...) with up to 15 fields. ISO C wants an argument
 * for each "...", so the two forms are picked by the number of arguments. */
#define LOG(...)                                                                                   \
    LOG_PICK_(__VA_ARGS__, LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_,        \
              LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_,        \
              LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_, LOG_FIELDS_, LOG_PLAIN_, 0, 0)                \
    (__VA_ARGS__)
#define LOG_PICK_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, macro, ...) macro
#define LOG_PLAIN_(level, event)                                                                   \
    do {                                                                                           \
        if (log_enabled(LOG_##level))                                                              \
            log_event(LOG_##level, (event), NULL, 0);                                              \
    } while (0)
#define LOG_FIELDS_(level, event, ...)                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_##level)) {                                                            \
            const struct log_field log_f_[] = {__VA_ARGS__};                                       \
            log_event(LOG_##level, (event), log_f_, sizeof(log_f_) / sizeof(log_f_[0]));           \
        }                                                                                          \
    } while (0)

#endif
