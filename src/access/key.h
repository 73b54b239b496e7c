/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key: the key that signs registry tokens: RSA of 2048 bits, made at the first start and kept in
 * the database, so that every node signs and verifies with the same one. Immutable once loaded; any
 * thread.
 */
#ifndef HAVEN_ACCESS_KEY_H
#define HAVEN_ACCESS_KEY_H

#include "base/buf.h"
#include "db/db.h"

/* Twelve groups of four with ':' between them, and a NUL. */
#define ACCESS_KID_MAX 60

struct access_key;

/* The key that is stored, or a new one, then stored. CORRUPT when what is stored is no usable key.
 */
int access_key_load(struct db *db, struct access_key **ret, struct err *e);
/* The two halves of it: appends a new key as JWK (RFC 7517); makes a key of such a text (CORRUPT).
 */
int access_key_generate(struct buf *out, struct err *e);
int access_key_parse(struct str text, struct access_key **ret, struct err *e);
/* HMAC-SHA256 (RFC 2104) of text with a key that is derived from this one for a purpose. */
void access_key_mac(const struct access_key *k, struct str purpose, struct str text,
                    uint8_t ret[32]);
void access_key_free(struct access_key *k); /* NULL is welcome */

/* libtrust's fingerprint of the public key: base32 of the first 240 bits of the SHA-256 of its
 * SubjectPublicKeyInfo, in groups of four. */
const char *access_key_id(const struct access_key *k);

/* Appends the compact JWS (RFC 7515 7.1) over claims with the header
 * {"alg":"RS256","kid":…,"typ":"JWT"}. */
int access_key_sign(const struct access_key *k, struct str claims, struct buf *out, struct err *e);
/* Is it a compact JWS of this very key? Appends the claims. Nothing in the header is believed: alg
 * must be RS256 and kid must be ours, and a header that holds anything but alg, kid and typ is
 * refused. UNAUTHORIZED. */
int access_key_verify(const struct access_key *k, struct str jws, struct buf *claims,
                      struct err *e);

#endif
