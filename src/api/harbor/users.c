/* SPDX-License-Identifier: Apache-2.0 */
/* Users: /users. */
#include "access/setting.h"
#include "access/user.h"

#include "api/browser.h"
#include "api/harbor/harbor.h"
#include "base/mem.h"

/* ---- objects ---- */

static const struct api_field user_fields[] = {
    {"user_id", API_INT, offsetof(struct user, id), 0, NULL, 0, "Its number."},
    {"username", API_STR, offsetof(struct user, username), 0, NULL, 0, "What it signs in with."},
    {"email", API_STR, offsetof(struct user, email), 0, NULL, 0, "Its e-mail address."},
    {"realname", API_STR, offsetof(struct user, realname), 0, NULL, 0, "What it is called."},
    {"comment", API_STR, offsetof(struct user, comment), 0, NULL, 0, "A remark."},
    {"sysadmin_flag", API_BOOL, offsetof(struct user, admin), API_ALWAYS, NULL, 0,
     "It administers the whole system."},
    {"admin_role_in_auth", API_BOOL, offsetof(struct user, from_group), API_ALWAYS, NULL, 0,
     "It does so through a group of an identity provider."},
    {"creation_time", API_TIME, offsetof(struct user, created_ms), 0, NULL, 0,
     "When it was added."},
    {"update_time", API_TIME, offsetof(struct user, updated_ms), 0, NULL, 0,
     "When it was changed last."},
};
static const struct api_object user_object = {
    .name = "UserResp",
    .size = sizeof(struct user),
    .fields = user_fields,
    .n = ARRAY_LEN(user_fields),
    .doc = "A user.",
};

static const struct api_object found_object = {
    .name = "UserSearchRespItem",
    .size = sizeof(struct user),
    .fields = user_fields,
    .n = 2,
    .doc = "A user as anybody who is signed in may find them.",
};

struct new_user {
    struct user user;
    struct str password;
};
static const struct api_field new_user_fields[] = {
    {"username", API_STR, offsetof(struct new_user, user.username), API_REQUIRED, NULL,
     LIMIT_USERNAME, "What it signs in with."},
    {"email", API_STR, offsetof(struct new_user, user.email), API_REQUIRED, NULL, LIMIT_USERNAME,
     "Its e-mail address."},
    {"realname", API_STR, offsetof(struct new_user, user.realname), 0, NULL, 0,
     "What it is called."},
    {"comment", API_STR, offsetof(struct new_user, user.comment), 0, NULL, 0, "A remark."},
    {"password", API_STR, offsetof(struct new_user, password), API_REQUIRED | API_SECRET, NULL, 0,
     "Its password."},
};
static const struct api_object new_user_object = {
    .name = "UserCreationReq",
    .size = sizeof(struct new_user),
    .fields = new_user_fields,
    .n = ARRAY_LEN(new_user_fields),
    .doc = "A user to be added.",
};

static const struct api_object profile_object = {
    .name = "UserProfile",
    .size = sizeof(struct user),
    .fields = user_fields + 2,
    .n = 3,
    .doc = "What users say about themselves.",
};

struct passwords {
    struct str old, new;
};
static const struct api_field passwords_fields[] = {
    {"old_password", API_STR, offsetof(struct passwords, old), API_SECRET, NULL, 0,
     "The one in force; needed by who changes their own."},
    {"new_password", API_STR, offsetof(struct passwords, new), API_REQUIRED | API_SECRET, NULL, 0,
     "The new one."},
};
static const struct api_object passwords_object = {
    .name = "PasswordReq",
    .size = sizeof(struct passwords),
    .fields = passwords_fields,
    .n = ARRAY_LEN(passwords_fields),
    .doc = "A change of password.",
};

struct admin_flag {
    bool admin;
};
static const struct api_field admin_fields[] = {
    {"sysadmin_flag", API_BOOL, offsetof(struct admin_flag, admin), 0, NULL, 0,
     "It administers the whole system."},
};
static const struct api_object admin_object = {
    .name = "UserSysAdminFlag",
    .size = sizeof(struct admin_flag),
    .fields = admin_fields,
    .n = ARRAY_LEN(admin_fields),
    .doc = "Whether a user administers the system.",
};

/* ---- resolver ---- */

/* {user_id}: users may do some things to themselves. */
static int resolve_user(struct http_req *rq, struct err *e)
{
    struct access_target *t = ARENA_NEW(&rq->arena, struct access_target);
    int64_t id;

    rq->target = t;
    if (harbor_param_id(rq, "user_id", &id, e) < 0)
        return -1;
    /* A token that leaked must not take the account away. */
    const struct identity *who = api_identity(rq);
    bool token = who->token_id && rq->method != HTTP_GET;
    t->self = who->user_id && who->user_id == id && !token;
    return 0;
}

/* Where it is allowed, people make an account for themselves: in a browser, so that no script of
 * another page does it. */
static int resolve_new_user(struct http_req *rq, struct err *e)
{
    struct access_target *t = ARENA_NEW(&rq->arena, struct access_target);
    struct err ignored;

    (void)e;
    rq->target = t;
    t->self = setting_bool(access_settings(api_app(rq)->access), SETTING_self_registration) &&
              !api_identity(rq)->had_credentials && browser_check_token(rq, &ignored) == 0;
    return 0;
}

/* The user of the address. */
static int user_of(struct http_req *rq, int64_t *ret, struct err *e)
{
    return harbor_param_id(rq, "user_id", ret, e);
}

/* ---- handlers ---- */

static int list(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;
    struct str name = http_query(rq, "username"), email = http_query(rq, "email");

    if (harbor_list_query(rq, &q, e) < 0)
        return -1;
    if (name.n)
        harbor_list_match(rq, &q, "username", DB_MATCH_CONTAINS, DB_TEXT(name));
    if (email.n)
        harbor_list_match(rq, &q, "email", DB_MATCH_CONTAINS, DB_TEXT(email));
    if (user_list(api_app(rq)->access, &rq->arena, &q, &page, e) < 0)
        return -1;
    return harbor_reply_list(rq, &page);
}

static int search(struct http_req *rq, struct err *e)
{
    if (http_query(rq, "username").n == 0)
        return ERR(e, UNPROCESSABLE, "username in query is required");
    return list(rq, e);
}

static int create(struct http_req *rq, struct err *e)
{
    struct new_user u = {0};
    int64_t id;

    if (harbor_body(rq, &u, NULL, e) < 0 ||
        user_create(api_app(rq)->access, &u.user, u.password, &id, e) < 0)
        return -1;
    return harbor_reply_created(rq, id);
}

static int reply_user(struct http_req *rq, int64_t id, struct err *e)
{
    struct user u;
    int found = user_find(api_app(rq)->access, &rq->arena, id, &u, e);

    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no user %lld", (long long)id);
    return harbor_reply(rq, &u);
}

static int current(struct http_req *rq, struct err *e)
{
    if (api_identity(rq)->robot)
        return ERR(e, PRECONDITION, "a robot is no user");
    return reply_user(rq, api_identity(rq)->user_id, e);
}

static int get(struct http_req *rq, struct err *e)
{
    int64_t id;
    return user_of(rq, &id, e) < 0 ? -1 : reply_user(rq, id, e);
}

static int update(struct http_req *rq, struct err *e)
{
    struct user u = {0};

    if (harbor_body(rq, &u, NULL, e) < 0 || user_of(rq, &u.id, e) < 0 ||
        user_set_profile(api_app(rq)->access, &u, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int set_password(struct http_req *rq, struct err *e)
{
    struct passwords p = {0};
    int64_t id;

    if (harbor_body(rq, &p, NULL, e) < 0 || user_of(rq, &id, e) < 0 ||
        user_password_change(api_app(rq)->access, id, api_target(rq)->self ? &p.old : NULL, p.new,
                             e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int set_admin(struct http_req *rq, struct err *e)
{
    struct admin_flag f = {0};
    int64_t id;

    if (harbor_body(rq, &f, NULL, e) < 0 || user_of(rq, &id, e) < 0 ||
        user_set_admin(api_app(rq)->access, id, f.admin, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete (struct http_req *rq, struct err *e)
{
    int64_t id;

    if (user_of(rq, &id, e) < 0)
        return -1;
    if (id == api_identity(rq)->user_id)
        return ERR(e, DENIED, "nobody can remove their own account");
    if (user_remove(api_app(rq)->access, id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

/* ---- routes ---- */

static const struct api_query list_query[] = {
    {"username", API_STR, "Only users whose name holds this.", false},
    {"email", API_STR, "Only users whose address holds this.", false},
    {0},
};
static const struct api_query search_query[] = {
    {"username", API_STR, "What the name holds; required.", true},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/users",
     .name = "user.list",
     .permission = PERM_USER_LIST,
     .handler = list,
     .doc = "List users.",
     .contract = &(const struct api_contract){.operation = "listUsers",
                                              .gives = &user_object,
                                              .many = true,
                                              .list = &user_list_fields,
                                              .query = list_query}},
    {.method = HTTP_POST,
     .pattern = "/api/v2.0/users",
     .name = "user.create",
     .permission = PERM_USER_CREATE,
     .resolve = resolve_new_user,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create,
     .doc = "Add a user; oneself, where the operator allows it.",
     .contract = &(const struct api_contract){.operation = "createUser",
                                              .takes = &new_user_object,
                                              .status = 201}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/users/current",
     .name = "user.current",
     .permission = PERM_LOGIN,
     .handler = current,
     .doc = "Tell who asks.",
     .contract =
         &(const struct api_contract){.operation = "getCurrentUserInfo", .gives = &user_object}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/users/search",
     .name = "user.search",
     .permission = PERM_LOGIN,
     .handler = search,
     .doc = "Find users by a part of their name.",
     .contract = &(const struct api_contract){.operation = "searchUsers",
                                              .gives = &found_object,
                                              .many = true,
                                              .list = &user_list_fields,
                                              .query = search_query}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/users/{user_id}",
     .name = "user.get",
     .permission = PERM_USER_READ,
     .resolve = resolve_user,
     .handler = get,
     .doc = "See a user; everybody may see themselves.",
     .contract = &(const struct api_contract){.operation = "getUser", .gives = &user_object}},
    {.method = HTTP_PUT,
     .pattern = "/api/v2.0/users/{user_id}",
     .name = "user.update",
     .permission = PERM_USER_UPDATE,
     .resolve = resolve_user,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change address, real name and comment; everybody may change their own.",
     .contract =
         &(const struct api_contract){.operation = "updateUserProfile", .takes = &profile_object}},
    {.method = HTTP_DELETE,
     .pattern = "/api/v2.0/users/{user_id}",
     .name = "user.delete",
     .permission = PERM_USER_DELETE,
     .handler = delete,
     .doc = "Remove a user.",
     .contract = &(const struct api_contract){.operation = "deleteUser"}},
    {.method = HTTP_PUT,
     .pattern = "/api/v2.0/users/{user_id}/password",
     .name = "user.password.set",
     .permission = PERM_USER_UPDATE,
     .resolve = resolve_user,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = set_password,
     .doc = "Change a password; everybody may change their own, who knows the old one.",
     .contract = &(const struct api_contract){.operation = "updateUserPassword",
                                              .takes = &passwords_object}},
    /* The secret of those who sign in through an identity provider: there is none of anybody. */
    {.method = HTTP_PUT,
     .pattern = "/api/v2.0/users/{user_id}/cli_secret",
     .name = "user.secret.set",
     .permission = PERM_USER_UPDATE,
     .resolve = resolve_user,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = harbor_absent,
     .doc = "Set the secret for the command line of a user of OIDC. Refused: this server has no "
            "OIDC yet.",
     .contract = &(
         const struct api_contract){.operation = "setCliSecret", .absent = "OIDC", .status = 412}},
    {.method = HTTP_PUT,
     .pattern = "/api/v2.0/users/{user_id}/sysadmin",
     .name = "user.admin.set",
     .permission = PERM_USER_UPDATE,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = set_admin,
     .doc = "Make a user an administrator of the system, or end it.",
     .contract =
         &(const struct api_contract){.operation = "setUserSysAdmin", .takes = &admin_object}},
};

const struct http_group harbor_users_group = {
    .prefix = "/api/v2.0/",
    .title = "users",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
