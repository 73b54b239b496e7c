/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct buf *out, struct str s, const char *letters, bool pad)
{
    for (size_t i = 0; i < s.n; i += 3) {
        size_t n = MIN_OF(s.n - i, 3);
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (uint8_t)s.p[i + k] : 0u);
        char four[4];
        for (size_t k = 0; k < 4; k++)
            four[k] = k <= n ? letters[v >> (18 - 6 * k) & 63] : '=';
        buf_add(out, four, pad ? 4 : n + 1);
    }
}

void base64_encode(struct buf *out, struct str s)
{
    encode(out, s, standard, true);
}

void base64url_encode(struct buf *out, struct str s)
{
    encode(out, s, url_safe, false);
}

/* The value of a letter of either alphabet, or -1. */
static int value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

/* Without its padding; false when there is padding and it is not exactly what belongs there. */
static bool strip_padding(struct str *s)
{
    size_t pads = 0;
    while (pads < s->n && s->p[s->n - 1 - pads] == '=')
        pads++;
    if (pads && (pads > 2 || s->n % 4 != 0))
        return false;
    s->n -= pads;
    return true;
}

/* Letters of one alphabet only. */
static bool letters_fit(struct str s)
{
    bool plain = false, safe = false;
    for (size_t i = 0; i < s.n; i++) {
        if (value(s.p[i]) < 0)
            return false;
        plain |= s.p[i] == '+' || s.p[i] == '/';
        safe |= s.p[i] == '-' || s.p[i] == '_';
    }
    return !(plain && safe);
}

bool base64_decode(struct buf *out, struct str s)
{
    if (!strip_padding(&s) || s.n % 4 == 1 || !letters_fit(s))
        return false;
    /* Bits of the last letter that belong to no byte must be zero: one text for each value. */
    size_t rest = s.n % 4;
    if (rest && value(s.p[s.n - 1]) & (rest == 2 ? 15 : 3))
        return false;
    size_t before = out->n;
    for (size_t i = 0; i < s.n; i += 4) {
        size_t n = MIN_OF(s.n - i, 4);
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++)
            v = v << 6 | (k < n ? (uint32_t)value(s.p[i + k]) : 0u);
        char three[3] = {(char)(v >> 16 & 255), (char)(v >> 8 & 255), (char)(v & 255)};
        buf_add(out, three, n - 1);
    }
    if (!buf_ok(out)) {
        buf_cut(out, before);
        return false;
    }
    return true;
}
