/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of the system and of projects: /labels. */
#include "api/harbor/labels.h"

#include "base/mem.h"

static const struct api_field fields[] = {
    {"id", API_INT, offsetof(struct label, id), 0, NULL, 0, "Its number."},
    {"name", API_STR, offsetof(struct label, name), 0, NULL, 0, "The word."},
    {"description", API_STR, offsetof(struct label, description), 0, NULL, 0, "What it means."},
    {"color", API_STR, offsetof(struct label, color), 0, NULL, 0, "Its colour: #RRGGBB."},
    {"scope", API_STR, offsetof(struct label, scope), 0, NULL, 0,
     "g: of the whole system, p: of one project."},
    {"project_id", API_INT, offsetof(struct label, project_id), 0, NULL, 0, "That project."},
    {"creation_time", API_TIME, offsetof(struct label, created_ms), 0, NULL, 0,
     "When it was made."},
    {"update_time", API_TIME, offsetof(struct label, updated_ms), 0, NULL, 0,
     "When it was changed last."},
};
const struct api_object harbor_label_object = {
    .name = "Label",
    .size = sizeof(struct label),
    .fields = fields,
    .n = ARRAY_LEN(fields),
    .doc = "A label.",
};

/* ---- who is asked ---- */

/* ?scope=g, ?scope=p&project_id=… */
static int resolve_query(struct http_req *rq, struct err *e)
{
    struct str scope = http_query(rq, "scope"), text = http_query(rq, "project_id");
    int64_t project = 0;

    if (!str_eqz(scope, LABEL_SYSTEM) && !str_eqz(scope, LABEL_PROJECT))
        return ERR(e, BAD_REQUEST, "scope in query must be g or p");
    if (str_eqz(scope, LABEL_PROJECT) && !str_i64(text, 1, INT64_MAX, &project))
        return ERR(e, BAD_REQUEST, "project_id in query must be the number of a project");
    return harbor_target_project(rq, project, e);
}

/* {label_id}; what is not there reads like what is not the caller's. */
static int resolve_label(struct http_req *rq, struct err *e)
{
    struct label l = {0};
    int64_t id;

    if (harbor_param_id(rq, "label_id", &id, e) < 0)
        return -1;
    int found = label_find(&api_app(rq)->registry, &rq->arena, id, &l, e);
    if (found > 0)
        return harbor_target_project(rq, l.project_id, e);
    struct access_target *t = ARENA_NEW(&rq->arena, struct access_target);
    rq->target = t;
    t->of_system = api_identity(rq)->admin;
    return found;
}

static int resolve_body(struct http_req *rq, const void *body, struct err *e)
{
    const struct label *l = body;
    bool of_project = str_eqz(l->scope, LABEL_PROJECT);

    if (!of_project && !str_eqz(l->scope, LABEL_SYSTEM))
        return ERR(e, BAD_REQUEST, "\"scope\" must be \"g\" or \"p\"");
    if (of_project && l->project_id <= 0)
        return ERR(e, BAD_REQUEST, "\"project_id\" must be the number of a project");
    return harbor_target_project(rq, of_project ? l->project_id : 0, e);
}

/* ---- handlers ---- */

static int list(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;
    struct str name = http_query(rq, "name");

    if (harbor_list_query(rq, &q, e) < 0)
        return -1;
    if (name.n)
        harbor_list_match(rq, &q, "name", DB_MATCH_CONTAINS, DB_TEXT(name));
    if (label_list(&api_app(rq)->registry, &rq->arena, api_target(rq)->project_id, &q, &page, e) <
        0)
        return -1;
    return harbor_reply_list(rq, &page);
}

static int create(struct http_req *rq, struct err *e)
{
    struct label l = {0};
    int64_t id;

    if (harbor_body(rq, &l, NULL, e) < 0)
        return -1;
    l.project_id = api_target(rq)->project_id;
    if (label_create(&api_app(rq)->registry, &l, &id, e) < 0)
        return -1;
    return harbor_reply_created(rq, id);
}

static int find(struct http_req *rq, struct label *ret, struct err *e)
{
    int64_t id;

    if (harbor_param_id(rq, "label_id", &id, e) < 0)
        return -1;
    int found = label_find(&api_app(rq)->registry, &rq->arena, id, ret, e);
    return found > 0   ? 0
           : found < 0 ? -1
                       : ERR(e, NOT_FOUND, "there is no label %lld", (long long)id);
}

static int get(struct http_req *rq, struct err *e)
{
    struct label l;
    return find(rq, &l, e) < 0 ? -1 : harbor_reply(rq, &l);
}

static int update(struct http_req *rq, struct err *e)
{
    struct label wanted = {0}, l;

    if (harbor_body(rq, &wanted, NULL, e) < 0 || find(rq, &l, e) < 0)
        return -1;
    wanted.id = l.id;
    if (label_update(&api_app(rq)->registry, &wanted, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete (struct http_req *rq, struct err *e)
{
    struct label l;

    if (find(rq, &l, e) < 0 || label_remove(&api_app(rq)->registry, &l, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

/* ---- routes ---- */

#define LABELS "/api/v2.0/labels"

static const struct api_query list_query[] = {
    {"scope", API_STR, "g: labels of the system, p: those of a project.", true},
    {"project_id", API_INT, "The number of that project.", false},
    {"name", API_STR, "Only labels whose name holds this.", false},
    {0},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = LABELS,
     .name = "label.list",
     .permission = PERM_LABEL_LIST,
     .resolve = resolve_query,
     .handler = list,
     .doc = "List labels of the system or of a project.",
     .contract = &(const struct api_contract){.operation = "ListLabels",
                                              .gives = &harbor_label_object,
                                              .many = true,
                                              .list = &label_list_fields,
                                              .query = list_query}},
    {.method = HTTP_POST,
     .pattern = LABELS,
     .name = "label.create",
     .permission = PERM_LOGIN,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create,
     .doc = "Make a label.",
     .contract = &(const struct api_contract){.operation = "CreateLabel",
                                              .takes = &harbor_label_object,
                                              .resolve = resolve_body,
                                              .permission = PERM_LABEL_CREATE,
                                              .status = 201}},
    {.method = HTTP_GET,
     .pattern = LABELS "/{label_id}",
     .name = "label.get",
     .permission = PERM_LABEL_READ,
     .resolve = resolve_label,
     .handler = get,
     .doc = "See a label.",
     .contract =
         &(const struct api_contract){.operation = "GetLabelByID", .gives = &harbor_label_object}},
    {.method = HTTP_PUT,
     .pattern = LABELS "/{label_id}",
     .name = "label.update",
     .permission = PERM_LABEL_UPDATE,
     .resolve = resolve_label,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change name, description and colour of a label.",
     .contract =
         &(const struct api_contract){.operation = "UpdateLabel", .takes = &harbor_label_object}},
    {.method = HTTP_DELETE,
     .pattern = LABELS "/{label_id}",
     .name = "label.delete",
     .permission = PERM_LABEL_DELETE,
     .resolve = resolve_label,
     .handler = delete,
     .doc = "Remove a label, from artifacts as well.",
     .contract = &(const struct api_contract){.operation = "DeleteLabel"}},
};

const struct http_group harbor_labels_group = {
    .prefix = "/api/v2.0/",
    .title = "labels",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
