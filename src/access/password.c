/* SPDX-License-Identifier: Apache-2.0 */
#include "access/password.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/random.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <stdio.h>

enum { SALT_BYTES = 16, HASH_BYTES = 32 };

void access_hasher_init(struct access_hasher *h)
{
    mutex_init(&h->lock, "access.hasher");
    BUG_ON(pthread_cond_init(&h->freed, NULL) != 0);
}

void access_hasher_done(struct access_hasher *h)
{
    BUG_ON(h->running || h->waiting);
    (void)pthread_cond_destroy(&h->freed);
    mutex_done(&h->lock);
}

int access_hasher_enter(struct access_hasher *h, struct err *e)
{
    MUTEX_SCOPE(&h->lock);
    if (h->waiting >= LIMIT_PASSWORD_WAITERS)
        return ERR(e, TOO_MANY_REQUESTS, "too many logins at the same time; try again later");
    h->waiting++;
    while (h->running == ACCESS_PASSWORD_AT_ONCE)
        mutex_wait(&h->lock, &h->freed);
    h->waiting--;
    h->running++;
    return 0;
}

void access_hasher_leave(struct access_hasher *h)
{
    MUTEX_SCOPE(&h->lock);
    BUG_ON(h->running == 0);
    h->running--;
    (void)pthread_cond_signal(&h->freed);
}

bool access_password_fits(struct str password)
{
    return password.n > 0 && password.n <= LIMIT_PASSWORD;
}

static int failed(int code, struct err *e)
{
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
        return ERR(e, UNAVAILABLE, "there is no memory to check a password");
    return ERR(e, INTERNAL, "hashing a password: %s", argon2_error_message(code));
}

int access_password_hash(struct str password, char ret[ACCESS_PASSWORD_MAX], struct err *e)
{
    uint8_t salt[SALT_BYTES];
    char out[ACCESS_PASSWORD_MAX];

    random_bytes(salt, sizeof(salt));
    METRIC_ADD(password_hashes, 1);
    int code = argon2id_hash_encoded(ACCESS_PASSWORD_PASSES, ACCESS_PASSWORD_KIB,
                                     ACCESS_PASSWORD_LANES, password.p, password.n, salt,
                                     sizeof(salt), HASH_BYTES, out, sizeof(out));
    if (code != ARGON2_OK)
        return failed(code, e);
    memcpy(ret, out, sizeof(out));
    return 0;
}

/* ---- secrets ---- */

#define SECRET_MARK "$sha256$"

/* The form with a salt of 32 hexadecimal digits. */
static void secret_encode(struct str salt, struct str secret, char ret[ACCESS_PASSWORD_MAX])
{
    struct hash h;
    struct digest d;

    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, salt.p, salt.n);
    hash_update(&h, secret.p, secret.n);
    hash_digest(&h, &d);
    (void)snprintf(ret, ACCESS_PASSWORD_MAX, SECRET_MARK "%.*s$%s", S(salt), digest_hex(&d));
    OPENSSL_cleanse(&h, sizeof(h));
}

void access_secret_hash(struct str secret, char ret[ACCESS_PASSWORD_MAX])
{
    uint8_t salt[SALT_BYTES];
    char hex[2 * SALT_BYTES + 1];

    random_bytes(salt, sizeof(salt));
    str_hex(salt, sizeof(salt), hex);
    secret_encode(str_from(hex), secret, ret);
}

static int secret_verify(struct str encoded, struct str secret, struct err *e)
{
    struct str rest = str_skip(encoded, strlen(SECRET_MARK)), salt = str_cut(&rest, '$');
    char again[ACCESS_PASSWORD_MAX];

    if (salt.n != 2 * SALT_BYTES)
        return ERR(e, CORRUPT, "a stored secret cannot be read");
    secret_encode(salt, secret, again);
    size_t n = strlen(again);
    return n == encoded.n && CRYPTO_memcmp(again, encoded.p, n) == 0;
}

int access_password_verify(const char *encoded, struct str password, struct err *e)
{
    char nobody[ACCESS_PASSWORD_MAX];

    if (encoded && strncmp(encoded, SECRET_MARK, strlen(SECRET_MARK)) == 0)
        return secret_verify(str_from(encoded), password, e);
    if (!encoded) {
        /* Any salt and any hash of the usual sizes: 16 and 32 bytes. */
        (void)snprintf(nobody, sizeof(nobody), "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s",
                       ACCESS_PASSWORD_KIB, ACCESS_PASSWORD_PASSES, ACCESS_PASSWORD_LANES,
                       "bm9ib2R5IGxpdmVzIGhlcg", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    }
    METRIC_ADD(password_hashes, 1);
    int code = argon2id_verify(encoded ? encoded : nobody, password.p, password.n);
    switch (code) {
    case ARGON2_OK:
        return encoded ? 1 : 0;
    case ARGON2_VERIFY_MISMATCH:
        return 0;
    case ARGON2_DECODING_FAIL:
    case ARGON2_DECODING_LENGTH_FAIL:
    case ARGON2_INCORRECT_TYPE:
        return ERR(e, CORRUPT, "a stored password hash cannot be read");
    default:
        return failed(code, e);
    }
}
