/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of search/ share. Not for other directories. */
#ifndef HAVEN_SEARCH_INTERNAL_H
#define HAVEN_SEARCH_INTERNAL_H

#include "db/words.h"
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
    SEARCH_CELL_NAME, /* labels, in the order of the names of repositories */
    SEARCH_CELLS
};
/* Code of the set of all models. */
#define SEARCH_ALL 0
/* The code of a value: its facet, plus this times a number. Those of a term: these, instead. */
#define SEARCH_CODE_STEP  16
#define SEARCH_CODE_WORD  13 /* in any text */
#define SEARCH_CODE_NAMED 14 /* in the name */

struct search {
    int data_dir;
    struct registry *registry;
    struct db_words *words; /* NULL: db is NULL, too */
    pthread_rwlock_t lock;  /* searches hold it, who exchanges db excludes them */
    struct db *db;          /* NULL: none for now */
    ino_t file;             /* that is open */
    int64_t filled;         /* artifacts up to this were looked at */
    int64_t made_ms;        /* when it was last made, on the monotonic clock */
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

/* matching.c: those that match, and among them those that have the words in their name (asked for
 * by want_named). In the arena. */
struct matching {
    struct set found, named;
    bool has_named;
    int64_t total;
    bool more; /* the last word is the beginning of more words than were looked at */
};
int search_match(const struct search *s, struct db_conn *c, struct arena *a,
                 const struct search_query *q, bool want_named, struct matching *ret,
                 struct err *e);

#endif
