/* SPDX-License-Identifier: Apache-2.0 */
#include "access/revision.h"

#include "base/mem.h"

/* How it is called in the table of settings. */
#define NAME "revision"

int revision_read(struct db_conn *c, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_setting_get, DB_ARGS(DB_TEXTZ(NAME)), &rows, e);

    if (found < 0)
        return -1;
    if (!found)
        *ret = 0;
    else if (!str_i64(db_text(&rows, 0), 0, INT64_MAX, ret))
        return ERR(e, CORRUPT, "the number of changes in the database is none");
    return 0;
}

int revision_add(struct db_conn *c, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t made;

    if (db_one(c, Q_setting_count, DB_ARGS(DB_TEXTZ(NAME)), &rows, e) < 0)
        return -1;
    if (!str_i64(db_text(&rows, 0), 1, INT64_MAX, &made))
        return ERR(e, CORRUPT, "the number of changes in the database is none");
    if (ret)
        *ret = made;
    return 0;
}

void revision_own(struct revision *r, int64_t made)
{
    int64_t before = made - 1;

    /* Only if nobody else's change lies between. */
    (void)atomic_compare_exchange_strong(&r->known, &before, made);
}

bool revision_due(struct revision *r, int64_t now_ms)
{
    int64_t due = atomic_load_explicit(&r->due_ms, memory_order_relaxed);

    return now_ms >= due &&
           atomic_compare_exchange_strong(&r->due_ms, &due, now_ms + REVISION_LOOK_MS);
}
