/* SPDX-License-Identifier: Apache-2.0 */
#include "model/card.h"

#include "base/limits.h"
#include "base/mem.h"

#include <yaml.h>

/* The keys that count. */
static const struct row {
    const char *key;
    bool is_list;
    size_t at; /* in struct model_card */
} rows[] = {
    {"license", true, offsetof(struct model_card, licenses)},
    {"license_name", false, offsetof(struct model_card, license_name)},
    {"license_link", false, offsetof(struct model_card, license_link)},
    {"base_model", true, offsetof(struct model_card, base_models)},
    {"base_model_relation", false, offsetof(struct model_card, base_model_relation)},
    {"datasets", true, offsetof(struct model_card, datasets)},
    {"language", true, offsetof(struct model_card, languages)},
    {"pipeline_tag", false, offsetof(struct model_card, pipeline_tag)},
    {"library_name", false, offsetof(struct model_card, library_name)},
    {"tags", true, offsetof(struct model_card, tags)},
};

/* ---- where the front matter is ---- */

/* The front matter and its place. */
struct front {
    struct str yaml;
    unsigned line; /* of README.md, of the yaml's first line; from 1 */
    size_t text_at;
    bool open; /* it begins, but does not end */
};

static struct str cut_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool is_fence(struct str line)
{
    while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--;
    return str_eqz(line, "---");
}

/* Blank lines and a byte order mark may stand before it. */
static bool find_front(struct str readme, struct front *ret)
{
    struct str rest = readme;
    unsigned line = 1;
    if (str_starts(rest, STR("\xef\xbb\xbf")))
        rest = str_skip(rest, 3);
    struct str first = cut_line(&rest);
    while (rest.p && str_trim(first).n == 0) {
        first = cut_line(&rest);
        line++;
    }
    if (!is_fence(first) || !rest.p)
        return false;
    struct front f = {.line = line + 1, .open = true, .text_at = readme.n};
    const char *start = rest.p;
    while (rest.p) {
        const char *end = rest.p;
        if (!is_fence(cut_line(&rest)))
            continue;
        f.yaml = str_of(start, (size_t)(end - start));
        f.text_at = rest.p ? (size_t)(rest.p - readme.p) : readme.n;
        f.open = false;
        break;
    }
    *ret = f;
    return true;
}

size_t model_card_text_at(struct str readme)
{
    struct front f;
    if (find_front(readme, &f) && !f.open)
        return f.text_at;
    return str_starts(readme, STR("\xef\xbb\xbf")) ? 3 : 0;
}

/* ---- the front matter ---- */

struct loader {
    struct arena *a;
    struct model_card *card;
    unsigned first_line;
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    unsigned depth;
    const char *key;                 /* of the top level: where we are; NULL: at none */
    unsigned lines[ARRAY_LEN(rows)]; /* where each was given; 0: not yet */
};

static unsigned line_of(const struct loader *l)
{
    return (unsigned)l->event.start_mark.line + l->first_line;
}

/* "README.md, line 3, key "license": what" */
static int refuse(const struct loader *l, struct err *e, const char *what)
{
    if (!l->key)
        return ERR(e, MODEL_INVALID, "README.md, line %u: %s", line_of(l), what);
    return ERR(e, MODEL_INVALID, "README.md, line %u, key \"%s\": %s", line_of(l), l->key, what);
}

static int next_event(struct loader *l, struct err *e)
{
    if (l->has_event)
        yaml_event_delete(&l->event);
    l->has_event = yaml_parser_parse(&l->parser, &l->event) != 0;
    if (!l->has_event) {
        size_t line =
            l->parser.problem_mark.line ? l->parser.problem_mark.line : l->parser.context_mark.line;
        const char *problem = l->parser.problem ? l->parser.problem : "unreadable";
        unsigned at = (unsigned)line + l->first_line;
        if (!l->key)
            return ERR(e, MODEL_INVALID, "README.md, line %u: not valid YAML: %s", at, problem);
        return ERR(e, MODEL_INVALID, "README.md, line %u, key \"%s\": not valid YAML: %s", at,
                   l->key, problem);
    }
    switch (l->event.type) {
    case YAML_ALIAS_EVENT:
        return refuse(l, e, "aliases (*name) are not accepted");
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        if (++l->depth > LIMIT_MODEL_CARD_DEPTH)
            return refuse(l, e, "nested too deeply");
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        l->depth--;
        break;
    default:
        break;
    }
    return 0;
}

static struct str scalar(const struct loader *l)
{
    return str_of((const char *)l->event.data.scalar.value, l->event.data.scalar.length);
}

/* Nothing, ~ or null without quotes. */
static bool is_null(const struct loader *l)
{
    struct str s = scalar(l);
    return l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (s.n == 0 || str_eqz(s, "~") || str_ieq(s, STR("null")));
}

/* The rest of a node whose first event is there. */
static int skip_node(struct loader *l, struct err *e)
{
    bool opens =
        l->event.type == YAML_MAPPING_START_EVENT || l->event.type == YAML_SEQUENCE_START_EVENT;
    unsigned outside = l->depth - opens;
    while (l->depth > outside)
        if (next_event(l, e) < 0)
            return -1;
    return 0;
}

/* A scalar to its field. */
static int take(struct loader *l, const struct row *row, struct err *e)
{
    void *field = (char *)l->card + row->at;
    struct err why = {.code = ERR_OK};
    struct str *text = field;

    if (is_null(l))
        return 0;
    if (row->is_list) {
        if (model_list_add(l->a, field, scalar(l), &why) == 0)
            return 0;
    } else {
        if (text->n || model_text_copy(l->a, scalar(l), text, &why) == 0)
            return 0;
    }
    return refuse(l, e, why.msg);
}

static int take_node(struct loader *l, const struct row *row, struct err *e)
{
    const char *wanted =
        row->is_list ? "a text or a list of texts is expected" : "a text is expected";
    if (l->event.type == YAML_SCALAR_EVENT)
        return take(l, row, e);
    if (l->event.type != YAML_SEQUENCE_START_EVENT)
        return refuse(l, e, wanted);
    for (;;) {
        if (next_event(l, e) < 0)
            return -1;
        if (l->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (l->event.type != YAML_SCALAR_EVENT)
            return refuse(l, e, wanted);
        if (take(l, row, e) < 0)
            return -1;
    }
}

/* The event is a key of the top level. */
static int load_key(struct loader *l, struct err *e)
{
    char twice[64];
    if (l->event.type != YAML_SCALAR_EVENT)
        return refuse(l, e, "a key must be a single word");
    const struct row *row = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows) && !row; i++)
        if (str_eqz(scalar(l), rows[i].key))
            row = &rows[i];
    if (row) {
        unsigned *line = &l->lines[row - rows];
        l->key = row->key;
        if (*line) {
            (void)snprintf(twice, sizeof(twice), "given twice, first in line %u", *line);
            return refuse(l, e, twice);
        }
        *line = line_of(l);
    }
    if (next_event(l, e) < 0 || (row ? take_node(l, row, e) : skip_node(l, e)) < 0)
        return -1;
    l->key = NULL;
    return 0;
}

/* stream, document, one mapping or nothing, end of document, end of stream */
static int load_stream(struct loader *l, struct err *e)
{
    if (next_event(l, e) < 0 || next_event(l, e) < 0)
        return -1;
    if (l->event.type == YAML_STREAM_END_EVENT)
        return 0; /* only comments */
    if (next_event(l, e) < 0)
        return -1;
    if (l->event.type == YAML_MAPPING_START_EVENT) {
        for (;;) {
            if (next_event(l, e) < 0)
                return -1;
            if (l->event.type == YAML_MAPPING_END_EVENT)
                break;
            if (load_key(l, e) < 0)
                return -1;
        }
    } else if (l->event.type != YAML_SCALAR_EVENT || !is_null(l)) {
        return refuse(l, e, "the front matter must be a mapping of keys to values");
    }
    if (next_event(l, e) < 0 || next_event(l, e) < 0)
        return -1;
    if (l->event.type != YAML_STREAM_END_EVENT)
        return refuse(l, e, "a second YAML document is not accepted");
    return 0;
}

static int load_front(struct arena *a, const struct front *f, struct model_card *card,
                      struct err *e)
{
    struct loader l = {.a = a, .card = card, .first_line = f->line};
    if (!yaml_parser_initialize(&l.parser))
        return ERR(e, LIMIT, "no memory for the YAML parser");
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)f->yaml.p, f->yaml.n);
    int rc = load_stream(&l, e);
    if (l.has_event)
        yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
    return rc;
}

/* ---- the title ---- */

/* A heading's text without Markdown's and HTML's marks: [text](address) leaves the text, images and
 * tags leave nothing. */
static struct str plain(struct str s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool image = c == '!' && i + 1 < s.n && s.p[i + 1] == '[';
        ptrdiff_t end;
        if (image && (end = str_chr(str_skip(s, i), ')')) > 0) {
            i += (size_t)end;
        } else if (c == '<' && (end = str_chr(str_skip(s, i), '>')) > 0) {
            i += (size_t)end;
        } else if (c == ']' && i + 1 < s.n && s.p[i + 1] == '(' &&
                   (end = str_chr(str_skip(s, i), ')')) > 0) {
            i += (size_t)end;
        } else if (c == '\\' && i + 1 < s.n) {
            out[n++] = s.p[++i];
        } else if (c != '*' && c != '`' && c != '[' && c != ']') {
            out[n++] = c;
        }
    }
    return str_trim(str_of(out, n));
}

/* 1 to 6 for "# text" and "<h1>text</h1>", with the text; else 0. */
static unsigned heading(struct str line, struct str *ret)
{
    unsigned level = 0;
    struct str s = str_trim(line);
    while (level < s.n && s.p[level] == '#')
        level++;
    if (level >= 1 && level <= 6 && level < s.n && (s.p[level] == ' ' || s.p[level] == '\t')) {
        s = str_trim(str_skip(s, level));
        struct str bare = s;
        while (bare.n && bare.p[bare.n - 1] == '#')
            bare.n--;
        if (bare.n == 0 || bare.p[bare.n - 1] == ' ')
            s = str_trim(bare);
        *ret = s;
        return level;
    }
    if (s.n > 4 && s.p[0] == '<' && (s.p[1] == 'h' || s.p[1] == 'H') && s.p[2] >= '1' &&
        s.p[2] <= '6' && (s.p[3] == '>' || s.p[3] == ' ')) {
        *ret = s;
        return (unsigned)(s.p[2] - '0');
    }
    return 0;
}

/* The level of a heading that this line makes of the text before it. */
static unsigned underline(struct str line)
{
    struct str s = str_trim(line);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != s.p[0])
            return 0;
    return s.n == 0 ? 0 : s.p[0] == '=' ? 1 : s.p[0] == '-' && s.n > 1 ? 2 : 0;
}

/* Within ``` or ~~~, or within a comment, nothing is a heading. */
struct blocks {
    char code; /* the fence's character, 0: outside */
    bool comment;
};

static bool hidden(struct blocks *b, struct str line)
{
    struct str s = str_trim(line);
    bool fence = str_starts(s, STR("```")) || str_starts(s, STR("~~~"));
    if (b->code) {
        if (fence && s.p[0] == b->code)
            b->code = 0;
        return true;
    }
    if (fence && !b->comment) {
        b->code = s.p[0];
        return true;
    }
    bool was = b->comment;
    if (str_starts(s, STR("<!--")))
        b->comment = true;
    was = was || b->comment;
    if (b->comment && memmem(s.p, s.n, "-->", 3))
        b->comment = false;
    return was;
}

static struct str find_title(struct arena *a, struct str text)
{
    char found[LIMIT_MODEL_TITLE];
    struct str title = STR_NULL, before = STR_NULL, head;
    struct blocks blocks = {0};
    unsigned level;

    while (text.p) {
        struct str line = cut_line(&text);
        bool is_hidden = hidden(&blocks, line);
        level = is_hidden ? 0 : heading(line, &head);
        if (!is_hidden && level == 0 && str_trim(before).n && (level = underline(line)))
            head = before;
        before = is_hidden || level ? STR_NULL : line;
        if (level == 0 || head.n > LIMIT_MODEL_TITLE)
            continue;
        struct str candidate = plain(head, found);
        struct str copy;
        if (candidate.n == 0 || (level > 1 && title.n))
            continue;
        if (model_text_copy(a, candidate, &copy, NULL) < 0 || copy.n == 0)
            continue;
        title = copy;
        if (level == 1)
            break;
    }
    return title;
}

int model_card_parse(struct arena *a, struct str readme, struct model_card *ret, struct err *e)
{
    struct model_card card = {.text_at = model_card_text_at(readme)};
    struct front f;

    if (find_front(readme, &f)) {
        if (f.open)
            return ERR(e, MODEL_INVALID,
                       "README.md, line %u: the front matter that begins here has no end; a line "
                       "\"---\" is missing",
                       f.line - 1);
        if (f.yaml.n > LIMIT_MODEL_CARD)
            return ERR(e, LIMIT, "README.md: the front matter is larger than %llu bytes",
                       LIMIT_MODEL_CARD);
        if (load_front(a, &f, &card, e) < 0)
            return -1;
    }
    card.title = find_title(a, str_skip(readme, card.text_at));
    *ret = card;
    return 0;
}
