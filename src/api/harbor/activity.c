/* SPDX-License-Identifier: Apache-2.0 */
/* How much happens in a repository, day by day. Harbor has none of this. */
#include "registry/activity.h"

#include "api/harbor/harbor.h"
#include "base/clock.h"
#include "base/mem.h"

enum { DAYS_ASKED = 30 };

/* ---- objects ---- */

struct shown_day {
    struct str day;
    int64_t pulls, pushes, deletes;
};
static const struct api_field day_fields[] = {
    {"day", API_STR, offsetof(struct shown_day, day), API_ALWAYS, NULL, 0,
     "The day, as 2026-01-31 (UTC)."},
    {"pulls", API_INT, offsetof(struct shown_day, pulls), API_ALWAYS, NULL, 0,
     "How often something was pulled."},
    {"pushes", API_INT, offsetof(struct shown_day, pushes), API_ALWAYS, NULL, 0,
     "How often something was pushed or copied there."},
    {"deletes", API_INT, offsetof(struct shown_day, deletes), API_ALWAYS, NULL, 0,
     "How many artifacts were deleted."},
};
static const struct api_object day_object = {
    .name = "ActivityDay",
    .size = sizeof(struct shown_day),
    .fields = day_fields,
    .n = ARRAY_LEN(day_fields),
    .doc = "What happened in a repository on one day.",
};

struct shown_activity {
    int64_t pulls, pushes, deletes;
    struct api_list days;
};
static const struct api_field activity_fields[] = {
    {"pulls", API_INT, offsetof(struct shown_activity, pulls), API_ALWAYS, NULL, 0,
     "On all of these days."},
    {"pushes", API_INT, offsetof(struct shown_activity, pushes), API_ALWAYS, NULL, 0,
     "On all of these days."},
    {"deletes", API_INT, offsetof(struct shown_activity, deletes), API_ALWAYS, NULL, 0,
     "On all of these days."},
    {"days", API_LIST, offsetof(struct shown_activity, days), 0, &day_object, 0,
     "Each day, also those on which nothing happened; today is the last."},
};
static const struct api_object activity_object = {
    .name = "Activity",
    .size = sizeof(struct shown_activity),
    .fields = activity_fields,
    .n = ARRAY_LEN(activity_fields),
    .doc = "How much happened in a repository, day by day.",
};

/* ---- the handler ---- */

static int read_days(struct http_req *rq, uint64_t *ret, struct err *e)
{
    struct str days = http_query(rq, "days");

    *ret = DAYS_ASKED;
    if (days.n && !str_u64(days, 1, LIMIT_ACTIVITY_DAYS, ret))
        return ERR(e, UNPROCESSABLE, "days in query must be a number from 1 to %d, not \"%.*s\"",
                   LIMIT_ACTIVITY_DAYS, S(str_head(days, 40)));
    return 0;
}

static int get(struct http_req *rq, struct err *e)
{
    struct repository_facts r;
    struct activity_day *days;
    char text[CLOCK_TEXT_MAX];
    uint64_t n;

    if (read_days(rq, &n, e) < 0 || harbor_repository(rq, &r, e) < 0)
        return -1;
    days = ARENA_ARRAY(&rq->arena, n, struct activity_day);
    if (activity_read(&api_app(rq)->registry, r.id, activity_today(), days, n, e) < 0)
        return -1;
    struct shown_day *shown = ARENA_ARRAY(&rq->arena, n, struct shown_day);
    struct shown_activity all = {.days = {shown, n}};
    for (size_t i = 0; i < n; i++) {
        const struct activity_day *d = &days[i];
        clock_rfc3339(d->day * ACTIVITY_DAY_MS, text);
        shown[i] = (struct shown_day){
            .day = arena_str(&rq->arena, str_of(text, sizeof("2026-01-31") - 1)),
            .pulls = d->pulls,
            .pushes = d->pushes,
            .deletes = d->deletes,
        };
        all.pulls += d->pulls;
        all.pushes += d->pushes;
        all.deletes += d->deletes;
    }
    return harbor_reply(rq, &all);
}

/* ---- routes ---- */

static const struct api_query query[] = {
    {"days", API_INT, "How many days, up to today: 30, or up to 400.", false},
    {.name = NULL},
};

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/activity",
     .name = "repository.activity.get",
     .permission = PERM_ARTIFACT_LIST,
     .resolve = harbor_resolve_repository,
     .handler = get,
     .doc = "See how much was pulled, pushed and deleted in a repository, day by day.",
     .contract = &(const struct api_contract){.operation = "getActivity",
                                              .gives = &activity_object,
                                              .query = query}},
};

const struct http_group harbor_activity_group = {
    .prefix = "/api/v2.0/",
    .title = "activity",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .error = harbor_error,
};
