/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a collection would do, without doing it: the same questions in the same order, each asked as
 * if what was found before were gone already. Memory grows with the garbage, not with the registry.
 */
#include "base/mem.h"
#include "registry/collecting.h"

struct dry {
    struct collecting *c;
    struct db_conn *conn;
    struct collect_set artifacts, asked, blobs, objects; /* asked: blobs that were looked at */
};

static void dry_autodone(struct dry *d)
{
    collect_set_autodone(&d->artifacts);
    collect_set_autodone(&d->asked);
    collect_set_autodone(&d->blobs);
    collect_set_autodone(&d->objects);
}

/* ---- artifacts ---- */

static int artifact_pass(struct dry *d, struct err *e)
{
    int64_t after = 0;
    size_t n;

    do {
        AUTO(arena) arena = {0};
        struct collect_artifact *list;
        arena_init(&arena, LIMIT_REQUEST_ARENA);
        if (collect_check(d->c, e) < 0 ||
            collect_untagged_page(d->conn, &arena, after, &list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            after = list[i].id;
            if (collect_set_has(&d->artifacts, after))
                continue;
            int unused = collect_artifact_unused(d->c, d->conn, &list[i], &d->artifacts, e);
            if (unused < 0)
                return -1;
            if (!unused)
                continue;
            (void)collect_set_add(&d->artifacts, after);
            d->c->res->artifacts++;
            collect_note(d->c, "untagged artifact %.*s@%.*s", S(list[i].name), S(list[i].digest));
        }
    } while (n);
    return 0;
}

static int all_artifacts(struct dry *d, struct err *e)
{
    uint64_t before;
    do {
        before = d->c->res->artifacts;
        if (artifact_pass(d, e) < 0)
            return -1;
    } while (d->c->res->artifacts != before);
    return 0;
}

/* ---- blobs ---- */

/* Is a manifest of the repository left that holds it? *ret_doomed: one was that goes. */
static int is_held(struct dry *d, int64_t blob, int64_t repository, bool *ret_doomed, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    *ret_doomed = false;
    if (db_query(d->conn, Q_blob_holders, DB_ARGS(DB_I64(blob), DB_I64(repository)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        if (!collect_set_has(&d->artifacts, db_i64(&rows, 0)))
            return 1;
        *ret_doomed = true;
    }
    return more;
}

/* 1 a membership will be left, 0 none. */
static int will_be_member(struct dry *d, int64_t blob, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t cutoff = d->c->now - d->c->o->grace_ms;
    int more, left = 0;

    if (db_query(d->conn, Q_blob_members, DB_ARGS(DB_I64(blob)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        bool doomed, leased = !db_is_null(&rows, 1);
        int held = is_held(d, blob, db_i64(&rows, 0), &doomed, e);
        if (held < 0)
            return -1;
        int64_t since = leased ? db_i64(&rows, 1) : 0;
        if (!leased && doomed && !db_is_null(&rows, 2) &&
            db_i64(&rows, 2) > d->c->now - d->c->r->lease_ms) {
            leased = true; /* it will be lent to a push */
            since = db_i64(&rows, 2);
        }
        if (held || (leased ? since >= cutoff : !doomed)) {
            left = 1;
            continue;
        }
        d->c->res->memberships += leased;
    }
    return more < 0 ? -1 : left;
}

/* A manifest that stays names it, whoever has its bytes. */
static int will_be_named(struct dry *d, int64_t blob, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    if (db_query(d->conn, Q_blob_artifacts, DB_ARGS(DB_I64(blob)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if (!collect_set_has(&d->artifacts, db_i64(&rows, 0)))
            return 1;
    return more;
}

static int note_objects(struct dry *d, int64_t blob, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    if (db_query(d->conn, Q_blob_objects, DB_ARGS(DB_I64(blob)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        (void)collect_set_add(&d->objects, db_i64(&rows, 0));
    return more;
}

static int ask_blob(struct dry *d, int64_t blob, struct err *e)
{
    if (!collect_set_add(&d->asked, blob))
        return 0;
    int member = will_be_member(d, blob, e);
    if (member != 0)
        return member < 0 ? -1 : 0;
    (void)collect_set_add(&d->blobs, blob);
    int named = will_be_named(d, blob, e);
    if (named < 0)
        return -1;
    d->c->res->blobs += !named;
    return note_objects(d, blob, e);
}

/* Asks about every blob in column `col` of the rows. */
static int ask_rows(struct dry *d, struct db_rows *rows, int col, int64_t *ret_last, size_t *ret_n,
                    struct err *e)
{
    int64_t list[COLLECT_BATCH];
    size_t n = 0;
    int more;

    while (n < COLLECT_BATCH && (more = db_next(rows, e)) > 0)
        list[n++] = db_i64(rows, col);
    db_rows_done(rows);
    if (n < COLLECT_BATCH && more < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (collect_check(d->c, e) < 0 || ask_blob(d, list[i], e) < 0)
            return -1;
    if (n)
        *ret_last = list[n - 1];
    *ret_n = n;
    return 0;
}

static int blobs_of_artifact(struct dry *d, int64_t artifact, struct err *e)
{
    int64_t after = 0;
    size_t n;
    do {
        AUTO(db_rows) rows = {0};
        if (db_query(d->conn, Q_artifact_blob_page,
                     DB_ARGS(DB_I64(artifact), DB_I64(after), DB_I64(COLLECT_BATCH)), &rows,
                     e) < 0 ||
            ask_rows(d, &rows, 0, &after, &n, e) < 0)
            return -1;
    } while (n);
    return 0;
}

static int candidates(struct dry *d, struct err *e)
{
    int64_t after = 0;
    size_t n;
    do {
        AUTO(db_rows) rows = {0};
        if (db_query(d->conn, Q_blob_candidate_page, DB_ARGS(DB_I64(after), DB_I64(COLLECT_BATCH)),
                     &rows, e) < 0 ||
            ask_rows(d, &rows, 0, &after, &n, e) < 0)
            return -1;
    } while (n);
    return 0;
}

static int leases(struct dry *d, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct collect_set found __attribute__((cleanup(collect_set_autodone))) = {.n = 0};
    int more;

    if (db_query(d->conn, Q_member_expired,
                 DB_ARGS(DB_I64(d->c->now - d->c->o->grace_ms), DB_I64(INT64_MAX)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        (void)collect_set_add(&found, db_i64(&rows, 1));
    if (more < 0)
        return -1;
    for (size_t i = 0; i < found.cap; i++)
        if (found.slots[i] && (collect_check(d->c, e) < 0 || ask_blob(d, found.slots[i], e) < 0))
            return -1;
    return 0;
}

static int all_blobs(struct dry *d, struct err *e)
{
    for (size_t i = 0; i < d->artifacts.cap; i++)
        if (d->artifacts.slots[i] && blobs_of_artifact(d, d->artifacts.slots[i], e) < 0)
            return -1;
    return candidates(d, e) < 0 ? -1 : leases(d, e);
}

/* ---- objects ---- */

static int object_candidates(struct dry *d, struct err *e)
{
    int64_t after = 0;
    size_t n;
    do {
        AUTO(db_rows) rows = {0};
        int more;
        n = 0;
        if (db_query(d->conn, Q_object_candidate_page,
                     DB_ARGS(DB_I64(after), DB_I64(COLLECT_BATCH)), &rows, e) < 0)
            return -1;
        while ((more = db_next(&rows, e)) > 0) {
            after = db_i64(&rows, 0);
            (void)collect_set_add(&d->objects, after);
            n++;
        }
        if (more < 0)
            return -1;
    } while (n);
    return 0;
}

static int ask_object(struct dry *d, int64_t object, struct err *e)
{
    AUTO(arena) arena = {0};
    AUTO(db_rows) rows = {0};
    struct collect_extent *x, *runs;
    struct collect_result *res = d->c->res;
    size_t n, n_runs;
    uint64_t live;

    arena_init(&arena, LIMIT_COLLECT_MEMORY);
    int known = db_one(d->conn, Q_object_by_id, DB_ARGS(DB_I64(object)), &rows, e);
    if (known <= 0)
        return known;
    uint64_t size = (uint64_t)db_i64(&rows, 1);
    AUTO_FREE char *digest = mem_printf("%.*s", S(db_text(&rows, 0)));
    db_rows_done(&rows);
    if (collect_extents(d->conn, &arena, object, &d->blobs, &x, &n, e) < 0 ||
        collect_runs(&arena, x, n, &runs, &n_runs, &live, e) < 0)
        return -1;
    if (n == 0) {
        res->objects++;
        res->bytes += size;
        collect_note(d->c, "object %s, %llu bytes", digest, (unsigned long long)size);
    } else if (live < size - size / 2) {
        res->objects++; /* the old one goes */
        res->rewritten++;
        res->bytes += size - live;
        collect_note(d->c, "object %s: %llu of %llu bytes would be copied to %zu smaller objects",
                     digest, (unsigned long long)live, (unsigned long long)size, n_runs);
    }
    return 0;
}

int collect_dry(struct collecting *c, struct err *e)
{
    struct dry d __attribute__((cleanup(dry_autodone))) = {.c = c, .conn = db_reader(c->r->db)};

    if ((c->o->untagged && all_artifacts(&d, e) < 0) || all_blobs(&d, e) < 0 ||
        object_candidates(&d, e) < 0)
        return -1;
    for (size_t i = 0; i < d.objects.cap; i++)
        if (d.objects.slots[i] &&
            (collect_check(c, e) < 0 || ask_object(&d, d.objects.slots[i], e) < 0))
            return -1;
    return 0;
}
