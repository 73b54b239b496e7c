/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_config: credentials where every registry client keeps them: docker's config.json
 * (DOCKER_CONFIG, else ~/.docker), its `auths`, and the helper programs named by `credHelpers` and
 * `credsStore` (docker-credential-NAME, the protocol of docker-credential-helpers).
 *
 * The file is replaced atomically with mode 0600, and members that are not ours stay as they were.
 * Hosts are "name[:port]"; docker.io stands under its historic key https://index.docker.io/v1/.
 * Any thread; a helper runs as a child process and is bounded in time and output.
 */
#ifndef HAVEN_CLIENT_DOCKER_CONFIG_H
#define HAVEN_CLIENT_DOCKER_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct credential {
    struct str username, password;
    struct str identity_token; /* a refresh token of the registry's token service; then the others
                                  are empty */
};

/* The folder: from the environment, in the arena. CONFIG when there is no home. */
int docker_config_dir(struct arena *a, const char **ret, struct err *e);

/* 1 found, 0 none for this host, -1 error (CONFIG: the file or a helper is broken). dir need not
 * exist. */
int docker_config_find(struct arena *a, const char *dir, struct str host, struct credential *ret,
                       struct err *e);
/* Stores user and password for host: by the helper that is configured for it, else in the file. */
int docker_config_store(struct arena *a, const char *dir, struct str host,
                        const struct credential *cred, struct err *e);
/* Forgets host: 1 done, 0 there was nothing, -1 error. */
int docker_config_erase(struct arena *a, const char *dir, struct str host, struct err *e);

#endif
