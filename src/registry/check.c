/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/check.h"

#include "base/clock.h"
#include "registry/checking.h"
#include "store/hold.h"

#define NEEDED_MAX 4096
#define NEEDED_N   5 /* named; the others are counted */

static const struct {
    const char *name, *repair;
} kinds[] = {
#define X(kind, text) [CHECK_##kind] = {#kind, text},
#include "registry/check.def"
#undef X
};

const char *check_kind_name(enum check_kind kind)
{
    return kinds[kind].name;
}

const char *check_kind_repair(enum check_kind kind)
{
    return kinds[kind].repair;
}

int check_go_on(const struct checking *c, struct err *e)
{
    return c->o->stop && atomic_load(c->o->stop) ? ERR(e, CANCELLED, "the check was stopped") : 0;
}

void check_report(struct checking *c, enum check_kind kind, const char *what, const char *why,
                  const char *needed, bool repaired)
{
    const struct check_problem p = {
        .kind = kind, .what = what, .why = why, .needed = needed, .repaired = repaired};

    c->res->problems++;
    c->res->repaired += repaired;
    c->o->problem(c->o->self, &p);
}

int check_hashed(struct checking *c, uint64_t n, struct err *e)
{
    c->res->seen.bytes += n;
    while (c->o->rate) {
        /* What is hashed already may have taken this long. */
        double due_us = (double)c->res->seen.bytes * 1e6 / (double)c->o->rate;
        double left = due_us - (double)(clock_mono_us() - c->began_us);
        if (left <= 0)
            break;
        if (check_go_on(c, e) < 0)
            return -1;
        clock_sleep_us((int64_t)MIN_OF(left, 50e3));
    }
    return check_go_on(c, e);
}

/* ---- who needs it ---- */

/* Adds "repository@digest" of each row, up to NEEDED_N; counts them all. */
static int add_needed(struct db_conn *conn, enum db_query q, int64_t id, struct buf *out,
                      uint64_t *n, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int more;

    if (db_query(conn, q, DB_ARGS(DB_I64(id)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if ((*n)++ < NEEDED_N)
            buf_addf(out, "%s%.*s@%.*s", *n > 1 ? ", " : "", S(db_text(&rows, 0)),
                     S(db_text(&rows, 1)));
    return more;
}

static const char *end_needed(struct checking *c, struct buf *out, uint64_t n)
{
    if (n > NEEDED_N)
        buf_addf(out, " and %llu more", (unsigned long long)(n - NEEDED_N));
    return arena_strz(&c->arena, buf_str(out));
}

static int needed(struct checking *c, enum db_query q, int64_t id, const char **ret, struct err *e)
{
    AUTO(buf) out = {0};
    uint64_t n = 0;

    buf_init(&out, NEEDED_MAX);
    if (add_needed(db_reader(c->r->db), q, id, &out, &n, e) < 0)
        return -1;
    *ret = end_needed(c, &out, n);
    return 0;
}

int check_needed_blob(struct checking *c, int64_t blob, const char **ret, struct err *e)
{
    return needed(c, Q_check_blob_artifacts, blob, ret, e);
}

int check_needed_document(struct checking *c, int64_t document, const char **ret, struct err *e)
{
    return needed(c, Q_check_document_artifacts, document, ret, e);
}

int check_needed_object(struct checking *c, int64_t object, const char **ret, struct err *e)
{
    AUTO(buf) out = {0};
    AUTO(db_rows) rows = {0};
    uint64_t n = 0;
    int more;

    buf_init(&out, NEEDED_MAX);
    if (db_query(db_reader(c->r->db), Q_object_extents, DB_ARGS(DB_I64(object)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0)
        if (add_needed(db_reader(c->r->db), Q_check_blob_artifacts, db_i64(&rows, 0), &out, &n, e) <
            0)
            return -1;
    if (more < 0)
        return -1;
    *ret = end_needed(c, &out, n);
    return 0;
}

/* ---- all of it ---- */

static int on_database(void *p, const char *line, struct err *e)
{
    struct checking *c = p;

    check_report(c, CHECK_database, "database", line, "", false);
    return check_go_on(c, e);
}

static int check_database(struct checking *c, struct err *e)
{
    return db_check(c->r->db, c->o->verify, on_database, c, e);
}

int check_run(struct registry *r, const struct check_options *o, struct check_result *ret,
              struct err *e)
{
    struct checking c = {
        .r = r, .o = o, .res = ret, .now = clock_now_ms(), .began_us = clock_mono_us()};
    int held = -1;

    *ret = (struct check_result){.problems = 0};
    if (store_hold_keep(o->data_dir, &held, e) < 0)
        return -1;
    AUTOFD hold = held;
    (void)hold;
    arena_init(&c.arena, LIMIT_REQUEST_ARENA);
    int rc = check_database(&c, e);
    if (rc == 0)
        rc = check_files(&c, e);
    if (rc == 0)
        rc = check_rows(&c, e);
    if (rc == 0)
        rc = check_objects(&c, e);
    if (rc == 0)
        rc = check_totals(&c, e); /* also of what a repair withdrew */
    arena_done(&c.arena);
    return rc;
}
