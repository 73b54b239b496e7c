/* SPDX-License-Identifier: Apache-2.0 */
/* One search over projects and repositories by a part of their names: /search. */
#include "api/harbor/harbor.h"
#include "api/harbor/project_objects.h"
#include "base/mem.h"

/* Of each kind. */
#define FOUND_MAX 500

struct found_repository {
    struct repository_facts facts;
    struct str project;
};
static const struct api_field repository_fields[] = {
    {"project_id", API_INT, offsetof(struct found_repository, facts.project_id), 0, NULL, 0,
     "The project it belongs to."},
    {"project_name", API_STR, offsetof(struct found_repository, project), 0, NULL, 0,
     "The name of that."},
    {"project_public", API_BOOL, offsetof(struct found_repository, facts.is_public), 0, NULL, 0,
     "Anybody may read it."},
    {"repository_name", API_STR, offsetof(struct found_repository, facts.name), 0, NULL, 0,
     "Its name with that of the project before it."},
    {"display_name", API_STR, offsetof(struct found_repository, facts.display_name), 0, NULL, 0,
     "The same with upper case and with what OCI forbids."},
    {"pull_count", API_INT, offsetof(struct found_repository, facts.pulls), 0, NULL, 0,
     "How often something was pulled from it."},
    {"artifact_count", API_INT, offsetof(struct found_repository, facts.artifacts), 0, NULL, 0,
     "How many artifacts it holds."},
};
static const struct api_object repository_object = {
    .name = "SearchRepository",
    .size = sizeof(struct found_repository),
    .fields = repository_fields,
    .n = ARRAY_LEN(repository_fields),
    .doc = "A repository that was found.",
};

struct found {
    struct api_list projects, repositories;
};
static const struct api_field found_fields[] = {
    {"project", API_LIST, offsetof(struct found, projects), 0, &harbor_project_object, 0,
     "Projects whose name holds it."},
    {"repository", API_LIST, offsetof(struct found, repositories), 0, &repository_object, 0,
     "Repositories whose name holds it."},
};
static const struct api_object found_object = {
    .name = "Search",
    .size = sizeof(struct found),
    .fields = found_fields,
    .n = ARRAY_LEN(found_fields),
    .doc = "What was found.",
};

static int find_projects(struct http_req *rq, const struct project_visibility *v,
                         struct db_arg part, struct api_list *ret, struct err *e)
{
    const struct db_match m = {.field = db_list_field(&project_list_fields, STR("name")),
                               .op = DB_MATCH_CONTAINS,
                               .values = &part,
                               .n = 1};
    const struct db_list_query q = {.matches = &m, .n_matches = 1, .limit = FOUND_MAX};
    struct db_page page;

    if (project_list(&api_app(rq)->registry, &rq->arena, v, &q, &page, e) < 0)
        return -1;
    return harbor_show_projects(rq, page.v, page.n, ret, e);
}

static int find_repositories(struct http_req *rq, const struct project_visibility *v,
                             struct str text, struct api_list *ret, struct err *e)
{
    struct db_page page;

    if (repository_search(&api_app(rq)->registry, &rq->arena, v, text, FOUND_MAX, &page, e) < 0)
        return -1;
    const struct repository_facts *facts = page.v;
    struct found_repository *found = ARENA_ARRAY(&rq->arena, page.n, struct found_repository);
    for (size_t i = 0; i < page.n; i++) {
        struct str rest = facts[i].name;
        found[i] = (struct found_repository){.facts = facts[i], .project = str_cut(&rest, '/')};
    }
    *ret = (struct api_list){found, page.n};
    return 0;
}

static int search(struct http_req *rq, struct err *e)
{
    const struct project_visibility v = harbor_visibility(rq);
    struct str text = http_query(rq, "q");
    struct found f = {0};

    if (!text.p)
        return ERR(e, UNPROCESSABLE, "q in query is required");
    if (text.n > LIMIT_REPO_NAME)
        return ERR(e, UNPROCESSABLE, "q in query is longer than %d characters", LIMIT_REPO_NAME);
    if (find_projects(rq, &v, DB_TEXT(text), &f.projects, e) < 0 ||
        find_repositories(rq, &v, text, &f.repositories, e) < 0)
        return -1;
    return harbor_reply(rq, &f);
}

static const struct api_query search_query[] = {
    {"q", API_STR, "A part of the name.", true},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/search",
     .name = "search",
     .permission = PERM_OPEN,
     .handler = search,
     .doc = "Find projects and repositories by a part of their names.",
     .contract = &(const struct api_contract){.operation = "search",
                                              .gives = &found_object,
                                              .query = search_query}},
};

const struct http_group harbor_search_group = {
    .prefix = "/api/v2.0/",
    .title = "search",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
