/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/pulls.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

#include <stdlib.h>

/* Notes that wait; more in one second are not counted. */
#define NOTES_MAX 16384
/* Rows that one transaction changes. */
#define WRITE_AT_ONCE 250

enum { PERIOD_MS = 1000 };

struct note {
    int64_t artifact;
    int64_t at_ms;
    int64_t times;
    char tag[LIMIT_TAG + 1];
};

struct pulls {
    struct db *db;
    struct mutex lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool ending;
    struct note *notes; /* of NOTES_MAX */
    size_t n, lost;
};

static int by_place(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    if (x->artifact != y->artifact)
        return x->artifact < y->artifact ? -1 : 1;
    return strcmp(x->tag, y->tag);
}

/* Notes of the same artifact and tag become one. */
static size_t merge(struct note *notes, size_t n)
{
    size_t m = 0;

    qsort(notes, n, sizeof(*notes), by_place);
    for (size_t i = 0; i < n; i++) {
        if (m && by_place(&notes[m - 1], &notes[i]) == 0) {
            notes[m - 1].times += notes[i].times;
            notes[m - 1].at_ms = MAX_OF(notes[m - 1].at_ms, notes[i].at_ms);
        } else {
            notes[m++] = notes[i];
        }
    }
    return m;
}

static int write_note(struct db_conn *c, const struct note *p, struct err *e)
{
    if (db_exec(c, Q_artifact_pulled, DB_ARGS(DB_I64(p->artifact), DB_I64(p->at_ms)), NULL, e) <
            0 ||
        db_exec(c, Q_repository_pulled, DB_ARGS(DB_I64(p->artifact), DB_I64(p->times)), NULL, e) <
            0)
        return -1;
    if (!p->tag[0])
        return 0;
    return db_exec(c, Q_tag_pulled,
                   DB_ARGS(DB_I64(p->artifact), DB_TEXTZ(p->tag), DB_I64(p->at_ms)), NULL, e);
}

static int write_some(struct db *db, const struct note *notes, size_t n, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(db, &t, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (write_note(t.conn, &notes[i], e) < 0)
            return -1;
    return db_commit(&t, e);
}

static void write_all(struct pulls *p, struct note *notes, size_t n)
{
    size_t m = merge(notes, n);
    struct err e;

    for (size_t at = 0; at < m; at += WRITE_AT_ONCE)
        if (write_some(p->db, &notes[at], MIN_OF((size_t)WRITE_AT_ONCE, m - at), &e) < 0) {
            LOG(ERROR, "pulls.failed", log_u64("lost", m - at), log_err(&e));
            return;
        }
}

static void *run(void *arg)
{
    struct pulls *p = arg;
    struct note *spare = NEW_ARRAY(NOTES_MAX, struct note);
    bool ending = false;

    while (!ending) {
        mutex_lock(&p->lock);
        if (!p->ending)
            mutex_wait_ms(&p->lock, &p->wake, PERIOD_MS);
        struct note *notes = p->notes;
        size_t n = p->n, lost = p->lost;
        ending = p->ending;
        p->notes = spare;
        p->n = p->lost = 0;
        mutex_unlock(&p->lock);
        spare = notes;
        if (lost)
            LOG(WARN, "pulls.lost", log_u64("n", lost));
        if (n)
            write_all(p, notes, n);
    }
    mem_free(spare);
    return NULL;
}

static void release(struct pulls *p)
{
    (void)pthread_cond_destroy(&p->wake);
    mutex_done(&p->lock);
    mem_free(p->notes);
    mem_free(p);
}

int pulls_new(struct db *db, struct pulls **ret, struct err *e)
{
    struct pulls *p = NEW(struct pulls);

    p->db = db;
    mutex_init(&p->lock, "pulls");
    thread_cond_init(&p->wake);
    p->notes = NEW_ARRAY(NOTES_MAX, struct note);
    if (thread_start(&p->thread, "pulls", run, p, e) < 0) {
        release(p);
        return -1;
    }
    *ret = p;
    return 0;
}

void pulls_free(struct pulls *p)
{
    if (!p)
        return;
    mutex_lock(&p->lock);
    p->ending = true;
    (void)pthread_cond_signal(&p->wake);
    mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    release(p);
}

void pulls_note(struct pulls *p, int64_t artifact, struct str tag)
{
    if (!p || tag.n > LIMIT_TAG)
        return;
    mutex_lock(&p->lock);
    if (p->n == NOTES_MAX) {
        p->lost++;
    } else {
        struct note *note = &p->notes[p->n++];
        *note = (struct note){.artifact = artifact, .at_ms = clock_now_ms(), .times = 1};
        if (tag.n)
            memcpy(note->tag, tag.p, tag.n);
    }
    mutex_unlock(&p->lock);
}
