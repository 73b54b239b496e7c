/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what is remembered of an upload session between requests, as one slot of its state file.
 *
 * The file has two slots, STATE_SLOT_AT(0) and STATE_SLOT_AT(1), far enough apart that no torn
 * write harms both. A slot holds a version, a sequence number (the higher is the newer) and a
 * checksum, and is refused as CORRUPT unless all of it fits: the file is data from outside like any
 * other. A slot is *durable* when the bytes it counts were on the disk before it was written; any
 * other is good for the boot in which it was written, and after that only if the bytes still hash
 * to it.
 */
#ifndef HAVEN_STORE_STATE_H
#define HAVEN_STORE_STATE_H

#include "base/hash.h"
#include "base/limits.h"

#define STATE_SLOT_SIZE  2048
#define STATE_SLOT_AT(i) ((uint64_t)(i)*4096)
#define STATE_FILE_SIZE  (STATE_SLOT_AT(1) + STATE_SLOT_SIZE)
#define STATE_BOOT_SIZE  16

struct state {
    uint64_t seq;
    bool durable;
    uint8_t boot[STATE_BOOT_SIZE]; /* the boot of the machine in which it was written */
    uint64_t offset;
    int64_t created_ms, updated_ms;
    enum digest_alg alg; /* what is hashed besides SHA-256; DIGEST_SHA256: nothing */
    char scope[LIMIT_UPLOAD_SCOPE + 1];
    struct hash sha256; /* of the first `offset` bytes */
    struct hash other;  /* the same by alg, unless that is DIGEST_SHA256 */
};

/* A session at its beginning. */
void state_init(struct state *st, struct str scope, enum digest_alg alg, int64_t now_ms);
void state_encode(const struct state *st, uint8_t out[STATE_SLOT_SIZE]);
int state_decode(const uint8_t in[STATE_SLOT_SIZE], struct state *ret, struct err *e); /* CORRUPT */

#endif
