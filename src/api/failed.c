/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that were refused or failed, in the audit log: who tried what. Strangers are left out
 * (whoever likes could fill the log), and so are tokens whose time is over, which clients replace
 * by themselves. No more than FAILURES_A_SECOND are written, after a burst.
 */
#include "api/app.h"

#include "access/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define FAILURES_A_SECOND 10
#define FAILURES_BURST    200

/* Of the routes that change something (what is not there yet changes nothing); those without an
 * entry of their own stand with NONE. */
enum { NONE = -1 };
static const struct {
    const char *route;
    int event;
} kinds[] = {
    {"upload.start", AUDIT_create_artifact},
    {"upload.start.bare", AUDIT_create_artifact},
    {"upload.chunk", NONE},
    {"upload.finish", AUDIT_create_artifact},
    {"upload.cancel", NONE},
    {"blob.delete", AUDIT_delete_artifact},
    {"manifest.put", AUDIT_create_artifact},
    {"manifest.delete", AUDIT_delete_artifact},
    {"project.create", AUDIT_create_project},
    {"project.update", AUDIT_update_project},
    {"project.delete", AUDIT_delete_project},
    {"metadata.create", AUDIT_update_project},
    {"metadata.update", AUDIT_update_project},
    {"metadata.delete", AUDIT_update_project},
    {"member.create", AUDIT_create_member},
    {"member.update", AUDIT_update_member},
    {"member.delete", AUDIT_delete_member},
    {"user.create", AUDIT_create_user},
    {"user.update", AUDIT_update_user},
    {"user.delete", AUDIT_delete_user},
    {"user.password.set", AUDIT_update_user},
    {"user.admin.set", AUDIT_update_user},
    {"usergroup.create", AUDIT_create_usergroup},
    {"usergroup.update", AUDIT_update_usergroup},
    {"usergroup.delete", AUDIT_delete_usergroup},
    {"repository.update", AUDIT_update_repository},
    {"repository.delete", AUDIT_delete_repository},
    {"artifact.copy", AUDIT_create_artifact},
    {"artifact.delete", AUDIT_delete_artifact},
    {"artifact.tag.create", AUDIT_create_tag},
    {"artifact.tag.delete", AUDIT_delete_tag},
    {"artifact.label.add", AUDIT_update_artifact},
    {"artifact.label.remove", AUDIT_update_artifact},
    {"artifact.link.create", AUDIT_create_link},
    {"artifact.link.delete", AUDIT_delete_link},
    {"label.create", AUDIT_create_label},
    {"label.update", AUDIT_update_label},
    {"label.delete", AUDIT_delete_label},
    {"robot.create", AUDIT_create_robot},
    {"robot.update", AUDIT_update_robot},
    {"robot.secret", AUDIT_update_robot},
    {"robot.delete", AUDIT_delete_robot},
    {"quota.update", AUDIT_update_quota},
    {"configuration.update", AUDIT_update_configuration},
    {"gc.schedule.create", AUDIT_update_schedule},
    {"gc.schedule.update", AUDIT_update_schedule},
    {"gc.stop", NONE},
    {"purge.schedule.create", AUDIT_update_schedule},
    {"purge.schedule.update", AUDIT_update_schedule},
    {"purge.stop", NONE},
    {"jobservice.queue.update", AUDIT_update_queue},
    {"jobservice.job.stop", NONE},
    {"immutable.create", AUDIT_create_immutable},
    {"immutable.update", AUDIT_update_immutable},
    {"immutable.delete", AUDIT_delete_immutable},
    {"token.personal.create", AUDIT_create_token},
    {"token.personal.delete", AUDIT_delete_token},
    {"session.delete", AUDIT_logout_user},
    {"session.delete.all", AUDIT_logout_user},
    {"session.begin", NONE}, /* writes its own */
    {"user.exists", NONE},
};

static int event_of(const struct http_route *route)
{
    for (size_t i = 0; route && i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].route, route->name) == 0)
            return kinds[i].event;
    return NONE;
}

const char *api_failed_event(const struct http_route *route)
{
    int event = event_of(route);
    return event == NONE ? "" : audit_event_info((enum audit_event)event)->name;
}

void api_failures_init(struct api_failures *f)
{
    mutex_init(&f->lock, "failures");
    f->left = FAILURES_BURST;
}

void api_failures_done(struct api_failures *f)
{
    mutex_done(&f->lock);
}

/* May one more be written now? */
static bool take(struct api_failures *f)
{
    int64_t now = clock_mono_ms();
    MUTEX_SCOPE(&f->lock);
    int64_t more = (now - f->filled_ms) * FAILURES_A_SECOND / 1000;

    if (more > 0) {
        f->left = MIN_OF(f->left + more, (int64_t)FAILURES_BURST);
        f->filled_ms = now;
    }
    if (f->left == 0) {
        f->lost++;
        return false;
    }
    if (f->lost)
        LOG(WARN, "audit.failures.lost", log_u64("n", f->lost));
    f->lost = 0;
    f->left--;
    return true;
}

/* "projects/speech/members/7", or in the registry protocol "speech/model/manifests/v1". */
static struct str resource_of(const struct http_req *rq)
{
    static const char *const prefixes[] = {"/api/v2.0/", "/v2/"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(rq->path, str_from(prefixes[i])))
            return str_skip(rq->path, strlen(prefixes[i]));
    return rq->path;
}

void api_failed(struct http_req *rq, const struct err *e)
{
    const struct identity *id = api_identity(rq);
    const struct access_target *t = api_target(rq);
    int event = event_of(rq->route);
    struct err ignored;

    if (event == NONE || !id || id->username.n == 0 || e->code == ERR_TOKEN_STALE ||
        e->code == ERR_CANCELLED || !take(&api_app(rq)->failures))
        return;
    const struct audit_event_info *info = audit_event_info((enum audit_event)event);
    const struct err_info *how = err_info(e->code);
    const char *words =
        arena_printf(&rq->arena, "%s %s failed with %d: %s", info->operation, info->resource_type,
                     how->status, how->status < 500 ? e->msg : how->text);
    const struct audit_entry entry = {.event = (enum audit_event)event,
                                      .project_id = t ? t->project_id : 0,
                                      .resource = resource_of(rq),
                                      .description = str_from(words),
                                      .failed = true};
    if (audit_write(api_app(rq)->db, &entry, &ignored) < 0)
        LOG(ERROR, "audit.failed", log_err(&ignored));
}
