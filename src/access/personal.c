/* SPDX-License-Identifier: Apache-2.0 */
#include "access/personal.h"

#include "access/audit.h"
#include "access/internal.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#define MINUTE_MS      (INT64_C(60) * 1000)
#define DAY_MS         (INT64_C(24) * 60 * MINUTE_MS)
#define NAME_MAX_BYTES 100

static const char *const scopes[] = {
    [ACCESS_SCOPE_READ] = "read",
    [ACCESS_SCOPE_WRITE] = "write",
    [ACCESS_SCOPE_ALL] = "all",
};

const char *access_scope_name(enum access_scope_kind scope)
{
    return scopes[scope];
}

/* ---- making ---- */

static int check(const struct personal *p, int64_t days, enum access_scope_kind *ret_scope,
                 struct err *e)
{
    bool printable = p->name.n > 0 && p->name.n <= NAME_MAX_BYTES;

    for (size_t i = 0; printable && i < p->name.n; i++)
        printable = (unsigned char)p->name.p[i] >= 0x20 && p->name.p[i] != 0x7f;
    if (!printable)
        return ERR(e, BAD_REQUEST, "\"name\" must have 1 to %d printable characters",
                   NAME_MAX_BYTES);
    if (days < 0 || days > PERSONAL_DAYS_MAX)
        return ERR(e, BAD_REQUEST, "\"duration\" must be 1 to %d days, or 0 for ever",
                   PERSONAL_DAYS_MAX);
    for (unsigned i = ACCESS_SCOPE_READ; i < ARRAY_LEN(scopes); i++) {
        if (!str_eqz(p->scope, scopes[i]))
            continue;
        *ret_scope = (enum access_scope_kind)i;
        return 0;
    }
    return ERR(e, BAD_REQUEST, "\"scope\" must be read, write or all");
}

static int insert(struct db_conn *c, int64_t user_id, const struct personal *p, int64_t scope,
                  const char *hash, int64_t *ret_id, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, Q_personal_count, DB_ARGS(DB_I64(user_id)), &rows, e);

    if (found < 0)
        return -1;
    if (found && db_i64(&rows, 0) >= PERSONAL_MAX)
        return ERR(e, CONFLICT, "a user has %d tokens at most; remove one first", PERSONAL_MAX);
    db_rows_done(&rows);
    found = db_one(c, Q_personal_add,
                   DB_ARGS(DB_I64(user_id), DB_TEXT(p->name), DB_I64(scope), DB_TEXTZ(hash),
                           DB_I64(p->expires_ms), DB_I64(p->created_ms)),
                   &rows, e);
    if (found <= 0)
        return e && e->code == ERR_CONFLICT
                   ? ERR(e, CONFLICT, "there is a token \"%.*s\" already", S(p->name))
                   : -1;
    *ret_id = db_i64(&rows, 0);
    return 0;
}

int personal_create(struct access *x, struct arena *a, int64_t user_id, struct personal *p,
                    int64_t days, struct str *ret_token, struct err *e)
{
    AUTO(db_txn) t = {0};
    enum access_scope_kind scope = ACCESS_SCOPE_NONE;
    char *token = arena_alloc(a, sizeof(PERSONAL_PREFIX) + PERSONAL_CHARS), hash[ACCESS_HASH_HEX];

    if (check(p, days, &scope, e) < 0)
        return -1;
    memcpy(token, PERSONAL_PREFIX, sizeof(PERSONAL_PREFIX));
    random_alnum(token + strlen(token), PERSONAL_CHARS);
    access_hash_hex(str_from(token), hash);
    p->created_ms = clock_now_ms();
    p->expires_ms = days ? p->created_ms + days * DAY_MS : 0;
    const struct audit_entry entry = {.event = AUDIT_create_token, .resource = p->name};
    if (db_begin(x->db, &t, e) < 0 || insert(t.conn, user_id, p, scope, hash, &p->id, e) < 0 ||
        audit_add(t.conn, &entry, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    *ret_token = str_from(token);
    return 0;
}

int personal_remove(struct access *x, int64_t user_id, int64_t id, struct err *e)
{
    const struct db_arg key[] = {DB_I64(user_id), DB_I64(id)};
    int64_t revision = 0;
    const struct audit_change c = {.what = "token",
                                   .find = Q_personal_name,
                                   .key = {key, ARRAY_LEN(key)},
                                   .name = 0,
                                   .q = Q_personal_remove,
                                   .args = {key, ARRAY_LEN(key)},
                                   .entry = {.event = AUDIT_delete_token},
                                   .ret_revision = &revision};

    if (audit_change(x->db, &c, e) < 0)
        return -1;
    access_cache_drop_user(&x->cache, user_id);
    revision_own(&x->revision, revision);
    return 0;
}

/* ---- using ---- */

bool access_personal_is(struct str secret)
{
    return secret.n == strlen(PERSONAL_PREFIX) + PERSONAL_CHARS &&
           str_starts(secret, STR(PERSONAL_PREFIX));
}

int access_personal_find(struct access *x, struct arena *a, struct str username, struct str token,
                         struct identity *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char hash[ACCESS_HASH_HEX];
    int64_t now = clock_now_ms();

    access_hash_hex(token, hash);
    int found =
        db_one(db_reader(x->db), Q_personal_find, DB_ARGS(DB_TEXTZ(hash), DB_I64(now)), &rows, e);
    if (found <= 0)
        return found;
    if (username.p && !str_eq(username, db_text(&rows, 3)))
        return 0;
    int64_t used_ms = db_i64(&rows, 5);
    *ret = (struct identity){
        .proof = ACCESS_BASIC,
        .token_id = db_i64(&rows, 0),
        .scope = (enum access_scope_kind)db_i64(&rows, 1),
        .user_id = db_i64(&rows, 2),
        .username = arena_str(a, db_text(&rows, 3)),
        .admin = db_i64(&rows, 4) != 0,
        .had_credentials = true,
    };
    db_rows_done(&rows);
    if (now - used_ms >= MINUTE_MS)
        access_used(x, Q_personal_used, ret->token_id, now);
    return 1;
}

int access_personal_alive(struct access *x, int64_t id, int64_t user_id, struct err *e)
{
    AUTO(db_rows) rows = {0};

    return db_one(db_reader(x->db), Q_personal_alive,
                  DB_ARGS(DB_I64(id), DB_I64(user_id), DB_I64(clock_now_ms())), &rows, e);
}

/* ---- listing ---- */

static const struct db_field fields[] = {
    {.name = "id", .column = "t.id", .type = DB_FIELD_I64},
    {.name = "name", .column = "t.name", .type = DB_FIELD_TEXT},
    {.name = "creation_time", .column = "t.created_ms", .type = DB_FIELD_TIME},
    {.name = "expiration_time", .column = "t.expires_ms", .type = DB_FIELD_TIME},
    {.name = "last_used_time", .column = "t.used_ms", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct personal *)ret = (struct personal){
        .id = db_i64(rows, 0),
        .name = arena_str(a, db_text(rows, 1)),
        .scope = str_from(scopes[db_i64(rows, 2)]),
        .expires_ms = db_i64(rows, 3),
        .created_ms = db_i64(rows, 4),
        .used_ms = db_i64(rows, 5),
    };
    return 0;
}

const struct db_list personal_list_fields = {
    .name = "personal access tokens",
    .columns = "t.id, t.name, t.scope, t.expires_ms, t.created_ms, t.used_ms",
    .from = "personal_token t WHERE t.user_id = $1",
    .n_args = 1,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "t.name, t.id",
    .key = "t.id",
    .size = sizeof(struct personal),
    .row = read_row,
};

int personal_list(struct access *x, struct arena *a, int64_t user_id, const struct db_list_query *q,
                  struct db_page *ret, struct err *e)
{
    return db_list_page(db_reader(x->db), &personal_list_fields, DB_ARGS(DB_I64(user_id)), q, a,
                        ret, e);
}
