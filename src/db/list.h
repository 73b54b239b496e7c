/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list: lists that callers filter and sort.
 *
 * A list is a row of data: what it selects, and a table of the fields that may be asked about. The
 * statement is assembled of that data alone; what callers give are parameters. A test prepares
 * every field with every operator in every order on both engines.
 */
#ifndef HAVEN_DB_LIST_H
#define HAVEN_DB_LIST_H

#include "base/buf.h"
#include "db/db.h"

enum db_field_type { DB_FIELD_TEXT, DB_FIELD_I64, DB_FIELD_BOOL, DB_FIELD_TIME };

struct db_field {
    const char *name;   /* as callers write it: "creation_time" */
    const char *column; /* what it is compared with and sorted by */
    enum db_field_type type;
    /* Set instead of column for what a row may have many of: a condition with '?' in the place of
     * operator and value ("EXISTS (SELECT 1 FROM tag t WHERE … AND t.name ?)"). It is not sorted
     * by. */
    const char *exists;
};

struct db_list {
    const char *name;
    const char *columns; /* of each row */
    const char *from;    /* tables with a WHERE, parameters $1 to $n_args */
    size_t n_args;
    const struct db_field *fields;
    size_t n_fields;
    const char *order; /* without a wish: "p.name, p.id" */
    const char *key;   /* unique: ends every order, so that pages never overlap */
    /* A column, and tables as in from with the same parameters: its sum is how many rows there are
     * while nothing is asked of them. NULL: they are counted. */
    const char *total, *total_from;
    /* " AND …": a condition that the first '?' rows in `order` fulfil (and others may), by which
     * they are found without looking at the rest. Used while nothing is asked of the rows and no
     * other order. NULL: none is known. */
    const char *first;
    /* Another list with the same fields, which the same operations ask for other callers. */
    const struct db_list *other;
    /* What becomes of a row: its size in bytes, and how it is read into one, whose texts lie in the
     * arena then. */
    size_t size;
    int (*row)(const struct db_rows *rows, struct arena *a, void *ret, struct err *e);
};

enum db_match_op {
    DB_MATCH_EXACT,    /* one value */
    DB_MATCH_CONTAINS, /* one text, ASCII case ignored; text fields only */
    DB_MATCH_RANGE,    /* two values, both ends belong to it; DB_NULL: open */
    DB_MATCH_ANY,      /* one or more values */
    DB_MATCH_ALL,      /* the same, but each must match */
};

struct db_match {
    const struct db_field *field;
    enum db_match_op op;
    const struct db_arg *values; /* of the type of the field (text, or numbers) */
    size_t n;
};

struct db_sort {
    const struct db_field *field;
    bool descending;
};

struct db_list_query {
    struct db_args args; /* for from */
    const struct db_match *matches;
    size_t n_matches;
    const struct db_sort *sorts;
    size_t n_sorts;
    int64_t limit, offset;
};

/* The field of this name, or NULL. */
const struct db_field *db_list_field(const struct db_list *l, struct str name);
/* May this field be asked so? */
bool db_list_takes(const struct db_field *f, enum db_match_op op);

/* How many rows match. LIMIT: the query is too long. */
int db_list_count(struct db_conn *c, const struct db_list *l, const struct db_list_query *q,
                  int64_t *ret, struct err *e);
/* The rows of the page. */
int db_list_rows(struct db_conn *c, const struct db_list *l, const struct db_list_query *q,
                 struct db_rows *ret, struct err *e);
/* A page as its list reads rows. */
struct db_page {
    void *v; /* n elements of the list's size, in the arena */
    size_t n;
    int64_t total; /* of all that match */
};
/* The page asked for of the rows that args (instead of those of q) choose. */
int db_list_page(struct db_conn *c, const struct db_list *l, struct db_args args,
                 const struct db_list_query *q, struct arena *a, struct db_page *ret,
                 struct err *e);
/* The same without counting. */
int db_list_some(struct db_conn *c, const struct db_list *l, struct db_args args,
                 const struct db_list_query *q, struct arena *a, struct db_page *ret,
                 struct err *e);
/* The row of the list whose field has this value, read into *ret: 1, 0, -1. */
int db_list_find(struct db_conn *c, const struct db_list *l, struct db_args args, const char *field,
                 struct db_arg value, struct arena *a, void *ret, struct err *e);
/* The first row that args choose, read into *ret: 1, 0, -1. */
int db_list_one(struct db_conn *c, const struct db_list *l, struct db_args args, struct arena *a,
                void *ret, struct err *e);
/* For tests: the statement. */
void db_list_sql(const struct db_list *l, const struct db_list_query *q, bool count,
                 struct buf *out);

#endif
