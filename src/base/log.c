/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* Bytes of one value before it is cut. */
enum { VALUE_MAX = 2048 };
#define TRUNCATED_TEXT " truncated=true"
#define TRUNCATED_JSON ",\"truncated\":true"
/* Kept free for the end of a line: the longer mark, "}" and the newline. */
#define LINE_END (sizeof(TRUNCATED_JSON) + 2)

static _Atomic int log_fd = STDERR_FILENO;
static _Atomic int log_least = LOG_INFO;
static _Atomic bool log_json;
static _Thread_local struct str log_request;

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
static const char *const level_titles[] = {
    [LOG_DEBUG] = "DEBUG", [LOG_INFO] = "INFO", [LOG_WARN] = "WARN", [LOG_ERROR] = "ERROR"};

void log_setup(int fd, enum log_level level, bool json)
{
    atomic_store_explicit(&log_fd, fd, memory_order_relaxed);
    atomic_store_explicit(&log_least, (int)level, memory_order_relaxed);
    atomic_store_explicit(&log_json, json, memory_order_relaxed);
}

bool log_level_parse(struct str s, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
        if (str_eqz(s, level_names[i])) {
            *ret = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_least, memory_order_relaxed);
}

void log_context(struct str request_id)
{
    log_request = request_id;
}

/* The value as it is shown: cut at a character's start when it is long. */
static struct str cut_value(struct str s, bool *ret_cut)
{
    *ret_cut = s.n > VALUE_MAX;
    if (!*ret_cut)
        return s;
    s.n = VALUE_MAX;
    while (s.n > VALUE_MAX - 4 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

/* Bytes at the start of s that a reader of the line, man or terminal, can take as they are:
 * printable ASCII, and UTF-8 without the control characters of U+0080 to U+009F and the separators
 * of lines and directions. 0 when the first byte must be escaped. */
static size_t printable(struct str s)
{
    uint32_t c;
    size_t n = str_utf8(s, &c);
    if (n == 1)
        return c >= 0x20 && c != 0x7f;
    if (n && (c < 0xa0 || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
              (c >= 0x2066 && c <= 0x2069) || c == 0xfeff))
        return 0;
    return n;
}

static bool needs_quotes(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = printable(str_skip(s, i));
        if (n == 0 || strchr(" \"=\\", s.p[i]))
            return true;
        i += n;
    }
    return s.n == 0;
}

static void add_quoted(struct buf *line, struct str s, bool cut)
{
    buf_addc(line, '"');
    while (s.n) {
        size_t n = printable(s);
        unsigned char c = (unsigned char)s.p[0];
        if (c == '"' || c == '\\') {
            buf_addc(line, '\\');
            buf_addc(line, (char)c);
        } else if (n) {
            buf_add(line, s.p, n);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            buf_addc(line, '\\');
            buf_addc(line, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        } else {
            buf_addf(line, "\\x%02x", c);
        }
        s = str_skip(s, n ? n : 1);
    }
    if (cut)
        buf_adds(line, STR("…"));
    buf_addc(line, '"');
}

static void text_str(struct buf *line, const char *key, struct str s)
{
    bool cut;
    s = cut_value(s, &cut);
    buf_addf(line, " %s=", key);
    if (cut || needs_quotes(s))
        add_quoted(line, s, cut);
    else
        buf_adds(line, s);
}

static void json_str(struct buf *line, const char *key, struct str s)
{
    bool cut;
    struct json_writer w;
    s = cut_value(s, &cut);
    jsonw_init(&w, line);
    buf_addc(line, ',');
    jsonw_str(&w, str_from(key));
    buf_addc(line, ':');
    jsonw_str(&w, s);
    if (cut && buf_ok(line)) { /* inside the closing quote */
        buf_cut(line, line->n - 1);
        buf_adds(line, STR("…\""));
    }
}

/* One key and value; false, and nothing added, when the line is full. */
static bool add_str(struct buf *line, bool json, const char *key, struct str s)
{
    size_t before = line->n;
    if (json)
        json_str(line, key, s);
    else
        text_str(line, key, s);
    if (buf_ok(line))
        return true;
    line->over = false;
    buf_cut(line, before);
    return false;
}

static bool add_number(struct buf *line, bool json, const struct log_field *f)
{
    size_t before = line->n;
    buf_addf(line, json ? ",\"%s\":" : " %s=", f->key);
    if (f->kind == LOG_FIELD_I64)
        buf_addf(line, "%" PRId64, f->i);
    else
        buf_addf(line, "%" PRIu64, f->u);
    if (buf_ok(line))
        return true;
    line->over = false;
    buf_cut(line, before);
    return false;
}

static bool add_err(struct buf *line, bool json, const struct log_field *f)
{
    if (!f->err)
        return true;
    char where[256];
    const char *file = f->err->file ? f->err->file : "";
    struct str tail = str_from(file);
    ptrdiff_t src = str_rchr(tail, '/');
    tail = src < 0 ? tail : str_skip(tail, (size_t)src + 1);
    (void)snprintf(where, sizeof(where), "%.*s:%d", S(tail), f->err->line);
    bool all = add_str(line, json, "code", str_from(err_info(f->err->code)->symbol));
    all &= add_str(line, json, f->key, str_from(f->err->msg));
    if (tail.n)
        all &= add_str(line, json, "at", str_from(where));
    return all;
}

static bool add_field(struct buf *line, bool json, const struct log_field *f)
{
    switch (f->kind) {
    case LOG_FIELD_STR:
        return add_str(line, json, f->key, f->s);
    case LOG_FIELD_I64:
    case LOG_FIELD_U64:
        return add_number(line, json, f);
    case LOG_FIELD_ERR:
        return add_err(line, json, f);
    }
    return false;
}

/* One write, so that lines of several threads and processes do not mix; only a descriptor that
 * takes less than it is given needs more. What cannot be written is lost: there is nowhere to say
 * so. */
static void put_line(const struct buf *line)
{
    int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);
    size_t at = 0;
    while (at < line->n) {
        ssize_t done = write(fd, line->p + at, line->n - at);
        if (done <= 0) {
            if (done < 0 && errno == EINTR)
                continue;
            return;
        }
        at += (size_t)done;
    }
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    if (!log_enabled(level))
        return;
    int saved = errno; /* logging an error must not change what the caller sees */
    bool json = atomic_load_explicit(&log_json, memory_order_relaxed);
    char time[CLOCK_TEXT_MAX];
    AUTO(buf) line = {0};
    buf_init(&line, LIMIT_LOG_LINE - LINE_END);
    clock_rfc3339(clock_now_ms(), time);
    if (json)
        buf_addf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", time,
                 level_names[level], event);
    else
        buf_addf(&line, "%s %s %s", time, level_titles[level], event);
    bool all = true;
    if (log_request.n)
        all &= add_str(&line, json, "request", log_request);
    for (size_t i = 0; i < n; i++)
        all &= add_field(&line, json, &fields[i]);
    line.max = LIMIT_LOG_LINE;
    if (!all)
        buf_addz(&line, json ? TRUNCATED_JSON : TRUNCATED_TEXT);
    buf_addz(&line, json ? "}\n" : "\n");
    put_line(&line);
    errno = saved;
}
