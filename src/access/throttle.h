/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle: slows down whoever guesses passwords.
 *
 * Every wrong password adds to the debt of its (peer, user) pair, time pays it off, and above a
 * ceiling attempts are refused before anything is computed. The peer is part of the key so that
 * nobody can lock an account for others. A fixed table; memory is never asked for. Any thread.
 */
#ifndef HAVEN_ACCESS_THROTTLE_H
#define HAVEN_ACCESS_THROTTLE_H

#include "base/str.h"
#include "base/thread.h"

/* One wrong password is forgiven after this long; so many may come at once. */
#define ACCESS_THROTTLE_STEP_MS 1500
#define ACCESS_THROTTLE_BURST   20
#define ACCESS_THROTTLE_SETS    256
#define ACCESS_THROTTLE_WAYS    4

struct access_throttle_entry {
    uint64_t key;     /* 0: empty */
    int64_t clear_ms; /* monotonic: when the debt is paid */
};

struct access_throttle {
    struct mutex lock;
    uint8_t secret[32];
    struct access_throttle_entry sets[ACCESS_THROTTLE_SETS][ACCESS_THROTTLE_WAYS];
};

void access_throttle_init(struct access_throttle *t); /* t zeroed */
void access_throttle_done(struct access_throttle *t);

uint64_t access_throttle_key(const struct access_throttle *t, struct str peer, struct str user);
/* May it try? now_ms: clock_mono_ms(). */
bool access_throttle_allows(struct access_throttle *t, uint64_t key, int64_t now_ms);
void access_throttle_failed(struct access_throttle *t, uint64_t key, int64_t now_ms);
void access_throttle_proven(struct access_throttle *t, uint64_t key);

#endif
