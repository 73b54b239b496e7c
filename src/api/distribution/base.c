/* SPDX-License-Identifier: Apache-2.0 */
/* What is not about one repository, and what all handlers of the protocol share. */
#include "api/distribution/distribution.h"

#include "api/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/metrics.h"

int distribution_repo(struct http_req *rq, struct repo_name *ret, struct err *e)
{
    return repo_name_parse(http_param(rq, "name"), ret, e);
}

int distribution_repo_for_push(struct http_req *rq, struct repo_name *ret, struct err *e)
{
    if (distribution_repo(rq, ret, e) < 0)
        return -1;
    if (api_target(rq)->project_id == 0)
        return ERR(e, NAME_UNKNOWN, "there is no project \"%.*s\"; create it before pushing to it",
                   S(repo_name_project(ret)));
    return 0;
}

int distribution_resolve(struct http_req *rq, struct err *e)
{
    struct repo_name repo;
    if (distribution_repo(rq, &repo, e) < 0)
        return -1;
    return api_target_repository(rq, http_param(rq, "name"), e);
}

/* A mount reads from a second repository: it belongs to the target, so that rights are asked for
 * both. */
int distribution_resolve_mount(struct http_req *rq, struct err *e)
{
    struct repo_name from;
    struct str name = http_query(rq, "from");
    if (distribution_resolve(rq, e) < 0)
        return -1;
    /* What cannot be a source is no error: the client gets an upload instead (end-11). */
    if (!http_query(rq, "mount").p || !name.p || repo_name_parse(name, &from, NULL) < 0)
        return 0;
    return api_target_from(rq, name, e);
}

int distribution_page(struct http_req *rq, size_t deflt, size_t *ret, struct err *e)
{
    struct str text = http_query(rq, "n");
    uint64_t n;
    if (!text.p) {
        *ret = deflt;
        return 0;
    }
    if (!str_u64(text, 0, UINT64_MAX, &n))
        return ERR(e, PAGINATION_INVALID, "n=%.*s is not a number of zero or more",
                   S(str_head(text, 40)));
    *ret = (size_t)MIN_OF(n, (uint64_t)LIMIT_PAGE);
    return 0;
}

static void write_error(struct json_writer *w, const char *code, struct str message)
{
    jsonw_object(w);
    jsonw_kstrz(w, "code", code);
    jsonw_kstr(w, "message", message);
}

void distribution_error(struct http_req *rq, const struct err *e)
{
    /* http knows only that a body was too large; here it can only have been a manifest. */
    enum err_code code = e->code;
    if (code == ERR_BODY_TOO_LARGE && rq->route && rq->route->body == HTTP_BODY_BUFFER)
        code = ERR_MANIFEST_TOO_LARGE;
    const struct err_info *info = err_info(code);
    api_error_reply(rq, e, info->status, info->wire, "application/json");
}

int distribution_reply_missing(struct http_req *rq, const struct err *e,
                               const struct artifact_missing *m)
{
    struct buf out;
    struct json_writer w;
    buf_init(&out, LIMIT_REFERRERS_BYTES);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_key(&w, "errors");
    jsonw_list(&w);
    for (size_t i = 0; i < m->n; i++) {
        write_error(&w, err_info(e->code)->wire,
                    str_from("the repository does not hold this content; push it first"));
        jsonw_key(&w, "detail");
        jsonw_object(&w);
        jsonw_kstr(&w, "digest", digest_str(&m->digests[i]));
        jsonw_object_done(&w);
        jsonw_object_done(&w);
    }
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    metrics_count_error(e->code);
    return http_reply_buf(rq, err_info(e->code)->status, "application/json", &out);
}

int distribution_ping(struct http_req *rq, struct err *e)
{
    (void)e;
    return http_reply(rq, 200, "application/json", STR("{}"));
}

int distribution_catalog(struct http_req *rq, struct err *e)
{
    struct app *app = api_app(rq);
    size_t n;
    struct registry_names names = {0};
    if (distribution_page(rq, (size_t)atomic_load(&app->page_size), &n, e) < 0)
        return -1;
    struct str last = http_query(rq, "last");
    bool all = access_may_list(api_identity(rq), false);
    if (n && repository_list(&app->registry, &rq->arena, all, last, n, &names, e) < 0)
        return -1;

    struct buf out;
    struct json_writer w;
    buf_init(&out, LIMIT_PAGE * (LIMIT_REPO_NAME + 8) + 1024);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_key(&w, "repositories");
    jsonw_list(&w);
    for (size_t i = 0; i < names.n; i++)
        jsonw_str(&w, names.names[i]);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    if (names.more && names.n) {
        struct buf link;
        buf_init(&link, 2048);
        buf_addf(&link, "</v2/_catalog?n=%zu&last=", n);
        buf_add_url(&link, names.names[names.n - 1], NULL);
        buf_addz(&link, ">; rel=\"next\"");
        http_set_header(rq, "Link", buf_str(&link));
        buf_done(&link);
    }
    return http_reply_buf(rq, 200, "application/json", &out);
}

int distribution_extensions(struct http_req *rq, struct err *e)
{
    (void)e;
    return http_reply(rq, 200, "application/json",
                      STR("{\"extensions\":[{\"name\":\"_catalog\",\"description\":"
                          "\"The list of repositories, paged by n and last.\","
                          "\"url\":\"https://distribution.github.io/distribution/spec/api/\"}]}"));
}
