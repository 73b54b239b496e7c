/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators change while the server runs: /configurations. */
#include "access/setting.h"

#include "api/harbor/harbor.h"
#include "base/mem.h"

/* ---- objects ---- */

struct item {
    struct str text;
    int64_t number;
    bool truth;
    bool editable;
};
#define EDITABLE                                                                                   \
    {                                                                                              \
        "editable", API_BOOL, offsetof(struct item, editable), API_ALWAYS, NULL, 0,                \
            "It can be changed here."                                                              \
    }
static const struct api_field text_fields[] = {
    {"value", API_STR, offsetof(struct item, text), API_ALWAYS, NULL, 0, "The value."},
    EDITABLE,
};
static const struct api_field bool_fields[] = {
    {"value", API_BOOL, offsetof(struct item, truth), API_ALWAYS, NULL, 0, "The value."},
    EDITABLE,
};
static const struct api_field int_fields[] = {
    {"value", API_INT, offsetof(struct item, number), API_ALWAYS, NULL, 0, "The value."},
    EDITABLE,
};
#define ITEM(words, list)                                                                          \
    {                                                                                              \
        .name = words, .size = sizeof(struct item), .fields = list, .n = ARRAY_LEN(list),          \
        .doc = "A setting and whether it can be changed."                                          \
    }
static const struct api_object text_item = ITEM("StringConfigItem", text_fields);
static const struct api_object bool_item = ITEM("BoolConfigItem", bool_fields);
static const struct api_object int_item = ITEM("IntegerConfigItem", int_fields);

/* One member for each row of setting.def, and how users prove who they are. */
struct shown {
    const struct item *v[SETTING_COUNT];
    const struct item *auth_mode;
};
#define ITEM_TEXT &text_item
#define ITEM_BOOL &bool_item
#define ITEM_INT  &int_item
static const struct api_field shown_fields[] = {
    {"auth_mode", API_OBJECT, offsetof(struct shown, auth_mode), 0, &text_item, 0,
     "How users prove who they are: db_auth, against the accounts of this server."},
#define SETTING(name, type, deflt, least, most, choices, doc)                                      \
    {#name, API_OBJECT, offsetof(struct shown, v[SETTING_##name]), 0, ITEM_##type, 0, doc},
#include "access/setting.def"
#undef SETTING
};
static const struct api_object shown_object = {
    .name = "ConfigurationsResponse",
    .size = sizeof(struct shown),
    .fields = shown_fields,
    .n = ARRAY_LEN(shown_fields),
    .doc = "The settings of the system.",
};

struct wanted {
    struct str auth_mode;
    struct str text[SETTING_COUNT];
    bool truth[SETTING_COUNT];
    int64_t number[SETTING_COUNT];
};
#define FIELD_TEXT(name) API_STR, offsetof(struct wanted, text[SETTING_##name])
#define FIELD_BOOL(name) API_BOOL, offsetof(struct wanted, truth[SETTING_##name])
#define FIELD_INT(name)  API_INT, offsetof(struct wanted, number[SETTING_##name])
static const struct api_field wanted_fields[] = {
    {"auth_mode", API_STR, offsetof(struct wanted, auth_mode), 0, NULL, 32,
     "How users prove who they are: db_auth."},
#define SETTING(name, type, deflt, least, most, choices, doc)                                      \
    {#name, FIELD_##type(name), 0, NULL, 4096, doc},
#include "access/setting.def"
#undef SETTING
};
static const struct api_object wanted_object = {
    .name = "Configurations",
    .size = sizeof(struct wanted),
    .fields = wanted_fields,
    .n = ARRAY_LEN(wanted_fields),
    .doc = "Settings as they are to be; what is left out stays as it is.",
};

/* ---- handlers ---- */

static struct settings *settings_of(const struct http_req *rq)
{
    return access_settings(api_app(rq)->access);
}

static int get(struct http_req *rq, struct err *e)
{
    struct settings *s = settings_of(rq);
    struct shown *shown = ARENA_NEW(&rq->arena, struct shown);
    struct item *items = ARENA_ARRAY(&rq->arena, SETTING_COUNT + 1, struct item);

    (void)e;
    for (int i = 0; i < SETTING_COUNT; i++) {
        enum setting which = (enum setting)i;
        items[i].editable = true;
        if (setting_info(which)->type == SETTING_TEXT)
            items[i].text = setting_text(s, which, &rq->arena);
        items[i].number = setting_int(s, which);
        items[i].truth = setting_bool(s, which);
        shown->v[i] = &items[i];
    }
    items[SETTING_COUNT].text = STR("db_auth");
    shown->auth_mode = &items[SETTING_COUNT];
    return harbor_reply(rq, shown);
}

/* The value of a field as text. */
static struct str text_of(struct http_req *rq, const struct wanted *w, enum setting which)
{
    switch (setting_info(which)->type) {
    case SETTING_BOOL:
        return w->truth[which] ? STR("true") : STR("false");
    case SETTING_INT:
        return str_from(arena_printf(&rq->arena, "%lld", (long long)w->number[which]));
    case SETTING_TEXT:
        break;
    }
    return w->text[which].p ? w->text[which] : STR("");
}

static int update(struct http_req *rq, struct err *e)
{
    struct wanted *w = ARENA_NEW(&rq->arena, struct wanted);
    struct setting_change changes[SETTING_COUNT];
    struct api_given given;
    size_t n = 0;

    if (rq->body.n == 0)
        return ERR(e, BAD_REQUEST, "the body must hold the settings that are to be changed");
    if (harbor_body(rq, w, &given, e) < 0)
        return -1;
    if (w->auth_mode.n && !str_eqz(w->auth_mode, "db_auth"))
        return ERR(e, BAD_REQUEST, "\"auth_mode\" can only be \"db_auth\" here");
    for (int i = 0; i < SETTING_COUNT; i++) {
        enum setting which = (enum setting)i;
        if (api_given(&wanted_object, &given, setting_info(which)->name))
            changes[n++] = (struct setting_change){.which = which, .text = text_of(rq, w, which)};
    }
    if (setting_try(changes, n, e) < 0 || setting_change_all(settings_of(rq), changes, n, e) < 0)
        return -1;
    return http_reply_empty(rq, 200);
}

#define API "/api/v2.0"

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = API "/configurations",
     .name = "configuration.get",
     .permission = PERM_CONFIGURATION_READ,
     .handler = get,
     .doc = "See the settings of the system.",
     .contract =
         &(const struct api_contract){.operation = "getConfigurations", .gives = &shown_object}},
    {.method = HTTP_PUT,
     .pattern = API "/configurations",
     .name = "configuration.update",
     .permission = PERM_CONFIGURATION_UPDATE,
     .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_API_BODY,
     .handler = update,
     .doc = "Change settings of the system; all that are named, or none.",
     .contract = &(const struct api_contract){.operation = "updateConfigurations",
                                              .takes = &wanted_object}},
};

const struct http_group harbor_configure_group = {
    .prefix = "/api/v2.0/",
    .title = "settings of the system",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
