/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

static const struct {
    struct str name;
    size_t size;
} algs[DIGEST_ALG_COUNT] = {
    [DIGEST_SHA256] = {{"sha256", 6}, 32},
    [DIGEST_SHA512] = {{"sha512", 6}, 64},
};

/* The longest text that an error message repeats. */
enum { SHOWN_MAX = 160 };

const char *digest_alg_name(enum digest_alg alg)
{
    BUG_ON((unsigned)alg >= DIGEST_ALG_COUNT);
    return algs[alg].name.p;
}

size_t digest_alg_size(enum digest_alg alg)
{
    BUG_ON((unsigned)alg >= DIGEST_ALG_COUNT);
    return algs[alg].size;
}

int digest_alg_parse(struct str s, enum digest_alg *ret, struct err *e)
{
    for (unsigned i = 0; i < DIGEST_ALG_COUNT; i++)
        if (str_eq(s, algs[i].name)) {
            *ret = (enum digest_alg)i;
            return 0;
        }
    return ERR(e, DIGEST_INVALID, "'%.*s' is not a supported digest algorithm (sha256, sha512)",
               S(str_head(s, SHOWN_MAX)));
}

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

int digest_parse(struct str s, struct digest *ret, struct err *e)
{
    struct str shown = str_head(s, SHOWN_MAX), hex = s;
    struct str name = str_cut(&hex, ':');
    enum digest_alg alg;
    if (!hex.p)
        return ERR(e, DIGEST_INVALID, "'%.*s' is not a digest (algorithm:hex)", S(shown));
    if (digest_alg_parse(name, &alg, e) < 0)
        return -1;
    if (hex.n != 2 * algs[alg].size)
        return ERR(e, DIGEST_INVALID, "'%.*s' has %zu digits where %s has %zu", S(shown), hex.n,
                   algs[alg].name.p, 2 * algs[alg].size);
    if (!is_hex(hex))
        return ERR(e, DIGEST_INVALID, "'%.*s' has other than lower-case hexadecimal digits",
                   S(shown));
    struct digest d = {.alg = alg};
    memcpy(d.text, s.p, s.n);
    *ret = d;
    return 0;
}

void digest_from_raw(enum digest_alg alg, const uint8_t *raw, struct digest *ret)
{
    BUG_ON((unsigned)alg >= DIGEST_ALG_COUNT);
    struct digest d = {.alg = alg};
    size_t n = algs[alg].name.n;
    memcpy(d.text, algs[alg].name.p, n);
    d.text[n] = ':';
    str_hex(raw, algs[alg].size, d.text + n + 1);
    *ret = d;
}

struct str digest_str(const struct digest *d)
{
    return str_from(d->text);
}

const char *digest_hex(const struct digest *d)
{
    return d->text + algs[d->alg].name.n + 1;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return a->alg == b->alg && str_eq(digest_str(a), digest_str(b));
}
