/* SPDX-License-Identifier: Apache-2.0 */
/* The low-level contexts are deprecated since OpenSSL 3.0 in favour of EVP, which cannot export its
 * state. This file alone uses them. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/hash.h"

#include <openssl/sha.h>

/*
 * The stored form, little-endian:
 *   0  magic "HvHs"          4  version (1)       5  algorithm (enum digest_alg)
 *   6  length of the tail    7  zero              8  bytes hashed so far (64 bit)
 *  16  the eight chaining words (32 or 64 bit each)
 *      the tail: what does not fill a block yet
 *      SHA-256 of all of it so far
 */
enum { STATE_VERSION = 1, STATE_FIXED = 16, STATE_SUM = 32, STATE_WORDS = 8 };
static const char state_magic[4] = {'H', 'v', 'H', 's'};

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct hash *)0)->ctx), "SHA256_CTX fits");
_Static_assert(sizeof(SHA512_CTX) <= sizeof(((struct hash *)0)->ctx), "SHA512_CTX fits");
_Static_assert(STATE_FIXED + STATE_WORDS * 8 + SHA512_CBLOCK + STATE_SUM <= HASH_STATE_MAX,
               "the stored form fits");

/* SHA-2 counts bits in the last words of its padding; past this the counts would wrap. */
#define HASHED_MAX (UINT64_MAX / 8)

static SHA256_CTX *ctx256(struct hash *h)
{
    return (SHA256_CTX *)(void *)h->ctx;
}

static SHA512_CTX *ctx512(struct hash *h)
{
    return (SHA512_CTX *)(void *)h->ctx;
}

/* The low-level functions return 1 always: they touch nothing but the context. */
void hash_init(struct hash *h, enum digest_alg alg)
{
    BUG_ON((unsigned)alg >= DIGEST_ALG_COUNT);
    *h = (struct hash){.alg = alg};
    if (alg == DIGEST_SHA512)
        (void)SHA512_Init(ctx512(h));
    else
        (void)SHA256_Init(ctx256(h));
}

void hash_update(struct hash *h, const void *p, size_t n)
{
    BUG_ON(n > HASHED_MAX - h->n);
    if (n == 0)
        return;
    if (h->alg == DIGEST_SHA512)
        (void)SHA512_Update(ctx512(h), p, n);
    else
        (void)SHA256_Update(ctx256(h), p, n);
    h->n += n;
}

void hash_raw(const struct hash *h, uint8_t *out)
{
    struct hash end = *h;
    if (end.alg == DIGEST_SHA512)
        (void)SHA512_Final(out, ctx512(&end));
    else
        (void)SHA256_Final(out, ctx256(&end));
}

void hash_digest(const struct hash *h, struct digest *ret)
{
    uint8_t raw[DIGEST_RAW_MAX];
    hash_raw(h, raw);
    digest_from_raw(h->alg, raw, ret);
}

static uint8_t *put(uint8_t *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> (8 * i));
    return at + bytes;
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

static unsigned block_size(enum digest_alg alg)
{
    return alg == DIGEST_SHA512 ? SHA512_CBLOCK : SHA256_CBLOCK;
}

static unsigned word_size(enum digest_alg alg)
{
    return alg == DIGEST_SHA512 ? 8 : 4;
}

size_t hash_save(const struct hash *h, uint8_t out[HASH_STATE_MAX])
{
    struct hash copy = *h;
    unsigned tail = (unsigned)(h->n % block_size(h->alg));
    uint8_t *at = out;
    memcpy(at, state_magic, sizeof(state_magic));
    at += sizeof(state_magic);
    at = put(at, STATE_VERSION, 1);
    at = put(at, (uint64_t)h->alg, 1);
    at = put(at, tail, 1);
    at = put(at, 0, 1);
    at = put(at, h->n, 8);
    for (unsigned i = 0; i < STATE_WORDS; i++)
        at = put(at, h->alg == DIGEST_SHA512 ? ctx512(&copy)->h[i] : ctx256(&copy)->h[i],
                 word_size(h->alg));
    if (h->alg == DIGEST_SHA512) {
        BUG_ON(ctx512(&copy)->num != tail);
        memcpy(at, ctx512(&copy)->u.p, tail);
    } else {
        BUG_ON(ctx256(&copy)->num != tail);
        memcpy(at, ctx256(&copy)->data, tail);
    }
    at += tail;
    hash_sha256(out, (size_t)(at - out), at);
    return (size_t)(at - out) + STATE_SUM;
}

int hash_load(struct hash *h, struct str state, struct err *e)
{
    const uint8_t *p = (const uint8_t *)state.p;
    if (state.n < STATE_FIXED || state.n > HASH_STATE_MAX ||
        memcmp(p, state_magic, sizeof(state_magic)) != 0)
        return ERR(e, CORRUPT, "this is not a stored hash state");
    if (p[4] != STATE_VERSION)
        return ERR(e, CORRUPT, "the stored hash state has version %d, not %d", p[4], STATE_VERSION);
    if (p[5] >= DIGEST_ALG_COUNT || p[7] != 0)
        return ERR(e, CORRUPT, "the stored hash state is damaged");
    enum digest_alg alg = (enum digest_alg)p[5];
    unsigned block = block_size(alg), word = word_size(alg), tail = p[6];
    uint64_t n = get(p + 8, 8);
    if (tail >= block || tail != n % block || n > HASHED_MAX)
        return ERR(e, CORRUPT, "the stored hash state contradicts itself");
    size_t body = STATE_FIXED + (size_t)STATE_WORDS * word + tail;
    uint8_t sum[STATE_SUM];
    if (state.n != body + STATE_SUM)
        return ERR(e, CORRUPT, "the stored hash state has a wrong length");
    hash_sha256(p, body, sum);
    if (memcmp(sum, p + body, STATE_SUM) != 0)
        return ERR(e, CORRUPT, "the checksum of the stored hash state is wrong");

    hash_init(h, alg);
    h->n = n;
    p += STATE_FIXED;
    for (unsigned i = 0; i < STATE_WORDS; i++, p += word) {
        if (alg == DIGEST_SHA512)
            ctx512(h)->h[i] = get(p, word);
        else
            ctx256(h)->h[i] = (SHA_LONG)get(p, word);
    }
    if (alg == DIGEST_SHA512) {
        ctx512(h)->Nl = n * 8;
        ctx512(h)->num = tail;
        memcpy(ctx512(h)->u.p, p, tail);
    } else {
        ctx256(h)->Nl = (SHA_LONG)(n * 8);
        ctx256(h)->Nh = (SHA_LONG)((n * 8) >> 32);
        ctx256(h)->num = tail;
        memcpy(ctx256(h)->data, p, tail);
    }
    return 0;
}

void hash_bytes(enum digest_alg alg, const void *p, size_t n, struct digest *ret)
{
    struct hash h;
    hash_init(&h, alg);
    hash_update(&h, p, n);
    hash_digest(&h, ret);
}

void hash_sha256(const void *p, size_t n, uint8_t out[32])
{
    SHA256_CTX ctx;
    (void)SHA256_Init(&ctx);
    if (n)
        (void)SHA256_Update(&ctx, p, n);
    (void)SHA256_Final(out, &ctx);
}
