/* SPDX-License-Identifier: Apache-2.0 */
/*
 * robot: accounts of programs. A robot belongs to the system or to one project, has a secret that
 * is shown once, may end by itself, and may do exactly what it was given (Harbor's catalogue: the
 * rows of permissions.def that have robots). Results lie in the arena given. Any thread.
 */
#ifndef HAVEN_ACCESS_ROBOT_H
#define HAVEN_ACCESS_ROBOT_H

#include "access/access.h"
#include "db/list.h"

/* Days of a robot that never ends, and the most that one may have. */
#define ROBOT_FOR_EVER INT64_C(-1)
#define ROBOT_DAYS_MAX (INT64_C(2147483647) - 1)

struct robot {
    int64_t id, project_id; /* project_id 0: of the system */
    struct str name;        /* bare */
    struct str full_name;   /* "robot$project+name", "robot$name" */
    struct str level;       /* "project", "system" */
    struct str description;
    int64_t duration;   /* days, or ROBOT_FOR_EVER */
    int64_t expires_at; /* unix seconds; -1: never */
    bool disabled, editable;
    struct str creator_type; /* "local", "robot" */
    int64_t creator_id;
    int64_t created_ms, updated_ms;
};

extern const struct db_list robot_list_fields;
/* A page of struct robot. */
int robot_list(struct access *x, struct arena *a, const struct db_list_query *q,
               struct db_page *ret, struct err *e);
/* 1, 0, -1. */
int robot_find(struct access *x, struct arena *a, int64_t id, struct robot *ret, struct err *e);
/* What it may do, sorted by where. */
int robot_grants(struct access *x, struct arena *a, int64_t id, struct access_robot *ret,
                 struct err *e);

/* A permission as a robot is given it. BAD_REQUEST: there is none such, or robots cannot have it
 * there. */
int robot_permission(enum access_robot_kind kind, struct str resource, struct str action,
                     enum permission *ret, struct err *e);
/* Is all of b in a? */
bool robot_covers(const struct access_robot *a, const struct access_robot *b);

/* Makes one of r's project, name, description, duration and disabled, with the rights given.
 * secret: STR_NULL for a random one. *ret_secret lies in the arena; id, full name and times of r
 * are filled. BAD_REQUEST, CONFLICT. */
int robot_create(struct access *x, struct arena *a, struct robot *r,
                 const struct access_robot *rights, struct str secret, int64_t creator,
                 struct str *ret_secret, struct err *e);
/* Sets description, disabled, duration (counted from when it was made) and rights of r->id.
 * NOT_FOUND, BAD_REQUEST. */
int robot_update(struct access *x, const struct robot *r, const struct access_robot *rights,
                 struct err *e);
/* A new secret: this one, or (STR_NULL) a random one, which is given back. BAD_REQUEST, NOT_FOUND.
 */
int robot_secret_set(struct access *x, struct arena *a, const struct robot *r, struct str secret,
                     struct str *ret_secret, struct err *e);
/* Whether it may sign in; all else stays. NOT_FOUND. */
int robot_set_disabled(struct access *x, const struct robot *r, bool disabled, struct err *e);
int robot_remove(struct access *x, const struct robot *r, struct err *e);

#endif
