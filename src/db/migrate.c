/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered migrations. Each runs in a transaction of its own together with its row in
 * schema_version, so that a crash leaves a version, never something between two. The version is
 * read again inside the transaction: of two programs that start at once, one migrates.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "db/driver.h"

#include <errno.h>

static const struct db_migration *step(enum db_set set, size_t i)
{
    return set == DB_SEARCH ? db_search_migration(i) : db_migration(i);
}

static int known_version(enum db_set set)
{
    int version = 0;

    for (size_t i = 0; step(set, i); i++)
        version = step(set, i)->version;
    return version;
}

static int read_version(struct db_conn *c, enum db_set set, int *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    bool has, others;

    if (db_conn_has_table(c, "schema_version", &has, &others, e) < 0)
        return -1;
    if (!has) {
        if (others)
            return ERR(e, CONFIG,
                       "it holds tables that are not Haven's; name another data directory");
        *ret = 0;
        return 0;
    }
    switch (db_one(c, Q_schema_version, DB_NO_ARGS, &rows, e)) {
    case -1:
        return -1;
    case 0:
        return ERR(e, CORRUPT, "the schema has no version; restore it from a backup");
    default:
        break;
    }
    if (db_is_null(&rows, 0) || db_i64(&rows, 0) < 1)
        return ERR(e, CORRUPT, "the schema has no version; restore it from a backup");
    if (db_i64(&rows, 0) > known_version(set))
        return ERR(e, CONFIG,
                   "its schema has version %lld and this program knows versions up to %d: it was "
                   "written by a newer haven; run that one, or restore a backup made before the "
                   "upgrade",
                   (long long)db_i64(&rows, 0), known_version(set));
    *ret = (int)db_i64(&rows, 0);
    return 0;
}

/* One step: *ret_version is the version afterwards, *ret_done says that there is no further step.
 */
static int migrate_one(struct db *db, int *ret_version, bool *ret_done, struct err *e)
{
    AUTO(db_txn) t = {0};
    enum db_set set = db_driver_set(db);
    const struct db_migration *m = NULL;
    int version = 0;

    if (db_begin(db, &t, e) < 0 || read_version(t.conn, set, &version, e) < 0)
        return -1;
    for (size_t i = 0; (m = step(set, i)) && m->version <= version; i++)
        ;
    if (!m) {
        *ret_version = version;
        *ret_done = true;
        return 0;
    }
    if (db_conn_script(t.conn, m->sql, e) < 0 ||
        db_exec(t.conn, Q_schema_add,
                DB_ARGS(DB_I64(m->version), DB_TEXTZ(m->name), DB_I64(clock_now_ms())), NULL,
                e) < 0 ||
        db_commit(&t, e) < 0)
        return err_wrap(e, "migration %d (%s)", m->version, m->name);
    LOG(INFO, "db.migrated", log_i64("version", m->version), log_strz("name", m->name));
    *ret_version = m->version;
    *ret_done = false;
    return 0;
}

static int migrate(struct db *db, struct err *e)
{
    bool done = false;
    int version = 0;

    do {
        if (migrate_one(db, &version, &done, e) < 0)
            return -1;
    } while (!done);
    return 0;
}

int db_open_set(int data_dir, const char *name, enum db_set set, struct db **ret, struct err *e)
{
    struct db *db;

    if (db_driver_open(data_dir, name, set, &db, e) < 0)
        return -1;
    if (migrate(db, e) < 0) {
        err_wrap(e, "%s", db_driver_path(db));
        db_close(db);
        return -1;
    }
    *ret = db;
    return 0;
}

int db_open(int data_dir, const char *name, struct db **ret, struct err *e)
{
    return db_open_set(data_dir, name, DB_MAIN, ret, e);
}

static int check_version(struct db *db, struct err *e)
{
    enum db_set set = db_driver_set(db);
    int version = db_schema_version(db, e);

    if (version < 0)
        return -1;
    if (version != known_version(set))
        return ERR(e, CONFIG,
                   "its schema has version %d and this program needs %d: start the server of this "
                   "version once",
                   version, known_version(set));
    return 0;
}

int db_open_as_is(int data_dir, const char *name, bool any_version, struct db **ret, struct err *e)
{
    struct stat st;
    struct db *db;

    if (sys->fstatat(data_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? ERR(e, CONFIG, "it holds no database %s", name)
                               : ERR_SYS(e, "looking for %s", name);
    if (db_driver_open(data_dir, name, DB_MAIN, &db, e) < 0)
        return -1;
    if (!any_version && check_version(db, e) < 0) {
        err_wrap(e, "%s", db_driver_path(db));
        db_close(db);
        return -1;
    }
    *ret = db;
    return 0;
}

int db_schema_version(struct db *db, struct err *e)
{
    int version = 0;
    return read_version(db_reader(db), db_driver_set(db), &version, e) < 0 ? -1 : version;
}
