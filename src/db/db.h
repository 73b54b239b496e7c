/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: the facts. One catalogue of queries (queries.def), numbered migrations, and a driver behind.
 *
 * SQLite in WAL mode with synchronous=FULL and foreign keys on: one writer at a time, many readers.
 * Each thread gets a connection of its own for reading, made at its first use and closed with the
 * database; writing goes through a transaction, which owns the one writer connection.
 *
 *     AUTO(db_txn) t = {0};
 *     if (db_begin(db, &t, e) < 0) return -1;
 *     if (db_exec(t.conn, Q_tag_put, DB_ARGS(DB_I64(repo), DB_TEXT(name)), e) < 0) return -1;
 *     return db_commit(&t, e);            // left without commit: rolled back
 *
 * No text of a caller ever enters SQL. Parameters are written $1, $2 … in the catalogue for both
 * engines. A transaction never spans a transfer or a wait for a peer.
 */
#ifndef HAVEN_DB_DB_H
#define HAVEN_DB_DB_H

#include "base/arena.h"
#include "base/err.h"

enum db_query {
#define Q(name, sql) Q_##name,
#include "db/queries.def"
    Q_MAIN_COUNT,
    Q_MAIN_LAST = Q_MAIN_COUNT - 1,
#include "db/search.def"
#undef Q
    Q_COUNT
};

/* What a file holds: a schema, and the queries about it. */
enum db_set {
    DB_MAIN,  /* the facts; those of queries.def, on both engines */
    DB_SEARCH /* what is made of them to search in; those of search.def, SQLite for ever */
};

struct db;
struct db_conn;

enum db_type { DB_TYPE_NULL, DB_TYPE_I64, DB_TYPE_TEXT, DB_TYPE_BYTES };
struct db_arg {
    enum db_type type;
    int64_t i;
    struct str s; /* borrowed until the call returns */
};
struct db_args {
    const struct db_arg *v;
    size_t n;
};
#define DB_I64(x)   ((struct db_arg){.type = DB_TYPE_I64, .i = (int64_t)(x)})
#define DB_TEXT(x)  ((struct db_arg){.type = DB_TYPE_TEXT, .s = (x)})
#define DB_TEXTZ(x) ((struct db_arg){.type = DB_TYPE_TEXT, .s = str_from(x)})
#define DB_BYTES(x) ((struct db_arg){.type = DB_TYPE_BYTES, .s = (x)})
#define DB_NULL     ((struct db_arg){.type = DB_TYPE_NULL})
#define DB_ARGS(...)                                                                               \
    ((struct db_args){(const struct db_arg[]){__VA_ARGS__},                                        \
                      sizeof((const struct db_arg[]){__VA_ARGS__}) / sizeof(struct db_arg)})
#define DB_NO_ARGS ((struct db_args){NULL, 0})

/* Opens (and creates) the file `name` in data_dir (borrowed for the call) and brings the schema up
 * to date, one migration per transaction. A newer schema than this program knows, or a database
 * that is not Haven's, is refused with a message that says so (CONFIG); a damaged file is CORRUPT.
 */
int db_open(int data_dir, const char *name, struct db **ret, struct err *e);
/* The same for a file of another set; db_open is that of DB_MAIN. */
int db_open_set(int data_dir, const char *name, enum db_set set, struct db **ret, struct err *e);
/* For programs that work beside a server: the file must be there and have exactly the schema that
 * this program knows (CONFIG), unless any_version; nothing is migrated. */
int db_open_as_is(int data_dir, const char *name, bool any_version, struct db **ret, struct err *e);
void db_close(struct db *db); /* checkpoints; no other thread may be using it. NULL is welcome. */
int db_schema_version(struct db *db, struct err *e); /* -1: error */

/* The calling thread's reading connection; never NULL after db_open succeeded, errors come from
 * use. */
struct db_conn *db_reader(struct db *db);

struct db_txn {
    struct db *db;
    struct db_conn *conn;
};
int db_begin(struct db *db, struct db_txn *ret, struct err *e);
int db_commit(struct db_txn *t, struct err *e);
void db_rollback(struct db_txn *t); /* nothing if it is over */
void db_txn_autodone(struct db_txn *t);

/* Runs a statement that gives no rows; *ret_changed (may be NULL) = rows changed. A violated unique
 * constraint is CONFLICT, any other DB; a database that another process keeps locked is
 * UNAVAILABLE. */
int db_exec(struct db_conn *c, enum db_query q, struct db_args args, int64_t *ret_changed,
            struct err *e);

/* A cursor over rows. One cursor per (connection, query) at a time. */
struct db_rows {
    struct db_conn *conn;
    void *stmt;
    bool once;  /* the statement goes with the cursor */
    void *kept; /* its place among those of lists; NULL: it has none */
};
int db_query(struct db_conn *c, enum db_query q, struct db_args args, struct db_rows *ret,
             struct err *e);
int db_next(struct db_rows *r, struct err *e); /* 1 row, 0 end, -1 error */
void db_rows_done(struct db_rows *r);          /* repeated calls are welcome */
void db_rows_autodone(struct db_rows *r);
/* Columns of the present row, from 0; text and bytes are borrowed until the next db_next. */
int64_t db_i64(const struct db_rows *r, int col);
struct str db_text(const struct db_rows *r, int col);
struct str db_bytes(const struct db_rows *r, int col);
bool db_is_null(const struct db_rows *r, int col);

/* One row at most: 1 (cursor stands on it, release with db_rows_done), 0 (already released), -1. */
int db_one(struct db_conn *c, enum db_query q, struct db_args args, struct db_rows *ret,
           struct err *e);

/* Asks the engine whether the file is sound; thorough: every row of every index, which takes long.
 * Calls fn for each line of complaint. Errors are those of asking. */
int db_check(struct db *db, bool thorough, int (*fn)(void *p, const char *line, struct err *e),
             void *p, struct err *e);
/* Writes the database as it is at one moment, while others go on, as a new file in a directory.
 * Synced; CONFLICT when the name is taken. */
int db_snapshot(struct db *db, int dir, const char *name, struct err *e);

/* For tests and tools: the catalogue's text and a query's name. */
const char *db_query_sql(enum db_query q);
const char *db_query_name(enum db_query q);
/* The migrations, in order: version, name, SQL for each engine. NULL past the end. */
struct db_migration {
    int version;
    const char *name;
    const char *sql;      /* as for SQLite */
    const char *postgres; /* as for PostgreSQL */
};
const struct db_migration *db_migration(size_t i);
const struct db_migration *db_search_migration(size_t i); /* of DB_SEARCH; postgres: NULL */

#endif
