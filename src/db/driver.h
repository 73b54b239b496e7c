/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver: what the parts of db/ need of the driver beyond db.h. Not for other directories.
 */
#ifndef HAVEN_DB_DRIVER_H
#define HAVEN_DB_DRIVER_H

#include "db/db.h"

/* Runs several statements without parameters or results (migrations). */
int db_conn_script(struct db_conn *c, const char *sql, struct err *e);
/* Is there a table of this name? *ret_others: are there any other tables? */
int db_conn_has_table(struct db_conn *c, const char *name, bool *ret_has, bool *ret_others,
                      struct err *e);

/* Brings the schema up to date; *ret_version is what it is then. */
int db_migrate(struct db *db, int *ret_version, struct err *e);

#endif
