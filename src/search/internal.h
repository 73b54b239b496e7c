/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of search/ share. Not for other directories. */
#ifndef HAVEN_SEARCH_INTERNAL_H
#define HAVEN_SEARCH_INTERNAL_H

#include "search/search.h"
#include "search/set.h"

#include <pthread.h>
#include <sys/types.h>

/* Columns of the table cells. Numbers are kept. */
enum search_column {
    SEARCH_CELL_UPDATE,
    SEARCH_CELL_PULLS,
    SEARCH_CELL_SIZE,
    SEARCH_CELL_PARAMETERS,
    SEARCH_CELL_PROJECT,
    SEARCH_CELLS
};
/* Code of the set of all models. */
#define SEARCH_ALL 0
/* The code of a value: its facet, plus this times a number. */
#define SEARCH_CODE_STEP 16
/* Codes of one model. */
#define SEARCH_CODES_MAX 256

struct search {
    int data_dir;
    struct registry *registry;
    pthread_rwlock_t lock; /* searches hold it, who exchanges db excludes them */
    struct db *db;         /* NULL: none for now */
    ino_t file;            /* that is open */
    int64_t filled;        /* artifacts up to this were looked at */
    int64_t made_ms;       /* when it was last made, on the monotonic clock */
    _Atomic bool complete;
    _Atomic bool damaged;
};

/* Memory of one search: sets of all artifacts, and for pages far behind a list of them. */
#define SEARCH_ARENA (256 * MIB)

/* search.c: while a search reads; NULL: there is no database for now. search_leave follows in any
 * case. */
struct db_conn *search_enter(struct search *s);
void search_leave(struct search *s);

/* Upper case of ASCII folded, in the arena: as words of values are kept. */
struct str search_folded(struct arena *a, struct str s);

/* words.c: the expression of FTS5 for a text; false: no word is in it. Nothing of what the caller
 * writes is syntax. */
bool search_expression(struct str text, struct buf *out);

/* matching.c: those that match, and among them those that have the words in their name. In the
 * arena. */
struct matching {
    struct set found, named;
    int64_t total;
    bool more;
};
int search_match(struct db_conn *c, struct arena *a, const struct search_query *q,
                 struct matching *ret, struct err *e);

#endif
