/* SPDX-License-Identifier: Apache-2.0 */
#include "access/cache.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"

#include <openssl/crypto.h>

void access_cache_init(struct access_cache *c)
{
    mutex_init(&c->lock, "access.cache");
    random_bytes(c->secret, sizeof(c->secret));
}

static void forget(struct access_cache_entry *entry)
{
    mem_free(entry->more);
    *entry = (struct access_cache_entry){0};
}

void access_cache_done(struct access_cache *c)
{
    for (size_t i = 0; i < ACCESS_CACHE_SETS; i++)
        for (size_t k = 0; k < ACCESS_CACHE_WAYS; k++)
            forget(&c->sets[i][k]);
    mutex_done(&c->lock);
    OPENSSL_cleanse(c->secret, sizeof(c->secret));
}

void access_cache_key(const struct access_cache *c, enum access_cache_kind kind,
                      struct str credential, struct access_cache_key *ret)
{
    struct hash h;
    struct digest d;
    char first = (char)kind;

    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, c->secret, sizeof(c->secret));
    hash_update(&h, &first, 1);
    if (credential.n)
        hash_update(&h, credential.p, credential.n);
    hash_digest(&h, &d);
    BUG_ON(!str_unhex(str_from(digest_hex(&d)), ret->b, sizeof(ret->b)));
    OPENSSL_cleanse(&h, sizeof(h));
}

static struct access_cache_entry *set_of(struct access_cache *c, const struct access_cache_key *key)
{
    size_t at = ((size_t)key->b[0] << 8 | key->b[1]) % ACCESS_CACHE_SETS;
    return c->sets[at];
}

static bool same(const struct access_cache_key *a, const struct access_cache_key *b)
{
    return CRYPTO_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool access_cache_get(struct access_cache *c, const struct access_cache_key *key, int64_t now_ms,
                      struct access_cache_entry *ret)
{
    return access_cache_get_more(c, key, now_ms, ret, NULL, NULL);
}

bool access_cache_get_more(struct access_cache *c, const struct access_cache_key *key,
                           int64_t now_ms, struct access_cache_entry *ret,
                           void (*copy)(const void *more, void *ctx), void *ctx)
{
    MUTEX_SCOPE(&c->lock);
    struct access_cache_entry *set = set_of(c, key);

    for (size_t i = 0; i < ACCESS_CACHE_WAYS; i++) {
        if (set[i].until_ms > now_ms && same(&set[i].key, key)) {
            *ret = set[i];
            if (copy && set[i].more)
                copy(set[i].more, ctx);
            return true;
        }
    }
    return false;
}

uint64_t access_cache_drops(struct access_cache *c)
{
    MUTEX_SCOPE(&c->lock);
    return c->drops;
}

void access_cache_put(struct access_cache *c, const struct access_cache_key *key, int64_t now_ms,
                      int64_t user_id, bool admin, uint64_t drops)
{
    access_cache_put_more(c, key, now_ms, user_id, admin, drops, NULL);
}

void access_cache_put_more(struct access_cache *c, const struct access_cache_key *key,
                           int64_t now_ms, int64_t user_id, bool admin, uint64_t drops,
                           void *take_more)
{
    MUTEX_SCOPE(&c->lock);
    struct access_cache_entry *set = set_of(c, key), *best = &set[0];

    if (c->drops != drops) {
        mem_free(take_more);
        return;
    }
    for (size_t i = 0; i < ACCESS_CACHE_WAYS; i++) {
        if (set[i].until_ms && same(&set[i].key, key)) {
            best = &set[i];
            break;
        }
        if (set[i].until_ms < best->until_ms)
            best = &set[i];
    }
    forget(best);
    *best = (struct access_cache_entry){
        .key = *key,
        .until_ms = now_ms + ACCESS_CACHE_MS,
        .user_id = user_id,
        .admin = admin,
        .more = take_more,
    };
}

void access_cache_drop_user(struct access_cache *c, int64_t user_id)
{
    MUTEX_SCOPE(&c->lock);
    c->drops++;
    for (size_t i = 0; i < ACCESS_CACHE_SETS; i++)
        for (size_t k = 0; k < ACCESS_CACHE_WAYS; k++)
            if (c->sets[i][k].user_id == user_id)
                forget(&c->sets[i][k]);
}

void access_cache_drop_all(struct access_cache *c)
{
    MUTEX_SCOPE(&c->lock);
    c->drops++;
    for (size_t i = 0; i < ACCESS_CACHE_SETS; i++)
        for (size_t k = 0; k < ACCESS_CACHE_WAYS; k++)
            forget(&c->sets[i][k]);
}
