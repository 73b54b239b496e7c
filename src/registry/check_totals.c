/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Totals: what triggers keep beside the rows that it counts (migrations 9 and 13) is what these
 * rows come to. Each query reads both numbers at one moment, so that pushes beside the check do not
 * matter; each repair counts anew inside of its transaction.
 */
#include "registry/checking.h"

#include <stdio.h>

#define KEYS_MAX 3

/* find: from behind `keys` numbers on, rows of these numbers, whose it is, the total and the count,
 * only where the two differ. mend: by the same numbers; one after the other. */
static const struct total {
    const char *what;
    size_t keys;
    enum db_query find;
    enum db_query mend[2];
    size_t mends;
} totals[] = {
    /* What is counted once too often, then what is not counted: both change what is used. */
    {"content of project", 3, Q_check_content_refs, {Q_content_recount, Q_content_forget}, 2},
    {"content of project", 2, Q_check_blob_uncounted, {Q_content_count_blob}, 1},
    {"content of project", 1, Q_check_artifact_uncounted, {Q_content_count_document}, 1},
    {"bytes used by project", 1, Q_check_quota_used, {Q_quota_recount}, 1},
    {"artifacts of repository", 1, Q_check_artifacts_counted, {Q_artifacts_recount}, 1},
    {"accessories of repository", 1, Q_check_accessories_counted, {Q_accessories_recount}, 1},
    {"repositories of project", 1, Q_check_repositories_counted, {Q_repositories_recount}, 1},
    {"audit log of project", 1, Q_check_audit_counted, {Q_audit_recount}, 1},
};

struct wrong {
    struct db_arg keys[KEYS_MAX];
    const char *name; /* in the arena */
    int64_t total, count;
};

/* A page of what is wrong behind `after`. */
static int find(struct checking *c, const struct total *t, const struct db_arg *after,
                struct wrong *ret, size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct db_arg args[KEYS_MAX + 1];
    size_t n = 0;
    int more;

    for (size_t i = 0; i < t->keys; i++)
        args[i] = after[i];
    args[t->keys] = DB_I64(CHECK_PAGE);
    if (db_query(db_reader(c->r->db), t->find, (struct db_args){args, t->keys + 1}, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        struct wrong *w = &ret[n++];
        const int k = (int)t->keys;
        for (int i = 0; i < k; i++)
            w->keys[i] = DB_I64(db_i64(&rows, i));
        w->name = arena_strz(&c->arena, db_text(&rows, k));
        w->total = db_i64(&rows, k + 1);
        w->count = db_i64(&rows, k + 2);
    }
    *ret_n = n;
    return more;
}

static int mend(struct checking *c, const struct total *t, const struct wrong *w, struct err *e)
{
    AUTO(db_txn) txn = {0};

    if (db_begin(c->r->db, &txn, e) < 0)
        return -1;
    for (size_t i = 0; i < t->mends; i++)
        if (db_exec(txn.conn, t->mend[i], (struct db_args){w->keys, t->keys}, NULL, e) < 0)
            return -1;
    return db_commit(&txn, e);
}

static int report(struct checking *c, const struct total *t, const struct wrong *w, struct err *e)
{
    char what[ERR_MSG_MAX], why[128];

    if (c->o->repair && mend(c, t, w, e) < 0)
        return -1;
    (void)snprintf(what, sizeof(what), "%s %s", t->what, w->name);
    (void)snprintf(why, sizeof(why), "its total is %lld, and its rows come to %lld",
                   (long long)w->total, (long long)w->count);
    check_report(c, CHECK_total, what, why, "", c->o->repair);
    return 0;
}

static int check_total(struct checking *c, const struct total *t, struct err *e)
{
    struct wrong list[CHECK_PAGE];
    struct db_arg after[KEYS_MAX];
    size_t n;

    for (size_t i = 0; i < KEYS_MAX; i++)
        after[i] = DB_I64(-1);
    do {
        arena_reset(&c->arena);
        if (check_go_on(c, e) < 0 || find(c, t, after, list, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (report(c, t, &list[i], e) < 0)
                return -1;
        if (n)
            memcpy(after, list[n - 1].keys, t->keys * sizeof(after[0]));
    } while (n == CHECK_PAGE);
    return 0;
}

int check_totals(struct checking *c, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(totals); i++)
        if (check_total(c, &totals[i], e) < 0)
            return -1;
    return 0;
}
