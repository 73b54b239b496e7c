/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change: one transaction on the database of the search: entries are written or removed with all
 * that finds them. Rows that many entries share (bits, cells) are kept in memory until the end. Not
 * for other directories.
 */
#ifndef HAVEN_SEARCH_CHANGE_H
#define HAVEN_SEARCH_CHANGE_H

#include "search/internal.h"

/* A row of bits or cells that was read. */
struct change_row {
    int64_t key;
    char *bytes;
    bool cells, changed;
};
struct change {
    struct db_txn txn;
    struct change_row *rows; /* by a hash of their key; room is a power of two */
    size_t n, room;
    int64_t entries; /* written or removed so far */
};

/* All that is kept of a model; texts are borrowed. */
struct search_entry {
    int64_t id, repository;
    struct str name;               /* that it is sorted by */
    struct str shown;              /* JSON */
    struct str title, about, card; /* words; title: name and title of the model */
    int64_t cells[SEARCH_CELLS];
    struct {
        enum search_facet facet;
        struct str value;
    } values[SEARCH_CODES_MAX];
    size_t n_values;
};

int change_begin(struct change *c, struct db *db, struct err *e);
int change_put(struct change *c, const struct search_entry *entry, struct err *e);
int change_remove(struct change *c, int64_t id, struct err *e); /* none is there: nothing */
/* A number of a column of an entry that is there. */
int change_cell(struct change *c, int64_t id, enum search_column column, int64_t value,
                struct err *e);
int change_state(struct change *c, const char *name, int64_t value, struct err *e);
int change_commit(struct change *c, struct err *e);
void change_autodone(struct change *c); /* without a commit: as if nothing had been */

#endif
