/* SPDX-License-Identifier: Apache-2.0 */
#include "api/filter.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

enum { NAME_MAX_BYTES = 64 };

/* ---- names ---- */

/* "CreationTime" → "creation_time", "ProjectID" → "project_id". false: too long for any field. */
static bool snake(struct str name, char out[NAME_MAX_BYTES])
{
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool after_lower = i > 0 && name.p[i - 1] >= 'a' && name.p[i - 1] <= 'z';
        if (n + 3 > NAME_MAX_BYTES)
            return false;
        if (upper && after_lower)
            out[n++] = '_';
        out[n++] = upper ? (char)(c - 'A' + 'a') : c;
    }
    out[n] = '\0';
    return true;
}

/* What clients of an older form write behind a name. */
static const struct {
    const char *suffix;
    char as; /* the form of q that it stands for; '=' exact */
} suffixes[] = {
    {"__icontains", '~'}, {"__exact", '='}, {"__in", '='}, {"__gte", '>'}, {"__lte", '<'},
};

static const struct db_field *find_field(const struct db_list *l, struct str name, char *ret_as)
{
    char text[NAME_MAX_BYTES];

    *ret_as = '=';
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (!str_ends(name, str_from(suffixes[i].suffix)))
            continue;
        name = str_head(name, name.n - strlen(suffixes[i].suffix));
        *ret_as = suffixes[i].as;
        break;
    }
    return snake(name, text) ? db_list_field(l, str_from(text)) : NULL;
}

/* ---- values ---- */

static struct str unquoted(struct str s)
{
    bool quoted = s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0];
    return quoted ? str_of(s.p + 1, s.n - 2) : s;
}

static int refuse(const struct db_field *f, struct str text, const char *what, struct err *e)
{
    return ERR(e, BAD_REQUEST, "q: %s=%.*s: %s", f->name, S(str_head(text, 80)), what);
}

/* A time with or without a zone; without one it is UTC. */
static bool read_time(struct str text, int64_t *ret)
{
    char zoned[CLOCK_TEXT_MAX];

    if (clock_parse_rfc3339(text, ret))
        return true;
    if (text.n + 2 > sizeof(zoned))
        return false;
    memcpy(zoned, text.p, text.n);
    zoned[text.n] = 'Z';
    return clock_parse_rfc3339(str_of(zoned, text.n + 1), ret);
}

static int read_value(const struct db_field *f, struct str text, struct db_arg *ret, struct err *e)
{
    int64_t number = 0;
    bool truth = false;

    text = unquoted(text);
    switch (f->type) {
    case DB_FIELD_TEXT:
        *ret = DB_TEXT(text);
        return 0;
    case DB_FIELD_I64:
        if (!str_i64(text, INT64_MIN, INT64_MAX, &number))
            return refuse(f, text, "a whole number is expected", e);
        break;
    case DB_FIELD_BOOL:
        if (!str_bool(text, &truth))
            return refuse(f, text, "true or false is expected", e);
        number = truth;
        break;
    case DB_FIELD_TIME:
        if (!read_time(text, &number))
            return refuse(f, text, "a time such as 2026-01-02T15:04:05 is expected", e);
        break;
    }
    *ret = DB_I64(number);
    return 0;
}

/* ---- the forms ---- */

static int add(struct db_match *m, const struct db_field *f, enum db_match_op op,
               const struct db_arg *values, size_t n, struct str text, struct err *e)
{
    if (!db_list_takes(f, op))
        return refuse(f, text, "this field cannot be asked in this form", e);
    *m = (struct db_match){.field = f, .op = op, .values = values, .n = n};
    return 0;
}

static int read_range(struct arena *a, const struct db_field *f, struct str text,
                      struct db_match *ret, struct err *e)
{
    struct db_arg *ends = ARENA_ARRAY(a, 2, struct db_arg);
    struct str max = text, min = str_cut(&max, '~');

    if (!max.p)
        return refuse(f, text, "a range is written [from~to]", e);
    ends[0] = ends[1] = DB_NULL;
    if ((min.n && read_value(f, min, &ends[0], e) < 0) ||
        (max.n && read_value(f, max, &ends[1], e) < 0))
        return -1;
    return add(ret, f, DB_MATCH_RANGE, ends, 2, text, e);
}

static int read_many(struct arena *a, const struct db_field *f, struct str text,
                     enum db_match_op op, struct db_match *ret, struct err *e)
{
    struct db_arg *values = ARENA_ARRAY(a, LIMIT_FILTER_TERMS, struct db_arg);
    struct str rest = str_trim(text);
    size_t n = 0;

    while (rest.n) {
        struct str word = str_cut(&rest, ' ');
        if (word.n == 0)
            continue;
        if (n == LIMIT_FILTER_TERMS)
            return refuse(f, text, "there are too many values", e);
        if (read_value(f, word, &values[n++], e) < 0)
            return -1;
    }
    if (n == 0)
        return refuse(f, text, "there is no value", e);
    return add(ret, f, op, values, n, text, e);
}

/* "[a~b]", "{a b}" or "(a b)": what stands inside; false when it does not end as it began. */
static bool inside(struct str value, char close, struct str *ret)
{
    if (value.n < 2 || value.p[value.n - 1] != close)
        return false;
    *ret = str_of(value.p + 1, value.n - 2);
    return true;
}

static int read_one(struct arena *a, const struct db_field *f, char as, struct str value,
                    struct db_match *ret, struct err *e)
{
    struct db_arg *arg = ARENA_ARRAY(a, 2, struct db_arg);

    if (as == '<' || as == '>') {
        arg[0] = arg[1] = DB_NULL;
        if (read_value(f, value, &arg[as == '<'], e) < 0)
            return -1;
        return add(ret, f, DB_MATCH_RANGE, arg, 2, value, e);
    }
    if (as == '~') {
        arg[0] = DB_TEXT(unquoted(value));
        return add(ret, f, DB_MATCH_CONTAINS, arg, 1, value, e);
    }
    /* A backslash takes its meaning from a first character that has one. */
    if (value.n >= 2 && value.p[0] == '\\')
        value = str_skip(value, 1);
    if (read_value(f, value, &arg[0], e) < 0)
        return -1;
    return add(ret, f, DB_MATCH_EXACT, arg, 1, value, e);
}

static int read_match(struct arena *a, const struct db_field *f, char as, struct str value,
                      struct db_match *ret, struct err *e)
{
    struct str in;
    char first = value.n ? value.p[0] : '\0';

    if (as == '=' && first == '~')
        return read_one(a, f, '~', str_skip(value, 1), ret, e);
    if (as == '=' && first == '[')
        return inside(value, ']', &in) ? read_range(a, f, in, ret, e)
                                       : refuse(f, value, "the range is not closed by ]", e);
    if (as == '=' && first == '{')
        return inside(value, '}', &in) ? read_many(a, f, in, DB_MATCH_ANY, ret, e)
                                       : refuse(f, value, "the list is not closed by }", e);
    if (as == '=' && first == '(')
        return inside(value, ')', &in) ? read_many(a, f, in, DB_MATCH_ALL, ret, e)
                                       : refuse(f, value, "the list is not closed by )", e);
    return read_one(a, f, as, value, ret, e);
}

int api_filter_q(struct arena *a, const struct db_list *l, struct str q, struct db_list_query *ret,
                 struct err *e)
{
    struct db_match *matches = ARENA_ARRAY(a, LIMIT_FILTER_TERMS, struct db_match);
    struct str rest = q;
    size_t n = 0;
    char as;

    while (rest.n) {
        struct str value = str_cut(&rest, ',');
        struct str name = str_trim(str_cut(&value, '='));
        if (name.n == 0 || !value.p)
            return ERR(e, BAD_REQUEST, "q: \"%.*s\" is not written name=value",
                       S(str_head(name, 80)));
        const struct db_field *f = find_field(l, name, &as);
        if (!f)
            continue;
        if (n == LIMIT_FILTER_TERMS)
            return ERR(e, BAD_REQUEST, "q: there are more than %d conditions", LIMIT_FILTER_TERMS);
        if (read_match(a, f, as, value, &matches[n++], e) < 0)
            return -1;
    }
    ret->matches = matches;
    ret->n_matches = n;
    return 0;
}

int api_filter_sort(struct arena *a, const struct db_list *l, struct str sort,
                    struct db_list_query *ret, struct err *e)
{
    struct db_sort *sorts = ARENA_ARRAY(a, LIMIT_FILTER_TERMS, struct db_sort);
    struct str rest = sort;
    size_t n = 0;
    char as;

    while (rest.n) {
        struct str name = str_trim(str_cut(&rest, ','));
        bool descending = name.n && name.p[0] == '-';
        const struct db_field *f = find_field(l, descending ? str_skip(name, 1) : name, &as);
        if (!f || f->exists)
            continue;
        if (n == LIMIT_FILTER_TERMS)
            return ERR(e, BAD_REQUEST, "sort: there are more than %d fields", LIMIT_FILTER_TERMS);
        sorts[n++] = (struct db_sort){.field = f, .descending = descending};
    }
    ret->sorts = sorts;
    ret->n_sorts = n;
    return 0;
}
