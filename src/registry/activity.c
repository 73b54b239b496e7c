/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/activity.h"

#include "base/clock.h"

int64_t activity_today(void)
{
    return clock_now_ms() / ACTIVITY_DAY_MS;
}

int activity_add(struct db_conn *c, struct str repository, int64_t pulls, int64_t pushes,
                 int64_t deletes, struct err *e)
{
    return db_exec(c, Q_activity_add,
                   DB_ARGS(DB_TEXT(repository), DB_I64(activity_today()), DB_I64(pulls),
                           DB_I64(pushes), DB_I64(deletes)),
                   NULL, e);
}

int activity_read(struct registry *r, int64_t repository, int64_t last, struct activity_day *ret,
                  size_t n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t before = last - (int64_t)n;
    int more;

    for (size_t i = 0; i < n; i++)
        ret[i] = (struct activity_day){.day = before + 1 + (int64_t)i};
    if (db_query(db_reader(r->db), Q_activity_of,
                 DB_ARGS(DB_I64(repository), DB_I64(before), DB_I64(last)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        struct activity_day *d = &ret[db_i64(&rows, 0) - before - 1];
        d->pulls = db_i64(&rows, 1);
        d->pushes = db_i64(&rows, 2);
        d->deletes = db_i64(&rows, 3);
    }
    return more;
}
