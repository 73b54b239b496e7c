/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harbor: the handlers of Harbor's API (/api/v2.0/) and of its token service (/service/), and what
 * they share: the conventions of that API stand here and nowhere else. See routes*.c.
 */
#ifndef HAVEN_API_HARBOR_H
#define HAVEN_API_HARBOR_H

#include "api/app.h"
#include "api/contract.h"
#include "registry/artifact.h"
#include "registry/repository.h"

/* {"errors":[{"code":…,"message":…}]} with the codes of Harbor's API. */
void harbor_error(struct http_req *rq, const struct err *e);

/* ---- requests ---- */

/* The body as the route's contract says; asks for the permission that depends on it. */
int harbor_body(struct http_req *rq, void *ret, struct api_given *ret_given, struct err *e);
/* A number of the path. UNPROCESSABLE. */
int harbor_param_id(struct http_req *rq, const char *name, int64_t *ret, struct err *e);
/* page, page_size, q and sort as the route's contract says. */
int harbor_list_query(struct http_req *rq, struct db_list_query *ret, struct err *e);
/* page and page_size alone, as the first of the page and how many. UNPROCESSABLE. */
int harbor_page_query(struct http_req *rq, int64_t *ret_offset, int64_t *ret_limit, struct err *e);
/* true or false in the query; deflt without it. UNPROCESSABLE. */
int harbor_query_bool(struct http_req *rq, const char *name, bool deflt, bool *ret, struct err *e);
/* Adds a condition to a list: the field must be in its table. */
void harbor_list_match(struct http_req *rq, struct db_list_query *q, const char *field,
                       enum db_match_op op, struct db_arg value);

/* ---- answers ---- */

/* One object, as the contract says. */
int harbor_reply(struct http_req *rq, const void *from);
/* The same with another object than that of the contract: a part of it. */
int harbor_reply_as(struct http_req *rq, const struct api_object *o, const void *from);
/* A list that has no pages. */
int harbor_reply_all(struct http_req *rq, const void *items, size_t n);
/* A page of a list (harbor_list_query, harbor_page_query), with X-Total-Count and Link. */
int harbor_reply_list(struct http_req *rq, const struct db_page *page);
/* 201 with Location: the address asked, '/' and the id. */
int harbor_reply_created(struct http_req *rq, int64_t id);
/* The same with a body, as the contract says. */
int harbor_reply_made(struct http_req *rq, int64_t id, const void *from);

/* Whose projects the caller sees in lists. */
struct project_visibility harbor_visibility(const struct http_req *rq);

/* ---- resolvers ---- */

/* Fills rq->target for what belongs to a project, or (0) to the system. */
int harbor_target_project(struct http_req *rq, int64_t project, struct err *e);

/* {project}: a name in any letter case, or an id when it is all digits and X-Is-Resource-Name is
 * not "true". */
http_handler_fn harbor_resolve_project;
/* {project_name}: a name in any letter case. */
http_handler_fn harbor_resolve_project_name;
/* {project_name} and {repository_name}, which is encoded twice where it holds a slash: its name, or
 * its display id in any letter case. The target has its name then. */
http_handler_fn harbor_resolve_repository;

/* The repository of the address. NOT_FOUND. */
int harbor_repository(struct http_req *rq, struct repository_facts *ret, struct err *e);
/* Its artifact {reference}, a tag or a digest. NOT_FOUND. */
int harbor_artifact(struct http_req *rq, struct artifact_facts *ret, struct err *e);

/* ---- handlers ---- */

/* system.c */
http_handler_fn harbor_ping, harbor_health, harbor_openapi;
extern const struct api_object harbor_health_object;
/* token.c */
http_handler_fn harbor_token;
/* absent.c: refuses what its row says is not there yet, after asking for the permission that
 * depends on the body. */
http_handler_fn harbor_absent;

/* The groups of routes, one file each. */
extern const struct http_group harbor_capabilities_group;
extern const struct http_group harbor_projects_group, harbor_metadata_group, harbor_members_group;
extern const struct http_group harbor_users_group, harbor_usergroups_group,
    harbor_repositories_group, harbor_artifacts_group, harbor_permissions_group, harbor_info_group,
    harbor_search_group, harbor_labels_group, harbor_audit_group, harbor_robots_group,
    harbor_quotas_group, harbor_configure_group, harbor_system_jobs_group, harbor_immutable_group,
    harbor_later_group, harbor_absent_group, harbor_jobservice_group, harbor_additions_group,
    harbor_icons_group, harbor_account_group, harbor_sign_in_group, harbor_models_group,
    harbor_links_group, harbor_model_search_group, harbor_tensors_group, harbor_activity_group;

#endif
