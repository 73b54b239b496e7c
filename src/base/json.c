/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/limits.h"

#include <inttypes.h>

enum { WRITER_DEPTH_MAX = 64 };

void jsonw_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static uint64_t level(const struct json_writer *w)
{
    return UINT64_C(1) << (w->depth - 1);
}

/* What stands before a value: a comma between items of a list; in an object a key must have been.
 */
static void before_value(struct json_writer *w)
{
    if (w->depth == 0)
        return;
    if (w->is_array & level(w)) {
        if (w->has_items & level(w))
            buf_addc(w->out, ',');
        w->has_items |= level(w);
    } else {
        BUG_ON(!w->after_key);
        w->after_key = false;
    }
}

static void open_level(struct json_writer *w, bool array)
{
    before_value(w);
    BUG_ON(w->depth == WRITER_DEPTH_MAX);
    w->depth++;
    w->has_items &= ~level(w);
    if (array)
        w->is_array |= level(w);
    else
        w->is_array &= ~level(w);
    buf_addc(w->out, array ? '[' : '{');
}

static void close_level(struct json_writer *w, bool array)
{
    BUG_ON(w->depth == 0 || w->after_key);
    BUG_ON(((w->is_array & level(w)) != 0) != array);
    w->depth--;
    buf_addc(w->out, array ? ']' : '}');
}

void jsonw_object(struct json_writer *w)
{
    open_level(w, false);
}

void jsonw_object_done(struct json_writer *w)
{
    close_level(w, false);
}

void jsonw_list(struct json_writer *w)
{
    open_level(w, true);
}

void jsonw_list_done(struct json_writer *w)
{
    close_level(w, true);
}

static void add_escaped(struct buf *out, unsigned char c)
{
    static const char names[] = "btn\0fr"; /* from 8 to 13; 11 has none */
    if (c == '"' || c == '\\') {
        buf_addc(out, '\\');
        buf_addc(out, (char)c);
    } else if (c >= 8 && c <= 13 && names[c - 8]) {
        buf_addc(out, '\\');
        buf_addc(out, names[c - 8]);
    } else {
        buf_addf(out, "\\u%04x", c);
    }
}

static void add_string(struct buf *out, struct str s)
{
    buf_addc(out, '"');
    size_t plain = 0; /* bytes at the start of s that stand for themselves */
    while (plain < s.n) {
        unsigned char c = (unsigned char)s.p[plain];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            plain++;
            continue;
        }
        uint32_t point;
        size_t n = str_utf8(str_skip(s, plain), &point);
        if (c >= 0x80 && n) {
            plain += n;
            continue;
        }
        buf_add(out, s.p, plain);
        s = str_skip(s, plain + 1);
        plain = 0;
        if (c >= 0x80)
            buf_adds(out, STR("\xef\xbf\xbd"));
        else
            add_escaped(out, c);
    }
    buf_adds(out, s);
    buf_addc(out, '"');
}

void jsonw_keys(struct json_writer *w, struct str key)
{
    BUG_ON(w->depth == 0 || (w->is_array & level(w)) || w->after_key);
    if (w->has_items & level(w))
        buf_addc(w->out, ',');
    w->has_items |= level(w);
    add_string(w->out, key);
    buf_addc(w->out, ':');
    w->after_key = true;
}

void jsonw_key(struct json_writer *w, const char *key)
{
    jsonw_keys(w, str_from(key));
}

void jsonw_str(struct json_writer *w, struct str s)
{
    before_value(w);
    add_string(w->out, s);
}

void jsonw_strz(struct json_writer *w, const char *z)
{
    if (z)
        jsonw_str(w, str_from(z));
    else
        jsonw_nothing(w);
}

void jsonw_i64(struct json_writer *w, int64_t v)
{
    before_value(w);
    buf_addf(w->out, "%" PRId64, v);
}

void jsonw_u64(struct json_writer *w, uint64_t v)
{
    before_value(w);
    buf_addf(w->out, "%" PRIu64, v);
}

void jsonw_boolean(struct json_writer *w, bool v)
{
    before_value(w);
    buf_addz(w->out, v ? "true" : "false");
}

void jsonw_nothing(struct json_writer *w)
{
    before_value(w);
    buf_adds(w->out, STR("null"));
}

void jsonw_raw(struct json_writer *w, struct str json)
{
    BUG_ON(json.n == 0);
    before_value(w);
    buf_adds(w->out, json);
}

void jsonw_kstr(struct json_writer *w, const char *key, struct str s)
{
    jsonw_key(w, key);
    jsonw_str(w, s);
}

void jsonw_kstrz(struct json_writer *w, const char *key, const char *z)
{
    jsonw_key(w, key);
    jsonw_strz(w, z);
}

void jsonw_ki64(struct json_writer *w, const char *key, int64_t v)
{
    jsonw_key(w, key);
    jsonw_i64(w, v);
}

void jsonw_ku64(struct json_writer *w, const char *key, uint64_t v)
{
    jsonw_key(w, key);
    jsonw_u64(w, v);
}

void jsonw_kbool(struct json_writer *w, const char *key, bool v)
{
    jsonw_key(w, key);
    jsonw_boolean(w, v);
}

/* Where nesting passes the ceiling; false when it does not. Brackets inside strings do not count;
 * text that is not JSON at all is left to the parser. */
static bool too_deep(struct str text, unsigned *ret_line, unsigned *ret_column)
{
    unsigned line = 1, depth = 0;
    size_t line_start = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n') {
            line++;
            line_start = i + 1;
        }
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > LIMIT_JSON_DEPTH) {
                *ret_line = line;
                *ret_column = (unsigned)(i - line_start + 1);
                return true;
            }
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        }
    }
    return false;
}

/* The parser's words, where they speak of its own flags in words for the sender of the text. */
static const char *say(const json_error_t *why)
{
    switch (json_error_code(why)) {
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a NUL character (\\u0000) is not accepted";
    case json_error_invalid_utf8:
        return "the text is not UTF-8";
    default:
        return why->text;
    }
}

json_t *json_load(struct str text, enum err_code code, struct err *e)
{
    unsigned line, column;
    if (too_deep(text, &line, &column)) {
        (void)err_set(e, code, 0, __FILE__, __LINE__,
                      "JSON, line %u column %u: nested deeper than %d levels", line, column,
                      LIMIT_JSON_DEPTH);
        return NULL;
    }
    json_error_t why;
    /* Without JSON_ALLOW_NUL: NUL in strings and keys is refused. */
    json_t *doc = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &why);
    if (!doc)
        (void)err_set(e, code, 0, __FILE__, __LINE__, "JSON, line %d column %d: %s", why.line,
                      why.column, say(&why));
    return doc;
}

struct str json_get_str(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_string(v))
        return STR_NULL;
    return str_of(json_string_value(v), json_string_length(v));
}

void json_autodecref(json_t **p)
{
    json_decref(*p);
}
