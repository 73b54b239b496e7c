/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of artifacts: /icons. */
#include "registry/icon.h"

#include "api/harbor/harbor.h"
#include "base/base64.h"
#include "base/mem.h"

struct shown {
    struct str type, content;
};
static const struct api_field shown_fields[] = {
    {"content-type", API_STR, offsetof(struct shown, type), 0, NULL, 0, "Its media type."},
    {"content", API_STR, offsetof(struct shown, content), 0, NULL, 0, "Its bytes, in base64."},
};
static const struct api_object shown_object = {
    .name = "Icon",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "The picture of an artifact.",
};

/* A digest grants nothing: it must be the icon of an artifact that the caller may see. */
static int get(struct http_req *rq, struct err *e)
{
    const struct identity *id = api_identity(rq);
    const struct icon_reader who = {
        .all = id->admin,
        .user_id = id->user_id,
        .robot_id = id->robot ? id->robot->id : 0,
        .permission = permission_name(PERM_ARTIFACT_READ),
    };
    struct str text = http_param(rq, "digest");
    struct digest d;
    struct icon icon;
    AUTO(buf) out = {0};

    if (digest_parse(text, &d, e) < 0)
        return -1;
    int found = icon_find(&api_app(rq)->registry, &rq->arena, &who, &d, &icon, e);
    if (found <= 0)
        return found < 0 ? -1 : ERR(e, NOT_FOUND, "there is no icon %s", d.text);
    buf_init(&out, 2 * LIMIT_ICON);
    base64_encode(&out, icon.bytes);
    const struct shown shown = {.type = str_from(icon.type), .content = buf_str(&out)};
    return harbor_reply(rq, &shown);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/icons/{digest}",
     .name = "icon.get",
     .permission = PERM_OPEN,
     .handler = get,
     .doc = "Fetch the picture of an artifact that the caller may see.",
     .contract = &(const struct api_contract){.operation = "getIcon", .gives = &shown_object}},
};

const struct http_group harbor_icons_group = {
    .prefix = "/api/v2.0/",
    .title = "icons",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
