/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a project, one property at a time: /projects/…/metadatas. */
#include "api/harbor/harbor.h"
#include "api/harbor/project_objects.h"
#include "base/mem.h"

static const struct api_field fields[] = {
#define X(name, kind, doc)                                                                         \
    {#name, API_STR, offsetof(struct project_properties, v[PROJECT_##name]), 0, NULL, 0, doc},
#include "registry/metadata.def"
#undef X
};
const struct api_object harbor_project_properties = {
    .name = "ProjectMetadata",
    .size = sizeof(struct project_properties),
    .fields = fields,
    .n = ARRAY_LEN(fields),
    .doc = "What is said about a project.",
};

/* The property of the address. */
static int property_of(struct http_req *rq, enum project_property *ret, struct err *e)
{
    struct str name = http_param(rq, "meta_name");
    int found = project_property_find(name);

    if (found < 0)
        return ERR(e, BAD_REQUEST, "\"%.*s\" is not a property of projects", S(str_head(name, 80)));
    *ret = (enum project_property)found;
    return 0;
}

static int list(struct http_req *rq, struct err *e)
{
    struct project_facts p;
    return harbor_project_facts(rq, &p, e) < 0 ? -1 : harbor_reply(rq, &p.properties);
}

static int get(struct http_req *rq, struct err *e)
{
    struct project_facts p;
    struct project_properties one = {0};
    enum project_property which;

    if (property_of(rq, &which, e) < 0 || harbor_project_facts(rq, &p, e) < 0)
        return -1;
    if (!p.properties.v[which].p)
        return ERR(e, NOT_FOUND, "the project has no %s", project_property_name(which));
    one.v[which] = p.properties.v[which];
    return harbor_reply(rq, &one);
}

/* Exactly one property, which exists. */
static int read_one(struct http_req *rq, struct project_properties *ret,
                    enum project_property *ret_which, struct err *e)
{
    struct project_properties p = {0};
    size_t n = 0;

    if (harbor_body(rq, &p, NULL, e) < 0)
        return -1;
    for (int i = 0; i < PROJECT_PROPERTY_COUNT; i++) {
        if (!p.v[i].p)
            continue;
        *ret_which = (enum project_property)i;
        n++;
    }
    if (n != 1)
        return ERR(e, BAD_REQUEST, "the body must hold exactly one property of projects");
    *ret = p;
    return 0;
}

static int set(struct http_req *rq, const struct project_properties *p, struct err *e)
{
    if (project_set(&api_app(rq)->registry, api_target(rq)->project_id, p, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

static int add(struct http_req *rq, struct err *e)
{
    struct project_properties p;
    struct project_facts facts;
    enum project_property which;

    if (read_one(rq, &p, &which, e) < 0 || harbor_project_facts(rq, &facts, e) < 0)
        return -1;
    if (facts.properties.v[which].p)
        return ERR(e, CONFLICT, "the project has %s already; change it with PUT",
                   project_property_name(which));
    return set(rq, &p, e);
}

static int update(struct http_req *rq, struct err *e)
{
    struct project_properties p;
    enum project_property which, named;

    if (property_of(rq, &named, e) < 0 || read_one(rq, &p, &which, e) < 0)
        return -1;
    if (which != named)
        return ERR(e, BAD_REQUEST, "the body speaks of %s and the address of %s",
                   project_property_name(which), project_property_name(named));
    return set(rq, &p, e);
}

static int delete (struct http_req *rq, struct err *e)
{
    enum project_property which;

    if (property_of(rq, &which, e) < 0 ||
        project_unset(&api_app(rq)->registry, api_target(rq)->project_id, which, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

#define METADATA "/api/v2.0/projects/{project}/metadatas"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = METADATA "/",
     .name = "metadata.list",
     .permission = PERM_METADATA_LIST,
     .resolve = harbor_resolve_project,
     .handler = list,
     .doc = "List what is said about a project.",
     .contract = &(const struct api_contract){.operation = "listProjectMetadatas",
                                              .gives = &harbor_project_properties}},
    {.method = HTTP_POST,
     .pattern = METADATA "/",
     .name = "metadata.create",
     .permission = PERM_METADATA_CREATE,
     .resolve = harbor_resolve_project,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = add,
     .doc = "Say one more thing about a project.",
     .contract = &(const struct api_contract){.operation = "addProjectMetadatas",
                                              .takes = &harbor_project_properties}},
    {.method = HTTP_GET,
     .pattern = METADATA "/{meta_name}",
     .name = "metadata.get",
     .permission = PERM_METADATA_READ,
     .resolve = harbor_resolve_project,
     .handler = get,
     .doc = "See one thing that is said about a project.",
     .contract = &(const struct api_contract){.operation = "getProjectMetadata",
                                              .gives = &harbor_project_properties}},
    {.method = HTTP_PUT,
     .pattern = METADATA "/{meta_name}",
     .name = "metadata.update",
     .permission = PERM_METADATA_UPDATE,
     .resolve = harbor_resolve_project,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change one thing that is said about a project.",
     .contract = &(const struct api_contract){.operation = "updateProjectMetadata",
                                              .takes = &harbor_project_properties}},
    {.method = HTTP_DELETE,
     .pattern = METADATA "/{meta_name}",
     .name = "metadata.delete",
     .permission = PERM_METADATA_DELETE,
     .resolve = harbor_resolve_project,
     .handler = delete,
     .doc = "Say one thing no longer; the project becomes private when it is \"public\".",
     .contract = &(const struct api_contract){.operation = "deleteProjectMetadata"}},
};

const struct http_group harbor_metadata_group = {
    .prefix = "/api/v2.0/",
    .title = "properties of projects",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
