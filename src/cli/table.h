/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: rows for people, in columns as wide as what stands in them. What comes from others is
 * shown without characters that a terminal would obey.
 */
#ifndef HAVEN_CLI_TABLE_H
#define HAVEN_CLI_TABLE_H

#include "base/arena.h"
#include "base/buf.h"

#define TABLE_COLUMNS 8

struct table {
    struct arena *arena; /* the cells lie there */
    size_t columns, rows, cap;
    const struct str *head;
    struct str *cells;
    size_t width[TABLE_COLUMNS]; /* never shrinks, so that pages of one list look alike */
};

/* head: the titles, borrowed. */
void table_init(struct table *t, struct arena *a, const struct str *head, size_t columns);
/* One row of t->columns cells, copied. An empty cell is shown as "-". */
void table_add(struct table *t, const struct str *cells);
/* Appends the titles (if title) and the rows to out and forgets the rows. */
void table_write(struct table *t, bool title, struct buf *out);

#endif
