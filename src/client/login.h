/* SPDX-License-Identifier: Apache-2.0 */
/* login: proves credentials to a registry, then keeps them where every client finds them
 * (docker_config.h). */
#ifndef HAVEN_CLIENT_LOGIN_H
#define HAVEN_CLIENT_LOGIN_H

#include "client/transport.h"

/* UNAUTHORIZED when the registry refuses them; nothing is stored then. USAGE: a name with a colon
 * or a control character, which Basic cannot carry (RFC 7617 2). options->credential is set here.
 */
int login_store(const struct transport_host *host, const struct credential *cred,
                const struct transport_options *options, struct err *e);
/* 1 forgotten, 0 there was nothing, -1 error. */
int login_forget(const struct transport_host *host, struct err *e);

#endif
