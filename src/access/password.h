/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password: argon2id (RFC 9106) over 16 MiB, at most two at once, so that logins cannot take the
 * memory or the processors of the registry. The stored form is the usual encoded string
 * "$argon2id$v=19$m=16384,t=3,p=1$salt$hash". Any thread; both functions wait.
 */
#ifndef HAVEN_ACCESS_PASSWORD_H
#define HAVEN_ACCESS_PASSWORD_H

#include "base/err.h"
#include "base/str.h"
#include "base/thread.h"

#define ACCESS_PASSWORD_KIB     16384
#define ACCESS_PASSWORD_PASSES  3
#define ACCESS_PASSWORD_LANES   1
#define ACCESS_PASSWORD_AT_ONCE 2
/* Characters of an encoded hash with its NUL. */
#define ACCESS_PASSWORD_MAX 128

/* The places where hashes are computed. */
struct access_hasher {
    struct mutex lock;
    pthread_cond_t freed;
    unsigned running, waiting;
};

void access_hasher_init(struct access_hasher *h);
void access_hasher_done(struct access_hasher *h);
/* Takes a place, waiting for it; TOO_MANY_REQUESTS when LIMIT_PASSWORD_WAITERS wait already. */
int access_hasher_enter(struct access_hasher *h, struct err *e);
void access_hasher_leave(struct access_hasher *h);

/* Random secrets need no slow hash: "$sha256$salt$hash", both in hexadecimal digits. Waits for
 * nothing, and access_password_verify takes it, too. */
void access_secret_hash(struct str secret, char ret[ACCESS_PASSWORD_MAX]);
/* What no secret has. */
#define ACCESS_SECRET_NOBODY                                                                       \
    "$sha256$00000000000000000000000000000000$"                                                    \
    "0000000000000000000000000000000000000000000000000000000000000000"

/* Is the length acceptable (1 to LIMIT_PASSWORD bytes)? */
bool access_password_fits(struct str password);
/* With a place taken. A new random salt each time. */
int access_password_hash(struct str password, char ret[ACCESS_PASSWORD_MAX], struct err *e);
/* With a place taken. 1 right, 0 wrong, -1 error. encoded: NUL-ended, or NULL for a user that does
 * not exist: the answer is 0 then, and costs the same. */
int access_password_verify(const char *encoded, struct str password, struct err *e);

#endif
