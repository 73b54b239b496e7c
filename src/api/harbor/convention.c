/* SPDX-License-Identifier: Apache-2.0 */
/* The conventions of Harbor's API: bodies, pages, filters, answers, names in addresses. */
#include "api/filter.h"
#include "api/harbor/harbor.h"
#include "api/linked.h"
#include "base/mem.h"
#include "http/target.h"

#define JSON_TYPE "application/json; charset=utf-8"

enum { PAGE_SIZE = 10 };

static const struct api_contract *contract(const struct http_req *rq)
{
    BUG_ON(!rq->route->contract);
    return rq->route->contract;
}

/* ---- requests ---- */

int harbor_body(struct http_req *rq, void *ret, struct api_given *ret_given, struct err *e)
{
    const struct api_contract *c = contract(rq);

    if (api_object_read(&rq->arena, c->takes, rq->body, ret, ret_given, e) < 0)
        return -1;
    if (!c->resolve)
        return 0;
    if (c->resolve(rq, ret, e) < 0)
        return -1;
    return access_check(api_identity(rq), api_target(rq), (enum permission)c->permission, e);
}

int harbor_param_id(struct http_req *rq, const char *name, int64_t *ret, struct err *e)
{
    struct str text = http_param(rq, name);

    if (!str_i64(text, INT64_MIN, INT64_MAX, ret))
        return ERR(e, UNPROCESSABLE, "%s in path must be a number, not \"%.*s\"", name,
                   S(str_head(text, 40)));
    return 0;
}

int harbor_query_bool(struct http_req *rq, const char *name, bool deflt, bool *ret, struct err *e)
{
    struct str text = http_query(rq, name);

    *ret = deflt;
    if (text.n && !str_bool(text, ret))
        return ERR(e, UNPROCESSABLE, "%s in query must be true or false, not \"%.*s\"", name,
                   S(str_head(text, 40)));
    return 0;
}

/* A number of the query from 1 to max. */
static int query_number(struct http_req *rq, const char *name, int64_t deflt, int64_t max,
                        int64_t *ret, struct err *e)
{
    struct str text = http_query(rq, name);

    *ret = deflt;
    if (text.n && !str_i64(text, 1, max, ret))
        return ERR(e, UNPROCESSABLE, "%s in query must be a number from 1 to %lld, not \"%.*s\"",
                   name, (long long)max, S(str_head(text, 40)));
    return 0;
}

static int page_of(struct http_req *rq, int64_t *ret_page, int64_t *ret_size, struct err *e)
{
    if (query_number(rq, "page", 1, INT32_MAX, ret_page, e) < 0)
        return -1;
    return query_number(rq, "page_size", PAGE_SIZE, LIMIT_API_PAGE, ret_size, e);
}

int harbor_page_query(struct http_req *rq, int64_t *ret_offset, int64_t *ret_limit, struct err *e)
{
    int64_t page;

    if (page_of(rq, &page, ret_limit, e) < 0)
        return -1;
    *ret_offset = (page - 1) * *ret_limit;
    return 0;
}

int harbor_list_query(struct http_req *rq, struct db_list_query *ret, struct err *e)
{
    const struct db_list *l = contract(rq)->list;
    struct db_list_query q = {0};
    struct str text;
    int64_t page;

    if (page_of(rq, &page, &q.limit, e) < 0 ||
        http_unescape(&rq->arena, http_query(rq, "q"), &text, e) < 0 ||
        api_filter_q(&rq->arena, l, text, &q, e) < 0 ||
        api_filter_sort(&rq->arena, l, http_query(rq, "sort"), &q, e) < 0)
        return -1;
    q.offset = (page - 1) * q.limit;
    *ret = q;
    return 0;
}

void harbor_list_match(struct http_req *rq, struct db_list_query *q, const char *field,
                       enum db_match_op op, struct db_arg value)
{
    struct db_match *all = ARENA_ARRAY(&rq->arena, q->n_matches + 1, struct db_match);
    struct db_arg *v = ARENA_NEW(&rq->arena, struct db_arg);

    for (size_t i = 0; i < q->n_matches; i++)
        all[i] = q->matches[i];
    *v = value;
    all[q->n_matches] = (struct db_match){
        .field = db_list_field(contract(rq)->list, str_from(field)), .op = op, .values = v, .n = 1};
    BUG_ON(!all[q->n_matches].field);
    q->matches = all;
    q->n_matches++;
}

/* ---- answers ---- */

static int reply_json(struct http_req *rq, struct buf *take)
{
    int status = contract(rq)->status;
    return http_reply_buf(rq, status ? status : 200, JSON_TYPE, take);
}

int harbor_reply_as(struct http_req *rq, const struct api_object *o, const void *from)
{
    struct json_writer w;
    struct buf out;

    buf_init(&out, LIMIT_API_ANSWER);
    jsonw_init(&w, &out);
    api_object_write(&w, o, from);
    return reply_json(rq, &out);
}

int harbor_reply(struct http_req *rq, const void *from)
{
    return harbor_reply_as(rq, contract(rq)->gives, from);
}

int harbor_reply_all(struct http_req *rq, const void *items, size_t n)
{
    struct json_writer w;
    struct buf out;

    buf_init(&out, LIMIT_API_ANSWER);
    jsonw_init(&w, &out);
    api_objects_write(&w, contract(rq)->gives, items, n);
    return reply_json(rq, &out);
}

/* The address of another page: the same, with page and page_size in the place of those given. */
static void add_link(struct http_req *rq, struct buf *out, int64_t page, int64_t size,
                     const char *rel)
{
    buf_addf(out, "%s<", out->n ? " , " : "");
    buf_adds(out, rq->raw_path);
    buf_addf(out, "?page=%lld&page_size=%lld", (long long)page, (long long)size);
    for (size_t i = 0; i < rq->n_query; i++) {
        const struct http_param *q = &rq->query[i];
        if (str_eqz(q->key, "page") || str_eqz(q->key, "page_size"))
            continue;
        buf_addc(out, '&');
        buf_add_url(out, q->key, NULL);
        buf_addc(out, '=');
        buf_add_url(out, q->value, NULL);
    }
    buf_addf(out, ">; rel=\"%s\"", rel);
}

int harbor_reply_list(struct http_req *rq, const struct db_page *found)
{
    AUTO(buf) link = {0};
    struct json_writer w;
    struct buf out;
    int64_t page, size;
    struct err ignored;

    BUG_ON(page_of(rq, &page, &size, &ignored) < 0); /* harbor_list_query has read it */
    buf_init(&out, LIMIT_API_ANSWER);
    jsonw_init(&w, &out);
    api_objects_write(&w, contract(rq)->gives, found->v, found->n);
    buf_init(&link, LIMIT_HTTP_URI * 2);
    if (page > 1)
        add_link(rq, &link, page - 1, size, "prev");
    if (page * size < found->total)
        add_link(rq, &link, page + 1, size, "next");
    http_set_headerf(rq, "X-Total-Count", "%lld", (long long)found->total);
    if (link.n && buf_ok(&link))
        http_set_header(rq, "Link", buf_str(&link));
    return reply_json(rq, &out);
}

static void set_location(struct http_req *rq, int64_t id)
{
    struct str path = rq->raw_path;

    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    http_set_headerf(rq, "Location", "%.*s/%lld", S(path), (long long)id);
}

int harbor_reply_created(struct http_req *rq, int64_t id)
{
    set_location(rq, id);
    return http_reply_empty(rq, 201);
}

int harbor_reply_made(struct http_req *rq, int64_t id, const void *from)
{
    set_location(rq, id);
    return harbor_reply(rq, from);
}

struct project_visibility harbor_visibility(const struct http_req *rq)
{
    return api_visibility(rq);
}

/* ---- names in addresses ---- */

/* Fills the target from what was found: 1, 0, -1. */
static int resolve_found(struct http_req *rq, int found, const struct project *p, struct err *e)
{
    struct access_target *t = rq->target;

    if (found <= 0)
        return found;
    t->project_id = p->id;
    t->project_created_ms = p->created_ms;
    return access_roles(api_app(rq)->access, api_identity(rq), p->id, p->is_public, &t->roles, e);
}

int harbor_target_project(struct http_req *rq, int64_t project, struct err *e)
{
    struct project p = {0};

    rq->target = ARENA_NEW(&rq->arena, struct access_target);
    api_target(rq)->of_system = project == 0;
    int found =
        project == 0 ? 0 : project_find_by_id(&api_app(rq)->registry, &rq->arena, project, &p, e);
    return resolve_found(rq, found, &p, e);
}

int harbor_resolve_project(struct http_req *rq, struct err *e)
{
    struct app *app = api_app(rq);
    struct str text = http_param(rq, "project");
    struct project p = {0};
    int64_t id;
    bool by_name =
        str_eqz(http_header(rq, "X-Is-Resource-Name"), "true") || !str_i64(text, 0, INT64_MAX, &id);

    rq->target = ARENA_NEW(&rq->arena, struct access_target);
    int found = by_name ? project_meant(&app->registry, &rq->arena, text, &p, e)
                        : project_find_by_id(&app->registry, &rq->arena, id, &p, e);
    return resolve_found(rq, found, &p, e);
}

/* ret: id 0 if there is none. */
static int resolve_project_name(struct http_req *rq, struct project *ret, struct err *e)
{
    *ret = (struct project){.name = http_param(rq, "project_name")};
    rq->target = ARENA_NEW(&rq->arena, struct access_target);
    int found = project_meant(&api_app(rq)->registry, &rq->arena, ret->name, ret, e);
    return resolve_found(rq, found, ret, e);
}

int harbor_resolve_project_name(struct http_req *rq, struct err *e)
{
    struct project p;

    return resolve_project_name(rq, &p, e);
}

int harbor_resolve_repository(struct http_req *rq, struct err *e)
{
    struct project p;
    struct str rest, *full;

    if (http_unescape(&rq->arena, http_param(rq, "repository_name"), &rest, e) < 0 ||
        resolve_project_name(rq, &p, e) < 0)
        return -1;
    full = &api_target(rq)->repository;
    if (p.id)
        return repository_meant(&api_app(rq)->registry, &rq->arena, &p, rest, full, e);
    *full = str_from(arena_printf(&rq->arena, "%.*s/%.*s", S(p.name), S(rest)));
    return 0;
}
