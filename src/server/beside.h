/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beside: a data directory opened by a command that may work beside the server that owns it. It
 * takes no lock of the server's and migrates nothing; what it changes goes through the database,
 * which both share.
 */
#ifndef HAVEN_SERVER_BESIDE_H
#define HAVEN_SERVER_BESIDE_H

#include "base/config.h"
#include "registry/registry.h"

#define SERVER_DB_FILE "haven.db"

struct beside {
    int data_dir; /* descriptor */
    struct registry registry;
};

/* path: the directory, in place of the settings'. CONFIG: there is no data directory, or one of
 * another version. The caller closes. */
int beside_open(const char *path, const struct config *config, struct beside *ret, struct err *e);
void beside_autodone(struct beside *b);

#endif
