/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revision: how processes that share a database notice each other's changes.
 *
 * Some of what the database says is held in memory as well: proven credentials and tokens (cache.h)
 * and what administrators set (setting.h). Whoever changes an account, a robot or a setting adds
 * one to a number in the database, in the same transaction. A process remembers the number that its
 * memory is as new as, and reads it again before a request is judged, at most every
 * REVISION_LOOK_MS (access_look in access.h). When it is another, somebody else changed something:
 * what was proven is forgotten and the settings are read anew. So a change by `haven admin`, or by
 * another server, counts everywhere for every request that begins REVISION_LOOK_MS later. (What a
 * server does by itself follows with its next request, or its upkeep, every quarter of a minute.)
 *
 * What a process changed itself it knows already, and says so: otherwise any user could make a
 * server forget all it has proven, again and again. Where that cannot be said with certainty,
 * because two changes met, the number stays old and the next look forgets: too much, never too
 * little. A row, and nothing of one engine, because other engines are to serve several servers. Any
 * thread.
 */
#ifndef HAVEN_ACCESS_REVISION_H
#define HAVEN_ACCESS_REVISION_H

#include "db/db.h"

#include <stdatomic.h>

#define REVISION_LOOK_MS 1000

struct revision {
    _Atomic int64_t known;  /* what is in memory is as new as this */
    _Atomic int64_t due_ms; /* monotonic: when to look again */
};

/* The number as it is; 0 before the first change. */
int revision_read(struct db_conn *c, int64_t *ret, struct err *e);
/* Inside the transaction of a change. *ret (may be NULL): the new number. */
int revision_add(struct db_conn *c, int64_t *ret, struct err *e);
/* After the commit of a change that memory follows already: made is the number of that change. */
void revision_own(struct revision *r, int64_t made);

/* Is it time to look? One caller is told so, the others go on. now_ms: clock_mono_ms(). */
bool revision_due(struct revision *r, int64_t now_ms);

#endif
