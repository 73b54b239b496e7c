/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url: what a client must know about addresses: where a redirect leads, which origin an address
 * belongs to (RFC 6454: scheme, host, port), and whether a host is this machine.
 *
 * Addresses come from strangers: only http and https without a user name are accepted, and nothing
 * longer than LIMIT_CLIENT_URL. Pure functions; any thread.
 */
#ifndef HAVEN_HTTP_URL_H
#define HAVEN_HTTP_URL_H

#include "base/buf.h"
#include "base/err.h"

/* location (absolute or relative, RFC 3986 5.2) seen from base, normalised, without fragment:
 * replaces the content of ret (a buffer of at least LIMIT_CLIENT_URL). REMOTE. */
int http_url_resolve(const char *base, struct str location, struct buf *ret, struct err *e);
/* "https://host:443": lower case, the port always written. REMOTE. */
int http_url_origin(const char *url, struct buf *ret, struct err *e);
/* url with key=value appended to its query, value percent-encoded. REMOTE. */
int http_url_add_query(const char *url, const char *key, struct str value, struct buf *ret,
                       struct err *e);
/* host[:port] or [v6][:port] names this machine: "localhost", "*.localhost", 127.0.0.0/8, ::1. */
bool http_host_is_loopback(struct str host);

struct sockaddr;
/* An address that only machines of the same wire have, or the one of each machine where a cloud
 * tells it its secrets: 169.254.0.0/16, fe80::/10, fd00:ec2::254. */
bool http_address_is_link_local(const struct sockaddr *address);

#endif
