/* SPDX-License-Identifier: Apache-2.0 */
/* What this server delivers, for clients that show only what works: the portal above all. */
#include "api/harbor/harbor.h"
#include "api/portal/portal.h"
#include "base/mem.h"

/* Who can be served the models of this registry, and how: what "use this model" may offer. */
static struct str consumers[] = {
    {"haven", 5}, {"modctl", 6}, {"oras", 4}, {"podman", 6}, {"kubernetes", 10}, {"http", 4},
};

struct capabilities {
    struct api_strs operations, system_resources, project_resources, consumers;
    bool portal;
};
static const struct api_field capabilities_fields[] = {
    {"operations", API_STRS, offsetof(struct capabilities, operations), API_ALWAYS, NULL, 0,
     "The operations of this file that are delivered; the others answer with nothing, or refuse."},
    {"system_resources", API_STRS, offsetof(struct capabilities, system_resources), API_ALWAYS,
     NULL, 0,
     "Of the resources that a robot of the system may be given rights on (getPermissions): those "
     "that something delivered asks for."},
    {"project_resources", API_STRS, offsetof(struct capabilities, project_resources), API_ALWAYS,
     NULL, 0, "The same of what a robot may be given in a project."},
    {"consumers", API_STRS, offsetof(struct capabilities, consumers), API_ALWAYS, NULL, 0,
     "The kinds of clients that can pull models from here."},
    {"portal", API_BOOL, offsetof(struct capabilities, portal), API_ALWAYS, NULL, 0,
     "There are pages for browsers, at /-/."},
};
static const struct api_object capabilities_object = {
    .name = "Capabilities",
    .size = sizeof(struct capabilities),
    .fields = capabilities_fields,
    .n = ARRAY_LEN(capabilities_fields),
    .doc = "What a server delivers.",
};

static bool works(const struct http_route *r)
{
    const struct api_contract *c = r->contract;

    return !c || (!c->absent && !c->empty);
}

static bool delivers(const struct http_route *r)
{
    const struct api_contract *c = r->contract;

    return c && c->operation && works(r);
}

static size_t each_delivered(struct str *ret)
{
    size_t groups, n = 0;
    const struct http_group *g = api_groups(&groups);

    for (size_t i = 0; i < groups; i++)
        for (size_t k = 0; k < g[i].n; k++)
            if (delivers(&g[i].routes[k])) {
                if (ret)
                    ret[n] =
                        str_from(((const struct api_contract *)g[i].routes[k].contract)->operation);
                n++;
            }
    return n;
}

/* Does a route that works ask for a right on the resource? In the system or in a project: what is
 * asked for by a handler (who may make a project) has routes at the other level. */
static bool is_asked_for(const struct permission_info *p)
{
    size_t groups;
    const struct http_group *g = api_groups(&groups);

    for (size_t i = 0; i < groups; i++)
        for (size_t k = 0; k < g[i].n; k++) {
            const struct permission_info *asked =
                permission_info((enum permission)g[i].routes[k].permission);
            if (asked->level != PERM_LEVEL_NONE && strcmp(asked->resource, p->resource) == 0 &&
                works(&g[i].routes[k]))
                return true;
        }
    return false;
}

/* Each resource of a catalogue once. */
static struct api_strs resources(struct http_req *rq, unsigned catalogue)
{
    struct str *names = ARENA_ARRAY(&rq->arena, PERM_COUNT, struct str);
    size_t n = 0;

    for (int i = 0; i < PERM_COUNT; i++) {
        const struct permission_info *p = permission_info((enum permission)i);
        bool had = !(p->robots & catalogue);
        for (size_t k = 0; k < n && !had; k++)
            had = str_eqz(names[k], p->resource);
        if (!had && is_asked_for(p))
            names[n++] = str_from(p->resource);
    }
    return (struct api_strs){names, n};
}

static int capabilities(struct http_req *rq, struct err *e)
{
    struct str *names = ARENA_ARRAY(&rq->arena, each_delivered(NULL), struct str);

    (void)e;
    const struct capabilities c = {
        .operations = {names, each_delivered(names)},
        .system_resources = resources(rq, PERM_ROBOTS_SYSTEM),
        .project_resources = resources(rq, PERM_ROBOTS_PROJECT),
        .consumers = {consumers, ARRAY_LEN(consumers)},
        .portal = portal_there(),
    };
    return harbor_reply(rq, &c);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/capabilities",
     .name = "system.capabilities",
     .permission = PERM_PUBLIC,
     .handler = capabilities,
     .doc = "Tell what this server delivers.",
     .contract = &(const struct api_contract){.operation = "getCapabilities",
                                              .gives = &capabilities_object}},
};

const struct http_group harbor_capabilities_group = {
    .prefix = "/api/v2.0/",
    .title = "the server",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
