/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in their order, as numbers: each name has a label between those of its neighbours, so that
 * sorting by name is sorting by a column. Where no number is left between two, labels of a window
 * around are spread out anew: the smallest one that is thin enough, so that it lasts. How thin that
 * is falls with the size of the window (Bender et al., Two Simplified Algorithms for Maintaining
 * Order in a List), and whatever the order in which names come, few are moved for each.
 */
#include "search/change.h"

#include "base/mem.h"

#define LABEL_BITS 62
/* Between the last label and one behind it. */
#define APPENDED (1ll << 40)

/* The label of the neighbour of a name; there is none: `none`. */
static int neighbour(struct change *c, enum db_query q, struct str name, int64_t none, int64_t *ret,
                     struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c->txn.conn, q, DB_ARGS(DB_TEXT(name)), &rows, e);

    *ret = found > 0 ? db_i64(&rows, 0) : none;
    if (found > 0 && (*ret < 0 || *ret >> LABEL_BITS != 0))
        return ERR(e, CORRUPT, "a name of the search is damaged");
    return found < 0 ? -1 : 0;
}

/* Numbers that a query gives for one or two numbers; owned. */
static int read_ids(struct change *c, enum db_query q, struct db_args args, int64_t **ret,
                    size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t room = 0;
    int more;

    *ret = NULL;
    *ret_n = 0;
    if (db_query(c->txn.conn, q, args, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0) {
        if (*ret_n == room) {
            room = 2 * room + 64;
            *ret = mem_realloc(*ret, room * sizeof(**ret));
        }
        (*ret)[(*ret_n)++] = db_i64(&rows, 0);
    }
    return more;
}

static int move_place(struct change *c, int64_t place, int64_t label, struct err *e)
{
    AUTO_FREE int64_t *ids = NULL;
    size_t n;

    if (db_exec(c->txn.conn, Q_s_place_move, DB_ARGS(DB_I64(place), DB_I64(label)), NULL, e) < 0 ||
        read_ids(c, Q_s_entry_of_place, DB_ARGS(DB_I64(place)), &ids, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (change_cell(c, ids[i], SEARCH_CELL_NAME, label, e) < 0)
            return -1;
    return 0;
}

/* The window of 2^bits labels that a label is in, and how many labels are taken there. */
static int look_at(struct change *c, int64_t label, int bits, int64_t *ret_first, int64_t *ret_n,
                   struct err *e)
{
    AUTO(db_rows) rows = {0};

    *ret_first = label >> bits << bits;
    if (db_one(c->txn.conn, Q_s_places_count,
               DB_ARGS(DB_I64(*ret_first), DB_I64(*ret_first + ((1ll << bits) - 1))), &rows,
               e) <= 0)
        return -1;
    *ret_n = db_i64(&rows, 0);
    return 0;
}

/* Spreads out the labels around one. */
static int spread(struct change *c, int64_t label, struct err *e)
{
    AUTO_FREE int64_t *places = NULL;
    int64_t first = 0, taken = 0;
    double most = 1;
    size_t n;
    int bits = 0;

    /* 1.35^62 names and more than twice as much room for each as they need. */
    do {
        bits++;
        most *= 1.35;
        if (look_at(c, label, bits, &first, &taken, e) < 0)
            return -1;
    } while ((bits < 4 || (double)taken > most) && bits < LABEL_BITS);
    int64_t step = (1ll << bits) / (taken + 1);
    if (step < 2)
        return ERR(e, LIMIT, "the search knows too many names");
    if (read_ids(c, Q_s_places, DB_ARGS(DB_I64(first), DB_I64(first + ((1ll << bits) - 1))),
                 &places, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (move_place(c, places[i], first + step * (int64_t)(i + 1) - step / 2, e) < 0)
            return -1;
    return 0;
}

/* A label between those of the neighbours of a name that is new. */
static int new_label(struct change *c, struct str name, int64_t *ret, struct err *e)
{
    const int64_t end = 1ll << LABEL_BITS;
    int64_t before, after;

    for (;;) {
        if (neighbour(c, Q_s_place_before, name, -1, &before, e) < 0 ||
            neighbour(c, Q_s_place_after, name, end, &after, e) < 0)
            return -1;
        if (after - before >= 2)
            break;
        if (spread(c, MAX_OF(before, 0), e) < 0)
            return -1;
    }
    int64_t half = (after - before) / 2;
    *ret = before + (after == end && before >= 0 ? MIN_OF(half, APPENDED) : half);
    return 0;
}

static int find_place(struct change *c, struct str name, int64_t *ret_place, int64_t *ret_label,
                      struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c->txn.conn, Q_s_place, DB_ARGS(DB_TEXT(name)), &rows, e);

    if (found > 0) {
        *ret_place = db_i64(&rows, 0);
        *ret_label = db_i64(&rows, 1);
    }
    return found;
}

int place_take(struct change *c, struct str name, int64_t *ret_place, int64_t *ret_label,
               struct err *e)
{
    int64_t label;
    int found = find_place(c, name, ret_place, ret_label, e);

    if (found < 0)
        return -1;
    if (found == 0) {
        if (new_label(c, name, &label, e) < 0 ||
            db_exec(c->txn.conn, Q_s_place_add, DB_ARGS(DB_TEXT(name), DB_I64(label)), NULL, e) < 0)
            return -1;
        found = find_place(c, name, ret_place, ret_label, e);
        if (found <= 0)
            return found < 0 ? -1 : ERR(e, CORRUPT, "the search does not know a name of its own");
    }
    return db_exec(c->txn.conn, Q_s_place_count, DB_ARGS(DB_I64(*ret_place), DB_I64(1)), NULL, e);
}

int place_leave(struct change *c, int64_t place, struct err *e)
{
    return db_exec(c->txn.conn, Q_s_place_count, DB_ARGS(DB_I64(place), DB_I64(-1)), NULL, e) < 0
               ? -1
               : db_exec(c->txn.conn, Q_s_place_remove, DB_ARGS(DB_I64(place)), NULL, e);
}
