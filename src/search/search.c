/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database of the search: opened, made anew, filled and kept in step.
 *
 * It belongs to one state of the main database: both hold the number of the server's last start
 * that wrote into the one here (epoch). Where they differ, one of them was put back.
 */
#include "search/search.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "registry/task.h"
#include "search/derive.h"

#include <errno.h>
#include <fcntl.h>

#define EPOCH "search.epoch"
/* Artifacts that are looked at in one transaction. */
#define AT_ONCE 200
/* The same while it is filled: rows that many share are written once for all of them. */
#define FILL_AT_ONCE 1000
/* It is not made anew more often. */
#define ANEW_EVERY_MS 10000

struct search *search_new(int data_dir, struct registry *registry)
{
    struct search *s = NEW(struct search);

    s->data_dir = data_dir;
    s->registry = registry;
    BUG_ON(pthread_rwlock_init(&s->lock, NULL) != 0);
    return s;
}

void search_free(struct search *s)
{
    if (!s)
        return;
    db_close(s->db);
    db_words_free(s->words);
    BUG_ON(pthread_rwlock_destroy(&s->lock) != 0);
    mem_free(s);
}

const char *search_facet_name(enum search_facet f)
{
    static const char *const names[SEARCH_FACETS] = {
        [SEARCH_ARCHITECTURE] = "architecture",
        [SEARCH_FAMILY] = "family",
        [SEARCH_TASK] = "task",
        [SEARCH_FORMAT] = "format",
        [SEARCH_PRECISION] = "precision",
        [SEARCH_QUANTIZATION] = "quantization",
        [SEARCH_LICENSE] = "license",
        [SEARCH_LANGUAGE] = "language",
        [SEARCH_LIBRARY] = "library",
        [SEARCH_BASE_MODEL] = "base_model",
        [SEARCH_PROJECT] = "project",
        [SEARCH_LABEL] = "label",
    };
    BUG_ON(f >= SEARCH_FACETS || !names[f]);
    return names[f];
}

struct str search_folded(struct arena *a, struct str s)
{
    char *p = arena_strz(a, s);

    for (size_t i = 0; i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] - 'A' + 'a');
    return str_of(p, s.n);
}

struct db_conn *search_enter(struct search *s)
{
    BUG_ON(pthread_rwlock_rdlock(&s->lock) != 0);
    return s->db && !s->damaged ? db_reader(s->db) : NULL;
}

void search_leave(struct search *s)
{
    BUG_ON(pthread_rwlock_unlock(&s->lock) != 0);
}

void search_judge(struct search *s, const struct err *why)
{
    if (why->code != ERR_CORRUPT && why->code != ERR_CONFLICT) {
        LOG(WARN, "search.failed", log_err(why));
        return;
    }
    if (!atomic_exchange(&s->damaged, true))
        LOG(WARN, "search.damaged", log_err(why),
            log_strz("hint", "it will be made anew of the main database"));
}

/* ---- opening ---- */

static void exchange(struct search *s, struct db *db)
{
    BUG_ON(pthread_rwlock_wrlock(&s->lock) != 0);
    struct db *old = s->db;
    s->db = db;
    s->damaged = false;
    if (!db)
        s->complete = false;
    db_close(old); /* nobody reads in it: they would hold the lock */
    BUG_ON(pthread_rwlock_unlock(&s->lock) != 0);
}

static int remove_files(struct search *s, struct err *e)
{
    static const char *const names[] = {SEARCH_DB_FILE, SEARCH_DB_FILE "-wal",
                                        SEARCH_DB_FILE "-shm"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (file_unlink_at(s->data_dir, names[i], e) < 0)
            return -1;
    return 0;
}

/* A number that the database holds about itself; absent: -1. */
static int state(struct db *db, const char *name, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(db_reader(db), Q_s_state, DB_ARGS(DB_TEXTZ(name)), &rows, e);

    *ret = found > 0 ? db_i64(&rows, 0) : -1;
    return found < 0 ? -1 : 0;
}

static int main_epoch(struct search *s, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found =
        db_one(db_reader(s->registry->db), Q_setting_get, DB_ARGS(DB_TEXTZ(EPOCH)), &rows, e);

    *ret = 0;
    if (found > 0 && !str_i64(db_text(&rows, 0), 0, INT64_MAX, ret))
        *ret = 0;
    return found < 0 ? -1 : 0;
}

static int next_epoch(struct search *s, int64_t *ret, struct err *e)
{
    AUTO(db_txn) t = {0};

    if (db_begin(s->registry->db, &t, e) < 0)
        return -1;
    {
        AUTO(db_rows) rows = {0};
        if (db_one(t.conn, Q_setting_count, DB_ARGS(DB_TEXTZ(EPOCH)), &rows, e) <= 0 ||
            !str_i64(db_text(&rows, 0), 1, INT64_MAX, ret))
            return -1;
    }
    return db_commit(&t, e);
}

/* Does it belong to the main database, and to this program? *ret_filled counts then. */
static int fits(struct search *s, struct db *db, int64_t *ret_filled, struct err *e)
{
    int64_t version, epoch, here;

    if (state(db, "version", &version, e) < 0 || state(db, "epoch", &here, e) < 0 ||
        state(db, "filled", ret_filled, e) < 0 || main_epoch(s, &epoch, e) < 0)
        return -1;
    return version == SEARCH_VERSION && here > 0 && here == epoch;
}

/* From here on nobody else's copy fits. */
static int own(struct search *s, struct db *db, int64_t filled, struct err *e)
{
    AUTO(change) c = {0};
    int64_t epoch = 0;

    if (next_epoch(s, &epoch, e) < 0 || change_begin(&c, db, s->words, e) < 0 ||
        change_state(&c, "version", SEARCH_VERSION, e) < 0 ||
        change_state(&c, "filled", filled, e) < 0 || change_state(&c, "epoch", epoch, e) < 0)
        return -1;
    return change_commit(&c, e);
}

static int take(struct search *s, struct db *db, int64_t filled, struct err *e)
{
    struct stat st;

    if (own(s, db, filled, e) < 0)
        return -1;
    if (sys->fstatat(s->data_dir, SEARCH_DB_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return ERR_SYS(e, "looking for %s", SEARCH_DB_FILE);
    s->file = st.st_ino;
    s->filled = filled;
    s->complete = filled < 0;
    exchange(s, db);
    return 0;
}

/* The one that is there, if it fits: 1, 0, -1. */
static int open_old(struct search *s, struct err *e)
{
    struct stat st;
    struct db *db;
    int64_t filled;

    if (sys->fstatat(s->data_dir, SEARCH_DB_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (db_open_set(s->data_dir, SEARCH_DB_FILE, DB_SEARCH, &db, e) < 0)
        return -1;
    int ok = fits(s, db, &filled, e);
    /* -1: all artifacts were looked at. */
    if (ok > 0 && take(s, db, filled, e) == 0)
        return 1;
    db_close(db);
    return ok <= 0 ? ok : -1;
}

static int open_new(struct search *s, struct err *e)
{
    struct db *db;

    if (remove_files(s, e) < 0 || db_open_set(s->data_dir, SEARCH_DB_FILE, DB_SEARCH, &db, e) < 0)
        return -1;
    if (take(s, db, 0, e) < 0) {
        db_close(db);
        return -1;
    }
    LOG(INFO, "search.anew", log_strz("file", SEARCH_DB_FILE));
    return 0;
}

/* Is the file that is open the one that has its name? */
static bool is_there(const struct search *s)
{
    struct stat st;
    return sys->fstatat(s->data_dir, SEARCH_DB_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_ino == s->file && st.st_size > 0;
}

int search_keep(struct search *s, struct err *e)
{
    bool first = s->made_ms == 0;
    struct err why = {.code = ERR_OK};

    if (s->db && !s->damaged && is_there(s))
        return 0;
    int64_t now = clock_mono_ms();
    if (!first && now - s->made_ms < ANEW_EVERY_MS)
        return s->db && !s->damaged ? 0
                                    : ERR(e, UNAVAILABLE, "the search is not made anew so soon");
    s->made_ms = MAX_OF(now, 1);
    if (!s->words && db_words_new(&s->words, e) < 0)
        return -1;
    if (s->db)
        exchange(s, NULL);
    if (first) {
        int found = open_old(s, &why);
        if (found > 0)
            return 0;
        if (found < 0)
            LOG(WARN, "search.damaged", log_err(&why));
    }
    return open_new(s, e);
}

/* ---- deriving ---- */

/* What the search knows of one artifact becomes what is. */
static int renew(struct search *s, struct change *c, int64_t artifact, struct err *e)
{
    AUTO(arena) a = {0};
    struct search_entry *entry = NEW(struct search_entry);
    struct err why = {.code = ERR_OK};

    arena_init(&a, LIMIT_MODEL_TEXT + 16 * MIB);
    int found = derive(s->registry, &a, artifact, entry, &why);
    bool spoilt = found < 0 && (why.code == ERR_CORRUPT || why.code == ERR_LIMIT);
    if (spoilt)
        LOG(WARN, "search.unreadable", log_i64("artifact", artifact), log_err(&why));
    int rc = found > 0              ? change_put(c, entry, e)
             : found == 0 || spoilt ? change_remove(c, artifact, e)
                                    : -1;
    if (found < 0 && !spoilt)
        *e = why;
    mem_free(entry);
    return rc;
}

/* Numbers of artifacts behind one, of a query. */
static int page(struct db *db, enum db_query q, struct db_args args, size_t max, int64_t *ret,
                size_t *ret_n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    *ret_n = 0;
    if (db_query(db_reader(db), q, args, &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && *ret_n < max)
        ret[(*ret_n)++] = db_i64(&rows, 0);
    return more < 0 ? -1 : 0;
}

/* The artifacts that a subject concerns, behind `after`. */
static int concerned(struct search *s, enum task_search what, int64_t id, int64_t after,
                     int64_t *ret, size_t *ret_n, struct err *e)
{
    struct db *db = s->registry->db;
    const struct db_args args = DB_ARGS(DB_I64(after), DB_I64(id), DB_I64(AT_ONCE));

    switch (what) {
    case TASK_SEARCH_ARTIFACT:
        ret[0] = id;
        *ret_n = after < id;
        return 0;
    case TASK_SEARCH_DOCUMENT:
        return page(db, Q_search_of_document, args, AT_ONCE, ret, ret_n, e);
    case TASK_SEARCH_LABEL:
        return page(db, Q_search_of_label, args, AT_ONCE, ret, ret_n, e);
    case TASK_SEARCH_REPOSITORY:
    case TASK_SEARCH_PULLS:
        break;
    }
    /* Of a repository those that are found already: what else there is has a task of its own. */
    return page(s->db, Q_s_entry_of_repository, DB_ARGS(DB_I64(id), DB_I64(after), DB_I64(AT_ONCE)),
                AT_ONCE, ret, ret_n, e);
}

static int pulls_of(struct search *s, int64_t repository, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found =
        db_one(db_reader(s->registry->db), Q_search_pulls, DB_ARGS(DB_I64(repository)), &rows, e);

    *ret = found > 0 ? db_i64(&rows, 0) : 0;
    return found < 0 ? -1 : 0;
}

/* Some artifacts in one transaction. pulls: only these, -1: all. *ret_n: how many were done before
 * it was full. */
static int renew_some(struct search *s, const int64_t *ids, size_t n, int64_t pulls, size_t *ret_n,
                      struct err *e)
{
    AUTO(change) c = {0};
    size_t i = 0;

    if (change_begin(&c, s->db, s->words, e) < 0)
        return -1;
    for (; i < n && !change_is_full(&c); i++) {
        int rc = pulls >= 0 ? change_cell(&c, ids[i], SEARCH_CELL_PULLS, pulls, e)
                            : renew(s, &c, ids[i], e);
        if (rc < 0)
            return -1;
    }
    *ret_n = i;
    return change_commit(&c, e);
}

int search_derive(struct search *s, int64_t subject, struct err *e)
{
    enum task_search what = (enum task_search)(subject % TASK_SEARCH_KINDS);
    int64_t id = subject / TASK_SEARCH_KINDS, ids[AT_ONCE], after = -1, pulls = -1;
    size_t n;

    if (!s->db)
        return ERR(e, UNAVAILABLE, "the search is not open");
    if (what == TASK_SEARCH_PULLS && pulls_of(s, id, &pulls, e) < 0)
        return -1;
    for (;;) {
        if (concerned(s, what, id, after, ids, &n, e) < 0)
            return -1;
        if (n == 0)
            return 0;
        if (renew_some(s, ids, n, pulls, &n, e) < 0)
            return -1;
        after = ids[n - 1];
    }
}

int search_fill(struct search *s, struct err *e)
{
    AUTO(change) c = {0};
    int64_t ids[FILL_AT_ONCE];
    size_t n, done = 0;

    if (!s->db)
        return ERR(e, UNAVAILABLE, "the search is not open");
    if (s->filled < 0)
        return 0;
    if (page(s->registry->db, Q_search_artifacts, DB_ARGS(DB_I64(s->filled), DB_I64(FILL_AT_ONCE)),
             FILL_AT_ONCE, ids, &n, e) < 0 ||
        change_begin(&c, s->db, s->words, e) < 0)
        return -1;
    for (; done < n && !change_is_full(&c); done++)
        if (renew(s, &c, ids[done], e) < 0)
            return -1;
    int64_t filled = n ? ids[done - 1] : -1;
    if (change_state(&c, "filled", filled, e) < 0 || change_commit(&c, e) < 0)
        return -1;
    s->filled = filled;
    if (n == 0) {
        s->complete = true;
        LOG(INFO, "search.complete");
    }
    return n > 0;
}
