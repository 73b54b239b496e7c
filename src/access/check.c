/* SPDX-License-Identifier: Apache-2.0 */
/* The rules: who may do what. Pure; nothing here waits. */
#include "access/access.h"

#include "base/mem.h"

static const struct permission_info permissions[PERM_COUNT] = {
#define P_ADMIN                   ROLE_BIT(ROLE_ADMIN)
#define P_MAINTAINER              ROLE_BIT(ROLE_MAINTAINER)
#define P_DEVELOPER               ROLE_BIT(ROLE_DEVELOPER)
#define P_GUEST                   ROLE_BIT(ROLE_GUEST)
#define P_LIMITED                 ROLE_BIT(ROLE_LIMITED)
#define P_ANYBODY                 ROLE_BIT(ROLE_ANYBODY)
#define P_SYSTEM                  PERM_ROBOTS_SYSTEM
#define P_PROJECT                 PERM_ROBOTS_PROJECT
#define SPECIAL(sym, text, words) [PERM_##sym] = {.name = text, .doc = words},
#define PERMISSION(sym, where, thing, deed, who, which, words)                                     \
    [PERM_##sym] = {.name = thing ":" deed,                                                        \
                    .resource = thing,                                                             \
                    .action = deed,                                                                \
                    .level = PERM_LEVEL_##where,                                                   \
                    .roles = who,                                                                  \
                    .robots = which,                                                               \
                    .doc = words},
#include "access/permissions.def"
#undef SPECIAL
#undef PERMISSION
};

const struct permission_info *permission_info(enum permission p)
{
    BUG_ON(p >= PERM_COUNT);
    return &permissions[p];
}

const char *permission_name(enum permission p)
{
    return permission_info(p)->name;
}

/* ---- robots ---- */

bool access_robot_has(const struct access_robot *robot, enum access_robot_kind kind,
                      int64_t project_id, enum permission p)
{
    for (size_t i = 0; i < robot->n; i++) {
        const struct access_robot_grant *g = &robot->grants[i];
        bool there =
            kind == ACCESS_ROBOT_SYSTEM || g->project_id == 0 || g->project_id == project_id;
        /* Who may write may read what was written. */
        bool that = g->permission == (unsigned)p || (p == PERM_PULL && g->permission == PERM_PUSH);
        if (g->kind == kind && there && that)
            return true;
    }
    return false;
}

/* May it do this in a project (0: there is none)? Robots have no roles; what is public is theirs as
 * it is anybody's. */
static bool holds(const struct identity *id, int64_t project_id, unsigned roles, enum permission p)
{
    if (project_id == 0)
        return false;
    if (permissions[p].roles & roles)
        return true;
    return id->robot && access_robot_has(id->robot, ACCESS_ROBOT_PROJECT, project_id, p);
}

static bool holds_in_system(const struct identity *id, enum permission p)
{
    return id->admin || (id->robot && access_robot_has(id->robot, ACCESS_ROBOT_SYSTEM, 0, p));
}

/* ---- the registry protocol ---- */

unsigned access_actions(const struct identity *id, int64_t project_id, unsigned roles)
{
    unsigned actions = 0, reach = id->scope == ACCESS_SCOPE_READ ? ACCESS_PULL : ACCESS_ALL;

    if (project_id == 0)
        return 0;
    if (id->admin)
        return ACCESS_ALL & reach;
    if (holds(id, project_id, roles, PERM_PULL))
        actions |= ACCESS_PULL;
    if (holds(id, project_id, roles, PERM_PUSH))
        actions |= ACCESS_PUSH;
    if (holds(id, project_id, roles, PERM_DELETE))
        actions |= ACCESS_DELETE;
    return actions & reach;
}

/* ---- personal access tokens ---- */

static bool is_reading(enum permission p)
{
    static const char *const deeds[] = {"read", "list", "pull"};
    for (size_t i = 0; permissions[p].action && i < ARRAY_LEN(deeds); i++)
        if (strcmp(permissions[p].action, deeds[i]) == 0)
            return true;
    return permissions[p].level == PERM_LEVEL_NONE;
}

/* Does the token that was shown reach this far? in_system: it is about more than one project. */
static bool reaches(const struct identity *id, enum permission p, bool in_system)
{
    switch (id->scope) {
    case ACCESS_SCOPE_READ:
        return is_reading(p);
    case ACCESS_SCOPE_WRITE:
        return !in_system || is_reading(p);
    case ACCESS_SCOPE_NONE:
    case ACCESS_SCOPE_ALL:
        break;
    }
    return true;
}

static int too_far(const struct identity *id, struct err *e)
{
    return ERR(e, DENIED, "a personal access token of the scope \"%s\" does not reach that far",
               access_scope_name(id->scope));
}

static unsigned granted(const struct identity *id, const char *type, struct str name)
{
    unsigned actions = 0;
    for (size_t i = 0; i < id->n_grants; i++)
        if (str_eqz(id->grants[i].type, type) && str_eq(id->grants[i].name, name))
            actions |= id->grants[i].actions;
    return actions;
}

/* A token of an earlier project of the same name says nothing about this one. iat counts whole
 * seconds: a token of the second in which the project was made is taken. */
static bool is_older(const struct identity *id, int64_t project_created_ms)
{
    return id->issued_at < project_created_ms / 1000;
}

/* One of the two repositories of a target. */
struct place {
    int64_t project_id, created_ms;
    unsigned roles;
    struct str repository;
};

static unsigned actions_on(const struct identity *id, const struct place *p)
{
    switch (id->proof) {
    case ACCESS_BASIC:
    case ACCESS_SESSION:
        return access_actions(id, p->project_id, p->roles);
    case ACCESS_BEARER:
        if (p->project_id == 0 || is_older(id, p->created_ms))
            return 0;
        return granted(id, "repository", p->repository);
    case ACCESS_ANONYMOUS:
        break;
    }
    /* Nobody reads without a token, not even what is public: that is how clients learn to ask for
     * one. */
    return 0;
}

static unsigned action_of(enum permission p)
{
    switch (p) {
    case PERM_PULL:
        return ACCESS_PULL;
    case PERM_PUSH:
        return ACCESS_PUSH;
    case PERM_DELETE:
        return ACCESS_DELETE;
    default:
        return 0;
    }
}

int access_check_repository(const struct identity *id, const struct access_target *t,
                            enum permission p, struct err *e)
{
    BUG_ON(!t || !action_of(p));
    const struct place place = {
        .project_id = t->project_id,
        .created_ms = t->project_created_ms,
        .roles = t->roles,
        .repository = t->repository,
    };
    if (id->admin ? reaches(id, p, false) : (actions_on(id, &place) & action_of(p)) != 0)
        return 0;
    /* The same answer whether the project that it was made for is gone or was made anew. */
    if (granted(id, "repository", t->repository) & action_of(p))
        return ERR(e, TOKEN_STALE, "the token is older than what it was made for");
    return ERR(e, UNAUTHORIZED, "unauthorized to access repository: %.*s, action: %s",
               S(t->repository), permissions[p].action);
}

bool access_may_list(const struct identity *id, bool project_public)
{
    return project_public || holds_in_system(id, PERM_CATALOG) ||
           (granted(id, "registry", STR("catalog")) & ACCESS_PULL);
}

/* ---- everything else ---- */

static int refuse(const struct identity *id, const char *what, struct err *e)
{
    if (id->proof == ACCESS_ANONYMOUS && id->had_credentials)
        return ERR(e, UNAUTHORIZED, "the user name or the password is wrong");
    if (id->proof == ACCESS_ANONYMOUS)
        return ERR(e, UNAUTHORIZED, "%s", *what ? what : "unauthorized");
    return ERR(e, DENIED, "%s", *what ? what : "forbidden");
}

static int check_project(const struct identity *id, const struct access_target *t,
                         enum permission p, struct err *e)
{
    BUG_ON(!t);
    if (t->of_system)
        return holds_in_system(id, p) || (permissions[p].roles & ROLE_BIT(ROLE_ANYBODY))
                   ? 0
                   : refuse(id, "", e);
    if (id->admin && t->project_id == 0)
        return ERR(e, NOT_FOUND, "there is no such project");
    if (id->admin || holds(id, t->project_id, t->roles, p))
        return 0;
    return refuse(id, "", e);
}

static int check_special(const struct identity *id, enum permission p, struct err *e)
{
    switch (p) {
    case PERM_PUBLIC:
    case PERM_OPEN:
    case PERM_TOKEN:
        return 0;
    case PERM_LOGIN:
        return id->proof != ACCESS_ANONYMOUS ? 0 : refuse(id, "", e);
    case PERM_METRICS:
        return id->admin ? 0 : refuse(id, "the metrics are for administrators", e);
    default:
        break;
    }
    err_bug(__FILE__, __LINE__, "unknown permission");
}

int access_check(const struct identity *id, const struct access_target *t, enum permission p,
                 struct err *e)
{
    const struct permission_info *info = permission_info(p);

    if (!reaches(id, p, info->level == PERM_LEVEL_SYSTEM || (t && t->of_system)))
        return too_far(id, e);
    switch (info->level) {
    case PERM_LEVEL_NONE:
        return check_special(id, p, e);
    case PERM_LEVEL_PROJECT:
        return check_project(id, t, p, e);
    case PERM_LEVEL_SYSTEM:
        break;
    }
    /* Clients of the registry protocol take every refusal of the catalog for a challenge. */
    if (p == PERM_CATALOG)
        return access_may_list(id, false) ? 0
                                          : ERR(e, UNAUTHORIZED, "unauthorized to list catalog");
    return holds_in_system(id, p) || (t && t->self) ? 0 : refuse(id, "", e);
}

bool access_may_pull_from(const struct identity *id, const struct access_target *t)
{
    const struct place place = {
        .project_id = t->from_project_id,
        .created_ms = t->from_created_ms,
        .roles = t->from_roles,
        .repository = t->from_repository,
    };
    /* Anybody may read a public project; a client that keeps one token per repository would
     * otherwise send the bytes for nothing. */
    if (t->from_project_id && (t->from_roles & ROLE_BIT(ROLE_ANYBODY)))
        return true;
    return actions_on(id, &place) & ACCESS_PULL;
}
