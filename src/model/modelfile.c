/* SPDX-License-Identifier: Apache-2.0 */
#include "model/modelfile.h"

#include "base/glob.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "model/path.h"

#include <stdlib.h>

static const char *const values[MODELFILE_VALUE_COUNT] = {
    [MODELFILE_NAME] = "NAME",
    [MODELFILE_ARCH] = "ARCH",
    [MODELFILE_FAMILY] = "FAMILY",
    [MODELFILE_FORMAT] = "FORMAT",
    [MODELFILE_PARAMSIZE] = "PARAMSIZE",
    [MODELFILE_PRECISION] = "PRECISION",
    [MODELFILE_QUANTIZATION] = "QUANTIZATION",
};

static const char *const kinds[MODEL_KIND_COUNT] = {
    [MODEL_WEIGHT_CONFIG] = "CONFIG",
    [MODEL_WEIGHT] = "MODEL",
    [MODEL_CODE] = "CODE",
    [MODEL_DOC] = "DOC",
    [MODEL_DATASET] = "DATASET",
};

struct parser {
    struct arena *a;
    struct modelfile m;
    unsigned line;
    unsigned said[MODELFILE_VALUE_COUNT]; /* the line of each value */
    size_t cap;
    size_t n_globs; /* patterns with wildcards */
    struct err *e;
};

static int __attribute__((format(printf, 2, 3))) wrong(struct parser *p, const char *fmt, ...)
{
    va_list ap;
    AUTO(buf) text = {0};
    buf_init(&text, ERR_MSG_MAX);
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    return ERR(p->e, MODEL_INVALID, "%s, line %u: %s", p->m.name, p->line, text.p);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The one value of a directive, without its quotes and backslashes. */
static int parse_value(struct parser *p, const char *directive, struct str s, struct str *ret)
{
    char *out = arena_try(p->a, s.n + 1, p->e);
    size_t n = 0, i = 0;
    bool quoted = false;

    if (!out)
        return -1;
    for (; i < s.n && (quoted || !is_blank(s.p[i])); i++) {
        if (s.p[i] == '"') {
            quoted = !quoted;
            continue;
        }
        if (s.p[i] == '\\' && ++i == s.n)
            return wrong(p, "the line ends in a backslash; there are no lines of continuation");
        out[n++] = s.p[i];
    }
    if (quoted)
        return wrong(p, "a quote is not closed");
    if (i < s.n)
        return wrong(p, "%s takes one value; put \"quotes\" around one with blanks", directive);
    if (n == 0)
        return wrong(p, "%s needs a value", directive);
    *ret = str_of(out, n);
    return 0;
}

/* Files with such names are never packed: model/path.h. */
static const char *bytes_wrong(struct str s)
{
    uint32_t c;
    for (size_t i = 0, n; i < s.n; i += n) {
        n = str_utf8(str_skip(s, i), &c);
        if (n == 0)
            return "is not UTF-8";
        if (c < ' ' || (c >= 0x7f && c < 0xa0))
            return "holds a control character";
    }
    return NULL;
}

const char *modelfile_value_wrong(struct str s)
{
    return s.n > LIMIT_MODELFILE_VALUE ? "is too long" : bytes_wrong(s);
}

static int add_value(struct parser *p, size_t which, struct str value)
{
    const char *why = modelfile_value_wrong(value);
    if (why)
        return wrong(p, "the value of %s %s", values[which], why);
    if (p->said[which])
        return wrong(p, "%s is said in line %u already; remove one of the two", values[which],
                     p->said[which]);
    p->said[which] = p->line;
    p->m.values[which] = value;
    return 0;
}

/* Patterns never lead out of the directory: that should be said, and not read as "nothing matches".
 */
static const char *leads_out(struct str glob)
{
    if (glob.p[0] == '/')
        return "is absolute; paths are relative to the model's directory";
    for (struct str rest = glob; rest.p;) {
        struct str part = str_cut(&rest, '/');
        if (str_eqz(part, ".."))
            return "holds \"..\"; only files below the model's directory can be named";
        if (part.n == 0 && !rest.p)
            return "names a directory; name its files, with /** all of them";
        if (part.n == 0 || str_eqz(part, "."))
            return "has an empty part or a \".\"";
    }
    return NULL;
}

static int count_glob(struct parser *p, struct str glob)
{
    struct str literal;
    int rc = glob_literal(p->a, glob, &literal, p->e);
    if (rc == 0 && ++p->n_globs > LIMIT_GLOBS)
        return ERR(p->e, LIMIT, "%s, line %u: more than %d patterns with wildcards", p->m.name,
                   p->line, LIMIT_GLOBS);
    return rc < 0 ? -1 : 0;
}

static int add_pattern(struct parser *p, enum model_kind kind, struct str glob)
{
    char show[MODEL_PATH_SHOW];
    while (str_starts(glob, STR("./")))
        glob = str_skip(glob, 2);
    const char *why = glob_wrong(glob);
    if (!why)
        why = bytes_wrong(glob);
    if (!why)
        why = leads_out(glob);
    if (why)
        return wrong(p, "the pattern \"%s\" %s", model_path_show(glob, show, sizeof(show)), why);
    if (p->m.n_patterns == LIMIT_MODEL_FILES)
        return ERR(p->e, LIMIT, "%s, line %u: more than %d files are named", p->m.name, p->line,
                   LIMIT_MODEL_FILES);
    if (count_glob(p, glob) < 0)
        return -1;
    if (p->m.n_patterns == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        struct modelfile_pattern *more = arena_try(p->a, p->cap * sizeof(*more), p->e);
        if (!more)
            return -1;
        if (p->m.n_patterns)
            memcpy(more, p->m.patterns, p->m.n_patterns * sizeof(*more));
        p->m.patterns = more;
    }
    p->m.patterns[p->m.n_patterns++] =
        (struct modelfile_pattern){.glob = glob, .kind = kind, .line = p->line};
    return 0;
}

static int unknown(struct parser *p, struct str word)
{
    char show[MODEL_PATH_SHOW], upper[SUGGEST_MAX];
    struct suggest near;
    size_t n = MIN_OF(word.n, sizeof(upper));
    for (size_t i = 0; i < n; i++)
        upper[i] =
            word.p[i] >= 'a' && word.p[i] <= 'z' ? (char)(word.p[i] - ('a' - 'A')) : word.p[i];
    suggest_init(&near, str_of(upper, n));
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        suggest_try(&near, str_from(values[i]));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        suggest_try(&near, str_from(kinds[i]));
    struct str best = suggest_best(&near);
    model_path_show(word, show, sizeof(show));
    if (best.n)
        return wrong(p, "unknown directive \"%s\"; did you mean %.*s?", show, S(best));
    return wrong(p,
                 "unknown directive \"%s\"; there are NAME, ARCH, FAMILY, FORMAT, PARAMSIZE, "
                 "PRECISION, QUANTIZATION, CONFIG, MODEL, CODE, DOC and DATASET",
                 show);
}

static int parse_line(struct parser *p, struct str line)
{
    struct str value = STR_NULL;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    line = str_trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return 0;
    size_t end = 0;
    while (end < line.n && !is_blank(line.p[end]))
        end++;
    struct str word = str_head(line, end), rest = str_trim(str_skip(line, end));
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (str_ieq(word, str_from(values[i])))
            return parse_value(p, values[i], rest, &value) < 0 ? -1 : add_value(p, i, value);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_ieq(word, str_from(kinds[i])))
            return parse_value(p, kinds[i], rest, &value) < 0
                       ? -1
                       : add_pattern(p, (enum model_kind)i, value);
    return unknown(p, word);
}

int modelfile_parse(struct arena *a, const char *name, struct str text, struct modelfile *ret,
                    struct err *e)
{
    struct parser p = {.a = a, .m = {.name = name}, .e = e};
    if (text.n > LIMIT_MODELFILE)
        return ERR(e, LIMIT, "%s is larger than %llu bytes", name, LIMIT_MODELFILE);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    for (struct str rest = text; rest.p;) {
        p.line++;
        if (parse_line(&p, str_cut(&rest, '\n')) < 0)
            return -1;
    }
    *ret = p.m;
    return 0;
}

static void write_line(struct buf *out, const char *directive, struct str value)
{
    bool quotes = false;
    for (size_t i = 0; i < value.n; i++)
        quotes = quotes || is_blank(value.p[i]);
    buf_addf(out, "%s %s", directive, quotes ? "\"" : "");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            buf_addc(out, '\\');
        buf_addc(out, value.p[i]);
    }
    buf_addz(out, quotes ? "\"\n" : "\n");
}

void modelfile_write(struct buf *out, const struct modelfile *m)
{
    size_t before = out->n;
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (m->values[i].n)
            write_line(out, values[i], m->values[i]);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        bool first = true;
        for (size_t i = 0; i < m->n_patterns; i++) {
            if ((size_t)m->patterns[i].kind != k)
                continue;
            if (first && out->n > before)
                buf_addc(out, '\n');
            first = false;
            write_line(out, kinds[k], m->patterns[i].glob);
        }
    }
}
