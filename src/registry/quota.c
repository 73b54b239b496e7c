/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/quota.h"

#include "access/setting.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "registry/event.h"
#include "registry/internal.h"

/* ---- lists ---- */

static const struct db_field fields[] = {
    {.name = "id", .column = "q.project_id", .type = DB_FIELD_I64},
    {.name = "reference_id", .column = "q.project_id", .type = DB_FIELD_I64},
    {.name = "hard.storage", .column = "q.hard", .type = DB_FIELD_I64},
    {.name = "used.storage", .column = "q.used", .type = DB_FIELD_I64},
    {.name = "creation_time", .column = "q.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "q.updated_ms", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct quota *)ret = (struct quota){
        .id = db_i64(rows, 0),
        .project = arena_str(a, db_text(rows, 1)),
        .owner = arena_str(a, db_text(rows, 2)),
        .hard = db_i64(rows, 3),
        .used = db_i64(rows, 4),
        .created_ms = db_i64(rows, 5),
        .updated_ms = db_i64(rows, 6),
    };
    return 0;
}

#define COLUMNS                                                                                    \
    "q.project_id, p.name, coalesce(u.username, ''), q.hard, q.used, q.created_ms, q.updated_ms"
#define TABLES                                                                                     \
    "project_quota q JOIN project p ON p.id = q.project_id"                                        \
    " LEFT JOIN user_account u ON u.id = p.owner_id"

const struct db_list quota_list_fields = {
    .name = "quotas",
    .columns = COLUMNS,
    .from = TABLES " WHERE q.project_id > 0",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "q.project_id",
    .key = "q.project_id",
    .size = sizeof(struct quota),
    .row = read_row,
};

int quota_list(struct registry *r, struct arena *a, const struct db_list_query *q,
               struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(r->db), &quota_list_fields, DB_NO_ARGS, q, a, ret, e);
}

int quota_find(struct registry *r, struct arena *a, int64_t project, struct quota *ret,
               struct err *e)
{
    return db_list_find(db_reader(r->db), &quota_list_fields, DB_NO_ARGS, "id", DB_I64(project), a,
                        ret, e);
}

static int check_hard(int64_t hard, struct err *e)
{
    return hard == QUOTA_UNLIMITED || hard > 0
               ? 0
               : ERR(e, BAD_REQUEST, "\"storage\" must be a number of bytes, or -1 for no limit");
}

int quota_set(struct registry *r, int64_t project, int64_t hard, struct err *e)
{
    if (check_hard(hard, e) < 0)
        return -1;
    const struct audit_change c = {
        .what = "quota",
        .find = Q_project_name,
        .key = DB_ARGS(DB_I64(project)),
        .q = Q_quota_hard_set,
        .args = DB_ARGS(DB_I64(project), DB_I64(hard), DB_I64(clock_now_ms())),
        .entry = {.event = AUDIT_update_quota, .project_id = project}};
    return audit_change(r->db, &c, e);
}

/* ---- room for what is under way ---- */

#define BUCKETS   1024
#define REFUSALS  256
#define MINUTE_MS (INT64_C(60) * 1000)

struct upload {
    struct upload *next;
    int64_t project;
    uint64_t n;
    int64_t touched_ms;
    char id[STORE_UPLOAD_ID + 1];
};

/* When a project was told last that it is full; of two in one place, the later one. */
struct refusal {
    int64_t project, at_ms;
};

/* By project, so that the sum of one is a short walk. */
struct quota_rooms {
    struct mutex lock;
    struct upload *buckets[BUCKETS];
    struct refusal refused[REFUSALS];
};

struct quota_rooms *quota_rooms_new(void)
{
    struct quota_rooms *q = NEW(struct quota_rooms);

    mutex_init(&q->lock, "quotas");
    return q;
}

static void expire(struct quota_rooms *q, int64_t before_ms)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct upload **at = &q->buckets[i]; *at;) {
            struct upload *u = *at;
            if (u->touched_ms >= before_ms) {
                at = &u->next;
                continue;
            }
            *at = u->next;
            mem_free(u);
        }
}

void quota_rooms_free(struct quota_rooms *q)
{
    if (!q)
        return;
    expire(q, INT64_MAX);
    mutex_done(&q->lock);
    mem_free(q);
}

static struct upload **find(struct quota_rooms *q, int64_t project, const char *id)
{
    struct upload **at = &q->buckets[(uint64_t)project % BUCKETS];

    while (*at && ((*at)->project != project || strcmp((*at)->id, id) != 0))
        at = &(*at)->next;
    return at;
}

/* What is set aside in a project, an upload (NULL: none) left out. */
static uint64_t sum(const struct quota_rooms *q, int64_t project, const struct upload *without)
{
    uint64_t n = 0;

    for (const struct upload *u = q->buckets[(uint64_t)project % BUCKETS]; u; u = u->next)
        if (u->project == project && u != without)
            n += u->n;
    return n;
}

/* Without settings (tools beside the server) quotas count. */
static bool counts(const struct registry *r)
{
    return !r->settings || setting_bool(r->settings, SETTING_quota_per_project_enable);
}

static int full(const struct quota_gate *g, uint64_t asked, uint64_t under_way, struct err *e)
{
    char used[STR_SIZE_TEXT], hard[STR_SIZE_TEXT], more[STR_SIZE_TEXT], other[STR_SIZE_TEXT];

    return ERR(e, POLICY,
               "%s more would go beyond the quota of the project: it may hold %s, holds %s, and "
               "uploads under way need %s",
               str_size_text((double)asked, more), str_size_text((double)g->hard, hard),
               str_size_text((double)g->used, used), str_size_text((double)under_way, other));
}

/* Fits it? A sum that overflows does not. */
static bool fits(const struct quota_gate *g, uint64_t n)
{
    return g->hard < 0 || (g->used <= g->hard && n <= (uint64_t)(g->hard - g->used));
}

static int read_gate(struct db_conn *c, enum db_query q, int64_t id, struct quota_gate *ret,
                     struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, q, DB_ARGS(DB_I64(id)), &rows, e);

    *ret = (struct quota_gate){.hard = QUOTA_UNLIMITED};
    if (found > 0)
        *ret = (struct quota_gate){
            .project = db_i64(&rows, 0), .hard = db_i64(&rows, 1), .used = db_i64(&rows, 2)};
    return found < 0 ? -1 : 0;
}

/* Harbor's mark. */
static bool is_near(const struct quota_gate *g)
{
    return g->hard > 0 && (double)g->used > 0.85 * (double)g->hard;
}

/* An event of the whole project; why: NULL for how much it holds. */
static int tell(struct db_conn *c, enum event_kind kind, const struct quota_gate *g,
                const char *why, struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO(buf) name = {0}, text = {0};
    char used[STR_SIZE_TEXT], hard[STR_SIZE_TEXT];
    int found = db_one(c, Q_project_by_id, DB_ARGS(DB_I64(g->project)), &rows, e);

    if (found <= 0)
        return found;
    buf_init(&name, LIMIT_REPO_NAME + 1);
    buf_init(&text, LIMIT_AUDIT_TEXT);
    buf_adds(&name, db_text(&rows, 1));
    db_rows_done(&rows);
    if (why)
        buf_addf(&text, "%.400s", why);
    else
        buf_addf(&text, "the project holds %s of the %s that it may hold",
                 str_size_text((double)g->used, used), str_size_text((double)g->hard, hard));
    const struct event event = {.kind = kind,
                                .project_id = g->project,
                                .repository = buf_str(&name),
                                .text = buf_str(&text)};
    return event_add(c, &event, e);
}

/* Is it told for the first time in this minute? */
static bool first_in_minute(struct quota_rooms *q, int64_t project)
{
    struct refusal *x = &q->refused[(uint64_t)project % REFUSALS];
    int64_t now = clock_mono_ms();
    MUTEX_SCOPE(&q->lock);

    if (x->project == project && now - x->at_ms < MINUTE_MS)
        return false;
    *x = (struct refusal){.project = project, .at_ms = now};
    return true;
}

/* There was no room: told outside of the transaction that failed, and once a minute for a project.
 * Whoever tries on and on tells nothing new. */
static void refused(struct registry *r, int64_t project, const struct err *e)
{
    AUTO(db_txn) t = {0};
    struct quota_gate g;
    struct err failed;

    if (e->code != ERR_POLICY || !r->quotas || !project || !first_in_minute(r->quotas, project))
        return;
    if (db_begin(r->db, &t, &failed) < 0 ||
        read_gate(t.conn, Q_quota_of_project, project, &g, &failed) < 0 ||
        tell(t.conn, EVENT_quota_exceed, &g, e->msg, &failed) < 0 || db_commit(&t, &failed) < 0)
        LOG(ERROR, "quota.refused.failed", log_err(&failed));
}

int quota_reserve(struct registry *r, int64_t project, const char *upload, uint64_t n,
                  struct err *e)
{
    struct quota_gate g;

    if (!r->quotas || !counts(r))
        return 0;
    mutex_lock(&r->quotas->lock);
    /* Read with the lock held: what another upload gives back before its rows are there is room
     * that this one may ask for, never room that is counted twice. */
    int rc = read_gate(db_reader(r->db), Q_quota_of_project, project, &g, e);
    struct upload **at = find(r->quotas, project, upload), *u = *at;
    uint64_t under_way = sum(r->quotas, project, u);
    if (rc == 0 && g.hard >= 0 && !fits(&g, n + under_way))
        rc = full(&g, n, under_way, e);
    if (rc == 0 && g.hard >= 0) {
        if (!u) {
            u = *at = NEW(struct upload);
            u->project = project;
            snprintf(u->id, sizeof(u->id), "%s", upload);
        }
        u->n = n;
        u->touched_ms = clock_now_ms();
    }
    mutex_unlock(&r->quotas->lock);
    if (rc < 0)
        refused(r, project, e);
    return rc;
}

void quota_release(struct registry *r, int64_t project, const char *upload)
{
    if (!r->quotas)
        return;
    MUTEX_SCOPE(&r->quotas->lock);
    struct upload **at = find(r->quotas, project, upload), *u = *at;
    if (u) {
        *at = u->next;
        mem_free(u);
    }
}

void quota_expire(struct registry *r, int64_t before_ms)
{
    if (!r->quotas)
        return;
    MUTEX_SCOPE(&r->quotas->lock);
    expire(r->quotas, before_ms);
}

int quota_open(struct db_conn *c, int64_t repository, struct quota_gate *ret, struct err *e)
{
    return read_gate(c, Q_quota_of_repository, repository, ret, e);
}

int quota_close(struct registry *r, struct db_txn *t, const struct quota_gate *g, struct err *e)
{
    struct quota_gate now;
    uint64_t under_way = 0;

    if (g->hard < 0 || !counts(r))
        return 0;
    if (read_gate(t->conn, Q_quota_of_project, g->project, &now, e) < 0)
        return -1;
    if (now.used <= g->used)
        return 0;
    if (r->quotas) {
        MUTEX_SCOPE(&r->quotas->lock);
        under_way = sum(r->quotas, g->project, NULL);
    }
    if (fits(&now, under_way))
        return is_near(&now) && !is_near(g) ? tell(t->conn, EVENT_quota_warning, &now, NULL, e) : 0;
    db_rollback(t);
    (void)full(g, (uint64_t)(now.used - g->used), under_way, e);
    refused(r, g->project, e);
    return -1;
}

/* ---- the whole registry ---- */

static int read_totals(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)a;
    (void)e;
    *(struct quota_totals *)ret = (struct quota_totals){
        .private_projects = db_i64(rows, 0),
        .public_projects = db_i64(rows, 1),
        .private_repositories = db_i64(rows, 2),
        .public_repositories = db_i64(rows, 3),
        .bytes = db_i64(rows, 4),
    };
    return 0;
}

static const struct db_list totals = {
    .name = "totals",
    .columns = "coalesce(sum(1 - s.is_public), 0), coalesce(sum(s.is_public), 0),"
               " coalesce(sum((1 - s.is_public) * s.repositories), 0),"
               " coalesce(sum(s.is_public * s.repositories), 0), coalesce(sum(s.used), 0)",
    .from = "(SELECT p.is_public AS is_public, q.used AS used, p.repositories AS repositories"
            " FROM project p JOIN project_quota q ON q.project_id = p.id"
            " WHERE " PROJECT_IS_VISIBLE ") s",
    .n_args = 3,
    .order = "1",
    .key = "1",
    .size = sizeof(struct quota_totals),
    .row = read_totals,
};

int quota_totals(struct registry *r, struct arena *a, const struct project_visibility *v,
                 struct quota_totals *ret, struct err *e)
{
    return db_list_one(db_reader(r->db), &totals,
                       DB_ARGS(DB_I64(v->all), DB_I64(v->user_id), DB_I64(v->robot_id)), a, ret,
                       e) < 0
               ? -1
               : 0;
}
