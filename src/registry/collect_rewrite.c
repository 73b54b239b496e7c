/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of which little is needed: a README that came in a tar of 140 GB must not keep the tar.
 * What extents need is copied, run by run, to new objects; then each extent is moved to its run's
 * object. Both say the same bytes, so that the moves need not happen at once, and an extent that is
 * added to the old object meanwhile just keeps it for another time.
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "registry/collecting.h"

#include <stdlib.h>

#define COPY_STEP (1 * MIB)
/* Extents of one object that are looked at; one with more stays as it is. */
#define EXTENTS_MAX 500000

static int by_start(const void *va, const void *vb)
{
    const struct collect_extent *a = va, *b = vb;
    return a->start < b->start ? -1 : a->start > b->start;
}

int collect_extents(struct db_conn *c, struct arena *a, int64_t object,
                    const struct collect_set *gone, struct collect_extent **ret, size_t *ret_n,
                    struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO_FREE struct collect_extent *list = NULL;
    size_t n = 0, cap = 0;
    int more;

    if (db_query(c, Q_object_extents, DB_ARGS(DB_I64(object)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        if (gone && collect_set_has(gone, db_i64(&rows, 0)))
            continue;
        if (n == EXTENTS_MAX)
            return ERR(e, LIMIT, "an object has more than %d extents", EXTENTS_MAX);
        if (n == cap) {
            cap = cap ? 2 * cap : 16;
            list = mem_realloc(list, cap * sizeof(*list));
        }
        list[n++] = (struct collect_extent){.blob = db_i64(&rows, 0),
                                            .seq = db_i64(&rows, 1),
                                            .start = db_i64(&rows, 2),
                                            .len = db_i64(&rows, 3)};
    }
    if (more < 0)
        return -1;
    struct collect_extent *kept = arena_try(a, n * sizeof(*kept) + 1, e);
    if (!kept)
        return -1;
    if (n) {
        memcpy(kept, list, n * sizeof(*kept));
        qsort(kept, n, sizeof(*kept), by_start);
    }
    *ret = kept;
    *ret_n = n;
    return 0;
}

int collect_runs(struct arena *a, const struct collect_extent *x, size_t n,
                 struct collect_extent **ret, size_t *ret_n, uint64_t *ret_bytes, struct err *e)
{
    struct collect_extent *runs = arena_try(a, n * sizeof(*runs) + 1, e);
    size_t k = 0;
    uint64_t bytes = 0;

    if (!runs)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int64_t end = x[i].start + x[i].len;
        struct collect_extent *last = k ? &runs[k - 1] : NULL;
        if (last && x[i].start <= last->start + last->len) {
            if (end > last->start + last->len)
                last->len = end - last->start;
        } else {
            runs[k++] = (struct collect_extent){.start = x[i].start, .len = x[i].len};
        }
    }
    for (size_t i = 0; i < k; i++)
        bytes += (uint64_t)runs[i].len;
    *ret = runs;
    *ret_n = k;
    *ret_bytes = bytes;
    return 0;
}

/* ---- copying ---- */

static int copy_bytes(struct collecting *c, int fd, const struct collect_extent *run,
                      struct store_upload *to, struct err *e)
{
    AUTO_FREE char *piece = mem_alloc(COPY_STEP);
    for (int64_t at = 0; at < run->len;) {
        size_t n = (size_t)MIN_OF(run->len - at, (int64_t)COPY_STEP);
        if (collect_check(c, e) < 0 ||
            file_pread_all(fd, piece, n, (uint64_t)(run->start + at), e) < 0 ||
            store_upload_write(to, piece, n, e) < 0)
            return -1;
        at += (int64_t)n;
    }
    return 0;
}

/* The algorithm of the store is hashed in any case: its digest is what commit checks. */
static int digest_of_run(int fd, const struct collect_extent *run, struct digest *ret,
                         struct err *e)
{
    struct hash h;
    AUTO_FREE char *piece = mem_alloc(COPY_STEP);
    hash_init(&h, DIGEST_SHA256);
    for (int64_t at = 0; at < run->len;) {
        size_t n = (size_t)MIN_OF(run->len - at, (int64_t)COPY_STEP);
        if (file_pread_all(fd, piece, n, (uint64_t)(run->start + at), e) < 0)
            return -1;
        hash_update(&h, piece, n);
        at += (int64_t)n;
    }
    hash_digest(&h, ret);
    return 0;
}

static int copy_run(struct collecting *c, int fd, const struct collect_extent *run,
                    struct digest *ret, struct err *e)
{
    struct store_upload *u;
    struct digest want;
    uint64_t size;

    if (digest_of_run(fd, run, &want, e) < 0 ||
        store_upload_new(c->r->store, STR(""), DIGEST_SHA256, (uint64_t)run->len, true, &u, e) < 0)
        return -1;
    if (copy_bytes(c, fd, run, u, e) < 0 || store_upload_commit(u, &want, ret, &size, e) < 0) {
        store_upload_cancel(u);
        return -1;
    }
    return 0;
}

/* The row of a new object; a candidate until its extents are there. */
static int add_object(struct collecting *c, const struct digest *d, uint64_t size, int64_t *ret_id,
                      struct err *e)
{
    struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};
    int there;

    if (collect_turn_begin(c, &t, e) < 0)
        return -1;
    there = store_object_keep(c->r->store, d, e);
    if (there <= 0)
        return there < 0 ? -1 : ERR(e, IO, "the object %s is gone again", d->text);
    if (object_ensure(t.txn.conn, d, size, ret_id, e) < 0 ||
        db_exec(t.txn.conn, Q_object_candidate_add, DB_ARGS(DB_I64(*ret_id)), NULL, e) < 0)
        return -1;
    return collect_turn_end(c, &t, e);
}

/* Moves the extents that lie in a run; x[*i] is the first of them. */
static int move_extents(struct collecting *c, const struct collect_extent *x, size_t n,
                        const struct collect_extent *run, int64_t from, int64_t to, size_t *i,
                        struct err *e)
{
    while (*i < n && x[*i].start < run->start + MAX_OF(run->len, 1)) {
        struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};
        if (collect_turn_begin(c, &t, e) < 0)
            return -1;
        bool first = true;
        for (; *i < n && x[*i].start < run->start + MAX_OF(run->len, 1) &&
               (first || !collect_turn_over(&t));
             (*i)++, first = false)
            if (db_exec(t.txn.conn, Q_extent_move,
                        DB_ARGS(DB_I64(x[*i].blob), DB_I64(x[*i].seq), DB_I64(to),
                                DB_I64(x[*i].start - run->start), DB_I64(from)),
                        NULL, e) < 0)
                return -1;
        if (collect_turn_end(c, &t, e) < 0)
            return -1;
    }
    return 0;
}

static int drop_candidate(struct collecting *c, int64_t object, struct err *e)
{
    struct collect_turn t __attribute__((cleanup(collect_turn_autodone))) = {.began_us = 0};

    if (collect_turn_begin(c, &t, e) < 0 ||
        db_exec(t.txn.conn, Q_object_candidate_remove, DB_ARGS(DB_I64(object)), NULL, e) < 0)
        return -1;
    return collect_turn_end(c, &t, e);
}

static int rewrite(struct collecting *c, int64_t object, const struct digest *digest,
                   const struct collect_extent *x, size_t n, const struct collect_extent *runs,
                   size_t n_runs, struct err *e)
{
    AUTOFD fd = -1;
    uint64_t size;
    size_t i = 0;
    int opened = -1;
    int there = store_object_open(c->r->store, digest, &opened, &size, e);

    if (there <= 0)
        return there < 0 ? -1 : ERR(e, CORRUPT, "the object %s is missing", digest->text);
    fd = opened;
    for (size_t k = 0; k < n_runs; k++) {
        struct digest made;
        int64_t id;
        if (copy_run(c, fd, &runs[k], &made, e) < 0 ||
            add_object(c, &made, (uint64_t)runs[k].len, &id, e) < 0 ||
            move_extents(c, x, n, &runs[k], object, id, &i, e) < 0)
            return -1;
    }
    return 0;
}

int collect_rewrite(struct collecting *c, int64_t object, const struct digest *digest,
                    uint64_t size, struct err *e)
{
    AUTO(arena) arena = {0};
    struct collect_extent *x, *runs;
    size_t n, n_runs;
    uint64_t live;
    struct err why;

    arena_init(&arena, LIMIT_COLLECT_MEMORY);
    if (collect_extents(db_reader(c->r->db), &arena, object, NULL, &x, &n, e) < 0 ||
        collect_runs(&arena, x, n, &runs, &n_runs, &live, e) < 0)
        return -1;
    if (n == 0)
        return 0; /* meanwhile it is not needed at all */
    if (live >= size - size / 2)
        return drop_candidate(c, object, e);
    if (rewrite(c, object, digest, x, n, runs, n_runs, &why) == 0) {
        c->res->rewritten++;
        c->res->bytes -= live;
        collect_note(c, "object %s: %llu of %llu bytes copied to %zu smaller objects", digest->text,
                     (unsigned long long)live, (unsigned long long)size, n_runs);
        return 0;
    }
    if (why.code == ERR_CANCELLED || why.code == ERR_DB || why.code == ERR_UNAVAILABLE) {
        *e = why;
        return -1;
    }
    /* No space for the copy, or it cannot be read: that must not keep others from being freed. */
    collect_note(c, "object %s stays as it is: %s", digest->text, why.msg);
    return 0;
}
