/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and tags by hand-written scanners: one pass, no backtracking, so that the cost of a name is
 * its length whatever a stranger writes.
 */
#include "oci/name.h"

#include "base/mem.h"

/* As much of a refused text as an error repeats. */
#define QUOTE_MAX 100

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_tag_start(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Length of the separator at the start of s: one '.', one or two '_', any number of '-'; 0 if none.
 */
static size_t separator(struct str s)
{
    size_t n = 0;
    if (s.n == 0)
        return 0;
    if (s.p[0] == '.')
        return 1;
    if (s.p[0] == '_')
        return s.n > 1 && s.p[1] == '_' ? 2 : 1;
    while (n < s.n && s.p[n] == '-')
        n++;
    return n;
}

/* Why a component breaks the grammar [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, or NULL. */
static const char *component_fault(struct str s)
{
    if (s.n == 0)
        return "has an empty component";
    for (;;) {
        size_t n = 0;
        while (n < s.n && is_lower_alnum(s.p[n]))
            n++;
        if (n == 0)
            return "has a component that does not begin and end with a lower-case letter or digit, "
                   "or separators that may not follow one another";
        s = str_skip(s, n);
        if (s.n == 0)
            return NULL;
        n = separator(s);
        if (n == 0)
            return "holds a character other than lower-case letters, digits and . _ - /";
        s = str_skip(s, n);
    }
}

int repo_name_parse(struct str s, struct repo_name *ret, struct err *e)
{
    if (s.n == 0)
        return ERR(e, NAME_INVALID, "the repository name is empty");
    if (s.n > LIMIT_REPO_NAME)
        return ERR(e, NAME_INVALID, "the repository name has %zu characters, more than %d", s.n,
                   LIMIT_REPO_NAME);
    struct str rest = s;
    size_t project_n = 0;
    do {
        struct str component = str_cut(&rest, '/');
        const char *fault = component_fault(component);
        if (fault)
            return ERR(e, NAME_INVALID, "the repository name \"%.*s\" %s",
                       S(str_head(s, QUOTE_MAX)), fault);
        if (project_n == 0)
            project_n = component.n;
    } while (rest.p);
    *ret = (struct repo_name){.project_n = project_n};
    memcpy(ret->text, s.p, s.n);
    return 0;
}

struct str repo_name_str(const struct repo_name *n)
{
    return str_from(n->text);
}

struct str repo_name_project(const struct repo_name *n)
{
    return str_of(n->text, n->project_n);
}

struct str repo_name_rest(const struct repo_name *n)
{
    struct str all = repo_name_str(n);
    return str_skip(all, n->project_n + 1);
}

bool repo_name_reserved(struct str project)
{
    static const char *const reserved[] = {
        "api",    "v2",      "c",      "service", "account", "harbor",  "datasets",
        "spaces", "kernels", "models", "oauth",   "assets",  "metrics", "as-image",
    };
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (str_ieq(project, str_from(reserved[i])))
            return true;
    return false;
}

int tag_parse(struct str s, struct tag *ret, struct err *e)
{
    if (s.n == 0)
        return ERR(e, TAG_INVALID, "the tag is empty");
    if (s.n > LIMIT_TAG)
        return ERR(e, TAG_INVALID, "the tag has %zu characters, more than %d", s.n, LIMIT_TAG);
    if (!is_tag_start(s.p[0]))
        return ERR(e, TAG_INVALID,
                   "the tag \"%.*s\" does not begin with a letter, a digit or an underscore", S(s));
    for (size_t i = 1; i < s.n; i++)
        if (!is_tag_start(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
            return ERR(e, TAG_INVALID,
                       "the tag \"%.*s\" holds a character other than letters, digits and . _ -",
                       S(s));
    *ret = (struct tag){.text = ""};
    memcpy(ret->text, s.p, s.n);
    return 0;
}
