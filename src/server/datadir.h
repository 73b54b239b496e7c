/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datadir: the directory that one server owns, and the first administrator's password in it.
 *
 *     DATA/lock                             held (flock) while the server runs; holds its process
 * id DATA/initial-admin-password           the password made at the first start (mode 0600)
 *     DATA/initial-admin-password.pending   the same before it is known that the account has it
 */
#ifndef HAVEN_SERVER_DATADIR_H
#define HAVEN_SERVER_DATADIR_H

#include "access/access.h"
#include "base/arena.h"
#include "base/err.h"

struct datadir {
    const char *path; /* as configured, borrowed */
    int fd;
    int lock_fd;
};

/* Makes (mode 0700) and opens the directory and takes its lock. CONFLICT names the process that has
 * it. */
int datadir_open(const char *path, struct datadir *ret, struct err *e);
void datadir_close(struct datadir *d); /* NULL-safe on a zeroed struct with fd -1 */

/*
 * The first administrator's password, such that a crash between the account's row and the file
 * leaves a way in: it is kept as pending before the account is made, and published once the account
 * accepts it.
 */
/* The password to hand to access_open: `given` (from the environment) if it is not empty, else a
 * pending one, else a new one (kept as pending) when database `db_name` does not exist yet, else
 * STR_NULL. */
int datadir_first_password(struct datadir *d, struct arena *a, struct str given,
                           const char *db_name, struct str *ret, struct err *e);
/* After access_open: shows a pending (or generated) password that the account accepts, on standard
 * output if it is a terminal, else in the file; forgets one that it does not accept. */
int datadir_publish_password(struct datadir *d, struct arena *a, struct access *access,
                             struct str generated, struct err *e);
/* The first administrator has another password: the file that held it goes, if there is one. */
int datadir_forget_password(int dir, struct err *e);

#endif
