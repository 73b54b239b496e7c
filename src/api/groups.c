/* SPDX-License-Identifier: Apache-2.0 */
/* The route tables of all protocols. */
#include "api/contract.h"
#include "api/harbor/harbor.h"
#include "api/portal/portal.h"
#include "base/mem.h"

const struct http_group *api_groups(size_t *ret_n)
{
    /* The first row that fits counts: …/additions/vulnerabilities of absent.c before {addition}. */
    static const struct http_group *const parts[] = {
        &distribution_group,
        &harbor_group,
        &harbor_projects_group,
        &harbor_metadata_group,
        &harbor_members_group,
        &harbor_users_group,
        &harbor_usergroups_group,
        &harbor_repositories_group,
        &harbor_artifacts_group,
        &harbor_permissions_group,
        &harbor_info_group,
        &harbor_capabilities_group,
        &harbor_search_group,
        &harbor_labels_group,
        &harbor_audit_group,
        &harbor_robots_group,
        &harbor_quotas_group,
        &harbor_configure_group,
        &harbor_system_jobs_group,
        &harbor_immutable_group,
        &harbor_jobservice_group,
        &harbor_later_group,
        &harbor_absent_group,
        &harbor_additions_group,
        &harbor_models_group,
        &harbor_model_search_group,
        &harbor_links_group,
        &harbor_tensors_group,
        &harbor_activity_group,
        &harbor_icons_group,
        &harbor_account_group,
        &harbor_sign_in_group,
        &service_group,
        &portal_group,
        &ops_group,
    };
    static struct http_group all[ARRAY_LEN(parts)];
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        all[i] = *parts[i];
    *ret_n = ARRAY_LEN(all);
    return all;
}
