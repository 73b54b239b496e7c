/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonr.h"

#include "base/limits.h"

#include <inttypes.h>

_Static_assert(LIMIT_JSON_DEPTH <= 64, "a bit of is_list for each level");

/* What may stand next. */
enum { WANT_VALUE, WANT_FIRST /* or the closing bracket */, WANT_KEY, WANT_MORE };

void jsonr_init(struct jsonr *r, jsonr_more *more, void *self, size_t text_max, enum err_code code)
{
    *r = (struct jsonr){.more = more, .self = self, .line = 1, .code = code, .want = WANT_VALUE};
    buf_init(&r->kept, text_max);
}

void jsonr_init_memory(struct jsonr *r, struct str text, size_t text_max, enum err_code code)
{
    jsonr_init(r, NULL, NULL, text_max, code);
    r->rest = text;
}

void jsonr_autodone(struct jsonr *r)
{
    buf_done(&r->kept);
}

int jsonr_wrong(const struct jsonr *r, const char *what, struct err *e)
{
    return err_set(e, r->code, 0, __FILE__, __LINE__,
                   "JSON, line %" PRIu64 " column %" PRIu64 ": %s", r->line,
                   r->read - r->line_start + 1, what);
}

/* 1: there is a byte at rest.p[0]; 0: the document has ended. */
static int available(struct jsonr *r, struct err *e)
{
    if (r->rest.n)
        return 1;
    if (r->ended || !r->more)
        return 0;
    if (r->more(r->self, &r->rest, e) < 0)
        return -1;
    r->ended = r->rest.n == 0;
    return !r->ended;
}

static void take(struct jsonr *r, size_t n)
{
    r->rest = str_skip(r->rest, n);
    r->read += n;
}

/* The next byte inside a token, which must be there; it is not taken yet. */
static int peek(struct jsonr *r, char *ret, struct err *e)
{
    int got = available(r, e);
    if (got < 0)
        return -1;
    if (got == 0)
        return jsonr_wrong(r, "the text ends too early", e);
    *ret = r->rest.p[0];
    return 0;
}

/* 1: a byte that is no blank stands next; 0: the end. */
static int skip_blanks(struct jsonr *r, struct err *e)
{
    for (;;) {
        int got = available(r, e);
        if (got <= 0)
            return got;
        char c = r->rest.p[0];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return 1;
        take(r, 1);
        if (c == '\n') {
            r->line++;
            r->line_start = r->read;
        }
    }
}

/* Puts a piece behind the token's text; pieces are whole characters, or ASCII. */
static void keep(struct jsonr *r, const char *p, size_t n)
{
    size_t room = r->kept.max - r->kept.n;
    r->text_length += n;
    if (r->cut)
        return;
    r->cut = n > room;
    if (r->cut && (unsigned char)p[0] >= 0x80)
        return;
    buf_add(&r->kept, p, MIN_OF(n, room));
}

/* A character beyond ASCII, whose bytes may lie in two pieces. */
static int read_character(struct jsonr *r, struct err *e)
{
    char bytes[4];
    size_t n = 0;
    uint32_t point;
    char c = 0;

    if (peek(r, &c, e) < 0)
        return -1;
    unsigned char first = (unsigned char)c;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    while (n < length) {
        if (peek(r, &c, e) < 0)
            return -1;
        if (n && ((unsigned char)c & 0xc0) != 0x80)
            break;
        bytes[n++] = c;
        take(r, 1);
    }
    if (str_utf8(str_of(bytes, n), &point) != n)
        return jsonr_wrong(r, "the text is not UTF-8", e);
    keep(r, bytes, n);
    return 0;
}

static int read_hex4(struct jsonr *r, uint32_t *ret, struct err *e)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char c = 0;
        if (peek(r, &c, e) < 0)
            return -1;
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        else
            return jsonr_wrong(r, "four hexadecimal digits must follow \\u", e);
        v = v << 4 | digit;
        take(r, 1);
    }
    *ret = v;
    return 0;
}

static void keep_point(struct jsonr *r, uint32_t v)
{
    char out[4];
    size_t n = v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; v >>= 6)
        out[i] = (char)(0x80 | (v & 0x3f));
    out[0] = (char)(lead[n] | v);
    keep(r, out, n);
}

/* Behind "\u". */
static int read_unicode(struct jsonr *r, struct err *e)
{
    uint32_t v = 0, low = 0;
    char c = 0;
    if (read_hex4(r, &v, e) < 0)
        return -1;
    if (v == 0)
        return jsonr_wrong(r, "a NUL character (\\u0000) is not accepted", e);
    if (v >= 0xdc00 && v <= 0xdfff)
        return jsonr_wrong(r, "half of a surrogate pair", e);
    if (v >= 0xd800 && v <= 0xdbff) {
        for (const char *want = "\\u"; *want; want++) {
            if (peek(r, &c, e) < 0)
                return -1;
            if (c != *want)
                return jsonr_wrong(r, "half of a surrogate pair", e);
            take(r, 1);
        }
        if (read_hex4(r, &low, e) < 0)
            return -1;
        if (low < 0xdc00 || low > 0xdfff)
            return jsonr_wrong(r, "half of a surrogate pair", e);
        v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
    }
    keep_point(r, v);
    return 0;
}

/* Behind the backslash. */
static int read_escape(struct jsonr *r, struct err *e)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = 0;
    if (peek(r, &c, e) < 0)
        return -1;
    const char *at = memchr(names, c, sizeof(names) - 1);
    if (!at && c != 'u')
        return jsonr_wrong(r, "no such escape", e);
    take(r, 1);
    if (!at)
        return read_unicode(r, e);
    keep(r, &values[at - names], 1);
    return 0;
}

/* Bytes at the beginning of s that stand for themselves in a string. */
static size_t plain_run(struct str s)
{
    size_t n = 0;
    while (n < s.n && (unsigned char)s.p[n] >= 0x20 && (unsigned char)s.p[n] < 0x80 &&
           s.p[n] != '"' && s.p[n] != '\\')
        n++;
    return n;
}

static void begin_text(struct jsonr *r)
{
    buf_reset(&r->kept);
    r->text_length = 0;
    r->cut = false;
}

/* From its opening quote on. */
static int read_string(struct jsonr *r, struct err *e)
{
    char c = 0;
    begin_text(r);
    take(r, 1);
    for (;;) {
        if (peek(r, &c, e) < 0)
            return -1;
        size_t n = plain_run(r->rest);
        if (n) {
            keep(r, r->rest.p, n);
            take(r, n);
        } else if (c == '"') {
            take(r, 1);
            r->text = buf_str(&r->kept);
            return 0;
        } else if (c == '\\') {
            take(r, 1);
            if (read_escape(r, e) < 0)
                return -1;
        } else if ((unsigned char)c < 0x20) {
            return jsonr_wrong(r, "a control character in a string", e);
        } else if (read_character(r, e) < 0) {
            return -1;
        }
    }
}

/* Takes digits; *ret: how many there were. */
static int read_digits(struct jsonr *r, size_t *ret, struct err *e)
{
    *ret = 0;
    for (;;) {
        int got = available(r, e);
        if (got < 0)
            return -1;
        if (got == 0 || r->rest.p[0] < '0' || r->rest.p[0] > '9')
            return 0;
        keep(r, r->rest.p, 1);
        take(r, 1);
        ++*ret;
    }
}

/* Takes the next byte when it is one of set. 1 taken, 0 not. */
static int read_one_of(struct jsonr *r, const char *set, struct err *e)
{
    int got = available(r, e);
    if (got <= 0 || !memchr(set, r->rest.p[0], strlen(set)))
        return got < 0 ? -1 : 0;
    keep(r, r->rest.p, 1);
    take(r, 1);
    return 1;
}

static int read_number(struct jsonr *r, struct err *e)
{
    size_t n;
    begin_text(r);
    if (read_one_of(r, "-", e) < 0)
        return -1;
    int zero = read_one_of(r, "0", e);
    if (zero < 0 || read_digits(r, &n, e) < 0)
        return -1;
    if (zero ? n > 0 : n == 0)
        return jsonr_wrong(r, "not a number", e);
    int point = read_one_of(r, ".", e);
    if (point < 0 || (point && read_digits(r, &n, e) < 0))
        return -1;
    if (point && n == 0)
        return jsonr_wrong(r, "not a number", e);
    int power = read_one_of(r, "eE", e);
    if (power < 0 || (power && (read_one_of(r, "+-", e) < 0 || read_digits(r, &n, e) < 0)))
        return -1;
    if (power && n == 0)
        return jsonr_wrong(r, "not a number", e);
    r->text = buf_str(&r->kept);
    r->type = JSONR_NUMBER;
    return 0;
}

static int read_word(struct jsonr *r, const char *word, enum jsonr_type type, struct err *e)
{
    for (; *word; word++) {
        char c = 0;
        if (peek(r, &c, e) < 0)
            return -1;
        if (c != *word)
            return jsonr_wrong(r, "no such value", e);
        take(r, 1);
    }
    r->type = type;
    return 0;
}

static bool in_list(const struct jsonr *r)
{
    return r->depth && (r->is_list >> (r->depth - 1) & 1);
}

static int open_level(struct jsonr *r, bool list, struct err *e)
{
    if (r->depth == LIMIT_JSON_DEPTH)
        return jsonr_wrong(r, "nested too deep", e);
    take(r, 1);
    uint64_t bit = UINT64_C(1) << r->depth++;
    r->is_list = list ? r->is_list | bit : r->is_list & ~bit;
    r->type = list ? JSONR_LIST : JSONR_OBJECT;
    r->want = WANT_FIRST;
    return 0;
}

static int close_level(struct jsonr *r)
{
    take(r, 1);
    r->type = in_list(r) ? JSONR_LIST_DONE : JSONR_OBJECT_DONE;
    r->depth--;
    r->want = WANT_MORE;
    return 0;
}

static int read_key(struct jsonr *r, struct err *e)
{
    if (r->rest.p[0] != '"')
        return jsonr_wrong(r, "a key is expected here", e);
    if (read_string(r, e) < 0)
        return -1;
    int got = skip_blanks(r, e);
    if (got < 0)
        return -1;
    if (got == 0 || r->rest.p[0] != ':')
        return jsonr_wrong(r, "a colon is expected here", e);
    take(r, 1);
    r->type = JSONR_KEY;
    r->want = WANT_VALUE;
    return 0;
}

static int read_value(struct jsonr *r, struct err *e)
{
    char c = r->rest.p[0];
    r->want = WANT_MORE;
    switch (c) {
    case '{':
    case '[':
        return open_level(r, c == '[', e);
    case '"':
        r->type = JSONR_STRING;
        return read_string(r, e);
    case 't':
        return read_word(r, "true", JSONR_TRUE, e);
    case 'f':
        return read_word(r, "false", JSONR_FALSE, e);
    case 'n':
        return read_word(r, "null", JSONR_NOTHING, e);
    default:
        if (c != '-' && (c < '0' || c > '9'))
            return jsonr_wrong(r, "a value is expected here", e);
        return read_number(r, e);
    }
}

int jsonr_next(struct jsonr *r, struct err *e)
{
    r->text = STR_NULL;
    r->text_length = 0;
    int got = skip_blanks(r, e);
    if (got < 0)
        return -1;
    if (r->depth == 0 && r->want == WANT_MORE) {
        r->type = JSONR_END;
        return got ? jsonr_wrong(r, "text behind the end", e) : 0;
    }
    if (got == 0)
        return jsonr_wrong(r, "the text ends too early", e);
    bool list = in_list(r);
    bool closes = r->depth && r->rest.p[0] == (list ? ']' : '}');
    if (closes && (r->want == WANT_FIRST || r->want == WANT_MORE))
        return close_level(r);
    if (r->want == WANT_MORE) {
        if (r->rest.p[0] != ',')
            return jsonr_wrong(
                r, list ? "a comma or ] is expected here" : "a comma or } is expected here", e);
        take(r, 1);
        got = skip_blanks(r, e);
        if (got < 0)
            return -1;
        if (got == 0)
            return jsonr_wrong(r, "the text ends too early", e);
        r->want = list ? WANT_VALUE : WANT_KEY;
    } else if (r->want == WANT_FIRST) {
        r->want = list ? WANT_VALUE : WANT_KEY;
    }
    return r->want == WANT_KEY ? read_key(r, e) : read_value(r, e);
}

int jsonr_skip(struct jsonr *r, struct err *e)
{
    if (r->type == JSONR_KEY && jsonr_next(r, e) < 0)
        return -1;
    if (r->type != JSONR_OBJECT && r->type != JSONR_LIST)
        return 0;
    unsigned outside = r->depth - 1;
    while (r->depth > outside)
        if (jsonr_next(r, e) < 0)
            return -1;
    return 0;
}

bool jsonr_u64(const struct jsonr *r, uint64_t *ret)
{
    return r->type == JSONR_NUMBER && r->text.n == r->text_length &&
           str_u64(r->text, 0, UINT64_MAX, ret);
}
