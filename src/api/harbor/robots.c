/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of programs: /robots. */
#include "access/robot.h"

#include "api/harbor/harbor.h"
#include "base/mem.h"

/* ---- objects ---- */

struct one_access {
    struct str resource, action, effect;
};
static const struct api_field access_fields[] = {
    {"resource", API_STR, offsetof(struct one_access, resource), API_REQUIRED, NULL, 64,
     "On what."},
    {"action", API_STR, offsetof(struct one_access, action), API_REQUIRED, NULL, 64,
     "What may be done."},
    {"effect", API_STR, offsetof(struct one_access, effect), 0, NULL, 16,
     "\"allow\", which is also meant without it."},
};
static const struct api_object access_object = {
    .name = "Access",
    .size = sizeof(struct one_access),
    .fields = access_fields,
    .n = ARRAY_LEN(access_fields),
    .doc = "One right.",
};

struct rights {
    struct str kind, namespace;
    struct api_list access; /* struct one_access */
};
static const struct api_field rights_fields[] = {
    {"kind", API_STR, offsetof(struct rights, kind), API_REQUIRED, NULL, 16,
     "\"project\", or \"system\" for what is about no project."},
    {"namespace", API_STR, offsetof(struct rights, namespace), API_REQUIRED, NULL, LIMIT_REPO_NAME,
     "The name of the project, \"*\" for every project, \"/\" for the system."},
    {"access", API_LIST, offsetof(struct rights, access), API_REQUIRED, &access_object, 0,
     "The rights there."},
};
static const struct api_object rights_object = {
    .name = "RobotPermission",
    .size = sizeof(struct rights),
    .fields = rights_fields,
    .n = ARRAY_LEN(rights_fields),
    .doc = "What a robot may do in one place.",
};

struct shown {
    struct robot robot;
    struct api_list rights; /* struct rights */
};
#define R(member) offsetof(struct shown, robot.member)
static const struct api_field shown_fields[] = {
    {"id", API_INT, R(id), 0, NULL, 0, "Its number."},
    {"name", API_STR, R(full_name), 0, NULL, 0, "The name that it signs in with."},
    {"description", API_STR, R(description), 0, NULL, 0, "What it is for."},
    {"level", API_STR, R(level), 0, NULL, 0, "\"system\" or \"project\"."},
    {"duration", API_INT, R(duration), 0, NULL, 0,
     "Days that it may be used from when it was made; -1: for ever."},
    {"expires_at", API_INT, R(expires_at), 0, NULL, 0,
     "When that ends, in seconds since 1970; -1: never."},
    {"disable", API_BOOL, R(disabled), API_ALWAYS, NULL, 0, "It cannot sign in."},
    {"editable", API_BOOL, R(editable), API_ALWAYS, NULL, 0, "It can be changed."},
    {"permissions", API_LIST, offsetof(struct shown, rights), 0, &rights_object, 0,
     "What it may do."},
    {"creator_type", API_STR, R(creator_type), 0, NULL, 0,
     "What made it: \"local\" for a user, or \"robot\"."},
    {"creator_ref", API_INT, R(creator_id), 0, NULL, 0, "The number of the user or robot."},
    {"creation_time", API_TIME, R(created_ms), 0, NULL, 0, "When it was made."},
    {"update_time", API_TIME, R(updated_ms), 0, NULL, 0, "When it was changed last."},
};
static const struct api_object shown_object = {
    .name = "Robot",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "An account of a program. Its secret is never shown again.",
};

struct wanted {
    struct str name, description, secret, level;
    bool disabled;
    int64_t duration;
    struct api_list rights; /* struct rights */
};
static const struct api_field wanted_fields[] = {
    {"name", API_STR, offsetof(struct wanted, name), 0, NULL, 255,
     "Its name; needed to make one, and of no effect later."},
    {"description", API_STR, offsetof(struct wanted, description), 0, NULL, 0, "What it is for."},
    {"secret", API_STR, offsetof(struct wanted, secret), API_SECRET, NULL, LIMIT_PASSWORD,
     "What it signs in with; without it, a random one is made."},
    {"level", API_STR, offsetof(struct wanted, level), 0, NULL, 16, "\"system\" or \"project\"."},
    {"disable", API_BOOL, offsetof(struct wanted, disabled), 0, NULL, 0, "It cannot sign in."},
    {"duration", API_INT, offsetof(struct wanted, duration), 0, NULL, 0,
     "Days that it may be used; -1: for ever."},
    {"permissions", API_LIST, offsetof(struct wanted, rights), 0, &rights_object, 0,
     "What it may do; a robot of a project has one entry, for that project."},
};
static const struct api_object wanted_object = {
    .name = "RobotCreate",
    .size = sizeof(struct wanted),
    .fields = wanted_fields,
    .n = ARRAY_LEN(wanted_fields),
    .doc = "A robot to be made, or what is to be changed.",
};

struct created {
    int64_t id;
    struct str name, secret;
    int64_t created_ms, expires_at;
};
static const struct api_field created_fields[] = {
    {"id", API_INT, offsetof(struct created, id), 0, NULL, 0, "Its number."},
    {"name", API_STR, offsetof(struct created, name), 0, NULL, 0,
     "The name that it signs in with."},
    {"secret", API_STR, offsetof(struct created, secret), API_SECRET, NULL, 0,
     "What it signs in with; shown this once."},
    {"creation_time", API_TIME, offsetof(struct created, created_ms), 0, NULL, 0,
     "When it was made."},
    {"expires_at", API_INT, offsetof(struct created, expires_at), 0, NULL, 0,
     "When it ends, in seconds since 1970; -1: never."},
};
static const struct api_object created_object = {
    .name = "RobotCreated",
    .size = sizeof(struct created),
    .fields = created_fields,
    .n = ARRAY_LEN(created_fields),
    .doc = "A robot that was made.",
};

struct secret {
    struct str secret;
};
static const struct api_field secret_fields[] = {
    {"secret", API_STR, offsetof(struct secret, secret), API_ALWAYS | API_SECRET, NULL,
     LIMIT_PASSWORD, "The new secret; empty for a random one, which the answer holds."},
};
static const struct api_object secret_object = {
    .name = "RobotSec",
    .size = sizeof(struct secret),
    .fields = secret_fields,
    .n = ARRAY_LEN(secret_fields),
    .doc = "A secret of a robot.",
};

/* ---- what requests mean ---- */

static struct access *access_of(const struct http_req *rq)
{
    return api_app(rq)->access;
}

/* {robot_id}; what is not there reads like what is not the caller's. */
static int resolve_robot(struct http_req *rq, struct err *e)
{
    struct robot r = {0};
    int64_t id;

    if (harbor_param_id(rq, "robot_id", &id, e) < 0 ||
        robot_find(access_of(rq), &rq->arena, id, &r, e) < 0)
        return -1;
    return harbor_target_project(rq, r.project_id, e);
}

static int find(struct http_req *rq, struct robot *ret, struct err *e)
{
    int64_t id;

    if (harbor_param_id(rq, "robot_id", &id, e) < 0)
        return -1;
    int found = robot_find(access_of(rq), &rq->arena, id, ret, e);
    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, NOT_FOUND, "there is no robot %lld", (long long)id);
}

/* The project that a robot of a project is for: that of its only entry. */
static int resolve_body(struct http_req *rq, const void *body, struct err *e)
{
    const struct wanted *w = body;
    const struct rights *first = w->rights.items;
    struct project p = {0};

    if (!str_eqz(w->level, "project") && !str_eqz(w->level, "system"))
        return ERR(e, BAD_REQUEST, "\"level\" must be \"system\" or \"project\"");
    if (str_eqz(w->level, "system"))
        return harbor_target_project(rq, 0, e);
    if (w->rights.n != 1 || !str_eqz(first->kind, "project"))
        return ERR(e, BAD_REQUEST,
                   "a robot of a project has one entry in \"permissions\", of kind \"project\"");
    int found = project_meant(&api_app(rq)->registry, &rq->arena, first->namespace, &p, e);
    if (found < 0)
        return -1;
    if (found)
        return harbor_target_project(rq, p.id, e);
    rq->target = ARENA_NEW(&rq->arena, struct access_target);
    return 0;
}

/* Where an entry counts. */
static int read_place(struct http_req *rq, const struct rights *r, struct access_robot_grant *ret,
                      struct err *e)
{
    int64_t own = api_target(rq)->project_id;
    struct project p = {0};

    if (str_eqz(r->kind, "system")) {
        ret->kind = ACCESS_ROBOT_SYSTEM;
        return str_eqz(r->namespace, "/")
                   ? 0
                   : ERR(e, BAD_REQUEST, "\"namespace\" must be \"/\" for the kind \"system\"");
    }
    if (!str_eqz(r->kind, "project"))
        return ERR(e, BAD_REQUEST, "\"kind\" must be \"system\" or \"project\"");
    ret->kind = ACCESS_ROBOT_PROJECT;
    if (str_eqz(r->namespace, "*") && !own)
        return 0;
    int found = project_meant(&api_app(rq)->registry, &rq->arena, r->namespace, &p, e);
    if (found < 0)
        return -1;
    if (!found || (own && p.id != own))
        return ERR(e, BAD_REQUEST, "\"namespace\": there is no project \"%.*s\" for this robot",
                   S(str_head(r->namespace, 255)));
    ret->project_id = p.id;
    return 0;
}

/* All entries as single rights; nobody gives away what they do not have. */
static int read_rights(struct http_req *rq, const struct api_list *list, struct access_robot *ret,
                       struct err *e)
{
    const struct identity *id = api_identity(rq);
    const struct rights *entries = list->items;
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += entries[i].access.n;
    struct access_robot_grant *v = ARENA_ARRAY(&rq->arena, n, struct access_robot_grant);
    n = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct one_access *each = entries[i].access.items;
        struct access_robot_grant place = {0};
        if (read_place(rq, &entries[i], &place, e) < 0)
            return -1;
        for (size_t k = 0; k < entries[i].access.n; k++) {
            enum permission p;
            if (each[k].effect.n && !str_eqz(each[k].effect, "allow"))
                return ERR(e, BAD_REQUEST, "\"effect\" must be \"allow\"");
            if (robot_permission(place.kind, each[k].resource, each[k].action, &p, e) < 0)
                return -1;
            v[n] = place;
            v[n++].permission = (unsigned)p;
        }
    }
    *ret = (struct access_robot){.grants = v, .n = n};
    if (id->robot && !robot_covers(id->robot, ret))
        return ERR(e, POLICY, "a robot can give others only what it may do itself");
    return 0;
}

/* ---- answers ---- */

/* The grants, which are sorted by place, as entries. */
static struct api_list show_rights(struct http_req *rq, const struct access_robot *all)
{
    struct rights *entries = ARENA_ARRAY(&rq->arena, all->n, struct rights);
    struct one_access *each = ARENA_ARRAY(&rq->arena, all->n, struct one_access);
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        const struct access_robot_grant *g = &all->grants[i], *before = g - 1;
        const struct permission_info *p = permission_info((enum permission)g->permission);
        bool system = g->kind == ACCESS_ROBOT_SYSTEM;
        if (i == 0 || before->kind != g->kind || before->project_id != g->project_id)
            entries[n++] = (struct rights){
                .kind = system ? STR("system") : STR("project"),
                .namespace = system          ? STR("/")
                             : g->project_id ? g->project
                                             : STR("*"),
                .access = {&each[i], 0},
            };
        each[i] =
            (struct one_access){.resource = str_from(p->resource), .action = str_from(p->action)};
        entries[n - 1].access.n++;
    }
    return (struct api_list){entries, n};
}

static int show(struct http_req *rq, const struct robot *r, struct shown *ret, struct err *e)
{
    struct access_robot rights;

    if (robot_grants(access_of(rq), &rq->arena, r->id, &rights, e) < 0)
        return -1;
    *ret = (struct shown){.robot = *r, .rights = show_rights(rq, &rights)};
    return 0;
}

/* Level and ProjectID in q say whose robots are listed: the target. */
static int read_level(struct http_req *rq, const struct db_list_query *q, struct err *e)
{
    int64_t project = 0;
    bool of_project = false;

    for (size_t i = 0; i < q->n_matches; i++) {
        const struct db_match *m = &q->matches[i];
        if (m->op != DB_MATCH_EXACT)
            continue;
        if (strcmp(m->field->name, "level") == 0)
            of_project = str_eqz(m->values[0].s, "project");
        else if (strcmp(m->field->name, "project_id") == 0)
            project = m->values[0].i;
    }
    if (of_project && project <= 0)
        return ERR(e, BAD_REQUEST,
                   "robots of a project are listed with q=Level=project,ProjectID=NUMBER");
    return harbor_target_project(rq, of_project ? project : 0, e);
}

static int list(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;

    if (harbor_list_query(rq, &q, e) < 0 || read_level(rq, &q, e) < 0 ||
        access_check(api_identity(rq), api_target(rq), PERM_ROBOT_LIST, e) < 0)
        return -1;
    harbor_list_match(rq, &q, "project_id", DB_MATCH_EXACT, DB_I64(api_target(rq)->project_id));
    if (robot_list(access_of(rq), &rq->arena, &q, &page, e) < 0)
        return -1;
    const struct robot *found = page.v;
    struct shown *shown = ARENA_ARRAY(&rq->arena, page.n, struct shown);
    for (size_t i = 0; i < page.n; i++)
        if (show(rq, &found[i], &shown[i], e) < 0)
            return -1;
    page.v = shown;
    return harbor_reply_list(rq, &page);
}

static int get(struct http_req *rq, struct err *e)
{
    struct robot r;
    struct shown s;

    if (find(rq, &r, e) < 0 || show(rq, &r, &s, e) < 0)
        return -1;
    return harbor_reply(rq, &s);
}

static int create(struct http_req *rq, struct err *e)
{
    const struct identity *id = api_identity(rq);
    struct wanted w = {0};
    struct access_robot rights;
    struct str secret;

    if (harbor_body(rq, &w, NULL, e) < 0 || read_rights(rq, &w.rights, &rights, e) < 0)
        return -1;
    struct robot r = {.project_id = api_target(rq)->project_id,
                      .name = w.name,
                      .description = w.description,
                      .duration = w.duration,
                      .disabled = w.disabled};
    if (robot_create(access_of(rq), &rq->arena, &r, &rights, w.secret,
                     id->robot ? -id->robot->id : id->user_id, &secret, e) < 0)
        return -1;
    const struct created c = {.id = r.id,
                              .name = r.full_name,
                              .secret = secret.n ? secret : w.secret,
                              .created_ms = r.created_ms,
                              .expires_at = r.expires_at};
    http_set_header(rq, "Cache-Control", STR("no-store"));
    return harbor_reply_made(rq, r.id, &c);
}

static int update(struct http_req *rq, struct err *e)
{
    struct wanted w = {0};
    struct robot r;
    struct access_robot rights;

    if (harbor_body(rq, &w, NULL, e) < 0 || find(rq, &r, e) < 0)
        return -1;
    if (w.level.n && !str_eq(w.level, r.level))
        return ERR(e, BAD_REQUEST, "the \"level\" of a robot cannot change");
    if (w.name.n && !str_eq(w.name, r.name) && !str_eq(w.name, r.full_name))
        return ERR(e, BAD_REQUEST, "the \"name\" of a robot cannot change");
    if (read_rights(rq, &w.rights, &rights, e) < 0)
        return -1;
    r.description = w.description;
    r.duration = w.duration;
    r.disabled = w.disabled;
    if (robot_update(access_of(rq), &r, &rights, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int refresh(struct http_req *rq, struct err *e)
{
    struct secret wanted = {0}, made;
    struct robot r;

    if (harbor_body(rq, &wanted, NULL, e) < 0 || find(rq, &r, e) < 0 ||
        robot_secret_set(access_of(rq), &rq->arena, &r, wanted.secret, &made.secret, e) < 0)
        return -1;
    http_set_header(rq, "Cache-Control", STR("no-store"));
    return harbor_reply(rq, &made);
}

static int delete (struct http_req *rq, struct err *e)
{
    struct robot r;

    if (find(rq, &r, e) < 0 || robot_remove(access_of(rq), &r, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

#define ROBOTS "/api/v2.0/robots"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = ROBOTS,
     .name = "robot.list",
     .permission = PERM_LOGIN,
     .handler = list,
     .doc = "List robots: those of the system, or, with q=Level=project,ProjectID=NUMBER, of a "
            "project.",
     .contract = &(const struct api_contract){.operation = "ListRobot",
                                              .gives = &shown_object,
                                              .many = true,
                                              .list = &robot_list_fields}},
    {.method = HTTP_POST,
     .pattern = ROBOTS,
     .name = "robot.create",
     .permission = PERM_LOGIN,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create,
     .doc = "Make a robot.",
     .contract = &(const struct api_contract){.operation = "CreateRobot",
                                              .takes = &wanted_object,
                                              .gives = &created_object,
                                              .status = 201,
                                              .resolve = resolve_body,
                                              .permission = PERM_ROBOT_CREATE}},
    {.method = HTTP_GET,
     .pattern = ROBOTS "/{robot_id}",
     .name = "robot.get",
     .permission = PERM_ROBOT_READ,
     .resolve = resolve_robot,
     .handler = get,
     .doc = "See a robot.",
     .contract = &(const struct api_contract){.operation = "GetRobotByID", .gives = &shown_object}},
    {.method = HTTP_PUT,
     .pattern = ROBOTS "/{robot_id}",
     .name = "robot.update",
     .permission = PERM_ROBOT_UPDATE,
     .resolve = resolve_robot,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change what a robot is for, what it may do, and for how long.",
     .contract = &(const struct api_contract){.operation = "UpdateRobot", .takes = &wanted_object}},
    {.method = HTTP_PATCH,
     .pattern = ROBOTS "/{robot_id}",
     .name = "robot.secret",
     .permission = PERM_ROBOT_UPDATE,
     .resolve = resolve_robot,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = refresh,
     .doc = "Give a robot another secret.",
     .contract = &(const struct api_contract){.operation = "RefreshSec",
                                              .takes = &secret_object,
                                              .gives = &secret_object}},
    {.method = HTTP_DELETE,
     .pattern = ROBOTS "/{robot_id}",
     .name = "robot.delete",
     .permission = PERM_ROBOT_DELETE,
     .resolve = resolve_robot,
     .handler = delete,
     .doc = "Remove a robot.",
     .contract = &(const struct api_contract){.operation = "DeleteRobot"}},
};

const struct http_group harbor_robots_group = {
    .prefix = "/api/v2.0/",
    .title = "robots",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
