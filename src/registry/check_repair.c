/* SPDX-License-Identifier: Apache-2.0 */
/* Repairs that make nothing worse. Each asks again inside of its transaction. */
#include "registry/checking.h"

#include <stdlib.h>

int check_remove_orphan(struct checking *c, const struct digest *d, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};

    if (db_begin(c->r->db, &t, e) < 0)
        return -1;
    int known = db_one(t.conn, Q_object_by_digest, DB_ARGS(DB_TEXT(digest_str(d))), &rows, e);
    if (known != 0)
        return known < 0 ? -1 : 0;
    int there = store_object_discard(c->r->store, d, e);
    if (there < 0 ||
        db_exec(t.conn, Q_object_gone_add, DB_ARGS(DB_TEXT(digest_str(d))), NULL, e) < 0 ||
        db_commit(&t, e) < 0)
        return -1;
    return there;
}

static int withdraw_blob(struct db_conn *conn, int64_t blob, struct err *e)
{
    if (db_exec(conn, Q_member_remove_of_blob, DB_ARGS(DB_I64(blob)), NULL, e) < 0)
        return -1;
    return blob_empty(conn, blob, e) < 0 ? -1 : 0;
}

int check_print_blob(struct db_conn *conn, int64_t blob, struct digest *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct hash h;
    int more;

    if (db_query(conn, Q_check_extents, DB_ARGS(DB_I64(blob)), &rows, e) < 0)
        return -1;
    hash_init(&h, DIGEST_SHA256);
    while ((more = db_next(&rows, e)) > 0) {
        const int64_t numbers[] = {db_i64(&rows, 1), db_i64(&rows, 5), db_i64(&rows, 6)};
        const struct str parts[] = {db_text(&rows, 2), db_bytes(&rows, 4)};
        hash_update(&h, numbers, sizeof(numbers));
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            hash_update(&h, &parts[i].n, sizeof(parts[i].n));
            if (parts[i].n)
                hash_update(&h, parts[i].p, parts[i].n);
        }
    }
    hash_digest(&h, ret);
    return more;
}

int check_withdraw_blob(struct checking *c, int64_t blob, const struct digest *print, struct err *e)
{
    AUTO(db_txn) t = {0};
    struct digest now;

    if (db_begin(c->r->db, &t, e) < 0 || check_print_blob(t.conn, blob, &now, e) < 0)
        return -1;
    if (!digest_eq(&now, print))
        return 0;
    return withdraw_blob(t.conn, blob, e) < 0 || db_commit(&t, e) < 0 ? -1 : 1;
}

/* Blobs that are partly in the object: the cursor must not see what is changed. */
static int blobs_of(struct db_conn *conn, int64_t object, int64_t **ret, size_t *ret_n,
                    struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO_FREE int64_t *list = NULL;
    size_t n = 0, cap = 0;
    int more;

    if (db_query(conn, Q_object_extents, DB_ARGS(DB_I64(object)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        if (n == cap) {
            cap = cap ? 2 * cap : 16;
            list = mem_realloc(list, cap * sizeof(*list));
        }
        list[n++] = db_i64(&rows, 0);
    }
    *ret = TAKE(list);
    *ret_n = n;
    return more;
}

/* Is it still as it was found? 1, 0, -1. */
static int still_wrong(struct checking *c, struct db_conn *conn, int64_t object,
                       const struct digest *d, uint64_t size, enum check_kind kind, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct store_found at;
    int known = db_one(conn, Q_object_by_id, DB_ARGS(DB_I64(object)), &rows, e);

    if (known <= 0)
        return known;
    if (kind == CHECK_digest)
        return 1;
    /* Also takes it back from the trash. */
    int there = store_object_keep(c->r->store, d, e);
    if (there > 0)
        there = store_object_stat(c->r->store, d, &at, e);
    if (there < 0)
        return -1;
    return there == 0 || !at.is_file || at.size != size;
}

int check_withdraw_object(struct checking *c, int64_t object, const struct digest *d, uint64_t size,
                          enum check_kind kind, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO_FREE int64_t *blobs = NULL;
    size_t n;

    if (db_begin(c->r->db, &t, e) < 0)
        return -1;
    int wrong = still_wrong(c, t.conn, object, d, size, kind, e);
    if (wrong <= 0)
        return wrong;
    if (store_object_quarantine(c->r->store, d, e) < 0 ||
        blobs_of(t.conn, object, &blobs, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (withdraw_blob(t.conn, blobs[i], e) < 0)
            return -1;
    if (db_exec(t.conn, Q_object_remove, DB_ARGS(DB_I64(object)), NULL, e) < 0 ||
        db_commit(&t, e) < 0)
        return -1;
    return 1;
}
