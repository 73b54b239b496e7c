/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, passwords, caches and tokens, on a database of their own. */
#include "access_fixture.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#include <fcntl.h>
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* STR for the initialiser of a static object. */
#define TEXT(lit)                                                                                  \
    {                                                                                              \
        .p = lit, .n = sizeof(lit) - 1                                                             \
    }

/* ---- Basic ---- */

static struct str basic_header(struct fixture *f, struct str user, struct str password)
{
    struct buf pair, header;
    buf_init(&pair, 8192);
    buf_init(&header, 16384);
    buf_adds(&pair, user);
    buf_addc(&pair, ':');
    buf_adds(&pair, password);
    buf_addz(&header, "Basic ");
    base64_encode(&header, buf_str(&pair));
    struct str s = arena_str(&f->a, buf_str(&header));
    buf_done(&pair);
    buf_done(&header);
    return s;
}

static enum err_code login_from(struct fixture *f, const char *peer, struct str user,
                                struct str password, struct identity *ret)
{
    struct identity id;
    struct err e = {0};
    int r = access_authenticate_from(f->x, &f->a, str_from(peer), basic_header(f, user, password),
                                     &id, &e);
    if (r == 0 && ret)
        *ret = id;
    return r == 0 ? ERR_OK : e.code;
}

static enum err_code login(struct fixture *f, const char *user, const char *password)
{
    return login_from(f, "192.0.2.1", str_from(user), str_from(password), NULL);
}

static void test_first_start(void **state)
{
    struct fixture *f = *state;
    struct str generated, again;

    open_access(f, STR_NULL, &generated);
    assert_true(generated.n >= 20);
    AUTO_FREE char *kid = mem_strdup(access_key_id(f->x->key));
    AUTO_FREE char *password = mem_strndup(generated.p, generated.n);
    assert_int_equal(login(f, "admin", password), ERR_OK);
    assert_int_equal(login(f, "admin", "another"), ERR_UNAUTHORIZED);

    /* A later start keeps key and password, whatever is given. */
    access_close(f->x);
    open_access(f, STR("given later"), &again);
    assert_null(again.p);
    assert_string_equal(access_key_id(f->x->key), kid);
    assert_int_equal(login(f, "admin", password), ERR_OK);
    assert_int_equal(login(f, "admin", "given later"), ERR_UNAUTHORIZED);
    access_close(f->x);
    open_access(f, STR_NULL, &again);
    assert_null(again.p);
}

static void test_first_password_refused(void **state)
{
    struct fixture *f = *state;
    char longer[LIMIT_PASSWORD + 2];
    struct str generated = STR_NULL;
    struct err e = {0};

    memset(longer, 'x', sizeof(longer));
    assert_int_equal(access_open(f->db, STR(""), &f->a, &generated, &f->x, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_int_equal(
        access_open(f->db, str_of(longer, LIMIT_PASSWORD + 1), &f->a, &generated, &f->x, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_null(f->x);
    open_access(f, str_of(longer, LIMIT_PASSWORD), &generated);
    assert_null(generated.p);
    assert_int_equal(login_from(f, "::1", STR("admin"), str_of(longer, LIMIT_PASSWORD), NULL),
                     ERR_OK);
    assert_int_equal(login_from(f, "::1", STR("admin"), str_of(longer, LIMIT_PASSWORD + 1), NULL),
                     ERR_UNAUTHORIZED);
}

static void test_basic(void **state)
{
    struct fixture *f = *state;
    struct identity id;
    struct err e;

    assert_int_equal(login_from(f, "::1", STR("admin"), STR(PASSWORD), &id), ERR_OK);
    assert_int_equal(id.proof, ACCESS_BASIC);
    assert_true(id.admin && id.had_credentials && id.user_id > 0);
    assert_true(str_eqz(id.username, "admin"));
    assert_int_equal(login(f, "admin", "correct horse"), ERR_UNAUTHORIZED);
    assert_int_equal(login(f, "admin", ""), ERR_UNAUTHORIZED);
    assert_int_equal(login(f, "", ""), ERR_UNAUTHORIZED);
    assert_int_equal(login(f, "Admin", PASSWORD), ERR_UNAUTHORIZED);
    assert_int_equal(login(f, "nobody", PASSWORD), ERR_UNAUTHORIZED);

    assert_int_equal(access_authenticate(f->x, &f->a, STR_NULL, &id, &e), 0);
    assert_int_equal(id.proof, ACCESS_ANONYMOUS);
    assert_false(id.had_credentials);
    assert_int_equal(access_authenticate(f->x, &f->a, STR("  "), &id, &e), 0);
    assert_int_equal(id.proof, ACCESS_ANONYMOUS);

    static const char *const bad[] = {
        "Basic",      "Basic ",     "Bearer",         "Bearer ",           "basic",
        "Digest abc", "Basic ====", "Basic YWRtaW4=", "Basic !",           "Basic YWRtaW46\nY29",
        "x",          "Bearer x",   "Bearer a.b.c",   "BasicYWRtaW46eA==",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        e.code = ERR_OK;
        assert_int_equal(access_authenticate(f->x, &f->a, str_from(bad[i]), &id, &e), -1);
        assert_int_equal(e.code, ERR_UNAUTHORIZED);
    }
    /* The scheme in any case, blanks around. */
    struct str h = basic_header(f, STR("admin"), STR(PASSWORD));
    AUTO_FREE char *odd = mem_printf("  bAsIc   %.*s ", S(str_skip(h, 6)));
    assert_int_equal(access_authenticate(f->x, &f->a, str_from(odd), &id, &e), 0);
    /* Far too long. */
    AUTO_FREE char *huge = mem_zalloc(1 << 20);
    memset(huge, 'A', (1 << 20) - 1);
    memcpy(huge, "Basic ", 6);
    assert_int_equal(access_authenticate(f->x, &f->a, str_from(huge), &id, &e), -1);
    memcpy(huge, "Bearer ", 7);
    assert_int_equal(access_authenticate(f->x, &f->a, str_from(huge), &id, &e), -1);
}

static void set_hash_behind_the_back(struct fixture *f, const char *hash)
{
    AUTO(db_txn) t = {0};
    struct err e = {0};
    struct access_user u = {0};
    assert_int_equal(access_user_find(f->x, db_reader(f->db), STR("admin"), &u, &e), 1);
    assert_int_equal(db_begin(f->db, &t, &e), 0);
    assert_int_equal(db_exec(t.conn, Q_user_password_set,
                             DB_ARGS(DB_I64(u.id), DB_TEXTZ(hash), DB_I64(u.password_changed_ms)),
                             NULL, &e),
                     0);
    assert_int_equal(db_commit(&t, &e), 0);
}

static void test_cache(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    /* Proven a moment ago: nothing is computed any more. Wrong ones are computed each time. */
    set_hash_behind_the_back(f, "not a hash");
    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    assert_int_equal(login(f, "admin", "wrong"), ERR_CORRUPT);
    access_cache_drop_user(&f->x->cache, 1);
    assert_int_equal(login(f, "admin", PASSWORD), ERR_CORRUPT);
}

static void test_cache_alone(void **state)
{
    (void)state;
    struct access_cache *c = NEW(struct access_cache);
    struct access_cache_key k[8], other;
    struct access_cache_entry got;

    access_cache_init(c);
    access_cache_key(c, ACCESS_CACHE_BASIC, STR("a:b"), &k[0]);
    access_cache_key(c, ACCESS_CACHE_TOKEN, STR("a:b"), &other);
    assert_memory_not_equal(&k[0], &other, sizeof(other));
    access_cache_put(c, &k[0], 1000, 5, true, access_cache_drops(c));
    assert_true(access_cache_get(c, &k[0], 1000, &got));
    assert_true(got.user_id == 5 && got.admin);
    assert_false(access_cache_get(c, &other, 1000, &got));
    assert_true(access_cache_get(c, &k[0], 999 + ACCESS_CACHE_MS, &got));
    assert_false(access_cache_get(c, &k[0], 1000 + ACCESS_CACHE_MS, &got));

    /* A proof that a drop overtook is not kept. */
    uint64_t drops = access_cache_drops(c);
    access_cache_drop_user(c, 6);
    access_cache_put(c, &other, 1000, 5, false, drops);
    assert_false(access_cache_get(c, &other, 1000, &got));
    assert_true(access_cache_get(c, &k[0], 1000, &got));
    access_cache_drop_user(c, 5);
    assert_false(access_cache_get(c, &k[0], 1000, &got));

    /* A full set gives up what ends first; the same key never takes two places. */
    for (uint8_t i = 0; i < 8; i++) {
        memset(&k[i], 0, sizeof(k[i]));
        k[i].b[31] = (uint8_t)(i + 1);
    }
    for (int i = 0; i < ACCESS_CACHE_WAYS; i++)
        for (int twice = 0; twice < 2; twice++)
            access_cache_put(c, &k[i], 1000 + i, 7, false, access_cache_drops(c));
    for (int i = 0; i < ACCESS_CACHE_WAYS; i++)
        assert_true(access_cache_get(c, &k[i], 2000, &got));
    access_cache_put(c, &k[ACCESS_CACHE_WAYS], 2000, 7, false, access_cache_drops(c));
    assert_false(access_cache_get(c, &k[0], 2000, &got));
    for (int i = 1; i <= ACCESS_CACHE_WAYS; i++)
        assert_true(access_cache_get(c, &k[i], 2000, &got));
    access_cache_done(c);
    mem_free(c);
}

static void test_throttle(void **state)
{
    (void)state;
    struct access_throttle *t = NEW(struct access_throttle);
    access_throttle_init(t);
    uint64_t a = access_throttle_key(t, STR("192.0.2.1"), STR("admin"));
    uint64_t b = access_throttle_key(t, STR("192.0.2.2"), STR("admin"));
    assert_true(a != b && a != access_throttle_key(t, STR("192.0.2.1"), STR("admi")));
    assert_true(access_throttle_key(t, STR("1"), STR("23")) !=
                access_throttle_key(t, STR("12"), STR("3")));
    for (int i = 0; i < ACCESS_THROTTLE_BURST; i++) {
        assert_true(access_throttle_allows(t, a, 1000));
        access_throttle_failed(t, a, 1000);
    }
    assert_false(access_throttle_allows(t, a, 1000));
    assert_true(access_throttle_allows(t, b, 1000));
    assert_false(access_throttle_allows(t, a, 1000 + ACCESS_THROTTLE_STEP_MS - 1));
    assert_true(access_throttle_allows(t, a, 1000 + ACCESS_THROTTLE_STEP_MS));
    access_throttle_proven(t, a);
    assert_true(access_throttle_allows(t, a, 1000));
    /* More keys than places: no more than forgetting. */
    for (uint64_t i = 1; i < 5000; i++)
        access_throttle_failed(t, i, 1000);
    access_throttle_done(t);
    mem_free(t);
}

static void test_throttled_login(void **state)
{
    struct fixture *f = *state;
    uint64_t key = access_throttle_key(&f->x->throttle, STR("192.0.2.1"), STR("admin"));

    for (int i = 0; i < ACCESS_THROTTLE_BURST + 2; i++)
        access_throttle_failed(&f->x->throttle, key, clock_mono_ms());
    assert_int_equal(login(f, "admin", "wrong"), ERR_TOO_MANY_REQUESTS);
    assert_int_equal(login(f, "admin", PASSWORD), ERR_TOO_MANY_REQUESTS);
    /* Nobody locks an account for others, and what was proven goes on. */
    assert_int_equal(login_from(f, "192.0.2.2", STR("admin"), STR(PASSWORD), NULL), ERR_OK);
    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
}

static int64_t time_of(struct fixture *f, const char *user, const char *password)
{
    int64_t start = clock_mono_us();
    assert_int_equal(login(f, user, password), ERR_UNAUTHORIZED);
    return clock_mono_us() - start;
}

/* Nobody can tell by the clock whether an account exists. The bound is wide: machines are busy. */
static void test_unknown_user_costs_the_same(void **state)
{
    struct fixture *f = *state;
    int64_t known = INT64_MAX, unknown = INT64_MAX;
    for (int i = 0; i < 4; i++) {
        known = MIN_OF(known, time_of(f, "admin", "wrong"));
        unknown = MIN_OF(unknown, time_of(f, "nobody", "wrong"));
    }
    assert_true(unknown * 3 > known);
    assert_true(known * 3 > unknown);
}

static void *login_thread(void *arg)
{
    struct fixture *f = arg;
    struct arena a;
    struct identity id;
    struct err e;
    struct buf h;

    arena_init(&a, 64 * KIB);
    buf_init(&h, 1024);
    buf_addz(&h, "Basic ");
    base64_encode(&h, STR("admin:" PASSWORD));
    for (int i = 0; i < 8; i++) {
        if (access_authenticate(f->x, &a, buf_str(&h), &id, &e) < 0 || !id.admin)
            err_bug(__FILE__, __LINE__, e.msg);
        access_cache_drop_user(&f->x->cache, i % 4 ? 99 : 1);
    }
    buf_done(&h);
    arena_done(&a);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[8];
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(thread_start(&threads[i], "login", login_thread, *state, &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- tokens ---- */

static const struct access_grant grants[] = {
    {.type = TEXT("repository"), .name = TEXT("library/model"), .actions = ACCESS_ALL},
    {.type = TEXT("repository"), .name = TEXT("library/quo\"te"), .actions = ACCESS_PULL},
    {.type = TEXT("repository"), .name = TEXT("other/model"), .actions = 0},
    {.type = TEXT("registry"), .name = TEXT("catalog"), .actions = ACCESS_PULL},
};

static enum err_code bearer(struct fixture *f, struct str jwt, struct identity *ret)
{
    struct identity id;
    struct err e = {0};
    AUTO_FREE char *header = mem_printf("Bearer %.*s", S(jwt));
    int r = access_authenticate(f->x, &f->a, str_from(header), &id, &e);
    if (r == 0 && ret)
        *ret = id;
    return r == 0 ? ERR_OK : e.code;
}

static struct str make_token(struct fixture *f, const char *subject, int64_t expires_s)
{
    struct str jwt = STR_NULL;
    struct err e = {0};
    if (access_token_make(f->x, &f->a, &(struct identity){.username = str_from(subject)}, grants,
                          ARRAY_LEN(grants), expires_s, &jwt, &e) < 0)
        fail_msg("%s", e.msg);
    return jwt;
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct identity id = {0};
    struct str jwt = make_token(f, "admin", 1800);

    for (int cached = 0; cached < 2; cached++) {
        assert_int_equal(bearer(f, jwt, &id), ERR_OK);
        assert_int_equal(id.proof, ACCESS_BEARER);
        assert_true(str_eqz(id.username, "admin") && id.user_id > 0 && !id.admin);
        assert_true(id.issued_at <= clock_now_ms() / 1000 &&
                    id.issued_at > clock_now_ms() / 1000 - 9);
        assert_int_equal(id.n_grants, ARRAY_LEN(grants));
        for (size_t i = 0; i < ARRAY_LEN(grants); i++) {
            assert_true(str_eq(id.grants[i].type, grants[i].type));
            assert_true(str_eq(id.grants[i].name, grants[i].name));
            assert_int_equal(id.grants[i].actions, grants[i].actions);
        }
    }
    assert_int_equal(bearer(f, make_token(f, "", 1800), &id), ERR_OK);
    assert_int_equal(id.user_id, 0);
    assert_int_equal(id.username.n, 0);
    /* Time runs on for what is cached, too. */
    struct err e = {0};
    int64_t now = clock_now_ms() / 1000;
    assert_int_equal(access_token_verify(f->x, &f->a, jwt, now + 1800 + 59, &id, &e), 0);
    assert_int_equal(access_token_verify(f->x, &f->a, jwt, now + 1800 + 62, &id, &e), -1);
    assert_int_equal(e.code, ERR_TOKEN_STALE);
}

static void test_account_changes(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct str jwt = make_token(f, "admin", 1800);

    assert_int_equal(bearer(f, jwt, NULL), ERR_OK);
    assert_int_equal(bearer(f, make_token(f, "ghost", 1800), NULL), ERR_TOKEN_STALE);
    assert_int_equal(login(f, "admin", PASSWORD), ERR_OK);
    (void)usleep(1100 * 1000); /* iat counts seconds */
    assert_int_equal(access_password_set(f->x, 1, STR("new password"), &e), 0);
    assert_int_equal(bearer(f, jwt, NULL), ERR_TOKEN_STALE);
    assert_int_equal(login(f, "admin", PASSWORD), ERR_UNAUTHORIZED);
    assert_int_equal(login(f, "admin", "new password"), ERR_OK);
    assert_int_equal(bearer(f, make_token(f, "admin", 1800), NULL), ERR_OK);
    assert_int_equal(access_password_set(f->x, 1, STR(""), &e), -1);
    assert_int_equal(e.code, ERR_BAD_REQUEST);
    assert_int_equal(access_password_set(f->x, 99, STR("x"), &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
}

static void test_largest_token(void **state)
{
    struct fixture *f = *state;
    struct access_grant many[LIMIT_TOKEN_SCOPES];
    char name[LIMIT_REPO_NAME], user[LIMIT_USERNAME + 1];
    struct str jwt = STR_NULL;
    struct err e = {0};
    struct identity id;

    memset(name, 'n', sizeof(name));
    memset(user, 'u', LIMIT_USERNAME);
    user[LIMIT_USERNAME] = '\0';
    for (size_t i = 0; i < LIMIT_TOKEN_SCOPES; i++)
        many[i] = (struct access_grant){
            .type = STR("repository"), .name = str_of(name, sizeof(name)), .actions = ACCESS_ALL};
    if (access_token_make(f->x, &f->a, &(struct identity){.username = str_from(user)}, many,
                          LIMIT_TOKEN_SCOPES, 60, &jwt, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(jwt.n <= LIMIT_TOKEN);
    const struct identity nobody = {.username = STR("")};
    assert_int_equal(
        access_token_make(f->x, &f->a, &nobody, many, LIMIT_TOKEN_SCOPES + 1, 60, &jwt, &e), -1);
    assert_int_equal(
        access_token_make(f->x, &f->a, &nobody, many, LIMIT_TOKEN_SCOPES, 60, &jwt, &e), 0);
    assert_int_equal(bearer(f, jwt, &id), ERR_OK);
    assert_int_equal(id.n_grants, LIMIT_TOKEN_SCOPES);
}

/* ---- forgeries, made with OpenSSL alone ---- */

static EVP_PKEY *server_key(struct fixture *f)
{
    AUTO(db_rows) rows = {0};
    struct err e = {0};
    assert_int_equal(db_one(db_reader(f->db), Q_setting_get,
                            DB_ARGS(DB_TEXT(STR("token_signing_key"))), &rows, &e),
                     1);
    AUTO_JSON jwk = json_load(db_text(&rows, 0), ERR_CORRUPT, &e);
    assert_non_null(jwk);
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_get_bits(key), 2048);
    return key;
}

/* header and claims as they stand; signed by key, by HMAC with secret, or not at all. */
static char *forge(const char *header, const char *claims, EVP_PKEY *key, const EVP_MD *md,
                   struct str secret)
{
    struct buf out;
    unsigned char sig[1024];
    size_t n = sizeof(sig);
    unsigned hmac_n = 0;

    buf_init(&out, 1 << 20);
    base64url_encode(&out, str_from(header));
    buf_addc(&out, '.');
    base64url_encode(&out, str_from(claims));
    if (key) {
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit(c, NULL, md, NULL, key), 1);
        assert_int_equal(EVP_DigestSign(c, sig, &n, (const unsigned char *)out.p, out.n), 1);
        EVP_MD_CTX_free(c);
    } else if (secret.p) {
        assert_non_null(
            HMAC(md, secret.p, (int)secret.n, (const unsigned char *)out.p, out.n, sig, &hmac_n));
        n = hmac_n;
    } else {
        n = 0;
    }
    buf_addc(&out, '.');
    base64url_encode(&out, str_of((const char *)sig, n));
    return buf_take(&out);
}

static const char good_claims[] =
    "{\"iss\":\"harbor-token-issuer\",\"sub\":\"admin\",\"aud\":\"harbor-registry\",\"exp\":%lld,"
    "\"nbf\":%lld,\"iat\":%lld,\"jti\":\"x\",\"access\":[{\"type\":\"repository\",\"name\":"
    "\"library/model\",\"actions\":[\"pull\"]}]}";

struct claims_case {
    const char *what, *from, *to; /* `from` of the good claims becomes `to` */
    enum err_code code;
};

static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("%s is not in %s", from, text);
    return mem_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static char *claims_now(void)
{
    long long now = clock_now_ms() / 1000;
    return mem_printf(good_claims, now + 1800, now, now);
}

/* The header that the server writes. */
static char *header_of(struct fixture *f)
{
    return mem_printf("{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
                      access_key_id(f->x->key));
}

static void test_claims(void **state)
{
    struct fixture *f = *state;
    long long now = clock_now_ms() / 1000;
    char exp[40], nbf[40], iat[40], t[12][64];
    EVP_PKEY *key = server_key(f);

    (void)snprintf(exp, sizeof(exp), "\"exp\":%lld", now + 1800);
    (void)snprintf(nbf, sizeof(nbf), "\"nbf\":%lld", now);
    (void)snprintf(iat, sizeof(iat), "\"iat\":%lld", now);
    (void)snprintf(t[0], sizeof(t[0]), "\"exp\":%lld", now - 75);
    (void)snprintf(t[1], sizeof(t[1]), "\"exp\":%lld", now - 45);
    (void)snprintf(t[2], sizeof(t[2]), "\"nbf\":%lld", now + 75);
    (void)snprintf(t[3], sizeof(t[3]), "\"nbf\":%lld", now + 45);
    (void)snprintf(t[4], sizeof(t[4]), "\"iat\":%lld", now + 75);
    (void)snprintf(t[5], sizeof(t[5]), "\"iat\":\"%lld\"", now);
    (void)snprintf(t[6], sizeof(t[6]), "\"iat\":%lld.5", now);
    const struct claims_case cases[] = {
        {"as they are", "admin", "admin", ERR_OK},
        {"expired", exp, t[0], ERR_TOKEN_STALE},
        {"expired within the leeway", exp, t[1], ERR_OK},
        {"exp missing", exp, "\"x\":1", ERR_UNAUTHORIZED},
        {"exp is huge", exp, "\"exp\":9223372036854775807", ERR_UNAUTHORIZED},
        {"exp is null", exp, "\"exp\":null", ERR_UNAUTHORIZED},
        {"nbf in the future", nbf, t[2], ERR_UNAUTHORIZED},
        {"nbf within the leeway", nbf, t[3], ERR_OK},
        {"nbf missing", nbf, "\"x\":1", ERR_UNAUTHORIZED},
        {"iat missing", iat, "\"x\":1", ERR_UNAUTHORIZED},
        {"iat in the future", iat, t[4], ERR_UNAUTHORIZED},
        {"iat is a string", iat, t[5], ERR_UNAUTHORIZED},
        {"iat is a fraction", iat, t[6], ERR_UNAUTHORIZED},
        {"iat is negative", iat, "\"iat\":-1", ERR_UNAUTHORIZED},
        {"iat before the account", iat, "\"iat\":1000", ERR_TOKEN_STALE},
        {"another audience", "harbor-registry", "harbor-registry2", ERR_UNAUTHORIZED},
        {"a list of audiences", "\"harbor-registry\"", "[\"harbor-registry\"]", ERR_UNAUTHORIZED},
        {"aud missing", "\"aud\"", "\"aux\"", ERR_UNAUTHORIZED},
        {"aud twice", "\"aud\"", "\"aud\":\"other\",\"aud\"", ERR_UNAUTHORIZED},
        {"another issuer", "harbor-token-issuer", "someone", ERR_UNAUTHORIZED},
        {"iss missing", "\"iss\"", "\"isx\"", ERR_UNAUTHORIZED},
        {"sub missing", "\"sub\"", "\"sux\"", ERR_UNAUTHORIZED},
        {"sub is a number", "\"admin\"", "1", ERR_UNAUTHORIZED},
        {"an unknown account", "\"admin\"", "\"ghost\"", ERR_TOKEN_STALE},
        {"nobody", "\"admin\"", "\"\"", ERR_OK},
        {"no grants", "\"access\"", "\"axxess\"", ERR_UNAUTHORIZED},
        {"grants are an object", "[{", "{\"x\":[{", ERR_UNAUTHORIZED},
        {"an action is a number", "[\"pull\"]", "[1]", ERR_UNAUTHORIZED},
        {"actions are a string", "[\"pull\"]", "\"pull\"", ERR_UNAUTHORIZED},
        {"a grant without a name", "\"name\"", "\"nxme\"", ERR_UNAUTHORIZED},
        {"an unknown action", "\"pull\"", "\"fly\"", ERR_OK},
        {"no JSON", "{\"iss\"", "[\"iss\"", ERR_UNAUTHORIZED},
    };
    AUTO_FREE char *header = header_of(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *good = mem_printf(good_claims, now + 1800, now, now);
        AUTO_FREE char *claims = replace(good, cases[i].from, cases[i].to);
        AUTO_FREE char *jwt = forge(header, claims, key, EVP_sha256(), STR_NULL);
        enum err_code code = bearer(f, str_from(jwt), NULL);
        if (code != cases[i].code)
            fail_msg("%s: %s, expected %s", cases[i].what, err_info(code)->symbol,
                     err_info(cases[i].code)->symbol);
    }
    EVP_PKEY_free(key);
}

static EVP_PKEY *other_key(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    assert_non_null(key);
    return key;
}

static void refused(struct fixture *f, const char *what, const char *header, EVP_PKEY *key,
                    const EVP_MD *md, struct str secret)
{
    AUTO_FREE char *claims = claims_now();
    AUTO_FREE char *jwt = forge(header, claims, key, md, secret);
    enum err_code code = bearer(f, str_from(jwt), NULL);
    if (code != ERR_UNAUTHORIZED)
        fail_msg("%s: %s", what, err_info(code)->symbol);
}

static void test_headers(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY *ours = server_key(f), *theirs = other_key();
    const EVP_MD *sha256 = EVP_sha256();
    const char *kid = access_key_id(f->x->key);
    AUTO_FREE char *good = header_of(f);

    /* The method of forging is sound: with the right key the token is good. */
    AUTO_FREE char *claims = claims_now();
    AUTO_FREE char *jwt = forge(good, claims, ours, sha256, STR_NULL);
    assert_int_equal(bearer(f, str_from(jwt), NULL), ERR_OK);
    AUTO_FREE char *bare = mem_printf("{\"kid\":\"%s\",\"alg\":\"RS256\"}", kid);
    AUTO_FREE char *jwt2 = forge(bare, claims, ours, sha256, STR_NULL);
    assert_int_equal(bearer(f, str_from(jwt2), NULL), ERR_OK);

    refused(f, "signed by another key", good, theirs, sha256, STR_NULL);
    refused(f, "signed with another hash", good, ours, EVP_sha512(), STR_NULL);
    refused(f, "not signed", good, NULL, NULL, STR_NULL);

    AUTO_FREE char *none = replace(good, "RS256", "none");
    refused(f, "alg none without signature", none, NULL, NULL, STR_NULL);
    refused(f, "alg none with signature", none, ours, sha256, STR_NULL);
    AUTO_FREE char *none2 = replace(good, "RS256", "None");
    refused(f, "alg None", none2, NULL, NULL, STR_NULL);
    AUTO_FREE char *rs512 = replace(good, "RS256", "RS512");
    refused(f, "RS512", rs512, ours, EVP_sha512(), STR_NULL);
    AUTO_FREE char *no_alg = replace(good, "\"alg\":\"RS256\",", "");
    refused(f, "no alg", no_alg, ours, sha256, STR_NULL);
    AUTO_FREE char *twice = replace(good, "{", "{\"alg\":\"none\",");
    refused(f, "alg twice", twice, ours, sha256, STR_NULL);

    /* HMAC with what everybody knows of the key. */
    AUTO_FREE char *hs256 = replace(good, "RS256", "HS256");
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(ours, &der);
    assert_true(n > 0);
    refused(f, "HS256 over the public key", hs256, NULL, sha256, str_of((char *)der, (size_t)n));
    refused(f, "HMAC under the name RS256", good, NULL, sha256, str_of((char *)der, (size_t)n));
    refused(f, "HS256 with the empty key", hs256, NULL, sha256, STR(""));
    OPENSSL_free(der);

    AUTO_FREE char *other_kid = replace(good, "\"kid\":\"", "\"kid\":\"X");
    refused(f, "another kid", other_kid, ours, sha256, STR_NULL);
    AUTO_FREE char *no_kid = replace(good, "\"kid\"", "\"typ2\"");
    refused(f, "no kid", no_kid, ours, sha256, STR_NULL);

    /* Keys that the token brings along. */
    AUTO_JSON jwk = jose_openssl_jwk_from_EVP_PKEY(NULL, theirs);
    AUTO_FREE char *with_jwk = mem_printf(
        "{\"alg\":\"RS256\",\"kid\":\"%s\",\"jwk\":{\"kty\":\"RSA\",\"e\":\"%s\",\"n\":\"%s\"}}",
        kid, json_get_str(jwk, "e").p, json_get_str(jwk, "n").p);
    refused(f, "jwk with its own signature", with_jwk, theirs, sha256, STR_NULL);
    refused(f, "jwk with our signature", with_jwk, ours, sha256, STR_NULL);
    static const char *const extra[] = {
        "\"x5c\":[\"MIIB\"],",
        "\"jku\":\"https://example.org/keys\",",
        "\"x5u\":\"https://example.org\",",
        "\"crit\":[\"exp\"],",
        "\"zip\":\"DEF\",",
        "\"b64\":false,",
    };
    for (size_t i = 0; i < ARRAY_LEN(extra); i++) {
        AUTO_FREE char *more = mem_printf("{%s%s", extra[i], good + 1);
        refused(f, extra[i], more, theirs, sha256, STR_NULL);
        refused(f, extra[i], more, ours, sha256, STR_NULL);
    }
    refused(f, "the header is a list", "[]", ours, sha256, STR_NULL);
    refused(f, "the header is no JSON", "RS256", ours, sha256, STR_NULL);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
}

static void test_damage(void **state)
{
    struct fixture *f = *state;
    struct str jwt = make_token(f, "admin", 1800);

    assert_int_equal(bearer(f, jwt, NULL), ERR_OK);
    for (size_t n = 0; n < jwt.n; n += n + 20 < jwt.n ? 7 : 1)
        assert_int_equal(bearer(f, str_head(jwt, n), NULL), ERR_UNAUTHORIZED);
    for (size_t i = 0; i < jwt.n; i += 5) {
        AUTO_FREE char *bad = mem_strndup(jwt.p, jwt.n);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        /* The last digit of a part may hold bits that count for nothing; it must not be taken
         * either. */
        assert_int_equal(bearer(f, str_from(bad), NULL), ERR_UNAUTHORIZED);
    }
    static const char *const tails[] = {".", ".x", "=", "==", "A", " x", "\n", "%00"};
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        AUTO_FREE char *bad = mem_printf("%.*s%s", S(jwt), tails[i]);
        assert_int_equal(bearer(f, str_from(bad), NULL), ERR_UNAUTHORIZED);
    }
    static const char *const odd[] = {".",    "..",   "...",         "a..b",
                                      ".a.b", "a.b.", "e30.e30.e30", "null"};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        assert_int_equal(bearer(f, str_from(odd[i]), NULL), ERR_UNAUTHORIZED);
}

static void test_damaged_key(void **state)
{
    struct fixture *f = *state;
    static const char *const values[] = {
        "",
        "nonsense",
        "{}",
        "[]",
        "{\"kty\":\"RSA\",\"alg\":\"RS256\"}",
        "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAA\"}",
        "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"AQAB\",\"e\":\"*\"}",
    };
    struct access_key *key = NULL;
    struct err e = {0};

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        AUTO(db_txn) t = {0};
        assert_int_equal(db_begin(f->db, &t, &e), 0);
        assert_int_equal(db_exec(t.conn, Q_setting_add,
                                 DB_ARGS(DB_TEXT(STR("token_signing_key")), DB_TEXTZ(values[i])),
                                 NULL, &e),
                         0);
        assert_int_equal(db_commit(&t, &e), 0);
        if (access_key_load(f->db, &key, &e) == 0)
            fail_msg("\"%s\" was taken", values[i]);
        assert_int_equal(e.code, ERR_CORRUPT);
        assert_null(key);
        (void)teardown(state);
        (void)setup_empty(state);
        f = *state;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(setup_empty, test_first_start),
        WITH(setup_empty, test_first_password_refused),
        WITH(setup, test_basic),
        WITH(setup, test_cache),
        cmocka_unit_test(test_cache_alone),
        cmocka_unit_test(test_throttle),
        WITH(setup, test_throttled_login),
        WITH(setup, test_unknown_user_costs_the_same),
        WITH(setup, test_threads),
        WITH(setup, test_round_trip),
        WITH(setup, test_account_changes),
        WITH(setup, test_largest_token),
        WITH(setup, test_claims),
        WITH(setup, test_headers),
        WITH(setup, test_damage),
        WITH(setup_empty, test_damaged_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
