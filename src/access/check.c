/* SPDX-License-Identifier: Apache-2.0 */
/* The rules: who may do what. Pure; nothing here waits. */
#include "access/access.h"

const char *permission_name(enum permission p)
{
    static const char *const names[PERM_COUNT] = {
#define X(sym, name, doc) [PERM_##sym] = name,
#include "access/permissions.def"
#undef X
    };
    BUG_ON(p >= PERM_COUNT);
    return names[p];
}

unsigned access_actions(const struct identity *id, bool project_exists, bool project_public)
{
    if (!project_exists)
        return 0;
    if (id->admin)
        return ACCESS_ALL;
    return project_public ? ACCESS_PULL : 0;
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
    bool is_public;
    struct str repository;
};

static unsigned actions_on(const struct identity *id, const struct place *p)
{
    switch (id->proof) {
    case ACCESS_BASIC:
        return access_actions(id, p->project_id != 0, p->is_public);
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

static int check_repository(const struct identity *id, const struct access_target *t,
                            enum permission p, struct err *e)
{
    BUG_ON(!t);
    const struct place place = {
        .project_id = t->project_id,
        .created_ms = t->project_created_ms,
        .is_public = t->project_public,
        .repository = t->repository,
    };
    if (id->admin || (actions_on(id, &place) & action_of(p)))
        return 0;
    /* The same answer whether the project that it was made for is gone or was made anew. */
    if (granted(id, "repository", t->repository) & action_of(p))
        return ERR(e, TOKEN_STALE, "the token is older than what it was made for");
    return ERR(e, UNAUTHORIZED, "unauthorized to access repository: %.*s, action: %s",
               S(t->repository), strchr(permission_name(p), ':') + 1);
}

bool access_may_list(const struct identity *id, bool project_public)
{
    return project_public || id->admin || (granted(id, "registry", STR("catalog")) & ACCESS_PULL);
}

int access_check(const struct identity *id, const struct access_target *t, enum permission p,
                 struct err *e)
{
    switch (p) {
    case PERM_PUBLIC:
    case PERM_TOKEN:
        return 0;
    case PERM_LOGIN:
        return id->proof != ACCESS_ANONYMOUS ? 0 : ERR(e, UNAUTHORIZED, "unauthorized");
    case PERM_PULL:
    case PERM_PUSH:
    case PERM_DELETE:
        return check_repository(id, t, p, e);
    case PERM_CATALOG:
        if (access_may_list(id, false))
            return 0;
        return ERR(e, UNAUTHORIZED, "unauthorized to list catalog");
    case PERM_METRICS:
        if (id->admin)
            return 0;
        if (id->proof == ACCESS_ANONYMOUS)
            return ERR(e, UNAUTHORIZED, "the metrics are for administrators");
        return ERR(e, DENIED, "the metrics are for administrators");
    case PERM_COUNT:
        break;
    }
    err_bug(__FILE__, __LINE__, "unknown permission");
}

bool access_may_pull_from(const struct identity *id, const struct access_target *t)
{
    const struct place place = {
        .project_id = t->from_project_id,
        .created_ms = t->from_created_ms,
        .is_public = t->from_public,
        .repository = t->from_repository,
    };
    /* Anybody may read a public project; a client that keeps one token per repository would
     * otherwise send the bytes for nothing. */
    if (t->from_project_id && t->from_public)
        return true;
    return actions_on(id, &place) & ACCESS_PULL;
}
