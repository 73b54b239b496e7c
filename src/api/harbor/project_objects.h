/* SPDX-License-Identifier: Apache-2.0 */
/* project_objects: what several files show of projects and their members. */
#ifndef HAVEN_API_HARBOR_PROJECT_OBJECTS_H
#define HAVEN_API_HARBOR_PROJECT_OBJECTS_H

#include "api/harbor/harbor.h"
#include "registry/project.h"

/* struct project_properties, one field a property (metadata.def). */
extern const struct api_object harbor_project_properties;
/* A project as it is shown to a caller; made by harbor_show_projects alone. */
extern const struct api_object harbor_project_object;
int harbor_show_projects(struct http_req *rq, const struct project_facts *found, size_t n,
                         struct api_list *ret, struct err *e);
/* struct group (access/group.h). */
extern const struct api_object harbor_group_object;
/* The project of the address. NOT_FOUND: it went a moment ago. */
int harbor_project_facts(struct http_req *rq, struct project_facts *ret, struct err *e);

/* What a project may hold and holds, for its summary. */
struct harbor_storage {
    const void *hard, *used;
};
extern const struct api_object harbor_storage_object;
/* Nothing is filled for a project that is not there. */
int harbor_show_storage(struct http_req *rq, int64_t project, struct harbor_storage *ret,
                        struct err *e);

#endif
