/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a project: /projects/…/members. */
#include "access/member.h"

#include "access/group.h"
#include "access/user.h"
#include "api/harbor/project_objects.h"
#include "base/mem.h"

/* ---- objects ---- */

struct shown {
    struct member member;
    int64_t role;
    struct str role_name, type;
};
static const struct api_field shown_fields[] = {
    {"id", API_INT, offsetof(struct shown, member.id), 0, NULL, 0, "The number of the membership."},
    {"project_id", API_INT, offsetof(struct shown, member.project_id), 0, NULL, 0, "The project."},
    {"entity_name", API_STR, offsetof(struct shown, member.name), 0, NULL, 0,
     "The name of the user or the group."},
    {"role_name", API_STR, offsetof(struct shown, role_name), 0, NULL, 0, "The name of the role."},
    {"role_id", API_INT, offsetof(struct shown, role), 0, NULL, 0,
     "The role: 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest."},
    {"entity_id", API_INT, offsetof(struct shown, member.entity_id), 0, NULL, 0,
     "The number of the user or the group."},
    {"entity_type", API_STR, offsetof(struct shown, type), 0, NULL, 0, "u: a user, g: a group."},
};
static const struct api_object shown_object = {
    .name = "ProjectMemberEntity",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "A member of a project.",
};

struct wanted_user {
    int64_t id;
    struct str name;
};
static const struct api_field wanted_user_fields[] = {
    {"user_id", API_INT, offsetof(struct wanted_user, id), 0, NULL, 0, "The number of the user."},
    {"username", API_STR, offsetof(struct wanted_user, name), 0, NULL, LIMIT_USERNAME,
     "The name of the user, where no number is given."},
};
static const struct api_object wanted_user_object = {
    .name = "UserEntity",
    .size = sizeof(struct wanted_user),
    .fields = wanted_user_fields,
    .n = ARRAY_LEN(wanted_user_fields),
    .doc = "A user, by number or name.",
};

struct wanted {
    int64_t role;
    const struct wanted_user *user;
    const struct group *group;
};
static const struct api_field wanted_fields[] = {
    {"role_id", API_INT, offsetof(struct wanted, role), API_REQUIRED, NULL, 0,
     "The role: 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest."},
    {"member_user", API_OBJECT, offsetof(struct wanted, user), 0, &wanted_user_object, 0,
     "The user who is to become a member."},
    {"member_group", API_OBJECT, offsetof(struct wanted, group), 0, &harbor_group_object, 0,
     "The group that is to become one: by number, or by name and type or distinguished name."},
};
static const struct api_object wanted_object = {
    .name = "ProjectMember",
    .size = sizeof(struct wanted),
    .fields = wanted_fields,
    .n = ARRAY_LEN(wanted_fields),
    .doc = "A member to be taken in.",
};
static const struct api_object role_object = {
    .name = "RoleRequest",
    .size = sizeof(struct wanted),
    .fields = wanted_fields,
    .n = 1,
    .doc = "Another role.",
};

/* ---- handlers ---- */

static int64_t project_of(const struct http_req *rq)
{
    return api_target(rq)->project_id;
}

static struct shown show(const struct member *m)
{
    return (struct shown){
        .member = *m,
        .role = m->role,
        .role_name = str_from(access_role_name(m->role)),
        .type = m->is_group ? STR("g") : STR("u"),
    };
}

static int list(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;
    struct str name = http_query(rq, "entityname");

    if (harbor_list_query(rq, &q, e) < 0)
        return -1;
    if (name.n)
        harbor_list_match(rq, &q, "entity_name", DB_MATCH_CONTAINS, DB_TEXT(name));
    if (member_list(api_app(rq)->access, &rq->arena, project_of(rq), &q, &page, e) < 0)
        return -1;
    const struct member *found = page.v;
    struct shown *shown = ARENA_ARRAY(&rq->arena, page.n, struct shown);
    for (size_t i = 0; i < page.n; i++)
        shown[i] = show(&found[i]);
    page.v = shown;
    return harbor_reply_list(rq, &page);
}

static int get(struct http_req *rq, struct err *e)
{
    struct member m;
    int64_t id;

    if (harbor_param_id(rq, "mid", &id, e) < 0)
        return -1;
    int found = member_find(api_app(rq)->access, &rq->arena, project_of(rq), id, &m, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the project has no member %lld", (long long)id);
    struct shown s = show(&m);
    return harbor_reply(rq, &s);
}

static int read_role(const struct wanted *w, enum access_role *ret, struct err *e)
{
    if (w->role < ROLE_ADMIN || w->role > ROLE_LIMITED)
        return ERR(e, BAD_REQUEST, "\"role_id\" must be from 1 to 5, not %lld", (long long)w->role);
    *ret = (enum access_role)w->role;
    return 0;
}

/* Who is meant. As Harbor: an unknown name is 404, an unknown number 400. */
static int find_user(struct http_req *rq, const struct wanted_user *u, int64_t *ret, struct err *e)
{
    struct access *x = api_app(rq)->access;
    struct user known;
    int found;

    if (!u || (u->id == 0 && u->name.n == 0))
        return ERR(
            e, BAD_REQUEST,
            "\"member_user\" must say who (\"user_id\" or \"username\"), or \"member_group\"");
    if (u->id == 0) {
        found = user_find_by_name(x, u->name, ret, e);
        return found > 0 ? 0
               : found < 0
                   ? -1
                   : ERR(e, NOT_FOUND, "there is no user \"%.*s\"", S(str_head(u->name, 80)));
    }
    found = user_find(x, &rq->arena, u->id, &known, e);
    *ret = u->id;
    return found > 0 ? 0
           : found < 0
               ? -1
               : ERR(e, BAD_REQUEST, "\"user_id\": there is no user %lld", (long long)u->id);
}

/* A group that is not known yet becomes known. */
static int find_group(struct http_req *rq, const struct group *g, int64_t *ret, struct err *e)
{
    struct access *x = api_app(rq)->access;
    struct group known, wanted = *g;

    if (g->id == 0) {
        if (wanted.ldap_dn.n && wanted.name.n == 0)
            wanted.name = wanted.ldap_dn;
        if (wanted.ldap_dn.n && wanted.kind == 0)
            wanted.kind = GROUP_LDAP;
        return group_ensure(x, &wanted, ret, e);
    }
    int found = group_find(x, &rq->arena, g->id, &known, e);
    *ret = g->id;
    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, BAD_REQUEST, "\"id\": there is no group %lld", (long long)g->id);
}

static int find_entity(struct http_req *rq, const struct wanted *w, struct member *m, struct err *e)
{
    m->is_group = w->group != NULL;
    if (w->group && w->user)
        return ERR(e, BAD_REQUEST, "\"member_user\" and \"member_group\": name one of them");
    return w->group ? find_group(rq, w->group, &m->entity_id, e)
                    : find_user(rq, w->user, &m->entity_id, e);
}

static int create(struct http_req *rq, struct err *e)
{
    struct wanted w = {0};
    struct member m = {.project_id = project_of(rq)};
    int64_t id;

    if (harbor_body(rq, &w, NULL, e) < 0 || read_role(&w, &m.role, e) < 0 ||
        find_entity(rq, &w, &m, e) < 0 || member_add(api_app(rq)->access, &m, &id, e) < 0)
        return -1;
    return harbor_reply_created(rq, id);
}

static int update(struct http_req *rq, struct err *e)
{
    struct wanted w = {0};
    enum access_role role;
    int64_t id;

    if (harbor_param_id(rq, "mid", &id, e) < 0 || harbor_body(rq, &w, NULL, e) < 0 ||
        read_role(&w, &role, e) < 0 ||
        member_set_role(api_app(rq)->access, project_of(rq), id, role, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete (struct http_req *rq, struct err *e)
{
    int64_t id;

    if (harbor_param_id(rq, "mid", &id, e) < 0 ||
        member_remove(api_app(rq)->access, project_of(rq), id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

/* ---- routes ---- */

#define MEMBERS "/api/v2.0/projects/{project}/members"

static const struct api_query list_query[] = {
    {"entityname", API_STR, "Only members whose name holds this.", false},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = MEMBERS,
     .name = "member.list",
     .permission = PERM_MEMBER_LIST,
     .resolve = harbor_resolve_project,
     .handler = list,
     .doc = "List the members of a project.",
     .contract = &(const struct api_contract){.operation = "listProjectMembers",
                                              .gives = &shown_object,
                                              .many = true,
                                              .list = &member_list_fields,
                                              .query = list_query}},
    {.method = HTTP_POST,
     .pattern = MEMBERS,
     .name = "member.create",
     .permission = PERM_MEMBER_CREATE,
     .resolve = harbor_resolve_project,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create,
     .doc = "Take somebody into a project.",
     .contract = &(const struct api_contract){.operation = "createProjectMember",
                                              .takes = &wanted_object,
                                              .status = 201}},
    {.method = HTTP_GET,
     .pattern = MEMBERS "/{mid}",
     .name = "member.get",
     .permission = PERM_MEMBER_READ,
     .resolve = harbor_resolve_project,
     .handler = get,
     .doc = "See a member of a project.",
     .contract =
         &(const struct api_contract){.operation = "getProjectMember", .gives = &shown_object}},
    {.method = HTTP_PUT,
     .pattern = MEMBERS "/{mid}",
     .name = "member.update",
     .permission = PERM_MEMBER_UPDATE,
     .resolve = harbor_resolve_project,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Give a member another role.",
     .contract =
         &(const struct api_contract){.operation = "updateProjectMember", .takes = &role_object}},
    {.method = HTTP_DELETE,
     .pattern = MEMBERS "/{mid}",
     .name = "member.delete",
     .permission = PERM_MEMBER_DELETE,
     .resolve = harbor_resolve_project,
     .handler = delete,
     .doc = "Take somebody out of a project.",
     .contract = &(const struct api_contract){.operation = "deleteProjectMember"}},
};

const struct http_group harbor_members_group = {
    .prefix = "/api/v2.0/",
    .title = "members of projects",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
