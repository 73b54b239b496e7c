/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: builds the app from a configuration, serves until it is told to stop, takes it down in
 * order.
 *
 * SIGTERM and SIGINT stop gracefully (no new connections, transfers get http.drain_timeout); a
 * second one ends the process at once, which loses nothing that was acknowledged. SIGHUP reads the
 * configuration anew.
 */
#ifndef HAVEN_SERVER_SERVER_H
#define HAVEN_SERVER_SERVER_H

#include "base/config.h"

struct server_options {
    const struct config *config; /* checked; borrowed until server_run returns */
    /* Reads and checks all sources of the configuration again (SIGHUP) into *ret, which the caller
     * owns then. */
    int (*reload)(void *data, struct config *ret, struct err *e);
    void *reload_data;
    struct str admin_password; /* of the first administrator; STR_NULL: a random one */
};

/* Serves in the calling thread, which must be the only one; returns after a graceful stop. Prints
 * "haven: listening on URL" on standard output when it is ready. */
int server_run(const struct server_options *o, struct err *e);

#endif
