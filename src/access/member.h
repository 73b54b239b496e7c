/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member: who is what in a project: users, and groups of them. Results lie in the arena given. Any
 * thread.
 */
#ifndef HAVEN_ACCESS_MEMBER_H
#define HAVEN_ACCESS_MEMBER_H

#include "access/access.h"
#include "db/list.h"

struct member {
    int64_t id, project_id;
    bool is_group;
    int64_t entity_id; /* of the user or the group */
    struct str name;
    enum access_role role;
};

extern const struct db_list member_list_fields;

/* 1, 0, -1. A member of another project is not found. */
int member_find(struct access *x, struct arena *a, int64_t project, int64_t id, struct member *ret,
                struct err *e);
/* A page of struct member. */
int member_list(struct access *x, struct arena *a, int64_t project, const struct db_list_query *q,
                struct db_page *ret, struct err *e);
/* Inside a transaction: adds m (id and name are not looked at). CONFLICT: it is one already. */
int member_insert(struct db_conn *c, const struct member *m, int64_t *ret_id, struct err *e);
/* The same in one of its own. NOT_FOUND: there is no such user or group. */
int member_add(struct access *x, const struct member *m, int64_t *ret_id, struct err *e);
/* NOT_FOUND. */
int member_set_role(struct access *x, int64_t project, int64_t id, enum access_role role,
                    struct err *e);
int member_remove(struct access *x, int64_t project, int64_t id, struct err *e);
/* Does a user administer any project? 1, 0, -1. */
int member_is_admin_anywhere(struct access *x, int64_t user, struct err *e);
/* How many have which role. */
int member_count(struct access *x, int64_t project, int64_t ret[ROLE_COUNT], struct err *e);

#endif
