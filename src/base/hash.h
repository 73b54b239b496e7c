/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: running SHA-256 / SHA-512 whose state can be stored and taken up again.
 *
 * The only file that uses OpenSSL's low-level SHA contexts: EVP cannot export its state, and an
 * upload that survives a restart needs exactly that. The stored form carries a version and a
 * checksum and is refused as CORRUPT when either does not fit.
 * One thread at a time per struct hash.
 */
#ifndef HAVEN_BASE_HASH_H
#define HAVEN_BASE_HASH_H

#include "base/digest.h"

struct hash {
    enum digest_alg alg;
    uint64_t n; /* bytes hashed so far */
    _Alignas(16) unsigned char ctx[256];
};

void hash_init(struct hash *h, enum digest_alg alg);
void hash_update(struct hash *h, const void *p, size_t n);
/* The digest of what was hashed so far; h itself can go on. */
void hash_digest(const struct hash *h, struct digest *ret);
/* The same as digest_alg_size(h->alg) raw bytes. */
void hash_raw(const struct hash *h, uint8_t *out);

#define HASH_STATE_MAX 320
/* Stores the state: returns the bytes written (<= HASH_STATE_MAX). */
size_t hash_save(const struct hash *h, uint8_t out[HASH_STATE_MAX]);
int hash_load(struct hash *h, struct str state, struct err *e); /* CORRUPT */

/* One go. */
void hash_bytes(enum digest_alg alg, const void *p, size_t n, struct digest *ret);
/* Raw SHA-256 (32 bytes) for keys of caches and checksums. */
void hash_sha256(const void *p, size_t n, uint8_t out[32]);

#endif
