/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app: struct app (api/app.h) with everything below it, opened in order and closed in reverse, and
 * what follows from the settings.
 */
#ifndef HAVEN_SERVER_APP_H
#define HAVEN_SERVER_APP_H

#include "api/app.h"
#include "base/config.h"
#include "server/datadir.h"
#include "server/forward.h"

struct server_app {
    struct app app; /* first: what handlers get */
    struct datadir data;
    struct forward *forward; /* of the audit log */
    struct http_app http_app;
    /* Settings that the upkeep reads while a reload may change them. */
    _Atomic int64_t upload_expiry_ms;
};

/* Opens everything but the listener. first_password: as server_options. On failure nothing is left
 * open. */
int server_app_open(struct server_app *s, const struct config *c, struct str first_password,
                    struct err *e);
/* Starts the listener (app.http). */
int server_app_listen(struct server_app *s, const struct config *c, struct err *e);
/* Takes over what a reload may change. c must outlive the next call. */
int server_app_apply(struct server_app *s, const struct config *c, struct err *e);
/* After http_server_stop. */
void server_app_close(struct server_app *s);

/* Level and form of the log. */
void server_log_apply(const struct config *c);

#endif
