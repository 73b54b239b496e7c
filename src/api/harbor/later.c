/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of features that are not there yet, empty as they are in a registry that does not use them:
 * clients that look first find nothing to do. A feature that comes takes its rows with it. */
#include "api/harbor/harbor.h"

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
