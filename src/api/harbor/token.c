/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /service/token?service=harbor-registry&scope=…: a registry token. account, client_id and
 * offline_token are of no consequence, and neither are the actions asked for: the token holds every
 * action that the caller has on each repository named. Source: the token specification of CNCF
 * distribution, as Harbor answers it.
 */
#include "api/harbor/harbor.h"

#include "access/scope.h"
#include "access/setting.h"
#include "base/clock.h"
#include "base/json.h"

/* Is this scope wanted twice? */
static bool has(const struct access_grant *grants, size_t n, const struct access_scope *s)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(grants[i].type, s->type) && str_eq(grants[i].name, s->name))
            return true;
    return false;
}

/* All scopes of all scope parameters, without actions yet. */
static int read_scopes(struct http_req *rq, struct access_grant grants[LIMIT_TOKEN_SCOPES],
                       size_t *ret_n, struct err *e)
{
    struct str value;
    size_t at = 0, n = 0;

    while (http_query_next(rq, "scope", &at, &value)) {
        struct access_scope s;
        while (access_scope_next(&value, &s)) {
            if (has(grants, n, &s))
                continue;
            if (n == LIMIT_TOKEN_SCOPES)
                return ERR(e, BAD_REQUEST, "a token holds at most %d scopes", LIMIT_TOKEN_SCOPES);
            grants[n++] = (struct access_grant){.type = s.type, .name = s.name};
        }
    }
    *ret_n = n;
    return 0;
}

/* What is unknown, malformed or not the caller's gets no action, and looks the same. */
static int fill_grant(struct http_req *rq, struct access_grant *g, struct err *e)
{
    const struct identity *id = api_identity(rq);
    struct repo_name name;
    struct project p = {0};

    if (str_eqz(g->type, "registry") && str_eqz(g->name, "catalog"))
        g->actions = access_may_list(id, false) ? ACCESS_PULL : 0;
    if (!str_eqz(g->type, "repository") || repo_name_parse(g->name, &name, NULL) < 0)
        return 0;
    int found = project_find(&api_app(rq)->registry, &rq->arena, repo_name_project(&name), &p, e);
    if (found < 0)
        return -1;
    unsigned roles = 0;
    if (found && access_roles(api_app(rq)->access, id, p.id, p.is_public, &roles, e) < 0)
        return -1;
    g->actions = access_actions(id, found ? p.id : 0, roles);
    return 0;
}

static int reply_token(struct http_req *rq, struct str jwt, int64_t expires_s)
{
    char issued[CLOCK_TEXT_MAX];
    struct buf out;
    struct json_writer w;

    buf_init(&out, 4 * LIMIT_TOKEN);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstr(&w, "token", jwt);
    /* Harbor leaves it out; clients of the OAuth 2 form read nothing else. */
    jsonw_kstr(&w, "access_token", jwt);
    jsonw_ki64(&w, "expires_in", expires_s);
    jsonw_kstrz(&w, "issued_at", clock_rfc3339(clock_now_ms(), issued));
    jsonw_object_done(&w);
    http_set_header(rq, "Cache-Control", STR("no-store"));
    return http_reply_buf(rq, 200, "application/json; charset=utf-8", &out);
}

int harbor_token(struct http_req *rq, struct err *e)
{
    const struct identity *id = api_identity(rq);
    struct access_grant grants[LIMIT_TOKEN_SCOPES];
    int64_t expires_s =
        60 * setting_int(access_settings(api_app(rq)->access), SETTING_token_expiration);
    struct str jwt;
    size_t n = 0;

    if (!str_eqz(http_query(rq, "service"), ACCESS_SERVICE))
        return ERR(e, BAD_REQUEST, "the service must be \"%s\"", ACCESS_SERVICE);
    if (read_scopes(rq, grants, &n, e) < 0)
        return -1;
    if (n == 0 && id->proof == ACCESS_ANONYMOUS)
        return ERR(e, UNAUTHORIZED, "%s",
                   id->had_credentials ? "the user name or the password is wrong"
                                       : "a token without a scope is for users; send credentials");
    for (size_t i = 0; i < n; i++)
        if (fill_grant(rq, &grants[i], e) < 0)
            return -1;
    if (access_token_make(api_app(rq)->access, &rq->arena, id, grants, n, expires_s, &jwt, e) < 0)
        return -1;
    return reply_token(rq, jwt, expires_s);
}
