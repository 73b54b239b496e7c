/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: the one list of what happens to the content of the registry. An event is told inside the
 * transaction of the change. Whoever takes work from events is a row of a table in event.c, and
 * writes what it has to do (an entry, a job) into that same transaction: a crash loses neither the
 * change nor what follows from it. Any thread.
 */
#ifndef HAVEN_REGISTRY_EVENT_H
#define HAVEN_REGISTRY_EVENT_H

#include "access/audit.h"
#include "db/db.h"

enum event_kind {
#define EVENT(name, audit, doc) EVENT_##name,
#include "registry/event.def"
#undef EVENT
    EVENT_COUNT
};

struct event {
    enum event_kind kind;
    int64_t project_id;
    struct str repository; /* its full name; "": it is about the whole project */
    struct str tag;        /* "": none, it is about a digest */
    struct str digest;
    struct str text; /* more about it; "": what kind and name say */
    int64_t times;   /* how often it happened; 0 is once */
};

/* Inside of the transaction of the change; who acts is told by audit_act_as. */
int event_add(struct db_conn *c, const struct event *event, struct err *e);
/* The same about an artifact of a repository, of which the row is there; nothing if it is gone. */
int event_of_artifact(struct db_conn *c, enum event_kind kind, int64_t repository, struct str tag,
                      struct str digest, int64_t times, struct err *e);

#endif
