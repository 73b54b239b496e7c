/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for tags that cannot be moved or deleted: /projects/{project}/immutabletagrules. */
#include "registry/immutable.h"

#include "api/harbor/harbor.h"
#include "base/mem.h"

/* ---- objects ---- */

static const struct api_field selector_fields[] = {
    {"kind", API_STR, offsetof(struct immutable_selector, kind), 0, NULL, 32, "\"doublestar\"."},
    {"decoration", API_STR, offsetof(struct immutable_selector, decoration), 0, NULL, 32,
     "\"matches\" or \"excludes\"; of repositories \"repoMatches\" or \"repoExcludes\"."},
    {"pattern", API_STR, offsetof(struct immutable_selector, pattern), 0, NULL, 512,
     "What the name looks like: * and ? within a part, ** any parts, [a-z], {a,b}."},
    {"extras", API_STR, offsetof(struct immutable_selector, extras), 0, NULL, 512,
     "Kept as it is given."},
};
static const struct api_object selector_object = {
    .name = "ImmutableSelector",
    .size = sizeof(struct immutable_selector),
    .fields = selector_fields,
    .n = ARRAY_LEN(selector_fields),
    .doc = "Names by a pattern.",
};

struct scope {
    struct api_list repository;
};
static const struct api_field scope_fields[] = {
    {"repository", API_LIST, offsetof(struct scope, repository), 0, &selector_object, 0,
     "Of which repositories; all selectors must agree."},
};
static const struct api_object scope_object = {
    .name = "ImmutableScope",
    .size = sizeof(struct scope),
    .fields = scope_fields,
    .n = ARRAY_LEN(scope_fields),
    .doc = "Where a rule counts.",
};

struct shown {
    int64_t id, priority;
    bool disabled;
    struct str action, template, params;
    struct api_list tags;
    struct scope *scope;
};
static const struct api_field fields[] = {
    {"id", API_INT, offsetof(struct shown, id), 0, NULL, 0, "Its number."},
    {"priority", API_INT, offsetof(struct shown, priority), 0, NULL, 0, "Kept as it is given."},
    {"disabled", API_BOOL, offsetof(struct shown, disabled), API_ALWAYS, NULL, 0,
     "It does not count."},
    {"action", API_STR, offsetof(struct shown, action), 0, NULL, 32, "\"immutable\"."},
    {"template", API_STR, offsetof(struct shown, template), 0, NULL, 64, "\"immutable_template\"."},
    {"params", API_JSON, offsetof(struct shown, params), 0, NULL, 0, "Of no meaning."},
    {"tag_selectors", API_LIST, offsetof(struct shown, tags), 0, &selector_object, 0,
     "Which tags; all selectors must agree."},
    {"scope_selectors", API_OBJECT, offsetof(struct shown, scope), 0, &scope_object, 0,
     "Where they count."},
};
static const struct api_object object = {
    .name = "ImmutableRule",
    .size = sizeof(struct shown),
    .fields = fields,
    .n = ARRAY_LEN(fields),
    .doc = "A rule for tags that cannot be moved or deleted.",
};

/* ---- handlers ---- */

static int list(struct http_req *rq, struct err *e)
{
    struct db_list_query q;
    struct db_page page;

    if (harbor_list_query(rq, &q, e) < 0 ||
        immutable_list(&api_app(rq)->registry, &rq->arena, api_target(rq)->project_id, &q, &page,
                       e) < 0)
        return -1;
    const struct immutable_rule *found = page.v;
    struct shown *shown = ARENA_ARRAY(&rq->arena, page.n, struct shown);
    for (size_t i = 0; i < page.n; i++) {
        struct scope *scope = ARENA_NEW(&rq->arena, struct scope);
        scope->repository = (struct api_list){found[i].repositories.v, found[i].repositories.n};
        shown[i] = (struct shown){.id = found[i].id,
                                  .priority = found[i].priority,
                                  .disabled = found[i].disabled,
                                  .action = STR("immutable"),
                                  .template = STR("immutable_template"),
                                  .tags = {found[i].tags.v, found[i].tags.n},
                                  .scope = scope};
    }
    page.v = shown;
    return harbor_reply_list(rq, &page);
}

static int read_rule(struct http_req *rq, struct shown *w, struct immutable_rule *ret,
                     struct err *e)
{
    if (harbor_body(rq, w, NULL, e) < 0)
        return -1;
    if (w->action.n && !str_eqz(w->action, "immutable"))
        return ERR(e, BAD_REQUEST, "\"action\" must be \"immutable\"");
    if (w->template.n && !str_eqz(w->template, "immutable_template"))
        return ERR(e, BAD_REQUEST, "\"template\" must be \"immutable_template\"");
    *ret = (struct immutable_rule){.project_id = api_target(rq)->project_id,
                                   .priority = w->priority,
                                   .disabled = w->disabled,
                                   .tags = {w->tags.items, w->tags.n}};
    if (w->scope)
        ret->repositories =
            (struct immutable_selectors){w->scope->repository.items, w->scope->repository.n};
    return 0;
}

static int create(struct http_req *rq, struct err *e)
{
    struct shown w = {0};
    struct immutable_rule rule;
    int64_t id;

    if (read_rule(rq, &w, &rule, e) < 0 ||
        immutable_create(&api_app(rq)->registry, &rule, &id, e) < 0)
        return -1;
    return harbor_reply_created(rq, id);
}

static int update(struct http_req *rq, struct err *e)
{
    struct shown w = {0};
    struct immutable_rule rule;
    int64_t id;

    if (harbor_param_id(rq, "immutable_rule_id", &id, e) < 0 || read_rule(rq, &w, &rule, e) < 0)
        return -1;
    if (w.id && w.id != id)
        return ERR(e, BAD_REQUEST, "\"id\" is %lld, but the address names %lld", (long long)w.id,
                   (long long)id);
    rule.id = id;
    if (immutable_update(&api_app(rq)->registry, &rule, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int delete (struct http_req *rq, struct err *e)
{
    int64_t id;

    if (harbor_param_id(rq, "immutable_rule_id", &id, e) < 0 ||
        immutable_remove(&api_app(rq)->registry, api_target(rq)->project_id, id, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

#define RULES "/api/v2.0/projects/{project}/immutabletagrules"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = RULES,
     .name = "immutable.list",
     .permission = PERM_IMMUTABLE_LIST,
     .resolve = harbor_resolve_project,
     .handler = list,
     .doc = "List the rules for immutable tags of a project.",
     .contract = &(const struct api_contract){.operation = "ListImmuRules",
                                              .gives = &object,
                                              .many = true,
                                              .list = &immutable_list_fields}},
    {.method = HTTP_POST,
     .pattern = RULES,
     .name = "immutable.create",
     .permission = PERM_IMMUTABLE_CREATE,
     .resolve = harbor_resolve_project,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = create,
     .doc = "Make tags of a project immutable.",
     .contract = &(const struct api_contract){.operation = "CreateImmuRule",
                                              .takes = &object,
                                              .status = 201}},
    {.method = HTTP_PUT,
     .pattern = RULES "/{immutable_rule_id}",
     .name = "immutable.update",
     .permission = PERM_IMMUTABLE_UPDATE,
     .resolve = harbor_resolve_project,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change a rule for immutable tags.",
     .contract = &(const struct api_contract){.operation = "UpdateImmuRule", .takes = &object}},
    {.method = HTTP_DELETE,
     .pattern = RULES "/{immutable_rule_id}",
     .name = "immutable.delete",
     .permission = PERM_IMMUTABLE_DELETE,
     .resolve = harbor_resolve_project,
     .handler = delete,
     .doc = "Remove a rule for immutable tags.",
     .contract = &(const struct api_contract){.operation = "DeleteImmuRule"}},
};

const struct http_group harbor_immutable_group = {
    .prefix = "/api/v2.0/",
    .title = "immutable tags",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
