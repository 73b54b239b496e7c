/* SPDX-License-Identifier: Apache-2.0 */
/* Projects: /projects. Their members and properties: members.c, metadata.c. */
#include "access/member.h"
#include "access/setting.h"
#include "api/harbor/harbor.h"
#include "api/harbor/project_objects.h"
#include "base/mem.h"
#include "registry/quota.h"

/* ---- objects ---- */

/* A project as it is shown to a caller. */
struct shown {
    struct project_facts facts;
    bool deleted, togglable;
    int64_t registry_id;
    int64_t role;
    struct api_ints roles;
    const struct project_properties *properties;
    const struct harbor_storage *quota;
};

static const struct api_field storage_fields[] = {
    {"hard", API_OBJECT, offsetof(struct harbor_storage, hard), 0, &harbor_storage_object, 0,
     "What it may hold."},
    {"used", API_OBJECT, offsetof(struct harbor_storage, used), 0, &harbor_storage_object, 0,
     "What it holds."},
};
static const struct api_object storage_object = {
    .name = "ProjectSummaryQuota",
    .size = sizeof(struct harbor_storage),
    .fields = storage_fields,
    .n = ARRAY_LEN(storage_fields),
    .doc = "How much a project holds and may hold.",
};

static const struct api_field shown_fields[] = {
    {"project_id", API_INT, offsetof(struct shown, facts.id), 0, NULL, 0, "Its number."},
    {"owner_id", API_INT, offsetof(struct shown, facts.owner_id), 0, NULL, 0,
     "The user who made it."},
    {"name", API_STR, offsetof(struct shown, facts.name), 0, NULL, 0,
     "Its name: the first part of the names of its repositories."},
    {"display_name", API_STR, offsetof(struct shown, facts.display_name), 0, NULL, 0,
     "Its name with the upper case that it was made with."},
    {"registry_id", API_INT, offsetof(struct shown, registry_id), 0, NULL, 0,
     "The registry that it mirrors."},
    {"creation_time", API_TIME, offsetof(struct shown, facts.created_ms), 0, NULL, 0,
     "When it was made."},
    {"update_time", API_TIME, offsetof(struct shown, facts.updated_ms), 0, NULL, 0,
     "When it was changed last."},
    {"deleted", API_BOOL, offsetof(struct shown, deleted), 0, NULL, 0, "It is gone."},
    {"owner_name", API_STR, offsetof(struct shown, facts.owner_name), 0, NULL, 0,
     "The name of the user who made it."},
    {"togglable", API_BOOL, offsetof(struct shown, togglable), 0, NULL, 0,
     "The caller may make it public or private."},
    {"current_user_role_id", API_INT, offsetof(struct shown, role), 0, NULL, 0,
     "The strongest role of the caller in it."},
    {"current_user_role_ids", API_INTS, offsetof(struct shown, roles), 0, NULL, 0,
     "All roles of the caller in it."},
    {"repo_count", API_INT, offsetof(struct shown, facts.repositories), API_ALWAYS, NULL, 0,
     "How many repositories it has."},
    {"metadata", API_OBJECT, offsetof(struct shown, properties), 0, &harbor_project_properties, 0,
     "What is said about it."},
    {"quota", API_OBJECT, offsetof(struct shown, quota), 0, &storage_object, 0,
     "How much it holds and may hold, for who may see that."},
};
const struct api_object harbor_project_object = {
    .name = "Project",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "A project.",
};

struct wanted {
    struct str name;
    bool is_public;
    const struct project_properties *properties;
    int64_t storage_limit, registry_id;
};
static const struct api_field wanted_fields[] = {
    {"project_name", API_STR, offsetof(struct wanted, name), 0, NULL, LIMIT_REPO_NAME,
     "Its name; needed to make one, and of no effect later."},
    {"public", API_BOOL, offsetof(struct wanted, is_public), 0, NULL, 0,
     "Anybody may read it; metadata.public says it in the present form."},
    {"metadata", API_OBJECT, offsetof(struct wanted, properties), 0, &harbor_project_properties, 0,
     "What is said about it."},
    {"storage_limit", API_INT, offsetof(struct wanted, storage_limit), 0, NULL, 0,
     "Bytes that it may hold; -1: any number."},
    {"registry_id", API_INT, offsetof(struct wanted, registry_id), 0, NULL, 0,
     "The registry that it is to mirror."},
};
static const struct api_object wanted_object = {
    .name = "ProjectReq",
    .size = sizeof(struct wanted),
    .fields = wanted_fields,
    .n = ARRAY_LEN(wanted_fields),
    .doc = "A project to be made, or what is to be changed.",
};

struct deletable {
    bool deletable;
    struct str message;
};
static const struct api_field deletable_fields[] = {
    {"deletable", API_BOOL, offsetof(struct deletable, deletable), API_ALWAYS, NULL, 0,
     "It can be deleted."},
    {"message", API_STR, offsetof(struct deletable, message), 0, NULL, 0, "Why not."},
};
static const struct api_object deletable_object = {
    .name = "ProjectDeletable",
    .size = sizeof(struct deletable),
    .fields = deletable_fields,
    .n = ARRAY_LEN(deletable_fields),
    .doc = "Whether a project can be deleted.",
};

struct summary {
    const struct harbor_storage *quota;
    int64_t repositories;
    int64_t members[ROLE_COUNT];
};
static const struct api_field summary_fields[] = {
    {"repo_count", API_INT, offsetof(struct summary, repositories), API_ALWAYS, NULL, 0,
     "How many repositories it has."},
    {"quota", API_OBJECT, offsetof(struct summary, quota), 0, &storage_object, 0,
     "How much it holds and may hold."},
    {"project_admin_count", API_INT, offsetof(struct summary, members[ROLE_ADMIN]), 0, NULL, 0,
     "How many members administer it."},
    {"maintainer_count", API_INT, offsetof(struct summary, members[ROLE_MAINTAINER]), 0, NULL, 0,
     "How many are maintainers."},
    {"developer_count", API_INT, offsetof(struct summary, members[ROLE_DEVELOPER]), 0, NULL, 0,
     "How many are developers."},
    {"guest_count", API_INT, offsetof(struct summary, members[ROLE_GUEST]), 0, NULL, 0,
     "How many are guests."},
    {"limited_guest_count", API_INT, offsetof(struct summary, members[ROLE_LIMITED]), 0, NULL, 0,
     "How many are limited guests."},
};
static const struct api_object summary_object = {
    .name = "ProjectSummary",
    .size = sizeof(struct summary),
    .fields = summary_fields,
    .n = ARRAY_LEN(summary_fields),
    .doc = "A project in numbers.",
};

/* ---- reading ---- */

/* Adds what depends on the caller. */
static int show(struct http_req *rq, const struct project_facts *p, struct shown *ret,
                struct err *e)
{
    unsigned roles;
    struct shown s = {.facts = *p};

    if (access_roles(api_app(rq)->access, api_identity(rq), p->id, false, &roles, e) < 0)
        return -1;
    const struct access_target here = {
        .project_id = p->id, .project_created_ms = p->created_ms, .roles = roles};
    if (access_check(api_identity(rq), &here, PERM_QUOTA_READ, NULL) == 0) {
        struct harbor_storage *storage = ARENA_NEW(&rq->arena, struct harbor_storage);
        if (harbor_show_storage(rq, p->id, storage, e) < 0)
            return -1;
        s.quota = storage;
    }
    s.role = access_role_strongest(roles);
    s.roles.v = ARENA_ARRAY(&rq->arena, ROLE_COUNT, int64_t);
    for (int role = 1; role < ROLE_COUNT; role++)
        if (roles & ROLE_BIT(role))
            s.roles.v[s.roles.n++] = role;
    *ret = s;
    return 0;
}

int harbor_show_projects(struct http_req *rq, const struct project_facts *found, size_t n,
                         struct api_list *ret, struct err *e)
{
    struct shown *shown = ARENA_ARRAY(&rq->arena, n, struct shown);

    for (size_t i = 0; i < n; i++) {
        if (show(rq, &found[i], &shown[i], e) < 0)
            return -1;
        shown[i].properties = &shown[i].facts.properties;
    }
    *ret = (struct api_list){shown, n};
    return 0;
}

/* HEAD /projects?project_name=…: is there such a project? */
static int exists(struct http_req *rq, struct err *e)
{
    struct str name = http_query(rq, "project_name");
    struct project p;

    if (api_identity(rq)->proof == ACCESS_ANONYMOUS)
        return ERR(e, UNAUTHORIZED, "unauthorized");
    if (name.n == 0)
        return ERR(e, UNPROCESSABLE, "project_name in query is required");
    int found = project_meant(&api_app(rq)->registry, &rq->arena, name, &p, e);
    if (found <= 0)
        return found < 0 ? -1
                         : ERR(e, NOT_FOUND, "there is no project %.*s", S(str_head(name, 255)));
    return http_reply_empty(rq, 200);
}

/* The parameters of old that say what q says today. */
static int narrow(struct http_req *rq, struct db_list_query *q, struct err *e)
{
    struct str name = http_query(rq, "name"), owner = http_query(rq, "owner");
    bool is_public, detail;

    if (name.n)
        harbor_list_match(rq, q, "name", DB_MATCH_CONTAINS, DB_TEXT(name));
    if (owner.n)
        harbor_list_match(rq, q, "owner_name", DB_MATCH_EXACT, DB_TEXT(owner));
    if (harbor_query_bool(rq, "public", false, &is_public, e) < 0 ||
        harbor_query_bool(rq, "with_detail", true, &detail, e) < 0)
        return -1;
    if (http_query(rq, "public").n)
        harbor_list_match(rq, q, "public", DB_MATCH_EXACT, DB_I64(is_public));
    return 0;
}

static int list(struct http_req *rq, struct err *e)
{
    const struct project_visibility v = harbor_visibility(rq);
    struct db_list_query q;
    struct db_page page;

    if (rq->head)
        return exists(rq, e);
    if (harbor_list_query(rq, &q, e) < 0 || narrow(rq, &q, e) < 0 ||
        project_list(&api_app(rq)->registry, &rq->arena, &v, &q, &page, e) < 0)
        return -1;
    struct api_list shown;
    if (harbor_show_projects(rq, page.v, page.n, &shown, e) < 0)
        return -1;
    page.v = shown.items;
    return harbor_reply_list(rq, &page);
}

int harbor_project_facts(struct http_req *rq, struct project_facts *ret, struct err *e)
{
    int found =
        project_facts_find(&api_app(rq)->registry, &rq->arena, api_target(rq)->project_id, ret, e);
    return found > 0 ? 0 : found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no such project");
}

static int get(struct http_req *rq, struct err *e)
{
    struct project_facts p;
    struct shown s;

    if (harbor_project_facts(rq, &p, e) < 0 || show(rq, &p, &s, e) < 0)
        return -1;
    s.properties = &s.facts.properties;
    return harbor_reply(rq, &s);
}

static int summary(struct http_req *rq, struct err *e)
{
    struct project_facts p;
    struct summary s = {0};
    struct harbor_storage storage = {0};

    if (harbor_project_facts(rq, &p, e) < 0)
        return -1;
    s.repositories = p.repositories;
    /* Who may not see the members does not see how many there are either. */
    if (access_check(api_identity(rq), api_target(rq), PERM_MEMBER_LIST, NULL) == 0 &&
        member_count(api_app(rq)->access, p.id, s.members, e) < 0)
        return -1;
    if (access_check(api_identity(rq), api_target(rq), PERM_QUOTA_READ, NULL) == 0) {
        if (harbor_show_storage(rq, p.id, &storage, e) < 0)
            return -1;
        s.quota = &storage;
    }
    return harbor_reply(rq, &s);
}

static int deletable(struct http_req *rq, struct err *e)
{
    struct project_facts p;

    if (harbor_project_facts(rq, &p, e) < 0)
        return -1;
    struct deletable d = {.deletable = p.repositories == 0};
    if (!d.deletable)
        d.message = STR("the project contains repositories, can not be deleted");
    return harbor_reply(rq, &d);
}

/* ---- changing ---- */

/* What is asked of a project beyond its properties, and cannot be had. */
static int check_wanted(const struct wanted *w, struct err *e)
{
    if (w->registry_id)
        return ERR(e, BAD_REQUEST, "\"registry_id\": there is no registry %lld to mirror",
                   (long long)w->registry_id);
    if (w->storage_limit < -1)
        return ERR(e, BAD_REQUEST,
                   "\"storage_limit\" must be a number of bytes, or -1 for no limit");
    return 0;
}

static int create(struct http_req *rq, struct err *e)
{
    struct app *app = api_app(rq);
    const struct identity *id = api_identity(rq);
    struct wanted w = {0};
    struct project_properties p = {0};
    struct api_given given;
    int64_t made;

    struct settings *settings = access_settings(app->access);
    struct str who = setting_text(settings, SETTING_project_creation_restriction, &rq->arena);
    if (str_eqz(who, "adminonly") && !id->admin && !id->robot)
        return ERR(e, DENIED, "only administrators may make projects here");
    if (id->robot && !access_robot_has(id->robot, ACCESS_ROBOT_SYSTEM, 0, PERM_PROJECTS_CREATE))
        return ERR(e, DENIED, "forbidden");
    if (harbor_body(rq, &w, &given, e) < 0 || check_wanted(&w, e) < 0)
        return -1;
    if (w.name.n == 0)
        return ERR(e, BAD_REQUEST, "\"project_name\" is required");
    if (w.properties)
        p = *w.properties;
    /* Only administrators say how much it may hold. */
    int64_t hard = setting_int(settings, SETTING_storage_per_project);
    if (hard == 0)
        hard = QUOTA_UNLIMITED;
    if (id->admin && w.storage_limit != 0)
        hard = w.storage_limit;
    if (!p.v[PROJECT_public].p)
        p.v[PROJECT_public] = w.is_public ? STR("true") : STR("false");
    if (project_make(&app->registry, w.name, id->user_id, &p, hard, &made, e) < 0)
        return -1;
    if (!str_eqz(http_header(rq, "X-Resource-Name-In-Location"), "true"))
        return harbor_reply_created(rq, made);
    http_set_headerf(rq, "Location", "%.*s/%.*s", S(rq->raw_path), S(w.name));
    return http_reply_empty(rq, 201);
}

static int update(struct http_req *rq, struct err *e)
{
    struct wanted w = {0};
    struct project_properties p = {0};
    struct api_given given;

    if (harbor_body(rq, &w, &given, e) < 0 || check_wanted(&w, e) < 0)
        return -1;
    if (w.properties)
        p = *w.properties;
    if (!p.v[PROJECT_public].p && api_given(&wanted_object, &given, "public"))
        p.v[PROJECT_public] = w.is_public ? STR("true") : STR("false");
    if (project_set(&api_app(rq)->registry, api_target(rq)->project_id, &p, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete (struct http_req *rq, struct err *e)
{
    if (project_remove(&api_app(rq)->registry, api_target(rq)->project_id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

/* ---- routes ---- */

static const struct api_query list_query[] = {
    {"name", API_STR, "Only projects whose name holds this.", false},
    {"public", API_BOOL, "Only public ones, or only private ones.", false},
    {"owner", API_STR, "Only those that this user made.", false},
    {"with_detail", API_BOOL, "Of no effect: everything is shown.", false},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects",
     .name = "project.list",
     .permission = PERM_OPEN,
     .handler = list,
     .doc = "List the projects that the caller may see; HEAD asks for one by project_name.",
     .contract = &(const struct api_contract){.operation = "listProjects",
                                              .gives = &harbor_project_object,
                                              .many = true,
                                              .list = &project_list_fields,
                                              .query = list_query}},
    {.method = HTTP_POST,
     .pattern = "/api/v2.0/projects",
     .name = "project.create",
     .permission = PERM_LOGIN,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create,
     .doc = "Make a project; the caller becomes its administrator.",
     .contract = &(const struct api_contract){.operation = "createProject",
                                              .takes = &wanted_object,
                                              .status = 201}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project}",
     .name = "project.get",
     .permission = PERM_PROJECT_READ,
     .resolve = harbor_resolve_project,
     .handler = get,
     .doc = "See a project.",
     .contract =
         &(const struct api_contract){.operation = "getProject", .gives = &harbor_project_object}},
    {.method = HTTP_PUT,
     .pattern = "/api/v2.0/projects/{project}",
     .name = "project.update",
     .permission = PERM_PROJECT_UPDATE,
     .resolve = harbor_resolve_project,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change what is said about a project.",
     .contract =
         &(const struct api_contract){.operation = "updateProject", .takes = &wanted_object}},
    {.method = HTTP_DELETE,
     .pattern = "/api/v2.0/projects/{project}",
     .name = "project.delete",
     .permission = PERM_PROJECT_DELETE,
     .resolve = harbor_resolve_project,
     .handler = delete,
     .doc = "Delete a project that holds nothing.",
     .contract = &(const struct api_contract){.operation = "deleteProject"}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project}/_deletable",
     .name = "project.deletable",
     .permission = PERM_PROJECT_DELETE,
     .resolve = harbor_resolve_project,
     .handler = deletable,
     .doc = "Tell whether a project can be deleted.",
     .contract = &(const struct api_contract){.operation = "getProjectDeletable",
                                              .gives = &deletable_object}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project}/summary",
     .name = "project.summary",
     .permission = PERM_PROJECT_READ,
     .resolve = harbor_resolve_project,
     .handler = summary,
     .doc = "See a project in numbers.",
     .contract =
         &(const struct api_contract){.operation = "getProjectSummary", .gives = &summary_object}},
};

const struct http_group harbor_projects_group = {
    .prefix = "/api/v2.0/",
    .title = "projects",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
