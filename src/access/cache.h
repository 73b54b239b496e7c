/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: credentials that were proven a moment ago, so that a push of a hundred requests costs one
 * password hash, and a token one signature check.
 *
 * A fixed number of entries in sets of a few; a full set gives up the entry that ends first. Keys
 * are SHA-256 over a secret of the process and the credential, so that memory never shows a quick
 * hash of a password. Only what was proven gets in. Any thread.
 */
#ifndef HAVEN_ACCESS_CACHE_H
#define HAVEN_ACCESS_CACHE_H

#include "base/str.h"
#include "base/thread.h"

#define ACCESS_CACHE_MS   60000
#define ACCESS_CACHE_SETS 512
#define ACCESS_CACHE_WAYS 4

enum access_cache_kind { ACCESS_CACHE_BASIC = 1, ACCESS_CACHE_TOKEN };

struct access_cache_key {
    uint8_t b[32];
};

struct access_cache_entry {
    struct access_cache_key key;
    int64_t until_ms; /* monotonic; 0: empty */
    int64_t user_id;  /* 0: nobody */
    bool admin;
    void *
        more; /* what was found out besides; the cache's own, never to be used by who gets a copy */
};

struct access_cache {
    struct mutex lock;
    uint8_t secret[32];
    uint64_t drops;
    struct access_cache_entry sets[ACCESS_CACHE_SETS][ACCESS_CACHE_WAYS];
};

void access_cache_init(struct access_cache *c); /* c zeroed */
void access_cache_done(struct access_cache *c);

void access_cache_key(const struct access_cache *c, enum access_cache_kind kind,
                      struct str credential, struct access_cache_key *ret);
/* now_ms: clock_mono_ms(). */
bool access_cache_get(struct access_cache *c, const struct access_cache_key *key, int64_t now_ms,
                      struct access_cache_entry *ret);
/* The same; copy(more, ctx) runs while nothing can drop it, if there is more. */
bool access_cache_get_more(struct access_cache *c, const struct access_cache_key *key,
                           int64_t now_ms, struct access_cache_entry *ret,
                           void (*copy)(const void *more, void *ctx), void *ctx);
/* How often something was dropped. Read before a proof begins and given to access_cache_put, which
 * keeps nothing when there was a drop in between: the proof may rest on what is no longer true. */
uint64_t access_cache_drops(struct access_cache *c);
void access_cache_put(struct access_cache *c, const struct access_cache_key *key, int64_t now_ms,
                      int64_t user_id, bool admin, uint64_t drops);
/* The same with one block of memory (mem_alloc), which the cache owns from then on; NULL: none. */
void access_cache_put_more(struct access_cache *c, const struct access_cache_key *key,
                           int64_t now_ms, int64_t user_id, bool admin, uint64_t drops,
                           void *take_more);
/* Forgets all that was proven for a user. */
void access_cache_drop_user(struct access_cache *c, int64_t user_id);
/* Forgets everything. */
void access_cache_drop_all(struct access_cache *c);

#endif
