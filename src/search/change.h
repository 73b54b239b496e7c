/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change: one transaction on the database of the search: entries are written or removed with all
 * that finds them. What many entries share (bits, cells, codes, terms) is gathered in memory and
 * written at the end, in the order of the database. Not for other directories.
 */
#ifndef HAVEN_SEARCH_CHANGE_H
#define HAVEN_SEARCH_CHANGE_H

#include "search/internal.h"
#include "search/terms.h"

/* A row of cells or codes that was read. */
struct change_row {
    int64_t key;
    int64_t *cells;           /* SEARCH_CHUNK of them, or */
    struct pack_codes *codes; /* as many of these; neither: the place is free */
    bool changed;
};
/* One becomes a member of a set of bits, or is none any more. */
struct change_bit {
    int64_t key;
    uint32_t order; /* the last one counts */
    uint16_t at;
    bool on;
};
/* One has a term, or has it no more. */
struct change_term {
    uint64_t head; /* of its text, so that most need not be looked at to be sorted */
    size_t at;     /* in texts */
    size_t n;
    int64_t id;
    uint32_t order;
    bool there, named;
    bool was_named;
};
struct change {
    struct db_txn txn;
    const struct db_words *words;
    struct change_row *rows; /* by a hash of their key; room is a power of two */
    size_t n_rows, room_rows;
    struct change_bit *bits;
    size_t n_bits, room_bits;
    struct change_term *terms;
    size_t n_terms, room_terms;
    struct buf texts;
    int64_t last_term; /* the last number of a term; -1: not read yet */
    int64_t entries;   /* written or removed so far */
};

/* All that is kept of a model; texts are borrowed. */
struct search_entry {
    int64_t id, repository;
    struct str name;               /* that it is sorted by */
    struct str shown;              /* JSON */
    struct str title, about, card; /* words; title: name and title of the model */
    int64_t cells[SEARCH_CELLS];   /* but that of its name */
    struct {
        enum search_facet facet;
        struct str value;
    } values[SEARCH_CODES_MAX];
    size_t n_values;
};

/* words: borrowed until the end. */
int change_begin(struct change *c, struct db *db, const struct db_words *words, struct err *e);
int change_put(struct change *c, const struct search_entry *n, struct err *e);
int change_remove(struct change *c, int64_t id, struct err *e); /* none is there: nothing */
/* A number of a column of an entry that is there. */
int change_cell(struct change *c, int64_t id, enum search_column column, int64_t value,
                struct err *e);
int change_state(struct change *c, const char *name, int64_t value, struct err *e);
/* So much is gathered that it should be committed before more is. */
bool change_is_full(const struct change *c);
int change_commit(struct change *c, struct err *e);
void change_autodone(struct change *c); /* without a commit: as if nothing had been */

/* merge.c: sets of bits and terms. */
void merge_put_bit(struct change *c, int64_t code, int64_t id, bool on);
/* From what an entry had to what it has; either may be empty. */
int merge_put_terms(struct change *c, int64_t id, const struct terms *old, const struct terms *now,
                    struct err *e);
int merge_all(struct change *c, struct err *e); /* before the commit, once */

/* place.c: one more entry of a repository of this name, and one fewer. *ret_label: what it is
 * sorted by. */
int place_take(struct change *c, struct str name, int64_t *ret_place, int64_t *ret_label,
               struct err *e);
int place_leave(struct change *c, int64_t place, struct err *e);

#endif
