/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot, all numbers little-endian:
 *
 *       0  "haven-up"            8  version (4)         12  flags (4), bit 0: durable
 *      16  sequence (8)         24  offset (8)          32  created, ms (8)    40  updated, ms (8)
 *      48  boot id (16)         64  algorithm (4)       68  length of the scope (4)
 *      72  length of the SHA-256 state (4)              76  length of the other state (4)
 *      80  scope, SHA-256 state, other state, zeros
 *    2016  SHA-256 of all that stands before it
 */
#include "store/state.h"

#include "base/mem.h"

#define MAGIC         "haven-up"
#define VERSION       1
#define FLAG_DURABLE  1u
#define HEAD_SIZE     80
#define CHECKSUM_SIZE 32
#define CHECKSUM_AT   (STATE_SLOT_SIZE - CHECKSUM_SIZE)

_Static_assert(HEAD_SIZE + LIMIT_UPLOAD_SCOPE + 2 * HASH_STATE_MAX <= CHECKSUM_AT,
               "the longest scope and two hash states fit into a slot");

static void put_u32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put_u64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

void state_init(struct state *st, struct str scope, enum digest_alg alg, int64_t now_ms)
{
    BUG_ON(scope.n > LIMIT_UPLOAD_SCOPE);
    *st = (struct state){.alg = alg, .created_ms = now_ms, .updated_ms = now_ms};
    if (scope.n)
        memcpy(st->scope, scope.p, scope.n);
    hash_init(&st->sha256, DIGEST_SHA256);
    if (alg != DIGEST_SHA256)
        hash_init(&st->other, alg);
}

void state_encode(const struct state *st, uint8_t out[STATE_SLOT_SIZE])
{
    uint8_t sha256[HASH_STATE_MAX], other[HASH_STATE_MAX];
    size_t scope_n = strlen(st->scope);
    size_t sha256_n = hash_save(&st->sha256, sha256);
    size_t other_n = st->alg == DIGEST_SHA256 ? 0 : hash_save(&st->other, other);

    memset(out, 0, STATE_SLOT_SIZE);
    memcpy(out, MAGIC, 8);
    put_u32(out + 8, VERSION);
    put_u32(out + 12, st->durable ? FLAG_DURABLE : 0);
    put_u64(out + 16, st->seq);
    put_u64(out + 24, st->offset);
    put_u64(out + 32, (uint64_t)st->created_ms);
    put_u64(out + 40, (uint64_t)st->updated_ms);
    memcpy(out + 48, st->boot, STATE_BOOT_SIZE);
    put_u32(out + 64, (uint32_t)st->alg);
    put_u32(out + 68, (uint32_t)scope_n);
    put_u32(out + 72, (uint32_t)sha256_n);
    put_u32(out + 76, (uint32_t)other_n);
    uint8_t *p = out + HEAD_SIZE;
    memcpy(p, st->scope, scope_n);
    p += scope_n;
    memcpy(p, sha256, sha256_n);
    p += sha256_n;
    if (other_n)
        memcpy(p, other, other_n);
    hash_sha256(out, CHECKSUM_AT, out + CHECKSUM_AT);
}

static int load_hash(struct hash *h, enum digest_alg alg, uint64_t offset, const uint8_t *p,
                     size_t n, struct err *e)
{
    if (hash_load(h, str_of((const char *)p, n), e) < 0)
        return -1;
    if (h->alg != alg || h->n != offset)
        return ERR(e, CORRUPT, "the hash state of an upload is not that of its offset");
    return 0;
}

int state_decode(const uint8_t in[STATE_SLOT_SIZE], struct state *ret, struct err *e)
{
    struct state st = {.seq = get_u64(in + 16)};
    uint8_t checksum[CHECKSUM_SIZE];
    if (memcmp(in, MAGIC, 8) != 0)
        return ERR(e, CORRUPT, "not the state of an upload");
    if (get_u32(in + 8) != VERSION)
        return ERR(e, CORRUPT, "the state of the upload has the unknown version %u",
                   (unsigned)get_u32(in + 8));
    hash_sha256(in, CHECKSUM_AT, checksum);
    if (memcmp(checksum, in + CHECKSUM_AT, CHECKSUM_SIZE) != 0)
        return ERR(e, CORRUPT, "the state of the upload does not fit its checksum");

    uint32_t alg = get_u32(in + 64), scope_n = get_u32(in + 68);
    uint32_t sha256_n = get_u32(in + 72), other_n = get_u32(in + 76);
    if (alg >= DIGEST_ALG_COUNT || scope_n > LIMIT_UPLOAD_SCOPE || sha256_n > HASH_STATE_MAX ||
        other_n > HASH_STATE_MAX || (alg == DIGEST_SHA256) != (other_n == 0))
        return ERR(e, CORRUPT, "the state of the upload has fields out of range");
    st.durable = (get_u32(in + 12) & FLAG_DURABLE) != 0;
    st.offset = get_u64(in + 24);
    st.created_ms = (int64_t)get_u64(in + 32);
    st.updated_ms = (int64_t)get_u64(in + 40);
    memcpy(st.boot, in + 48, STATE_BOOT_SIZE);
    st.alg = (enum digest_alg)alg;
    const uint8_t *p = in + HEAD_SIZE;
    memcpy(st.scope, p, scope_n);
    if (strlen(st.scope) != scope_n || st.offset > LIMIT_BLOB)
        return ERR(e, CORRUPT, "the state of the upload has fields out of range");
    p += scope_n;
    if (load_hash(&st.sha256, DIGEST_SHA256, st.offset, p, sha256_n, e) < 0)
        return -1;
    p += sha256_n;
    if (other_n && load_hash(&st.other, st.alg, st.offset, p, other_n, e) < 0)
        return -1;
    *ret = st;
    return 0;
}
