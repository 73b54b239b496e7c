/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phases that decide who a caller is and whether the route is theirs, and the challenge that
 * tells a client where to get a token. Source: Harbor's registry token flow; RFC 6750, RFC 7617.
 */
#include "api/app.h"

#include "access/audit.h"
#include "access/setting.h"
#include "api/browser.h"
#include "http/url.h"

#define CHALLENGE_BASIC "Basic realm=\"harbor\""

static bool is_registry_path(const struct http_req *rq)
{
    return str_starts(rq->path, STR("/v2/")) || str_eq(rq->path, STR("/v2"));
}

static enum permission permission_of(const struct http_req *rq)
{
    return (enum permission)rq->route->permission;
}

/* Two credentials in one request: which of them counts would be a guess. */
static int one_authorization(const struct http_req *rq, struct str *ret, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < rq->n_headers; i++)
        n += str_ieq(rq->headers[i].key, STR("Authorization"));
    if (n > 1)
        return ERR(e, BAD_REQUEST, "Authorization is given %zu times; send it once", n);
    *ret = http_header(rq, "Authorization");
    return 0;
}

static bool is_bearer(struct str authorization)
{
    struct str rest = authorization;
    return str_ieq(str_cut(&rest, ' '), STR("Bearer"));
}

/* Browsers send a name and a password that they know to whoever asks for it, too. */
static int not_led_here(const struct http_req *rq, struct err *e)
{
    return rq->method != HTTP_GET && str_eqz(http_header(rq, "Sec-Fetch-Site"), "cross-site")
               ? ERR(e, DENIED, "a page of another site asks for this")
               : 0;
}

void api_enter(struct http_req *rq)
{
    audit_act_as(rq ? rq->identity : NULL);
}

static int authenticate(struct http_req *rq, struct err *e)
{
    struct identity *id = ARENA_NEW(&rq->arena, struct identity), known;
    enum permission permission = permission_of(rq);
    struct str given;

    id->proof = ACCESS_ANONYMOUS;
    id->username = STR("");
    id->address = rq->peer;
    rq->identity = id;
    if (one_authorization(rq, &given, e) < 0)
        return -1;
    browser_offer_token(rq);
    if (given.n == 0)
        return permission == PERM_PUBLIC ? 0 : browser_authenticate(rq, id, e);
    id->had_credentials = true;
    /* What anybody may see is the same for everybody: nothing is computed for it. */
    if (permission == PERM_PUBLIC)
        return 0;
    /* Registry tokens count below /v2/ only; above all, none is traded for a longer-lived one. */
    if (!is_registry_path(rq) && is_bearer(given) && !access_is_personal(given))
        return 0;
    if (not_led_here(rq, e) < 0)
        return -1;
    if (access_authenticate_from(api_app(rq)->access, &rq->arena, rq->peer, given, &known, e) < 0)
        /* As Harbor: whoever cannot prove who they are is somebody unknown, and gets the token of
         * one; the registry protocol refuses. */
        return !is_registry_path(rq) && e->code == ERR_UNAUTHORIZED ? 0 : -1;
    known.address = rq->peer;
    *id = known;
    return 0;
}

int api_authenticate(struct http_req *rq, struct err *e)
{
    access_look(api_app(rq)->access);
    int rc = authenticate(rq, e);
    api_enter(rq);
    return rc;
}

/*
 * A program on this machine, with nobody in between: proxies on it connect from the loopback
 * address too, but say for whom; and a page in a browser that was led here by a name of its own
 * does not send a loopback name as Host.
 */
static bool is_local(const struct http_req *rq)
{
    static const char *const marks[] = {"X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP",
                                        "Forwarded", "Via"};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (http_header(rq, marks[i]).p)
            return false;
    AUTO(buf) peer = {0};
    buf_init(&peer, 64);
    buf_addf(&peer, str_chr(rq->peer, ':') < 0 ? "%.*s" : "[%.*s]", S(rq->peer));
    return http_host_is_loopback(buf_str(&peer)) && http_host_is_loopback(http_header(rq, "Host"));
}

/* Changes nothing, or is how administrators get out of it. */
static bool passes_read_only(const struct http_req *rq)
{
    static const char *const names[] = {"configuration.update", "session.begin", "user.exists"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(rq->route->name, names[i]) == 0)
            return true;
    return rq->method == HTTP_GET;
}

static int may(struct http_req *rq, struct err *e)
{
    enum permission permission = permission_of(rq);
    /* Whatever the permission of the row: some depend on what the body says. */
    if (api_identity(rq)->scope == ACCESS_SCOPE_READ && rq->method != HTTP_GET &&
        !is_registry_path(rq))
        return ERR(e, DENIED, "a personal access token of the scope \"read\" changes nothing");
    if (permission == PERM_METRICS && is_local(rq))
        return 0;
    bool registry = permission == PERM_PULL || permission == PERM_PUSH || permission == PERM_DELETE;
    if (registry && is_registry_path(rq))
        return access_check_repository(api_identity(rq), api_target(rq), permission, e);
    return access_check(api_identity(rq), api_target(rq), permission, e);
}

int api_authorise(struct http_req *rq, struct err *e)
{
    if (may(rq, e) < 0)
        return -1;
    if (setting_bool(access_settings(api_app(rq)->access), SETTING_read_only) &&
        !passes_read_only(rq))
        return ERR(e, POLICY,
                   "the registry is in read-only mode: nothing can be changed at the moment");
    return 0;
}

/* ---- the challenge ---- */

static const char *scope_actions(enum permission p)
{
    switch (p) {
    case PERM_PULL:
        return "pull";
    case PERM_PUSH:
        return "pull,push";
    case PERM_DELETE:
        return "delete";
    default:
        return NULL;
    }
}

static void add_scope(struct http_req *rq, struct buf *out)
{
    const struct access_target *t = api_target(rq);
    const char *actions = rq->route ? scope_actions(permission_of(rq)) : NULL;
    if (!actions || !t)
        return;
    buf_addf(out, ",scope=\"repository:%.*s:%s", S(t->repository), actions);
    if (t->from_repository.n)
        buf_addf(out, " repository:%.*s:pull", S(t->from_repository));
    buf_addc(out, '"');
}

/*
 * Harbor sends Basic to whoever sent credentials already. One case differs: a token of ours whose
 * time is over. Clients without a password (a pull of a large public model that outlives its token)
 * can go on only if they are told to fetch a new one; RFC 6750 3.1 has the word for it.
 */
void api_challenge(struct http_req *rq)
{
    /* A page that asks by script shows its own form; the browser's would stand in its way. */
    if (str_ieq(http_header(rq, "X-Requested-With"), STR("XMLHttpRequest")))
        return;
    const struct identity *id = api_identity(rq);
    bool stale = rq->failed && rq->failed->code == ERR_TOKEN_STALE;
    bool catalog = rq->route && permission_of(rq) == PERM_CATALOG;
    struct buf out;

    if (!is_registry_path(rq) || !id || (id->had_credentials && !stale) || catalog ||
        rq->host.n == 0) {
        http_set_header(rq, "WWW-Authenticate", STR(CHALLENGE_BASIC));
        return;
    }
    /* The token was refused before the repository was looked at: the scope is still to be found. */
    struct err ignored;
    if (stale && !rq->target && rq->route->resolve)
        (void)rq->route->resolve(rq, &ignored);
    buf_init(&out, 4 * KIB);
    buf_addf(&out, "Bearer realm=\"%s/service/token\",service=\"%s\"", http_base_url(rq),
             ACCESS_SERVICE);
    add_scope(rq, &out);
    if (stale)
        buf_addz(&out, ",error=\"invalid_token\"");
    http_set_header(rq, "WWW-Authenticate", buf_str(&out));
    buf_done(&out);
}

/* ---- targets ---- */

/* The project of a repository and the caller's roles in it; id 0: there is none. */
static int find_place(struct http_req *rq, struct str repository, struct project *ret_project,
                      unsigned *ret_roles, struct err *e)
{
    struct app *app = api_app(rq);
    struct str rest = repository;
    struct project p = {0};

    *ret_roles = 0;
    if (project_find(&app->registry, &rq->arena, str_cut(&rest, '/'), &p, e) < 0)
        return -1;
    *ret_project = p;
    return p.id ? access_roles(app->access, api_identity(rq), p.id, p.is_public, ret_roles, e) : 0;
}

int api_target_repository(struct http_req *rq, struct str name, struct err *e)
{
    struct access_target *t = ARENA_NEW(&rq->arena, struct access_target);
    struct project p;

    if (find_place(rq, name, &p, &t->roles, e) < 0)
        return -1;
    t->project_id = p.id;
    t->project_created_ms = p.created_ms;
    t->repository = name;
    rq->target = t;
    return 0;
}

int api_target_from(struct http_req *rq, struct str name, struct err *e)
{
    struct access_target *t = api_target(rq);
    struct project p;

    if (find_place(rq, name, &p, &t->from_roles, e) < 0)
        return -1;
    t->from_project_id = p.id;
    t->from_created_ms = p.created_ms;
    t->from_repository = name;
    return 0;
}
