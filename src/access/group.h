/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group: groups of users as an identity provider knows them. They can be members of projects before
 * anybody of them has signed in. Results lie in the arena given. Any thread.
 */
#ifndef HAVEN_ACCESS_GROUP_H
#define HAVEN_ACCESS_GROUP_H

#include "access/access.h"
#include "db/list.h"

/* Where a group comes from, with Harbor's numbers. */
enum group_kind { GROUP_LDAP = 1, GROUP_PROXY = 2, GROUP_OIDC = 3 };

struct group {
    int64_t id;
    struct str name;
    int64_t kind;       /* enum group_kind */
    struct str ldap_dn; /* distinguished name, GROUP_LDAP only */
};

extern const struct db_list group_list_fields;

/* 1, 0, -1. */
int group_find(struct access *x, struct arena *a, int64_t id, struct group *ret, struct err *e);
/* A page of struct group. */
int group_list(struct access *x, struct arena *a, const struct db_list_query *q,
               struct db_page *ret, struct err *e);
/* Adds one; BAD_REQUEST names what is wrong, CONFLICT: there is one like it. */
int group_create(struct access *x, const struct group *g, int64_t *ret_id, struct err *e);
/* The same, or the one that is there already: members are named so. */
int group_ensure(struct access *x, const struct group *g, int64_t *ret_id, struct err *e);
/* NOT_FOUND, CONFLICT. */
int group_rename(struct access *x, int64_t id, struct str name, struct err *e);
int group_remove(struct access *x, int64_t id, struct err *e);

#endif
