/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/quota.h"

#include "access/setting.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
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

#define BUCKETS 1024

struct upload {
    struct upload *next;
    int64_t project;
    uint64_t n;
    int64_t touched_ms;
    char id[STORE_UPLOAD_ID + 1];
};

/* By project, so that the sum of one is a short walk. */
struct quota_rooms {
    struct mutex lock;
    struct upload *buckets[BUCKETS];
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

int quota_close(struct registry *r, struct db_conn *c, const struct quota_gate *g, struct err *e)
{
    struct quota_gate now;
    uint64_t under_way = 0;

    if (g->hard < 0 || !counts(r))
        return 0;
    if (read_gate(c, Q_quota_of_project, g->project, &now, e) < 0)
        return -1;
    if (now.used <= g->used)
        return 0;
    if (r->quotas) {
        MUTEX_SCOPE(&r->quotas->lock);
        under_way = sum(r->quotas, g->project, NULL);
    }
    return fits(&now, under_way) ? 0 : full(g, (uint64_t)(now.used - g->used), under_way, e);
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
    .from = "(SELECT p.is_public AS is_public, q.used AS used, (SELECT count(*) FROM repository r"
            " WHERE r.project_id = p.id AND EXISTS (SELECT 1 FROM artifact a"
            " WHERE a.repository_id = r.id)) AS repositories"
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
