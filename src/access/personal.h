/* SPDX-License-Identifier: Apache-2.0 */
/*
 * personal: personal access tokens, with which people let programs act for them: "hf_" and 40
 * letters and digits (the form that clients of model hubs know), shown once. A token has a name and
 * a scope, may end by itself, and ends with its user. It is sent as a password (Basic, with the
 * user's name) or as Bearer. Never may one change its user's account, sessions or tokens.
 * Results lie in the arena given. Any thread.
 */
#ifndef HAVEN_ACCESS_PERSONAL_H
#define HAVEN_ACCESS_PERSONAL_H

#include "access/access.h"
#include "db/list.h"

#define PERSONAL_PREFIX "hf_"
#define PERSONAL_CHARS  40
/* Tokens of one user, and the days of one. */
#define PERSONAL_MAX      100
#define PERSONAL_DAYS_MAX 3650

struct personal {
    int64_t id;
    struct str name, scope; /* scope: "read", "write" or "all" */
    int64_t expires_ms;     /* 0: never */
    int64_t created_ms, used_ms;
};
extern const struct db_list personal_list_fields;
/* A page of struct personal of one user. */
int personal_list(struct access *x, struct arena *a, int64_t user_id, const struct db_list_query *q,
                  struct db_page *ret, struct err *e);

/* Makes one of p's name and scope for the user; days: 0 for ever. id and times of p are filled.
 * BAD_REQUEST, CONFLICT: the name is taken, or there are PERSONAL_MAX. */
int personal_create(struct access *x, struct arena *a, int64_t user_id, struct personal *p,
                    int64_t days, struct str *ret_token, struct err *e);
/* NOT_FOUND. Registry tokens that were made with it end, too. */
int personal_remove(struct access *x, int64_t user_id, int64_t id, struct err *e);

#endif
