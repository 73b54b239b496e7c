/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: what handlers say, turned into a response of libmicrohttpd, or into bytes on the socket.
 */
#include "http/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADERS_MAX = 256 };

struct str http_header(const struct http_req *rq, const char *name)
{
    for (size_t i = 0; i < rq->n_headers; i++)
        if (str_ieq(rq->headers[i].key, str_from(name)))
            return rq->headers[i].value;
    return STR_NULL;
}

struct str http_param(const struct http_req *rq, const char *name)
{
    for (size_t i = 0; i < rq->n_params; i++)
        if (str_eqz(rq->params[i].key, name))
            return rq->params[i].value;
    err_bug(__FILE__, __LINE__, name);
}

bool http_query_next(const struct http_req *rq, const char *name, size_t *at, struct str *ret)
{
    while (*at < rq->n_query) {
        const struct http_param *q = &rq->query[(*at)++];
        if (str_eqz(q->key, name)) {
            *ret = q->value;
            return true;
        }
    }
    return false;
}

struct str http_query(const struct http_req *rq, const char *name)
{
    size_t at = 0;
    struct str value = STR_NULL;
    (void)http_query_next(rq, name, &at, &value);
    return value;
}

const char *http_base_url(struct http_req *rq)
{
    return arena_printf(&rq->arena, "%.*s://%.*s", S(rq->scheme), S(rq->host));
}

void http_set_header(struct http_req *rq, const char *name, struct str value)
{
    struct http_reply_state *r = rq->reply;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return;
    if (r->n_headers == HEADERS_MAX)
        return;
    if (r->n_headers == r->cap_headers) {
        size_t cap = r->cap_headers ? 2 * r->cap_headers : 8;
        struct http_param *more = ARENA_ARRAY(&rq->arena, cap, struct http_param);
        if (r->n_headers)
            memcpy(more, r->headers, r->n_headers * sizeof(more[0]));
        r->headers = more;
        r->cap_headers = cap;
    }
    r->headers[r->n_headers++] = (struct http_param){
        .key = str_from(name),
        .value = arena_str(&rq->arena, value),
    };
}

void http_set_headerf(struct http_req *rq, const char *name, const char *fmt, ...)
{
    struct buf b;
    buf_init(&b, 16384);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    if (buf_ok(&b))
        http_set_header(rq, name, buf_str(&b));
    buf_done(&b);
}

int http_reply(struct http_req *rq, int status, const char *content_type, struct str body)
{
    struct http_reply_state *r = rq->reply;
    r->status = status;
    r->content_type = content_type;
    r->body = body;
    r->segs = NULL;
    r->n_segs = 0;
    r->size = body.n;
    r->set = true;
    rq->status = status;
    return 0;
}

int http_reply_empty(struct http_req *rq, int status)
{
    return http_reply(rq, status, NULL, STR(""));
}

int http_reply_buf(struct http_req *rq, int status, const char *content_type, struct buf *take_body)
{
    size_t n = take_body->n;
    char *p = buf_take(take_body);
    struct str body = str_of(p, n);
    arena_defer(&rq->arena, mem_free, p);
    return http_reply(rq, status, content_type, body);
}

int http_reply_segs(struct http_req *rq, int status, const char *content_type,
                    const struct http_seg *segs, size_t n)
{
    (void)http_reply(rq, status, content_type, STR(""));
    rq->reply->segs = segs;
    rq->reply->n_segs = n;
    rq->reply->size = 0;
    for (size_t i = 0; i < n; i++)
        rq->reply->size += segs[i].len;
    return 0;
}

void http_close_after(struct http_req *rq)
{
    rq->reply->close = true;
}

void http_reply_error(struct http_conn *c)
{
    c->rq.failed = &c->err;
    metrics_count_error(c->err.code);
    c->group->error(&c->rq, &c->err);
    BUG_ON(!c->reply.set);
}

static void add_header(struct MHD_Response *r, const char *name, struct str value)
{
    (void)MHD_add_response_header(r, name, value.p ? value.p : "");
}

void http_reply_build(struct http_conn *c)
{
    struct http_reply_state *r = &c->reply;
    if (!r->set || c->response)
        return;
    struct MHD_Response *m;
    if (r->n_segs)
        m = http_sender_response(c);
    else
        m = MHD_create_response_from_buffer(r->body.n, (void *)(uintptr_t)r->body.p,
                                            MHD_RESPMEM_PERSISTENT);
    BUG_ON(!m);
    if (r->content_type)
        add_header(m, "Content-Type", str_from(r->content_type));
    for (size_t i = 0; i < r->n_headers; i++)
        add_header(m, r->headers[i].key.p, r->headers[i].value);
    for (const char *const *h = c->group->headers; h && *h; h += 2)
        add_header(m, h[0], str_from(h[1]));
    add_header(m, "X-Request-Id", str_from(c->rq.id));
    add_header(m, "X-Content-Type-Options", STR("nosniff"));
    if (r->close)
        add_header(m, "Connection", STR("close"));
    c->rq.reply_bytes = c->rq.head ? 0 : r->size;
    METRIC_ADD(bytes_sent, c->rq.reply_bytes);
    c->response = m;
}

static void write_socket(struct http_conn *c, struct str bytes)
{
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (c->server->is_tls && tls && tls->tls_session) {
        (void)gnutls_record_send(tls->tls_session, bytes.p, bytes.n);
        (void)gnutls_bye(tls->tls_session, GNUTLS_SHUT_WR);
        return;
    }
    /* Nothing else has been sent on this connection since the last answer: it fits. */
    (void)send(c->link->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(c->link->fd, SHUT_WR);
}

void http_reply_raw(struct http_conn *c)
{
    struct http_reply_state *r = &c->reply;
    char date[CLOCK_TEXT_MAX];
    struct buf out;
    buf_init(&out, 256 * 1024);
    buf_addf(&out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status,
             MHD_get_reason_phrase_for((unsigned)r->status), clock_http_date(clock_now_ms(), date));
    buf_addf(&out, "Connection: close\r\nContent-Length: %zu\r\n", r->body.n);
    if (r->content_type)
        buf_addf(&out, "Content-Type: %s\r\n", r->content_type);
    for (size_t i = 0; i < r->n_headers; i++)
        buf_addf(&out, "%.*s: %.*s\r\n", S(r->headers[i].key), S(r->headers[i].value));
    for (const char *const *h = c->group->headers; h && *h; h += 2)
        buf_addf(&out, "%s: %s\r\n", h[0], h[1]);
    buf_addf(&out, "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\n\r\n", c->rq.id);
    if (!c->rq.head)
        buf_adds(&out, r->body);
    write_socket(c, buf_str(&out));
    buf_done(&out);
    if (c->response) {
        MHD_destroy_response(c->response);
        c->response = NULL;
    }
}
