/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"
#include "http/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Handles kept between calls; more than this many threads at once just open new connections. */
#define IDLE_MAX 16
/* What libcurl reads and sends at once. */
#define RECEIVE_BUFFER (256 * 1024L)
#define SEND_BUFFER    (512 * 1024L)

struct http_client {
    char *ca_file;
    char *user_agent;
    bool insecure;
    int64_t connect_ms;
    int64_t stall_ms;
    struct mutex lock;
    CURL *idle[IDLE_MAX]; /* under lock */
    size_t n_idle;
};

/* One hop of one call. */
struct hop {
    const struct http_call *call;
    struct http_answer *answer;
    struct err *e;
    CURL *curl;
    bool failed; /* *e is set by us or by a callback of the caller */
    bool began;
    bool foreign;  /* another side named the address */
    uint64_t sent; /* position in the request body */
    uint64_t taken;
    size_t body_max;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_rc;

static void global_init(void)
{
    global_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http_client *http_client_new(const struct http_client_options *options, struct err *e)
{
    (void)pthread_once(&global_once, global_init);
    if (global_rc != CURLE_OK) {
        ERR(e, INTERNAL, "the HTTP client cannot start: %s", curl_easy_strerror(global_rc));
        return NULL;
    }
    if (options->ca_file && access(options->ca_file, R_OK) != 0) {
        ERR(e, CONFIG, "the CA file %s cannot be read", options->ca_file);
        return NULL;
    }
    struct http_client *c = NEW(struct http_client);
    c->ca_file = options->ca_file ? mem_strdup(options->ca_file) : NULL;
    c->user_agent = mem_strdup(options->user_agent ? options->user_agent : "haven");
    c->insecure = options->insecure;
    c->connect_ms = options->connect_ms ? options->connect_ms : HTTP_CLIENT_CONNECT_MS;
    c->stall_ms = options->stall_ms ? options->stall_ms : HTTP_CLIENT_STALL_MS;
    mutex_init(&c->lock, "http.client");
    return c;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_idle; i++)
        curl_easy_cleanup(c->idle[i]);
    mutex_done(&c->lock);
    mem_free(c->ca_file);
    mem_free(c->user_agent);
    mem_free(c);
}

static CURL *handle_take(struct http_client *c)
{
    CURL *h = NULL;
    mutex_lock(&c->lock);
    if (c->n_idle)
        h = c->idle[--c->n_idle];
    mutex_unlock(&c->lock);
    if (!h)
        h = curl_easy_init();
    BUG_ON(!h); /* only memory can lack */
    return h;
}

static void handle_give(struct http_client *c, CURL *h)
{
    curl_easy_reset(h);
    mutex_lock(&c->lock);
    if (c->n_idle < IDLE_MAX) {
        c->idle[c->n_idle++] = h;
        h = NULL;
    }
    mutex_unlock(&c->lock);
    if (h)
        curl_easy_cleanup(h);
}

void http_answer_init(struct http_answer *a)
{
    a->status = 0;
    buf_init(&a->head, LIMIT_CLIENT_HEAD);
    buf_init(&a->body, LIMIT_CLIENT_BODY);
    buf_init(&a->url, LIMIT_CLIENT_URL);
}

void http_answer_autodone(struct http_answer *a)
{
    buf_done(&a->head);
    buf_done(&a->body);
    buf_done(&a->url);
}

bool http_answer_next(const struct http_answer *a, const char *name, size_t *at, struct str *ret)
{
    while (*at < a->head.n) {
        struct str rest = str_skip(buf_str(&a->head), *at);
        struct str value = str_cut(&rest, '\n');
        *at += value.n + 1;
        struct str key = str_cut(&value, ':');
        if (value.p && str_ieq(key, str_from(name))) {
            *ret = str_trim(value);
            return true;
        }
    }
    return false;
}

struct str http_answer_header(const struct http_answer *a, const char *name)
{
    size_t at = 0;
    struct str value = STR_NULL;
    (void)http_answer_next(a, name, &at, &value);
    return value;
}

int64_t http_answer_retry_after_ms(const struct http_answer *a)
{
    char text[64];
    uint64_t seconds;
    struct str value = http_answer_header(a, "Retry-After");

    if (str_u64(value, 0, INT32_MAX, &seconds))
        return (int64_t)seconds * 1000;
    if (value.n == 0 || value.n >= sizeof(text))
        return -1;
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    time_t when = curl_getdate(text, NULL);
    if (when == (time_t)-1)
        return -1;
    int64_t ms = (int64_t)when * 1000 - clock_now_ms();
    return ms > 0 ? ms : 0;
}

static bool is_cancelled(const struct http_call *call)
{
    return call->cancel && atomic_load_explicit(call->cancel, memory_order_relaxed);
}

/* One line of a head; libcurl gives whole lines, status lines and the closing empty line included.
 */
static size_t on_head(char *p, size_t one, size_t n, void *self)
{
    struct hop *h = self;
    struct str line = str_of(p, one * n);
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    if (str_starts(line,
                   STR("HTTP/"))) { /* a new head: 100 Continue may stand before the real one */
        buf_reset(&h->answer->head);
        return one * n;
    }
    ptrdiff_t colon = str_chr(line, ':');
    bool folded = line.n && (*line.p == ' ' || *line.p == '\t');
    if (colon > 0 && !folded && !memchr(line.p, '\0', line.n)) {
        buf_adds(&h->answer->head, line);
        buf_addc(&h->answer->head, '\n');
    }
    if (!buf_ok(&h->answer->head)) {
        ERR(h->e, LIMIT, "the head of the answer is larger than %llu bytes", LIMIT_CLIENT_HEAD);
        h->failed = true;
        return 0;
    }
    return one * n;
}

static int status_of(CURL *curl)
{
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static int take_piece(struct hop *h, const char *p, size_t n)
{
    const struct http_call *call = h->call;
    if (is_cancelled(call))
        return ERR(h->e, CANCELLED, "cancelled");
    h->answer->status = status_of(h->curl);
    bool success = h->answer->status >= 200 && h->answer->status < 300;
    if (call->take && success) {
        if (!h->began && call->begin && call->begin(call->take_self, h->answer, h->e) < 0)
            return -1;
        h->began = true;
        if (n > call->take_max - h->taken)
            return ERR(h->e, LIMIT, "the answer is larger than the %llu bytes expected",
                       (unsigned long long)call->take_max);
        h->taken += n;
        return call->take(call->take_self, p, n, h->e);
    }
    struct buf *body = &h->answer->body;
    if (n > h->body_max - body->n) {
        if (success)
            return ERR(h->e, LIMIT, "the answer is larger than %zu bytes", h->body_max);
        n = h->body_max - body->n;
    }
    buf_add(body, p, n);
    return 0;
}

static size_t on_body(char *p, size_t one, size_t n, void *self)
{
    struct hop *h = self;
    if (n > 0 && take_piece(h, p, one * n) < 0) {
        h->failed = true;
        return CURL_WRITEFUNC_ERROR;
    }
    return one * n;
}

static size_t on_send(char *p, size_t one, size_t n, void *self)
{
    struct hop *h = self;
    const struct http_source *body = h->call->body;
    uint64_t left = body->length - h->sent;
    size_t want = one * n < left ? one * n : (size_t)left;
    size_t got = 0;

    if (want == 0)
        return 0;
    int rc = is_cancelled(h->call) ? ERR(h->e, CANCELLED, "cancelled")
                                   : body->read(body->self, p, want, &got, h->e);
    if (rc < 0) {
        h->failed = true;
        return CURL_READFUNC_ABORT;
    }
    BUG_ON(got == 0 || got > want);
    h->sent += got;
    return got;
}

/* libcurl sends a body again on a fresh connection when a kept one turned out to be dead. */
static int on_seek(void *self, curl_off_t offset, int origin)
{
    struct hop *h = self;
    const struct http_source *body = h->call->body;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > body->length || !body->seek)
        return CURL_SEEKFUNC_CANTSEEK;
    if (body->seek(body->self, (uint64_t)offset, h->e) < 0) {
        h->failed = true;
        return CURL_SEEKFUNC_FAIL;
    }
    h->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int on_progress(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct hop *h = self;
    (void)a, (void)b, (void)c, (void)d;
    if (!is_cancelled(h->call))
        return 0;
    if (!h->failed)
        ERR(h->e, CANCELLED, "cancelled");
    h->failed = true;
    return 1;
}

/* Names are resolved by then, so that none stands for an address that may not be reached. */
static curl_socket_t on_socket(void *self, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct hop *h = self;

    (void)purpose;
    if (h->foreign && http_address_is_link_local(&to->addr)) {
        if (!h->failed)
            ERR(h->e, REMOTE,
                "another side named an address that only this machine can reach; it is not "
                "followed");
        h->failed = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int fail(const struct hop *h, CURLcode rc, const char *detail, struct err *e)
{
    if (h->failed)
        return -1;
    const char *why = *detail ? detail : curl_easy_strerror(rc);
    switch (rc) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_LOGIN_DENIED:
        return ERR(e, REMOTE, "%s: %s", h->call->url, why);
    case CURLE_SSL_CACERT_BADFILE:
        return ERR(e, CONFIG, "%s", why);
    default:
        return ERR(e, NETWORK, "%s: %s", h->call->url, why);
    }
}

/* An option that libcurl does not take is a mistake in this file. */
#define SET(curl, option, value) BUG_ON(curl_easy_setopt((curl), (option), (value)) != CURLE_OK)

static void set_connection(CURL *curl, const struct http_client *c, const struct http_call *call,
                           const char *url, const char *origin)
{
    SET(curl, CURLOPT_URL, url);
    SET(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(curl, CURLOPT_FOLLOWLOCATION, 0L);
    SET(curl, CURLOPT_NOSIGNAL, 1L);
    SET(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(curl, CURLOPT_USERAGENT, c->user_agent);
    /* Bulk transfers want connections of their own, not streams of one. */
    SET(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(curl, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    SET(curl, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
    SET(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_ms);
    SET(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(curl, CURLOPT_LOW_SPEED_TIME, (long)((c->stall_ms + 999) / 1000));
    if (call->total_ms)
        SET(curl, CURLOPT_TIMEOUT_MS, (long)call->total_ms);
    if (c->insecure) {
        SET(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        SET(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (c->ca_file)
        SET(curl, CURLOPT_CAINFO, c->ca_file);
    const char *host = strstr(origin, "://");
    if (host && http_host_is_loopback(str_from(host + 3)))
        SET(curl, CURLOPT_NOPROXY, "*");
}

static void set_request(CURL *curl, struct hop *h, struct curl_slist *headers, char *detail)
{
    const struct http_call *call = h->call;
    const char *method = call->method;

    SET(curl, CURLOPT_ERRORBUFFER, detail);
    SET(curl, CURLOPT_HTTPHEADER, headers);
    SET(curl, CURLOPT_HEADERFUNCTION, on_head);
    SET(curl, CURLOPT_HEADERDATA, h);
    SET(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(curl, CURLOPT_OPENSOCKETDATA, h);
    SET(curl, CURLOPT_WRITEFUNCTION, on_body);
    SET(curl, CURLOPT_WRITEDATA, h);
    SET(curl, CURLOPT_NOPROGRESS, 0L);
    SET(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(curl, CURLOPT_XFERINFODATA, h);
    if (strcmp(method, "HEAD") == 0) {
        SET(curl, CURLOPT_NOBODY, 1L);
    } else if (call->body && call->body->length) {
        SET(curl, CURLOPT_UPLOAD, 1L);
        SET(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->body->length);
        SET(curl, CURLOPT_READFUNCTION, on_send);
        SET(curl, CURLOPT_READDATA, h);
        SET(curl, CURLOPT_SEEKFUNCTION, on_seek);
        SET(curl, CURLOPT_SEEKDATA, h);
        SET(curl, CURLOPT_CUSTOMREQUEST, method);
    } else if (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0) {
        SET(curl, CURLOPT_POSTFIELDSIZE, 0L);
        SET(curl, CURLOPT_POSTFIELDS, "");
        SET(curl, CURLOPT_CUSTOMREQUEST, method);
    } else {
        SET(curl, CURLOPT_CUSTOMREQUEST, method);
    }
}

/* A line that would split the head is refused: parts of it may come from the other side. */
static int add_header(struct curl_slist **list, const char *line, struct err *e)
{
    for (const char *p = line; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return ERR(e, REMOTE, "a control character in a value that was to be sent in a head");
    struct curl_slist *more = curl_slist_append(*list, line);
    BUG_ON(!more);
    *list = more;
    return 0;
}

static void slist_autodone(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static int make_headers(const struct http_call *call, bool authorized, struct curl_slist **ret,
                        struct err *e)
{
    bool typed = false;
    for (const char *const *p = call->headers; p && *p; p++) {
        typed = typed || str_ieq(str_head(str_from(*p), 13), STR("Content-Type:"));
        if (add_header(ret, *p, e) < 0)
            return -1;
    }
    /* libcurl would call an empty body a form. */
    if (!typed && add_header(ret, "Content-Type:", e) < 0)
        return -1;
    if (!authorized || !call->authorization)
        return 0;
    AUTO(buf) line = {0};
    buf_init(&line, LIMIT_CLIENT_HEAD);
    buf_addf(&line, "Authorization: %s", call->authorization);
    if (!buf_ok(&line))
        return ERR(e, LIMIT, "a credential is larger than %llu bytes", LIMIT_CLIENT_HEAD);
    return add_header(ret, line.p, e);
}

static int one_hop(struct http_client *c, const struct http_call *call, const char *url,
                   const char *origin, bool authorized, bool foreign, struct http_answer *a,
                   struct err *e)
{
    struct hop h = {.call = call, .answer = a, .e = e, .foreign = foreign};
    __attribute__((cleanup(slist_autodone))) struct curl_slist *headers = NULL;
    char detail[CURL_ERROR_SIZE] = "";

    if (make_headers(call, authorized, &headers, e) < 0)
        return -1;
    h.body_max = call->body_max ? call->body_max : LIMIT_CLIENT_BODY;
    a->status = 0;
    buf_reset(&a->head);
    buf_done(&a->body);
    buf_init(&a->body, h.body_max);
    h.curl = handle_take(c);
    set_connection(h.curl, c, call, url, origin);
    set_request(h.curl, &h, headers, detail);
    CURLcode rc = curl_easy_perform(h.curl);
    a->status = status_of(h.curl);
    int ret = rc == CURLE_OK ? 0 : fail(&h, rc, detail, e);
    handle_give(c, h.curl);
    return ret;
}

/* May this answer be followed? A body must be at hand again, and other methods than GET and HEAD
 * keep their meaning only with 307 and 308 (RFC 9110 15.4). */
static bool is_followed(const struct http_call *call, const struct http_answer *a)
{
    bool keeps = a->status == 307 || a->status == 308;
    bool safe = strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
    bool moved = a->status == 301 || a->status == 302 || a->status == 303;
    if (!keeps && !(safe && moved))
        return false;
    if (call->body && call->body->length && !call->body->seek)
        return false;
    return http_answer_header(a, "Location").n > 0;
}

int http_client_do(struct http_client *c, const struct http_call *call, struct http_answer *a,
                   struct err *e)
{
    AUTO(buf) url = {0};
    AUTO(buf) origin = {0};
    AUTO(buf) next = {0};
    bool authorized = true;

    buf_init(&url, LIMIT_CLIENT_URL);
    buf_init(&origin, LIMIT_CLIENT_URL);
    buf_init(&next, LIMIT_CLIENT_URL);
    buf_addz(&url, call->url);
    if (!buf_ok(&url))
        return ERR(e, LIMIT, "an address is longer than %d bytes", LIMIT_CLIENT_URL);
    if (http_url_origin(call->url, &origin, e) < 0)
        return -1;
    for (unsigned hops = 0;; hops++) {
        if (one_hop(c, call, url.p, origin.p, authorized, call->foreign || !authorized, a, e) < 0)
            return -1;
        buf_reset(&a->url);
        buf_adds(&a->url, buf_str(&url));
        if (!is_followed(call, a))
            return 0;
        if (hops == LIMIT_CLIENT_REDIRECTS)
            return ERR(e, REMOTE, "%s: more than %d redirects", call->url, LIMIT_CLIENT_REDIRECTS);
        if (http_url_resolve(a->url.p, http_answer_header(a, "Location"), &url, e) < 0 ||
            http_url_origin(url.p, &next, e) < 0)
            return err_wrap(e, "following a redirect of %s", call->url);
        if (str_starts(buf_str(&origin), STR("https:")) &&
            !str_starts(buf_str(&next), STR("https:")))
            return ERR(e, REMOTE, "%s: a redirect from https to http is not followed", call->url);
        if (!str_eq(buf_str(&origin), buf_str(&next)))
            authorized = false;
        buf_reset(&origin);
        buf_adds(&origin, buf_str(&next));
        if (call->body && call->body->length && call->body->seek(call->body->self, 0, e) < 0)
            return -1;
    }
}

static int memory_read(void *self, void *p, size_t n, size_t *ret_n, struct err *e)
{
    struct http_memory *m = self;
    (void)e;
    size_t left = m->bytes.n - m->at;
    if (n > left)
        n = left;
    memcpy(p, m->bytes.p + m->at, n);
    m->at += n;
    *ret_n = n;
    return 0;
}

static int memory_seek(void *self, uint64_t offset, struct err *e)
{
    struct http_memory *m = self;
    (void)e;
    m->at = (size_t)offset; /* never past the length, see on_seek */
    return 0;
}

struct http_source http_memory_source(struct http_memory *m)
{
    m->at = 0;
    return (struct http_source){
        .length = m->bytes.n, .read = memory_read, .seek = memory_seek, .self = m};
}
