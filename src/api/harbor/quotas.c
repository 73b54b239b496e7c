/* SPDX-License-Identifier: Apache-2.0 */
/* How much projects hold and may hold: /quotas; the whole registry in numbers: /statistics. */
#include "registry/quota.h"

#include "api/harbor/harbor.h"
#include "api/harbor/project_objects.h"
#include "base/mem.h"

/* ---- objects ---- */

struct storage {
    int64_t bytes;
};
static const struct api_field storage_fields[] = {
    {"storage", API_INT, offsetof(struct storage, bytes), API_ALWAYS, NULL, 0,
     "Bytes; -1: no limit."},
};
const struct api_object harbor_storage_object = {
    .name = "ResourceList",
    .size = sizeof(struct storage),
    .fields = storage_fields,
    .n = ARRAY_LEN(storage_fields),
    .doc = "Amounts of what is limited.",
};

struct quota_ref {
    int64_t id;
    struct str name, owner;
};
static const struct api_field reference_fields[] = {
    {"id", API_INT, offsetof(struct quota_ref, id), 0, NULL, 0, "The number of the project."},
    {"name", API_STR, offsetof(struct quota_ref, name), 0, NULL, 0, "Its name."},
    {"owner_name", API_STR, offsetof(struct quota_ref, owner), API_ALWAYS, NULL, 0, "Who made it."},
};
static const struct api_object reference_object = {
    .name = "QuotaRefObject",
    .size = sizeof(struct quota_ref),
    .fields = reference_fields,
    .n = ARRAY_LEN(reference_fields),
    .doc = "What a quota is for.",
};

struct shown {
    int64_t id, created_ms, updated_ms;
    const struct quota_ref *reference;
    const struct storage *hard, *used;
};
static const struct api_field shown_fields[] = {
    {"id", API_INT, offsetof(struct shown, id), 0, NULL, 0, "Its number."},
    {"ref", API_OBJECT, offsetof(struct shown, reference), 0, &reference_object, 0,
     "The project that it is for."},
    {"hard", API_OBJECT, offsetof(struct shown, hard), 0, &harbor_storage_object, 0,
     "What the project may hold."},
    {"used", API_OBJECT, offsetof(struct shown, used), 0, &harbor_storage_object, 0,
     "What it holds."},
    {"creation_time", API_TIME, offsetof(struct shown, created_ms), 0, NULL, 0,
     "When it was made."},
    {"update_time", API_TIME, offsetof(struct shown, updated_ms), 0, NULL, 0,
     "When it was changed last."},
};
static const struct api_object shown_object = {
    .name = "Quota",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "How much a project holds and may hold.",
};

struct wanted {
    struct storage *hard;
};
static const struct api_field wanted_fields[] = {
    {"hard", API_OBJECT, offsetof(struct wanted, hard), API_REQUIRED, &harbor_storage_object, 0,
     "What the project may hold."},
};
static const struct api_object wanted_object = {
    .name = "QuotaUpdateReq",
    .size = sizeof(struct wanted),
    .fields = wanted_fields,
    .n = ARRAY_LEN(wanted_fields),
    .doc = "A quota as it is to be.",
};

struct statistic {
    struct quota_totals own; /* what the caller sees */
    int64_t projects, repositories, bytes;
};
#define T(member) offsetof(struct statistic, member)
static const struct api_field statistic_fields[] = {
    {"private_project_count", API_INT, T(own.private_projects), API_ALWAYS, NULL, 0,
     "Private projects that the caller may see."},
    {"private_repo_count", API_INT, T(own.private_repositories), API_ALWAYS, NULL, 0,
     "Their repositories."},
    {"public_project_count", API_INT, T(own.public_projects), API_ALWAYS, NULL, 0,
     "Public projects."},
    {"public_repo_count", API_INT, T(own.public_repositories), API_ALWAYS, NULL, 0,
     "Their repositories."},
    {"total_project_count", API_INT, T(projects), API_ALWAYS, NULL, 0,
     "All projects; for administrators."},
    {"total_repo_count", API_INT, T(repositories), API_ALWAYS, NULL, 0,
     "All repositories; for administrators."},
    {"total_storage_consumption", API_INT, T(bytes), API_ALWAYS, NULL, 0,
     "Bytes that all projects hold; for administrators."},
};
#undef T
static const struct api_object statistic_object = {
    .name = "Statistic",
    .size = sizeof(struct statistic),
    .fields = statistic_fields,
    .n = ARRAY_LEN(statistic_fields),
    .doc = "The registry in numbers.",
};

/* ---- handlers ---- */

static struct shown show(struct arena *a, const struct quota *q)
{
    struct quota_ref *reference = ARENA_NEW(a, struct quota_ref);
    struct storage *storage = ARENA_ARRAY(a, 2, struct storage);

    *reference = (struct quota_ref){.id = q->id, .name = q->project, .owner = q->owner};
    storage[0].bytes = q->hard;
    storage[1].bytes = q->used;
    return (struct shown){.id = q->id,
                          .reference = reference,
                          .hard = &storage[0],
                          .used = &storage[1],
                          .created_ms = q->created_ms,
                          .updated_ms = q->updated_ms};
}

static int list(struct http_req *rq, struct err *e)
{
    struct registry *r = &api_app(rq)->registry;
    struct str kind = http_query(rq, "reference"), id = http_query(rq, "reference_id");
    struct db_list_query q;
    struct db_page page;
    int64_t project = 0;

    if (harbor_list_query(rq, &q, e) < 0)
        return -1;
    if (id.n && !str_i64(id, 1, INT64_MAX, &project))
        return ERR(e, UNPROCESSABLE, "reference_id in query must be the number of a project");
    if (id.n)
        harbor_list_match(rq, &q, "reference_id", DB_MATCH_EXACT, DB_I64(project));
    if (kind.n && !str_eqz(kind, "project")) /* nothing else has a quota */
        harbor_list_match(rq, &q, "id", DB_MATCH_EXACT, DB_I64(0));
    if (quota_list(r, &rq->arena, &q, &page, e) < 0)
        return -1;
    const struct quota *found = page.v;
    struct shown *shown = ARENA_ARRAY(&rq->arena, page.n, struct shown);
    for (size_t i = 0; i < page.n; i++)
        shown[i] = show(&rq->arena, &found[i]);
    page.v = shown;
    return harbor_reply_list(rq, &page);
}

static int get(struct http_req *rq, struct err *e)
{
    struct quota q;
    int64_t id;

    if (harbor_param_id(rq, "id", &id, e) < 0)
        return -1;
    int found = quota_find(&api_app(rq)->registry, &rq->arena, id, &q, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no quota %lld", (long long)id);
    struct shown s = show(&rq->arena, &q);
    return harbor_reply(rq, &s);
}

static int update(struct http_req *rq, struct err *e)
{
    struct wanted w = {0};
    int64_t id;

    if (harbor_param_id(rq, "id", &id, e) < 0 || harbor_body(rq, &w, NULL, e) < 0 ||
        quota_set(&api_app(rq)->registry, id, w.hard->bytes, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

int harbor_show_storage(struct http_req *rq, int64_t project, struct harbor_storage *ret,
                        struct err *e)
{
    struct quota q;
    struct storage *v = ARENA_ARRAY(&rq->arena, 2, struct storage);
    int found = quota_find(&api_app(rq)->registry, &rq->arena, project, &q, e);

    if (found <= 0)
        return found;
    v[0].bytes = q.hard;
    v[1].bytes = q.used;
    *ret = (struct harbor_storage){.hard = &v[0], .used = &v[1]};
    return 0;
}

static int statistics(struct http_req *rq, struct err *e)
{
    struct registry *r = &api_app(rq)->registry;
    const struct identity *id = api_identity(rq);
    const struct project_visibility v = harbor_visibility(rq);
    struct statistic s = {0};
    struct quota_totals all;

    if (quota_totals(r, &rq->arena, &v, &s.own, e) < 0)
        return -1;
    if (id->admin) {
        all = s.own;
        s.projects = all.private_projects + all.public_projects;
        s.repositories = all.private_repositories + all.public_repositories;
        s.bytes = all.bytes;
    }
    return harbor_reply(rq, &s);
}

#define API "/api/v2.0"

static const struct api_query list_query[] = {
    {"reference", API_STR, "What the quota is for: project.", false},
    {"reference_id", API_STR, "Only the quota of the project of this number.", false},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = API "/quotas",
     .name = "quota.list",
     .permission = PERM_QUOTAS_LIST,
     .handler = list,
     .doc = "List the quotas of projects.",
     .contract = &(const struct api_contract){.operation = "listQuotas",
                                              .gives = &shown_object,
                                              .many = true,
                                              .list = &quota_list_fields,
                                              .query = list_query}},
    {.method = HTTP_GET,
     .pattern = API "/quotas/{id}",
     .name = "quota.get",
     .permission = PERM_QUOTAS_READ,
     .handler = get,
     .doc = "See the quota of a project.",
     .contract = &(const struct api_contract){.operation = "getQuota", .gives = &shown_object}},
    {.method = HTTP_PUT,
     .pattern = API "/quotas/{id}",
     .name = "quota.update",
     .permission = PERM_QUOTAS_UPDATE,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change what a project may hold; what is there already stays.",
     .contract = &(const struct api_contract){.operation = "updateQuota", .takes = &wanted_object}},
    {.method = HTTP_GET,
     .pattern = API "/statistics",
     .name = "statistics",
     .permission = PERM_LOGIN,
     .handler = statistics,
     .doc = "See the registry in numbers.",
     .contract =
         &(const struct api_contract){.operation = "getStatistic", .gives = &statistic_object}},
};

const struct http_group harbor_quotas_group = {
    .prefix = "/api/v2.0/",
    .title = "quotas",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
