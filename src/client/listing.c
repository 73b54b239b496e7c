/* SPDX-License-Identifier: Apache-2.0 */
#include "client/listing.h"

#include "base/limits.h"
#include "http/url.h"

#include <stdio.h>

/* What is asked for: the most that registries give. */
#define PAGE 1000

#define AUTO_ANSWER __attribute__((cleanup(http_answer_autodone))) struct http_answer

static struct str skip_blanks(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    return s;
}

/* One parameter behind the address: ';' name '=' value. False: there is no more of this link. */
static bool take_param(struct str *rest, struct str *ret_name, struct str *ret_value)
{
    struct str s = skip_blanks(*rest);
    size_t n = 0;
    if (s.n == 0 || s.p[0] != ';')
        return false;
    s = skip_blanks(str_skip(s, 1));
    while (n < s.n && s.p[n] != '=' && s.p[n] != ';' && s.p[n] != ',')
        n++;
    *ret_name = str_trim(str_head(s, n));
    *ret_value = STR_NULL;
    s = str_skip(s, n);
    if (s.n && s.p[0] == '=') {
        s = skip_blanks(str_skip(s, 1));
        bool quoted = s.n && s.p[0] == '"';
        n = quoted ? 1 : 0;
        while (n < s.n && (quoted ? s.p[n] != '"' : s.p[n] != ';' && s.p[n] != ','))
            n++;
        *ret_value = quoted ? str_skip(str_head(s, n), 1) : str_trim(str_head(s, n));
        s = str_skip(s, quoted ? n + 1 : n);
    }
    *rest = s;
    return true;
}

struct str listing_link_next(struct str field)
{
    struct str name, value;
    for (;;) {
        struct str s = field = skip_blanks(field);
        if (s.n == 0 || s.p[0] != '<')
            return STR_NULL;
        ptrdiff_t end = str_chr(s, '>');
        if (end < 0)
            return STR_NULL;
        struct str target = str_of(s.p + 1, (size_t)end - 1);
        bool next = false;
        field = str_skip(s, (size_t)end + 1);
        while (take_param(&field, &name, &value))
            next = next || (str_ieq(name, STR("rel")) && str_ieq(value, STR("next")));
        if (next)
            return target;
        field = skip_blanks(field);
        if (field.n == 0 || field.p[0] != ',')
            return STR_NULL;
        field = str_skip(field, 1);
    }
}

/* The next page's address into url: 1, 0 there is none. Only its path counts: registries behind
 * proxies often do not know their own scheme and host. */
static int next_page(const struct transport *t, const struct http_answer *a, struct buf *url,
                     struct err *e)
{
    AUTO(buf) full = {0};
    AUTO(buf) next = {0};
    struct str field, target = STR_NULL;
    size_t at = 0;

    while (!target.p && http_answer_next(a, "Link", &at, &field))
        target = listing_link_next(field);
    if (!target.p)
        return 0;
    buf_init(&full, LIMIT_CLIENT_URL);
    buf_init(&next, LIMIT_CLIENT_URL);
    if (http_url_resolve(a->url.p, target, &full, e) < 0)
        return -1;
    const char *path = strchr(strstr(full.p, "://") + 3, '/');
    buf_addf(&next, "%s%s", transport_base(t), path ? path : "/");
    if (!buf_ok(&next) || str_eq(buf_str(&next), buf_str(url)))
        return ERR(e, REMOTE, "the registry's list leads nowhere: its next page is the same again");
    buf_reset(url);
    buf_adds(url, buf_str(&next));
    return 1;
}

/* A list under way. */
struct paging {
    struct transport *t;
    enum transport_access access;
    const char *const *headers;
    const char *doing;
    /* Takes a page. */
    int (*page)(void *self, const struct http_answer *a, struct err *e);
    void *self;
};

/* 1 all pages were taken, 0 the registry does not have the first (404, 405, and 400 where it is
 * said so), -1. */
static int pages(const struct paging *g, const char *path, bool with_size, bool may_lack,
                 struct err *e)
{
    AUTO_ANSWER a;
    AUTO(buf) url = {0};

    http_answer_init(&a);
    buf_init(&url, LIMIT_CLIENT_URL);
    if (transport_url(g->t, &url, e, with_size ? "%s?n=%d" : "%s", path, PAGE) < 0)
        return -1;
    for (unsigned i = 0; i < LIMIT_CLIENT_PAGES; i++) {
        const struct transport_request rq = {
            .method = "GET", .url = url.p, .headers = g->headers, .body_max = LIMIT_CLIENT_LIST};
        if (transport_ask(g->t, g->access, &rq, &a, e) < 0)
            return -1;
        if (i == 0 && a.status == 400 && with_size) {
            /* Its pages are smaller. */
            with_size = false;
            if (transport_url(g->t, &url, e, "%s", path) < 0)
                return -1;
            continue;
        }
        if (i == 0 && may_lack && (a.status == 404 || a.status == 405 || a.status == 400))
            return 0;
        if (a.status != 200)
            return transport_refused(&a, g->doing, e);
        if (g->page(g->self, &a, e) < 0)
            return -1;
        int rc = next_page(g->t, &a, &url, e);
        if (rc <= 0)
            return rc < 0 ? -1 : 1;
    }
    return ERR(e, LIMIT, "%s: the list has more than %d pages", g->doing, LIMIT_CLIENT_PAGES);
}

/* Names, gathered. */
struct names {
    struct arena *a;
    const char *key; /* of the list in a page */
    bool are_tags;
    struct str *list; /* grows outside the arena */
    size_t n, cap;
};

static void names_autodone(struct names *v)
{
    mem_free(v->list);
}

static bool is_name(const struct names *v, struct str s)
{
    struct repo_name repo;
    struct tag tag;
    return v->are_tags ? tag_parse(s, &tag, NULL) == 0 : repo_name_parse(s, &repo, NULL) == 0;
}

static int names_page(void *self, const struct http_answer *a, struct err *e)
{
    struct names *v = self;
    const json_t *one;
    size_t i;

    AUTO_JSON doc = json_load(buf_str(&a->body), ERR_REMOTE, e);
    if (!doc)
        return err_wrap(e, "the registry's list");
    const json_t *list = json_object_get(doc, v->key);
    if (list && !json_is_array(list) && !json_is_null(list))
        return ERR(e, REMOTE, "the registry's list is none: \"%s\" is no list", v->key);
    json_array_foreach(list, i, one)
    {
        struct str s = str_of(json_string_value(one), json_string_length(one));
        if (!json_is_string(one) || !is_name(v, s))
            return ERR(e, REMOTE, "the registry lists something that is no %s",
                       v->are_tags ? "tag" : "name of a repository");
        if (v->n == v->cap) {
            v->cap = v->cap ? 2 * v->cap : 64;
            v->list = mem_realloc(v->list, v->cap * sizeof(*v->list));
        }
        char *copy = arena_try(v->a, s.n + 1, e);
        if (!copy)
            return err_wrap(e, "the registry's list");
        memcpy(copy, s.p, s.n);
        v->list[v->n++] = str_of(copy, s.n);
    }
    return 0;
}

static int list_names(struct names *v, const struct paging *g, const char *path,
                      struct listing *ret, struct err *e)
{
    if (pages(g, path, true, false, e) < 0)
        return -1;
    struct str *list = arena_try(v->a, v->n * sizeof(*list) + 1, e);
    if (!list)
        return -1;
    if (v->n)
        memcpy(list, v->list, v->n * sizeof(*list));
    *ret = (struct listing){.names = list, .n = v->n};
    return 0;
}

int listing_catalog(struct transport *t, struct arena *a, struct listing *ret, struct err *e)
{
    AUTO(names) v = {.a = a, .key = "repositories"};
    const struct paging g = {.t = t,
                             .access = TRANSPORT_PING,
                             .doing = "listing repositories",
                             .page = names_page,
                             .self = &v};
    return list_names(&v, &g, "/v2/_catalog", ret, e);
}

int listing_tags(struct transport *t, enum transport_access access, const char *repo,
                 struct arena *a, struct listing *ret, struct err *e)
{
    AUTO(names) v = {.a = a, .key = "tags", .are_tags = true};
    const struct paging g = {
        .t = t, .access = access, .doing = "listing tags", .page = names_page, .self = &v};
    AUTO_FREE char *path = mem_printf("/v2/%s/tags/list", repo);
    return list_names(&v, &g, path, ret, e);
}

struct found {
    struct arena *a;
    struct oci_descriptor *list; /* grows outside the arena */
    size_t n;
};

static void found_autodone(struct found *f)
{
    mem_free(f->list);
}

static int referrers_page(void *self, const struct http_answer *a, struct err *e)
{
    struct found *f = self;
    struct oci_manifest m;
    if (oci_manifest_parse(f->a, buf_str(&a->body), STR(OCI_TYPE_INDEX), &m, e) < 0) {
        if (e->code != ERR_LIMIT)
            e->code = ERR_REMOTE;
        return err_wrap(e, "the registry's list of referrers");
    }
    if (m.n_items > LIMIT_DESCRIPTORS - f->n)
        return ERR(e, LIMIT, "more than %d manifests refer to one", LIMIT_DESCRIPTORS);
    if (m.n_items == 0)
        return 0;
    f->list = mem_realloc(f->list, (f->n + m.n_items) * sizeof(*f->list));
    memcpy(f->list + f->n, m.items, m.n_items * sizeof(*f->list));
    f->n += m.n_items;
    return 0;
}

int listing_referrers(struct transport *t, enum transport_access access, const char *repo,
                      const struct digest *subject, struct arena *a, struct listing_referrers *ret,
                      struct err *e)
{
    static const char *const accept[] = {"Accept: " OCI_TYPE_INDEX, NULL};
    AUTO(found) f = {.a = a};
    const struct paging g = {.t = t,
                             .access = access,
                             .headers = accept,
                             .doing = "listing referrers",
                             .page = referrers_page,
                             .self = &f};
    AUTO_FREE char *path = mem_printf("/v2/%s/referrers/%s", repo, subject->text);
    int rc = pages(&g, path, false, true, e);
    if (rc < 0)
        return -1;
    struct oci_descriptor *items = arena_try(a, f.n * sizeof(*items) + 1, e);
    if (!items)
        return -1;
    if (f.n)
        memcpy(items, f.list, f.n * sizeof(*items));
    *ret = (struct listing_referrers){.items = items, .n = f.n, .supported = rc > 0};
    return 0;
}
