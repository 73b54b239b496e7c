/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: the Authorization header's Basic pair, tokens and their claims, and scopes. The
 * first byte chooses what the rest is. No bytes whatever are a token of a key that was made a
 * moment ago.
 */
#include "access/internal.h"

#include "access/scope.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct access_key *key(void)
{
    static struct access_key *made;
    if (!made) {
        AUTO(buf) text = {0};
        buf_init(&text, 8192);
        BUG_ON(access_key_generate(&text, NULL) < 0);
        BUG_ON(access_key_parse(buf_str(&text), &made, NULL) < 0);
    }
    return made;
}

static void scopes(struct str s)
{
    struct access_scope scope;
    struct str rest = s;
    size_t total = 0;
    while (access_scope_next(&rest, &scope)) {
        BUG_ON(scope.type.n == 0 || scope.type.n > LIMIT_SCOPE_TYPE);
        BUG_ON(scope.name.n == 0 || scope.name.n > LIMIT_REPO_NAME);
        total += scope.type.n + scope.name.n + scope.actions.n;
    }
    BUG_ON(total > s.n || rest.p);
}

static void basic(struct str s)
{
    struct str user, password;
    AUTO(buf) pair = {0};
    buf_init(&pair, ACCESS_PAIR_MAX);
    if (!access_basic_parse(s, &pair, &user, &password))
        return;
    BUG_ON(user.n == 0 || user.n > LIMIT_USERNAME || str_chr(user, ':') >= 0);
    BUG_ON(password.n == 0 || password.n > LIMIT_PASSWORD);
    BUG_ON(user.n + 1 + password.n != pair.n);
}

static void claims(struct str s)
{
    AUTO(arena) a = {0};
    struct identity id;
    struct err e = {.code = ERR_OK};
    arena_init(&a, 4 * MIB);
    if (access_token_read(&a, s, 1800000000, &id, &e) < 0) {
        BUG_ON(e.code != ERR_UNAUTHORIZED && e.code != ERR_TOKEN_STALE);
        return;
    }
    BUG_ON(id.admin || id.proof != ACCESS_BEARER || id.n_grants > LIMIT_TOKEN_SCOPES);
    for (size_t i = 0; i < id.n_grants; i++)
        BUG_ON(id.grants[i].actions & ~(unsigned)ACCESS_ALL);
}

static void refused(struct str jws)
{
    struct err e = {.code = ERR_OK};
    AUTO(buf) out = {0};
    buf_init(&out, LIMIT_TOKEN);
    BUG_ON(access_key_verify(key(), jws, &out, &e) == 0 || e.code != ERR_UNAUTHORIZED);
}

/* Behind the header that is wanted. */
static void signature(struct str rest)
{
    AUTO(buf) jws = {0}, header = {0};
    buf_init(&header, 1024);
    buf_init(&jws, 2 * LIMIT_TOKEN);
    buf_addf(&header, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", access_key_id(key()));
    base64url_encode(&jws, buf_str(&header));
    buf_addc(&jws, '.');
    buf_adds(&jws, rest);
    refused(buf_str(&jws));
}

/* The stored text of a key. */
static void keys(struct str s)
{
    struct access_key *k = NULL;
    struct err e = {.code = ERR_OK};
    if (access_key_parse(s, &k, &e) == 0)
        access_key_free(k);
    else
        BUG_ON(e.code != ERR_CORRUPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const each[])(struct str) = {
        ['b'] = basic, ['c'] = claims, ['j'] = refused,
        ['k'] = keys,  ['s'] = scopes, ['v'] = signature,
    };
    if (size == 0 || data[0] >= ARRAY_LEN(each) || !each[data[0]])
        return 0;
    each[data[0]](str_of((const char *)data + 1, size - 1));
    return 0;
}
