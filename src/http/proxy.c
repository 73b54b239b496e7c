/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the client is and how it sees us: X-Forwarded-* headers are believed only when the connection
 * comes from a configured proxy, and external_url overrides what they say about scheme and host.
 */
#include "http/internal.h"

#include "base/mem.h"

#include <arpa/inet.h>

struct http_cidr {
    unsigned char addr[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;
};

static bool parse_addr(struct str s, unsigned char out[16], bool *ret_v4)
{
    char z[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        s = str_of(s.p + 1, s.n - 2);
    if (s.n == 0 || s.n >= sizeof(z))
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (inet_pton(AF_INET, z, &v4) == 1) {
        memcpy(out, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
        memcpy(out + 12, &v4, 4);
        *ret_v4 = true;
        return true;
    }
    *ret_v4 = false;
    return inet_pton(AF_INET6, z, out) == 1;
}

static int parse_cidr(struct str s, struct http_cidr *ret, struct err *e)
{
    struct str bits = s;
    struct str addr = str_cut(&bits, '/');
    bool v4;
    uint64_t n;
    if (!parse_addr(addr, ret->addr, &v4))
        return ERR(e, CONFIG, "trusted_proxies: \"%.*s\" is not an address or network", S(s));
    n = v4 ? 32 : 128;
    if (bits.p && !str_u64(bits, 0, n, &n))
        return ERR(e, CONFIG, "trusted_proxies: \"%.*s\" has a prefix length out of range", S(s));
    ret->bits = (unsigned)n + (v4 ? 96 : 0);
    return 0;
}

static bool cidr_has(const struct http_cidr *c, const unsigned char addr[16])
{
    unsigned whole = c->bits / 8, rest = c->bits % 8;
    if (memcmp(c->addr, addr, whole) != 0)
        return false;
    return rest == 0 || (c->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

void http_proxies_done(struct http_proxies *p)
{
    mem_free(p->external_scheme);
    mem_free(p->external_host);
    mem_free(p->trusted);
    *p = (struct http_proxies){0};
}

int http_proxies_load(struct http_proxies *p, const struct http_server_config *c, struct err *e)
{
    struct http_proxies n = {0};
    struct str url = str_from(c->external_url);
    while (str_ends(url, STR("/")))
        url.n--;
    if (url.n) {
        size_t skip = str_starts(url, STR("https://"))  ? 8
                      : str_starts(url, STR("http://")) ? 7
                                                        : 0;
        struct str host = str_skip(url, skip);
        if (!skip || !host.n || str_chr(host, '/') >= 0 || str_chr(host, '@') >= 0)
            return ERR(e, CONFIG,
                       "external_url: \"%.*s\" must be http:// or https://, a host, and no path",
                       S(url));
        n.external_scheme = mem_strdup(skip == 8 ? "https" : "http");
        n.external_host = mem_strndup(host.p, host.n);
    }
    n.trusted = NEW_ARRAY(c->n_trusted_proxies, struct http_cidr);
    for (size_t i = 0; i < c->n_trusted_proxies; i++) {
        if (parse_cidr(str_from(c->trusted_proxies[i]), &n.trusted[i], e) < 0) {
            http_proxies_done(&n);
            return -1;
        }
    }
    n.n_trusted = c->n_trusted_proxies;
    http_proxies_done(p);
    *p = n;
    return 0;
}

static bool is_trusted(const struct http_proxies *p, struct str addr)
{
    unsigned char raw[16];
    bool v4;
    if (!parse_addr(str_trim(addr), raw, &v4))
        return false;
    for (size_t i = 0; i < p->n_trusted; i++)
        if (cidr_has(&p->trusted[i], raw))
            return true;
    return false;
}

/* Host names and ports only: what is put into Location and realm must not carry anything else. */
static bool is_host(struct str s)
{
    if (s.n == 0 || s.n > 255)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char h = s.p[i];
        if (!((h >= 'a' && h <= 'z') || (h >= 'A' && h <= 'Z') || (h >= '0' && h <= '9') ||
              strchr(".-_:[]", h)))
            return false;
    }
    return true;
}

/* The last (nearest) element of a comma-separated list. */
static struct str last_of(struct str list)
{
    ptrdiff_t comma = str_rchr(list, ',');
    return str_trim(comma < 0 ? list : str_skip(list, (size_t)comma + 1));
}

static void apply_forwarded(const struct http_proxies *p, struct http_req *rq)
{
    struct str chain = http_header(rq, "X-Forwarded-For");
    /* From the nearest hop outwards: the first one that is not a proxy of ours is the client. */
    while (chain.n) {
        struct str hop = last_of(chain);
        unsigned char raw[16];
        bool v4;
        if (!parse_addr(hop, raw, &v4))
            break;
        rq->peer = arena_str(&rq->arena, hop);
        if (!is_trusted(p, hop))
            break;
        ptrdiff_t comma = str_rchr(chain, ',');
        chain = comma < 0 ? STR_NULL : str_head(chain, (size_t)comma);
    }
    struct str proto = last_of(http_header(rq, "X-Forwarded-Proto"));
    if (str_ieq(proto, STR("https")))
        rq->scheme = STR("https");
    else if (str_ieq(proto, STR("http")))
        rq->scheme = STR("http");
    struct str host = last_of(http_header(rq, "X-Forwarded-Host"));
    if (is_host(host))
        rq->host = host;
}

void http_proxies_apply(struct http_conn *c)
{
    struct http_req *rq = &c->rq;
    struct http_server *s = c->server;
    /* A copy: an upload whose client left outlives the connection. */
    rq->peer = arena_str(&rq->arena, str_from(c->link->peer));
    rq->scheme = s->is_tls ? STR("https") : STR("http");
    rq->host = http_header(rq, "Host");
    (void)pthread_rwlock_rdlock(&s->proxies_lock);
    if (s->proxies.n_trusted && is_trusted(&s->proxies, rq->peer))
        apply_forwarded(&s->proxies, rq);
    if (s->proxies.external_host) {
        rq->scheme = str_eqz(STR("https"), s->proxies.external_scheme) ? STR("https") : STR("http");
        rq->host = arena_str(&rq->arena, str_from(s->proxies.external_host));
    }
    (void)pthread_rwlock_unlock(&s->proxies_lock);
}
