/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *p, size_t n)
{
    char *at = p;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        BUG_ON(got <= 0); /* every kernel that runs this has the call */
        at += got;
        n -= (size_t)got;
    }
}

void random_alnum(char *out, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { LETTERS = sizeof(set) - 1, FAIR = 256 - 256 % LETTERS };
    for (size_t i = 0; i < n;) {
        uint8_t pool[64];
        random_bytes(pool, sizeof(pool));
        for (size_t k = 0; k < sizeof(pool) && i < n; k++)
            if (pool[k] < FAIR) /* the rest would favour the first letters */
                out[i++] = set[pool[k] % LETTERS];
    }
    out[n] = '\0';
}

void random_uuid(char out[RANDOM_UUID_MAX])
{
    uint8_t raw[16];
    char hex[33];
    random_bytes(raw, sizeof(raw));
    raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40); /* version 4 */
    raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    str_hex(raw, sizeof(raw), hex);
    size_t at = 0;
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[at++] = '-';
        out[at++] = hex[i];
    }
    out[at] = '\0';
}
