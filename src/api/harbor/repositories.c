/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories: /repositories and /projects/…/repositories. */
#include "registry/repository.h"

#include "api/harbor/harbor.h"
#include "api/linked.h"
#include "base/mem.h"

static const struct api_field fields[] = {
    {"id", API_INT, offsetof(struct repository_facts, id), 0, NULL, 0, "Its number."},
    {"project_id", API_INT, offsetof(struct repository_facts, project_id), 0, NULL, 0,
     "The project it belongs to."},
    {"name", API_STR, offsetof(struct repository_facts, name), 0, NULL, 0,
     "Its name with that of the project before it."},
    {"display_name", API_STR, offsetof(struct repository_facts, display_name), 0, NULL,
     LIMIT_REPO_NAME,
     "The same with upper case and with what OCI forbids, unique when case is ignored. One that is "
     "given must stand for the same name."},
    {"description", API_STR, offsetof(struct repository_facts, description), 0, NULL,
     LIMIT_DESCRIPTION, "What it holds, in Markdown."},
    {"type", API_STR, offsetof(struct repository_facts, kind), 0, NULL, 0,
     "What its newest artifact is: IMAGE, CNAI, CHART …"},
    {"model", API_BOOL, offsetof(struct repository_facts, is_model), API_ALWAYS, NULL, 0,
     "Its newest artifact is a model: the search of models lists it."},
    {"artifact_count", API_INT, offsetof(struct repository_facts, artifacts), 0, NULL, 0,
     "How many artifacts it holds."},
    {"pull_count", API_INT, offsetof(struct repository_facts, pulls), 0, NULL, 0,
     "How often something was pulled from it."},
    {"creation_time", API_TIME, offsetof(struct repository_facts, created_ms), 0, NULL, 0,
     "When something was pushed to it first."},
    {"update_time", API_TIME, offsetof(struct repository_facts, updated_ms), 0, NULL, 0,
     "When something was pushed to it last, or its description changed."},
};
static const struct api_object object = {
    .name = "Repository",
    .size = sizeof(struct repository_facts),
    .fields = fields,
    .n = ARRAY_LEN(fields),
    .doc = "A repository.",
};

int harbor_repository(struct http_req *rq, struct repository_facts *ret, struct err *e)
{
    struct str name = api_target(rq)->repository;
    int found = repository_facts_find(&api_app(rq)->registry, &rq->arena, name, ret, e);

    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, NOT_FOUND, "there is no repository %.*s", S(str_head(name, 255)));
}

static int reply_list(struct http_req *rq, int64_t project, struct err *e)
{
    const struct project_visibility v = harbor_visibility(rq);
    struct db_list_query q;
    struct db_page page;

    if (harbor_list_query(rq, &q, e) < 0 ||
        repository_facts_list(&api_app(rq)->registry, &rq->arena, &v, project, &q, &page, e) < 0)
        return -1;
    return harbor_reply_list(rq, &page);
}

static int list_all(struct http_req *rq, struct err *e)
{
    return reply_list(rq, 0, e);
}

static int list(struct http_req *rq, struct err *e)
{
    return reply_list(rq, api_target(rq)->project_id, e);
}

static int get(struct http_req *rq, struct err *e)
{
    struct repository_facts r;
    return harbor_repository(rq, &r, e) < 0 ? -1 : harbor_reply(rq, &r);
}

static int update(struct http_req *rq, struct err *e)
{
    struct repository_facts given = {0}, r;
    struct repository_wanted w = {.description = STR("")};
    struct api_given is;

    if (harbor_body(rq, &given, &is, e) < 0 || harbor_repository(rq, &r, e) < 0)
        return -1;
    if (api_given(&object, &is, "display_name"))
        w = (struct repository_wanted){.display_name = given.display_name};
    if (api_given(&object, &is, "description"))
        w.description = given.description;
    if (repository_change(&api_app(rq)->registry, &r, &w, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete (struct http_req *rq, struct err *e)
{
    struct repository_facts r;
    bool told;

    if (harbor_repository(rq, &r, e) < 0 ||
        api_check_links(rq, &(struct graph_loss){.repository = r.id}, &told, e) < 0)
        return -1;
    if (told)
        return 0;
    return repository_delete(&api_app(rq)->registry, r.id, e) < 0 ? -1 : http_reply_empty(rq, 200);
}

static const struct api_query delete_query[] = {
    {API_CHECK_LINKS, API_BOOL,
     "Where something links to it: answer with 412 and a list of that, and delete nothing.", false},
    {0},
};

#define REPOSITORIES "/api/v2.0/projects/{project_name}/repositories"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/repositories",
     .name = "repository.list.all",
     .permission = PERM_OPEN,
     .handler = list_all,
     .doc = "List the repositories of all projects that the caller may see.",
     .contract = &(const struct api_contract){.operation = "listAllRepositories",
                                              .gives = &object,
                                              .many = true,
                                              .list = &repository_list_fields}},
    {.method = HTTP_GET,
     .pattern = REPOSITORIES,
     .name = "repository.list",
     .permission = PERM_REPOSITORY_LIST,
     .resolve = harbor_resolve_project_name,
     .handler = list,
     .doc = "List the repositories of a project.",
     .contract = &(const struct api_contract){.operation = "listRepositories",
                                              .gives = &object,
                                              .many = true,
                                              .list = &repository_list_fields}},
    {.method = HTTP_GET,
     .pattern = REPOSITORIES "/{repository_name}",
     .name = "repository.get",
     .permission = PERM_REPOSITORY_READ,
     .resolve = harbor_resolve_repository,
     .handler = get,
     .doc = "See a repository.",
     .contract = &(const struct api_contract){.operation = "getRepository", .gives = &object}},
    {.method = HTTP_PUT,
     .pattern = REPOSITORIES "/{repository_name}",
     .name = "repository.update",
     .permission = PERM_REPOSITORY_UPDATE,
     .resolve = harbor_resolve_repository,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Describe a repository, or change the case of its display id.",
     .contract = &(const struct api_contract){.operation = "updateRepository", .takes = &object}},
    {.method = HTTP_DELETE,
     .pattern = REPOSITORIES "/{repository_name}",
     .name = "repository.delete",
     .permission = PERM_DELETE,
     .resolve = harbor_resolve_repository,
     .handler = delete,
     .doc = "Delete a repository with all that it holds.",
     .contract =
         &(const struct api_contract){.operation = "deleteRepository", .query = delete_query}},
};

const struct http_group harbor_repositories_group = {
    .prefix = "/api/v2.0/",
    .title = "repositories",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
