/* SPDX-License-Identifier: Apache-2.0 */
/* The collector's rows: artifacts, memberships, blobs. Objects: collect_objects.c. */
#include "registry/collect.h"

#include "base/clock.h"
#include "registry/collecting.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- taking turns ---- */

int collect_check(const struct collecting *c, struct err *e)
{
    return c->o->stop && atomic_load(c->o->stop) ? ERR(e, CANCELLED, "the collection was stopped")
                                                 : 0;
}

int collect_turn_begin(struct collecting *c, struct collect_turn *t, struct err *e)
{
    if (collect_check(c, e) < 0 || db_begin(c->r->db, &t->txn, e) < 0)
        return -1;
    t->c = c;
    t->before = *c->res;
    t->began_us = clock_mono_us();
    c->in_turn = true;
    return 0;
}

bool collect_turn_over(const struct collect_turn *t)
{
    return clock_mono_us() - t->began_us > COLLECT_TURN_US;
}

static void drop_notes(struct collecting *c)
{
    c->in_turn = false;
    c->n_notes = 0;
    arena_reset(&c->notes_arena);
}

int collect_turn_end(struct collecting *c, struct collect_turn *t, struct err *e)
{
    if (db_commit(&t->txn, e) < 0)
        return -1;
    t->c = NULL;
    int64_t took = clock_mono_us() - t->began_us;
    for (size_t i = 0; i < c->n_notes; i++)
        c->o->note(c->o->self, c->notes[i].p);
    drop_notes(c);
    clock_sleep_us(took);
    return collect_check(c, e);
}

void collect_turn_autodone(struct collect_turn *t)
{
    db_rollback(&t->txn);
    if (!t->c)
        return;
    *t->c->res = t->before;
    drop_notes(t->c);
}

void collect_note(struct collecting *c, const char *fmt, ...)
{
    char line[512];
    va_list args;

    if (!c->o->note)
        return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (!c->in_turn)
        c->o->note(c->o->self, line);
    else if (c->n_notes < ARRAY_LEN(c->notes))
        c->notes[c->n_notes++] = arena_str(&c->notes_arena, str_from(line));
}

/* ---- untagged artifacts ---- */

int collect_untagged_page(struct db_conn *c, struct arena *a, int64_t after,
                          struct collect_artifact **ret, size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct collect_artifact *list = arena_try(a, COLLECT_BATCH * sizeof(*list), e);
    size_t n = 0;
    int more;

    if (!list ||
        db_query(c, Q_untagged_page, DB_ARGS(DB_I64(after), DB_I64(COLLECT_BATCH)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        struct collect_artifact *one = &list[n++];
        *one = (struct collect_artifact){.id = db_i64(&rows, 0),
                                         .since_ms = db_i64(&rows, 1),
                                         .repository = db_i64(&rows, 2),
                                         .document = db_i64(&rows, 4)};
        if (registry_copy(a, db_text(&rows, 3), &one->digest, e) < 0 ||
            (!db_is_null(&rows, 5) && registry_copy(a, db_text(&rows, 5), &one->subject, e) < 0) ||
            registry_copy(a, db_text(&rows, 6), &one->name, e) < 0)
            return -1;
    }
    if (more < 0)
        return -1;
    *ret = list;
    *ret_n = n;
    return 0;
}

/* Is there an index that names it? 1, 0, -1. */
static int has_parent(struct db_conn *conn, const struct collect_artifact *a,
                      const struct collect_set *gone, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    if (db_query(conn, Q_artifact_parents, DB_ARGS(DB_I64(a->repository), DB_TEXT(a->digest)),
                 &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        int64_t parent = db_i64(&rows, 0);
        if (parent != a->id && !(gone && collect_set_has(gone, parent)))
            return 1;
    }
    return more;
}

int collect_artifact_unused(struct collecting *c, struct db_conn *conn,
                            const struct collect_artifact *a, const struct collect_set *gone,
                            struct err *e)
{
    int64_t other;
    int found;

    if (a->since_ms > c->now - c->o->grace_ms)
        return 0;
    found = registry_one_id(conn, Q_tag_any, DB_ARGS(DB_I64(a->id)), &other, e);
    if (found == 0)
        found = has_parent(conn, a, gone, e);
    if (found != 0)
        return found < 0 ? -1 : 0;
    if (!a->subject.p)
        return 1;
    found = registry_one_id(conn, Q_artifact_id,
                            DB_ARGS(DB_I64(a->repository), DB_TEXT(a->subject)), &other, e);
    if (found < 0)
        return -1;
    return found == 0 || other == a->id || (gone && collect_set_has(gone, other));
}

/* One turn of a pass; *after moves on, *ret_more: there may be more. */
static int untagged_turn(struct collecting *c, int64_t *after, bool *ret_more, struct err *e)
{
    struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};
    AUTO(arena) arena = {0};
    struct collect_artifact *list;
    size_t n, i = 0;

    arena_init(&arena, LIMIT_REQUEST_ARENA);
    if (collect_turn_begin(c, &t, e) < 0 ||
        collect_untagged_page(t.txn.conn, &arena, *after, &list, &n, e) < 0)
        return -1;
    for (; i < n && (i == 0 || !collect_turn_over(&t)); i++) {
        int unused = collect_artifact_unused(c, t.txn.conn, &list[i], NULL, e);
        if (unused < 0)
            return -1;
        *after = list[i].id;
        if (!unused)
            continue;
        if (artifact_remove(c->r, t.txn.conn, list[i].repository, list[i].id, list[i].document, e) <
            0)
            return -1;
        c->res->artifacts++;
        collect_note(c, "untagged artifact %.*s@%.*s", S(list[i].name), S(list[i].digest));
    }
    *ret_more = i < n || n == COLLECT_BATCH;
    return collect_turn_end(c, &t, e);
}

/* What an index named or a signature was about may be unused once that is gone: until nothing
 * changes. */
static int collect_untagged(struct collecting *c, struct err *e)
{
    uint64_t before;

    do {
        int64_t after = 0;
        bool more = true;
        before = c->res->artifacts;
        while (more)
            if (untagged_turn(c, &after, &more, e) < 0)
                return -1;
    } while (c->res->artifacts != before);
    return 0;
}

/* ---- memberships ---- */

struct pair {
    int64_t repository, blob;
};

static int expired_page(struct collecting *c, struct db_conn *conn, struct pair *ret, size_t *ret_n,
                        struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    if (db_query(conn, Q_member_expired,
                 DB_ARGS(DB_I64(c->now - c->o->grace_ms), DB_I64(COLLECT_BATCH)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        ret[n++] = (struct pair){.repository = db_i64(&rows, 0), .blob = db_i64(&rows, 1)};
    *ret_n = n;
    return more;
}

static int end_lease(struct collecting *c, struct db_conn *conn, const struct pair *p,
                     struct err *e)
{
    const struct db_args args = DB_ARGS(DB_I64(p->repository), DB_I64(p->blob));
    int64_t holder;
    int held = registry_one_id(conn, Q_member_held, args, &holder, e);

    if (held < 0)
        return -1;
    if (held)
        return db_exec(conn, Q_member_settle_one, args, NULL, e);
    c->res->memberships++;
    if (db_exec(conn, Q_member_remove, args, NULL, e) < 0)
        return -1;
    return db_exec(conn, Q_blob_candidate_add, DB_ARGS(DB_I64(p->blob)), NULL, e);
}

static int collect_memberships(struct collecting *c, struct err *e)
{
    struct pair list[COLLECT_BATCH];
    size_t n;

    do {
        struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};
        if (collect_turn_begin(c, &t, e) < 0 || expired_page(c, t.txn.conn, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n && (i == 0 || !collect_turn_over(&t)); i++)
            if (end_lease(c, t.txn.conn, &list[i], e) < 0)
                return -1;
        if (collect_turn_end(c, &t, e) < 0)
            return -1;
    } while (n);
    return 0;
}

/* ---- blobs ---- */

static int collect_blob(struct collecting *c, struct db_conn *conn, int64_t blob, struct err *e)
{
    const struct db_args args = DB_ARGS(DB_I64(blob));
    int64_t other;
    int member = registry_one_id(conn, Q_blob_member_any, args, &other, e);
    int named = member == 0 ? blob_empty(conn, blob, e) : 0;

    if (member < 0 || named < 0)
        return -1;
    if (!member && !named) {
        c->res->blobs++;
        return 0;
    }
    return db_exec(conn, Q_blob_candidate_remove, args, NULL, e);
}

static int blob_page(struct db_conn *conn, int64_t after, int64_t *ret, size_t *ret_n,
                     struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t n = 0;
    int more;

    if (db_query(conn, Q_blob_candidate_page, DB_ARGS(DB_I64(after), DB_I64(COLLECT_BATCH)), &rows,
                 e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        ret[n++] = db_i64(&rows, 0);
    *ret_n = n;
    return more;
}

static int collect_blobs(struct collecting *c, struct err *e)
{
    int64_t list[COLLECT_BATCH], after = 0;
    size_t n;

    do {
        struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};
        if (collect_turn_begin(c, &t, e) < 0 || blob_page(t.txn.conn, after, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n && (i == 0 || !collect_turn_over(&t)); i++) {
            after = list[i];
            if (collect_blob(c, t.txn.conn, list[i], e) < 0)
                return -1;
        }
        if (collect_turn_end(c, &t, e) < 0)
            return -1;
    } while (n);
    return 0;
}

/* ---- all of it ---- */

static int run(struct collecting *c, struct err *e)
{
    if (c->o->dry_run)
        return collect_dry(c, e);
    if ((c->o->untagged && collect_untagged(c, e) < 0) || collect_memberships(c, e) < 0 ||
        collect_blobs(c, e) < 0)
        return -1;
    return collect_objects(c, e);
}

int collect_run(struct registry *r, const struct collect_options *o, struct collect_result *ret,
                struct err *e)
{
    struct collecting c = {.r = r, .o = o, .res = ret, .now = clock_now_ms()};

    *ret = (struct collect_result){.artifacts = 0};
    arena_init(&c.notes_arena, LIMIT_REQUEST_ARENA);
    int rc = run(&c, e);
    arena_done(&c.notes_arena);
    return rc;
}
