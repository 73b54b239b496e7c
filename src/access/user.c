/* SPDX-License-Identifier: Apache-2.0 */
#include "access/internal.h"

int access_user_find(struct db_conn *c, struct str username, struct access_user *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_user_by_name, DB_ARGS(DB_TEXT(username)), &rows, e);

    if (found <= 0)
        return found;
    struct str hash = db_text(&rows, 1);
    struct access_user u = {
        .id = db_i64(&rows, 0),
        .admin = db_i64(&rows, 2) != 0,
        .password_changed_ms = db_i64(&rows, 3),
    };
    if (hash.n >= sizeof(u.password_hash))
        return ERR(e, CORRUPT, "a stored password hash is too long");
    memcpy(u.password_hash, hash.p, hash.n);
    *ret = u;
    return 1;
}
