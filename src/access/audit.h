/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: who did what, from where, and whether it was done. An entry is written in the transaction
 * of the change that it tells of, so that there is never one without the other. Who acts is told
 * once for a thread, before its work begins. Any thread.
 */
#ifndef HAVEN_ACCESS_AUDIT_H
#define HAVEN_ACCESS_AUDIT_H

#include "db/list.h"

struct identity;

enum audit_event {
#define AUDIT(name, operation, resource, doc) AUDIT_##name,
#include "access/audit.def"
#undef AUDIT
    AUDIT_COUNT
};
struct audit_event_info {
    const char *name, *operation, *resource_type, *doc;
};
const struct audit_event_info *audit_event_info(enum audit_event event);

/* What this thread does from now on is done by id (borrowed until the next call); NULL: by the
 * program itself. */
void audit_act_as(const struct identity *id);
/* Who that is, as entries name them; borrowed as long as id is. */
struct audit_actor {
    struct str username, address;
};
struct audit_actor audit_actor(void);

/* Kinds of entries that are left out from now on: names between commas. */
void audit_configure(struct str disabled);

struct audit_entry {
    enum audit_event event;
    int64_t project_id;     /* 0: it is about no project */
    struct str resource;    /* "library/model:v1", or a name */
    struct str description; /* STR_NULL: one is made of operation, type and resource */
    bool failed;
};
/* Inside of the transaction of a change. Texts that are too long are cut. */
int audit_add(struct db_conn *c, const struct audit_entry *entry, struct err *e);

/* What changed nothing: in a transaction of its own. */
int audit_write(struct db *db, const struct audit_entry *entry, struct err *e);

/* A change of one row with its entry. */
struct audit_change {
    const char *what;   /* "user": what there is none of when the row is not there */
    enum db_query find; /* the row as it is */
    struct db_args key; /* the last one is its number */
    int name; /* the column that becomes the resource of the entry, unless that is given */
    enum db_query q;
    struct db_args args;
    struct audit_entry entry;
    /* Set for what processes remember (access/revision.h): it gets the number of the change. */
    int64_t *ret_revision;
};
/* In a transaction of its own. NOT_FOUND. */
int audit_change(struct db *db, const struct audit_change *change, struct err *e);

/* Removes up to limit entries of a kind that are older; 0: only counts them. */
int audit_purge(struct db *db, enum audit_event event, int64_t before_ms, size_t limit,
                int64_t *ret_n, struct err *e);

/* ---- reading ---- */

struct audit_row {
    int64_t id, project_id;
    struct str username, address, resource, resource_type, operation, description;
    bool succeeded;
    int64_t at_ms;
};
/* Whose entries are listed: every list takes it. */
struct audit_visibility {
    bool all;              /* everything */
    int64_t user_id;       /* else of the projects that this user administers */
    int64_t project_id;    /* not 0: only of this project, whose permission was asked already */
    struct str repository; /* not empty: only of this one there, by its full name */
};
extern const struct db_list audit_list_fields;
/* A page of struct audit_row, newest first. */
int audit_list(struct db *db, struct arena *a, const struct audit_visibility *v,
               const struct db_list_query *q, struct db_page *ret, struct err *e);

/* The same of all entries behind one, oldest first, limit at most; total is not counted. */
int audit_after(struct db *db, struct arena *a, int64_t id, size_t limit, struct db_page *ret,
                struct err *e);

#endif
