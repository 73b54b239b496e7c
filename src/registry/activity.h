/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activity: how often something was pulled, pushed and deleted in a repository on each day (UTC),
 * as events tell it (event.h). It does not depend on the audit log, and goes with the repository.
 * Any thread.
 */
#ifndef HAVEN_REGISTRY_ACTIVITY_H
#define HAVEN_REGISTRY_ACTIVITY_H

#include "registry/registry.h"

#define ACTIVITY_DAY_MS 86400000

struct activity_day {
    int64_t day; /* since 1970 */
    int64_t pulls, pushes, deletes;
};

int64_t activity_today(void);

/* The n days up to `last`, oldest first, each of them. n: LIMIT_ACTIVITY_DAYS are kept. */
int activity_read(struct registry *r, int64_t repository, int64_t last, struct activity_day *ret,
                  size_t n, struct err *e);

/* Inside of the transaction of what happened there; the repository by its full name. */
int activity_add(struct db_conn *c, struct str repository, int64_t pulls, int64_t pushes,
                 int64_t deletes, struct err *e);

#endif
