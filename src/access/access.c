/* SPDX-License-Identifier: Apache-2.0 */
#include "access/internal.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

#include <openssl/crypto.h>

#define FIRST_ADMIN "admin"
/* 62 ^ 24 is more than 2 ^ 142. */
#define RANDOM_PASSWORD 24

/* ---- accounts ---- */

void access_hash_hex(struct str secret, char ret[ACCESS_HASH_HEX])
{
    uint8_t raw[32];

    hash_sha256(secret.p, secret.n, raw);
    str_hex(raw, sizeof(raw), ret);
}

int access_hash(struct access *x, struct str password, char ret[ACCESS_PASSWORD_MAX], struct err *e)
{
    if (access_hasher_enter(&x->hasher, e) < 0)
        return -1;
    int r = access_password_hash(password, ret, e);
    access_hasher_leave(&x->hasher);
    return r;
}

static int any_user(struct db_conn *c, struct err *e)
{
    AUTO(db_rows) rows = {0};
    return db_one(c, Q_user_any, DB_NO_ARGS, &rows, e);
}

/* The first administrator, if there is no account yet. Of two nodes that start at once on an empty
 * database one makes it; the other has generated nothing. */
static int seed(struct access *x, struct str given, struct arena *a, struct str *ret_generated,
                struct err *e)
{
    AUTO(db_txn) t = {0};
    char hash[ACCESS_PASSWORD_MAX];
    int found = any_user(db_reader(x->db), e);

    if (found != 0)
        return found < 0 ? -1 : 0;
    if (given.p && !access_password_fits(given))
        return ERR(e, CONFIG, "the first administrator's password must have 1 to %d characters",
                   LIMIT_PASSWORD);
    struct str password = given;
    if (!given.p) {
        char *made = arena_alloc(a, RANDOM_PASSWORD + 1);
        random_alnum(made, RANDOM_PASSWORD);
        password = str_of(made, RANDOM_PASSWORD);
    }
    if (access_hash(x, password, hash, e) < 0 || db_begin(x->db, &t, e) < 0)
        return -1;
    found = any_user(t.conn, e);
    if (found != 0)
        return found < 0 ? -1 : 0;
    const struct user admin = {
        .username = STR(FIRST_ADMIN),
        .email = STR("admin@example.com"),
        .realname = STR("system admin"),
        .comment = STR("admin user"),
        .admin = true,
    };
    int64_t id;
    if (access_user_insert(t.conn, &admin, hash, &id, e) < 0 || db_commit(&t, e) < 0)
        return -1;
    if (!given.p)
        *ret_generated = password;
    return 0;
}

static struct access *new_access(struct db *db)
{
    struct access *x = NEW(struct access);

    x->db = db;
    access_hasher_init(&x->hasher);
    access_cache_init(&x->cache);
    access_throttle_init(&x->throttle);
    return x;
}

/* The number first: a change while the settings are read is seen at the next look. */
static int load(struct access *x, struct err *e)
{
    int64_t now;

    if (revision_read(db_reader(x->db), &now, e) < 0)
        return -1;
    atomic_store(&x->revision.known, now);
    return setting_load(x->db, &x->settings, e);
}

int access_open(struct db *db, struct str first_password, struct arena *a,
                struct str *ret_generated, struct access **ret, struct err *e)
{
    struct access *x = new_access(db);
    struct str generated = STR_NULL;

    if (access_key_load(db, &x->key, e) < 0 || load(x, e) < 0 ||
        seed(x, first_password, a, &generated, e) < 0) {
        access_close(x);
        return -1;
    }
    *ret_generated = generated;
    *ret = x;
    return 0;
}

int access_open_beside(struct db *db, struct access **ret, struct err *e)
{
    struct access *x = new_access(db);

    if (load(x, e) < 0) {
        access_close(x);
        return -1;
    }
    *ret = x;
    return 0;
}

void access_look(struct access *x)
{
    struct err e;
    int64_t now;

    if (!revision_due(&x->revision, clock_mono_ms()))
        return;
    int rc = revision_read(db_reader(x->db), &now, &e);
    if (rc == 0 && now == atomic_load(&x->revision.known))
        return;
    /* Whoever cannot know whether a proof still holds asks for a new one. */
    access_cache_drop_all(&x->cache);
    if (rc == 0)
        rc = setting_read_again(x->settings, &e);
    if (rc == 0)
        atomic_store(&x->revision.known, now);
    else
        LOG(ERROR, "access.look_failed", log_err(&e));
}

struct settings *access_settings(struct access *x)
{
    return x->settings;
}

void access_close(struct access *x)
{
    if (!x)
        return;
    setting_free(x->settings);
    access_key_free(x->key);
    access_throttle_done(&x->throttle);
    access_cache_done(&x->cache);
    access_hasher_done(&x->hasher);
    mem_free(x);
}

/* ---- proofs ---- */

void access_used(struct access *x, enum db_query q, int64_t id, int64_t now_ms)
{
    AUTO(db_txn) t = {0};
    struct err ignored;

    if (db_begin(x->db, &t, &ignored) == 0 &&
        db_exec(t.conn, q, DB_ARGS(DB_I64(id), DB_I64(now_ms)), NULL, &ignored) == 0)
        (void)db_commit(&t, &ignored);
}

static int wrong(struct err *e)
{
    return ERR(e, UNAUTHORIZED, "the user name or the password is wrong");
}

struct attempt {
    struct access *x;
    struct str username, password;
    struct access_cache_key key;
    uint64_t throttle;
};

static bool is_known(const struct attempt *t, struct access_user *ret)
{
    struct access_cache_entry entry;
    if (!access_cache_get(&t->x->cache, &t->key, clock_mono_ms(), &entry))
        return false;
    *ret = (struct access_user){.id = entry.user_id, .admin = entry.admin};
    return true;
}

/* With a place of the hasher taken. */
static int prove(const struct attempt *t, struct access_user *ret, struct err *e)
{
    struct access *x = t->x;
    struct access_user user = {0};

    /* The same credential may have been proven while this one waited. */
    if (is_known(t, ret))
        return 0;
    uint64_t drops = access_cache_drops(&x->cache);
    int found = access_user_find(x, db_reader(x->db), t->username, &user, e);
    if (found < 0)
        return -1;
    int right = access_password_verify(found ? user.password_hash : access_nobody(x, t->username),
                                       t->password, e);
    if (right < 0)
        return -1;
    if (!right) {
        access_throttle_failed(&x->throttle, t->throttle, clock_mono_ms());
        return wrong(e);
    }
    access_throttle_proven(&x->throttle, t->throttle);
    access_cache_put(&x->cache, &t->key, clock_mono_ms(), user.id, user.admin, drops);
    *ret = user;
    return 0;
}

static int try(struct attempt *t, struct str peer, struct access_user *ret, struct err *e)
{
    struct access *x = t->x;

    if (is_known(t, ret))
        return 0;
    t->throttle = access_throttle_key(&x->throttle, peer, t->username);
    if (!access_throttle_allows(&x->throttle, t->throttle, clock_mono_ms()))
        return ERR(e, TOO_MANY_REQUESTS, "too many wrong passwords; try again later");
    if (access_hasher_enter(&x->hasher, e) < 0)
        return -1;
    int r = prove(t, ret, e);
    access_hasher_leave(&x->hasher);
    return r;
}

int access_prove(struct access *x, struct str peer, struct str username, struct str password,
                 struct access_user *ret, struct err *e)
{
    AUTO(buf) pair = {0};
    struct attempt t = {.x = x, .username = username, .password = password};

    buf_init(&pair, ACCESS_PAIR_MAX);
    buf_adds(&pair, username);
    buf_addc(&pair, ':');
    buf_adds(&pair, password);
    access_cache_key(&x->cache, ACCESS_CACHE_BASIC, buf_str(&pair), &t.key);
    OPENSSL_cleanse(pair.p, pair.n);
    return try(&t, peer, ret, e);
}

bool access_basic_parse(struct str text, struct buf *pair, struct str *ret_user,
                        struct str *ret_password)
{
    if (!base64_decode(pair, text))
        return false;
    struct str password = buf_str(pair), user = str_cut(&password, ':');
    if (user.n == 0 || user.n > LIMIT_USERNAME || !access_password_fits(password))
        return false;
    *ret_user = user;
    *ret_password = password;
    return true;
}

static int basic(struct access *x, struct arena *a, struct str peer, struct str text,
                 struct identity *ret, struct err *e)
{
    AUTO(buf) pair = {0};
    struct access_user user = {0};
    struct str username, password;

    buf_init(&pair, ACCESS_PAIR_MAX);
    if (!access_basic_parse(text, &pair, &username, &password))
        return wrong(e);
    int found =
        access_personal_is(password) ? access_personal_find(x, a, username, password, ret, e) : 0;
    if (found != 0)
        return found < 0 ? -1 : 0;
    int r = access_prove(x, peer, username, password, &user, e);
    if (r == 0)
        *ret = (struct identity){
            .proof = ACCESS_BASIC,
            .user_id = MAX_OF(user.id, 0),
            .username = arena_str(a, username),
            .admin = user.admin,
            .had_credentials = true,
        };
    if (r == 0 && user.id < 0)
        r = access_robot_identity(x, a, -user.id, ret, e);
    OPENSSL_cleanse(pair.p, pair.n);
    return r;
}

static int bearer(struct access *x, struct arena *a, struct str token, struct identity *ret,
                  struct err *e)
{
    if (!access_personal_is(token))
        return access_token_verify(x, a, token, clock_now_ms() / 1000, ret, e);
    int found = access_personal_find(x, a, STR_NULL, token, ret, e);
    return found == 0 ? ERR(e, UNAUTHORIZED, "the token is unknown, or its time is over")
                      : MIN_OF(found, 0);
}

bool access_is_personal(struct str authorization)
{
    struct str rest = str_trim(authorization);
    return str_ieq(str_cut(&rest, ' '), STR("Bearer")) && access_personal_is(str_trim(rest));
}

int access_authenticate_from(struct access *x, struct arena *a, struct str peer,
                             struct str authorization, struct identity *ret, struct err *e)
{
    struct str rest = str_trim(authorization);

    if (rest.n == 0) {
        *ret = (struct identity){.proof = ACCESS_ANONYMOUS, .username = STR("")};
        return 0;
    }
    struct str scheme = str_cut(&rest, ' ');
    rest = str_trim(rest);
    if (rest.n && str_ieq(scheme, STR("Basic")))
        return basic(x, a, peer, rest, ret, e);
    if (rest.n && str_ieq(scheme, STR("Bearer")))
        return bearer(x, a, rest, ret, e);
    return ERR(e, UNAUTHORIZED, "the Authorization header is neither Basic nor Bearer");
}

int access_authenticate(struct access *x, struct arena *a, struct str authorization,
                        struct identity *ret, struct err *e)
{
    return access_authenticate_from(x, a, STR_NULL, authorization, ret, e);
}
