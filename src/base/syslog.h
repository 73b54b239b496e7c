/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog: messages of RFC 5424 to a server, by TCP with the lengths of RFC 6587 3.4.1. TCP tells
 * only that the other side was there: what it had taken and not written when it fell is lost to it.
 */
#ifndef HAVEN_BASE_SYSLOG_H
#define HAVEN_BASE_SYSLOG_H

#include "base/buf.h"
#include "base/err.h"

/* "host:port", "[::1]:514". The descriptor, or -1: NETWORK says why. Waits for some seconds. */
int syslog_connect(struct str endpoint, struct err *e);
/* Sends all of it, or NETWORK. */
int syslog_send(int fd, struct str bytes, struct err *e);

struct syslog_param {
    const char *name;
    struct str value;
};
/* Appends one message of facility "log audit" and severity "informational", framed. at_ms: UTC. */
void syslog_add(struct buf *out, int64_t at_ms, const char *id, const struct syslog_param *params,
                size_t n, struct str text);

#endif
