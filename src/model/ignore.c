/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ignore.h"

#include "base/glob.h"
#include "base/limits.h"

/* Without the blanks at its end, except one that a backslash stands before. */
static struct str without_blanks(struct str line)
{
    size_t end = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\\' && i + 1 < line.n)
            end = ++i + 1;
        else if (line.p[i] != ' ')
            end = i + 1;
    }
    return str_head(line, end);
}

/* 1 a pattern, 0 the line says nothing. */
static int parse_line(struct str line, struct ignore_line *ret, const char **ret_wrong)
{
    struct ignore_line l = {.take = false};

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n && line.p[0] == '#')
        return 0;
    line = without_blanks(line);
    if (line.n == 0)
        return 0;
    l.take = line.p[0] == '!';
    line = str_skip(line, l.take);
    l.dirs_only = line.n && line.p[line.n - 1] == '/';
    line.n -= l.dirs_only;
    l.rooted = str_chr(line, '/') >= 0;
    if (line.n && line.p[0] == '/')
        line = str_skip(line, 1);
    l.glob = line;
    *ret_wrong = glob_wrong(line);
    *ret = l;
    return 1;
}

int ignore_parse(struct arena *a, const char *name, struct str text, struct ignore *ret,
                 struct err *e)
{
    struct ignore ig = {.n = 0};
    unsigned number = 0;
    size_t cap = 0;

    if (text.n > LIMIT_IGNORE_FILE)
        return ERR(e, LIMIT, "%s is larger than %llu bytes", name, LIMIT_IGNORE_FILE);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    for (struct str rest = text; rest.p;) {
        struct str line = str_cut(&rest, '\n');
        struct ignore_line l;
        const char *wrong = NULL;
        number++;
        if (parse_line(line, &l, &wrong) == 0)
            continue;
        if (wrong)
            return ERR(e, MODEL_INVALID, "%s, line %u: the pattern %s", name, number, wrong);
        if (ig.n == LIMIT_GLOBS)
            return ERR(e, LIMIT, "%s, line %u: more than %d patterns", name, number, LIMIT_GLOBS);
        if (ig.n == cap) {
            cap = cap ? cap * 2 : 16;
            struct ignore_line *more = arena_try(a, cap * sizeof(*more), e);
            if (!more)
                return -1;
            if (ig.n)
                memcpy(more, ig.lines, ig.n * sizeof(*more));
            ig.lines = more;
        }
        ig.lines[ig.n++] = l;
    }
    *ret = ig;
    return 0;
}

bool ignore_entry(const struct ignore *ig, struct str path, bool is_dir)
{
    ptrdiff_t slash = str_rchr(path, '/');
    struct str name = slash < 0 ? path : str_skip(path, (size_t)slash + 1);
    for (size_t i = ig->n; i > 0; i--) {
        const struct ignore_line *l = &ig->lines[i - 1];
        if ((is_dir || !l->dirs_only) && glob_match(l->glob, l->rooted ? path : name))
            return !l->take;
    }
    return false;
}
