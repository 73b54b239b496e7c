/* SPDX-License-Identifier: Apache-2.0 */
#include "access/session.h"

#include "access/audit.h"
#include "access/internal.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"

#include <openssl/crypto.h>

#define MINUTE_MS (INT64_C(60) * 1000)
/* Rows of one turn of the sweep. */
enum { SWEEP_AT_ONCE = 1000, AGENT_MAX = 255 };

static int64_t timeout_ms(struct access *x)
{
    return setting_int(x->settings, SETTING_session_timeout) * MINUTE_MS;
}

/* ---- beginning ---- */

/* The name of the account with this address, if the principal is none itself. */
static int name_of(struct access *x, struct arena *a, struct str principal, struct str *ret,
                   struct err *e)
{
    AUTO(db_rows) rows = {0};

    *ret = principal;
    if (str_chr(principal, '@') < 0)
        return 0;
    int found =
        db_one(db_reader(x->db), Q_user_name_by_principal, DB_ARGS(DB_TEXT(principal)), &rows, e);
    if (found > 0)
        *ret = arena_str(a, db_text(&rows, 0));
    return found < 0 ? -1 : 0;
}

int session_prove(struct access *x, struct arena *a, struct str peer, struct str principal,
                  struct str password, struct identity *ret, struct err *e)
{
    struct access_user user = {0};
    struct str name, ignored;

    if (principal.n == 0 || principal.n > LIMIT_USERNAME || !access_password_fits(password) ||
        access_robot_name(x, principal, &ignored))
        return ERR(e, UNAUTHORIZED, "the user name or the password is wrong");
    if (name_of(x, a, principal, &name, e) < 0 ||
        access_prove(x, peer, name, password, &user, e) < 0)
        return -1;
    *ret = (struct identity){
        .proof = ACCESS_SESSION,
        .user_id = user.id,
        .username = arena_str(a, name),
        .admin = user.admin,
        .address = peer,
    };
    return 0;
}

int session_begin(struct access *x, struct arena *a, const struct identity *id, struct str agent,
                  struct str *ret_secret, struct err *e)
{
    AUTO(db_txn) t = {0};
    char *secret = arena_alloc(a, SESSION_SECRET + 1), hash[ACCESS_HASH_HEX];
    const struct audit_entry entry = {.event = AUDIT_login_user, .resource = id->username};

    random_alnum(secret, SESSION_SECRET);
    access_hash_hex(str_from(secret), hash);
    if (db_begin(x->db, &t, e) < 0 ||
        db_exec(t.conn, Q_session_trim, DB_ARGS(DB_I64(id->user_id), DB_I64(SESSIONS_MAX - 1)),
                NULL, e) < 0 ||
        db_exec(t.conn, Q_session_add,
                DB_ARGS(DB_I64(id->user_id), DB_TEXTZ(hash), DB_TEXT(id->address),
                        DB_TEXT(str_head(agent, AGENT_MAX)), DB_I64(clock_now_ms())),
                NULL, e) < 0 ||
        audit_add(t.conn, &entry, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    *ret_secret = str_from(secret);
    return 0;
}

int session_refused(struct access *x, struct str principal, struct err *e)
{
    const struct audit_entry entry = {
        .event = AUDIT_login_user, .resource = principal, .failed = true};

    return audit_write(x->db, &entry, e);
}

/* ---- using ---- */

int session_find(struct access *x, struct arena *a, struct str secret, bool renew,
                 struct identity *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    char hash[ACCESS_HASH_HEX];
    int64_t now = clock_now_ms();

    if (secret.n != SESSION_SECRET)
        return 0;
    access_hash_hex(secret, hash);
    int found =
        db_one(db_reader(x->db), Q_session_find,
               DB_ARGS(DB_TEXTZ(hash), DB_I64(now - timeout_ms(x)), DB_I64(now - SESSION_LIFE_MS)),
               &rows, e);
    if (found <= 0)
        return found;
    int64_t used_ms = db_i64(&rows, 4);
    *ret = (struct identity){
        .proof = ACCESS_SESSION,
        .session_id = db_i64(&rows, 0),
        .user_id = db_i64(&rows, 1),
        .username = arena_str(a, db_text(&rows, 2)),
        .admin = db_i64(&rows, 3) != 0,
    };
    db_rows_done(&rows);
    if (renew && now - used_ms >= MIN_OF(MINUTE_MS, timeout_ms(x) / 4))
        access_used(x, Q_session_used, ret->session_id, now);
    return 1;
}

/* ---- ending ---- */

int session_end(struct access *x, int64_t user_id, int64_t session_id, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    AUTO(arena) a = {0};
    int64_t gone = 0;

    arena_init(&a, 4 * KIB);
    if (db_begin(x->db, &t, e) < 0)
        return -1;
    int found = db_one(t.conn, Q_user_by_id, DB_ARGS(DB_I64(user_id)), &rows, e);
    if (found < 0)
        return -1;
    struct audit_entry entry = {.event = AUDIT_logout_user};
    if (found > 0)
        entry.resource = arena_str(&a, db_text(&rows, 1));
    db_rows_done(&rows);
    if (db_exec(t.conn, session_id ? Q_session_remove : Q_session_remove_all,
                session_id ? DB_ARGS(DB_I64(user_id), DB_I64(session_id))
                           : DB_ARGS(DB_I64(user_id)),
                &gone, e) < 0)
        return -1;
    if (!found || (session_id && !gone))
        return ERR(e, NOT_FOUND, "the user %lld has no session %lld", (long long)user_id,
                   (long long)session_id);
    if (!session_id)
        entry.description = str_from(arena_printf(&a, "sign out everywhere: %lld sessions of %.*s",
                                                  (long long)gone, S(entry.resource)));
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

int session_sweep(struct access *x, struct err *e)
{
    AUTO(db_txn) t = {0};
    AUTO(db_rows) rows = {0};
    const struct db_arg before = DB_I64(clock_now_ms() - timeout_ms(x));
    int found = db_one(db_reader(x->db), Q_session_over_any, DB_ARGS(before), &rows, e);

    if (found <= 0)
        return found;
    db_rows_done(&rows);
    if (db_begin(x->db, &t, e) < 0 ||
        db_exec(t.conn, Q_session_sweep, DB_ARGS(before, DB_I64(SWEEP_AT_ONCE)), NULL, e) < 0)
        return -1;
    return db_commit(&t, e);
}

/* ---- listing ---- */

static const struct db_field fields[] = {
    {.name = "id", .column = "s.id", .type = DB_FIELD_I64},
    {.name = "client_address", .column = "s.address", .type = DB_FIELD_TEXT},
    {.name = "user_agent", .column = "s.agent", .type = DB_FIELD_TEXT},
    {.name = "creation_time", .column = "s.created_ms", .type = DB_FIELD_TIME},
    {.name = "last_used_time", .column = "s.used_ms", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct session *)ret = (struct session){
        .id = db_i64(rows, 0),
        .address = arena_str(a, db_text(rows, 1)),
        .agent = arena_str(a, db_text(rows, 2)),
        .created_ms = db_i64(rows, 3),
        .used_ms = db_i64(rows, 4),
    };
    return 0;
}

const struct db_list session_list_fields = {
    .name = "sessions",
    .columns = "s.id, s.address, s.agent, s.created_ms, s.used_ms",
    .from = "session s JOIN user_account u ON u.id = s.user_id WHERE s.user_id = $1"
            " AND s.used_ms > $2 AND s.created_ms >= u.password_changed_ms",
    .n_args = 2,
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "s.used_ms DESC, s.id DESC",
    .key = "s.id",
    .size = sizeof(struct session),
    .row = read_row,
};

int session_list(struct access *x, struct arena *a, int64_t user_id, const struct db_list_query *q,
                 struct db_page *ret, struct err *e)
{
    const struct db_args args = DB_ARGS(DB_I64(user_id), DB_I64(clock_now_ms() - timeout_ms(x)));

    return db_list_page(db_reader(x->db), &session_list_fields, args, q, a, ret, e);
}

/* ---- CSRF ---- */

void session_csrf(struct access *x, struct str cookie, char ret[SESSION_CSRF_MAX])
{
    uint8_t mac[32];

    access_key_mac(x->key, STR("csrf"), cookie, mac);
    str_hex(mac, sizeof(mac), ret);
}

bool session_csrf_right(struct access *x, struct str cookie, struct str token)
{
    char right[SESSION_CSRF_MAX];

    session_csrf(x, cookie, right);
    return cookie.n > 0 && token.n == strlen(right) && CRYPTO_memcmp(token.p, right, token.n) == 0;
}
