/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes against EVP and published vectors; stored states at every place in a block, and damaged
 * ones. */
#include "base/hash.h"
#include "unit.h"

#include <openssl/evp.h>

enum { DATA = 700 };
static uint8_t data[DATA];

static int fill(void **state)
{
    (void)state;
    uint32_t x = 12345;
    for (size_t i = 0; i < DATA; i++) {
        x = x * 1664525u + 1013904223u;
        data[i] = (uint8_t)(x >> 24);
    }
    return 0;
}

static void reference(enum digest_alg alg, const void *p, size_t n, struct digest *ret)
{
    uint8_t raw[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const EVP_MD *md = alg == DIGEST_SHA512 ? EVP_sha512() : EVP_sha256();
    assert_int_equal(EVP_Digest(p, n, raw, &size, md, NULL), 1);
    assert_int_equal(size, digest_alg_size(alg));
    digest_from_raw(alg, raw, ret);
}

static void vectors(void **state)
{
    (void)state;
    struct digest d;
    hash_bytes(DIGEST_SHA256, "abc", 3, &d); /* FIPS 180-4 examples */
    assert_string_equal(d.text,
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_bytes(DIGEST_SHA256, NULL, 0, &d);
    assert_string_equal(d.text,
                        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_bytes(DIGEST_SHA512, "abc", 3, &d);
    assert_string_equal(d.text,
                        "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    uint8_t raw[32];
    struct digest same;
    hash_sha256("abc", 3, raw);
    digest_from_raw(DIGEST_SHA256, raw, &d);
    hash_bytes(DIGEST_SHA256, "abc", 3, &same);
    assert_true(digest_eq(&d, &same));
    hash_sha256(NULL, 0, raw);
    assert_int_equal(raw[0], 0xe3);
}

static void against_evp(void **state)
{
    (void)state;
    for (unsigned alg = 0; alg < DIGEST_ALG_COUNT; alg++)
        for (size_t n = 0; n <= DATA; n++) {
            struct digest want, got;
            reference((enum digest_alg)alg, data, n, &want);
            hash_bytes((enum digest_alg)alg, data, n, &got);
            assert_true(digest_eq(&want, &got));
        }
}

/* A digest asked for in between does not disturb what follows. */
static void running(void **state)
{
    (void)state;
    for (unsigned alg = 0; alg < DIGEST_ALG_COUNT; alg++) {
        struct hash h;
        hash_init(&h, (enum digest_alg)alg);
        for (size_t n = 0; n < DATA; n++) {
            struct digest want, got;
            reference((enum digest_alg)alg, data, n, &want);
            hash_digest(&h, &got);
            assert_true(digest_eq(&want, &got));
            hash_update(&h, data + n, 1);
            hash_update(&h, NULL, 0);
            assert_int_equal(h.n, n + 1);
        }
    }
}

static void saves_and_loads(void **state)
{
    (void)state;
    for (unsigned alg = 0; alg < DIGEST_ALG_COUNT; alg++) {
        struct digest want;
        reference((enum digest_alg)alg, data, DATA, &want);
        for (size_t split = 0; split <= DATA; split++) {
            struct hash h, back;
            struct digest got;
            uint8_t stored[HASH_STATE_MAX];
            hash_init(&h, (enum digest_alg)alg);
            hash_update(&h, data, split);
            size_t n = hash_save(&h, stored);
            assert_true(n <= HASH_STATE_MAX);
            memset(&back, 0xee, sizeof(back));
            assert_fine(hash_load(&back, str_of((const char *)stored, n), &unit_e));
            assert_int_equal(back.n, split);
            assert_int_equal(back.alg, alg);
            /* The state says the same when it is stored again. */
            uint8_t again[HASH_STATE_MAX];
            assert_int_equal(hash_save(&back, again), n);
            assert_memory_equal(stored, again, n);
            hash_update(&back, data + split, DATA - split);
            hash_digest(&back, &got);
            assert_true(digest_eq(&want, &got));
            hash_update(&h, data + split, DATA - split);
            hash_digest(&h, &got);
            assert_true(digest_eq(&want, &got));
        }
    }
}

/* Past 2^32 bits and bytes the counts must carry: the state of a long run is made by hand, and the
 * padding that it leads to must hold the full length. */
static void long_counts(void **state)
{
    (void)state;
    enum { MORE = 600 };
    static uint8_t block[1u << 20];
    struct hash h, back;
    struct digest want, got;
    uint8_t stored[HASH_STATE_MAX], raw[EVP_MAX_MD_SIZE];
    unsigned size;
    EVP_MD_CTX *evp = EVP_MD_CTX_new();
    assert_non_null(evp);
    assert_int_equal(EVP_DigestInit_ex(evp, EVP_sha256(), NULL), 1);
    hash_init(&h, DIGEST_SHA256);
    for (unsigned i = 0; i < 513; i++) { /* 2^29 bytes are 2^32 bits */
        hash_update(&h, block, sizeof(block));
        assert_int_equal(EVP_DigestUpdate(evp, block, sizeof(block)), 1);
    }
    size_t n = hash_save(&h, stored);
    assert_fine(hash_load(&back, str_of((const char *)stored, n), &unit_e));
    hash_update(&back, data, MORE);
    assert_int_equal(EVP_DigestUpdate(evp, data, MORE), 1);
    assert_int_equal(EVP_DigestFinal_ex(evp, raw, &size), 1);
    EVP_MD_CTX_free(evp);
    digest_from_raw(DIGEST_SHA256, raw, &want);
    hash_digest(&back, &got);
    assert_true(digest_eq(&want, &got));
}

static void refuse(const uint8_t *p, size_t n, const char *why)
{
    struct hash h;
    memset(&h, 0x5a, sizeof(h));
    struct hash before = h;
    assert_err(hash_load(&h, str_of((const char *)p, n), &unit_e), CORRUPT, why);
    assert_memory_equal(&h, &before, sizeof(h));
}

static void damaged(void **state)
{
    (void)state;
    for (unsigned alg = 0; alg < DIGEST_ALG_COUNT; alg++) {
        struct hash h;
        uint8_t good[HASH_STATE_MAX + 1], bad[HASH_STATE_MAX + 1];
        memset(good, 0, sizeof(good));
        hash_init(&h, (enum digest_alg)alg);
        hash_update(&h, data, 333);
        size_t n = hash_save(&h, good);
        for (size_t i = 0; i < n; i++) /* every bit counts */
            for (unsigned bit = 0; bit < 8; bit++) {
                memcpy(bad, good, n);
                bad[i] = (uint8_t)(bad[i] ^ 1u << bit);
                refuse(bad, n, "hash state");
            }
        for (size_t len = 0; len <= HASH_STATE_MAX + 1; len++)
            if (len != n)
                refuse(good, len, "hash state");
        refuse(NULL, 0, "not a stored hash state");
    }
}

/* A state with a right checksum that contradicts itself. */
static void forged(void **state)
{
    (void)state;
    enum { BODY = 16 + 32 + 5 };
    static const struct {
        size_t at;
        uint8_t value;
        const char *why;
    } changes[] = {
        {0, 'X', "not a stored"},  {4, 2, "version 2, not 1"}, {5, 9, "damaged"},
        {5, 1, "contradicts"},     {6, 6, "contradicts"},      {6, 64, "contradicts"},
        {6, 69, "contradicts"},    {7, 1, "damaged"},          {8, 70, "contradicts"},
        {15, 0xff, "contradicts"},
    };
    struct hash h;
    uint8_t good[HASH_STATE_MAX], bad[HASH_STATE_MAX];
    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, data, 69);
    assert_int_equal(hash_save(&h, good), BODY + 32);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        memcpy(bad, good, BODY);
        bad[changes[i].at] = changes[i].value;
        hash_sha256(bad, BODY, bad + BODY);
        refuse(bad, BODY + 32, changes[i].why);
    }
}

/* The stored form is a file format: it must not change by accident. */
static void stored_form(void **state)
{
    (void)state;
    struct hash h;
    uint8_t out[HASH_STATE_MAX];
    char hex[2 * HASH_STATE_MAX + 1];
    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, "abc", 3);
    size_t n = hash_save(&h, out);
    str_hex(out, n - 32, hex);
    assert_string_equal(hex, "4876487301000300"
                             "0300000000000000"
                             "67e6096a85ae67bb72f36e3c3af54fa57f520e518c68059babd9831f19cde05b"
                             "616263");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),         cmocka_unit_test(against_evp), cmocka_unit_test(running),
        cmocka_unit_test(saves_and_loads), cmocka_unit_test(long_counts), cmocka_unit_test(damaged),
        cmocka_unit_test(forged),          cmocka_unit_test(stored_form),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
