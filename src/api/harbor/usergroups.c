/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of users: /usergroups. */
#include "access/group.h"
#include "api/harbor/harbor.h"
#include "api/harbor/project_objects.h"
#include "base/mem.h"

static const struct api_field fields[] = {
    {"id", API_INT, offsetof(struct group, id), 0, NULL, 0, "Its number."},
    {"group_name", API_STR, offsetof(struct group, name), 0, NULL, LIMIT_USERNAME, "Its name."},
    {"group_type", API_INT, offsetof(struct group, kind), 0, NULL, 0,
     "Where it comes from: 1 LDAP, 2 an authenticating proxy, 3 OIDC."},
    {"ldap_group_dn", API_STR, offsetof(struct group, ldap_dn), 0, NULL, 0,
     "Its distinguished name, if it comes from LDAP."},
};
const struct api_object harbor_group_object = {
    .name = "UserGroup",
    .size = sizeof(struct group),
    .fields = fields,
    .n = ARRAY_LEN(fields),
    .doc = "A group of users.",
};
static const struct api_object found_object = {
    .name = "UserGroupSearchItem",
    .size = sizeof(struct group),
    .fields = fields,
    .n = 3,
    .doc = "A group as anybody who is signed in may find it.",
};

static int list_by(struct http_req *rq, const char *param, struct err *e)
{
    struct db_list_query q;
    struct db_page page;
    struct str name = http_query(rq, param), dn = http_query(rq, "ldap_group_dn");

    if (harbor_list_query(rq, &q, e) < 0)
        return -1;
    if (name.n)
        harbor_list_match(rq, &q, "group_name", DB_MATCH_CONTAINS, DB_TEXT(name));
    if (dn.n)
        harbor_list_match(rq, &q, "ldap_group_dn", DB_MATCH_EXACT, DB_TEXT(dn));
    if (group_list(api_app(rq)->access, &rq->arena, &q, &page, e) < 0)
        return -1;
    return harbor_reply_list(rq, &page);
}

static int list(struct http_req *rq, struct err *e)
{
    return list_by(rq, "group_name", e);
}

static int search(struct http_req *rq, struct err *e)
{
    if (http_query(rq, "groupname").n == 0)
        return ERR(e, UNPROCESSABLE, "groupname in query is required");
    return list_by(rq, "groupname", e);
}

static int create(struct http_req *rq, struct err *e)
{
    struct group g = {0};
    int64_t id;

    if (harbor_body(rq, &g, NULL, e) < 0 || group_create(api_app(rq)->access, &g, &id, e) < 0)
        return -1;
    return harbor_reply_created(rq, id);
}

static int get(struct http_req *rq, struct err *e)
{
    struct group g;
    int64_t id;

    if (harbor_param_id(rq, "group_id", &id, e) < 0)
        return -1;
    int found = group_find(api_app(rq)->access, &rq->arena, id, &g, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no group %lld", (long long)id);
    return harbor_reply(rq, &g);
}

static int update(struct http_req *rq, struct err *e)
{
    struct group g = {0};
    int64_t id;

    if (harbor_param_id(rq, "group_id", &id, e) < 0 || harbor_body(rq, &g, NULL, e) < 0 ||
        group_rename(api_app(rq)->access, id, g.name, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete (struct http_req *rq, struct err *e)
{
    int64_t id;

    if (harbor_param_id(rq, "group_id", &id, e) < 0 || group_remove(api_app(rq)->access, id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

#define GROUPS "/api/v2.0/usergroups"

static const struct api_query list_query[] = {
    {"group_name", API_STR, "Only groups whose name holds this.", false},
    {"ldap_group_dn", API_STR, "Only the group with this distinguished name.", false},
    {0},
};
static const struct api_query search_query[] = {
    {"groupname", API_STR, "What the name holds.", true},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = GROUPS,
     .name = "usergroup.list",
     .permission = PERM_GROUP_LIST,
     .handler = list,
     .doc = "List groups of users.",
     .contract = &(const struct api_contract){.operation = "listUserGroups",
                                              .gives = &harbor_group_object,
                                              .many = true,
                                              .list = &group_list_fields,
                                              .query = list_query}},
    {.method = HTTP_POST,
     .pattern = GROUPS,
     .name = "usergroup.create",
     .permission = PERM_GROUP_CREATE,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create,
     .doc = "Make a group of users known.",
     .contract = &(const struct api_contract){.operation = "createUserGroup",
                                              .takes = &harbor_group_object,
                                              .status = 201}},
    {.method = HTTP_GET,
     .pattern = GROUPS "/search",
     .name = "usergroup.search",
     .permission = PERM_LOGIN,
     .handler = search,
     .doc = "Find groups by a part of their name.",
     .contract = &(const struct api_contract){.operation = "searchUserGroups",
                                              .gives = &found_object,
                                              .many = true,
                                              .list = &group_list_fields,
                                              .query = search_query}},
    {.method = HTTP_GET,
     .pattern = GROUPS "/{group_id}",
     .name = "usergroup.get",
     .permission = PERM_GROUP_READ,
     .handler = get,
     .doc = "See a group of users.",
     .contract =
         &(const struct api_contract){.operation = "getUserGroup", .gives = &harbor_group_object}},
    {.method = HTTP_PUT,
     .pattern = GROUPS "/{group_id}",
     .name = "usergroup.update",
     .permission = PERM_GROUP_UPDATE,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Give a group of users another name.",
     .contract = &(const struct api_contract){.operation = "updateUserGroup",
                                              .takes = &harbor_group_object}},
    {.method = HTTP_DELETE,
     .pattern = GROUPS "/{group_id}",
     .name = "usergroup.delete",
     .permission = PERM_GROUP_DELETE,
     .handler = delete,
     .doc = "Forget a group of users; its memberships end.",
     .contract = &(const struct api_contract){.operation = "deleteUserGroup"}},
};

const struct http_group harbor_usergroups_group = {
    .prefix = "/api/v2.0/",
    .title = "groups of users",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
