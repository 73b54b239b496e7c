/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver.
 *
 * Connections are opened without SQLite's own mutex: a reader belongs to one thread (found by a
 * thread key, closed when the thread ends), the writer to whoever holds the transaction's mutex.
 * Statements of the catalogue are prepared once per connection and kept, and so are the latest of
 * lists, whose preparation costs more than running them. A cursor holds a snapshot as long as it is
 * open, which is why the end of the rows, an error and db_rows_done all reset it at once.
 *
 * Memory per connection is kept small (a lookaside of 32 KiB, a page cache of half a megabyte that
 * is filled only by what lies in the write-ahead log): what is read from the main file is mapped,
 * and shared by all.
 */
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/sys.h"
#include "db/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

/* "HVN1" in the header of the file, so that file(1) and other programs can tell. */
#define APPLICATION_ID "1213615665"
#define BUSY_MS        10000
#define LINE_MAX_BYTES 1024 /* of one complaint about the file */

static const char pragmas[] = "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA journal_size_limit = 67108864;";

/* A statement of a list, found again by its text. */
struct kept {
    char *text;
    size_t n;
    sqlite3_stmt *stmt;
    uint64_t used; /* the larger, the later */
    bool taken;    /* by a cursor */
};

struct db_conn {
    struct db *db;
    struct db_conn *prev, *next; /* readers: the database's list */
    bool writer;
    bool broken;     /* to be closed and opened anew before the next transaction */
    sqlite3 *handle; /* NULL: not opened yet */
    sqlite3_stmt *stmts[Q_COUNT];
    struct kept kept[LIMIT_KEPT_STATEMENTS];
    uint64_t uses;
};

struct db {
    char *path;
    enum db_set set;
    pthread_key_t key; /* the thread's reader */
    pthread_mutex_t writer_lock;
    struct db_conn *writer;
    pthread_mutex_t readers_lock;
    struct db_conn *readers;
};

/* ---- errors ---- */

static int sqlite_err(struct db_conn *c, int rc, const char *what, struct err *e)
{
    const char *msg = c->handle ? sqlite3_errmsg(c->handle) : sqlite3_errstr(rc);

    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
            return ERR(e, CONFLICT, "%s: %s", what, msg);
        return ERR(e, DB, "%s: %s", what, msg);
    case SQLITE_FULL:
        return ERR(e, NO_SPACE, "%s: %s", what, msg);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        errno = c->handle ? sqlite3_system_errno(c->handle) : 0;
        if (errno)
            return ERR_SYS(e, "%s: %s: %s", c->db->path, what, msg);
        return ERR(e, IO, "%s: %s: %s", c->db->path, what, msg);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR(e, CORRUPT,
                   "%s: %s: %s; stop the server, keep a copy of the file and of those beside it "
                   "(-wal, -shm), and restore a backup or try \"sqlite3 FILE .recover\"",
                   c->db->path, what, msg);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR(e, UNAVAILABLE, "%s: %s: another process uses the database", c->db->path, what);
    default:
        return ERR(e, DB, "%s: %s", what, msg);
    }
}

static int query_err(struct db_conn *c, int rc, enum db_query q, struct err *e)
{
    char what[80];

    snprintf(what, sizeof(what), "query %s", db_query_name(q));
    return sqlite_err(c, rc, what, e);
}

/* ---- connections ---- */

static void kept_drop(struct kept *k)
{
    sqlite3_finalize(k->stmt);
    mem_free(k->text);
    *k = (struct kept){0};
}

static void conn_close(struct db_conn *c)
{
    for (size_t i = 0; i < ARRAY_LEN(c->kept); i++)
        kept_drop(&c->kept[i]);
    for (size_t i = 0; i < Q_COUNT; i++) {
        sqlite3_finalize(c->stmts[i]);
        c->stmts[i] = NULL;
    }
    sqlite3_close(c->handle);
    c->handle = NULL;
    c->broken = false;
}

static void conn_free(struct db_conn *c)
{
    if (!c)
        return;
    conn_close(c);
    mem_free(c);
}

static int conn_config(struct db_conn *c)
{
    static const struct {
        int op, value;
    } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    };
    int rc = sqlite3_db_config(c->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 128);

    for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(switches); i++)
        rc = sqlite3_db_config(c->handle, switches[i].op, switches[i].value, NULL);
    return rc;
}

/* The first column of a pragma's only row, as text of at most n - 1 bytes. */
static int conn_pragma(struct db_conn *c, const char *sql, char *out, size_t n, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->handle, sql, -1, &stmt, NULL);

    out[0] = '\0';
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        snprintf(out, n, "%s", (const char *)sqlite3_column_text(stmt, 0));
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? 0 : sqlite_err(c, rc, sql, e);
}

/* Whether the file really works with a write-ahead log (some network file systems cannot). */
static int conn_check_wal(struct db_conn *c, struct err *e)
{
    char mode[16];

    if (conn_pragma(c, "PRAGMA journal_mode", mode, sizeof(mode), e) < 0)
        return -1;
    if (!str_ieq(str_from(mode), STR("wal")))
        return ERR(e, CONFIG, "%s: the file system does not support a write-ahead log",
                   c->db->path);
    return 0;
}

/* Opens the connection if that has not been done; a failure leaves it closed, to be tried again. */
static int conn_open(struct db_conn *c, struct err *e)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    int rc;

    if (c->handle)
        return 0;
    rc = sqlite3_open_v2(c->db->path, &c->handle, flags, NULL);
    if (rc == SQLITE_OK)
        rc = conn_config(c);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(c->handle, BUSY_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->handle, pragmas, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->handle,
                          c->writer ? "PRAGMA cache_size = -4096"
                          : c->db->set == DB_SEARCH
                              ? "PRAGMA cache_size = -4096; PRAGMA query_only = ON"
                              : "PRAGMA cache_size = -512; PRAGMA query_only = ON",
                          NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        sqlite_err(c, rc, "opening", e);
        conn_close(c);
        return -1;
    }
    if (conn_check_wal(c, e) < 0) {
        conn_close(c);
        return -1;
    }
    return 0;
}

/* $n becomes ?n: SQLite would number the former by first appearance. */
static int prepare_text(struct db_conn *c, const char *sql, unsigned flags, sqlite3_stmt **ret)
{
    AUTO_FREE char *text = mem_strdup(sql);
    bool quoted = false;

    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '\'')
            quoted = !quoted;
        else if (text[i] == '$' && !quoted)
            text[i] = '?';
    }
    return sqlite3_prepare_v3(c->handle, text, -1, flags, ret, NULL);
}

static int prepare(struct db_conn *c, enum db_query q, struct err *e)
{
    int rc = prepare_text(c, db_query_sql(q), SQLITE_PREPARE_PERSISTENT, &c->stmts[q]);
    return rc == SQLITE_OK ? 0 : query_err(c, rc, q, e);
}

static int bind(sqlite3_stmt *stmt, int at, const struct db_arg *arg, sqlite3_destructor_type life)
{
    const char *p = arg->s.p ? arg->s.p : ""; /* a NULL pointer would bind NULL */

    switch (arg->type) {
    case DB_TYPE_I64:
        return sqlite3_bind_int64(stmt, at, arg->i);
    case DB_TYPE_TEXT:
        return sqlite3_bind_text64(stmt, at, p, arg->s.n, life, SQLITE_UTF8);
    case DB_TYPE_BYTES:
        return sqlite3_bind_blob64(stmt, at, p, arg->s.n, life);
    case DB_TYPE_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, at);
}

/* Binds all parameters of a statement. keep: the values are copied (a cursor goes on using them),
 * else they are borrowed for one step. An SQLite result code. */
static int bind_all(sqlite3_stmt *stmt, struct db_args args, bool keep)
{
    int rc = SQLITE_OK;

    BUG_ON(args.n != (size_t)sqlite3_bind_parameter_count(stmt));
    for (size_t i = 0; rc == SQLITE_OK && i < args.n; i++)
        rc = bind(stmt, (int)i + 1, &args.v[i], keep ? SQLITE_TRANSIENT : SQLITE_STATIC);
    return rc;
}

/* The statement of q with its parameters bound; NULL with the error. keep as for bind_all. */
static sqlite3_stmt *conn_stmt(struct db_conn *c, enum db_query q, struct db_args args, bool keep,
                               struct err *e)
{
    sqlite3_stmt *stmt;

    BUG_ON(q >= Q_COUNT);
    if (conn_open(c, e) < 0 || (!c->stmts[q] && prepare(c, q, e) < 0))
        return NULL;
    stmt = c->stmts[q];
    BUG_ON(sqlite3_stmt_busy(stmt)); /* one cursor per connection and query */
    int rc = bind_all(stmt, args, keep);
    if (rc != SQLITE_OK) {
        query_err(c, rc, q, e);
        sqlite3_clear_bindings(stmt);
        return NULL;
    }
    return stmt;
}

static int conn_run(struct db_conn *c, const char *sql, struct err *e)
{
    int rc;

    if (conn_open(c, e) < 0)
        return -1;
    rc = sqlite3_exec(c->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sqlite_err(c, rc, sql, e);
}

int db_conn_script(struct db_conn *c, const char *sql, struct err *e)
{
    int rc;

    if (conn_open(c, e) < 0)
        return -1;
    /* Scripts are the program's own and may change the text of a schema. */
    rc = sqlite3_db_config(c->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->handle, sql, NULL, NULL, NULL);
    int failed = rc == SQLITE_OK ? 0 : sqlite_err(c, rc, "running a script", e);
    rc = sqlite3_db_config(c->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return failed < 0 || rc == SQLITE_OK ? failed : sqlite_err(c, rc, "after a script", e);
}

int db_conn_has_table(struct db_conn *c, const char *name, bool *ret_has, bool *ret_others,
                      struct err *e)
{
    static const char sql[] = "SELECT name FROM sqlite_schema WHERE type = 'table'"
                              " AND name NOT LIKE 'sqlite~_%' ESCAPE '~'";
    sqlite3_stmt *stmt = NULL;
    bool has = false, others = false;
    int rc;

    if (conn_open(c, e) < 0)
        return -1;
    rc = sqlite3_prepare_v2(c->handle, sql, -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (str_eqz(str_from((const char *)sqlite3_column_text(stmt, 0)), name))
            has = true;
        else
            others = true;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        return sqlite_err(c, rc, "reading the schema", e);
    *ret_has = has;
    *ret_others = others;
    return 0;
}

/* ---- readers ---- */

static void reader_end(void *p) /* the thread ends */
{
    struct db_conn *c = p;
    struct db *db = c->db;

    pthread_mutex_lock(&db->readers_lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        db->readers = c->next;
    if (c->next)
        c->next->prev = c->prev;
    pthread_mutex_unlock(&db->readers_lock);
    conn_free(c);
}

struct db_conn *db_reader(struct db *db)
{
    struct db_conn *c = pthread_getspecific(db->key);

    if (c)
        return c;
    c = NEW(struct db_conn);
    c->db = db;
    BUG_ON(pthread_setspecific(db->key, c) != 0);
    pthread_mutex_lock(&db->readers_lock);
    c->next = db->readers;
    if (c->next)
        c->next->prev = c;
    db->readers = c;
    pthread_mutex_unlock(&db->readers_lock);
    return c;
}

/* ---- opening and closing ---- */

static void sqlite_once(void)
{
    /* Without statistics the allocator takes no process-wide lock. Refused once SQLite is in use,
     * which does no harm. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void db_driver_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, sqlite_once);
}

/* SQLite opens by name only, and takes no name with a symbolic link in it: the directory's own. */
static int db_path(int data_dir, const char *name, char **ret, struct err *e)
{
    char link[64], dir[4096];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", data_dir);
    n = readlink(link, dir, sizeof(dir));
    if (n < 0)
        return ERR_SYS(e, "finding the path of the data directory (%s)", link);
    if ((size_t)n == sizeof(dir) || dir[0] != '/')
        return ERR(e, IO, "the data directory has no usable path");
    *ret = mem_printf("%.*s/%s", (int)n, dir, name);
    return 0;
}

/* Makes the file with its final mode: it holds password hashes and keys. An existing one is not
 * even opened here, since closing it again would drop locks that SQLite holds in this process. */
static int db_create(int data_dir, const char *name, const char *path, struct err *e)
{
    struct err why = {0};
    AUTOFD fd = file_open_at(data_dir, name, O_RDWR | O_CREAT | O_EXCL, 0600, &why);

    if (fd < 0 && why.sys == EEXIST)
        return 0;
    if (fd < 0) {
        if (e)
            *e = why;
        return err_wrap(e, "creating %s", path);
    }
    return file_sync_dir(data_dir, e);
}

/* Marks a new file as ours; a file that another program marked is left alone. */
static int db_mark(struct db_conn *c, struct err *e)
{
    char id[24];

    if (conn_open(c, e) < 0 || conn_pragma(c, "PRAGMA application_id", id, sizeof(id), e) < 0)
        return -1;
    if (str_eqz(str_from(id), APPLICATION_ID))
        return 0;
    if (!str_eqz(str_from(id), "0"))
        return ERR(e, CONFIG, "it belongs to another program; name another data directory");
    return conn_run(c, "PRAGMA application_id = " APPLICATION_ID, e);
}

int db_driver_open(int data_dir, const char *name, enum db_set set, struct db **ret, struct err *e)
{
    struct db *db;
    char *path;

    db_driver_init();
    if (db_path(data_dir, name, &path, e) < 0)
        return -1;
    db = NEW(struct db);
    db->path = path;
    db->set = set;
    BUG_ON(pthread_key_create(&db->key, reader_end) != 0);
    pthread_mutex_init(&db->writer_lock, NULL);
    pthread_mutex_init(&db->readers_lock, NULL);
    db->writer = NEW(struct db_conn);
    db->writer->db = db;
    db->writer->writer = true;
    if (db_create(data_dir, name, path, e) < 0) {
        db_close(db);
        return -1;
    }
    if (db_mark(db->writer, e) < 0) {
        err_wrap(e, "%s", path);
        db_close(db);
        return -1;
    }
    *ret = db;
    return 0;
}

enum db_set db_driver_set(const struct db *db)
{
    return db->set;
}

const char *db_driver_path(const struct db *db)
{
    return db->path;
}

void db_close(struct db *db)
{
    struct db_conn *next;

    if (!db)
        return;
    pthread_key_delete(db->key); /* from now on the end of a thread frees nothing */
    for (struct db_conn *c = db->readers; c; c = next) {
        next = c->next;
        conn_free(c);
    }
    /* The last connection writes the log back and removes it; TRUNCATE does as much when another
     * process looks on. */
    if (db->writer->handle)
        sqlite3_wal_checkpoint_v2(db->writer->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    conn_free(db->writer);
    pthread_mutex_destroy(&db->writer_lock);
    pthread_mutex_destroy(&db->readers_lock);
    mem_free(db->path);
    mem_free(db);
}

/* ---- transactions ---- */

int db_begin(struct db *db, struct db_txn *ret, struct err *e)
{
    pthread_mutex_lock(&db->writer_lock);
    if (db->writer->broken)
        conn_close(db->writer);
    if (conn_run(db->writer, "BEGIN IMMEDIATE", e) < 0) {
        pthread_mutex_unlock(&db->writer_lock);
        return -1;
    }
    *ret = (struct db_txn){.db = db, .conn = db->writer};
    return 0;
}

static void txn_end(struct db_txn *t)
{
    struct db *db = t->db;

    *t = (struct db_txn){0};
    pthread_mutex_unlock(&db->writer_lock);
}

int db_commit(struct db_txn *t, struct err *e)
{
    if (conn_run(t->conn, "COMMIT", e) < 0) {
        db_rollback(t);
        return -1;
    }
    METRIC_ADD(db_transactions, 1);
    txn_end(t);
    return 0;
}

void db_rollback(struct db_txn *t)
{
    if (!t->db)
        return;
    /* A full disk or a failed write may have rolled it back already. After a rollback that fails
     * the handle is not to be trusted; cursors may still stand on it, so it is closed later. */
    if (!sqlite3_get_autocommit(t->conn->handle) && conn_run(t->conn, "ROLLBACK", NULL) < 0)
        t->conn->broken = true;
    txn_end(t);
}

void db_txn_autodone(struct db_txn *t)
{
    db_rollback(t);
}

/* ---- statements ---- */

int db_exec(struct db_conn *c, enum db_query q, struct db_args args, int64_t *ret_changed,
            struct err *e)
{
    sqlite3_stmt *stmt = conn_stmt(c, q, args, false, e);
    int rc;

    if (!stmt)
        return -1;
    rc = sqlite3_step(stmt);
    BUG_ON(rc == SQLITE_ROW);
    if (rc != SQLITE_DONE)
        query_err(c, rc, q, e);
    else if (ret_changed)
        *ret_changed = sqlite3_changes64(c->handle);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

int db_query(struct db_conn *c, enum db_query q, struct db_args args, struct db_rows *ret,
             struct err *e)
{
    sqlite3_stmt *stmt = conn_stmt(c, q, args, true, e);

    if (!stmt)
        return -1;
    *ret = (struct db_rows){.conn = c, .stmt = stmt};
    return 0;
}

/* The kept statement of this text, made if need be in the place of the one used longest ago; one
 * that is not kept while cursors stand on all of them. An SQLite result code. */
static int kept_stmt(struct db_conn *c, const char *sql, struct db_rows *ret)
{
    size_t n = strlen(sql);
    struct kept *k = NULL;

    for (size_t i = 0; i < ARRAY_LEN(c->kept); i++) {
        struct kept *at = &c->kept[i];
        if (at->taken)
            continue;
        if (at->text && at->n == n && memcmp(at->text, sql, n) == 0) {
            *ret = (struct db_rows){.conn = c, .stmt = at->stmt, .kept = at};
            return SQLITE_OK;
        }
        if (!k || at->used < k->used)
            k = at;
    }
    sqlite3_stmt *stmt = NULL;
    int rc = prepare_text(c, sql, k ? SQLITE_PREPARE_PERSISTENT : 0, &stmt);
    *ret = (struct db_rows){.conn = c, .stmt = stmt, .once = !k, .kept = k};
    if (rc != SQLITE_OK || !k)
        return rc;
    kept_drop(k);
    *k = (struct kept){.text = mem_strdup(sql), .n = n, .stmt = stmt};
    return SQLITE_OK;
}

int db_conn_query(struct db_conn *c, const char *name, const char *sql, struct db_args args,
                  struct db_rows *ret, struct err *e)
{
    struct db_rows rows;
    char what[80];

    if (conn_open(c, e) < 0)
        return -1;
    int rc = kept_stmt(c, sql, &rows);
    if (rc == SQLITE_OK)
        rc = bind_all(rows.stmt, args, true);
    if (rc != SQLITE_OK) {
        snprintf(what, sizeof(what), "list %s", name);
        sqlite_err(c, rc, what, e);
        db_rows_done(&rows);
        return -1;
    }
    if (rows.kept) {
        struct kept *k = rows.kept;
        k->taken = true;
        k->used = ++c->uses;
    }
    *ret = rows;
    return 0;
}

int db_next(struct db_rows *r, struct err *e)
{
    enum db_query q = Q_COUNT;
    int rc;

    if (!r->stmt)
        return 0;
    rc = sqlite3_step(r->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE) {
        for (size_t i = 0; i < Q_COUNT; i++) {
            if (r->conn->stmts[i] == r->stmt)
                q = (enum db_query)i;
        }
        if (q < Q_COUNT)
            query_err(r->conn, rc, q, e);
        else
            sqlite_err(r->conn, rc, "reading a list", e);
    }
    db_rows_done(r);
    return rc == SQLITE_DONE ? 0 : -1;
}

void db_rows_done(struct db_rows *r)
{
    if (!r->stmt)
        return;
    if (r->once) {
        sqlite3_finalize(r->stmt);
    } else {
        sqlite3_reset(r->stmt);
        sqlite3_clear_bindings(r->stmt);
    }
    if (r->kept)
        ((struct kept *)r->kept)->taken = false;
    r->stmt = NULL;
}

void db_rows_autodone(struct db_rows *r)
{
    db_rows_done(r);
}

int64_t db_i64(const struct db_rows *r, int col)
{
    return sqlite3_column_int64(r->stmt, col);
}

struct str db_text(const struct db_rows *r, int col)
{
    const char *p = (const char *)sqlite3_column_text(r->stmt, col);

    return str_of(p, p ? (size_t)sqlite3_column_bytes(r->stmt, col) : 0);
}

struct str db_bytes(const struct db_rows *r, int col)
{
    const char *p = sqlite3_column_blob(r->stmt, col);

    return str_of(p, p ? (size_t)sqlite3_column_bytes(r->stmt, col) : 0);
}

bool db_is_null(const struct db_rows *r, int col)
{
    return sqlite3_column_type(r->stmt, col) == SQLITE_NULL;
}

int db_one(struct db_conn *c, enum db_query q, struct db_args args, struct db_rows *ret,
           struct err *e)
{
    struct db_rows rows;
    int found;

    if (db_query(c, q, args, &rows, e) < 0)
        return -1;
    found = db_next(&rows, e);
    if (found > 0)
        *ret = rows;
    return found;
}

/* ---- upkeep ---- */

typedef int line_fn(void *p, const char *line, struct err *e);

/* Each row of the statement as one line of its columns; "ok" is none. */
static int each_line(struct db_conn *c, const char *sql, line_fn *fn, void *p, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->handle, sql, -1, &stmt, NULL), result = 0;

    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        AUTO(buf) line = {0};
        buf_init(&line, LINE_MAX_BYTES);
        for (int i = 0; i < sqlite3_column_count(stmt); i++)
            buf_addf(&line, "%s%s", i ? " " : "", (const char *)sqlite3_column_text(stmt, i));
        rc = SQLITE_OK;
        if (str_eqz(buf_str(&line), "ok"))
            continue;
        result = fn(p, line.p ? line.p : "", e);
        if (result < 0)
            break;
    }
    sqlite3_finalize(stmt);
    if (result == 0 && rc != SQLITE_DONE)
        return sqlite_err(c, rc, sql, e);
    return result;
}

int db_check(struct db *db, bool thorough, line_fn *fn, void *p, struct err *e)
{
    struct db_conn *c = db_reader(db);

    if (conn_open(c, e) < 0 ||
        each_line(c, thorough ? "PRAGMA integrity_check" : "PRAGMA quick_check", fn, p, e) < 0)
        return -1;
    return thorough ? each_line(c, "PRAGMA foreign_key_check", fn, p, e) : 0;
}

static int vacuum_into(struct db_conn *c, const char *path, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->handle, "VACUUM INTO ?1", -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? 0 : sqlite_err(c, rc, "copying the database", e);
}

int db_snapshot(struct db *db, int dir, const char *name, struct err *e)
{
    /* A reader may not write, not even elsewhere; the writer must not be kept from writing. */
    struct db_conn *c = NEW(struct db_conn);
    AUTO_FREE char *path = NULL;
    struct stat st;

    c->db = db;
    c->writer = true;
    int rc = sys->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0
                 ? ERR(e, CONFLICT, "%s is there already", name)
                 : db_path(dir, name, &path, e);
    if (rc == 0)
        rc = conn_open(c, e);
    if (rc == 0)
        rc = vacuum_into(c, path, e);
    conn_free(c);
    if (rc < 0)
        return -1;
    AUTOFD fd = file_open_at(dir, name, O_RDONLY, 0, e);
    if (fd < 0 || file_sync(fd, e) < 0)
        return -1;
    return file_sync_dir(dir, e);
}
