/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/pulls.h"

#include "access/access.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "registry/event.h"
#include "registry/internal.h"

/* Notes that wait, and the bytes of their texts; more in one second are not counted. The same pull
 * by the same caller is one note. */
#define NOTES_MAX 16384
#define TEXTS_MAX (2 * MIB)
/* Places of the table that finds notes: a power of two. */
#define PLACES (2 * NOTES_MAX)
/* Rows that one transaction changes. */
#define WRITE_AT_ONCE 250

enum { PERIOD_MS = 1000 };

struct note {
    int64_t artifact;
    int64_t at_ms;
    int64_t times;
    struct str tag, username, address; /* in the texts of its batch */
};

/* What is gathered in one period. */
struct batch {
    struct note *notes; /* of NOTES_MAX */
    char *texts;        /* of TEXTS_MAX */
    uint16_t *places;   /* of PLACES: number of a note plus one, 0 is free */
    size_t n, used, lost;
};

struct pulls {
    struct db *db;
    struct mutex lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool ending;
    struct batch batch;
};

static void batch_init(struct batch *b)
{
    *b = (struct batch){.notes = NEW_ARRAY(NOTES_MAX, struct note),
                        .texts = mem_alloc(TEXTS_MAX),
                        .places = NEW_ARRAY(PLACES, uint16_t)};
}

static void batch_done(struct batch *b)
{
    mem_free(b->notes);
    mem_free(b->texts);
    mem_free(b->places);
}

static void batch_empty(struct batch *b)
{
    if (b->n)
        memset(b->places, 0, PLACES * sizeof(*b->places));
    b->n = b->used = b->lost = 0;
}

/* FNV-1a; whoever makes callers collide slows only the search among their own notes. */
static uint64_t mix(uint64_t h, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
    return (h ^ 0xff) * 0x100000001b3;
}

static bool same(const struct note *a, const struct note *b)
{
    return a->artifact == b->artifact && str_eq(a->tag, b->tag) &&
           str_eq(a->username, b->username) && str_eq(a->address, b->address);
}

static struct str keep(struct batch *b, struct str s)
{
    char *at = b->texts + b->used;
    if (s.n)
        memcpy(at, s.p, s.n);
    b->used += s.n;
    return str_of(at, s.n);
}

static void batch_add(struct batch *b, const struct note *note)
{
    uint64_t h =
        mix(mix(mix((uint64_t)note->artifact * 0x9e3779b97f4a7c15, note->tag), note->username),
            note->address);
    size_t at = (size_t)(h >> 16) % PLACES;

    for (; b->places[at]; at = (at + 1) % PLACES) {
        struct note *there = &b->notes[b->places[at] - 1];
        if (same(there, note)) {
            there->times++;
            there->at_ms = note->at_ms;
            return;
        }
    }
    if (b->n == NOTES_MAX ||
        note->tag.n + note->username.n + note->address.n > TEXTS_MAX - b->used) {
        b->lost++;
        return;
    }
    b->notes[b->n] = *note;
    b->notes[b->n].tag = keep(b, note->tag);
    b->notes[b->n].username = keep(b, note->username);
    b->notes[b->n].address = keep(b, note->address);
    b->places[at] = (uint16_t)++b->n;
}

/* Who pulled what: one entry, however often it was in this period. */
static int write_entry(struct db_conn *c, const struct note *p, struct err *e)
{
    AUTO(db_rows) rows = {0};
    const struct identity who = {.username = p->username, .address = p->address};
    char digest[DIGEST_TEXT_MAX];
    int found = db_one(c, Q_artifact_place, DB_ARGS(DB_I64(p->artifact)), &rows, e);

    if (found <= 0)
        return found;
    int64_t repository = db_i64(&rows, 0);
    snprintf(digest, sizeof(digest), "%.*s", S(db_text(&rows, 1)));
    db_rows_done(&rows);
    audit_act_as(&who);
    int rc = event_of_artifact(c, EVENT_pull_artifact, repository, p->tag, str_from(digest),
                               p->times, e);
    audit_act_as(NULL);
    return rc;
}

static int write_note(struct db_conn *c, const struct note *p, struct err *e)
{
    if (db_exec(c, Q_artifact_pulled, DB_ARGS(DB_I64(p->artifact), DB_I64(p->at_ms)), NULL, e) <
            0 ||
        db_exec(c, Q_repository_pulled, DB_ARGS(DB_I64(p->artifact), DB_I64(p->times)), NULL, e) <
            0 ||
        write_entry(c, p, e) < 0)
        return -1;
    if (!p->tag.n)
        return 0;
    return db_exec(c, Q_tag_pulled, DB_ARGS(DB_I64(p->artifact), DB_TEXT(p->tag), DB_I64(p->at_ms)),
                   NULL, e);
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

static void write_all(struct pulls *p, const struct batch *b)
{
    struct err e;

    for (size_t at = 0; at < b->n; at += WRITE_AT_ONCE)
        if (write_some(p->db, &b->notes[at], MIN_OF((size_t)WRITE_AT_ONCE, b->n - at), &e) < 0) {
            LOG(ERROR, "pulls.failed", log_u64("lost", b->n - at), log_err(&e));
            return;
        }
}

static void *run(void *arg)
{
    struct pulls *p = arg;
    struct batch spare;
    bool ending = false;

    batch_init(&spare);
    while (!ending) {
        mutex_lock(&p->lock);
        if (!p->ending)
            mutex_wait_ms(&p->lock, &p->wake, PERIOD_MS);
        struct batch full = p->batch;
        ending = p->ending;
        p->batch = spare;
        mutex_unlock(&p->lock);
        if (full.lost)
            LOG(WARN, "pulls.lost", log_u64("n", full.lost));
        write_all(p, &full);
        batch_empty(&full);
        spare = full;
    }
    batch_done(&spare);
    return NULL;
}

static void release(struct pulls *p)
{
    (void)pthread_cond_destroy(&p->wake);
    mutex_done(&p->lock);
    batch_done(&p->batch);
    mem_free(p);
}

int pulls_new(struct db *db, struct pulls **ret, struct err *e)
{
    struct pulls *p = NEW(struct pulls);

    p->db = db;
    mutex_init(&p->lock, "pulls");
    thread_cond_init(&p->wake);
    batch_init(&p->batch);
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
    const struct audit_actor who = audit_actor();
    const struct note note = {.artifact = artifact,
                              .at_ms = clock_now_ms(),
                              .times = 1,
                              .tag = tag,
                              .username = str_head(who.username, LIMIT_USERNAME),
                              .address = str_head(who.address, LIMIT_AUDIT_TEXT)};
    mutex_lock(&p->lock);
    batch_add(&p->batch, &note);
    mutex_unlock(&p->lock);
}
