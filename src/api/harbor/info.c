/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of itself: /systeminfo. */
#include "access/setting.h"
#include "api/harbor/harbor.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>

/* The version of the API that is spoken here, in the form that clients of it take apart. */
#define API_VERSION "v2.16.0-haven"

struct info {
    struct str auth_mode, banner;
    bool primary_auth, self_registration;
    int64_t now_ms;
    struct str registry_url, external_url, creation, version, storage;
    bool has_ca, read_only, notifications;
};
static const struct api_field info_fields[] = {
    /* for everybody */
    {"auth_mode", API_STR, offsetof(struct info, auth_mode), API_ALWAYS, NULL, 0,
     "How users prove who they are: db_auth, against the accounts of this server."},
    {"primary_auth_mode", API_BOOL, offsetof(struct info, primary_auth), API_ALWAYS, NULL, 0,
     "Sign-in leads straight to the identity provider."},
    {"self_registration", API_BOOL, offsetof(struct info, self_registration), API_ALWAYS, NULL, 0,
     "Anybody may make an account."},
    {"banner_message", API_STR, offsetof(struct info, banner), API_ALWAYS, NULL, 0,
     "What the operator tells everybody."},
    /* for who is signed in */
    {"current_time", API_TIME, offsetof(struct info, now_ms), 0, NULL, 0,
     "The time of the server."},
    {"registry_url", API_STR, offsetof(struct info, registry_url), API_ALWAYS, NULL, 0,
     "The host that stands in references."},
    {"external_url", API_STR, offsetof(struct info, external_url), API_ALWAYS, NULL, 0,
     "The address under which clients reach the server."},
    {"project_creation_restriction", API_STR, offsetof(struct info, creation), API_ALWAYS, NULL, 0,
     "Who may make projects: everyone or adminonly."},
    {"has_ca_root", API_BOOL, offsetof(struct info, has_ca), API_ALWAYS, NULL, 0,
     "The certificate of the server's authority can be fetched."},
    {"harbor_version", API_STR, offsetof(struct info, version), API_ALWAYS, NULL, 0,
     "The version of the API."},
    {"registry_storage_provider_name", API_STR, offsetof(struct info, storage), API_ALWAYS, NULL, 0,
     "Where bytes are stored."},
    {"read_only", API_BOOL, offsetof(struct info, read_only), API_ALWAYS, NULL, 0,
     "Nothing can be changed at the moment."},
    {"notification_enable", API_BOOL, offsetof(struct info, notifications), API_ALWAYS, NULL, 0,
     "Webhooks are told of events."},
};
enum { FOR_EVERYBODY = 4 };

static const struct api_object info_object = {
    .name = "GeneralInfo",
    .size = sizeof(struct info),
    .fields = info_fields,
    .n = ARRAY_LEN(info_fields),
    .doc = "What the server says of itself; to strangers less.",
};
static const struct api_object short_object = {
    .name = "GeneralInfo",
    .size = sizeof(struct info),
    .fields = info_fields,
    .n = FOR_EVERYBODY,
    .doc = "What the server says to strangers.",
};

static int info(struct http_req *rq, struct err *e)
{
    struct settings *settings = access_settings(api_app(rq)->access);

    (void)e;
    const struct info i = {
        .auth_mode = STR("db_auth"),
        .banner = setting_text(settings, SETTING_banner_message, &rq->arena),
        .self_registration = setting_bool(settings, SETTING_self_registration),
        .read_only = setting_bool(settings, SETTING_read_only),
        .now_ms = clock_now_ms(),
        .registry_url = rq->host,
        .external_url = str_from(http_base_url(rq)),
        .creation = setting_text(settings, SETTING_project_creation_restriction, &rq->arena),
        .version = STR(API_VERSION),
        .storage = STR("filesystem"),
    };
    bool known = api_identity(rq)->proof != ACCESS_ANONYMOUS;
    return harbor_reply_as(rq, known ? &info_object : &short_object, &i);
}

struct storage {
    int64_t total, free;
};
static const struct api_field storage_fields[] = {
    {"total", API_INT, offsetof(struct storage, total), 0, NULL, 0, "Bytes that it has."},
    {"free", API_INT, offsetof(struct storage, free), 0, NULL, 0, "Bytes that are free."},
};
static const struct api_object storage_object = {
    .name = "Storage",
    .size = sizeof(struct storage),
    .fields = storage_fields,
    .n = ARRAY_LEN(storage_fields),
    .doc = "A file system.",
};
struct volumes {
    struct api_list storage;
};
static const struct api_field volumes_fields[] = {
    {"storage", API_LIST, offsetof(struct volumes, storage), 0, &storage_object, 0,
     "The file systems of the server."},
};
static const struct api_object volumes_object = {
    .name = "SystemInfo",
    .size = sizeof(struct volumes),
    .fields = volumes_fields,
    .n = ARRAY_LEN(volumes_fields),
    .doc = "Where the server stores bytes.",
};

static int volumes(struct http_req *rq, struct err *e)
{
    struct statvfs v;

    if (sys->fstatvfs(api_app(rq)->data_dir, &v) < 0)
        return ERR_SYS(e, "asking for the space of the data directory");
    struct storage s = {.total = (int64_t)((uint64_t)v.f_blocks * v.f_frsize),
                        .free = (int64_t)((uint64_t)v.f_bavail * v.f_frsize)};
    const struct volumes all = {.storage = {&s, 1}};
    return harbor_reply(rq, &all);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/systeminfo",
     .name = "system.info",
     .permission = PERM_OPEN,
     .handler = info,
     .doc = "Tell what the server is; who is signed in is told more.",
     .contract = &(const struct api_contract){.operation = "getSystemInfo", .gives = &info_object}},
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/systeminfo/volumes",
     .name = "system.volumes",
     .permission = PERM_VOLUMES_READ,
     .handler = volumes,
     .doc = "Tell how much space there is.",
     .contract = &(const struct api_contract){.operation = "getVolumes", .gives = &volumes_object}},
};

const struct http_group harbor_info_group = {
    .prefix = "/api/v2.0/",
    .title = "the server",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
