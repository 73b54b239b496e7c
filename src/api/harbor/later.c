/* SPDX-License-Identifier: Apache-2.0 */
/* Answers about features that are not there yet, empty as they are in a registry that does not use
 * them: clients that look first find nothing to do. A feature that comes takes its rows with it;
 * what cannot be answered with nothing stands in absent.c. */
#include "api/harbor/harbor.h"
#include "base/mem.h"

/* ---- objects ---- */

struct allowlist {
    int64_t id, project_id, expires_at, created_ms, updated_ms;
    struct str items;
};
static const struct api_field allowlist_fields[] = {
    {"id", API_INT, offsetof(struct allowlist, id), 0, NULL, 0, "Its number."},
    {"project_id", API_INT, offsetof(struct allowlist, project_id), 0, NULL, 0,
     "The project that it is for; none: the system."},
    {"expires_at", API_INT, offsetof(struct allowlist, expires_at), 0, NULL, 0,
     "When it ends (unix seconds); without it never."},
    {"items", API_JSON, offsetof(struct allowlist, items), 0, NULL, 0,
     "The findings that are let pass."},
    {"creation_time", API_TIME, offsetof(struct allowlist, created_ms), 0, NULL, 0,
     "When it was made; the year 1: never."},
    {"update_time", API_TIME, offsetof(struct allowlist, updated_ms), 0, NULL, 0,
     "When it was changed last."},
};
static const struct api_object allowlist_object = {
    .name = "CVEAllowlist",
    .size = sizeof(struct allowlist),
    .fields = allowlist_fields,
    .n = ARRAY_LEN(allowlist_fields),
    .doc = "Findings of scans that are let pass.",
};

struct summary {
    int64_t critical, high, medium, low, none, unknown, total, scanned, artifacts, fixable;
    struct str worst, worst_artifacts;
};
#define COUNT(word, member, flags, words)                                                          \
    {                                                                                              \
        word, API_INT, offsetof(struct summary, member), flags, NULL, 0, words                     \
    }
static const struct api_field summary_fields[] = {
    COUNT("critical_cnt", critical, API_ALWAYS, "Critical findings."),
    COUNT("high_cnt", high, 0, "Findings of high severity."),
    COUNT("medium_cnt", medium, API_ALWAYS, "Findings of medium severity."),
    COUNT("low_cnt", low, API_ALWAYS, "Findings of low severity."),
    COUNT("none_cnt", none, 0, "Findings of no severity."),
    COUNT("unknown_cnt", unknown, 0, "Findings of unknown severity."),
    COUNT("total_vuls", total, API_ALWAYS, "All findings."),
    COUNT("scanned_cnt", scanned, API_ALWAYS, "Artifacts that were scanned."),
    COUNT("total_artifact", artifacts, API_ALWAYS, "Artifacts that a scanner would look at."),
    COUNT("fixable_cnt", fixable, API_ALWAYS, "Findings that a newer version mends."),
    {"dangerous_cves", API_JSON, offsetof(struct summary, worst), 0, NULL, 0,
     "The worst findings."},
    {"dangerous_artifacts", API_JSON, offsetof(struct summary, worst_artifacts), 0, NULL, 0,
     "The artifacts with the worst findings."},
};
static const struct api_object summary_object = {
    .name = "SecuritySummary",
    .size = sizeof(struct summary),
    .fields = summary_fields,
    .n = ARRAY_LEN(summary_fields),
    .doc = "What scans found, in numbers.",
};
static const struct api_query summary_query[] = {
    {"with_dangerous_cve", API_BOOL, "Show the worst findings.", false},
    {"with_dangerous_artifact", API_BOOL, "Show the artifacts with the worst findings.", false},
    {0},
};

/* ---- handlers ---- */

static int allowlist(struct http_req *rq, struct err *e)
{
    const struct allowlist nothing = {.items = STR("[]")};

    (void)e;
    return harbor_reply(rq, &nothing);
}

/* Without a scanner Harbor counts no artifacts either. */
static int summary(struct http_req *rq, struct err *e)
{
    const struct summary nothing = {0};
    bool ignored;

    if (harbor_query_bool(rq, "with_dangerous_cve", false, &ignored, e) < 0 ||
        harbor_query_bool(rq, "with_dangerous_artifact", false, &ignored, e) < 0)
        return -1;
    return harbor_reply(rq, &nothing);
}

#define JSON_TYPE "application/json; charset=utf-8"

static int nothing(struct http_req *rq, struct err *e)
{
    (void)e;
    return http_reply(rq, 200, JSON_TYPE, STR("{}"));
}

/* Everybody may see it in a public project, but must say who they are. */
static int no_scanner(struct http_req *rq, struct err *e)
{
    return api_identity(rq)->proof == ACCESS_ANONYMOUS ? ERR(e, UNAUTHORIZED, "unauthorized")
                                                       : nothing(rq, e);
}

static int no_exports(struct http_req *rq, struct err *e)
{
    (void)e;
    return http_reply(rq, 200, JSON_TYPE, STR("{\"items\":[]}"));
}

static int list(struct http_req *rq, struct err *e)
{
    (void)e;
    http_set_header(rq, "X-Total-Count", STR("0"));
    return harbor_reply_all(rq, NULL, 0);
}

#define API "/api/v2.0"
/* of: the feature; resolves: for lists of a project. */
#define EMPTY(path, label, perm, resolves, op, of, words)                                          \
    {                                                                                              \
        .method = HTTP_GET, .pattern = API path, .name = label, .permission = PERM_##perm,         \
        .resolve = resolves, .handler = list, .doc = words " Empty: there are none yet.",          \
        .contract = &(const struct api_contract)                                                   \
        {                                                                                          \
            .operation = op, .many = true, .empty = of                                             \
        }                                                                                          \
    }

/* The same for an object; with_: what writes it, like: its table, NULL: there is nothing in it. */
#define EMPTY_OBJECT(path, label, perm, resolves, op, of, with_, like, asks, words)                \
    {                                                                                              \
        .method = HTTP_GET, .pattern = API path, .name = label, .permission = PERM_##perm,         \
        .resolve = resolves, .handler = with_, .doc = words " Empty: there are none yet.",         \
        .contract = &(const struct api_contract)                                                   \
        {                                                                                          \
            .operation = op, .gives = like, .query = asks, .empty = of                             \
        }                                                                                          \
    }

/* ---- rows ---- */

static const struct http_route routes[] = {
    EMPTY("/registries", "registry.list", REGISTRY_LIST, NULL, "listRegistries", "replication",
          "List other registries."),
    EMPTY("/replication/policies", "replication.policy.list", REPLICATION_POLICY_LIST, NULL,
          "listReplicationPolicies", "replication", "List rules for replication."),
    EMPTY("/replication/executions", "replication.execution.list", REPLICATION_LIST, NULL,
          "listReplicationExecutions", "replication", "List replications."),
    EMPTY("/replication/adapters", "replication.adapter.list", REPLICATION_ADAPTER_LIST, NULL,
          "listRegistryProviderTypes", "replication", "List kinds of registries."),
    EMPTY("/scanners", "scanner.list", SCANNER_LIST, NULL, "listScanners", "scanners",
          "List scanners."),
    EMPTY("/projects/{project}/scanner/candidates", "project.scanner.candidates",
          PROJECT_SCANNER_CREATE, harbor_resolve_project, "listScannerCandidatesOfProject",
          "scanners", "List scanners that a project may have."),
    EMPTY("/security/vul", "security.list", SECURITY_LIST, NULL, "ListVulnerabilities", "scanners",
          "List what scans found."),
    EMPTY_OBJECT("/security/summary", "security.summary", SECURITY_READ, NULL, "getSecuritySummary",
                 "scanners", summary, &summary_object, summary_query,
                 "Tell what scans found, in numbers."),
    EMPTY_OBJECT("/system/CVEAllowlist", "allowlist.get", LOGIN, NULL, "getSystemCVEAllowlist",
                 "scanners", allowlist, &allowlist_object, NULL,
                 "Tell which findings are let pass."),
    EMPTY_OBJECT("/projects/{project}/scanner", "project.scanner.get", PROJECT_SCANNER_READ,
                 harbor_resolve_project, "getScannerOfProject", "scanners", no_scanner, NULL, NULL,
                 "See the scanner of a project."),
    EMPTY_OBJECT("/export/cve/executions", "export.list", LOGIN, NULL,
                 "getScanDataExportExecutionList", "scanners", no_exports, NULL, NULL,
                 "List the caller's exports of what scans found."),
    EMPTY_OBJECT("/replication/adapterinfos", "replication.adapter.info", REPLICATION_ADAPTER_LIST,
                 NULL, "listRegistryProviderInfos", "replication", nothing, NULL, NULL,
                 "Tell how each kind of registry is reached."),
    EMPTY("/p2p/preheat/providers", "preheat.provider.list", PREHEAT_INSTANCE_LIST, NULL,
          "ListProviders", "preheating", "List kinds of distribution systems."),
    EMPTY("/p2p/preheat/instances", "preheat.instance.list", PREHEAT_INSTANCE_LIST, NULL,
          "ListInstances", "preheating", "List distribution systems."),
    EMPTY("/projects/{project_name}/preheat/policies", "preheat.policy.list", PREHEAT_POLICY_LIST,
          harbor_resolve_project_name, "ListPolicies", "preheating", "List rules for preheating."),
    EMPTY("/projects/{project_name}/preheat/providers", "preheat.provider.list.project",
          PREHEAT_POLICY_LIST, harbor_resolve_project_name, "ListProvidersUnderProject",
          "preheating", "List distribution systems that a project may use."),
    EMPTY("/projects/{project}/webhook/policies", "webhook.policy.list", WEBHOOK_LIST,
          harbor_resolve_project, "ListWebhookPoliciesOfProject", "webhooks",
          "List webhooks of a project."),
    EMPTY("/projects/{project}/webhook/lasttrigger", "webhook.last", WEBHOOK_LIST,
          harbor_resolve_project, "LastTrigger", "webhooks", "List when webhooks were called."),
    EMPTY("/projects/{project}/webhook/jobs", "webhook.job.list", WEBHOOK_LIST,
          harbor_resolve_project, "ListWebhookJobs", "webhooks", "List calls of webhooks."),
};

const struct http_group harbor_later_group = {
    .prefix = "/api/v2.0/",
    .title = "what is to come",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
