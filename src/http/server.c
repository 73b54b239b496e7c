/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, POLL_MS = 20 };

static __attribute__((format(printf, 2, 0))) void mhd_log(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    if (!log_enabled(LOG_DEBUG))
        return;
    struct buf line;
    buf_init(&line, LIMIT_LOG_LINE);
    buf_vaddf(&line, fmt, ap);
    while (line.n && line.p[line.n - 1] == '\n')
        buf_cut(&line, line.n - 1);
    LOG(DEBUG, "http.library", log_str("message", buf_str(&line)));
    buf_done(&line);
}

static void on_connection(void *server, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        http_link_add(server, mhd, socket_context);
    else
        http_link_remove(server, socket_context);
}

/* Paths are decoded by us, from the raw address; the library's own decoding would cut at %00. */
static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls;
    (void)mhd;
    return strlen(s);
}

/* "host:port", "[v6]:port"; a bare ":port" means every address. */
static int listen_on(struct http_server *s, struct err *e)
{
    struct str text = str_from(s->conf.listen), host, port;
    ptrdiff_t colon = str_rchr(text, ':');
    uint64_t number;
    if (colon < 0)
        return ERR(e, CONFIG, "listen: \"%s\" must be ADDRESS:PORT", s->conf.listen);
    host = str_head(text, (size_t)colon);
    port = str_skip(text, (size_t)colon + 1);
    if (!str_u64(port, 0, 65535, &number))
        return ERR(e, CONFIG, "listen: \"%.*s\" is not a port", S(port));
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_of(host.p + 1, host.n - 2);
    AUTO_FREE char *host_z = mem_strndup(host.n ? host.p : "", host.n);
    AUTO_FREE char *port_z = mem_strndup(port.p, port.n);
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    int r = getaddrinfo(host.n ? host_z : NULL, port_z, &hints, &found);
    if (r != 0)
        return ERR(e, CONFIG, "listen: \"%s\": %s", s->conf.listen, gai_strerror(r));
    int one = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_storage bound = {0};
    socklen_t bound_n = sizeof(bound);
    int why = 0;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &bound_n) < 0)
        why = errno;
    freeaddrinfo(found);
    if (why) {
        if (fd >= 0)
            (void)close(fd);
        if (why == EADDRINUSE)
            return ERR(e, CONFIG,
                       "listen: %s is in use by another program; stop it or choose another port",
                       s->conf.listen);
        return err_set(e, ERR_CONFIG, why, __FILE__, __LINE__, "listen: %s", s->conf.listen);
    }
    in_port_t at;
    if (bound.ss_family == AF_INET)
        memcpy(&at, (char *)&bound + offsetof(struct sockaddr_in, sin_port), sizeof(at));
    else
        memcpy(&at, (char *)&bound + offsetof(struct sockaddr_in6, sin6_port), sizeof(at));
    s->port = ntohs(at);
    s->listen_fd = fd;
    return 0;
}

static int start_daemon(struct http_server *s, struct err *e)
{
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[3] = {{MHD_OPTION_END, 0, NULL}};
    if (s->is_tls) {
        flags |= MHD_USE_TLS;
        tls[0] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, http_tls_callback(s->tls)};
        tls[1] = (struct MHD_OptionItem){
            MHD_OPTION_HTTPS_PRIORITIES, 0,
            (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"};
        tls[2] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    }
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, http_on_request, s, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, s,
        MHD_OPTION_LISTEN_SOCKET, s->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, s->conf.io_threads,
        MHD_OPTION_CONNECTION_LIMIT, s->conf.max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        s->conf.max_connections_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)LIMIT_HTTP_CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)((s->conf.idle_timeout_ms + 999) / 1000), MHD_OPTION_NOTIFY_COMPLETED,
        http_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_URI_LOG_CALLBACK, http_on_uri, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        NULL, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!s->daemon)
        return ERR(e, INTERNAL, "the HTTP listener could not be started");
    return 0;
}

/* Frees what start made, in any state of it. */
static void server_free(struct http_server *s)
{
    pool_free(s->workers);
    pool_free(s->byte_workers);
    http_tls_free(s->tls);
    http_proxies_done(&s->proxies);
    if (s->listen_fd >= 0)
        (void)close(s->listen_fd);
    if (s->watcher_stop >= 0)
        (void)close(s->watcher_stop);
    (void)pthread_rwlock_destroy(&s->proxies_lock);
    mutex_done(&s->links_lock);
    mem_free(s->stats);
    mem_free(s);
}

struct http_server *http_server_start(const struct http_server_config *c,
                                      const struct http_app *app, struct err *e)
{
    struct http_server *s = NEW(struct http_server);
    s->conf = *c;
    s->app = app;
    s->listen_fd = -1;
    s->watcher_stop = eventfd(0, EFD_CLOEXEC);
    (void)pthread_rwlock_init(&s->proxies_lock, NULL);
    mutex_init(&s->links_lock, "links");
    random_bytes(&s->id_prefix, sizeof(s->id_prefix));
    for (size_t i = 0; i < app->n_groups; i++)
        s->n_stats += app->groups[i].n;
    s->stats = NEW_ARRAY(s->n_stats + 1, struct http_route_stats);
    s->is_tls = c->tls_cert && c->tls_cert[0];
    if (s->watcher_stop < 0) {
        (void)ERR_SYS(e, "making an eventfd");
        server_free(s);
        return NULL;
    }
    if (http_proxies_load(&s->proxies, c, e) < 0 ||
        (s->is_tls && http_tls_load(&s->tls, c->tls_cert, c->tls_key, e) < 0) ||
        listen_on(s, e) < 0) {
        server_free(s);
        return NULL;
    }
    s->workers = pool_new("worker", c->workers);
    s->byte_workers = pool_new("bytes", c->byte_workers);
    if (start_daemon(s, e) < 0) {
        server_free(s);
        return NULL;
    }
    if (thread_start(&s->watcher, "watcher", http_watcher, s, e) < 0) {
        MHD_stop_daemon(s->daemon);
        s->listen_fd = -1; /* closed with the daemon */
        server_free(s);
        return NULL;
    }
    return s;
}

int http_server_reload(struct http_server *s, const struct http_server_config *c, struct err *e)
{
    if (s->is_tls) {
        if (http_tls_load(&s->tls, c->tls_cert, c->tls_key, e) < 0)
            return -1;
        (void)http_tls_callback(s->tls);
    }
    (void)pthread_rwlock_wrlock(&s->proxies_lock);
    int r = http_proxies_load(&s->proxies, c, e);
    (void)pthread_rwlock_unlock(&s->proxies_lock);
    return r;
}

unsigned http_server_port(const struct http_server *s)
{
    return s->port;
}

bool http_server_tls(const struct http_server *s)
{
    return s->is_tls;
}

/* Waits until no request is alive, closing what is idle on the way. */
static bool wait_idle(struct http_server *s, int64_t ms, bool all)
{
    int64_t end = clock_mono_ms() + ms;
    for (;;) {
        http_links_shutdown(s, all);
        if (atomic_load(&s->active) == 0)
            return true;
        if (clock_mono_ms() >= end)
            return false;
        clock_sleep_us(POLL_MS * INT64_C(1000));
    }
}

/* A socket that listens where nobody asks, or -1. */
static int idle_listener(void)
{
    const struct sockaddr_in nowhere = {.sin_family = AF_INET,
                                        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    AUTOFD fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&nowhere, sizeof(nowhere)) < 0 ||
        listen(fd, 0) < 0)
        return -1;
    return TAKE_FD(fd);
}

/*
 * From here on connections are refused. MHD_quiesce_daemon would do that, too, and now and then
 * ends the process: it and the I/O threads take the listener out of the same epoll sets, and
 * whoever comes second takes the answer for a bug ("Failed to remove listen FD", open in 0.9.77 and
 * 1.0). So the listener is closed beneath its number: the kernel forgets it in every epoll set, and
 * the number stands for one that nobody connects to until MHD closes it.
 */
static void stop_listening(struct http_server *s)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    AUTOFD idle = idle_listener();

    if (info && idle >= 0 && dup3(idle, info->listen_fd, O_CLOEXEC) >= 0)
        return;
    int fd = MHD_quiesce_daemon(s->daemon);
    if (fd >= 0)
        (void)close(fd);
}

void http_server_stop(struct http_server *s, int64_t drain_ms)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    stop_listening(s);
    s->listen_fd = -1; /* closed with the daemon */
    if (!wait_idle(s, drain_ms, false)) {
        LOG(WARN, "http.stop", log_strz("reason", "transfers were cut off"),
            log_i64("requests", atomic_load(&s->active)));
        /* Ended connections make MHD complete their requests; suspended ones are resumed by their
         * workers, which are never waiting for a client. */
        while (!wait_idle(s, 1000, true))
            ;
    }
    (void)eventfd_write(s->watcher_stop, 1);
    (void)pthread_join(s->watcher, NULL);
    MHD_stop_daemon(s->daemon);
    server_free(s);
}

/* ---- metrics ---- */

static const int codes[HTTP_CODES] = {200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 400,
                                      401, 403, 404, 405, 408, 409, 411, 412, 413, 414, 415,
                                      416, 417, 422, 429, 431, 500, 501, 502, 503, 504, 507};
static const int64_t bounds_us[] = {250,   500,    1000,   2500,    5000,    10000,   25000,
                                    50000, 100000, 250000, 1000000, 5000000, 60000000};

static size_t stats_index(struct http_server *s, const struct http_route *route)
{
    size_t at = 0;
    for (size_t i = 0; route && i < s->app->n_groups; i++) {
        const struct http_group *g = &s->app->groups[i];
        if (route >= g->routes && route < g->routes + g->n)
            return at + (size_t)(route - g->routes);
        at += g->n;
    }
    return s->n_stats;
}

void http_stats_count(struct http_server *s, const struct http_req *rq)
{
    struct http_route_stats *st = &s->stats[stats_index(s, rq->route)];
    int64_t us = clock_mono_us() - rq->started_us;
    size_t code = 0, bucket = 0;
    while (code < HTTP_CODES - 1 && codes[code] && codes[code] != rq->status)
        code++;
    while (bucket < ARRAY_LEN(bounds_us) && us > bounds_us[bucket])
        bucket++;
    (void)atomic_fetch_add_explicit(&st->by_code[code], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&st->buckets[bucket], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&st->sum_us, (uint64_t)us, memory_order_relaxed);
}

static void write_route(const struct http_route_stats *st, const char *name, struct buf *counts,
                        struct buf *times)
{
    uint64_t total = 0;
    for (size_t i = 0; i < HTTP_CODES; i++) {
        uint64_t n = atomic_load_explicit(&st->by_code[i], memory_order_relaxed);
        if (n)
            buf_addf(counts, "haven_http_requests_total{route=\"%s\",code=\"%d\"} %llu\n", name,
                     codes[i], (unsigned long long)n);
    }
    for (size_t i = 0; i <= ARRAY_LEN(bounds_us); i++)
        total += atomic_load_explicit(&st->buckets[i], memory_order_relaxed);
    if (!total)
        return;
    uint64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(bounds_us); i++) {
        sum += atomic_load_explicit(&st->buckets[i], memory_order_relaxed);
        buf_addf(times, "haven_http_request_seconds_bucket{route=\"%s\",le=\"%g\"} %llu\n", name,
                 (double)bounds_us[i] / 1e6, (unsigned long long)sum);
    }
    buf_addf(times, "haven_http_request_seconds_bucket{route=\"%s\",le=\"+Inf\"} %llu\n", name,
             (unsigned long long)total);
    buf_addf(times, "haven_http_request_seconds_sum{route=\"%s\"} %.6f\n", name,
             (double)atomic_load_explicit(&st->sum_us, memory_order_relaxed) / 1e6);
    buf_addf(times, "haven_http_request_seconds_count{route=\"%s\"} %llu\n", name,
             (unsigned long long)total);
}

void http_server_metrics(struct http_server *s, struct buf *out)
{
    struct buf times;
    buf_init(&times, 4 << 20);
    buf_addz(out, "# HELP haven_http_requests_total Requests answered, by route and status.\n"
                  "# TYPE haven_http_requests_total counter\n");
    size_t at = 0;
    for (size_t i = 0; i < s->app->n_groups; i++)
        for (size_t k = 0; k < s->app->groups[i].n; k++)
            write_route(&s->stats[at++], s->app->groups[i].routes[k].name, out, &times);
    write_route(&s->stats[s->n_stats], "none", out, &times);
    buf_addz(out, "# HELP haven_http_request_seconds Time from a request's first line to its end.\n"
                  "# TYPE haven_http_request_seconds histogram\n");
    buf_adds(out, buf_str(&times));
    buf_done(&times);
}

const char *http_server_library(void)
{
    return MHD_get_version();
}
