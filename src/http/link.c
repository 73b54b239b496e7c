/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and their deadlines. libmicrohttpd's timeout is one of inactivity: a client that
 * sends a byte a second lives for ever. The watcher looks at every connection a few times a second:
 *
 *   idle     head bytes have begun to arrive (the kernel counts bytes received) → head_timeout from
 * then body     bytes in the window below the least rate → closed; time spent waiting for us does
 * not count busy     the peer has reset the connection → gone; work that has not begun is skipped
 *   linger   answered early: a few seconds, then closed
 *
 * It ends a connection by shutdown(2) only. MHD announces the end of a connection before it closes
 * the descriptor and http_link_remove takes the same lock, so the descriptor is never one of
 * another's.
 */
#include "http/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <arpa/inet.h>
#include <linux/tcp.h> /* the full struct tcp_info; <netinet/tcp.h> of glibc has a short one */
#include <poll.h>
#include <sys/socket.h>

void http_link_add(struct http_server *s, struct MHD_Connection *mhd, void **socket_context)
{
    struct http_link *l = NEW(struct http_link);
    l->server = s;
    l->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct sockaddr *sa =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    if (sa && sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        (void)inet_ntop(AF_INET, &in.sin_addr, l->peer, sizeof(l->peer));
    } else if (sa && sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
            (void)inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], l->peer, sizeof(l->peer));
        else
            (void)inet_ntop(AF_INET6, &in6.sin6_addr, l->peer, sizeof(l->peer));
    }
    atomic_store(&l->phase_since_ms, clock_mono_ms());
    mutex_lock(&s->links_lock);
    l->next = s->links;
    if (l->next)
        l->next->prev = l;
    s->links = l;
    mutex_unlock(&s->links_lock);
    METRIC_ADD(http_connections, 1);
    *socket_context = l;
}

void http_link_remove(struct http_server *s, void **socket_context)
{
    struct http_link *l = *socket_context;
    if (!l)
        return;
    mutex_lock(&s->links_lock);
    if (l->prev)
        l->prev->next = l->next;
    else
        s->links = l->next;
    if (l->next)
        l->next->prev = l->prev;
    mutex_unlock(&s->links_lock);
    METRIC_ADD(http_connections, -1);
    mem_free(l);
    *socket_context = NULL;
}

void http_link_phase(struct http_link *l, enum http_phase phase)
{
    atomic_store_explicit(&l->phase_since_ms, clock_mono_ms(), memory_order_relaxed);
    atomic_store_explicit(&l->phase, phase, memory_order_release);
}

static void end(struct http_link *l)
{
    (void)shutdown(l->fd, SHUT_RDWR);
}

static bool bytes_received(int fd, uint64_t *ret)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
        return false;
    *ret = info.tcpi_bytes_received;
    return true;
}

static void watch_idle(struct http_link *l, int64_t since, int64_t now)
{
    const struct http_server_config *c = &l->server->conf;
    uint64_t received;
    if (l->idle_seen_ms != since) { /* idle anew */
        l->idle_seen_ms = since;
        l->head_base_known = false;
        l->head_since_ms = 0;
    }
    if (now - since < c->head_timeout_ms / 4 || !bytes_received(l->fd, &received))
        return;
    if (!l->head_base_known) {
        /* A new connection has received nothing yet; on an old one what came before does not count.
         */
        l->head_base = atomic_load_explicit(&l->requests, memory_order_relaxed) == 0 ? 0 : received;
        l->head_base_known = true;
    }
    if (l->head_since_ms == 0 && received > l->head_base)
        l->head_since_ms =
            atomic_load_explicit(&l->requests, memory_order_relaxed) == 0 ? since : now;
    if (l->head_since_ms && now - l->head_since_ms > c->head_timeout_ms) {
        METRIC_ADD(http_head_timeouts, 1);
        end(l);
    }
}

/* libmicrohttpd takes a short read for the last one until epoll speaks again, and epoll has spoken
 * when the end came together with the last bytes: it would then wait for a body whose client is
 * gone, and the upload would be busy all the while. */
static bool has_ended(struct http_link *l, uint64_t bytes, int64_t now)
{
    char byte;
    if (recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) {
        l->end_since_ms = 0;
        return false;
    }
    if (l->end_since_ms == 0 || l->end_bytes != bytes) {
        l->end_since_ms = now;
        l->end_bytes = bytes;
    }
    return now - l->end_since_ms >= HTTP_END_MS;
}

static void watch_body(struct http_link *l, int64_t now)
{
    const struct http_server_config *c = &l->server->conf;
    uint64_t bytes = atomic_load_explicit(&l->body_bytes, memory_order_relaxed);
    if (has_ended(l, bytes, now)) {
        end(l);
        return;
    }
    if (c->body_min_rate == 0)
        return;
    if (l->window_since_ms == 0) {
        l->window_since_ms = now;
        l->window_bytes = bytes;
        return;
    }
    int64_t passed = now - l->window_since_ms;
    if (passed < c->body_rate_window_ms)
        return;
    if ((bytes - l->window_bytes) * 1000 / (uint64_t)passed < c->body_min_rate) {
        METRIC_ADD(http_slow_bodies, 1);
        end(l);
        return;
    }
    l->window_since_ms = now;
    l->window_bytes = bytes;
}

static void watch_busy(struct http_link *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLRDHUP};
    if (poll(&p, 1, 0) <= 0)
        return;
    if (p.revents & POLLRDHUP)
        atomic_store_explicit(&l->ended, true, memory_order_relaxed);
    /* Only a reset is certain: a FIN may be a half-close of a client that still reads. */
    if ((p.revents & (POLLERR | POLLHUP)) &&
        !atomic_exchange_explicit(&l->gone, true, memory_order_relaxed))
        METRIC_ADD(http_clients_gone, 1);
}

static void watch(struct http_link *l, int64_t now)
{
    int phase = atomic_load_explicit(&l->phase, memory_order_acquire);
    int64_t since = atomic_load_explicit(&l->phase_since_ms, memory_order_relaxed);
    if (phase != HTTP_BODY)
        l->window_since_ms = l->end_since_ms = 0;
    switch (phase) {
    case HTTP_IDLE:
        watch_idle(l, since, now);
        break;
    case HTTP_BODY:
        watch_body(l, now);
        break;
    case HTTP_BUSY:
        watch_busy(l);
        break;
    case HTTP_LINGER:
        if (now - since > HTTP_LINGER_MS)
            end(l);
        break;
    default:
        break;
    }
}

void *http_watcher(void *server)
{
    struct http_server *s = server;
    int64_t tick = MIN_OF(s->conf.head_timeout_ms / 8, s->conf.body_rate_window_ms / 8);
    tick = MAX_OF(20, MIN_OF(tick, 250));
    struct pollfd stop = {.fd = s->watcher_stop, .events = POLLIN};
    while (poll(&stop, 1, (int)tick) <= 0) {
        int64_t now = clock_mono_ms();
        mutex_lock(&s->links_lock);
        for (struct http_link *l = s->links; l; l = l->next)
            watch(l, now);
        mutex_unlock(&s->links_lock);
    }
    return NULL;
}

void http_links_shutdown(struct http_server *s, bool all)
{
    mutex_lock(&s->links_lock);
    for (struct http_link *l = s->links; l; l = l->next)
        if (all || atomic_load(&l->phase) == HTTP_IDLE)
            end(l);
    mutex_unlock(&s->links_lock);
}
