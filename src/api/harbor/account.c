/* SPDX-License-Identifier: Apache-2.0 */
/* What users keep for themselves: personal access tokens and sessions, below /users/{user_id}. This
 * is Haven's own; Harbor has no such thing. */
#include "access/personal.h"
#include "access/session.h"
#include "api/browser.h"
#include "api/harbor/harbor.h"
#include "base/mem.h"

/* ---- objects ---- */

struct shown {
    struct personal token;
    struct str secret;
    int64_t duration;
};
static const struct api_field token_fields[] = {
    {"id", API_INT, offsetof(struct personal, id), 0, NULL, 0, "Its number."},
    {"name", API_STR, offsetof(struct personal, name), 0, NULL, 0, "What it is for."},
    {"scope", API_STR, offsetof(struct personal, scope), 0, NULL, 0,
     "How far it reaches: read, write (in projects) or all (that its user may do)."},
    {"creation_time", API_TIME, offsetof(struct personal, created_ms), 0, NULL, 0,
     "When it was made."},
    {"expiration_time", API_TIME, offsetof(struct personal, expires_ms), 0, NULL, 0,
     "When it ends; left out: never."},
    {"last_used_time", API_TIME, offsetof(struct personal, used_ms), 0, NULL, 0,
     "When it was used last, to the minute."},
};
static const struct api_object token_object = {
    .name = "PersonalToken",
    .size = sizeof(struct personal),
    .fields = token_fields,
    .n = ARRAY_LEN(token_fields),
    .doc = "A personal access token.",
};
static const struct api_field made_fields[] = {
    {"id", API_INT, offsetof(struct shown, token.id), 0, NULL, 0, "Its number."},
    {"name", API_STR, offsetof(struct shown, token.name), 0, NULL, 0, "What it is for."},
    {"scope", API_STR, offsetof(struct shown, token.scope), 0, NULL, 0, "How far it reaches."},
    {"creation_time", API_TIME, offsetof(struct shown, token.created_ms), 0, NULL, 0,
     "When it was made."},
    {"expiration_time", API_TIME, offsetof(struct shown, token.expires_ms), 0, NULL, 0,
     "When it ends; left out: never."},
    {"token", API_STR, offsetof(struct shown, secret), API_SECRET, NULL, 0,
     "The token itself; it is shown this once."},
};
static const struct api_object made_object = {
    .name = "PersonalTokenCreated",
    .size = sizeof(struct shown),
    .fields = made_fields,
    .n = ARRAY_LEN(made_fields),
    .doc = "A personal access token with its secret.",
};
static const struct api_field wanted_fields[] = {
    {"name", API_STR, offsetof(struct shown, token.name), API_REQUIRED, NULL, 0,
     "What it is for; a user has one of a name."},
    {"scope", API_STR, offsetof(struct shown, token.scope), API_REQUIRED, NULL, 0,
     "How far it reaches: read, write (in projects) or all (that its user may do)."},
    {"duration", API_INT, offsetof(struct shown, duration), 0, NULL, 0,
     "Days until it ends; 0: never."},
};
static const struct api_object wanted_object = {
    .name = "PersonalTokenCreate",
    .size = sizeof(struct shown),
    .fields = wanted_fields,
    .n = ARRAY_LEN(wanted_fields),
    .doc = "A personal access token to be made.",
};
static const struct api_field session_fields[] = {
    {"id", API_INT, offsetof(struct session, id), 0, NULL, 0, "Its number."},
    {"client_address", API_STR, offsetof(struct session, address), 0, NULL, 0, "Where it began."},
    {"user_agent", API_STR, offsetof(struct session, agent), 0, NULL, 0,
     "The browser, as it calls itself."},
    {"creation_time", API_TIME, offsetof(struct session, created_ms), 0, NULL, 0, "When it began."},
    {"last_used_time", API_TIME, offsetof(struct session, used_ms), 0, NULL, 0,
     "When it was used last, to the minute."},
    {"current", API_BOOL, offsetof(struct session, current), API_ALWAYS, NULL, 0,
     "It is the one that asks."},
};
static const struct api_object session_object = {
    .name = "Session",
    .size = sizeof(struct session),
    .fields = session_fields,
    .n = ARRAY_LEN(session_fields),
    .doc = "A browser that is signed in.",
};

/* ---- resolver ---- */

/* {user_id}: a number, or "current". */
static int user_of(struct http_req *rq, int64_t *ret, struct err *e)
{
    if (!str_eqz(http_param(rq, "user_id"), "current"))
        return harbor_param_id(rq, "user_id", ret, e);
    *ret = api_identity(rq)->user_id;
    return 0;
}

/* Whoever holds a token must not be able to make himself another one. */
static int resolve(struct http_req *rq, struct err *e)
{
    const struct identity *who = api_identity(rq);
    struct access_target *t = ARENA_NEW(&rq->arena, struct access_target);
    int64_t id;

    rq->target = t;
    if (who->token_id)
        return ERR(e, DENIED,
                   "a personal access token does not reach tokens and sessions; use the password");
    if (user_of(rq, &id, e) < 0)
        return -1;
    t->self = who->user_id && who->user_id == id;
    return 0;
}

/* ---- handlers ---- */

static int list_tokens(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;
    int64_t user;

    if (user_of(rq, &user, e) < 0 || harbor_list_query(rq, &q, e) < 0 ||
        personal_list(api_app(rq)->access, &rq->arena, user, &q, &page, e) < 0)
        return -1;
    return harbor_reply_list(rq, &page);
}

static int create_token(struct http_req *rq, struct err *e)
{
    struct shown t = {0};

    if (!api_target(rq)->self)
        return ERR(e, DENIED, "users make their tokens themselves");
    if (harbor_body(rq, &t, NULL, e) < 0)
        return -1;
    if (personal_create(api_app(rq)->access, &rq->arena, api_identity(rq)->user_id, &t.token,
                        t.duration, &t.secret, e) < 0)
        return -1;
    http_set_header(rq, "Cache-Control", STR("no-store"));
    return harbor_reply_made(rq, t.token.id, &t);
}

static int delete_token(struct http_req *rq, struct err *e)
{
    int64_t user, id;

    if (user_of(rq, &user, e) < 0 || harbor_param_id(rq, "token_id", &id, e) < 0 ||
        personal_remove(api_app(rq)->access, user, id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int list_sessions(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;
    int64_t user;

    if (user_of(rq, &user, e) < 0 || harbor_list_query(rq, &q, e) < 0 ||
        session_list(api_app(rq)->access, &rq->arena, user, &q, &page, e) < 0)
        return -1;
    struct session *found = page.v;
    for (size_t i = 0; i < page.n; i++)
        found[i].current = found[i].id == api_identity(rq)->session_id;
    return harbor_reply_list(rq, &page);
}

static int delete_sessions(struct http_req *rq, struct err *e)
{
    int64_t user;

    if (user_of(rq, &user, e) < 0 || session_end(api_app(rq)->access, user, 0, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete_session(struct http_req *rq, struct err *e)
{
    int64_t user, id;

    if (user_of(rq, &user, e) < 0 || harbor_param_id(rq, "session_id", &id, e) < 0)
        return -1;
    if (id <= 0)
        return ERR(e, NOT_FOUND, "there is no session %lld", (long long)id);
    return session_end(api_app(rq)->access, user, id, e) < 0 ? -1 : http_reply_empty(rq, 200);
}

/* ---- routes ---- */

#define OF_USER "/api/v2.0/users/{user_id}"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = OF_USER "/tokens",
     .name = "token.personal.list",
     .permission = PERM_USER_READ,
     .resolve = resolve,
     .handler = list_tokens,
     .doc = "List the personal access tokens of a user.",
     .contract = &(const struct api_contract){.operation = "listPersonalTokens",
                                              .gives = &token_object,
                                              .many = true,
                                              .list = &personal_list_fields}},
    {.method = HTTP_POST,
     .pattern = OF_USER "/tokens",
     .name = "token.personal.create",
     .permission = PERM_USER_UPDATE,
     .resolve = resolve,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create_token,
     .doc = "Make a personal access token for oneself; it is shown this once.",
     .contract = &(const struct api_contract){.operation = "createPersonalToken",
                                              .takes = &wanted_object,
                                              .gives = &made_object,
                                              .status = 201}},
    {.method = HTTP_DELETE,
     .pattern = OF_USER "/tokens/{token_id}",
     .name = "token.personal.delete",
     .permission = PERM_USER_UPDATE,
     .resolve = resolve,
     .handler = delete_token,
     .doc = "End a personal access token.",
     .contract = &(const struct api_contract){.operation = "deletePersonalToken"}},
    {.method = HTTP_GET,
     .pattern = OF_USER "/sessions",
     .name = "session.list",
     .permission = PERM_USER_READ,
     .resolve = resolve,
     .handler = list_sessions,
     .doc = "List where a user is signed in with a browser.",
     .contract = &(const struct api_contract){.operation = "listSessions",
                                              .gives = &session_object,
                                              .many = true,
                                              .list = &session_list_fields}},
    {.method = HTTP_DELETE,
     .pattern = OF_USER "/sessions",
     .name = "session.delete.all",
     .permission = PERM_USER_UPDATE,
     .resolve = resolve,
     .handler = delete_sessions,
     .doc = "Sign a user out everywhere.",
     .contract = &(const struct api_contract){.operation = "deleteSessions"}},
    {.method = HTTP_DELETE,
     .pattern = OF_USER "/sessions/{session_id}",
     .name = "session.delete",
     .permission = PERM_USER_UPDATE,
     .resolve = resolve,
     .handler = delete_session,
     .doc = "Sign a user out in one browser.",
     .contract = &(const struct api_contract){.operation = "deleteSession"}},
};

const struct http_group harbor_account_group = {
    .prefix = "/api/v2.0/",
    .title = "tokens and sessions",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
