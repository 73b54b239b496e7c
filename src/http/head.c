/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request, from what libmicrohttpd parsed to struct http_req, and the refusal of what
 * the library lets through: several or contradicting lengths, codings it does not undo, NUL bytes
 * that cut values short.
 */
#include "http/internal.h"
#include "http/target.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <stdio.h>

struct head_walk {
    struct http_conn *c;
    size_t n;
    size_t bytes; /* of the header lines in their plain form "Name: value\r\n" */
    bool dirty;   /* a name or value holds a control character */
};

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
            return true;
    return false;
}

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                      size_t key_n, const char *value, size_t value_n)
{
    (void)kind;
    struct head_walk *w = cls;
    struct http_req *rq = &w->c->rq;
    w->bytes += key_n + value_n + 4;
    w->dirty = w->dirty || has_control(str_of(key, key_n)) || has_control(str_of(value, value_n));
    if (w->n < LIMIT_HTTP_HEADERS)
        rq->headers[w->n] = (struct http_param){
            .key = arena_str(&rq->arena, str_of(key, key_n)),
            .value = arena_str(&rq->arena, str_trim(str_of(value, value_n))),
        };
    w->n++;
    return MHD_YES;
}

/* How often a header occurs; *ret becomes its first value. */
static size_t count_header(const struct http_req *rq, const char *name, struct str *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < rq->n_headers; i++) {
        if (!str_ieq(rq->headers[i].key, str_from(name)))
            continue;
        if (n++ == 0)
            *ret = rq->headers[i].value;
    }
    return n;
}

/*
 * libmicrohttpd 0.9.75 (Debian 12) treats header lines as C strings: what stands behind a NUL
 * vanishes, and folded lines are joined. It does say how long the head was: a head longer than the
 * sum of what was parsed hid something. (Later versions refuse both themselves.)
 */
static bool head_hides_bytes(struct http_conn *c, const char *method, const char *version,
                             size_t header_bytes)
{
    if (strcmp(MHD_get_version(), "0.9.75") != 0)
        return false;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t plain = strlen(method) + 1 + strlen(c->uri) + 1 + strlen(version) + 2 + header_bytes + 2;
    return info && info->header_size > plain;
}

static int check_framing(struct http_conn *c, const char *version, struct err *e)
{
    struct http_req *rq = &c->rq;
    struct str te = STR_NULL, cl = STR_NULL, expect = STR_NULL, coding = STR_NULL;
    size_t n_te = count_header(rq, "Transfer-Encoding", &te);
    size_t n_cl = count_header(rq, "Content-Length", &cl);
    uint64_t length;

    rq->content_length = -1;
    if (n_te && n_cl)
        return ERR(e, BAD_REQUEST, "both Transfer-Encoding and Content-Length are given; send one");
    if (n_cl > 1)
        return ERR(e, BAD_REQUEST, "Content-Length is given %zu times; send it once", n_cl);
    if (n_te > 1 || (n_te && !str_ieq(te, STR("chunked"))))
        return ERR(e, CODING_UNSUPPORTED, "transfer coding \"%.*s\" is not supported; use chunked",
                   S(te));
    if (n_te && strcmp(version, "HTTP/1.0") == 0)
        return ERR(e, BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding");
    if (n_cl) {
        if (!str_u64(cl, 0, INT64_MAX, &length))
            return ERR(e, BAD_REQUEST, "Content-Length \"%.*s\" is not a length", S(cl));
        rq->content_length = (int64_t)length;
    }
    rq->has_body = n_te || rq->content_length > 0;
    if (count_header(rq, "Content-Encoding", &coding) && !str_ieq(coding, STR("identity")) &&
        coding.n)
        return ERR(e, CONTENT_CODING,
                   "content coding \"%.*s\" is not accepted; send the bytes as they are",
                   S(coding));
    if (count_header(rq, "Expect", &expect)) {
        if (!str_ieq(expect, STR("100-continue")))
            return ERR(e, EXPECTATION_FAILED, "the only expectation supported is 100-continue");
        c->expects = rq->has_body && strcmp(version, "HTTP/1.0") != 0;
    }
    return 0;
}

static int check_host(struct http_conn *c, const char *version, struct err *e)
{
    struct str host = STR_NULL;
    size_t n = count_header(&c->rq, "Host", &host);
    if (n > 1)
        return ERR(e, BAD_REQUEST, "Host is given %zu times; send it once", n);
    if (n == 0 && strcmp(version, "HTTP/1.0") != 0)
        return ERR(e, BAD_REQUEST, "the request has no Host header");
    for (size_t i = 0; i < host.n; i++) {
        char h = host.p[i];
        bool ok = (h >= 'a' && h <= 'z') || (h >= 'A' && h <= 'Z') || (h >= '0' && h <= '9') ||
                  strchr(".-_:[]", h);
        if (!ok)
            return ERR(e, BAD_REQUEST, "the Host header is not a host name");
    }
    return 0;
}

static void set_request_id(struct http_conn *c)
{
    struct http_req *rq = &c->rq;
    struct str given = http_header(rq, "X-Request-Id");
    bool sane = given.n > 0 && given.n < sizeof(rq->id);
    for (size_t i = 0; sane && i < given.n; i++) {
        char ch = given.p[i];
        sane = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
               ch == '-' || ch == '_' || ch == '.';
    }
    if (sane)
        (void)snprintf(rq->id, sizeof(rq->id), "%.*s", S(given));
    else
        (void)snprintf(rq->id, sizeof(rq->id), "%016llx%012llx",
                       (unsigned long long)c->server->id_prefix,
                       (unsigned long long)atomic_fetch_add(&c->server->id_next, 1));
}

static int parse_method(struct http_req *rq, const char *method, struct err *e)
{
    struct str m = str_from(method);
    rq->head = str_eq(m, STR("HEAD"));
    if (rq->head)
        return 0;
    for (int i = 0; i < HTTP_METHOD_COUNT; i++) {
        if (str_eqz(m, http_method_name((enum http_method)i))) {
            rq->method = (enum http_method)i;
            return 0;
        }
    }
    return ERR(e, UNSUPPORTED, "the method %.*s is not supported", S(str_head(m, 32)));
}

int http_head_parse(struct http_conn *c, const char *method, const char *version, struct err *e)
{
    struct http_req *rq = &c->rq;
    struct head_walk w = {.c = c};
    rq->content_length = -1;
    rq->headers = ARENA_ARRAY(&rq->arena, LIMIT_HTTP_HEADERS, struct http_param);
    (void)MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, collect_header, &w);
    rq->n_headers = MIN_OF(w.n, (size_t)LIMIT_HTTP_HEADERS);
    set_request_id(c);
    http_proxies_apply(c);

    int r = 0;
    if (w.n > LIMIT_HTTP_HEADERS)
        r = ERR(e, HEAD_TOO_LARGE, "the request has more than %d headers", LIMIT_HTTP_HEADERS);
    else if (w.dirty || head_hides_bytes(c, method, version, w.bytes))
        r = ERR(e, BAD_REQUEST,
                "the head contains control characters, folded lines or stray blanks");
    else if (check_framing(c, version, e) < 0 || check_host(c, version, e) < 0)
        r = -1;
    if (r < 0) {
        /* Where the framing is in doubt the connection must not be used again. */
        METRIC_ADD(http_refused_heads, 1);
        http_close_after(rq);
        rq->has_body = true; /* for all we know */
        rq->content_length = -1;
        c->expects = false;
        return -1;
    }
    struct http_target target = {0};
    if (http_target_parse(&rq->arena, str_from(c->uri), &target, e) < 0)
        return -1;
    rq->raw_path = target.raw_path;
    rq->path = target.path;
    rq->query = target.query;
    rq->n_query = target.n_query;
    if (strcmp(method, "OPTIONS") == 0) /* answered by the router */
        return 0;
    return parse_method(rq, method, e);
}
