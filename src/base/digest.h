/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest: a content digest "algorithm:hex" as a value, made only by parsing or by hashing.
 * Invariant: text is canonical (lower-case hex of exactly the algorithm's length).
 * Source: OCI image-spec descriptor.md "Digests"; sha256 and sha512 are the registered algorithms.
 */
#ifndef HAVEN_BASE_DIGEST_H
#define HAVEN_BASE_DIGEST_H

#include "base/err.h"
#include "base/str.h"

enum digest_alg { DIGEST_SHA256, DIGEST_SHA512, DIGEST_ALG_COUNT };

#define DIGEST_RAW_MAX  64
#define DIGEST_TEXT_MAX (7 + 128 + 1)

struct digest {
    enum digest_alg alg;
    char text[DIGEST_TEXT_MAX]; /* "sha256:…", NUL-ended */
};

/* "sha256" / "sha512"; and the raw size in bytes (32 / 64). */
const char *digest_alg_name(enum digest_alg alg);
size_t digest_alg_size(enum digest_alg alg);
int digest_alg_parse(struct str s, enum digest_alg *ret, struct err *e); /* DIGEST_INVALID */

/* Fails with DIGEST_INVALID for bad syntax, an unknown algorithm, a wrong length, upper-case hex.
 */
int digest_parse(struct str s, struct digest *ret, struct err *e);
/* From raw bytes (digest_alg_size of them). */
void digest_from_raw(enum digest_alg alg, const uint8_t *raw, struct digest *ret);
struct str digest_str(const struct digest *d);
/* The hex part, NUL-ended. */
const char *digest_hex(const struct digest *d);
bool digest_eq(const struct digest *a, const struct digest *b);

#endif
