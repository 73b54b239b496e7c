/* SPDX-License-Identifier: Apache-2.0 */
#include "access/throttle.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"

void access_throttle_init(struct access_throttle *t)
{
    mutex_init(&t->lock, "access.throttle");
    random_bytes(t->secret, sizeof(t->secret));
}

void access_throttle_done(struct access_throttle *t)
{
    mutex_done(&t->lock);
}

uint64_t access_throttle_key(const struct access_throttle *t, struct str peer, struct str user)
{
    struct hash h;
    struct digest d;
    uint64_t key;

    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, t->secret, sizeof(t->secret));
    hash_update(&h, &peer.n, sizeof(peer.n));
    if (peer.n)
        hash_update(&h, peer.p, peer.n);
    if (user.n)
        hash_update(&h, user.p, user.n);
    hash_digest(&h, &d);
    BUG_ON(!str_unhex(str_of(digest_hex(&d), 2 * sizeof(key)), (uint8_t *)&key, sizeof(key)));
    return key ? key : 1;
}

/* The entry of a key, else the one of its set whose debt is paid first. */
static struct access_throttle_entry *entry_of(struct access_throttle *t, uint64_t key)
{
    struct access_throttle_entry *set = t->sets[key % ACCESS_THROTTLE_SETS], *best = &set[0];

    for (size_t i = 0; i < ACCESS_THROTTLE_WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].clear_ms < best->clear_ms)
            best = &set[i];
    }
    return best;
}

bool access_throttle_allows(struct access_throttle *t, uint64_t key, int64_t now_ms)
{
    MUTEX_SCOPE(&t->lock);
    const struct access_throttle_entry *x = entry_of(t, key);

    return x->key != key ||
           x->clear_ms - now_ms <= (ACCESS_THROTTLE_BURST - 1) * ACCESS_THROTTLE_STEP_MS;
}

void access_throttle_failed(struct access_throttle *t, uint64_t key, int64_t now_ms)
{
    MUTEX_SCOPE(&t->lock);
    struct access_throttle_entry *x = entry_of(t, key);

    if (x->key != key)
        *x = (struct access_throttle_entry){.key = key, .clear_ms = now_ms};
    x->clear_ms = MAX_OF(x->clear_ms, now_ms) + ACCESS_THROTTLE_STEP_MS;
}

void access_throttle_proven(struct access_throttle *t, uint64_t key)
{
    MUTEX_SCOPE(&t->lock);
    struct access_throttle_entry *x = entry_of(t, key);

    if (x->key == key)
        *x = (struct access_throttle_entry){0};
}
