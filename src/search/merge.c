/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change does to sets of bits and to terms: gathered, sorted as the database is, and written
 * row after row. A term that few models have is listed in its own row; beyond PACK_LIST_MAX it
 * becomes a set of bits, and stays one until nobody has it.
 */
#include "search/change.h"

#include "base/mem.h"

#include <stdlib.h>

/* Room for one more of an array. */
#define GROW(v, n, room)                                                                           \
    do {                                                                                           \
        if ((n) == (room)) {                                                                       \
            (room) = 2 * (room) + 1024;                                                            \
            (v) = mem_realloc((v), (room) * sizeof(*(v)));                                         \
        }                                                                                          \
    } while (0)

/* ---- bits ---- */

void merge_put_bit(struct change *c, int64_t code, int64_t id, bool on)
{
    GROW(c->bits, c->n_bits, c->room_bits);
    c->bits[c->n_bits] = (struct change_bit){.key = search_key(code, id / SEARCH_ROW),
                                             .order = (uint32_t)c->n_bits,
                                             .at = (uint16_t)(id % SEARCH_ROW),
                                             .on = on};
    c->n_bits++;
}

static int in_order(const void *x, const void *y)
{
    const struct change_bit *a = x, *b = y;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static int write_bits(struct change *c, int64_t key, const uint64_t *words, struct err *e)
{
    char bytes[SEARCH_ROW_BYTES];
    size_t n = pack_bits(words, bytes);

    return n ? db_exec(c->txn.conn, Q_s_bits_put, DB_ARGS(DB_I64(key), DB_BYTES(str_of(bytes, n))),
                       NULL, e)
             : db_exec(c->txn.conn, Q_s_bits_remove, DB_ARGS(DB_I64(key)), NULL, e);
}

/* Those of one row; *ret_more: by how many members. */
static int merge_row(struct change *c, const struct change_bit *v, size_t n, int64_t *ret_more,
                     struct err *e)
{
    uint64_t words[SEARCH_ROW_WORDS] = {0};
    bool changed = false;
    {
        AUTO(db_rows) rows = {0};
        int found = db_one(c->txn.conn, Q_s_bits, DB_ARGS(DB_I64(v->key)), &rows, e);
        if (found < 0)
            return -1;
        if (found > 0 && !pack_join_bits(db_bytes(&rows, 0), words))
            return ERR(e, CORRUPT, "a row of the search is damaged");
    }
    *ret_more = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t *word = &words[v[i].at / 64], bit = 1ULL << (v[i].at % 64);
        if (((*word & bit) != 0) == v[i].on)
            continue;
        *word ^= bit;
        *ret_more += v[i].on ? 1 : -1;
        changed = true;
    }
    return changed ? write_bits(c, v->key, words, e) : 0;
}

/* So many more models have a value. */
static int count_value(struct change *c, int64_t code, int64_t more, struct err *e)
{
    int64_t facet = code % SEARCH_CODE_STEP;

    return more == 0 || facet == 0 || facet >= SEARCH_FACETS
               ? 0
               : db_exec(c->txn.conn, Q_s_value_count, DB_ARGS(DB_I64(code), DB_I64(more)), NULL,
                         e);
}

static int merge_bits(struct change *c, struct err *e)
{
    int64_t code = 0, more_of_code = 0;

    if (c->n_bits)
        qsort(c->bits, c->n_bits, sizeof(*c->bits), in_order);
    for (size_t i = 0, next; i < c->n_bits; i = next) {
        const struct change_bit *v = &c->bits[i];
        int64_t more;
        for (next = i + 1; next < c->n_bits && c->bits[next].key == v->key;)
            next++;
        if (v->key >> SEARCH_KEY_SHIFT != code) {
            if (count_value(c, code, more_of_code, e) < 0)
                return -1;
            code = v->key >> SEARCH_KEY_SHIFT;
            more_of_code = 0;
        }
        if (merge_row(c, v, next - i, &more, e) < 0)
            return -1;
        more_of_code += more;
    }
    return count_value(c, code, more_of_code, e);
}

/* ---- terms ---- */

static struct str text_of(const struct change *c, const struct change_term *t)
{
    return str_of(c->texts.p + t->at, t->n);
}

static void add_term(struct change *c, int64_t id, const struct term *t, bool there, bool named,
                     bool was_named)
{
    size_t at = c->texts.n;
    uint64_t head = 0;

    if (t->beginning)
        buf_addc(&c->texts, TERM_MARK);
    buf_adds(&c->texts, t->text);
    size_t n = c->texts.n - at;
    for (size_t i = 0; i < sizeof(head); i++)
        head = head << 8 | (i < n ? (unsigned char)c->texts.p[at + i] : 0);
    GROW(c->terms, c->n_terms, c->room_terms);
    c->terms[c->n_terms] = (struct change_term){.head = head,
                                                .at = at,
                                                .n = n,
                                                .id = id,
                                                .order = (uint32_t)c->n_terms,
                                                .there = there,
                                                .named = named,
                                                .was_named = was_named};
    c->n_terms++;
}

static int cmp_terms(const struct term *a, const struct term *b)
{
    return a->beginning != b->beginning ? (a->beginning ? -1 : 1) : str_cmp(a->text, b->text);
}

int merge_put_terms(struct change *c, int64_t id, const struct terms *old, const struct terms *now,
                    struct err *e)
{
    size_t i = 0, k = 0;

    while (i < old->n || k < now->n) {
        int cmp = i == old->n ? 1 : k == now->n ? -1 : cmp_terms(&old->v[i], &now->v[k]);
        if (cmp < 0) {
            add_term(c, id, &old->v[i], false, false, old->v[i].named);
            i++;
        } else if (cmp > 0) {
            add_term(c, id, &now->v[k], true, now->v[k].named, false);
            k++;
        } else {
            if (old->v[i].named != now->v[k].named)
                add_term(c, id, &now->v[k], true, now->v[k].named, old->v[i].named);
            i++;
            k++;
        }
    }
    return buf_ok(&c->texts) ? 0 : ERR(e, LIMIT, "a change of the search is too large");
}

/* The texts are not in reach of a comparison of qsort: it asks for them by this. */
struct by_text {
    uint64_t head;
    struct str text;
    int64_t id;
    uint32_t order;
    struct change_term *term;
};

static int by_text(const void *x, const void *y)
{
    const struct by_text *a = x, *b = y;

    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    int cmp =
        a->text.n <= sizeof(a->head) && a->text.n == b->text.n ? 0 : str_cmp(a->text, b->text);
    if (cmp)
        return cmp;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* What the database holds of a term. */
struct held {
    bool found;
    int64_t number;
    struct pack_list list;
};

static int read_term(struct change *c, struct str text, struct held *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c->txn.conn, Q_s_term, DB_ARGS(DB_BYTES(text)), &rows, e);

    ret->found = found > 0;
    ret->number = found > 0 ? db_i64(&rows, 0) : 0;
    ret->list.n = 0;
    return found < 0 ? -1
           : found > 0 && !pack_read_list(db_bytes(&rows, 1), &ret->list)
               ? ERR(e, CORRUPT, "a term of the search is damaged")
               : 0;
}

static int write_term(struct change *c, struct str text, int64_t number,
                      const struct pack_list *list, struct err *e)
{
    char bytes[PACK_LIST_BYTES];
    size_t n = pack_list(list, bytes);

    return db_exec(c->txn.conn, Q_s_term_put,
                   DB_ARGS(DB_BYTES(text), DB_I64(number), DB_BYTES(str_of(bytes, n))), NULL, e);
}

static int next_number(struct change *c, int64_t *ret, struct err *e)
{
    if (c->last_term < 0) {
        AUTO(db_rows) rows = {0};
        int found = db_one(c->txn.conn, Q_s_state, DB_ARGS(DB_TEXTZ("terms")), &rows, e);
        if (found < 0)
            return -1;
        c->last_term = found > 0 ? db_i64(&rows, 0) : 0;
    }
    *ret = ++c->last_term;
    return change_state(c, "terms", c->last_term, e);
}

static void mark(struct change *c, int64_t number, const struct change_term *t)
{
    merge_put_bit(c, number * SEARCH_CODE_STEP + SEARCH_CODE_WORD, t->id, t->there);
    if (t->named || t->was_named)
        merge_put_bit(c, number * SEARCH_CODE_STEP + SEARCH_CODE_NAMED, t->id, t->named);
}

/* The list of a term with the changes of n, which are of n different models; owned. */
static struct pack_item *merge_list(const struct pack_list *list, const struct by_text *v, size_t n,
                                    size_t *ret_n)
{
    struct pack_item *all = NEW_ARRAY(list->n + n + 1, struct pack_item);
    size_t i = 0, k = 0, to = 0;

    while (i < list->n || k < n) {
        if (k == n || (i < list->n && list->v[i].id < v[k].id)) {
            all[to++] = list->v[i++];
            continue;
        }
        if (i < list->n && list->v[i].id == v[k].id)
            i++;
        if (v[k].term->there)
            all[to++] = (struct pack_item){.id = v[k].id, .named = v[k].term->named};
        k++;
    }
    *ret_n = to;
    return all;
}

static int merge_listed(struct change *c, struct held *held, const struct by_text *v, size_t n,
                        struct err *e)
{
    size_t many;
    AUTO_FREE struct pack_item *all = merge_list(&held->list, v, n, &many);
    int64_t number = 0;

    if (many == 0)
        return held->found
                   ? db_exec(c->txn.conn, Q_s_term_remove, DB_ARGS(DB_BYTES(v->text)), NULL, e)
                   : 0;
    held->list.n = 0;
    if (many > PACK_LIST_MAX) {
        if (next_number(c, &number, e) < 0)
            return -1;
        for (size_t i = 0; i < many; i++)
            mark(c, number,
                 &(struct change_term){.id = all[i].id, .there = true, .named = all[i].named});
    } else {
        memcpy(held->list.v, all, many * sizeof(*all));
        held->list.n = many;
    }
    return write_term(c, v->text, number, &held->list, e);
}

/* A set of bits that may have become empty. */
struct left {
    int64_t number;
    struct str text;
};
struct lefts {
    struct left *v; /* owned */
    size_t n, room;
};

/* The changes of one term. */
static int merge_term(struct change *c, struct by_text *v, size_t n, struct lefts *lefts,
                      struct err *e)
{
    struct held held;
    bool leaves = false;
    size_t each = 0;

    for (size_t i = 0; i < n; i++) /* the last word on each model */
        if (i + 1 == n || v[i + 1].id != v[i].id)
            v[each++] = v[i];
        else
            v[i + 1].term->was_named |= v[i].term->was_named;
    if (read_term(c, v->text, &held, e) < 0)
        return -1;
    if (held.number == 0)
        return merge_listed(c, &held, v, each, e);
    for (size_t i = 0; i < each; i++) {
        mark(c, held.number, v[i].term);
        leaves |= !v[i].term->there;
    }
    if (leaves) {
        GROW(lefts->v, lefts->n, lefts->room);
        lefts->v[lefts->n++] = (struct left){.number = held.number, .text = v->text};
    }
    return 0;
}

static int merge_terms(struct change *c, struct lefts *lefts, struct err *e)
{
    AUTO_FREE struct by_text *v = NEW_ARRAY(c->n_terms + 1, struct by_text);

    for (size_t i = 0; i < c->n_terms; i++)
        v[i] = (struct by_text){.head = c->terms[i].head,
                                .text = text_of(c, &c->terms[i]),
                                .id = c->terms[i].id,
                                .order = c->terms[i].order,
                                .term = &c->terms[i]};
    qsort(v, c->n_terms, sizeof(*v), by_text);
    for (size_t i = 0, next; i < c->n_terms; i = next) {
        for (next = i + 1; next < c->n_terms && str_eq(v[next].text, v[i].text);)
            next++;
        if (merge_term(c, &v[i], next - i, lefts, e) < 0)
            return -1;
    }
    return 0;
}

/* A term that nobody has any more goes. */
static int remove_left(struct change *c, const struct left *left, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t code = left->number * SEARCH_CODE_STEP + SEARCH_CODE_WORD;
    int found =
        db_one(c->txn.conn, Q_s_bits_last, DB_ARGS(DB_I64(search_key(code + 1, 0))), &rows, e);

    if (found < 0)
        return -1;
    return found > 0 && db_i64(&rows, 0) >= search_key(code, 0)
               ? 0
               : db_exec(c->txn.conn, Q_s_term_remove, DB_ARGS(DB_BYTES(left->text)), NULL, e);
}

int merge_all(struct change *c, struct err *e)
{
    struct lefts lefts = {0};
    int rc = merge_terms(c, &lefts, e);

    if (rc == 0)
        rc = merge_bits(c, e);
    for (size_t i = 0; rc == 0 && i < lefts.n; i++)
        rc = remove_left(c, &lefts.v[i], e);
    mem_free(lefts.v);
    return rc;
}
