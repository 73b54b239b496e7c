/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: a borrowed view of bytes, and the one parser for each kind of number.
 *
 * A view owns nothing and need not end in NUL; it is valid as long as what it points into.
 * Parsers write their output only on full success and take the permitted range in the call.
 */
#ifndef HAVEN_BASE_STR_H
#define HAVEN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(lit) ((struct str){.p = "" lit, .n = sizeof(lit) - 1})
#define STR_NULL ((struct str){.p = NULL, .n = 0})
/* For printf: "%.*s", S(view). */
#define S(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_from(const char *z) /* NULL gives the empty view */
{
    return (struct str){.p = z, .n = z ? strlen(z) : 0};
}
static inline struct str str_of(const char *p, size_t n)
{
    return (struct str){.p = p, .n = n};
}

bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
bool str_ieq(struct str a, struct str b); /* ASCII case ignored */
int str_cmp(struct str a, struct str b);  /* bytewise, as memcmp then length */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_skip(struct str s, size_t n); /* without its first n bytes */
struct str str_head(struct str s, size_t n); /* its first n bytes */
struct str str_trim(struct str s);           /* without spaces and tabs at both ends */
/* Position of the first (last) c, or -1. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);
/* Cuts *rest at the first sep: returns what stands before it, *rest becomes what stands behind it.
 * Without sep the whole is returned and *rest becomes STR_NULL (p == NULL). */
struct str str_cut(struct str *rest, char sep);

/* Decimal digits only, no sign, no blanks; min <= value <= max. false: *ret untouched. */
bool str_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret);
/* The same with an optional '-'. */
bool str_i64(struct str s, int64_t min, int64_t max, int64_t *ret);
/* "4096", "64KiB", "1MiB", "2GiB", "1TiB", also KB/MB/GB/TB (decimal): bytes. */
bool str_size(struct str s, uint64_t min, uint64_t max, uint64_t *ret);
/* "250ms", "30s", "5m", "12h", "7d", or plain seconds: milliseconds. */
bool str_duration(struct str s, int64_t min_ms, int64_t max_ms, int64_t *ret_ms);
/* "true/false", "yes/no", "on/off", "1/0" in any case. */
bool str_bool(struct str s, bool *ret);

/* The length in bytes (1 to 4) of the UTF-8 sequence at the start of s and its code point; 0 when
 * there is none (empty, cut off, overlong, a surrogate, past U+10FFFF). RFC 3629. */
size_t str_utf8(struct str s, uint32_t *ret);

/* "512 B", "1.0 KiB" … "3.2 TiB"; gives out. */
#define STR_SIZE_TEXT 32
const char *str_size_text(double bytes, char out[STR_SIZE_TEXT]);

/* Lower-case hex of n bytes into out (2n + 1 bytes, NUL-ended); and back (exactly 2n digits). */
void str_hex(const uint8_t *p, size_t n, char *out);
bool str_unhex(struct str s, uint8_t *out, size_t n);

#endif
