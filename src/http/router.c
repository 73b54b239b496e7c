/* SPDX-License-Identifier: Apache-2.0 */
#include "http/router.h"

enum { PARAMS_MAX = 8 };

/* The last segment of *path (behind its last '/'); *path becomes what stands before that '/'. */
static struct str pop(struct str *path)
{
    ptrdiff_t slash = str_rchr(*path, '/');
    struct str last = slash < 0 ? *path : str_skip(*path, (size_t)slash + 1);
    *path = slash < 0 ? STR_NULL : str_head(*path, (size_t)slash);
    return last;
}

static bool capture(struct str pattern_segment, struct str *ret_name, bool *ret_many)
{
    if (!str_starts(pattern_segment, STR("{")) || !str_ends(pattern_segment, STR("}")))
        return false;
    struct str name = str_of(pattern_segment.p + 1, pattern_segment.n - 2);
    *ret_many = str_ends(name, STR("..."));
    if (*ret_many)
        name.n -= 3;
    *ret_name = name;
    return true;
}

/* What "{name...}" takes: at least one segment, none of them empty. */
static bool whole_segments(struct str s)
{
    if (s.n == 0 || s.p[0] == '/' || s.p[s.n - 1] == '/')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] == '/' && s.p[i - 1] == '/')
            return false;
    return true;
}

/* The segments of front (none of them "{name...}") are taken from the beginning of *path. */
static bool match_front(struct str front, struct str *path, struct http_param *params, size_t *n)
{
    while (front.p) {
        struct str want = str_cut(&front, '/'), got = str_cut(path, '/'), name;
        bool many;
        if (!path->p)
            return false; /* nothing is left for what follows */
        if (!capture(want, &name, &many)) {
            if (!str_eq(got, want))
                return false;
            continue;
        }
        if (got.n == 0 || *n == PARAMS_MAX)
            return false;
        params[(*n)++] = (struct http_param){.key = name, .value = got};
    }
    return true;
}

bool http_pattern_match(struct str pattern, struct str path, struct http_param *params,
                        size_t *ret_n)
{
    size_t n = 0;
    /* Both begin with '/': compare the segments behind it, right to left. */
    if (path.n == 0 || path.p[0] != '/')
        return false;
    pattern = str_skip(pattern, 1);
    path = str_skip(path, 1);
    while (pattern.p && path.p) {
        struct str want = pop(&pattern), name;
        bool many;
        if (!capture(want, &name, &many)) {
            if (!str_eq(pop(&path), want))
                return false;
            continue;
        }
        struct str value;
        if (many) {
            /* What is left of the pattern is matched from the left; the rest of the path is ours.
             */
            if (!match_front(pattern, &path, params, &n))
                return false;
            value = path;
            if (!whole_segments(value) || n == PARAMS_MAX)
                return false;
            params[n++] = (struct http_param){.key = name, .value = value};
            *ret_n = n;
            return true;
        }
        value = pop(&path);
        if (value.n == 0 || n == PARAMS_MAX)
            return false;
        params[n++] = (struct http_param){.key = name, .value = value};
    }
    if (pattern.p || path.p)
        return false;
    *ret_n = n;
    return true;
}

static const struct http_group *group_of(const struct http_app *app, struct str path)
{
    const struct http_group *best = NULL;
    for (size_t i = 0; i < app->n_groups; i++) {
        const struct http_group *g = &app->groups[i];
        struct str prefix = str_from(g->prefix);
        /* "/v2/" also takes "/v2". */
        bool fits = str_starts(path, prefix) ||
                    (prefix.n > 1 && str_eq(path, str_head(prefix, prefix.n - 1)));
        if (fits && (!best || prefix.n > strlen(best->prefix)))
            best = g;
    }
    return best ? best : &app->groups[app->n_groups - 1];
}

static void find_in(const struct http_group *g, enum http_method method, struct str path,
                    struct http_match *ret)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct http_route *r = &g->routes[i];
        struct http_param params[PARAMS_MAX];
        size_t n;
        /* One method, one route: the first row that fits. */
        if ((ret->methods & 1u << r->method) ||
            !http_pattern_match(str_from(r->pattern), path, params, &n))
            continue;
        ret->methods |= 1u << r->method;
        if (r->method == method) {
            ret->group = g;
            ret->route = r;
            ret->n_params = n;
            memcpy(ret->params, params, n * sizeof(params[0]));
        }
    }
}

void http_route_find(const struct http_app *app, enum http_method method, struct str path,
                     struct http_match *ret)
{
    const struct http_group *first = group_of(app, path);

    *ret = (struct http_match){.group = first};
    for (const struct http_group *g = first; g < app->groups + app->n_groups; g++)
        if (strcmp(g->prefix, first->prefix) == 0)
            find_in(g, method, path, ret);
}

const char *http_method_name(enum http_method m)
{
    static const char *const names[HTTP_METHOD_COUNT] = {
        [HTTP_GET] = "GET",     [HTTP_POST] = "POST",     [HTTP_PUT] = "PUT",
        [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    };
    return names[m];
}

void http_allow(unsigned methods, struct buf *out)
{
    for (int m = 0; m < HTTP_METHOD_COUNT; m++)
        if (methods & 1u << m)
            buf_addf(out, "%s%s, ", http_method_name((enum http_method)m),
                     m == HTTP_GET ? ", HEAD" : "");
    buf_addz(out, "OPTIONS");
}
