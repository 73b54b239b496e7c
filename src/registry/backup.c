/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/backup.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"
#include "registry/backing.h"
#include "store/hold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#define SNAPSHOTS "snapshots"
#define UNNAMED   "new.db"
#define LOCK      "lock"

/* ---- the target ---- */

struct target {
    int lock, snapshots;
    struct store *store;
};

static void target_close(struct target *t)
{
    store_close(t->store);
    mem_autoclose(&t->snapshots);
    mem_autoclose(&t->lock);
}

/* make: it may be empty so far; else it has to hold a backup. */
static int target_open(int dir, bool make, struct target *ret, struct err *e)
{
    struct target t = {.lock = -1, .snapshots = -1};
    struct stat st;
    size_t removed;

    if (!make && sys->fstatat(dir, SNAPSHOTS, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? ERR(e, NOT_FOUND, "it holds no snapshot")
                               : ERR_SYS(e, "cannot stat " SNAPSHOTS);
    t.lock = file_open_at(dir, LOCK, O_RDWR | O_CREAT, 0600, e);
    if (t.lock < 0)
        return -1;
    if (flock(t.lock, LOCK_EX | LOCK_NB) < 0) {
        (void)(errno == EWOULDBLOCK ? ERR(e, CONFLICT, "another backup or restore works on it")
                                    : ERR_SYS(e, "locking the backup"));
    } else if ((t.snapshots = file_open_dir_at(dir, SNAPSHOTS, true, e)) >= 0 &&
               store_open(dir, &t.store, e) == 0 &&
               /* what a killed one left half-way */
               store_upload_sweep(t.store, -1, &removed, e) == 0) {
        *ret = t;
        return 0;
    }
    target_close(&t);
    return -1;
}

/* Among the files of a registry a backup would remove what it does not know. */
static int refuse_registry(int dir, const char *db_name, const char *what, struct err *e)
{
    struct stat st;

    if (sys->fstatat(dir, db_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return ERR(e, CONFLICT, "%s holds a registry; name another directory", what);
    return errno == ENOENT ? 0 : ERR_SYS(e, "cannot stat %s", db_name);
}

/* ---- snapshots ---- */

static bool is_snapshot(const char *name)
{
    const char *form = "00000000T000000Z.db";

    if (strlen(name) != strlen(form))
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
            return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    struct arena *a;
    const char **list;
    size_t n, cap;
};

static int add_name(void *p, int folder, const char *name, struct err *e)
{
    struct names *x = p;
    (void)folder, (void)e;
    if (!is_snapshot(name))
        return 0;
    if (x->n == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 16;
        x->list = mem_realloc(x->list, x->cap * sizeof(*x->list));
    }
    x->list[x->n++] = arena_strz(x->a, str_from(name));
    return 0;
}

static int list_dir(int fd, struct arena *a, const char *const **ret, size_t *ret_n, struct err *e)
{
    struct names x = {.a = a};
    int rc = file_each_at(fd, ".", add_name, &x, e);
    const char **kept = ARENA_ARRAY(a, x.n + 1, const char *);

    if (x.n) {
        memcpy(kept, x.list, x.n * sizeof(*kept));
        qsort(kept, x.n, sizeof(*kept), by_name);
    }
    mem_free(x.list);
    *ret = kept;
    *ret_n = x.n;
    return rc;
}

int backup_list(int target, struct arena *a, const char *const **ret, size_t *ret_n, struct err *e)
{
    AUTOFD dir = file_open_dir_at(target, SNAPSHOTS, false, e);
    return dir < 0 ? err_wrap(e, "it holds no backup") : list_dir(dir, a, ret, ret_n, e);
}

static void name_of_now(char out[BACKUP_NAME_MAX])
{
    time_t now = (time_t)(clock_now_ms() / 1000);
    struct tm tm;

    (void)gmtime_r(&now, &tm);
    (void)strftime(out, BACKUP_NAME_MAX, "%Y%m%dT%H%M%SZ.db", &tm);
}

static int unlink_database(int dir, const char *name, struct err *e)
{
    static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
    char path[BACKUP_NAME_MAX + 16];

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", name, parts[i]);
        if (file_unlink_at(dir, path, e) < 0)
            return -1;
    }
    return 0;
}

/* A closed database has everything in its one file. */
static int is_closed(int dir, const char *name, struct err *e)
{
    char path[BACKUP_NAME_MAX + 16];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s-wal", name);
    if (sys->fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : ERR_SYS(e, "cannot stat %s", path);
    return ERR(e, IO, "%s could not be closed: changes are left in %s", name, path);
}

/* Gives the finished copy its name: whoever sees it may rely on it. */
static int publish(int dir, char name[BACKUP_NAME_MAX], struct err *e)
{
    struct stat st;

    name_of_now(name);
    if (sys->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return ERR(e, CONFLICT, "there is a snapshot of this second already; try again");
    AUTOFD fd = file_open_at(dir, UNNAMED, O_RDONLY, 0, e);
    if (fd < 0 || is_closed(dir, UNNAMED, e) < 0 || file_sync(fd, e) < 0)
        return -1;
    if (sys->renameat(dir, UNNAMED, dir, name) < 0)
        return ERR_SYS(e, "cannot name the snapshot %s", name);
    return file_sync_dir(dir, e);
}

/* ---- what no snapshot needs ---- */

struct pruning {
    const struct backup_options *o;
    struct backup_result *ret;
    struct store *store;
    struct db **snapshots;
    size_t n;
};

static int prune_object(void *p, const struct digest *d, uint64_t size, struct err *e)
{
    const struct pruning *x = p;

    if (backup_go_on(x->o, e) < 0)
        return -1;
    for (size_t i = x->n; i > 0; i--) { /* the newest knows most */
        AUTO(db_rows) rows = {0};
        int known = db_one(db_reader(x->snapshots[i - 1]), Q_object_by_digest,
                           DB_ARGS(DB_TEXT(digest_str(d))), &rows, e);
        if (known != 0)
            return known < 0 ? -1 : 0;
    }
    x->ret->removed++;
    x->ret->removed_bytes += size;
    return store_object_remove(x->store, d, e);
}

static int prune(struct target *t, const struct backup_options *o, struct backup_result *ret,
                 struct err *e)
{
    AUTO(arena) arena = {0};
    const char *const *names;
    size_t n, opened = 0;
    int rc = 0;

    arena_init(&arena, LIMIT_REQUEST_ARENA);
    if (list_dir(t->snapshots, &arena, &names, &n, e) < 0)
        return -1;
    if (n <= o->keep)
        return 0;
    size_t drop = n - o->keep;
    for (size_t i = 0; i < drop; i++, ret->dropped++)
        if (unlink_database(t->snapshots, names[i], e) < 0)
            return -1;
    if (file_sync_dir(t->snapshots, e) < 0)
        return -1;
    struct db **open = ARENA_ARRAY(&arena, o->keep, struct db *);
    for (size_t i = drop; i < n && rc == 0; i++) {
        rc = db_open_as_is(t->snapshots, names[i], true, &open[opened], e);
        opened += rc == 0;
    }
    struct pruning x = {.o = o, .ret = ret, .store = t->store, .snapshots = open, .n = opened};
    if (rc == 0)
        rc = store_object_each(t->store, prune_object, &x, e);
    for (size_t i = 0; i < opened; i++)
        db_close(open[i]);
    return rc;
}

/* ---- backup ---- */

static int copy_all(struct registry *r, struct target *t, const struct backup_options *o,
                    struct backup_result *ret, struct err *e)
{
    struct backing b = {.o = o, .ret = ret, .from = r->store, .to = t->store};

    if (unlink_database(t->snapshots, UNNAMED, e) < 0 ||
        db_snapshot(r->db, t->snapshots, UNNAMED, e) < 0 ||
        db_open_as_is(t->snapshots, UNNAMED, false, &b.db, e) < 0)
        return -1;
    int rc = backup_copy(&b, o->target, e);
    db_close(b.db);
    return rc < 0 ? -1 : publish(t->snapshots, ret->name, e);
}

int backup_run(struct registry *r, int data_dir, const char *db_name,
               const struct backup_options *o, struct backup_result *ret, struct err *e)
{
    struct target t;
    int held = -1;

    *ret = (struct backup_result){.problems = 0};
    if (refuse_registry(o->target, db_name, "the target", e) < 0 ||
        target_open(o->target, true, &t, e) < 0)
        return -1;
    int rc = store_hold_keep(data_dir, &held, e);
    if (rc == 0)
        rc = copy_all(r, &t, o, ret, e);
    AUTOFD hold = held;
    (void)hold;
    if (rc == 0 && o->keep)
        rc = prune(&t, o, ret, e);
    target_close(&t);
    return rc;
}

/* ---- restore ---- */

static int choose(const struct target *t, const char *name, char ret[BACKUP_NAME_MAX],
                  struct err *e)
{
    AUTO(arena) arena = {0};
    const char *const *names;
    char file[BACKUP_NAME_MAX];
    size_t n;

    arena_init(&arena, LIMIT_REQUEST_ARENA);
    if (list_dir(t->snapshots, &arena, &names, &n, e) < 0)
        return -1;
    if (!name && n) {
        (void)snprintf(ret, BACKUP_NAME_MAX, "%s", names[n - 1]);
        return 0;
    }
    (void)snprintf(file, sizeof(file), "%.20s.db", name ? name : "");
    for (size_t i = 0; name && i < n; i++)
        if (strcmp(names[i], name) == 0 || strcmp(names[i], file) == 0) {
            (void)snprintf(ret, BACKUP_NAME_MAX, "%s", names[i]);
            return 0;
        }
    return name ? ERR(e, NOT_FOUND, "there is no snapshot %s; --list shows them", name)
                : ERR(e, NOT_FOUND, "it holds no snapshot");
}

static int copy_file(int from_dir, const char *from, int to_dir, const char *to, struct err *e)
{
    struct stat st;
    AUTO_FREE uint8_t *p = mem_alloc(MIB);
    AUTOFD in = file_open_at(from_dir, from, O_RDONLY, 0, e);
    if (in < 0 || unlink_database(to_dir, to, e) < 0)
        return -1;
    AUTOFD out = file_open_at(to_dir, to, O_RDWR | O_CREAT | O_EXCL, 0600, e);
    if (out < 0)
        return -1;
    if (sys->fstat(in, &st) < 0)
        return ERR_SYS(e, "cannot stat %s", from);
    for (uint64_t at = 0; at < (uint64_t)st.st_size;) {
        size_t n = (size_t)MIN_OF((uint64_t)st.st_size - at, MIB);
        if (file_pread_all(in, p, n, at, e) < 0 || file_pwrite_all(out, p, n, at, e) < 0)
            return -1;
        at += n;
    }
    return file_sync(out, e) < 0 ? -1 : file_sync_dir(to_dir, e);
}

static int on_damage(void *p, const char *line, struct err *e)
{
    (void)p;
    return ERR(e, CORRUPT, "the snapshot is damaged: %s; take an earlier one", line);
}

/* The database gets its name last: until then a server refuses the directory. */
static int restore(struct target *t, int data_dir, const char *db_name,
                   const struct backup_options *o, struct backup_result *ret, struct err *e)
{
    struct backing b = {.o = o, .ret = ret, .from = t->store};
    size_t removed;

    if (copy_file(t->snapshots, ret->name, data_dir, BACKUP_RESTORING, e) < 0 ||
        db_open(data_dir, BACKUP_RESTORING, &b.db, e) < 0)
        return -1;
    int rc = db_check(b.db, false, on_damage, NULL, e);
    if (rc == 0)
        rc = store_open(data_dir, &b.to, e);
    if (rc == 0)
        rc = store_upload_sweep(b.to, -1, &removed, e);
    if (rc == 0)
        rc = backup_copy(&b, data_dir, e);
    store_close(b.to);
    db_close(b.db);
    if (rc < 0 || is_closed(data_dir, BACKUP_RESTORING, e) < 0)
        return -1;
    if (sys->renameat(data_dir, BACKUP_RESTORING, data_dir, db_name) < 0)
        return ERR_SYS(e, "cannot name the database %s", db_name);
    return file_sync_dir(data_dir, e);
}

int backup_restore(int data_dir, const char *db_name, const char *name,
                   const struct backup_options *o, struct backup_result *ret, struct err *e)
{
    struct target t;

    *ret = (struct backup_result){.problems = 0};
    if (refuse_registry(data_dir, db_name, "the data directory", e) < 0 ||
        target_open(o->target, false, &t, e) < 0)
        return -1;
    int rc = choose(&t, name, ret->name, e);
    if (rc == 0)
        rc = restore(&t, data_dir, db_name, o, ret, e);
    target_close(&t);
    return rc;
}
