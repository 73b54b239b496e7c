/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses through libcurl's own parser, so that what is checked is what is connected to. */
#include "http/url.h"

#include "base/limits.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

static void curlu_autodone(CURLU **u)
{
    curl_url_cleanup(*u);
}
#define AUTO_CURLU __attribute__((cleanup(curlu_autodone))) CURLU *

static void curl_text_autodone(char **p)
{
    curl_free(*p);
}
#define AUTO_CURL_TEXT __attribute__((cleanup(curl_text_autodone))) char *

/* As much of a refused address as an error repeats. */
#define QUOTE_MAX 200

static int refused(struct str text, const char *why, struct err *e)
{
    return ERR(e, REMOTE, "the address \"%.*s\" is refused: %s", S(str_head(text, QUOTE_MAX)), why);
}

static int set_url(CURLU *u, const char *text, struct err *e)
{
    struct str s = str_from(text);
    if (s.n > LIMIT_CLIENT_URL)
        return refused(s, "it is too long", e);
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    if (rc != CURLUE_OK)
        return refused(s, curl_url_strerror(rc), e);
    AUTO_CURL_TEXT scheme = NULL;
    rc = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
    if (rc != CURLUE_OK)
        return refused(s, curl_url_strerror(rc), e);
    if (!str_ieq(str_from(scheme), STR("https")) && !str_ieq(str_from(scheme), STR("http")))
        return refused(s, "only http and https are followed", e);
    return 0;
}

static int put(CURLU *u, CURLUPart part, unsigned flags, struct buf *ret, struct err *e)
{
    AUTO_CURL_TEXT text = NULL;
    CURLUcode rc = curl_url_get(u, part, &text, flags);
    if (rc != CURLUE_OK)
        return ERR(e, REMOTE, "an address is refused: %s", curl_url_strerror(rc));
    buf_addz(ret, text);
    return buf_ok(ret) ? 0 : refused(str_from(text), "it is too long", e);
}

/* What a head cannot carry, and what a terminal should not see. */
static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return s.n > 0;
}

int http_url_resolve(const char *base, struct str location, struct buf *ret, struct err *e)
{
    AUTO_CURLU u = curl_url();
    char text[LIMIT_CLIENT_URL + 1];

    BUG_ON(!u);
    if (!is_clean(location))
        return ERR(e, REMOTE, "an address is refused: it is empty or holds blanks");
    if (location.n > LIMIT_CLIENT_URL)
        return refused(location, "it is too long", e);
    memcpy(text, location.p, location.n);
    text[location.n] = '\0';
    /* The second set resolves against the first. */
    if (set_url(u, base, e) < 0 || set_url(u, text, e) < 0)
        return -1;
    (void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    buf_reset(ret);
    return put(u, CURLUPART_URL, 0, ret, e);
}

int http_url_origin(const char *url, struct buf *ret, struct err *e)
{
    AUTO_CURLU u = curl_url();
    AUTO_CURL_TEXT host = NULL;

    BUG_ON(!u);
    if (set_url(u, url, e) < 0)
        return -1;
    buf_reset(ret);
    if (put(u, CURLUPART_SCHEME, 0, ret, e) < 0)
        return -1;
    CURLUcode rc = curl_url_get(u, CURLUPART_HOST, &host, 0);
    if (rc != CURLUE_OK)
        return refused(str_from(url), curl_url_strerror(rc), e);
    buf_addz(ret, "://");
    for (const char *p = host; *p; p++)
        buf_addc(ret, *p >= 'A' && *p <= 'Z' ? (char)(*p + ('a' - 'A')) : *p);
    buf_addc(ret, ':');
    return put(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, ret, e);
}

int http_url_add_query(const char *url, const char *key, struct str value, struct buf *ret,
                       struct err *e)
{
    AUTO_CURLU u = curl_url();
    AUTO(buf) pair = {0};

    BUG_ON(!u);
    if (set_url(u, url, e) < 0)
        return -1;
    buf_init(&pair, LIMIT_CLIENT_URL);
    buf_addf(&pair, "%s=%.*s", key, S(value));
    if (!buf_ok(&pair))
        return refused(str_from(url), "it is too long", e);
    CURLUcode rc = curl_url_set(u, CURLUPART_QUERY, pair.p, CURLU_APPENDQUERY | CURLU_URLENCODE);
    if (rc != CURLUE_OK)
        return refused(str_from(url), curl_url_strerror(rc), e);
    buf_reset(ret);
    return put(u, CURLUPART_URL, 0, ret, e);
}

bool http_host_is_loopback(struct str host)
{
    char text[INET6_ADDRSTRLEN + 1];
    struct in_addr v4;
    struct in6_addr v6;

    if (host.n && host.p[0] == '[') {
        ptrdiff_t end = str_chr(host, ']');
        if (end < 1 || (size_t)end > INET6_ADDRSTRLEN)
            return false;
        memcpy(text, host.p + 1, (size_t)end - 1);
        text[end - 1] = '\0';
        return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    struct str name = str_cut(&host, ':');
    if (str_ieq(name, STR("localhost")))
        return true;
    struct str suffix = STR(".localhost");
    if (name.n > suffix.n && str_ieq(str_skip(name, name.n - suffix.n), suffix))
        return true;
    if (name.n == 0 || name.n >= sizeof(text))
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return inet_pton(AF_INET, text, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

bool http_address_is_link_local(const struct sockaddr *address)
{
    static const uint8_t cloud[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> 16 == 0xa9fe;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&v6, address, sizeof(v6));
    const uint8_t *b = v6.sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return b[12] == 0xa9 && b[13] == 0xfe;
    return IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) || memcmp(b, cloud, sizeof(cloud)) == 0;
}
