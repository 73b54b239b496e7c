/* SPDX-License-Identifier: Apache-2.0 */
/* References: a tag or a digest on the server's side, and the full form that clients write. */
#include "oci/display.h"

#include "base/mem.h"

#include <stdio.h>

#define QUOTE_MAX 100
/* RFC 1035: a host name has at most 253 characters; a port adds six. */
#define HOST_MAX 253

int reference_parse(struct str s, struct reference *ret, struct err *e)
{
    struct reference r = {.is_digest = str_chr(s, ':') >= 0};
    if (r.is_digest ? digest_parse(s, &r.digest, e) < 0 : tag_parse(s, &r.tag, e) < 0)
        return -1;
    *ret = r;
    return 0;
}

struct str reference_str(const struct reference *r)
{
    return r->is_digest ? digest_str(&r->digest) : str_from(r->tag.text);
}

static bool is_tag_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

void tag_for_referrers(const struct digest *subject, struct tag *ret)
{
    struct tag t = {.text = ""};
    int n = snprintf(t.text, sizeof(t.text), "%.32s-%.64s", digest_alg_name(subject->alg),
                     digest_hex(subject));
    BUG_ON(n < 0 || (size_t)n >= sizeof(t.text));
    for (char *p = t.text; *p; p++)
        if (!is_tag_char(*p))
            *p = '-';
    *ret = t;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* Labels of letters, digits and inner '-', parted by single dots; IPv4 addresses have this form
 * too. */
static bool host_name_ok(struct str s)
{
    if (s.n == 0 || s.n > HOST_MAX)
        return false;
    do {
        struct str label = str_cut(&s, '.');
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!is_host_char(label.p[i]))
                return false;
    } while (s.p);
    return true;
}

static bool host_port_ok(struct str s)
{
    struct str port = STR_NULL;
    if (s.n && s.p[0] == '[') { /* RFC 3986 3.2.2: an IPv6 address in brackets */
        ptrdiff_t end = str_chr(s, ']');
        if (end < 3)
            return false;
        for (ptrdiff_t i = 1; i < end; i++)
            if (!is_hex(s.p[i]) && s.p[i] != ':' && s.p[i] != '.')
                return false;
        port = str_skip(s, (size_t)end + 1);
        if (port.n == 0)
            return true;
        if (port.p[0] != ':')
            return false;
        port = str_skip(port, 1);
    } else {
        port = s;
        if (!host_name_ok(str_cut(&port, ':')))
            return false;
        if (!port.p)
            return true;
    }
    uint64_t number;
    return str_u64(port, 1, 65535, &number);
}

/* Whether the first component of a reference is a host and not a part of a name: it holds a dot, a
 * port or brackets, or is "localhost". */
static bool looks_like_host(struct str s)
{
    return str_chr(s, '.') >= 0 || str_chr(s, ':') >= 0 || str_starts(s, STR("[")) ||
           str_ieq(s, STR("localhost"));
}

static int take_host(struct str whole, struct str host, bool any, struct remote_ref *ret,
                     struct err *e)
{
    if (!any && !looks_like_host(host))
        return ERR(e, NAME_INVALID,
                   "\"%.*s\" names no registry; write it as HOST[:PORT]/PROJECT/NAME[:TAG]",
                   S(str_head(whole, QUOTE_MAX)));
    if (host.n >= sizeof(ret->host) || !host_port_ok(host))
        return ERR(e, NAME_INVALID, "\"%.*s\" is not a host name with an optional port",
                   S(str_head(host, QUOTE_MAX)));
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        ret->host[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    ret->host[host.n] = '\0';
    return 0;
}

/* Takes "https://" or "http://" off *rest. */
static int take_scheme(struct str *rest, struct remote_ref *ret, struct err *e)
{
    static const char *const schemes[] = {"https", "http"};
    const char *sep = rest->n ? memmem(rest->p, rest->n, "://", 3) : NULL;
    if (!sep)
        return 0;
    struct str scheme = str_of(rest->p, (size_t)(sep - rest->p));
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!str_ieq(scheme, str_from(schemes[i])))
            continue;
        memcpy(ret->scheme, schemes[i], strlen(schemes[i]) + 1);
        *rest = str_skip(*rest, scheme.n + 3);
        return 0;
    }
    return ERR(e, NAME_INVALID, "\"%.*s\" is not a scheme of a registry; use https or http",
               S(str_head(scheme, QUOTE_MAX)));
}

/* What is a name is taken for one, though it may be a display id too. */
static int take_name(struct str name, struct remote_ref *ret, struct err *e)
{
    if (repo_name_parse(name, &ret->repo, NULL) == 0)
        return 0;
    if (display_encode(name, &ret->repo, e) < 0)
        return -1;
    memcpy(ret->display, name.p, name.n);
    return 0;
}

int remote_ref_parse(struct str s, struct remote_ref *ret, struct err *e)
{
    struct remote_ref r = {.host = ""};
    struct str rest = s;
    if (take_scheme(&rest, &r, e) < 0)
        return -1;
    struct str host = str_cut(&rest, '/');
    if (!rest.p || rest.n == 0)
        return ERR(e, NAME_INVALID,
                   "\"%.*s\" names no repository; write it as HOST/PROJECT/NAME[:TAG]",
                   S(str_head(s, QUOTE_MAX)));
    if (take_host(s, host, r.scheme[0] != '\0', &r, e) < 0)
        return -1;

    struct str digest = rest;
    struct str name = str_cut(&digest, '@');
    struct str tag = name;
    name = str_cut(&tag, ':');
    if (take_name(name, &r, e) < 0)
        return -1;
    if (tag.p && tag_parse(tag, &r.ref.tag, e) < 0)
        return -1;
    if (digest.p) { /* it decides what is meant; a tag beside it is kept for the reader */
        r.ref.is_digest = true;
        if (digest_parse(digest, &r.ref.digest, e) < 0)
            return -1;
    } else if (!tag.p) {
        memcpy(r.ref.tag.text, "latest", sizeof("latest"));
    }
    *ret = r;
    return 0;
}
