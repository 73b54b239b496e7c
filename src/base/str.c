/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/mem.h"

#include <strings.h>

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_from(z));
}

bool str_ieq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_head(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

struct str str_skip(struct str s, size_t n)
{
    if (n > s.n)
        n = s.n;
    return str_of(s.p ? s.p + n : NULL, s.n - n);
}

struct str str_head(struct str s, size_t n)
{
    return str_of(s.p, n < s.n ? n : s.n);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.n && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

ptrdiff_t str_chr(struct str s, char c)
{
    const char *q = s.n ? memchr(s.p, c, s.n) : NULL;
    return q ? q - s.p : -1;
}

ptrdiff_t str_rchr(struct str s, char c)
{
    const char *q = s.n ? memrchr(s.p, c, s.n) : NULL;
    return q ? q - s.p : -1;
}

struct str str_cut(struct str *rest, char sep)
{
    ptrdiff_t at = str_chr(*rest, sep);
    struct str before = *rest;
    if (at < 0) {
        *rest = STR_NULL;
        return before;
    }
    before.n = (size_t)at;
    *rest = str_skip(*rest, (size_t)at + 1);
    return before;
}

bool str_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

bool str_i64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
    bool neg = s.n > 0 && s.p[0] == '-';
    uint64_t magnitude;
    if (!str_u64(neg ? str_skip(s, 1) : s, 0, (uint64_t)INT64_MAX + neg, &magnitude))
        return false;
    /* The least value has no positive counterpart. */
    int64_t v = !neg ? (int64_t)magnitude : magnitude ? -(int64_t)(magnitude - 1) - 1 : 0;
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* Digits followed by one of the units; an empty name in the table permits a bare number. */
static bool scaled(struct str s, const struct unit *units, size_t n_units, uint64_t *ret)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    uint64_t v;
    if (!str_u64(str_head(s, digits), 0, UINT64_MAX, &v))
        return false;
    struct str name = str_skip(s, digits);
    for (size_t i = 0; i < n_units; i++)
        if (str_ieq(name, str_from(units[i].name)))
            return !__builtin_mul_overflow(v, units[i].factor, ret);
    return false;
}

bool str_size(struct str s, uint64_t min, uint64_t max, uint64_t *ret)
{
    static const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"KiB", 1ull << 10},
        {"MiB", 1ull << 20},
        {"GiB", 1ull << 30},
        {"TiB", 1ull << 40},
        {"KB", 1000ull},
        {"MB", 1000ull * 1000},
        {"GB", 1000ull * 1000 * 1000},
        {"TB", 1000ull * 1000 * 1000 * 1000},
    };
    uint64_t v;
    if (!scaled(s, units, sizeof(units) / sizeof(units[0]), &v) || v < min || v > max)
        return false;
    *ret = v;
    return true;
}

bool str_duration(struct str s, int64_t min_ms, int64_t max_ms, int64_t *ret_ms)
{
    static const struct unit units[] = {
        {"", 1000},       {"ms", 1},          {"s", 1000},
        {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24ull * 3600 * 1000},
    };
    uint64_t v;
    if (!scaled(s, units, sizeof(units) / sizeof(units[0]), &v) || v > (uint64_t)INT64_MAX)
        return false;
    if ((int64_t)v < min_ms || (int64_t)v > max_ms)
        return false;
    *ret_ms = (int64_t)v;
    return true;
}

bool str_bool(struct str s, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (str_ieq(s, str_from(yes[i]))) {
            *ret = true;
            return true;
        }
        if (str_ieq(s, str_from(no[i]))) {
            *ret = false;
            return true;
        }
    }
    return false;
}

size_t str_utf8(struct str s, uint32_t *ret)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (s.n == 0)
        return 0;
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (n == 0 || s.n < n)
        return 0;
    uint32_t v = n == 1 ? c : c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)s.p[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (next & 0x3fu);
    }
    if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return 0;
    *ret = v;
    return n;
}

void str_hex(const uint8_t *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool str_unhex(struct str s, uint8_t *out, size_t n)
{
    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (nibble(s.p[i]) < 0)
            return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((unsigned)nibble(s.p[2 * i]) << 4 | (unsigned)nibble(s.p[2 * i + 1]));
    return true;
}

const char *str_size_text(double bytes, char out[STR_SIZE_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    /* What would be rounded to 1024.0 is one of the next unit. */
    while (bytes >= (u ? 1023.95 : 1024) && u + 1 < ARRAY_LEN(units)) {
        bytes /= 1024;
        u++;
    }
    (void)snprintf(out, STR_SIZE_TEXT, u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
    return out;
}
