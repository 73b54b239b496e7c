/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: /auditlog-exts, and its older form /audit-logs. */
#include "access/audit.h"

#include "api/harbor/harbor.h"
#include "base/mem.h"
#include "registry/project.h"

static const struct api_field fields[] = {
    {"id", API_INT, offsetof(struct audit_row, id), 0, NULL, 0, "Its number."},
    {"username", API_STR, offsetof(struct audit_row, username), 0, NULL, 0, "Who did it."},
    {"resource", API_STR, offsetof(struct audit_row, resource), 0, NULL, 0, "To what."},
    {"resource_type", API_STR, offsetof(struct audit_row, resource_type), 0, NULL, 0,
     "What kind of thing that is."},
    {"operation", API_STR, offsetof(struct audit_row, operation), 0, NULL, 0, "What was done."},
    {"op_time", API_TIME, offsetof(struct audit_row, at_ms), 0, NULL, 0, "When."},
    {"operation_description", API_STR, offsetof(struct audit_row, description), 0, NULL, 0,
     "The same in words."},
    {"operation_result", API_BOOL, offsetof(struct audit_row, succeeded), API_ALWAYS, NULL, 0,
     "Whether it was done."},
    {"client_address", API_STR, offsetof(struct audit_row, address), 0, NULL, 0, "From where."},
};
static const struct api_object object = {
    .name = "AuditLogExt",
    .size = sizeof(struct audit_row),
    .fields = fields,
    .n = ARRAY_LEN(fields),
    .doc = "Something that was done, or tried.",
};
static const struct api_object old_object = {
    .name = "AuditLog",
    .size = sizeof(struct audit_row),
    .fields = fields,
    .n = 6,
    .doc = "Something that was done, in the older form.",
};

struct event_type {
    struct str name;
};
static const struct api_field event_fields[] = {
    {"event_type", API_STR, offsetof(struct event_type, name), 0, NULL, 0, "Its name."},
};
static const struct api_object event_object = {
    .name = "AuditLogEventType",
    .size = sizeof(struct event_type),
    .fields = event_fields,
    .n = ARRAY_LEN(event_fields),
    .doc = "A kind of entry that the audit log may hold.",
};

static int reply(struct http_req *rq, const struct audit_visibility *v, struct err *e)
{
    struct db_list_query q;
    struct db_page page;

    if (harbor_list_query(rq, &q, e) < 0 ||
        audit_list(api_app(rq)->db, &rq->arena, v, &q, &page, e) < 0)
        return -1;
    return harbor_reply_list(rq, &page);
}

/* Administrators, and robots that may, see all; others what they administer. */
static int list(struct http_req *rq, struct err *e)
{
    const struct identity *id = api_identity(rq);
    struct err refused;
    const struct audit_visibility v = {
        .all = access_check(id, NULL, PERM_AUDIT_LIST, &refused) == 0,
        .user_id = id->user_id,
    };
    return reply(rq, &v, e);
}

/* Of one repository of a project: its full name. */
static int repository_asked(struct http_req *rq, int64_t project, struct str *ret, struct err *e)
{
    struct str repository = http_query(rq, "repository");
    struct project p;

    if (repository.n == 0)
        return 0;
    if (repository.n > LIMIT_REPO_NAME)
        return ERR(e, UNPROCESSABLE, "repository in query is longer than %d bytes",
                   LIMIT_REPO_NAME);
    int found = project_find_by_id(&api_app(rq)->registry, &rq->arena, project, &p, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "the project is gone");
    *ret = str_from(arena_printf(&rq->arena, "%.*s/%.*s", S(p.name), S(repository)));
    return 0;
}

static int list_of_project(struct http_req *rq, struct err *e)
{
    struct audit_visibility v = {.project_id = api_target(rq)->project_id};

    if (repository_asked(rq, v.project_id, &v.repository, e) < 0)
        return -1;
    return reply(rq, &v, e);
}

static int list_events(struct http_req *rq, struct err *e)
{
    struct event_type *types = ARENA_ARRAY(&rq->arena, AUDIT_COUNT, struct event_type);

    (void)e;
    for (int i = 0; i < AUDIT_COUNT; i++)
        types[i].name = str_from(audit_event_info((enum audit_event)i)->name);
    return harbor_reply_all(rq, types, AUDIT_COUNT);
}

static const struct api_query project_query[] = {
    {"repository", API_STR,
     "Only what happened in this repository of the project, whose name it is.", false},
    {.name = NULL},
};

#define API "/api/v2.0"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = API "/auditlog-exts",
     .name = "audit.list",
     .permission = PERM_LOGIN,
     .handler = list,
     .doc = "List what was done: everything for administrators, else in projects that one "
            "administers.",
     .contract = &(const struct api_contract){.operation = "listAuditLogExts",
                                              .gives = &object,
                                              .many = true,
                                              .list = &audit_list_fields}},
    {.method = HTTP_GET,
     .pattern = API "/auditlog-exts/events",
     .name = "audit.events",
     .permission = PERM_AUDIT_LIST,
     .handler = list_events,
     .doc = "List the kinds of entries that there are.",
     .contract = &(const struct api_contract){.operation = "listAuditLogEventTypes",
                                              .gives = &event_object,
                                              .many = true}},
    {.method = HTTP_GET,
     .pattern = API "/projects/{project_name}/auditlog-exts",
     .name = "audit.project",
     .permission = PERM_LOG_LIST,
     .resolve = harbor_resolve_project_name,
     .handler = list_of_project,
     .doc = "List what was done in a project.",
     .contract = &(const struct api_contract){.operation = "getLogExts",
                                              .gives = &object,
                                              .many = true,
                                              .list = &audit_list_fields,
                                              .query = project_query}},
    {.method = HTTP_GET,
     .pattern = API "/audit-logs",
     .name = "audit.list.old",
     .permission = PERM_LOGIN,
     .handler = list,
     .doc = "List what was done, in the older form.",
     .contract = &(const struct api_contract){.operation = "listAuditLogs",
                                              .gives = &old_object,
                                              .many = true,
                                              .list = &audit_list_fields}},
    {.method = HTTP_GET,
     .pattern = API "/projects/{project_name}/logs",
     .name = "audit.project.old",
     .permission = PERM_LOG_LIST,
     .resolve = harbor_resolve_project_name,
     .handler = list_of_project,
     .doc = "List what was done in a project, in the older form.",
     .contract = &(const struct api_contract){.operation = "getLogs",
                                              .gives = &old_object,
                                              .many = true,
                                              .list = &audit_list_fields,
                                              .query = project_query}},
};

const struct http_group harbor_audit_group = {
    .prefix = "/api/v2.0/",
    .title = "the audit log",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
