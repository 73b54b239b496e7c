/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry tokens: JSON Web Tokens (RFC 7519) with the claims of Harbor:
 * iss, sub, aud, exp, nbf, iat, jti and access:[{"type","name","actions"}]; and, where a personal
 * access token was shown for it, pat: its number.
 */
#include "access/internal.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/random.h"

/* The end of the year 9999: no sum with a leeway comes near an overflow. */
#define TIME_MAX_S INT64_C(253402300799)

enum { JTI_CHARS = 16 };

static const struct {
    unsigned bit;
    const char *name;
} action_names[] = {
    {ACCESS_PULL, "pull"},
    {ACCESS_PUSH, "push"},
    {ACCESS_DELETE, "delete"},
    {ACCESS_SCANNER_PULL, "scanner-pull"},
};

static bool is_registry(struct str type)
{
    return str_eqz(type, "registry");
}

static void write_grant(struct json_writer *w, const struct access_grant *g)
{
    jsonw_object(w);
    jsonw_kstr(w, "type", g->type);
    jsonw_kstr(w, "name", g->name);
    jsonw_key(w, "actions");
    jsonw_list(w);
    if (is_registry(g->type)) {
        if (g->actions)
            jsonw_strz(w, "*");
    } else {
        for (size_t i = 0; i < ARRAY_LEN(action_names); i++)
            if (g->actions & action_names[i].bit)
                jsonw_strz(w, action_names[i].name);
    }
    jsonw_list_done(w);
    jsonw_object_done(w);
}

int access_token_make(struct access *x, struct arena *a, const struct identity *id,
                      const struct access_grant *grants, size_t n, int64_t expires_s,
                      struct str *ret_jwt, struct err *e)
{
    AUTO(buf) claims = {0};
    AUTO(buf) out = {0};
    struct json_writer w;
    int64_t now = clock_now_ms() / 1000;
    char jti[JTI_CHARS + 1];

    buf_init(&claims, LIMIT_TOKEN);
    buf_init(&out, LIMIT_TOKEN);
    if (n > LIMIT_TOKEN_SCOPES)
        return ERR(e, LIMIT, "a token holds at most %d scopes", LIMIT_TOKEN_SCOPES);
    random_alnum(jti, JTI_CHARS);
    jsonw_init(&w, &claims);
    jsonw_object(&w);
    jsonw_kstrz(&w, "iss", ACCESS_ISSUER);
    jsonw_kstr(&w, "sub", id->username);
    jsonw_kstrz(&w, "aud", ACCESS_SERVICE);
    jsonw_ki64(&w, "exp", now + expires_s);
    jsonw_ki64(&w, "nbf", now);
    jsonw_ki64(&w, "iat", now);
    jsonw_kstrz(&w, "jti", jti);
    if (id->token_id)
        jsonw_ki64(&w, "pat", id->token_id);
    jsonw_key(&w, "access");
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++)
        write_grant(&w, &grants[i]);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    if (!buf_ok(&claims))
        return ERR(e, LIMIT, "the token would be longer than %llu bytes",
                   (unsigned long long)LIMIT_TOKEN);
    if (access_key_sign(x->key, buf_str(&claims), &out, e) < 0)
        return -1;
    *ret_jwt = arena_str(a, buf_str(&out));
    return 0;
}

/* ---- reading ---- */

static int refuse(const char *why, struct err *e)
{
    return ERR(e, UNAUTHORIZED, "the token is not valid: %s", why);
}

static bool claim_time(const json_t *claims, const char *name, int64_t *ret)
{
    const json_t *v = json_object_get(claims, name);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > TIME_MAX_S)
        return false;
    *ret = json_integer_value(v);
    return true;
}

/* Unix seconds. */
struct token_times {
    int64_t exp, nbf, iat;
};

static int check_times(const struct token_times *t, int64_t now_s, struct err *e)
{
    if (t->nbf - ACCESS_LEEWAY_S > now_s || t->iat - ACCESS_LEEWAY_S > now_s)
        return refuse("its time has not come", e);
    if (t->exp + ACCESS_LEEWAY_S < now_s)
        return ERR(e, TOKEN_STALE, "the token has expired");
    return 0;
}

static int check_claims(const json_t *claims, int64_t now_s, struct token_times *ret, struct err *e)
{
    struct token_times t;

    if (!str_eqz(json_get_str(claims, "iss"), ACCESS_ISSUER))
        return refuse("it comes from another issuer", e);
    if (!str_eqz(json_get_str(claims, "aud"), ACCESS_SERVICE))
        return refuse("it is made for another service", e);
    if (!claim_time(claims, "exp", &t.exp) || !claim_time(claims, "nbf", &t.nbf) ||
        !claim_time(claims, "iat", &t.iat))
        return refuse("it lacks exp, nbf or iat", e);
    if (check_times(&t, now_s, e) < 0)
        return -1;
    *ret = t;
    return 0;
}

static bool read_grant(struct arena *a, const json_t *item, struct access_grant *ret)
{
    struct str type = json_get_str(item, "type"), name = json_get_str(item, "name");
    const json_t *actions = json_object_get(item, "actions");

    if (!type.p || !name.p || !json_is_array(actions))
        return false;
    *ret = (struct access_grant){.type = arena_str(a, type), .name = arena_str(a, name)};
    for (size_t i = 0; i < json_array_size(actions); i++) {
        const json_t *v = json_array_get(actions, i);
        if (!json_is_string(v))
            return false;
        struct str action = str_of(json_string_value(v), json_string_length(v));
        if (is_registry(type) && str_eqz(action, "*"))
            ret->actions |= ACCESS_PULL;
        for (size_t k = 0; !is_registry(type) && k < ARRAY_LEN(action_names); k++)
            if (str_eqz(action, action_names[k].name))
                ret->actions |= action_names[k].bit;
    }
    return true;
}

static int read_grants(struct arena *a, const json_t *claims, struct identity *id, struct err *e)
{
    const json_t *list = json_object_get(claims, "access");
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n > LIMIT_TOKEN_SCOPES)
        return refuse("it has no list of grants", e);
    struct access_grant *grants = ARENA_ARRAY(a, n, struct access_grant);
    for (size_t i = 0; i < n; i++)
        if (!read_grant(a, json_array_get(list, i), &grants[i]))
            return refuse("a grant of it cannot be read", e);
    id->grants = grants;
    id->n_grants = n;
    return 0;
}

static int read_claims(struct arena *a, struct str claims_text, int64_t now_s, struct identity *ret,
                       struct token_times *ret_times, struct err *e)
{
    struct identity id = {.proof = ACCESS_BEARER, .had_credentials = true};
    AUTO_JSON claims = json_load(claims_text, ERR_UNAUTHORIZED, e);

    if (!claims)
        return err_wrap(e, "the token is not valid");
    if (check_claims(claims, now_s, ret_times, e) < 0 || read_grants(a, claims, &id, e) < 0)
        return -1;
    id.issued_at = ret_times->iat;
    struct str subject = json_get_str(claims, "sub");
    if (!subject.p || subject.n > LIMIT_USERNAME)
        return refuse("it has no subject", e);
    id.username = arena_str(a, subject);
    const json_t *personal = json_object_get(claims, "pat");
    if (personal && (!json_is_integer(personal) || json_integer_value(personal) <= 0))
        return refuse("its number of a personal access token cannot be read", e);
    id.token_id = personal ? json_integer_value(personal) : 0;
    *ret = id;
    return 0;
}

int access_token_read(struct arena *a, struct str claims_text, int64_t now_s, struct identity *ret,
                      struct err *e)
{
    struct token_times times;
    return read_claims(a, claims_text, now_s, ret, &times, e);
}

/* ---- remembering ---- */

/* A proven token as it was read, in one block: the strings stand behind the grants. */
struct token_facts {
    struct token_times times;
    struct identity id;
    struct access_grant grants[];
};

static struct str put_str(char **at, struct str s)
{
    struct str copy = str_of(*at, s.n);
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

/* A block of one identity with its strings, on the heap or (a given) in an arena. */
static struct token_facts *facts_make(struct arena *a, const struct identity *id,
                                      const struct token_times *times)
{
    size_t n = sizeof(struct token_facts) + id->n_grants * sizeof(id->grants[0]),
           text = id->username.n;
    for (size_t i = 0; i < id->n_grants; i++)
        text += id->grants[i].type.n + id->grants[i].name.n;
    struct token_facts *f = a ? arena_alloc(a, n + text) : mem_alloc(n + text);
    char *at = (char *)f + n;
    f->times = *times;
    f->id = *id;
    f->id.username = put_str(&at, id->username);
    for (size_t i = 0; i < id->n_grants; i++)
        f->grants[i] = (struct access_grant){
            .type = put_str(&at, id->grants[i].type),
            .name = put_str(&at, id->grants[i].name),
            .actions = id->grants[i].actions,
        };
    f->id.grants = f->grants;
    return f;
}

struct recall {
    struct arena *arena;
    struct token_facts *facts;
};

static void recall(const void *more, void *ctx)
{
    const struct token_facts *f = more;
    struct recall *r = ctx;
    r->facts = facts_make(r->arena, &f->id, &f->times);
}

/* A token ends with its account, with a new password, and with the personal access token that it
 * was made with. *ret_user: as in the cache. */
static int check_account(struct access *x, const struct identity *id, int64_t *ret_user,
                         struct err *e)
{
    struct access_user user = {0};

    if (id->username.n == 0) {
        *ret_user = 0;
        return 0;
    }
    int found = access_user_find(x, db_reader(x->db), id->username, &user, e);
    if (found < 0)
        return -1;
    /* iat counts whole seconds: a token of the second in which the password changed is taken. */
    if (found == 0 || id->issued_at < user.password_changed_ms / 1000)
        return ERR(e, TOKEN_STALE, "the token was made before its account changed");
    int alive = id->token_id ? access_personal_alive(x, id->token_id, user.id, e) : 1;
    if (alive <= 0)
        return alive < 0 ? -1 : ERR(e, TOKEN_STALE, "what the token was made with has ended");
    *ret_user = user.id;
    return 0;
}

int access_token_verify(struct access *x, struct arena *a, struct str jwt, int64_t now_s,
                        struct identity *ret, struct err *e)
{
    AUTO(buf) claims = {0};
    struct access_cache_key key;
    struct access_cache_entry known = {0};
    struct recall known_facts = {.arena = a};
    struct token_times times;
    struct identity id;
    int64_t account = 0;

    buf_init(&claims, LIMIT_TOKEN);
    if (jwt.n > LIMIT_TOKEN)
        return refuse("it is too long", e);
    access_cache_key(&x->cache, ACCESS_CACHE_TOKEN, jwt, &key);
    if (access_cache_get_more(&x->cache, &key, clock_mono_ms(), &known, recall, &known_facts)) {
        if (check_times(&known_facts.facts->times, now_s, e) < 0)
            return -1;
        *ret = known_facts.facts->id;
        return 0;
    }
    uint64_t drops = access_cache_drops(&x->cache);
    if (access_key_verify(x->key, jwt, &claims, e) < 0 ||
        read_claims(a, buf_str(&claims), now_s, &id, &times, e) < 0 ||
        check_account(x, &id, &account, e) < 0)
        return -1;
    id.user_id = MAX_OF(account, 0);
    access_cache_put_more(&x->cache, &key, clock_mono_ms(), account, false, drops,
                          facts_make(NULL, &id, &times));
    *ret = id;
    return 0;
}
