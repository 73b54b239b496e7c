/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not there yet and cannot be answered with "none": who may ask as in Harbor is told so,
 * with 404, or 412 where Harbor says that for want of the same feature; others are refused as ever.
 * Nothing is changed, and no row pretends to. A feature that comes takes its rows with it.
 */
#include "api/harbor/harbor.h"
#include "base/mem.h"

int harbor_absent(struct http_req *rq, struct err *e)
{
    const struct api_contract *c = rq->route->contract;

    if (c->takes && harbor_body(rq, arena_alloc(&rq->arena, c->takes->size), NULL, e) < 0)
        return -1;
    return c->status == 412
               ? ERR(e, PRECONDITION, "this server has no %s yet", c->absent)
               : ERR(e, NOT_FOUND, "there is none: this server has no %s yet", c->absent);
}

static int absent_of_artifact(struct http_req *rq, struct err *e)
{
    struct artifact_facts f;
    return harbor_artifact(rq, &f, e) < 0 ? -1 : harbor_absent(rq, e);
}

/* ---- whose it is ---- */

/* What is in no project, as it does not exist: administrators are told, nobody else. */
static int resolve_system(struct http_req *rq, struct err *e)
{
    return harbor_target_project(rq, 0, e);
}

struct scope {
    struct str level;
    int64_t project;
};
static const struct api_field scope_fields[] = {
    {"level", API_STR, offsetof(struct scope, level), 0, NULL, 16, "project."},
    {"ref", API_INT, offsetof(struct scope, project), API_REQUIRED, NULL, 0,
     "The number of the project."},
};
static const struct api_object scope_object = {
    .name = "RetentionPolicyScope",
    .size = sizeof(struct scope),
    .fields = scope_fields,
    .n = ARRAY_LEN(scope_fields),
    .doc = "Where a rule counts.",
};
struct retention {
    const struct scope *scope;
};
static const struct api_field retention_fields[] = {
    {"scope", API_OBJECT, offsetof(struct retention, scope), API_REQUIRED, &scope_object, 0,
     "Where the rules count."},
};
static const struct api_object retention_object = {
    .name = "RetentionPolicy",
    .size = sizeof(struct retention),
    .fields = retention_fields,
    .n = ARRAY_LEN(retention_fields),
    .doc = "Rules for what is kept.",
};

static int resolve_retention(struct http_req *rq, const void *body, struct err *e)
{
    const struct retention *r = body;

    if (r->scope->project <= 0)
        return ERR(e, BAD_REQUEST, "\"ref\" must be the number of a project");
    return harbor_target_project(rq, r->scope->project, e);
}

struct export_wish {
    struct api_ints projects;
};
static const struct api_field export_fields[] = {
    {"projects", API_INTS, offsetof(struct export_wish, projects), API_REQUIRED, NULL, 0,
     "The number of one project."},
};
static const struct api_object export_object = {
    .name = "ScanDataExportRequest",
    .size = sizeof(struct export_wish),
    .fields = export_fields,
    .n = ARRAY_LEN(export_fields),
    .doc = "What is to be exported.",
};

static int resolve_export(struct http_req *rq, const void *body, struct err *e)
{
    const struct export_wish *w = body;

    if (w->projects.n != 1 || w->projects.v[0] <= 0)
        return ERR(e, BAD_REQUEST, "\"projects\" must hold the number of one project");
    return harbor_target_project(rq, w->projects.v[0], e);
}

/* ---- rows ---- */

#define API            "/api/v2.0"
#define DOC(words, of) words " Refused: this server has no " of " yet."
/* of: the feature; resolves: for what is in a project; answer: 0 for 404; with_: its handler. */
#define ROW(verb, path, label, perm, resolves, op, of, answer, with_, words)                       \
    {                                                                                              \
        .method = HTTP_##verb, .pattern = API path, .name = label, .permission = PERM_##perm,      \
        .resolve = resolves,                                                                       \
        .body = HTTP_##verb == HTTP_GET || HTTP_##verb == HTTP_DELETE ? HTTP_BODY_NONE             \
                                                                      : HTTP_BODY_BUFFER,          \
        .body_max = LIMIT_API_BODY, .handler = with_, .doc = DOC(words, of),                       \
        .contract = &(const struct api_contract)                                                   \
        {                                                                                          \
            .operation = op, .absent = of, .status = answer                                        \
        }                                                                                          \
    }
#define ABSENT(verb, path, label, perm, resolves, op, of, words)                                   \
    ROW(verb, path, label, perm, resolves, op, of, 0, harbor_absent, words)
#define UNSCANNED(verb, path, label, perm, op, answer, words)                                      \
    ROW(verb, ARTIFACT path, label, perm, harbor_resolve_repository, op, "scanners", answer,       \
        absent_of_artifact, words)
#define SCAN_ALL(verb, path, label, perm, op, words)                                               \
    ROW(verb, path, label, SCAN_ALL_##perm, NULL, op, "scanners", 412, harbor_absent, words)

#define ARTIFACT   "/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}"
#define INSTANCES  "/p2p/preheat/instances"
#define PREHEAT    "/projects/{project_name}/preheat/policies"
#define PREHEATING PREHEAT "/{preheat_policy_name}/executions"
#define WEBHOOKS   "/projects/{project}/webhook/policies"
#define WEBHOOK    WEBHOOKS "/{webhook_policy_id}"
#define RETENTIONS "/retentions/{id}/executions"

static const struct http_route routes[] = {
    /* replication */
    ABSENT(POST, "/registries", "registry.create", REGISTRY_CREATE, NULL, "createRegistry",
           "replication", "Make another registry known."),
    ABSENT(POST, "/registries/ping", "registry.check", REGISTRY_READ, NULL, "pingRegistry",
           "replication", "Try to reach another registry."),
    ABSENT(GET, "/registries/{id}", "registry.get", REGISTRY_READ, NULL, "getRegistry",
           "replication", "See another registry."),
    ABSENT(PUT, "/registries/{id}", "registry.update", REGISTRY_UPDATE, NULL, "updateRegistry",
           "replication", "Change another registry."),
    ABSENT(DELETE, "/registries/{id}", "registry.delete", REGISTRY_DELETE, NULL, "deleteRegistry",
           "replication", "Forget another registry."),
    ABSENT(GET, "/registries/{id}/info", "registry.info", REGISTRY_READ, NULL, "getRegistryInfo",
           "replication", "Tell what another registry can do."),
    ABSENT(POST, "/replication/policies", "replication.policy.create", REPLICATION_POLICY_CREATE,
           NULL, "createReplicationPolicy", "replication", "Make a rule for replication."),
    ABSENT(GET, "/replication/policies/{id}", "replication.policy.get", REPLICATION_POLICY_READ,
           NULL, "getReplicationPolicy", "replication", "See a rule for replication."),
    ABSENT(PUT, "/replication/policies/{id}", "replication.policy.update",
           REPLICATION_POLICY_UPDATE, NULL, "updateReplicationPolicy", "replication",
           "Change a rule for replication."),
    ABSENT(DELETE, "/replication/policies/{id}", "replication.policy.delete",
           REPLICATION_POLICY_DELETE, NULL, "deleteReplicationPolicy", "replication",
           "Remove a rule for replication."),
    ABSENT(POST, "/replication/executions", "replication.execution.start", REPLICATION_CREATE, NULL,
           "startReplication", "replication", "Replicate now."),
    ABSENT(GET, "/replication/executions/{id}", "replication.execution.get", REPLICATION_READ, NULL,
           "getReplicationExecution", "replication", "See a replication."),
    ABSENT(PUT, "/replication/executions/{id}", "replication.execution.stop", REPLICATION_CREATE,
           NULL, "stopReplication", "replication", "Stop a replication."),
    ABSENT(GET, "/replication/executions/{id}/tasks", "replication.task.list", REPLICATION_LIST,
           NULL, "listReplicationTasks", "replication", "List the parts of a replication."),
    ABSENT(GET, "/replication/executions/{id}/tasks/{task_id}/log", "replication.task.log",
           REPLICATION_READ, NULL, "getReplicationLog", "replication",
           "Read what a part of a replication wrote."),
    /* scanners */
    ABSENT(POST, "/scanners", "scanner.create", SCANNER_CREATE, NULL, "createScanner", "scanners",
           "Make a scanner known."),
    ABSENT(POST, "/scanners/ping", "scanner.check", SCANNER_READ, NULL, "pingScanner", "scanners",
           "Try to reach a scanner."),
    ABSENT(GET, "/scanners/{registration_id}", "scanner.get", SCANNER_READ, NULL, "getScanner",
           "scanners", "See a scanner."),
    ABSENT(PUT, "/scanners/{registration_id}", "scanner.update", SCANNER_UPDATE, NULL,
           "updateScanner", "scanners", "Change a scanner."),
    ABSENT(DELETE, "/scanners/{registration_id}", "scanner.delete", SCANNER_DELETE, NULL,
           "deleteScanner", "scanners", "Forget a scanner."),
    ABSENT(PATCH, "/scanners/{registration_id}", "scanner.default", SCANNER_UPDATE, NULL,
           "setScannerAsDefault", "scanners",
           "Let a scanner be that of every project that names none."),
    ABSENT(GET, "/scanners/{registration_id}/metadata", "scanner.metadata", SCANNER_READ, NULL,
           "getScannerMetadata", "scanners", "Tell what a scanner can do."),
    ABSENT(PUT, "/projects/{project}/scanner", "project.scanner.set", PROJECT_SCANNER_CREATE,
           harbor_resolve_project, "setScannerOfProject", "scanners",
           "Choose the scanner of a project."),
    ABSENT(PUT, "/system/CVEAllowlist", "allowlist.update", CONFIGURATION_UPDATE, NULL,
           "putSystemCVEAllowlist", "scanners", "Say which findings are let pass."),
    UNSCANNED(POST, "/scan", "scan.start", SCAN_CREATE, "scanArtifact", 412,
              "Have an artifact scanned."),
    UNSCANNED(POST, "/scan/stop", "scan.stop", SCAN_STOP, "stopScanArtifact", 0, "Stop a scan."),
    UNSCANNED(GET, "/scan/{report_id}/log", "scan.log", SCAN_READ, "getReportLog", 0,
              "Read what a scan wrote."),
    UNSCANNED(GET, "/additions/vulnerabilities", "artifact.vulnerabilities", ADDITION_READ,
              "getVulnerabilitiesAddition", 0, "Read what scans found in an artifact."),
    SCAN_ALL(GET, "/system/scanAll/schedule", "scanall.schedule.get", READ, "getScanAllSchedule",
             "See when everything is scanned."),
    SCAN_ALL(POST, "/system/scanAll/schedule", "scanall.schedule.create", CREATE,
             "createScanAllSchedule", "Have everything scanned, at once or on a schedule."),
    SCAN_ALL(PUT, "/system/scanAll/schedule", "scanall.schedule.update", UPDATE,
             "updateScanAllSchedule", "Change when everything is scanned."),
    SCAN_ALL(POST, "/system/scanAll/stop", "scanall.stop", STOP, "stopScanAll",
             "Stop a scan of everything."),
    SCAN_ALL(GET, "/scans/all/metrics", "scanall.metrics", READ, "getLatestScanAllMetrics",
             "Tell how the last scan of everything goes."),
    SCAN_ALL(GET, "/scans/schedule/metrics", "scanall.metrics.scheduled", READ,
             "getLatestScheduledScanAllMetrics", "Tell how the last scan on a schedule goes."),
    ABSENT(GET, "/export/cve/execution/{execution_id}", "export.get", LOGIN, NULL,
           "getScanDataExportExecution", "scanners", "See an export of what scans found."),
    ABSENT(GET, "/export/cve/download/{execution_id}", "export.download", LOGIN, NULL,
           "downloadScanData", "scanners", "Fetch an export of what scans found."),
    /* preheating */
    ABSENT(POST, INSTANCES, "preheat.instance.create", PREHEAT_INSTANCE_CREATE, NULL,
           "CreateInstance", "preheating", "Make a distribution system known."),
    ABSENT(POST, INSTANCES "/ping", "preheat.instance.check", PREHEAT_INSTANCE_READ, NULL,
           "PingInstances", "preheating", "Try to reach a distribution system."),
    ABSENT(GET, INSTANCES "/{preheat_instance_name}", "preheat.instance.get", PREHEAT_INSTANCE_READ,
           NULL, "GetInstance", "preheating", "See a distribution system."),
    ABSENT(PUT, INSTANCES "/{preheat_instance_name}", "preheat.instance.update",
           PREHEAT_INSTANCE_UPDATE, NULL, "UpdateInstance", "preheating",
           "Change a distribution system."),
    ABSENT(DELETE, INSTANCES "/{preheat_instance_name}", "preheat.instance.delete",
           PREHEAT_INSTANCE_DELETE, NULL, "DeleteInstance", "preheating",
           "Forget a distribution system."),
    ABSENT(POST, PREHEAT, "preheat.policy.create", PREHEAT_POLICY_CREATE,
           harbor_resolve_project_name, "CreatePolicy", "preheating",
           "Make a rule for preheating."),
    ABSENT(GET, PREHEAT "/{preheat_policy_name}", "preheat.policy.get", PREHEAT_POLICY_READ,
           harbor_resolve_project_name, "GetPolicy", "preheating", "See a rule for preheating."),
    ABSENT(PUT, PREHEAT "/{preheat_policy_name}", "preheat.policy.update", PREHEAT_POLICY_UPDATE,
           harbor_resolve_project_name, "UpdatePolicy", "preheating",
           "Change a rule for preheating."),
    ABSENT(DELETE, PREHEAT "/{preheat_policy_name}", "preheat.policy.delete", PREHEAT_POLICY_DELETE,
           harbor_resolve_project_name, "DeletePolicy", "preheating",
           "Remove a rule for preheating."),
    ABSENT(POST, PREHEAT "/{preheat_policy_name}", "preheat.policy.run", PREHEAT_POLICY_READ,
           harbor_resolve_project_name, "ManualPreheat", "preheating", "Preheat now."),
    ABSENT(GET, PREHEATING, "preheat.execution.list", PREHEAT_POLICY_LIST,
           harbor_resolve_project_name, "ListExecutions", "preheating",
           "List runs of a rule for preheating."),
    ABSENT(GET, PREHEATING "/{execution_id}", "preheat.execution.get", PREHEAT_POLICY_READ,
           harbor_resolve_project_name, "GetExecution", "preheating",
           "See a run of a rule for preheating."),
    ABSENT(PATCH, PREHEATING "/{execution_id}", "preheat.execution.stop", PREHEAT_POLICY_UPDATE,
           harbor_resolve_project_name, "StopExecution", "preheating",
           "Stop a run of a rule for preheating."),
    ABSENT(GET, PREHEATING "/{execution_id}/tasks", "preheat.task.list", PREHEAT_POLICY_LIST,
           harbor_resolve_project_name, "ListTasks", "preheating", "List the parts of such a run."),
    ABSENT(GET, PREHEATING "/{execution_id}/tasks/{task_id}/logs", "preheat.task.log",
           PREHEAT_POLICY_READ, harbor_resolve_project_name, "GetPreheatLog", "preheating",
           "Read what a part of such a run wrote."),
    /* webhooks */
    ABSENT(GET, "/projects/{project}/webhook/events", "webhook.events", WEBHOOK_READ,
           harbor_resolve_project, "GetSupportedEventTypes", "webhooks",
           "List the events that a webhook may be told of."),
    ABSENT(POST, WEBHOOKS, "webhook.policy.create", WEBHOOK_CREATE, harbor_resolve_project,
           "CreateWebhookPolicyOfProject", "webhooks", "Make a webhook."),
    ABSENT(GET, WEBHOOK, "webhook.policy.get", WEBHOOK_READ, harbor_resolve_project,
           "GetWebhookPolicyOfProject", "webhooks", "See a webhook."),
    ABSENT(PUT, WEBHOOK, "webhook.policy.update", WEBHOOK_UPDATE, harbor_resolve_project,
           "UpdateWebhookPolicyOfProject", "webhooks", "Change a webhook."),
    ABSENT(DELETE, WEBHOOK, "webhook.policy.delete", WEBHOOK_DELETE, harbor_resolve_project,
           "DeleteWebhookPolicyOfProject", "webhooks", "Remove a webhook."),
    ABSENT(GET, WEBHOOK "/executions", "webhook.execution.list", WEBHOOK_READ,
           harbor_resolve_project, "ListExecutionsOfWebhookPolicy", "webhooks",
           "List when a webhook was called."),
    ABSENT(GET, WEBHOOK "/executions/{execution_id}/tasks", "webhook.task.list", WEBHOOK_READ,
           harbor_resolve_project, "ListTasksOfWebhookExecution", "webhooks",
           "List the calls of a webhook."),
    ABSENT(GET, WEBHOOK "/executions/{execution_id}/tasks/{task_id}/log", "webhook.task.log",
           WEBHOOK_READ, harbor_resolve_project, "GetLogsOfWebhookTask", "webhooks",
           "Read what a call of a webhook wrote."),
    /* what is kept */
    ABSENT(GET, "/retentions/metadatas", "retention.metadata", LOGIN, NULL,
           "getRentenitionMetadata", "retention", "List the kinds of rules for what is kept."),
    ABSENT(GET, "/retentions/{id}", "retention.get", RETENTION_READ, resolve_system, "getRetention",
           "retention", "See which artifacts are kept."),
    ABSENT(PUT, "/retentions/{id}", "retention.update", RETENTION_UPDATE, resolve_system,
           "updateRetention", "retention", "Change which artifacts are kept."),
    ABSENT(DELETE, "/retentions/{id}", "retention.delete", RETENTION_DELETE, resolve_system,
           "deleteRetention", "retention", "Keep all artifacts again."),
    ABSENT(POST, RETENTIONS, "retention.run", RETENTION_UPDATE, resolve_system,
           "triggerRetentionExecution", "retention", "Remove now what is not kept."),
    ABSENT(GET, RETENTIONS, "retention.execution.list", RETENTION_LIST, resolve_system,
           "listRetentionExecutions", "retention", "List when what is not kept was removed."),
    ABSENT(PATCH, RETENTIONS "/{eid}", "retention.execution.stop", RETENTION_UPDATE, resolve_system,
           "operateRetentionExecution", "retention", "Stop the removal of what is not kept."),
    ABSENT(GET, RETENTIONS "/{eid}/tasks", "retention.task.list", RETENTION_LIST, resolve_system,
           "listRetentionTasks", "retention", "List the parts of such a removal."),
    ABSENT(GET, RETENTIONS "/{eid}/tasks/{tid}", "retention.task.log", RETENTION_READ,
           resolve_system, "getRetentionTaskLog", "retention",
           "Read what a part of such a removal wrote."),
    /* who people are */
    ABSENT(POST, "/ldap/ping", "ldap.check", CONFIGURATION_READ, NULL, "pingLdap", "LDAP",
           "Try to reach a directory."),
    ABSENT(GET, "/ldap/users/search", "ldap.user.search", LDAP_USER_LIST, NULL, "searchLdapUser",
           "LDAP", "Look for users of a directory."),
    ABSENT(POST, "/ldap/users/import", "ldap.user.import", LDAP_USER_CREATE, NULL, "importLdapUser",
           "LDAP", "Take users over from a directory."),
    ABSENT(GET, "/ldap/groups/search", "ldap.group.search", LDAP_USER_LIST, NULL, "searchLdapGroup",
           "LDAP", "Look for groups of a directory."),
    ABSENT(POST, "/system/oidc/ping", "oidc.check", CONFIGURATION_UPDATE, NULL, "pingOIDC", "OIDC",
           "Try to reach an identity provider."),
    ABSENT(GET, "/systeminfo/getcert", "system.certificate", OPEN, NULL, "getCert",
           "certificate authority",
           "Fetch the certificate of the authority that signed that of the server."),
    /* whose project stands in the body */
    {.method = HTTP_POST,
     .pattern = API "/retentions",
     .name = "retention.create",
     .permission = PERM_LOGIN,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = harbor_absent,
     .doc = DOC("Say which artifacts are kept.", "retention"),
     .contract = &(const struct api_contract){.operation = "createRetention",
                                              .takes = &retention_object,
                                              .absent = "retention",
                                              .resolve = resolve_retention,
                                              .permission = PERM_RETENTION_CREATE}},
    {.method = HTTP_POST,
     .pattern = API "/export/cve",
     .name = "export.create",
     .permission = PERM_LOGIN,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = harbor_absent,
     .doc = DOC("Export what scans found.", "scanners"),
     .contract = &(const struct api_contract){.operation = "exportScanData",
                                              .takes = &export_object,
                                              .absent = "scanners",
                                              .resolve = resolve_export,
                                              .permission = PERM_EXPORT_CREATE}},
};

const struct http_group harbor_absent_group = {
    .prefix = "/api/v2.0/",
    .title = "what is not there yet",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
