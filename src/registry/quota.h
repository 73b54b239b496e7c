/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota: how much a project holds and may hold, in bytes. It holds each digest once, whatever lies
 * behind it and however many of its repositories have it; the database counts that with every
 * change (migration 9). Room for uploads under way is set aside in memory: a crash ends the uploads
 * as well. A project without a limit costs nothing of this. Any thread.
 */
#ifndef HAVEN_REGISTRY_QUOTA_H
#define HAVEN_REGISTRY_QUOTA_H

#include "registry/project.h"

#define QUOTA_UNLIMITED INT64_C(-1)

struct quota {
    int64_t id; /* of the project, too */
    struct str project, owner;
    int64_t hard, used;
    int64_t created_ms, updated_ms;
};

extern const struct db_list quota_list_fields;
/* A page of struct quota. */
int quota_list(struct registry *r, struct arena *a, const struct db_list_query *q,
               struct db_page *ret, struct err *e);
/* 1, 0, -1. */
int quota_find(struct registry *r, struct arena *a, int64_t project, struct quota *ret,
               struct err *e);
/* hard: bytes, or QUOTA_UNLIMITED. What is there already stays, even if it is more. NOT_FOUND,
 * BAD_REQUEST. */
int quota_set(struct registry *r, int64_t project, int64_t hard, struct err *e);

/* ---- room for what is under way ---- */

struct quota_rooms;
struct quota_rooms *quota_rooms_new(void);
void quota_rooms_free(struct quota_rooms *q); /* NULL is welcome */

/* Sets aside n bytes in all for an upload. POLICY: there is no room; what was set aside before
 * stays. */
int quota_reserve(struct registry *r, int64_t project, const char *upload, uint64_t n,
                  struct err *e);
/* The upload is over, or (quota_expire) nobody has written to it since. */
void quota_release(struct registry *r, int64_t project, const char *upload);
void quota_expire(struct registry *r, int64_t before_ms);

/* Around what a transaction adds to a repository: what it uses before, and whether there was room
 * for the rest. */
struct quota_gate {
    int64_t project, hard, used;
};
int quota_open(struct db_conn *c, int64_t repository, struct quota_gate *ret, struct err *e);
/* POLICY: there was none; the transaction is rolled back. */
int quota_close(struct registry *r, struct db_txn *t, const struct quota_gate *g, struct err *e);

/* ---- the whole registry ---- */

struct quota_totals {
    int64_t private_projects, public_projects, private_repositories, public_repositories;
    int64_t bytes;
};
/* Of the projects that v sees. */
int quota_totals(struct registry *r, struct arena *a, const struct project_visibility *v,
                 struct quota_totals *ret, struct err *e);

#endif
