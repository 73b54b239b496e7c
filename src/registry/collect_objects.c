/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's objects. One that no extent needs is moved to the trash in the transaction that
 * removes its row; its digest stays in object_gone until the disk, too, has forgotten the file, so
 * that a power loss that brings the file back leaves nothing for ever.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "registry/collecting.h"
#include "store/hold.h"

#include <stdio.h>

/* Objects that one transaction takes away: each costs a rename. */
#define DISCARD_BATCH 64
#define WAIT_STEP_US  50000

struct candidate {
    int64_t id;
    struct digest digest;
    uint64_t size;
};

static int candidate_page(struct db_conn *conn, int64_t after, struct candidate *ret, size_t *ret_n,
                          struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    if (db_query(conn, Q_object_candidate_page, DB_ARGS(DB_I64(after), DB_I64(DISCARD_BATCH)),
                 &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        ret[n].id = db_i64(&rows, 0);
        ret[n].size = (uint64_t)db_i64(&rows, 2);
        if (registry_digest(db_text(&rows, 1), &ret[n++].digest, e) < 0)
            return -1;
    }
    *ret_n = n;
    return more;
}

/* ---- objects that are still needed ---- */

static int is_needed(struct db_conn *conn, int64_t object, struct err *e)
{
    AUTO(db_rows) rows = {0};

    return db_one(conn, Q_object_extents, DB_ARGS(DB_I64(object)), &rows, e);
}

/* Copying is slow and happens outside of transactions. */
static int rewrite_all(struct collecting *c, struct err *e)
{
    struct candidate list[DISCARD_BATCH];
    int64_t after = 0;
    size_t n;

    do {
        if (collect_check(c, e) < 0 || candidate_page(db_reader(c->r->db), after, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            int needed = is_needed(db_reader(c->r->db), list[i].id, e);
            if (needed < 0 ||
                (needed && collect_rewrite(c, list[i].id, &list[i].digest, list[i].size, e) < 0))
                return -1;
            after = list[i].id;
        }
    } while (n);
    return 0;
}

/* ---- objects that are not ---- */

static int discard(struct collecting *c, struct db_conn *conn, const struct candidate *o,
                   struct err *e)
{
    int needed = is_needed(conn, o->id, e);

    if (needed < 0)
        return -1;
    if (needed)
        return 0;
    if (store_object_discard(c->r->store, &o->digest, e) < 0 ||
        db_exec(conn, Q_object_remove, DB_ARGS(DB_I64(o->id)), NULL, e) < 0 ||
        db_exec(conn, Q_object_gone_add, DB_ARGS(DB_TEXT(digest_str(&o->digest))), NULL, e) < 0)
        return -1;
    c->res->objects++;
    collect_note(c, "object %s, %llu bytes", o->digest.text, (unsigned long long)o->size);
    return 0;
}

/* Sleeps in steps, so that who wants the collection to stop does not wait. */
static int wait_us(const struct collecting *c, int64_t us, struct err *e)
{
    const int64_t until = clock_mono_us() + us;
    int64_t left;

    while ((left = until - clock_mono_us()) > 0) {
        if (collect_check(c, e) < 0)
            return -1;
        clock_sleep_us(MIN_OF(left, WAIT_STEP_US));
    }
    return 0;
}

/* As many as are allowed in a tenth of a second: bursts would not be a rate. */
static size_t turn_size(const struct collecting *c)
{
    uint64_t n = c->o->rate / 10;
    return c->o->rate == 0 ? DISCARD_BATCH : (size_t)MIN_OF(MAX_OF(n, 1), DISCARD_BATCH);
}

static int keep_to_rate(const struct collecting *c, uint64_t n, struct err *e)
{
    return c->o->rate ? wait_us(c, (int64_t)(n * 1000000 / c->o->rate), e) : 0;
}

/* 1: went on, 0: somebody keeps objects. */
static int discard_turn(struct collecting *c, int64_t *after, size_t *ret_n, struct err *e)
{
    struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};
    struct candidate list[DISCARD_BATCH];
    AUTOFD hold = -1;
    size_t n;
    int held = -1;
    int rc = store_hold_remove(c->o->data_dir, &held, e);

    if (rc <= 0)
        return rc;
    hold = held;
    if (collect_turn_begin(c, &t, e) < 0 || candidate_page(t.txn.conn, *after, list, &n, e) < 0)
        return -1;
    uint64_t before = c->res->objects;
    n = MIN_OF(n, turn_size(c));
    for (size_t i = 0; i < n && (i == 0 || !collect_turn_over(&t)); i++) {
        if (discard(c, t.txn.conn, &list[i], e) < 0)
            return -1;
        *after = list[i].id;
    }
    if (collect_turn_end(c, &t, e) < 0)
        return -1;
    *ret_n = n;
    return keep_to_rate(c, c->res->objects - before, e) < 0 ? -1 : 1;
}

/* ---- the trash ---- */

static int gone_page(struct db_conn *conn, struct arena *a, struct str after, struct str *ret,
                     size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    if (db_query(conn, Q_object_gone_page, DB_ARGS(DB_TEXT(after), DB_I64(COLLECT_BATCH)), &rows,
                 e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if (registry_copy(a, db_text(&rows, 0), &ret[n++], e) < 0)
            return -1;
    *ret_n = n;
    return more;
}

/* A file that should be gone and is there, with nobody who has sent it again. */
static int forget_again(struct collecting *c, struct db_conn *conn, struct str text, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct digest d;
    int known = db_one(conn, Q_object_by_digest, DB_ARGS(DB_TEXT(text)), &rows, e);

    if (known != 0)
        return known < 0 ? -1 : 0;
    if (registry_digest(text, &d, e) < 0)
        return -1;
    return store_object_discard(c->r->store, &d, e) < 0 ? -1 : 0;
}

/* Walks object_gone. again: what an earlier run left is moved to the trash once more; else: the
 * rows go. */
static int each_gone(struct collecting *c, bool again, struct err *e)
{
    char last[DIGEST_TEXT_MAX] = "";
    size_t n;

    do {
        struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};
        AUTO(arena) arena = {0};
        struct str list[COLLECT_BATCH];
        arena_init(&arena, LIMIT_REQUEST_ARENA);
        if (collect_turn_begin(c, &t, e) < 0 ||
            gone_page(t.txn.conn, &arena, str_from(last), list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n && (i == 0 || !collect_turn_over(&t)); i++) {
            if ((again ? forget_again(c, t.txn.conn, list[i], e)
                       : db_exec(t.txn.conn, Q_object_gone_remove, DB_ARGS(DB_TEXT(list[i])), NULL,
                                 e)) < 0)
                return -1;
            (void)snprintf(last, sizeof(last), "%.*s", S(list[i]));
        }
        if (collect_turn_end(c, &t, e) < 0)
            return -1;
    } while (n);
    return 0;
}

/* What was killed before its transaction ended left files in the trash whose rows stand: they go
 * back to their places, from where they can be discarded in due form. */
static int take_back(struct collecting *c, struct err *e)
{
    struct candidate list[DISCARD_BATCH];
    int64_t after = 0;
    size_t n;
    int any = store_trash_any(c->r->store, e);

    if (any <= 0)
        return any;
    do {
        if (collect_check(c, e) < 0 || candidate_page(db_reader(c->r->db), after, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (store_object_keep(c->r->store, &list[i].digest, e) < 0)
                return -1;
            after = list[i].id;
        }
    } while (n);
    return 0;
}

static int empty_trash(struct collecting *c, uint64_t *ret_bytes, struct err *e)
{
    uint64_t n;
    int any = store_trash_any(c->r->store, e);

    if (any < 0)
        return -1;
    /* A push that found an object in its place just before that went takes it back before it is
     * late. */
    if ((any && wait_us(c, c->o->settle_ms * 1000, e) < 0) ||
        store_trash_empty(c->r->store, c->o->stop, &n, ret_bytes, e) < 0 ||
        collect_check(c, e) < 0 || store_sync(c->r->store, e) < 0)
        return -1;
    return each_gone(c, false, e);
}

int collect_objects(struct collecting *c, struct err *e)
{
    int64_t after = 0;
    size_t n = 0;
    uint64_t freed = 0;
    int rc = 1;

    if (take_back(c, e) < 0 || each_gone(c, true, e) < 0 || rewrite_all(c, e) < 0)
        return -1;
    do {
        rc = discard_turn(c, &after, &n, e);
        if (rc < 0)
            return -1;
    } while (rc > 0 && n);
    if (rc == 0) {
        c->res->held = true;
        collect_note(c,
                     "objects are kept at present (a backup or a check runs); they go next time");
    }
    if (empty_trash(c, &freed, e) < 0)
        return -1;
    /* What was copied is in res->bytes as less than nothing until the originals are gone. */
    c->res->bytes += freed;
    return 0;
}
