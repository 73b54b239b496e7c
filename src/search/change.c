/* SPDX-License-Identifier: Apache-2.0 */
#include "search/change.h"

#include "base/buf.h"
#include "base/mem.h"

#define ROOM_AT_FIRST 256

int change_begin(struct change *c, struct db *db, struct err *e)
{
    *c = (struct change){.room = ROOM_AT_FIRST};
    c->rows = mem_zalloc(c->room * sizeof(*c->rows));
    return db_begin(db, &c->txn, e);
}

void change_autodone(struct change *c)
{
    for (size_t i = 0; i < c->room && c->rows; i++)
        mem_free(c->rows[i].bytes);
    mem_free(c->rows);
    db_rollback(&c->txn);
    *c = (struct change){0};
}

/* ---- rows that many share ---- */

/* Where a row is, or would be. */
static struct change_row *place(struct change_row *rows, size_t room, int64_t key, bool cells)
{
    size_t at = (size_t)(((uint64_t)key * 2 + cells) * 0x9e3779b97f4a7c15ULL >> 32);

    while (rows[at & (room - 1)].bytes &&
           (rows[at & (room - 1)].key != key || rows[at & (room - 1)].cells != cells))
        at++;
    return &rows[at & (room - 1)];
}

static void grow(struct change *c)
{
    size_t room = c->room * 2;
    struct change_row *rows = mem_zalloc(room * sizeof(*rows));

    for (size_t i = 0; i < c->room; i++)
        if (c->rows[i].bytes)
            *place(rows, room, c->rows[i].key, c->rows[i].cells) = c->rows[i];
    mem_free(c->rows);
    c->rows = rows;
    c->room = room;
}

static int read_row(struct change *c, struct change_row *to, int64_t key, bool cells, struct err *e)
{
    AUTO(db_rows) rows = {0};
    size_t size = cells ? SEARCH_CELLS_BYTES : SEARCH_BITS_BYTES;
    int found = db_one(c->txn.conn, cells ? Q_s_cells : Q_s_bits, DB_ARGS(DB_I64(key)), &rows, e);

    if (found < 0)
        return -1;
    if (found > 0 && db_bytes(&rows, 0).n != size)
        return ERR(e, CORRUPT, "a row of the search has a wrong size");
    *to = (struct change_row){.key = key, .cells = cells, .bytes = mem_zalloc(size)};
    if (found > 0)
        memcpy(to->bytes, db_bytes(&rows, 0).p, size);
    c->n++;
    return 0;
}

/* NULL: an error. */
static struct change_row *row_of(struct change *c, int64_t what, int64_t id, bool cells,
                                 struct err *e)
{
    int64_t key = search_key(what, id / SEARCH_CHUNK);

    if (c->n * 2 >= c->room)
        grow(c);
    struct change_row *row = place(c->rows, c->room, key, cells);
    return row->bytes || read_row(c, row, key, cells, e) == 0 ? row : NULL;
}

/* 1: it was changed, 0, -1. */
static int set_bit(struct change *c, int64_t code, int64_t id, bool on, struct err *e)
{
    struct change_row *row = row_of(c, code, id, false, e);
    uint64_t word, bit = 1ULL << (id % 64);

    if (!row)
        return -1;
    char *at = row->bytes + id % SEARCH_CHUNK / 64 * 8;
    memcpy(&word, at, sizeof(word));
    if (((word & bit) != 0) == on)
        return 0;
    word ^= bit;
    memcpy(at, &word, sizeof(word));
    row->changed = true;
    return 1;
}

int change_cell(struct change *c, int64_t id, enum search_column column, int64_t value,
                struct err *e)
{
    struct change_row *row = row_of(c, (int64_t)column, id, true, e);

    if (!row)
        return -1;
    memcpy(row->bytes + id % SEARCH_CHUNK * 8, &value, sizeof(value));
    row->changed = true;
    return 0;
}

static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static int write_row(struct change *c, const struct change_row *row, struct err *e)
{
    struct db_arg key = DB_I64(row->key);

    if (row->cells)
        return db_exec(c->txn.conn, Q_s_cells_put,
                       DB_ARGS(key, DB_BYTES(str_of(row->bytes, SEARCH_CELLS_BYTES))), NULL, e);
    if (is_zero(row->bytes, SEARCH_BITS_BYTES))
        return db_exec(c->txn.conn, Q_s_bits_remove, DB_ARGS(key), NULL, e);
    return db_exec(c->txn.conn, Q_s_bits_put,
                   DB_ARGS(key, DB_BYTES(str_of(row->bytes, SEARCH_BITS_BYTES))), NULL, e);
}

int change_commit(struct change *c, struct err *e)
{
    for (size_t i = 0; i < c->room; i++)
        if (c->rows[i].changed && write_row(c, &c->rows[i], e) < 0)
            return -1;
    return db_commit(&c->txn, e);
}

int change_state(struct change *c, const char *name, int64_t value, struct err *e)
{
    return db_exec(c->txn.conn, Q_s_state_put, DB_ARGS(DB_TEXTZ(name), DB_I64(value)), NULL, e);
}

/* ---- values ---- */

static int add_value(struct change *c, enum search_facet facet, struct str word, struct str shown,
                     int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};

    if (db_one(c->txn.conn, Q_s_value_last, DB_NO_ARGS, &rows, e) <= 0)
        return -1;
    *ret = (db_i64(&rows, 0) / SEARCH_CODE_STEP + 1) * SEARCH_CODE_STEP + (int64_t)facet;
    db_rows_done(&rows);
    return db_exec(c->txn.conn, Q_s_value_add,
                   DB_ARGS(DB_I64(*ret), DB_I64(facet), DB_TEXT(word), DB_TEXT(shown)), NULL, e);
}

/* The code of a value, which is made if need be. */
static int code_of(struct change *c, enum search_facet facet, struct str value, uint32_t *ret,
                   struct err *e)
{
    AUTO(arena) a = {0};
    int64_t code = 0;

    arena_init(&a, value.n + 4096);
    struct str word = search_folded(&a, value);
    {
        AUTO(db_rows) rows = {0};
        int found = db_one(c->txn.conn, Q_s_value, DB_ARGS(DB_I64(facet), DB_TEXT(word)), &rows, e);
        if (found < 0)
            return -1;
        if (found > 0)
            code = db_i64(&rows, 0);
    }
    if (code == 0 && add_value(c, facet, word, value, &code, e) < 0)
        return -1;
    if (code > UINT32_MAX)
        return ERR(e, LIMIT, "the search knows too many values");
    *ret = (uint32_t)code;
    return 0;
}

/* ---- entries ---- */

struct codes {
    uint32_t v[SEARCH_CODES_MAX];
    size_t n;
};

static bool codes_have(const struct codes *codes, uint32_t code)
{
    for (size_t i = 0; i < codes->n; i++)
        if (codes->v[i] == code)
            return true;
    return false;
}

/* Those that an entry has: 1, 0 it is not there, -1. */
static int read_codes(struct change *c, int64_t id, struct codes *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c->txn.conn, Q_s_codes, DB_ARGS(DB_I64(id)), &rows, e);

    ret->n = 0;
    if (found <= 0)
        return found;
    struct str bytes = db_bytes(&rows, 0);
    if (bytes.n % sizeof(uint32_t) != 0 || bytes.n > sizeof(ret->v))
        return ERR(e, CORRUPT, "codes of the search have a wrong size");
    memcpy(ret->v, bytes.p, bytes.n);
    ret->n = bytes.n / sizeof(uint32_t);
    return 1;
}

static int mark(struct change *c, int64_t id, uint32_t code, bool on, struct err *e)
{
    int changed = set_bit(c, code, id, on, e);

    return changed <= 0 ? changed
                        : db_exec(c->txn.conn, Q_s_value_count,
                                  DB_ARGS(DB_I64(code), DB_I64(on ? 1 : -1)), NULL, e);
}

/* What is in `from` and not in `than` is marked, or unmarked. */
static int mark_others(struct change *c, int64_t id, const struct codes *from,
                       const struct codes *than, bool on, struct err *e)
{
    for (size_t i = 0; i < from->n; i++)
        if (!codes_have(than, from->v[i]) && mark(c, id, from->v[i], on, e) < 0)
            return -1;
    return 0;
}

static int remove_words(struct change *c, int64_t id, struct err *e)
{
    return db_exec(c->txn.conn, Q_s_names_remove, DB_ARGS(DB_I64(id)), NULL, e) < 0
               ? -1
               : db_exec(c->txn.conn, Q_s_words_remove, DB_ARGS(DB_I64(id)), NULL, e);
}

static int write_words(struct change *c, const struct search_entry *n, struct err *e)
{
    AUTO(buf) all = {0};

    buf_init(&all, n->title.n + n->about.n + n->card.n + 2);
    buf_adds(&all, n->title);
    buf_addc(&all, ' ');
    buf_adds(&all, n->about);
    buf_addc(&all, ' ');
    buf_adds(&all, n->card);
    return db_exec(c->txn.conn, Q_s_names_put, DB_ARGS(DB_I64(n->id), DB_TEXT(n->title)), NULL, e) <
                   0
               ? -1
               : db_exec(c->txn.conn, Q_s_words_put, DB_ARGS(DB_I64(n->id), DB_TEXT(buf_str(&all))),
                         NULL, e);
}

static int remove_rows(struct change *c, int64_t id, struct err *e)
{
    return db_exec(c->txn.conn, Q_s_codes_remove, DB_ARGS(DB_I64(id)), NULL, e) < 0 ||
                   db_exec(c->txn.conn, Q_s_entry_remove, DB_ARGS(DB_I64(id)), NULL, e) < 0
               ? -1
               : remove_words(c, id, e);
}

int change_remove(struct change *c, int64_t id, struct err *e)
{
    const struct codes none = {.n = 0};
    struct codes old;
    int there = read_codes(c, id, &old, e);

    c->entries++;
    if (there <= 0)
        return there;
    return mark_others(c, id, &old, &none, false, e) < 0 || set_bit(c, SEARCH_ALL, id, false, e) < 0
               ? -1
               : remove_rows(c, id, e);
}

static int write_rows(struct change *c, const struct search_entry *n, const struct codes *codes,
                      bool there, struct err *e)
{
    struct db_arg id = DB_I64(n->id);
    struct str bytes = str_of((const char *)codes->v, codes->n * sizeof(codes->v[0]));

    if (there && remove_words(c, n->id, e) < 0)
        return -1;
    if (db_exec(c->txn.conn, Q_s_codes_put, DB_ARGS(id, DB_BYTES(bytes)), NULL, e) < 0 ||
        db_exec(c->txn.conn, Q_s_entry_put,
                DB_ARGS(id, DB_I64(n->repository), DB_TEXT(n->name), DB_TEXT(n->shown)), NULL,
                e) < 0)
        return -1;
    return write_words(c, n, e);
}

int change_put(struct change *c, const struct search_entry *n, struct err *e)
{
    struct codes old, now = {.n = 0};
    int there = read_codes(c, n->id, &old, e);

    c->entries++;
    if (there < 0)
        return -1;
    for (size_t i = 0; i < n->n_values; i++) {
        uint32_t code;
        if (code_of(c, n->values[i].facet, n->values[i].value, &code, e) < 0)
            return -1;
        if (!codes_have(&now, code))
            now.v[now.n++] = code;
    }
    if (mark_others(c, n->id, &old, &now, false, e) < 0 ||
        mark_others(c, n->id, &now, &old, true, e) < 0 ||
        set_bit(c, SEARCH_ALL, n->id, true, e) < 0)
        return -1;
    for (size_t i = 0; i < SEARCH_CELLS; i++)
        if (change_cell(c, n->id, (enum search_column)i, n->cells[i], e) < 0)
            return -1;
    return write_rows(c, n, &now, there > 0, e);
}
