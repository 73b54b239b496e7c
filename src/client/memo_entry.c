/* SPDX-License-Identifier: Apache-2.0 */
#include "client/memo_entry.h"

/*
 * Little-endian:
 *   0  magic "HvMm"     4  version (1)     5  kind     6  two zeros
 *   8  key (32)        40  size           48  mtime: seconds (64 bit), nanoseconds (32)
 *  60  ctime: the same
 *  72  MEMO_DIGEST: the digest's text;  MEMO_UPLOAD: the hash state, the location
 *      (each with its length before it, 16 bit)
 *      SHA-256 of all of it so far
 */
enum { ENTRY_VERSION = 1, ENTRY_SUM = 32, NS_MAX = 999999999 };
static const char entry_magic[4] = {'H', 'v', 'M', 'm'};

static void put(struct buf *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_addc(out, (char)(unsigned char)(v >> (8 * i)));
}

static void put_time(struct buf *out, const struct timespec *t)
{
    put(out, (uint64_t)t->tv_sec, 8);
    put(out, (uint64_t)t->tv_nsec, 4);
}

static void put_str(struct buf *out, struct str s)
{
    put(out, s.n, 2);
    buf_adds(out, s);
}

void memo_entry_encode(const struct memo_entry *m, struct buf *out)
{
    uint8_t state[HASH_STATE_MAX], sum[ENTRY_SUM];
    size_t from = out->n;

    buf_add(out, entry_magic, sizeof(entry_magic));
    put(out, ENTRY_VERSION, 1);
    put(out, (uint64_t)m->kind, 1);
    put(out, 0, 2);
    buf_add(out, m->key, sizeof(m->key));
    put(out, m->size, 8);
    put_time(out, &m->mtime);
    put_time(out, &m->ctime);
    if (m->kind == MEMO_DIGEST) {
        put_str(out, digest_str(&m->digest));
    } else {
        put_str(out, str_of((const char *)state, hash_save(&m->hash, state)));
        put_str(out, m->location);
    }
    hash_sha256(out->p + from, out->n - from, sum);
    buf_add(out, sum, sizeof(sum));
}

/* Takes n bytes off the front; false: there are not so many. */
static bool take(struct str *s, size_t n, struct str *ret)
{
    if (s->n < n)
        return false;
    *ret = str_head(*s, n);
    *s = str_skip(*s, n);
    return true;
}

static bool take_num(struct str *s, unsigned bytes, uint64_t *ret)
{
    struct str raw;
    if (!take(s, bytes, &raw))
        return false;
    *ret = 0;
    for (unsigned i = 0; i < bytes; i++)
        *ret |= (uint64_t)(unsigned char)raw.p[i] << (8 * i);
    return true;
}

static bool take_time(struct str *s, struct timespec *ret)
{
    uint64_t seconds, ns;
    if (!take_num(s, 8, &seconds) || !take_num(s, 4, &ns) || ns > NS_MAX)
        return false;
    *ret = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)ns};
    return true;
}

static bool take_str(struct str *s, struct str *ret)
{
    uint64_t n;
    return take_num(s, 2, &n) && take(s, (size_t)n, ret);
}

static bool decode(struct str s, struct memo_entry *m)
{
    uint64_t version, kind, zero;
    struct str magic, key, text;

    if (!take(&s, sizeof(entry_magic), &magic) ||
        memcmp(magic.p, entry_magic, sizeof(entry_magic)) != 0 || !take_num(&s, 1, &version) ||
        version != ENTRY_VERSION || !take_num(&s, 1, &kind) || !take_num(&s, 2, &zero) ||
        zero != 0 || !take(&s, MEMO_KEY, &key))
        return false;
    memcpy(m->key, key.p, sizeof(m->key));
    if (!take_num(&s, 8, &m->size) || !take_time(&s, &m->mtime) || !take_time(&s, &m->ctime) ||
        !take_str(&s, &text))
        return false;
    m->kind = (enum memo_kind)kind;
    if (kind == MEMO_DIGEST)
        return digest_parse(text, &m->digest, NULL) == 0 && s.n == 0;
    /* The address goes into a request as it is. */
    return kind == MEMO_UPLOAD && hash_load(&m->hash, text, NULL) == 0 &&
           m->hash.alg == DIGEST_SHA256 && m->hash.n <= m->size && take_str(&s, &m->location) &&
           s.n == 0 && m->location.n > 0 && m->location.n < LIMIT_CLIENT_URL &&
           !memchr(m->location.p, '\0', m->location.n);
}

int memo_entry_decode(struct str bytes, struct memo_entry *ret, struct err *e)
{
    struct memo_entry m = {.size = 0};
    uint8_t sum[ENTRY_SUM];

    if (bytes.n < ENTRY_SUM)
        return ERR(e, CORRUPT, "the note is cut off");
    struct str body = str_head(bytes, bytes.n - ENTRY_SUM);
    hash_sha256(body.p, body.n, sum);
    if (memcmp(sum, bytes.p + body.n, sizeof(sum)) != 0 || !decode(body, &m))
        return ERR(e, CORRUPT, "the note is damaged or of another version");
    *ret = m;
    return 0;
}
