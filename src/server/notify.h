/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: tells the service manager how it stands (sd_notify(3)'s protocol: datagrams to the socket
 * that NOTIFY_SOCKET names). Without one, nothing happens. A manager that does not listen is no
 * reason to fail.
 */
#ifndef HAVEN_SERVER_NOTIFY_H
#define HAVEN_SERVER_NOTIFY_H

#include <stdint.h>

struct notify {
    int fd;              /* -1: nobody asked */
    int64_t watchdog_ms; /* WATCHDOG=1 is expected at least this often; 0: not at all */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
/* "READY=1", "STOPPING=1", … */
void notify_send(const struct notify *n, const char *state);

#endif
