/* SPDX-License-Identifier: Apache-2.0 */
#include "search/change.h"

#include "base/mem.h"

#define ROOM_AT_FIRST 256
/* Of the texts of terms. */
#define TEXTS_BYTES (512 * MIB)
/* Changes of terms in one transaction, more or less: some tens of MiB. */
#define TERMS_MAX 300000

int change_begin(struct change *c, struct db *db, const struct db_words *words, struct err *e)
{
    *c = (struct change){.words = words, .room_rows = ROOM_AT_FIRST, .last_term = -1};
    c->rows = mem_zalloc(c->room_rows * sizeof(*c->rows));
    buf_init(&c->texts, TEXTS_BYTES);
    return db_begin(db, &c->txn, e);
}

static void free_row(struct change_row *row)
{
    for (size_t i = 0; row->codes && i < SEARCH_CHUNK; i++)
        mem_free(row->codes[i].v);
    mem_free(row->codes);
    mem_free(row->cells);
}

void change_autodone(struct change *c)
{
    for (size_t i = 0; i < c->room_rows && c->rows; i++)
        free_row(&c->rows[i]);
    mem_free(c->rows);
    mem_free(c->bits);
    mem_free(c->terms);
    buf_done(&c->texts);
    db_rollback(&c->txn);
    *c = (struct change){0};
}

bool change_is_full(const struct change *c)
{
    return c->n_terms >= TERMS_MAX;
}

/* ---- rows of cells and codes ---- */

/* Behind the columns, so that codes lie among them. */
#define CODES SEARCH_CELLS

static bool is_free(const struct change_row *row)
{
    return !row->cells && !row->codes;
}

/* Where a row is, or would be. */
static struct change_row *place(struct change_row *rows, size_t room, int64_t key)
{
    size_t at = (size_t)((uint64_t)key * 0x9e3779b97f4a7c15ULL >> 32);

    while (!is_free(&rows[at & (room - 1)]) && rows[at & (room - 1)].key != key)
        at++;
    return &rows[at & (room - 1)];
}

static void grow(struct change *c)
{
    size_t room = c->room_rows * 2;
    struct change_row *rows = mem_zalloc(room * sizeof(*rows));

    for (size_t i = 0; i < c->room_rows; i++)
        if (!is_free(&c->rows[i]))
            *place(rows, room, c->rows[i].key) = c->rows[i];
    mem_free(c->rows);
    c->rows = rows;
    c->room_rows = room;
}

/* Room for a power of two of them, from here on. */
#define CODES_AT_FIRST 16

static void take_code(void *p, size_t artifact, uint32_t code)
{
    struct pack_codes *to = &((struct pack_codes *)p)[artifact];
    size_t room = MAX_OF(2 * to->n, CODES_AT_FIRST);

    if (to->n == 0 || (to->n >= CODES_AT_FIRST && (to->n & (to->n - 1)) == 0))
        to->v = mem_realloc(to->v, room * sizeof(*to->v));
    to->v[to->n++] = code;
}

/* 1: it was there, 0, -1. */
static int read_codes(struct change *c, int64_t chunk, struct pack_codes *to, struct err *e)
{
    AUTO(db_rows) rows = {0};
    uint64_t all[SEARCH_CHUNK_WORDS];
    int found = db_one(c->txn.conn, Q_s_codes, DB_ARGS(DB_I64(chunk)), &rows, e);

    memset(all, 0xff, sizeof(all));
    if (found > 0 && !pack_read_codes(db_bytes(&rows, 0), all, take_code, to))
        return ERR(e, CORRUPT, "codes of the search are damaged");
    return found;
}

static int read_cells(struct change *c, int64_t key, int64_t *to, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c->txn.conn, Q_s_cells, DB_ARGS(DB_I64(key)), &rows, e);

    if (found > 0 && !pack_read_cells(db_bytes(&rows, 0), to))
        return ERR(e, CORRUPT, "cells of the search are damaged");
    return found;
}

/* NULL: an error. */
static struct change_row *row_of(struct change *c, int64_t what, int64_t id, struct err *e)
{
    int64_t chunk = id / SEARCH_CHUNK, key = search_key(what, chunk);

    if (c->n_rows * 2 >= c->room_rows)
        grow(c);
    struct change_row *row = place(c->rows, c->room_rows, key);
    if (!is_free(row))
        return row;
    c->n_rows++;
    row->key = key;
    if (what == CODES)
        row->codes = NEW_ARRAY(SEARCH_CHUNK, struct pack_codes);
    else
        row->cells = NEW_ARRAY(SEARCH_CHUNK, int64_t);
    int found =
        what == CODES ? read_codes(c, chunk, row->codes, e) : read_cells(c, key, row->cells, e);
    row->changed = found == 0; /* whoever has no row is not shown: one of zeros is written, too */
    return found < 0 ? NULL : row;
}

int change_cell(struct change *c, int64_t id, enum search_column column, int64_t value,
                struct err *e)
{
    struct change_row *row = row_of(c, (int64_t)column, id, e);

    if (!row)
        return -1;
    row->changed |= row->cells[id % SEARCH_CHUNK] != value;
    row->cells[id % SEARCH_CHUNK] = value;
    return 0;
}

static int write_codes(struct change *c, const struct change_row *row, struct err *e)
{
    AUTO(buf) bytes = {0};

    buf_init(&bytes, 8 * MIB);
    pack_codes(row->codes, &bytes);
    return db_exec(c->txn.conn, Q_s_codes_put,
                   DB_ARGS(DB_I64(row->key & SEARCH_ROW_MAX), DB_BYTES(buf_str(&bytes))), NULL, e);
}

static int write_cells(struct change *c, const struct change_row *row, struct err *e)
{
    char bytes[PACK_CELLS_BYTES];
    size_t n = pack_cells(row->cells, bytes);

    return db_exec(c->txn.conn, Q_s_cells_put,
                   DB_ARGS(DB_I64(row->key), DB_BYTES(str_of(bytes, n))), NULL, e);
}

int change_commit(struct change *c, struct err *e)
{
    if (merge_all(c, e) < 0)
        return -1;
    for (size_t i = 0; i < c->room_rows; i++) {
        const struct change_row *row = &c->rows[i];
        if (row->changed && (row->codes ? write_codes(c, row, e) : write_cells(c, row, e)) < 0)
            return -1;
    }
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

static bool have(const uint32_t *codes, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* The codes of an entry become these. */
static int put_codes(struct change *c, int64_t id, const uint32_t *now, size_t n, struct err *e)
{
    struct change_row *row = row_of(c, CODES, id, e);

    if (!row)
        return -1;
    struct pack_codes *codes = &row->codes[id % SEARCH_CHUNK];
    for (size_t i = 0; i < codes->n; i++)
        if (!have(now, n, codes->v[i]))
            merge_put_bit(c, codes->v[i], id, false);
    for (size_t i = 0; i < n; i++)
        if (!have(codes->v, codes->n, now[i]))
            merge_put_bit(c, now[i], id, true);
    row->changed |= codes->n != n || (n && memcmp(codes->v, now, n * sizeof(*now)) != 0);
    if (n) {
        codes->v = mem_realloc(codes->v, n * sizeof(*now));
        memcpy(codes->v, now, n * sizeof(*now));
    }
    codes->n = n;
    return 0;
}

static int put_values(struct change *c, const struct search_entry *n, struct err *e)
{
    uint32_t codes[SEARCH_CODES_MAX];
    size_t many = 0;

    for (size_t i = 0; i < n->n_values; i++) {
        uint32_t code;
        if (code_of(c, n->values[i].facet, n->values[i].value, &code, e) < 0)
            return -1;
        if (!have(codes, many, code))
            codes[many++] = code;
    }
    return put_codes(c, n->id, codes, many, e);
}

/* ---- words ---- */

/* The terms of an entry that is there; none. *bytes: where they lie. */
static int read_terms(struct change *c, int64_t id, struct buf *bytes, struct terms *ret,
                      struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c->txn.conn, Q_s_words, DB_ARGS(DB_I64(id)), &rows, e);

    if (found < 0)
        return -1;
    if (found > 0)
        buf_adds(bytes, db_bytes(&rows, 0));
    return buf_ok(bytes) && terms_unpack(ret, buf_str(bytes))
               ? 0
               : ERR(e, CORRUPT, "words of the search are damaged");
}

static int make_terms(const struct change *c, const struct search_entry *n, struct terms *ret,
                      struct err *e)
{
    return terms_read(ret, c->words, n->title, true, e) < 0 ||
                   terms_read(ret, c->words, n->about, false, e) < 0 ||
                   terms_read(ret, c->words, n->card, false, e) < 0
               ? -1
               : terms_settle(ret, e);
}

/* The words of an entry become those of n; NULL: none. */
static int put_words(struct change *c, int64_t id, const struct search_entry *n, struct err *e)
{
    AUTO(buf) bytes = {0};
    AUTO(terms) old = {.n = 0};
    AUTO(terms) now = {.n = 0};

    buf_init(&bytes, 16 * MIB);
    terms_init(&old);
    terms_init(&now);
    if (read_terms(c, id, &bytes, &old, e) < 0 || (n && make_terms(c, n, &now, e) < 0) ||
        merge_put_terms(c, id, &old, &now, e) < 0)
        return -1;
    return n ? db_exec(c->txn.conn, Q_s_words_put,
                       DB_ARGS(DB_I64(id), DB_BYTES(buf_str(&now.packed))), NULL, e)
             : db_exec(c->txn.conn, Q_s_words_remove, DB_ARGS(DB_I64(id)), NULL, e);
}

/* ---- entries ---- */

/* 1: it is there, and *ret_place is that of its name; 0, -1. */
static int read_entry(struct change *c, int64_t id, int64_t *ret_place, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c->txn.conn, Q_s_entry, DB_ARGS(DB_I64(id)), &rows, e);

    if (found > 0)
        *ret_place = db_i64(&rows, 0);
    return found;
}

int change_remove(struct change *c, int64_t id, struct err *e)
{
    int64_t place_id = 0;
    int there = read_entry(c, id, &place_id, e);

    c->entries++;
    if (there <= 0)
        return there;
    merge_put_bit(c, SEARCH_ALL, id, false);
    if (put_codes(c, id, NULL, 0, e) < 0 || put_words(c, id, NULL, e) < 0 ||
        db_exec(c->txn.conn, Q_s_entry_remove, DB_ARGS(DB_I64(id)), NULL, e) < 0)
        return -1;
    return place_leave(c, place_id, e);
}

/* The row of the entry, and what it is sorted by name by. */
static int put_entry(struct change *c, const struct search_entry *n, struct err *e)
{
    int64_t old_place = 0, new_place = 0, label = 0;
    int there = read_entry(c, n->id, &old_place, e);

    if (there < 0 || place_take(c, n->name, &new_place, &label, e) < 0 ||
        change_cell(c, n->id, SEARCH_CELL_NAME, label, e) < 0 ||
        db_exec(c->txn.conn, Q_s_entry_put,
                DB_ARGS(DB_I64(n->id), DB_I64(n->repository), DB_I64(new_place), DB_TEXT(n->shown)),
                NULL, e) < 0)
        return -1;
    return there > 0 ? place_leave(c, old_place, e) : 0;
}

int change_put(struct change *c, const struct search_entry *n, struct err *e)
{
    c->entries++;
    merge_put_bit(c, SEARCH_ALL, n->id, true);
    for (size_t i = 0; i < SEARCH_CELLS; i++)
        if (i != SEARCH_CELL_NAME &&
            change_cell(c, n->id, (enum search_column)i, n->cells[i], e) < 0)
            return -1;
    return put_entry(c, n, e) < 0 || put_values(c, n, e) < 0 ? -1 : put_words(c, n->id, n, e);
}
