/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/event.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "registry/activity.h"
#include "registry/model.h"
#include "registry/task.h"

static const enum audit_event entry_of[EVENT_COUNT] = {
#define EVENT(name, audit, doc) [EVENT_##name] = AUDIT_##audit,
#include "registry/event.def"
#undef EVENT
};

/* ---- who takes work from events ---- */

/* A project is named by itself. */
static int to_audit(struct db_conn *c, const struct event *event, struct err *e)
{
    AUTO(buf) resource = {0};
    char text[80];
    struct audit_entry entry = {.event = entry_of[event->kind],
                                .project_id = event->project_id,
                                .description = event->text};

    buf_init(&resource, LIMIT_AUDIT_TEXT * 2);
    buf_adds(&resource, event->repository);
    if (event->tag.n || event->digest.n)
        buf_addf(&resource, "%c%.*s", event->tag.n ? ':' : '@',
                 S(event->tag.n ? event->tag : event->digest));
    entry.resource = buf_str(&resource);
    if (event->times > 1) {
        const struct audit_event_info *i = audit_event_info(entry.event);
        snprintf(text, sizeof(text), "%s %s, %lld times", i->operation, i->resource_type,
                 (long long)event->times);
        entry.description = str_from(text);
    }
    return audit_add(c, &entry, e);
}

/* How much happened on each day, whatever becomes of the audit log. */
static int to_days(struct db_conn *c, const struct event *event, struct err *e)
{
    int64_t n = event->times ? event->times : 1;

    switch (event->kind) {
    case EVENT_pull_artifact:
        return activity_add(c, event->repository, n, 0, 0, e);
    case EVENT_push_artifact:
        return activity_add(c, event->repository, 0, n, 0, e);
    case EVENT_delete_artifact:
        return activity_add(c, event->repository, 0, 0, n, e);
    default:
        return 0;
    }
}

/* What is pushed is read, if it was not already: the manifest, wherever it is pushed. */
static int to_index(struct db_conn *c, const struct event *event, struct err *e)
{
    if (event->kind != EVENT_push_artifact)
        return 0;
    return db_exec(c, Q_task_add_of_artifact,
                   DB_ARGS(DB_TEXTZ(TASK_INDEX), DB_TEXT(event->repository), DB_TEXT(event->digest),
                           DB_I64(clock_now_ms()), DB_I64(MODEL_VERSION)),
                   NULL, e);
}

static int (*const takers[])(struct db_conn *c, const struct event *event, struct err *e) = {
    to_audit,
    to_days,
    to_index,
};

int event_add(struct db_conn *c, const struct event *event, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(takers); i++)
        if (takers[i](c, event, e) < 0)
            return -1;
    return 0;
}

int event_of_artifact(struct db_conn *c, enum event_kind kind, int64_t repository, struct str tag,
                      struct str digest, int64_t times, struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO(buf) name = {0};
    int found = db_one(c, Q_repository_place, DB_ARGS(DB_I64(repository)), &rows, e);

    if (found <= 0)
        return found;
    buf_init(&name, LIMIT_REPO_NAME + 1);
    buf_adds(&name, db_text(&rows, 0));
    const struct event event = {.kind = kind,
                                .project_id = db_i64(&rows, 1),
                                .repository = buf_str(&name),
                                .tag = tag,
                                .digest = digest,
                                .times = times};
    db_rows_done(&rows);
    return event_add(c, &event, e);
}
