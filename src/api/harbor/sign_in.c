/* SPDX-License-Identifier: Apache-2.0 */
/* Browsers sign in and out: /c/, which stands beside the API. */
#include "access/audit.h"
#include "access/session.h"
#include "access/setting.h"
#include "access/user.h"
#include "api/browser.h"
#include "api/harbor/harbor.h"
#include "http/target.h"

struct form {
    struct http_param *v;
    size_t n;
};

static int read_form(struct http_req *rq, struct form *ret, struct err *e)
{
    return http_form_parse(&rq->arena, rq->body, &ret->v, &ret->n, e);
}

static struct str field(const struct form *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eqz(f->v[i].key, name))
            return f->v[i].value;
    return STR_NULL;
}

/* The entry of a sign-in is by whoever is named in it. */
static int refuse(struct http_req *rq, struct str principal, struct err *e)
{
    struct identity *who = ARENA_NEW(&rq->arena, struct identity);
    struct err cause = *e, ignored;

    *who = (struct identity){.username = principal, .address = rq->peer};
    if (cause.code != ERR_UNAUTHORIZED || principal.n == 0)
        return -1;
    audit_act_as(who);
    if (session_refused(api_app(rq)->access, principal, &ignored) < 0)
        cause = ignored;
    api_enter(rq);
    *e = cause;
    return -1;
}

static int end_session(struct http_req *rq, const struct identity *id, struct err *e)
{
    if (session_end(api_app(rq)->access, id->user_id, id->session_id, e) == 0)
        return 0;
    return e->code == ERR_NOT_FOUND ? 0 : -1; /* it has just ended */
}

/* A session that was there before ends: its secret may be known to somebody. */
static int begin(struct http_req *rq, struct err *e)
{
    struct access *access = api_app(rq)->access;
    struct identity *id = ARENA_NEW(&rq->arena, struct identity), before;
    struct form form;
    struct str secret;

    if (browser_check_token(rq, e) < 0 || read_form(rq, &form, e) < 0)
        return -1;
    struct str principal = field(&form, "principal");
    if (session_prove(access, &rq->arena, rq->peer, principal, field(&form, "password"), id, e) < 0)
        return refuse(rq, principal, e);
    int found = session_find(access, &rq->arena, browser_session(rq), false, &before, e);
    if (found < 0 || (found > 0 && end_session(rq, &before, e) < 0))
        return -1;
    audit_act_as(id);
    int rc = session_begin(access, &rq->arena, id, http_header(rq, "User-Agent"), &secret, e);
    api_enter(rq);
    if (rc < 0)
        return -1;
    browser_set_session(rq, secret);
    return http_reply_empty(rq, 200);
}

static int end(struct http_req *rq, struct err *e)
{
    if (api_identity(rq)->session_id && end_session(rq, api_identity(rq), e) < 0)
        return -1;
    browser_set_session(rq, STR(""));
    return http_reply_empty(rq, 200);
}

/* Is a name or an address taken? Told to administrators and, where people make their own accounts,
 * to those who are about to. */
static int exists(struct http_req *rq, struct err *e)
{
    struct access *access = api_app(rq)->access;
    struct form form;
    int64_t id;

    if (browser_check_token(rq, e) < 0 || read_form(rq, &form, e) < 0)
        return -1;
    if (!api_identity(rq)->admin &&
        !setting_bool(access_settings(access), SETTING_self_registration))
        return ERR(e, DENIED, "only administrators may ask who has an account");
    struct str target = field(&form, "target"), value = field(&form, "value");
    bool by_address = str_eqz(target, "email");
    if (!by_address && !str_eqz(target, "username"))
        return ERR(e, BAD_REQUEST, "\"target\" must be username or email");
    int found = by_address ? user_find_by_email(access, value, &id, e)
                           : user_find_by_name(access, value, &id, e);
    if (found < 0)
        return -1;
    return http_reply(rq, 200, "application/json; charset=utf-8",
                      found ? STR("true") : STR("false"));
}

static const struct http_route routes[] = {
    {.method = HTTP_POST,
     .pattern = "/c/login",
     .name = "session.begin",
     .permission = PERM_OPEN,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_FORM,
     .handler = begin,
     .doc = "Sign in: a form of principal (user name or e-mail address) and password; answers with "
            "a session cookie."},
    {.method = HTTP_GET,
     .pattern = "/c/log_out",
     .name = "session.end",
     .permission = PERM_OPEN,
     .handler = end,
     .doc = "Sign out."},
    {.method = HTTP_POST,
     .pattern = "/c/userExists",
     .name = "user.exists",
     .permission = PERM_OPEN,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_FORM,
     .handler = exists,
     .doc = "Tell whether a user name or an e-mail address is taken: a form of target (username or "
            "email) and value."},
};

const struct http_group harbor_sign_in_group = {
    .prefix = "/c/",
    .title = "browsers",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
