/* SPDX-License-Identifier: Apache-2.0 */
#include "access/robot.h"

#include "access/audit.h"
#include "access/internal.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* A robot has fewer rights than the catalogue has rows, in a hundred projects at most. */
enum { GRANTS_MAX = 4096, SECRET_CHARS = 32, NAME_MAX_BYTES = 255 };

/* ---- signing in ---- */

bool access_robot_name(struct access *x, struct str username, struct str *ret)
{
    AUTO(arena) a = {0};

    arena_init(&a, 4 * KIB);
    struct str prefix = setting_text(x->settings, SETTING_robot_name_prefix, &a);
    if (!str_starts(username, prefix))
        return false;
    *ret = str_skip(username, prefix.n);
    return true;
}

int access_robot_row(struct db_conn *c, struct str name, struct db_rows *ret, struct err *e)
{
    struct str project = STR_NULL;
    int64_t now = clock_now_ms();

    if (str_chr(name, '+') >= 0)
        project = str_cut(&name, '+');
    return project.p ? db_one(c, Q_robot_by_project_name,
                              DB_ARGS(DB_TEXT(project), DB_TEXT(name), DB_I64(now)), ret, e)
                     : db_one(c, Q_robot_by_name, DB_ARGS(DB_TEXT(name), DB_I64(now)), ret, e);
}

/* Secrets of robots are compared quickly when they are random, slowly when somebody chose them. A
 * name that no robot has is one of both, always the same: how long a refusal takes tells nothing.
 */
const char *access_nobody(struct access *x, struct str username)
{
    struct str ignored;
    uint8_t lot[32];

    if (!access_robot_name(x, username, &ignored))
        return NULL;
    access_key_mac(x->key, STR("no robot"), username, lot);
    return lot[0] & 1 ? ACCESS_SECRET_NOBODY : NULL;
}

/* The permission of this name, or PERM_COUNT: a later version may have given one that this one does
 * not know. */
static unsigned permission_of(struct str name, unsigned whose)
{
    for (unsigned p = 0; p < PERM_COUNT; p++)
        if ((permission_info((enum permission)p)->robots & whose) &&
            str_eqz(name, permission_name((enum permission)p)))
            return p;
    return PERM_COUNT;
}

static unsigned catalogue_of(enum access_robot_kind kind)
{
    return kind == ACCESS_ROBOT_SYSTEM ? PERM_ROBOTS_SYSTEM : PERM_ROBOTS_PROJECT;
}

int robot_grants(struct access *x, struct arena *a, int64_t id, struct access_robot *ret,
                 struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct access_robot_grant *v = NULL;
    size_t n = 0, cap = 0;
    int more;

    if (db_query(db_reader(x->db), Q_robot_grants, DB_ARGS(DB_I64(id)), &rows, e) < 0)
        return -1;
    while ((more = db_next(&rows, e)) > 0 && n < GRANTS_MAX) {
        if (n == cap) {
            struct access_robot_grant *bigger =
                ARENA_ARRAY(a, cap ? 2 * cap : 16, struct access_robot_grant);
            if (n)
                memcpy(bigger, v, n * sizeof(*v));
            v = bigger;
            cap = cap ? 2 * cap : 16;
        }
        struct access_robot_grant g = {
            .kind = (enum access_robot_kind)db_i64(&rows, 0),
            .project_id = db_i64(&rows, 1),
            .project = db_is_null(&rows, 3) ? STR_NULL : arena_str(a, db_text(&rows, 3)),
        };
        g.permission = permission_of(db_text(&rows, 2), catalogue_of(g.kind));
        if (g.permission != PERM_COUNT)
            v[n++] = g;
    }
    *ret = (struct access_robot){.id = id, .grants = v, .n = n};
    return more < 0 ? -1 : 0;
}

int access_robot_identity(struct access *x, struct arena *a, int64_t robot, struct identity *ret,
                          struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct access_robot *rights = ARENA_NEW(a, struct access_robot);
    int alive = db_one(db_reader(x->db), Q_robot_alive,
                       DB_ARGS(DB_I64(robot), DB_I64(clock_now_ms())), &rows, e);

    if (alive <= 0)
        return alive < 0 ? -1 : ERR(e, UNAUTHORIZED, "the user name or the password is wrong");
    if (robot_grants(x, a, robot, rights, e) < 0)
        return -1;
    ret->robot = rights;
    return 0;
}

/* ---- lists ---- */

/* What stands behind the prefix. */
#define FULL_NAME "coalesce(p.name || '+', '') || r.name"
#define LEVEL     "CASE WHEN r.project_id IS NULL THEN 'system' ELSE 'project' END"

static const struct db_field fields[] = {
    {.name = "id", .column = "r.id", .type = DB_FIELD_I64},
    {.name = "name", .column = "r.name", .type = DB_FIELD_TEXT},
    {.name = "description", .column = "r.description", .type = DB_FIELD_TEXT},
    {.name = "level", .column = LEVEL, .type = DB_FIELD_TEXT},
    {.name = "project_id", .column = "coalesce(r.project_id, 0)", .type = DB_FIELD_I64},
    {.name = "disable", .column = "r.disabled", .type = DB_FIELD_BOOL},
    {.name = "duration", .column = "r.duration", .type = DB_FIELD_I64},
    {.name = "creation_time", .column = "r.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "r.updated_ms", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    bool of_project = !db_is_null(rows, 1);
    int64_t expires_ms = db_i64(rows, 6), creator = db_i64(rows, 8);

    (void)e;
    *(struct robot *)ret = (struct robot){
        .id = db_i64(rows, 0),
        .project_id = of_project ? db_i64(rows, 1) : 0,
        .level = of_project ? STR("project") : STR("system"),
        .name = arena_str(a, db_text(rows, 2)),
        .full_name = arena_str(a, db_text(rows, 3)),
        .description = arena_str(a, db_text(rows, 4)),
        .duration = db_i64(rows, 5),
        .expires_at = expires_ms ? expires_ms / 1000 : ROBOT_FOR_EVER,
        .disabled = db_i64(rows, 7) != 0,
        .editable = true,
        .creator_type = creator < 0 ? STR("robot") : STR("local"),
        .creator_id = creator < 0 ? -creator : creator,
        .created_ms = db_i64(rows, 9),
        .updated_ms = db_i64(rows, 10),
    };
    return 0;
}

#define COLUMNS                                                                                    \
    "r.id, r.project_id, r.name, " FULL_NAME ", r.description, r.duration, r.expires_ms,"          \
    " r.disabled, r.creator_id, r.created_ms, r.updated_ms"
#define TABLES "robot r LEFT JOIN project p ON p.id = r.project_id"

const struct db_list robot_list_fields = {
    .name = "robots",
    .columns = COLUMNS,
    .from = TABLES " WHERE r.id > 0",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "r.name, r.id",
    .key = "r.id",
    .size = sizeof(struct robot),
    .row = read_row,
};

/* Puts the prefix before the name. */
static void complete(struct access *x, struct arena *a, struct robot *r)
{
    struct str prefix = setting_text(x->settings, SETTING_robot_name_prefix, a);
    r->full_name = str_from(arena_printf(a, "%.*s%.*s", S(prefix), S(r->full_name)));
}

int robot_list(struct access *x, struct arena *a, const struct db_list_query *q,
               struct db_page *ret, struct err *e)
{
    if (db_list_page(db_reader(x->db), &robot_list_fields, DB_NO_ARGS, q, a, ret, e) < 0)
        return -1;
    struct robot *found = ret->v;
    for (size_t i = 0; i < ret->n; i++)
        complete(x, a, &found[i]);
    return 0;
}

int robot_find(struct access *x, struct arena *a, int64_t id, struct robot *ret, struct err *e)
{
    int found =
        db_list_find(db_reader(x->db), &robot_list_fields, DB_NO_ARGS, "id", DB_I64(id), a, ret, e);
    if (found > 0)
        complete(x, a, ret);
    return found;
}

/* ---- the rules ---- */

int robot_permission(enum access_robot_kind kind, struct str resource, struct str action,
                     enum permission *ret, struct err *e)
{
    unsigned whose = catalogue_of(kind);

    for (int i = 0; i < PERM_COUNT; i++) {
        const struct permission_info *p = permission_info((enum permission)i);
        if (p->level == PERM_LEVEL_NONE || !(p->robots & whose) ||
            !str_eqz(resource, p->resource) || !str_eqz(action, p->action))
            continue;
        *ret = (enum permission)i;
        return 0;
    }
    return ERR(e, BAD_REQUEST,
               "robots cannot be given \"%.*s\" of \"%.*s\" in %s; GET /api/v2.0/permissions lists "
               "what there is",
               S(str_head(action, 40)), S(str_head(resource, 40)),
               kind == ACCESS_ROBOT_SYSTEM ? "the system" : "a project");
}

bool robot_covers(const struct access_robot *a, const struct access_robot *b)
{
    /* What is wanted everywhere (project 0) must be held everywhere. */
    for (size_t i = 0; i < b->n; i++)
        if (!access_robot_has(a, b->grants[i].kind, b->grants[i].project_id,
                              (enum permission)b->grants[i].permission))
            return false;
    return true;
}

static bool good_name(struct str name)
{
    bool good = name.n > 0 && name.n <= NAME_MAX_BYTES;
    bool after_mark = true;

    for (size_t i = 0; good && i < name.n; i++) {
        char c = name.p[i];
        bool mark = c == '.' || c == '_' || c == '-';
        good = mark ? !after_mark : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        after_mark = mark;
    }
    return good && !after_mark;
}

static int check(const struct robot *r, const struct access_robot *rights, struct err *e)
{
    if (!good_name(r->name))
        return ERR(e, BAD_REQUEST,
                   "\"name\" must be 1 to %d lower-case letters and digits, with '.', '_' or '-' "
                   "between them",
                   NAME_MAX_BYTES);
    if (r->duration != ROBOT_FOR_EVER && (r->duration < 1 || r->duration > ROBOT_DAYS_MAX))
        return ERR(e, BAD_REQUEST, "\"duration\" must be a number of days, or -1 for ever");
    if (r->description.n > LIMIT_DESCRIPTION)
        return ERR(e, BAD_REQUEST, "\"description\" is too long");
    if (rights->n == 0)
        return ERR(e, BAD_REQUEST, "\"permissions\" must name something that the robot may do");
    if (rights->n > GRANTS_MAX)
        return ERR(e, BAD_REQUEST, "\"permissions\" names more than %d rights", GRANTS_MAX);
    return 0;
}

/* 0 for ever. */
static int64_t expires(int64_t from_ms, int64_t days)
{
    return days == ROBOT_FOR_EVER ? 0 : from_ms + days * DAY_MS;
}

/* A secret of the caller's is hashed as a password is, a random one quickly. */
static int make_secret(struct access *x, struct arena *a, struct str wanted, struct str *ret,
                       char ret_hash[ACCESS_PASSWORD_MAX], struct err *e)
{
    if (wanted.n) {
        *ret = STR("");
        return user_password_check(wanted, "secret", e) < 0 ? -1
                                                            : access_hash(x, wanted, ret_hash, e);
    }
    char *made = arena_alloc(a, SECRET_CHARS + 1);
    do
        random_alnum(made, SECRET_CHARS);
    while (user_password_check(str_from(made), "secret", NULL) < 0);
    *ret = str_from(made);
    access_secret_hash(*ret, ret_hash);
    return 0;
}

/* ---- changing ---- */

static int put_grants(struct db_conn *c, int64_t id, const struct access_robot *rights,
                      struct err *e)
{
    if (db_exec(c, Q_robot_grants_remove, DB_ARGS(DB_I64(id)), NULL, e) < 0)
        return -1;
    for (size_t i = 0; i < rights->n; i++) {
        const struct access_robot_grant *g = &rights->grants[i];
        if (db_exec(c, Q_robot_grant_add,
                    DB_ARGS(DB_I64(id), DB_I64(g->kind), DB_I64(g->project_id),
                            DB_TEXTZ(permission_name((enum permission)g->permission))),
                    NULL, e) < 0)
            return -1;
    }
    return 0;
}

/* An entry about a robot by the name that it signs in with. */
static int note(struct access *x, struct db_conn *c, enum audit_event event, const struct robot *r,
                struct err *e)
{
    AUTO(db_rows) rows = {0};
    AUTO(arena) a = {0};
    int found = db_one(c, Q_robot_name, DB_ARGS(DB_I64(r->id)), &rows, e);

    if (found <= 0)
        return found;
    arena_init(&a, 8 * KIB);
    struct robot named = {.full_name = db_text(&rows, 1)};
    complete(x, &a, &named);
    db_rows_done(&rows);
    const struct audit_entry entry = {
        .event = event, .project_id = r->project_id, .resource = named.full_name};
    return audit_add(c, &entry, e);
}

static int insert(struct db_conn *c, struct robot *r, const char *hash, int64_t creator,
                  struct err *e)
{
    AUTO(db_rows) rows = {0};
    int64_t now = clock_now_ms();
    int found = db_one(c, Q_robot_add,
                       DB_ARGS(r->project_id ? DB_I64(r->project_id) : DB_NULL, DB_TEXT(r->name),
                               DB_TEXT(r->description), DB_TEXTZ(hash), DB_I64(r->duration),
                               DB_I64(expires(now, r->duration)), DB_I64(r->disabled),
                               DB_I64(creator), DB_I64(now)),
                       &rows, e);

    if (found <= 0)
        return e && e->code == ERR_CONFLICT
                   ? ERR(e, CONFLICT, "there is a robot \"%.*s\" already", S(r->name))
                   : -1;
    r->id = db_i64(&rows, 0);
    return 0;
}

int robot_create(struct access *x, struct arena *a, struct robot *r,
                 const struct access_robot *rights, struct str secret, int64_t creator,
                 struct str *ret_secret, struct err *e)
{
    AUTO(db_txn) t = {0};
    char hash[ACCESS_PASSWORD_MAX];

    if (check(r, rights, e) < 0 || make_secret(x, a, secret, ret_secret, hash, e) < 0 ||
        db_begin(x->db, &t, e) < 0 || insert(t.conn, r, hash, creator, e) < 0 ||
        put_grants(t.conn, r->id, rights, e) < 0)
        return -1;
    if (note(x, t.conn, AUDIT_create_robot, r, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    return robot_find(x, a, r->id, r, e) < 0 ? -1 : 0;
}

int robot_update(struct access *x, const struct robot *r, const struct access_robot *rights,
                 struct err *e)
{
    AUTO(db_txn) t = {0};
    int64_t changed = 0, now = clock_now_ms(), revision = 0;

    if (check(r, rights, e) < 0 || db_begin(x->db, &t, e) < 0 ||
        db_exec(t.conn, Q_robot_set,
                DB_ARGS(DB_I64(r->id), DB_TEXT(r->description), DB_I64(r->disabled),
                        DB_I64(r->duration), DB_I64(expires(r->created_ms, r->duration)),
                        DB_I64(now)),
                &changed, e) < 0)
        return -1;
    if (changed == 0)
        return ERR(e, NOT_FOUND, "there is no robot %lld", (long long)r->id);
    if (put_grants(t.conn, r->id, rights, e) < 0 || note(x, t.conn, AUDIT_update_robot, r, e) < 0 ||
        revision_add(t.conn, &revision, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    access_cache_drop_user(&x->cache, -r->id);
    revision_own(&x->revision, revision);
    return 0;
}

static int change(struct access *x, const struct robot *r, const struct audit_entry *entry,
                  enum db_query q, struct db_args args, struct err *e)
{
    int64_t revision = 0;
    const struct audit_change c = {.what = "robot",
                                   .find = Q_robot_name,
                                   .key = {args.v, 1},
                                   .name = 1,
                                   .q = q,
                                   .args = args,
                                   .entry = *entry,
                                   .ret_revision = &revision};

    if (audit_change(x->db, &c, e) < 0)
        return -1;
    access_cache_drop_user(&x->cache, -r->id);
    revision_own(&x->revision, revision);
    return 0;
}

int robot_secret_set(struct access *x, struct arena *a, const struct robot *r, struct str secret,
                     struct str *ret_secret, struct err *e)
{
    char hash[ACCESS_PASSWORD_MAX];
    const struct audit_entry entry = {.event = AUDIT_update_robot,
                                      .project_id = r->project_id,
                                      .resource = r->full_name,
                                      .description = STR("a new secret")};

    if (make_secret(x, a, secret, ret_secret, hash, e) < 0)
        return -1;
    return change(x, r, &entry, Q_robot_secret_set,
                  DB_ARGS(DB_I64(r->id), DB_TEXTZ(hash), DB_I64(clock_now_ms())), e);
}

int robot_set_disabled(struct access *x, const struct robot *r, bool disabled, struct err *e)
{
    const struct audit_entry entry = {.event = AUDIT_update_robot,
                                      .project_id = r->project_id,
                                      .resource = r->full_name,
                                      .description = disabled ? STR("disabled") : STR("enabled")};

    return change(x, r, &entry, Q_robot_disabled_set,
                  DB_ARGS(DB_I64(r->id), DB_I64(disabled), DB_I64(clock_now_ms())), e);
}

int robot_remove(struct access *x, const struct robot *r, struct err *e)
{
    const struct audit_entry entry = {
        .event = AUDIT_delete_robot, .project_id = r->project_id, .resource = r->full_name};

    return change(x, r, &entry, Q_robot_remove, DB_ARGS(DB_I64(r->id)), e);
}
