/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: the listener, its I/O threads, deadlines and workers, over libmicrohttpd (hidden here).
 *
 * http_server_start listens and returns; http_server_stop takes no new connection, lets transfers
 * run for drain_ms, then closes what is left. The application of struct http_app must outlive it.
 */
#ifndef HAVEN_HTTP_SERVER_H
#define HAVEN_HTTP_SERVER_H

#include "http/http.h"

struct http_server;

struct http_server_config {
    const char *listen;             /* "127.0.0.1:8080", "[::]:0" */
    const char *tls_cert, *tls_key; /* PEM files; NULL or "": plain */
    unsigned io_threads, workers, byte_workers;
    unsigned max_connections, max_connections_per_address;
    int64_t head_timeout_ms, idle_timeout_ms;
    uint64_t body_min_rate; /* bytes a second */
    int64_t body_rate_window_ms;
    uint64_t keepalive_requests;
    /* May change at a reload. */
    const char *external_url;
    const char *const *trusted_proxies;
    size_t n_trusted_proxies;
};

struct http_server *http_server_start(const struct http_server_config *c,
                                      const struct http_app *app, struct err *e);
/* Takes over external_url, trusted proxies and, with TLS, the certificate files read anew. */
int http_server_reload(struct http_server *s, const struct http_server_config *c, struct err *e);
/* The port in use (for port 0). */
unsigned http_server_port(const struct http_server *s);
bool http_server_tls(const struct http_server *s);
void http_server_stop(struct http_server *s, int64_t drain_ms);

/* The version of the library that holds the connections, "0.9.75". */
const char *http_server_library(void);

/* haven_http_requests_total{route,code} and haven_http_request_seconds{route} in Prometheus text.
 */
void http_server_metrics(struct http_server *s, struct buf *out);

#endif
