/* SPDX-License-Identifier: Apache-2.0 */
#include "server/forward.h"

#include "access/audit.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/syslog.h"
#include "base/thread.h"

/* How far it came, in the table of settings. */
#define CURSOR "audit.forwarded"

enum { PERIOD_MS = 500, AT_ONCE = 200 };

struct forward {
    struct db *db;
    struct settings *settings;
    struct mutex lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool ending;
    bool failing; /* told once, until it works again */
};

static int write_cursor(struct forward *f, int64_t at, bool remove, struct err *e)
{
    AUTO(db_txn) t = {0};
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)at);
    if (db_begin(f->db, &t, e) < 0 ||
        db_exec(t.conn, Q_setting_put, DB_ARGS(DB_TEXTZ(CURSOR), DB_TEXTZ(text)), NULL, e) < 0 ||
        (remove && db_exec(t.conn, Q_audit_remove_to, DB_ARGS(DB_I64(at)), NULL, e) < 0))
        return -1;
    return db_commit(&t, e);
}

static int newest(struct db_conn *c, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_audit_newest, DB_NO_ARGS, &rows, e);
    if (found > 0)
        *ret = db_i64(&rows, 0);
    return found > 0 ? 0 : -1;
}

/* Where to go on. The first time that is behind what there is: nothing of before an endpoint was
 * named is sent. */
static int read_cursor(struct forward *f, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct db_conn *c = db_reader(f->db);
    int found = db_one(c, Q_setting_get, DB_ARGS(DB_TEXTZ(CURSOR)), &rows, e);

    if (found < 0)
        return -1;
    if (found && str_i64(db_text(&rows, 0), 0, INT64_MAX, ret))
        return 0;
    db_rows_done(&rows);
    return newest(c, ret, e) < 0 ? -1 : write_cursor(f, *ret, false, e);
}

static void add(struct buf *out, const struct audit_row *row)
{
    char project[24];

    snprintf(project, sizeof(project), "%lld", (long long)row->project_id);
    const struct syslog_param params[] = {
        {"user", row->username},
        {"address", row->address},
        {"operation", row->operation},
        {"resource_type", row->resource_type},
        {"resource", row->resource},
        {"project_id", str_from(project)},
        {"result", row->succeeded ? STR("success") : STR("failure")},
    };
    syslog_add(out, row->at_ms, "audit", params, ARRAY_LEN(params), row->description);
}

/* One batch: 1 there may be more, 0 all is sent, -1. */
static int send_some(struct forward *f, int fd, struct err *e)
{
    AUTO(arena) a = {0};
    AUTO(buf) out = {0};
    struct db_page page;
    int64_t cursor;

    arena_init(&a, 4 * MIB);
    buf_init(&out, 4 * MIB);
    if (read_cursor(f, &cursor, e) < 0 || audit_after(f->db, &a, cursor, AT_ONCE, &page, e) < 0)
        return -1;
    const struct audit_row *rows = page.v;
    for (size_t i = 0; i < page.n; i++)
        add(&out, &rows[i]);
    if (page.n) {
        cursor = rows[page.n - 1].id;
        if (syslog_send(fd, buf_str(&out), e) < 0)
            return -1;
    }
    if (write_cursor(f, cursor, setting_bool(f->settings, SETTING_skip_audit_log_database), e) < 0)
        return -1;
    return page.n == AT_ONCE;
}

static void work(struct forward *f)
{
    AUTO(arena) a = {0};
    int64_t cursor, last;
    struct err e;
    int more = -1;

    arena_init(&a, 64 * KIB);
    struct str endpoint = setting_text(f->settings, SETTING_audit_log_forward_endpoint, &a);
    if (endpoint.n == 0)
        return;
    bool readable = read_cursor(f, &cursor, &e) == 0 && newest(db_reader(f->db), &last, &e) == 0;
    if (readable && last <= cursor)
        return;
    AUTOFD fd = readable ? syslog_connect(endpoint, &e) : -1;
    if (fd >= 0)
        do
            more = send_some(f, fd, &e);
        while (more > 0);
    if (more < 0 && !f->failing)
        LOG(WARN, "audit.forward_failed", log_str("endpoint", endpoint), log_err(&e));
    f->failing = more < 0;
}

static void *run(void *arg)
{
    struct forward *f = arg;
    bool ending = false;

    while (!ending) {
        mutex_lock(&f->lock);
        if (!f->ending)
            mutex_wait_ms(&f->lock, &f->wake, PERIOD_MS);
        ending = f->ending;
        mutex_unlock(&f->lock);
        if (!ending)
            work(f);
    }
    return NULL;
}

static void release(struct forward *f)
{
    (void)pthread_cond_destroy(&f->wake);
    mutex_done(&f->lock);
    mem_free(f);
}

int forward_start(struct db *db, struct settings *settings, struct forward **ret, struct err *e)
{
    struct forward *f = NEW(struct forward);

    f->db = db;
    f->settings = settings;
    mutex_init(&f->lock, "forward");
    thread_cond_init(&f->wake);
    if (thread_start(&f->thread, "forward", run, f, e) < 0) {
        release(f);
        return -1;
    }
    *ret = f;
    return 0;
}

void forward_stop(struct forward *f)
{
    if (!f)
        return;
    mutex_lock(&f->lock);
    f->ending = true;
    (void)pthread_cond_signal(&f->wake);
    mutex_unlock(&f->lock);
    (void)pthread_join(f->thread, NULL);
    release(f);
}
