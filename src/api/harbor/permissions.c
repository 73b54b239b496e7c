/* SPDX-License-Identifier: Apache-2.0 */
/* What may be permitted, and what the caller may do: /permissions, /users/current/permissions. */
#include "access/member.h"
#include "api/harbor/harbor.h"
#include "base/mem.h"

struct shown {
    struct str resource, action;
};
static const struct api_field shown_fields[] = {
    {"resource", API_STR, offsetof(struct shown, resource), 0, NULL, 0, "On what."},
    {"action", API_STR, offsetof(struct shown, action), 0, NULL, 0, "What may be done."},
};
static const struct api_object shown_object = {
    .name = "Permission",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "A permission.",
};

struct catalogue {
    struct api_list system, project;
};
static const struct api_field catalogue_fields[] = {
    {"system", API_LIST, offsetof(struct catalogue, system), 0, &shown_object, 0,
     "What a robot of the system may be given."},
    {"project", API_LIST, offsetof(struct catalogue, project), 0, &shown_object, 0,
     "What a robot may be given in a project."},
};
static const struct api_object catalogue_object = {
    .name = "Permissions",
    .size = sizeof(struct catalogue),
    .fields = catalogue_fields,
    .n = ARRAY_LEN(catalogue_fields),
    .doc = "What robots may be given.",
};

/* The rows that hold(row, ctx) says yes to; prefix stands before each resource. */
static struct api_list gather(struct http_req *rq, const char *prefix,
                              bool (*holds)(const struct permission_info *p, const void *ctx),
                              const void *ctx)
{
    struct shown *v = ARENA_ARRAY(&rq->arena, PERM_COUNT, struct shown);
    size_t n = 0;

    for (int i = 0; i < PERM_COUNT; i++) {
        const struct permission_info *p = permission_info((enum permission)i);
        if (p->level == PERM_LEVEL_NONE || !holds(p, ctx))
            continue;
        bool self = *prefix && strcmp(p->resource, "project") == 0;
        v[n++] = (struct shown){
            .resource = *prefix ? str_from(arena_printf(&rq->arena, "%s%s%s", prefix,
                                                        self ? "" : "/", self ? "" : p->resource))
                                : str_from(p->resource),
            .action = str_from(p->action),
        };
    }
    return (struct api_list){v, n};
}

static bool of_catalogue(const struct permission_info *p, const void *ctx)
{
    return p->robots & *(const unsigned *)ctx;
}

/* Administrators of the system see all of it, those of a project its part. */
static int catalogue(struct http_req *rq, struct err *e)
{
    const struct identity *id = api_identity(rq);
    const unsigned system = PERM_ROBOTS_SYSTEM, project = PERM_ROBOTS_PROJECT;
    struct catalogue c = {.project = gather(rq, "", of_catalogue, &project)};

    if (id->admin) {
        c.system = gather(rq, "", of_catalogue, &system);
    } else {
        int any = member_is_admin_anywhere(api_app(rq)->access, id->user_id, e);
        if (any <= 0)
            return any < 0 ? -1 : ERR(e, DENIED, "forbidden");
    }
    return harbor_reply(rq, &c);
}

struct who {
    bool admin;
    enum permission_level level;
    unsigned roles;
};

static bool of_caller(const struct permission_info *p, const void *ctx)
{
    const struct who *w = ctx;
    return p->level == w->level && (w->admin || (p->roles & w->roles));
}

/* "/project/7" → 7. */
static bool read_scope(struct str scope, int64_t *ret)
{
    return str_starts(scope, STR("/project/")) && str_i64(str_skip(scope, 9), 1, INT64_MAX, ret);
}

static int of_current(struct http_req *rq, struct err *e)
{
    const struct identity *id = api_identity(rq);
    struct registry *r = &api_app(rq)->registry;
    struct str scope = http_query(rq, "scope");
    struct who w = {.admin = id->admin, .level = PERM_LEVEL_SYSTEM};
    struct project p = {0};
    bool relative;
    int64_t project = 0;

    if (harbor_query_bool(rq, "relative", false, &relative, e) < 0)
        return -1;
    if (scope.n && read_scope(scope, &project)) {
        w.level = PERM_LEVEL_PROJECT;
        int found = project_find_by_id(r, &rq->arena, project, &p, e);
        if (found < 0 ||
            (found && access_roles(api_app(rq)->access, id, p.id, p.is_public, &w.roles, e) < 0))
            return -1;
        if (!found)
            w.admin = false;
    } else if (scope.n && !str_eqz(scope, "/")) {
        w.admin = false;
    }
    const char *prefix = project && !relative ? arena_strz(&rq->arena, scope) : "";
    struct api_list all = gather(rq, prefix, of_caller, &w);
    return harbor_reply_all(rq, all.items, all.n);
}

static const struct api_query current_query[] = {
    {"scope", API_STR, "Where: /project/NUMBER; without it, in the whole system.", false},
    {"relative", API_BOOL, "Leave the scope out of the names of resources.", false},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/permissions",
     .name = "permission.list",
     .permission = PERM_LOGIN,
     .handler = catalogue,
     .doc = "List what robots may be given; for administrators of the system or of a project.",
     .contract =
         &(const struct api_contract){.operation = "getPermissions", .gives = &catalogue_object}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/users/current/permissions",
     .name = "permission.current",
     .permission = PERM_LOGIN,
     .handler = of_current,
     .doc = "List what the caller may do.",
     .contract = &(const struct api_contract){.operation = "getCurrentUserPermissions",
                                              .gives = &shown_object,
                                              .many = true,
                                              .query = current_query}},
};

const struct http_group harbor_permissions_group = {
    .prefix = "/api/v2.0/",
    .title = "permissions",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
