/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two loops of the same form, one over the parts of a path and one over the characters of a part:
 * when something does not fit, the last star takes one more. Going back further than to the last
 * star cannot help, since that star could have taken the same; so the steps multiply once, and do
 * not branch.
 */
#include "base/glob.h"

#include "base/limits.h"

/* Wide enough for every character; bytes that are no UTF-8 lie behind the last one. */
#define NOT_UTF8 0x200000u

static uint32_t char_at(struct str s, size_t at, size_t *ret_len)
{
    uint32_t c;
    size_t n = str_utf8(str_skip(s, at), &c);
    *ret_len = n ? n : 1;
    return n ? c : NOT_UTF8 + (unsigned char)s.p[at];
}

static bool in_class(struct str name, uint32_t c, bool *ret)
{
    bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    bool graph = c > ' ' && c < 0x7f;
    const struct {
        const char *name;
        bool in;
    } rows[] = {
        {"alnum", lower || upper || digit},
        {"alpha", lower || upper},
        {"blank", c == ' ' || c == '\t'},
        {"cntrl", c < ' ' || c == 0x7f},
        {"digit", digit},
        {"graph", graph},
        {"lower", lower},
        {"print", graph || c == ' '},
        {"punct", graph && !lower && !upper && !digit},
        {"space", c == ' ' || (c >= '\t' && c <= '\r')},
        {"upper", upper},
        {"xdigit", digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eqz(name, rows[i].name)) {
            *ret = rows[i].in;
            return true;
        }
    return false;
}

/* "[:name:]" at `at`: its length, 0 if none stands there. */
static size_t class_at(struct str part, size_t at, struct str *ret_name)
{
    struct str rest = str_skip(part, at);
    if (!str_starts(rest, STR("[:")))
        return 0;
    struct str name = str_skip(rest, 2);
    ptrdiff_t end = str_chr(name, ':');
    if (end < 0 || (size_t)end + 1 >= name.n || name.p[end + 1] != ']')
        return 0;
    *ret_name = str_head(name, (size_t)end);
    return (size_t)end + 4;
}

/* One end of a range: a character, perhaps behind a backslash. False at the end of the part. */
static bool bound(struct str part, size_t *at, uint32_t *ret)
{
    size_t len;
    if (*at < part.n && part.p[*at] == '\\')
        (*at)++;
    if (*at >= part.n)
        return false;
    *ret = char_at(part, *at, &len);
    *at += len;
    return true;
}

/* A character or a range; whether c is in it goes to *in. */
static const char *range(struct str part, size_t *at, uint32_t c, bool *in)
{
    static const char open[] = "has a '[' without a ']' before the next '/'";
    uint32_t first, last;
    if (!bound(part, at, &first))
        return open;
    last = first;
    if (*at + 1 < part.n && part.p[*at] == '-' && part.p[*at + 1] != ']') {
        (*at)++;
        if (!bound(part, at, &last))
            return open;
    }
    if (last < first)
        return "has a range in [ ] that runs backwards";
    *in = *in || (c >= first && c <= last);
    return NULL;
}

/* What follows the '[' at *at, up to behind its ']': whether c is one of these. NULL, or what is
 * wrong. */
static const char *bracket(struct str part, size_t *at, uint32_t c, bool *ret)
{
    size_t i = *at + 1;
    bool in = false;
    bool negated = i < part.n && (part.p[i] == '!' || part.p[i] == '^');
    i += negated;
    /* A ']' that stands first is one of the characters. */
    for (size_t first = i; i >= part.n || part.p[i] != ']' || i == first;) {
        struct str name;
        bool of_class = false;
        size_t n = i < part.n ? class_at(part, i, &name) : 0;
        if (n && !in_class(name, c, &of_class))
            return "names a class of characters that does not exist";
        in = in || of_class;
        i += n;
        const char *wrong = n ? NULL : range(part, &i, c, &in);
        if (wrong)
            return wrong;
    }
    *at = i + 1;
    *ret = in != negated;
    return NULL;
}

/* The element at *at, which is no star: does it match c? *at moves behind it. NULL, or what is
 * wrong. */
static const char *element(struct str part, size_t *at, uint32_t c, bool *ret)
{
    size_t len;
    switch (part.p[*at]) {
    case '?':
        (*at)++;
        *ret = true;
        return NULL;
    case '[':
        return bracket(part, at, c, ret);
    case '\\':
        if (++*at == part.n)
            return "has a backslash with nothing to escape";
        break;
    default:
        break;
    }
    *ret = char_at(part, *at, &len) == c;
    *at += len;
    return NULL;
}

static bool fits(struct str part, size_t *at, uint32_t c)
{
    bool yes = false;
    return *at < part.n && !element(part, at, c, &yes) && yes;
}

/* One part of a pattern against one name. */
static bool match_part(struct str part, struct str name)
{
    size_t p = 0, s = 0, len;
    size_t back_p = SIZE_MAX, back_s = 0; /* behind the last star; what it has taken */
    while (s < name.n || p < part.n) {
        if (p < part.n && part.p[p] == '*') {
            back_p = ++p;
            back_s = s;
            continue;
        }
        size_t next = p;
        if (s < name.n && fits(part, &next, char_at(name, s, &len))) {
            p = next;
            s += len;
            continue;
        }
        if (back_p == SIZE_MAX || back_s >= name.n)
            return false;
        (void)char_at(name, back_s, &len);
        back_s += len;
        s = back_s;
        p = back_p;
    }
    return true;
}

static bool is_globstar(struct str part)
{
    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] != '*')
            return false;
    return part.n >= 2;
}

bool glob_match(struct str pattern, struct str path)
{
    struct str back_pattern = STR_NULL, back_path = STR_NULL; /* as in match_part */
    while (pattern.p || path.p) {
        struct str pattern_next = pattern, path_next = path;
        struct str part = str_cut(&pattern_next, '/'), name = str_cut(&path_next, '/');
        if (pattern.p && is_globstar(part)) {
            if (!pattern_next.p)
                return path.p != NULL;
            back_pattern = pattern = pattern_next;
            back_path = path;
        } else if (pattern.p && path.p && match_part(part, name)) {
            pattern = pattern_next;
            path = path_next;
        } else if (back_path.p) {
            (void)str_cut(&back_path, '/');
            path = back_path;
            pattern = back_pattern;
        } else {
            return false;
        }
    }
    return true;
}

bool glob_selects(struct str pattern, struct str path)
{
    bool dirs_only = pattern.n > 1 && pattern.p[pattern.n - 1] == '/';
    pattern.n -= dirs_only;
    bool rooted = str_chr(pattern, '/') >= 0;
    if (pattern.n && pattern.p[0] == '/')
        pattern = str_skip(pattern, 1);
    size_t start = 0;
    for (size_t i = 0; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        if (i == path.n && dirs_only)
            return false;
        if (rooted ? glob_match(pattern, str_head(path, i))
                   : match_part(pattern, str_of(path.p + start, i - start)))
            return true;
        start = i + 1;
    }
    return false;
}

bool glob_list_selects(const struct glob_list *l, struct str path)
{
    for (size_t i = 0; i < l->n; i++)
        if (glob_selects(l->globs[i], path))
            return true;
    return false;
}

const char *glob_wrong(struct str pattern)
{
    if (pattern.n == 0)
        return "is empty";
    if (pattern.n > LIMIT_GLOB)
        return "is too long";
    for (struct str rest = pattern; rest.p;) {
        struct str part = str_cut(&rest, '/');
        for (size_t at = 0; at < part.n;) {
            bool unused;
            const char *wrong = NULL;
            if (part.p[at] == '*')
                at++;
            else
                wrong = element(part, &at, 0, &unused);
            if (wrong)
                return wrong;
        }
    }
    return NULL;
}

int glob_literal(struct arena *a, struct str pattern, struct str *ret, struct err *e)
{
    char *out = arena_try(a, pattern.n + 1, e);
    size_t n = 0;
    if (!out)
        return -1;
    for (size_t i = 0; i < pattern.n; i++) {
        if (memchr("*?[", pattern.p[i], 3))
            return 0;
        if (pattern.p[i] == '\\' && i + 1 < pattern.n)
            i++;
        out[n++] = pattern.p[i];
    }
    *ret = str_of(out, n);
    return 1;
}

void glob_escape(struct buf *out, struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        if (memchr("*?[\\", path.p[i], 4))
            buf_addc(out, '\\');
        buf_addc(out, path.p[i]);
    }
}

/* ---- braces ---- */

/* The end of the group that begins at '{' (its '}'), or -1. */
static ptrdiff_t group_end(struct str s, size_t from)
{
    size_t depth = 0;

    for (size_t i = from; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '{')
            depth++;
        else if (s.p[i] == '}' && --depth == 0)
            return (ptrdiff_t)i;
    }
    return -1;
}

static ptrdiff_t group_start(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '{')
            return (ptrdiff_t)i;
    }
    return -1;
}

/* Calls fn for each way to read the braces; stops at 1. *left: ways that may still be tried. */
static int each_way(struct str pattern, size_t *left, int (*fn)(struct str way, const void *ctx),
                    const void *ctx)
{
    ptrdiff_t start = group_start(pattern),
              end = start < 0 ? -1 : group_end(pattern, (size_t)start);
    size_t depth = 0, from = (size_t)start + 1;

    if (start < 0 || end < 0) {
        if (*left == 0)
            return -1;
        (*left)--;
        return fn(pattern, ctx);
    }
    for (size_t i = from; i <= (size_t)end; i++) {
        char c = pattern.p[i];
        if (c == '\\') {
            i++;
            continue;
        }
        if ((c == ',' && depth == 0) || i == (size_t)end) {
            AUTO(buf) way = {0};
            buf_init(&way, GLOB_WAYS_BYTES + 1);
            buf_adds(&way, str_head(pattern, (size_t)start));
            buf_add(&way, pattern.p + from, i - from);
            buf_adds(&way, str_skip(pattern, (size_t)end + 1));
            int rc = each_way(buf_str(&way), left, fn, ctx);
            if (rc != 0)
                return rc;
            from = i + 1;
        }
        depth += c == '{';
        depth -= c == '}' && depth > 0;
    }
    return 0;
}

static int is_match(struct str way, const void *ctx)
{
    return glob_match(way, *(const struct str *)ctx);
}

bool glob_match_ways(struct str pattern, struct str path)
{
    size_t left = GLOB_WAYS;
    return pattern.n <= GLOB_WAYS_BYTES && each_way(pattern, &left, is_match, &path) > 0;
}

static int is_wrong(struct str way, const void *ctx)
{
    (void)ctx;
    return glob_wrong(way) != NULL;
}

const char *glob_ways_wrong(struct str pattern)
{
    size_t left = GLOB_WAYS;
    ptrdiff_t start = group_start(pattern);

    if (pattern.n > GLOB_WAYS_BYTES)
        return "is too long";
    if (start >= 0 && group_end(pattern, (size_t)start) < 0)
        return "has a { without its }";
    int rc = each_way(pattern, &left, is_wrong, NULL);
    return rc == 0 ? NULL : rc < 0 ? "stands for too many others" : "cannot be read";
}
