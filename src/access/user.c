/* SPDX-License-Identifier: Apache-2.0 */
#include "access/user.h"

#include "access/audit.h"
#include "access/internal.h"
#include "base/clock.h"
#include "base/mem.h"

enum { COMMENT_MAX = 30, PASSWORD_MIN = 8 };

/* Characters that Harbor keeps out of names, and the one that ends a name in RFC 7617. */
static const char name_forbidden[] = ",\"~#%$:";

/* ---- looking up ---- */

int access_user_find(struct access *x, struct db_conn *c, struct str username,
                     struct access_user *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    struct str name;
    bool robot = access_robot_name(x, username, &name);
    int found = robot ? access_robot_row(c, name, &rows, e)
                      : db_one(c, Q_user_by_name, DB_ARGS(DB_TEXT(username)), &rows, e);

    if (found <= 0)
        return found;
    struct str hash = db_text(&rows, 1);
    struct access_user u = {
        .id = robot ? -db_i64(&rows, 0) : db_i64(&rows, 0),
        .admin = db_i64(&rows, 2) != 0,
        .password_changed_ms = db_i64(&rows, 3),
    };
    if (hash.n >= sizeof(u.password_hash))
        return ERR(e, CORRUPT, "a stored password hash is too long");
    memcpy(u.password_hash, hash.p, hash.n);
    *ret = u;
    return 1;
}

static const struct db_field fields[] = {
    {.name = "user_id", .column = "u.id", .type = DB_FIELD_I64},
    {.name = "username", .column = "u.username", .type = DB_FIELD_TEXT},
    {.name = "email", .column = "u.email", .type = DB_FIELD_TEXT},
    {.name = "realname", .column = "u.realname", .type = DB_FIELD_TEXT},
    {.name = "comment", .column = "u.comment", .type = DB_FIELD_TEXT},
    {.name = "sysadmin_flag", .column = "u.is_admin", .type = DB_FIELD_BOOL},
    {.name = "creation_time", .column = "u.created_ms", .type = DB_FIELD_TIME},
    {.name = "update_time", .column = "u.updated_ms", .type = DB_FIELD_TIME},
};

static int read_row(const struct db_rows *rows, struct arena *a, void *ret, struct err *e)
{
    (void)e;
    *(struct user *)ret = (struct user){
        .id = db_i64(rows, 0),
        .username = arena_str(a, db_text(rows, 1)),
        .email = arena_str(a, db_text(rows, 2)),
        .realname = arena_str(a, db_text(rows, 3)),
        .comment = arena_str(a, db_text(rows, 4)),
        .admin = db_i64(rows, 5) != 0,
        .created_ms = db_i64(rows, 6),
        .updated_ms = db_i64(rows, 7),
    };
    return 0;
}

const struct db_list user_list_fields = {
    .name = "users",
    .columns = "u.id, u.username, u.email, u.realname, u.comment, u.is_admin, u.created_ms,"
               " u.updated_ms",
    .from = "user_account u WHERE u.id > 0",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .order = "u.username, u.id",
    .key = "u.id",
    .size = sizeof(struct user),
    .row = read_row,
};

int user_find(struct access *x, struct arena *a, int64_t id, struct user *ret, struct err *e)
{
    return db_list_find(db_reader(x->db), &user_list_fields, DB_NO_ARGS, "user_id", DB_I64(id), a,
                        ret, e);
}

static int find_id(struct db_conn *c, enum db_query q, struct str key, int64_t *ret, struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found = db_one(c, q, DB_ARGS(DB_TEXT(key)), &rows, e);

    if (found > 0)
        *ret = db_i64(&rows, 0);
    return found;
}

int user_find_by_name(struct access *x, struct str username, int64_t *ret_id, struct err *e)
{
    return find_id(db_reader(x->db), Q_user_by_name, username, ret_id, e);
}

int user_find_by_email(struct access *x, struct str email, int64_t *ret_id, struct err *e)
{
    return find_id(db_reader(x->db), Q_user_id_by_email, email, ret_id, e);
}

int user_list(struct access *x, struct arena *a, const struct db_list_query *q, struct db_page *ret,
              struct err *e)
{
    return db_list_page(db_reader(x->db), &user_list_fields, DB_NO_ARGS, q, a, ret, e);
}

/* ---- the rules ---- */

static int check_name(struct str name, const char *field, size_t min, struct err *e)
{
    if (name.n < min || name.n > LIMIT_USERNAME)
        return ERR(e, BAD_REQUEST, "\"%s\" must have %zu to %d characters", field, min,
                   LIMIT_USERNAME);
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f ||
            strchr(name_forbidden, name.p[i]))
            return ERR(e, BAD_REQUEST, "\"%s\" must not hold any of %s", field, name_forbidden);
    return 0;
}

/* A local part and a domain, without blanks: no more can be known without sending a letter. */
static int check_email(struct str email, struct err *e)
{
    ptrdiff_t at = str_rchr(email, '@');
    struct str domain = at < 0 ? STR_NULL : str_skip(email, (size_t)at + 1);
    bool good = at > 0 && domain.n > 0 && email.n <= LIMIT_USERNAME && domain.p[0] != '.' &&
                domain.p[domain.n - 1] != '.';

    for (size_t i = 0; i < email.n; i++)
        good = good && (unsigned char)email.p[i] > 0x20 && email.p[i] != 0x7f &&
               !strchr("<>,;\"()", email.p[i]);
    return good ? 0 : ERR(e, BAD_REQUEST, "\"email\" is not an address such as ada@example.org");
}

static int check_profile(const struct user *u, struct err *e)
{
    if (check_email(u->email, e) < 0 || check_name(u->realname, "realname", 0, e) < 0)
        return -1;
    if (u->comment.n > COMMENT_MAX)
        return ERR(e, BAD_REQUEST, "\"comment\" is longer than %d characters", COMMENT_MAX);
    return 0;
}

int user_password_check(struct str password, const char *what, struct err *e)
{
    bool upper = false, lower = false, digit = false;

    for (size_t i = 0; i < password.n; i++) {
        upper = upper || (password.p[i] >= 'A' && password.p[i] <= 'Z');
        lower = lower || (password.p[i] >= 'a' && password.p[i] <= 'z');
        digit = digit || (password.p[i] >= '0' && password.p[i] <= '9');
    }
    if (password.n < PASSWORD_MIN || password.n > LIMIT_PASSWORD || !upper || !lower || !digit)
        return ERR(e, BAD_REQUEST,
                   "the %s must have %d to %d characters, among them an upper-case letter, a "
                   "lower-case one and a digit",
                   what, PASSWORD_MIN, LIMIT_PASSWORD);
    return 0;
}

/* ---- changing ---- */

int access_user_insert(struct db_conn *c, const struct user *u, const char *hash, int64_t *ret_id,
                       struct err *e)
{
    AUTO(db_rows) rows = {0};
    int found =
        db_one(c, Q_user_add,
               DB_ARGS(DB_TEXT(u->username), DB_TEXTZ(hash), DB_I64(u->admin), DB_TEXT(u->email),
                       DB_TEXT(u->realname), DB_TEXT(u->comment), DB_I64(clock_now_ms())),
               &rows, e);

    if (found <= 0)
        return -1;
    *ret_id = db_i64(&rows, 0);
    return 0;
}

/* Says which of the two is taken; the unique indexes hold against those who come at once. */
static int check_free(struct db_conn *c, const struct user *u, struct err *e)
{
    int64_t id = 0;
    int found = u->username.n ? find_id(c, Q_user_by_name, u->username, &id, e) : 0;

    if (found != 0)
        return found < 0 ? -1 : ERR(e, CONFLICT, "there is a user %.*s already", S(u->username));
    found = u->email.n ? find_id(c, Q_user_id_by_email, u->email, &id, e) : 0;
    if (found > 0 && id != u->id)
        return ERR(e, CONFLICT, "the address %.*s belongs to another user", S(u->email));
    return found < 0 ? -1 : 0;
}

int user_create(struct access *x, const struct user *u, struct str password, int64_t *ret_id,
                struct err *e)
{
    AUTO(db_txn) t = {0};
    char hash[ACCESS_PASSWORD_MAX];

    if (check_name(u->username, "username", 1, e) < 0 || check_profile(u, e) < 0 ||
        user_password_check(password, "password", e) < 0 || access_hash(x, password, hash, e) < 0 ||
        db_begin(x->db, &t, e) < 0 || check_free(t.conn, u, e) < 0 ||
        access_user_insert(t.conn, u, hash, ret_id, e) < 0)
        return -1;
    const struct audit_entry entry = {.event = AUDIT_create_user, .resource = u->username};
    return audit_add(t.conn, &entry, e) < 0 ? -1 : db_commit(&t, e);
}

static int nobody(int64_t id, struct err *e)
{
    return ERR(e, NOT_FOUND, "there is no user %lld", (long long)id);
}

/* One change of one account; what was proven for it is forgotten. what: words for the log, or NULL.
 */
static int change(struct access *x, enum audit_event event, const char *what, enum db_query q,
                  struct db_args args, struct err *e)
{
    int64_t revision = 0;
    const struct audit_change c = {.what = "user",
                                   .find = Q_user_by_id,
                                   .key = {args.v, 1},
                                   .name = 1,
                                   .q = q,
                                   .args = args,
                                   .entry = {.event = event, .description = str_from(what)},
                                   .ret_revision = &revision};

    if (audit_change(x->db, &c, e) < 0)
        return -1;
    access_cache_drop_user(&x->cache, args.v[0].i);
    revision_own(&x->revision, revision);
    return 0;
}

int user_set_profile(struct access *x, const struct user *u, struct err *e)
{
    const struct user wanted = {.id = u->id, .email = u->email};

    if (check_profile(u, e) < 0 || check_free(db_reader(x->db), &wanted, e) < 0)
        return -1;
    return change(x, AUDIT_update_user, NULL, Q_user_profile_set,
                  DB_ARGS(DB_I64(u->id), DB_TEXT(u->email), DB_TEXT(u->realname),
                          DB_TEXT(u->comment), DB_I64(clock_now_ms())),
                  e);
}

int user_set_admin(struct access *x, int64_t id, bool admin, struct err *e)
{
    if (id == USER_FIRST_ID && !admin)
        return ERR(e, DENIED, "the first administrator cannot lose its rights");
    return change(x, AUDIT_update_user, NULL, Q_user_admin_set,
                  DB_ARGS(DB_I64(id), DB_I64(admin), DB_I64(clock_now_ms())), e);
}

int user_remove(struct access *x, int64_t id, struct err *e)
{
    if (id == USER_FIRST_ID)
        return ERR(e, DENIED, "the first administrator cannot be removed");
    return change(x, AUDIT_delete_user, NULL, Q_user_remove, DB_ARGS(DB_I64(id)), e);
}

/* ---- passwords ---- */

/* With a place of the hasher taken: is this the password of the account? 1, 0, -1. */
static int is_password(const char *hash, struct access *x, struct str password, struct err *e)
{
    if (access_hasher_enter(&x->hasher, e) < 0)
        return -1;
    int right = access_password_verify(hash, password, e);
    access_hasher_leave(&x->hasher);
    return right;
}

int access_password_set(struct access *x, int64_t user_id, struct str password, struct err *e)
{
    char hash[ACCESS_PASSWORD_MAX];

    if (!access_password_fits(password))
        return ERR(e, BAD_REQUEST, "a password must have 1 to %d characters", LIMIT_PASSWORD);
    if (access_hash(x, password, hash, e) < 0)
        return -1;
    return change(x, AUDIT_update_user, "a new password", Q_user_password_set,
                  DB_ARGS(DB_I64(user_id), DB_TEXTZ(hash), DB_I64(clock_now_ms())), e);
}

int user_password_change(struct access *x, int64_t id, const struct str *old, struct str password,
                         struct err *e)
{
    AUTO(db_rows) rows = {0};
    char hash[ACCESS_PASSWORD_MAX] = "";

    if (user_password_check(password, "password", e) < 0)
        return -1;
    int found = db_one(db_reader(x->db), Q_user_by_id, DB_ARGS(DB_I64(id)), &rows, e);
    if (found <= 0)
        return found < 0 ? -1 : nobody(id, e);
    struct str stored = db_text(&rows, 8);
    if (stored.n >= sizeof(hash))
        return ERR(e, CORRUPT, "a stored password hash is too long");
    memcpy(hash, stored.p, stored.n);
    db_rows_done(&rows);
    int right = old ? is_password(hash, x, *old, e) : 1;
    if (right <= 0)
        return right < 0 ? -1 : ERR(e, DENIED, "the old password is wrong");
    int same = is_password(hash, x, password, e);
    if (same != 0)
        return same < 0 ? -1 : ERR(e, BAD_REQUEST, "the new password must differ from the old one");
    return access_password_set(x, id, password, e);
}
