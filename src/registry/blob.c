/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs and membership. A row of `blob` says that a digest is known; its extents say that its bytes
 * are here; a row of `repository_blob` says that a repository may serve it. Only functions that
 * were shown the bytes, or a membership to copy, make the last.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "registry/internal.h"
#include "registry/quota.h"

/* ---- reading ---- */

int blob_extent_read(const struct db_rows *rows, struct arena *a, struct blob_extent *ret,
                     struct err *e)
{
    struct blob_extent x = {.offset = (uint64_t)db_i64(rows, 5), .len = (uint64_t)db_i64(rows, 6)};
    uint64_t end;

    if (!db_is_null(rows, 4)) {
        x.literal = true;
        if (registry_copy(a, db_bytes(rows, 4), &x.bytes, e) < 0)
            return -1;
        if (x.bytes.n != x.len)
            return ERR(e, CORRUPT, "a literal extent has %zu bytes instead of %llu", x.bytes.n,
                       (unsigned long long)x.len);
    } else {
        if (registry_digest(db_text(rows, 2), &x.object, e) < 0)
            return -1;
        if (__builtin_add_overflow(x.offset, x.len, &end) || end > (uint64_t)db_i64(rows, 3))
            return ERR(e, CORRUPT, "an extent reaches beyond its object %s", x.object.text);
    }
    *ret = x;
    return 0;
}

/* Nearly every blob has one: the first step is that size. */
int blob_extents_grow(struct arena *a, struct blob_extent **x, size_t n, size_t *cap, struct err *e)
{
    size_t bigger_n = *cap ? 4 * *cap : 1;

    if (n < *cap)
        return 0;
    struct blob_extent *bigger = arena_try(a, bigger_n * sizeof(*bigger), e);
    if (!bigger)
        return -1;
    if (n)
        memcpy(bigger, *x, n * sizeof(*bigger));
    *x = bigger;
    *cap = bigger_n;
    return 0;
}

static int read_blob(struct registry *r, struct arena *a, enum db_query q, struct db_args args,
                     const struct digest *d, struct blob *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct blob b = {.digest = *d};
    size_t cap = 0;
    uint64_t sum = 0;
    int more;

    if (db_query(db_reader(r->db), q, args, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        b.id = db_i64(&rows, 0);
        b.size = (uint64_t)db_i64(&rows, 1);
        if (blob_extents_grow(a, &b.extents, b.n_extents, &cap, e) < 0 ||
            blob_extent_read(&rows, a, &b.extents[b.n_extents], e) < 0)
            return err_wrap(e, "reading blob %s", d->text);
        sum += b.extents[b.n_extents++].len;
    }
    if (more < 0)
        return -1;
    if (b.n_extents == 0)
        return 0;
    if (sum != b.size)
        return ERR(e, CORRUPT, "the extents of blob %s have %llu bytes instead of %llu", d->text,
                   (unsigned long long)sum, (unsigned long long)b.size);
    *ret = b;
    return 1;
}

int blob_find(struct registry *r, struct arena *a, const struct repo_name *repo,
              const struct digest *d, struct blob *ret, struct err *e)
{
    return read_blob(r, a, Q_blob_read,
                     DB_ARGS(DB_TEXT(repo_name_str(repo)), DB_TEXT(digest_str(d))), d, ret, e);
}

int blob_find_any(struct registry *r, struct arena *a, const struct digest *d, struct blob *ret,
                  struct err *e)
{
    return read_blob(r, a, Q_blob_read_any, DB_ARGS(DB_TEXT(digest_str(d))), d, ret, e);
}

int blob_bytes(struct registry *r, struct arena *a, const struct repo_name *repo,
               const struct digest *d, size_t max, struct str *ret, struct err *e)
{
    struct blob b;
    int found = blob_find(r, a, repo, d, &b, e);

    if (found <= 0 || b.size > max)
        return found < 0 ? -1 : 0;
    char *out = arena_try(a, (size_t)b.size + 1, e);
    size_t n = 0;
    if (!out)
        return -1;
    for (size_t i = 0; i < b.n_extents; i++) {
        const struct blob_extent *x = &b.extents[i];
        uint64_t size;
        int opened = -1;
        if (x->literal) {
            memcpy(out + n, x->bytes.p, x->bytes.n);
            n += x->bytes.n;
            continue;
        }
        found = store_object_open(r->store, &x->object, &opened, &size, e);
        AUTOFD fd = opened;
        if (found <= 0)
            return found;
        if (file_pread_all(fd, out + n, (size_t)x->len, x->offset, e) < 0)
            return -1;
        n += (size_t)x->len;
    }
    out[n] = '\0';
    *ret = str_of(out, n);
    return 1;
}

/* ---- rows ---- */

struct blob_row {
    int64_t id;
    bool present; /* its bytes are here */
};

/* The row of a digest, made if there is none; CORRUPT when bytes of another size are here already.
 */
static int blob_ensure(struct db_conn *c, const struct digest *d, uint64_t size,
                       struct blob_row *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct blob_row row;
    int64_t known;
    int found = db_one(c, Q_blob_by_digest, DB_ARGS(DB_TEXT(digest_str(d))), &rows, e);

    if (found < 0)
        return -1;
    if (found == 0) {
        row.present = false;
        if (registry_one_id(c, Q_blob_add,
                            DB_ARGS(DB_TEXT(digest_str(d)), DB_I64(size), DB_I64(clock_now_ms())),
                            &row.id, e) <= 0)
            return err_wrap(e, "adding blob %s", d->text);
        *ret = row;
        return 0;
    }
    row = (struct blob_row){.id = db_i64(&rows, 0), .present = db_i64(&rows, 2) != 0};
    known = db_i64(&rows, 1);
    db_rows_done(&rows);
    if (row.present && known != (int64_t)size)
        return ERR(e, CORRUPT, "blob %s is known with %lld bytes, not %llu", d->text,
                   (long long)known, (unsigned long long)size);
    if (known != (int64_t)size &&
        db_exec(c, Q_blob_size_set, DB_ARGS(DB_I64(row.id), DB_I64(size)), NULL, e) < 0)
        return -1;
    *ret = row;
    return 0;
}

int blob_intern(struct db_conn *c, const struct digest *d, int64_t *ret_id, struct err *e)
{
    int found = registry_one_id(c, Q_blob_by_digest, DB_ARGS(DB_TEXT(digest_str(d))), ret_id, e);

    if (found != 0)
        return found < 0 ? -1 : 0;
    if (registry_one_id(c, Q_blob_add,
                        DB_ARGS(DB_TEXT(digest_str(d)), DB_I64(0), DB_I64(clock_now_ms())), ret_id,
                        e) <= 0)
        return err_wrap(e, "adding blob %s", d->text);
    return 0;
}

int blob_empty(struct db_conn *c, int64_t blob, struct err *e)
{
    const struct db_args args = DB_ARGS(DB_I64(blob));
    int64_t holder;
    int named = registry_one_id(c, Q_blob_holder_any, args, &holder, e);

    if (named < 0 || db_exec(c, Q_object_candidate_add_of_blob, args, NULL, e) < 0)
        return -1;
    if (!named) /* extents and candidate go with it */
        return db_exec(c, Q_blob_remove, args, NULL, e);
    if (db_exec(c, Q_extent_remove_of_blob, args, NULL, e) < 0 ||
        db_exec(c, Q_blob_size_set, DB_ARGS(DB_I64(blob), DB_I64(0)), NULL, e) < 0)
        return -1;
    return 1;
}

int object_ensure(struct db_conn *c, const struct digest *object, uint64_t size, int64_t *ret_id,
                  struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_object_by_digest, DB_ARGS(DB_TEXT(digest_str(object))), &rows, e);

    if (found == 0)
        found =
            db_one(c, Q_object_add, DB_ARGS(DB_TEXT(digest_str(object)), DB_I64(size)), &rows, e);
    if (found <= 0)
        return err_wrap(e, "adding object %s", object->text);
    if (db_i64(&rows, 1) != (int64_t)size)
        return ERR(e, CORRUPT, "object %s is known with %lld bytes, not %llu", object->text,
                   (long long)db_i64(&rows, 1), (unsigned long long)size);
    *ret_id = db_i64(&rows, 0);
    return 0;
}

/* Inside of a transaction: a collector takes files away only in one of its own. */
static int object_hold(struct registry *r, const struct digest *object, struct err *e)
{
    int there = store_object_keep(r->store, object, e);

    if (there < 0)
        return -1;
    return there ? 0
                 : ERR(e, UNAVAILABLE,
                       "the bytes of %s were removed while they were sent again: send them once "
                       "more",
                       object->text);
}

static int join(struct db_conn *c, int64_t repository, int64_t blob, struct err *e)
{
    int64_t now = clock_now_ms();

    return db_exec(c, Q_member_put,
                   DB_ARGS(DB_I64(repository), DB_I64(blob), DB_I64(now), DB_I64(now)), NULL, e);
}

/* ---- writing ---- */

/* The bytes are on the disk and no repository may have them: the collector is told. Gives -1; the
 * error says why they were refused. */
static int abandon(struct registry *r, const struct digest *object, uint64_t size)
{
    AUTO(db_txn) t = {0};
    struct err ignored;
    int64_t id;

    if (db_begin(r->db, &t, &ignored) < 0 ||
        object_ensure(t.conn, object, size, &id, &ignored) < 0 ||
        db_exec(t.conn, Q_object_candidate_add, DB_ARGS(DB_I64(id)), NULL, &ignored) < 0 ||
        db_commit(&t, &ignored) < 0)
        LOG(WARN, "blob.abandoned", log_strz("digest", object->text), log_err(&ignored));
    return -1;
}

int blob_record(struct registry *r, const struct repo_name *repo, const struct digest *d,
                const struct digest *object, uint64_t size, struct err *e)
{
    AUTO(db_txn) t = {0};
    struct blob_row blob = {0};
    struct quota_gate gate;
    int64_t repository = 0, object_id = 0;

    if (object->alg != DIGEST_SHA256 || (d->alg == DIGEST_SHA256 && !digest_eq(d, object)))
        return ERR(e, INTERNAL, "blob %s cannot be object %s", d->text, object->text);
    if (size > LIMIT_BLOB)
        return ERR(e, LIMIT, "blob %s is larger than %llu bytes", d->text, LIMIT_BLOB);
    if (db_begin(r->db, &t, e) < 0 || repository_ensure(t.conn, repo, &repository, e) < 0 ||
        quota_open(t.conn, repository, &gate, e) < 0 ||
        object_ensure(t.conn, object, size, &object_id, e) < 0 ||
        blob_ensure(t.conn, d, size, &blob, e) < 0 || object_hold(r, object, e) < 0)
        return -1;
    /* A blob that is composed of others has no need of an object of its own. */
    if ((blob.present ? db_exec(t.conn, Q_object_candidate_add, DB_ARGS(DB_I64(object_id)), NULL, e)
                      : db_exec(t.conn, Q_extent_add,
                                DB_ARGS(DB_I64(blob.id), DB_I64(0), DB_I64(object_id), DB_NULL,
                                        DB_I64(0), DB_I64(size)),
                                NULL, e)) < 0)
        return -1;
    if (join(t.conn, repository, blob.id, e) < 0)
        return -1;
    if (quota_close(r, &t, &gate, e) < 0)
        return abandon(r, object, size);
    return db_commit(&t, e);
}

static int find_source(struct db_conn *c, const struct repo_name *from, bool any_project,
                       const struct digest *d, int64_t *ret_blob, struct err *e)
{
    if (from)
        return registry_one_id(c, Q_member_find_by_name,
                               DB_ARGS(DB_TEXT(repo_name_str(from)), DB_TEXT(digest_str(d))),
                               ret_blob, e);
    return registry_one_id(c, Q_member_find_anywhere,
                           DB_ARGS(DB_TEXT(digest_str(d)), DB_I64(any_project)), ret_blob, e);
}

int blob_mount(struct registry *r, const struct repo_name *repo, const struct repo_name *from,
               bool any_project, const struct digest *d, struct err *e)
{
    AUTO(db_txn) t = {0};
    struct quota_gate gate;
    int64_t repository = 0, blob = 0;
    /* Most attempts of clients to mount find nothing, and those need not wait for the writer. */
    int found = find_source(db_reader(r->db), from, any_project, d, &blob, e);

    if (found <= 0)
        return found;
    if (db_begin(r->db, &t, e) < 0)
        return -1;
    found = find_source(t.conn, from, any_project, d, &blob, e);
    if (found <= 0)
        return found;
    if (repository_ensure(t.conn, repo, &repository, e) < 0 ||
        quota_open(t.conn, repository, &gate, e) < 0 || join(t.conn, repository, blob, e) < 0 ||
        quota_close(r, &t, &gate, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    return 1;
}

int blob_renew(struct registry *r, const struct repo_name *repo, const struct digest *d,
               struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO(db_txn) t = {0};
    int64_t now = clock_now_ms(), changed = 0;
    int found = db_one(db_reader(r->db), Q_member_lease,
                       DB_ARGS(DB_TEXT(repo_name_str(repo)), DB_TEXT(digest_str(d))), &rows, e);

    if (found <= 0)
        return found;
    if (!db_is_null(&rows, 2) && db_i64(&rows, 2) > now - r->lease_ms / 4)
        return 1;
    int64_t repository = db_i64(&rows, 0), blob = db_i64(&rows, 1);
    db_rows_done(&rows);
    if (db_begin(r->db, &t, e) < 0 ||
        db_exec(t.conn, Q_member_renew, DB_ARGS(DB_I64(repository), DB_I64(blob), DB_I64(now)),
                &changed, e) < 0 ||
        db_commit(&t, e) < 0)
        return -1;
    return changed > 0;
}

int blob_unlink(struct registry *r, const struct repo_name *repo, const struct digest *d,
                struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t repository = 0, blob = 0, holder;
    int found;

    if (db_begin(r->db, &t, e) < 0)
        return -1;
    found = registry_one_id(t.conn, Q_repository_id, DB_ARGS(DB_TEXT(repo_name_str(repo))),
                            &repository, e);
    if (found > 0)
        found = registry_one_id(t.conn, Q_member_find,
                                DB_ARGS(DB_I64(repository), DB_TEXT(digest_str(d))), &blob, e);
    if (found <= 0)
        return found;
    found = registry_one_id(t.conn, Q_member_held, DB_ARGS(DB_I64(repository), DB_I64(blob)),
                            &holder, e);
    if (found > 0)
        return ERR(e, CONFLICT, "a manifest of %.*s holds blob %s: delete the manifest first",
                   S(repo_name_str(repo)), d->text);
    if (found < 0 ||
        db_exec(t.conn, Q_member_remove, DB_ARGS(DB_I64(repository), DB_I64(blob)), NULL, e) < 0 ||
        db_exec(t.conn, Q_blob_candidate_add, DB_ARGS(DB_I64(blob)), NULL, e) < 0)
        return -1;
    return db_commit(&t, e) < 0 ? -1 : 1;
}

/* ---- composing ---- */

static int check_extents(const struct digest *d, uint64_t size, const struct blob_extent *extents,
                         size_t n, struct err *e)
{
    uint64_t sum = 0;

    if (n > LIMIT_BLOB_EXTENTS)
        return ERR(e, LIMIT, "blob %s has %zu extents, more than %d", d->text, n,
                   LIMIT_BLOB_EXTENTS);
    for (size_t i = 0; i < n; i++) {
        const struct blob_extent *x = &extents[i];

        if (x->literal && x->bytes.n > LIMIT_EXTENT_LITERAL)
            return ERR(e, LIMIT, "blob %s has a literal extent of more than %llu bytes", d->text,
                       LIMIT_EXTENT_LITERAL);
        if (x->literal && x->bytes.n != x->len)
            return ERR(e, INTERNAL, "blob %s: the length of a literal extent is wrong", d->text);
        if (__builtin_add_overflow(sum, x->len, &sum) || sum > LIMIT_BLOB)
            return ERR(e, LIMIT, "blob %s is larger than %llu bytes", d->text, LIMIT_BLOB);
    }
    if (sum != size)
        return ERR(e, INTERNAL, "the extents of blob %s have %llu bytes instead of %llu", d->text,
                   (unsigned long long)sum, (unsigned long long)size);
    return 0;
}

static int add_literal(struct db_conn *c, int64_t blob, size_t seq, struct str bytes, struct err *e)
{
    return db_exec(
        c, Q_extent_add,
        DB_ARGS(DB_I64(blob), DB_I64(seq), DB_NULL, DB_BYTES(bytes), DB_I64(0), DB_I64(bytes.n)),
        NULL, e);
}

static int add_range(struct registry *r, struct db_conn *c, int64_t blob, size_t seq,
                     const struct blob_extent *x, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t object, size;
    uint64_t end;
    int found = db_one(c, Q_object_by_digest, DB_ARGS(DB_TEXT(digest_str(&x->object))), &rows, e);

    if (found < 0)
        return -1;
    if (found == 0)
        return ERR(e, BLOB_UNKNOWN, "there is no object %s", x->object.text);
    if (object_hold(r, &x->object, e) < 0)
        return -1;
    object = db_i64(&rows, 0);
    size = db_i64(&rows, 1);
    db_rows_done(&rows);
    if (__builtin_add_overflow(x->offset, x->len, &end) || end > (uint64_t)size)
        return ERR(e, INTERNAL, "an extent reaches beyond its object %s", x->object.text);
    return db_exec(c, Q_extent_add,
                   DB_ARGS(DB_I64(blob), DB_I64(seq), DB_I64(object), DB_NULL, DB_I64(x->offset),
                           DB_I64(x->len)),
                   NULL, e);
}

/* Empty extents are left out; an empty blob gets one, since having extents is having bytes. */
static int add_extents(struct registry *r, struct db_conn *c, int64_t blob,
                       const struct blob_extent *extents, size_t n, struct err *e)
{
    size_t seq = 0;

    for (size_t i = 0; i < n; i++) {
        const struct blob_extent *x = &extents[i];

        if (x->len == 0)
            continue;
        if ((x->literal ? add_literal(c, blob, seq, x->bytes, e)
                        : add_range(r, c, blob, seq, x, e)) < 0)
            return -1;
        seq++;
    }
    return seq > 0 ? 0 : add_literal(c, blob, 0, STR(""), e);
}

int blob_compose(struct registry *r, const struct repo_name *repo, const struct digest *d,
                 uint64_t size, const struct blob_extent *extents, size_t n, struct err *e)
{
    AUTO(db_txn) t = {0};
    struct blob_row blob = {0};
    int64_t repository = 0;

    if (check_extents(d, size, extents, n, e) < 0 || db_begin(r->db, &t, e) < 0 ||
        repository_ensure(t.conn, repo, &repository, e) < 0 ||
        blob_ensure(t.conn, d, size, &blob, e) < 0)
        return -1;
    if (!blob.present && add_extents(r, t.conn, blob.id, extents, n, e) < 0)
        return err_wrap(e, "composing blob %s", d->text);
    if (join(t.conn, repository, blob.id, e) < 0)
        return -1;
    return db_commit(&t, e);
}
